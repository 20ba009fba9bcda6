//! Runs tags.

use std::sync::Arc;

use smallvec::SmallVec;

use super::frame::LoopState;
use super::{Frame, Rt, Scope, Slot};

use crate::callable::Strategy;
use crate::error::Error;
use crate::num;
use crate::program::{ApplyOp, CallEx, DeprecatedOp, Ex, ForOp, GrowOp, ImportOp, Op, WithOp};
use crate::text::escape;
use crate::value::{Array, V, Value};

impl Rt<'_> {
    pub(crate) fn run<'a>(&mut self, frame: &mut Frame<'a>, ops: &'a [Op]) -> Result<(), Error> {
        for op in ops {
            match op {
                Op::Text(range) if self.mapper.is_none() => self.out.extend_from_slice(frame.text(range)),
                // Most of what templates print is a text of the data, escaped where it lies.
                Op::Print(Ex::Escape(Strategy::Html, inner, _), line, _)
                    if let (Some(Value::Str(text)), None) = (frame.path(inner), &self.mapper) =>
                {
                    match self.burn() {
                        Ok(()) => escape::html(text.as_bytes(), &mut self.out),
                        refused => return self.located(frame, refused, *line),
                    }
                }
                _ => self.step(frame, op)?,
            }
        }
        Ok(())
    }

    fn step<'a>(&mut self, frame: &mut Frame<'a>, op: &'a Op) -> Result<(), Error> {
        match op {
            Op::Text(range) => {
                self.put_template(frame, frame.text(range), range.start);
                Ok(())
            }
            Op::Str(text, offset) => {
                self.put_template(frame, text.as_bytes(), *offset);
                Ok(())
            }
            Op::Print(ex, line, offset) => {
                let result = self.burn();
                self.located(frame, result, *line)?;
                frame.printing = *offset;
                let result = self.print(frame, ex);
                self.located(frame, result, *line)
            }
            Op::If(op) => {
                for (condition, line, body) in &op.branches {
                    let result = self.truth(frame, condition);
                    if self.located(frame, result, *line)? {
                        return self.run(frame, body);
                    }
                }
                self.run(frame, &op.otherwise)
            }
            Op::For(op) => self.for_loop(frame, op),
            Op::Set(slot, ex, line) => {
                self.burn()?;
                let result = self.eval(frame, ex);
                let value = self.located(frame, result, *line)?;
                frame.set(*slot, Slot::from_v(value));
                Ok(())
            }
            Op::Grow(op) => {
                self.burn()?;
                let result = self.grow(frame, op);
                self.located(frame, result, op.line)
            }
            Op::SetMany(slots, values, line) => {
                let mut results = Vec::with_capacity(values.len());
                for ex in values {
                    let result = self.eval(frame, ex);
                    results.push(self.located(frame, result, *line)?);
                }
                for (slot, value) in slots.iter().zip(results) {
                    frame.set(*slot, Slot::from_v(value));
                }
                Ok(())
            }
            Op::Capture(slot, body) => {
                let text = self.capture_markup(|rt| rt.run(frame, body))?;
                frame.set(*slot, Slot::Own(text));
                Ok(())
            }
            Op::Do(ex, line) => {
                self.burn()?;
                let result = self.eval(frame, ex).map(|_| ());
                self.located(frame, result, *line)
            }
            Op::Flush(line) => {
                let result = self.flush();
                self.located(frame, result, *line)
            }
            Op::Block(name, line) => {
                let result = self.show_block(frame, name);
                self.located(frame, result, *line)
            }
            Op::Include(op) => {
                let result = self.include_tag(frame, op);
                self.located(frame, result, op.line)
            }
            Op::Embed(op) => {
                let result = self.embed_tag(frame, op);
                self.located(frame, result, op.line)
            }
            Op::Import(op) => {
                let result = self.import_tag(frame, op);
                self.located(frame, result, op.line)
            }
            Op::With(op) => self.with_tag(frame, op),
            Op::Apply(op) => self.apply_tag(frame, op),
            Op::Sandbox(body) => {
                let before = self.sandboxed;
                self.sandboxed = true;
                let result = self.run(frame, body);
                self.sandboxed = before;
                result
            }
            Op::Deprecated(op) => self.deprecated_tag(frame, op),
            Op::Cache(op) => self.cache_tag(frame, op),
            Op::Group(body) => self.run(frame, body),
        }
    }

    /// Sets a variable to itself with something added.
    fn grow<'a>(&mut self, frame: &mut Frame<'a>, op: &'a GrowOp) -> Result<(), Error> {
        match (&op.ex, frame.own(op.slot)) {
            (Ex::Call(call), Some(Value::Array(own))) if Arc::strong_count(own) == 1 => {
                self.grow_array(frame, op.slot, call)
            }
            (Ex::Concat(parts), Some(Value::Str(_))) => {
                self.grow_text(frame, op.slot, parts.get(1..).unwrap_or(&[]))
            }
            (ex, _) => {
                let value = self.eval(frame, ex)?;
                frame.set(op.slot, Slot::from_v(value));
                Ok(())
            }
        }
    }

    /// Adds to an array in place, unless its keys change or it is added to itself.
    fn grow_array<'a>(&mut self, frame: &mut Frame<'a>, slot: u32, call: &'a CallEx) -> Result<(), Error> {
        let ([_, added], Some(merge)) = (call.args.as_slice(), call.native) else { return Ok(()) };
        let added = match added {
            Ex::List(items) => {
                let mut values: SmallVec<[Value; 1]> = SmallVec::with_capacity(items.len());
                for item in items {
                    values.push(self.eval(frame, item)?.into_owned());
                }
                if let Some(Value::Array(own)) = frame.own(slot)
                    && let Some(own) = Arc::get_mut(own).filter(|own| own.keeps_keys())
                {
                    own.push_all(values);
                    let nest = own.nest();
                    return self.weigh_nest(nest);
                }
                V::Own(values.into_iter().collect::<Array>().into())
            }
            added => self.eval(frame, added)?,
        };
        if let (Value::Array(added), Some(Value::Array(own))) = (&*added, frame.own(slot))
            && let Some(own) = Arc::get_mut(own).filter(|own| own.keeps_keys())
        {
            own.append(added);
            let nest = own.nest();
            return self.weigh_nest(nest);
        }
        let own = frame.read(slot).unwrap_or(V::Own(Value::Null));
        let merged = merge(self, &[own, added])?;
        let merged = self.weighed(merged)?;
        frame.set(slot, Slot::Own(merged));
        Ok(())
    }

    /// Adds to a text in place; only what is no longer UTF-8 becomes another value.
    fn grow_text<'a>(&mut self, frame: &mut Frame<'a>, slot: u32, parts: &'a [Ex]) -> Result<(), Error> {
        let mut added = std::mem::take(&mut self.scratch);
        added.clear();
        for part in parts {
            self.append(frame, part, &mut added)?;
        }
        let Some(Value::Str(own)) = frame.own(slot) else { return Ok(()) };
        let size = own.len() + added.len();
        if let Ok(text) = std::str::from_utf8(&added) {
            own.push_str(text);
        } else {
            let whole = Value::from_bytes(&[own.as_bytes(), &added].concat());
            frame.set(slot, Slot::Own(whole));
        }
        self.scratch = added;
        self.weigh_text(size)
    }

    /// Gives an error the place of the running template.
    pub(super) fn located<T>(
        &self,
        frame: &Frame<'_>,
        result: Result<T, Error>,
        line: u32,
    ) -> Result<T, Error> {
        match result {
            Ok(value) => Ok(value),
            Err(error) if error.has_template() => Err(error),
            Err(error) => {
                let code = &frame.template.code;
                Err(error.at(&code.name, line).with_source(&code.source))
            }
        }
    }

    fn for_loop<'a>(&mut self, frame: &mut Frame<'a>, op: &'a ForOp) -> Result<(), Error> {
        let asked = op.keeps_parent && (self.keeps_parents || self.engine.reads_parents());
        self.parent_left |= op.keeps_parent && !asked;
        let parent = if asked {
            let context = self.weighed(frame.to_array().into());
            Some(self.located(frame, context, op.line)?)
        } else {
            None
        };
        let seq = match (&op.seq, &parent) {
            // The walked context holds its own parent.
            (crate::program::Ex::Context, Some(parent)) => {
                let mut all = frame.to_array();
                all.insert("_parent", parent.clone());
                V::Own(all.into())
            }
            (seq, _) => {
                let result = self.eval(frame, seq);
                self.located(frame, result, op.line)?
            }
        };
        let kept: SmallVec<[u32; 8]> =
            op.assigned.iter().copied().filter(|s| frame.is_undefined(*s)).collect();
        let outer_loop = frame.take(op.loop_slot);
        let outer_value = if op.value == op.loop_slot { Slot::Undefined } else { frame.take(op.value) };
        let outer_key = op.key.filter(|k| *k != op.value && *k != op.loop_slot).map(|k| (k, frame.take(k)));
        // What was undefined comes last in the order of variables, as PHP appends it.
        let at = frame.loops.len();
        frame.loops.push(LoopState { index0: 0, length: None, parent });
        frame.restore(op.loop_slot, Slot::Undefined);
        frame.set(op.loop_slot, Slot::Loop(at));
        frame.restore(op.value, Slot::Undefined);
        let result = self.iterate(frame, op, at, seq);
        let result = match result {
            Ok(0) => match &op.otherwise {
                Some(body) => {
                    // Without a round, the outer variables were never shadowed.
                    if op.value != op.loop_slot {
                        frame.restore(op.value, outer_value.copy());
                    }
                    if let Some((key, value)) = &outer_key {
                        frame.restore(*key, value.copy());
                    }
                    self.run(frame, body)
                }
                None => Ok(()),
            },
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        frame.loops.truncate(at);
        frame.restore(op.value, outer_value);
        if let Some((key, value)) = outer_key {
            frame.restore(key, value);
        }
        frame.restore(op.loop_slot, outer_loop);
        for slot in kept {
            frame.restore(slot, Slot::Undefined);
        }
        result
    }

    /// Walks a sequence and gives the number of rounds.
    fn iterate<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        op: &'a ForOp,
        at: usize,
        seq: V<'a>,
    ) -> Result<i64, Error> {
        let mut rounds = 0;
        match seq {
            V::Ref(Value::Array(array)) => {
                self.begin(frame, at, Some(array.len()));
                if let Some(items) = array.as_list() {
                    for item in items {
                        if let Some(key) = op.key {
                            frame.set(key, Slot::Own(Value::Int(rounds)));
                        }
                        self.round(frame, op, at, rounds, Slot::Ref(item))?;
                        rounds += 1;
                    }
                    return Ok(rounds);
                }
                for (key, item) in array.iter() {
                    if let Some(slot) = op.key {
                        frame.set(slot, Slot::Own(key.to_value()));
                    }
                    self.round(frame, op, at, rounds, Slot::Ref(item))?;
                    rounds += 1;
                }
            }
            V::Own(Value::Array(array)) => {
                self.begin(frame, at, Some(array.len()));
                for (key, item) in array.iter() {
                    if let Some(slot) = op.key {
                        frame.set(slot, Slot::Own(key.to_value()));
                    }
                    self.round(frame, op, at, rounds, Slot::Own(item.clone()))?;
                    rounds += 1;
                }
            }
            V::Ref(Value::Object(object)) => return self.walk_object(frame, op, at, &**object),
            V::Own(Value::Object(object)) => return self.walk_object(frame, op, at, &*object),
            _ => {}
        }
        Ok(rounds)
    }

    fn walk_object<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        op: &'a ForOp,
        at: usize,
        object: &dyn crate::value::Object,
    ) -> Result<i64, Error> {
        let Some(pairs) = object.iterate() else { return Ok(0) };
        self.begin(frame, at, object.count());
        let mut rounds = 0;
        for (key, item) in pairs {
            if let Some(slot) = op.key {
                frame.set(slot, Slot::Own(key));
            }
            self.round(frame, op, at, rounds, Slot::Own(item))?;
            rounds += 1;
        }
        Ok(rounds)
    }

    fn begin(&mut self, frame: &mut Frame<'_>, at: usize, length: Option<usize>) {
        if let Some(state) = frame.loops.get_mut(at) {
            state.length = length.map(num::len);
        }
    }

    #[inline]
    fn round<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        op: &'a ForOp,
        at: usize,
        index0: i64,
        item: Slot<'a>,
    ) -> Result<(), Error> {
        self.burn()?;
        if let Some(state) = frame.loops.get_mut(at) {
            state.index0 = index0;
        }
        frame.set(op.value, item);
        self.run(frame, &op.body)?;
        if op.named_loop {
            // PHP counts on in `loop`, which the loop's own variable took the place of.
            let scalar = frame.peek(op.loop_slot).is_some_and(|v| match &*v {
                Value::Null | Value::Bool(false) | Value::Array(_) => false,
                Value::Str(s) => !s.is_empty(),
                _ => true,
            });
            if scalar {
                let refused = Err(Error::host("Cannot use a scalar value as an array"));
                return self.located(frame, refused, op.line);
            }
        }
        Ok(())
    }

    fn with_tag<'a>(&mut self, frame: &mut Frame<'a>, op: &'a WithOp) -> Result<(), Error> {
        let vars = match &op.vars {
            None => None,
            Some(ex) => {
                let result = self.eval(frame, ex).and_then(|v| match v.to_pairs() {
                    Some(pairs) => Ok(pairs.into_owned()),
                    None => Err(Error::runtime("Variables passed to the \"with\" tag must be a mapping.")),
                });
                Some(self.located(frame, result, op.line)?)
            }
        };
        let vars = vars.unwrap_or_default();
        let (template, blocks) = (frame.template, frame.blocks);
        let layers: [&Array; 1] = [self.globals];
        let below = if op.only { Scope::Root { layers: &layers } } else { Scope::Frame(frame) };
        let mut inner = Frame::new(&op.unit, template, blocks, Scope::Over(&vars, &below));
        self.nested(|rt| rt.run(&mut inner, &op.unit.body))
    }

    fn apply_tag<'a>(&mut self, frame: &mut Frame<'a>, op: &'a ApplyOp) -> Result<(), Error> {
        let text = self.capture_markup(|rt| rt.run(frame, &op.body))?;
        let before = std::mem::replace(&mut self.captured, text);
        let result = self.print(frame, &op.expr);
        self.captured = before;
        self.located(frame, result, op.line)
    }

    fn deprecated_tag<'a>(&mut self, frame: &mut Frame<'a>, op: &'a DeprecatedOp) -> Result<(), Error> {
        let mut text = |ex: &'a crate::program::Ex| -> Result<String, Error> {
            let result = self.eval(frame, ex).and_then(|v| v.to_text());
            Ok(self.located(frame, result, op.line)?.to_string())
        };
        let message = text(&op.message)?;
        let package = op.package.as_ref().map(&mut text).transpose()?;
        let version = op.version.as_ref().map(&mut text).transpose()?;
        let lead = match (package, version) {
            (None, None) => String::new(),
            (package, version) => {
                format!("Since {} {}: ", package.unwrap_or_default(), version.unwrap_or_default())
            }
        };
        let name = &frame.template.code.name;
        self.warnings.push(format!("{lead}{message} in \"{name}\" at line {}.", op.line));
        Ok(())
    }

    fn import_tag<'a>(&mut self, frame: &mut Frame<'a>, op: &'a ImportOp) -> Result<(), Error> {
        let template = match &op.template {
            None => frame.template.clone(),
            Some(ex) => {
                let value = self.eval(frame, ex)?;
                self.resolve(&value)?
            }
        };
        let code = frame.template.code.clone();
        self.import(&code, op.slot, template);
        Ok(())
    }
}

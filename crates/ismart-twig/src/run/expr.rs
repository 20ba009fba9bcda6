//! Evaluates expressions.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Closure, Frame, Look, Rt, Slot};
use crate::builtin::range;
use crate::callable::Strategy;
use crate::error::Error;
use crate::num;
use crate::program::{ArrowCode, AttrKey, Cmp, Ex, ItemKey, LoopField, MatchEx};
use crate::text::escape;
use crate::value::{Array, Key, Nest, V, Value};

static NULL: Value = Value::Null;

impl Rt<'_> {
    /// The value of an expression.
    pub(crate) fn eval<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<V<'a>, Error> {
        match ex {
            Ex::Const(value) => Ok(V::Ref(value)),
            Ex::Var(..) | Ex::Attr(_) => match frame.look(ex) {
                Look::Found(value) => Ok(V::Ref(value)),
                Look::Own(value) => Ok(V::Own(value.clone())),
                Look::Missing | Look::Unknown => self.eval_other(frame, ex),
            },
            Ex::Call(call) => self.call(frame, call).map(V::Own),
            _ => self.eval_other(frame, ex),
        }
    }

    /// What [`Rt::eval`] does not answer at once.
    fn eval_other<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<V<'a>, Error> {
        // table: one arm for each kind of expression
        Ok(V::Own(match ex {
            Ex::Const(value) => return Ok(V::Ref(value)),
            Ex::Var(slot, line) => return self.variable(frame, *slot, *line),
            Ex::Attr(attr) => return Ok(self.attr_chain(frame, attr, false)?.unwrap_or(V::Ref(&NULL))),
            Ex::Paren(inner) => return self.eval(frame, inner),
            Ex::Line(line, inner) => return self.eval(frame, inner).map_err(|e| e.with_line(*line)),
            Ex::Context => self.weighed(frame.to_array().into())?,
            Ex::Captured => self.captured.clone(),
            Ex::Loop(depth, field, line) => self.loop_field(frame, *depth, *field, *line)?,
            Ex::List(items) => {
                let mut list = Vec::with_capacity(items.len());
                for item in items {
                    list.push(self.eval(frame, item)?.into_owned());
                }
                self.weighed(Array::from(list).into())?
            }
            Ex::Array(items) => {
                let array = self.pairs(frame, items)?;
                self.weighed(array.into())?
            }
            Ex::Not(inner) => Value::Bool(!self.truth(frame, inner)?),
            Ex::Neg(inner) => self.eval(frame, inner)?.negate()?,
            Ex::Pos(inner) => self.eval(frame, inner)?.plus()?,
            Ex::Math(op, sides) => {
                let left = self.eval(frame, &sides.0)?;
                let right = self.eval(frame, &sides.1)?;
                op.apply(&left, &right)?
            }
            Ex::Bits(op, sides) => {
                let left = self.eval(frame, &sides.0)?;
                let right = self.eval(frame, &sides.1)?;
                op.apply(&left, &right)?
            }
            Ex::Concat(parts) => {
                let mut text = Vec::with_capacity(64);
                for part in parts {
                    self.append(frame, part, &mut text)?;
                }
                self.weighed(Value::from_bytes(&text))?
            }
            Ex::Cmp(..) | Ex::And(_) | Ex::Or(_) | Ex::Xor(_) | Ex::Has(..) | Ex::Defined(_) => {
                return self.logic(frame, ex);
            }
            Ex::Matches(m) => self.matches(frame, m)?,
            Ex::Range(sides) => {
                let from = self.eval(frame, &sides.0)?;
                let to = self.eval(frame, &sides.1)?;
                let value = range(self, &from, &to, &Value::Int(1))?;
                self.weighed(value)?
            }
            Ex::Cond(sides) => {
                let branch = if self.truth(frame, &sides.0)? { &sides.1 } else { &sides.2 };
                return self.eval(frame, branch);
            }
            Ex::Elvis(sides) => {
                let left = self.eval(frame, &sides.0)?;
                if !left.truthy() {
                    return self.eval(frame, &sides.2);
                }
                return self.maybe_escaped(left, sides.1.as_ref());
            }
            Ex::Coalesce(sides) => match self.eval_opt(frame, &sides.0)? {
                Some(left) if !left.is_null() => return self.maybe_escaped(left, sides.1.as_ref()),
                _ => return self.eval(frame, &sides.2),
            },
            Ex::Default(sides) => match self.eval_opt(frame, &sides.0)? {
                Some(value) if !value.is_empty()? => {
                    // As an argument of a filter the default is evaluated in any case.
                    if !matches!(sides.1, Ex::Const(_)) {
                        self.eval(frame, &sides.1)?;
                    }
                    return Ok(value);
                }
                _ => return self.eval(frame, &sides.1),
            },
            Ex::Escape(strategy, inner, line) => {
                let value = self.eval(frame, inner)?;
                return self.escape_value(value, strategy).map_err(|e| e.with_line(*line));
            }
            Ex::Force(strategy, inner, line) => {
                let value = self.eval(frame, inner)?;
                escape::force(self.engine, strategy, &value).map_err(|e| e.with_line(*line))?
            }
            Ex::Call(call) => self.call(frame, call)?,
            Ex::Macro(call) => self.capture_macro(frame, call)?,
            Ex::Block(block) => {
                let text = self.capture_block(frame, block)?;
                Value::bytes(text)
            }
            Ex::Parent(name, line) => {
                let text = self.captured_parent(frame, name).map_err(|e| e.with_line(*line))?;
                Value::bytes(text)
            }
            Ex::Include(include) => self.include_function(frame, include)?,
            Ex::Arrow(code) => self.weighed(Value::Closure(Arc::new(Self::closure(frame, code))))?,
            Ex::Assign(slot, inner) => {
                let value = self.eval(frame, inner)?;
                frame.set(*slot, Slot::from_v(value));
                return Ok(frame.read(*slot).unwrap_or(V::Ref(&NULL)));
            }
            Ex::AssignList(slots, inner) => return self.assign_list(frame, slots, inner),
            Ex::AssignMap(slots, inner, line) => return self.assign_map(frame, slots, inner, *line),
            Ex::Dump(args) => {
                let mut values = Vec::with_capacity(args.len());
                for arg in args {
                    values.push(self.eval(frame, arg)?.into_owned());
                }
                {
                    let text = crate::text::dump::dump(frame, &values, self.engine.limits.items)?;
                    self.weighed(text)?
                }
            }
            Ex::Spread(inner) => return self.eval(frame, inner),
            Ex::Guard(inner, line) => {
                let value = self.eval(frame, inner)?;
                self.check_text(&value).map_err(|e| e.with_line(*line))?;
                return Ok(value);
            }
        }))
    }

    fn maybe_escaped<'a>(&mut self, value: V<'a>, strategy: Option<&Strategy>) -> Result<V<'a>, Error> {
        match strategy {
            Some(strategy) => self.escape_value(value, strategy),
            None => Ok(value),
        }
    }

    /// What automatic escaping makes of a value.
    fn escape_value<'a>(&mut self, value: V<'a>, strategy: &Strategy) -> Result<V<'a>, Error> {
        match &*value {
            Value::Str(_) | Value::Bytes(_) | Value::Object(_) => {
                let mut out = Vec::new();
                escape::write(self.engine, strategy, &value, &mut out)?;
                Ok(V::Own(Value::bytes(out)))
            }
            _ if matches!(strategy, Strategy::Custom(_)) => {
                let mut out = Vec::new();
                escape::write(self.engine, strategy, &value, &mut out)?;
                Ok(V::Own(Value::bytes(out)))
            }
            _ => Ok(value),
        }
    }

    fn variable<'a>(&mut self, frame: &mut Frame<'a>, slot: u32, line: u32) -> Result<V<'a>, Error> {
        match frame.read(slot) {
            Some(value) => Ok(value),
            None => {
                self.missing(frame, slot, line)?;
                Ok(V::Ref(&NULL))
            }
        }
    }

    /// An error in strict mode.
    fn missing(&self, frame: &Frame<'_>, slot: u32, line: u32) -> Result<(), Error> {
        if !self.strict() {
            return Ok(());
        }
        let name = frame.unit.names.get(num::at(slot)).map_or("", |n| n.text.as_str());
        Err(Error::runtime(format!("Variable \"{name}\" does not exist.")).with_line(line))
    }

    /// The value of an expression that may be missing: `None` if it is.
    pub(crate) fn eval_opt<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<Option<V<'a>>, Error> {
        match ex {
            Ex::Var(slot, _) => Ok(frame.read(*slot)),
            Ex::Attr(attr) => match frame.look(ex) {
                Look::Found(value) => Ok(Some(V::Ref(value))),
                Look::Own(value) => Ok(Some(V::Own(value.clone()))),
                Look::Missing => Ok(None),
                Look::Unknown => self.attr_chain(frame, attr, true),
            },
            Ex::Paren(inner) => self.eval_opt(frame, inner),
            Ex::Guard(inner, line) => {
                let value = self.eval_opt(frame, inner)?;
                if let Some(value) = &value {
                    self.check_text(value).map_err(|e| e.with_line(*line))?;
                }
                Ok(value)
            }
            Ex::Loop(depth, field, _) => {
                let length = matches!(field, LoopField::Index | LoopField::Index0 | LoopField::First)
                    || loop_length(frame, *depth).is_some();
                Ok(if length { Some(self.eval(frame, ex)?) } else { None })
            }
            Ex::Macro(call) => {
                Ok(if self.has_macro(frame, call)? { Some(self.eval(frame, ex)?) } else { None })
            }
            Ex::Block(block) => {
                Ok(if self.has_block(frame, block)? { Some(self.eval(frame, ex)?) } else { None })
            }
            _ => self.eval(frame, ex).map(Some),
        }
    }

    /// Whether a condition holds.
    pub(crate) fn truth<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<bool, Error> {
        match ex {
            Ex::Var(..) | Ex::Attr(_) => match frame.look(ex) {
                Look::Found(value) | Look::Own(value) => Ok(value.truthy()),
                Look::Missing if !self.strict() => Ok(false),
                Look::Missing | Look::Unknown => Ok(self.eval_other(frame, ex)?.truthy()),
            },
            Ex::Not(inner) => Ok(!self.truth(frame, inner)?),
            Ex::And(sides) => Ok(self.truth(frame, &sides.0)? && self.truth(frame, &sides.1)?),
            Ex::Or(sides) => Ok(self.truth(frame, &sides.0)? || self.truth(frame, &sides.1)?),
            Ex::Xor(sides) => Ok(self.truth(frame, &sides.0)? ^ self.truth(frame, &sides.1)?),
            Ex::Defined(inner) => self.is_defined(frame, inner),
            Ex::Cmp(cmp, sides) => {
                let left = self.eval(frame, &sides.0)?;
                if matches!(cmp, Cmp::StartsWith | Cmp::EndsWith) && !left.is_string() {
                    return Ok(false);
                }
                let right = self.eval(frame, &sides.1)?;
                Ok(match compare(*cmp, &left, &right)? {
                    Value::Bool(b) => b,
                    other => other.truthy(),
                })
            }
            Ex::Has(every, sides) => {
                let subject = self.eval(frame, &sides.0)?;
                let arrow = self.eval(frame, &sides.1)?;
                let warned = self.warnings.len();
                let result = crate::builtin::arrow::has(self, &subject, &arrow, *every);
                if self.warnings.len() > warned {
                    self.place_warnings(frame, warned, 0);
                }
                result
            }
            _ => Ok(self.eval(frame, ex)?.truthy()),
        }
    }

    fn logic<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<V<'a>, Error> {
        if let Ex::Cmp(Cmp::Spaceship, sides) = ex {
            let left = self.eval(frame, &sides.0)?;
            let right = self.eval(frame, &sides.1)?;
            return compare(Cmp::Spaceship, &left, &right).map(V::Own);
        }
        self.truth(frame, ex).map(|b| V::Own(Value::Bool(b)))
    }

    /// Whether a name, attribute, block, macro or chain of them is there; never fails because one is not.
    fn is_defined<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<bool, Error> {
        match ex {
            Ex::Var(slot, _) => Ok(!frame.is_undefined(*slot)),
            Ex::Macro(call) => self.has_macro(frame, call),
            Ex::Block(block) => self.has_block(frame, block),
            Ex::Parent(name, _) => self.has_parent_block(frame, name),
            Ex::Attr(attr) => match frame.look(ex) {
                Look::Found(_) | Look::Own(_) => Ok(true),
                Look::Missing => Ok(false),
                Look::Unknown => self.attr_defined(frame, attr),
            },
            Ex::Paren(inner) => self.is_defined(frame, inner),
            Ex::Context => Ok(true),
            Ex::Call(call) => self.constant_defined(frame, call),
            _ => Ok(self.eval_opt(frame, ex)?.is_some()),
        }
    }

    fn loop_field(
        &mut self,
        frame: &Frame<'_>,
        depth: u32,
        field: LoopField,
        line: u32,
    ) -> Result<Value, Error> {
        let at = frame.loops.len().checked_sub(num::at(depth) + 1);
        let Some(state) = at.and_then(|at| frame.loops.get(at)) else { return Ok(Value::Null) };
        let index0 = state.index0;
        match field {
            LoopField::Index => return Ok(Value::Int(index0 + 1)),
            LoopField::Index0 => return Ok(Value::Int(index0)),
            LoopField::First => return Ok(Value::Bool(index0 == 0)),
            _ => {}
        }
        let Some(length) = state.length else {
            if !self.strict() {
                return Ok(Value::Null);
            }
            let name = match field {
                LoopField::RevIndex => "revindex",
                LoopField::RevIndex0 => "revindex0",
                LoopField::Last => "last",
                _ => "length",
            };
            return Err(Error::runtime(format!(
                "Key \"{name}\" for sequence/mapping with keys \"parent, index0, index, first\" does not exist."
            ))
            .with_line(line));
        };
        Ok(match field {
            LoopField::RevIndex => Value::Int(length - index0),
            LoopField::RevIndex0 => Value::Int(length - index0 - 1),
            LoopField::Last => Value::Bool(index0 + 1 == length),
            _ => Value::Int(length),
        })
    }

    /// The array of a literal.
    pub(super) fn pairs<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        items: &'a [(ItemKey, Ex)],
    ) -> Result<Array, Error> {
        let named = items.iter().any(|(key, _)| matches!(key, ItemKey::Const(Key::Str(_), _)));
        let mut array = if named { Array::for_pairs(items.len()) } else { Array::new() };
        for (key, ex) in items {
            match key {
                ItemKey::Next => {
                    let value = self.eval(frame, ex)?.into_owned();
                    array.push(value);
                }
                ItemKey::Const(key, hash) => {
                    let value = self.eval(frame, ex)?.into_owned();
                    array.insert_hashed(*hash, key, value);
                }
                ItemKey::Dynamic(key) => {
                    let key = self.eval(frame, key)?;
                    let key = if key.stringable() { key.to_str_value()? } else { key.into_owned() };
                    let Some(key) = key.to_key() else { return Err(Error::host("Illegal offset type")) };
                    let value = self.eval(frame, ex)?.into_owned();
                    array.insert(key, value);
                }
                ItemKey::Spread => {
                    let value = self.eval(frame, ex)?;
                    let Some(pairs) = value.to_pairs() else {
                        return Err(Error::host("Only arrays and Traversables can be unpacked"));
                    };
                    for (key, item) in pairs.iter() {
                        match key {
                            crate::value::KeyRef::Int(_) => array.push(item.clone()),
                            crate::value::KeyRef::Str(_) => array.insert(key.to_key(), item.clone()),
                        }
                    }
                }
            }
        }
        Ok(array)
    }

    /// Appends the text of an expression.
    pub(super) fn append<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        ex: &'a Ex,
        out: &mut Vec<u8>,
    ) -> Result<(), Error> {
        if let Some(value) = frame.path(ex) {
            return value.write(out);
        }
        self.eval(frame, ex)?.write(out)
    }

    /// Puts out the text of an expression.
    pub(crate) fn print<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<(), Error> {
        if self.mapper.is_some() {
            return self.print_mapped(frame, ex);
        }
        self.print_plain(frame, ex)
    }

    /// As [`Rt::print`], for a rendering that follows no values.
    pub(super) fn print_plain<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<(), Error> {
        match ex {
            Ex::Escape(strategy, inner, line) => {
                if let Ex::Call(call) = &**inner
                    && let (Some(printer), Strategy::Html) = (call.printer, strategy)
                {
                    return self.print_call(frame, call, printer, true);
                }
                if let Some(value) = frame.path(inner) {
                    return escape::write(self.engine, strategy, value, &mut self.out)
                        .map_err(|e| e.with_line(*line));
                }
                let value = self.eval(frame, inner)?;
                escape::write(self.engine, strategy, &value, &mut self.out).map_err(|e| e.with_line(*line))
            }
            Ex::Force(strategy, inner, line) => {
                let result = match frame.path(inner) {
                    Some(value) => self.print_forced(value, strategy),
                    None => {
                        let value = self.eval(frame, inner)?;
                        self.print_forced(&value, strategy)
                    }
                };
                result.map_err(|e| e.with_line(*line))
            }
            Ex::Cond(sides) => {
                let branch = if self.truth(frame, &sides.0)? { &sides.1 } else { &sides.2 };
                self.print(frame, branch)
            }
            Ex::Elvis(sides) => {
                let left = self.eval(frame, &sides.0)?;
                if !left.truthy() {
                    return self.print(frame, &sides.2);
                }
                self.put(frame, &left, sides.1.as_ref())
            }
            Ex::Coalesce(sides) => match self.eval_opt(frame, &sides.0)? {
                Some(left) if !left.is_null() => self.put(frame, &left, sides.1.as_ref()),
                _ => self.print(frame, &sides.2),
            },
            Ex::Concat(parts) => {
                for part in parts {
                    self.print(frame, part)?;
                }
                Ok(())
            }
            Ex::Call(call) if let Some(printer) = call.printer => {
                self.print_call(frame, call, printer, false)
            }
            Ex::Include(include) => self.show_include(frame, include),
            Ex::Macro(call) => self.show_macro(frame, call),
            Ex::Block(block) => self.show_block_expr(frame, block),
            Ex::Parent(name, line) => self.show_parent(frame, name).map_err(|e| e.with_line(*line)),
            Ex::Var(..) | Ex::Attr(_) if let Some(value) = frame.path(ex) => value.write(&mut self.out),
            Ex::Line(line, inner) => self.print(frame, inner).map_err(|e| e.with_line(*line)),
            _ => {
                let value = self.eval(frame, ex)?;
                value.write(&mut self.out)
            }
        }
    }

    fn print_forced(&mut self, value: &Value, strategy: &Strategy) -> Result<(), Error> {
        match value {
            Value::Str(text) | Value::Markup(text) => {
                escape::text(self.engine, strategy, text.as_bytes(), &mut self.out)
            }
            other => escape::force(self.engine, strategy, other).and_then(|v| v.write(&mut self.out)),
        }
    }

    fn put(&mut self, frame: &Frame<'_>, value: &Value, strategy: Option<&Strategy>) -> Result<(), Error> {
        if self.mapper.is_some() {
            return self.put_mapped(frame, value, strategy);
        }
        self.put_plain(value, strategy)
    }

    pub(super) fn put_plain(&mut self, value: &Value, strategy: Option<&Strategy>) -> Result<(), Error> {
        match strategy {
            Some(strategy) => escape::write(self.engine, strategy, value, &mut self.out),
            None => value.write(&mut self.out),
        }
    }

    fn matches<'a>(&mut self, frame: &mut Frame<'a>, m: &'a MatchEx) -> Result<Value, Error> {
        let subject = self.eval(frame, &m.subject)?;
        if let Some(pattern) = &m.compiled {
            return pattern.matches(&subject);
        }
        let pattern = self.eval(frame, &m.pattern)?;
        crate::text::regex::matches(&pattern, &subject)
    }

    fn closure(frame: &Frame<'_>, code: &Arc<ArrowCode>) -> Closure {
        let captured = code
            .captures
            .iter()
            .filter_map(|(outer, inner)| Some((*inner, frame.peek(*outer)?.into_owned())))
            .collect();
        let context = code.whole_context.then(|| frame.to_array());
        let mut closure = Closure {
            code: code.clone(),
            template: frame.template.clone(),
            captured,
            context,
            nest: Nest::default(),
        };
        for (_, value) in &closure.captured {
            if let Some(inner) = value.nest() {
                closure.nest.add(inner);
            }
        }
        if let Some(context) = &closure.context {
            closure.nest.add(context.nest());
        }
        closure
    }

    fn assign_list<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        slots: &[Option<u32>],
        inner: &'a Ex,
    ) -> Result<V<'a>, Error> {
        let value = self.eval(frame, inner)?;
        let Some(pairs) = value.to_pairs() else {
            return Err(Error::host(format!(
                "array_pad(): Argument #1 ($array) must be of type array, {} given",
                value.type_name()
            )));
        };
        let is_array = matches!(&*value, Value::Array(_));
        let mut values = Vec::with_capacity(slots.len());
        for at in 0..slots.len() {
            // An array is read by key, an iterator by place.
            let found = if is_array { pairs.get_int(num::len(at)) } else { pairs.entry(at).map(|(_, v)| v) };
            values.push(found.cloned().unwrap_or(Value::Null));
        }
        drop(pairs);
        for (slot, value) in slots.iter().zip(values) {
            if let Some(slot) = slot {
                frame.set(*slot, Slot::Own(value));
            }
        }
        Ok(value)
    }

    fn assign_map<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        slots: &'a [(AttrKey, u32)],
        inner: &'a Ex,
        line: u32,
    ) -> Result<V<'a>, Error> {
        let value = self.eval(frame, inner)?;
        let mut values = Vec::with_capacity(slots.len());
        for (key, slot) in slots {
            values.push((*slot, self.attr_of(&value, key, line)?));
        }
        for (slot, found) in values {
            frame.set(slot, Slot::Own(found));
        }
        Ok(value)
    }
}

fn loop_length(frame: &Frame<'_>, depth: u32) -> Option<i64> {
    let at = frame.loops.len().checked_sub(num::at(depth) + 1)?;
    frame.loops.get(at)?.length
}

/// Applies a comparison.
pub(crate) fn compare(cmp: Cmp, a: &Value, b: &Value) -> Result<Value, Error> {
    Ok(Value::Bool(match cmp {
        Cmp::Eq => a.loose_eq(b),
        Cmp::Ne => !a.loose_eq(b),
        Cmp::Same => a.same(b),
        Cmp::NotSame => !a.same(b),
        Cmp::Spaceship => {
            return Ok(Value::Int(match a.compare(b) {
                Ordering::Less => -1,
                Ordering::Equal => 0,
                Ordering::Greater => 1,
            }));
        }
        Cmp::Less => !nan(a, b) && a.compare(b) == Ordering::Less,
        Cmp::LessEq => !nan(a, b) && a.compare(b) != Ordering::Greater,
        // PHP swaps the sides.
        Cmp::Greater => !nan(a, b) && b.compare(a) == Ordering::Less,
        Cmp::GreaterEq => !nan(a, b) && b.compare(a) != Ordering::Greater,
        Cmp::In => contains(a, b)?,
        Cmp::NotIn => !contains(a, b)?,
        Cmp::StartsWith => affix(a, b, true),
        Cmp::EndsWith => affix(a, b, false),
    }))
}

fn nan(a: &Value, b: &Value) -> bool {
    let number = |v: &Value| matches!(v, Value::Int(_) | Value::Float(_));
    let is_nan = |v: &Value| matches!(v, Value::Float(f) if f.is_nan());
    (is_nan(a) && number(b)) || (is_nan(b) && number(a))
}

/// `starts with` and `ends with`: false unless both sides are strings, which markup is not.
fn affix(a: &Value, b: &Value, start: bool) -> bool {
    match (a.str_bytes(), b.str_bytes()) {
        (Some(a), Some(b)) if start => a.starts_with(b),
        (Some(a), Some(b)) => a.ends_with(b),
        _ => false,
    }
}

/// `in`.
fn contains(needle: &Value, hay: &Value) -> Result<bool, Error> {
    let plain = |v: &Value| match v {
        Value::Markup(s) => Some(Value::Str(s.clone())),
        _ => None,
    };
    let (needle_text, hay_text) = (plain(needle), plain(hay));
    let needle = needle_text.as_ref().unwrap_or(needle);
    let hay = hay_text.as_ref().unwrap_or(hay);
    if let Some(text) = hay.str_bytes() {
        return Ok(match needle {
            Value::Str(_) | Value::Bytes(_) | Value::Int(_) | Value::Float(_) => {
                let part = needle.to_bytes()?;
                part.is_empty() || memchr::memmem::find(text, &part).is_some()
            }
            _ => false,
        });
    }
    let object = needle.is_object();
    let same = |item: &Value| if object { item.same(needle) } else { needle.twig_eq(item) };
    Ok(match hay {
        Value::Array(array) => array.values().any(same),
        Value::Object(o) => o.iterate().is_some_and(|pairs| pairs.iter().any(|(_, v)| same(v))),
        _ => false,
    })
}

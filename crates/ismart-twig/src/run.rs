//! Runs compiled templates.

mod attr;
mod cache;
mod call;
mod expr;
mod frame;
mod include;
mod mapped;
mod stmt;

use std::sync::Arc;

use ecow::EcoString;

pub(crate) use call::Prepared;
pub(crate) use frame::{BlockEntry, Blocks, Frame, Look, Scope, Slot};

use crate::env::Engine;
use crate::error::{Error, ErrorKind};
use crate::map::Mapper;
use crate::program::{ArrowCode, Code};
use crate::sandbox::Policy;
use crate::template::Loaded;
use crate::value::{Array, Nest, Value};

/// An arrow function with the variables it captured.
#[derive(Debug)]
pub struct Closure {
    pub(crate) code: Arc<ArrowCode>,
    pub(crate) template: Arc<Loaded>,
    /// The captured variables by inner slot.
    pub(crate) captured: Vec<(u32, Value)>,
    /// The whole context, if the body may read any variable.
    pub(crate) context: Option<Array>,
    pub(crate) nest: Nest,
}

/// Levels of arrays within arrays that a template may build: what walks a value nests as deep.
const NESTING: u32 = 500;

/// Elements and bytes that are made as one step.
const PER_STEP: usize = 16;

/// Steps between two looks at the clock and the size of the output.
const STEPS: u64 = 256;

/// Bytes of output that are handed on together.
const CHUNK: usize = 16 << 10;

/// Templates that a rendering remembers by name; further ones are looked up in the environment each time.
const KEPT: usize = 32;

/// The state of one rendering.
pub(crate) struct Rt<'r> {
    pub(crate) engine: &'r Arc<Engine>,
    pub(crate) out: Vec<u8>,
    fuel: u64,
    fuelled: bool,
    depth: u32,
    pub(crate) sandboxed: bool,
    /// The templates that `import` and `from` brought, by template and place.
    imports: Vec<(*const Code, Vec<Option<Arc<Loaded>>>)>,
    pub(crate) random: crate::builtin::random::Random,
    /// The text an `apply` tag captured last.
    captured: Value,
    /// Room for texts on their way into a value.
    scratch: Vec<u8>,
    pub(crate) warnings: Vec<String>,
    globals: &'r Array,
    /// The templates that this rendering loaded, so that all its parts see the same version.
    loaded: Vec<(EcoString, Arc<Loaded>)>,
    deadline: Option<std::time::Instant>,
    /// Steps until the limits are looked at.
    steps: u64,
    /// What is put out is captured for a value, this many times over.
    captures: u32,
    /// Where finished output goes while rendering goes on.
    pub(crate) sink: Option<Sink<'r>>,
    /// Whether loops keep the context that they found even if no template is known that reads it.
    pub(crate) keeps_parents: bool,
    /// Whether a loop did not keep its context.
    pub(crate) parent_left: bool,
    /// Follows values into the output, if somebody wants to know.
    pub(crate) mapper: Option<Box<Mapper>>,
}

/// A writer for output, and the bytes it has been given.
pub(crate) struct Sink<'r> {
    pub(crate) writer: &'r mut (dyn std::io::Write + 'r),
    pub(crate) written: usize,
}

impl<'r> Rt<'r> {
    pub(crate) fn new(engine: &'r Arc<Engine>) -> Self {
        let limits = &engine.limits;
        Self {
            engine,
            out: Vec::new(),
            fuel: limits.fuel.unwrap_or(u64::MAX),
            fuelled: limits.fuel.is_some(),
            depth: 0,
            sandboxed: engine.sandbox_always,
            imports: Vec::new(),
            random: engine.random(),
            captured: Value::Null,
            scratch: Vec::new(),
            warnings: Vec::new(),
            globals: &engine.globals,
            loaded: Vec::new(),
            deadline: limits.time.and_then(|t| std::time::Instant::now().checked_add(t)),
            steps: 0,
            captures: 0,
            sink: None,
            keeps_parents: false,
            parent_left: false,
            mapper: None,
        }
    }

    /// Whether missing variables are errors.
    pub(crate) fn strict(&self) -> bool {
        self.engine.strict
    }

    /// Takes a step off the budget.
    pub(crate) fn burn(&mut self) -> Result<(), Error> {
        match self.steps.checked_sub(1) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => self.refill(),
        }
    }

    /// Moves fuel into steps and looks at the other limits.
    #[cold]
    fn refill(&mut self) -> Result<(), Error> {
        self.check_clock()?;
        if self.out.len() >= CHUNK {
            self.flush()?;
        }
        let more = self.fuel.min(STEPS);
        if more == 0 {
            return Err(out_of_fuel());
        }
        if self.fuelled {
            self.fuel -= more;
        }
        self.steps = more - 1;
        Ok(())
    }

    /// Refuses output above the limit.
    pub(crate) fn check_output(&self) -> Result<(), Error> {
        self.check_clock()
    }

    fn check_clock(&self) -> Result<(), Error> {
        let written = self.sink.as_ref().map_or(0, |sink| sink.written);
        if written + self.out.len() > self.engine.limits.output {
            return Err(limit("The template put out more than its limit allows."));
        }
        if let Some(deadline) = self.deadline
            && std::time::Instant::now() > deadline
        {
            return Err(limit("The template ran longer than its limit allows."));
        }
        Ok(())
    }

    /// Counts a value that a template made: what it holds costs steps, and neither its nesting nor all that it
    /// holds may pass the limits, so that small templates cannot make what nothing can walk.
    pub(crate) fn weigh(&mut self, value: &Value) -> Result<(), Error> {
        match value {
            Value::Str(text) | Value::Markup(text) => self.weigh_text(text.len()),
            Value::Bytes(bytes) => self.weigh_text(bytes.len()),
            _ => value.nest().map_or(Ok(()), |nest| self.weigh_nest(nest)),
        }
    }

    /// As [`Rt::weigh`], for a text of so many bytes.
    fn weigh_text(&mut self, size: usize) -> Result<(), Error> {
        if size < PER_STEP { Ok(()) } else { self.weigh_size(size) }
    }

    /// As [`Rt::weigh`], for what is nested like this.
    fn weigh_nest(&mut self, nest: Nest) -> Result<(), Error> {
        if nest.depth > NESTING {
            return Err(limit("Arrays are nested deeper than the limit allows."));
        }
        self.weigh_text(crate::num::at(nest.weight))
    }

    /// A value that was weighed.
    pub(crate) fn weighed(&mut self, value: Value) -> Result<Value, Error> {
        self.weigh(&value).map(|()| value)
    }

    #[cold]
    fn weigh_size(&mut self, size: usize) -> Result<(), Error> {
        self.check_size(size)?;
        let cost = u64::try_from(size / PER_STEP).unwrap_or(u64::MAX);
        if let Some(left) = self.steps.checked_sub(cost) {
            self.steps = left;
            return Ok(());
        }
        if self.fuelled {
            let rest = cost - self.steps;
            self.fuel = self.fuel.checked_sub(rest).ok_or_else(out_of_fuel)?;
        }
        self.steps = 0;
        self.check_clock()
    }

    /// Refuses collections and texts above the limit.
    pub(crate) fn check_size(&self, items: usize) -> Result<(), Error> {
        if items > self.engine.limits.items {
            return Err(limit("A value grew larger than the limit allows."));
        }
        Ok(())
    }

    /// Runs something one level deeper.
    fn nested<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        if self.depth >= self.engine.limits.depth {
            return Err(limit("Templates, blocks and macros call each other deeper than the limit allows."));
        }
        self.depth += 1;
        self.check_clock()?;
        let result = run(self);
        self.depth -= 1;
        result
    }

    /// Runs something and takes what it put out as a text.
    pub(crate) fn capture(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<Vec<u8>, Error> {
        let start = self.out.len();
        self.captures += 1;
        let result = run(self);
        self.captures -= 1;
        let tail = self.out.get(start..).unwrap_or(&[]).to_vec();
        self.out.truncate(start);
        result.map(|()| tail)
    }

    /// Runs something and takes what it put out as markup.
    pub(crate) fn capture_markup(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<Value, Error> {
        let start = self.out.len();
        if let Some(mapper) = &self.mapper {
            let first = mapper.segments.len();
            let text = self.capture(run)?;
            self.check_size(text.len())?;
            return Ok(match &mut self.mapper {
                Some(mapper) => mapper.keep(first, start, text),
                None => markup(&text),
            });
        }
        self.captures += 1;
        let result = run(self);
        self.captures -= 1;
        let text = self.out.get(start..).unwrap_or(&[]);
        let checked = self.check_size(text.len());
        let value = markup(text);
        self.out.truncate(start);
        result.and(checked).map(|()| value)
    }

    /// Hands finished output to the writer, if there is one and nothing is being captured.
    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        if let (Some(sink), 0) = (&mut self.sink, self.captures) {
            sink.writer
                .write_all(&self.out)
                .map_err(|e| Error::runtime(format!("The output could not be written: {e}.")))?;
            sink.written += self.out.len();
            self.out.clear();
        }
        Ok(())
    }

    /// Loads a template of the environment.
    pub(crate) fn load(&mut self, name: &str) -> Result<Arc<Loaded>, Error> {
        if let Some((_, template)) = self.loaded.iter().find(|(n, _)| n == name) {
            return Ok(template.clone());
        }
        let template = self.engine.load(name)?;
        if self.loaded.len() < KEPT {
            self.loaded.push((name.into(), template.clone()));
        }
        Ok(template)
    }

    fn imported(&self, code: &Code, slot: u32) -> Option<&Arc<Loaded>> {
        let key = std::ptr::from_ref(code);
        let (_, slots) = self.imports.iter().find(|(k, _)| *k == key)?;
        slots.get(crate::num::at(slot))?.as_ref()
    }

    fn import(&mut self, code: &Code, slot: u32, template: Arc<Loaded>) {
        let key = std::ptr::from_ref(code);
        let at = match self.imports.iter().position(|(k, _)| *k == key) {
            Some(at) => at,
            None => {
                self.imports.push((key, vec![None; code.imports]));
                self.imports.len() - 1
            }
        };
        if let Some((_, slots)) = self.imports.get_mut(at)
            && let Some(place) = slots.get_mut(crate::num::at(slot))
        {
            *place = Some(template);
        }
    }

    /// Refuses what a template of the sandbox uses beyond the policy, or to run it without a policy.
    pub(crate) fn check_security(&mut self, code: &Code) -> Result<(), Error> {
        if !self.sandboxed {
            return Ok(());
        }
        let Some(policy) = &self.engine.policy else {
            return Err(Error::runtime(
                "A template cannot run in the sandbox without a policy that says what it may use; set one.",
            ));
        };
        for (tag, line) in policy.check(&code.used)? {
            let warning = format!(
                "Since twig/twig 3.12: The \"{tag}\" tag is always allowed in sandboxes, but won't be in 4.0, please enable it explicitly in your sandbox policy if needed in \"{}\" at line {line}.",
                code.name
            );
            if !self.warnings.contains(&warning) {
                self.warnings.push(warning);
            }
        }
        Ok(())
    }

    /// Refuses objects of the sandbox that may not become texts, in arrays as well.
    pub(crate) fn check_text(&self, value: &Value) -> Result<(), Error> {
        match &self.engine.policy {
            Some(policy) if self.sandboxed => policy.check_text(value),
            _ => Ok(()),
        }
    }

    /// Calls something with the policy, if the sandbox is on.
    pub(crate) fn with_policy(&self, check: impl FnOnce(&Policy) -> Result<(), Error>) -> Result<(), Error> {
        match &self.engine.policy {
            Some(policy) if self.sandboxed => check(policy),
            _ => Ok(()),
        }
    }
}

fn out_of_fuel() -> Error {
    limit("The template did more work than its fuel allows.")
}

fn limit(message: &str) -> Error {
    Error::new(ErrorKind::Limit, message)
}

/// A markup value of what was put out; an empty one is an empty string.
pub(crate) fn markup(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Str(EcoString::new());
    }
    match simdutf8::basic::from_utf8(bytes) {
        Ok(text) => Value::Markup(text.into()),
        Err(_) => Value::Markup(String::from_utf8_lossy(bytes).as_ref().into()),
    }
}

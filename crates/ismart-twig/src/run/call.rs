//! Calls filters, functions, tests and arrow functions.

use std::sync::Arc;

use ecow::EcoString;
use smallvec::SmallVec;

use super::{Blocks, Closure, Frame, Rt, Scope, Slot};
use crate::callable::{Call, Code, Lookup, Strategy, named_array};
use crate::error::Error;
use crate::program::{CallEx, Ex, Printer};
use crate::text::escape;
use crate::value::{Array, KeyRef, V, Value};

type Args<'a> = SmallVec<[V<'a>; 4]>;

impl Rt<'_> {
    /// Calls a filter, function or test that is no instruction of its own.
    pub(super) fn call<'a>(&mut self, frame: &mut Frame<'a>, call: &'a CallEx) -> Result<Value, Error> {
        let warned = self.warnings.len();
        let result = self.call_inner(frame, call).and_then(|value| self.weighed(value));
        if self.warnings.len() > warned {
            self.place_warnings(frame, warned, call.line);
        }
        result
    }

    /// Gives warnings of callables, which know no place, the one of their call.
    #[cold]
    pub(super) fn place_warnings(&mut self, frame: &Frame<'_>, from: usize, line: u32) {
        let name = &frame.template.code.name;
        for warning in self.warnings.iter_mut().skip(from).filter(|w| !w.contains(" at line ")) {
            if warning.ends_with('.') {
                warning.pop();
            }
            warning.push_str(&format!(" in \"{name}\" at line {line}."));
        }
    }

    /// Prints what a filter with a printer gives.
    pub(super) fn print_call<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        call: &'a CallEx,
        printer: Printer,
        escaped: bool,
    ) -> Result<(), Error> {
        let result = self.with_args(frame, &call.args, |rt, args| {
            let start = rt.out.len();
            if printer(rt, args)? {
                if escaped {
                    escape::html_from(start, &mut rt.out);
                }
                return Ok(());
            }
            let value = match call.native {
                Some(native) => native(rt, args)?,
                None => Value::Null,
            };
            if escaped {
                escape::write(rt.engine, &Strategy::Html, &value, &mut rt.out)
            } else {
                value.write(&mut rt.out)
            }
        });
        result.map_err(|e| e.with_line(call.line))
    }

    /// Evaluates arguments, none of which is unpacked, and hands them on.
    fn with_args<'a, T>(
        &mut self,
        frame: &mut Frame<'a>,
        args: &'a [Ex],
        run: impl FnOnce(&mut Self, &[V<'a>]) -> Result<T, Error>,
    ) -> Result<T, Error> {
        match args {
            [a] => {
                let args = [self.eval(frame, a)?];
                run(self, &args)
            }
            [a, b] => {
                let args = [self.eval(frame, a)?, self.eval(frame, b)?];
                run(self, &args)
            }
            _ => {
                let mut values: Args<'a> = SmallVec::new();
                for ex in args {
                    values.push(self.eval(frame, ex)?);
                }
                run(self, &values)
            }
        }
    }

    fn call_inner<'a>(&mut self, frame: &mut Frame<'a>, call: &'a CallEx) -> Result<Value, Error> {
        if let (Some(native), false) = (call.native, call.spread) {
            return self.with_args(frame, &call.args, |rt, args| native(rt, args));
        }
        let mut args: Args<'a> = SmallVec::new();
        let mut named: Vec<(EcoString, Value)> = Vec::new();
        for ex in &call.args {
            if call.spread
                && let Ex::Spread(inner) = ex
            {
                let value = self.eval(frame, inner)?;
                unpack(&value, &mut args, &mut named)?;
                continue;
            }
            args.push(self.eval(frame, ex)?);
        }
        if let Some(native) = call.native {
            if !named.is_empty() {
                place_named(call, &mut args, named)?;
            }
            if call.spread {
                self.check_count(call, args.len())?;
            }
            return native(self, &args);
        }
        let Code::Host(host) = &call.callable.code else {
            return Err(Error::runtime(format!("\"{}\" cannot be called here.", call.callable.name)));
        };
        if call.callable.params.is_some() && !call.callable.variadic && !named.is_empty() {
            place_named(call, &mut args, std::mem::take(&mut named))?;
        }
        let context: Option<&dyn Lookup> = if call.callable.context { Some(&*frame) } else { None };
        let sandboxed = self.sandboxed;
        let engine = self.engine;
        host(&Call {
            engine,
            args: &args,
            named: &named,
            captures: &call.callable.captures,
            context,
            sandboxed,
        })
    }

    fn check_count(&self, call: &CallEx, given: usize) -> Result<(), Error> {
        let input = usize::from(crate::syntax::args::has_input(call.callable.kind));
        let needed = call.callable.required() + input;
        if given < needed {
            return Err(Error::host(format!(
                "Too few arguments to function {}(), {given} passed and at least {needed} expected",
                call.callable.name
            )));
        }
        Ok(())
    }

    /// Whether `constant("X")` names one.
    pub(super) fn constant_defined<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        call: &'a CallEx,
    ) -> Result<bool, Error> {
        let mut args: Args<'a> = SmallVec::new();
        for ex in &call.args {
            args.push(self.eval(frame, ex)?);
        }
        Ok(crate::builtin::constant::find(self, &args)?.is_some())
    }
}

fn unpack<'a>(value: &Value, args: &mut Args<'a>, named: &mut Vec<(EcoString, Value)>) -> Result<(), Error> {
    let Some(pairs) = value.to_pairs() else {
        return Err(Error::host("Only arrays and Traversables can be unpacked"));
    };
    for (key, item) in pairs.iter() {
        match key {
            KeyRef::Int(_) => args.push(V::Own(item.clone())),
            KeyRef::Str(name) => named.push((name.clone(), item.clone())),
        }
    }
    Ok(())
}

/// Puts arguments that were unpacked by name at their parameters.
fn place_named<'a>(call: &CallEx, args: &mut Args<'a>, named: Vec<(EcoString, Value)>) -> Result<(), Error> {
    let input = usize::from(crate::syntax::args::has_input(call.callable.kind));
    let params = call.callable.params.as_deref().unwrap_or(&[]);
    if call.callable.variadic && params.is_empty() {
        args.push(V::Own(named_array(&named)));
        return Ok(());
    }
    for (name, value) in named {
        let Some(at) = params.iter().position(|p| p.name == name) else {
            return Err(Error::host(format!("Unknown named parameter ${name}")));
        };
        let at = at + input;
        while args.len() < at {
            let default = params.get(args.len() - input).and_then(|p| p.default.clone());
            args.push(V::Own(default.unwrap_or(Value::Null)));
        }
        if args.len() == at {
            args.push(V::Own(value));
        } else if let Some(place) = args.get_mut(at) {
            *place = V::Own(value);
        }
    }
    Ok(())
}

/// A callable value made ready for many calls.
pub(crate) enum Prepared<'c> {
    Closure {
        closure: &'c Closure,
        blocks: Blocks<'c>,
        empty: Array,
    },
    /// An object of the host.
    Object(&'c Arc<dyn crate::value::Object>),
}

impl<'c> Prepared<'c> {
    pub(crate) fn new(closure: &'c Closure) -> Self {
        Self::Closure {
            closure,
            blocks: Blocks::default().with(&closure.template),
            empty: closure.context.clone().unwrap_or_default(),
        }
    }

    /// The callable of a value; `None` for values that cannot be called.
    pub(crate) fn of(value: &'c Value) -> Option<Self> {
        match value {
            Value::Closure(closure) => Some(Self::new(closure)),
            Value::Object(o) if o.invoke(&[]).is_some() => Some(Self::Object(o)),
            _ => None,
        }
    }

    /// Calls with positional arguments; further ones than the parameters are left out.
    pub(crate) fn call(&mut self, rt: &mut Rt<'_>, args: &[Value]) -> Result<Value, Error> {
        rt.burn()?;
        let (closure, blocks, context) = match self {
            Self::Closure { closure, blocks, empty } => (*closure, &*blocks, &*empty),
            Self::Object(object) => {
                return object.invoke(args).unwrap_or_else(|| Err(Error::host("The value cannot be called")));
            }
        };
        let code = &closure.code;
        let layers: [&Array; 1] = [context];
        let scope = Scope::Root { layers: &layers };
        let mut frame = Frame::new(&code.unit, &closure.template, blocks, scope);
        for (slot, value) in &closure.captured {
            frame.set(*slot, Slot::Ref(value));
        }
        for (at, slot) in code.params.iter().enumerate() {
            let Some(value) = args.get(at) else {
                return Err(Error::host(format!(
                    "Too few arguments to function {{closure}}(), {} passed and exactly {} expected",
                    args.len(),
                    code.params.len()
                )));
            };
            frame.set(*slot, Slot::Own(value.clone()));
        }
        rt.nested(|rt| {
            let value = rt.eval(&mut frame, &code.body);
            rt.located(&frame, value, code.line).map(V::into_owned)
        })
    }
}

//! Where the sandbox asks whether an object may become a text.
//!
//! As PHP Twig, it asks for what is printed or put together with `~`, and, inside of `{{ }}` and `set`, for the
//! inputs and arguments of filters and functions. What is printed is asked for whatever expression it came from,
//! which PHP Twig does for variables and attributes alone.

use super::Compiler;
use crate::program::Ex;

impl Compiler<'_> {
    /// Runs something inside of a tag that puts out or assigns.
    pub(super) fn guarding<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.guarding, self.options.guard);
        let result = run(self);
        self.guarding = before;
        result
    }

    /// An expression whose value becomes a text.
    pub(super) fn guard_text(&self, ex: Ex) -> Ex {
        if self.options.guard { text(ex) } else { ex }
    }

    /// An input or argument of a filter or function.
    pub(super) fn guard_argument(&self, ex: Ex) -> Ex {
        if self.guarding { argument(ex) } else { ex }
    }
}

fn wrap(ex: Ex) -> Ex {
    let line = line(&ex);
    Ex::Guard(Box::new(ex), line)
}

fn line(ex: &Ex) -> u32 {
    match ex {
        Ex::Var(_, line) => *line,
        Ex::Attr(attr) => attr.line,
        Ex::Call(call) => call.line,
        Ex::Paren(inner) => line(inner),
        _ => 0,
    }
}

fn text(ex: Ex) -> Ex {
    match ex {
        Ex::Escape(strategy, inner, line) => Ex::Escape(strategy, Box::new(text(*inner)), line),
        Ex::Force(strategy, inner, line) => Ex::Force(strategy, Box::new(text(*inner)), line),
        Ex::Line(line, inner) => Ex::Line(line, Box::new(text(*inner))),
        Ex::Cond(sides) => Ex::Cond(Box::new((sides.0, text(sides.1), text(sides.2)))),
        Ex::Elvis(sides) => Ex::Elvis(Box::new((text(sides.0), sides.1, text(sides.2)))),
        Ex::Coalesce(sides) => Ex::Coalesce(Box::new((text(sides.0), sides.1, text(sides.2)))),
        Ex::Default(sides) => Ex::Default(Box::new((text(sides.0), text(sides.1)))),
        Ex::Var(..)
        | Ex::Attr(_)
        | Ex::Paren(_)
        | Ex::Call(_)
        | Ex::Captured
        | Ex::Context
        | Ex::List(_)
        | Ex::Array(_)
        | Ex::Assign(..)
        | Ex::AssignList(..)
        | Ex::AssignMap(..) => wrap(ex),
        other => other,
    }
}

fn argument(ex: Ex) -> Ex {
    match ex {
        Ex::Var(..) | Ex::Attr(_) | Ex::Paren(_) => wrap(ex),
        Ex::Escape(strategy, inner, line) => Ex::Escape(strategy, Box::new(argument(*inner)), line),
        Ex::Spread(inner) => Ex::Spread(Box::new(argument(*inner))),
        Ex::List(items) => Ex::List(items.into_iter().map(argument).collect()),
        Ex::Array(items) => Ex::Array(items.into_iter().map(|(key, ex)| (key, argument(ex))).collect()),
        other => other,
    }
}

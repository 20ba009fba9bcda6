//! Printing while values are followed into the output.

use super::{Frame, Rt};
use crate::callable::Strategy;
use crate::error::Error;
use crate::map::{Origin, ValuePath};
use crate::program::{AttrKey, Ex};
use crate::text::escape;
use crate::value::Value;

impl Rt<'_> {
    /// Puts out text of the template itself.
    pub(super) fn put_template(&mut self, frame: &Frame<'_>, text: &[u8], offset: u32) {
        let start = self.out.len();
        self.out.extend_from_slice(text);
        if let Some(mapper) = &mut self.mapper {
            mapper.note(start..self.out.len(), Origin::Template, frame.template, offset);
        }
    }

    /// Puts out the text of an expression and notes which value it came from.
    pub(super) fn print_mapped<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a Ex) -> Result<(), Error> {
        let (inner, strategy, forced, line) = match ex {
            // What these put out is noted where it is put out.
            Ex::Cond(_)
            | Ex::Concat(_)
            | Ex::Line(..)
            | Ex::Block(_)
            | Ex::Parent(..)
            | Ex::Macro(_)
            | Ex::Include(_) => {
                return self.print_plain(frame, ex);
            }
            Ex::Elvis(_) | Ex::Coalesce(_) => {
                let before = self.noted();
                let start = self.out.len();
                self.print_plain(frame, ex)?;
                if self.noted() == before {
                    self.note(frame, start, Origin::Computed);
                }
                return Ok(());
            }
            Ex::Escape(strategy, inner, line) => (&**inner, Some(strategy), false, *line),
            Ex::Force(strategy, inner, line) => (&**inner, Some(strategy), true, *line),
            _ => (ex, None, false, 0),
        };
        let value = self.eval(frame, inner)?;
        let derived = self.source(frame, inner);
        let start = self.out.len();
        if let (true, Some(strategy)) = (forced, strategy) {
            let text = escape::force(self.engine, strategy, &value).map_err(|e| e.with_line(line))?;
            self.put_plain(&text, None)?;
        } else {
            self.put_plain(&value, strategy).map_err(|e| e.with_line(line))?;
        }
        self.note_value(frame, start, &value, derived);
        Ok(())
    }

    /// Puts out a value and notes where it came from.
    pub(super) fn put_mapped(
        &mut self,
        frame: &Frame<'_>,
        value: &Value,
        strategy: Option<&Strategy>,
    ) -> Result<(), Error> {
        let start = self.out.len();
        self.put_plain(value, strategy)?;
        self.note_value(frame, start, value, None);
        Ok(())
    }

    fn noted(&self) -> usize {
        self.mapper.as_ref().map_or(0, |m| m.segments.len())
    }

    fn note(&mut self, frame: &Frame<'_>, start: usize, origin: Origin) {
        let output = start..self.out.len();
        if let Some(mapper) = &mut self.mapper {
            mapper.note(output, origin, frame.template, frame.printing);
        }
    }

    fn note_value(&mut self, frame: &Frame<'_>, start: usize, value: &Value, derived: Option<ValuePath>) {
        let output = start..self.out.len();
        let Some(mapper) = &mut self.mapper else { return };
        if mapper.release(value, &output) {
            return;
        }
        let origin = match (mapper.path(value), derived) {
            (Some(path), _) => Origin::Value(path.clone()),
            (None, Some(path)) => Origin::Derived(path),
            (None, None) => Origin::Computed,
        };
        mapper.note(output, origin, frame.template, frame.printing);
    }

    /// The path of the value that an expression makes its result of: the input of the first filter.
    fn source(&self, frame: &Frame<'_>, ex: &Ex) -> Option<ValuePath> {
        let mapper = self.mapper.as_ref()?;
        match ex {
            Ex::Var(..) | Ex::Attr(_) => mapper.path(look(frame, ex)?).cloned(),
            Ex::Escape(_, inner, _)
            | Ex::Force(_, inner, _)
            | Ex::Guard(inner, _)
            | Ex::Line(_, inner)
            | Ex::Paren(inner) => self.source(frame, inner),
            Ex::Default(sides) => self.source(frame, &sides.0).or_else(|| self.source(frame, &sides.1)),
            Ex::Elvis(sides) | Ex::Coalesce(sides) => {
                self.source(frame, &sides.0).or_else(|| self.source(frame, &sides.2))
            }
            Ex::Call(call) => call.args.iter().find_map(|arg| self.source(frame, arg)),
            Ex::Math(_, sides) => self.source(frame, &sides.0).or_else(|| self.source(frame, &sides.1)),
            Ex::Concat(parts) => parts.iter().find_map(|part| self.source(frame, part)),
            _ => None,
        }
    }
}

/// The value of a variable or of keys of one where it lies, keys in variables included.
fn look<'f>(frame: &'f Frame<'_>, ex: &Ex) -> Option<&'f Value> {
    if let Some(value) = frame.path(ex) {
        return Some(value);
    }
    let Ex::Attr(attr) = ex else { return None };
    let Value::Array(array) = look(frame, &attr.object)? else { return None };
    match &attr.key {
        AttrKey::Dynamic(Ex::Const(key)) => array.get(&key.to_key()?),
        AttrKey::Dynamic(key) => array.get(&look(frame, key)?.to_key()?),
        key => key.of(array),
    }
}

//! Literals: names, numbers, strings, sequences and mappings.

use super::ast::{ArrayLit, Expr, ExprKind, Item};
use super::parser::Parser;
use super::token::Kind;
use crate::error::Error;
use crate::value::Value;

/// Whether a text could be a name, as the operators made of letters are.
pub(crate) fn is_word(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b >= 0x7f)
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b >= 0x7f)
}

impl Parser<'_> {
    pub(crate) fn literal(&mut self) -> Result<Expr, Error> {
        let token = self.stream.current().clone();
        let line = token.line;
        match token.kind {
            Kind::Name => {
                self.stream.next()?;
                let constant = match token.text() {
                    "true" | "TRUE" => Value::Bool(true),
                    "false" | "FALSE" => Value::Bool(false),
                    "none" | "NONE" | "null" | "NULL" => Value::Null,
                    _ => return Ok(Expr::new(ExprKind::Name(token.name()), line)),
                };
                Ok(Expr::constant(constant, line))
            }
            Kind::Number => {
                self.stream.next()?;
                Ok(Expr::constant(token.value, line))
            }
            Kind::String | Kind::InterpolationStart => self.string(),
            Kind::Punctuation if token.text() == "{" => self.mapping(),
            Kind::Operator if token.text() == "[" => self.sequence(),
            Kind::Operator if is_word(token.text()) => {
                self.stream.next()?;
                Ok(Expr::new(ExprKind::Name(token.name()), line))
            }
            _ => Err(Error::syntax(
                format!("Unexpected token \"{}\" of value \"{}\".", token.kind.english(), token.shown()),
                line,
            )),
        }
    }

    fn string(&mut self) -> Result<Expr, Error> {
        let mut parts: Vec<Expr> = Vec::new();
        let mut may_be_text = true;
        loop {
            if may_be_text && let Some(token) = self.stream.next_if_kind(Kind::String) {
                parts.push(Expr::constant(token.value, token.line));
                may_be_text = false;
            } else if self.stream.next_if_kind(Kind::InterpolationStart).is_some() {
                parts.push(self.expression(0)?);
                self.stream.expect(Kind::InterpolationEnd, "", "")?;
                may_be_text = true;
            } else {
                break;
            }
        }
        let line = self.stream.line();
        let mut parts = parts.into_iter();
        let first = parts.next().unwrap_or_else(|| Expr::constant(Value::from(""), line));
        Ok(parts.fold(first, |left, right| {
            let line = right.line;
            Expr::concat(left, right, line)
        }))
    }

    fn sequence(&mut self) -> Result<Expr, Error> {
        self.deeper()?;
        self.stream.expect(Kind::Operator, "[", "A sequence element was expected")?;
        let line = self.stream.line();
        let mut items = Vec::new();
        while !self.stream.test(Kind::Punctuation, "]") {
            if !items.is_empty() {
                self.stream.expect(
                    Kind::Punctuation,
                    ",",
                    "A sequence element must be followed by a comma",
                )?;
                if self.stream.test(Kind::Punctuation, "]") {
                    break;
                }
            }
            let value = if self.stream.test(Kind::Punctuation, ",") {
                Expr::new(ExprKind::Hole, self.stream.line())
            } else {
                self.expression(0)?
            };
            items.push(Item { key: None, value });
        }
        self.stream.expect(Kind::Punctuation, "]", "An opened sequence is not properly closed")?;
        self.shallower();
        Ok(Expr::new(ExprKind::Array(ArrayLit { items, mapping: false }), line))
    }

    fn mapping(&mut self) -> Result<Expr, Error> {
        self.deeper()?;
        self.stream.expect(Kind::Punctuation, "{", "A mapping element was expected")?;
        let line = self.stream.line();
        let mut items: Vec<Item> = Vec::new();
        while !self.stream.test(Kind::Punctuation, "}") {
            if !items.is_empty() {
                self.stream.expect(Kind::Punctuation, ",", "A mapping value must be followed by a comma")?;
                if self.stream.test(Kind::Punctuation, "}") {
                    break;
                }
            }
            if self.stream.test(Kind::Operator, "...") {
                items.push(Item { key: None, value: self.expression(0)? });
                continue;
            }
            let token = self.stream.current().clone();
            let key = match token.kind {
                Kind::Name => {
                    self.stream.next()?;
                    let key = Expr::constant(token.value.clone(), token.line);
                    if self.stream.test(Kind::Punctuation, ",") || self.stream.test(Kind::Punctuation, "}") {
                        let value = Expr::new(ExprKind::Name(token.name()), token.line);
                        items.push(Item { key: Some(key), value });
                        continue;
                    }
                    key
                }
                Kind::String | Kind::Number => {
                    self.stream.next()?;
                    Expr::constant(token.value.clone(), token.line)
                }
                Kind::Operator if token.text() == "(" => self.expression(0)?,
                _ => {
                    return Err(Error::syntax(
                        format!(
                            "A mapping key must be a quoted string, a number, a name, or an expression enclosed in parentheses (unexpected token \"{}\" of value \"{}\".",
                            token.kind.english(),
                            token.shown()
                        ),
                        token.line,
                    ));
                }
            };
            self.stream.expect(Kind::Punctuation, ":", "A mapping key must be followed by a colon (:)")?;
            items.push(Item { key: Some(key), value: self.expression(0)? });
        }
        self.stream.expect(Kind::Punctuation, "}", "An opened mapping is not properly closed")?;
        self.shallower();
        Ok(Expr::new(ExprKind::Array(ArrayLit { items, mapping: true }), line))
    }
}

//! PHP's `sprintf`.

use crate::error::Error;
use crate::num;
use crate::value::{V, Value};

/// One `%…` of a format.
struct Spec {
    left: bool,
    plus: bool,
    pad: u8,
    width: usize,
    /// `%.f` gives none.
    precision: Option<Precision>,
}

#[derive(Clone, Copy)]
enum Precision {
    Digits(usize),
    /// `%.*g` with -1: as many as tell the number from others.
    Shortest,
}

/// The largest number within a format.
const MOST: usize = 2_147_483_647;

fn bad(message: impl Into<String>) -> Error {
    Error::host(message)
}

/// Formats; `limit` bounds the length of the result.
pub(crate) fn sprintf(format: &[u8], args: &[V<'_>], limit: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(format.len());
    let mut walk = Walk { format, args, at: 0, next: 0, missing: 0 };
    while let Some(c) = walk.peek() {
        walk.at += 1;
        if c != b'%' {
            out.push(c);
            continue;
        }
        if walk.peek() == Some(b'%') {
            out.push(b'%');
            walk.at += 1;
            continue;
        }
        let Some((spec, kind, value)) = walk.spec(&mut out)? else { continue };
        let text = piece(kind, &spec, value)?;
        if out.len() + text.len().max(spec.width) > limit {
            return Err(Error::new(
                crate::ErrorKind::Limit,
                "A formatted text grew larger than the limit allows.",
            ));
        }
        pad(&text, &spec, kind, &mut out);
    }
    if walk.missing > 0 {
        return Err(bad(format!("{} arguments are required, {} given", walk.missing + 1, args.len() + 1)));
    }
    Ok(out)
}

struct Walk<'f, 'v> {
    format: &'f [u8],
    args: &'f [V<'v>],
    at: usize,
    next: usize,
    /// How many arguments there had to be, if there were fewer.
    missing: usize,
}

impl<'f> Walk<'f, '_> {
    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// What stands after a `%`; nothing if an argument is missing or the text is written already.
    fn spec(&mut self, out: &mut Vec<u8>) -> Result<Option<(Spec, u8, &'f Value)>, Error> {
        let mut spec = Spec { left: false, plus: false, pad: b' ', width: 0, precision: None };
        let index = self.index()?;
        self.flags(&mut spec)?;
        if self.peek() == Some(b'*') {
            let Some(width) = self.given()? else { return Ok(None) };
            let Value::Int(width) = width else { return Err(bad("Width must be an integer")) };
            spec.width = usize::try_from(*width).unwrap_or(MOST);
        } else if let Some(n) = self.digits() {
            spec.width = n;
        }
        if spec.width >= MOST {
            return Err(bad("Width must be greater than zero and less than 2147483647"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.peek() == Some(b'*') {
                let Some(given) = self.given()? else { return Ok(None) };
                spec.precision = Some(match given {
                    Value::Int(-1) => Precision::Shortest,
                    Value::Int(n @ 0..=2_147_483_647) => {
                        Precision::Digits(usize::try_from(*n).unwrap_or(MOST))
                    }
                    Value::Int(_) => return Err(bad("Precision must be between -1 and 2147483647")),
                    _ => return Err(bad("Precision must be an integer")),
                });
            } else if let Some(n) = self.digits() {
                if n >= MOST {
                    return Err(bad("Precision must be greater than zero and less than 2147483647"));
                }
                spec.precision = Some(Precision::Digits(n));
            }
        }
        if self.peek() == Some(b'l') {
            self.at += 1;
        }
        let kind = self.peek().ok_or_else(|| bad("Missing format specifier at end of string"))?;
        self.at += 1;
        if kind == b'%' {
            out.push(b'%');
            return Ok(None);
        }
        if matches!(spec.precision, Some(Precision::Shortest)) && !matches!(kind, b'g' | b'G' | b'h' | b'H') {
            return Err(bad("Precision -1 is only supported for %g, %G, %h and %H"));
        }
        Ok(self.argument(index).map(|value| (spec, kind, value)))
    }

    /// The place of an argument that a `2$` names.
    fn index(&mut self) -> Result<Option<usize>, Error> {
        let from = self.at;
        let Some(n) = self.digits().filter(|_| self.peek() == Some(b'$')) else {
            self.at = from;
            return Ok(None);
        };
        if n == 0 || n >= MOST {
            return Err(bad("Argument number specifier must be greater than zero and less than 2147483647"));
        }
        self.at += 1;
        Ok(Some(n - 1))
    }

    /// The argument that a `*` takes.
    fn given(&mut self) -> Result<Option<&'f Value>, Error> {
        self.at += 1;
        let index = self.index()?;
        Ok(self.argument(index))
    }

    fn argument(&mut self, index: Option<usize>) -> Option<&'f Value> {
        let place = index.unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        });
        let args = self.args;
        let value = args.get(place).map(|value| &**value);
        if value.is_none() {
            self.missing = self.missing.max(place + 1);
        }
        value
    }

    fn flags(&mut self, spec: &mut Spec) -> Result<(), Error> {
        loop {
            match self.peek() {
                Some(b'-') => spec.left = true,
                Some(b'+') => spec.plus = true,
                Some(b' ') => spec.pad = b' ',
                Some(b'0') => spec.pad = b'0',
                Some(b'\'') => {
                    self.at += 1;
                    spec.pad = self.peek().ok_or_else(|| bad("Missing padding character"))?;
                }
                _ => return Ok(()),
            }
            self.at += 1;
        }
    }

    fn digits(&mut self) -> Option<usize> {
        let tail = self.format.get(self.at..).unwrap_or(&[]);
        let count = tail.iter().take_while(|b| b.is_ascii_digit()).count();
        if count == 0 {
            return None;
        }
        self.at += count;
        let text = tail.get(..count).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or("");
        Some(text.parse().unwrap_or(usize::MAX))
    }
}

fn piece(kind: u8, spec: &Spec, value: &Value) -> Result<Vec<u8>, Error> {
    let text = |s: String| Ok(s.into_bytes());
    match kind {
        b's' => {
            let bytes = value.to_bytes()?;
            let cut = match spec.precision {
                Some(Precision::Digits(n)) => n.min(bytes.len()),
                _ => bytes.len(),
            };
            Ok(bytes.get(..cut).unwrap_or(&[]).to_vec())
        }
        b'd' => {
            let n = value.to_int();
            text(if spec.plus && n >= 0 { format!("+{n}") } else { n.to_string() })
        }
        b'u' => text(num::bits(value.to_int()).to_string()),
        // PHP takes a precision here for a width of nothing.
        b'x' | b'X' | b'o' | b'b' if spec.precision.is_some() => Ok(Vec::new()),
        b'x' => text(format!("{:x}", num::bits(value.to_int()))),
        b'X' => text(format!("{:X}", num::bits(value.to_int()))),
        b'o' => text(format!("{:o}", num::bits(value.to_int()))),
        b'b' => text(format!("{:b}", num::bits(value.to_int()))),
        b'c' => Ok(vec![num::low_byte(value.to_int())]),
        b'f' | b'F' | b'e' | b'E' | b'g' | b'G' | b'h' | b'H' => text(float(kind, spec, value.to_float())),
        other => Err(bad(format!("Unknown format specifier \"{}\"", char::from(other)))),
    }
}

fn float(kind: u8, spec: &Spec, f: f64) -> String {
    let mark = if kind.is_ascii_lowercase() { 'e' } else { 'E' };
    let precision = match spec.precision {
        None => 6,
        Some(Precision::Digits(n)) => n.min(53),
        Some(Precision::Shortest) => 0,
    };
    if !f.is_finite() {
        return endless(f, spec);
    }
    let general = matches!(kind, b'g' | b'G' | b'h' | b'H');
    let sign = if f < 0.0 || (general && f.is_sign_negative()) {
        "-"
    } else if spec.plus {
        "+"
    } else {
        ""
    };
    let f = f.abs();
    let body = match kind {
        b'f' | b'F' => fixed(f, precision),
        b'e' | b'E' => {
            let text = format!("{f:.precision$e}");
            let (mantissa, exp) = text.split_once('e').unwrap_or((&text, "0"));
            let exp: i32 = exp.parse().unwrap_or(0);
            format!("{mantissa}{mark}{}{}", if exp < 0 { '-' } else { '+' }, exp.abs())
        }
        _ if matches!(spec.precision, Some(Precision::Shortest)) => crate::value::float_repr(f, mark),
        _ => crate::value::significant(f, precision.max(1), mark),
    };
    format!("{sign}{body}")
}

/// `INF` and `NaN`: never padded, never signed, but for the sign that padding with zeros puts over the first
/// letter.
fn endless(f: f64, spec: &Spec) -> String {
    let name = if f.is_nan() { "NaN" } else { "INF" };
    let sign = if f < 0.0 { '-' } else { '+' };
    if spec.pad == b'0' && !spec.left && (f < 0.0 || spec.plus) {
        return format!("{sign}{}", name.get(1..).unwrap_or(""));
    }
    name.to_owned()
}

/// A non-negative float with a number of decimals, its exact value rounded.
pub(crate) fn fixed(f: f64, decimals: usize) -> String {
    format!("{f:.decimals$}")
}

fn pad(text: &[u8], spec: &Spec, kind: u8, out: &mut Vec<u8>) {
    let missing = spec.width.saturating_sub(text.len());
    let endless = matches!(text.last(), Some(b'F' | b'N'));
    let float = matches!(kind, b'f' | b'F' | b'e' | b'E' | b'g' | b'G' | b'h' | b'H');
    if missing == 0 || kind == b'c' || (float && endless) {
        out.extend_from_slice(text);
        return;
    }
    let whole = matches!(kind, b'd' | b'u');
    if spec.left {
        out.extend_from_slice(text);
        // An integer is not padded with zeros on its right.
        let fill = if whole && spec.pad == b'0' { b' ' } else { spec.pad };
        out.extend(std::iter::repeat_n(fill, missing));
        return;
    }
    let fill = std::iter::repeat_n(spec.pad, missing);
    if (whole || float)
        && spec.pad == b'0'
        && let Some((sign @ (b'-' | b'+'), rest)) = text.split_first()
    {
        out.push(*sign);
        out.extend(fill);
        out.extend_from_slice(rest);
        return;
    }
    out.extend(fill);
    out.extend_from_slice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(f: &str, args: &[Value]) -> String {
        let args: Vec<V<'_>> = args.iter().map(V::Ref).collect();
        String::from_utf8(sprintf(f.as_bytes(), &args, 1000).unwrap()).unwrap()
    }

    #[test]
    fn formats_follow_php() {
        assert_eq!(format("%05d|%-5d|%+d", &[42.into(), 42.into(), 42.into()]), "00042|42   |+42");
        assert_eq!(format("%08.3f", &[Value::Int(-42)]), "-042.000");
        assert_eq!(format("%2$s %1$s", &["a".into(), "b".into()]), "b a");
        assert_eq!(format("%x %b %c", &[Value::Int(-42), 5.into(), 65.into()]), "ffffffffffffffd6 101 A");
        assert_eq!(format("%e", &[42.into()]), "4.200000e+1");
        assert_eq!(format("%'*10s|", &["x".into()]), "*********x|");
        assert_eq!(format("%d", &[Value::Float(1e20)]), "7766279631452241920");
    }

    #[test]
    fn broken_formats_are_refused() {
        let none: &[V<'_>] = &[];
        assert_eq!(sprintf(b"%d", none, 9).unwrap_err().raw_message(), "2 arguments are required, 1 given");
        assert_eq!(
            sprintf(b"%y", &[V::Own(Value::Null)], 9).unwrap_err().raw_message(),
            "Unknown format specifier \"y\""
        );
    }
}

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
    precision: Option<usize>,
}

fn bad(message: impl Into<String>) -> Error {
    Error::host(message)
}

/// Formats; `limit` bounds the length of the result.
pub(crate) fn sprintf(format: &[u8], args: &[V<'_>], limit: usize) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(format.len());
    let mut at = 0;
    let mut next = 0;
    let mut missing = 0;
    while let Some(&c) = format.get(at) {
        at += 1;
        if c != b'%' {
            out.push(c);
            continue;
        }
        if format.get(at) == Some(&b'%') {
            out.push(b'%');
            at += 1;
            continue;
        }
        let mut spec = Spec { left: false, plus: false, pad: b' ', width: 0, precision: None };
        let mut index = None;
        let (number, used) = digits(format, at);
        if let Some(n) = number
            && format.get(at + used) == Some(&b'$')
        {
            if n == 0 || n >= 2_147_483_647 {
                return Err(bad(
                    "Argument number specifier must be greater than zero and less than 2147483647",
                ));
            }
            index = Some(n - 1);
            at += used + 1;
        }
        at = flags(format, at, &mut spec)?;
        let (number, used) = digits(format, at);
        if let Some(n) = number {
            if n >= 2_147_483_647 {
                return Err(bad("Width must be greater than zero and less than 2147483647"));
            }
            spec.width = n;
            at += used;
        }
        if format.get(at) == Some(&b'.') {
            let (number, used) = digits(format, at + 1);
            spec.precision = Some(number.unwrap_or(0));
            at += 1 + used;
        }
        if format.get(at) == Some(&b'l') {
            at += 1;
        }
        let Some(&kind) = format.get(at) else {
            return Err(bad("Missing format specifier at end of string"));
        };
        at += 1;
        if kind == b'%' {
            out.push(b'%');
            continue;
        }
        let place = index.unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        let Some(value) = args.get(place) else {
            missing = missing.max(place + 1);
            continue;
        };
        let text = piece(kind, &spec, value)?;
        if out.len() + text.len().max(spec.width) > limit {
            return Err(Error::new(
                crate::ErrorKind::Limit,
                "A formatted text grew larger than the limit allows.",
            ));
        }
        let numeric = !matches!(kind, b's' | b'c');
        pad(&text, &spec, numeric, kind == b'c', &mut out);
    }
    if missing > 0 {
        return Err(bad(format!("{} arguments are required, {} given", missing + 1, args.len() + 1)));
    }
    Ok(out)
}

fn flags(format: &[u8], mut at: usize, spec: &mut Spec) -> Result<usize, Error> {
    loop {
        match format.get(at) {
            Some(b'-') => spec.left = true,
            Some(b'+') => spec.plus = true,
            Some(b' ') => spec.pad = b' ',
            Some(b'0') => spec.pad = b'0',
            Some(b'\'') => {
                at += 1;
                spec.pad = *format.get(at).ok_or_else(|| bad("Missing padding character"))?;
            }
            _ => return Ok(at),
        }
        at += 1;
    }
}

/// The number at a place and how many digits it has.
fn digits(format: &[u8], at: usize) -> (Option<usize>, usize) {
    let tail = format.get(at..).unwrap_or(&[]);
    let count = tail.iter().take_while(|b| b.is_ascii_digit()).count();
    let text = tail.get(..count).and_then(|d| std::str::from_utf8(d).ok()).unwrap_or("");
    if count == 0 { (None, 0) } else { (Some(text.parse().unwrap_or(usize::MAX)), count) }
}

fn piece(kind: u8, spec: &Spec, value: &Value) -> Result<Vec<u8>, Error> {
    let text = |s: String| Ok(s.into_bytes());
    match kind {
        b's' => {
            let bytes = value.to_bytes()?;
            let cut = spec.precision.unwrap_or(bytes.len()).min(bytes.len());
            Ok(bytes.get(..cut).unwrap_or(&[]).to_vec())
        }
        b'd' | b'i' => {
            let n = value.to_int();
            text(if spec.plus && n >= 0 { format!("+{n}") } else { n.to_string() })
        }
        b'u' => text(num::bits(value.to_int()).to_string()),
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
    let precision = spec.precision.unwrap_or(6).min(53);
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return match (f > 0.0, spec.plus) {
            (true, true) => "+Inf",
            (true, false) => "Inf",
            (false, _) => "-Inf",
        }
        .to_owned();
    }
    let sign = if f < 0.0 {
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
            let mark = if kind == b'e' { 'e' } else { 'E' };
            format!("{mantissa}{mark}{}{}", if exp < 0 { '-' } else { '+' }, exp.abs())
        }
        _ => {
            let mark = if matches!(kind, b'g' | b'h') { 'e' } else { 'E' };
            crate::value::significant(f, precision.max(1), mark)
        }
    };
    format!("{sign}{body}")
}

/// A non-negative float with a number of decimals, its exact value rounded.
pub(crate) fn fixed(f: f64, decimals: usize) -> String {
    format!("{f:.decimals$}")
}

fn pad(text: &[u8], spec: &Spec, numeric: bool, never: bool, out: &mut Vec<u8>) {
    let missing = spec.width.saturating_sub(text.len());
    if missing == 0 || never {
        out.extend_from_slice(text);
        return;
    }
    let fill = std::iter::repeat_n(spec.pad, missing);
    if spec.left {
        out.extend_from_slice(text);
        // A number is not padded with zeros on its right.
        let zero = numeric && spec.pad == b'0';
        out.extend(if zero { std::iter::repeat_n(b'0', missing) } else { fill });
        return;
    }
    if numeric
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

//! `dump()`: PHP's `var_dump`.

use crate::error::Error;
use crate::run::Frame;
use crate::value::{Array, KeyRef, Value, float_repr};

/// The dump of values or, without any, of all variables but templates. It ends soon after so many bytes: the
/// caller refuses what is longer.
pub(crate) fn dump(frame: &Frame<'_>, values: &[Value], most: usize) -> Result<Value, Error> {
    let mut out = Vec::new();
    if values.is_empty() {
        let mut all = Array::new();
        for (key, value) in &frame.to_array() {
            if !matches!(value, Value::Template(_)) {
                all.insert(key.to_key(), value.clone());
            }
        }
        show(&all.into(), 0, most, &mut out);
    }
    for value in values {
        show(value, 0, most, &mut out);
    }
    Ok(Value::bytes(out))
}

fn line(indent: usize, text: &str, out: &mut Vec<u8>) {
    out.extend(std::iter::repeat_n(b' ', indent));
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

fn show(value: &Value, indent: usize, most: usize, out: &mut Vec<u8>) {
    if out.len() > most {
        return;
    }
    match value {
        Value::Null => line(indent, "NULL", out),
        Value::Bool(b) => line(indent, &format!("bool({b})"), out),
        Value::Int(n) => line(indent, &format!("int({n})"), out),
        Value::Float(f) => line(indent, &format!("float({})", float_repr(*f, 'E')), out),
        Value::Str(_) | Value::Bytes(_) => {
            let bytes = value.str_bytes().unwrap_or(&[]);
            out.extend(std::iter::repeat_n(b' ', indent));
            out.extend_from_slice(format!("string({}) \"", bytes.len()).as_bytes());
            out.extend_from_slice(bytes);
            out.extend_from_slice(b"\"\n");
        }
        Value::Array(array) => {
            line(indent, &format!("array({}) {{", array.len()), out);
            fields(array, indent, most, out);
        }
        _ => {
            let properties = match value {
                Value::Object(o) => o.properties(),
                Value::Markup(text) => [("content", Value::Str(text.clone()))].into_iter().collect(),
                other => crate::date::properties(other),
            };
            // PHP numbers objects; a dump of values has one at a time.
            line(indent, &format!("object({})#1 ({}) {{", value.type_name(), properties.len()), out);
            fields(&properties, indent, most, out);
        }
    }
}

fn fields(array: &Array, indent: usize, most: usize, out: &mut Vec<u8>) {
    for (key, value) in array {
        match key {
            KeyRef::Int(n) => line(indent + 2, &format!("[{n}]=>"), out),
            KeyRef::Str(s) => line(indent + 2, &format!("[\"{s}\"]=>"), out),
        }
        show(value, indent + 2, most, out);
    }
    line(indent, "}", out);
}

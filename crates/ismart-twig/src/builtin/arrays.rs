//! Filters on sequences and mappings.

use std::borrow::Cow;

use super::arg;
use crate::error::Error;
use crate::num;
use crate::run::Rt;
use crate::value::{Array, KeyRef, Number, V, Value, parse_numeric};

type Out = Result<Value, Error>;

/// An integer parameter of a PHP function, as its type check takes it.
pub(super) fn int_param(
    value: &Value,
    function: &str,
    at: usize,
    name: &str,
    null: bool,
) -> Result<i64, Error> {
    let refuse = || {
        let wanted = if null { "?int" } else { "int" };
        Error::host(format!(
            "{function}(): Argument #{at} (${name}) must be of type {wanted}, {} given",
            value.type_name()
        ))
    };
    match value {
        Value::Int(n) => Ok(*n),
        Value::Bool(b) => Ok((*b).into()),
        Value::Null => Ok(0),
        Value::Float(f) if num::fits(*f) => Ok(num::int(*f)),
        Value::Str(_) | Value::Bytes(_) => {
            let bytes = value.str_bytes().unwrap_or(&[]);
            match parse_numeric(bytes) {
                Some(Number::Int(n)) => Ok(n),
                Some(Number::Float(f)) if num::fits(f) => Ok(num::int(f)),
                _ => Err(refuse()),
            }
        }
        _ => Err(refuse()),
    }
}

pub(super) fn join(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    let pairs = match value.to_pairs() {
        Some(pairs) => pairs,
        // PHP casts to an array: null to an empty one, an object to its properties, any scalar to a list of it.
        None if value.is_null() => Cow::Owned(Array::new()),
        None => match value {
            Value::Markup(text) => {
                Cow::Owned(Array::from(vec![Value::Str(text.clone()), Value::from("UTF-8")]))
            }
            Value::Date(_) | Value::Interval(_) | Value::Zone(_) => {
                Cow::Owned(crate::date::properties(value))
            }
            Value::Object(o) if o.text().is_none() => Cow::Owned(o.properties()),
            _ => Cow::Owned(Array::from(vec![value.clone()])),
        },
    };
    if pairs.is_empty() {
        return Ok(Value::from(""));
    }
    let and = arg(args, 2);
    if and.is_null()
        && let Some(text) = join_texts(&pairs, arg(args, 1))
    {
        rt.check_size(text.len())?;
        return Ok(Value::Str(text));
    }
    let glue = match arg(args, 1) {
        Value::Array(_) => {
            return Err(Error::host(
                "implode(): Argument #1 ($separator) must be of type string, array given",
            ));
        }
        other => other.to_bytes()?,
    };
    let last = pairs.len() - 1;
    let and = if and.is_null() || and.same(arg(args, 1)) { None } else { Some(and.to_bytes()?) };
    if last == 0 && and.is_some() {
        let only = pairs.first().unwrap_or(&Value::Null);
        return only.to_str_value();
    }
    let mut out = Vec::new();
    for (at, item) in pairs.values().enumerate() {
        if at > 0 {
            match &and {
                Some(and) if at == last => out.extend_from_slice(and),
                _ => out.extend_from_slice(&glue),
            }
        }
        item.write(&mut out)?;
    }
    rt.check_size(out.len())?;
    Ok(Value::bytes(out))
}

/// The usual case: nothing but texts.
fn join_texts(pairs: &Array, glue: &Value) -> Option<ecow::EcoString> {
    let Value::Str(glue) = glue else { return None };
    let mut length = glue.len() * pairs.len();
    for item in pairs.values() {
        length += item.as_str()?.len();
    }
    let mut out = ecow::EcoString::with_capacity(length);
    for (at, item) in pairs.values().enumerate() {
        if at > 0 {
            out.push_str(glue);
        }
        out.push_str(item.as_str()?);
    }
    Some(out)
}

pub(super) fn merge(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let mut out = Array::new();
    for (at, value) in args.iter().enumerate() {
        let Some(pairs) = value.to_pairs() else {
            return Err(Error::runtime(format!(
                "The \"merge\" filter expects a sequence or a mapping, got \"{}\" for argument {}.",
                value.type_name(),
                at + 1
            )));
        };
        if at == 0 && pairs.is_list() {
            out = pairs.into_owned();
            continue;
        }
        out.append(&pairs);
    }
    Ok(out.into())
}

fn ceil(size: &Value) -> Error {
    Error::host(format!("ceil(): Argument #1 ($num) must be of type int|float, {} given", size.type_name()))
}

pub(super) fn batch(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    let Some(pairs) = value.to_pairs() else {
        return Err(Error::runtime(format!(
            "The \"batch\" filter expects a sequence or a mapping, got \"{}\".",
            value.type_name()
        )));
    };
    let size = match arg(args, 1) {
        size @ Value::Str(_) if size.str_bytes().and_then(parse_numeric).is_none() => return Err(ceil(size)),
        size @ Value::Array(_) => return Err(ceil(size)),
        size => num::int(size.to_float().ceil()),
    };
    if size < 1 {
        return Err(Error::host("array_chunk(): Argument #2 ($length) must be greater than 0"));
    }
    let fill = arg(args, 2);
    let keep = args.get(3).is_none_or(|v| v.truthy());
    let mut out: Vec<Array> = Vec::new();
    let mut left = 0;
    for (key, item) in pairs.iter() {
        if left == 0 {
            out.push(Array::new());
            left = size;
        }
        left -= 1;
        if let Some(last) = out.last_mut() {
            if keep {
                last.insert(key.to_key(), item.clone());
            } else {
                last.push(item.clone());
            }
        }
    }
    if !fill.is_null()
        && let Some(last) = out.last_mut()
    {
        rt.check_size(num::index(left))?;
        for _ in 0..left {
            last.push(fill.clone());
        }
    }
    Ok(Value::list(out.into_iter().map(Value::from)))
}

pub(super) fn column(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    let Some(pairs) = value.to_pairs() else {
        return Err(Error::runtime(format!(
            "The \"column\" filter expects a sequence or a mapping, got \"{}\".",
            value.type_name()
        )));
    };
    let (name, index) = (arg(args, 1), arg(args, 2));
    for (key, at, param) in [(name, 2, "column_key"), (index, 3, "index_key")] {
        if matches!(key, Value::Array(_)) || (key.is_object() && !key.stringable()) {
            return Err(Error::host(format!(
                "array_column(): Argument #{at} (${param}) must be of type string|int|null, {} given",
                key.type_name()
            )));
        }
    }
    let read = |row: &Value, key: &Value| -> Result<Option<Value>, Error> {
        Ok(match row {
            Value::Array(a) => key.to_key().and_then(|k| a.get(&k).cloned()),
            Value::Object(o) => {
                let name = key.to_text()?;
                rt.with_policy(|policy| policy.check_property(row, &name))?;
                o.get(&key.to_text()?)
            }
            _ => None,
        })
    };
    let mut out = Array::new();
    for row in pairs.values() {
        let found = if name.is_null() { Some(row.clone()) } else { read(row, name)? };
        let Some(found) = found else { continue };
        let key = if index.is_null() { None } else { read(row, index)? };
        match key.as_ref().and_then(Value::to_key) {
            Some(key) => out.insert(key, found),
            None => out.push(found),
        }
    }
    Ok(out.into())
}

pub(super) fn reverse(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    let keep = arg(args, 1).truthy();
    if let Some(pairs) = value.to_pairs() {
        let mut out = Array::with_capacity(pairs.len());
        for at in (0..pairs.len()).rev() {
            if let Some((key, item)) = pairs.entry(at) {
                match key {
                    KeyRef::Int(_) if !keep => out.push(item.clone()),
                    key => out.insert(key.to_key(), item.clone()),
                }
            }
        }
        return Ok(out.into());
    }
    if let Value::Str(text) = value
        && text.is_ascii()
    {
        let bytes: smallvec::SmallVec<[u8; 64]> = text.bytes().rev().collect();
        return Ok(Value::from_bytes(&bytes));
    }
    let text = super::strings::valid(value, "reverse")?;
    Ok(Value::from(text.chars().rev().collect::<String>()))
}

pub(super) fn shuffle(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    if value.is_string() {
        let text = super::strings::valid(value, "shuffle")?;
        let mut letters: Vec<char> = text.chars().collect();
        rt.random.shuffle(&mut letters);
        return Ok(Value::from(letters.into_iter().collect::<String>()));
    }
    match value.to_pairs() {
        Some(pairs) => {
            let mut items: Vec<Value> = pairs.values().cloned().collect();
            rt.random.shuffle(&mut items);
            Ok(Array::from(items).into())
        }
        None => Ok(value.clone()),
    }
}

pub(super) fn length(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    Ok(Value::from(match value {
        Value::Null => 0,
        Value::Str(s) => letters(s),
        Value::Markup(s) => letters(s),
        Value::Array(a) => a.len(),
        Value::Object(o) => {
            if let Some(n) = o.count() {
                n
            } else if let Some(pairs) = o.iterate() {
                pairs.len()
            } else if let Some(text) = o.text() {
                letters(&text?.to_text()?)
            } else {
                1
            }
        }
        Value::Bytes(b) => super::strings::units(b).len(),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => letters(&value.to_text()?),
        _ => 1,
    }))
}

fn letters(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.chars().count() }
}

/// Start and end of a slice of `len` elements, as PHP counts them.
fn bounds(start: i64, length: Option<i64>, len: usize) -> (usize, usize) {
    let len = num::len(len);
    let from = if start < 0 { (len + start).max(0) } else { start.min(len) };
    let to = match length {
        None => len,
        Some(n) if n < 0 => (len + n).max(from),
        Some(n) => from.saturating_add(n).min(len),
    };
    (num::index(from), num::index(to))
}

fn slice_array(array: &Array, start: i64, length: Option<i64>, keep: bool) -> Array {
    let (from, to) = bounds(start, length, array.len());
    let mut out = Array::with_capacity(to.saturating_sub(from));
    for at in from..to {
        if let Some((key, item)) = array.entry(at) {
            match key {
                KeyRef::Int(_) if !keep => out.push(item.clone()),
                key => out.insert(key.to_key(), item.clone()),
            }
        }
    }
    out
}

fn slice_value(value: &Value, start: &Value, length: &Value, keep: bool) -> Out {
    if let Some(mut pairs) = value.to_pairs() {
        if value.is_object() && !keep {
            // The elements of an iterator lose all their keys, names too.
            pairs = Cow::Owned(pairs.values().cloned().collect::<Vec<_>>().into());
        }
        let at = int_param(start, "array_slice", 2, "offset", false)?;
        let count =
            if length.is_null() { None } else { Some(int_param(length, "array_slice", 3, "length", true)?) };
        return Ok(slice_array(&pairs, at, count, keep).into());
    }
    let at = int_param(start, "mb_substr", 2, "start", false)?;
    let count =
        if length.is_null() { None } else { Some(int_param(length, "mb_substr", 3, "length", true)?) };
    if let Value::Bytes(bytes) = value {
        let units = super::strings::units(bytes);
        let (from, to) = bounds(at, count, units.len());
        let cut: Vec<u8> = units.get(from..to).unwrap_or(&[]).concat();
        return Ok(Value::bytes(cut));
    }
    let text = value.to_text()?;
    if text.is_ascii() {
        let (from, to) = bounds(at, count, text.len());
        return Ok(Value::from(text.get(from..to).unwrap_or("")));
    }
    let (from, to) = bounds(at, count, text.chars().count());
    Ok(Value::from(text.chars().skip(from).take(to.saturating_sub(from)).collect::<String>()))
}

pub(super) fn slice(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    slice_value(arg(args, 0), arg(args, 1), arg(args, 2), arg(args, 3).truthy())
}

fn end(args: &[V<'_>], at: i64) -> Out {
    let value = arg(args, 0);
    if let Value::Array(array) = value {
        let found = if at == 0 { array.first() } else { array.last() };
        return Ok(found.cloned().unwrap_or(Value::Bool(false)));
    }
    let cut = slice_value(value, &Value::Int(at), &Value::Int(1), false)?;
    Ok(match &cut {
        Value::Array(array) => array.first().cloned().unwrap_or(Value::Bool(false)),
        _ => cut,
    })
}

pub(super) fn first(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    end(args, 0)
}

pub(super) fn last(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    end(args, -1)
}

pub(super) fn keys(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(match arg(args, 0) {
        Value::Array(a) => Value::list(a.keys().map(KeyRef::to_value)),
        Value::Object(o) => Value::list(o.iterate().unwrap_or_default().into_iter().map(|(k, _)| k)),
        _ => Value::list([]),
    })
}

//! Filters on texts.

use std::borrow::Cow;

use super::arg;
use super::arrays::int_param;
use crate::callable::Strategy;
use crate::error::Error;
use crate::num;
use crate::run::Rt;
use crate::text::{encoding, escape as escaping, html, json, letters, sprintf};
use crate::value::{Array, KeyRef, V, Value};

type Out = Result<Value, Error>;

/// The text of a parameter that PHP types as string: arrays are refused with its words.
fn text_param<'v>(value: &'v Value, function: &str, at: usize, name: &str) -> Result<Cow<'v, [u8]>, Error> {
    if matches!(value, Value::Array(_)) || (value.is_object() && !value.stringable()) {
        return Err(Error::host(format!(
            "{function}(): Argument #{at} (${name}) must be of type string, {} given",
            value.type_name()
        )));
    }
    value.to_bytes()
}

fn utf8(bytes: Cow<'_, [u8]>) -> String {
    match String::from_utf8(bytes.into_owned()) {
        Ok(text) => text,
        // `mb_*` puts a question mark for what is no character.
        Err(e) => e.as_bytes().utf8_chunks().fold(String::new(), |mut out, chunk| {
            out.push_str(chunk.valid());
            if !chunk.invalid().is_empty() {
                out.push('?');
            }
            out
        }),
    }
}

/// The bytes of each character as `mb_substr` cuts them, broken ones included.
pub(super) fn units(bytes: &[u8]) -> Vec<&[u8]> {
    let mut out = Vec::new();
    let mut rest = bytes;
    while let Some(first) = rest.first() {
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf7 => 4,
            _ => 1,
        };
        let (unit, tail) = rest.split_at(length.min(rest.len()));
        out.push(unit);
        rest = tail;
    }
    out
}

/// A text that has to be UTF-8 to be split into characters.
pub(super) fn valid(value: &Value, name: &str) -> Result<String, Error> {
    let bytes = value.to_bytes()?;
    String::from_utf8(bytes.into_owned()).map_err(|_e| {
        Error::runtime(format!(
            "Unable to split the string passed to \"{name}\" into characters: Malformed UTF-8 characters, possibly incorrectly encoded."
        ))
    })
}

/// ASCII with each byte changed.
fn mapped(text: &str, change: fn(&u8) -> u8) -> ecow::EcoString {
    let bytes: smallvec::SmallVec<[u8; 128]> = text.as_bytes().iter().map(change).collect();
    std::str::from_utf8(&bytes).unwrap_or("").into()
}

pub(super) fn upper(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    if let Value::Str(text) = arg(args, 0)
        && text.is_ascii()
    {
        return Ok(Value::Str(mapped(text, u8::to_ascii_uppercase)));
    }
    let text = utf8(text_param(arg(args, 0), "mb_strtoupper", 1, "string")?);
    Ok(Value::from(letters::upper(&text)))
}

pub(super) fn lower(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    if let Value::Str(text) = arg(args, 0)
        && text.is_ascii()
    {
        return Ok(Value::Str(mapped(text, u8::to_ascii_lowercase)));
    }
    let text = utf8(text_param(arg(args, 0), "mb_strtolower", 1, "string")?);
    Ok(Value::from(letters::lower(&text)))
}

pub(super) fn title(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    if let Value::Str(text) = arg(args, 0) {
        return Ok(Value::from(letters::title(text)));
    }
    let text = utf8(text_param(arg(args, 0), "mb_convert_case", 1, "string")?);
    Ok(Value::from(letters::title(&text)))
}

pub(super) fn capitalize(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    if let Value::Str(text) = arg(args, 0)
        && text.is_ascii()
    {
        let mut lower = text.to_ascii_lowercase();
        if let Some(first) = text.chars().next() {
            let upper: ecow::EcoString = first.to_ascii_uppercase().into();
            lower = upper + lower.get(1..).unwrap_or("");
        }
        return Ok(Value::Str(lower));
    }
    let text = utf8(text_param(arg(args, 0), "mb_substr", 1, "string")?);
    let mut chars = text.chars();
    let mut out: String = chars.next().map(|c| letters::upper(&c.to_string())).unwrap_or_default();
    out.push_str(&letters::lower(chars.as_str()));
    Ok(Value::from(out))
}

pub(super) fn striptags(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let text = text_param(arg(args, 0), "strip_tags", 1, "string")?;
    let allowed = match arg(args, 1) {
        Value::Null => Vec::new(),
        Value::Array(names) => {
            let mut list = Vec::new();
            for name in names.values() {
                list.push(b'<');
                name.write(&mut list)?;
                list.push(b'>');
            }
            list
        }
        other => other.to_bytes()?.into_owned(),
    };
    Ok(Value::bytes(html::strip_tags(&text, &allowed)))
}

/// The bytes that a mask of `trim` stands for: `a..z` is a range.
fn mask(text: &[u8]) -> [bool; 256] {
    let mut set = [false; 256];
    let mut add = |b: u8| {
        if let Some(place) = set.get_mut(usize::from(b)) {
            *place = true;
        }
    };
    let mut at = 0;
    while let Some(&c) = text.get(at) {
        match (text.get(at + 1), text.get(at + 2), text.get(at + 3)) {
            (Some(b'.'), Some(b'.'), Some(&end)) if end >= c => {
                (c..=end).for_each(&mut add);
                at += 4;
            }
            _ => {
                add(c);
                at += 1;
            }
        }
    }
    set
}

/// What `trim` without a mask leaves.
pub(super) fn trimmed(text: &str) -> &str {
    let space = |b: u8| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0 | 0x0b);
    let start = text.bytes().take_while(|b| space(*b)).count();
    let rest = text.get(start..).unwrap_or("");
    let end = rest.bytes().rev().take_while(|b| space(*b)).count();
    rest.get(..rest.len() - end).unwrap_or("")
}

pub(super) fn trim(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    if let (Value::Str(text), [_]) = (value, args) {
        return Ok(Value::from(trimmed(text)));
    }
    let side = args.get(2).map_or_else(|| Ok("both".into()), |v| v.to_text())?;
    let (left, right, name) = match side.as_str() {
        "both" => (true, true, "trim"),
        "left" => (true, false, "ltrim"),
        "right" => (false, true, "rtrim"),
        _ => return Err(Error::runtime("Trimming side must be \"left\", \"right\" or \"both\".")),
    };
    let text = text_param(value, name, 1, "string")?;
    let default: &[u8] = b" \t\n\r\0\x0b";
    let chars = match arg(args, 1) {
        Value::Null => Cow::Borrowed(default),
        other => text_param(other, name, 2, "characters")?,
    };
    let set = mask(&chars);
    let cut = |b: &u8| set.get(usize::from(*b)).copied().unwrap_or(false);
    let start = if left { text.iter().take_while(|b| cut(b)).count() } else { 0 };
    let rest = text.get(start..).unwrap_or(&[]);
    let end = if right { rest.iter().rev().take_while(|b| cut(b)).count() } else { 0 };
    let trimmed = Value::from_bytes(rest.get(..rest.len() - end).unwrap_or(&[]));
    Ok(match (value, trimmed) {
        (Value::Markup(_), Value::Str(text)) if *chars == *default => Value::Markup(text),
        (_, trimmed) => trimmed,
    })
}

pub(super) fn nl2br(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::bytes(html::nl2br(&text_param(arg(args, 0), "nl2br", 1, "string")?)))
}

pub(super) fn spaceless(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::bytes(html::spaceless(&text_param(arg(args, 0), "preg_replace", 3, "subject")?)))
}

pub(super) fn format(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let format = text_param(arg(args, 0), "sprintf", 1, "format")?;
    let text = sprintf::sprintf(&format, args.get(1..).unwrap_or(&[]), rt.engine.limits.items)?;
    Ok(Value::bytes(text))
}

/// `strtr` with pairs: the longest key first, results are not searched again.
pub(super) fn replace(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let from = arg(args, 1);
    let Some(pairs) = from.to_pairs() else {
        return Err(Error::runtime(format!(
            "The \"replace\" filter expects a sequence or a mapping, got \"{}\".",
            from.type_name()
        )));
    };
    if let (Value::Str(text), Some((KeyRef::Str(key), Value::Str(to))), 1) =
        (arg(args, 0), pairs.entry(0), pairs.len())
        && !key.is_empty()
    {
        return replace_one(rt, text, key, to);
    }
    let text = text_param(arg(args, 0), "strtr", 1, "string")?;
    let mut table: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(pairs.len());
    for (key, value) in pairs.iter() {
        let key = key.to_string().into_bytes();
        if !key.is_empty() {
            table.push((key, value.to_bytes()?.into_owned()));
        }
    }
    table.sort_by_key(|(key, _)| std::cmp::Reverse(key.len()));
    let mut starts = [false; 256];
    for (key, _) in &table {
        if let Some(place) = key.first().and_then(|b| starts.get_mut(usize::from(*b))) {
            *place = true;
        }
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest: &[u8] = &text;
    while let Some((first, tail)) = rest.split_first() {
        let found = starts
            .get(usize::from(*first))
            .filter(|s| **s)
            .and_then(|_| table.iter().find(|(key, _)| rest.starts_with(key)));
        match found {
            Some((key, value)) => {
                out.extend_from_slice(value);
                rest = rest.get(key.len()..).unwrap_or(&[]);
                rt.check_size(out.len())?;
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    Ok(Value::bytes(out))
}

/// The usual case: one text for another.
fn replace_one(rt: &Rt<'_>, text: &ecow::EcoString, key: &str, to: &str) -> Out {
    let mut out = ecow::EcoString::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(key) {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        out.push_str(to);
        rest = after.get(key.len()..).unwrap_or("");
        rt.check_size(out.len())?;
    }
    if out.is_empty() && rest.len() == text.len() {
        return Ok(Value::Str(text.clone()));
    }
    out.push_str(rest);
    Ok(Value::Str(out))
}

pub(super) fn split(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    let text = text_param(value, "explode", 2, "string")?;
    let delimiter = text_param(arg(args, 1), "explode", 1, "separator")?;
    let limit = arg(args, 2);
    let number = if limit.is_null() { None } else { Some(int_param(limit, "explode", 3, "limit", false)?) };
    if delimiter.is_empty() {
        if !matches!(arg(args, 1), Value::Str(_) | Value::Bytes(_)) {
            return Err(Error::host("explode(): Argument #1 ($separator) cannot be empty"));
        }
        return by_letters(value, number);
    }
    let finder = memchr::memmem::Finder::new(&*delimiter);
    let mut parts: Vec<Value> = Vec::new();
    let mut rest: &[u8] = &text;
    let most = number.filter(|n| *n > 0).map_or(usize::MAX, num::index);
    let most = if number == Some(0) { 1 } else { most };
    while parts.len() + 1 < most
        && let Some(at) = finder.find(rest)
    {
        let (part, tail) = rest.split_at(at);
        parts.push(Value::from_bytes(part));
        rest = tail.get(delimiter.len()..).unwrap_or(&[]);
    }
    parts.push(Value::from_bytes(rest));
    if let Some(n) = number.filter(|n| *n < 0) {
        let keep = num::index(num::len(parts.len()).saturating_add(n));
        parts.truncate(keep);
    }
    Ok(Array::from(parts).into())
}

/// The characters of a text as `preg_split` takes them apart: never before a line break that ends the text,
/// because PCRE sees an end there.
fn letters_apart(text: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    let (body, tail) = match text.strip_suffix('\n').and_then(|rest| rest.char_indices().next_back()) {
        Some((at, _)) => text.split_at(at),
        None => (text, ""),
    };
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        let (letter, after) = rest.split_at(c.len_utf8());
        parts.push(letter);
        rest = after;
    }
    if !tail.is_empty() {
        parts.push(tail);
    }
    parts
}

fn by_letters(value: &Value, limit: Option<i64>) -> Out {
    let size = limit.unwrap_or(0);
    if size <= 1 {
        let text = valid(value, "split")?;
        if text.is_empty() {
            return Ok(Value::list([Value::from("")]));
        }
        return Ok(Value::list(letters_apart(&text).into_iter().map(Value::from)));
    }
    let bytes = value.to_bytes()?;
    let units = units(&bytes);
    if units.len() < num::index(size) {
        // What fits into one part is left as it is, numbers too.
        return Ok(Value::list([if value.is_null() { Value::from("") } else { value.clone() }]));
    }
    Ok(Value::list(units.chunks(num::index(size)).map(|c| Value::bytes(c.concat()))))
}

pub(super) fn url_encode(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    match arg(args, 0) {
        Value::Array(array) => {
            let mut out = String::new();
            query(rt, array, "", &mut out)?;
            Ok(Value::from(out))
        }
        other => {
            let text = text_param(other, "rawurlencode", 1, "string")?;
            let mut out = Vec::with_capacity(text.len());
            escaping::url(&text, &mut out);
            Ok(Value::bytes(out))
        }
    }
}

/// `http_build_query`: nested arrays become `a[b]`.
fn query(rt: &Rt<'_>, array: &Array, prefix: &str, out: &mut String) -> Result<(), Error> {
    for (key, value) in array {
        let name = escaping::url_text(key.to_string().as_bytes());
        let name = if prefix.is_empty() { name.into_owned() } else { format!("{prefix}%5B{name}%5D") };
        rt.check_size(out.len() + name.len())?;
        let text = match value {
            Value::Null => continue,
            Value::Array(inner) => {
                query(rt, inner, &name, out)?;
                continue;
            }
            Value::Bool(b) => u8::from(*b).to_string(),
            other => escaping::url_text(&other.to_bytes()?).into_owned(),
        };
        if !out.is_empty() {
            out.push('&');
        }
        out.push_str(&name);
        out.push('=');
        out.push_str(&text);
    }
    Ok(())
}

pub(super) fn json_encode(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let flags = int_param(arg(args, 1), "json_encode", 2, "flags", false)?;
    let depth = args.get(2).map_or(512, |v| v.to_int());
    match json::encode(arg(args, 0), flags, depth, rt.engine.limits.items) {
        Ok(text) => {
            rt.check_size(text.len())?;
            Ok(Value::from(text))
        }
        Err(why) if flags & json::flag::THROW_ON_ERROR != 0 => Err(Error::host(why)),
        Err(_) => Ok(Value::Bool(false)),
    }
}

pub(super) fn convert_encoding(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let text = text_param(arg(args, 0), "iconv", 3, "string")?;
    let (to, from) = (arg(args, 1).to_text()?, arg(args, 2).to_text()?);
    // PHP warns about what cannot be converted and gives nothing.
    let converted = encoding::convert(&text, &to, &from).unwrap_or_default();
    Ok(Value::bytes(converted))
}

pub(super) fn escape(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    if matches!(args.get(1).map(|v| &**v), Some(Value::Null | Value::Array(_))) {
        return Err(Error::host(format!(
            "Twig\\Runtime\\EscaperRuntime::escape(): Argument #2 ($strategy) must be of type string, {} given",
            arg(args, 1).type_name()
        )));
    }
    let strategy = args.get(1).map_or_else(|| Ok("html".into()), |v| v.to_text())?;
    let strategy = Strategy::from_name(&strategy);
    let value = arg(args, 0);
    if arg(args, 3).truthy() && matches!(value, Value::Markup(_)) {
        return Ok(value.clone());
    }
    escaping::force(rt.engine, &strategy, value)
}

//! The package `html`: `data_uri`, `html_classes`, `html_cva`, `html_attr`, `html_attr_merge`,
//! `html_attr_type`.

mod attr;
mod cva;

use base64::Engine as _;
use ismart_twig::{Array, Call, Callable, Environment, Error, KeyRef, Value};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `rawurlencode()` leaves as it is, besides letters and digits.
const URL: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Adds the package.
pub fn register(env: &mut Environment) {
    env.add(Callable::filter("data_uri", data_uri).params(&["mime?", "parameters?"]));
    env.add(Callable::function("html_classes", html_classes).params(&["..."]));
    env.add(Callable::function("html_cva", cva::html_cva).params(&[
        "base?",
        "variants?",
        "compound_variants?",
        "default_variant?",
    ]));
    env.add(Callable::function("html_attr", attr::html_attr).params(&["..."]).safe(&["html"]));
    env.add(Callable::filter("html_attr_merge", attr::html_attr_merge).params(&["..."]));
    env.add(Callable::filter("html_attr_type", attr::html_attr_type).params(&["type?"]));
}

/// The bytes of a value: those of a text, or the value's own.
fn bytes(value: &Value) -> Result<Vec<u8>, Error> {
    match value {
        Value::Bytes(bytes) => Ok(bytes.to_vec()),
        other => Ok(other.to_text()?.as_bytes().to_vec()),
    }
}

fn data_uri(call: &Call<'_>) -> Result<Value, Error> {
    let data = bytes(call.arg(0))?;
    let mime = match call.arg(1) {
        Value::Null => guess(&data).to_owned(),
        mime => mime.to_text()?.to_string(),
    };
    let mut uri = format!("data:{mime}");
    if let Some(parameters) = call.arg(2).as_array() {
        for (name, value) in parameters {
            let value = value.to_text()?;
            uri.push_str(&format!(";{name}={}", utf8_percent_encode(&value, &URL)));
        }
    }
    if mime.starts_with("text/") {
        uri.push(',');
        uri.extend(percent_encoding::percent_encode(&data, &URL));
    } else {
        uri.push_str(";base64,");
        base64::engine::general_purpose::STANDARD.encode_string(&data, &mut uri);
    }
    Ok(Value::from(uri))
}

/// The type of content by its first bytes; text where they say nothing.
fn guess(data: &[u8]) -> &'static str {
    const SIGNS: [(&[u8], &str); 9] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"wOFF", "font/woff"),
        (b"wOF2", "font/woff2"),
        (b"<svg", "image/svg+xml"),
        (b"<!DOCTYPE html", "text/html"),
    ];
    if let Some((_, mime)) = SIGNS.iter().find(|(sign, _)| data.starts_with(sign)) {
        return mime;
    }
    if data.starts_with(b"RIFF") && data.get(8..12) == Some(b"WEBP") {
        return "image/webp";
    }
    if std::str::from_utf8(data).is_ok() { "text/plain" } else { "application/octet-stream" }
}

/// Class names from texts and from mappings of names to conditions, each once.
fn html_classes(call: &Call<'_>) -> Result<Value, Error> {
    let mut classes: Vec<String> = Vec::new();
    let mut add = |class: &str| {
        if !class.is_empty() && !classes.iter().any(|c| c == class) {
            classes.push(class.to_owned());
        }
    };
    for (at, value) in call.args().enumerate() {
        match value {
            Value::Str(class) => add(class),
            Value::Array(conditions) => conditional(conditions, at, &mut add)?,
            other => {
                return Err(Error::runtime(format!(
                    "The \"html_classes\" function argument {at} should be either a string or an array, got \"{}\".",
                    other.type_name()
                )));
            }
        }
    }
    Ok(Value::from(classes.join(" ")))
}

fn conditional(conditions: &Array, at: usize, add: &mut dyn FnMut(&str)) -> Result<(), Error> {
    for (class, condition) in conditions {
        match class {
            KeyRef::Str(class) if condition.truthy() => add(class),
            KeyRef::Str(_) => {}
            KeyRef::Int(n) => {
                return Err(Error::runtime(format!(
                    "The \"html_classes\" function argument {at} (key {n}) should be a string, got \"int\"."
                )));
            }
        }
    }
    Ok(())
}

//! Filters and functions of Twig's extra packages that sites use.

use super::{Params, arg, filter, function, safe, variadic};
use crate::callable::{Callable, Safe, Strategy};
use crate::error::Error;
use crate::run::Rt;
use crate::value::{Array, KeyRef, V, Value};

type Out = Result<Value, Error>;

pub(crate) fn all() -> Vec<Callable> {
    let uri: Params = &[("mime", super::NUL), ("parameters", Some(|| Value::list([])))];
    let data_uri = safe(filter("data_uri", uri, data_uri), Safe::For(vec![Strategy::Html]));
    let slug_params: Params = &[("separator", Some(|| Value::from("-"))), ("locale", super::NUL)];
    vec![data_uri, variadic(function("html_classes", &[], html_classes)), filter("slug", slug_params, slug)]
}

/// `html_classes`: names, lists of names and mappings of names to conditions.
fn html_classes(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let mut classes: Vec<String> = Vec::new();
    let add = |class: &str, classes: &mut Vec<String>| {
        if !class.is_empty() && !classes.iter().any(|c| c == class) {
            classes.push(class.to_owned());
        }
    };
    for (at, value) in args.iter().enumerate() {
        match &**value {
            Value::Str(_) | Value::Markup(_) => add(&value.to_text()?, &mut classes),
            Value::Null => {}
            Value::Array(array) => named(array, at, &mut |class| add(class, &mut classes))?,
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

fn named(array: &Array, at: usize, add: &mut dyn FnMut(&str)) -> Result<(), Error> {
    for (key, condition) in array {
        match key {
            KeyRef::Str(class) => {
                if condition.truthy() {
                    add(class);
                }
            }
            KeyRef::Int(n) => {
                return Err(Error::runtime(format!(
                    "The \"html_classes\" function argument {at} (key {n}) should be a string, got \"int\"."
                )));
            }
        }
    }
    Ok(())
}

fn data_uri(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let bytes = arg(args, 0).to_bytes()?;
    let mime = match arg(args, 1) {
        Value::Null => "text/plain".into(),
        given => given.to_text()?,
    };
    let mut out = format!("data:{mime}");
    if let Some(pairs) = arg(args, 2).to_pairs() {
        for (key, value) in pairs.iter() {
            out.push_str(&format!(";{key}={}", crate::text::escape::url_text(&value.to_bytes()?)));
        }
    }
    if mime.starts_with("text/") {
        out.push(',');
        out.push_str(&crate::text::escape::url_text(&bytes));
    } else {
        out.push_str(";base64,");
        base64(&bytes, &mut out);
    }
    Ok(Value::from(out))
}

fn base64(bytes: &[u8], out: &mut String) {
    const LETTERS: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4_usize {
            if at > chunk.len() {
                out.push('=');
                continue;
            }
            let shift = 18 - 6 * crate::num::small(at);
            let index = crate::num::at((bits >> shift) & 63);
            out.push(char::from(LETTERS.get(index).copied().unwrap_or(b'A')));
        }
    }
}

/// `slug`: letters and digits in lower case are left as they are written, the rest becomes separators.
fn slug(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let text = arg(args, 0).to_text()?;
    let separator = args.get(1).map_or_else(|| Ok("-".into()), |v| v.to_text())?;
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    for c in text.chars() {
        let letters = transliterate(c);
        if letters.is_empty() && !c.is_ascii_alphanumeric() {
            if !word.is_empty() {
                words.push(std::mem::take(&mut word));
            }
            continue;
        }
        word.push_str(&letters);
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(Value::from(words.join(&separator)))
}

/// ASCII letters for a letter; empty for signs.
fn transliterate(c: char) -> String {
    if c.is_ascii_alphanumeric() {
        return c.to_string();
    }
    const RUSSIAN: [(char, &str); 33] = [
        ('а', "a"),
        ('б', "b"),
        ('в', "v"),
        ('г', "g"),
        ('д', "d"),
        ('е', "e"),
        ('ё', "e"),
        ('ж', "z"),
        ('з', "z"),
        ('и', "i"),
        ('й', "j"),
        ('к', "k"),
        ('л', "l"),
        ('м', "m"),
        ('н', "n"),
        ('о', "o"),
        ('п', "p"),
        ('р', "r"),
        ('с', "s"),
        ('т', "t"),
        ('у', "u"),
        ('ф', "f"),
        ('х', "h"),
        ('ц', "c"),
        ('ч', "c"),
        ('ш', "s"),
        ('щ', "s"),
        ('ъ', ""),
        ('ы', "y"),
        ('ь', ""),
        ('э', "e"),
        ('ю', "u"),
        ('я', "a"),
    ];
    const LATIN: [(&str, &str); 12] = [
        ("àáâãäå", "a"),
        ("ç", "c"),
        ("èéêë", "e"),
        ("ìíîï", "i"),
        ("ñ", "n"),
        ("òóôõöø", "o"),
        ("ùúûü", "u"),
        ("ýÿ", "y"),
        ("ß", "ss"),
        ("æ", "ae"),
        ("œ", "oe"),
        ("đð", "d"),
    ];
    let low = c.to_lowercase().next().unwrap_or(c);
    let found = RUSSIAN
        .iter()
        .find(|(l, _)| *l == low)
        .map(|(_, t)| *t)
        .or_else(|| LATIN.iter().find(|(set, _)| set.contains(low)).map(|(_, t)| *t));
    match found {
        Some(text) if c.is_uppercase() => {
            let mut letters = text.chars();
            letters.next().map_or_else(String::new, |f| f.to_uppercase().chain(letters).collect())
        }
        Some(text) => text.to_owned(),
        None => String::new(),
    }
}

//! Filters that append their result to the output when a template prints it, without a value in between.

use super::arg;
use crate::error::Error;
use crate::program::Printer;
use crate::run::Rt;
use crate::value::{KeyRef, V, Value};

type Out = Result<bool, Error>;

/// The printer of a built-in filter, if it has one. Each gives what the filter of the same name gives for the
/// arguments that it takes on.
pub(super) fn of(filter: &str) -> Option<Printer> {
    Some(match filter {
        "upper" => upper,
        "lower" => lower,
        "title" => title,
        "capitalize" => capitalize,
        "trim" => trim,
        "join" => join,
        "replace" => replace,
        _ => return None,
    })
}

fn ascii<'v>(args: &'v [V<'_>]) -> Option<&'v [u8]> {
    match arg(args, 0) {
        Value::Str(text) if text.is_ascii() => Some(text.as_bytes()),
        _ => None,
    }
}

fn upper(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let Some(text) = ascii(args) else { return Ok(false) };
    rt.out.extend(text.iter().map(u8::to_ascii_uppercase));
    Ok(true)
}

fn lower(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let Some(text) = ascii(args) else { return Ok(false) };
    rt.out.extend(text.iter().map(u8::to_ascii_lowercase));
    Ok(true)
}

fn capitalize(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let Some(text) = ascii(args) else { return Ok(false) };
    if let Some((first, rest)) = text.split_first() {
        rt.out.push(first.to_ascii_uppercase());
        rt.out.extend(rest.iter().map(u8::to_ascii_lowercase));
    }
    Ok(true)
}

fn title(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let Some(text) = ascii(args) else { return Ok(false) };
    crate::text::letters::title_ascii(text, &mut rt.out);
    Ok(true)
}

fn trim(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let (Value::Str(text), [_]) = (arg(args, 0), args) else { return Ok(false) };
    rt.out.extend_from_slice(super::strings::trimmed(text).as_bytes());
    Ok(true)
}

fn join(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let (Value::Array(items), Value::Str(glue), Value::Null) = (arg(args, 0), arg(args, 1), arg(args, 2))
    else {
        return Ok(false);
    };
    let start = rt.out.len();
    for (at, item) in items.values().enumerate() {
        let Some(text) = item.as_str() else {
            rt.out.truncate(start);
            return Ok(false);
        };
        if at > 0 {
            rt.out.extend_from_slice(glue.as_bytes());
        }
        rt.out.extend_from_slice(text.as_bytes());
    }
    rt.check_size(rt.out.len() - start)?;
    Ok(true)
}

fn replace(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let (Value::Str(text), Value::Array(pairs)) = (arg(args, 0), arg(args, 1)) else { return Ok(false) };
    let (Some((KeyRef::Str(key), Value::Str(to))), 1) = (pairs.entry(0), pairs.len()) else {
        return Ok(false);
    };
    if key.is_empty() {
        return Ok(false);
    }
    let start = rt.out.len();
    let mut rest = text.as_bytes();
    while let Some(at) = memchr::memmem::find(rest, key.as_bytes()) {
        rt.out.extend_from_slice(rest.get(..at).unwrap_or(&[]));
        rt.out.extend_from_slice(to.as_bytes());
        rest = rest.get(at + key.len()..).unwrap_or(&[]);
        rt.check_size(rt.out.len() - start)?;
    }
    rt.out.extend_from_slice(rest);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Environment;

    /// A printed filter and the same filter as a value give the same text.
    #[test]
    fn printers_agree_with_their_filters() {
        let inputs = [
            "''",
            "'  A <b> & \"c\" '",
            "'o\\'NEIL mc-donald. x:y'",
            "'Привет МИР straße'",
            "12.5",
            "null",
            "true",
            "['a', '<b>', 'c']",
            "['a', 1, null]",
            "{'x': 'a&b'}",
            "[['a']]",
            "\"\\x0b\\n a \\t\"",
        ];
        let filters = [
            "upper",
            "lower",
            "title",
            "capitalize",
            "trim",
            "trim('a')",
            "trim(side: 'left')",
            "join",
            "join(', ')",
            "join('<', '>')",
            "replace({'b': '<i>'})",
            "replace({'a': 'b', 'b': 'a'})",
            "replace({'': 'x'})",
            "replace({' ': ''})",
            "replace({'1': 'x'})",
        ];
        let env = Environment::new();
        let mut compared = 0;
        for input in inputs {
            for filter in filters {
                let printed = env.render_str(&format!("{{{{ x|{filter} }}}}"), vars(&env, input));
                let stored =
                    env.render_str(&format!("{{% set y = x|{filter} %}}{{{{ y }}}}"), vars(&env, input));
                match (printed, stored) {
                    (Ok(a), Ok(b)) => {
                        assert_eq!(a, b, "{input}|{filter}");
                        compared += 1;
                    }
                    (Err(a), Err(b)) => assert_eq!(a.kind(), b.kind(), "{input}|{filter}"),
                    (a, b) => panic!("{input}|{filter}: {a:?} and {b:?}"),
                }
            }
        }
        assert!(compared > 80, "{compared}");
        assert!(filters.iter().filter_map(|f| of(f.split('(').next()?)).count() == filters.len());
    }

    fn vars(env: &Environment, input: &str) -> Value {
        let json = env.render_str(&format!("{{{{ {input}|json_encode|raw }}}}"), ()).unwrap();
        let x: serde_json::Value = serde_json::from_str(&json).unwrap();
        Value::map([("x", Value::from(&x))])
    }
}

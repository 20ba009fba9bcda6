//! Filters and operators that call arrow functions.

use super::arg;
use crate::error::Error;
use crate::run::{Prepared, Rt};
use crate::value::{Array, V, Value};

type Out = Result<Value, Error>;

/// The callable of an argument, or PHP's complaint about one that is none.
pub(super) fn callable<'c>(
    rt: &mut Rt<'_>,
    value: &'c Value,
    thing: &str,
    kind: &str,
    complaint: &str,
) -> Result<Prepared<'c>, Error> {
    if rt.sandboxed && !matches!(value, Value::Closure(_)) {
        return Err(Error::runtime(format!(
            "The callable passed to the \"{thing}\" {kind} must be a Closure in sandbox mode."
        )));
    }
    let found = Prepared::of(value);
    if let Some(Prepared::Object(_)) = found {
        rt.warnings.push(format!(
            "Since twig/twig 3.15: Passing a callable that is not a PHP \\Closure as an argument to the \"{thing}\" {kind} is deprecated."
        ));
    }
    found.ok_or_else(|| {
        let why = match value {
            Value::Str(name) => format!("function \"{name}\" not found or invalid function name"),
            _ => "no array or string given".to_owned(),
        };
        Error::host(complaint.replace("{why}", &why))
    })
}

const NOT_CALLABLE: &str = "Value not callable";

pub(super) fn filter(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    let Some(pairs) = value.to_pairs() else {
        return Err(Error::runtime(format!(
            "The \"filter\" filter expects a sequence/mapping or \"Traversable\", got \"{}\".",
            value.type_name()
        )));
    };
    if arg(args, 1).is_null() && !rt.sandboxed {
        let kept = pairs.iter().filter(|(_, item)| item.truthy());
        return Ok(Value::map(kept.map(|(key, item)| (key.to_key(), item.clone()))));
    }
    let complaint = "array_filter(): Argument #2 ($callback) must be a valid callback or null, {why}";
    let mut call = callable(rt, arg(args, 1), "filter", "filter", complaint)?;
    let mut out = Array::new();
    for (key, item) in pairs.iter() {
        if call.call(rt, &[item.clone(), key.to_value()])?.truthy() {
            out.insert(key.to_key(), item.clone());
        }
    }
    Ok(out.into())
}

pub(super) fn map(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let pairs = pairs(arg(args, 0), "\"map\" filter")?;
    if pairs.is_empty() && !rt.sandboxed {
        return Ok(Value::list([]));
    }
    let mut call = callable(rt, arg(args, 1), "map", "filter", NOT_CALLABLE)?;
    let mut out = Array::with_capacity(pairs.len());
    for (key, item) in pairs.iter() {
        let value = call.call(rt, &[item.clone(), key.to_value()])?;
        out.insert(key.to_key(), value);
    }
    Ok(out.into())
}

pub(super) fn reduce(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let pairs = pairs(arg(args, 0), "\"reduce\" filter")?;
    if pairs.is_empty() && !rt.sandboxed {
        return Ok(arg(args, 2).clone());
    }
    let mut call = callable(rt, arg(args, 1), "reduce", "filter", NOT_CALLABLE)?;
    let mut carry = arg(args, 2).clone();
    for (key, item) in pairs.iter() {
        carry = call.call(rt, &[carry, item.clone(), key.to_value()])?;
    }
    Ok(carry)
}

pub(super) fn find(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let pairs = pairs(arg(args, 0), "\"find\" filter")?;
    if pairs.is_empty() && !rt.sandboxed {
        return Ok(Value::Null);
    }
    let mut call = callable(rt, arg(args, 1), "find", "filter", NOT_CALLABLE)?;
    for (key, item) in pairs.iter() {
        if call.call(rt, &[item.clone(), key.to_value()])?.truthy() {
            return Ok(item.clone());
        }
    }
    Ok(Value::Null)
}

pub(super) fn invoke(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    let rest: Vec<Value> = args.iter().skip(1).map(|v| (**v).clone()).collect();
    match Prepared::of(value) {
        Some(mut call) => call.call(rt, &rest),
        None => Err(Error::host(format!(
            "Twig\\Extension\\CoreExtension::invoke(): Argument #1 ($arrow) must be of type Closure, {} given",
            value.type_name()
        ))),
    }
}

fn pairs<'v>(value: &'v Value, what: &str) -> Result<std::borrow::Cow<'v, Array>, Error> {
    value.to_pairs().ok_or_else(|| {
        Error::runtime(format!("The {what} expects a sequence or a mapping, got \"{}\".", value.type_name()))
    })
}

/// `has some` and `has every`.
pub(crate) fn has(rt: &mut Rt<'_>, value: &Value, arrow: &Value, every: bool) -> Result<bool, Error> {
    let name = if every { "has every" } else { "has some" };
    let pairs = pairs(value, &format!("\"{name}\" test"))?;
    let mut call = callable(rt, arrow, name, "operator", NOT_CALLABLE)?;
    for (key, item) in pairs.iter() {
        if call.call(rt, &[item.clone(), key.to_value()])?.truthy() != every {
            return Ok(!every);
        }
    }
    Ok(every)
}

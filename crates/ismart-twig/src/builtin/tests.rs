//! The tests.

use super::arg;
use crate::error::Error;
use crate::run::Rt;
use crate::value::{Op2, V, Value};

type Out = Result<Value, Error>;

pub(super) fn even(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::Bool(Op2::Mod.apply(arg(args, 0), &Value::Int(2))?.loose_eq(&Value::Int(0))))
}

pub(super) fn odd(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::Bool(!Op2::Mod.apply(arg(args, 0), &Value::Int(2))?.loose_eq(&Value::Int(0))))
}

pub(super) fn same_as(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::Bool(arg(args, 0).same(arg(args, 1))))
}

pub(super) fn null(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::Bool(arg(args, 0).is_null()))
}

pub(super) fn divisible_by(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::Bool(Op2::Mod.apply(arg(args, 0), arg(args, 1))?.loose_eq(&Value::Int(0))))
}

pub(super) fn constant(rt: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let wanted = super::constant::constant(rt, args.get(1..).unwrap_or(&[]))?;
    Ok(Value::Bool(arg(args, 0).same(&wanted)))
}

pub(super) fn empty(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    arg(args, 0).is_empty().map(Value::Bool)
}

pub(super) fn iterable(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::Bool(arg(args, 0).is_iterable()))
}

pub(super) fn sequence(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(Value::Bool(match arg(args, 0) {
        Value::Array(a) => a.is_list(),
        Value::Object(o) => o.as_sequence().is_some_and(|a| a.is_list()),
        _ => false,
    }))
}

pub(super) fn mapping(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    let value = arg(args, 0);
    Ok(Value::Bool(match value {
        Value::Array(a) => !a.is_list(),
        Value::Object(o) => o.as_sequence().is_none_or(|a| !a.is_list()),
        other => other.is_object(),
    }))
}

/// The value itself, whose truth is asked by what surrounds the test; markup as its text.
pub(super) fn is_true(_: &mut Rt<'_>, args: &[V<'_>]) -> Out {
    Ok(match arg(args, 0) {
        Value::Markup(text) => Value::Str(text.clone()),
        other => other.clone(),
    })
}

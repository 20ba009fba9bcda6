//! Which expressions need no escaping, as Twig decides it when it compiles.

use crate::callable::{Safe, Strategy};
use crate::syntax::ast::{Arg, Expr, ExprKind};
use crate::value::Value;

/// For which strategies an expression's value needs no escaping.
pub(crate) fn safe(expr: &Expr) -> Safe {
    match &expr.kind {
        ExprKind::Const(_) | ExprKind::Block { .. } | ExprKind::Parent(_) | ExprKind::Macro { .. } => {
            Safe::All
        }
        ExprKind::Cond(_, a, b) | ExprKind::Elvis(a, b) | ExprKind::Coalesce(a, b) => {
            safe(a).intersect(safe(b))
        }
        ExprKind::Filter { callable, input, args, .. } => {
            filter(&callable.safe, &callable.preserves, args, || safe(input))
        }
        ExprKind::Function { callable, .. } => callable.safe.clone(),
        _ => Safe::nothing(),
    }
}

/// The safeness of a filter's result.
pub(crate) fn filter(own: &Safe, preserves: &[Strategy], args: &[Arg], input: impl FnOnce() -> Safe) -> Safe {
    match own {
        Safe::Escaped => match args.first().map(|a| &a.value.kind) {
            None => Safe::For(vec![Strategy::Html]),
            Some(ExprKind::Const(Value::Str(name))) => Safe::For(vec![Strategy::from_name(name)]),
            Some(_) => Safe::nothing(),
        },
        Safe::For(list) if list.is_empty() => {
            if preserves.is_empty() {
                Safe::nothing()
            } else {
                input().intersect(Safe::For(preserves.to_vec()))
            }
        }
        own => own.clone(),
    }
}

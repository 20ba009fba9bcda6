//! What of an expression is known without rendering.

use crate::syntax::ast::{BinOp, Expr, ExprKind};
use crate::text::json::{self, flag};
use crate::value::Value;

/// A value as `json_encode` writes it; empty when it cannot.
pub(crate) fn shown(value: &Value) -> String {
    let flags = flag::UNESCAPED_SLASHES | flag::UNESCAPED_UNICODE;
    json::encode(value, flags, 64, 1 << 16).unwrap_or_default()
}

/// The value of an expression that is built of constants alone; `None` when it is not, or fails.
pub(crate) fn fold(expr: &Expr) -> Option<Value> {
    match &expr.kind {
        ExprKind::Const(value) => Some(value.clone()),
        ExprKind::Not(inner) => Some(Value::Bool(!fold(inner)?.truthy())),
        ExprKind::Neg(inner) => fold(inner).filter(is_number)?.negate().ok(),
        ExprKind::Pos(inner) => fold(inner).filter(is_number),
        ExprKind::Binary(BinOp::Math(op), a, b) => op.apply(&fold(a)?, &fold(b)?).ok(),
        ExprKind::Array(array) => {
            if array.mapping {
                let pairs: Option<Vec<_>> = array
                    .items
                    .iter()
                    .map(|item| Some((fold(item.key.as_ref()?)?.to_key()?, fold(&item.value)?)))
                    .collect();
                return Some(Value::map(pairs?));
            }
            let items: Option<Vec<_>> = array
                .items
                .iter()
                .map(|item| match (&item.key, &item.value.kind) {
                    (None, ExprKind::Spread(_) | ExprKind::Hole) => None,
                    _ => fold(&item.value),
                })
                .collect();
            Some(Value::list(items?))
        }
        _ => None,
    }
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Float(_))
}

/// Whether an expression is always true or always false, as a condition.
pub(crate) fn truth(expr: &Expr) -> Option<bool> {
    match &expr.kind {
        ExprKind::Not(inner) => truth(inner).map(|known| !known),
        ExprKind::Binary(BinOp::And, a, b) => match (truth(a), truth(b)) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            _ => None,
        },
        ExprKind::Binary(BinOp::Or, a, b) => match (truth(a), truth(b)) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (Some(false), Some(false)) => Some(false),
            _ => None,
        },
        _ => fold(expr).map(|value| value.truthy()),
    }
}

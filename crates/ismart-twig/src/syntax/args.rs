//! Puts arguments in the order of the parameters.

use ecow::EcoString;

use super::ast::{Arg, Expr, ExprKind};
use crate::callable::{CallKind, Callable};
use crate::error::Error;

/// A name as PHP Twig compares it: without case and underscores.
pub(crate) fn normal(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

/// A name in snake case, as PHP Twig writes `fooBar` and `HTTPServer`.
pub(crate) fn snake(name: &str) -> EcoString {
    let chars: Vec<char> = name.chars().collect();
    let mut out = EcoString::new();
    for (at, c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|b| chars.get(b));
        let after = chars.get(at + 1);
        let starts = before.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
            || (before.is_some_and(char::is_ascii_uppercase) && after.is_some_and(char::is_ascii_lowercase));
        if c.is_ascii_uppercase() && starts {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The positional arguments of a call: named ones at their place, gaps filled with defaults.
///
/// Named arguments that no parameter takes are refused, save for variadic callables, which keep them as
/// [`ExprKind::Spread`] of a mapping at the end.
pub(crate) fn bind(callable: &Callable, args: Vec<Arg>, line: u32) -> Result<Vec<Expr>, Error> {
    let kind = callable.kind.name();
    let shown = &callable.name;
    let mut named = false;
    for arg in &args {
        if arg.name.is_some() {
            named = true;
        } else if named {
            return Err(Error::syntax(
                format!("Positional arguments cannot be used after named arguments for {kind} \"{shown}\"."),
                line,
            ));
        }
    }
    let Some(params) = &callable.params else {
        if let Some(arg) = args.iter().find(|a| a.name.is_some()) {
            return Err(Error::syntax(
                format!("Named arguments are not supported for {kind} \"{shown}\"."),
                arg.value.line,
            ));
        }
        return Ok(args.into_iter().map(|a| a.value).collect());
    };
    let required = |name: &str| {
        Error::syntax(format!("Value for argument \"{name}\" is required for {kind} \"{shown}\"."), line)
    };
    if !named {
        check_positional(callable, &args, line)?;
        return Ok(args.into_iter().map(|a| a.value).collect());
    }
    let mut positional: Vec<Option<Expr>> = Vec::new();
    let mut by_name: Vec<(EcoString, String, Expr)> = Vec::new();
    for arg in args {
        match arg.name {
            None => positional.push(Some(arg.value)),
            Some(name) => {
                let key = normal(&name);
                by_name.push((name, key, arg.value));
            }
        }
    }
    let mut out = Vec::new();
    let mut defaults = Vec::new();
    let mut at = 0;
    for param in params {
        let key = normal(&param.name);
        if let Some(i) = by_name.iter().position(|(_, k, _)| *k == key) {
            if positional.get(at).is_some_and(Option::is_some) {
                return Err(Error::syntax(
                    format!("Argument \"{}\" is defined twice for {kind} \"{shown}\".", param.name),
                    line,
                ));
            }
            out.append(&mut defaults);
            out.push(by_name.remove(i).2);
        } else if let Some(value) = positional.get_mut(at).and_then(Option::take) {
            out.append(&mut defaults);
            out.push(value);
            at += 1;
        } else if let Some(default) = &param.default {
            defaults.push(Expr::constant(default.clone(), line));
        } else {
            return Err(required(&param.name));
        }
    }
    if callable.variadic {
        let rest: Vec<Expr> = positional.into_iter().flatten().collect();
        if !rest.is_empty() || !by_name.is_empty() {
            out.append(&mut defaults);
        }
        out.extend(rest);
        if !by_name.is_empty() {
            out.push(named_rest(by_name, line));
        }
        return Ok(out);
    }
    if let Some((_, _, first)) = by_name.first() {
        let unknown: Vec<&str> = by_name.iter().map(|(_, k, _)| k.as_str()).collect();
        let names: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
        return Err(Error::syntax(
            format!(
                "Unknown argument{} \"{}\" for {kind} \"{shown}({})\".",
                if unknown.len() > 1 { "s" } else { "" },
                unknown.join("\", \""),
                names.join(", ")
            ),
            first.line,
        ));
    }
    if let Some(extra) = positional.into_iter().flatten().next() {
        let names: Vec<&str> = params.iter().map(|p| p.name.as_str()).collect();
        return Err(Error::syntax(
            format!("Unknown argument \"{at}\" for {kind} \"{shown}({})\".", names.join(", ")),
            extra.line,
        ));
    }
    Ok(out)
}

/// Refuses a call without names that gives too few arguments.
pub(crate) fn check_positional(callable: &Callable, args: &[Arg], line: u32) -> Result<(), Error> {
    let Some(params) = &callable.params else { return Ok(()) };
    let spread = args.iter().any(|a| matches!(a.value.kind, ExprKind::Spread(_)));
    if args.len() >= callable.required() || (spread && callable.variadic) {
        return Ok(());
    }
    let name = match params.get(args.len()).map_or("", |p| p.name.as_str()) {
        // Named arguments of `range` keep the names that PHP gave them once.
        "low" => "start",
        "high" => "end",
        name => name,
    };
    Err(Error::syntax(
        format!(
            "Value for argument \"{name}\" is required for {} \"{}\".",
            callable.kind.name(),
            callable.name
        ),
        line,
    ))
}

fn named_rest(by_name: Vec<(EcoString, String, Expr)>, line: u32) -> Expr {
    use super::ast::{ArrayLit, Item};
    let items = by_name
        .into_iter()
        .map(|(name, _, value)| Item {
            key: Some(Expr::constant(crate::value::Value::Str(name), line)),
            value,
        })
        .collect();
    let array = Expr::new(ExprKind::Array(ArrayLit { items, mapping: true }), line);
    Expr::new(ExprKind::Spread(Box::new(array)), line)
}

/// Whether the first argument of a callable is its input.
pub(crate) fn has_input(kind: CallKind) -> bool {
    kind != CallKind::Function
}

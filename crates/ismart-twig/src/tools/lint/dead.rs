//! Branches that can never be taken, keys that are overwritten, assignments that look like comparisons.

use std::ops::Range;

use crate::num::at;
use crate::syntax::ast::{Expr, ExprKind, Module, Node, NodeKind};
use crate::syntax::token::Kind;
use crate::tools::finding::Finding;
use crate::tools::fold::{fold, truth};
use crate::tools::rules;
use crate::tools::set::Entry;
use crate::tools::walk;

pub(super) fn check(entry: &Entry, module: &Module, found: &mut Vec<Finding>) {
    walk::all_nodes(module, &mut |node| match &node.kind {
        NodeKind::If(branches, otherwise) => conditions(entry, branches, otherwise.as_deref(), found),
        NodeKind::For(f) => {
            let Some(seq) = fold(&f.seq) else { return };
            let empty = seq.as_array().is_none_or(crate::value::Array::is_empty);
            if empty && !is_blank(entry, &f.body) {
                report(entry, &f.seq, "The body is never shown: there is nothing to loop over.", found);
            } else if !empty && f.else_body.as_ref().is_some_and(|body| !is_blank(entry, body)) {
                report(
                    entry,
                    &f.seq,
                    "The `else` is never shown: there is always something to loop over.",
                    found,
                );
            }
        }
        _ => {}
    });
    walk::exprs(module, &mut |expr| match &expr.kind {
        ExprKind::Cond(condition, ..) => {
            if let Some(known) = truth(condition) {
                let which = if known { "second" } else { "first" };
                let message = format!("The {which} branch is never taken: the condition is always {known}.");
                report(entry, condition, message, found);
            }
        }
        ExprKind::Array(array) if array.mapping => {
            let mut seen = Vec::new();
            for item in &array.items {
                let Some(key) = item.key.as_ref().and_then(fold).and_then(|key| key.to_key()) else {
                    continue;
                };
                if seen.contains(&key) {
                    let message = format!("The key {} stands above already.", shown(&key));
                    let place = key_place(entry, &item.value);
                    let finding = entry.finding(&rules::DUPLICATE_KEY, place, message);
                    found.push(finding.help("only the last value counts: remove one"));
                }
                seen.push(key);
            }
        }
        _ => {}
    });
}

fn shown(key: &crate::value::Key) -> String {
    format!("\"{}\"", key.to_value())
}

/// Where the key of a value stands.
fn key_place(entry: &Entry, value: &Expr) -> Range<usize> {
    let start = at(value.extent.start);
    let tokens = entry.source.scan.as_ref().map_or(&[][..], |scan| scan.tokens.as_slice());
    let after = tokens.partition_point(|token| token.range.end <= start);
    let mut before = tokens.get(..after).unwrap_or(&[]).iter().rev();
    let key = before.find(|token| token.kind != Kind::Punctuation);
    // `{name}` is key and value in one.
    let short = tokens.get(after.wrapping_sub(1)).is_none_or(|token| token.text() != ":");
    match key {
        Some(key) if !short => key.range.clone(),
        _ => start..at(value.extent.end),
    }
}

fn conditions(
    entry: &Entry,
    branches: &[(Expr, Vec<Node>)],
    otherwise: Option<&[Node]>,
    found: &mut Vec<Finding>,
) {
    let mut above: Vec<(String, &Expr)> = Vec::new();
    for (index, (condition, body)) in branches.iter().enumerate() {
        assigned(entry, condition, found);
        let more = index + 1 < branches.len() || otherwise.is_some();
        match truth(condition) {
            Some(true) if more => {
                report(
                    entry,
                    condition,
                    "The branches below are never taken: the condition is always true.",
                    found,
                );
                return;
            }
            Some(false) if !is_blank(entry, body) => {
                report(entry, condition, "The branch is never taken: the condition is always false.", found);
            }
            _ => {}
        }
        let text: String = entry.source.of(condition.extent).split_whitespace().collect();
        if let Some((_, same)) = above.iter().find(|(known, _)| *known == text && !text.is_empty()) {
            let message = "The branch is never taken: the same condition stands above.";
            let finding = entry.finding_of(&rules::DEAD_CODE, condition.extent, message);
            found.push(finding.related(None, same.line, "here"));
        }
        above.push((text, condition));
    }
}

/// `{% if a = b %}` assigns.
fn assigned(entry: &Entry, condition: &Expr, found: &mut Vec<Finding>) {
    let mut open = vec![condition];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            ExprKind::Assign(name, _) if !expr.parens => {
                let message = format!("The condition assigns to \"{name}\".");
                let finding = entry.finding_of(&rules::ASSIGNED_CONDITION, expr.extent, message);
                found.push(finding.help("to compare write `==`; if it is meant, put it into parentheses"));
            }
            ExprKind::Binary(_, a, b) => open.extend([&**a, &**b]),
            ExprKind::Not(inner) => open.push(inner),
            _ => {}
        }
    }
}

fn report(entry: &Entry, place: &Expr, message: impl Into<String>, found: &mut Vec<Finding>) {
    found.push(entry.finding_of(&rules::DEAD_CODE, place.extent, message));
}

/// Whether a body holds nothing but white space.
fn is_blank(entry: &Entry, body: &[Node]) -> bool {
    body.iter().all(|node| match &node.kind {
        NodeKind::Text(range) => entry.source.slice(range.clone()).trim().is_empty(),
        _ => false,
    })
}

//! Everything that is wrong with a set of templates, without rendering one.

pub(crate) mod links;
mod names;
pub(crate) mod place;
pub(crate) mod recover;

use std::collections::BTreeSet;

use super::finding::{self, Finding, Span};
use super::rules::{self, Rule};
use super::set::{Entry, TemplateSet};
use super::walk;
use crate::callable::{CallKind, Callable};
use crate::env::Registry;
use crate::error::{Error, suggestion};
use crate::syntax::ast::{ExprKind, Extent, Module, NodeKind};
use crate::syntax::parser::Warning;
use links::{Reference, Target, Way};

/// The finding of a template that is not UTF-8 and was left out of the set.
pub fn unreadable(name: &str) -> Finding {
    let span = Span { start: 0, end: 0, line: 1, column: 1, end_line: 1, end_column: 1 };
    Finding::new(&rules::UNREADABLE, name, span, (String::new(), 1), "The template is not UTF-8.")
        .help("save the file as UTF-8")
}

/// All errors and warnings of a set, by template and place.
pub fn check(set: &TemplateSet) -> Vec<Finding> {
    let mut found = Vec::new();
    let relations = names::Relations::new(set);
    for (name, entry) in &set.entries {
        found.extend(entry.faults.iter().map(|f| fault(entry, f)));
        deprecations(entry, &mut found);
        if let Some(module) = &entry.module {
            unknown(set, entry, module, &mut found);
            missing(set, entry, module, &mut found);
        }
        if let Some(module) = entry.sound() {
            names::check(set, name, entry, module, &relations, &mut found);
        }
    }
    names::unused_macros(set, &mut found);
    finding::sort(&mut found);
    found
}

/// The finding of an error of a source.
pub(crate) fn fault(entry: &Entry, fault: &recover::Fault) -> Finding {
    let mut finding = entry.finding(fault.rule, fault.range.clone(), fault.message.as_str());
    finding.related.clone_from(&fault.related);
    finding.twig_line = Some(fault.line).filter(|line| *line != finding.span.line);
    finding.help(fault.help.as_str())
}

/// Rule, message and help for a name that is not known.
pub(crate) fn unknown_name(
    registry: &Registry,
    kind: CallKind,
    name: &str,
) -> (&'static Rule, String, String) {
    let (rule, option) = match kind {
        CallKind::Filter => (&rules::UNKNOWN_FILTER, "--allow-filter"),
        CallKind::Test => (&rules::UNKNOWN_TEST, "--allow-test"),
        _ => (&rules::UNKNOWN_FUNCTION, "--allow-function"),
    };
    let hint = suggestion(name, &registry.names(kind));
    let help = match (place::instead(kind.name(), name), hint.is_empty()) {
        ("", true) => format!("if the host offers it, declare it: `{option} {name}`"),
        (instead, _) => instead.to_owned(),
    };
    (rule, format!("Unknown \"{name}\" {}.{hint}", kind.name()), help)
}

/// Filters, functions and tests that do not exist.
fn unknown(set: &TemplateSet, entry: &Entry, module: &Module, found: &mut Vec<Finding>) {
    let registry = &set.environment.engine().registry;
    let mut report = |callable: &Callable, shown: &str, extent: Extent| {
        if registry.find(callable.kind, shown).is_some() {
            return;
        }
        let (rule, message, help) = unknown_name(registry, callable.kind, shown);
        let whole = crate::num::at(extent.start)..crate::num::at(extent.end);
        // A filter or test stands behind its input: the last of the name's places is its own.
        let first = shown.split(' ').next().unwrap_or(shown);
        let places = entry.source.names_in(whole.clone()).filter(|token| token.text() == first);
        let place = if callable.kind == CallKind::Function {
            places.map(|token| token.range.clone()).next()
        } else {
            places.map(|token| token.range.clone()).last()
        };
        let range = place.map_or(whole, |range| range.start..range.start + shown.len());
        let mut finding = entry.finding(rule, range, message).help(help);
        // PHP Twig names the line of the `is` before a test.
        let tokens = entry.source.scan.as_ref().map_or(&[][..], |scan| scan.tokens.as_slice());
        let before = tokens.iter().rfind(|token| token.range.end <= finding.span.start);
        if callable.kind == CallKind::Test {
            finding.twig_line = before.map(|is| is.line).filter(|line| *line != finding.span.line);
        }
        found.push(finding);
    };
    walk::exprs(module, &mut |expr| match &expr.kind {
        ExprKind::Filter { callable, shown, .. }
        | ExprKind::Function { callable, shown, .. }
        | ExprKind::Test { callable, shown, .. } => report(callable, shown, expr.extent),
        _ => {}
    });
    walk::all_nodes(module, &mut |node| {
        if let NodeKind::Apply { filters, .. } = &node.kind {
            for filter in filters {
                report(&filter.callable, &filter.shown, node.extent);
            }
        }
    });
}

/// Templates named by constants that do not exist.
fn missing(set: &TemplateSet, entry: &Entry, module: &Module, found: &mut Vec<Finding>) {
    let known: Vec<&str> = set.names().collect();
    for reference in links::references(module) {
        let Reference { way, target, ignore_missing, .. } = &reference;
        let Target::Names(branches) = target else { continue };
        for names in branches {
            let absent = names.iter().all(|(name, _)| !set.exists(name) && !name.starts_with('@'));
            let Some((name, extent)) = names.first() else { continue };
            if *ignore_missing || !absent {
                continue;
            }
            let message = match names.as_slice() {
                [_] => format!("Template \"{name}\" is not defined."),
                _ => {
                    let all: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
                    format!("Unable to find one of the following templates: \"{}\".", all.join("\", \""))
                }
            };
            let hint = near(name, &known);
            let optional = matches!(way, Way::Include | Way::Embed);
            let help = match hint {
                Some(near) => format!("did you mean \"{near}\"?"),
                None if optional => {
                    "add the template, or write `ignore missing` if it may be absent".to_owned()
                }
                None => "add the template, or mend the name".to_owned(),
            };
            found.push(entry.finding_of(&rules::MISSING_TEMPLATE, *extent, message).help(help));
        }
    }
}

/// The known name that a name most likely means: near in letters, or the same file elsewhere.
pub(crate) fn near<'k>(name: &str, known: &[&'k str]) -> Option<&'k str> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let bare = |name: &str| name.trim_end_matches(".twig").trim_end_matches(".html").to_owned();
    let close = crate::error::nearest(name, known)
        .filter(|(distance, _)| *distance <= (name.len() / 3).max(1 + name.len() / 5));
    close.map(|(_, near)| near).filter(|_| name.len() > 2).or_else(|| {
        let same = |k: &&&str| bare(k.rsplit('/').next().unwrap_or(k)) == bare(file);
        known.iter().find(same).copied()
    })
}

/// What Twig or the host will take away.
fn deprecations(entry: &Entry, found: &mut Vec<Finding>) {
    let tokens = entry.source.scan.as_ref().map_or(&[][..], |scan| scan.tokens.as_slice());
    let mut told = BTreeSet::new();
    for Warning { text: message, line, .. } in &entry.warnings {
        let range = place::find(&entry.source, tokens, &Error::syntax(message.as_str(), *line));
        // One line may hold the same construct twice: the second is found behind the first.
        let mut range = range;
        while !told.insert((range.start, message.clone())) {
            let text = entry.source.slice(range.clone()).to_owned();
            let after = entry.source.slice(range.end..entry.source.line(*line).end);
            let Some(next) = after.find(text.as_str()).filter(|_| !text.is_empty()) else { break };
            let start = range.end + next;
            range = start..start + text.len();
        }
        let help = if message.contains("\"spaceless\"") {
            "trim white space with `{%-` and `-%}`; compressed answers gain nothing from it"
        } else if message.contains("\"sandbox\"") {
            "write `{{ include(template, sandboxed: true) }}`"
        } else if message.contains("explicit parentheses") {
            "put parentheses around the part that is computed first"
        } else if message.contains("should not be escaped") {
            "remove the `\\`, or double it"
        } else {
            ""
        };
        found.push(entry.finding(&rules::DEPRECATED, range, message.as_str()).help(help));
    }
}

//! Exceptions: `{# lint-allow rule: reason #}` for its own line and the next, `{# lint-allow-file rule: reason #}`
//! for the template.

use std::cell::Cell;

use crate::tools::finding::Finding;
use crate::tools::rules;
use crate::tools::set::{Entry, TemplateSet};

struct Allowance {
    rule: String,
    /// The lines it is for; all of them for the template.
    lines: Option<(u32, u32)>,
    range: std::ops::Range<usize>,
    used: Cell<bool>,
}

impl Allowance {
    fn covers(&self, finding: &Finding) -> bool {
        let line = finding.span.line;
        self.rule == finding.rule && self.lines.is_none_or(|(first, last)| (first..=last).contains(&line))
    }
}

/// The exceptions of a template, and what is wrong with them.
fn allowances(entry: &Entry) -> (Vec<Allowance>, Vec<Finding>) {
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    let comments = entry.source.scan.as_ref().map_or(&[][..], |scan| scan.silent.comments.as_slice());
    for range in comments {
        let text = entry.source.slice(range.start + 2..range.end.saturating_sub(2));
        let text = text.trim_matches(['-', '~']).trim();
        let (whole, rest) = match text.strip_prefix("lint-allow-file ") {
            Some(rest) => (true, rest),
            None => match text.strip_prefix("lint-allow ") {
                Some(rest) => (false, rest),
                None => continue,
            },
        };
        let (names, reason) = rest.split_once(':').unwrap_or((rest, ""));
        let mut refuse = |message: String, help: &str| {
            wrong.push(entry.finding(&rules::SUPPRESSION, range.clone(), message).help(help));
        };
        if reason.trim().is_empty() {
            refuse(
                "An exception without a reason.".to_owned(),
                "write it behind a colon: `{# lint-allow rule: reason #}`",
            );
        }
        let first = entry.source.line_of(range.start);
        let last = entry.source.line_of(range.end) + 1;
        for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if rules::rule(name).is_none_or(|rule| rule.tool != "lint") {
                refuse(
                    format!("No lint rule is called \"{name}\"."),
                    "docs/reference/twig-rules.md lists them",
                );
                continue;
            }
            all.push(Allowance {
                rule: name.to_owned(),
                lines: (!whole).then_some((first, last)),
                range: range.clone(),
                used: Cell::new(false),
            });
        }
    }
    (all, wrong)
}

/// Passes on what no exception covers, and exceptions that cover nothing.
pub(super) fn apply(entry: &Entry, own: Vec<Finding>, found: &mut Vec<Finding>) {
    let (allowed, wrong) = allowances(entry);
    for finding in own {
        match allowed.iter().find(|allowance| allowance.covers(&finding)) {
            Some(allowance) => allowance.used.set(true),
            None => found.push(finding),
        }
    }
    found.extend(wrong);
    for allowance in allowed.iter().filter(|a| !a.used.get() && a.rule != rules::UNDEFINED_VARIABLE.id) {
        let message = format!("There is nothing against \"{}\" here to allow.", allowance.rule);
        let finding = entry.finding(&rules::SUPPRESSION, allowance.range.clone(), message);
        found.push(finding.help("remove the comment"));
    }
}

/// What no exception covers.
pub(super) fn filtered(set: &TemplateSet, findings: Vec<Finding>) -> Vec<Finding> {
    let covered = |finding: &Finding| {
        let entry = set.entries.get(&finding.template);
        entry.is_some_and(|entry| allowances(entry).0.iter().any(|allowance| allowance.covers(finding)))
    };
    findings.into_iter().filter(|finding| !covered(finding)).collect()
}

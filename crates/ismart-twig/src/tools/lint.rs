//! Rules of style and safety.

mod allow;
mod dead;
mod html;
mod safety;
mod scope;
mod style;
mod trust;
mod variables;

pub(crate) use variables::{aliases, each_assigned};

use super::check;
use super::finding::{self, Edit, Finding};
use super::format;
use super::set::TemplateSet;

/// What the linter is to look at beside what it always does.
#[derive(Clone, Debug, Default)]
pub struct LintOptions {
    /// Report variables that nothing sets, passes or declares.
    pub strict_context: bool,
}

/// What is against the rules in a set, by template and place. A template with errors gives those instead.
pub fn lint(set: &TemplateSet, options: &LintOptions) -> Vec<Finding> {
    let mut found = Vec::new();
    let places = safety::places(set);
    for (name, entry) in &set.entries {
        let mut own = Vec::new();
        style::file_name(entry, &mut own);
        let Some(module) = entry.sound() else {
            found.extend(entry.faults.iter().map(|fault| check::fault(entry, fault)));
            found.append(&mut own);
            continue;
        };
        style::check(entry, &mut own);
        variables::check(set, name, entry, module, &mut own);
        dead::check(entry, module, &mut own);
        safety::check(set, name, entry, module, &places, &mut own);
        allow::apply(entry, own, &mut found);
    }
    if options.strict_context {
        let mut undefined = Vec::new();
        scope::check(set, &mut undefined);
        found.extend(allow::filtered(set, undefined));
    }
    finding::sort(&mut found);
    found
}

/// A source with the fixes of findings about it applied; of fixes that overlap the first one wins, so fixing
/// and linting go in turns until nothing is left to fix. Line ends stay as they are.
pub fn fix(source: &str, findings: &[&Finding]) -> String {
    let mut edits: Vec<&Edit> = findings.iter().flat_map(|finding| &finding.fix).collect();
    edits.sort_by_key(|edit| (edit.start, edit.end));
    format::apply_to_original(source, edits.into_iter())
}

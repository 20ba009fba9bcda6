//! Tools for those who write templates: check, lint, format, explain.

mod check;
mod fold;
mod format;

mod explain;
mod finding;
mod layout;
mod lint;
mod report;
mod rules;
mod set;
mod source;
mod walk;

pub use check::links::Way;
pub use check::{check, unreadable};
pub use explain::{
    BlockOrigin, BlockPlace, Brought, Called, Explanation, Folded, Given, MacroShape, Part, Printed, Read,
    explain,
};
pub use finding::{Edit, Finding, Related, Severity, Span};
pub use format::format;
pub use lint::{LintOptions, fix, lint};
pub use report::{Format, report};
pub use rules::{RULES, Rule, markdown, rule};
pub use set::{Host, TemplateSet};

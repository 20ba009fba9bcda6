//! A set of templates that know each other.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::check::recover::{self, Fault};
use super::finding::{Finding, Span};
use super::rules::Rule;
use super::source::Source;
use crate::callable::Callable;
use crate::env::Environment;
use crate::loader::MemoryLoader;
use crate::syntax::ast::{Extent, Module};
use crate::syntax::parser::Warning;
use crate::value::Value;

/// What the host of the templates adds to Twig, as far as names go.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// Functions that take any arguments.
    pub functions: BTreeSet<String>,
    /// Filters that take any arguments.
    pub filters: BTreeSet<String>,
    /// Tests that take any arguments.
    pub tests: BTreeSet<String>,
    /// Variables that every template may read.
    pub context: BTreeSet<String>,
}

/// Templates that are checked, linted and explained together: they include, extend and import each other.
///
/// ```
/// use ismart_twig::Environment;
/// use ismart_twig::tools::{Host, TemplateSet};
/// let templates = [("page.twig", "{{ name|uper }}")];
/// let set = TemplateSet::new(&Environment::new(), Host::default(), templates, []);
/// let found = ismart_twig::tools::check(&set);
/// assert_eq!(found[0].message, "Unknown \"uper\" filter. Did you mean \"upper\"?");
/// assert_eq!((found[0].span.line, found[0].span.column), (1, 9));
/// ```
#[derive(Debug)]
pub struct TemplateSet {
    pub(crate) environment: Environment,
    pub(crate) host: Host,
    pub(crate) entries: BTreeMap<String, Entry>,
    /// Files beside the templates that can be included as they are.
    files: BTreeSet<String>,
}

/// A template of a set, read as far as it can be.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) source: Source,
    pub(crate) module: Option<Module>,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) faults: Vec<Fault>,
}

impl Entry {
    /// The tree of a template without errors.
    pub(crate) fn sound(&self) -> Option<&Module> {
        self.module.as_ref().filter(|_| self.faults.is_empty())
    }

    pub(crate) fn finding(
        &self,
        rule: &'static Rule,
        range: std::ops::Range<usize>,
        message: impl Into<String>,
    ) -> Finding {
        self.finding_at(rule, self.source.span(range), message)
    }

    pub(crate) fn finding_of(
        &self,
        rule: &'static Rule,
        extent: Extent,
        message: impl Into<String>,
    ) -> Finding {
        self.finding_at(rule, self.source.span_of(extent), message)
    }

    fn finding_at(&self, rule: &'static Rule, span: Span, message: impl Into<String>) -> Finding {
        Finding::new(rule, &self.source.name, span, self.source.excerpt(span), message)
    }
}

impl TemplateSet {
    /// Reads templates, each with its name and source. `environment` gives filters, functions, tests, tags and
    /// options; `files` are names that exist beside the templates.
    pub fn new<N: Into<String>, S: AsRef<str>>(
        environment: &Environment,
        host: Host,
        templates: impl IntoIterator<Item = (N, S)>,
        files: impl IntoIterator<Item = String>,
    ) -> Self {
        let mut environment = environment.clone();
        let nothing = |_: &crate::callable::Call<'_>| Ok(Value::Null);
        for name in &host.functions {
            environment.add(Callable::function(name, nothing).params(&["..."]));
        }
        for name in &host.filters {
            environment.add(Callable::filter(name, nothing).params(&["..."]));
        }
        for name in &host.tests {
            environment.add(Callable::test(name, nothing).params(&["..."]));
        }
        let mut loader = MemoryLoader::new();
        let mut entries = BTreeMap::new();
        for (name, source) in templates {
            let name = name.into();
            loader.add(name.clone(), source.as_ref());
            let (mut source, error) = Source::new(&name, source.as_ref());
            let reading = recover::read(environment.engine(), &source, error);
            source.scan = source.scan.or(reading.scan);
            entries.insert(
                name,
                Entry { source, module: reading.module, warnings: reading.warnings, faults: reading.faults },
            );
        }
        environment.set_loader(loader);
        Self { environment, host, entries, files: files.into_iter().collect() }
    }

    /// The names of the templates, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The source of a template, its line ends as `\n`.
    pub fn source(&self, name: &str) -> Option<&str> {
        self.entries.get(name).map(|entry| entry.source.text.as_str())
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.entries.contains_key(name) || self.files.contains(name)
    }

    /// The tree of a template, if it is in the set and without errors.
    pub(crate) fn sound(&self, name: &str) -> Option<&Module> {
        self.entries.get(name)?.sound()
    }

    /// The variables that every template may read.
    pub(crate) fn is_context(&self, name: &str) -> bool {
        self.host.context.contains(name) || self.environment.engine().globals.get_str(name).is_some()
    }
}

/// The strategy of escaping that a template begins with.
pub(crate) fn strategy(set: &TemplateSet, name: &str) -> Option<crate::callable::Strategy> {
    let name: Arc<str> = name.into();
    set.environment.engine().autoescape.of(&name)
}

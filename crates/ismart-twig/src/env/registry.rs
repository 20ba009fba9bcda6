//! The callables and tags that templates can name.

use std::sync::Arc;

use ecow::EcoString;
use indexmap::IndexMap;

use crate::builtin;
use crate::callable::{CallKind, Callable};
use crate::syntax::tags::TAGS;

type Named = IndexMap<EcoString, Arc<Callable>>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Registry {
    functions: Named,
    filters: Named,
    tests: Named,
    tags: Named,
}

impl Registry {
    /// What Twig offers of itself.
    pub(crate) fn builtin() -> Self {
        let mut registry = Self::default();
        for callable in builtin::all() {
            registry.add(callable);
        }
        registry
    }

    pub(crate) fn add(&mut self, callable: Callable) {
        let map = match callable.kind {
            CallKind::Function => &mut self.functions,
            CallKind::Filter => &mut self.filters,
            CallKind::Test => &mut self.tests,
            CallKind::Tag => &mut self.tags,
        };
        map.insert(callable.name.clone(), Arc::new(callable));
    }

    fn map(&self, kind: CallKind) -> &Named {
        match kind {
            CallKind::Function => &self.functions,
            CallKind::Filter => &self.filters,
            CallKind::Test => &self.tests,
            CallKind::Tag => &self.tags,
        }
    }

    /// The callable of a name, dynamic names tried last.
    pub(crate) fn find(&self, kind: CallKind, name: &str) -> Option<Arc<Callable>> {
        let map = self.map(kind);
        if let Some(found) = map.get(name) {
            return Some(found.clone());
        }
        map.values().filter(|c| c.name.contains('*')).find_map(|c| c.matching(name).map(Arc::new))
    }

    pub(crate) fn names(&self, kind: CallKind) -> Vec<&str> {
        // What PHP Twig does not have is not proposed.
        self.map(kind).keys().map(EcoString::as_str).filter(|n| *n != "render_sandboxed").collect()
    }

    pub(crate) fn has_tag(&self, name: &str) -> bool {
        TAGS.contains(&name) || self.tags.contains_key(name)
    }

    pub(crate) fn tags(&self) -> Vec<&str> {
        // The tag of a package is not proposed: PHP Twig has it only with the package.
        let own = TAGS.iter().copied().filter(|t| *t != "cache");
        own.chain(self.tags.keys().map(EcoString::as_str)).collect()
    }
}

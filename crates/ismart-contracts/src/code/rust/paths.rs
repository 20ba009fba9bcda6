//! Paths that leave the file: `use`, paths in code, paths in the text of macros.

use std::collections::HashSet;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use super::{for_tests, items};
use crate::code::{CodeFile, Export, Reference, ReferenceKind};

/// Collects references of one file.
pub(super) struct Paths<'f> {
    /// Crate and modules of the place.
    module: Vec<String>,
    unit: &'f str,
    file: &'f mut CodeFile,
    /// Modules declared in the file: paths may begin with them.
    declared: HashSet<String>,
    /// Depth of modules written out in the file.
    depth: usize,
    seen: HashSet<String>,
}

impl<'f> Paths<'f> {
    pub(super) fn new(module: &[String], unit: &'f str, file: &'f mut CodeFile) -> Self {
        Self { module: module.to_vec(), unit, file, declared: HashSet::new(), depth: 0, seen: HashSet::new() }
    }

    /// The path from the crate's name on; `None` when it stays with what the file has or is foreign by its first word.
    fn full(&self, segments: &[String]) -> Option<Vec<String>> {
        let (first, rest) = segments.split_first()?;
        let own = self.module.first();
        match first.as_str() {
            "crate" => own.map(|own| [std::slice::from_ref(own), rest].concat()),
            "self" => Some([self.module.as_slice(), rest].concat()),
            "super" => {
                let mut up = self.module.clone();
                let mut rest = segments;
                while let Some(("super", tail)) =
                    rest.split_first().map(|(first, tail)| (first.as_str(), tail))
                {
                    up.pop()?;
                    rest = tail;
                }
                Some([up.as_slice(), rest].concat())
            }
            name if self.declared.contains(name) => Some([self.module.as_slice(), segments].concat()),
            _ if segments.len() > 1 => Some(segments.to_vec()),
            _ => None,
        }
    }

    fn push(&mut self, path: &[String], line: usize) {
        let name = path.join("::");
        if path.len() > 1 && self.seen.insert(name.clone()) {
            let from = Some(self.unit.to_owned());
            self.file.references.push(Reference { name, kind: ReferenceKind::Path, line, from });
        }
    }

    fn take(&mut self, segments: &[String], line: usize) {
        if let Some(full) = self.full(segments) {
            self.push(&full, line);
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_file(&mut self, file: &'ast syn::File) {
        for item in &file.items {
            if let syn::Item::Mod(module) = item {
                self.declared.insert(module.ident.to_string());
            }
        }
        visit::visit_file(self, file);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if for_tests(&item.attrs) {
            return;
        }
        self.module.push(item.ident.to_string());
        self.depth += 1;
        visit::visit_item_mod(self, item);
        self.depth -= 1;
        self.module.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !for_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut names = Vec::new();
        items::given(&item.tree, &mut Vec::new(), &mut names);
        let line = item.span().start().line;
        for (name, path) in names {
            let segments: Vec<String> = path.split("::").map(str::to_owned).collect();
            let full = self.full(&segments).unwrap_or(segments);
            let public = !matches!(item.vis, syn::Visibility::Inherited);
            if public && self.depth == 0 {
                self.file.exports.push(Export { name: name.clone(), target: full.clone() });
            }
            self.push(&full, line);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.take(&segments, path.span().start().line);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let line = call.span().start().line;
        let text = call.tokens.to_string().replace(" :: ", "::").replace(":: ", "::").replace(" ::", "::");
        let word = |c: char| !(c.is_alphanumeric() || c == '_' || c == ':');
        for path in text.split(word).filter(|path| path.contains("::")) {
            let segments: Vec<String> =
                path.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            let named = segments.iter().all(|part| part.starts_with(|c: char| c.is_alphabetic() || c == '_'));
            if segments.len() > 1 && named {
                self.take(&segments, line);
            }
        }
        visit::visit_macro(self, call);
    }
}

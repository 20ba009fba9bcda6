//! Rust by its syntax: one file is one module.

mod items;
mod paths;

use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Meta};

use super::{CodeFile, Fault, Test, Unit, UnitKind, marks, one_line};

/// Reads a Rust file. `crate_of` is the name of its crate, as code writes it, and the folder of the crate's source.
pub(super) fn read(text: &str, crate_of: Option<(&str, &str)>, file: &mut CodeFile) {
    let comments = text.lines().enumerate().filter(|(_, line)| line.trim_start().starts_with("//"));
    marks::blocks(text, comments.map(|(at, line)| (at + 1, line)), &mut file.marks);
    file.marks.logs.clear();
    let syntax = match syn::parse_file(text) {
        Ok(syntax) => syntax,
        Err(error) => {
            file.fault =
                Some(Fault { line: error.span().start().line, what: format!("is no Rust here: {error}") });
            return;
        }
    };
    let module = module_path(&file.path, crate_of);
    let mut unit = Unit {
        name: module.last().cloned().unwrap_or_else(|| stem(&file.path).to_owned()),
        full_name: if module.is_empty() { file.path.clone() } else { module.join("::") },
        kind: UnitKind::Module,
        line: 1,
        end_line: file.lines,
        doc: summary(&syntax.attrs),
        items: items::of(&syntax.items, text, false),
        state: Vec::new(),
        throws: Vec::new(),
        private: Vec::new(),
    };
    if unit.items.is_empty() {
        unit.items = items::of(&syntax.items, text, true);
    }
    let name = unit.full_name.clone();
    file.units.push(unit);
    let mut reader = paths::Paths::new(&module, &name, file);
    reader.visit_file(&syntax);
    let mut tests = Tests { around: Vec::new(), found: Vec::new() };
    tests.visit_file(&syntax);
    file.tests.extend(tests.found);
    written_by_macros(text, file);
}

/// Crate and modules of a file; empty for a file outside `src`.
fn module_path(path: &str, crate_of: Option<(&str, &str)>) -> Vec<String> {
    let Some((name, folder)) = crate_of else { return Vec::new() };
    let Some(inner) = path.strip_prefix(folder).map(|rest| rest.trim_start_matches('/')) else {
        return Vec::new();
    };
    let inner = inner.trim_end_matches(".rs");
    let mut module = vec![name.to_owned()];
    let root = matches!(inner, "lib" | "main");
    module.extend(inner.split('/').filter(|part| !root && *part != "mod").map(str::to_owned));
    module
}

fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// The first paragraph of documentation.
pub(super) fn summary(attrs: &[Attribute]) -> Option<String> {
    let lines: Vec<String> = attrs.iter().filter_map(doc_line).collect();
    let first: Vec<&str> = lines
        .iter()
        .flat_map(|text| text.lines())
        .map(str::trim)
        .skip_while(|line| line.is_empty())
        .take_while(|line| !line.is_empty())
        .collect();
    let text = one_line(&first.join(" "));
    (!text.is_empty()).then_some(text)
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    if !pair.path.is_ident("doc") {
        return None;
    }
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { return None };
    Some(text.value())
}

/// Whether something is compiled for tests only.
fn for_tests(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        list.path.is_ident("cfg") && list.tokens.to_string() == "test"
    })
}

/// Collects test functions with the modules around them.
struct Tests {
    around: Vec<String>,
    found: Vec<Test>,
}

impl<'ast> Visit<'ast> for Tests {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.around.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.around.pop();
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let is_test = |attribute: &Attribute| {
            attribute
                .path()
                .segments
                .last()
                .is_some_and(|last| last.ident == "test" || last.ident == "rstest")
        };
        if item.attrs.iter().any(is_test) {
            let (line, end_line) = (item.sig.span().start().line, item.span().end().line);
            let name = item.sig.ident.to_string();
            self.found.push(Test { around: self.around.clone(), name, line, end_line });
        }
    }
}

/// Functions in a macro's text, in a file that has tests: syntax does not show those that a macro writes.
fn written_by_macros(text: &str, file: &mut CodeFile) {
    if !text.contains("#[test]") && !text.contains("::test]") {
        return;
    }
    let seen: std::collections::HashSet<&str> = file.tests.iter().map(|test| test.name.as_str()).collect();
    let mut more = Vec::new();
    let mut marked = false;
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with("#[") {
            marked |= line.contains("test]");
            continue;
        }
        let code = line.trim_start_matches("pub ").trim_start_matches("async ");
        let name = code.strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next());
        if let Some(name) = name.filter(|name| marked && !seen.contains(name)) {
            more.push(Test { around: Vec::new(), name: name.to_owned(), line: at + 1, end_line: at + 1 });
        }
        marked = false;
    }
    file.tests.extend(more);
}

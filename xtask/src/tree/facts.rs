//! What the syntax of a Rust file says, in plain values: syntax trees cannot pass between threads.

use proc_macro2::Span;
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// Facts of one file.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// Line and message, when the file is no Rust.
    pub(crate) broken: Option<(usize, String)>,
    /// Everything that has a name of its own.
    pub(crate) items: Vec<Item>,
    /// Every `match`.
    pub(crate) matches: Vec<Match>,
    /// Every trait.
    pub(crate) traits: Vec<Trait>,
    /// The trait of every `impl Trait for`, by its last name.
    pub(crate) implemented: Vec<String>,
    /// Lines where a failed reading becomes a default value.
    pub(crate) defaulted: Vec<usize>,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Structure, enumeration, trait, alias.
    Type,
    /// Function or method.
    Function,
    /// Function that the test runner runs.
    Test,
    /// Module.
    Module,
    /// Constant.
    Constant,
}

/// A named item.
#[derive(Debug)]
pub(crate) struct Item {
    /// What it is.
    pub(crate) kind: Kind,
    /// Its name.
    pub(crate) name: String,
    /// Its documentation.
    pub(crate) doc: String,
    /// Where it stands.
    pub(crate) line: usize,
}

/// A `match` expression and where it stands.
#[derive(Debug)]
pub(crate) struct Match {
    /// Number of arms.
    pub(crate) arms: usize,
    /// Where it stands.
    pub(crate) line: usize,
    /// Where the function around it begins, attributes and documentation left out.
    pub(crate) function_line: usize,
}

/// A trait.
#[derive(Debug)]
pub(crate) struct Trait {
    /// Its name.
    pub(crate) name: String,
    /// Traits that it asks for, lifetimes and `Send`, `Sync`, `Sized`, `Unpin` left out.
    pub(crate) supertraits: usize,
    /// Its declaration without documentation, attributes and default bodies, spaces evened out.
    pub(crate) signature: String,
    /// Whether it is `pub`.
    pub(crate) public: bool,
    /// Where it stands.
    pub(crate) line: usize,
}

/// Reads the facts.
pub(crate) fn read(source: &str) -> Facts {
    let file = match syn::parse_file(source) {
        Ok(file) => file,
        Err(error) => {
            let broken = Some((line(error.span()), error.to_string()));
            return Facts { broken, ..Facts::default() };
        }
    };
    let mut reader = Reader::default();
    reader.visit_file(&file);
    reader.facts
}

fn line(span: Span) -> usize {
    span.start().line
}

#[derive(Default)]
struct Reader {
    facts: Facts,
    function_line: usize,
    /// Inside `impl Trait for`: the names of its functions were chosen by the trait.
    implementing: bool,
}

impl Reader {
    fn item(&mut self, kind: Kind, ident: &syn::Ident, attributes: &[syn::Attribute]) {
        let doc = attributes.iter().filter_map(doc_line).collect::<Vec<_>>().join("\n");
        let name = ident.to_string();
        self.facts.items.push(Item { kind, name, doc, line: line(ident.span()) });
    }

    fn function(&mut self, signature: &syn::Signature, attributes: &[syn::Attribute]) {
        let test = attributes.iter().any(|a| a.path().segments.last().is_some_and(|s| s.ident == "test"));
        self.item(if test { Kind::Test } else { Kind::Function }, &signature.ident, attributes);
        self.function_line = line(signature.span());
    }
}

fn doc_line(attribute: &syn::Attribute) -> Option<String> {
    let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
    let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { return None };
    pair.path.is_ident("doc").then(|| text.value().trim().to_owned())
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.item(Kind::Module, &item.ident, &item.attrs);
        visit::visit_item_mod(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        self.item(Kind::Type, &item.ident, &item.attrs);
        visit::visit_item_struct(self, item);
    }

    fn visit_item_enum(&mut self, item: &'ast syn::ItemEnum) {
        self.item(Kind::Type, &item.ident, &item.attrs);
        visit::visit_item_enum(self, item);
    }

    fn visit_item_type(&mut self, item: &'ast syn::ItemType) {
        self.item(Kind::Type, &item.ident, &item.attrs);
        visit::visit_item_type(self, item);
    }

    fn visit_item_const(&mut self, item: &'ast syn::ItemConst) {
        self.item(Kind::Constant, &item.ident, &item.attrs);
        visit::visit_item_const(self, item);
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        self.item(Kind::Type, &item.ident, &item.attrs);
        let asked = item.supertraits.iter().filter(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|segment| {
                !["Send", "Sync", "Sized", "Unpin"].iter().any(|marker| segment.ident == marker)
            }),
            _ => false,
        });
        self.facts.traits.push(Trait {
            name: item.ident.to_string(),
            supertraits: asked.count(),
            signature: signature(item),
            public: matches!(item.vis, syn::Visibility::Public(_)),
            line: line(item.ident.span()),
        });
        visit::visit_item_trait(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(segment) = item.trait_.as_ref().and_then(|(_, path, _)| path.segments.last()) {
            self.facts.implemented.push(segment.ident.to_string());
        }
        self.implementing = item.trait_.is_some();
        visit::visit_item_impl(self, item);
        self.implementing = false;
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        let around = self.function_line;
        self.function(&item.sig, &item.attrs);
        visit::visit_item_fn(self, item);
        self.function_line = around;
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        let around = self.function_line;
        if !self.implementing {
            self.function(&item.sig, &item.attrs);
        }
        self.function_line = line(item.sig.span());
        visit::visit_impl_item_fn(self, item);
        self.function_line = around;
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        let around = self.function_line;
        self.function(&item.sig, &item.attrs);
        visit::visit_trait_item_fn(self, item);
        self.function_line = around;
    }

    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        let function_line = self.function_line;
        let line = line(item.match_token.span());
        self.facts.matches.push(Match { arms: item.arms.len(), line, function_line });
        visit::visit_expr_match(self, item);
    }

    fn visit_expr_method_call(&mut self, item: &'ast syn::ExprMethodCall) {
        if item.method == "unwrap_or_default" && is_reading(&item.receiver) {
            self.facts.defaulted.push(line(item.method.span()));
        }
        visit::visit_expr_method_call(self, item);
    }
}

/// Whether the expression reads text or bytes into a value and may fail in it.
fn is_reading(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::MethodCall(call) => call.method == "parse",
        syn::Expr::Call(call) => match &*call.func {
            syn::Expr::Path(path) => path.path.segments.last().is_some_and(|segment| {
                ["from_str", "from_slice", "from_reader"].iter().any(|name| segment.ident == name)
            }),
            _ => false,
        },
        _ => false,
    }
}

/// The declaration as text: what implementors and callers can see.
fn signature(item: &syn::ItemTrait) -> String {
    let mut item = item.clone();
    item.attrs.clear();
    for part in &mut item.items {
        match part {
            syn::TraitItem::Fn(function) => {
                function.attrs.clear();
                if let Some(body) = &mut function.default {
                    body.stmts.clear();
                }
            }
            syn::TraitItem::Type(item) => item.attrs.clear(),
            syn::TraitItem::Const(item) => item.attrs.clear(),
            _ => {}
        }
    }
    item.to_token_stream().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_changes_with_the_declaration_only() {
        let of = |source: &str| read(source).traits.remove(0).signature;
        let plain = of("pub trait Port { fn call(&self) -> u8; }");
        assert_eq!(
            plain,
            of("/// Words.\npub trait Port {\n    /// More.\n    fn call(&self)\n        -> u8;\n}")
        );
        assert_ne!(plain, of("pub trait Port { fn call(&self) -> u16; }"));
        assert_ne!(plain, of("pub trait Port { fn call(&self) -> u8 { 0 } }"));
    }

    #[test]
    fn tests_are_told_from_functions() {
        let facts = read("mod a { mod b { #[tokio::test] async fn p1_works() {} } fn p2() {} }");
        let test = facts.items.iter().find(|item| item.kind == Kind::Test).unwrap();
        assert_eq!(test.name, "p1_works");
        assert!(facts.items.iter().any(|item| item.name == "p2" && item.kind == Kind::Function));
    }

    #[test]
    fn what_is_no_rust_says_where() {
        assert_eq!(read("fn a() {}\nfn b( {").broken.unwrap().0, 2);
    }
}

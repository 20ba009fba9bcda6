//! Public items of a Rust file.

use syn::spanned::Spanned;
use syn::{Fields, ImplItem, TraitItem, Visibility};

use super::{for_tests, one_line, summary};
use crate::code::{Item, ItemKind};

/// The public items in order; with `restricted` those that are public to a part of the crate.
pub(super) fn of(items: &[syn::Item], text: &str, restricted: bool) -> Vec<Item> {
    let mut reader = Reader { text, restricted, items: Vec::new() };
    for item in items {
        reader.item(item);
    }
    reader.items
}

struct Reader<'t> {
    text: &'t str,
    restricted: bool,
    items: Vec<Item>,
}

impl Reader<'_> {
    fn shown(&self, visibility: &Visibility) -> bool {
        match visibility {
            Visibility::Public(_) => true,
            Visibility::Restricted(_) => self.restricted,
            Visibility::Inherited => false,
        }
    }

    /// The text of something, in one line.
    fn of(&self, thing: &impl Spanned) -> String {
        let line = one_line(self.text.get(thing.span().byte_range()).unwrap_or(""));
        // A list that stood on lines of its own.
        line.replace(", )", ")").replace("( ", "(").replace(", >", ">").replace("< ", "<")
    }

    fn add(&mut self, kind: ItemKind, owner: Option<&str>, name: &str, signature: String, at: &Place<'_>) {
        let (line, end_line) = at.lines;
        self.items.push(Item {
            kind,
            name: name.to_owned(),
            owner: owner.map(str::to_owned),
            signature,
            shape: None,
            line,
            end_line,
            doc: summary(at.attrs),
            restricted: self.restricted,
        });
    }

    fn item(&mut self, item: &syn::Item) {
        match item {
            syn::Item::Fn(item) if self.shown(&item.vis) => {
                let place = place(&item.attrs, item);
                self.add(ItemKind::Function, None, &item.sig.ident.to_string(), self.of(&item.sig), &place);
            }
            syn::Item::Struct(item) if self.shown(&item.vis) => {
                let name = item.ident.to_string();
                let head = self.head("struct", &name, &item.generics);
                let fields = self.fields(&item.fields, true);
                self.add(ItemKind::Type, None, &name, format!("{head}{fields}"), &place(&item.attrs, item));
            }
            syn::Item::Enum(item) if self.shown(&item.vis) => {
                let name = item.ident.to_string();
                let variants: Vec<String> = item
                    .variants
                    .iter()
                    .map(|variant| format!("{}{}", variant.ident, self.fields(&variant.fields, false)))
                    .collect();
                let head = self.head("enum", &name, &item.generics);
                let signature = format!("{head} {{ {} }}", variants.join(", "));
                self.add(ItemKind::Type, None, &name, signature, &place(&item.attrs, item));
            }
            syn::Item::Trait(item) if self.shown(&item.vis) => self.trait_item(item),
            syn::Item::Type(item) if self.shown(&item.vis) => {
                let name = item.ident.to_string();
                let head = self.head("type", &name, &item.generics);
                let signature = format!("{head} = {}", self.of(&item.ty));
                self.add(ItemKind::Type, None, &name, signature, &place(&item.attrs, item));
            }
            syn::Item::Const(item) if self.shown(&item.vis) => {
                let signature = format!("const {}: {}", item.ident, self.of(&item.ty));
                self.add(
                    ItemKind::Constant,
                    None,
                    &item.ident.to_string(),
                    signature,
                    &place(&item.attrs, item),
                );
            }
            syn::Item::Static(item) if self.shown(&item.vis) => {
                let signature = format!("static {}: {}", item.ident, self.of(&item.ty));
                self.add(
                    ItemKind::Constant,
                    None,
                    &item.ident.to_string(),
                    signature,
                    &place(&item.attrs, item),
                );
            }
            syn::Item::Use(item) if self.shown(&item.vis) => {
                let attrs = &item.attrs;
                let mut names = Vec::new();
                given(&item.tree, &mut Vec::new(), &mut names);
                for (name, path) in names.into_iter().filter(|(name, _)| name != "*") {
                    self.add(ItemKind::Export, None, &name, format!("use {path}"), &place(attrs, item));
                }
            }
            syn::Item::Impl(item) if item.trait_.is_none() && !for_tests(&item.attrs) => self.methods(item),
            syn::Item::Macro(item) => {
                let exported = item.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
                if let Some(name) = item.ident.as_ref().filter(|_| exported) {
                    let place = place(&item.attrs, item);
                    self.add(ItemKind::Function, None, &name.to_string(), format!("macro {name}!"), &place);
                }
            }
            _ => {}
        }
    }

    fn head(&self, word: &str, name: &str, generics: &syn::Generics) -> String {
        let parameters = if generics.params.is_empty() {
            String::new()
        } else {
            format!("<{}>", self.of(&generics.params))
        };
        format!("{word} {name}{parameters}")
    }

    /// Fields with their types; of a structure those that others see.
    fn fields(&self, fields: &Fields, of_struct: bool) -> String {
        let seen = |field: &&syn::Field| !of_struct || self.shown(&field.vis);
        match fields {
            Fields::Unit => String::new(),
            Fields::Unnamed(fields) => {
                let all: Vec<String> =
                    fields.unnamed.iter().filter(seen).map(|field| self.of(&field.ty)).collect();
                if all.is_empty() { String::new() } else { format!("({})", all.join(", ")) }
            }
            Fields::Named(fields) => {
                let named = fields.named.iter().filter(seen).filter_map(|field| {
                    let name = field.ident.as_ref()?;
                    Some(format!("{name}: {}", self.of(&field.ty)))
                });
                let all: Vec<String> = named.collect();
                if all.is_empty() { String::new() } else { format!(" {{ {} }}", all.join(", ")) }
            }
        }
    }

    fn trait_item(&mut self, item: &syn::ItemTrait) {
        let name = item.ident.to_string();
        let mut signature = self.head("trait", &name, &item.generics);
        if !item.supertraits.is_empty() {
            signature.push_str(": ");
            signature.push_str(&self.of(&item.supertraits));
        }
        self.add(ItemKind::Type, None, &name, signature, &place(&item.attrs, item));
        for inner in &item.items {
            match inner {
                TraitItem::Fn(method) => {
                    let place = place(&method.attrs, method);
                    let sig = self.of(&method.sig);
                    self.add(ItemKind::Function, Some(&name), &method.sig.ident.to_string(), sig, &place);
                }
                TraitItem::Const(constant) => {
                    let signature = format!("const {}: {}", constant.ident, self.of(&constant.ty));
                    let place = place(&constant.attrs, constant);
                    self.add(ItemKind::Constant, Some(&name), &constant.ident.to_string(), signature, &place);
                }
                _ => {}
            }
        }
    }

    fn methods(&mut self, item: &syn::ItemImpl) {
        let syn::Type::Path(ty) = item.self_ty.as_ref() else { return };
        let Some(owner) = ty.path.segments.last().map(|last| last.ident.to_string()) else { return };
        for inner in &item.items {
            match inner {
                ImplItem::Fn(method) if self.shown(&method.vis) && !for_tests(&method.attrs) => {
                    let place = place(&method.attrs, method);
                    let sig = self.of(&method.sig);
                    self.add(ItemKind::Function, Some(&owner), &method.sig.ident.to_string(), sig, &place);
                }
                ImplItem::Const(constant) if self.shown(&constant.vis) => {
                    let signature = format!("const {}: {}", constant.ident, self.of(&constant.ty));
                    let place = place(&constant.attrs, constant);
                    self.add(
                        ItemKind::Constant,
                        Some(&owner),
                        &constant.ident.to_string(),
                        signature,
                        &place,
                    );
                }
                _ => {}
            }
        }
    }
}

/// Where an item stands, and its attributes.
struct Place<'a> {
    attrs: &'a [syn::Attribute],
    lines: (usize, usize),
}

fn place<'a>(attrs: &'a [syn::Attribute], item: &impl Spanned) -> Place<'a> {
    let span = item.span();
    Place { attrs, lines: (span.start().line, span.end().line) }
}

/// The names that a `use` gives on, each with its path.
pub(super) fn given(tree: &syn::UseTree, path: &mut Vec<String>, names: &mut Vec<(String, String)>) {
    match tree {
        syn::UseTree::Path(inner) => {
            path.push(inner.ident.to_string());
            given(&inner.tree, path, names);
            path.pop();
        }
        syn::UseTree::Name(name) if name.ident == "self" => {
            names.push((path.last().cloned().unwrap_or_default(), path.join("::")));
        }
        syn::UseTree::Name(name) => {
            let full = path.iter().cloned().chain([name.ident.to_string()]).collect::<Vec<_>>().join("::");
            names.push((name.ident.to_string(), full));
        }
        syn::UseTree::Rename(name) => {
            let full = path.iter().cloned().chain([name.ident.to_string()]).collect::<Vec<_>>().join("::");
            names.push((name.rename.to_string(), full));
        }
        syn::UseTree::Glob(_) => names.push(("*".to_owned(), path.join("::"))),
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                given(tree, path, names);
            }
        }
    }
}

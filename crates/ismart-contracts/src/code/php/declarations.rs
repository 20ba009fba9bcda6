//! Classes, interfaces, traits, enumerations, functions: public items with their signatures.

use tree_sitter::Node;

use super::{Open, Reader};
use crate::code::{Item, ItemKind, Param, Property, Shape, Unit, UnitKind, docblock, one_line};

/// Modifiers that a signature shows, in PHP's usual order.
const SHOWN: &[&str] = &["abstract", "static"];

impl Reader<'_> {
    pub(super) fn unit(&mut self, node: Node<'_>, kind: UnitKind) {
        let Some(name) = node.child_by_field_name("name") else { return };
        let name = self.of(name).to_owned();
        let full_name = self.names.own(&name);
        let mut unit = Unit {
            name,
            full_name: full_name.clone(),
            kind,
            line: node.start_position().row + 1,
            end_line: node.end_position().row + 1,
            doc: self.doc(node).and_then(docblock::summary),
            items: Vec::new(),
            state: Vec::new(),
            throws: Vec::new(),
            private: Vec::new(),
        };
        if let Some(body) = node.child_by_field_name("body") {
            let readonly = self.has(node, "readonly_modifier");
            self.members(body, readonly, &mut unit);
        }
        self.tests_of(node, &unit);
        // Code that declares a class in one way or another, by version of PHP, declares one class.
        if self.file.units.iter().all(|known| known.full_name != unit.full_name) {
            self.file.units.push(unit);
        }
        self.open.push(Open { end: node.end_byte(), unit: Some(full_name), place: None, namespace: false });
    }

    fn members(&self, body: Node<'_>, readonly: bool, unit: &mut Unit) {
        // A comment before a member is met here before the walk comes to it.
        let mut doc = None;
        let mut cursor = body.walk();
        for member in body.named_children(&mut cursor) {
            match member.kind() {
                "comment" => {
                    doc = Some(self.of(member)).filter(|text| text.starts_with("/**"));
                    continue;
                }
                "method_declaration" => self.method_item(member, doc, unit),
                "const_declaration" if self.is_public(member) => {
                    unit.items.extend(self.constants(member, doc));
                }
                "property_declaration" => self.property(member, doc, readonly, unit),
                "enum_case" => {
                    let signature = one_line(self.of(member)).trim_end_matches(';').to_owned();
                    if let Some(name) = member.child_by_field_name("name") {
                        unit.items.push(self.item(ItemKind::Case, self.of(name), signature, member, doc));
                    }
                }
                _ => {}
            }
            doc = None;
        }
    }

    fn method_item(&self, node: Node<'_>, doc: Option<&str>, unit: &mut Unit) {
        let Some(name) = node.child_by_field_name("name").map(|name| self.of(name)) else { return };
        let parameters = node.child_by_field_name("parameters");
        if name.eq_ignore_ascii_case("__construct")
            && let Some(parameters) = parameters
        {
            self.promoted(parameters, doc, unit);
        }
        if !self.is_public(node) {
            unit.private.push(name.to_owned());
            return;
        }
        let mut signature = String::new();
        for word in SHOWN {
            let implied = *word == "abstract" && unit.kind == UnitKind::Interface;
            if !implied && self.has(node, &format!("{word}_modifier")) {
                signature.push_str(word);
                signature.push(' ');
            }
        }
        signature.push_str(&self.head(node, name));
        let shape = self.shape(node);
        let mut item = self.item(ItemKind::Function, name, signature, node, doc);
        item.shape = Some(shape);
        unit.items.push(item);
    }

    /// `name(parameters): result`.
    fn head(&self, node: Node<'_>, name: &str) -> String {
        let mut head = String::new();
        if self.has(node, "reference_modifier") {
            head.push('&');
        }
        head.push_str(name);
        head.push('(');
        if let Some(parameters) = node.child_by_field_name("parameters") {
            let mut cursor = parameters.walk();
            let all: Vec<String> = parameters
                .named_children(&mut cursor)
                .filter(|child| child.kind().ends_with("parameter"))
                .map(|parameter| self.parameter_text(parameter))
                .collect();
            head.push_str(&all.join(", "));
        }
        head.push(')');
        if let Some(result) = node.child_by_field_name("return_type") {
            head.push_str(": ");
            head.push_str(&one_line(self.of(result)));
        }
        head
    }

    /// A parameter without attributes, visibility and hooks.
    fn parameter_text(&self, node: Node<'_>) -> String {
        let param = self.param(node);
        let mut text = String::new();
        if let Some(ty) = node.child_by_field_name("type") {
            text.push_str(&one_line(self.of(ty)));
            text.push(' ');
        }
        if param.by_ref {
            text.push('&');
        }
        if param.variadic {
            text.push_str("...");
        }
        text.push('$');
        text.push_str(&param.name);
        if let Some(default) = param.default {
            text.push_str(" = ");
            text.push_str(&default);
        }
        text
    }

    fn param(&self, node: Node<'_>) -> Param {
        let name = node.child_by_field_name("name").map_or("", |name| self.of(name));
        Param {
            by_ref: self.has(node, "reference_modifier") || name.starts_with('&'),
            name: name.trim_start_matches(['&', '.', ' ']).trim_start_matches('$').to_owned(),
            ty: node.child_by_field_name("type").map(|ty| self.names.full_type(self.of(ty))),
            default: node.child_by_field_name("default_value").map(|value| one_line(self.of(value))),
            variadic: node.kind() == "variadic_parameter",
            promoted: node.kind() == "property_promotion_parameter",
        }
    }

    fn shape(&self, node: Node<'_>) -> Shape {
        let mut params = Vec::new();
        if let Some(parameters) = node.child_by_field_name("parameters") {
            let mut cursor = parameters.walk();
            let all =
                parameters.named_children(&mut cursor).filter(|child| child.kind().ends_with("parameter"));
            params.extend(all.map(|parameter| self.param(parameter)));
        }
        Shape {
            params,
            returns: node.child_by_field_name("return_type").map(|ty| self.names.full_type(self.of(ty))),
            is_static: self.has(node, "static_modifier"),
            by_ref: self.has(node, "reference_modifier"),
        }
    }

    fn promoted(&self, parameters: Node<'_>, doc: Option<&str>, unit: &mut Unit) {
        let described = doc.map(docblock::types).unwrap_or_default();
        let mut cursor = parameters.walk();
        for node in parameters.named_children(&mut cursor) {
            if node.kind() != "property_promotion_parameter" {
                continue;
            }
            let param = self.param(node);
            let native = node.child_by_field_name("type").map(|ty| one_line(self.of(ty)));
            let by_doc = described.iter().find(|(tag, _, name)| *tag == "@param" && *name == param.name);
            let property = Property {
                ty: native.or_else(|| by_doc.map(|(_, ty, _)| ty.clone())),
                name: param.name,
                visibility: self.visibility(node),
                is_static: false,
                is_readonly: node.child_by_field_name("readonly").is_some(),
                line: node.start_position().row + 1,
            };
            self.keep(property, node, None, unit);
        }
    }

    fn property(&self, node: Node<'_>, doc: Option<&str>, readonly: bool, unit: &mut Unit) {
        let native = node.child_by_field_name("type").map(|ty| one_line(self.of(ty)));
        let by_doc = || {
            let types = docblock::types(doc?);
            types.into_iter().find(|(tag, ..)| *tag == "@var").map(|(_, ty, _)| ty)
        };
        let ty = native.or_else(by_doc);
        let mut cursor = node.walk();
        for element in node.named_children(&mut cursor).filter(|child| child.kind() == "property_element") {
            let Some(name) = element.child_by_field_name("name") else { continue };
            let property = Property {
                name: self.of(name).trim_start_matches('$').to_owned(),
                ty: ty.clone(),
                visibility: self.visibility(node),
                is_static: self.has(node, "static_modifier"),
                is_readonly: readonly || self.has(node, "readonly_modifier"),
                line: element.start_position().row + 1,
            };
            self.keep(property, node, doc, unit);
        }
    }

    fn keep(&self, property: Property, node: Node<'_>, doc: Option<&str>, unit: &mut Unit) {
        if property.visibility == "public" {
            let ty = property.ty.as_deref().map(|ty| format!("{ty} ")).unwrap_or_default();
            let word = match (property.is_static, property.is_readonly) {
                (true, _) => "static ",
                (_, true) => "readonly ",
                _ => "",
            };
            let signature = format!("{word}{ty}${}", property.name);
            let name = format!("${}", property.name);
            unit.items.push(self.item(ItemKind::Property, &name, signature, node, doc));
        }
        unit.state.push(property);
    }

    fn constants(&self, node: Node<'_>, doc: Option<&str>) -> Vec<Item> {
        let ty = node.child_by_field_name("type").map(|ty| format!("{} ", one_line(self.of(ty))));
        let mut cursor = node.walk();
        let elements = node.named_children(&mut cursor).filter(|child| child.kind() == "const_element");
        let items = elements.filter_map(|element| {
            let name = self.of(element.named_child(0)?);
            let signature = format!("const {}{name}", ty.as_deref().unwrap_or(""));
            Some(self.item(ItemKind::Constant, name, signature, element, doc))
        });
        items.collect()
    }

    fn item(&self, kind: ItemKind, name: &str, signature: String, node: Node<'_>, doc: Option<&str>) -> Item {
        Item {
            kind,
            name: name.to_owned(),
            owner: None,
            signature,
            shape: None,
            line: node.start_position().row + 1,
            end_line: node.end_position().row + 1,
            doc: doc.and_then(docblock::summary),
            restricted: false,
        }
    }

    fn has(&self, node: Node<'_>, kind: &str) -> bool {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).any(|child| child.kind() == kind)
    }

    fn visibility(&self, node: Node<'_>) -> &'static str {
        let mut cursor = node.walk();
        let words = node.named_children(&mut cursor).filter(|child| child.kind() == "visibility_modifier");
        // `public private(set)` may be read by everyone: the first word decides.
        let word = words.map(|word| self.of(word).to_ascii_lowercase()).find(|word| !word.contains("(set)"));
        match word.as_deref() {
            Some("private") => "private",
            Some("protected") => "protected",
            _ => "public",
        }
    }

    fn is_public(&self, node: Node<'_>) -> bool {
        self.visibility(node) == "public"
    }

    /// A method is met in the walk: what stands in it belongs to it.
    pub(super) fn method(&mut self, node: Node<'_>) {
        let name = node.child_by_field_name("name").map_or("", |name| self.of(name));
        let class = self.around().map(|unit| unit.rsplit('\\').next().unwrap_or(unit));
        let place = class.map(|class| format!("{class}::{name}"));
        self.open.push(Open { end: node.end_byte(), unit: None, place, namespace: false });
    }

    /// A function outside classes and functions belongs to the file.
    pub(super) fn function(&mut self, node: Node<'_>) {
        let inside = self.open.iter().any(|open| !open.namespace);
        let own = node.child_by_field_name("name").map(|name| self.of(name).to_owned());
        let place = own.filter(|_| !inside);
        if !inside && let Some(name) = node.child_by_field_name("name") {
            let name = self.of(name);
            let mut item = self.item(
                ItemKind::Function,
                name,
                format!("function {}", self.head(node, name)),
                node,
                self.doc(node),
            );
            item.shape = Some(self.shape(node));
            let full = self.names.own(name);
            self.file.functions.push(full);
            self.file_item(item);
        }
        self.open.push(Open { end: node.end_byte(), unit: None, place, namespace: false });
    }

    /// A constant outside classes belongs to the file.
    pub(super) fn constant(&mut self, node: Node<'_>) {
        if self.open.iter().all(|open| open.namespace) {
            for item in self.constants(node, self.doc(node)) {
                self.file_item(item);
            }
        }
    }

    fn file_item(&mut self, item: Item) {
        let unit = self.functions.get_or_insert_with(|| Unit {
            name: String::new(),
            full_name: String::new(),
            kind: UnitKind::Functions,
            line: item.line,
            end_line: item.end_line,
            doc: None,
            items: Vec::new(),
            state: Vec::new(),
            throws: Vec::new(),
            private: Vec::new(),
        });
        unit.end_line = unit.end_line.max(item.end_line);
        unit.items.push(item);
    }
}

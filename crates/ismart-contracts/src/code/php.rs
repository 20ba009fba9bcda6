//! PHP by its grammar. One walk over the syntax tree, without recursion: depth of nesting costs no stack.

mod calls;
mod declarations;
mod gaps;
mod names;

use std::collections::HashSet;
use std::path::Path;

use tree_sitter::{Node, Parser, Tree};

use super::{CodeFile, Fault, ReferenceKind, Test, Unit, UnitKind, docblock, marks};
use names::{Names, is_word};

/// Reads a PHP file.
pub(super) fn read(text: &str, file: &mut CodeFile) {
    let Some(tree) = parse(text) else {
        file.fault = Some(Fault { line: 1, what: "the file is too large for the grammar".to_owned() });
        return;
    };
    let mut reader = Reader {
        text,
        file,
        names: Names::default(),
        seen: HashSet::new(),
        open: Vec::new(),
        docs: Vec::new(),
        comments: Vec::new(),
        functions: None,
    };
    reader.walk(&tree);
    reader.finish();
    file.fault = fault(&tree, text);
}

fn parse(text: &str) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&tree_sitter_php::LANGUAGE_PHP.into()).ok()?;
    let tree = parser.parse(text, None)?;
    if !tree.root_node().has_error() {
        return Some(tree);
    }
    let bridged = gaps::bridged(text).and_then(|bridged| parser.parse(bridged, None));
    Some(bridged.filter(|tree| !tree.root_node().has_error()).unwrap_or(tree))
}

/// The first place that is no PHP.
fn fault(tree: &Tree, text: &str) -> Option<Fault> {
    let mut node = tree.root_node();
    if !node.has_error() {
        return None;
    }
    loop {
        let line = node.start_position().row + 1;
        if node.is_missing() {
            return Some(Fault { line, what: format!("`{}` is missing", node.kind()) });
        }
        let mut cursor = node.walk();
        let inner = node.children(&mut cursor).find(|child| child.has_error() || child.is_missing());
        match inner {
            Some(child) if !node.is_error() || child.is_missing() => node = child,
            _ => {
                let words = text.get(node.byte_range()).unwrap_or("").split_whitespace().next().unwrap_or("");
                let words: String = words.chars().take(40).collect();
                let what = if words.is_empty() {
                    "is no PHP here".to_owned()
                } else {
                    format!("is no PHP at `{words}`")
                };
                return Some(Fault { line, what });
            }
        }
    }
}

/// Something around the node that is being looked at.
struct Open {
    /// Where it ends, in bytes.
    end: usize,
    /// Full name, for units; functions and anonymous classes have none.
    unit: Option<String>,
    /// `Class::method`, for log lines.
    place: Option<String>,
    /// Namespace in braces: what to return to.
    namespace: bool,
}

struct Reader<'t> {
    text: &'t str,
    file: &'t mut CodeFile,
    names: Names,
    seen: HashSet<(Option<String>, ReferenceKind, String)>,
    open: Vec<Open>,
    /// PHPDoc comments: range in bytes.
    docs: Vec<(usize, usize)>,
    /// Lines of comments.
    comments: Vec<(usize, &'t str)>,
    functions: Option<Unit>,
}

impl<'t> Reader<'t> {
    fn walk(&mut self, tree: &Tree) {
        let mut cursor = tree.walk();
        loop {
            let node = cursor.node();
            while self.open.last().is_some_and(|open| open.end <= node.start_byte()) {
                if self.open.pop().is_some_and(|open| open.namespace) {
                    self.names.leave();
                }
            }
            self.enter(node);
            if cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return;
                }
            }
        }
    }

    fn enter(&mut self, node: Node<'_>) {
        if !node.is_named() {
            return;
        }
        match node.kind() {
            "comment" => self.comment(node),
            "namespace_definition" => self.namespace(node),
            "namespace_use_declaration" => self.names.take(self.of(node)),
            "class_declaration" => self.unit(node, UnitKind::Class),
            "interface_declaration" => self.unit(node, UnitKind::Interface),
            "trait_declaration" => self.unit(node, UnitKind::Trait),
            "enum_declaration" => self.unit(node, UnitKind::Enum),
            "method_declaration" => self.method(node),
            "function_definition" => self.function(node),
            "const_declaration" => self.constant(node),
            "base_clause" => self.refer_children(node, ReferenceKind::Extends),
            "class_interface_clause" => self.refer_children(node, ReferenceKind::Implements),
            "use_declaration" => self.refer_children(node, ReferenceKind::Uses),
            "object_creation_expression" => self.refer_first(node, ReferenceKind::New),
            "class_constant_access_expression" => self.refer_first(node, ReferenceKind::Static),
            "scoped_call_expression" => {
                self.refer_field(node, "scope", ReferenceKind::Static);
                self.log_call(node, "scope");
            }
            "scoped_property_access_expression" => self.refer_field(node, "scope", ReferenceKind::Static),
            "throw_expression" => self.thrown(node),
            "attribute" => self.refer_first(node, ReferenceKind::Attribute),
            "binary_expression" => self.instance_of(node),
            "named_type" => self.named_type(node),
            "function_call_expression" => self.call(node),
            "member_call_expression" | "nullsafe_member_call_expression" => self.log_call(node, "object"),
            "require_expression"
            | "require_once_expression"
            | "include_expression"
            | "include_once_expression" => {
                self.required(node);
            }
            _ => {}
        }
    }

    /// The text of a node.
    fn of(&self, node: Node<'_>) -> &'t str {
        self.text.get(node.byte_range()).unwrap_or("")
    }

    fn comment(&mut self, node: Node<'_>) {
        let text = self.of(node);
        let first = node.start_position().row + 1;
        self.comments.extend(text.lines().enumerate().map(|(at, line)| (first + at, line)));
        if !text.starts_with("/**") {
            return;
        }
        self.docs.push((node.start_byte(), node.end_byte()));
        for (at, line) in text.lines().enumerate() {
            for (_, ty, _) in docblock::types(line) {
                for class in docblock::classes(&ty) {
                    self.refer(class, ReferenceKind::Doc, first + at);
                }
            }
        }
    }

    /// The PHPDoc comment right before a node.
    fn doc(&self, node: Node<'_>) -> Option<&'t str> {
        let (start, end) = self.docs.iter().rev().find(|(_, end)| *end <= node.start_byte())?;
        let between = self.text.get(*end..node.start_byte())?;
        between.trim().is_empty().then(|| self.text.get(*start..*end))?
    }

    fn namespace(&mut self, node: Node<'_>) {
        let name = node.child_by_field_name("name").map_or("", |name| self.of(name));
        match node.child_by_field_name("body") {
            Some(body) => {
                self.names.enter(name);
                self.open.push(Open { end: body.end_byte(), unit: None, place: None, namespace: true });
            }
            None => self.names.begin(name),
        }
    }

    /// The unit around the place that is being read.
    fn around(&self) -> Option<&str> {
        self.open.iter().rev().find_map(|open| open.unit.as_deref())
    }

    fn refer(&mut self, name: &str, kind: ReferenceKind, line: usize) {
        if !is_word(name) && !name.is_empty() {
            let full = self.names.class(name);
            self.add(full, kind, line);
        }
    }

    fn add(&mut self, name: String, kind: ReferenceKind, line: usize) {
        let from = self.around().map(str::to_owned);
        let key = (from, kind, name);
        if !self.seen.contains(&key) {
            let (from, _, name) = key.clone();
            self.file.references.push(super::Reference { name, kind, line, from });
            self.seen.insert(key);
        }
    }

    fn refer_node(&mut self, node: Node<'_>, kind: ReferenceKind) {
        if matches!(node.kind(), "name" | "qualified_name" | "relative_name") {
            self.refer(self.of(node), kind, node.start_position().row + 1);
        }
    }

    fn refer_children(&mut self, node: Node<'_>, kind: ReferenceKind) {
        let mut cursor = node.walk();
        for child in node.named_children(&mut cursor) {
            self.refer_node(child, kind);
        }
    }

    fn refer_first(&mut self, node: Node<'_>, kind: ReferenceKind) {
        if let Some(first) = node.named_child(0) {
            self.refer_node(first, kind);
        }
    }

    fn refer_field(&mut self, node: Node<'_>, field: &str, kind: ReferenceKind) {
        if let Some(child) = node.child_by_field_name(field) {
            self.refer_node(child, kind);
        }
    }

    fn instance_of(&mut self, node: Node<'_>) {
        if node.child_by_field_name("operator").is_some_and(|operator| operator.kind() == "instanceof") {
            self.refer_field(node, "right", ReferenceKind::InstanceOf);
        }
    }

    /// `throw new X` in a method: what callers must expect.
    fn thrown(&mut self, node: Node<'_>) {
        let made = node.named_child(0).filter(|made| made.kind() == "object_creation_expression");
        let Some(class) = made.and_then(|made| made.named_child(0)) else { return };
        if !matches!(class.kind(), "name" | "qualified_name" | "relative_name") {
            return;
        }
        let class = self.of(class).trim_start_matches('\\').to_owned();
        let place = self.open.iter().rev().find_map(|open| open.place.as_deref());
        let method =
            place.and_then(|place| place.split_once("::")).map_or("", |(_, method)| method).to_owned();
        let around = self.around().map(str::to_owned);
        let unit = self.file.units.iter_mut().find(|unit| Some(&unit.full_name) == around.as_ref());
        if let Some(unit) = unit.filter(|unit| !unit.throws.contains(&(class.clone(), method.clone()))) {
            unit.throws.push((class, method));
        }
    }

    fn named_type(&mut self, node: Node<'_>) {
        let caught =
            node.parent().and_then(|list| list.parent()).is_some_and(|up| up.kind() == "catch_clause");
        let kind = if caught { ReferenceKind::Catch } else { ReferenceKind::Type };
        self.refer(self.of(node), kind, node.start_position().row + 1);
    }

    fn finish(&mut self) {
        marks::blocks(self.text, self.comments.iter().copied(), &mut self.file.marks);
        if let Some(mut unit) = self.functions.take() {
            let stem = Path::new(&self.file.path).file_stem().and_then(|stem| stem.to_str()).unwrap_or("");
            stem.clone_into(&mut unit.name);
            self.file.path.clone_into(&mut unit.full_name);
            self.file.units.push(unit);
        }
        self.file.units.sort_by_key(|unit| unit.line);
    }

    fn test(&mut self, around: Vec<String>, name: &str, node: Node<'_>) {
        let (line, end_line) = (node.start_position().row + 1, node.end_position().row + 1);
        self.file.tests.push(Test { around, name: name.to_owned(), line, end_line });
    }
}

//! Calls that say something about files, logs and tests.

use tree_sitter::Node;

use super::Reader;
use crate::code::{LogLine, ReferenceKind, Unit, UnitKind};

const LEVELS: &[&str] =
    &["debug", "info", "notice", "warning", "error", "critical", "alert", "emergency", "log"];

impl Reader<'_> {
    pub(super) fn call(&mut self, node: Node<'_>) {
        let Some(function) = node.child_by_field_name("function") else { return };
        if !matches!(function.kind(), "name" | "qualified_name" | "relative_name") {
            return;
        }
        let name = self.of(function);
        let line = node.start_position().row + 1;
        match name.trim_start_matches('\\') {
            "error_log" => self.log(node, 0, "LOG"),
            // Tests of Pest are calls in the open.
            "it" | "test" if self.open.is_empty() => {
                if let Some(text) = argument(node, 0).and_then(|argument| self.leading_text(argument)) {
                    self.test(Vec::new(), &text, node);
                }
            }
            _ => {}
        }
        let full = self.names.function(name);
        self.add(full, ReferenceKind::Call, line);
    }

    /// `$logger->info(…)`, `Logger::info(…)`.
    pub(super) fn log_call(&mut self, node: Node<'_>, holder: &str) {
        let (Some(object), Some(name)) = (node.child_by_field_name(holder), node.child_by_field_name("name"))
        else {
            return;
        };
        let name = self.of(name).to_ascii_lowercase();
        if !LEVELS.contains(&name.as_str()) {
            return;
        }
        let object = self.of(object).trim_end_matches("()").to_ascii_lowercase();
        if object.ends_with("logger") || object.ends_with("log") {
            // PSR-3: `log($level, $message)`.
            let at = usize::from(name == "log");
            self.log(node, at, &name.to_ascii_uppercase());
        }
    }

    fn log(&mut self, node: Node<'_>, at: usize, level: &str) {
        let Some(text) = argument(node, at).and_then(|argument| self.leading_text(argument)) else { return };
        let place = self.open.iter().rev().find_map(|open| open.place.clone());
        let line = node.start_position().row + 1;
        self.file.marks.logs.push(LogLine { line, text, place, level: level.to_owned() });
    }

    /// The text that an expression begins with; `None` when it begins with a value.
    fn leading_text(&self, node: Node<'_>) -> Option<String> {
        let mut node = node;
        while node.kind() == "binary_expression" || node.kind() == "argument" {
            node = node.child_by_field_name("left").or_else(|| node.named_child(0))?;
        }
        match node.kind() {
            "string" | "encapsed_string" => {
                let mut cursor = node.walk();
                let mut text = String::new();
                for part in node.named_children(&mut cursor) {
                    match part.kind() {
                        "string_content" | "escape_sequence" => text.push_str(self.of(part)),
                        _ => {
                            text.push_str("{}");
                        }
                    }
                }
                Some(text)
            }
            _ => None,
        }
    }

    /// `require __DIR__ . '/x.php'` and its kin; a path made of values is unknown.
    pub(super) fn required(&mut self, node: Node<'_>) {
        let Some(path) = node.named_child(0).and_then(|node| self.path(node)) else { return };
        self.add(path, ReferenceKind::File, node.start_position().row + 1);
    }

    /// A path of constants: texts, `__DIR__`, `dirname(…)`, joined by dots.
    fn path(&self, node: Node<'_>) -> Option<String> {
        let folder = self.file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        match node.kind() {
            "string" | "encapsed_string" => {
                let text = self.of(node).trim_matches(['\'', '"']);
                (!text.contains(['$', '{'])).then(|| text.to_owned())
            }
            "parenthesized_expression" | "argument" => self.path(node.named_child(0)?),
            "name" => match self.of(node) {
                "__DIR__" => Some(format!("/{folder}")),
                "__FILE__" => Some(format!("/{}", self.file.path)),
                _ => None,
            },
            "binary_expression" => {
                let left = self.path(node.child_by_field_name("left")?)?;
                let right = self.path(node.child_by_field_name("right")?)?;
                Some(left + &right)
            }
            "function_call_expression" => {
                let name = self.of(node.child_by_field_name("function")?).trim_start_matches('\\');
                if name != "dirname" {
                    return None;
                }
                let levels =
                    argument(node, 1).and_then(|levels| self.of(levels).parse().ok()).unwrap_or(1_usize);
                let mut path = self.path(argument(node, 0)?)?;
                for _ in 0..levels {
                    let (up, _) = path.rsplit_once('/')?;
                    path = up.to_owned();
                }
                Some(path)
            }
            _ => None,
        }
    }

    /// PHPUnit's tests: public methods that begin with `test`, or are marked so.
    pub(super) fn tests_of(&mut self, node: Node<'_>, unit: &Unit) {
        let suite =
            unit.kind == UnitKind::Class && (unit.name.ends_with("Test") || unit.name.ends_with("TestCase"));
        let Some(body) = node.child_by_field_name("body").filter(|_| suite) else { return };
        let mut cursor = body.walk();
        let mut marked = false;
        let mut tests = Vec::new();
        for member in body.named_children(&mut cursor) {
            if member.kind() == "comment" {
                marked |= self.of(member).contains("@test");
                continue;
            }
            if let (true, Some(name)) =
                (member.kind() == "method_declaration", member.child_by_field_name("name"))
            {
                let attributes = member.child_by_field_name("attributes").map_or("", |list| self.of(list));
                let name = self.of(name);
                let is_test = name.starts_with("test")
                    || marked
                    || attributes
                        .trim_matches(['#', '[', ']'])
                        .split(',')
                        .any(|word| word.trim().ends_with("Test"));
                if is_test {
                    tests.push((name.to_owned(), member));
                }
            }
            marked = false;
        }
        for (name, member) in tests {
            self.test(vec![unit.name.clone()], &name, member);
        }
    }
}

/// The expression of an argument.
fn argument(node: Node<'_>, at: usize) -> Option<Node<'_>> {
    let arguments = node.child_by_field_name("arguments")?;
    let mut cursor = arguments.walk();
    let argument =
        arguments.named_children(&mut cursor).filter(|child| child.kind() == "argument").nth(at)?;
    // A named argument has its name first.
    argument.named_child(u32::try_from(argument.named_child_count().checked_sub(1)?).ok()?)
}

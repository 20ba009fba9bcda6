//! A value of the content as fields of a form.

use ismart_sites::edit::{Field, Shape};
use serde::Serialize;
use serde_json::Value;

/// Fields that one form shows; a file with more is edited in parts or as JSON.
pub(super) const MOST: usize = 600;

/// A field, a group of fields or a list.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    /// Place in the file.
    pub(super) pointer: String,
    /// The key or the number that the person sees.
    pub(super) label: String,
    /// `line`, `text`, `markup`, `choice`, `picture`, `file`, `link`, `date`, `number`, `flag`, `json`, `group`, `list`.
    pub(super) kind: &'static str,
    /// Name of the input: type, file and place.
    pub(super) name: String,
    /// What it holds, for inputs.
    pub(super) value: String,
    /// Values of a choice.
    pub(super) choices: Vec<String>,
    /// Everything of its kind has it.
    pub(super) required: bool,
    /// The longest of its kind, characters; 0 when that says nothing.
    pub(super) longest: usize,
    /// Fields of a group, elements of a list.
    pub(super) children: Vec<Node>,
    /// Elements of the list that it stands in; it can be moved.
    pub(super) of: Option<Row>,
    /// The same field in the other language.
    pub(super) other: Option<Box<Other>>,
    /// Name of the input that describes this picture.
    pub(super) alt: Option<String>,
}

/// A place in a list.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    /// The list.
    pub(super) list: String,
    /// The place.
    pub(super) at: usize,
    /// The last one.
    pub(super) last: bool,
    /// A section that is not shown.
    pub(super) hidden: bool,
    /// It can be hidden and shown.
    pub(super) hides: bool,
}

/// A field in the other language.
#[derive(Debug, Serialize)]
pub(super) struct Other {
    pub(super) name: String,
    pub(super) value: String,
    pub(super) missing: bool,
}

/// Makes nodes of one file.
pub(super) struct Planter<'p> {
    pub(super) file: &'p str,
    /// File and content of the other language.
    pub(super) beside: Option<(&'p str, &'p Value)>,
    pub(super) left: usize,
}

impl Planter<'_> {
    /// The fields of a value; `None` when the form is full.
    pub(super) fn plant(
        &mut self,
        label: &str,
        pointer: &str,
        value: &Value,
        shape: &Shape,
        field: Option<&Field>,
    ) -> Option<Node> {
        self.left = self.left.checked_sub(1)?;
        let (kind, letter, text) = leaf(value, shape);
        let mut node = Node {
            pointer: pointer.to_owned(),
            label: label.to_owned(),
            kind,
            name: format!("{letter}:{}#{pointer}", self.file),
            value: text,
            choices: match shape {
                Shape::Choice { of } => of.clone(),
                _ => Vec::new(),
            },
            required: field.is_some_and(|field| field.required),
            longest: field.map_or(0, |field| field.longest),
            children: Vec::new(),
            of: None,
            other: self.other(letter, pointer, value),
            alt: None,
        };
        match (value, shape) {
            (Value::Object(map), shape) => {
                let known = match shape {
                    Shape::Group { fields } => fields.as_slice(),
                    _ => &[],
                };
                for (key, value) in map {
                    let field = known.iter().find(|field| field.key == *key);
                    let own = field.map_or(Shape::Any, |field| field.shape.clone());
                    let pointer = child(pointer, key);
                    let mut one = self.plant(key, &pointer, value, &guessed(own, value), field);
                    if let Some(one) = one.as_mut().filter(|one| one.kind == "picture") {
                        one.alt = alt_of(self.file, &node.pointer, map, key);
                    }
                    node.children.extend(one);
                }
            }
            (Value::Array(items), shape) => {
                let of = match shape {
                    Shape::List { of } => of.as_ref().clone(),
                    _ => Shape::Any,
                };
                for (at, item) in items.iter().enumerate() {
                    let place = child(pointer, &at.to_string());
                    let label = named(item, at);
                    let Some(mut one) = self.plant(&label, &place, item, &guessed(of.clone(), item), None)
                    else {
                        continue;
                    };
                    let section = item.get("name").is_some() && item.get("data").is_some();
                    one.of = Some(Row {
                        list: pointer.to_owned(),
                        at,
                        last: at + 1 == items.len(),
                        hidden: section && item.get("visible") == Some(&Value::Bool(false)),
                        hides: section,
                    });
                    node.children.push(one);
                }
            }
            _ => {}
        }
        Some(node)
    }

    fn other(&self, letter: &str, pointer: &str, value: &Value) -> Option<Box<Other>> {
        if value.is_object() || value.is_array() {
            return None;
        }
        let (file, content) = self.beside?;
        let found = content.pointer(pointer);
        let text = found.map(|found| leaf(found, &guessed(Shape::Any, found)).2).unwrap_or_default();
        let words = value.as_str().is_some_and(|text| text.chars().any(char::is_alphabetic));
        let missing = found.is_none() || (words && (text.trim().is_empty() || found == Some(value)));
        Some(Box::new(Other { name: format!("{letter}:{file}#{pointer}"), value: text, missing }))
    }
}

/// The shape of a value that nothing else is known of.
fn guessed(shape: Shape, value: &Value) -> Shape {
    match (shape, value) {
        (Shape::Any, Value::Bool(_)) => Shape::Flag,
        (Shape::Any, Value::Number(_)) => Shape::Number,
        (Shape::Any, Value::String(text)) if text.contains('<') || text.contains("{{") => Shape::Markup,
        (Shape::Any, Value::String(text)) if text.chars().count() > 90 || text.contains('\n') => Shape::Text,
        (Shape::Any, Value::String(_)) => Shape::Line,
        (shape, _) => shape,
    }
}

/// Kind, letter of the input's name, and text of a value.
fn leaf(value: &Value, shape: &Shape) -> (&'static str, &'static str, String) {
    match value {
        Value::Object(_) => ("group", "j", String::new()),
        Value::Array(_) => ("list", "j", String::new()),
        Value::Bool(flag) => ("flag", "b", flag.to_string()),
        Value::Number(number) => ("number", "n", number.to_string()),
        Value::Null => ("json", "j", "null".to_owned()),
        Value::String(text) => {
            let kind = match shape {
                Shape::Text => "text",
                Shape::Markup => "markup",
                Shape::Choice { of } if of.contains(text) => "choice",
                Shape::Picture => "picture",
                Shape::File => "file",
                Shape::Link => "link",
                Shape::Date => "date",
                _ if text.contains('\n') => "text",
                _ => "line",
            };
            (kind, "s", text.clone())
        }
    }
}

/// Name of the input of the text that stands for the picture `key` of a group.
pub(super) fn alt_of(
    file: &str,
    group: &str,
    map: &serde_json::Map<String, Value>,
    key: &str,
) -> Option<String> {
    let known = [format!("{key}_alt"), "alt".to_owned()];
    let found = known.into_iter().find(|known| map.get(known).is_some_and(Value::is_string))?;
    Some(format!("s:{file}#{}", child(group, &found)))
}

/// What people call an element of a list.
fn named(item: &Value, at: usize) -> String {
    let words = ["title", "name", "label", "question", "text", "slug", "value"];
    let found = words.iter().find_map(|key| item.get(key)?.as_str().filter(|text| !text.is_empty()));
    let short = |text: &str| {
        let cut: String = text.chars().take(60).collect();
        if cut.len() < text.len() { format!("{cut}…") } else { cut }
    };
    match found {
        Some(text) => format!("{}. {}", at + 1, short(text)),
        None => format!("{}.", at + 1),
    }
}

/// Adds a key to a JSON pointer.
pub(super) fn child(pointer: &str, key: &str) -> String {
    format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_form_has_a_field_for_every_value_and_ends() {
        let value = json!({"title": "A", "list": [{"name": "x", "data": {}, "visible": false}], "n": 1, "on": true, "none": null});
        let mut planter = Planter { file: "f.json", beside: None, left: MOST };
        let node = planter.plant("f", "", &value, &Shape::Any, None).unwrap();
        let kinds: Vec<(&str, &str)> = node.children.iter().map(|n| (n.name.as_str(), n.kind)).collect();
        assert_eq!(
            kinds,
            [
                ("s:f.json#/title", "line"),
                ("j:f.json#/list", "list"),
                ("n:f.json#/n", "number"),
                ("b:f.json#/on", "flag"),
                ("j:f.json#/none", "json")
            ]
        );
        let section = node.children[1].children[0].of.as_ref().unwrap();
        assert!(section.hidden && section.hides && section.last);
        let mut small = Planter { file: "f.json", beside: None, left: 3 };
        assert_eq!(small.plant("f", "", &value, &Shape::Any, None).unwrap().children.len(), 2);
    }

    #[test]
    fn a_picture_knows_the_text_that_stands_for_it() {
        let map = |value: Value| value.as_object().unwrap().clone();
        let own = map(json!({"cover": "/data/img/a.jpg", "cover_alt": "A", "alt": "B"}));
        assert_eq!(alt_of("f.json", "/hero", &own, "cover").as_deref(), Some("s:f.json#/hero/cover_alt"));
        let shared = map(json!({"src": "/data/img/a.jpg", "alt": ""}));
        assert_eq!(alt_of("f.json", "", &shared, "src").as_deref(), Some("s:f.json#/alt"));
        assert_eq!(alt_of("f.json", "", &map(json!({"src": "", "alt": 1})), "src"), None);
    }

    #[test]
    fn what_is_not_translated_is_marked() {
        let (ru, en) = (json!({"a": "Да", "b": "Нет", "c": "100"}), json!({"a": "Yes", "b": "Нет"}));
        let mut planter = Planter { file: "ru.json", beside: Some(("en.json", &en)), left: MOST };
        let node = planter.plant("", "", &ru, &Shape::Any, None).unwrap();
        let missing: Vec<bool> = node.children.iter().map(|n| n.other.as_ref().unwrap().missing).collect();
        assert_eq!(missing, [false, true, true]);
    }
}

//! The form of content, read off the content itself: what every section of a name, every entity of a collection and
//! every SEO file has, so that a form can be shown without anybody having written a schema.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value;

use crate::json::{child, data_path};
use crate::snapshot::Snapshot;

/// Up to so many different values of a text look like a choice.
const CHOICES: usize = 8;
/// A choice is believed when it was seen this often.
const SEEN_ENOUGH: usize = 6;
/// Texts longer than this get a field of several lines.
const LINE: usize = 90;

/// What kind of value a field holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Shape {
    /// One line of text.
    Line,
    /// Several lines of text.
    Text,
    /// Text with tags or Twig.
    Markup,
    /// One of these values.
    Choice {
        /// The values, sorted.
        of: Vec<String>,
    },
    /// The path of a picture.
    Picture,
    /// The path of another file.
    File,
    /// An address.
    Link,
    /// A day.
    Date,
    /// A number.
    Number,
    /// Yes or no.
    Flag,
    /// Values one after another.
    List {
        /// What each of them is.
        of: Box<Shape>,
    },
    /// Named values.
    Group {
        /// Its fields in the order of the first value seen.
        fields: Vec<Field>,
    },
    /// Values of different kinds: shown as JSON.
    Any,
}

/// One field of a group.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Field {
    /// The key.
    pub key: String,
    /// What it holds.
    pub shape: Shape,
    /// Every group of this kind has it, and it is nowhere empty.
    pub required: bool,
    /// The longest text seen, characters.
    pub longest: usize,
}

/// The form of one kind of file or section.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schema {
    /// What the values have in common.
    pub shape: Shape,
    /// How many values were read.
    pub seen: usize,
}

/// The schema of the value at `pointer` of `file`: of all values of its kind on this site.
///
/// A section's `data` is compared with that of all sections of its name; an entity with its collection; a SEO file
/// with the others; anything else stands for itself.
#[must_use]
pub fn schema_of(site: &Snapshot, file: &str, pointer: &str) -> Option<Schema> {
    let own = site.json(file)?.pointer(pointer)?;
    let kin = kin(site, file, pointer);
    let values = if kin.is_empty() { vec![own] } else { kin };
    Some(Schema { shape: shape(&values), seen: values.len() })
}

/// The values of the same kind, this one among them.
pub(super) fn kin<'s>(site: &'s Snapshot, file: &str, pointer: &str) -> Vec<&'s Value> {
    let Some((_, folder)) = folder_of(file) else { return Vec::new() };
    let files = site.content().files.iter();
    let alike = files.filter(|(path, _)| folder_of(path).is_some_and(|(_, other)| other == folder));
    if folder == "pages" {
        let mut steps = pointer.split('/').skip(1);
        let (Some("sections"), Some(at)) = (steps.next(), steps.next()) else {
            return alike.filter_map(|(_, value)| value.pointer(pointer)).collect();
        };
        let tail: String = steps.map(|step| format!("/{step}")).collect();
        let section = |value: &'s Value, at: &str| value.pointer(&format!("/sections/{at}"));
        let name = site.json(file).and_then(|page| section(page, at)).and_then(|s| s.get("name")).cloned();
        let all = alike.filter_map(|(_, page)| page.get("sections")?.as_array()).flatten();
        return all.filter(|s| s.get("name") == name.as_ref()).filter_map(|s| s.pointer(&tail)).collect();
    }
    alike.filter_map(|(_, value)| value.pointer(pointer)).collect()
}

/// Language and folder of a content file: `("ru", "pages")`.
fn folder_of(file: &str) -> Option<(&str, &str)> {
    let rest = file.strip_prefix("data/json/")?;
    let (language, rest) = rest.split_once('/')?;
    let (folder, name) = rest.rsplit_once('/')?;
    (!name.is_empty()).then_some((language, folder))
}

fn shape(values: &[&Value]) -> Shape {
    let there: Vec<&&Value> = values.iter().filter(|value| !value.is_null()).collect();
    if there.is_empty() {
        return Shape::Any;
    }
    if there.iter().all(|v| v.is_boolean()) {
        return Shape::Flag;
    }
    if there.iter().all(|v| v.is_number()) {
        return Shape::Number;
    }
    if there.iter().all(|v| v.is_string()) {
        return texts(&there.iter().filter_map(|v| v.as_str()).collect::<Vec<_>>());
    }
    if there.iter().all(|v| v.is_array()) {
        let items: Vec<&Value> = there.iter().filter_map(|v| v.as_array()).flatten().collect();
        return Shape::List { of: Box::new(shape(&items)) };
    }
    if there.iter().all(|v| v.is_object()) {
        return group(&there.iter().filter_map(|v| v.as_object()).collect::<Vec<_>>());
    }
    Shape::Any
}

fn group(maps: &[&serde_json::Map<String, Value>]) -> Shape {
    let mut fields: IndexMap<&str, Vec<&Value>> = IndexMap::new();
    for map in maps {
        for (key, value) in *map {
            fields.entry(key).or_default().push(value);
        }
    }
    let field = |(key, values): (&str, Vec<&Value>)| Field {
        required: values.len() == maps.len() && values.iter().all(|value| !is_blank(value)),
        longest: values.iter().filter_map(|v| v.as_str()).map(|t| t.chars().count()).max().unwrap_or(0),
        shape: match (shape(&values), key) {
            (Shape::Line | Shape::Text | Shape::Choice { .. }, "href" | "url" | "link") => Shape::Link,
            (shape, _) => shape,
        },
        key: key.to_owned(),
    };
    Shape::Group { fields: fields.into_iter().map(field).collect() }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

const PICTURES: &[&str] = &[".avif", ".gif", ".jpeg", ".jpg", ".png", ".svg", ".webp"];

fn texts(texts: &[&str]) -> Shape {
    let filled: Vec<&str> = texts.iter().copied().filter(|text| !text.trim().is_empty()).collect();
    if filled.is_empty() {
        return Shape::Line;
    }
    let all = |rule: &dyn Fn(&str) -> bool| filled.iter().all(|text| rule(text));
    if all(&|text| PICTURES.iter().any(|end| text.to_ascii_lowercase().ends_with(end)) && !text.contains(' '))
    {
        return Shape::Picture;
    }
    if all(&|text| data_path(text).is_some()) {
        return Shape::File;
    }
    if all(&is_link) {
        return Shape::Link;
    }
    if all(&is_date) {
        return Shape::Date;
    }
    if filled.iter().any(|text| text.contains("</") || text.contains("<br") || text.contains("{{")) {
        return Shape::Markup;
    }
    let different: BTreeSet<&str> = filled.iter().copied().collect();
    let short = filled.iter().all(|text| text.chars().count() <= 24);
    if short
        && different.len() <= CHOICES
        && filled.len() >= SEEN_ENOUGH
        && different.len() * 2 <= filled.len()
    {
        return Shape::Choice { of: different.into_iter().map(str::to_owned).collect() };
    }
    if filled.iter().any(|text| text.chars().count() > LINE || text.contains('\n')) {
        return Shape::Text;
    }
    Shape::Line
}

fn is_link(text: &str) -> bool {
    let known = ["http://", "https://", "tel:", "mailto:", "#", "/"];
    known.iter().any(|start| text.starts_with(start)) && !text.contains(' ')
}

fn is_date(text: &str) -> bool {
    text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()
}

/// What of a value is not as the values of its kind are: JSON pointer and what was expected.
pub(super) fn deviations(value: &Value, shape: &Shape, pointer: &str, found: &mut Vec<(String, String)>) {
    let mut wrong = |what: &str| found.push((pointer.to_owned(), what.to_owned()));
    match (shape, value) {
        (_, Value::Null) | (Shape::Any, _) => {}
        (Shape::Group { fields }, Value::Object(map)) => {
            for field in fields {
                match map.get(&field.key) {
                    Some(value) if field.required && is_blank(value) => {
                        found.push((child(pointer, &field.key), "is empty".to_owned()));
                    }
                    Some(value) => deviations(value, &field.shape, &child(pointer, &field.key), found),
                    None if field.required => {
                        found.push((child(pointer, &field.key), "is missing".to_owned()));
                    }
                    None => {}
                }
            }
        }
        (Shape::Group { .. }, _) => wrong("is no group of fields"),
        (Shape::List { of }, Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                deviations(item, of, &child(pointer, &at.to_string()), found);
            }
        }
        (Shape::List { .. }, _) => wrong("is no list"),
        (Shape::Number, value) if !value.is_number() => wrong("is no number"),
        (Shape::Flag, value) if !value.is_boolean() => wrong("is neither true nor false"),
        (Shape::Choice { of }, Value::String(text)) if !text.is_empty() && !of.contains(text) => {
            wrong(&format!("`{text}` is none of: {}", of.join(", ")));
        }
        (Shape::Number | Shape::Flag, _) => {}
        (_, value) if !value.is_string() => wrong("is no text"),
        _ => {}
    }
}

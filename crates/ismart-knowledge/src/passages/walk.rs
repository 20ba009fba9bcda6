//! The walk over a page's content.

use serde_json::{Map, Value};

use ismart_domain::money::grouped;

use super::chunk::pieces;
use super::html::{plain_text, text_with_holes};
use super::{Kind, Passage};

/// Keys whose values no visitor reads as text.
const TECHNICAL: [&str; 53] = [
    "seo",
    "meta",
    "id",
    "key",
    "slug",
    "type",
    "kind",
    "template",
    "component",
    "scope",
    "class",
    "style",
    "color",
    "hex",
    "icon",
    "image",
    "images",
    "img",
    "src",
    "srcset",
    "picture",
    "cover",
    "photo",
    "video",
    "poster",
    "alt",
    "href",
    "url",
    "link",
    "links",
    "anchor",
    "target",
    "rel",
    "form",
    "fields",
    "actions",
    "action",
    "primary",
    "secondary",
    "cta",
    "button",
    "buttons",
    "prompts",
    "placeholder",
    "source",
    "items_from",
    "limit",
    "visible",
    "lang",
    "code",
    "breadcrumb",
    "badge",
    "date",
];
const HEADINGS: [&str; 7] = ["title", "heading", "header", "name", "label", "h1", "h2"];
const QUESTIONS: [&str; 2] = ["q", "question"];
const ANSWERS: [&str; 3] = ["a", "answer", "text"];
const TEXTS: [&str; 10] =
    ["text", "html", "content", "description", "desc", "note", "subtitle", "lead", "caption", "summary"];
/// Lists under these keys say by themselves what they list, or stand under the heading that says it.
const LISTS: [&str; 16] = [
    "items",
    "list",
    "paragraphs",
    "texts",
    "text",
    "body",
    "notes",
    "conditions",
    "content",
    "lines",
    "rules",
    "points",
    "bullets",
    "features",
    "advantages",
    "steps",
];
/// A text under any other key is taken for prose from this many characters on, when it is a sentence.
const PROSE: usize = 24;

pub(super) fn walk(title: &str, url: &str, content: &Value) -> Vec<Passage> {
    let mut walker = Walker { title, url, out: Vec::new() };
    match content {
        // The title of the page itself stands in every passage already.
        Value::Object(page) if page.contains_key("sections") => {
            let body = page.iter().filter(|(key, _)| !HEADINGS.contains(&key.as_str()));
            let body: Map<String, Value> = body.map(|(key, value)| (key.clone(), value.clone())).collect();
            walker.object(&body, &Context::default());
        }
        other => walker.value(other, &Context::default()),
    }
    walker.out
}

#[derive(Debug, Clone, Default)]
struct Context {
    headings: Vec<String>,
    anchor: Option<String>,
}

impl Context {
    fn under(&self, heading: Option<String>) -> Self {
        let mut inner = self.clone();
        if let Some(heading) = heading.filter(|heading| self.headings.last() != Some(heading)) {
            inner.headings.push(heading);
        }
        inner
    }
}

struct Walker<'a> {
    title: &'a str,
    url: &'a str,
    out: Vec<Passage>,
}

impl Walker<'_> {
    fn value(&mut self, value: &Value, context: &Context) {
        match value {
            Value::Object(object) => self.object(object, context),
            Value::Array(items) => self.array(items, context, true),
            Value::String(text) if is_prose(text) => self.push(context, None, text, Kind::Text),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn object(&mut self, object: &Map<String, Value>, context: &Context) {
        if object.get("visible") == Some(&Value::Bool(false)) {
            return;
        }
        let mut context = context.clone();
        if let Some(anchor) = text_at(object, &["anchor"]) {
            context.anchor = Some(anchor);
        }
        if let (Some(question), Some(answer)) = (text_at(object, &QUESTIONS), raw_at(object, &ANSWERS)) {
            self.push(&context, Some(question), answer, Kind::Faq);
            return;
        }
        if let (Some(heads), Some(rows)) =
            (cells_at(object, &["head", "headers", "columns"]), rows_of(object))
        {
            let context = context.under(text_at(object, &HEADINGS));
            self.push(&context, None, &table(&heads, &rows), Kind::Table);
            return;
        }
        // A section's own name chooses its template; what people read stands in its data.
        let is_section = object.get("data").is_some_and(Value::is_object);
        let heading = if is_section { None } else { text_at(object, &HEADINGS) };
        let context = context.under(heading);
        let mut prose = String::new();
        for (key, value) in object {
            let known = TECHNICAL.contains(&key.as_str()) || HEADINGS.contains(&key.as_str());
            if known || key.starts_with('_') || key.ends_with("_alt") || key.ends_with("_url") {
                continue;
            }
            match value {
                Value::String(text)
                    if is_prose(text) || (TEXTS.contains(&key.as_str()) && text.contains(' ')) =>
                {
                    prose.push_str(text);
                    prose.push('\n');
                }
                Value::Object(_) => {
                    self.flush(&mut prose, &context);
                    self.value(value, &context);
                }
                Value::Array(items) => {
                    self.flush(&mut prose, &context);
                    self.array(items, &context, LISTS.contains(&key.as_str()));
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
            }
        }
        self.flush(&mut prose, &context);
    }

    fn flush(&mut self, prose: &mut String, context: &Context) {
        let text = std::mem::take(prose);
        if !text.is_empty() {
            self.push(context, None, &text, Kind::Text);
        }
    }

    /// Strings together and short rows together become one passage each; the rest is walked alone. Under a key of
    /// unknown meaning only whole sentences are taken: the key might say "not accepted", and nobody would read it.
    fn array(&mut self, items: &[Value], context: &Context, is_plain: bool) {
        let mut strings: Vec<String> = Vec::new();
        let mut rows: Vec<String> = Vec::new();
        for item in items {
            match item {
                Value::String(text) if !is_address(text) && (is_plain || is_prose(text)) => {
                    strings.push(text.clone());
                }
                Value::Object(object) => match row(object) {
                    Some(line) => rows.push(line),
                    None => self.object(object, context),
                },
                Value::Array(inner) => self.array(inner, context, is_plain),
                _ => {}
            }
        }
        let prose = strings.iter().any(|text| text.ends_with(['.', '!', '?']));
        let kind = if prose { Kind::Text } else { Kind::List };
        for (lines, kind) in [(strings, kind), (rows, Kind::Table)] {
            let text = lines.join("\n");
            if text.contains(' ') {
                self.push(context, None, &text, kind);
            }
        }
    }

    fn push(&mut self, context: &Context, question: Option<String>, markup: &str, kind: Kind) {
        let url = match &context.anchor {
            Some(anchor) if !self.url.contains('#') => format!("{}#{anchor}", self.url),
            _ => self.url.to_owned(),
        };
        for text in pieces(&text_with_holes(markup)) {
            self.out.push(Passage {
                source_title: self.title.to_owned(),
                url: url.clone(),
                heading: context.headings.join(" — "),
                question: question.clone(),
                text,
                kind,
            });
        }
    }
}

fn text_at(object: &Map<String, Value>, keys: &[&str]) -> Option<String> {
    let text = plain_text(raw_at(object, keys)?);
    (!text.is_empty()).then_some(text)
}

fn raw_at<'a>(object: &'a Map<String, Value>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| object.get(*key).and_then(Value::as_str))
}

fn cells_at(object: &Map<String, Value>, keys: &[&str]) -> Option<Vec<String>> {
    let cells = keys.iter().find_map(|key| object.get(*key).and_then(Value::as_array))?;
    Some(cells.iter().filter_map(cell).collect())
}

fn rows_of(object: &Map<String, Value>) -> Option<Vec<Vec<String>>> {
    let rows = object.get("rows").and_then(Value::as_array)?;
    let rows = rows.iter().filter_map(Value::as_array);
    Some(rows.map(|row| row.iter().map(|c| cell(c).unwrap_or_default()).collect()).collect())
}

/// What stands in a cell: a text, a number, or an object with a text inside.
fn cell(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(plain_text(text)),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(object) => text_at(object, &["text", "title", "value", "label"]),
        Value::Null | Value::Bool(_) | Value::Array(_) => None,
    }
}

/// `Работа — ТО-1; цена — 9 900 ₽`: every row can be understood alone.
fn table(heads: &[String], rows: &[Vec<String>]) -> String {
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        let cells = cells.map(|(place, cell)| match heads.get(place).filter(|head| !head.is_empty()) {
            Some(head) if place > 0 => format!("{head}: {cell}"),
            _ => cell.clone(),
        });
        cells.collect::<Vec<_>>().join("; ")
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A short row of a list: a label with a value or a price, nothing to read at length.
fn row(object: &Map<String, Value>) -> Option<String> {
    let name = text_at(object, &HEADINGS)?;
    let roubles = |key: &str| object.get(key).and_then(Value::as_u64).map(grouped);
    let price = roubles("price")
        .map(|price| format!("{price} ₽"))
        .or_else(|| roubles("price_from").map(|price| format!("от {price} ₽")))
        .or_else(|| text_at(object, &["price", "price_from"]));
    let value = object.get("value").and_then(cell).filter(|value| !is_address(value));
    let told: Vec<String> =
        [price, value, text_at(object, &["duration"]).filter(|d| d != "—")].into_iter().flatten().collect();
    if told.is_empty() {
        return None;
    }
    let note = text_at(object, &["text", "note", "description", "desc"]).map(|note| format!(". {note}"));
    Some(format!("{name}: {}{}", told.join(", "), note.unwrap_or_default()))
}

/// A whole sentence, or markup: a fragment cannot be understood without its key.
fn is_prose(text: &str) -> bool {
    let text = text.trim();
    let begins = text.starts_with(|c: char| !c.is_lowercase());
    let ends = text.ends_with(['.', '!', '?', '…', '>', '»', ')']);
    text.chars().count() >= PROSE
        && text.contains(char::is_whitespace)
        && text.chars().any(char::is_alphabetic)
        && begins
        && ends
        && !is_address(text)
}

fn is_address(text: &str) -> bool {
    let text = text.trim();
    let rooted = text.starts_with('/') || text.starts_with('#') || text.starts_with("http");
    rooted && !text.contains(' ')
}

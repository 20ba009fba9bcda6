//! `POST /console/site/{site}/save`: fields of forms into the person's draft.
//!
//! A field's name is `TYPE:FILE#POINTER`, its type `s` (text), `n` (number), `b` (yes or no), `j` (JSON) or `d` (the
//! description of a SEO file). The field `op` changes lists: `up`, `down`, `remove`, `double`, `hide`, `show`, `add`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use ismart_sites::edit::{Op, read};
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::local;
use super::super::seat::{Editing, Posted};
use super::{Opened, open};
use crate::editing::EditingError;
use crate::platform::Platform;

/// Saves and goes back, or answers a script with 204.
pub(in super::super) async fn save(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Response, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let mut files: BTreeMap<String, Vec<Op>> = BTreeMap::new();
    for (name, value) in fields.all() {
        let Some((kind, file, pointer)) = named(name) else { continue };
        let Some(op) = field_op(&opened, kind, file, pointer, value)? else { continue };
        files.entry(file.to_owned()).or_default().push(op);
    }
    if let Some((file, op)) = fields.get("op").map(|op| list_op(&opened, op)).transpose()? {
        files.entry(file).or_default().push(op);
    }
    for (file, ops) in files {
        let changed = platform.editing.change(&opened.site, opened.user, &opened.access, &file, &ops).await;
        match changed {
            Ok(_) => {}
            Err(EditingError::Edit(error)) if seat.by_script => {
                return Ok((StatusCode::UNPROCESSABLE_ENTITY, error.to_string()).into_response());
            }
            Err(error) => return Err(error.into()),
        }
    }
    if seat.by_script {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let home = format!("/console/site/{key}");
    let next = fields.get("next").map_or(home.as_str(), local::safe);
    Ok(Redirect::to(next).into_response())
}

/// The parts of a field's name.
pub(super) fn named(name: &str) -> Option<(char, &str, &str)> {
    let (kind, rest) = name.split_once(':')?;
    let (file, pointer) = rest.split_once('#')?;
    let mut letters = kind.chars();
    let letter = letters.next().filter(|letter| "snbjd".contains(*letter))?;
    letters.next().is_none().then_some((letter, file, pointer))
}

/// What a field changes; nothing when the draft has its value already.
pub(super) fn field_op(
    opened: &Opened,
    kind: char,
    file: &str,
    pointer: &str,
    text: &str,
) -> Result<Option<Op>, Fault> {
    let now = content(opened, file)?;
    let before = now.pointer(pointer);
    let value = match kind {
        'd' => return Ok(described(&now, text)),
        // Browsers send line breaks as CR LF.
        's' => Value::String(text.replace("\r\n", "\n")),
        'b' => Value::Bool(text == "true"),
        'n' => number(text)?,
        _ => read(file, text).map_err(EditingError::from)?,
    };
    // A number that is written another way is the same number.
    let same = before == Some(&value)
        || before.is_some_and(|old| old.is_number() && old.as_f64() == value.as_f64() && value.is_number());
    Ok((!same).then(|| Op::Set { pointer: pointer.to_owned(), value }))
}

fn content(opened: &Opened, file: &str) -> Result<Value, Fault> {
    let text = opened.draft.text(&opened.site, file)?.ok_or(Fault::Missing)?;
    Ok(read(file, &text).map_err(EditingError::from)?)
}

fn number(text: &str) -> Result<Value, Fault> {
    let plain: String = text.trim().replace(['\u{a0}', ' '], "").replace(',', ".");
    let value: Option<Value> = match plain.parse::<i64>() {
        Ok(whole) => Some(whole.into()),
        Err(_) => plain.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from),
    };
    value.ok_or(Fault::Invalid("site.fault.number"))
}

/// The description of a SEO file, wherever it stands in `meta`.
fn described(seo: &Value, text: &str) -> Option<Op> {
    let meta = seo.get("meta").and_then(Value::as_array);
    let at = meta.and_then(|meta| {
        meta.iter().position(|one| one.get("name").and_then(Value::as_str) == Some("description"))
    });
    let entry = json!({"name": "description", "content": text});
    match (at, meta) {
        (Some(at), Some(meta)) => {
            let old = meta.get(at).and_then(|one| one.get("content")).and_then(Value::as_str);
            let pointer = format!("/meta/{at}/content");
            (old != Some(text)).then(|| Op::Set { pointer, value: text.into() })
        }
        _ if text.is_empty() => None,
        (None, Some(meta)) => Some(Op::Insert { pointer: "/meta".into(), at: meta.len(), value: entry }),
        _ => Some(Op::Set { pointer: "/meta".into(), value: json!([entry]) }),
    }
}

/// `VERB:FILE#LIST#PLACE`, and for `add` the JSON that is added behind a further `#`.
fn list_op(opened: &Opened, op: &str) -> Result<(String, Op), Fault> {
    let wrong = Fault::Invalid("fault.invalid.form");
    let (verb, rest) = op.split_once(':').ok_or(wrong.clone())?;
    let mut parts = rest.splitn(4, '#');
    let (Some(file), Some(list), Some(at)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(wrong);
    };
    let at: usize = at.parse().map_err(|_not_a_number| wrong.clone())?;
    let pointer = list.to_owned();
    let element = format!("{list}/{at}");
    let op = match verb {
        "up" => Op::Move { pointer, from: at, to: at.checked_sub(1).ok_or(wrong)? },
        "down" => Op::Move { pointer, from: at, to: at + 1 },
        "remove" => Op::Remove { pointer: element },
        "double" => Op::Duplicate { pointer, at },
        "hide" => Op::Set { pointer: format!("{element}/visible"), value: false.into() },
        "show" => Op::Set { pointer: format!("{element}/visible"), value: true.into() },
        "add" => {
            let value = match parts.next() {
                Some(section) if !section.is_empty() => section_like(opened, section),
                _ => blank_like(&content(opened, file)?, list, at),
            };
            Op::Insert { pointer, at, value }
        }
        _ => return Err(wrong),
    };
    Ok((file.to_owned(), op))
}

/// A new element like the one before it, its texts empty.
fn blank_like(content: &Value, list: &str, at: usize) -> Value {
    let items = content.pointer(list).and_then(Value::as_array);
    let model = items.and_then(|items| items.get(at.saturating_sub(1)).or_else(|| items.first()));
    model.map_or_else(|| Value::String(String::new()), blank)
}

/// A section of this name as another page has it, its texts empty.
fn section_like(opened: &Opened, name: &str) -> Value {
    let shown = opened.draft.shown(&opened.site);
    let documents: Vec<&Value> = shown.documents().map(|document| document.body).collect();
    let mut sections = documents.iter().filter_map(|body| body.get("sections")?.as_array()).flatten();
    let model = sections.find(|section| section.get("name").and_then(Value::as_str) == Some(name));
    let data = model.and_then(|section| section.get("data")).map_or_else(|| json!({}), blank);
    json!({"name": name, "visible": true, "data": data})
}

/// The same form without its words: lists keep one element, pictures and numbers stay.
pub(super) fn blank(value: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("/data/") || text.starts_with("data/") => value.clone(),
        Value::String(_) => Value::String(String::new()),
        Value::Array(items) => items.iter().take(1).map(blank).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| (key.clone(), blank(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_fields_are_read_whole() {
        assert_eq!(named("s:data/json/global.json#/a~1b/0"), Some(('s', "data/json/global.json", "/a~1b/0")));
        for wrong in ["csrf", "x:f#/a", "s:f", "ss:f#/a", ":f#/a"] {
            assert_eq!(named(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        assert_eq!(number(" 1 250 000 ").unwrap(), json!(1_250_000));
        assert_eq!(number("2,5").unwrap(), json!(2.5));
        for wrong in ["", "ten", "1e999", "NaN"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_description_is_put_where_it_belongs() {
        let with =
            json!({"meta": [{"name": "robots", "content": "all"}, {"name": "description", "content": "A"}]});
        let set = Op::Set { pointer: "/meta/1/content".into(), value: "B".into() };
        assert_eq!(described(&with, "B"), Some(set));
        assert_eq!(described(&with, "A"), None);
        assert!(matches!(described(&json!({"meta": []}), "B"), Some(Op::Insert { at: 0, .. })));
        assert!(matches!(described(&json!({}), "B"), Some(Op::Set { .. })));
        assert_eq!(described(&json!({}), ""), None);
    }

    #[test]
    fn a_new_element_has_the_form_of_the_others_and_none_of_their_words() {
        let model =
            json!({"title": "A", "image": "/data/img/a.svg", "n": 2, "list": [{"x": "y"}, {"x": "z"}]});
        assert_eq!(
            blank(&model),
            json!({"title": "", "image": "/data/img/a.svg", "n": 2, "list": [{"x": ""}]})
        );
    }
}

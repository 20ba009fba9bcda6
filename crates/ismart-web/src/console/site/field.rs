//! `GET /console/site/{site}/field`: the field of what was clicked on the page, with where it comes from.
//! `GET /console/site/{site}/used`: on which pages it is seen.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::response::Html;
use ismart_sites::edit::{Place, Shape, schema_of, usages};
use serde::Serialize;

use super::super::Room;
use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::seat::{Editing, Seated};
use super::open;
use super::tree::{MOST, Node, Planter, alt_of};
use crate::platform::Platform;

/// Entities of each collection that stand for all when uses are counted.
const ENTITIES: usize = 3;
/// Pages that are named.
const NAMED: usize = 8;

#[derive(Serialize)]
struct FieldPart {
    site: String,
    file: String,
    /// The file without the folder that all have.
    short: String,
    pointer: String,
    path: String,
    node: Option<Node>,
    whole: bool,
    may: bool,
    part: bool,
    made: bool,
    found: bool,
}

/// The field.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let query = Fields::new(query);
    let file = query.get("file").ok_or(Fault::Missing)?.to_owned();
    let pointer = query.get("at").unwrap_or("").to_owned();
    let shown = opened.draft.shown(&opened.site);
    let text = opened.draft.text(&opened.site, &file)?.ok_or(Fault::Missing)?;
    let content = ismart_sites::edit::read(&file, &text).map_err(crate::editing::EditingError::from)?;
    let value = content.pointer(&pointer).ok_or(Fault::Missing)?;
    let schema = parent_shape(&shown, &file, &pointer);
    let label = pointer.rsplit('/').next().unwrap_or("").to_owned();
    let mut planter = Planter { file: &file, beside: None, left: MOST };
    let mut node = planter.plant(&label, &pointer, value, &schema, None);
    let group =
        pointer.rsplit_once('/').and_then(|(group, _)| Some((group, content.pointer(group)?.as_object()?)));
    if let (Some(node), Some((group, map))) = (node.as_mut().filter(|node| node.kind == "picture"), group) {
        node.alt = alt_of(&file, group, map, &label);
    }
    let way = query.get("way").unwrap_or("");
    let part = FieldPart {
        site: key,
        short: file.strip_prefix("data/json/").unwrap_or(&file).to_owned(),
        path: dotted(&pointer),
        whole: value.is_object() || value.is_array(),
        may: opened.access.may_edit(&shown, &file, &pointer, Some(&content)),
        part: way == "part",
        made: way == "made",
        found: way == "found",
        node,
        file,
        pointer,
    };
    seat.part("site/field.twig", &part)
}

/// What the value's kin are, told by the group that it stands in.
fn parent_shape(site: &ismart_sites::Snapshot, file: &str, pointer: &str) -> Shape {
    let Some((parent, key)) = pointer.rsplit_once('/') else { return Shape::Any };
    match schema_of(site, file, parent).map(|schema| schema.shape) {
        Some(Shape::Group { fields }) => {
            fields.into_iter().find(|field| field.key == key).map_or(Shape::Any, |field| field.shape)
        }
        Some(Shape::List { of }) => *of,
        _ => Shape::Any,
    }
}

/// A pointer as people read it: `contacts.phones[0]`.
pub(super) fn dotted(pointer: &str) -> String {
    let mut out = String::new();
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        if step.parse::<usize>().is_ok() {
            out.push_str(&format!("[{step}]"));
        } else {
            if !out.is_empty() {
                out.push('.');
            }
            out.push_str(&step);
        }
    }
    out
}

#[derive(Serialize)]
struct UsedPart {
    site: String,
    says: String,
    pages: Vec<String>,
    more: usize,
}

/// The pages that show the value.
pub(in super::super) async fn used(
    State(platform): State<Arc<Platform>>,
    Extension(room): Extension<Arc<Room>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let query = Fields::new(query);
    let (file, at) = (query.get("file").unwrap_or(""), query.get("at").unwrap_or(""));
    let snapshot = opened.site.snapshot.clone();
    let number = snapshot.number();
    let usage = match room.usages.0.get(&number) {
        Some(usage) => usage,
        None => {
            let now = platform.env.now();
            let counted = tokio::task::spawn_blocking(move || usages(&snapshot, now, ENTITIES)).await;
            let counted = Arc::new(counted.map_err(|_stopped| Fault::Store)?);
            room.usages.0.insert(number, counted.clone());
            counted
        }
    };
    let place = Place { file: file.to_owned(), pointer: at.to_owned() };
    let pages = usage.get(&place).cloned().unwrap_or_default();
    let count = i64::try_from(pages.len()).unwrap_or(i64::MAX);
    let part = UsedPart {
        site: key,
        says: seat.texts().count("site.edit.used", count),
        more: pages.len().saturating_sub(NAMED),
        pages: pages.into_iter().take(NAMED).collect(),
    };
    seat.part("site/used.twig", &part)
}

#[cfg(test)]
mod tests {
    #[test]
    fn places_are_read_as_people_write_them() {
        assert_eq!(super::dotted("/contacts/phones/0/a~1b"), "contacts.phones[0].a/b");
        assert_eq!(super::dotted(""), "");
    }
}

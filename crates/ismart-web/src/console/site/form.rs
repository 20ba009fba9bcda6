//! `GET /console/site/{site}/form`: a file as a form, its fields read off the content itself; with a second language
//! beside it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Html;
use ismart_sites::Snapshot;
use ismart_sites::edit::{Schema, Shape, schema_of};
use serde::Serialize;
use serde_json::Value;

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::seat::{Editing, Seated};
use super::open;
use super::tree::{MOST, Node, Planter};
use crate::editing::EditingError;
use crate::platform::Platform;

/// The file that every site has: shown when none is named.
pub(super) const FACTS: &str = "data/json/global.json";

#[derive(Serialize)]
struct FormPage {
    file: String,
    short: String,
    here: String,
    nodes: Vec<Node>,
    full: bool,
    /// Sections that can be added to a page.
    sections: Vec<String>,
    section_count: usize,
    /// Other languages that it can be edited beside.
    languages: Vec<(String, bool)>,
    /// The file of the other language is not there yet.
    untranslated: Option<String>,
    missing: usize,
    url: Option<String>,
}

/// The form.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let query = Fields::new(query);
    let file = query.get("file").unwrap_or(FACTS).to_owned();
    let shown = opened.draft.shown(&opened.site);
    let text = opened.draft.text(&opened.site, &file)?.ok_or(Fault::Missing)?;
    let content = ismart_sites::edit::read(&file, &text).map_err(EditingError::from)?;
    let (own, rest) = language_of(&file).unzip();
    let beside = query.get("beside").filter(|code| own.is_some_and(|own| own != *code)).map(str::to_owned);
    let other_file = beside.as_ref().zip(rest).map(|(code, rest)| format!("data/json/{code}/{rest}"));
    let other = match &other_file {
        Some(path) => opened.draft.text(&opened.site, path)?,
        None => None,
    };
    let other_content = other.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let mut planter =
        Planter { file: &file, beside: other_file.as_deref().zip(other_content.as_ref()), left: MOST };
    let mut root = plant(&mut planter, &shown, &file, &content);
    let full = planter.left == 0;
    let nodes = root.as_mut().map(|root| std::mem::take(&mut root.children)).unwrap_or_default();
    let codes: Vec<String> = shown.languages().map(str::to_owned).collect();
    let section_count = content.get("sections").and_then(Value::as_array).map_or(0, Vec::len);
    let page = FormPage {
        short: file.strip_prefix("data/json/").unwrap_or(&file).to_owned(),
        here: seat.here.clone(),
        full,
        sections: if content.get("sections").is_some() { section_names(&shown) } else { Vec::new() },
        section_count,
        languages: codes
            .into_iter()
            .filter(|code| own.is_some_and(|own| own != code))
            .map(|code| (code.clone(), beside.as_deref() == Some(code.as_str())))
            .collect(),
        untranslated: other_file.filter(|_| other_content.is_none()),
        missing: nodes.iter().map(untranslated).sum(),
        url: url_of(&shown, &file),
        nodes,
        file,
    };
    opened.screen(&platform, &seat, "content", "site/form.twig", &page).await
}

/// The fields of a file; the data of each section has the form of all sections of its name.
fn plant(planter: &mut Planter<'_>, site: &Snapshot, file: &str, content: &Value) -> Option<Node> {
    let shape = schema_of(site, file, "").map_or(Shape::Any, |schema| schema.shape);
    let mut root = planter.plant("", "", content, &shape, None)?;
    for section in
        root.children.iter_mut().filter(|node| node.pointer == "/sections").flat_map(|s| &mut s.children)
    {
        for data in section.children.iter_mut().filter(|node| node.pointer.ends_with("/data")) {
            if let Some(Schema { shape, .. }) = schema_of(site, file, &data.pointer)
                && let Some(value) = content.pointer(&data.pointer)
                && let Some(better) = planter.plant("data", &data.pointer, value, &shape, None)
            {
                *data = better;
            }
        }
    }
    Some(root)
}

fn untranslated(node: &Node) -> usize {
    let own = usize::from(node.other.as_ref().is_some_and(|other| other.missing));
    own + node.children.iter().map(untranslated).sum::<usize>()
}

/// Language and rest of a content file's path.
pub(super) fn language_of(file: &str) -> Option<(&str, &str)> {
    file.strip_prefix("data/json/")?.split_once('/')
}

/// Names of all sections that the site uses.
fn section_names(site: &Snapshot) -> Vec<String> {
    let mut names = BTreeSet::new();
    for document in site.documents() {
        let sections = document.body.get("sections").and_then(Value::as_array).into_iter().flatten();
        names.extend(sections.filter_map(|s| s.get("name")?.as_str()).map(str::to_owned));
    }
    names.into_iter().collect()
}

/// Where the content of a file is seen.
pub(super) fn url_of(site: &Snapshot, file: &str) -> Option<String> {
    site.documents().find(|document| document.file.as_deref() == Some(file)).map(|document| document.url)
}

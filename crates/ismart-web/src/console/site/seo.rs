//! `GET /console/site/{site}/seo`: titles and descriptions as they are written, and as search engines and messengers
//! will read them. `GET /console/site/{site}/snippet`: the latter for what is being typed.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Html;
use ismart_sites::Snapshot;
use ismart_sites::edit::{self, Head, apply};
use serde::Serialize;
use serde_json::Value;

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::local::encoded;
use super::super::seat::{Editing, Seated};
use super::save::{field_op, named};
use super::{Opened, open};
use crate::editing::EditingError;
use crate::platform::Platform;

/// Letters of a title and of a description that search engines show.
const SHOWN: (usize, usize) = (70, 160);

#[derive(Serialize)]
struct SeoPage {
    rows: Vec<SeoRow>,
    languages: Vec<(String, bool)>,
    here: String,
}

#[derive(Serialize)]
struct SeoRow {
    url: String,
    file: Option<String>,
    /// As written: there may be Twig in it.
    title: String,
    description: String,
    snippet: Snippet,
}

/// A page as others show it.
#[derive(Debug, Clone, Default, Serialize)]
struct Snippet {
    /// The page cannot be rendered.
    broken: bool,
    address: String,
    title: String,
    description: String,
    title_length: usize,
    description_length: usize,
    title_tone: &'static str,
    description_tone: &'static str,
    /// Another page has the same title.
    twice: bool,
    hidden: bool,
    card: Option<Card>,
}

#[derive(Debug, Clone, Serialize)]
struct Card {
    site: String,
    title: String,
    description: String,
    /// Where the console has the picture; `None` for one of another host.
    image: Option<String>,
    /// The page names a picture.
    pictured: bool,
}

/// The table.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let shown = opened.draft.shown(&opened.site);
    let codes: Vec<String> = shown.languages().map(str::to_owned).collect();
    let query = Fields::new(query);
    let language = query.get("lang").filter(|code| codes.iter().any(|known| known == code));
    let language = language.map(str::to_owned).or_else(|| codes.first().cloned()).unwrap_or_default();
    let (now, code) = (platform.env.now(), language.clone());
    let rows = tokio::task::spawn_blocking(move || rows(&shown, &code, now)).await;
    let mut rows = rows.map_err(|_stopped| Fault::Store)?;
    let titles: Vec<String> = rows.iter().map(|row| row.snippet.title.clone()).collect();
    for row in &mut rows {
        let title = &row.snippet.title;
        row.snippet.twice = !title.is_empty() && titles.iter().filter(|other| *other == title).count() > 1;
    }
    let page = SeoPage {
        rows,
        here: format!("/console/site/{key}/seo?lang={}", encoded(&language)),
        languages: codes.into_iter().map(|code| (code.clone(), code == language)).collect(),
    };
    opened.screen(&platform, &seat, "seo", "site/seo.twig", &page).await
}

fn rows(site: &Snapshot, language: &str, now: jiff::Timestamp) -> Vec<SeoRow> {
    let row = |page: edit::PageLine| {
        let seo = page.seo.as_deref().and_then(|file| site.json(file));
        let title = seo.and_then(|seo| seo.get("title")).and_then(Value::as_str).unwrap_or("").to_owned();
        let meta = seo.and_then(|seo| seo.get("meta")).and_then(Value::as_array).into_iter().flatten();
        let mut own = meta.filter(|one| one.get("name").and_then(Value::as_str) == Some("description"));
        let found = own.next().and_then(|one| one.get("content")).and_then(Value::as_str);
        let description = found.unwrap_or("").to_owned();
        let snippet = snippet(site, &page.url, now);
        SeoRow { url: page.url, file: page.seo, title, description, snippet }
    };
    edit::pages(site, language).into_iter().map(row).collect()
}

fn snippet(site: &Snapshot, url: &str, now: jiff::Timestamp) -> Snippet {
    let host = site.config().hosts.first().cloned().unwrap_or_default();
    let Some(head) = site.head(url, now) else {
        return Snippet { broken: true, address: format!("{host}{url}"), ..Snippet::default() };
    };
    let (title, description) = (head.title.chars().count(), head.description.chars().count());
    let cut = |text: &str, at: usize| match text.char_indices().nth(at) {
        Some((byte, _)) => format!("{}…", text.get(..byte).unwrap_or(text).trim_end()),
        None => text.to_owned(),
    };
    Snippet {
        broken: false,
        address: format!("{host}{url}"),
        title: cut(&head.title, SHOWN.0),
        description: cut(&head.description, SHOWN.1),
        title_length: title,
        description_length: description,
        title_tone: if (1..=70).contains(&title) { "good" } else { "bad" },
        description_tone: if (50..=200).contains(&description) { "good" } else { "bad" },
        twice: false,
        hidden: head.hidden,
        card: card(site, &head),
    }
}

/// What messengers show of a link; nothing when the page says nothing to them.
fn card(site: &Snapshot, head: &Head) -> Option<Card> {
    if head.card_title.is_empty() && head.card_image.is_none() {
        return None;
    }
    let path = head.card_image.as_deref().and_then(|image| site.own_path(image));
    Some(Card {
        site: head.site_name.clone().unwrap_or_else(|| site.config().name.clone()),
        title: if head.card_title.is_empty() { head.title.clone() } else { head.card_title.clone() },
        description: head.card_description.clone(),
        image: path.map(|path| format!("/console/site/{}/page{path}", site.config().site)),
        pictured: head.card_image.is_some(),
    })
}

/// The snippet of what stands in the fields now; nothing is kept.
pub(in super::super) async fn typed(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Html<String>, Fault> {
    #[derive(Serialize)]
    struct Part {
        one: Snippet,
    }
    let opened = open(&platform, &seat, &key).await?;
    let query = Fields::new(query);
    let url = query.get("url").filter(|url| url.starts_with('/')).ok_or(Fault::Missing)?.to_owned();
    let site = with_typed(&opened, &query)?;
    let now = platform.env.now();
    let made = tokio::task::spawn_blocking(move || snippet(&site, &url, now)).await;
    seat.part("site/snippet.twig", &Part { one: made.map_err(|_stopped| Fault::Store)? })
}

/// The site as the draft and the fields make it.
fn with_typed(opened: &Opened, query: &Fields) -> Result<Arc<Snapshot>, Fault> {
    let mut over = opened.draft.changes.clone();
    for (name, value) in query.all() {
        let Some((kind, file, pointer)) = named(name) else { continue };
        let text = match over.get(file) {
            Some(text) => text.clone(),
            None => opened.draft.text(&opened.site, file)?,
        };
        let (Some(text), Some(op)) = (text, field_op(opened, kind, file, pointer, value)?) else { continue };
        over.insert(file.to_owned(), Some(apply(file, &text, &op).map_err(EditingError::from)?));
    }
    Ok(opened.site.snapshot.overlaid(&over).map_err(EditingError::Broken)?)
}

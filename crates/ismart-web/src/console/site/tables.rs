//! `GET /console/site/{site}/redirects`, `GET /console/site/{site}/seo`: rules and descriptions as tables that are
//! edited in place.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::{Html, Redirect};
use ismart_sites::edit::{self, Op};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::seat::{Editing, Posted, Seated};
use super::open;
use crate::platform::Platform;

/// The file of the rules.
const REDIRECTS: &str = "config/redirects.json";

#[derive(Serialize)]
struct RedirectsPage {
    file: &'static str,
    there: bool,
    rules: Vec<RuleRow>,
    findings: Vec<(String, String)>,
}

#[derive(Serialize)]
struct RuleRow {
    at: usize,
    from_key: &'static str,
    from: String,
    to_key: &'static str,
    to: String,
    status: i64,
    prefix: bool,
    last: bool,
}

/// The rules of the draft.
pub(in super::super) async fn redirects(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let text = opened.draft.text(&opened.site, REDIRECTS)?;
    let there = text.is_some();
    let rules: Value =
        text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(Value::Null);
    let items = rules.as_array().cloned().unwrap_or_default();
    let last = items.len().saturating_sub(1);
    let rows = items.iter().enumerate().map(|(at, rule)| {
        let prefix = rule.get("from_prefix").is_some();
        let text = |key: &str| rule.get(key).and_then(Value::as_str).unwrap_or("").to_owned();
        let (from_key, to_key) = if prefix { ("from_prefix", "to_prefix") } else { ("from", "to") };
        RuleRow {
            at,
            from: text(from_key),
            to: text(to_key),
            from_key,
            to_key,
            status: rule.get("status").and_then(Value::as_i64).unwrap_or(301),
            prefix,
            last: at == last,
        }
    });
    let (shown, now) = (opened.draft.shown(&opened.site), platform.env.now());
    let found = tokio::task::spawn_blocking(move || ismart_sites::check(&shown, now)).await;
    let found = found.map_err(|_stopped| Fault::Store)?;
    let mut findings: Vec<(String, String)> = found
        .into_iter()
        .filter(|finding| finding.rule.starts_with("redirect."))
        .map(|finding| (finding.reason, finding.fix))
        .collect();
    if let Err(faults) = &opened.draft.snapshot {
        let own = faults.iter().filter(|fault| fault.file == REDIRECTS);
        findings.extend(own.map(|fault| (fault.reason.clone(), fault.fix.clone())));
    }
    let page = RedirectsPage { file: REDIRECTS, there, rules: rows.collect(), findings };
    opened.screen(&platform, &seat, "redirects", "site/redirects.twig", &page).await
}

/// `POST /console/site/{site}/rule`: adds a rule; the file is made with the first one.
pub(in super::super) async fn rule(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let field = |name: &str| fields.get(name).unwrap_or("").trim().to_owned();
    let (from, to) = (field("from"), field("to"));
    let target = to.starts_with("https://")
        || to.starts_with("http://")
        || (to.starts_with('/') && !to.starts_with("//"));
    if !from.starts_with('/') || !target {
        return Err(Fault::Invalid("site.fault.rule"));
    }
    let (from_key, to_key) =
        if field("kind") == "prefix" { ("from_prefix", "to_prefix") } else { ("from", "to") };
    let status: u16 = field("status").parse().unwrap_or(301);
    let mut rule = json!({ from_key: from, to_key: to });
    if status != 301
        && let Some(map) = rule.as_object_mut()
    {
        map.insert("status".to_owned(), status.into());
    }
    let (site, user, access) = (&opened.site, opened.user, &opened.access);
    match opened.draft.text(site, REDIRECTS)? {
        None => {
            let text = edit::pretty(&json!([rule])) + "\n";
            platform.editing.replace(site, user, access, REDIRECTS, Some(text)).await?;
        }
        Some(_) => {
            let op = Op::Insert { pointer: String::new(), at: usize::MAX, value: rule };
            platform.editing.change(site, user, access, REDIRECTS, &[op]).await?;
        }
    }
    Ok(Redirect::to(&format!("/console/site/{key}/redirects")))
}

#[derive(Serialize)]
struct SeoPage {
    rows: Vec<SeoRow>,
    languages: Vec<(String, bool)>,
    host: String,
}

#[derive(Serialize)]
struct SeoRow {
    id: String,
    url: String,
    file: Option<String>,
    title: String,
    description: String,
    title_length: usize,
    description_length: usize,
    title_tone: &'static str,
    description_tone: &'static str,
    twice: bool,
}

/// Titles and descriptions of the pages of a language.
pub(in super::super) async fn seo(
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
    let pages = edit::pages(&shown, &language);
    let mut rows: Vec<SeoRow> = pages
        .into_iter()
        .map(|page| {
            let seo = page.seo.as_deref().and_then(|file| shown.json(file));
            let title = seo.and_then(|seo| seo.get("title")).and_then(Value::as_str).unwrap_or("").to_owned();
            let meta = seo.and_then(|seo| seo.get("meta")).and_then(Value::as_array).into_iter().flatten();
            let mut own = meta.filter(|one| one.get("name").and_then(Value::as_str) == Some("description"));
            let found = own.next().and_then(|one| one.get("content")).and_then(Value::as_str);
            let description = found.unwrap_or("").to_owned();
            let (t, d) = (title.chars().count(), description.chars().count());
            SeoRow {
                id: page.id,
                url: page.url,
                file: page.seo,
                title_length: t,
                description_length: d,
                title_tone: if (1..=70).contains(&t) { "good" } else { "bad" },
                description_tone: if (50..=200).contains(&d) { "good" } else { "bad" },
                title,
                description,
                twice: false,
            }
        })
        .collect();
    let titles: Vec<String> = rows.iter().map(|row| row.title.clone()).collect();
    for row in &mut rows {
        row.twice = !row.title.is_empty() && titles.iter().filter(|title| **title == row.title).count() > 1;
    }
    let page = SeoPage {
        rows,
        languages: codes.into_iter().map(|code| (code.clone(), code == language)).collect(),
        host: shown.config().hosts.first().cloned().unwrap_or_default(),
    };
    opened.screen(&platform, &seat, "seo", "site/seo.twig", &page).await
}

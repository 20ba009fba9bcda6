//! `/console/site/{site}/raw`: a file as its JSON text, with the line, the reason and the repair of every fault.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use ismart_sites::edit::EditError;
use serde::Serialize;

use super::super::fault::Fault;
use super::super::fields::Fields;
use super::super::local::encoded;
use super::super::seat::{Editing, Posted, Seated};
use super::open;
use crate::editing::EditingError;
use crate::platform::Platform;

#[derive(Serialize)]
struct RawPage {
    file: String,
    text: String,
    rows: usize,
    error: Option<RawFault>,
}

#[derive(Serialize)]
struct RawFault {
    line: usize,
    column: usize,
    reason: String,
    fix: String,
    excerpt: String,
}

/// The text.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Editing>,
    Path(key): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let file = Fields::new(query).get("file").unwrap_or(super::form::FACTS).to_owned();
    let text = opened.draft.text(&opened.site, &file)?.ok_or(Fault::Missing)?;
    let page = RawPage { rows: rows(&text), file, text, error: None };
    Ok(opened.screen(&platform, &seat, "content", "site/raw.twig", &page).await?.into_response())
}

fn rows(text: &str) -> usize {
    text.lines().count().clamp(12, 40)
}

/// Takes the text into the draft, or shows what is wrong with it.
pub(in super::super) async fn save(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Response, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let file = fields.get("file").ok_or(Fault::Missing)?.to_owned();
    let text = fields.get("text").unwrap_or("").replace("\r\n", "\n");
    let text = if text.ends_with('\n') { text } else { text + "\n" };
    let put =
        platform.editing.replace(&opened.site, opened.user, &opened.access, &file, Some(text.clone())).await;
    match put {
        Ok(()) => {
            let back = format!("/console/site/{key}/form?file={}", encoded(&file));
            Ok(Redirect::to(&back).into_response())
        }
        Err(EditingError::Edit(EditError::Syntax(finding))) => {
            let place = finding.position;
            let error = RawFault {
                line: place.map_or(1, |place| place.line),
                column: place.map_or(1, |place| place.column),
                reason: finding.reason.clone(),
                fix: finding.fix.clone(),
                excerpt: finding.excerpt.clone().unwrap_or_default(),
            };
            let page = RawPage { rows: rows(&text), file, text, error: Some(error) };
            let html = opened.screen(&platform, &seat, "content", "site/raw.twig", &page).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

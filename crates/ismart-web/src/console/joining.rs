//! `/console/destinations/add`, `…/edit`: settings of a destination, tried before they are kept.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_domain::rehearsal::Rehearsal;
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::fields::Fields;
use super::language::Language;
use super::page::Place;
use super::seat::{Joining, Posted, Seat, Seated};
use crate::destinations::{Draft, FieldForm, Kept, KindForm, Tried, Wanted};
use crate::platform::Platform;

/// Settings of a form stand under this prefix.
const PREFIX: &str = "s.";

#[derive(Deserialize)]
pub(super) struct Asked {
    kind: Option<String>,
    name: Option<String>,
}

#[derive(Serialize, Default)]
struct JoiningPage {
    /// To choose from, when none was chosen yet.
    kinds: Vec<KindChoice>,
    kind: Option<KindChoice>,
    name: String,
    /// It is there already: its name stays.
    known: bool,
    fields: Vec<FieldView>,
    faults: Vec<String>,
    /// The settings can be kept although the destination could not be asked.
    passing: bool,
    shown: Option<Rehearsal>,
}

#[derive(Serialize)]
struct KindChoice {
    kind: &'static str,
    title: &'static str,
    forgets: bool,
}

#[derive(Serialize)]
struct FieldView {
    key: &'static str,
    title: &'static str,
    help: &'static str,
    secret: bool,
    long: bool,
    choices: &'static [&'static str],
    required: bool,
    default: Option<&'static str>,
    value: String,
    /// A value is kept and not shown.
    hidden: bool,
    fault: Option<String>,
}

/// The form: empty, or with what is kept.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Query(asked): Query<Asked>,
    Seated(seat, ..): Seated<Joining>,
) -> Result<Html<String>, Fault> {
    let language = seat.look.language;
    if platform.joining.kinds().is_empty() {
        return Err(Fault::Missing);
    }
    if let Some(name) = asked.name {
        let kept = read(&platform, &seat, &name).await?.ok_or(Fault::Missing)?;
        let kind = kind(&platform, &kept.kind).ok_or(Fault::Missing)?;
        let page = form(kind, language, &name, true, &kept, &kept.settings, &[]);
        return finish(&platform, &seat, page).await;
    }
    let page = match asked.kind.as_deref().and_then(|wanted| kind(&platform, wanted)) {
        Some(kind) => form(kind, language, kind.kind, false, &Kept::default(), &Default::default(), &[]),
        None => {
            let kinds = platform.joining.kinds().iter().map(|kind| choice(kind, language)).collect();
            JoiningPage { kinds, ..JoiningPage::default() }
        }
    };
    finish(&platform, &seat, page).await
}

/// `POST /console/destinations/try`: asks the destination, shows what would be sent, and keeps nothing.
pub(super) async fn try_out(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Joining>,
) -> Result<Html<String>, Fault> {
    let (draft, known) = draft(&fields);
    tried(&platform, &seat, draft, known, false).await.map(|(page, _)| page)
}

/// `POST /console/destinations/save`: tries, and keeps what can be used.
pub(super) async fn save(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Joining>,
) -> Result<Response, Fault> {
    let (draft, known) = draft(&fields);
    let anyway = fields.get("anyway").is_some();
    let (page, good) = tried(&platform, &seat, draft.clone(), known, anyway).await?;
    if !good {
        return Ok(page.into_response());
    }
    let client_id = seat.client.id;
    let name = draft.name.clone();
    let kept = platform.joining.ask(|answer| Wanted::Save(client_id, draft.clone(), answer)).await;
    match kept.ok_or(Fault::Broken)? {
        Ok(()) => {
            tracing::info!(user.id = %seat.session.user.id, destination = name, "a destination was set up");
            Ok(Redirect::to("/console/destinations").into_response())
        }
        Err(reason) => Ok(refused(&platform, &seat, &draft, known, vec![reason]).await?.into_response()),
    }
}

/// `POST /console/destinations/remove`.
pub(super) async fn remove(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Joining>,
) -> Result<Response, Fault> {
    let (draft, _) = draft(&fields);
    let client_id = seat.client.id;
    let name = draft.name.clone();
    let removed = platform.joining.ask(|answer| Wanted::Remove(client_id, name, answer)).await;
    match removed.ok_or(Fault::Broken)? {
        Ok(()) => {
            tracing::info!(user.id = %seat.session.user.id, destination = draft.name, "a destination was removed");
            Ok(Redirect::to("/console/destinations").into_response())
        }
        Err(reason) => Ok(refused(&platform, &seat, &draft, true, vec![reason]).await?.into_response()),
    }
}

/// The page that shows what came of trying, and whether the settings can be kept.
async fn tried(
    platform: &Platform,
    seat: &Seat,
    draft: Draft,
    known: bool,
    anyway: bool,
) -> Result<(Html<String>, bool), Fault> {
    let kind = kind(platform, &draft.kind).ok_or(Fault::Invalid("fault.invalid.form"))?;
    let client_id = seat.client.id;
    let asked = draft.clone();
    let came =
        platform.joining.ask(|answer| Wanted::Try(client_id, asked, answer)).await.ok_or(Fault::Broken)?;
    let kept = read(platform, seat, &draft.name).await?.filter(|_| known).unwrap_or_default();
    let wrong = match &came {
        Tried::Wrong(all) => all.as_slice(),
        _ => &[],
    };
    let mut page = form(kind, seat.look.language, &draft.name, known, &kept, &draft.settings, wrong);
    let good = match came {
        Tried::Wrong(all) => {
            let stray = all.iter().filter(|(key, _)| kind.fields.iter().all(|field| field.key != key));
            page.faults = stray.map(|(_, reason)| reason.clone()).collect();
            false
        }
        Tried::Failed { reason, passing } => {
            page.faults.push(reason);
            page.passing = passing;
            passing && anyway
        }
        Tried::Shown(shown) => {
            let fits = shown.misfits.is_empty();
            page.shown = Some(shown);
            fits
        }
    };
    Ok((finish(platform, seat, page).await?, good))
}

async fn refused(
    platform: &Platform,
    seat: &Seat,
    draft: &Draft,
    known: bool,
    faults: Vec<String>,
) -> Result<Html<String>, Fault> {
    let kind = kind(platform, &draft.kind).ok_or(Fault::Invalid("fault.invalid.form"))?;
    let kept = read(platform, seat, &draft.name).await?.filter(|_| known).unwrap_or_default();
    let mut page = form(kind, seat.look.language, &draft.name, known, &kept, &draft.settings, &[]);
    page.faults = faults;
    finish(platform, seat, page).await
}

async fn read(platform: &Platform, seat: &Seat, name: &str) -> Result<Option<Kept>, Fault> {
    let (client_id, name) = (seat.client.id, name.to_owned());
    platform.joining.ask(|answer| Wanted::Read(client_id, name, answer)).await.ok_or(Fault::Broken)
}

fn draft(fields: &Fields) -> (Draft, bool) {
    let given = fields.all().filter_map(|(key, value)| {
        let value = value.trim();
        Some((key.strip_prefix(PREFIX)?.to_owned(), value.to_owned())).filter(|(_, value)| !value.is_empty())
    });
    let text = |key: &str| fields.get(key).unwrap_or("").trim().to_owned();
    let draft = Draft { name: text("name"), kind: text("kind"), settings: given.collect() };
    (draft, fields.get("known").is_some())
}

fn kind<'p>(platform: &'p Platform, wanted: &str) -> Option<&'p KindForm> {
    platform.joining.kinds().iter().find(|kind| kind.kind == wanted)
}

fn in_language(both: [&'static str; 2], language: Language) -> &'static str {
    let [russian, english] = both;
    if language.code() == "en" { english } else { russian }
}

fn choice(kind: &KindForm, language: Language) -> KindChoice {
    KindChoice { kind: kind.kind, title: in_language(kind.title, language), forgets: kind.forgets }
}

fn form(
    kind: &KindForm,
    language: Language,
    name: &str,
    known: bool,
    kept: &Kept,
    values: &std::collections::BTreeMap<String, String>,
    wrong: &[(String, String)],
) -> JoiningPage {
    let view = |field: &FieldForm| FieldView {
        key: field.key,
        title: in_language(field.title, language),
        help: in_language(field.help, language),
        secret: field.secret,
        long: field.long,
        choices: field.choices,
        required: field.required,
        default: field.default,
        // What is secret is never sent back.
        value: values.get(field.key).filter(|_| !field.secret).cloned().unwrap_or_default(),
        hidden: kept.hidden.iter().any(|key| key == field.key),
        fault: wrong.iter().find(|(key, _)| key == field.key).map(|(_, reason)| reason.clone()),
    };
    JoiningPage {
        kind: Some(choice(kind, language)),
        name: name.to_owned(),
        known,
        fields: kind.fields.iter().map(view).collect(),
        ..JoiningPage::default()
    }
}

async fn finish(platform: &Platform, seat: &Seat, page: JoiningPage) -> Result<Html<String>, Fault> {
    let texts = seat.texts();
    seat.page(platform, Place::Destinations, texts.get("nav.destinations"), "destination.twig", &page).await
}

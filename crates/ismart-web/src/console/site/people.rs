//! `/console/site/{site}/people`: which editor may change and publish what of the site.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use ismart_domain::UserId;
use ismart_domain::user::Role;
use ismart_sites::edit;
use ismart_store::editing::{self, Grant};
use ismart_store::{StoreError, Tx, users};
use serde::Serialize;
use serde_json::Value;

use super::super::fault::Fault;
use super::super::seat::{Appointing, Posted, Seated};
use super::{Opened, open};
use crate::platform::Platform;

#[derive(Serialize)]
struct PeoplePage {
    editors: Vec<EditorRow>,
    scopes: Vec<(String, String)>,
}

#[derive(Serialize)]
struct EditorRow {
    id: String,
    name: String,
    login: String,
    grants: Vec<(String, bool)>,
}

/// The editors with their parts.
pub(in super::super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Appointing>,
    Path(key): Path<String>,
) -> Result<Html<String>, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    let mut conn = platform.store.read().await?;
    let people = users::of_client(&mut conn, client_id).await?;
    let grants = editing::grants(&mut conn, client_id, site_id).await?;
    drop(conn);
    let texts = seat.texts();
    let editors =
        people.into_iter().filter(|user| user.role == Role::Editor && user.client_id == Some(client_id));
    let editors = editors.map(|user| EditorRow {
        grants: grants
            .iter()
            .filter(|grant| grant.user_id == user.id)
            .map(|grant| (told(&opened, texts, &grant.scope), grant.may_publish))
            .collect(),
        id: user.id.to_string(),
        name: user.name,
        login: user.login,
    });
    let scopes = scopes(&opened).into_iter().map(|scope| (scope.clone(), told(&opened, texts, &scope)));
    let page = PeoplePage { editors: editors.collect(), scopes: scopes.collect() };
    opened.screen(&platform, &seat, "people", "site/people.twig", &page).await
}

/// Every part of the site that can be given.
fn scopes(opened: &Opened) -> Vec<String> {
    let site = &opened.site.snapshot;
    let language = site.languages().next().unwrap_or_default().to_owned();
    let mut all = vec!["*".to_owned(), "facts".to_owned(), "seo".to_owned(), "redirects".to_owned()];
    all.extend(edit::pages(site, &language).into_iter().map(|page| format!("page:{}", page.id)));
    let collections = edit::collections(site, &language).into_iter().filter(|collection| !collection.fed);
    all.extend(collections.map(|collection| format!("collection:{}", collection.key)));
    let mut sections: Vec<String> = site
        .documents()
        .filter_map(|document| document.body.get("sections").and_then(Value::as_array).cloned())
        .flatten()
        .filter_map(|section| Some(format!("section:{}", section.get("name")?.as_str()?)))
        .collect();
    sections.sort();
    sections.dedup();
    all.extend(sections);
    all
}

/// A part in plain words.
fn told(opened: &Opened, texts: &super::super::language::Texts, scope: &str) -> String {
    let (kind, name) = scope.split_once(':').unwrap_or((scope, ""));
    let language = opened.site.snapshot.languages().next().unwrap_or_default();
    let page = || edit::pages(&opened.site.snapshot, language).into_iter().find(|page| page.id == name);
    let name =
        if kind == "page" { page().map_or(name.to_owned(), |page| page.title) } else { name.to_owned() };
    let key = match kind {
        "*" => "site.scope.whole",
        "facts" => "site.scope.facts",
        "seo" => "site.scope.seo",
        "redirects" => "site.scope.redirects",
        "page" => "site.scope.page",
        "collection" => "site.scope.collection",
        _ => "site.scope.section",
    };
    texts.say(key, &[("name", &name)])
}

/// Gives a part to an editor, or takes all of his back.
pub(in super::super) async fn change(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Appointing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    let user_id: UserId = fields.get("user").and_then(|id| id.parse().ok()).ok_or(Fault::Missing)?;
    let people = users::of_client(&mut platform.store.read().await?, client_id).await?;
    let his = |user: &ismart_domain::user::User| user.id == user_id && user.client_id == Some(client_id);
    if !people.iter().any(|user| his(user) && user.role == Role::Editor) {
        return Err(Fault::Missing);
    }
    let scope = fields.get("scope").unwrap_or("").to_owned();
    let take = fields.get("action") == Some("take");
    if !take && !scopes(&opened).contains(&scope) {
        return Err(Fault::Invalid("fault.invalid.form"));
    }
    let grant = Grant { user_id, site_id, scope, may_publish: fields.get("publish") == Some("1") };
    let changed: Result<(), StoreError> = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                if take {
                    editing::revoke_grants(tx, client_id, site_id, user_id).await
                } else {
                    editing::put_grant(tx, client_id, &grant).await
                }
            })
        })
        .await;
    changed?;
    Ok(Redirect::to(&format!("/console/site/{key}/people")))
}

//! `GET /console/tokens`: keys of the API; making and revoking them.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{Html, Redirect};
use ismart_domain::{ApiTokenId, SiteId};
use ismart_store::api_tokens;
use ismart_store::{StoreError, Tx, clients, users};
use serde::Serialize;

use super::fault::Fault;
use super::fields::Fields;
use super::keys::{self, KeyError, NewKey};
use super::moment::When;
use super::page::Place;
use super::seat::{Keys, Posted, Seat, Seated};
use crate::api::scope::Scope;
use crate::platform::Platform;

/// How long keys may work: wire name in the form, days.
const TERMS: [(&str, Option<i64>); 4] =
    [("30", Some(30)), ("90", Some(90)), ("365", Some(365)), ("never", None)];

#[derive(Serialize)]
struct TokensPage {
    /// The key that was made just now; nobody can show it again.
    made: Option<String>,
    fault: Option<&'static str>,
    form: Form,
    sites: Vec<SiteChoice>,
    scopes: Vec<ScopeChoice>,
    terms: Vec<TermChoice>,
    tokens: Vec<TokenLine>,
}

#[derive(Serialize, Default)]
struct Form {
    name: String,
}

#[derive(Serialize)]
struct SiteChoice {
    id: String,
    name: String,
    current: bool,
}

#[derive(Serialize)]
struct ScopeChoice {
    code: &'static str,
    title: &'static str,
    chosen: bool,
}

#[derive(Serialize)]
struct TermChoice {
    code: &'static str,
    title: &'static str,
    current: bool,
}

#[derive(Serialize)]
struct TokenLine {
    id: String,
    name: String,
    hint: String,
    site: Option<String>,
    scopes: Vec<&'static str>,
    made: When,
    made_by: Option<String>,
    last_used: Option<When>,
    expires: Option<When>,
    state: &'static str,
    tone: &'static str,
    works: bool,
}

/// Shows the keys.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Keys>,
) -> Result<Html<String>, Fault> {
    page(&platform, &seat, None, None, &Fields::default()).await
}

/// `POST /console/tokens`: makes a key and shows it, this one time.
pub(super) async fn make(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Keys>,
) -> Result<Html<String>, Fault> {
    let name = fields.get("name").unwrap_or("").to_owned();
    let scopes: Vec<&str> = fields.every("scope").filter_map(Scope::from_code).map(Scope::code).collect();
    let (_, days) = term(&fields).ok_or(Fault::Invalid("fault.invalid.form"))?;
    let site_id = site(&platform, &seat, &fields).await?;
    let new = NewKey {
        client_id: seat.client.id,
        site_id,
        name,
        scopes: scopes.into_iter().map(str::to_owned).collect(),
        days,
    };
    let secret = match keys::make(&platform.store, &platform.env, &seat.session.user, new).await {
        Ok(secret) => secret.reveal().to_owned(),
        Err(KeyError::Name) => return page(&platform, &seat, None, Some("tokens.fault_name"), &fields).await,
        Err(KeyError::Scope(_)) => {
            return page(&platform, &seat, None, Some("tokens.fault_scopes"), &fields).await;
        }
        Err(KeyError::Store(error)) => return Err(error.into()),
    };
    page(&platform, &seat, Some(secret), None, &Fields::default()).await
}

/// `POST /console/tokens/{id}/revoke`: the key opens nothing from now on.
pub(super) async fn revoke(
    State(platform): State<Arc<Platform>>,
    Path(id): Path<String>,
    Posted { seat, .. }: Posted<Keys>,
) -> Result<Redirect, Fault> {
    let id: ApiTokenId = id.parse().or(Err(Fault::Missing))?;
    let client_id = seat.client.id;
    let known = api_tokens::of_client(&mut platform.store.read().await?, client_id).await?;
    if !known.iter().any(|token| token.id == id) {
        return Err(Fault::Missing);
    }
    tracing::info!(user.id = %seat.session.user.id, token.id = %id, "a key of the API was revoked");
    platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { api_tokens::revoke(tx, client_id, id).await }))
        .await
        .map_err(|error: StoreError| Fault::from(error))?;
    Ok(Redirect::to("/console/tokens"))
}

fn term(fields: &Fields) -> Option<(&'static str, Option<i64>)> {
    let asked = fields.get("term").unwrap_or("90");
    TERMS.into_iter().find(|(code, _)| *code == asked)
}

/// The site that the form names, if it names one of this client's.
async fn site(platform: &Platform, seat: &Seat, fields: &Fields) -> Result<Option<SiteId>, Fault> {
    let Some(asked) = fields.get("site").filter(|asked| !asked.is_empty()) else { return Ok(None) };
    let sites = clients::sites(&mut platform.store.read().await?, seat.client.id).await?;
    let found = sites.into_iter().find(|site| site.id.to_string() == asked);
    found.map(|site| Some(site.id)).ok_or(Fault::Invalid("fault.invalid.form"))
}

async fn page(
    platform: &Platform,
    seat: &Seat,
    made: Option<String>,
    fault: Option<&'static str>,
    given: &Fields,
) -> Result<Html<String>, Fault> {
    let texts = seat.texts();
    let teller = seat.teller(platform);
    let mut conn = platform.store.read().await?;
    let sites = clients::sites(&mut conn, seat.client.id).await?;
    let mut tokens = Vec::new();
    for token in api_tokens::of_client(&mut conn, seat.client.id).await? {
        let works = token.works(teller.now);
        let (state, tone) = match (works, token.revoked_at) {
            (true, _) => ("tokens.active", "good"),
            (false, Some(_)) => ("tokens.revoked", "bad"),
            (false, None) => ("tokens.expired", "busy"),
        };
        let codes = token.scopes.iter().filter_map(|code| Scope::from_code(code));
        tokens.push(TokenLine {
            site: token.site_id.map(|id| {
                let found = sites.iter().find(|site| site.id == id);
                found.map_or_else(|| id.to_string(), |site| site.name.clone())
            }),
            scopes: codes.map(|scope| texts.get(title(scope))).collect(),
            made: teller.when(token.created_at),
            made_by: users::name_of(&mut conn, token.created_by).await?,
            last_used: token.last_used_at.map(|at| teller.when(at)),
            expires: token.expires_at.map(|at| teller.when(at)),
            state: texts.get(state),
            id: token.id.to_string(),
            name: token.name,
            hint: token.hint,
            tone,
            works,
        });
    }
    drop(conn);
    let chosen: Vec<&str> = given.every("scope").collect();
    let (current, _) = term(given).unwrap_or(("90", Some(90)));
    let of_site = given.get("site").unwrap_or("");
    let site = |site: clients::SiteRow| {
        let id = site.id.to_string();
        SiteChoice { current: id == of_site, id, name: site.name }
    };
    let scope = |scope: Scope| ScopeChoice {
        code: scope.code(),
        title: texts.get(title(scope)),
        chosen: chosen.contains(&scope.code()),
    };
    let page = TokensPage {
        made,
        fault: fault.map(|key| texts.get(key)),
        form: Form { name: given.get("name").unwrap_or("").chars().take(200).collect() },
        sites: sites.into_iter().map(site).collect(),
        scopes: Scope::ALL.into_iter().map(scope).collect(),
        terms: TERMS
            .into_iter()
            .map(|(code, _)| TermChoice {
                code,
                title: texts.get(term_title(code)),
                current: code == current,
            })
            .collect(),
        tokens,
    };
    seat.page(platform, Place::Tokens, texts.get("nav.tokens"), "tokens.twig", &page).await
}

fn title(scope: Scope) -> &'static str {
    match scope {
        Scope::ContentRead => "scope.content_read",
        Scope::ContentWrite => "scope.content_write",
        Scope::FormsSubmit => "scope.forms_submit",
        Scope::LeadsRead => "scope.leads_read",
        Scope::LeadsWrite => "scope.leads_write",
    }
}

fn term_title(code: &str) -> &'static str {
    match code {
        "30" => "tokens.days_30",
        "365" => "tokens.days_365",
        "never" => "tokens.never",
        _ => "tokens.days_90",
    }
}

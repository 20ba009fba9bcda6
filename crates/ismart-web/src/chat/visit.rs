//! `POST /api/chat/visit`: counts the visit and tells the widget what it needs to open.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use ismart_domain::conversation::{Message, Mode};
use ismart_domain::lead::Utm;
use ismart_domain::{EventBody, VisitId};
use ismart_store::events::Scope;
use ismart_store::visits::{self, Visit, Visitor};
use ismart_store::{StoreError, Tx, conversations, events};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::origin::{Asked, Origin};
use crate::platform::Platform;
use crate::problem::Problem;

/// How many earlier messages the widget gets.
const HISTORY: i64 = 100;

/// What the widget tells about the page.
#[derive(Debug, Deserialize)]
pub(crate) struct Arrival {
    visitor: Option<String>,
    #[serde(default)]
    page: String,
    #[serde(default)]
    referrer: String,
    language: Option<String>,
}

/// What the widget opens with.
#[derive(Debug, Serialize)]
pub(crate) struct Welcome {
    visitor: String,
    visit: VisitId,
    worker: Value,
    business: Value,
    mode: &'static str,
    messages: Vec<Message>,
    last: i64,
    greeting: Value,
    consent: Value,
}

/// Counts the visit.
pub(crate) async fn start(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    body: Result<Json<Arrival>, JsonRejection>,
) -> Result<Json<Welcome>, Problem> {
    let Json(arrival) = body.map_err(super::messages::unreadable)?;
    platform.limits.take(origin.ip, platform.env.now()).map_err(Problem::too_many)?;
    let place = &asked.place;
    let known = match arrival.visitor.as_deref() {
        Some(token) => super::by_token(&platform, token).await?.filter(|v| v.site_id == place.site_id),
        None => None,
    };
    // A token that we do not know is never adopted: tokens are made here only.
    let token = match (&arrival.visitor, known) {
        (Some(token), Some(_)) => token.clone(),
        _ => platform.env.token(),
    };
    let (visitor, visit) = count(&platform, &asked, known, &token, &arrival).await?;
    let mut conn = platform.store.read().await?;
    let conversation = conversations::latest(&mut conn, place.client_id, visitor.id).await?;
    let (mode, last, messages) = match conversation {
        Some(c) => {
            let after = (c.last_seq - HISTORY).max(0);
            let messages = conversations::messages(&mut conn, place.client_id, c.id, after, HISTORY).await?;
            (c.mode, c.last_seq, messages)
        }
        None => (Mode::Worker, 0, Vec::new()),
    };
    drop(conn);
    let language = arrival.language.as_deref().unwrap_or("ru");
    let face = platform.desk.face(place.site_id, language);
    Ok(Json(Welcome {
        visitor: token,
        visit,
        worker: json!({ "name": face.name, "title": face.title, "avatar": face.avatar, "kind": face.kind }),
        business: json!({ "name": place.name, "phone": place.phone }),
        mode: mode.code(),
        messages,
        last,
        greeting: json!({ "text": face.greeting, "choices": face.choices }),
        consent: json!({
            "label": place.consent_label, "url": place.consent_url, "version": place.consent_version
        }),
    }))
}

/// Finds or makes visitor and visit, and writes the event.
async fn count(
    platform: &Platform,
    asked: &Asked,
    known: Option<Visitor>,
    token: &str,
    arrival: &Arrival,
) -> Result<(Visitor, VisitId), StoreError> {
    let (client_id, site_id) = (asked.place.client_id, asked.place.site_id);
    let scope = Scope { client_id, site_id: Some(site_id), trace_id: platform.env.new_id() };
    let token_sha256 = ismart_store::sha256_hex(token);
    let page: String = arrival.page.chars().take(2000).collect();
    let referrer: String = arrival.referrer.chars().take(2000).collect();
    platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let now = tx.env().now();
                let visitor = match known {
                    Some(visitor) => visitor,
                    None => {
                        let id = visits::add_visitor(tx, client_id, site_id, &token_sha256).await?;
                        Visitor { id, client_id, site_id }
                    }
                };
                if let Some(visit) = visits::current(tx, client_id, visitor.id, now).await? {
                    visits::touch(tx, client_id, visit.id).await?;
                    let viewed = EventBody::PageViewed { visit_id: visit.id, path: path_of(&page) };
                    events::append(tx, scope, viewed).await?;
                    return Ok((visitor, visit.id));
                }
                let visit = Visit {
                    id: tx.env().new_id(),
                    visitor_id: visitor.id,
                    landing_url: page.clone(),
                    referrer: (!referrer.is_empty()).then(|| referrer.clone()),
                    utm: utm_of(&page),
                    started_at: now,
                    last_at: now,
                };
                visits::start(tx, client_id, site_id, &visit).await?;
                let started = EventBody::VisitStarted {
                    visit_id: visit.id,
                    visitor_id: visitor.id,
                    path: path_of(&page),
                    referrer_host: host_of(&referrer),
                    utm: visit.utm.clone(),
                };
                events::append(tx, scope, started).await?;
                Ok((visitor, visit.id))
            })
        })
        .await
}

/// The path of an address, without query: events hold no personal data that an address may carry.
fn path_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = if rest.len() == url.len() {
        rest
    } else {
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
    };
    path.split(['?', '#']).next().unwrap_or("/").chars().take(500).collect()
}

fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    (!host.is_empty()).then(|| host.chars().take(253).collect())
}

/// The advertising marks in an address.
pub(crate) fn utm_of(url: &str) -> Utm {
    let query = url.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or("");
    // An address that cannot be read has no marks: advertising must never stop a visit.
    let pairs: Vec<(String, String)> = match format!("/?{query}").parse() {
        Ok(uri) => axum::extract::Query::try_from_uri(&uri).map_or_else(|_| Vec::new(), |query| query.0),
        Err(_) => Vec::new(),
    };
    Utm::from_pairs(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(path_of("https://a.ru/cars/x?phone=1#y"), "/cars/x");
        assert_eq!(path_of("https://a.ru"), "/");
        assert_eq!(path_of("/p?q"), "/p");
        assert_eq!(host_of("https://u@ya.ru/search?x").as_deref(), Some("ya.ru"));
        assert_eq!(host_of(""), None);
        let utm = utm_of("https://a.ru/?utm_source=%D1%8F%D0%BD&utm_medium=cpc#x");
        assert_eq!((utm.source.as_deref(), utm.medium.as_deref()), (Some("ян"), Some("cpc")));
    }
}

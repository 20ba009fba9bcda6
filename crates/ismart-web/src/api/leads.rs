//! Leads: what people asked for, whether it reached the client's CRM, and trying that again.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ismart_domain::lead::{Consent, Intent, Lead as Stored};
use ismart_domain::{DeliveryId, LeadId};
use ismart_leads::queue::DecideError;
use ismart_store::leads::Window;
use ismart_store::{Conn, deliveries, leads};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::{Granted, Key};
use super::cursor::{self, Listing};
use super::query::{Segments, Wish};
use super::scope::{Asks, Delivering, Leads};
use super::{BASE, conditional};
use crate::platform::Platform;
use crate::problem::Problem;
use crate::replay;

/// Which leads are wished for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct LeadWish {
    /// Only leads of this site.
    #[param(nullable = false)]
    site: Option<String>,
    /// Only leads that want this.
    #[param(pattern = "^[a-z_]{1,40}$", example = "test_drive", nullable = false)]
    intent: Option<String>,
    /// Only leads accepted at or after this moment.
    #[param(format = DateTime, nullable = false)]
    since: Option<String>,
    /// `next` of the page before, with the same other wishes.
    #[param(nullable = false)]
    cursor: Option<String>,
    /// How many at once, 50 without it.
    #[param(minimum = 1, maximum = 200, nullable = false)]
    limit: Option<u16>,
}

/// A lead.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Lead {
    /// Identity.
    #[schema(format = "uuid")]
    id: String,
    /// Number for people, counted per client from 1.
    #[schema(minimum = 1)]
    number: i64,
    /// When it was accepted.
    #[schema(format = DateTime)]
    accepted_at: String,
    /// Key of the site; null when the site is gone.
    site: Option<String>,
    /// What the person wants.
    intent: &'static str,
    /// His name.
    name: Option<String>,
    /// His phone, E.164.
    phone: Option<String>,
    /// His e-mail address.
    email: Option<String>,
    /// His words, or the summary of the conversation.
    comment: String,
    /// What he asked about.
    subject: Option<Subject>,
    /// The door: `form`, `conversation`, `widget`, `call`, `mail`, `webhook`, `import`, `api` or `person`.
    channel: &'static str,
    /// Name of the form, when there was one.
    form: Option<String>,
    /// Address of the page.
    page_url: String,
    /// Where the visitor had come from.
    referrer: Option<String>,
    /// Advertising marks.
    utm: BTreeMap<&'static str, String>,
    /// Other fields of the form, as sent.
    fields: BTreeMap<String, String>,
    /// It counts for nothing.
    test: bool,
    /// Where the API has it with consents and deliveries.
    href: String,
}

/// The thing asked about.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Subject {
    /// Its key in the client's stock.
    key: String,
    /// What a person calls it.
    title: String,
}

/// A lead with its proofs and its ways.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WholeLead {
    /// The lead.
    lead: Lead,
    /// What the person agreed to.
    consents: Vec<GivenConsent>,
    /// Where it went.
    deliveries: Vec<Delivery>,
}

/// A consent that was given.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct GivenConsent {
    /// What for.
    purpose: &'static str,
    /// When.
    #[schema(format = DateTime)]
    given_at: String,
    /// Version of the text.
    version: String,
    /// SHA-256 of the text, hexadecimal.
    text_sha256: String,
    /// Where the whole document stands.
    url: String,
}

/// A lead on its way to one destination.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Delivery {
    /// Identity.
    #[schema(format = "uuid")]
    id: String,
    /// Name of the destination; `inbox` is the console's list.
    destination: String,
    /// `queued`, `sending`, `waiting`, `verifying`, `delivered`, `needs_attention`, `paused`, `held` or `refused`.
    state: &'static str,
    /// How many attempts were begun.
    #[schema(minimum = 0)]
    attempts: u32,
    /// The record's id at the destination.
    external_id: Option<String>,
    /// What the destination said last.
    reason: Option<String>,
    /// Last change.
    #[schema(format = DateTime)]
    updated_at: String,
}

fn shown(platform: &Platform, lead: &Stored) -> Lead {
    let world = platform.world.load();
    let site = world.places.values().find(|place| place.site_id == lead.draft.site_id);
    let draft = &lead.draft;
    let utm = &draft.source.utm;
    let marks = [
        ("source", &utm.source),
        ("medium", &utm.medium),
        ("campaign", &utm.campaign),
        ("content", &utm.content),
        ("term", &utm.term),
    ];
    Lead {
        id: lead.id.to_string(),
        number: lead.number,
        accepted_at: lead.accepted_at.to_string(),
        site: site.map(|place| place.slug.clone()),
        intent: draft.intent.code(),
        name: draft.name.as_ref().map(|name| name.as_str().to_owned()),
        phone: draft.phone.as_ref().map(|phone| phone.e164().to_owned()),
        email: draft.email.as_ref().map(|email| email.as_str().to_owned()),
        comment: draft.comment.clone(),
        subject: draft.subject.as_ref().map(|s| Subject { key: s.key.clone(), title: s.title.clone() }),
        channel: draft.source.channel.code(),
        form: draft.source.channel.form().map(str::to_owned),
        page_url: draft.source.page_url.clone(),
        referrer: draft.source.referrer.clone(),
        utm: marks.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect(),
        fields: draft.fields.clone(),
        test: draft.test,
        href: format!("{BASE}/leads/{}", lead.id),
    }
}

fn consent(given: Consent) -> GivenConsent {
    GivenConsent {
        purpose: given.draft.purpose.code(),
        given_at: given.given_at.to_string(),
        version: given.draft.version,
        text_sha256: given.text_sha256,
        url: given.draft.url,
    }
}

/// The list of leads
#[utoipa::path(
    get, path = "/leads", operation_id = "listLeads", tag = "Leads",
    params(LeadWish),
    security(("key" = ["leads:read"])),
    responses((status = 200, description = "The newest first", body = Listing<Lead>, headers(("ETag" = String)))),
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    Granted(key, PhantomData): Granted<Leads>,
    Wish(wish): Wish<LeadWish>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = cursor::limit(wish.limit)?;
    let since = wish.since.as_deref().map(moment).transpose()?;
    let site_id = match wish.site.as_deref() {
        None => key.site_id,
        Some(site) => {
            let found = platform.site_of_key(site).filter(|(_, place)| key.opens(place));
            let missing = || Problem::not_found("There is no such site, or the key is not for it.");
            Some(found.ok_or_else(missing)?.1.site_id)
        }
    };
    let intent = wish.intent.as_deref().map(intent).transpose()?;
    let after = wish.cursor.as_deref().map(place_of).transpose()?;
    let window = Window { site_id, since, after };
    let most = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut conn = platform.store.read().await?;
    let mut found = leads::page(&mut conn, key.client_id, &window, intent.map(Intent::code), most).await?;
    drop(conn);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found
        .last()
        .filter(|_| more)
        .map(|last| cursor::wrap(&format!("{}.{}", last.accepted_at.as_microsecond(), last.number)));
    let items = found.iter().map(|lead| shown(&platform, lead)).collect();
    conditional::json(&headers, &Listing { items, next })
}

/// A moment of RFC 3339. Moments that the calendar of the log does not have are those at its ends.
fn moment(text: &str) -> Result<Timestamp, Problem> {
    let detail = "`since` is a moment such as 2026-11-20T09:00:00Z.";
    text.parse().map_err(|error| {
        tracing::debug!(error = %error, "an unreadable moment");
        Problem::bad_request("since", detail)
    })
}

fn intent(code: &str) -> Result<Intent, Problem> {
    Intent::from_code(code).ok_or_else(|| {
        let known: Vec<&str> = Intent::ALL.into_iter().map(Intent::code).collect();
        let detail = format!("No lead can want this. `intent` is one of: {}.", known.join(", "));
        Problem::new(StatusCode::NOT_FOUND, "intent", detail)
    })
}

fn place_of(cursor: &str) -> Result<(Timestamp, i64), Problem> {
    let key = cursor::unwrap(cursor)?;
    let place = key.split_once('.').and_then(|(at, number)| {
        Some((Timestamp::from_microsecond(at.parse().ok()?).ok()?, number.parse().ok()?))
    });
    place.ok_or_else(cursor::gone)
}

/// A lead that the key is for.
async fn find<A: Asks>(conn: &mut Conn, granted: &Granted<A>, id: &str) -> Result<Stored, Problem> {
    let key: &Key = &granted.0;
    let missing = || Problem::not_found("There is no such lead, or the key is not for it.");
    let Ok(id) = id.parse::<LeadId>() else { return Err(missing()) };
    let found = leads::get(conn, key.client_id, id).await?;
    found.filter(|lead| key.site_id.is_none_or(|site| site == lead.draft.site_id)).ok_or_else(missing)
}

/// One lead with consents and deliveries
#[utoipa::path(
    get, path = "/leads/{lead}", operation_id = "getLead", tag = "Leads",
    params(("lead" = String, Path, description = "Identity of the lead", format = "uuid")),
    security(("key" = ["leads:read"])),
    responses((status = 200, description = "The lead", body = WholeLead, headers(("ETag" = String)))),
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    granted: Granted<Leads>,
    Segments(id): Segments<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut conn = platform.store.read().await?;
    let lead = find(&mut conn, &granted, &id).await?;
    let consents = leads::consents(&mut conn, lead.client_id, lead.id).await?;
    let ways = deliveries::of_lead(&mut conn, lead.client_id, lead.id).await?;
    drop(conn);
    let delivery = |found: ismart_domain::delivery::Delivery| Delivery {
        id: found.id.to_string(),
        destination: found.destination,
        state: found.state.code(),
        attempts: found.attempts,
        external_id: found.external_id,
        reason: found.reason,
        updated_at: found.updated_at.to_string(),
    };
    let whole = WholeLead {
        lead: shown(&platform, &lead),
        consents: consents.into_iter().map(consent).collect(),
        deliveries: ways.into_iter().map(delivery).collect(),
    };
    conditional::json(&headers, &whole)
}

/// Deliver a lead again
///
/// The delivery is due at once. What the destination may have taken already is asked about first, so that asking twice
/// makes no second record there.
#[utoipa::path(
    post, path = "/leads/{lead}/deliveries/{delivery}/send-again", operation_id = "sendAgain", tag = "Leads",
    params(("lead" = String, Path, description = "Identity of the lead", format = "uuid"),
        ("delivery" = String, Path, description = "Identity of the delivery", format = "uuid")),
    security(("key" = ["leads:write"])),
    responses((status = 202, description = "It is due"),
        (status = 409, description = "It is delivered or under way: there is nothing to send again", body = Problem,
            content_type = "application/problem+json")),
)]
pub(super) async fn send_again(
    State(platform): State<Arc<Platform>>,
    granted: Granted<Delivering>,
    Segments((lead, delivery)): Segments<(String, String)>,
) -> Result<StatusCode, Problem> {
    let mut conn = platform.store.read().await?;
    let lead = find(&mut conn, &granted, &lead).await?;
    let missing = || Problem::not_found("The lead has no such delivery.");
    let Ok(id) = delivery.parse::<DeliveryId>() else { return Err(missing()) };
    let all = deliveries::of_lead(&mut conn, lead.client_id, lead.id).await?;
    drop(conn);
    let delivery = all.into_iter().find(|delivery| delivery.id == id).ok_or_else(missing)?;
    if !replay::is_possible(&delivery) {
        let detail = "It is delivered or under way: there is nothing to send again.";
        return Err(Problem::new(StatusCode::CONFLICT, "not_needed", detail));
    }
    let made_by = Some(granted.0.made_by);
    match replay::ask(&platform, lead.client_id, id, made_by, "asked for through the API").await {
        Err(DecideError::Store(error)) => return Err(error.into()),
        Err(error) => return Err(Problem::new(StatusCode::CONFLICT, "not_needed", error.to_string())),
        Ok(()) => {}
    }
    Ok(StatusCode::ACCEPTED)
}

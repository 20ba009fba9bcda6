//! What others send us by HTTP: `POST /api/leads/in/{door}` for signed webhooks, `/api/calls/in/{door}` for what providers
//! of telephony tell of calls. Success is said after the commit; a repeat gets the answer of the first time.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_domain::{ClientId, Secret};
use ismart_leads::AcceptError;
use ismart_leads::intake::{self, Arrival, Door, Facts, Guard, Received, Unfit};
use ismart_store::api_answers::{self, Answered};
use ismart_store::{StoreError, Tx, sha256_hex};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use crate::origin::{Origin, text};
use crate::platform::Platform;
use crate::problem::Problem;

/// How often a request is tried again that met another one about the same thing.
const TRIES: usize = 4;

/// The doors that are open, by their names.
#[derive(Debug, Default)]
pub struct Doors(ArcSwap<Vec<Arc<Door>>>);

impl Doors {
    /// Opens these doors and closes all others.
    pub fn open(&self, doors: Vec<Door>) {
        self.0.store(Arc::new(doors.into_iter().map(Arc::new).collect()));
    }

    /// The door of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Door>> {
        self.0.load().iter().find(|door| door.name == name).cloned()
    }

    /// The doors of a client, in the order of the configuration.
    #[must_use]
    pub fn of_client(&self, client_id: ClientId) -> Vec<Arc<Door>> {
        self.0.load().iter().filter(|door| door.site.client_id == client_id).cloned().collect()
    }

    /// All doors.
    #[must_use]
    pub fn all(&self) -> Arc<Vec<Arc<Door>>> {
        self.0.load_full()
    }
}

impl Platform {
    /// Where the leads of a door go besides the inbox.
    #[must_use]
    pub fn destinations_of(&self, door: &Door) -> Vec<String> {
        let place = self.world.load().places.get(&door.site.key).cloned();
        let place = place.filter(|place| place.client_id == door.site.client_id);
        place.map(|place| place.destinations.clone()).unwrap_or_else(|| {
            let client = self.client(door.site.client_id);
            client
                .map(|client| client.destinations.iter().map(|one| one.name.clone()).collect())
                .unwrap_or_default()
        })
    }
}

/// Who does not show what the door asks for is told so, and slowed down when he keeps trying.
fn refused(platform: &Platform, origin: &Origin, why: String) -> Problem {
    if let Err(wait) = platform.limits.take(origin.ip, platform.env.now()) {
        return Problem::too_many(wait);
    }
    Problem::new(StatusCode::UNAUTHORIZED, "not_believed", why)
}

fn door(platform: &Platform, name: &str, calls: bool) -> Result<Arc<Door>, Problem> {
    let found = platform.doors.get(name).filter(|door| door.is_for_calls() == calls);
    let found = found.filter(|door| !matches!(door.guard, Guard::Mailbox(_)));
    found
        .ok_or_else(|| Problem::not_found("There is no such door. Check the name at the end of the address."))
}

fn bytes(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| {
        let limit = crate::BODY_LIMIT / 1024;
        let detail = format!("The body cannot be read; it may have up to {limit} KB.");
        Problem::new(rejection.status(), "body", detail)
    })
}

/// `POST /api/leads/in/{door}`: a message signed as Standard Webhooks has it.
pub(crate) async fn lead(
    State(platform): State<Arc<Platform>>,
    Path(name): Path<String>,
    origin: Origin,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let door = door(&platform, &name, false)?;
    let body = bytes(body)?;
    let Guard::Signed(secrets) = &door.guard else {
        return Err(Problem::not_found("There is no such door for signed messages."));
    };
    let header = |name: &str| text(&headers, name);
    let (id, sent, given) = (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    let believed = intake::verify(secrets, id, sent, given, &body, platform.env.now());
    let id =
        believed.map_err(|fault| refused(&platform, &origin, format!("Nothing was stored: {fault}.")))?;
    let (id, told) = (id.to_owned(), String::from_utf8_lossy(&body).into_owned());
    let media_type = header("content-type").unwrap_or("application/json").to_owned();
    let arrival = match facts(&media_type, &told) {
        Ok(facts) => Arrival::of_facts(&door, &facts, &id, &media_type, &told),
        Err(why) => Arrival::unreadable(&door, &id, &media_type, &told, why),
    };
    let digest = sha256_hex(&told);
    let answered = taken(&platform, &door, &id, &digest, arrival).await?;
    if answered.request_sha256 != digest {
        let detail = "This `webhook-id` was used for another message: give each message its own.";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "webhook_id_reused", detail));
    }
    let status = StatusCode::from_u16(answered.status).unwrap_or(StatusCode::CREATED);
    Ok((status, [(header::CONTENT_TYPE, "application/json")], answered.body).into_response())
}

/// What a body tells.
fn facts(media_type: &str, body: &str) -> Result<Facts, Unfit> {
    let kind = media_type.to_lowercase();
    let facts = if kind.starts_with("application/x-www-form-urlencoded") {
        Facts::of_pairs(pairs(body))
    } else {
        let value: Value =
            serde_json::from_str(body).map_err(|error| Unfit::NotJson { error: error.to_string() })?;
        Facts::of_json(&value)
    };
    if facts.is_empty() { Err(Unfit::Nothing) } else { Ok(facts) }
}

/// Names and values of a form or a query; what cannot be read tells nothing.
fn pairs(text: &str) -> Vec<(String, String)> {
    let uri = format!("/?{}", text.trim());
    let read = uri.parse().ok().and_then(|uri| axum::extract::Query::try_from_uri(&uri).ok());
    read.map(|query: axum::extract::Query<Vec<(String, String)>>| query.0).unwrap_or_default()
}

/// Whether two requests about one thing met: the second one finds what the first one wrote.
fn met(error: &AcceptError) -> bool {
    matches!(error, AcceptError::Store(StoreError::Sql(_)))
}

/// Takes a message in with its answer, or finds the answer of the first time.
async fn taken(
    platform: &Platform,
    door: &Arc<Door>,
    id: &str,
    digest: &str,
    arrival: Arrival,
) -> Result<Answered, Problem> {
    let mut last = None;
    for _ in 0..TRIES {
        let (door, id, digest, arrival) = (door.clone(), id.to_owned(), digest.to_owned(), arrival.clone());
        let (destinations, trace_id) = (platform.destinations_of(&door), platform.env.new_id());
        let written: Result<Answered, AcceptError> = platform
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let (client_id, operation) = (door.site.client_id, format!("in/{}", door.name));
                    if let Some(found) = api_answers::find(tx, client_id, &operation, &id).await? {
                        return Ok(found);
                    }
                    let reason = arrival.draft.as_ref().err().map(ToString::to_string);
                    let received = intake::receive(tx, &door, &destinations, arrival, trace_id).await?;
                    let (status, body) = answer(&received, reason);
                    let answer = Answered { request_sha256: digest, status, body: body.to_string() };
                    api_answers::keep(tx, client_id, &operation, &id, &answer).await?;
                    Ok(answer)
                })
            })
            .await;
        match written {
            Ok(answered) => return Ok(answered),
            Err(error) if met(&error) => last = Some(error),
            Err(error) => return Err(failed(error)),
        }
    }
    Err(last.map_or_else(|| failed(AcceptError::NoContact), failed))
}

fn answer(received: &Received, reason: Option<String>) -> (u16, Value) {
    match received {
        Received::Lead(accepted) => {
            let lead = &accepted.lead;
            (201, json!({ "lead": lead.id, "number": lead.number, "repeated": accepted.repeated }))
        }
        Received::Unread(id) => {
            let why = reason.unwrap_or_else(|| "it could not be read as a lead".to_owned());
            (202, json!({ "unread": id, "detail": format!("Stored for a person to read: {why}.") }))
        }
    }
}

fn failed(error: AcceptError) -> Problem {
    match error {
        AcceptError::Store(error) => error.into(),
        other => {
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "fields", format!("Nothing was stored: {other}."))
        }
    }
}

/// `GET` and `POST /api/calls/in/{door}`: what a provider tells of a call, in the address, in a form or in JSON.
pub(crate) async fn call(
    State(platform): State<Arc<Platform>>,
    Path(name): Path<String>,
    origin: Origin,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let door = door(&platform, &name, true)?;
    let Guard::Key(key) = &door.guard else {
        return Err(Problem::not_found("There is no such door for calls."));
    };
    let query = query.unwrap_or_default();
    let mut told = pairs(&query);
    let shown = told.iter().find(|(name, _)| name == "key").map(|(_, value)| value.clone());
    let bearer = text(&headers, "authorization").and_then(|value| value.strip_prefix("Bearer "));
    let shown = bearer.map(str::to_owned).or(shown).unwrap_or_default();
    if !same(key, &shown) {
        let why =
            "Nothing was stored: show the key of this door, as `?key=…` or as `Authorization: Bearer …`.";
        return Err(refused(&platform, &origin, why.to_owned()));
    }
    told.retain(|(name, _)| name != "key");
    let body = bytes(body)?;
    let sent = String::from_utf8_lossy(&body).into_owned();
    let mut facts = Facts::of_pairs(told);
    let media_type = text(&headers, "content-type").unwrap_or("application/x-www-form-urlencoded");
    // A body that cannot be read is kept beside the rest: what it is, a person sees.
    match self::facts(media_type, &sent) {
        Ok(more) => more.iter().for_each(|(name, value)| facts.add(name, value)),
        Err(_) => facts.add("body", &sent),
    }
    let whole = shown_again(&facts);
    let received = call_taken(&platform, &door, facts, whole).await?;
    let (status, body) = answer(&received, None);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    // Providers repeat what is not answered with 200.
    let status = if status.is_success() { StatusCode::OK } else { status };
    Ok((status, axum::Json(body)).into_response())
}

fn same(key: &Secret, shown: &str) -> bool {
    bool::from(key.reveal().as_bytes().ct_eq(shown.as_bytes()))
}

/// Facts as a person reads them, a line each.
fn shown_again(facts: &Facts) -> String {
    facts.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("\n")
}

async fn call_taken(
    platform: &Platform,
    door: &Arc<Door>,
    facts: Facts,
    whole: String,
) -> Result<Received, Problem> {
    let mut last = None;
    for _ in 0..TRIES {
        let (door, facts, whole) = (door.clone(), facts.clone(), whole.clone());
        let (destinations, trace_id) = (platform.destinations_of(&door), platform.env.new_id());
        let written: Result<Received, AcceptError> = platform
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    intake::receive_call(tx, &door, &destinations, &facts, &whole, trace_id).await
                })
            })
            .await;
        match written {
            Ok(received) => return Ok(received),
            Err(error) if met(&error) => last = Some(error),
            Err(error) => return Err(failed(error)),
        }
    }
    Err(last.map_or_else(|| failed(AcceptError::NoContact), failed))
}

//! Taking a conversation over, answering in it, giving it back.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::response::{IntoResponse, Redirect, Response};
use ismart_domain::{ConversationId, MessageId};
use serde::Serialize;
use serde_json::json;

use super::fault::Fault;
use super::seat::{Answering, Posted, Seat};
use super::thread::{self, MessageView, Talk};
use crate::platform::Platform;

/// The longest answer, characters.
const LONGEST: usize = 4000;

#[derive(Serialize)]
struct TalkPart {
    talk: Talk,
}

#[derive(Serialize)]
pub(super) struct MessagesPart {
    pub(super) messages: Vec<MessageView>,
}

fn id(text: &str) -> Result<ConversationId, Fault> {
    text.parse().or(Err(Fault::Missing))
}

/// `POST /console/inbox/{id}/take-over`.
pub(super) async fn take_over(
    State(platform): State<Arc<Platform>>,
    Path(conversation): Path<String>,
    Posted { seat, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let id = id(&conversation)?;
    platform.desk.take_over(seat.client.id, id, &seat.session.user).await?;
    answer(&platform, &seat, id).await
}

/// `POST /console/inbox/{id}/give-back`.
pub(super) async fn give_back(
    State(platform): State<Arc<Platform>>,
    Path(conversation): Path<String>,
    Posted { seat, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let id = id(&conversation)?;
    platform.desk.give_back(seat.client.id, id, &seat.session.user).await?;
    answer(&platform, &seat, id).await
}

/// The controls as they are after an action; without scripts, the page.
async fn answer(platform: &Platform, seat: &Seat, id: ConversationId) -> Result<Response, Fault> {
    if !seat.by_script {
        return Ok(Redirect::to(&format!("/console/inbox/{id}#talk")).into_response());
    }
    let mut conn = platform.store.read().await?;
    let conversation = thread::find(&mut conn, seat, &id.to_string()).await?;
    let talk = thread::talk(&mut conn, platform, seat, &conversation).await?;
    drop(conn);
    Ok(seat.part("part/talk.twig", &TalkPart { talk })?.into_response())
}

/// `POST /console/inbox/{id}/say`.
pub(super) async fn say(
    State(platform): State<Arc<Platform>>,
    Path(conversation): Path<String>,
    Posted { seat, fields, .. }: Posted<Answering>,
) -> Result<Response, Fault> {
    let id = id(&conversation)?;
    let message_id: MessageId = match fields.get("id") {
        Some(given) => given.parse().or(Err(Fault::Invalid("fault.invalid.form")))?,
        None => platform.env.new_id(),
    };
    let text: String = fields.get("text").unwrap_or("").replace("\r\n", "\n");
    let text: String = text.trim().chars().filter(|c| !c.is_control() || *c == '\n').collect();
    if text.is_empty() {
        return Err(Fault::Invalid("fault.invalid.empty"));
    }
    if text.chars().count() > LONGEST {
        return Err(Fault::Invalid("fault.invalid.long"));
    }
    platform.desk.say(seat.client.id, id, &seat.session.user, message_id, text).await?;
    if !seat.by_script {
        return Ok(Redirect::to(&format!("/console/inbox/{id}#talk")).into_response());
    }
    let after: i64 = fields.get("after").and_then(|after| after.parse().ok()).unwrap_or(0);
    let mut conn = platform.store.read().await?;
    let conversation = thread::find(&mut conn, &seat, &id.to_string()).await?;
    let messages = thread::messages(&mut conn, &platform, &seat, &conversation, after).await?;
    drop(conn);
    let mut response = seat.part("part/messages.twig", &MessagesPart { messages })?.into_response();
    // The next answer needs an identity of its own.
    let next: MessageId = platform.env.new_id();
    let signal = json!({ "said": { "id": next.to_string() } }).to_string();
    if let Ok(signal) = HeaderValue::from_str(&signal) {
        response.headers_mut().insert("hx-trigger", signal);
    }
    Ok(response)
}

//! `POST /api/chat/messages`: a message of the visitor is stored durably, then answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use ismart_domain::MessageId;
use ismart_domain::conversation::{Contact, Inbound};
use ismart_workers::desk::Incoming;
use serde::{Deserialize, Serialize};

use super::Known;
use crate::origin::{Asked, Origin};
use crate::platform::Platform;
use crate::problem::Problem;

/// The longest text of a message, characters.
pub(crate) const TEXT_LIMIT: usize = 2000;

/// A message as the widget sends it.
#[derive(Debug, Deserialize)]
pub(crate) struct Sent {
    id: String,
    #[serde(default)]
    text: String,
    choice: Option<String>,
    contact: Option<Contact>,
    #[serde(default)]
    page: String,
}

/// Its place in the conversation.
#[derive(Debug, Serialize)]
pub(crate) struct Stored {
    seq: i64,
}

/// Stores a message.
pub(crate) async fn send(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    Known(visitor): Known,
    headers: axum::http::HeaderMap,
    body: Result<Json<Sent>, JsonRejection>,
) -> Result<(StatusCode, Json<Stored>), Problem> {
    let Json(sent) = body.map_err(unreadable)?;
    platform.limits.take(origin.ip, platform.env.now()).map_err(Problem::too_many)?;
    let id: MessageId = sent
        .id
        .parse()
        .map_err(|error: ismart_domain::id::IdError| Problem::bad_request("message_id", error.to_string()))?;
    let length = sent.text.chars().count();
    // The widget shows these two to the visitor.
    let english = crate::form::language(&asked.site) == "en";
    if length > TEXT_LIMIT {
        let detail = if english {
            format!(
                "The message has {length} characters; at most {TEXT_LIMIT} are taken. Please send it in parts."
            )
        } else {
            format!("В сообщении {length} знаков, а можно не больше {TEXT_LIMIT}. Отправьте его по частям.")
        };
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "message_too_long", detail));
    }
    if sent.text.trim().is_empty() && sent.choice.is_none() && sent.contact.is_none() {
        let detail = if english { "The message is empty." } else { "Сообщение пустое." };
        return Err(Problem::bad_request("message_empty", detail));
    }
    let incoming = Incoming {
        id,
        text: sent.text.chars().filter(|c| !c.is_control() || *c == '\n').collect(),
        inbound: Inbound {
            choice: sent.choice.map(|c| c.chars().take(200).collect()),
            contact: sent.contact,
            page: sent.page.chars().take(2000).collect(),
        },
        ip: Some(origin.ip.to_string()),
        user_agent: crate::origin::text(&headers, "user-agent").map(|ua| ua.chars().take(300).collect()),
    };
    let seq = platform.desk.receive(visitor, incoming).await?;
    Ok((StatusCode::ACCEPTED, Json(Stored { seq })))
}

/// A body that is no JSON of the expected shape.
pub(crate) fn unreadable(rejection: JsonRejection) -> Problem {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let detail = format!("The body is larger than {} KB. Shorten the message.", crate::BODY_LIMIT / 1024);
        return Problem::new(status, "body_too_large", detail);
    }
    Problem::new(status, "body_invalid", rejection.body_text())
}

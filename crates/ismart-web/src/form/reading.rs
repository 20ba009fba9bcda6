//! Bodies of forms: urlencoded, multipart and JSON.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection};
use axum::extract::{Form, FromRequest, Multipart, Request};
use axum::http::{StatusCode, header};
use serde_json::Value;

use super::fields::Fields;
use super::files::{self, Sent};
use crate::origin::Asked;
use crate::platform::Platform;

/// Why a body was not read: status and words for its sender.
pub(super) type Unread = (StatusCode, String);

/// Reads a form with the files that came with it.
///
/// # Errors
/// 413 for what is over a limit, 415 for a form of body we do not read, 422 for files that are not taken, else 400 with
/// the reason.
pub(super) async fn read_with_files(
    request: Request,
    platform: &Arc<Platform>,
    asked: &Asked,
) -> Result<Sent, Unread> {
    if kind(&request).starts_with("multipart/form-data") {
        return files::read(request, platform, asked).await;
    }
    Ok(Sent { fields: read(request).await?, files: Vec::new() })
}

fn kind(request: &Request) -> String {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    kind.unwrap_or("").to_lowercase()
}

/// Reads the fields of a body.
///
/// # Errors
/// 413 for a body over the limit, 415 for a form of body we do not read, 422 for files, else 400 with the reason.
pub(super) async fn read(request: Request) -> Result<Fields, Unread> {
    let kind = kind(&request);
    if kind.starts_with("application/json") {
        json(request).await
    } else if kind.starts_with("multipart/form-data") {
        multipart(request).await
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        let form: Result<Form<Vec<(String, String)>>, FormRejection> = Form::from_request(request, &()).await;
        match form {
            Ok(Form(pairs)) => Ok(Fields::new(pairs)),
            Err(rejection) => Err(explain(rejection.status(), &rejection.body_text())),
        }
    } else {
        let why = format!(
            "A form is sent as application/x-www-form-urlencoded, multipart/form-data or application/json, not as `{kind}`."
        );
        Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, why))
    }
}

async fn json(request: Request) -> Result<Fields, Unread> {
    let body: Result<Json<Value>, JsonRejection> = Json::from_request(request, &()).await;
    let value = body.map_err(|rejection| explain(rejection.status(), &rejection.body_text()))?.0;
    let Value::Object(map) = value else {
        return Err((StatusCode::BAD_REQUEST, "The JSON body must be an object of fields.".to_owned()));
    };
    let pairs = map.into_iter().filter_map(|(name, value)| {
        let text = match value {
            Value::String(text) => text,
            Value::Bool(true) => "on".to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Bool(false) | Value::Null => return None,
            Value::Array(_) | Value::Object(_) => value.to_string(),
        };
        Some((name, text))
    });
    Ok(Fields::new(pairs))
}

async fn multipart(request: Request) -> Result<Fields, Unread> {
    let mut parts =
        Multipart::from_request(request, &()).await.map_err(|e| explain(e.status(), &e.body_text()))?;
    let mut pairs = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(|e| explain(e.status(), &e.body_text()))? {
        let name = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().is_some_and(|name| !name.is_empty());
        let text = part.bytes().await.map_err(|e| explain(e.status(), &e.body_text()))?;
        if file {
            let why = "Files are not taken here: send the form without the file. Nothing was stored.";
            return Err((StatusCode::UNPROCESSABLE_ENTITY, why.to_owned()));
        }
        pairs.push((name, String::from_utf8_lossy(&text).into_owned()));
    }
    Ok(Fields::new(pairs))
}

pub(super) fn explain(status: StatusCode, why: &str) -> Unread {
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let limit = crate::BODY_LIMIT / 1024;
        return (
            status,
            format!("The form is larger than {limit} KB. Shorten the message and send it again."),
        );
    }
    (status, format!("The form could not be read: {why}"))
}

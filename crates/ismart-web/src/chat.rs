//! The chat of a site: visits, messages, the stream of answers, calendar files.

pub(crate) mod calendar;
pub(crate) mod messages;
pub(crate) mod stream;
pub(crate) mod visit;

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use ismart_store::visits::{self, Visitor};

use crate::origin::{Asked, text};
use crate::platform::Platform;
use crate::problem::Problem;

/// The visitor whose token the request carries.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known(pub(crate) Visitor);

impl FromRequestParts<Arc<Platform>> for Known {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let asked = Asked::from_request_parts(parts, platform).await.map_err(|_host| unknown())?;
        let token = text(&parts.headers, "authorization").and_then(|v| v.strip_prefix("Bearer "));
        let visitor = by_token(platform, token.ok_or_else(unknown)?).await?.ok_or_else(unknown)?;
        if visitor.site_id == asked.place.site_id { Ok(Self(visitor)) } else { Err(unknown()) }
    }
}

pub(crate) async fn by_token(platform: &Platform, token: &str) -> Result<Option<Visitor>, Problem> {
    let mut conn = platform.store.read().await?;
    Ok(visits::by_token(&mut conn, &ismart_store::sha256_hex(token)).await?)
}

fn unknown() -> Problem {
    let detail =
        "The visitor is not known on this site: call /api/chat/visit first and send its token as Bearer.";
    Problem::new(StatusCode::UNAUTHORIZED, "unknown_visitor", detail)
}

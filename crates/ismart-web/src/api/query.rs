//! Query strings, paths and bodies whose refusals are problems like all others.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;

use crate::platform::Platform;
use crate::problem::Problem;

/// The query string; unknown and doubled parameters are refused.
#[derive(Debug)]
pub(super) struct Wish<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Platform>> for Wish<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, platform).await;
        match read {
            Ok(Query(wish)) => Ok(Self(wish)),
            Err(rejection) => Err(Problem::bad_request("query", rejection.body_text())),
        }
    }
}

/// The segments of the path.
#[derive(Debug)]
pub(super) struct Segments<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<Platform>> for Segments<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let read: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, platform).await;
        match read {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(rejection) => Err(Problem::not_found(rejection.body_text())),
        }
    }
}

/// A JSON body.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<Platform>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, platform: &Arc<Platform>) -> Result<Self, Problem> {
        let read: Result<Json<T>, JsonRejection> = Json::from_request(request, platform).await;
        match read {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                let detail =
                    format!("The body is larger than {} KB: send less at once.", crate::BODY_LIMIT / 1024);
                Err(Problem::new(rejection.status(), "body_too_large", detail))
            }
            Err(rejection) => Err(Problem::new(rejection.status(), "body", rejection.body_text())),
        }
    }
}

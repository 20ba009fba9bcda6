//! `POST /hooks/{client}/{destination}`: a CRM says that records have changed.
//!
//! A hook is believed in nothing but which records to look at, and only when it proves itself: by the token that the CRM
//! sends in the body, or by `?key=` of the address where the CRM sends none. What it names is noted durably, then
//! answered; reading it is the follower's work ([`ismart_leads::outcomes`]).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arc_swap::ArcSwap;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use ismart_domain::outcome::{HookMessage, HookPairs};
use ismart_domain::{ClientId, Secret};
use serde::Deserialize;
use subtle::ConstantTimeEq;

use crate::platform::Platform;

/// The largest body of a hook, bytes: amoCRM tells of many records at once.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// A destination whose hooks are taken.
#[derive(Debug)]
pub struct Hook {
    /// The client.
    pub client_id: ClientId,
    /// The client's slug, as the address has it.
    pub client: String,
    /// Name of the destination, as the address has it.
    pub destination: String,
    /// What a hook proves itself by.
    pub token: Secret,
    /// Reads the body of a hook of this kind of CRM.
    pub read: fn(&HookPairs) -> HookMessage,
    counted: Counted,
}

/// How many hooks came since the start.
#[derive(Debug, Default)]
struct Counted {
    taken: AtomicU64,
    refused: AtomicU64,
}

impl Hook {
    /// A destination whose hooks prove themselves by `token`.
    #[must_use]
    pub fn new(
        client_id: ClientId,
        client: &str,
        destination: &str,
        token: Secret,
        read: fn(&HookPairs) -> HookMessage,
    ) -> Self {
        let (client, destination) = (client.to_owned(), destination.to_owned());
        Self { client_id, client, destination, token, read, counted: Counted::default() }
    }

    /// How many hooks were taken since the start.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.counted.taken.load(Ordering::Relaxed)
    }

    /// How many hooks were refused since the start: they did not prove themselves.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.counted.refused.load(Ordering::Relaxed)
    }
}

/// The destinations whose hooks are taken.
#[derive(Debug, Default)]
pub struct HookDesk {
    hooks: ArcSwap<Vec<Arc<Hook>>>,
}

impl HookDesk {
    /// Takes hooks of these destinations from here on, and of no others.
    pub fn replace(&self, hooks: Vec<Hook>) {
        self.hooks.store(Arc::new(hooks.into_iter().map(Arc::new).collect()));
    }

    /// The one of a client's destination.
    #[must_use]
    pub fn find(&self, client: &str, destination: &str) -> Option<Arc<Hook>> {
        let hooks = self.hooks.load();
        hooks.iter().find(|hook| hook.client == client && hook.destination == destination).cloned()
    }
}

/// What stands in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    key: String,
}

/// Takes a hook. An unknown destination and a wrong token look the same from outside.
pub(crate) async fn hear(
    State(platform): State<Arc<Platform>>,
    Path((client, destination)): Path<(String, String)>,
    Query(asked): Query<Asked>,
    form: Result<Form<Vec<(String, String)>>, FormRejection>,
) -> StatusCode {
    let Some(hook) = platform.hooks.find(&client, &destination) else { return StatusCode::FORBIDDEN };
    let Ok(Form(pairs)) = form else { return StatusCode::BAD_REQUEST };
    let message = (hook.read)(&pairs);
    let proof = message.proof.unwrap_or(asked.key);
    let expected = hook.token.reveal();
    if expected.is_empty() || !bool::from(proof.as_bytes().ct_eq(expected.as_bytes())) {
        hook.counted.refused.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(client, destination, "a hook that did not prove itself was refused");
        return StatusCode::FORBIDDEN;
    }
    let noted =
        ismart_leads::outcomes::hear(&platform.store, hook.client_id, &destination, message.records).await;
    match noted {
        Ok(()) => {
            hook.counted.taken.fetch_add(1, Ordering::Relaxed);
            StatusCode::OK
        }
        Err(error) => {
            tracing::error!(error = %error, client, destination, "a hook could not be noted");
            StatusCode::SERVICE_UNAVAILABLE
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::http::Request;
    use axum::routing::post;
    use ismart_domain::outcome::{RecordKind, RecordRef};
    use ismart_store::outcomes;
    use tower::ServiceExt;

    use super::*;
    use crate::console::tests::House;

    fn read(pairs: &HookPairs) -> HookMessage {
        let value =
            |wanted: &str| pairs.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
        let id = value("id").and_then(|id| id.parse().ok());
        let records = id.map(|id| RecordRef { kind: RecordKind::Lead, id }).into_iter().collect();
        HookMessage { proof: value("token"), records }
    }

    async fn sent(house: &House, path: &str, body: &str) -> StatusCode {
        let app = Router::new().route("/hooks/{client}/{destination}", post(hear));
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body.to_owned()))
            .unwrap();
        app.with_state(house.platform.clone()).oneshot(request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_hook_is_noted_when_it_proves_itself_and_counted_when_it_does_not() {
        let house = House::empty().await;
        let hook =
            |name: &str, token: &str| Hook::new(house.client, "avtograd", name, Secret::new(token), read);
        house.platform.hooks.replace(vec![hook("crm", "tok"), hook("open", "")]);
        for (path, body, status) in [
            ("/hooks/avtograd/crm", "id=41&token=tok", 200),
            ("/hooks/avtograd/crm", "id=41&token=tok", 200),
            ("/hooks/avtograd/crm?key=tok", "id=42", 200),
            ("/hooks/avtograd/crm", "id=43&token=forged", 403),
            ("/hooks/avtograd/crm?key=tok", "id=43&token=forged", 403),
            ("/hooks/avtograd/crm", "id=43", 403),
            ("/hooks/avtograd/other", "id=43&token=tok", 403),
            ("/hooks/shina/crm", "id=43&token=tok", 403),
            ("/hooks/avtograd/open", "id=43&token=", 403),
            ("/hooks/avtograd/open?key=", "id=43", 403),
            ("/hooks/avtograd/crm", "id=x&token=tok", 200),
        ] {
            assert_eq!(sent(&house, path, body).await.as_u16(), status, "{path} {body}");
        }
        let hook = house.platform.hooks.find("avtograd", "crm").unwrap();
        assert_eq!((hook.taken(), hook.refused()), (4, 3));
        let mut conn = house.platform.store.read().await.unwrap();
        let noted = outcomes::noted(&mut conn, house.client, "crm", 9).await.unwrap();
        assert_eq!(noted.iter().map(|look| look.record.id).collect::<Vec<_>>(), [41, 42]);
    }
}

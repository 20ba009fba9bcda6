//! How much a key has asked for: counted, limited, and told in every answer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use axum::extract::Request;
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use ismart_domain::ApiTokenId;
use ismart_sites::{FormShape, Snapshot};
use jiff::Timestamp;

use crate::rate::{Drawn, Limits};

/// The seconds that the quota is for.
const WINDOW: u32 = 60;
/// How often the time of a key's last use is written at most.
const TOUCH: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

/// Who is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Sender {
    Key(ApiTokenId),
    Address(IpAddr),
}

/// Forms by key of the site, each with the snapshot that they were read from.
type FormsOfSites = HashMap<String, (Weak<Snapshot>, Arc<[FormShape]>)>;

/// What the API remembers between requests.
#[derive(Debug)]
pub(crate) struct Desk {
    limits: Limits<Sender>,
    used: Mutex<HashMap<ApiTokenId, Timestamp>>,
    forms: Mutex<FormsOfSites>,
}

impl Desk {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self { limits: Limits::new(per_minute), used: Mutex::default(), forms: Mutex::default() }
    }

    /// Counts one request.
    pub(super) fn count(&self, sender: Sender, now: Timestamp) -> Drawn {
        self.limits.draw(sender, now)
    }

    /// Whether the use of a key should be written down now.
    pub(super) fn should_touch(&self, id: ApiTokenId, now: Timestamp) -> bool {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let due = used.get(&id).is_none_or(|at| now.duration_since(*at) >= TOUCH);
        if due {
            used.insert(id, now);
        }
        due
    }

    /// The forms of a site; read off its pages once for each snapshot.
    pub(super) fn forms(&self, site: &Arc<Snapshot>, now: Timestamp) -> Arc<[FormShape]> {
        let key = &site.config().site;
        let known = |forms: &FormsOfSites| {
            let (of, found) = forms.get(key)?;
            std::ptr::eq(of.as_ptr(), Arc::as_ptr(site)).then(|| found.clone())
        };
        if let Some(found) = known(&self.forms.lock().unwrap_or_else(PoisonError::into_inner)) {
            return found;
        }
        let found: Arc<[FormShape]> = site.forms(now).into();
        let mut forms = self.forms.lock().unwrap_or_else(PoisonError::into_inner);
        forms.insert(key.clone(), (Arc::downgrade(site), found.clone()));
        found
    }
}

/// Where an extractor leaves what it counted, for the answer's headers.
#[derive(Debug, Clone, Default)]
pub(super) struct Counted(Arc<OnceLock<Drawn>>);

impl Counted {
    pub(super) fn note(&self, drawn: Drawn) {
        // Two extractors of one request count once; the first figure stands.
        let _again = self.0.set(drawn).is_err();
    }

    pub(super) fn is_noted(&self) -> bool {
        self.0.get().is_some()
    }
}

/// Adds `RateLimit-Policy` and `RateLimit` to the answer.
pub(super) async fn tell(mut request: Request, next: Next) -> Response {
    let counted = Counted::default();
    request.extensions_mut().insert(counted.clone());
    let mut response = next.run(request).await;
    if let Some(drawn) = counted.0.get() {
        let reset = if drawn.wait > 0 { drawn.wait } else { 1 };
        let lines = [
            ("ratelimit-policy", format!("\"default\";q={};w={WINDOW}", drawn.quota)),
            ("ratelimit", format!("\"default\";r={};t={reset}", drawn.left)),
        ];
        for (name, line) in lines {
            if let Ok(value) = HeaderValue::from_str(&line) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    response
}

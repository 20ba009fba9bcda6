//! CallTouch's requests API: registering requests of a site, and the journal that shows them.
//!
//! Emulated: `…/calls-service/RestAPI/requests/{site}/register/` by GET and POST, which needs no token, and
//! `…/calls-service/RestAPI/requests` with `clientApiId`. A request with an empty `sessionId` is refused whole, as the real
//! service does.

use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State as Given};
use axum::response::Response;
use axum::routing::{any, get};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use crate::StartError;
use crate::fault::Wording;
use crate::log::FindingKind;
use crate::stage::{Call, Reply, Running, Stage, parameters, play, text};

/// A request as it was registered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The service's id.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// Our number.
    pub number: String,
    /// Name of the form.
    pub subject: String,
    /// Name of the person.
    pub fio: String,
    /// Phone.
    pub phone: String,
    /// E-mail.
    pub email: String,
    /// Comment.
    pub comment: String,
    /// The visitor's session.
    pub session: Option<String>,
}

/// What the service keeps.
#[derive(Debug)]
pub struct Keeps {
    site: String,
    token: String,
    revoked: bool,
    requests: Vec<Registered>,
}

/// A running service with one site.
#[derive(Debug)]
pub struct CallTouch(Running<Keeps>);

impl Deref for CallTouch {
    type Target = Running<Keeps>;

    fn deref(&self) -> &Running<Keeps> {
        &self.0
    }
}

const WORDING: Wording = Wording {
    content_type: "application/json;charset=UTF-8",
    refusal: |status, code| json!({"errorCode": status, "message": code.unwrap_or("refused by a fault rule")}),
    torn: r#"{"requestId":1"#,
};

impl CallTouch {
    /// Opens it on a free port of this machine, or on `listen`, for one site and the token of its journal.
    ///
    /// # Errors
    /// [`StartError`] when the address is taken.
    pub async fn start(
        site: u64,
        token: &str,
        listen: Option<SocketAddr>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let keeps =
            Keeps { site: site.to_string(), token: token.to_owned(), revoked: false, requests: Vec::new() };
        let ledger = |keeps: &Keeps| keeps.requests.iter().map(row).collect();
        let stage = Stage::new(Box::new(clock), WORDING, ledger, keeps);
        let router = Router::new()
            .route("/calls-service/RestAPI/requests/{site}/register/", any(register))
            .route("/calls-service/RestAPI/requests", get(journal))
            .with_state(stage.clone());
        Ok(Self(Running::start(stage, router, listen).await?))
    }

    /// The token is not valid any more.
    pub fn revoke(&self) {
        self.stage.lock().state.revoked = true;
    }

    /// What was registered, oldest first.
    #[must_use]
    pub fn registered(&self) -> Vec<Registered> {
        self.stage.lock().state.requests.clone()
    }

    /// Stops serving.
    pub async fn shutdown(self) {
        self.0.shutdown().await;
    }
}

fn no(status: u16, code: i64, message: &str) -> Reply {
    Reply::refusal(status, code, json!({"errorCode": code, "message": message}))
}

async fn register(
    Given(stage): Given<Arc<Stage<Keeps>>>,
    Path(site): Path<String>,
    request: Request,
) -> Response {
    let http_method = request.method().as_str().to_owned();
    let read = parameters(request).await;
    let call = Call {
        http_method,
        path: format!("/calls-service/RestAPI/requests/{site}/register/"),
        operation: "requests.register".to_owned(),
        writes: true,
        params: read.clone().unwrap_or_default(),
    };
    play(stage, call, move |kept, now| {
        let keeps = &mut kept.state;
        if site != keeps.site {
            return no(404, 404, "Site not found");
        }
        let Ok(params) = read else { return no(400, 400, "Bad request") };
        let given = |key: &str| text(&params, key).unwrap_or_default();
        if params.contains_key("sessionId") && given("sessionId").trim().is_empty() {
            return no(400, 1004, "Invalid sessionId");
        }
        if ["fio", "phoneNumber", "email"].iter().all(|key| given(key).trim().is_empty()) {
            return no(400, 1001, "At least one of fio, phoneNumber, email is required");
        }
        if given("subject").chars().count() > 256 {
            return no(400, 1002, "subject is too long");
        }
        let id = u64::try_from(keeps.requests.len()).unwrap_or(u64::MAX).saturating_add(57_000_001);
        let number = given("requestNumber");
        let twice = !number.is_empty() && keeps.requests.iter().any(|known| known.number == number);
        keeps.requests.push(Registered {
            id,
            at: now,
            number,
            subject: given("subject"),
            fio: given("fio"),
            phone: given("phoneNumber"),
            email: given("email"),
            comment: given("comment"),
            session: text(&params, "sessionId"),
        });
        let reply = Reply::json(200, json!({"requestId": id})).made("request", id);
        if twice {
            reply.odd(
                FindingKind::ValueChanged,
                "requestNumber",
                "is registered already; a second one is made",
            )
        } else {
            reply
        }
    })
    .await
}

fn row(one: &Registered) -> Value {
    let zone = TimeZone::get("Europe/Moscow").unwrap_or(TimeZone::UTC);
    let local = one.at.to_zoned(zone).strftime("%d/%m/%Y %H:%M:%S").to_string();
    json!({
        "requestId": one.id, "requestNumber": one.number, "date": one.at.as_millisecond(), "dateStr": local,
        "subject": one.subject, "comment": one.comment, "sessionId": one.session,
        "client": {"fio": one.fio, "phones": [{"phoneNumber": one.phone}], "contacts": [], "email": one.email},
    })
}

async fn journal(Given(stage): Given<Arc<Stage<Keeps>>>, request: Request) -> Response {
    let params = parameters(request).await.unwrap_or_default();
    let mut shown: Map<String, Value> = params.clone();
    if shown.contains_key("clientApiId") {
        shown.insert("clientApiId".into(), "***".into());
    }
    let call = Call {
        http_method: "GET".to_owned(),
        path: "/calls-service/RestAPI/requests".to_owned(),
        operation: "requests.journal".to_owned(),
        writes: false,
        params: shown,
    };
    play(stage, call, move |kept, _| {
        let keeps = &kept.state;
        let given = |key: &str| text(&params, key).unwrap_or_default();
        if keeps.revoked || given("clientApiId") != keeps.token {
            return no(403, 403, "Access denied: wrong clientApiId");
        }
        if given("siteId") != keeps.site {
            return no(403, 403, "Access denied: wrong siteId");
        }
        let (Some(from), Some(to)) = (american(&given("dateFrom")), american(&given("dateTo"))) else {
            return no(400, 400, "dateFrom and dateTo must be mm/dd/yyyy");
        };
        let zone = TimeZone::get("Europe/Moscow").unwrap_or(TimeZone::UTC);
        let inside = keeps.requests.iter().filter(|one| {
            let date = one.at.to_zoned(zone.clone()).date();
            from <= date && date <= to
        });
        Reply::json(200, inside.map(row).collect())
    })
    .await
}

/// `mm/dd/yyyy`.
fn american(text: &str) -> Option<jiff::civil::Date> {
    jiff::civil::Date::strptime("%m/%d/%Y", text).ok()
}

//! Talking to one account: within its limits, and with every answer judged.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ismart_domain::Secret;
use ismart_domain::delivery::DeliveryError;
use ismart_http::{Client, Response};
use serde_json::Value;

use super::answer::{Answer, read};
use super::judge::{BLOCKED, Judge};
use super::place::Place;
use super::tokens::Tokens;
use crate::Egress;
use crate::effect::Effect;
use crate::limit::{Limits, Rate};

/// What the account's limits are kept under: they hold for all operations together.
const ALL: &str = "account";
/// The pause after the first refusal for too many requests; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// One account, by one token.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) place: Place,
    /// What stands in the setting, to be cut out of texts.
    setting: Secret,
    tokens: Tokens,
    http: Client,
    limits: Arc<Limits>,
    /// Refusals for too many requests since the last one that passed.
    refusals: AtomicU32,
}

impl Account {
    pub(super) fn new(place: Place, setting: Secret, tokens: Tokens, rate: Rate, egress: &Egress) -> Self {
        let limits = egress.limits(&format!("amocrm {}", place.host), rate);
        Self { place, setting, tokens, http: egress.http().clone(), limits, refusals: AtomicU32::new(0) }
    }

    pub(super) fn judge<'a>(&'a self, operation: &'a str, effect: Effect) -> Judge<'a> {
        Judge { host: &self.place.host, token: &self.setting, operation, effect }
    }

    /// Asks; `None` when nothing is there.
    pub(super) async fn get(&self, operation: &str, query: &str) -> Result<Option<Value>, DeliveryError> {
        self.send(operation, query, None, Effect::Reads).await
    }

    /// Writes; gives the answer's body.
    pub(super) async fn post(
        &self,
        operation: &str,
        body: &Value,
        effect: Effect,
    ) -> Result<Option<Value>, DeliveryError> {
        self.send(operation, "", Some(body), effect).await
    }

    async fn send(
        &self,
        operation: &str,
        query: &str,
        body: Option<&Value>,
        effect: Effect,
    ) -> Result<Option<Value>, DeliveryError> {
        let judge = self.judge(operation, effect);
        // A failed exchange of tokens is held against no lead: nothing of the call itself was sent.
        let buying = self.judge("oauth2/access_token", Effect::Reads);
        let mut token = self.tokens.access(&self.http, &self.place, buying, None).await?;
        let mut response = self.exchange(judge, operation, query, body, &token).await?;
        if response.status() == 401 && self.tokens.replaceable() {
            token = self.tokens.access(&self.http, &self.place, buying, Some(&token)).await?;
            response = self.exchange(judge, operation, query, body, &token).await?;
        }
        let status = response.status();
        let pause = self.heed(status, response.content_type().as_deref());
        match read(&response) {
            Answer::Done(body) => Ok(body),
            Answer::Refused(refusal) => Err(judge.refusal(&refusal, pause)),
            Answer::Foreign { .. } if status == 429 => {
                Err(judge.later(Some(pause), format!("{} answered 429; it asks to wait", self.place.host)))
            }
            Answer::Foreign { moved_to, what } => Err(judge.foreign(status, moved_to.as_deref(), &what)),
        }
    }

    /// One request, in its turn.
    async fn exchange(
        &self,
        judge: Judge<'_>,
        operation: &str,
        query: &str,
        body: Option<&Value>,
        token: &Secret,
    ) -> Result<Response, DeliveryError> {
        if let Err(wait) = self.limits.admit(&[ALL]).await {
            let reason = format!("{}: its request limit is used up", self.place.host);
            return Err(judge.later(Some(wait.after), reason));
        }
        let url = self.place.api(&format!("{operation}{query}"));
        let request = match body {
            Some(body) => self.http.post(&url).json(body),
            None => self.http.get(&url),
        };
        // A query names the person who is looked for.
        let request = if query.is_empty() { request } else { request.secret_path() };
        let request = request.header("Authorization", &format!("Bearer {}", token.reveal()));
        request.send().await.map_err(|failure| judge.failure(&failure))
    }

    /// Passes on to everybody who uses the account what a status says about limits. Gives the pause.
    fn heed(&self, status: u16, content_type: Option<&str>) -> Duration {
        let page = !content_type.is_some_and(|kind| kind.contains("json"));
        match status {
            429 => {
                let before = self.refusals.fetch_add(1, Ordering::Relaxed);
                let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(before));
                let pause = doubled.min(LONGEST_PAUSE);
                self.limits.park(ALL, pause);
                pause
            }
            403 if page => {
                tracing::error!(account = %self.place.host, "the account's API is blocked; nothing is sent for an hour");
                self.limits.park(ALL, BLOCKED);
                BLOCKED
            }
            _ => {
                self.refusals.store(0, Ordering::Relaxed);
                Duration::ZERO
            }
        }
    }
}

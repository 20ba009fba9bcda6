//! Talking to one portal: within its limits, and with every answer judged.

use std::sync::Arc;

use ismart_domain::delivery::DeliveryError;
use ismart_http::Client;
use serde_json::{Map, Value, json};

use super::answer::{Answer, BatchAnswer, Load, Refusal, read};
use super::judge::{Effect, Judge, OVERFLOWED, THROTTLED, throttle_pause};
use super::query::Command;
use super::webhook::Webhook;
use crate::Egress;
use crate::limit::{Limits, Rate};

/// A method is called for at most 480 s in ten minutes; at four fifths of that it is given a rest.
const OPERATING_LIMIT: f64 = 480.0 * 0.8;

/// One portal, by one webhook.
#[derive(Debug)]
pub(super) struct Portal {
    pub(super) webhook: Webhook,
    http: Client,
    limits: Arc<Limits>,
}

impl Portal {
    pub(super) fn new(webhook: Webhook, rate: Rate, egress: &Egress) -> Self {
        let limits = egress.limits(&webhook.portal, rate);
        Self { webhook, http: egress.http().clone(), limits }
    }

    pub(super) fn judge<'a>(&'a self, method: &'a str, effect: Effect) -> Judge<'a> {
        Judge { webhook: &self.webhook, method, effect }
    }

    /// Calls one method and gives its `result`.
    pub(super) async fn call(
        &self,
        method: &str,
        params: &Value,
        effect: Effect,
    ) -> Result<Value, DeliveryError> {
        match self.send(method, &[], params, effect).await? {
            Ok((result, load)) => {
                self.heed(method, load);
                Ok(result)
            }
            Err(refusal) => {
                self.throttle(method, &refusal);
                Err(self.judge(method, effect).refusal(&refusal))
            }
        }
    }

    /// Calls several reading methods in one request. What each came to is in the answer; the error is for the
    /// request as a whole.
    pub(super) async fn batch(&self, commands: &[Command]) -> Result<BatchAnswer, DeliveryError> {
        let lines: Map<String, Value> =
            commands.iter().map(|command| (command.key.to_owned(), command.line().into())).collect();
        let inner: Vec<&str> = commands.iter().map(|command| command.method).collect();
        let params = json!({"halt": 0, "cmd": lines});
        let judge = self.judge("batch", Effect::Reads);
        let (result, _) = match self.send("batch", &inner, &params, Effect::Reads).await? {
            Ok(done) => done,
            Err(refusal) => {
                self.throttle("batch", &refusal);
                return Err(judge.refusal(&refusal));
            }
        };
        let Some(answer) = BatchAnswer::read(&result) else {
            return Err(judge.later(None, "the portal answered a batch in an unknown shape"));
        };
        for command in commands {
            self.heed(command.method, answer.loads.get(command.key).copied());
            if let Some(Err(refusal)) = answer.outcomes.get(command.key) {
                self.throttle(command.method, refusal);
            }
        }
        Ok(answer)
    }

    /// One request for `method`, which calls the `inner` ones. `Ok(Err(_))` is a refusal in the portal's own words.
    async fn send(
        &self,
        method: &str,
        inner: &[&str],
        params: &Value,
        effect: Effect,
    ) -> Result<Result<(Value, Option<Load>), Refusal>, DeliveryError> {
        let judge = self.judge(method, effect);
        let methods: Vec<&str> = inner.iter().copied().chain([method]).collect();
        if let Err(wait) = self.limits.admit(&methods).await {
            let portal = &self.webhook.portal;
            return Err(judge.later(Some(wait.after), format!("{portal}: its request limit is used up")));
        }
        let request = self.http.post(&self.webhook.method(method)).secret_path().json(params);
        let response = request.send().await.map_err(|failure| judge.failure(&failure))?;
        match read(&response) {
            Answer::Done { result, load } => Ok(Ok((result, load))),
            Answer::Refused(refusal) => Ok(Err(refusal)),
            Answer::Foreign { moved_to, what } => {
                if response.status() == 429 {
                    self.limits.park(method, THROTTLED);
                }
                Err(judge.foreign(response.status(), moved_to.as_deref(), &what))
            }
        }
    }

    /// Gives a method a rest before its time budget is used up.
    fn heed(&self, method: &str, load: Option<Load>) {
        if let Some(load) = load.filter(|load| load.operating >= OPERATING_LIMIT) {
            tracing::info!(portal = %self.webhook.portal, method, operating_s = load.operating, "method rests");
            self.limits.park(method, load.resets_in);
        }
    }

    /// Passes on what a refusal says about limits to everybody who uses the portal.
    fn throttle(&self, method: &str, refusal: &Refusal) {
        match refusal.code.as_str() {
            "QUERY_LIMIT_EXCEEDED" => self.limits.full(OVERFLOWED),
            "OPERATION_TIME_LIMIT" => self.limits.park(method, throttle_pause(refusal)),
            _ if refusal.status == Some(429) => self.limits.park(method, throttle_pause(refusal)),
            _ => {}
        }
    }
}

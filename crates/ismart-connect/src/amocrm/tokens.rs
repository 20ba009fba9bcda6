//! The token of a call: one that lasts for years, or the newest of pairs that replace each other.

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::Secret;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::ports::{KeeperError, KeptPair, TokenKeeper, TokenPair};
use ismart_http::{Client, Failure, Response};
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::judge::Judge;
use super::place::Place;

/// An access token is replaced this long before its end.
const MARGIN: SignedDuration = SignedDuration::from_mins(2);
/// Who replaces a pair has this long; then the right falls to others.
const CLAIM: SignedDuration = SignedDuration::from_secs(60);
/// How often somebody else's exchange is looked after, and how long in all.
const LOOK: Duration = Duration::from_millis(250);
const LOOKS: u32 = 40;

/// An application that the account has let in.
#[derive(Debug, Clone)]
pub(super) struct Integration {
    pub(super) client_id: String,
    pub(super) client_secret: Secret,
    pub(super) redirect_uri: String,
}

/// What opens the account.
#[derive(Debug)]
pub(super) enum Tokens {
    /// The setting itself.
    Lasting(Secret),
    /// Pairs, begun by a code.
    Rotating(Rotating),
}

/// Pairs of tokens, of which the second token works once.
#[derive(Debug)]
pub(super) struct Rotating {
    pub(super) integration: Integration,
    /// The authorisation code that the first pair is bought with.
    pub(super) code: Secret,
    pub(super) keeper: Arc<dyn TokenKeeper>,
    /// One exchange at a time in this process; other processes are kept out by the keeper's claim.
    pub(super) gate: Arc<Semaphore>,
    pub(super) name: String,
}

/// What an exchange came to.
enum Exchange {
    Bought(TokenPair),
    /// The code or token is worth nothing any more.
    Worthless(String),
}

impl Tokens {
    /// The token for the next call. `refused` is one that the account has just turned down.
    ///
    /// # Errors
    /// What stands between us and a token, judged as any call.
    pub(super) async fn access(
        &self,
        http: &Client,
        place: &Place,
        judge: Judge<'_>,
        refused: Option<&Secret>,
    ) -> Result<Secret, DeliveryError> {
        match self {
            Self::Lasting(token) => Ok(token.clone()),
            Self::Rotating(rotating) => rotating.access(http, place, judge, refused).await,
        }
    }

    /// Whether another token could be had in place of a refused one.
    pub(super) fn replaceable(&self) -> bool {
        matches!(self, Self::Rotating(_))
    }
}

impl Rotating {
    async fn access(
        &self,
        http: &Client,
        place: &Place,
        judge: Judge<'_>,
        refused: Option<&Secret>,
    ) -> Result<Secret, DeliveryError> {
        let unkept = |error: KeeperError| judge.later(None, error.to_string());
        let fits = |kept: &KeptPair| kept.pair.lasts > MARGIN && Some(&kept.pair.access) != refused;
        if let Some(kept) = self.keeper.load(&self.name).await.map_err(unkept)?.filter(fits) {
            return Ok(kept.pair.access);
        }
        let _one_at_a_time = self.gate.acquire().await;
        for _ in 0..LOOKS {
            // Read again behind the gate: whoever was there first has brought a new pair.
            let kept = self.keeper.load(&self.name).await.map_err(unkept)?;
            if let Some(kept) = kept.as_ref().filter(|kept| fits(kept)) {
                return Ok(kept.pair.access.clone());
            }
            let version = kept.as_ref().map_or(0, |kept| kept.version);
            if self.keeper.claim(&self.name, version, CLAIM).await.map_err(unkept)? {
                let done = self.replace(http, place, judge, kept).await;
                if done.is_err() {
                    self.keeper.release(&self.name, version).await.map_err(unkept)?;
                }
                return done;
            }
            sleep(LOOK).await;
        }
        Err(judge.later(Some(LOOK), format!("{}: another process is exchanging the tokens", place.host)))
    }

    /// Buys a new pair and keeps it before anybody uses it.
    async fn replace(
        &self,
        http: &Client,
        place: &Place,
        judge: Judge<'_>,
        kept: Option<KeptPair>,
    ) -> Result<Secret, DeliveryError> {
        let version = kept.as_ref().map_or(0, |kept| kept.version);
        let mut worthless = None;
        if let Some(kept) = &kept {
            match self.buy(http, place, judge, "refresh_token", &kept.pair.refresh).await? {
                Exchange::Bought(pair) => return self.keep(judge, version, pair).await,
                Exchange::Worthless(said) => worthless = Some(said),
            }
        }
        // The first time, and after a person has connected anew: then `token` holds a fresh code.
        match self.buy(http, place, judge, "authorization_code", &self.code).await? {
            Exchange::Bought(pair) => self.keep(judge, version, pair).await,
            Exchange::Worthless(said) => {
                let said = worthless.unwrap_or(said);
                Err(judge.settings(&format!(
                    "{}: {said}; connect the account anew: open the integration in amoCRM and put the new authorisation \
                     code, which lives 20 minutes, into `token`; leads wait meanwhile",
                    place.host
                )))
            }
        }
    }

    async fn keep(&self, judge: Judge<'_>, version: i64, pair: TokenPair) -> Result<Secret, DeliveryError> {
        let unkept = |error: KeeperError| judge.later(None, error.to_string());
        if self.keeper.keep(&self.name, version, &pair).await.map_err(unkept)? {
            return Ok(pair.access);
        }
        Err(judge.later(Some(LOOK), "another process has exchanged the tokens meanwhile"))
    }

    /// One exchange. When its answer is lost the same one is tried once more at once: it works if the account did not
    /// get the first one.
    async fn buy(
        &self,
        http: &Client,
        place: &Place,
        judge: Judge<'_>,
        kind: &str,
        value: &Secret,
    ) -> Result<Exchange, DeliveryError> {
        let key = if kind == "refresh_token" { "refresh_token" } else { "code" };
        let body = json!({
            "client_id": self.integration.client_id, "client_secret": self.integration.client_secret.reveal(),
            "redirect_uri": self.integration.redirect_uri, "grant_type": kind, key: value.reveal(),
        });
        let send = || http.post(&place.oauth()).json(&body).send();
        let response = match send().await {
            Err(Failure::Ambiguous { .. }) => send().await,
            other => other,
        };
        let response = response.map_err(|failure| judge.failure(&failure))?;
        match response.status() {
            200 => bought(&response).map(Exchange::Bought).ok_or_else(|| {
                judge.later(None, format!("{} gave out tokens that cannot be read", place.host))
            }),
            400 | 401 | 403 => Ok(Exchange::Worthless(refused(&response))),
            429 => Err(judge.later(Some(Duration::from_secs(5)), format!("{} asks to wait", place.host))),
            status => {
                Err(judge.later(None, format!("{} answered {status} to an exchange of tokens", place.host)))
            }
        }
    }
}

fn bought(response: &Response) -> Option<TokenPair> {
    let body: Value = response.json().ok()?;
    let text =
        |key: &str| body.get(key).and_then(Value::as_str).filter(|text| !text.is_empty()).map(Secret::new);
    Some(TokenPair {
        access: text("access_token")?,
        refresh: text("refresh_token")?,
        lasts: SignedDuration::from_secs(body.get("expires_in")?.as_i64().filter(|seconds| *seconds > 0)?),
    })
}

/// The account's words about a worthless token; never the token.
fn refused(response: &Response) -> String {
    let body: Option<Value> = response.json().ok();
    let hint = body
        .as_ref()
        .and_then(|body| body.get("hint").or_else(|| body.get("detail")))
        .and_then(Value::as_str);
    format!(
        "amoCRM refused the exchange of tokens ({}): {}",
        response.status(),
        hint.unwrap_or("without a reason")
    )
}

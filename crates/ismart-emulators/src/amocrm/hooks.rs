//! Telling subscribers: nested forms with gaps, two seconds to answer, a ladder of tries, and switching off who
//! answers badly.

use super::call::News;
use super::core::{Core, State};
use super::store::{Change, Hook};
use crate::php::build_php;
use axum::body::Body;
use axum::http::{Request, Uri, header};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::net::TcpStream;

/// A subscriber answers within this time.
const PATIENCE: Duration = Duration::from_secs(2);
/// The pause before each try after the first, in seconds. The last two are for answers 499 and 5xx only.
const LADDER: [u64; 4] = [300, 900, 900, 3600];
/// What a try without any answer in time counts as.
const NO_ANSWER: u16 = 499;
const BAD_WINDOW_SECONDS: i64 = 7200;
const BAD_AT_MOST: usize = 100;

/// How hooks are delivered, for testing what subscribers must bear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Manners {
    /// Nothing is delivered at all.
    pub silent: bool,
    /// Everything is delivered twice.
    pub duplicate: bool,
    /// The parts of one change arrive in the opposite order, each in a request of its own.
    pub reorder: bool,
    /// Everything comes so late, in milliseconds.
    pub delay_ms: u64,
}

/// One try to deliver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// When.
    pub at: Timestamp,
    /// The subscription.
    pub hook_id: u64,
    /// Which try, from 1.
    pub attempt: usize,
    /// What came back; 499 when nothing did in time, 0 when nobody could be reached.
    pub status: u16,
    /// What was sent.
    pub body: String,
}

/// Starts the deliveries of what a request has changed.
pub(super) fn tell(core: &Arc<Core>, news: &[News]) {
    if news.is_empty() {
        return;
    }
    let (hooks, manners, account) = {
        let state = core.lock();
        let hooks: Vec<Hook> = state.store.hooks.values().filter(|hook| !hook.disabled).cloned().collect();
        (hooks, state.manners, account(&state))
    };
    if manners.silent {
        return;
    }
    for hook in hooks {
        let ours: Vec<&News> =
            news.iter().filter(|one| hook.settings.iter().any(|setting| setting == one.setting)).collect();
        let mut bodies: Vec<String> = if manners.reorder {
            ours.iter().rev().map(|one| body(&[one], &account)).collect()
        } else if ours.is_empty() {
            Vec::new()
        } else {
            vec![body(&ours, &account)]
        };
        if manners.duplicate {
            bodies = bodies.into_iter().flat_map(|body| [body.clone(), body]).collect();
        }
        if !bodies.is_empty() {
            tokio::spawn(deliver(
                Arc::downgrade(core),
                hook,
                bodies,
                Duration::from_millis(manners.delay_ms),
            ));
        }
    }
}

fn account(state: &State) -> Value {
    let sub = &state.setup.subdomain;
    json!({"id": state.setup.account_id, "subdomain": sub, "_links": {"self": format!("https://{sub}.amocrm.ru")}})
}

/// `leads[status][0][id]=…`; the second entry of an action has the index 2, as real ones have gaps.
fn body(news: &[&News], account: &Value) -> String {
    let mut tops: BTreeMap<&str, BTreeMap<&str, Vec<&Value>>> = BTreeMap::new();
    for one in news {
        tops.entry(one.top).or_default().entry(one.action).or_default().push(&one.shown);
    }
    let mut all = Map::new();
    for (top, actions) in tops {
        let mut shown = Map::new();
        for (action, entries) in actions {
            let place = |at: usize| if at == 0 { 0 } else { at + 1 };
            let indexed = entries.iter().enumerate();
            let entries: Map<String, Value> =
                indexed.map(|(at, entry)| (place(at).to_string(), (*entry).clone())).collect();
            shown.insert(action.to_owned(), Value::Object(entries));
        }
        all.insert(top.to_owned(), Value::Object(shown));
    }
    all.insert("account".into(), account.clone());
    let mut pairs = Vec::new();
    build_php("", &Value::Object(all), &mut pairs);
    pairs.join("&")
}

/// Tries one body after the other, each up the ladder. Holds the account only while it writes down what came back,
/// so that an account which is gone is not kept alive by its unanswered hooks.
async fn deliver(core: Weak<Core>, hook: Hook, bodies: Vec<String>, delay: Duration) {
    crate::serve::pause(delay).await;
    for body in bodies {
        for attempt in 1..=LADDER.len() + 1 {
            let status = post(&hook.destination, &body, "amoCRM-Webhooks/3.0").await;
            let Some(alive) = core.upgrade() else { return };
            note(&alive, &hook, attempt, status, &body);
            let pace = alive.pace;
            drop(alive);
            let again = match status {
                100..=299 => false,
                499 | 500.. => true,
                _ => attempt < 3,
            };
            let Some(pause) = LADDER.get(attempt - 1).filter(|_| again) else { break };
            tokio::time::sleep(Duration::from_secs(*pause) / pace).await;
        }
    }
}

fn note(core: &Core, hook: &Hook, attempt: usize, status: u16, body: &str) {
    let mut state = core.lock();
    let at = core.now(&state);
    state.delivered.push(Delivered { at, hook_id: hook.id, attempt, status, body: body.to_owned() });
    if !(100..=299).contains(&status) {
        let window = BAD_WINDOW_SECONDS / i64::from(core.pace);
        let bad = state.bad_answers.entry(hook.id).or_default();
        bad.push_back(at.as_second());
        while bad.front().is_some_and(|then| at.as_second() - then > window) {
            bad.pop_front();
        }
        if bad.len() > BAD_AT_MOST
            && let Some(mut known) = state.store.hooks.get(&hook.id).cloned().filter(|known| !known.disabled)
        {
            known.disabled = true;
            // A journal that cannot be written leaves the hook on; the next bad answer tries again.
            drop(state.store.commit(vec![Change::Hook(known)]));
        }
    }
    drop(state);
    core.changes.send_replace(());
}

/// The status of the answer of a subscriber to a form; 499 when none came in time, 0 when nobody could be reached.
pub(crate) async fn post(destination: &str, body: &str, agent: &str) -> u16 {
    match tokio::time::timeout(PATIENCE, exchange(destination, body, agent)).await {
        Ok(status) => status.unwrap_or(0),
        Err(_) => NO_ANSWER,
    }
}

/// `None` when nobody could be reached, or the subscriber wants TLS, which the emulator does not speak.
async fn exchange(destination: &str, body: &str, agent: &str) -> Option<u16> {
    let uri: Uri = destination.parse().ok()?;
    if uri.scheme_str() != Some("http") {
        return None;
    }
    let authority = uri.authority()?;
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    let running = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::post(path)
        .header(header::HOST, authority.as_str())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::USER_AGENT, agent)
        .body(Body::from(body.to_owned()))
        .ok()?;
    let answer = sender.send_request(request).await.ok();
    running.abort();
    answer.map(|answer| answer.status().as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::php::parse_php;

    #[test]
    fn several_entries_of_one_action_have_gaps() {
        let news =
            |id: u64| News { setting: "add_lead", top: "leads", action: "add", shown: json!({"id": id}) };
        let (one, two) = (news(7), news(9));
        let text = body(&[&one, &two], &json!({"id": 1}));
        let parsed = parse_php(&text);
        assert_eq!(Value::Object(parsed)["leads"]["add"], json!({"0": {"id": "7"}, "2": {"id": "9"}}));
        assert!(text.contains("%5B2%5D"), "{text}");
    }
}

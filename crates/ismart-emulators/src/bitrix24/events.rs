//! Telling subscribers what changed: one form per object with nothing but its number in it, from a queue of its own,
//! never repeated.

use super::core::{Core, State};
use super::entity::Entity;
use crate::amocrm::post;
use crate::php::build_php;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    Added,
    Updated,
    Deleted,
}

/// One change, not yet told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    pub(super) entity: Entity,
    pub(super) id: u64,
    pub(super) happened: Happened,
}

impl News {
    /// `ONCRMLEADUPDATE`.
    fn event(self) -> String {
        let happened = match self.happened {
            Happened::Added => "ADD",
            Happened::Updated => "UPDATE",
            Happened::Deleted => "DELETE",
        };
        format!("ONCRM{}{happened}", self.entity.upper())
    }
}

/// An outgoing webhook, as people make it in the portal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Outgoing {
    pub(super) url: String,
    pub(super) application_token: String,
}

/// How events are told, for testing what subscribers must bear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EventManners {
    /// Of a hundred events so many are lost.
    pub lost_percent: u8,
    /// Every event is told twice.
    pub duplicate: bool,
    /// Each event comes after a pause of its own, up to so many milliseconds: they overtake each other.
    pub scatter_ms: u64,
}

/// One event that was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ToldEvent {
    /// When.
    pub at: Timestamp,
    /// `ONCRMLEADUPDATE`.
    pub event: String,
    /// The object's number.
    pub id: u64,
    /// What came back; 0 when nobody could be reached, 499 when nothing came in time.
    pub status: u16,
}

/// Tells what has changed since the last time.
pub(super) fn tell(core: &Arc<Core>) {
    let mut parcels = Vec::new();
    {
        let state = &mut *core.lock();
        let news = std::mem::take(&mut state.store.news);
        let at = core.now(state);
        for one in news {
            for outgoing in state.outgoing.clone() {
                let manners = state.manners;
                for _ in 0..if manners.duplicate { 2 } else { 1 } {
                    if state.rng.below(100) < u64::from(manners.lost_percent) {
                        continue;
                    }
                    let pause = match manners.scatter_ms {
                        0 => 0,
                        most => state.rng.below(most),
                    };
                    let body = body(state, one, &outgoing, at);
                    parcels.push((one, outgoing.url.clone(), body, Duration::from_millis(pause)));
                }
            }
        }
    }
    for (one, url, body, pause) in parcels {
        let core = Arc::downgrade(core);
        tokio::spawn(async move {
            crate::serve::pause(pause).await;
            let status = post(&url, &body, "Bitrix24 Webhook Engine").await;
            let Some(core) = core.upgrade() else { return };
            let mut state = core.lock();
            let at = core.now(&state);
            state.told.push(ToldEvent { at, event: one.event(), id: one.id, status });
            drop(state);
            core.changes.send_replace(());
        });
    }
}

/// `event=ONCRMLEADUPDATE&data[FIELDS][ID]=41&…`.
fn body(state: &State, news: News, outgoing: &Outgoing, at: Timestamp) -> String {
    let shown: Value = json!({
        "event": news.event(),
        "event_handler_id": "709",
        "data": {"FIELDS": {"ID": news.id.to_string()}},
        "ts": at.as_second().to_string(),
        "auth": {
            "domain": "portal.example",
            "client_endpoint": "https://portal.example/rest/",
            "server_endpoint": "https://oauth.example/rest/",
            "member_id": state.member_id,
            "application_token": outgoing.application_token,
        },
    });
    let mut pairs = Vec::new();
    build_php("", &shown, &mut pairs);
    pairs.join("&")
}

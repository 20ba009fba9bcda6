//! The inventory feed of a site: when it was fetched, why not, and fetching it now (`POST /console/site/{site}/feed`).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::Redirect;
use ismart_store::feeds::{self, FeedOutcome, FeedState};
use serde::Serialize;

use super::super::fault::Fault;
use super::super::moment::When;
use super::super::seat::{Editing, Posted, Seat};
use super::{Opened, open};
use crate::feeds::FeedPlan;
use crate::platform::Platform;

/// How long somebody who asked for a feed waits for it; it is fetched all the same.
const PATIENCE: Duration = Duration::from_secs(20);

/// The state of a feed, for the screen of the site.
#[derive(Serialize)]
pub(super) struct FeedLine {
    host: String,
    tone: &'static str,
    /// What came of the last try.
    says: &'static str,
    /// In the words of who failed.
    note: String,
    tried: Option<When>,
    good: Option<When>,
    items: String,
    every: String,
    /// Most of the stock would vanish: a person may say that it is right.
    doubted: bool,
}

/// The feed of a site that fetches one.
pub(super) async fn line(
    platform: &Platform,
    seat: &Seat,
    opened: &Opened,
) -> Result<Option<FeedLine>, Fault> {
    let Some(plan) = FeedPlan::of(opened.site.snapshot.config()).ok().flatten() else { return Ok(None) };
    let (client_id, site_id) = (opened.site.place.client_id, opened.site.place.site_id);
    let state = feeds::of_site(&mut platform.store.read().await?, client_id, site_id).await?;
    let state = state.filter(|state| state.url == plan.url);
    let texts = seat.texts();
    let (tone, key) = match state.as_ref().map(|state| state.outcome) {
        None => ("", "site.feed.waits"),
        Some(FeedOutcome::Fresh | FeedOutcome::Same) => ("good", "site.feed.good"),
        Some(FeedOutcome::Kept) => ("busy", "site.feed.kept"),
        Some(FeedOutcome::Failed) => ("bad", "site.feed.failed"),
    };
    let teller = seat.teller(platform);
    let host = plan.url.split('/').nth(2).unwrap_or_default().to_owned();
    let of = |state: &FeedState| state.items;
    Ok(Some(FeedLine {
        host,
        tone,
        says: texts.get(key),
        note: state.as_ref().map(|state| state.note.clone()).unwrap_or_default(),
        tried: state.as_ref().map(|state| teller.when(state.tried_at)),
        good: state.as_ref().and_then(|state| state.good_at).map(|at| teller.when(at)),
        items: texts.count("site.feed.items", state.as_ref().map_or(0, of)),
        every: texts.count("time.minutes", i64::from(plan.every_minutes)),
        doubted: state.is_some_and(|state| state.outcome == FeedOutcome::Kept),
    }))
}

/// Has the feed fetched now; with `believed`, even when most of the stock would vanish.
pub(in super::super) async fn fetch(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    if !opened.access.whole {
        return Err(Fault::Forbidden);
    }
    FeedPlan::of(opened.site.snapshot.config()).ok().flatten().ok_or(Fault::Missing)?;
    let done = platform.feeds.want(&key, fields.get("believed") == Some("1"));
    // Who is not waited for is fetched later: the screen then shows the state of before.
    let _in_time = tokio::time::timeout(PATIENCE, done).await.is_ok();
    Ok(Redirect::to(&format!("/console/site/{key}#feed")))
}

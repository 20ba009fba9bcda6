//! Sending many deliveries again: first what it means, then the deed.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::{Html, Redirect};
use ismart_leads::queue::{DecideError, Decider};
use ismart_leads::replay as again;
use ismart_store::users;
use serde::Serialize;

use super::{Line, Wish};
use crate::console::fault::Fault;
use crate::console::page::Place;
use crate::console::seat::{Posted, Replaying, Seated};
use crate::platform::Platform;

#[derive(Serialize)]
struct ReplayPage {
    count: String,
    none: bool,
    first: Vec<Line>,
    /// The wish, for the form.
    fields: Vec<(&'static str, String)>,
    back: String,
}

/// Says how many are meant, and shows the oldest.
pub(super) async fn ask(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Replaying>,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, Fault> {
    let (texts, teller) = (seat.texts(), seat.teller(&platform));
    let pick = wish.pick(&seat, teller.now);
    let preview = again::preview(&platform.store, seat.client.id, &pick).await?;
    let people = users::of_client(&mut platform.store.read().await?, seat.client.id).await?;
    let page = ReplayPage {
        count: texts.count("replay_many.count", preview.count),
        none: preview.count == 0,
        first: preview.first.iter().map(|one| Line::of(&seat, &teller, &people, one)).collect(),
        back: format!("/console/deliveries?{}", wish.query()),
        fields: vec![("state", wish.state), ("to", wish.to), ("age", wish.age), ("whose", wish.whose)],
    };
    let title = texts.get("replay_many.title");
    seat.page(&platform, Place::Deliveries, title, "deliveries_replay.twig", &page).await
}

/// Asks for all that are meant again.
pub(super) async fn replay(
    State(platform): State<Arc<Platform>>,
    Posted { seat, fields, .. }: Posted<Replaying>,
) -> Result<Redirect, Fault> {
    let text = |name: &str| fields.get(name).unwrap_or_default().to_owned();
    let wish = Wish {
        state: text("state"),
        to: text("to"),
        age: text("age"),
        whose: text("whose"),
        after: String::new(),
    };
    let user = seat.session.user.id;
    let decider = match Decider::new(Some(user), &text("reason")) {
        Ok(decider) => decider,
        Err(DecideError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(Fault::Invalid("queue_fault.reason")),
    };
    let pick = wish.pick(&seat, platform.env.now());
    let count = again::all(&platform.store, seat.client.id, &pick, &decider).await?;
    tracing::info!(user.id = %user, client.id = %seat.client.id, deliveries = count, "deliveries were asked for again");
    Ok(Redirect::to(&format!("/console/deliveries?{}", wish.query())))
}

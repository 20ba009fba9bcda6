//! What a person sees who opens the emulator in a browser: the leads that arrived.

use super::core::Core;
use super::entity::Entity;
use super::store::StoredItem;
use super::value::iso;
use crate::page::{Page, shown};
use axum::extract::State;
use axum::response::Response;
use std::sync::Arc;

/// The newest leads are shown, no more than this.
const SHOWN: usize = 200;

pub(super) async fn leads(State(core): State<Arc<Core>>) -> Response {
    let page = {
        let state = core.lock();
        let total = state.store.count(Entity::Lead);
        let skip = total.saturating_sub(SHOWN);
        let mut newest: Vec<Arc<StoredItem>> =
            state.store.iter(Entity::Lead, None).skip(skip).cloned().collect();
        newest.reverse();
        let source = |code: &str| match state.directory.status("SOURCE", code) {
            Some(status) => status.name.clone(),
            None => code.to_owned(),
        };
        let rows: Vec<[String; 6]> = newest
            .iter()
            .map(|lead| {
                [
                    lead.id.to_string(),
                    lead.text("title").to_owned(),
                    [lead.text("name"), lead.text("lastName")].join(" ").trim().to_owned(),
                    lead.phones().join(", "),
                    source(lead.text("sourceId")),
                    iso(lead.created_at, state.offset),
                ]
            })
            .collect();
        PEOPLE.render(&rows, total)
    };
    shown(page)
}

const PEOPLE: Page = Page { service: "Bitrix24", place: "портал" };

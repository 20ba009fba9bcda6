//! What a person sees who opens the emulator in a browser: the leads that arrived.

use super::core::Core;
use super::kind::Kind;
use crate::page::{Page, shown};
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use std::sync::Arc;

/// The newest leads are shown, no more than this.
const SHOWN: usize = 200;

const PEOPLE: Page = Page { service: "amoCRM", place: "аккаунт" };

pub(super) async fn leads(State(core): State<Arc<Core>>) -> Response {
    let page = {
        let state = core.lock();
        let store = &state.store;
        let total = store.count(Kind::Lead);
        let phone = store.field(Kind::Contact, None, Some("PHONE")).map(|field| field.id).unwrap_or_default();
        let stage = |id: Option<i64>| {
            let stages = state.setup.pipelines.iter().flat_map(|pipeline| &pipeline.stages);
            let mut named =
                stages.filter(|stage| i64::try_from(stage.id).ok() == id).map(|stage| stage.name.clone());
            named.next_back().unwrap_or_default()
        };
        let rows: Vec<[String; 6]> = store
            .iter(Kind::Lead)
            .rev()
            .take(SHOWN)
            .map(|lead| {
                let person = lead.linked(Kind::Contact).first().and_then(|id| store.get(Kind::Contact, *id));
                [
                    lead.id.to_string(),
                    lead.text("name").to_owned(),
                    person.map(|person| person.text("name").to_owned()).unwrap_or_default(),
                    person.map(|person| person.field(phone).join(", ")).unwrap_or_default(),
                    stage(lead.number("status_id")),
                    Timestamp::from_second(lead.created_at).map(|at| at.to_string()).unwrap_or_default(),
                ]
            })
            .collect();
        PEOPLE.render(&rows, total)
    };
    shown(page)
}

//! `GET /console/inbox`: the list of conversations.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Html;
use ismart_domain::ConversationId;
use ismart_domain::conversation::{Author, Mode};
use ismart_store::conversations::{self, Line};
use serde::{Deserialize, Serialize};

use super::fault::Fault;
use super::moment::{Teller, When};
use super::page::Place;
use super::plain;
use super::seat::{People, Seat, Seated};
use crate::platform::Platform;

/// Conversations shown at once: the newest ones.
const SHOWN: i64 = 100;
/// Characters shown of the last message.
const EXCERPT: usize = 140;

/// The wish in the address.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Wish {
    /// Wire name of a mode; anything else means all.
    #[serde(default)]
    pub(super) mode: String,
    /// The conversation that is open beside the list.
    #[serde(default)]
    pub(super) open: String,
}

/// The list with its filter.
#[derive(Debug, Serialize)]
pub(super) struct Lines {
    /// Wire name of the mode shown; empty for all.
    mode: &'static str,
    modes: Vec<ModeChoice>,
    lines: Vec<LineView>,
    /// Heading and advice when the list is empty.
    empty_title: &'static str,
    empty_text: &'static str,
}

#[derive(Debug, Serialize)]
struct ModeChoice {
    code: &'static str,
    title: &'static str,
    current: bool,
}

#[derive(Debug, Serialize)]
struct LineView {
    id: String,
    seq: i64,
    person: String,
    text: String,
    /// Who wrote the last message, unless it was the visitor.
    by: Option<&'static str>,
    mode: &'static str,
    mode_title: &'static str,
    when: When,
    current: bool,
    /// The visitor wrote last and a person has to answer.
    unanswered: bool,
    overdue: bool,
}

#[derive(Serialize)]
struct InboxPage {
    list: Lines,
    open: bool,
}

/// Shows the list without an open conversation.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, Fault> {
    let list = load(&platform, &seat, &wish.mode, None).await?;
    let title = seat.texts().get("nav.inbox");
    seat.page(&platform, Place::Inbox, title, "inbox.twig", &InboxPage { list, open: false }).await
}

/// `GET /console/inbox/lines`: the list alone, for scripts that bring it up to date.
pub(super) async fn lines(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Query(wish): Query<Wish>,
) -> Result<Html<String>, Fault> {
    let open: Option<ConversationId> = wish.open.parse().ok();
    let list = load(&platform, &seat, &wish.mode, open).await?;
    seat.part("part/lines.twig", &InboxPage { list, open: open.is_some() })
}

/// Reads the list.
pub(super) async fn load(
    platform: &Platform,
    seat: &Seat,
    mode: &str,
    open: Option<ConversationId>,
) -> Result<Lines, Fault> {
    let mode = Mode::from_code(mode);
    let found = conversations::inbox(&mut platform.store.read().await?, seat.client.id, mode, SHOWN).await?;
    let (texts, teller) = (seat.texts(), seat.teller(platform));
    let choice = |choice: Option<Mode>| ModeChoice {
        code: choice.map_or("", Mode::code),
        title: choice.map_or(texts.get("inbox.all"), |mode| plain::mode(texts, mode)),
        current: choice == mode,
    };
    let modes = [None, Some(Mode::Waiting), Some(Mode::Person), Some(Mode::Worker), Some(Mode::Closed)];
    let (empty_title, empty_text) = match mode {
        None => ("inbox.empty.title", "inbox.empty.text"),
        Some(Mode::Waiting) => ("inbox.empty_waiting.title", "inbox.empty_waiting.text"),
        Some(_) => ("inbox.empty_mode.title", "inbox.empty_mode.text"),
    };
    Ok(Lines {
        mode: mode.map_or("", Mode::code),
        modes: modes.map(choice).into(),
        lines: found.iter().map(|line| view(seat, &teller, line, open)).collect(),
        empty_title: texts.get(empty_title),
        empty_text: texts.get(empty_text),
    })
}

fn view(seat: &Seat, teller: &Teller, line: &Line, open: Option<ConversationId>) -> LineView {
    let texts = seat.texts();
    let conversation = &line.conversation;
    let by_visitor = line.last_author == Author::Visitor;
    let needs_person = matches!(conversation.mode, Mode::Waiting | Mode::Person);
    LineView {
        id: conversation.id.to_string(),
        seq: conversation.last_seq,
        person: person(seat, line.person.as_deref(), &conversation.visitor_id.to_string()),
        text: line.last_text.chars().take(EXCERPT).collect(),
        by: (!by_visitor).then(|| plain::author(texts, line.last_author)),
        mode: conversation.mode.code(),
        mode_title: plain::mode(texts, conversation.mode),
        when: teller.when(conversation.updated_at),
        current: open == Some(conversation.id),
        unanswered: by_visitor && needs_person,
        overdue: conversation.person_due_at.is_some_and(|due| due < teller.now),
    }
}

/// The visitor's name, or a mark by which two nameless ones are told apart.
pub(super) fn person(seat: &Seat, name: Option<&str>, visitor_id: &str) -> String {
    match name {
        Some(name) => name.to_owned(),
        None => {
            let tail: Vec<char> = visitor_id.chars().rev().take(4).collect();
            let mark: String = tail.into_iter().rev().flat_map(char::to_uppercase).collect();
            seat.texts().say("inbox.nameless", &[("mark", &mark)])
        }
    }
}

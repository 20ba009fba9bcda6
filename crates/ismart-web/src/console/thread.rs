//! `GET /console/inbox/{id}`: a conversation, what is known of its visitor, and why the worker said what it said.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Html;
use ismart_domain::conversation::{Author, Conversation, Extras, Message, Mode};
use ismart_domain::lead::Lead;
use ismart_domain::user::Right;
use ismart_domain::{ConversationId, MessageId};
use ismart_store::{Conn, clients, conversations, deliveries, events, leads, users};
use ismart_workers::memory::Memory;
use serde::Serialize;

use super::fault::Fault;
use super::inbox::{self, Lines};
use super::moment::{self, When};
use super::page::Place;
use super::plain::{self, Historian, HistoryLine};
use super::seat::{People, Seat, Seated};
use crate::platform::Platform;

/// Messages shown: a conversation longer than this shows its end.
const SHOWN: i64 = 1000;

/// One message, ready for a page.
#[derive(Debug, Serialize)]
pub(super) struct MessageView {
    seq: i64,
    author: &'static str,
    by: String,
    text: String,
    when: When,
    extras: Extras,
    /// Fields of the form that was shown, in plain words.
    form: Option<String>,
}

impl MessageView {
    /// Its place in the conversation.
    pub(super) fn seq(&self) -> i64 {
        self.seq
    }
}

/// Who leads, and what the person at the desk may do.
#[derive(Debug, Serialize)]
pub(super) struct Talk {
    id: String,
    mode: &'static str,
    mode_title: &'static str,
    /// The person who leads, unless it is the one who looks.
    led_by: Option<String>,
    /// The one who looks leads.
    leading: bool,
    may_take: bool,
    /// When a person is due, in words.
    due: Option<String>,
    overdue: bool,
    /// Identity of the next answer: a repeat is recognised by it.
    message_id: String,
}

/// What is known of the visitor and the worker's reasons.
#[derive(Debug, Serialize)]
pub(super) struct Context {
    id: String,
    site: String,
    started: When,
    leads: Vec<LeadLine>,
    memory: Vec<(String, String)>,
    history: Vec<HistoryLine>,
}

#[derive(Debug, Serialize)]
struct LeadLine {
    id: String,
    title: String,
    when: When,
    states: Vec<(String, String, &'static str)>,
}

#[derive(Serialize)]
struct ThreadPage {
    list: Lines,
    open: bool,
    person: String,
    messages: Vec<MessageView>,
    last_seq: i64,
    talk: Talk,
    context: Context,
}

/// The conversation of this id, if it is the client's.
pub(super) async fn find(conn: &mut Conn, seat: &Seat, id: &str) -> Result<Conversation, Fault> {
    let id: ConversationId = id.parse().or(Err(Fault::Missing))?;
    conversations::get(conn, seat.client.id, id).await?.ok_or(Fault::Missing)
}

/// Shows a conversation beside the list.
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Path(id): Path<String>,
    Query(wish): Query<inbox::Wish>,
) -> Result<Html<String>, Fault> {
    let mut conn = platform.store.read().await?;
    let conversation = find(&mut conn, &seat, &id).await?;
    let after = (conversation.last_seq - SHOWN).max(0);
    let messages = messages(&mut conn, &platform, &seat, &conversation, after).await?;
    let talk = talk(&mut conn, &platform, &seat, &conversation).await?;
    let context = context(&mut conn, &platform, &seat, &conversation).await?;
    let leads = leads::of_conversation(&mut conn, seat.client.id, conversation.id).await?;
    drop(conn);
    let name = leads.last().and_then(|lead| lead.draft.name.as_ref()).map(|name| name.as_str());
    let person = inbox::person(&seat, name, &conversation.visitor_id.to_string());
    let page = ThreadPage {
        list: inbox::load(&platform, &seat, &wish.mode, Some(conversation.id)).await?,
        open: true,
        person: person.clone(),
        messages,
        last_seq: conversation.last_seq,
        talk,
        context,
    };
    seat.page(&platform, Place::Inbox, person, "inbox.twig", &page).await
}

/// The messages after a place.
pub(super) async fn messages(
    conn: &mut Conn,
    platform: &Platform,
    seat: &Seat,
    conversation: &Conversation,
    after: i64,
) -> Result<Vec<MessageView>, Fault> {
    let found = conversations::messages(conn, seat.client.id, conversation.id, after, SHOWN).await?;
    let texts = seat.texts();
    let teller = seat.teller(platform);
    let worker = platform.desk.face(conversation.site_id, seat.look.language.code()).name;
    let view = |message: Message| {
        let by = match (message.name, message.author) {
            (Some(name), _) => name,
            (None, Author::Worker) if !worker.is_empty() => worker.clone(),
            (None, author) => plain::author(texts, author).to_owned(),
        };
        let form = message.extras.form.as_ref().map(|form| {
            let fields: Vec<String> =
                form.fields.iter().map(|field| plain::named(texts, "field", field)).collect();
            texts.say("thread.form", &[("fields", &fields.join(", "))])
        });
        MessageView {
            seq: message.seq,
            author: message.author.code(),
            by,
            text: message.text,
            when: teller.when(message.at),
            extras: shown(message.extras),
            form,
        }
    };
    Ok(found.into_iter().map(view).collect())
}

/// Links of a message that may be shown: what visitors and workers wrote must not run scripts here.
fn shown(mut extras: Extras) -> Extras {
    let harmless =
        |url: &str| url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/');
    extras.sources.retain(|source| harmless(&source.url));
    extras.cards.retain(|card| harmless(&card.url));
    extras
}

/// Who leads the conversation and what may be done.
pub(super) async fn talk(
    conn: &mut Conn,
    platform: &Platform,
    seat: &Seat,
    conversation: &Conversation,
) -> Result<Talk, Fault> {
    let texts = seat.texts();
    let teller = seat.teller(platform);
    let me = seat.session.user.id;
    let led = conversation.mode == Mode::Person;
    let leading = led && conversation.user_id == Some(me);
    let led_by = if led && !leading {
        let users = users::of_client(conn, seat.client.id).await?;
        let leader = users.into_iter().find(|user| conversation.user_id == Some(user.id));
        Some(leader.map_or_else(|| texts.get("event.someone").to_owned(), |user| user.name))
    } else {
        None
    };
    let due = conversation.person_due_at.filter(|_| conversation.mode == Mode::Waiting);
    let overdue = due.is_some_and(|due| due < teller.now);
    let key = if overdue { "waiting.late" } else { "waiting.left" };
    let message_id: MessageId = platform.env.new_id();
    Ok(Talk {
        id: conversation.id.to_string(),
        mode: conversation.mode.code(),
        mode_title: plain::mode(texts, conversation.mode),
        led_by,
        leading,
        may_take: seat.may(Right::Answer) && !led,
        due: due.map(|due| texts.say(key, &[("time", &teller.distance(due))])),
        overdue,
        message_id: message_id.to_string(),
    })
}

/// What is known besides the messages.
pub(super) async fn context(
    conn: &mut Conn,
    platform: &Platform,
    seat: &Seat,
    conversation: &Conversation,
) -> Result<Context, Fault> {
    let client = seat.client.id;
    let (texts, teller) = (seat.texts(), seat.teller(platform));
    let mut lines = Vec::new();
    for lead in leads::of_conversation(conn, client, conversation.id).await? {
        let deliveries = deliveries::of_lead(conn, client, lead.id).await?;
        let states = deliveries.iter().map(|delivery| {
            let name = plain::destination_name(texts, &delivery.destination);
            (name, plain::state(texts, delivery.state).to_owned(), plain::tone(delivery.state))
        });
        lines.push(LeadLine {
            id: lead.id.to_string(),
            title: title(seat, &lead),
            when: teller.when(lead.accepted_at),
            states: states.collect(),
        });
    }
    let users = users::of_client(conn, client).await?;
    let historian = Historian { texts, teller: &teller, users: &users };
    let mut history = historian.lines(&events::of_conversation(conn, client, conversation.id).await?);
    history.reverse();
    let sites = clients::sites(conn, client).await?;
    let site = sites.into_iter().find(|site| site.id == conversation.site_id).map(|site| site.name);
    Ok(Context {
        id: conversation.id.to_string(),
        site: site.unwrap_or_default(),
        started: teller.when(conversation.created_at),
        leads: lines,
        memory: memory(seat, &conversation.memory),
        history,
    })
}

/// `№ 12 · Тест-драйв · Haval Jolion`.
fn title(seat: &Seat, lead: &Lead) -> String {
    let intent = plain::intent(seat.texts(), lead.draft.intent);
    match &lead.draft.subject {
        Some(subject) => format!("№\u{a0}{} · {intent} · {}", lead.number, subject.title),
        None => format!("№\u{a0}{} · {intent}", lead.number),
    }
}

/// What the worker has gathered, in plain words.
fn memory(seat: &Seat, stored: &serde_json::Value) -> Vec<(String, String)> {
    let texts = seat.texts();
    let memory = Memory::from_value(stored);
    let contact = [
        ("name", memory.contact.name.clone()),
        ("phone", memory.contact.phone.clone()),
        ("email", memory.contact.email.clone()),
    ];
    let mut lines: Vec<(String, String)> = contact
        .into_iter()
        .filter_map(|(field, value)| Some((plain::named(texts, "field", field), value?)))
        .collect();
    for (name, slot) in &memory.slots {
        // Slots without a text of ours are the package's own bookkeeping.
        let Some(title) = texts.find(&format!("slot.{name}")) else { continue };
        if let Some(value) = slot.label.clone().or_else(|| words(texts, &slot.value)) {
            lines.push((title.to_owned(), value));
        }
    }
    lines
}

/// A slot's value as words; `None` for one that is a structure.
fn words(texts: &super::language::Texts, value: &serde_json::Value) -> Option<String> {
    match value {
        serde_json::Value::String(text) if text == "any" => Some(texts.get("slot_any").to_owned()),
        serde_json::Value::String(text) => Some(text.clone()),
        serde_json::Value::Number(number) => {
            // Years are read without a gap, prices are not.
            let large = number.as_i64().filter(|n| n.abs() >= 10_000);
            Some(large.map_or_else(|| number.to_string(), |n| moment::number(texts.language(), n)))
        }
        serde_json::Value::Bool(yes) => Some(texts.get(if *yes { "yes" } else { "no" }).to_owned()),
        serde_json::Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(|item| words(texts, item)).collect();
            items.map(|items| items.join(", ")).filter(|text| !text.is_empty())
        }
        serde_json::Value::Null | serde_json::Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use ismart_domain::conversation::SourceLink;

    use super::*;

    #[test]
    fn links_that_run_scripts_are_not_shown() {
        let link = |url: &str| SourceLink { title: "t".into(), url: url.into() };
        let extras = Extras {
            sources: [
                "/credit",
                "https://a.ru/x",
                "javascript:alert(1)",
                "JavaScript:alert(1)",
                " javascript:1",
            ]
            .map(link)
            .into(),
            ..Extras::default()
        };
        let left: Vec<String> = shown(extras).sources.into_iter().map(|source| source.url).collect();
        assert_eq!(left, ["/credit", "https://a.ru/x"]);
    }
}

//! What comes in by a door ends as a lead or as something that a person reads. Nothing that was let in ends as nothing.

use ismart_domain::lead::{Channel, FileRef, LeadDraft};
use ismart_domain::{ClientId, EventBody, FileId, LeadId, TraceId, UnreadId};
use ismart_store::calls::{self, CallRow};
use ismart_store::events::{self, Scope};
use ismart_store::files::{self, Owner};
use ismart_store::unread::{self, NewUnread};
use ismart_store::{StoreError, Tx, leads, sha256_hex};

use super::calls::{Call, Phase};
use super::door::Door;
use super::facts::Facts;
use super::meaning::Meaning;
use super::reading::{Frame, Reading, Unfit};
use crate::{AcceptError, Accepted, accept};

/// The longest text that is kept of what cannot be read, characters.
const LONGEST: usize = 64 * 1024;

/// Something that came in.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// What it is known by at its door: a repeat is the same.
    pub key: String,
    /// What it is, as its sender says.
    pub media_type: String,
    /// As it came.
    pub body: String,
    /// The lead that it is, or why it is none.
    pub draft: Result<LeadDraft, Unfit>,
    /// Files that came with it.
    pub files: Vec<FileRef>,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// It is a lead.
    Lead(Box<Accepted>),
    /// A person reads it.
    Unread(UnreadId),
}

impl Arrival {
    /// What a signed message or a form says, read as the door's mapping has it. `message_id` is what proves its origin.
    #[must_use]
    pub fn of_facts(door: &Door, facts: &Facts, message_id: &str, media_type: &str, body: &str) -> Self {
        let reading = door.mapping.read(facts);
        // Where the sender has a key of his own for the request, a second message about it is the same lead.
        let key = reading.get(Meaning::Key).unwrap_or(message_id);
        let key = format!("in-{}-{}", door.name, sha256_hex(key));
        let channel =
            Channel::Webhook { name: door.name.clone(), message_id: message_id.chars().take(256).collect() };
        Self {
            draft: reading.draft(frame(door, channel, key.clone())),
            key,
            media_type: media_type.to_owned(),
            body: body.to_owned(),
            files: Vec::new(),
        }
    }

    /// Something of which only its being let in is known.
    #[must_use]
    pub fn unreadable(door: &Door, message_id: &str, media_type: &str, body: &str, why: Unfit) -> Self {
        Self {
            key: format!("in-{}-{}", door.name, sha256_hex(message_id)),
            media_type: media_type.to_owned(),
            body: body.to_owned(),
            draft: Err(why),
            files: Vec::new(),
        }
    }
}

fn frame(door: &Door, channel: Channel, key: String) -> Frame {
    Frame {
        site_id: door.site.site_id,
        channel,
        basis: door.basis.clone(),
        intent: door.intent,
        ip: None,
        key,
        files: Vec::new(),
    }
}

/// Takes something in, inside the caller's transaction. Answer only after the transaction has been committed.
///
/// # Errors
/// [`AcceptError::Store`]; the caller's transaction must then be undone.
pub async fn receive(
    tx: &mut Tx,
    door: &Door,
    destinations: &[String],
    arrival: Arrival,
    trace_id: TraceId,
) -> Result<Received, AcceptError> {
    let client_id = door.site.client_id;
    let Arrival { key, media_type, body, draft, files } = arrival;
    if let Some(known) = unread::by_key(tx, client_id, &door.name, &key).await? {
        return Ok(Received::Unread(known.id));
    }
    let reason = match draft {
        Ok(draft) => match accept(tx, client_id, destinations, draft, trace_id).await {
            Ok(accepted) => {
                attach(tx, client_id, accepted.lead.id, &files).await?;
                return Ok(Received::Lead(Box::new(accepted)));
            }
            Err(AcceptError::Store(error)) => return Err(error.into()),
            Err(other) => Unfit::Refused { reason: other.to_string() },
        },
        Err(unfit) => unfit,
    };
    let new = NewUnread {
        site_id: door.site.site_id,
        door: door.name.clone(),
        kind: door.kind.to_owned(),
        key,
        media_type: media_type.chars().take(200).collect(),
        body: body.chars().filter(|c| *c != '\0').take(LONGEST).collect(),
        reason: reason.stored(),
    };
    let id = unread::add(tx, client_id, &new).await?;
    for file in &files {
        files::add(tx, client_id, Owner::Unread(id), file).await?;
    }
    let scope = Scope { client_id, site_id: Some(door.site.site_id), trace_id };
    events::append(tx, scope, EventBody::UnreadKept { unread_id: id, door: door.name.clone() }).await?;
    Ok(Received::Unread(id))
}

/// Gives files to a lead, except those whose content it has already; gives those that it took.
///
/// # Errors
/// [`StoreError`] of the engine.
pub async fn attach(
    tx: &mut Tx,
    client_id: ClientId,
    lead_id: LeadId,
    files: &[FileRef],
) -> Result<Vec<FileId>, StoreError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let mut there: Vec<String> =
        files::of_lead(tx, client_id, lead_id).await?.into_iter().map(|file| file.sha256).collect();
    let mut taken = Vec::new();
    for file in files {
        if !there.contains(&file.sha256) {
            files::add(tx, client_id, Owner::Lead(lead_id), file).await?;
            there.push(file.sha256.clone());
            taken.push(file.id);
        }
    }
    Ok(taken)
}

/// Takes in what a provider told of a call: the first word of it makes the lead, later and doubled ones add what is new.
///
/// # Errors
/// [`AcceptError::Store`]; the caller's transaction must then be undone.
pub async fn receive_call(
    tx: &mut Tx,
    door: &Door,
    destinations: &[String],
    facts: &Facts,
    body: &str,
    trace_id: TraceId,
) -> Result<Received, AcceptError> {
    let client_id = door.site.client_id;
    let mut reading = door.mapping.read(facts);
    reading.take_line_for_the_person();
    let Some(call) = Call::of(&reading) else {
        let arrival =
            Arrival::unreadable(door, body, "application/x-www-form-urlencoded", body, Unfit::NoCallId);
        return receive(tx, door, destinations, arrival, trace_id).await;
    };
    let known = calls::get(tx, client_id, &door.name, &call.id).await?;
    if let Some(known) = &known {
        let merged = call.merged(known);
        if merged == *known {
            let lead = leads::get(tx, client_id, known.lead_id).await?;
            let lead = lead.ok_or_else(|| StoreError::Corrupt {
                what: format!("call {}", call.id),
                why: "its lead is not there".to_owned(),
            })?;
            let held = crate::holding::is_held(tx, client_id, lead.id).await?;
            return Ok(Received::Lead(Box::new(Accepted { lead, repeated: true, held })));
        }
    }
    let arrival = call_arrival(door, &reading, &call, body);
    let received = receive(tx, door, destinations, arrival, trace_id).await?;
    if let Received::Lead(accepted) = &received {
        let row = match &known {
            Some(known) => call.merged(known),
            None => call.row(accepted.lead.id),
        };
        calls::put(tx, client_id, &door.name, &call.id, &row).await?;
    }
    Ok(received)
}

fn call_arrival(door: &Door, reading: &Reading<'_>, call: &Call, body: &str) -> Arrival {
    let key = format!("call-{}-{}", door.name, sha256_hex(&call.id));
    let mut frame = frame(door, call.channel(door.kind), key.clone());
    frame.intent = call.intent(door.intent);
    let draft = reading.draft(frame).map(|mut draft| {
        let said = std::mem::take(&mut draft.comment);
        let request = reading.get(Meaning::Phase).is_none() && !said.is_empty();
        draft.comment = match (request, said.is_empty()) {
            (true, _) => said,
            (false, true) => call.words(),
            (false, false) => format!("{}\n{said}", call.words()),
        };
        draft
    });
    Arrival {
        key,
        media_type: "application/x-www-form-urlencoded".to_owned(),
        body: body.to_owned(),
        draft,
        files: Vec::new(),
    }
}

impl Call {
    fn row(&self, lead_id: LeadId) -> CallRow {
        CallRow {
            lead_id,
            phase: self.phase.code().to_owned(),
            seconds: self.seconds().map(i64::from),
            recording: self.recording().map(str::to_owned),
            line: self.line().map(str::to_owned),
        }
    }

    /// What is known of a call after this: a later phase goes before an earlier one, whichever came first.
    fn merged(&self, known: &CallRow) -> CallRow {
        let new = self.row(known.lead_id);
        let later = self.phase >= Phase::from_code(&known.phase);
        let (first, second) = if later { (new, known.clone()) } else { (known.clone(), new) };
        CallRow {
            lead_id: known.lead_id,
            phase: first.phase,
            seconds: first.seconds.or(second.seconds),
            recording: first.recording.or(second.recording),
            line: first.line.or(second.line),
        }
    }
}

//! Turns: what the visitor wrote is understood, answered and written down.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ismart_domain::conversation::{Author, Conversation, Extras, Inbound, Mode};
use ismart_domain::ports::ToolScope;
use ismart_domain::{ClientId, ConversationId, EventBody, TraceId};
use ismart_store::conversations::{self, NewMessage, Progress, Received};
use ismart_store::events::{self, Scope};
use ismart_store::{StoreError, Tx};
use serde_json::Value;

use super::{Desk, Workplace, write_down};
use crate::memory::Memory;
use crate::worker::{Turn, TurnError};

/// How long a fragment ("привет", "а ещё") waits for what follows it, so that a burst of short messages gets one
/// answer.
const QUIET_WINDOW: Duration = Duration::from_millis(400);

/// Address and browser of the sender, for the proof of consent.
pub(super) type Provenance = (Option<String>, Option<String>);

/// What became of a turn.
enum Outcome {
    /// Nothing was left to answer.
    Idle,
    /// Answered; there may be more.
    Answered,
    /// Someone changed the conversation in between: look again.
    Overtaken,
}

/// Everything that a turn writes.
struct Record {
    conversation: Conversation,
    scope: Scope,
    turn: Turn,
    worker_version: String,
    persona: String,
    seq: i64,
    mode: Mode,
    person_due_at: Option<jiff::Timestamp>,
    began: Instant,
}

impl Desk {
    /// Answers whatever is unanswered in a conversation. Failures are logged: the messages stay unanswered in the
    /// store, and the next message or the next start takes them up.
    pub(super) async fn answer(&self, client_id: ClientId, id: ConversationId, provenance: Provenance) {
        let lock = self.turn_lock(id);
        let _turn = lock.lock().await;
        for _ in 0..16 {
            match self.turn(client_id, id, &provenance).await {
                Ok(Outcome::Idle) => return,
                Ok(Outcome::Answered | Outcome::Overtaken) => {}
                Err(error) => {
                    tracing::error!(error = %error, "conversation.id" = %id, "a turn could not be written");
                    return;
                }
            }
        }
        tracing::warn!("conversation.id" = %id, "the conversation changes faster than it can be answered");
    }

    async fn turn(
        &self,
        client_id: ClientId,
        id: ConversationId,
        provenance: &Provenance,
    ) -> Result<Outcome, StoreError> {
        let Some((mut conversation, mut received)) = self.unanswered(client_id, id).await? else {
            return Ok(Outcome::Idle);
        };
        let place = self.workplace(conversation.site_id);
        let active = match &place {
            Some(place) => self.active(&conversation, place).await?,
            None => false,
        };
        let Some(place) = place.filter(|_| active && conversation.mode != Mode::Person) else {
            return self.leave_to_people(&conversation, &received, active).await;
        };
        if is_fragment(&received) {
            self.signal_typing(id, true);
            tokio::time::sleep(QUIET_WINDOW).await;
            match self.unanswered(client_id, id).await? {
                Some(fresh) => (conversation, received) = fresh,
                None => return Ok(Outcome::Idle),
            }
        }
        let outcome = self.think(conversation, received, &place, provenance).await;
        self.signal_typing(id, false);
        outcome
    }

    async fn unanswered(
        &self,
        client_id: ClientId,
        id: ConversationId,
    ) -> Result<Option<(Conversation, Vec<Received>)>, StoreError> {
        let mut conn = self.store.read().await?;
        let Some(conversation) = conversations::get(&mut conn, client_id, id).await? else { return Ok(None) };
        let received = conversations::received(&mut conn, client_id, id, conversation.handled_seq).await?;
        Ok((!received.is_empty()).then_some((conversation, received)))
    }

    async fn active(&self, conversation: &Conversation, place: &Workplace) -> Result<bool, StoreError> {
        let mut conn = self.store.read().await?;
        let (client_id, site_id) = (conversation.client_id, conversation.site_id);
        conversations::worker_active(&mut conn, client_id, site_id, &place.worker_name()).await
    }

    /// The worker is silent: a person leads, or the worker is paused and a person must come.
    async fn leave_to_people(
        &self,
        conversation: &Conversation,
        received: &[Received],
        active: bool,
    ) -> Result<Outcome, StoreError> {
        let (client_id, id) = (conversation.client_id, conversation.id);
        let seq = last_seq(received);
        let paused = !active && conversation.mode == Mode::Worker;
        let now = self.store.env().now();
        let due_at = self.workplace(conversation.site_id).map_or(now, |place| (place.due_by)(now));
        let scope = self.scope(conversation);
        let progress = Progress {
            memory: conversation.memory.clone(),
            handled_seq: seq,
            mode: Mode::Waiting,
            person_due_at: Some(due_at),
        };
        self.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    if !paused {
                        return conversations::handled(tx, client_id, id, seq).await;
                    }
                    if conversations::progress(tx, client_id, id, Mode::Worker, &progress).await? {
                        let reason = "paused".to_owned();
                        let asked = EventBody::HandoverRequested { conversation_id: id, reason, due_at };
                        events::append(tx, scope, asked).await?;
                    }
                    Ok(())
                })
            })
            .await?;
        Ok(Outcome::Answered)
    }

    async fn think(
        &self,
        conversation: Conversation,
        received: Vec<Received>,
        place: &Arc<Workplace>,
        provenance: &Provenance,
    ) -> Result<Outcome, StoreError> {
        let began = Instant::now();
        let scope = self.scope(&conversation);
        let (text, inbound, seq) = merge(&received);
        let tools = self.tool_scope(&conversation, place, scope.trace_id, seq, &inbound, provenance);
        let memory = Memory::from_value(&conversation.memory);
        let context = place.context(conversation.mode, tools);
        let turn = place.worker.turn(&memory, &text, &inbound, &context).await;
        let manifest = &place.worker.package().manifest;
        let turn = match turn {
            Ok(turn) => turn,
            Err(error @ (TurnError::Empty | TurnError::Silent { .. })) => {
                tracing::error!(error = %error, "conversation.id" = %conversation.id, "the worker has no answer");
                return self.leave_to_people(&conversation, &received, false).await;
            }
        };
        for (answer, fault) in &turn.stopped {
            tracing::warn!(answer, fault, "conversation.id" = %conversation.id, "a gate stopped a text");
        }
        let now = self.store.env().now();
        let (mode, person_due_at) = match &turn.handover {
            Some(_) => (Mode::Waiting, Some((place.due_by)(now))),
            None => (
                if conversation.mode == Mode::Closed { Mode::Worker } else { conversation.mode },
                conversation.person_due_at,
            ),
        };
        let record = Record {
            scope,
            worker_version: manifest.version.clone(),
            persona: place.face(&place.language).name,
            conversation,
            turn,
            seq,
            mode,
            person_due_at,
            began,
        };
        let written: Result<bool, StoreError> =
            self.store.write(move |tx: &mut Tx| Box::pin(write_turn(tx, record))).await;
        Ok(if written? { Outcome::Answered } else { Outcome::Overtaken })
    }

    fn scope(&self, conversation: &Conversation) -> Scope {
        Scope {
            client_id: conversation.client_id,
            site_id: Some(conversation.site_id),
            trace_id: self.store.env().new_id(),
        }
    }

    fn tool_scope(
        &self,
        conversation: &Conversation,
        place: &Workplace,
        trace_id: TraceId,
        seq: i64,
        inbound: &Inbound,
        provenance: &Provenance,
    ) -> ToolScope {
        ToolScope {
            client_id: conversation.client_id,
            site_id: conversation.site_id,
            conversation_id: conversation.id,
            visit_id: None,
            worker: conversation.worker.clone(),
            language: place.language.clone(),
            page: inbound.page.clone(),
            ip: provenance.0.clone(),
            user_agent: provenance.1.clone(),
            trace_id,
            // The same messages answered again, after a crash, find the effects they already had.
            key: format!("{}:{seq}", conversation.id),
            now: self.store.env().now(),
        }
    }
}

/// Several short messages become one text; the last button and contact count.
fn merge(received: &[Received]) -> (String, Inbound, i64) {
    let texts: Vec<&str> = received.iter().map(|r| r.message.text.trim()).filter(|t| !t.is_empty()).collect();
    let inbound = Inbound {
        choice: received.iter().rev().find_map(|r| r.inbound.choice.clone()),
        contact: received.iter().rev().find_map(|r| r.inbound.contact.clone()),
        page: received.last().map(|r| r.inbound.page.clone()).unwrap_or_default(),
    };
    (texts.join("\n"), inbound, last_seq(received))
}

fn last_seq(received: &[Received]) -> i64 {
    received.last().map_or(0, |r| r.message.seq)
}

/// A message that looks as if another one followed it: one or two words without a full stop, number or button.
fn is_fragment(received: &[Received]) -> bool {
    let [only] = received else { return false };
    if only.inbound.choice.is_some() || only.inbound.contact.is_some() {
        return false;
    }
    let text = only.message.text.trim();
    let complete = text.ends_with(['.', '!', '?', '…', ')']) || text.chars().any(|c| c.is_ascii_digit());
    !complete && text.split_whitespace().count() <= 2
}

/// Writes a turn, unless the conversation was changed in between; then nothing is written and `false` given.
async fn write_turn(tx: &mut Tx, record: Record) -> Result<bool, StoreError> {
    let Record { conversation, scope, turn, seq, .. } = &record;
    let (client_id, id) = (conversation.client_id, conversation.id);
    let memory = turn.memory.to_value().unwrap_or(Value::Null);
    let progress =
        Progress { memory, handled_seq: *seq, mode: record.mode, person_due_at: record.person_due_at };
    if !conversations::progress(tx, client_id, id, conversation.mode, &progress).await? {
        return Ok(false);
    }
    for call in &turn.calls {
        let called = EventBody::ToolCalled {
            conversation_id: id,
            tool: call.tool.clone(),
            outcome: call.outcome.clone(),
        };
        events::append(tx, *scope, called).await?;
    }
    for reply in &turn.replies {
        let message = message(tx, &record, reply.text.clone(), reply.extras.clone());
        write_down(tx, *scope, client_id, id, &message).await?;
    }
    if let Some(handover) = &turn.handover {
        let asked = EventBody::HandoverRequested {
            conversation_id: id,
            reason: handover.reason.code().to_owned(),
            due_at: record.person_due_at.unwrap_or_else(|| tx.env().now()),
        };
        events::append(tx, *scope, asked).await?;
    }
    let decided = EventBody::DecisionMade {
        conversation_id: id,
        seq: *seq,
        worker_version: record.worker_version.clone(),
        understander: turn.decision.understander.clone(),
        intent: turn.decision.intent.clone(),
        confidence: turn.decision.confidence,
        commands: turn.commands.iter().map(command_name).collect(),
        answer: turn.decision.answer.clone(),
        duration_us: u64::try_from(record.began.elapsed().as_micros()).unwrap_or(u64::MAX),
    };
    events::append(tx, *scope, decided).await?;
    Ok(true)
}

fn message(tx: &Tx, record: &Record, text: String, extras: Extras) -> NewMessage {
    NewMessage {
        id: tx.env().new_id(),
        author: Author::Worker,
        name: Some(record.persona.clone()),
        text,
        extras,
        inbound: None,
    }
}

/// The name of a command without its values, which may be personal.
fn command_name(command: &crate::understand::Command) -> String {
    use crate::understand::Command;
    match command {
        Command::StartFlow { intent } => format!("start_flow:{intent}"),
        Command::SetSlot { name, .. } => format!("set_slot:{name}"),
        Command::Correct { slot, .. } => format!("correct:{slot}"),
        Command::Cancel => "cancel".to_owned(),
        Command::Confirm { yes } => format!("confirm:{yes}"),
        Command::AskFact { topic, .. } => format!("ask_fact:{topic}"),
        Command::SearchStock { .. } => "search_stock".to_owned(),
        Command::Handover { reason } => format!("handover:{reason}"),
        Command::Greet => "greet".to_owned(),
        Command::Thanks => "thanks".to_owned(),
        Command::Goodbye => "goodbye".to_owned(),
        Command::Smalltalk { topic } => format!("smalltalk:{topic}"),
        Command::OptOut => "opt_out".to_owned(),
        Command::Unknown => "unknown".to_owned(),
    }
}

//! The event log's vocabulary: every fact that anything is ever counted by.
//!
//! An event is written in the transaction of its cause. Bodies are versioned: a body is never changed in a way
//! that an old record cannot be read; a new shape gets a new version beside the old one. Bodies hold ids and
//! figures, never names, phones or message texts: those stay in their own tables, where they can be erased.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::conversation::Author;
use crate::delivery::{Decision, DeliveryState};
use crate::id::{
    BookingId, ClientId, ConsentId, ConversationId, DeliveryId, EventId, LeadId, MergeId, MessageId,
    PersonId, RepeatId, SiteId, TraceId, UnreadId, UserId, VisitId, VisitorId,
};
use crate::lead::{ConsentPurpose, Intent, Utm};
use crate::outcome::Stage;
use crate::payment::{OrderNumber, OrderState};
use crate::spam::Refusal;

/// One fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Unique for ever; sorts by time.
    pub id: EventId,
    /// The client it concerns.
    pub client_id: ClientId,
    /// The site it concerns.
    pub site_id: Option<SiteId>,
    /// When it happened.
    pub at: Timestamp,
    /// What ties it to its cause and siblings.
    pub trace_id: TraceId,
    /// What happened.
    pub body: EventBody,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data")]
pub enum EventBody {
    /// A visitor came to a site.
    #[serde(rename = "visit.started")]
    VisitStarted {
        /// The visit.
        visit_id: VisitId,
        /// The visitor.
        visitor_id: VisitorId,
        /// Path of the first page, without query.
        path: String,
        /// Host of the referring page.
        referrer_host: Option<String>,
        /// Advertising marks.
        utm: Utm,
    },
    /// He opened another page within the visit.
    #[serde(rename = "page.viewed")]
    PageViewed {
        /// The visit.
        visit_id: VisitId,
        /// Path, without query.
        path: String,
    },
    /// A visitor wrote for the first time.
    #[serde(rename = "conversation.started")]
    ConversationStarted {
        /// The conversation.
        conversation_id: ConversationId,
        /// The visitor.
        visitor_id: VisitorId,
        /// The visit, if known.
        visit_id: Option<VisitId>,
        /// The worker package.
        worker: String,
    },
    /// A message was stored.
    #[serde(rename = "message.stored")]
    MessageStored {
        /// The conversation.
        conversation_id: ConversationId,
        /// The message.
        message_id: MessageId,
        /// Its place.
        seq: i64,
        /// Who wrote it.
        author: Author,
        /// Length in characters.
        length: u64,
    },
    /// The worker decided what to do with what the visitor wrote.
    #[serde(rename = "decision.made")]
    DecisionMade {
        /// The conversation.
        conversation_id: ConversationId,
        /// `seq` of the message decided upon.
        seq: i64,
        /// Version of the worker package.
        worker_version: String,
        /// Which understander answered: `keyless` or a model's name.
        understander: String,
        /// The intent found, `abstain` when none was sure enough.
        intent: String,
        /// Calibrated confidence, 0 to 1.
        confidence: f64,
        /// Names of the commands given to the flow engine.
        commands: Vec<String>,
        /// Name of the answer template used.
        answer: String,
        /// Time from the start of the turn to its commit, microseconds.
        duration_us: u64,
    },
    /// A worker's tool ran.
    #[serde(rename = "tool.called")]
    ToolCalled {
        /// The conversation.
        conversation_id: ConversationId,
        /// The tool.
        tool: String,
        /// `ok`, or the error's code.
        outcome: String,
    },
    /// The worker promised a person.
    #[serde(rename = "handover.requested")]
    HandoverRequested {
        /// The conversation.
        conversation_id: ConversationId,
        /// Why: `asked`, `unsure`, `rule`.
        reason: String,
        /// Until when the person is due.
        due_at: Timestamp,
    },
    /// A person took the conversation over.
    #[serde(rename = "handover.taken")]
    HandoverTaken {
        /// The conversation.
        conversation_id: ConversationId,
        /// Who.
        user_id: UserId,
    },
    /// A person gave the conversation back to the worker.
    #[serde(rename = "handover.returned")]
    HandoverReturned {
        /// The conversation.
        conversation_id: ConversationId,
        /// Who.
        user_id: UserId,
    },
    /// A time slot was reserved.
    #[serde(rename = "booking.made")]
    BookingMade {
        /// The booking.
        booking_id: BookingId,
        /// The conversation, if it came from one.
        conversation_id: Option<ConversationId>,
        /// Start of the slot.
        starts_at: Timestamp,
    },
    /// A lead was accepted: from here on it must reach a final state.
    #[serde(rename = "lead.accepted")]
    LeadAccepted {
        /// The lead.
        lead_id: LeadId,
        /// What the person wants.
        intent: Intent,
        /// Wire name of the channel.
        channel: String,
        /// The visit, if known.
        visit_id: Option<VisitId>,
        /// The conversation, if it came from one.
        conversation_id: Option<ConversationId>,
        /// Counts for nothing.
        test: bool,
    },
    /// The same request came again and was answered with the lead that exists.
    #[serde(rename = "lead.repeated")]
    LeadRepeated {
        /// The lead that exists.
        lead_id: LeadId,
        /// The row that keeps what came, where there was anything new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeat_id: Option<RepeatId>,
        /// Names of what was new: `comment`, `phone`, `email`, `name`, `files`, `consents`, `fields`.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        fresh: Vec<String>,
    },
    /// A lead is suspected, or a person stopped it: nothing leaves until a person decides.
    #[serde(rename = "lead.held")]
    LeadHeld {
        /// The lead.
        lead_id: LeadId,
        /// The score, 0 when a person held it.
        score: i64,
        /// Wire names of the signals, the heaviest first; `person` when a person held it.
        reasons: Vec<String>,
        /// Who held it; `None` when it was judged at acceptance.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
    },
    /// A held lead goes on its way.
    #[serde(rename = "lead.released")]
    LeadReleased {
        /// The lead.
        lead_id: LeadId,
        /// Who released it; `None` when the same person came again and proved to be one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
    },
    /// A person closed a lead.
    #[serde(rename = "lead.refused")]
    LeadRefused {
        /// The lead.
        lead_id: LeadId,
        /// Why.
        reason: Refusal,
        /// Who.
        user_id: UserId,
    },
    /// A lead got another owner, or none.
    #[serde(rename = "lead.assigned")]
    LeadAssigned {
        /// The lead.
        lead_id: LeadId,
        /// The new owner.
        owner: Option<UserId>,
        /// Who said so; `None` for a rule.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_id: Option<UserId>,
    },
    /// A lead got a mark, or lost it.
    #[serde(rename = "lead.marked")]
    LeadMarked {
        /// The lead.
        lead_id: LeadId,
        /// The mark.
        mark: String,
        /// Whether it has it from here on.
        on: bool,
        /// Who.
        user_id: UserId,
    },
    /// Two persons proved to be one.
    #[serde(rename = "person.merged")]
    PersonsMerged {
        /// The link.
        merge_id: MergeId,
        /// The one that is found under the other from here on.
        person_id: PersonId,
        /// The other.
        into: PersonId,
        /// The lead that showed it.
        lead_id: Option<LeadId>,
        /// Who said so; `None` when it was seen at acceptance.
        user_id: Option<UserId>,
    },
    /// Two persons that had been joined are two again, for good.
    #[serde(rename = "person.split")]
    PersonsSplit {
        /// The link that was undone.
        merge_id: MergeId,
        /// The one that stands for itself again.
        person_id: PersonId,
        /// The other.
        from: PersonId,
        /// Who.
        user_id: UserId,
    },
    /// A person agreed to a purpose.
    #[serde(rename = "consent.given")]
    ConsentGiven {
        /// The proof.
        consent_id: ConsentId,
        /// The lead it came with.
        lead_id: LeadId,
        /// What for.
        purpose: ConsentPurpose,
        /// SHA-256 of the exact text, hexadecimal.
        text_sha256: String,
    },
    /// A delivery changed its state.
    #[serde(rename = "delivery.changed")]
    DeliveryChanged {
        /// The delivery.
        delivery_id: DeliveryId,
        /// The lead.
        lead_id: LeadId,
        /// The destination.
        destination: String,
        /// The new state.
        state: DeliveryState,
        /// Attempts begun so far.
        attempts: u32,
    },
    /// The outside told how a lead went on (qualified, lost, won).
    #[serde(rename = "outcome.recorded")]
    OutcomeRecorded {
        /// The lead.
        lead_id: LeadId,
        /// The source: a destination's name, or `console`.
        source: String,
        /// The stage in the source's words.
        stage: String,
        /// The step of the funnel.
        #[serde(default)]
        step: Option<Stage>,
        /// The record at the source: `deal 41`.
        #[serde(default)]
        record: Option<String>,
        /// Number of the responsible person at the source.
        #[serde(default)]
        owner: Option<String>,
        /// The sum, minor units of roubles.
        #[serde(default)]
        minor: Option<i64>,
        /// Why it was lost, in the client's words.
        #[serde(default)]
        reason: Option<String>,
        /// The record's own time of change.
        #[serde(default)]
        changed_at: Option<Timestamp>,
    },
    /// A delivery went to the queue of people, or to another person of it.
    #[serde(rename = "delivery.assigned")]
    DeliveryAssigned {
        /// The delivery.
        delivery_id: DeliveryId,
        /// The lead.
        lead_id: LeadId,
        /// Who answers for it; `None` when the client has nobody who may.
        user_id: Option<UserId>,
        /// Until when it is to be decided.
        due_at: Timestamp,
        /// How often nobody had decided in time.
        level: u32,
    },
    /// A person decided about a delivery.
    #[serde(rename = "delivery.decided")]
    DeliveryDecided {
        /// The delivery.
        delivery_id: DeliveryId,
        /// The lead.
        lead_id: LeadId,
        /// The destination.
        destination: String,
        /// What.
        decision: Decision,
        /// Who; `None` for a command of the machine's own administrator.
        user_id: Option<UserId>,
        /// Why, in his words.
        reason: String,
    },
    /// Something is wrong that a person should know of.
    #[serde(rename = "alert.raised")]
    AlertRaised {
        /// Which rule found it.
        alert: String,
        /// What it is about: a site's or a destination's name.
        subject: String,
    },
    /// It is right again.
    #[serde(rename = "alert.ended")]
    AlertEnded {
        /// Which rule had found it.
        alert: String,
        /// What it was about.
        subject: String,
    },
    /// An order of a site changed its state.
    #[serde(rename = "order.changed")]
    OrderChanged {
        /// The order.
        order: OrderNumber,
        /// The new state.
        state: OrderState,
        /// What it costs, minor units.
        minor: i64,
        /// How many were ordered.
        tickets: u32,
        /// The lead that it became, once it is paid.
        lead_id: Option<LeadId>,
    },
    /// A person signed in to the console.
    #[serde(rename = "user.signed_in")]
    UserSignedIn {
        /// Who.
        user_id: UserId,
    },
    /// A worker was paused or resumed on a site.
    #[serde(rename = "worker.switched")]
    WorkerSwitched {
        /// The worker package.
        worker: String,
        /// Whether it answers from here on.
        active: bool,
        /// Who did it.
        user_id: UserId,
    },
    /// Something came in and could not be read as a lead: a person reads it.
    #[serde(rename = "unread.kept")]
    UnreadKept {
        /// What came in.
        unread_id: UnreadId,
        /// The door that it came in by.
        door: String,
    },
    /// A person decided on it.
    #[serde(rename = "unread.settled")]
    UnreadSettled {
        /// What came in.
        unread_id: UnreadId,
        /// The lead that it became; none when it was discarded.
        lead_id: Option<LeadId>,
        /// Who decided.
        user_id: UserId,
    },
}

impl EventBody {
    /// The stable kind, for example `lead.accepted`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        // table: one name per kind
        match self {
            Self::VisitStarted { .. } => "visit.started",
            Self::PageViewed { .. } => "page.viewed",
            Self::ConversationStarted { .. } => "conversation.started",
            Self::MessageStored { .. } => "message.stored",
            Self::DecisionMade { .. } => "decision.made",
            Self::ToolCalled { .. } => "tool.called",
            Self::HandoverRequested { .. } => "handover.requested",
            Self::HandoverTaken { .. } => "handover.taken",
            Self::HandoverReturned { .. } => "handover.returned",
            Self::BookingMade { .. } => "booking.made",
            Self::LeadAccepted { .. } => "lead.accepted",
            Self::LeadRepeated { .. } => "lead.repeated",
            Self::LeadHeld { .. } => "lead.held",
            Self::LeadReleased { .. } => "lead.released",
            Self::LeadRefused { .. } => "lead.refused",
            Self::LeadAssigned { .. } => "lead.assigned",
            Self::LeadMarked { .. } => "lead.marked",
            Self::PersonsMerged { .. } => "person.merged",
            Self::PersonsSplit { .. } => "person.split",
            Self::ConsentGiven { .. } => "consent.given",
            Self::DeliveryChanged { .. } => "delivery.changed",
            Self::OutcomeRecorded { .. } => "outcome.recorded",
            Self::DeliveryAssigned { .. } => "delivery.assigned",
            Self::DeliveryDecided { .. } => "delivery.decided",
            Self::AlertRaised { .. } => "alert.raised",
            Self::AlertEnded { .. } => "alert.ended",
            Self::OrderChanged { .. } => "order.changed",
            Self::UserSignedIn { .. } => "user.signed_in",
            Self::WorkerSwitched { .. } => "worker.switched",
            Self::UnreadKept { .. } => "unread.kept",
            Self::UnreadSettled { .. } => "unread.settled",
        }
    }

    /// The version of this kind's shape. Every kind is at its first.
    #[must_use]
    pub fn version(&self) -> u16 {
        1
    }

    /// The conversation it belongs to, if any.
    #[must_use]
    pub fn conversation_id(&self) -> Option<ConversationId> {
        match self {
            Self::ConversationStarted { conversation_id, .. }
            | Self::MessageStored { conversation_id, .. }
            | Self::DecisionMade { conversation_id, .. }
            | Self::ToolCalled { conversation_id, .. }
            | Self::HandoverRequested { conversation_id, .. }
            | Self::HandoverTaken { conversation_id, .. }
            | Self::HandoverReturned { conversation_id, .. } => Some(*conversation_id),
            Self::BookingMade { conversation_id, .. } | Self::LeadAccepted { conversation_id, .. } => {
                *conversation_id
            }
            _ => None,
        }
    }

    /// The lead it belongs to, if any.
    #[must_use]
    pub fn lead_id(&self) -> Option<LeadId> {
        match self {
            Self::LeadAccepted { lead_id, .. }
            | Self::LeadRepeated { lead_id, .. }
            | Self::LeadHeld { lead_id, .. }
            | Self::LeadReleased { lead_id, .. }
            | Self::LeadRefused { lead_id, .. }
            | Self::LeadAssigned { lead_id, .. }
            | Self::LeadMarked { lead_id, .. }
            | Self::ConsentGiven { lead_id, .. }
            | Self::DeliveryChanged { lead_id, .. }
            | Self::DeliveryAssigned { lead_id, .. }
            | Self::DeliveryDecided { lead_id, .. }
            | Self::OutcomeRecorded { lead_id, .. } => Some(*lead_id),
            Self::OrderChanged { lead_id, .. }
            | Self::PersonsMerged { lead_id, .. }
            | Self::UnreadSettled { lead_id, .. } => *lead_id,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Env;

    #[test]
    fn the_kind_written_is_the_kind_named() {
        let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, 1);
        let bodies = [
            EventBody::LeadRepeated {
                lead_id: env.new_id(),
                repeat_id: Some(env.new_id()),
                fresh: vec!["comment".into()],
            },
            EventBody::LeadHeld {
                lead_id: env.new_id(),
                score: 120,
                reasons: vec!["trap".into()],
                user_id: None,
            },
            EventBody::LeadRefused { lead_id: env.new_id(), reason: Refusal::Spam, user_id: env.new_id() },
            EventBody::UserSignedIn { user_id: env.new_id() },
            EventBody::PageViewed { visit_id: env.new_id(), path: "/".into() },
            EventBody::OrderChanged {
                order: OrderNumber::of(env.random()),
                state: OrderState::Paid,
                minor: 650_000,
                tickets: 1,
                lead_id: None,
            },
        ];
        for body in bodies {
            let json = serde_json::to_value(&body).unwrap();
            assert_eq!(json.get("kind").and_then(|k| k.as_str()), Some(body.kind()));
            assert_eq!(serde_json::from_value::<EventBody>(json).unwrap(), body);
        }
        let id = env.new_id::<LeadId>();
        let before = serde_json::json!({ "kind": "lead.repeated", "data": { "lead_id": id } });
        let told = EventBody::LeadRepeated { lead_id: id, repeat_id: None, fresh: Vec::new() };
        assert_eq!(
            serde_json::from_value::<EventBody>(before).unwrap(),
            told,
            "old records are read for ever"
        );
    }
}

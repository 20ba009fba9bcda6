//! Codes of the business in plain words.

use ismart_domain::conversation::{Author, Mode};
use ismart_domain::delivery::{DeliveryState, Standing};
use ismart_domain::event::EventBody;
use ismart_domain::lead::{Channel, Intent};
use ismart_domain::money::{Currency, Money};
use ismart_domain::outcome::Stage;
use ismart_domain::spam::Refusal;
use ismart_domain::user::{Role, User};
use ismart_leads::intake::{Meaning, Unfit};
use ismart_store::events::Logged;
use ismart_store::judgements::Judgement;
use serde::Serialize;

use super::language::Texts;
use super::leads::Choice;
use super::moment::{self, Teller, When};

/// A delivery's state.
pub(super) fn state(texts: &Texts, state: DeliveryState) -> &str {
    texts.get(match state {
        DeliveryState::Queued => "state.queued",
        DeliveryState::Sending => "state.sending",
        DeliveryState::Waiting => "state.waiting",
        DeliveryState::Verifying => "state.verifying",
        DeliveryState::Delivered => "state.delivered",
        DeliveryState::NeedsAttention => "state.needs_attention",
        DeliveryState::Paused => "state.paused",
        DeliveryState::Held => "state.held",
        DeliveryState::Refused => "state.refused",
    })
}

/// How urgent a state is: `good`, `busy`, `bad`, or `off` for what is over without success.
pub(super) fn tone(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Delivered => "good",
        DeliveryState::Refused => "off",
        DeliveryState::NeedsAttention | DeliveryState::Paused => "bad",
        DeliveryState::Queued
        | DeliveryState::Sending
        | DeliveryState::Waiting
        | DeliveryState::Verifying
        | DeliveryState::Held => "busy",
    }
}

/// What a person wants.
pub(super) fn intent(texts: &Texts, intent: Intent) -> &str {
    texts.get(match intent {
        Intent::TestDrive => "intent.test_drive",
        Intent::Purchase => "intent.purchase",
        Intent::Credit => "intent.credit",
        Intent::TradeIn => "intent.trade_in",
        Intent::Service => "intent.service",
        Intent::Callback => "intent.callback",
        Intent::Question => "intent.question",
        Intent::Other => "intent.other",
    })
}

/// The door that a lead came in by, with what tells it from others of its kind.
pub(super) fn channel(texts: &Texts, channel: &Channel) -> String {
    let kind = named(texts, "channel", channel.code());
    match channel {
        Channel::Conversation { .. } => kind,
        _ => match channel.detail() {
            Some(detail) => format!("{kind} ({detail})"),
            None => kind,
        },
    }
}

/// How urgent a lead's standing is.
pub(super) fn standing_tone(standing: Standing) -> &'static str {
    match standing {
        Standing::Delivered => "good",
        Standing::InFlight => "busy",
        Standing::Held => "bad",
        Standing::Refused => "off",
    }
}

/// Why a lead was held, the heaviest reason first.
pub(super) fn reasons(texts: &Texts, judged: &Judgement) -> Vec<String> {
    let mut signals: Vec<_> = judged.verdict.signals.iter().filter(|signal| signal.weight() > 0).collect();
    signals.sort_by_key(|signal| std::cmp::Reverse(signal.weight()));
    if signals.is_empty() {
        return vec![named(texts, "signal", "person")];
    }
    signals.into_iter().map(|signal| named(texts, "signal", signal.code())).collect()
}

/// The reasons that one may refuse a lead for.
pub(super) fn refusals(texts: &Texts) -> Vec<Choice> {
    let choice = |reason: Refusal| Choice {
        code: reason.code().to_owned(),
        title: named(texts, "refusal", reason.code()),
        current: false,
    };
    Refusal::ALL.map(choice).into()
}

/// Who leads a conversation.
pub(super) fn mode(texts: &Texts, mode: Mode) -> &str {
    texts.get(match mode {
        Mode::Worker => "mode.worker",
        Mode::Waiting => "mode.waiting",
        Mode::Person => "mode.person",
        Mode::Closed => "mode.closed",
    })
}

/// Key of a role's name.
pub(super) fn role_key(role: Role) -> &'static str {
    match role {
        Role::Analyst => "role.analyst",
        Role::Editor => "role.editor",
        Role::Operator => "role.operator",
        Role::Owner => "role.owner",
        Role::Agency => "role.agency",
    }
}

/// One line of a history.
#[derive(Debug, Serialize)]
pub(super) struct HistoryLine {
    when: When,
    /// Kind of the event, for its sign.
    kind: &'static str,
    text: String,
    /// Further facts, each with its name.
    facts: Vec<(String, String)>,
}

/// Tells events in plain words.
pub(super) struct Historian<'h> {
    pub(super) texts: &'h Texts,
    pub(super) teller: &'h Teller,
    /// People who may be named.
    pub(super) users: &'h [User],
}

impl Historian<'_> {
    /// The events that say something; messages and pages speak for themselves.
    pub(super) fn lines(&self, events: &[Logged]) -> Vec<HistoryLine> {
        events.iter().filter_map(|logged| self.line(logged)).collect()
    }

    fn line(&self, logged: &Logged) -> Option<HistoryLine> {
        let body = &logged.event.body;
        Some(HistoryLine {
            when: self.teller.when(logged.event.at),
            kind: body.kind(),
            text: self.text(body)?,
            facts: self.facts(body),
        })
    }

    fn user(&self, id: ismart_domain::UserId) -> &str {
        self.users
            .iter()
            .find(|user| user.id == id)
            .map_or(self.texts.get("event.someone"), |user| &user.name)
    }

    fn text(&self, body: &EventBody) -> Option<String> {
        let texts = self.texts;
        Some(match body {
            EventBody::VisitStarted { path, .. } => texts.say("event.visit_started", &[("path", path)]),
            EventBody::ConversationStarted { .. } => texts.get("event.conversation_started").to_owned(),
            EventBody::DecisionMade { intent, confidence, .. } => self.decision(intent, *confidence),
            EventBody::ToolCalled { tool, outcome, .. } => {
                let key = if outcome == "ok" { "event.tool_ok" } else { "event.tool_failed" };
                let tool = named(texts, "tool", tool);
                texts.say(key, &[("tool", &tool), ("outcome", outcome)])
            }
            EventBody::HandoverRequested { reason, due_at, .. } => {
                let reason = named(texts, "reason", reason);
                let due = self.teller.when(*due_at);
                texts.say("event.handover_requested", &[("reason", &reason), ("time", due.short())])
            }
            EventBody::HandoverTaken { user_id, .. } => {
                texts.say("event.handover_taken", &[("name", self.user(*user_id))])
            }
            EventBody::HandoverReturned { user_id, .. } => {
                texts.say("event.handover_returned", &[("name", self.user(*user_id))])
            }
            EventBody::BookingMade { starts_at, .. } => {
                texts.say("event.booking_made", &[("time", self.teller.when(*starts_at).short())])
            }
            EventBody::LeadAccepted { intent, channel, .. } => {
                let channel = named(texts, "channel", channel);
                let intent = self::intent(texts, *intent);
                texts.say("event.lead_accepted", &[("intent", intent), ("channel", &channel)])
            }
            EventBody::LeadRepeated { fresh, .. } if !fresh.is_empty() => {
                texts.get("event.lead_added").to_owned()
            }
            EventBody::LeadRepeated { .. } => texts.get("event.lead_repeated").to_owned(),
            EventBody::LeadHeld { .. }
            | EventBody::LeadReleased { .. }
            | EventBody::LeadRefused { .. }
            | EventBody::LeadAssigned { .. }
            | EventBody::LeadMarked { .. }
            | EventBody::PersonsMerged { .. }
            | EventBody::PersonsSplit { .. } => self.ledger(body)?,
            EventBody::ConsentGiven { purpose, .. } => {
                texts.say("event.consent_given", &[("purpose", &named(texts, "purpose", purpose.code()))])
            }
            EventBody::DeliveryChanged { destination, state, .. } => {
                let state = self::state(texts, *state).to_lowercase();
                texts.say(
                    "event.delivery_changed",
                    &[("destination", &destination_name(texts, destination)), ("state", &state)],
                )
            }
            EventBody::OutcomeRecorded { source, stage, step, minor, reason, .. } => {
                outcome(texts, (source, stage), *step, *minor, reason.as_deref())
            }
            EventBody::DeliveryAssigned { user_id, due_at, level, .. } => {
                let key = if *level == 0 { "event.delivery_assigned" } else { "event.delivery_handed_on" };
                let name = user_id.map_or_else(|| texts.get("queue.nobody"), |id| self.user(id));
                texts.say(key, &[("name", name), ("time", self.teller.when(*due_at).short())])
            }
            EventBody::DeliveryDecided { destination, decision, user_id, reason, .. } => {
                let name = user_id.map_or_else(|| texts.get("queue.administrator"), |id| self.user(id));
                let what = named(texts, "decision", decision.code());
                let destination = destination_name(texts, destination);
                let values =
                    [("name", name), ("what", &what), ("destination", &destination), ("reason", reason)];
                texts.say("event.delivery_decided", &values)
            }
            EventBody::UnreadSettled { user_id, .. } => {
                texts.say("event.unread_settled", &[("name", self.user(*user_id))])
            }
            EventBody::OrderChanged { state, minor, .. } => {
                let sum = Money { minor: *minor, currency: Currency::Rub };
                let state = named(texts, "order_state", state.code()).to_lowercase();
                texts.say("event.order_changed", &[("sum", &sum.to_string()), ("state", &state)])
            }
            EventBody::MessageStored { .. }
            | EventBody::PageViewed { .. }
            | EventBody::UserSignedIn { .. }
            | EventBody::AlertRaised { .. }
            | EventBody::AlertEnded { .. }
            | EventBody::UnreadKept { .. }
            | EventBody::WorkerSwitched { .. } => return None,
        })
    }

    /// What people and rules decided about a lead and its person.
    fn ledger(&self, body: &EventBody) -> Option<String> {
        let texts = self.texts;
        let by = |user_id: &Option<ismart_domain::UserId>, key: &str| {
            user_id.map(|id| texts.say(key, &[("name", self.user(id))]))
        };
        Some(match body {
            EventBody::LeadHeld { reasons, user_id, .. } => {
                by(user_id, "event.lead_held_by").unwrap_or_else(|| {
                    let named: Vec<String> = reasons
                        .iter()
                        .map(|reason| self::named(texts, "signal", reason).to_lowercase())
                        .collect();
                    texts.say("event.lead_held", &[("reasons", &named.join(", "))])
                })
            }
            EventBody::LeadReleased { user_id, .. } => by(user_id, "event.lead_released_by")
                .unwrap_or_else(|| texts.get("event.lead_released").to_owned()),
            EventBody::LeadRefused { reason, user_id, .. } => {
                let reason = named(texts, "refusal", reason.code()).to_lowercase();
                texts.say("event.lead_refused", &[("name", self.user(*user_id)), ("reason", &reason)])
            }
            EventBody::LeadAssigned { owner, .. } => match owner {
                Some(owner) => texts.say("event.lead_assigned", &[("name", self.user(*owner))]),
                None => texts.get("event.lead_unassigned").to_owned(),
            },
            EventBody::LeadMarked { mark, on, user_id, .. } => {
                let key = if *on { "event.lead_marked" } else { "event.lead_unmarked" };
                texts.say(key, &[("name", self.user(*user_id)), ("mark", mark)])
            }
            EventBody::PersonsMerged { .. } => texts.get("event.persons_merged").to_owned(),
            EventBody::PersonsSplit { .. } => texts.get("event.persons_split").to_owned(),
            _ => return None,
        })
    }

    fn decision(&self, intent: &str, confidence: f64) -> String {
        let texts = self.texts;
        match intent {
            "abstain" => texts.get("event.abstained").to_owned(),
            "none" => texts.get("event.followed").to_owned(),
            intent => {
                let share = moment::percent(self.teller.language, confidence_tenths(confidence) / 10 * 10);
                texts.say(
                    "event.understood",
                    &[("intent", &named(texts, "understood", intent)), ("p", &share)],
                )
            }
        }
    }

    fn facts(&self, body: &EventBody) -> Vec<(String, String)> {
        let fact = |key: &str, value: String| (self.texts.get(key).to_owned(), value);
        match body {
            EventBody::DecisionMade {
                commands, answer, understander, worker_version, duration_us, ..
            } => {
                let mut facts = vec![
                    fact("fact.commands", commands.join(", ")),
                    fact("fact.answer", answer.clone()),
                    fact("fact.understander", understander.clone()),
                    fact("fact.version", worker_version.clone()),
                    fact("fact.duration", moment::millis(self.teller.language, *duration_us)),
                ];
                facts.retain(|(_, value)| !value.is_empty());
                facts
            }
            EventBody::DeliveryChanged { attempts, .. } if *attempts > 0 => {
                vec![fact("fact.attempts", moment::number(self.teller.language, i64::from(*attempts)))]
            }
            _ => Vec::new(),
        }
    }
}

/// What a source told of a lead: the step of the funnel with the source's own word for it, the sum, the reason.
fn outcome(
    texts: &Texts,
    (source, status): (&str, &str),
    step: Option<Stage>,
    minor: Option<i64>,
    reason: Option<&str>,
) -> String {
    let step = step.map(|step| named(texts, "outcome_step", step.code()));
    let mut stage = step.map_or_else(|| status.to_owned(), |step| format!("{step} ({status})"));
    if let Some(minor) = minor.filter(|minor| *minor != 0) {
        stage.push_str(&format!(", {}", Money { minor, currency: Currency::Rub }));
    }
    if let Some(reason) = reason {
        stage.push_str(&format!(", {reason}"));
    }
    texts.say("event.outcome_recorded", &[("source", source), ("stage", &stage)])
}

/// A destination's name; the built-in one has a name of ours.
pub(super) fn destination_name(texts: &Texts, name: &str) -> String {
    if name == ismart_leads::INBOX { texts.get("destination.inbox").to_owned() } else { name.to_owned() }
}

/// Who wrote a message, when the message does not say.
pub(super) fn author(texts: &Texts, author: Author) -> &str {
    texts.get(match author {
        Author::Visitor => "author.visitor",
        Author::Worker => "author.worker",
        Author::Person => "author.person",
        Author::System => "author.system",
    })
}

/// The text of `{group}.{code}`; a code without text is shown as words.
pub(super) fn named(texts: &Texts, group: &str, code: &str) -> String {
    texts.find(&format!("{group}.{code}")).map_or_else(|| code.replace(['_', '.'], " "), str::to_owned)
}

/// A confidence of 0 to 1 in tenths of a percent.
#[expect(clippy::cast_possible_truncation, reason = "between 0 and 1000 by the clamp")]
fn confidence_tenths(confidence: f64) -> i64 {
    if confidence.is_finite() { (confidence.clamp(0.0, 1.0) * 1000.0).round() as i64 } else { 0 }
}

/// Why what came in is no lead, as a person reads it.
pub(super) fn unfit(texts: &Texts, stored: &str) -> String {
    let found = Unfit::read(stored);
    match &found {
        Unfit::NoContact => texts.get("unfit.no_contact").to_owned(),
        Unfit::Contact { field, text, meaning, .. } => {
            let key = if *meaning == Meaning::Email { "unfit.email" } else { "unfit.phone" };
            texts.say(key, &[("field", field), ("text", text)])
        }
        Unfit::NotJson { error } => texts.say("unfit.not_json", &[("error", error)]),
        Unfit::Nothing => texts.get("unfit.nothing").to_owned(),
        Unfit::NoCallId => texts.get("unfit.no_call_id").to_owned(),
        Unfit::Automatic { how } => texts.say("unfit.automatic", &[("how", how)]),
        Unfit::NoLetter => texts.get("unfit.no_letter").to_owned(),
        Unfit::TooLarge => texts.get("unfit.too_large").to_owned(),
        Unfit::Refused { .. } => found.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::language::Language;
    use super::*;

    #[test]
    fn codes_without_text_are_still_words() {
        let texts = Language::Ru.texts();
        assert_eq!(named(texts, "tool", "unknown_tool.call"), "unknown tool call");
        assert_eq!(confidence_tenths(0.937), 937);
        assert_eq!(confidence_tenths(f64::NAN), 0);
    }
}

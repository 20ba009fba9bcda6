//! Acceptance: the one door through which every lead comes in, from forms, workers, letters, files and programs alike.

use ismart_domain::delivery::Delivery;
use ismart_domain::lead::{Consent, ConsentPurpose, Lead, LeadDraft};
use ismart_domain::spam::{self, Signal, Verdict};
use ismart_domain::{ClientId, EventBody, TraceId};
use ismart_store::events::Scope;
use ismart_store::judgements::{self, Ruling};
use ismart_store::lead_desk::{self, Rules};
use ismart_store::{StoreError, Tx, deliveries, events, leads, repeats, sha256_hex};
use jiff::{SignedDuration, Timestamp};

use crate::{holding, persons};

/// Name of the built-in destination: the console's list of leads. It has every lead from the moment of its commit.
pub const INBOX: &str = "inbox";

/// Why a lead was not accepted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// Nobody could be called back.
    #[error("a lead needs a phone number or an e-mail address")]
    NoContact,
    /// 152-FZ: without consent no personal data may be stored.
    #[error("a lead needs the consent to the processing of personal data")]
    NoConsent,
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An accepted lead.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The lead; the earlier one when the request was a repeat.
    pub lead: Lead,
    /// The request had come before: by its idempotency key for ever, or by the same person with the same wish within the
    /// client's window. What was new in it stands beside the lead.
    pub repeated: bool,
    /// The lead is suspected and waits for a person.
    pub held: bool,
}

/// Accepts a lead inside the caller's transaction: lead, person, consents, one delivery per destination (the inbox first,
/// already delivered), and their events. A suspected lead is held with its reasons: its deliveries wait for a person.
/// Answer "success" only after the transaction has been committed.
///
/// # Errors
/// [`AcceptError`]; the caller's transaction must then be undone.
pub async fn accept(
    tx: &mut Tx,
    client_id: ClientId,
    destinations: &[String],
    draft: LeadDraft,
    trace_id: TraceId,
) -> Result<Accepted, AcceptError> {
    if draft.phone.is_none() && draft.email.is_none() {
        return Err(AcceptError::NoContact);
    }
    if !draft.consents.iter().any(|consent| consent.purpose == ConsentPurpose::Processing) {
        return Err(AcceptError::NoConsent);
    }
    let scope = Scope { client_id, site_id: Some(draft.site_id), trace_id };
    // From here on nobody else decides about the same phone or address: identical requests wait for each other.
    let contacts = persons::contacts(tx, client_id, &draft).await?;
    if let Some(lead) = by_key(tx, client_id, &draft).await? {
        return Ok(again(tx, scope, lead, draft).await?);
    }
    let rules = lead_desk::rules(tx, client_id).await?;
    let found = persons::resolve(tx, client_id, contacts, &draft, rules.names).await?;
    let now = tx.env().now();
    let since = now.checked_sub(SignedDuration::from_mins(rules.repeat_minutes)).unwrap_or(Timestamp::MIN);
    let earlier = match rules.repeat_minutes {
        ..=0 => None,
        _ => repeats::same_wish(tx, client_id, found.person_id, &draft, since).await?,
    };
    if let Some(lead) = earlier {
        persons::join(tx, scope, found.merge, lead.id).await?;
        return Ok(again(tx, scope, lead, draft).await?);
    }
    let fingerprint = fingerprint(&draft);
    let (lead, consents) = leads::add(tx, client_id, draft, &fingerprint, Some(found.person_id)).await?;
    let source = &lead.draft.source;
    let accepted = EventBody::LeadAccepted {
        lead_id: lead.id,
        intent: lead.draft.intent,
        channel: source.channel.code().to_owned(),
        visit_id: source.visit_id,
        conversation_id: source.channel.conversation_id(),
        test: lead.draft.test,
    };
    events::append(tx, scope, accepted).await?;
    persons::join(tx, scope, found.merge, lead.id).await?;
    for consent in consents {
        tell_consent(tx, scope, consent).await?;
    }
    let held = judge(tx, scope, &lead, rules).await?;
    // Test leads travel the whole way, but reach only destinations that were made for them.
    let slots = if lead.draft.test { deliveries::test_slots(tx, client_id).await? } else { Vec::new() };
    let outside: &[String] = if lead.draft.test { &slots } else { destinations };
    for destination in std::iter::once(INBOX).chain(outside.iter().map(String::as_str)) {
        let state = lead_desk::first_state(held, destination == INBOX);
        let delivery = deliveries::add(tx, client_id, lead.id, destination, state).await?;
        tell_delivery(tx, scope, &delivery).await?;
    }
    Ok(Accepted { lead, repeated: false, held })
}

/// Judges a new lead; says whether it is held. What is a little suspected goes on its way, with its signs kept.
async fn judge(tx: &mut Tx, scope: Scope, lead: &Lead, rules: Rules) -> Result<bool, StoreError> {
    if lead.draft.test {
        return Ok(false);
    }
    let verdict = verdict(tx, scope.client_id, &lead.draft).await?;
    if verdict.signals.is_empty() {
        return Ok(false);
    }
    let held = verdict.holds(rules.spam_limit);
    let ruling = if held { Ruling::Held } else { Ruling::Passed };
    judgements::add(tx, scope.client_id, lead.id, &lead.draft, &verdict, ruling).await?;
    if held {
        let mut signals = verdict.signals;
        signals.sort_by_key(|signal| std::cmp::Reverse(signal.weight()));
        let reasons = signals.iter().map(|signal| Signal::code(signal).to_owned()).collect();
        let told = EventBody::LeadHeld { lead_id: lead.id, score: verdict.score, reasons, user_id: None };
        events::append(tx, scope, told).await?;
    }
    Ok(held)
}

async fn verdict(tx: &mut Tx, client_id: ClientId, draft: &LeadDraft) -> Result<Verdict, StoreError> {
    // Only those who can be robots have a past worth asking for.
    let first = spam::judge(draft, spam::Past::default());
    let strangers = spam::is_open_to_strangers(&draft.source.channel);
    if !strangers && first.signals.is_empty() {
        return Ok(first);
    }
    let past = judgements::past(tx, client_id, draft).await?;
    Ok(spam::judge(draft, past))
}

async fn by_key(tx: &mut Tx, client_id: ClientId, draft: &LeadDraft) -> Result<Option<Lead>, StoreError> {
    let Some(key) = draft.idempotency_key.as_deref() else { return Ok(None) };
    match leads::by_key(tx, client_id, key).await? {
        Some(lead) => Ok(Some(lead)),
        None => repeats::by_key(tx, client_id, key).await,
    }
}

/// The same request again: what is new in it is kept beside the lead. One that is above suspicion lets a held lead go.
async fn again(tx: &mut Tx, scope: Scope, lead: Lead, draft: LeadDraft) -> Result<Accepted, StoreError> {
    let client_id = scope.client_id;
    let seen = repeats::of_lead(tx, client_id, lead.id).await?;
    let before: Vec<&LeadDraft> =
        std::iter::once(&lead.draft).chain(seen.iter().map(|repeat| &repeat.draft)).collect();
    let fresh = fresh(&draft, &before);
    let known_key = by_key(tx, client_id, &draft).await?.is_some();
    let key = draft.idempotency_key.as_deref().filter(|_| !known_key);
    let known: Vec<Consent> = leads::consents(tx, client_id, lead.id).await?;
    let agreed = draft.consents.iter().filter(|new| {
        let text = sha256_hex(&new.text);
        !known.iter().any(|old| old.draft.purpose == new.purpose && old.text_sha256 == text)
    });
    for new in agreed {
        let env = tx.env().clone();
        let consent = Consent {
            id: env.new_id(),
            lead_id: lead.id,
            given_at: env.now(),
            text_sha256: sha256_hex(&new.text),
            draft: new.clone(),
        };
        leads::add_consent(tx, client_id, &consent).await?;
        tell_consent(tx, scope, consent).await?;
    }
    let repeat_id = match fresh.is_empty() && key.is_none() {
        true => None,
        false => Some(repeats::add(tx, client_id, lead.id, &fresh, &draft, key).await?),
    };
    events::append(tx, scope, EventBody::LeadRepeated { lead_id: lead.id, repeat_id, fresh }).await?;
    let held = holding::is_held(tx, client_id, lead.id).await?;
    let clean =
        held && verdict(tx, client_id, &draft).await?.signals.iter().all(|signal| signal.weight() <= 0);
    if clean {
        holding::release(tx, scope, lead.id, None).await?;
    }
    Ok(Accepted { lead, repeated: true, held: held && !clean })
}

/// Names of what a request holds that none of the earlier ones did.
fn fresh(draft: &LeadDraft, before: &[&LeadDraft]) -> Vec<String> {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    let mut fresh = Vec::new();
    let mut look = |name: &str, there: bool, same: &dyn Fn(&LeadDraft) -> bool| {
        if there && !before.iter().any(|old| same(old)) {
            fresh.push(name.to_owned());
        }
    };
    let comment = words(&draft.comment);
    look("comment", !comment.is_empty(), &|old| words(&old.comment).contains(&comment));
    look("name", draft.name.is_some(), &|old| old.name == draft.name);
    look("phone", draft.phone.is_some(), &|old| old.phone == draft.phone);
    look("email", draft.email.is_some(), &|old| old.email == draft.email);
    look("files", !draft.files.is_empty(), &|old| {
        let has = |sha: &str| old.files.iter().any(|file| file.sha256 == sha);
        draft.files.iter().all(|file| has(&file.sha256))
    });
    look("fields", !draft.fields.is_empty(), &|old| {
        draft.fields.iter().all(|(name, value)| old.fields.get(name) == Some(value))
    });
    fresh
}

async fn tell_consent(tx: &mut Tx, scope: Scope, consent: Consent) -> Result<(), StoreError> {
    let given = EventBody::ConsentGiven {
        consent_id: consent.id,
        lead_id: consent.lead_id,
        purpose: consent.draft.purpose,
        text_sha256: consent.text_sha256,
    };
    events::append(tx, scope, given).await
}

/// Tells the log how a delivery stands.
pub(crate) async fn tell_delivery(tx: &mut Tx, scope: Scope, delivery: &Delivery) -> Result<(), StoreError> {
    let changed = EventBody::DeliveryChanged {
        delivery_id: delivery.id,
        lead_id: delivery.lead_id,
        destination: delivery.destination.clone(),
        state: delivery.state,
        attempts: delivery.attempts,
    };
    events::append(tx, scope, changed).await
}

/// What makes two requests the same to the letter: person, intent, subject and words.
fn fingerprint(draft: &LeadDraft) -> String {
    let parts = [
        draft.site_id.to_string(),
        draft.phone.as_ref().map(|p| p.e164().to_owned()).unwrap_or_default(),
        draft.email.as_ref().map(ismart_domain::Email::matching).unwrap_or_default(),
        draft.intent.code().to_owned(),
        draft.subject.as_ref().map(|s| s.key.clone()).unwrap_or_default(),
        draft.comment.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase(),
    ];
    sha256_hex(&parts.join("\u{1f}"))
}

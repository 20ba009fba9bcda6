//! Acceptance: the one door through which every lead comes in, from forms and workers alike.

use ismart_domain::delivery::DeliveryState;
use ismart_domain::lead::{ConsentPurpose, Lead, LeadDraft};
use ismart_domain::{ClientId, EventBody, TraceId};
use ismart_store::events::Scope;
use ismart_store::{StoreError, Tx, deliveries, events, leads, sha256_hex};
use jiff::{SignedDuration, Timestamp};

/// Name of the built-in destination: the console's list of leads. It has every lead from the moment of its commit.
pub const INBOX: &str = "inbox";

/// The same request of the same person within this time is the same lead.
const REPEAT_WINDOW: SignedDuration = SignedDuration::from_mins(10);

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
    /// The request had come before: by its idempotency key, or by the same person, intent, subject and words
    /// within ten minutes.
    pub repeated: bool,
}

/// Accepts a lead inside the caller's transaction: lead, consents, one delivery per destination (the inbox first,
/// already delivered), and their events. Answer "success" only after the transaction has been committed.
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
    let fingerprint = fingerprint(&draft);
    if let Some(lead) = earlier(tx, client_id, &draft, &fingerprint).await? {
        events::append(
            tx,
            scope,
            EventBody::LeadRepeated { lead_id: lead.id, repeat_id: None, fresh: Vec::new() },
        )
        .await?;
        return Ok(Accepted { lead, repeated: true });
    }
    let (lead, consents) = leads::add(tx, client_id, draft, &fingerprint).await?;
    let source = &lead.draft.source;
    let conversation_id = source.channel.conversation_id();
    let accepted = EventBody::LeadAccepted {
        lead_id: lead.id,
        intent: lead.draft.intent,
        channel: source.channel.code().to_owned(),
        visit_id: source.visit_id,
        conversation_id,
        test: lead.draft.test,
    };
    events::append(tx, scope, accepted).await?;
    for consent in consents {
        let given = EventBody::ConsentGiven {
            consent_id: consent.id,
            lead_id: lead.id,
            purpose: consent.draft.purpose,
            text_sha256: consent.text_sha256,
        };
        events::append(tx, scope, given).await?;
    }
    let inbox = std::iter::once((INBOX, DeliveryState::Delivered));
    // Test leads travel the whole way, but reach only destinations that were made for them.
    let slots = if lead.draft.test { deliveries::test_slots(tx, client_id).await? } else { Vec::new() };
    let outside: &[String] = if lead.draft.test { &slots } else { destinations };
    for (destination, state) in inbox.chain(outside.iter().map(|d| (d.as_str(), DeliveryState::Queued))) {
        let delivery = deliveries::add(tx, client_id, lead.id, destination, state).await?;
        let changed = EventBody::DeliveryChanged {
            delivery_id: delivery.id,
            lead_id: lead.id,
            destination: destination.to_owned(),
            state,
            attempts: 0,
        };
        events::append(tx, scope, changed).await?;
    }
    Ok(Accepted { lead, repeated: false })
}

async fn earlier(
    tx: &mut Tx,
    client_id: ClientId,
    draft: &LeadDraft,
    fingerprint: &str,
) -> Result<Option<Lead>, StoreError> {
    if let Some(key) = draft.idempotency_key.as_deref()
        && let Some(lead) = leads::by_key(tx, client_id, key).await?
    {
        return Ok(Some(lead));
    }
    let since = tx.env().now().checked_sub(REPEAT_WINDOW).unwrap_or(Timestamp::MIN);
    leads::by_fingerprint(tx, client_id, fingerprint, since).await
}

/// What makes two requests the same: person, intent, subject and words.
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

//! `create_lead`: a conversation becomes a lead.
//!
//! Arguments: `intent` (wire name), `name`, `phone`, `email`, `comment`, `subject_key`, `consent` {`text`, `version`,
//! `url`}. Gives `lead_id` and `number`. Refuses with `no_contact`, `no_consent`.

use std::sync::Arc;

use ismart_domain::contact::{Email, PersonName, Phone};
use ismart_domain::lead::{
    Channel, ConsentDraft, ConsentPurpose, Intent, LeadDraft, LeadSource, Subject, Utm,
};
use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope};
use ismart_domain::{BoxFuture, EventBody};
use ismart_leads::AcceptError;
use ismart_store::{Store, Tx, conversations, visits};
use serde_json::{Value, json};

use crate::arguments::{maybe_text, text, wrong};
use crate::effect::{Undone, once};

/// Finds the title of a stock item by its key.
pub type TitleOf = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// See the module.
pub struct CreateLead {
    store: Store,
    destinations: Vec<String>,
    title_of: TitleOf,
}

impl CreateLead {
    /// Leads go to these destinations besides the inbox.
    #[must_use]
    pub fn new(store: Store, destinations: Vec<String>, title_of: TitleOf) -> Self {
        Self { store, destinations, title_of }
    }

    fn draft(&self, scope: &ToolScope, arguments: &Value) -> Result<LeadDraft, ToolError> {
        let code = text(arguments, "intent")?;
        let intent =
            Intent::from_code(code).ok_or_else(|| wrong("intent", format!("`{code}` is not an intent")))?;
        let phone = maybe_text(arguments, "phone")?.map(Phone::parse).transpose();
        let email = maybe_text(arguments, "email")?.map(Email::parse).transpose();
        let name = maybe_text(arguments, "name")?.map(PersonName::parse).transpose();
        let consent = arguments.get("consent").filter(|consent| consent.is_object());
        let consents = consent.map(|consent| consent_of(scope, consent)).transpose()?;
        Ok(LeadDraft {
            site_id: scope.site_id,
            intent,
            name: name.map_err(|e| wrong("name", e.to_string()))?,
            phone: phone.map_err(|e| wrong("phone", e.to_string()))?,
            email: email.map_err(|e| wrong("email", e.to_string()))?,
            comment: maybe_text(arguments, "comment")?.unwrap_or_default().to_owned(),
            subject: maybe_text(arguments, "subject_key")?.map(|key| Subject {
                key: key.to_owned(),
                title: (self.title_of)(key).unwrap_or_else(|| key.to_owned()),
            }),
            amount: None,
            source: LeadSource {
                channel: Channel::Conversation {
                    conversation_id: scope.conversation_id,
                    worker: scope.worker.clone(),
                },
                page_url: scope.page.clone(),
                referrer: None,
                utm: Utm::default(),
                visit_id: scope.visit_id,
            },
            consents: consents.into_iter().collect(),
            fields: Default::default(),
            files: Vec::new(),
            signals: Vec::new(),
            idempotency_key: Some(scope.key.clone()),
            test: false,
        })
    }
}

fn consent_of(scope: &ToolScope, consent: &Value) -> Result<ConsentDraft, ToolError> {
    Ok(ConsentDraft {
        purpose: ConsentPurpose::Processing,
        text: text(consent, "text")?.to_owned(),
        version: text(consent, "version")?.to_owned(),
        url: text(consent, "url")?.to_owned(),
        page_url: scope.page.clone(),
        ip: scope.ip.clone(),
        user_agent: scope.user_agent.clone(),
    })
}

impl Tool for CreateLead {
    fn name(&self) -> &'static str {
        "create_lead"
    }

    fn effect(&self) -> Effect {
        Effect::Write
    }

    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move {
            let draft = self.draft(scope, arguments)?;
            let (destinations, scope_of_work) = (self.destinations.clone(), scope.clone());
            once(&self.store, scope, self.name(), move |tx: &mut Tx| {
                Box::pin(write(tx, scope_of_work, destinations, draft))
            })
            .await
        })
    }
}

async fn write(
    tx: &mut Tx,
    scope: ToolScope,
    destinations: Vec<String>,
    mut draft: LeadDraft,
) -> Result<ToolOutcome, Undone> {
    // The visit knows the advertising marks that brought the visitor.
    if let Some(conversation) = conversations::get(tx, scope.client_id, scope.conversation_id).await? {
        let now = tx.env().now();
        if let Some(visit) = visits::current(tx, scope.client_id, conversation.visitor_id, now).await? {
            draft.source.visit_id = Some(visit.id);
            draft.source.utm = visit.utm;
            draft.source.referrer = visit.referrer;
        }
    }
    let accepted = ismart_leads::accept(tx, scope.client_id, &destinations, draft, scope.trace_id).await;
    match accepted {
        Ok(accepted) => Ok(ToolOutcome {
            data: json!({ "lead_id": accepted.lead.id, "number": accepted.lead.number }),
            ..ToolOutcome::default()
        }),
        Err(AcceptError::NoContact) => {
            Err(refused("no_contact", "a lead needs a phone or an e-mail address"))
        }
        Err(AcceptError::NoConsent) => Err(refused("no_consent", "a lead needs the visitor's consent")),
        Err(AcceptError::Store(error)) => Err(error.into()),
    }
}

fn refused(code: &str, reason: &str) -> Undone {
    Undone::Tool(ToolError::Refused { code: code.to_owned(), reason: reason.to_owned() })
}

/// The event of a booking, for the tool that makes one.
pub(crate) fn booking_made(booking: &ismart_store::bookings::Booking) -> EventBody {
    EventBody::BookingMade {
        booking_id: booking.id,
        conversation_id: booking.conversation_id,
        starts_at: booking.starts_at,
    }
}

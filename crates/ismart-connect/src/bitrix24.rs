//! Leads to a Bitrix24 portal by an incoming webhook.
//!
//! Promises stand in `bitrix24.contract.md`. A delivery is two requests: one batch of searches (is this lead
//! there already? whom does the portal know by this phone and address?) and the creation; a third one adds
//! the person's words to the record's timeline.

mod answer;
mod check;
mod judge;
mod outcomes;
mod portal;
mod query;
mod record;
mod search;
mod settings;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::BoxFuture;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::judge::Effect;
use self::portal::Portal;
use self::record::{Entity, Extras};
use self::settings::Mode;
use crate::{Egress, Entry, Opened};

pub(crate) use self::outcomes::OUTCOMES;

const KIND: &str = "bitrix24";

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry =
    Entry { kind: KIND, title_ru: "Битрикс24", title_en: "Bitrix24", fields: settings::FIELDS, open };

/// How long the portal's answer about its mode is believed. People change it once in years.
const MODE_BELIEVED: Duration = Duration::from_secs(3600);

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    let settings = settings::read(values)?;
    Ok(Arc::new(Bitrix24 {
        portal: Portal::new(settings.webhook, settings.rate, egress),
        mode: settings.mode,
        extras: settings.extras,
        crm: Mutex::new(None),
    }))
}

/// Whether a portal keeps leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CrmMode {
    /// It does.
    Classic,
    /// Requests become deals at once.
    Simple,
}

impl CrmMode {
    /// What a request becomes.
    fn entity(self) -> Entity {
        match self {
            Self::Classic => Entity::Lead,
            Self::Simple => Entity::Deal,
        }
    }

    /// Reads the answer of `crm.settings.mode.get`.
    fn read(result: &Value) -> Option<Self> {
        match answer::id(result) {
            Some(1) => Some(Self::Classic),
            Some(2) => Some(Self::Simple),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Bitrix24 {
    portal: Portal,
    mode: Mode,
    extras: Extras,
    crm: Mutex<Option<(CrmMode, Instant)>>,
}

impl Bitrix24 {
    /// The portal's mode, asked for once an hour. Others wait meanwhile, so that a burst asks once.
    async fn crm_mode(&self) -> Result<CrmMode, DeliveryError> {
        const METHOD: &str = "crm.settings.mode.get";
        let mut known = self.crm.lock().await;
        if let Some((mode, since)) = *known
            && since.elapsed() < MODE_BELIEVED
        {
            return Ok(mode);
        }
        let result = self.portal.call(METHOD, &json!({}), Effect::Reads).await?;
        let Some(mode) = CrmMode::read(&result) else {
            let judge = self.portal.judge(METHOD, Effect::Reads);
            return Err(judge.later(None, format!("the portal names an unknown CRM mode: {result}")));
        };
        *known = Some((mode, Instant::now()));
        Ok(mode)
    }

    async fn hand_over(&self, lead: &Lead) -> Result<String, DeliveryError> {
        let entity = self.crm_mode().await?.entity();
        let mut found = search::look(&self.portal, self.mode, entity, lead).await?;
        if let Some(id) = found.own {
            return Ok(id.to_string());
        }
        if entity == Entity::Deal && found.contacts.is_empty() {
            // A deal has no phone of its own: without a contact nobody could call. If the deal then fails,
            // the next attempt finds this contact by its phone.
            let fields = record::contact(lead, &self.extras);
            found.contacts.push(self.create(Entity::Contact, fields, Effect::Repeatable).await?);
        }
        let fields = record::request(lead, entity, &found.contacts, &self.extras);
        let id = self.create(entity, fields, Effect::Creates).await?;
        self.add_words(lead, entity, id).await;
        Ok(id.to_string())
    }

    /// Makes a record and gives its id.
    async fn create(
        &self,
        entity: Entity,
        fields: Map<String, Value>,
        effect: Effect,
    ) -> Result<u64, DeliveryError> {
        let (method, params) = match (self.mode, entity) {
            (Mode::Item, _) => ("crm.item.add", json!({"entityTypeId": entity.type_id(), "fields": fields})),
            (Mode::Lead, Entity::Lead) => ("crm.lead.add", classic(&fields)),
            (Mode::Lead, Entity::Deal) => ("crm.deal.add", classic(&fields)),
            (Mode::Lead, Entity::Contact) => ("crm.contact.add", classic(&fields)),
        };
        let result = self.portal.call(method, &params, effect).await?;
        let made = result.get("item").and_then(|item| item.get("id")).unwrap_or(&result);
        answer::id(made).ok_or_else(|| {
            let judge = self.portal.judge(method, effect);
            judge.unclear(Duration::ZERO, "the portal made a record and did not say its number")
        })
    }

    /// Writes the person's words into the timeline, once: a failure is only logged, because the lead itself has
    /// arrived with the same words in its comment, and a repeat would repeat the lead.
    async fn add_words(&self, lead: &Lead, entity: Entity, id: u64) {
        let Some(text) = record::timeline(lead) else { return };
        let fields = json!({"ENTITY_ID": id, "ENTITY_TYPE": entity.code(), "COMMENT": text});
        let params = json!({ "fields": fields });
        if let Err(error) = self.portal.call("crm.timeline.comment.add", &params, Effect::Repeatable).await {
            tracing::warn!(lead.id = %lead.id, portal = %self.portal.webhook.portal, error = %error,
                           "the lead arrived without its timeline comment");
        }
    }
}

fn classic(fields: &Map<String, Value>) -> Value {
    json!({"fields": record::classic(fields), "params": {"REGISTER_SONET_EVENT": "Y"}})
}

impl Connector for Bitrix24 {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>> {
        Box::pin(self.hand_over(lead))
    }

    fn find<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(async move {
            let entity = self.crm_mode().await?.entity();
            let found = search::find(&self.portal, self.mode, entity, lead).await?;
            Ok(found.map(|id| id.to_string()))
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(check::run(&self.portal, self.mode, &self.extras))
    }
}

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
mod schema;
mod search;
mod settings;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::BoxFuture;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::rehearsal::{Rehearsal, Shown};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::judge::Effect;
use self::portal::Portal;
use self::record::{Entity, Extras};
use self::schema::Schema;
use self::settings::Mode;
use crate::rehearse::{Rehearsing, readable};
use crate::{Egress, Entry, Memory, Opened, SettingsError};

pub(crate) use self::outcomes::OUTCOMES;

const KIND: &str = "bitrix24";

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "Битрикс24",
    title_en: "Bitrix24",
    fields: settings::FIELDS,
    memory: Memory::Asked,
    open,
    rehearse,
};

/// How long the portal's answer about its mode is believed. People change it once in years.
const MODE_BELIEVED: Duration = Duration::from_secs(3600);
/// How long its description of its fields is.
const SCHEMA_BELIEVED: Duration = Duration::from_secs(3600);

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<Bitrix24, SettingsError> {
    let settings = settings::read(values)?;
    Ok(Bitrix24 {
        portal: Portal::new(settings.webhook, settings.rate, egress),
        mode: settings.mode,
        extras: settings.extras,
        crm: Mutex::new(None),
        schema: Mutex::new(None),
    })
}

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    Ok(Arc::new(make(values, egress)?))
}

fn rehearse(values: &Map<String, Value>, egress: &Egress, lead: Lead) -> Rehearsing {
    let crm = make(values, egress)?;
    Ok(Box::pin(async move { crm.rehearse(&lead).await }))
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
    schema: Mutex<Option<(Schema, Instant)>>,
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

    /// What the settings' rules put into the record: the portal's description of its fields is asked for once an hour.
    async fn mapped(&self, entity: Entity, lead: &Lead) -> Result<Map<String, Value>, DeliveryError> {
        if self.extras.rules.is_empty() {
            return Ok(Map::new());
        }
        let mut known = self.schema.lock().await;
        if let Some((schema, since)) = known.as_ref()
            && since.elapsed() < SCHEMA_BELIEVED
        {
            return Ok(schema.values(&self.extras.rules, lead));
        }
        let schema = Schema::ask(&self.portal, self.mode, entity).await?;
        let values = schema.values(&self.extras.rules, lead);
        *known = Some((schema, Instant::now()));
        Ok(values)
    }

    /// What would go out, and what of the mapping does not fit the portal. Leaves nothing behind.
    async fn rehearse(&self, lead: &Lead) -> Result<Rehearsal, DeliveryError> {
        let (about, schema, entity) = check::look(&self.portal, self.mode, &self.extras).await?;
        let fields = record::request(lead, entity, &[], &self.extras);
        let mapped = schema.values(&self.extras.rules, lead);
        let (method, params) = creation(self.mode, entity, fields, mapped);
        let shown = |method: &str, params: &Value| Shown {
            what: format!("POST {}", self.portal.webhook.mask(&self.portal.webhook.method(method))),
            body: readable(params),
        };
        let mut requests = vec![shown(method, &params)];
        if let Some(text) = record::timeline(lead) {
            let fields = json!({"ENTITY_ID": 0, "ENTITY_TYPE": entity.code(), "COMMENT": text});
            requests.push(shown("crm.timeline.comment.add", &json!({ "fields": fields })));
        }
        Ok(Rehearsal { about, requests, misfits: schema.misfits(&self.extras.rules), fields: schema.shown() })
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
            found.contacts.push(self.create(Entity::Contact, fields, Map::new(), Effect::Repeatable).await?);
        }
        let fields = record::request(lead, entity, &found.contacts, &self.extras);
        let mapped = self.mapped(entity, lead).await?;
        let id = self.create(entity, fields, mapped, Effect::Creates).await?;
        self.add_words(lead, entity, id).await;
        Ok(id.to_string())
    }

    /// Makes a record and gives its id.
    async fn create(
        &self,
        entity: Entity,
        fields: Map<String, Value>,
        mapped: Map<String, Value>,
        effect: Effect,
    ) -> Result<u64, DeliveryError> {
        let (method, params) = creation(self.mode, entity, fields, mapped);
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

/// Method and parameters of a creation. `mapped` has the names of the portal's own description already.
fn creation(
    mode: Mode,
    entity: Entity,
    mut fields: Map<String, Value>,
    mapped: Map<String, Value>,
) -> (&'static str, Value) {
    let method = match (mode, entity) {
        (Mode::Item, _) => {
            fields.extend(mapped);
            return ("crm.item.add", json!({"entityTypeId": entity.type_id(), "fields": fields}));
        }
        (Mode::Lead, Entity::Lead) => "crm.lead.add",
        (Mode::Lead, Entity::Deal) => "crm.deal.add",
        (Mode::Lead, Entity::Contact) => "crm.contact.add",
    };
    let mut fields = record::classic(&fields);
    fields.extend(mapped);
    (method, json!({"fields": fields, "params": {"REGISTER_SONET_EVENT": "Y"}}))
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

//! Leads to an amoCRM account.
//!
//! Promises stand in `amocrm.contract.md`. A delivery asks whether the lead is there already, looks for the person,
//! makes the lead (with a new card, or linked to the known one), and adds a task and a note. What is missing after
//! an attempt that broke off is added by the next one.

mod account;
mod answer;
mod check;
mod judge;
mod mapping;
mod outcomes;
mod place;
mod record;
mod schema;
mod search;
mod settings;
mod tokens;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::rehearsal::{Rehearsal, Shown};
use ismart_domain::{BoxFuture, LeadId};
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::Instant;

use self::account::Account;
use self::answer::{embedded, id};
use self::schema::Schema;
use self::settings::Extras;
use self::tokens::{Rotating, Tokens};
use crate::effect::Effect;
use crate::rehearse::{Rehearsing, readable};
use crate::{Egress, Entry, Memory, Opened, SettingsError};

pub(crate) use self::outcomes::OUTCOMES;

const KIND: &str = "amocrm";

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "amoCRM",
    title_en: "amoCRM",
    fields: settings::FIELDS,
    memory: Memory::Asked,
    open,
    rehearse,
};

/// How long the account's answer about its fields is believed.
const SCHEMA_BELIEVED: Duration = Duration::from_secs(3600);

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<AmoCrm, SettingsError> {
    let settings = settings::read(values)?;
    let tokens = tokens(&settings, egress)?;
    Ok(AmoCrm {
        account: Account::new(settings.place, settings.token, tokens, settings.rate, egress),
        extras: settings.extras,
        schema: Mutex::new(None),
        made: std::sync::Mutex::default(),
    })
}

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    Ok(Arc::new(make(values, egress)?))
}

fn rehearse(values: &Map<String, Value>, egress: &Egress, lead: Lead) -> Rehearsing {
    let crm = make(values, egress)?;
    Ok(Box::pin(async move { crm.rehearse(&lead).await }))
}

/// A token that lasts, or pairs that are kept where the process keeps them.
fn tokens(settings: &settings::Settings, egress: &Egress) -> Result<Tokens, SettingsError> {
    let Some(integration) = settings.integration.clone() else {
        return Ok(Tokens::Lasting(settings.token.clone()));
    };
    let Some(keeper) = egress.keeper() else {
        let reason =
            "needs a place that keeps tokens, and this command has none; use a long-lived token here";
        return Err(SettingsError::of("client_id", reason));
    };
    let name = format!("{KIND} {} {}", settings.place.host, integration.client_id);
    let gate = egress.gate(&name);
    Ok(Tokens::Rotating(Rotating { integration, code: settings.token.clone(), keeper, gate, name }))
}

#[derive(Debug)]
struct AmoCrm {
    account: Account,
    extras: Extras,
    schema: Mutex<Option<(Schema, Instant)>>,
    /// Leads that were made and still lack their task or note: the account's search may not know them yet.
    made: std::sync::Mutex<HashMap<LeadId, u64>>,
}

impl AmoCrm {
    /// The fields of leads, asked for once an hour. Others wait meanwhile, so that a burst asks once.
    async fn fields(&self) -> Result<Schema, DeliveryError> {
        let mut known = self.schema.lock().await;
        self.believed(&mut known).await
    }

    /// The fields and our own one among them, made if the account lacks it.
    async fn own_field(&self) -> Result<(Schema, u64), DeliveryError> {
        let mut known = self.schema.lock().await;
        let mut schema = self.believed(&mut known).await?;
        let own = match schema.own() {
            Some(own) => own,
            None => schema.make_own(&self.account).await?,
        };
        *known = Some((schema.clone(), known.as_ref().map_or_else(Instant::now, |(_, since)| *since)));
        Ok((schema, own))
    }

    async fn believed(&self, known: &mut Option<(Schema, Instant)>) -> Result<Schema, DeliveryError> {
        if let Some((schema, since)) = known.as_ref()
            && since.elapsed() < SCHEMA_BELIEVED
        {
            return Ok(schema.clone());
        }
        let schema = Schema::read(&self.account).await?;
        *known = Some((schema.clone(), Instant::now()));
        Ok(schema)
    }

    async fn hand_over(&self, lead: &Lead) -> Result<String, DeliveryError> {
        let (schema, own) = self.own_field().await?;
        let begun = self.remembered(lead);
        let there = match begun {
            Some(id) => Some(id),
            None => search::own(&self.account, own, lead).await?,
        };
        let (id, fresh) = match there {
            Some(id) => (id, false),
            None => (self.make(lead, own, &schema).await?, true),
        };
        self.remember(lead, Some(id));
        self.complete(lead, id, fresh).await?;
        self.remember(lead, None);
        Ok(id.to_string())
    }

    /// Makes the lead: linked to the person's card, or with a new one in the same request.
    async fn make(&self, lead: &Lead, own: u64, schema: &Schema) -> Result<u64, DeliveryError> {
        let known = search::person(&self.account, lead).await?;
        let mut fields = record::lead(lead, own, schema, &self.extras);
        let card = match known {
            Some(id) => json!([{"id": id, "is_main": true}]),
            None => json!([record::contact(lead, &self.extras)]),
        };
        if let Some(Value::Object(embedded)) = fields.get_mut("_embedded") {
            embedded.insert("contacts".into(), card);
        }
        let operation = if known.is_some() { "leads" } else { "leads/complex" };
        let sent = self.account.post(operation, &json!([fields]), Effect::Creates).await;
        if let Err(error) = &sent
            && !matches!(error, DeliveryError::Retry { ambiguous: true, .. })
        {
            // Whatever was refused may have changed in the account.
            *self.schema.lock().await = None;
        }
        let body = sent?;
        let made = match &body {
            Some(Value::Array(list)) => list.first(),
            other => embedded(other.as_ref(), "leads").first(),
        };
        if made.and_then(|made| made.get("merged")).and_then(Value::as_bool) == Some(true) {
            tracing::info!(lead.id = %lead.id, account = %self.account.place.host,
                           "the account merged the request into a lead of the same person");
        }
        made.and_then(id).ok_or_else(|| {
            let judge = self.account.judge(operation, Effect::Creates);
            judge.unclear("the account made a lead and did not say its number")
        })
    }

    /// Adds task and note. After an attempt that broke off, only what is missing. A refusal is only logged: the lead
    /// itself has arrived; a failure that passes is tried again, with the lead known by its number.
    async fn complete(&self, lead: &Lead, id: u64, fresh: bool) -> Result<(), DeliveryError> {
        if let Some(minutes) = self.extras.task_minutes {
            let query = format!("?filter%5Bentity_type%5D=leads&filter%5Bentity_id%5D%5B%5D={id}");
            let there = !fresh && self.account.get("tasks", &query).await?.is_some();
            if !there {
                let task = json!([record::task(lead, id, minutes, &self.extras)]);
                self.add(lead, "tasks", &task).await?;
            }
        }
        let key = lead.origin_id();
        let there = !fresh && {
            let notes =
                self.account.get(&format!("leads/{id}/notes"), "?limit=250&order%5Bid%5D=desc").await?;
            embedded(notes.as_ref(), "notes").iter().any(|note| {
                let text = note.get("params").and_then(|params| params.get("text")).and_then(Value::as_str);
                text.is_some_and(|text| text.contains(&key))
            })
        };
        if !there {
            let text = record::note(lead, &self.extras);
            let note = json!([{"entity_id": id, "note_type": "common", "params": {"text": text}, "request_id": key}]);
            self.add(lead, "leads/notes", &note).await?;
        }
        Ok(())
    }

    async fn add(&self, lead: &Lead, operation: &str, body: &Value) -> Result<(), DeliveryError> {
        match self.account.post(operation, body, Effect::Repeatable).await {
            Err(error @ DeliveryError::Retry { .. }) => Err(error),
            Err(error) => {
                tracing::warn!(lead.id = %lead.id, account = %self.account.place.host, operation, error = %error,
                               "the lead arrived without its task or note");
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }

    /// What would go out, and what of the mapping does not fit the account. Leaves nothing behind.
    async fn rehearse(&self, lead: &Lead) -> Result<Rehearsal, DeliveryError> {
        let schema = Schema::read(&self.account).await?;
        let misfits = check::misfits(&schema, &self.extras);
        let about = check::look(&self.account, &self.extras, &schema).await?;
        let own = schema.own().unwrap_or_default();
        let mut fields = record::lead(lead, own, &schema, &self.extras);
        let card = json!([record::contact(lead, &self.extras)]);
        if let Some(Value::Object(embedded)) = fields.get_mut("_embedded") {
            embedded.insert("contacts".into(), card);
        }
        let post = |operation: &str, body: Value| Shown {
            what: format!("POST {}", self.account.place.api(operation)),
            body: readable(&body),
        };
        let note = json!([{"entity_id": 0, "note_type": "common",
                           "params": {"text": record::note(lead, &self.extras)}}]);
        let task = self
            .extras
            .task_minutes
            .map(|minutes| post("tasks", json!([record::task(lead, 0, minutes, &self.extras)])));
        let requests = std::iter::once(post("leads/complex", json!([fields])))
            .chain(task)
            .chain(std::iter::once(post("leads/notes", note)));
        Ok(Rehearsal { about, requests: requests.collect(), misfits, fields: schema.shown() })
    }

    fn remembered(&self, lead: &Lead) -> Option<u64> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner).get(&lead.id).copied()
    }

    fn remember(&self, lead: &Lead, made: Option<u64>) {
        let mut all = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        match made {
            Some(id) => all.insert(lead.id, id),
            None => all.remove(&lead.id),
        };
    }
}

impl Connector for AmoCrm {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>> {
        Box::pin(self.hand_over(lead))
    }

    fn find<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(async move {
            let Some(own) = self.fields().await?.own() else { return Ok(None) };
            let mut found = search::own(&self.account, own, lead).await?;
            if found.is_none() {
                found = search::newest(&self.account, own, lead).await?;
            }
            Ok(found.map(|id| id.to_string()))
        })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(check::run(&self.account, &self.extras))
    }
}

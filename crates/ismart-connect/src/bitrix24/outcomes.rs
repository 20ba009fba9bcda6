//! Where leads and deals of a portal stand.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::money::{Currency, Money};
use ismart_domain::outcome::{HookMessage, HookPairs, Meaning, RecordKind, RecordRef, RecordState};
use ismart_domain::ports::{Changes, OutcomeSource, Readings};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant};

use super::answer::id;
use super::judge::Effect;
use super::portal::Portal;
use super::record::ORIGINATOR;
use super::settings::{self, Mode};
use crate::Egress;
use crate::outcomes::{OutcomeEntry, SourceOpened, key_parts, kopecks, origin};

/// The line in [`crate::OUTCOMES`].
pub(crate) const OUTCOMES: OutcomeEntry = OutcomeEntry { kind: super::KIND, open, hook };

/// A page of a list; fixed by the portal.
const PAGE: usize = 50;
/// How long the names of stages are believed.
const NAMES_BELIEVED: Duration = Duration::from_secs(3600);
/// A dictionary that has no end is broken.
const NAME_PAGES_AT_MOST: usize = 40;

fn open(values: &Map<String, Value>, egress: &Egress) -> SourceOpened {
    let settings = settings::read(values)?;
    let portal = Portal::new(settings.webhook, settings.rate, egress);
    Ok(Arc::new(Records { portal, mode: settings.mode, names: Mutex::new(None) }))
}

/// Reads `event=ONCRMLEADUPDATE&data[FIELDS][ID]=41&auth[application_token]=…`.
fn hook(pairs: &HookPairs) -> HookMessage {
    let value = |wanted: &[&str]| {
        let found = pairs.iter().find(|(key, _)| key_parts(key) == wanted);
        found.map(|(_, value)| value.as_str())
    };
    let event = value(&["event"]).unwrap_or_default().to_uppercase();
    let number = value(&["data", "FIELDS", "ID"]).and_then(|text| text.parse::<u64>().ok());
    let kind = if event.starts_with("ONCRMLEAD") {
        Some(RecordKind::Lead)
    } else if event.starts_with("ONCRMDEAL") {
        Some(RecordKind::Deal)
    } else if event.starts_with("ONCRMDYNAMICITEM") {
        let entity = value(&["data", "FIELDS", "ENTITY_TYPE_ID"]).and_then(|text| text.parse().ok());
        entity.map(RecordKind::Item)
    } else {
        None
    };
    let records = kind.zip(number).map(|(kind, id)| RecordRef { kind, id }).into_iter().collect();
    HookMessage { proof: value(&["auth", "application_token"]).map(str::to_owned), records }
}

/// Names of stages by their codes.
type Names = Vec<(String, String)>;

struct Records {
    portal: Portal,
    mode: Mode,
    names: Mutex<Option<(Names, Instant)>>,
}

/// What of a record is asked for: the name of the universal methods, the classic one.
const FIELDS: [(&str, &str); 9] = [
    ("id", "ID"),
    ("stageId", "STAGE_ID"),
    ("stageSemanticId", "STAGE_SEMANTIC_ID"),
    ("assignedById", "ASSIGNED_BY_ID"),
    ("opportunity", "OPPORTUNITY"),
    ("currencyId", "CURRENCY_ID"),
    ("updatedTime", "DATE_MODIFY"),
    ("originatorId", "ORIGINATOR_ID"),
    ("originId", "ORIGIN_ID"),
];

impl Records {
    /// Whether the classic methods are used: they know leads and deals.
    fn classic(&self, kind: RecordKind) -> bool {
        self.mode == Mode::Lead && !matches!(kind, RecordKind::Item(_))
    }

    /// The name of a field in the family of methods that is used.
    fn field(&self, kind: RecordKind, camel: &'static str) -> &'static str {
        if !self.classic(kind) {
            return camel;
        }
        match (kind, camel) {
            (RecordKind::Lead, "stageId") => "STATUS_ID",
            (RecordKind::Lead, "stageSemanticId") => "STATUS_SEMANTIC_ID",
            (_, "leadId") => "LEAD_ID",
            _ => FIELDS.iter().find(|(name, _)| *name == camel).map_or(camel, |(_, classic)| classic),
        }
    }

    /// The records of a kind that `filter` lets through, by number; at most fifty.
    async fn list(
        &self,
        kind: RecordKind,
        filter: Map<String, Value>,
    ) -> Result<Vec<RecordState>, DeliveryError> {
        let mut select: Vec<&str> = FIELDS.iter().map(|(camel, _)| self.field(kind, camel)).collect();
        if kind == RecordKind::Deal {
            select.push(self.field(kind, "leadId"));
        }
        let mut params = json!({"filter": filter, "select": select, "start": -1});
        let order = Map::from_iter([(self.field(kind, "id").to_owned(), json!("ASC"))]);
        let (method, entity) = match (kind, self.classic(kind)) {
            (RecordKind::Lead, true) => ("crm.lead.list", None),
            (RecordKind::Deal, true) => ("crm.deal.list", None),
            (RecordKind::Lead, false) => ("crm.item.list", Some(1)),
            (RecordKind::Deal, false) => ("crm.item.list", Some(2)),
            (RecordKind::Item(entity), _) => ("crm.item.list", Some(entity)),
        };
        if let Value::Object(params) = &mut params {
            params.insert("order".into(), Value::Object(order));
            if let Some(entity) = entity {
                params.insert("entityTypeId".into(), entity.into());
            }
        }
        let result = self.portal.call(method, &params, Effect::Reads).await?;
        let rows = result.get("items").unwrap_or(&result).as_array().cloned().unwrap_or_default();
        let mut states = Vec::with_capacity(rows.len());
        for row in &rows {
            let Some(mut state) = self.state(kind, row) else {
                let judge = self.portal.judge(method, Effect::Reads);
                return Err(judge.later(None, "a record came without its number or its time of change"));
            };
            if state.meaning == Meaning::Lost {
                state.reason = self.name(&state.status).await?;
            }
            states.push(state);
        }
        Ok(states)
    }

    fn state(&self, kind: RecordKind, row: &Value) -> Option<RecordState> {
        let value = |camel| row.get(self.field(kind, camel)).unwrap_or(&Value::Null);
        let text = |camel| value(camel).as_str().unwrap_or_default();
        let status = text("stageId").to_owned();
        let fresh = status == "NEW" || status.ends_with(":NEW");
        let meaning = match (text("stageSemanticId"), kind) {
            ("S", RecordKind::Lead) => Meaning::Converted,
            ("S", _) => Meaning::Won,
            ("F", _) => Meaning::Lost,
            _ if fresh => Meaning::Fresh,
            _ => Meaning::Open,
        };
        // Sums in other currencies are not added to roubles.
        let roubles = matches!(text("currencyId"), "RUB" | "");
        let minor = kopecks(value("opportunity")).filter(|_| roubles);
        let parent = (kind == RecordKind::Deal).then(|| id(value("leadId"))).flatten();
        Some(RecordState {
            record: RecordRef { kind, id: id(value("id"))? },
            status,
            meaning,
            owner: id(value("assignedById")).map(|owner| owner.to_string()),
            amount: minor.map(|minor| Money { minor, currency: Currency::Rub }),
            reason: None,
            changed_at: text("updatedTime").parse().ok()?,
            origin: (text("originatorId") == ORIGINATOR).then(|| origin(text("originId"))).flatten(),
            parent: parent.map(|id| RecordRef { kind: RecordKind::Lead, id }),
        })
    }

    /// The client's name of a stage: portals have one stage for each reason of a loss.
    async fn name(&self, status: &str) -> Result<Option<String>, DeliveryError> {
        let mut known = self.names.lock().await;
        let fresh = known.as_ref().is_some_and(|(_, since)| since.elapsed() < NAMES_BELIEVED);
        if !fresh {
            *known = Some((self.read_names().await?, Instant::now()));
        }
        let names = known.as_ref().map(|(names, _)| names.as_slice()).unwrap_or_default();
        Ok(names.iter().find(|(code, _)| code == status).map(|(_, name)| name.clone()))
    }

    async fn read_names(&self) -> Result<Names, DeliveryError> {
        let mut names = Names::new();
        for page in 0..NAME_PAGES_AT_MOST {
            let params = json!({"start": page * PAGE, "order": {"SORT": "ASC"}});
            let result = self.portal.call("crm.status.list", &params, Effect::Reads).await?;
            let rows = result.as_array().map(Vec::as_slice).unwrap_or_default();
            let text = |row: &Value, key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
            let stages = rows.iter().filter(|row| {
                let entity = text(row, "ENTITY_ID").unwrap_or_default();
                entity == "STATUS" || entity.starts_with("DEAL_STAGE") || entity.starts_with("DYNAMIC_")
            });
            names.extend(stages.filter_map(|row| Some((text(row, "STATUS_ID")?, text(row, "NAME")?))));
            if rows.len() < PAGE {
                break;
            }
        }
        Ok(names)
    }

    async fn read(&self, records: &[RecordRef]) -> Result<Readings, DeliveryError> {
        let mut readings = Readings::new();
        let mut kinds: Vec<RecordKind> = records.iter().map(|record| record.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let ids: Vec<u64> = records.iter().filter(|one| one.kind == kind).map(|one| one.id).collect();
            let name = format!("@{}", self.field(kind, "id"));
            let found = self.list(kind, Map::from_iter([(name, json!(ids))])).await?;
            for id in ids {
                let state = found.iter().find(|state| state.record.id == id).cloned();
                readings.push((RecordRef { kind, id }, state));
            }
        }
        Ok(readings)
    }

    async fn changed(
        &self,
        kind: RecordKind,
        since: Timestamp,
        after: Option<u64>,
    ) -> Result<Changes, DeliveryError> {
        let mut filter =
            Map::from_iter([(format!(">={}", self.field(kind, "updatedTime")), json!(since.to_string()))]);
        if kind == RecordKind::Lead {
            filter.insert(format!("={}", self.field(kind, "originatorId")), json!(ORIGINATOR));
        }
        if let Some(after) = after {
            filter.insert(format!(">{}", self.field(kind, "id")), json!(after));
        }
        let records = self.list(kind, filter).await?;
        let next = records.last().filter(|_| records.len() >= PAGE).map(|state| state.record.id);
        Ok(Changes { records, next })
    }
}

impl OutcomeSource for Records {
    fn kinds(&self) -> &'static [RecordKind] {
        &[RecordKind::Lead, RecordKind::Deal]
    }

    fn read<'a>(&'a self, records: &'a [RecordRef]) -> BoxFuture<'a, Result<Readings, DeliveryError>> {
        Box::pin(self.read(records))
    }

    fn changed(
        &self,
        kind: RecordKind,
        since: Timestamp,
        after: Option<u64>,
    ) -> BoxFuture<'_, Result<Changes, DeliveryError>> {
        Box::pin(self.changed(kind, since, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &[(&str, &str)]) -> Vec<(String, String)> {
        text.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn hooks_name_a_record_and_prove_themselves() {
        let said = hook(&pairs(&[
            ("event", "ONCRMLEADUPDATE"),
            ("data[FIELDS][ID]", "9051"),
            ("auth[application_token]", "tok"),
        ]));
        assert_eq!(said.proof.as_deref(), Some("tok"));
        assert_eq!(said.records, [RecordRef { kind: RecordKind::Lead, id: 9051 }]);
        let item = [
            ("event", "oncrmdynamicitemupdate"),
            ("data[FIELDS][ID]", "7"),
            ("data[FIELDS][ENTITY_TYPE_ID]", "1046"),
        ];
        assert_eq!(hook(&pairs(&item)).records, [RecordRef { kind: RecordKind::Item(1046), id: 7 }]);
        for odd in [
            &[("event", "ONCRMLEADUPDATE")][..],
            &[("event", "ONCRMLEADUPDATE"), ("data[FIELDS][ID]", "x")],
            &[("event", "ONCRMCONTACTUPDATE"), ("data[FIELDS][ID]", "7")],
            &[("data[FIELDS][ID]", "7")],
            &[],
        ] {
            assert_eq!(hook(&pairs(odd)), HookMessage::default(), "{odd:?}");
        }
    }
}

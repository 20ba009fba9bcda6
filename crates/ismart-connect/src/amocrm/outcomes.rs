//! Where leads of an account stand.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::money::{Currency, Money};
use ismart_domain::outcome::{HookMessage, HookPairs, Meaning, RecordKind, RecordRef, RecordState};
use ismart_domain::ports::{Changes, OutcomeSource, Readings};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use tokio::time::{Duration, Instant};

use super::account::Account;
use super::answer::{embedded, id};
use super::schema::{OWN_CODE, OWN_NAME};
use super::settings;
use crate::Egress;
use crate::outcomes::{OutcomeEntry, SourceOpened, key_parts, kopecks, origin};

/// The line in [`crate::OUTCOMES`].
pub(crate) const OUTCOMES: OutcomeEntry = OutcomeEntry { kind: super::KIND, open, hook };

/// Won and lost have these numbers in every pipeline.
const WON: u64 = 142;
const LOST: u64 = 143;
/// A page of a list holds so many at most.
const PAGE: u64 = 250;
/// How long the pipelines are believed.
const STAGES_BELIEVED: Duration = Duration::from_secs(3600);

fn open(values: &Map<String, Value>, egress: &Egress) -> SourceOpened {
    let settings = settings::read(values)?;
    let tokens = super::tokens(&settings, egress)?;
    let account = Account::new(settings.place, settings.token, tokens, settings.rate, egress);
    Ok(Arc::new(Records { account, first: Mutex::new(None) }))
}

/// Reads `leads[status][0][id]=15198335&…`. It proves itself by its address, not by its body.
fn hook(pairs: &HookPairs) -> HookMessage {
    let mut records: Vec<RecordRef> = pairs
        .iter()
        .filter_map(|(key, value)| match key_parts(key).as_slice() {
            ["leads", _action, _index, "id"] => value.parse().ok(),
            _ => None,
        })
        .map(|id| RecordRef { kind: RecordKind::Lead, id })
        .collect();
    records.sort_unstable();
    records.dedup();
    HookMessage { proof: None, records }
}

struct Records {
    account: Account,
    /// The statuses in which leads begin.
    first: Mutex<Option<(Vec<u64>, Instant)>>,
}

impl Records {
    /// The statuses in which leads of each pipeline begin: the incoming one and the first that people see.
    async fn first(&self) -> Result<Vec<u64>, DeliveryError> {
        let mut known = self.first.lock().await;
        if let Some((first, since)) = known.as_ref()
            && since.elapsed() < STAGES_BELIEVED
        {
            return Ok(first.clone());
        }
        let body = self.account.get("leads/pipelines", "").await?;
        let mut first = Vec::new();
        for pipeline in embedded(body.as_ref(), "pipelines") {
            let statuses = embedded(Some(pipeline), "statuses");
            let number = |status: &Value, key: &str| status.get(key).and_then(Value::as_i64).unwrap_or(0);
            first.extend(statuses.iter().filter(|one| number(one, "type") == 1).filter_map(id));
            let usual = statuses.iter().filter(|one| number(one, "type") != 1);
            first.extend(usual.min_by_key(|one| number(one, "sort")).and_then(id));
        }
        *known = Some((first.clone(), Instant::now()));
        Ok(first)
    }

    async fn list(&self, query: &str) -> Result<(Vec<RecordState>, bool), DeliveryError> {
        let first = self.first().await?;
        let body = self.account.get("leads", query).await?;
        let next = body.as_ref().and_then(|body| body.get("_links")).and_then(|links| links.get("next"));
        let states = embedded(body.as_ref(), "leads").iter().filter_map(|lead| state(lead, &first)).collect();
        Ok((states, next.is_some()))
    }

    async fn read(&self, records: &[RecordRef]) -> Result<Readings, DeliveryError> {
        let known = records.iter().filter(|record| record.kind == RecordKind::Lead);
        let ids: Vec<String> = known.map(|record| format!("&filter%5Bid%5D%5B%5D={}", record.id)).collect();
        let found = match ids.is_empty() {
            true => Vec::new(),
            false => self.list(&format!("?limit={PAGE}&with=loss_reason{}", ids.concat())).await?.0,
        };
        let reading =
            |record: &RecordRef| (*record, found.iter().find(|state| state.record == *record).cloned());
        Ok(records.iter().map(reading).collect())
    }

    async fn changed(&self, since: Timestamp, after: Option<u64>) -> Result<Changes, DeliveryError> {
        let page = after.unwrap_or(1);
        let query = format!(
            "?limit={PAGE}&page={page}&with=loss_reason&order%5Bid%5D=asc&filter%5Bupdated_at%5D%5Bfrom%5D={}",
            since.as_second()
        );
        let (records, more) = self.list(&query).await?;
        Ok(Changes { records, next: more.then(|| page.saturating_add(1)) })
    }
}

/// A lead of the account; `None` when it lies in the basket, or is no lead at all.
fn state(lead: &Value, first: &[u64]) -> Option<RecordState> {
    let number = |key: &str| lead.get(key).and_then(Value::as_u64);
    if lead.get("is_deleted").and_then(Value::as_bool) == Some(true) {
        return None;
    }
    let (pipeline, status) = (number("pipeline_id").unwrap_or(0), number("status_id").unwrap_or(0));
    let meaning = match status {
        WON => Meaning::Won,
        LOST => Meaning::Lost,
        other if first.contains(&other) => Meaning::Fresh,
        _ => Meaning::Open,
    };
    let minor = lead.get("price").and_then(kopecks);
    let reason = embedded(Some(lead), "loss_reason").first().and_then(|reason| reason.get("name"));
    Some(RecordState {
        record: RecordRef { kind: RecordKind::Lead, id: id(lead)? },
        status: format!("{pipeline}/{status}"),
        meaning,
        owner: number("responsible_user_id").map(|owner| owner.to_string()),
        amount: minor.map(|minor| Money { minor, currency: Currency::Rub }),
        reason: reason.and_then(Value::as_str).map(str::to_owned),
        changed_at: lead
            .get("updated_at")
            .and_then(Value::as_i64)
            .and_then(|at| Timestamp::from_second(at).ok())?,
        origin: own_key(lead).and_then(origin),
        parent: None,
    })
}

/// What stands in our own field.
fn own_key(lead: &Value) -> Option<&str> {
    let fields = lead.get("custom_fields_values").and_then(Value::as_array)?;
    let text =
        |field: &Value, key: &str, wanted: &str| field.get(key).and_then(Value::as_str) == Some(wanted);
    let own = |field: &&Value| text(field, "field_code", OWN_CODE) || text(field, "field_name", OWN_NAME);
    fields.iter().find(own)?.get("values")?.as_array()?.first()?.get("value")?.as_str()
}

impl OutcomeSource for Records {
    fn kinds(&self) -> &'static [RecordKind] {
        &[RecordKind::Lead]
    }

    fn read<'a>(&'a self, records: &'a [RecordRef]) -> BoxFuture<'a, Result<Readings, DeliveryError>> {
        Box::pin(self.read(records))
    }

    fn changed(
        &self,
        _kind: RecordKind,
        since: Timestamp,
        after: Option<u64>,
    ) -> BoxFuture<'_, Result<Changes, DeliveryError>> {
        Box::pin(self.changed(since, after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn hooks_name_their_leads_once_with_gaps_between_them() {
        let pairs: Vec<(String, String)> = [
            ("leads[status][0][id]", "7"),
            ("leads[status][0][status_id]", "142"),
            ("leads[update][0][id]", "7"),
            ("leads[update][2][id]", "9"),
            ("leads[delete][0][id]", "x"),
            ("contacts[add][0][id]", "5"),
            ("account[id]", "28805383"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let ids: Vec<u64> = hook(&pairs).records.iter().map(|record| record.id).collect();
        assert_eq!(ids, [7, 9]);
    }

    #[test]
    fn leads_are_read_with_all_that_an_outcome_is_made_of() {
        let lead = json!({"id": 7, "pipeline_id": 3, "status_id": 143, "price": 1500, "updated_at": 1_800_000_000,
            "responsible_user_id": 17, "_embedded": {"loss_reason": [{"id": 1, "name": "Дорого"}]},
            "custom_fields_values": [{"field_name": "iSmart ID", "values": [
                {"value": "lead-018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d"}]}]});
        let read = state(&lead, &[1]).unwrap();
        assert_eq!((read.status.as_str(), read.meaning), ("3/143", Meaning::Lost));
        assert_eq!((read.reason.as_deref(), read.owner.as_deref()), (Some("Дорого"), Some("17")));
        assert_eq!(read.amount, Some(Money::roubles(1500)));
        assert!(read.origin.is_some());
        for odd in [json!({}), json!({"id": 7}), json!({"id": 7, "updated_at": 5, "is_deleted": true})] {
            assert_eq!(state(&odd, &[]), None, "{odd}");
        }
    }
}

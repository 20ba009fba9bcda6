use crate::portal::{Fixture, start_with};
use ismart_emulators::bitrix24::{FindingKind, MethodSchemas};
use serde_json::json;
use std::path::PathBuf;

/// The folder of reference data, beside the repository unless `ISMART_SHARED` names another.
#[expect(clippy::disallowed_methods, reason = "a test finds its reference data, no setting of the product")]
fn shared() -> PathBuf {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    std::env::var("ISMART_SHARED").map_or_else(|_| beside(), PathBuf::from)
}

/// Bitrix24's own method descriptions, when this checkout has them beside it.
fn described() -> Option<MethodSchemas> {
    let folder = shared().join("vectors/bitrix24/methods");
    if !folder.is_dir() {
        eprintln!(
            "not checked against Bitrix24's method descriptions: {} is absent (set ISMART_SHARED)",
            folder.display()
        );
        return None;
    }
    Some(MethodSchemas::load(&folder).unwrap())
}

async fn start() -> Option<Fixture> {
    let schemas = described()?;
    assert!(schemas.len() > 100 && schemas.describes("CRM.Item.Add"));
    Some(start_with(|builder| builder.schemas(schemas)).await)
}

#[tokio::test]
async fn p25_a_connectors_calls_agree_with_the_published_descriptions() {
    let Some(t) = start().await else { return };
    let lead = t
        .add_lead(json!({"title": "Заявка", "name": "Иван", "lastName": "Петров", "sourceId": "WEB", "stageId": "NEW",
            "assignedById": 17, "originatorId": "ismart", "originId": "ld_1", "opportunity": 5_490_000,
            "currencyId": "RUB", "comments": "Форма", "utmSource": "yandex", "observers": [1],
            "fm": [{"typeId": "PHONE", "valueType": "WORK", "value": "+79990000001"}]}))
        .await;
    let comment = json!({"fields": {"ENTITY_ID": lead, "ENTITY_TYPE": "lead", "COMMENT": "Диалог"}});
    let calls = [
        ("crm.item.get", json!({"entityTypeId": 1, "id": lead})),
        (
            "crm.item.list",
            json!({"entityTypeId": 1, "select": ["id"], "filter": {"=originId": "ld_1"}, "start": -1}),
        ),
        ("crm.item.update", json!({"entityTypeId": 1, "id": lead, "fields": {"comments": "Ещё"}})),
        ("crm.item.fields", json!({"entityTypeId": 1})),
        (
            "crm.lead.add",
            json!({"fields": {"TITLE": "Т", "PHONE": [{"VALUE": "+7999", "VALUE_TYPE": "WORK"}]},
                                "params": {"REGISTER_SONET_EVENT": "Y"}}),
        ),
        (
            "crm.lead.list",
            json!({"select": ["ID"], "filter": {">ID": 0}, "order": {"ID": "ASC"}, "start": 0}),
        ),
        ("crm.contact.add", json!({"fields": {"NAME": "Иван", "OPENED": "Y"}})),
        (
            "crm.deal.add",
            json!({"fields": {"TITLE": "Т", "CATEGORY_ID": 0, "STAGE_ID": "NEW", "OPPORTUNITY": "1.00"}}),
        ),
        (
            "crm.duplicate.findbycomm",
            json!({"type": "PHONE", "values": ["+79990000001"], "entity_type": "LEAD"}),
        ),
        ("crm.timeline.comment.add", comment),
        ("crm.timeline.comment.list", json!({"filter": {"ENTITY_ID": lead, "ENTITY_TYPE": "lead"}})),
        (
            "crm.activity.todo.add",
            json!({"ownerTypeId": 1, "ownerId": lead, "deadline": "2026-05-15T12:00:00+03:00",
                                         "title": "Перезвонить", "responsibleId": 17, "pingOffsets": [0, 15]}),
        ),
        ("crm.status.list", json!({"filter": {"ENTITY_ID": "STATUS"}, "order": {"SORT": "ASC"}})),
        ("crm.category.list", json!({"entityTypeId": 2})),
        ("crm.settings.mode.get", json!({})),
        ("user.get", json!({"FILTER": {"ID": 17}})),
        ("profile", json!({})),
        ("scope", json!({})),
    ];
    let mut findings = Vec::new();
    for (method, params) in calls {
        t.ok(method, params).await;
        findings.extend(t.portal.findings());
        assert!(findings.is_empty(), "{method}: {findings:?}");
    }
}

#[tokio::test]
async fn what_differs_from_the_descriptions_is_found() {
    let Some(t) = start().await else { return };
    let cases = [
        ("crm.item.add", json!({"entityTypeId": 1}), FindingKind::MissingRequired, "fields"),
        ("crm.item.get", json!({"entityTypeId": 1, "ID": 5}), FindingKind::MissingRequired, "id"),
        ("crm.lead.add", json!({"fields": {"PHONE": "+7"}}), FindingKind::WrongType, "fields.PHONE"),
        (
            "crm.lead.add",
            json!({"fields": {"OPPORTUNITY": "1,5"}}),
            FindingKind::WrongType,
            "fields.OPPORTUNITY",
        ),
        ("crm.lead.get", json!({"id": 5, "entityTypeId": 1}), FindingKind::UnknownParameter, "entityTypeId"),
        (
            "crm.duplicate.findbycomm",
            json!({"type": "PHONE", "values": "+7"}),
            FindingKind::WrongType,
            "values",
        ),
        ("crm.activity.add", json!({}), FindingKind::NotEmulated, ""),
    ];
    for (method, params, kind, parameter) in cases {
        t.call(method, params).await;
        let record = t.portal.requests().pop().unwrap();
        let found = record.findings.iter().any(|f| f.kind == kind && f.parameter == parameter);
        assert!(found, "{method}: {:?}", record.findings);
    }
}

/// The shapes of the emulator's answers against the published samples: every key of a sample that
/// the emulator also has must have the same JSON type.
#[tokio::test]
async fn p26_answers_have_the_shape_of_the_published_samples() {
    let Some(_) = described() else { return };
    let t = start_with(|builder| builder).await;
    let lead = t
        .add_lead(json!({"title": "Т", "name": "Иван", "birthdate": "2000-01-01", "opportunity": 999.9,
            "fm": [{"typeId": "PHONE", "valueType": "WORK", "value": "+6111111111"}]}))
        .await;
    let deal =
        t.ok("crm.deal.add", json!({"fields": {"TITLE": "Т", "OPPORTUNITY": 1, "PROBABILITY": 99}})).await;
    let contact =
        t.ok("crm.contact.add", json!({"fields": {"NAME": "Иван", "PHONE": [{"VALUE": "+7"}]}})).await;
    t.ok(
        "crm.timeline.comment.add",
        json!({"fields": {"ENTITY_ID": lead, "ENTITY_TYPE": "lead", "COMMENT": "К"}}),
    )
    .await;
    let calls = [
        ("crm.item.get", json!({"entityTypeId": 1, "id": lead})),
        ("crm.item.list", json!({"entityTypeId": 1})),
        ("crm.lead.get", json!({"id": lead})),
        ("crm.lead.fields", json!({})),
        ("crm.deal.get", json!({"id": deal})),
        ("crm.deal.list", json!({})),
        ("crm.deal.fields", json!({})),
        ("crm.contact.get", json!({"id": contact})),
        ("crm.contact.list", json!({"select": ["*", "PHONE"]})),
        ("crm.timeline.comment.list", json!({"filter": {"ENTITY_ID": lead, "ENTITY_TYPE": "lead"}})),
        ("crm.status.list", json!({"filter": {"ENTITY_ID": "DEAL_STAGE"}})),
        ("crm.category.list", json!({"entityTypeId": 2})),
        ("crm.settings.mode.get", json!({})),
        ("user.get", json!({})),
        ("method.get", json!({"name": "profile"})),
    ];
    for (method, params) in calls {
        let sample = sample(method);
        let (_, body) = t.call(method, params).await;
        let mut wrong = Vec::new();
        compare("", &sample, &body, &mut wrong);
        assert!(wrong.is_empty(), "{method}: {wrong:#?}");
    }
}

fn sample(method: &str) -> serde_json::Value {
    let path = shared().join(format!("vectors/bitrix24/methods/{method}.json"));
    let description: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    description["resultExample"].clone()
}

fn compare(path: &str, sample: &serde_json::Value, got: &serde_json::Value, wrong: &mut Vec<String>) {
    use serde_json::Value;
    match (sample, got) {
        (Value::Null, _) | (_, Value::Null) => {}
        (Value::Object(sample), Value::Object(got)) => {
            for (key, sample) in sample {
                if let Some(got) = got.get(key) {
                    compare(&format!("{path}.{key}"), sample, got, wrong);
                }
            }
        }
        (Value::Array(sample), Value::Array(got)) => {
            if let (Some(sample), Some(got)) = (sample.first(), got.first()) {
                compare(&format!("{path}[0]"), sample, got, wrong);
            }
        }
        // PHP writes an empty map as a list.
        (Value::Object(map), Value::Array(list)) | (Value::Array(list), Value::Object(map))
            if map.is_empty() || list.is_empty() => {}
        (sample, got) if std::mem::discriminant(sample) == std::mem::discriminant(got) => {}
        (sample, got) => wrong.push(format!("{path}: sample {sample}, got {got}")),
    }
}

use crate::portal::start;
use ismart_emulators::bitrix24::Entity;
use serde_json::{Value, json};

#[tokio::test]
async fn p5_classic_values_are_text_and_ids_are_numbers() {
    let t = start().await;
    let id = t
        .ok(
            "crm.lead.add",
            json!({"fields": {"TITLE": "Заявка", "OPPORTUNITY": 15000, "ASSIGNED_BY_ID": 17,
            "PHONE": [{"VALUE": "+79990000001", "VALUE_TYPE": "WORK"}], "UF_CRM_CONSENT_ID": "c"},
            "params": {"REGISTER_SONET_EVENT": "Y"}}),
        )
        .await;
    assert!(id.is_u64());
    let lead = t.ok("crm.lead.get", json!({"id": id})).await;
    assert_eq!(lead["ID"], id.to_string());
    assert_eq!(lead["OPPORTUNITY"], "15000.00");
    assert_eq!(lead["ASSIGNED_BY_ID"], "17");
    assert_eq!(lead["STATUS_ID"], "NEW");
    assert_eq!(lead["CONTACT_ID"], Value::Null);
    assert_eq!(lead["DATE_CLOSED"], "");
    assert_eq!(lead["PHONE"][0]["TYPE_ID"], "PHONE");
    assert!(lead["PHONE"][0]["ID"].is_string());
    assert_eq!(lead["UF_CRM_CONSENT_ID"], "c");

    let (_, list) = t.call("crm.lead.list", json!({"filter": {"ID": id}})).await;
    let row = &list["result"][0];
    assert_eq!(list["total"], 1);
    assert_eq!(row["CONTACT_ID"], "0");
    assert!(row.get("PHONE").is_none() && row.get("UF_CRM_CONSENT_ID").is_none(), "neither is in *");
    let rows = t.ok("crm.lead.list", json!({"select": ["ID", "PHONE", "UF_*"]})).await;
    assert_eq!(rows[0]["PHONE"][0]["VALUE"], "+79990000001");
    assert_eq!(rows[0]["UF_CRM_CONSENT_ID"], "c");
    assert!(rows[0].get("TITLE").is_none());
    assert!(t.portal.findings().is_empty(), "{:?}", t.portal.findings());
}

#[tokio::test]
async fn p6_old_refusals_have_no_code() {
    let t = start().await;
    let cases = [
        ("crm.lead.get", json!({"id": 1}), "Not found"),
        ("crm.lead.get", json!({}), "ID is not defined or invalid."),
        ("crm.lead.get", json!({"id": "x"}), "ID is not defined or invalid."),
        ("crm.contact.update", json!({"id": 1, "fields": {}}), "Not found"),
        ("crm.deal.get", json!({"id": 0}), "ID is not defined or invalid."),
        ("crm.lead.add", json!({}), "Parameter 'fields' must be array."),
        ("crm.lead.add", json!({"fields": "TITLE"}), "Parameter 'fields' must be array."),
    ];
    for (method, params, text) in cases {
        assert_eq!(t.refused(method, params).await, (400, json!(""), text.to_owned()), "{method}");
    }
}

#[tokio::test]
async fn an_update_without_the_entrys_id_appends_a_phone() {
    let t = start().await;
    let id = t
        .ok("crm.contact.add", json!({"fields": {"NAME": "Иван", "PHONE": [{"VALUE": "+79990000001"}]}}))
        .await;
    let update = |phone: Value| json!({"id": id, "fields": {"PHONE": [phone]}});
    assert_eq!(t.ok("crm.contact.update", update(json!({"VALUE": "+79990000002"}))).await, json!(true));
    let contact = t.ok("crm.contact.get", json!({"ID": id})).await;
    assert_eq!(contact["PHONE"].as_array().unwrap().len(), 2);
    let first = &contact["PHONE"][0]["ID"];
    t.ok("crm.contact.update", update(json!({"ID": first, "VALUE": "+79990000003", "VALUE_TYPE": "MOBILE"})))
        .await;
    let second = &contact["PHONE"][1]["ID"];
    t.ok("crm.contact.update", update(json!({"ID": second, "DELETE": "Y"}))).await;
    let contact = t.ok("crm.contact.get", json!({"id": id})).await;
    assert_eq!(contact["PHONE"].as_array().unwrap().len(), 1);
    assert_eq!(contact["PHONE"][0]["VALUE"], "+79990000003");
    assert_eq!(contact["PHONE"][0]["VALUE_TYPE"], "MOBILE");
}

#[tokio::test]
async fn wrong_values_are_cast_in_silence_and_found() {
    let t = start().await;
    t.ok(
        "crm.deal.add",
        json!({"fields": {"TITLE": "Т", "OPPORTUNITY": "много", "CONTACT_IDS": "5", "NOPE": 1}}),
    )
    .await;
    assert_eq!(
        t.finding_texts(),
        [
            "ValueChanged fields.OPPORTUNITY",
            "ValueChanged fields.CONTACT_IDS",
            "DanglingReference fields.CONTACT_IDS",
            "UnknownField fields.NOPE"
        ]
    );
}

#[tokio::test]
async fn unknown_filter_fields_widen_the_answer() {
    let t = start().await;
    t.add_lead(json!({"title": "Т", "fm": [{"typeId": "PHONE", "value": "8 (999) 000-00-01"}]})).await;
    assert_eq!(t.ok("crm.lead.list", json!({"filter": {"PHONE": "+79990000001"}})).await[0]["TITLE"], "Т");
    assert_eq!(t.ok("crm.lead.list", json!({"filter": {"PHONE": "+79990000002"}})).await, json!([]));
    assert_eq!(
        t.ok("crm.lead.list", json!({"filter": {"=originId": "x"}})).await.as_array().unwrap().len(),
        1
    );
    assert_eq!(t.finding_texts(), ["UnknownField originId"]);
}

#[tokio::test]
async fn fields_update_and_delete_work_for_every_kind() {
    let t = start().await;
    for (kind, title) in [("lead", "TITLE"), ("contact", "NAME"), ("deal", "TITLE"), ("company", "TITLE")] {
        let fields = t.ok(&format!("crm.{kind}.fields"), json!({})).await;
        assert_eq!(fields[title]["type"], "string", "{kind}");
        assert!(fields[title].get("upperName").is_none());
        let id = t.ok(&format!("crm.{kind}.add"), json!({"fields": {title: "А"}})).await;
        t.ok(&format!("crm.{kind}.update"), json!({"id": id, "fields": {title: "Б"}})).await;
        assert_eq!(t.ok(&format!("crm.{kind}.get"), json!({"id": id})).await[title], "Б");
        assert_eq!(
            t.ok(&format!("crm.{kind}.list"), json!({"order": {"ID": "DESC"}})).await[0]["ID"],
            id.to_string()
        );
        assert_eq!(t.ok(&format!("crm.{kind}.delete"), json!({"id": id})).await, json!(true));
        assert_eq!(t.ok(&format!("crm.{kind}.list"), json!({})).await, json!([]));
    }
    assert!(t.portal.findings().is_empty(), "{:?}", t.portal.findings());
}

#[tokio::test]
async fn p7_duplicates_are_found_by_any_spelling_and_cut_at_twenty() {
    let t = start().await;
    let find = |values: Value| json!({"type": "PHONE", "values": values});
    assert_eq!(t.ok("crm.duplicate.findbycomm", find(json!(["+79990000001"]))).await, json!([]));
    let phone = json!([{"typeId": "PHONE", "value": "8 (999) 000-00-01 доб. 5"}]);
    let lead = t.add_lead(json!({"fm": phone})).await;
    let contact = t
        .ok(
            "crm.contact.add",
            json!({"fields": {"PHONE": [{"VALUE": "+7 999 000 00 01"}],
                                               "EMAIL": [{"VALUE": "I@Example.ru"}]}}),
        )
        .await;
    for spelling in ["+79990000001", "79990000001", "89990000001"] {
        let found = t.ok("crm.duplicate.findbycomm", find(json!([spelling]))).await;
        assert_eq!(found, json!({"LEAD": [lead], "CONTACT": [contact]}), "{spelling}");
    }
    let only = json!({"type": "email", "values": ["i@example.RU"], "entity_type": "CONTACT"});
    assert_eq!(t.ok("crm.duplicate.findbycomm", only).await, json!({"CONTACT": [contact]}));

    for _ in 0..25 {
        t.add_lead(json!({"fm": phone})).await;
    }
    let crowded = t.ok("crm.duplicate.findbycomm", find(json!(["+79990000001"]))).await;
    assert_eq!(crowded["LEAD"].as_array().unwrap().len(), 20);
    assert!(crowded.get("CONTACT").is_none(), "later kinds are not searched");

    let (status, code, _) = t.refused("crm.duplicate.findbycomm", json!({"values": ["1"]})).await;
    assert_eq!((status, code), (400, json!("Communication type is not defined")));
    let (_, code, _) = t.refused("crm.duplicate.findbycomm", json!({"type": "FAX", "values": ["1"]})).await;
    assert_eq!(code, "Communication type 'FAX' is not supported in current context");
    let (_, code, _) = t.refused("crm.duplicate.findbycomm", find(json!([]))).await;
    assert_eq!(code, "Communication values is not defined");
}

#[tokio::test]
async fn p8_comments_and_todos_hang_on_existing_objects() {
    let t = start().await;
    let lead = t.add_lead(json!({"title": "Т"})).await;
    let comment = |fields: Value| json!({"fields": fields});
    let id = t
        .ok(
            "crm.timeline.comment.add",
            comment(json!({"ENTITY_ID": lead, "ENTITY_TYPE": "lead", "COMMENT": "Диалог"})),
        )
        .await;
    let list = json!({"filter": {"ENTITY_ID": lead, "ENTITY_TYPE": "lead"}});
    let rows = t.ok("crm.timeline.comment.list", list).await;
    assert_eq!(rows[0]["ID"], id.to_string());
    assert_eq!(rows[0]["COMMENT"], "Диалог");
    let cases = [
        (comment(json!({"ENTITY_ID": 1, "ENTITY_TYPE": "lead", "COMMENT": "x"})), json!("OWNER_NOT_FOUND")),
        (
            comment(json!({"ENTITY_ID": lead, "ENTITY_TYPE": "lead", "COMMENT": " "})),
            json!("INVALID_ARG_VALUE"),
        ),
        (comment(json!({"COMMENT": "x"})), json!(100)),
        (json!({"FIELDS": {}}), json!(100)),
    ];
    for (params, code) in cases {
        let (status, got, _) = t.refused("crm.timeline.comment.add", params.clone()).await;
        assert_eq!((status, got), (400, code), "{params}");
    }

    let todo = |deadline: &str, owner: u64| json!({"ownerTypeId": 1, "ownerId": owner, "deadline": deadline, "title": "Перезвонить", "responsibleId": 17});
    let id = t.ok("crm.activity.todo.add", todo("2026-05-15T12:00:00+03:00", lead)).await["id"].take();
    let ledger = t.portal.ledger();
    assert_eq!(Some(ledger.activities[0].id), id.as_u64());
    assert_eq!(ledger.activities[0].deadline.to_string(), "2026-05-15T09:00:00Z");
    assert!(t.portal.findings().is_empty(), "{:?}", t.portal.findings());
    t.ok("crm.activity.todo.add", todo("2026-05-15T12:00:00", lead)).await;
    assert_eq!(t.finding_texts(), ["AmbiguousTime deadline"]);
    let (_, code, _) = t.refused("crm.activity.todo.add", todo("завтра", lead)).await;
    assert_eq!(code, "WRONG_DATETIME_FORMAT");
    let (_, code, _) = t.refused("crm.activity.todo.add", todo("2026-05-15T12:00:00+03:00", 1)).await;
    assert_eq!(code, "OWNER_NOT_FOUND");
    let (_, code, _) = t.refused("crm.activity.todo.add", json!({"ownerTypeId": 1})).await;
    assert_eq!(code, 100);
    assert_eq!(t.portal.count(Entity::Lead), 1);
}

#[tokio::test]
async fn the_portal_describes_itself() {
    let t = start().await;
    assert_eq!(t.ok("crm.settings.mode.get", json!({})).await, json!(1));
    assert_eq!(t.ok("scope", json!({})).await, json!(["crm", "user"]));
    assert_eq!(t.ok("profile", json!({})).await["ID"], "17");
    assert_eq!(t.ok("user.current", json!({})).await["ID"], "17");
    let users = t.ok("user.get", json!({"FILTER": {"ACTIVE": true}})).await;
    assert_eq!(users.as_array().unwrap().len(), 2);
    assert_eq!(t.ok("user.get", json!({"ID": 17})).await[0]["ID"], "17");
    assert_eq!(t.ok("user.get", json!({"filter": {"ID": 404}})).await, json!([]));
    let (_, sources) = t.call("crm.status.list", json!({"filter": {"ENTITY_ID": "SOURCE"}})).await;
    assert_eq!(sources["total"], 12);
    assert_eq!(sources["result"][2]["STATUS_ID"], "WEB");
    let stages = t.ok("crm.status.list", json!({"filter": {"ENTITY_ID": "STATUS"}})).await;
    assert_eq!(stages[0]["SEMANTICS"], Value::Null);
    assert_eq!(stages[3]["EXTRA"]["SEMANTICS"], "success");
    let here = t.ok("method.get", json!({"name": "CRM.Item.Add"})).await;
    assert_eq!(here, json!({"isExisting": true, "isAvailable": true}));
    let gone = t.ok("method.get", json!({"name": "crm.phantom"})).await;
    assert_eq!(gone["isExisting"], false);
    assert_eq!(t.ok("server.time", json!({})).await, "2026-05-14T10:26:32+03:00");
}

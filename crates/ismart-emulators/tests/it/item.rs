use crate::portal::{start, start_with};
use ismart_emulators::bitrix24::{Entity, Switch};
use serde_json::{Value, json};

fn full_lead() -> Value {
    json!({"entityTypeId": 1, "useOriginalUfNames": "Y", "fields": {
        "title": "Заявка: тест-драйв", "name": "Иван", "sourceId": "WEB", "stageId": "NEW", "assignedById": 17,
        "originatorId": "ismart", "originId": "ld_1", "opportunity": "5490000.50", "currencyId": "RUB",
        "fm": [{"typeId": "PHONE", "valueType": "WORK", "value": "+79990000001"},
               {"typeId": "EMAIL", "valueType": "WORK", "value": "i@example.ru"}],
        "utmSource": "yandex", "UF_CRM_CONSENT_ID": "cns_77"}})
}

#[tokio::test]
async fn p1_a_created_lead_comes_back_typed_and_is_in_the_ledger() {
    let t = start().await;
    let (status, body) = t.call("crm.item.add", full_lead()).await;
    assert_eq!(status, 200);
    let item = &body["result"]["item"];
    assert_eq!(item["title"], "Заявка: тест-драйв");
    assert_eq!(item["stageId"], "NEW");
    assert_eq!(item["stageSemanticId"], "P");
    assert_eq!(item["opportunity"], json!(5_490_000.5));
    assert_eq!(item["UF_CRM_CONSENT_ID"], "cns_77");
    assert_eq!(item["contactIds"], json!([]));
    assert_eq!(item["contactId"], 0);
    assert_eq!(item["hasPhone"], "Y");
    assert_eq!(item["phoneWork"], "+79990000001");
    assert_eq!(item["createdTime"], "2026-05-14T10:26:32+03:00");
    assert_eq!(item["entityTypeId"], 1);
    assert_eq!(item["fm"][0]["typeId"], "PHONE");
    let time = &body["time"];
    assert_eq!(time["date_start"], "2026-05-14T10:26:32+03:00");
    for key in ["start", "finish", "duration", "processing", "operating", "operating_reset_at"] {
        assert!(time[key].is_number(), "{key}: {time}");
    }

    let ledger = t.portal.ledger();
    let [lead] = ledger.by_origin(Entity::Lead, "ismart", "ld_1")[..] else { panic!("one lead") };
    assert_eq!(Some(lead.id), item["id"].as_u64());
    assert_eq!(lead.phones(), ["+79990000001"]);
    assert_eq!(lead.text("UF_CRM_CONSENT_ID"), "cns_77");
    assert!(t.portal.findings().is_empty(), "{:?}", t.portal.findings());

    let camel = t.ok("crm.item.get", json!({"entityTypeId": "1", "id": lead.id.to_string()})).await;
    assert_eq!(camel["item"]["ufCrmConsentId"], "cns_77");
    assert!(camel["item"].get("UF_CRM_CONSENT_ID").is_none());
}

#[tokio::test]
async fn absent_values_get_the_documented_defaults() {
    let t = start().await;
    let item =
        t.ok("crm.item.add", json!({"entityTypeId": 1, "fields": {"name": "Иван"}})).await["item"].take();
    assert_eq!(item["title"], format!("Лид #{}", item["id"]));
    assert_eq!((&item["stageId"], &item["sourceId"]), (&json!("NEW"), &json!("CALL")));
    assert_eq!((&item["assignedById"], &item["opened"]), (&json!(17), &json!("Y")));
    let deal =
        t.ok("crm.item.add", json!({"entityTypeId": 2, "fields": {"title": "Т"}})).await["item"].take();
    assert_eq!(
        (&deal["categoryId"], &deal["stageId"], &deal["closed"]),
        (&json!(0), &json!("NEW"), &json!("N"))
    );
    assert!(deal.get("fm").is_none(), "deals have no phones");
    assert!(t.portal.findings().is_empty());
    let phone = json!([{"typeId": "PHONE", "value": "+79990000001"}]);
    t.ok("crm.item.add", json!({"entityTypeId": 2, "fields": {"fm": phone}})).await;
    assert_eq!(t.finding_texts(), ["UnknownField fields.fm"]);
}

#[tokio::test]
async fn p2_unknown_and_read_only_fields_are_ignored_and_found() {
    let t = start().await;
    let id = t
        .add_lead(json!({"title": "Т", "phantom": 1, "TITLE": "X", "createdTime": "2020-01-01T00:00:00+03:00",
                         "UF_CRM_CONSENT_ID": "without useOriginalUfNames", "sourceId": "TIKTOK", "contactId": 404,
                         "fm": [{"valueType": "WORK", "value": "+7"}]}))
        .await;
    assert_eq!(
        t.finding_texts(),
        [
            "UnknownField fields.phantom",
            "UnknownField fields.TITLE",
            "ReadOnlyField fields.createdTime",
            "UnknownField fields.UF_CRM_CONSENT_ID",
            "DanglingReference fields.sourceId",
            "DanglingReference fields.contactId",
            "MultiFieldIgnored fields.fm.0",
        ]
    );
    let lead = t.portal.ledger();
    let lead = lead.leads()[0];
    assert_eq!((lead.id, lead.text("title"), lead.phones().len()), (id, "Т", 0));
}

#[tokio::test]
async fn refusals_have_the_documented_codes() {
    let t = start().await;
    let lead = t.add_lead(json!({"title": "Т"})).await;
    let add = |fields: Value| json!({"entityTypeId": 1, "fields": fields});
    let cases = [
        ("crm.item.add", json!({"fields": {}}), json!(100)),
        ("crm.item.add", json!({"entityTypeId": 1}), json!(100)),
        ("crm.item.add", json!({"entityTypeId": 1, "fields": "title"}), json!(100)),
        ("crm.item.add", json!({"entityTypeId": 1040, "fields": {}}), json!("NOT_FOUND")),
        ("crm.item.add", json!({"entityTypeId": "lead", "fields": {}}), json!("NOT_FOUND")),
        ("crm.item.add", add(json!({"stageId": "PHANTOM"})), json!("CRM_FIELD_ERROR_VALUE_NOT_VALID")),
        ("crm.item.add", add(json!({"assignedById": "Олег"})), json!("CRM_FIELD_ERROR_VALUE_NOT_VALID")),
        ("crm.item.add", add(json!({"opportunity": "много"})), json!("CRM_FIELD_ERROR_VALUE_NOT_VALID")),
        ("crm.item.add", add(json!({"title": ["a"]})), json!("CRM_FIELD_ERROR_VALUE_NOT_VALID")),
        ("crm.item.add", add(json!({"birthdate": "вчера"})), json!("CRM_FIELD_ERROR_VALUE_NOT_VALID")),
        ("crm.item.add", add(json!({"observers": 17})), json!(100)),
        ("crm.item.add", add(json!({"fm": "+79990000001"})), json!(100)),
        (
            "crm.item.add",
            json!({"entityTypeId": 2, "fields": {"categoryId": 9}}),
            json!("CRM_FIELD_ERROR_VALUE_NOT_VALID"),
        ),
        ("crm.item.get", json!({"entityTypeId": 1}), json!(100)),
        ("crm.item.get", json!({"entityTypeId": 1, "id": 1}), json!("NOT_FOUND")),
        ("crm.item.get", json!({"entityTypeId": 2, "id": lead}), json!("NOT_FOUND")),
        ("crm.item.update", json!({"entityTypeId": 1, "id": lead}), json!(100)),
        ("crm.item.list", json!({"entityTypeId": 1, "filter": {"=phantom": 1}}), json!("INVALID_ARG_VALUE")),
        (
            "crm.item.list",
            json!({"entityTypeId": 1, "order": {"phantom": "ASC"}}),
            json!("INVALID_ARG_VALUE"),
        ),
        ("crm.item.list", json!({"entityTypeId": 1, "order": {"id": "UP"}}), json!("INVALID_ARG_VALUE")),
        ("crm.item.delete", json!({"entityTypeId": 1, "id": 1}), json!("NOT_FOUND")),
        ("crm.category.list", json!({}), json!(100)),
    ];
    for (method, params, code) in cases {
        let (status, got, text) = t.refused(method, params.clone()).await;
        assert_eq!((status, &got), (400, &code), "{method} {params}: {text}");
        assert!(!text.is_empty());
    }
    assert_eq!(t.portal.count(Entity::Lead), 1, "a refused call stores nothing");
}

#[tokio::test]
async fn stages_of_a_funnel_are_its_own() {
    let t = start_with(|builder| builder.category(9, "Сервис")).await;
    let deal = |category: i64, stage: &str| json!({"entityTypeId": 2, "fields": {"stageId": stage, "categoryId": category}});
    let item = t.ok("crm.item.add", deal(9, "C9:NEW")).await;
    assert_eq!(item["item"]["stageId"], "C9:NEW");
    let (_, code, _) = t.refused("crm.item.add", deal(9, "NEW")).await;
    assert_eq!(code, "CRM_FIELD_ERROR_VALUE_NOT_VALID");
    let (_, code, _) = t.refused("crm.item.add", deal(0, "C9:NEW")).await;
    assert_eq!(code, "CRM_FIELD_ERROR_VALUE_NOT_VALID");
    let move_to = json!({"entityTypeId": 2, "id": item["item"]["id"], "fields": {"categoryId": 0}});
    assert_eq!(t.ok("crm.item.update", move_to).await["item"]["stageId"], "NEW");
    let funnels = t.ok("crm.category.list", json!({"entityTypeId": 2})).await;
    assert_eq!(funnels["categories"][0]["isDefault"], "Y");
    assert_eq!(funnels["categories"][1]["id"], 9);
    let stages = t.ok("crm.status.list", json!({"filter": {"ENTITY_ID": "DEAL_STAGE_9"}})).await;
    assert_eq!(stages[0]["STATUS_ID"], "C9:NEW");
    assert_eq!(stages[0]["SORT"], "10");
}

#[tokio::test]
async fn p3_updates_of_multi_fields_add_change_and_remove_by_key() {
    let t = start().await;
    let added = t
        .ok(
            "crm.item.add",
            json!({"entityTypeId": 1, "fields": {"fm": [
            {"typeId": "PHONE", "valueType": "WORK", "value": "+79990000001"},
            {"typeId": "EMAIL", "valueType": "WORK", "value": "i@example.ru"}]}}),
        )
        .await;
    let (id, phone, email) =
        (&added["item"]["id"], &added["item"]["fm"][0]["id"], &added["item"]["fm"][1]["id"]);
    let fm = json!({phone.to_string(): {"typeId": "PHONE", "valueType": "MOBILE", "value": "+79990000002"},
                    email.to_string(): {"typeId": "EMAIL", "value": ""},
                    "n0": {"typeId": "PHONE", "valueType": "WORK", "value": "+79990000003"}});
    let updated = t.ok("crm.item.update", json!({"entityTypeId": 1, "id": id, "fields": {"fm": fm}})).await;
    let values: Vec<&str> =
        updated["item"]["fm"].as_array().unwrap().iter().map(|m| m["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["+79990000002", "+79990000003"]);
    assert_eq!(&updated["item"]["fm"][0]["id"], phone);

    t.ok(
        "crm.item.update",
        json!({"entityTypeId": 1, "id": id, "fields": {"fm": {
        "n0": {"valueType": "WORK", "value": "+79990000009"}, "1": {"typeId": "PHONE", "value": "+7"}}}}),
    )
    .await;
    assert_eq!(t.finding_texts(), ["MultiFieldIgnored fields.fm.n0", "MultiFieldIgnored fields.fm.1"]);
    assert_eq!(t.portal.ledger().leads()[0].phones().len(), 2);
}

#[tokio::test]
async fn an_update_without_change_leaves_the_time_alone() {
    let t = start().await;
    let id = t.add_lead(json!({"title": "Т", "stageId": "NEW"})).await;
    t.clock.advance(60);
    let update = |fields: Value| json!({"entityTypeId": 1, "id": id, "fields": fields});
    let same = t.ok("crm.item.update", update(json!({"title": "Т"}))).await;
    assert_eq!(same["item"]["updatedTime"], "2026-05-14T10:26:32+03:00");
    let closed = t.ok("crm.item.update", update(json!({"stageId": "JUNK"}))).await;
    assert_eq!(closed["item"]["updatedTime"], "2026-05-14T10:27:32+03:00");
    assert_eq!(closed["item"]["stageSemanticId"], "F");
    assert_eq!(closed["item"]["dateClosed"], "2026-05-14T10:27:32+03:00");
}

#[tokio::test]
async fn p4_lists_are_paged_by_fifty_filtered_and_sorted() {
    let t = start().await;
    for n in 0..120 {
        t.add_lead(
            json!({"title": format!("Заявка {n:03}"), "originatorId": "ismart", "originId": format!("ld_{n}"),
                          "opportunity": n}),
        )
        .await;
    }
    let list = |extra: Value| {
        let mut params = json!({"entityTypeId": 1, "select": ["id", "title"]});
        params.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        params
    };
    let (_, first) = t.call("crm.item.list", list(json!({}))).await;
    assert_eq!((&first["total"], &first["next"]), (&json!(120), &json!(50)));
    assert_eq!(first["result"]["items"].as_array().unwrap().len(), 50);
    let keys: Vec<&String> = first["result"]["items"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["id", "title"]);
    let (_, last) = t.call("crm.item.list", list(json!({"start": 100}))).await;
    assert_eq!(last["result"]["items"].as_array().unwrap().len(), 20);
    assert!(last.get("next").is_none());

    let mut seen = Vec::new();
    loop {
        let after = seen.last().copied().unwrap_or(0);
        let walk = json!({"start": -1, "order": {"id": "ASC"}, "filter": {">id": after}});
        let (_, page) = t.call("crm.item.list", list(walk)).await;
        assert_eq!(page["total"], 0);
        assert!(page.get("next").is_none());
        let items = page["result"]["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["id"].as_u64().unwrap()));
        if items.len() < 50 {
            break;
        }
    }
    assert_eq!(seen.len(), 120);

    let one = json!({"filter": {"=originatorId": "ismart", "=originId": "ld_77"}});
    let found = t.ok("crm.item.list", list(one)).await;
    assert_eq!(found["items"].as_array().unwrap().len(), 1);
    assert_eq!(found["items"][0]["title"], "Заявка 077");
    let other = json!({"filter": {"=originatorId": "stranger", "=originId": "ld_77"}});
    assert_eq!(t.ok("crm.item.list", list(other)).await["items"], json!([]));
    let top = json!({"order": {"opportunity": "DESC"}, "filter": {"<opportunity": 10}});
    assert_eq!(t.ok("crm.item.list", list(top)).await["items"][0]["title"], "Заявка 009");
    let shouting = json!({"order": {"ID": "DESC"}, "filter": {">ID": 0}});
    assert_eq!(t.ok("crm.item.list", list(shouting)).await["items"][0]["title"], "Заявка 119");
    let either = json!({"filter": {"0": {"logic": "OR", "0": {"opportunity": 3}, "1": {"%title": "119"}}}});
    assert_eq!(t.ok("crm.item.list", list(either)).await["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn phones_come_in_lists_only_when_fm_is_named() {
    let t = start().await;
    t.add_lead(json!({"fm": [{"typeId": "PHONE", "value": "+79990000001"}]})).await;
    let plain = t.ok("crm.item.list", json!({"entityTypeId": 1})).await;
    assert!(plain["items"][0].get("fm").is_none());
    let named = t.ok("crm.item.list", json!({"entityTypeId": 1, "select": ["*", "fm"]})).await;
    assert_eq!(named["items"][0]["fm"][0]["value"], "+79990000001");
}

#[tokio::test]
async fn fields_describe_what_exists_and_forget_what_was_removed() {
    let t = start().await;
    let fields = t.ok("crm.item.fields", json!({"entityTypeId": 1, "useOriginalUfNames": "Y"})).await;
    assert_eq!(fields["fields"]["stageId"]["upperName"], "STATUS_ID");
    assert_eq!(fields["fields"]["UF_CRM_CONSENT_ID"]["isDynamic"], true);
    assert_eq!(fields["fields"]["createdTime"]["isReadOnly"], true);
    t.portal.faults().remove_field(Entity::Lead, "UF_CRM_CONSENT_ID").unwrap();
    let fields = t.ok("crm.item.fields", json!({"entityTypeId": 1, "useOriginalUfNames": "Y"})).await;
    assert!(fields["fields"].get("UF_CRM_CONSENT_ID").is_none());
    t.portal.faults().turn(Switch::RequireField { entity: Entity::Lead, name: "post".into() }).unwrap();
    let (status, code, _) =
        t.refused("crm.item.add", json!({"entityTypeId": 1, "fields": {"title": "Т"}})).await;
    assert_eq!((status, code), (400, json!("CRM_FIELD_ERROR_REQUIRED")));
}

#[tokio::test]
async fn a_title_is_cut_at_255_characters() {
    let t = start().await;
    t.add_lead(json!({"title": "я".repeat(300)})).await;
    assert_eq!(t.portal.ledger().leads()[0].text("title").chars().count(), 255);
    assert_eq!(t.finding_texts(), ["ValueChanged fields.title"]);
}

#[tokio::test]
async fn a_linked_contact_makes_a_returning_customer() {
    let t = start().await;
    let contact = t.ok("crm.contact.add", json!({"fields": {"NAME": "Иван"}})).await;
    let added = t.ok("crm.item.add", json!({"entityTypeId": 1, "fields": {"contactIds": [contact]}})).await;
    assert_eq!(added["item"]["contactId"], contact);
    assert_eq!(added["item"]["isReturnCustomer"], "Y");
    assert!(t.portal.findings().is_empty());
}

use super::{FIRST_STAGE, OTHER_PIPELINE, PIPELINE, complex, start, start_with};
use ismart_emulators::amocrm::{Choice, CustomField, Kind, Switch, WON};
use serde_json::{Value, json};

#[tokio::test]
async fn p1_a_created_lead_comes_back_whole_and_is_in_the_ledger() {
    let t = start().await;
    let answer = t
        .post(
            "leads",
            json!([{"name": "Тест-драйв", "price": 150_000, "pipeline_id": PIPELINE, "status_id": FIRST_STAGE,
                    "custom_fields_values": [{"field_code": "UTM_SOURCE", "values": [{"value": "yandex"}]}],
                    "tags_to_add": [{"name": "iSmart"}], "request_id": "ld_1"}]),
        )
        .await;
    let made = &answer["_embedded"]["leads"][0];
    let id = made["id"].as_u64().unwrap();
    assert_eq!(made["request_id"], "ld_1");
    assert_eq!(made["_links"]["self"]["href"], format!("{}/api/v4/leads/{id}", t.account.base_url()));
    let lead = t.get(&format!("leads/{id}")).await;
    assert_eq!((&lead["name"], &lead["price"]), (&json!("Тест-драйв"), &json!(150_000)));
    assert_eq!((&lead["status_id"], &lead["pipeline_id"]), (&json!(FIRST_STAGE), &json!(PIPELINE)));
    assert_eq!(lead["custom_fields_values"][0]["field_code"], "UTM_SOURCE");
    assert_eq!(lead["custom_fields_values"][0]["values"], json!([{"value": "yandex"}]));
    assert_eq!(lead["_embedded"]["tags"][0]["name"], "iSmart");
    assert_eq!((&lead["closed_at"], &lead["is_deleted"]), (&Value::Null, &json!(false)));
    let utm = t.account.field_id(Kind::Lead, "UTM_SOURCE").unwrap();
    let ledger = t.account.ledger();
    let [kept] = ledger.leads_by_field(utm, "yandex")[..] else { panic!("one lead") };
    assert_eq!((kept.id, kept.text("name"), kept.number("price")), (id, "Тест-драйв", Some(150_000)));
    assert_eq!(t.account.findings(), []);
}

#[tokio::test]
async fn p1_an_empty_object_makes_a_lead_and_nothing_is_204() {
    let t = start().await;
    assert_eq!(t.call("GET", "leads", None).await, (204, Value::Null));
    assert_eq!(t.call("GET", "leads/1", None).await, (204, Value::Null));
    let id = t.add_lead(json!({})).await;
    let lead = t.get(&format!("leads/{id}")).await;
    assert_eq!((&lead["price"], &lead["status_id"]), (&json!(0), &json!(FIRST_STAGE)));
    let other = t.add_lead(json!({"request_id": "same"})).await;
    let again = t.add_lead(json!({"request_id": "same"})).await;
    assert_ne!(other, again, "request_id is no idempotency");
}

#[tokio::test]
async fn p2_unknown_keys_are_ignored_and_found() {
    let t = start().await;
    t.add_lead(json!({"name": "Т", "title": "нет такого", "request_id": "1"})).await;
    let source = json!({"_embedded": {"source": {"external_id": "7001", "type": "widget"}}});
    t.add_lead(source).await;
    assert_eq!(t.finding_texts(), ["UnknownField title", "DanglingReference _embedded.source"]);
}

#[tokio::test]
async fn p3_a_patch_replaces_a_list_of_phones_whole() {
    let t = start().await;
    let phones = |values: Value| json!({"custom_fields_values": [{"field_code": "PHONE", "values": values}]});
    let mut contact =
        phones(json!([{"value": "+79990000001"}, {"value": "+79990000002", "enum_code": "MOB"}]));
    contact["name"] = json!("Иван");
    let made = t.post("contacts", json!([contact])).await;
    let id = made["_embedded"]["contacts"][0]["id"].as_u64().unwrap();
    let path = format!("contacts/{id}");
    let values = t.get(&path).await["custom_fields_values"][0]["values"].clone();
    assert_eq!(values.as_array().unwrap().len(), 2);
    assert_eq!(values[1]["enum_code"], "MOB");
    t.patch(&path, phones(json!([{"value": "+79990000003"}]))).await;
    let values = t.get(&path).await["custom_fields_values"][0]["values"].clone();
    assert_eq!(values.as_array().unwrap().len(), 1);
    assert_eq!((&values[0]["value"], &values[0]["enum_code"]), (&json!("+79990000003"), &json!("WORK")));
    t.patch(&path, json!({"first_name": "Пётр", "last_name": "Ильин"})).await;
    let shown = t.get(&path).await;
    assert_eq!(shown["name"], "Пётр Ильин");
    assert!(!shown["custom_fields_values"].is_null(), "what is not named stays");
    t.patch(&path, phones(json!([]))).await;
    assert_eq!(t.get(&path).await["custom_fields_values"], Value::Null);
}

#[tokio::test]
async fn p5_what_is_wrong_is_told_by_object_code_and_path() {
    let choice = |id, value: &str| Choice { id, value: value.into(), code: None };
    let colour = CustomField {
        id: 555,
        kind: Kind::Lead,
        name: "Цвет".into(),
        field_type: "select".into(),
        code: None,
        choices: vec![choice(1, "Белый"), choice(2, "Чёрный")],
        api_only: false,
        predefined: false,
    };
    let t = start_with(|builder| builder.field(colour)).await;
    let fields =
        |id: u64, value: Value| json!([{"custom_fields_values": [{"field_id": id, "values": [value]}]}]);
    let colours = "custom_fields_values.0.values.0";
    for (body, code, path) in [
        (json!([{"price": 1.5}]), "InvalidType", "price"),
        (json!([{"price": "5"}]), "InvalidType", "price"),
        (json!([{"name": 5}]), "InvalidType", "name"),
        (json!([{"name": "я".repeat(256)}]), "TooLong", "name"),
        (json!([{"pipeline_id": 1}]), "NotSupportedChoice", "pipeline_id"),
        (json!([{"status_id": 71_000_001}]), "NotSupportedChoice", "status_id"),
        (
            json!([{"pipeline_id": OTHER_PIPELINE, "status_id": FIRST_STAGE}]),
            "NotSupportedChoice",
            "status_id",
        ),
        (json!([{"responsible_user_id": 1}]), "NotSupportedChoice", "responsible_user_id"),
        (json!([{"tags_to_add": [{"id": 404}]}]), "NotSupportedChoice", "tags_to_add.0.id"),
        (
            json!([{"_embedded": {"contacts": [{"id": 404}]}}]),
            "NotSupportedChoice",
            "_embedded.contacts.0.id",
        ),
        (fields(404, json!({"value": "x"})), "NotSupportedChoice", "custom_fields_values.0.field_id"),
        (fields(555, json!({"enum_id": 3})), "NotSupportedChoice", "custom_fields_values.0.values.0.enum_id"),
        (
            fields(555, json!({"value": "Серый"})),
            "NotSupportedChoice",
            "custom_fields_values.0.values.0.value",
        ),
        (
            json!([{"custom_fields_values": [{"field_id": 555}]}]),
            "FieldMissing",
            "custom_fields_values.0.values",
        ),
        (json!([{"custom_fields_values": "x"}]), "InvalidType", "custom_fields_values"),
        (json!({}), "InvalidType", ""),
        (json!([]), "InvalidType", ""),
        (json!([5]), "InvalidType", ""),
    ] {
        assert_eq!(t.flaw("POST", "leads", body.clone()).await, (code.into(), path.into()), "{body}");
    }
    assert_eq!(t.account.count(Kind::Lead), 0, "nothing of a refused request is stored");
    t.add_lead(fields(555, json!({"enum_id": 2}))[0].clone()).await;
    t.add_lead(fields(555, json!({"value": "Белый"}))[0].clone()).await;
    t.account.faults().turn(Switch::RemoveChoice { field_id: 555, id: 2 }).unwrap();
    let (_, path) = t.flaw("POST", "leads", fields(555, json!({"enum_id": 2}))).await;
    assert_eq!(path, format!("{colours}.enum_id"));
    let (status, body) =
        t.call("POST", "leads", Some(json!([{"name": "Т"}, {"price": "5", "request_id": "b"}]))).await;
    assert_eq!((status, &body["validation-errors"][0]["request_id"]), (400, &json!("b")));
    assert_eq!((&body["title"], &body["status"]), (&json!("Bad Request"), &json!(400)));
    assert_eq!(t.account.count(Kind::Lead), 2, "the good one went with the bad one");
}

#[tokio::test]
async fn p6_a_complex_lead_answers_a_plain_list_and_links_its_contact() {
    let t = start().await;
    let answer = t.post("leads/complex", json!([complex("Заявка", "+79990000001")])).await;
    let made = answer[0].clone();
    assert_eq!((&made["request_id"], &made["merged"]), (&json!(["ld_1"]), &json!(false)));
    assert_eq!(made["company_id"], Value::Null);
    let lead = t.get(&format!("leads/{}?with=contacts", made["id"])).await;
    assert_eq!(lead["_embedded"]["contacts"][0]["id"], made["contact_id"]);
    assert_eq!(lead["_embedded"]["contacts"][0]["is_main"], true);
    let plain = t.get(&format!("leads/{}", made["id"])).await;
    assert!(plain["_embedded"].get("contacts").is_none(), "contacts come only with `with=contacts`");
    let contact = t.get(&format!("contacts/{}?with=leads", made["contact_id"])).await;
    assert_eq!((&contact["name"], &contact["_embedded"]["leads"][0]["id"]), (&json!("Иван"), &made["id"]));
    let two = json!([{"_embedded": {"contacts": [{"name": "a"}, {"name": "b"}]}}]);
    assert_eq!(t.flaw("POST", "leads/complex", two).await.1, "_embedded.contacts");
    let (_, path) = t.flaw("POST", "leads/complex", json!(vec![complex("x", "1"); 51])).await;
    assert_eq!(path, "");
    assert_eq!(t.account.findings(), []);
}

#[tokio::test]
async fn p6_duplicate_control_merges_one_to_three_likenesses() {
    let t = start_with(|builder| builder.duplicate_control(true)).await;
    let send =
        async |phone: &str| t.post("leads/complex", json!([complex("Заявка", phone)])).await[0].clone();
    let first = send("+79990000001").await;
    let second = send("8 (999) 000-00-01").await;
    assert_eq!((&second["id"], &second["merged"]), (&first["id"], &json!(true)));
    assert_eq!(second["contact_id"], first["contact_id"]);
    assert_eq!((t.account.count(Kind::Lead), t.account.count(Kind::Contact)), (1, 1));
    assert_eq!(send("+79990000002").await["merged"], false);
    t.account.faults().turn(Switch::Duplicates { on: false }).unwrap();
    for _ in 0..3 {
        send("+79990000001").await;
    }
    t.account.faults().turn(Switch::Duplicates { on: true }).unwrap();
    assert_eq!(send("+79990000001").await["merged"], false, "more than three are left alone");
    let won = json!({"status_id": WON, "pipeline_id": PIPELINE});
    for lead in t.account.ledger().leads() {
        t.patch(&format!("leads/{}", lead.id), won.clone()).await;
    }
    assert_eq!(send("+79990000001").await["merged"], false, "closed leads are left alone");
}

#[tokio::test]
async fn p7_unsorted_hides_people_until_somebody_accepts() {
    let t = start().await;
    let metadata = json!({"form_id": "f-12", "form_name": "Тест-драйв", "form_page": "https://acme.ru/td",
                          "form_sent_at": 1_778_743_592, "ip": "203.0.113.9", "referer": "https://ya.ru/"});
    let form = |name: &str| {
        json!([{"source_name": "Сайт", "source_uid": "site-1", "metadata": metadata, "request_id": "123",
                "_embedded": {"leads": [{"name": name}], "contacts": [{"name": "Иван"}]}}])
    };
    let answer = t.post("leads/unsorted/forms", form("А")).await;
    assert_eq!(
        (&answer["_total_items"], &answer["_embedded"]["unsorted"][0]["request_id"]),
        (&json!(1), &json!("123"))
    );
    let one = answer["_embedded"]["unsorted"][0].clone();
    let uid = one["uid"].as_str().unwrap().to_owned();
    assert_eq!(t.flaw("POST", "leads/unsorted/forms", form("А")).await.0, "Duplicate");
    assert_eq!(t.call("GET", "contacts", None).await.0, 204, "the contact is invisible");
    let lead_id = one["_embedded"]["leads"][0]["id"].clone();
    let unsorted_stage = t.get(&format!("leads/{lead_id}")).await["status_id"].clone();
    let stages = t.get(&format!("leads/pipelines/{PIPELINE}/statuses")).await;
    let waiting =
        stages["_embedded"]["statuses"].as_array().unwrap().iter().find(|s| s["type"] == 1).unwrap();
    assert_eq!(waiting["id"], unsorted_stage);
    assert_eq!(t.get("leads/unsorted").await["_embedded"]["unsorted"].as_array().unwrap().len(), 1);

    t.post(&format!("leads/unsorted/{uid}/accept"), json!({"user_id": 504_142, "status_id": FIRST_STAGE}))
        .await;
    let lead = t.get(&format!("leads/{lead_id}")).await;
    assert_eq!((&lead["status_id"], &lead["responsible_user_id"]), (&json!(FIRST_STAGE), &json!(504_142)));
    assert_eq!(t.get("contacts").await["_embedded"]["contacts"].as_array().unwrap().len(), 1);
    assert_eq!(t.call("POST", &format!("leads/unsorted/{uid}/accept"), Some(json!({}))).await.0, 404);

    let other = t.post("leads/unsorted/forms", form("Б")).await;
    let uid = other["_embedded"]["unsorted"][0]["uid"].as_str().unwrap().to_owned();
    let (status, _) = t.call("DELETE", &format!("leads/unsorted/{uid}/decline"), None).await;
    assert_eq!((status, t.call("GET", "leads/unsorted", None).await.0), (200, 204));
    let mut by_complex = complex("В", "+79990000003");
    by_complex["_embedded"]["metadata"] = metadata.clone();
    let made = t.post("leads/complex", json!([by_complex])).await;
    let lead = t.get(&format!("leads/{}", made[0]["id"])).await;
    assert_eq!(lead["status_id"], unsorted_stage, "with metadata the stage that was sent does not count");
    for missing in ["form_id", "form_sent_at"] {
        let mut bad = form("Г");
        bad[0]["metadata"].as_object_mut().unwrap().remove(missing);
        assert_eq!(t.flaw("POST", "leads/unsorted/forms", bad).await.1, format!("metadata.{missing}"));
    }
}

#[tokio::test]
async fn p11_closed_stages_are_in_every_pipeline() {
    let t = start().await;
    let pipelines = t.get("leads/pipelines").await;
    for pipeline in pipelines["_embedded"]["pipelines"].as_array().unwrap() {
        let stages = pipeline["_embedded"]["statuses"].as_array().unwrap();
        for id in [142, 143] {
            assert_eq!(stages.iter().filter(|stage| stage["id"] == id).count(), 1);
        }
        assert_eq!(stages.iter().filter(|stage| stage["type"] == 1).count(), 1);
    }
    let id = t.add_lead(json!({"pipeline_id": OTHER_PIPELINE})).await;
    t.patch(&format!("leads/{id}"), json!({"status_id": WON, "pipeline_id": OTHER_PIPELINE})).await;
    let lead = t.get(&format!("leads/{id}")).await;
    assert_eq!((&lead["pipeline_id"], lead["closed_at"].is_i64()), (&json!(OTHER_PIPELINE), true));
    assert_eq!(t.account.findings(), []);
    let id = t.add_lead(json!({})).await;
    t.patch(&format!("leads/{id}"), json!({"status_id": WON})).await;
    assert_eq!(t.finding_texts(), ["DanglingReference status_id"]);
    t.account.faults().turn(Switch::ArchivePipeline { id: OTHER_PIPELINE, on: true }).unwrap();
    let (_, path) = t.flaw("POST", "leads", json!([{"pipeline_id": OTHER_PIPELINE}])).await;
    assert_eq!(path, "pipeline_id");
    assert_eq!(t.get("leads/pipelines").await["_embedded"]["pipelines"].as_array().unwrap().len(), 1);
    assert_eq!(t.call("GET", &format!("leads/pipelines/{OTHER_PIPELINE}"), None).await.0, 404);
}

use super::{ANNA, complex, start};
use ismart_emulators::amocrm::Kind;
use serde_json::{Value, json};

#[tokio::test]
async fn p8_tasks_and_notes_hang_on_existing_objects() {
    let t = start().await;
    let id = t.add_lead(json!({"name": "Т"})).await;
    let task = json!({"text": "Перезвонить", "complete_till": 1_778_750_792, "task_type_id": 1,
                      "entity_id": id, "entity_type": "leads", "responsible_user_id": ANNA});
    let made = t.post("tasks", json!([task])).await;
    let task_id = made["_embedded"]["tasks"][0]["id"].clone();
    let shown = t.get(&format!("tasks/{task_id}")).await;
    assert_eq!((&shown["text"], &shown["is_completed"]), (&json!("Перезвонить"), &json!(false)));
    t.patch(&format!("tasks/{task_id}"), json!({"is_completed": true, "result": {"text": "Договорились"}}))
        .await;
    let done = t.get(&format!("tasks?filter[entity_type]=leads&filter[entity_id][]={id}")).await;
    assert_eq!(done["_embedded"]["tasks"][0]["result"]["text"], "Договорились");
    assert_eq!(t.call("GET", "tasks?filter[is_completed]=0", None).await.0, 204);
    for (body, path) in [
        (json!([{"text": "x", "entity_id": id, "entity_type": "leads"}]), "complete_till"),
        (json!([{"complete_till": 5}]), "text"),
        (json!([{"text": "x", "complete_till": 5, "entity_id": 404, "entity_type": "leads"}]), "entity_id"),
        (
            json!([{"text": "x", "complete_till": 5, "entity_id": id, "entity_type": "phantoms"}]),
            "entity_type",
        ),
    ] {
        assert_eq!(t.flaw("POST", "tasks", body.clone()).await.1, path, "{body}");
    }
    let note =
        json!([{"entity_id": id, "note_type": "common", "params": {"text": "Диалог"}, "request_id": "n"}]);
    let made = t.post("leads/notes", note).await;
    assert_eq!(made["_embedded"]["notes"][0]["entity_id"], id);
    t.post(&format!("leads/{id}/notes"), json!([{"note_type": "common", "params": {"text": "Ещё"}}])).await;
    let notes = t.get(&format!("leads/{id}/notes")).await;
    let texts: Vec<&Value> =
        notes["_embedded"]["notes"].as_array().unwrap().iter().map(|note| &note["params"]["text"]).collect();
    assert_eq!(texts, ["Диалог", "Ещё"]);
    assert_eq!(t.account.ledger().of_lead(Kind::Note, id).len(), 2);
    for (body, path) in [
        (json!([{"note_type": "common", "params": {"text": "x"}}]), "entity_id"),
        (json!([{"entity_id": 404, "note_type": "common", "params": {"text": "x"}}]), "entity_id"),
        (json!([{"entity_id": id, "note_type": "phantom", "params": {}}]), "note_type"),
        (json!([{"entity_id": id, "note_type": "common", "params": {}}]), "params.text"),
    ] {
        assert_eq!(t.flaw("POST", "leads/notes", body.clone()).await.1, path, "{body}");
    }
    assert_eq!(t.account.findings(), []);
}

#[tokio::test]
async fn p9_tags_are_made_by_name_and_links_go_both_ways() {
    let t = start().await;
    let id =
        t.add_lead(json!({"tags_to_add": [{"name": "Сайт"}, {"name": "сайт"}, {"name": "iSmart"}]})).await;
    let path = format!("leads/{id}");
    let names = async || {
        let lead = t.get(&path).await;
        let tags = lead["_embedded"]["tags"].as_array().unwrap().clone();
        tags.iter().map(|tag| tag["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["Сайт", "iSmart"]);
    t.patch(&path, json!({"tags_to_delete": [{"name": "iSmart"}]})).await;
    assert_eq!(names().await, ["Сайт"]);
    t.patch(&path, json!({"_embedded": {"tags": null}})).await;
    assert_eq!(names().await, Vec::<String>::new());
    assert_eq!(t.get("leads/tags?query=сай").await["_embedded"]["tags"].as_array().unwrap().len(), 1);

    let made = t.post("contacts", json!([{"name": "Иван"}])).await;
    let contact = made["_embedded"]["contacts"][0]["id"].clone();
    let link =
        json!([{"to_entity_id": contact, "to_entity_type": "contacts", "metadata": {"is_main": true}}]);
    t.post(&format!("leads/{id}/link"), link.clone()).await;
    let links = t.get(&format!("leads/{id}/links")).await;
    assert_eq!(links["_embedded"]["links"][0]["to_entity_id"], contact);
    assert_eq!(t.call("POST", &format!("leads/{id}/unlink"), Some(link)).await.0, 204);
    assert_eq!(t.call("GET", &format!("leads/{id}/links"), None).await.0, 204);
    let nobody = json!([{"to_entity_id": 404, "to_entity_type": "contacts"}]);
    assert_eq!(t.flaw("POST", &format!("leads/{id}/link"), nobody).await.1, "0.to_entity_id");
}

#[tokio::test]
async fn p9_known_people_are_linked_and_companies_come_along() {
    let t = start().await;
    let made = t.post("contacts", json!([{"name": "Иван"}])).await;
    let contact = made["_embedded"]["contacts"][0]["id"].clone();
    let id = t.add_lead(json!({"_embedded": {"contacts": [{"id": contact, "is_main": true}]}})).await;
    let lead = t.get(&format!("leads/{id}?with=contacts")).await;
    assert_eq!(lead["_embedded"]["contacts"][0]["id"], contact);
    let mut whole = complex("Заявка", "+79990000001");
    whole["_embedded"]["companies"] = json!([{"name": "ООО «Ромашка»"}]);
    let made = t.post("leads/complex", json!([whole])).await;
    let company = made[0]["company_id"].clone();
    assert_eq!(t.get(&format!("companies/{company}")).await["name"], "ООО «Ромашка»");
    let person = t.get(&format!("contacts/{}", made[0]["contact_id"])).await;
    assert_eq!(person["_embedded"]["companies"][0]["id"], company);
}

#[tokio::test]
async fn p9_sources_are_registered_and_set() {
    let t = start().await;
    assert_eq!(t.call("GET", "sources", None).await.0, 204);
    let made = t.post("sources", json!([{"name": "Сайт", "external_id": "7001"}])).await;
    let source = made["_embedded"]["sources"][0]["id"].clone();
    assert_eq!(
        t.flaw("POST", "sources", json!([{"name": "Ещё", "external_id": "7001"}])).await.1,
        "external_id"
    );
    let id = t.add_lead(json!({"_embedded": {"source": {"external_id": "7001", "type": "widget"}}})).await;
    assert_eq!(t.get(&format!("leads/{id}?with=source_id")).await["source_id"], source);
    assert_eq!(t.account.findings(), []);
}

#[tokio::test]
async fn the_account_and_its_people_introduce_themselves() {
    let t = start().await;
    let account = t.get("account?with=amojo_id,task_types").await;
    assert_eq!((&account["subdomain"], &account["current_user_id"]), (&json!("acme"), &json!(ANNA)));
    assert_eq!(account["_embedded"]["task_types"][0]["id"], 1);
    let users = t.get("users").await;
    assert_eq!(users["_embedded"]["users"].as_array().unwrap().len(), 2);
    assert_eq!(t.get(&format!("users/{ANNA}")).await["rights"]["is_admin"], true);
    assert_eq!(t.call("GET", "users/404", None).await.0, 404);
    assert_eq!(t.call("GET", "phantoms", None).await.0, 404);
    assert_eq!(t.call("DELETE", "leads", None).await.0, 405);
}

#[tokio::test]
async fn people_see_the_leads_escaped_and_labelled_as_simulation() {
    let t = start().await;
    t.post("leads/complex", json!([complex("<script>alert(1)</script>", "+79990000001")])).await;
    let page = t.http.get(t.account.base_url()).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("Эмулятор amoCRM (симуляция)"), "{page}");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("+79990000001") && page.contains("Первичный контакт"));
}

use ismart_domain::delivery::DeliveryError;
use ismart_emulators::bitrix24::{Entity, Fault, FaultBody, Rule, Switch};
use serde_json::json;

use super::{called, connector, portal};
use crate::leads::{full, lead, strange};

/// P1: every field of a lead arrives in its place, and the portal finds nothing odd in the request.
#[tokio::test]
async fn p1_a_full_lead_fills_its_fields() {
    for mode in ["item", "lead"] {
        let portal = portal(|builder| builder).await;
        let more = json!({"mode": mode, "source_id": "CALLBACK", "assigned_by_id": 1, "comment": "С сайта [b]Хавал[/b]"});
        let id = connector(&portal, more).deliver(&full(7)).await.unwrap();
        let ledger = portal.ledger();
        let leads = ledger.leads();
        assert_eq!(leads.len(), 1, "{mode}");
        let made = leads[0];
        assert_eq!(made.id.to_string(), id);
        for (key, value) in [
            ("title", "Тест-драйв: Haval Jolion 1.5"),
            ("name", "Анна"),
            ("secondName", "Сергеевна"),
            ("lastName", "Петрова"),
            ("sourceId", "CALLBACK"),
            ("sourceDescription", "https://dealer.example/haval"),
            ("originatorId", "ismart"),
            ("originId", &full(7).origin_id()),
            ("utmSource", "yandex"),
            ("utmMedium", "cpc"),
            ("utmCampaign", "spring"),
            ("utmContent", "banner"),
            ("utmTerm", "хавал"),
        ] {
            assert_eq!(made.text(key), value, "{mode} {key}");
        }
        assert_eq!(made.number("assignedById"), Some(1));
        assert_eq!(made.phones(), ["+79100000007"]);
        assert_eq!(made.emails(), ["Anna@mail.ru"]);
        let comments = made.text("comments");
        for part in [
            "Заявка № 7: Тест-драйв",
            "Haval Jolion 1.5 (VIN123)",
            "Хочу в субботу.",
            "Удобное время: после 18",
            "https://dealer.example/haval",
            "https://yandex.ru/",
            "lead-assistant",
            "редакция 2026-01, https://dealer.example/privacy",
            "С сайта",
        ] {
            assert!(comments.contains(part), "{mode}: {part} is not in {comments}");
        }
        assert!(!comments.contains("[b]") && !comments.contains("<script"), "{comments}");
        assert_eq!(portal.findings(), [], "{mode}");
    }
}

/// P1: texts are cut to what the portal keeps, counted in characters and in bytes.
#[tokio::test]
async fn p1_long_texts_are_cut_to_what_the_portal_keeps() {
    let portal = portal(|builder| builder).await;
    let connector = connector(&portal, json!({}));
    let mut emoji = full(1);
    emoji.draft.comment = "🚗".repeat(70_000);
    emoji.draft.fields = (0..100).map(|n| (format!("поле {n}"), "🚗".repeat(5000))).collect();
    for lead in strange().iter().chain([&emoji]) {
        connector.deliver(lead).await.unwrap();
    }
    let ledger = portal.ledger();
    for made in ledger.leads() {
        let comments = made.text("comments");
        assert!(comments.len() < 65_535 && made.text("title").chars().count() <= 255, "{}", comments.len());
        assert!(comments.starts_with("Заявка № "), "the request itself stands first");
    }
    assert!(ledger.comments.iter().all(|comment| comment.comment.len() < 65_535));
}

#[tokio::test]
async fn test_leads_are_marked_for_people() {
    let portal = portal(|builder| builder).await;
    let mut lead = lead(1);
    lead.draft.test = true;
    connector(&portal, json!({})).deliver(&lead).await.unwrap();
    assert_eq!(portal.ledger().leads()[0].text("title"), "Тест. Тест-драйв: заявка № 1");
}

/// P3: a known person is linked, and his new request is a new record all the same.
#[tokio::test]
async fn p3_a_known_person_is_linked_whatever_the_spelling() {
    for mode in ["item", "lead"] {
        for spelling in ["+79100000003", "8 (910) 000-00-03", "79100000003"] {
            let portal = portal(|builder| builder).await;
            let known = make_contact(&portal.webhook_url(), spelling).await;
            connector(&portal, json!({"mode": mode})).deliver(&lead(3)).await.unwrap();
            let ledger = portal.ledger();
            assert_eq!(ledger.leads()[0].number("contactId"), Some(known), "{mode} {spelling}");
            assert_eq!(ledger.contacts().len(), 1, "no second contact is made");
            assert_eq!(portal.findings(), []);
        }
    }
}

#[tokio::test]
async fn p3_a_person_with_several_cards_is_linked_to_all() {
    let portal = portal(|builder| builder).await;
    let first = make_contact(&portal.webhook_url(), "+79100000003").await;
    let second = make_contact(&portal.webhook_url(), "89100000003").await;
    connector(&portal, json!({})).deliver(&lead(3)).await.unwrap();
    assert_eq!(portal.ledger().leads()[0].values["contactIds"], json!([first, second]));
    assert_eq!(portal.findings(), []);
}

#[tokio::test]
async fn p3_a_card_found_by_phone_and_by_address_is_linked_once() {
    let portal = portal(|builder| builder).await;
    let known = make_contact(&portal.webhook_url(), "+79100000004").await;
    connector(&portal, json!({})).deliver(&full(4)).await.unwrap();
    let ledger = portal.ledger();
    assert_eq!(ledger.leads()[0].number("contactId"), Some(known));
    let add = portal.requests().into_iter().rfind(|record| record.method == "crm.item.add").unwrap();
    assert_eq!(add.params["fields"].get("contactIds"), None, "{:?}", add.params);
}

async fn make_contact(webhook: &str, phone: &str) -> i64 {
    let settings = ismart_http::Settings {
        allow: ismart_http::AddressPolicy::AllowLoopback,
        ..ismart_http::Settings::default()
    };
    let multi = |kind: &str, value: &str| json!({"typeId": kind, "valueType": "WORK", "value": value});
    let fields = json!({"name": "Иван", "fm": [multi("PHONE", phone), multi("EMAIL", "anna@mail.ru")]});
    let client = ismart_http::Client::new(settings).unwrap();
    let made = client.post(&format!("{webhook}crm.item.add"));
    let made = made.json(&json!({"entityTypeId": 3, "fields": fields})).send().await.unwrap();
    made.json::<serde_json::Value>().unwrap()["result"]["item"]["id"].as_i64().unwrap()
}

/// P4: a portal without leads gets a deal with a contact.
#[tokio::test]
async fn p4_simple_mode_makes_a_deal_with_a_contact() {
    for mode in ["item", "lead"] {
        let portal = portal(|builder| builder).await;
        portal.faults().turn(Switch::SimpleCrm { on: true }).unwrap();
        let connector = connector(&portal, json!({"mode": mode}));
        let id = connector.deliver(&full(5)).await.unwrap();
        let ledger = portal.ledger();
        assert_eq!(ledger.leads().len(), 0, "{mode}");
        let (deals, contacts) = (ledger.deals(), ledger.contacts());
        assert_eq!((deals.len(), contacts.len()), (1, 1), "{mode}");
        assert_eq!(deals[0].id.to_string(), id);
        assert_eq!(contacts[0].phones(), ["+79100000005"]);
        assert_eq!(contacts[0].text("lastName"), "Петрова");
        assert_eq!(deals[0].values["contactIds"], json!([contacts[0].id]));
        assert!(deals[0].text("comments").contains("+79100000005"));
        assert_eq!(connector.find(&full(5)).await.unwrap(), Some(id));
        let comment = &ledger.comments[0];
        assert_eq!((comment.entity, comment.entity_id), (Entity::Deal, deals[0].id));
        assert_eq!(portal.findings(), [], "{mode}");
    }
}

/// P4: a deal that fails after its contact was made does not make a second contact.
#[tokio::test]
async fn p4_a_repeat_in_simple_mode_finds_the_contact_it_made() {
    let portal = portal(|builder| builder).await;
    portal.faults().turn(Switch::SimpleCrm { on: true }).unwrap();
    let connector = connector(&portal, json!({"mode": "lead"}));
    for (method, lost) in [("crm.contact.add", false), ("crm.deal.add", true)] {
        let broken = Fault::Status { code: 502, body: FaultBody::Html, after_commit: !lost };
        portal.faults().add(Rule::new(broken).method(method).times(1));
        let error = connector.deliver(&full(5)).await.unwrap_err();
        let ambiguous = matches!(error, DeliveryError::Retry { ambiguous: true, .. });
        assert_eq!(ambiguous, lost, "only the loss of the deal may have lost the lead: {method} {error:?}");
    }
    connector.deliver(&full(5)).await.unwrap();
    let ledger = portal.ledger();
    assert_eq!((ledger.deals().len(), ledger.contacts().len()), (1, 1));
}

/// P5: the person's words stand in the timeline once, and their failure costs neither lead nor repeat.
#[tokio::test]
async fn p5_words_go_to_the_timeline_once() {
    let portal = portal(|builder| builder).await;
    let connector = connector(&portal, json!({}));
    let id = connector.deliver(&full(1)).await.unwrap();
    assert_eq!(connector.deliver(&full(1)).await.unwrap(), id);
    let ledger = portal.ledger();
    assert_eq!(ledger.comments.len(), 1);
    assert_eq!(ledger.comments[0].entity_id.to_string(), id);
    assert!(ledger.comments[0].comment.starts_with("Хочу в субботу."));
    assert!(!ledger.comments[0].comment.contains("[b]"));
    connector.deliver(&lead(2)).await.unwrap();
    assert_eq!(portal.ledger().comments.len(), 1, "a lead without words has no comment");
}

#[tokio::test]
async fn p5_a_failed_timeline_comment_leaves_the_lead_delivered() {
    for fault in [
        Fault::DropBeforeCommit,
        Fault::DropAfterCommit,
        Fault::Status { code: 403, body: FaultBody::Json, after_commit: false },
        Fault::Status { code: 429, body: FaultBody::Html, after_commit: false },
    ] {
        let portal = portal(|builder| builder).await;
        portal.faults().add(Rule::new(fault.clone()).method("crm.timeline.comment.add"));
        let connector = connector(&portal, json!({}));
        let id = connector.deliver(&full(1)).await.unwrap();
        assert_eq!(connector.find(&full(1)).await.unwrap(), Some(id), "{fault:?}");
        assert_eq!(
            (portal.count(Entity::Lead), called(&portal, "crm.timeline.comment.add")),
            (1, 1),
            "{fault:?}"
        );
    }
}

/// A search that the portal refuses costs the link, not the lead.
#[tokio::test]
async fn a_refused_search_for_the_person_does_not_stop_the_lead() {
    let portal = portal(|builder| builder).await;
    let keys = vec!["phone".to_owned(), "email".to_owned()];
    portal.faults().turn(Switch::PartialBatch { keys }).unwrap();
    connector(&portal, json!({})).deliver(&full(1)).await.unwrap();
    assert_eq!(portal.count(Entity::Lead), 1);
}

/// P10: rules fill the portal's own fields in both families of methods, a demanded one among them; what was deleted or does not
/// fit is named before it is kept, and costs no lead.
#[tokio::test]
async fn p10_rules_fill_the_portals_fields_and_misfits_are_named() {
    for mode in ["item", "lead"] {
        let portal = portal(|builder| {
            let builder = builder.custom_field(Entity::Lead, "UF_CRM_CAR", "Автомобиль");
            builder.custom_field(Entity::Lead, "UF_CRM_TIME", "Удобное время")
        })
        .await;
        let demand = Switch::RequireField { entity: Entity::Lead, name: "UF_CRM_CAR".into() };
        portal.faults().turn(demand).unwrap();
        let rules = "UF_CRM_CAR=subject; uf_crm_time=form:Удобное время; POST=text:с сайта";
        let more = json!({"mode": mode, "fields": rules});
        let connector = connector(&portal, more.clone());
        connector.check().await.unwrap();
        connector.deliver(&full(1)).await.unwrap();
        let ledger = portal.ledger();
        let made = ledger.leads()[0];
        assert_eq!(
            (made.text("UF_CRM_CAR"), made.text("UF_CRM_TIME"), made.text("post")),
            ("Haval Jolion 1.5", "после 18", "с сайта"),
            "{mode}"
        );
        assert_eq!(portal.findings(), [], "{mode}");

        let settings = super::settings(
            &portal,
            json!({"mode": mode, "fields": "UF_CRM_CAR=subject; ID=number; UF_CRM_GONE=page; OPPORTUNITY=name"}),
        );
        let rehearse = ismart_connect::find("bitrix24").unwrap().rehearse;
        let shown = rehearse(&settings, &crate::contract::egress(), full(2)).unwrap().await.unwrap();
        let named: Vec<&str> = shown.misfits.iter().map(|misfit| misfit.field.as_str()).collect();
        assert_eq!(named, ["ID", "UF_CRM_GONE", "OPPORTUNITY"], "{mode}: {:?}", shown.misfits);
        assert!(shown.misfits.iter().all(|misfit| misfit.remedy.contains("`fields`")), "{:?}", shown.misfits);
        let field = shown.fields.iter().find(|field| field.key == "UF_CRM_CAR").unwrap();
        assert!(field.required && field.writable && field.title == "Автомобиль", "{field:?}");
        assert!(shown.requests[0].what.contains("***") && shown.requests[0].body.contains("Haval Jolion"));
        assert_eq!(portal.count(Entity::Lead), 1, "a rehearsal makes no lead");

        portal
            .faults()
            .turn(Switch::RemoveField { entity: Entity::Lead, name: "UF_CRM_TIME".into() })
            .unwrap();
        let fresh = super::connector(&portal, more);
        let error = fresh.check().await.unwrap_err().to_string();
        assert!(error.contains("uf_crm_time") && error.contains("deleted"), "{error}");
        fresh.deliver(&full(3)).await.unwrap();
        assert_eq!(portal.count(Entity::Lead), 2, "a deleted field costs no lead");
    }
}

use ismart_emulators::amocrm::{Fault, FaultBody, Kind, Rule, Source, Switch};
use serde_json::json;

use super::{ANNA, COLOUR, NOON, PIPELINE, STAGE, WHITE, account, called, class, connector, text_field};
use crate::leads::{full, lead};

/// P1: everything that a lead says has its place.
#[tokio::test]
async fn p1_a_full_lead_fills_its_places() {
    let source = Source {
        id: 77,
        name: "Сайт".into(),
        external_id: "site-1".into(),
        pipeline_id: PIPELINE,
        default: true,
    };
    let account = account(|builder| {
        builder.source(source).field(text_field(700, "Автомобиль", "text")).field(text_field(
            701,
            "Слова",
            "textarea",
        ))
    })
    .await;
    let more = json!({
        "pipeline_id": PIPELINE, "status_id": STAGE, "responsible_user_id": 504_142, "source": "site-1",
        "tags": "Сайт, iSmart", "task_minutes": 15, "comment": "Дилер на Ленина",
        "fields": format!("700=subject; 701=comment; COLOUR=#{WHITE}; price=form:Бюджет"),
    });
    let mut wanted = full(1);
    wanted.draft.fields.insert("Бюджет".into(), "1 500 000,50 ₽".into());
    let id: u64 = connector(&account, more).deliver(&wanted).await.unwrap().parse().unwrap();
    let ledger = account.ledger();
    let [made] = ledger.leads()[..] else { panic!("one lead") };
    assert_eq!((made.id, made.text("name")), (id, "Тест-драйв: Haval Jolion 1.5"));
    for (key, value) in [
        ("pipeline_id", PIPELINE),
        ("status_id", STAGE),
        ("responsible_user_id", 504_142),
        ("price", 1_500_001),
        ("source_id", 77),
    ] {
        assert_eq!(made.number(key), i64::try_from(value).ok(), "{key}");
    }
    let own = account.field_id(Kind::Lead, "ISMART_ID").unwrap();
    assert_eq!(made.field(own), [wanted.origin_id()]);
    assert_eq!(made.field(700), ["Haval Jolion 1.5"]);
    assert!(made.field(701)[0].starts_with("Хочу в субботу.\n"));
    assert_eq!(made.field(COLOUR), ["Белый"]);
    for (code, value) in [
        ("UTM_SOURCE", "yandex"),
        ("UTM_MEDIUM", "cpc"),
        ("UTM_CAMPAIGN", "spring"),
        ("UTM_CONTENT", "banner"),
        ("UTM_TERM", "хавал"),
        ("REFERRER", "https://yandex.ru/"),
    ] {
        assert_eq!(made.field(account.field_id(Kind::Lead, code).unwrap()), [value], "{code}");
    }
    let [card] = ledger.contacts()[..] else { panic!("one contact") };
    assert_eq!((card.text("first_name"), card.text("last_name")), ("Анна Сергеевна", "Петрова"));
    assert_eq!(card.field(account.field_id(Kind::Contact, "PHONE").unwrap()), ["+79100000001"]);
    assert_eq!(card.field(account.field_id(Kind::Contact, "EMAIL").unwrap()), ["Anna@mail.ru"]);
    assert_eq!(made.linked(Kind::Contact), [card.id]);
    let [task] = ledger.of_lead(Kind::Task, id)[..] else { panic!("one task") };
    assert_eq!(task.text("text"), "Связаться: Тест-драйв: Haval Jolion 1.5");
    assert_eq!(
        (task.number("complete_till"), task.number("responsible_user_id")),
        (Some(NOON + 900), Some(504_142))
    );
    let [note] = ledger.of_lead(Kind::Note, id)[..] else { panic!("one note") };
    let text = note.values["params"]["text"].as_str().unwrap();
    for part in [
        "Заявка № 1: Тест-драйв",
        "VIN123",
        "Петрова Анна Сергеевна",
        "+79100000001",
        "Можно [b]утром[/b]?",
        "Удобное время: после 18",
        "https://dealer.example/haval",
        "lead-assistant",
        "редакция 2026-01",
        "Дилер на Ленина",
        &format!("iSmart ID: {}", wanted.origin_id()),
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(account.findings(), []);
}

/// P1: without settings the account's own defaults hold; a person without a name is called by his phone.
#[tokio::test]
async fn p1_a_bare_lead_needs_no_settings() {
    let account = account(|builder| builder).await;
    let mut bare = lead(1);
    bare.draft.name = None;
    connector(&account, json!({"task": "no"})).deliver(&bare).await.unwrap();
    let ledger = account.ledger();
    assert_eq!(ledger.leads()[0].number("responsible_user_id"), i64::try_from(ANNA).ok());
    assert_eq!(ledger.contacts()[0].text("name"), bare.draft.phone.unwrap().pretty());
    assert_eq!(ledger.items(Kind::Task).len(), 0);
    assert_eq!((ledger.items(Kind::Note).len(), account.findings().len()), (1, 0));
}

/// P3: a known person is linked in whatever spelling his card has the phone, and his card is left as it is.
#[tokio::test]
async fn p3_a_known_person_is_linked_and_his_card_is_left_alone() {
    let account = account(|builder| builder).await;
    let connector = connector(&account, json!({}));
    connector.deliver(&lead(1)).await.unwrap();
    let before = account.ledger().contacts()[0].clone();
    let mut again = full(2);
    again.draft.phone = lead(1).draft.phone;
    connector.deliver(&again).await.unwrap();
    let mut by_mail = full(3);
    by_mail.draft.phone = None;
    connector.deliver(&by_mail).await.unwrap();
    let ledger = account.ledger();
    assert_eq!((ledger.leads().len(), called(&account, "leads.add")), (3, 1));
    assert_eq!(*ledger.contacts()[0], before, "phones of a card are replaced by a change, so none is made");
    assert_eq!(ledger.leads()[1].linked(Kind::Contact), [before.id]);
    assert_eq!(ledger.contacts().len(), 2, "the address is on no card yet");
    let mut known = full(4);
    known.draft.phone = None;
    connector.deliver(&known).await.unwrap();
    assert_eq!(account.count(Kind::Contact), 2);
    assert_eq!(account.findings(), []);
}

/// P4: where the account merges likenesses, the words of the newer request stand in a note of their own.
#[tokio::test]
async fn p4_a_merged_request_keeps_its_words_and_is_found() {
    let account = account(|builder| builder.duplicate_control(true)).await;
    let connector = connector(&account, json!({}));
    // The search for people is closed, so that both requests bring a card and the account has something to merge.
    let closed = Fault::Status { code: 403, body: FaultBody::Json, after_commit: false };
    account.faults().add(Rule::new(closed).method("contacts.list"));
    let (one, mut two) = (lead(1), full(2));
    two.draft.phone = one.draft.phone.clone();
    let first = connector.deliver(&one).await.unwrap();
    assert_eq!(connector.deliver(&two).await.unwrap(), first);
    assert_eq!((account.count(Kind::Lead), account.count(Kind::Contact)), (1, 1));
    assert_eq!(connector.find(&two).await.unwrap(), Some(first));
    let ledger = account.ledger();
    assert_eq!(ledger.items(Kind::Note).len(), 2);
    assert_eq!(ledger.items(Kind::Task).len(), 2);
}

/// P5: what an attempt left out is added by the next one, once, even while the search does not know the lead yet.
#[tokio::test]
async fn p5_a_broken_off_delivery_is_completed_once() {
    for (operation, lag) in [("tasks.add", 0), ("leads.notes.add", 0), ("leads.notes.add", 600)] {
        for fault in [Fault::DropBeforeCommit, Fault::DropAfterCommit] {
            let account = account(|builder| builder).await;
            account.faults().turn(Switch::SearchLag { seconds: lag }).unwrap();
            account.faults().add(Rule::new(fault.clone()).method(operation).times(1));
            let connector = connector(&account, json!({}));
            let error = connector.deliver(&lead(1)).await.unwrap_err();
            assert_eq!(class(&error), "again", "{operation} {fault:?}: {error:?}");
            let id = connector.deliver(&lead(1)).await.unwrap();
            assert_eq!(connector.find(&lead(1)).await.unwrap(), Some(id), "{operation}");
            for kind in [Kind::Lead, Kind::Contact, Kind::Task, Kind::Note] {
                assert_eq!(account.count(kind), 1, "{operation} {fault:?} {kind:?}");
            }
        }
    }
}

/// P5: a refused task or note costs neither the lead nor a repeat.
#[tokio::test]
async fn p5_a_refused_note_leaves_the_lead_delivered() {
    let account = account(|builder| builder).await;
    let refuse = Fault::Status { code: 403, body: FaultBody::Json, after_commit: false };
    account.faults().add(Rule::new(refuse).method("leads.notes.add").times(1));
    connector(&account, json!({})).deliver(&lead(1)).await.unwrap();
    assert_eq!((account.count(Kind::Lead), account.count(Kind::Note)), (1, 0));
}

/// P5: a lead whose answer was lost is found although the account's search lags behind.
#[tokio::test]
async fn p5_the_lag_of_the_search_hides_nothing_from_find() {
    let account = account(|builder| builder).await;
    account.faults().turn(Switch::SearchLag { seconds: 600 }).unwrap();
    account.faults().add(Rule::new(Fault::DropAfterCommit).method("leads.complex").times(1));
    let connector = connector(&account, json!({}));
    let error = connector.deliver(&lead(1)).await.unwrap_err();
    assert_eq!(class(&error), "look");
    assert!(connector.find(&lead(1)).await.unwrap().is_some());
    assert_eq!(connector.find(&lead(2)).await.unwrap(), None);
}

/// P11: choices of a list come from a form by their titles, and a rehearsal names what does not fit before it is kept.
#[tokio::test]
async fn p11_choices_come_by_title_and_misfits_are_named() {
    let account =
        super::account(|builder| builder.field(super::text_field(700, "Бюджет до", "numeric"))).await;
    let mut one = crate::leads::full(1);
    one.draft.fields.insert("Цвет".into(), " белый ".into());
    super::connector(&account, json!({"fields": "COLOUR=form:Цвет; 700=text:1500000"}))
        .deliver(&one)
        .await
        .unwrap();
    assert_eq!(account.ledger().leads()[0].field(super::COLOUR), ["Белый"]);
    let settings =
        super::settings(&account, json!({"fields": "COLOUR=subject; 700=name; 999=page; price=name"}));
    let rehearse = ismart_connect::find("amocrm").unwrap().rehearse;
    let shown =
        rehearse(&settings, &crate::contract::egress(), crate::leads::full(2)).unwrap().await.unwrap();
    let named: Vec<&str> = shown.misfits.iter().map(|misfit| misfit.field.as_str()).collect();
    assert_eq!(named, ["COLOUR", "700", "999", "price"], "{:?}", shown.misfits);
    let colour = shown.fields.iter().find(|field| field.title == "Цвет").unwrap();
    assert_eq!(colour.choices[0], (super::WHITE.to_string(), "Белый".to_owned()));
    assert_eq!(account.count(ismart_emulators::amocrm::Kind::Lead), 1);
}

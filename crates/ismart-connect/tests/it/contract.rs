//! What every connector owes (`connector.contract.md`). Each test runs over the whole list `CONNECTORS`: a
//! connector that is in the binary cannot stay out of its contract.

use std::sync::Arc;
use std::time::Duration;

use ismart_connect::{CONNECTORS, Egress, Entry, FieldKind, Memory};
use ismart_domain::delivery::DeliveryError;
use ismart_domain::ports::Connector;
use ismart_domain::{BoxFuture, Env};
use ismart_http::{AddressPolicy, Client, Settings};
use serde_json::{Map, Value, json};

use crate::channel::noon;
use crate::leads::{full, lead, strange};
use crate::paper::paper;
use crate::{amocrm, bitrix24, calltouch, email, max, sheets, telegram, vk, webhook};

/// How a destination can misbehave. Each strikes the next creation of a record, unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Makes the record and closes the connection.
    LosesAnswer,
    /// Closes the connection and makes nothing.
    LosesRequest,
    /// Makes nothing; a proxy's page with status 502 comes back.
    AnswersPage,
    /// Makes the record; what comes back cannot be read.
    AnswersGarbage,
    /// Makes the record and answers too late.
    Dawdles,
    /// Makes nothing and asks to wait.
    Throttles,
    /// Understands and refuses.
    Refuses,
    /// Takes no call at all any more: the secret is not valid.
    ForgetsSecret,
}

/// A destination that behaves like the real one.
pub(crate) trait Destination: Send {
    /// Settings with which a connector reaches it.
    fn settings(&self) -> Map<String, Value>;
    /// The part of the settings that nobody may see.
    fn secret(&self) -> String;
    /// How many leads it holds, as it or its people tell them apart.
    fn records(&self) -> usize;
    /// How many times a lead stands there: more than leads only where repeats are not recognised.
    fn copies(&self) -> usize {
        self.records()
    }
    /// What it found odd in the requests so far.
    fn complaints(&self) -> Vec<String>;
    fn suffer(&self, trouble: Trouble);
    /// Goes away; nobody listens there afterwards.
    fn close(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// The destination of each kind. A new connector adds its line here, or every test below fails.
async fn destination(kind: &str) -> Box<dyn Destination> {
    match kind {
        "amocrm" => Box::new(amocrm::Emulator::start().await),
        "bitrix24" => Box::new(bitrix24::Emulator::start().await),
        "calltouch" => Box::new(calltouch::Emulator::start().await),
        "email" => Box::new(email::Emulator::start().await),
        "max" => Box::new(max::Emulator::start().await),
        "sheets" => Box::new(sheets::Emulator::start().await),
        "telegram" => Box::new(telegram::Emulator::start().await),
        "vk" => Box::new(vk::Emulator::start().await),
        "webhook" => Box::new(webhook::Emulator::start().await),
        other => panic!("the connector `{other}` has no destination to be tested against"),
    }
}

pub(crate) fn egress() -> Egress {
    let settings = Settings {
        allow: AddressPolicy::AllowLoopback,
        total_timeout: Duration::from_secs(3),
        ..Settings::default()
    };
    Egress::new(Client::new(settings).unwrap()).at(Env::manual(noon(), 5).0)
}

/// Time is paused and runs ahead whenever nothing can be done, so deadlines must lie far away.
pub(crate) fn patient_egress() -> Egress {
    let day = Duration::from_secs(86_400);
    let settings = Settings {
        allow: AddressPolicy::AllowLoopback,
        connect_timeout: day,
        total_timeout: day,
        ..Settings::default()
    };
    Egress::new(Client::new(settings).unwrap())
}

/// A connector with limits of its own, so that one attempt's throttling does not slow the next one.
fn open(entry: &Entry, destination: &dyn Destination) -> Arc<dyn Connector> {
    (entry.open)(&destination.settings(), &egress()).unwrap()
}

/// The errors of every call that reaches the destination: of a question only where there is one to ask.
async fn all_errors(entry: &Entry, connector: &dyn Connector) -> Vec<DeliveryError> {
    let mut all = vec![connector.deliver(&lead(1)).await.unwrap_err(), connector.check().await.unwrap_err()];
    match (entry.memory, connector.find(&lead(1)).await) {
        (Memory::Asked, found) => all.push(found.unwrap_err()),
        (Memory::Recognises | Memory::Forgets, found) => assert_eq!(found, Ok(None), "{}", entry.kind),
    }
    all
}

fn is_settings(error: &DeliveryError) -> bool {
    matches!(error, DeliveryError::Settings { .. })
}

fn ambiguous(error: &DeliveryError) -> Option<bool> {
    match error {
        DeliveryError::Retry { ambiguous, .. } => Some(*ambiguous),
        _ => None,
    }
}

#[test]
fn p1_entries_describe_themselves() {
    for entry in CONNECTORS {
        assert_eq!(CONNECTORS.iter().filter(|other| other.kind == entry.kind).count(), 1, "{}", entry.kind);
        assert!(ismart_connect::find(entry.kind).is_some_and(|found| std::ptr::eq(found, entry)));
        assert!(!entry.title_ru.is_empty() && !entry.title_en.is_empty());
        for field in entry.fields {
            for text in [field.title_ru, field.title_en, field.help_ru, field.help_en] {
                assert!(!text.trim().is_empty(), "{}.{}", entry.kind, field.key);
            }
            assert!(!field.required || field.default.is_none(), "{}.{}", entry.kind, field.key);
        }
    }
}

#[tokio::test]
async fn p1_wrong_settings_are_refused_by_key_without_their_secrets() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        let problems = |settings: &Map<String, Value>| match (entry.open)(settings, &egress()) {
            Ok(_) => Vec::new(),
            Err(error) => {
                assert!(!error.problems.is_empty());
                assert!(!error.to_string().contains(&destination.secret()), "{error}");
                error.problems.into_iter().map(|problem| problem.key).collect()
            }
        };
        let good = destination.settings();
        assert!(problems(&good).is_empty(), "{}", entry.kind);
        let required: Vec<&str> =
            entry.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
        assert_eq!(problems(&Map::new()), required, "{}", entry.kind);
        for field in entry.fields {
            let mut bad = good.clone();
            let value = match field.kind {
                FieldKind::Number => json!(destination.secret()),
                _ => json!([destination.secret()]),
            };
            bad.insert(field.key.into(), value);
            assert_eq!(problems(&bad), [field.key], "{}", entry.kind);
        }
        let mut strange = good.clone();
        strange.insert("colour".into(), json!("red"));
        assert_eq!(problems(&strange), ["colour"], "{}", entry.kind);
    }
}

#[tokio::test]
async fn p2_a_lead_arrives_and_is_found_again() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        let connector = open(entry, destination.as_ref());
        assert_eq!(connector.kind(), entry.kind);
        assert_eq!(connector.find(&full(1)).await, Ok(None));
        let id = connector.deliver(&full(1)).await.unwrap();
        assert!(!id.is_empty());
        assert_eq!((destination.records(), destination.copies()), (1, 1), "{}", entry.kind);
        // Who cannot be asked knows of nothing, and never claims to.
        let known = (entry.memory == Memory::Asked).then_some(id);
        assert_eq!(connector.find(&full(1)).await, Ok(known), "{}", entry.kind);
        assert_eq!(connector.find(&full(2)).await, Ok(None));
        assert_eq!(destination.complaints(), Vec::<String>::new(), "{}", entry.kind);
    }
}

#[tokio::test]
async fn p3_the_same_lead_twice_is_one_record() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        let first = open(entry, destination.as_ref()).deliver(&lead(1)).await.unwrap();
        let again = open(entry, destination.as_ref()).deliver(&lead(1)).await.unwrap();
        assert_eq!(destination.records(), 1, "{}", entry.kind);
        match entry.memory {
            Memory::Asked | Memory::Recognises => {
                assert_eq!((first, destination.copies()), (again, 1), "{}", entry.kind);
            }
            // It shows the repeat under the same number.
            Memory::Forgets => assert_eq!(destination.copies(), 2, "{}", entry.kind),
        }
    }
}

#[tokio::test]
async fn p4_one_person_with_two_requests_is_two_records() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        let connector = open(entry, destination.as_ref());
        let mut second = full(2);
        second.draft.phone = full(1).draft.phone;
        let one = connector.deliver(&full(1)).await.unwrap();
        let two = connector.deliver(&second).await.unwrap();
        assert_ne!(one, two, "{}", entry.kind);
        assert_eq!(destination.records(), 2, "{}", entry.kind);
    }
}

/// Whatever may have been carried out is ambiguous, is found, and is never made twice.
#[tokio::test]
async fn p5_a_lost_answer_is_ambiguous_and_the_record_is_found() {
    for entry in CONNECTORS {
        for trouble in [Trouble::LosesAnswer, Trouble::AnswersGarbage, Trouble::Dawdles] {
            let destination = destination(entry.kind).await;
            destination.suffer(trouble);
            let error = open(entry, destination.as_ref()).deliver(&lead(1)).await.unwrap_err();
            assert_eq!(ambiguous(&error), Some(true), "{} {trouble:?}: {error:?}", entry.kind);
            assert_eq!(destination.copies(), 1, "{} {trouble:?}", entry.kind);
            let found = open(entry, destination.as_ref()).find(&lead(1)).await.unwrap();
            let again = open(entry, destination.as_ref()).deliver(&lead(1)).await.unwrap();
            match entry.memory {
                Memory::Asked => assert_eq!(Some(again), found, "{} {trouble:?}", entry.kind),
                Memory::Recognises | Memory::Forgets => {
                    assert_eq!(found, None, "{} {trouble:?}", entry.kind);
                }
            }
            assert_eq!(destination.records(), 1, "{} {trouble:?}", entry.kind);
            let copies = if entry.memory == Memory::Forgets { 2 } else { 1 };
            assert_eq!(destination.copies(), copies, "{} {trouble:?}", entry.kind);
        }
    }
}

#[tokio::test]
async fn p5_a_lost_request_is_repeated_with_success() {
    for entry in CONNECTORS {
        for trouble in [Trouble::LosesRequest, Trouble::AnswersPage] {
            let destination = destination(entry.kind).await;
            destination.suffer(trouble);
            let error = open(entry, destination.as_ref()).deliver(&lead(1)).await.unwrap_err();
            assert_eq!(ambiguous(&error), Some(true), "{} {trouble:?}: {error:?}", entry.kind);
            assert_eq!(open(entry, destination.as_ref()).find(&lead(1)).await, Ok(None));
            open(entry, destination.as_ref()).deliver(&lead(1)).await.unwrap();
            assert_eq!((destination.records(), destination.copies()), (1, 1), "{} {trouble:?}", entry.kind);
        }
    }
}

#[tokio::test]
async fn p6_what_was_not_carried_out_is_repeated_without_a_look() {
    for entry in CONNECTORS {
        let throttling = destination(entry.kind).await;
        throttling.suffer(Trouble::Throttles);
        let error = open(entry, throttling.as_ref()).deliver(&lead(1)).await.unwrap_err();
        let DeliveryError::Retry { after: Some(after), ambiguous: false, .. } = error else {
            panic!("{}: {error:?}", entry.kind)
        };
        assert!(after.as_secs() >= 1, "{}", entry.kind);
        assert_eq!(throttling.records(), 0);

        let gone = destination(entry.kind).await;
        let connector = open(entry, gone.as_ref());
        gone.close().await;
        for error in all_errors(entry, connector.as_ref()).await {
            assert_eq!(ambiguous(&error), Some(false), "{}: {error:?}", entry.kind);
        }
    }
}

#[tokio::test]
async fn p7_a_refusal_calls_a_person() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        destination.suffer(Trouble::Refuses);
        let error = open(entry, destination.as_ref()).deliver(&lead(1)).await.unwrap_err();
        assert!(matches!(error, DeliveryError::Rejected { .. }), "{}: {error:?}", entry.kind);
        assert_eq!(destination.records(), 0);
    }
}

#[tokio::test]
async fn p8_an_invalid_secret_pauses_everything_and_says_what_to_do() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        let connector = open(entry, destination.as_ref());
        destination.suffer(Trouble::ForgetsSecret);
        for error in all_errors(entry, connector.as_ref()).await {
            assert!(is_settings(&error), "{}: {error:?}", entry.kind);
            let secret_key = entry.fields.iter().find(|field| field.kind == FieldKind::Secret).unwrap().key;
            assert!(error.to_string().contains(&format!("`{secret_key}`")), "names the setting: {error}");
        }
    }
}

#[tokio::test]
async fn p9_a_check_says_one_line_and_leaves_nothing() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        let line = open(entry, destination.as_ref()).check().await.unwrap();
        assert!(!line.is_empty() && !line.contains('\n'), "{line}");
        assert!(!line.contains(&destination.secret()), "{line}");
        assert_eq!(destination.records(), 0);
        assert_eq!(destination.complaints(), Vec::<String>::new(), "{}", entry.kind);
    }
}

/// A rehearsal shows what would go out, and nothing goes.
#[tokio::test]
async fn p12_a_rehearsal_shows_the_requests_and_leaves_nothing() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        let shown = (entry.rehearse)(&destination.settings(), &egress(), full(1)).unwrap().await.unwrap();
        assert!(!shown.about.is_empty() && !shown.about.contains('\n'), "{}: {}", entry.kind, shown.about);
        assert!(!shown.requests.is_empty(), "{}", entry.kind);
        assert_eq!(shown.misfits, [], "{}", entry.kind);
        let all = format!("{shown:?}");
        assert!(!all.contains(&destination.secret()), "{}: {all}", entry.kind);
        assert!(all.contains("Haval Jolion"), "the lead is shown: {all}");
        assert_eq!((destination.records(), destination.copies()), (0, 0), "{}", entry.kind);
        assert_eq!(destination.complaints(), Vec::<String>::new(), "{}", entry.kind);
        assert!((entry.rehearse)(&Map::new(), &egress(), full(1)).is_err(), "{}", entry.kind);

        destination.suffer(Trouble::ForgetsSecret);
        let error = (entry.rehearse)(&destination.settings(), &egress(), full(1)).unwrap().await.unwrap_err();
        assert!(is_settings(&error), "{}: {error:?}", entry.kind);
    }
}

#[tokio::test]
async fn p10_strange_leads_arrive() {
    for entry in CONNECTORS {
        let destination = destination(entry.kind).await;
        let connector = open(entry, destination.as_ref());
        let leads = strange();
        for lead in &leads {
            connector.deliver(lead).await.unwrap();
        }
        assert_eq!(destination.records(), leads.len());
        assert_eq!(destination.complaints(), Vec::<String>::new(), "{}", entry.kind);
    }
}

/// Neither the secret nor the person is in a trace, an error text or a `Debug` output, at any level.
#[tokio::test]
async fn p11_secrets_and_persons_are_not_traced() {
    let paper = paper();
    for entry in CONNECTORS {
        for trouble in [
            None,
            Some(Trouble::LosesAnswer),
            Some(Trouble::AnswersPage),
            Some(Trouble::AnswersGarbage),
            Some(Trouble::Throttles),
            Some(Trouble::Refuses),
            Some(Trouble::ForgetsSecret),
        ] {
            let destination = destination(entry.kind).await;
            if let Some(trouble) = trouble {
                destination.suffer(trouble);
            }
            let mut lead = full(77);
            lead.draft.phone = Some(ismart_domain::Phone::parse("+79167654321").unwrap());
            let told = format!("{:?}", open(entry, destination.as_ref()).deliver(&lead).await);
            let texts = format!("{told} {}", paper.text());
            assert!(!texts.contains(&destination.secret()), "{trouble:?}: {told}");
            assert!(!texts.contains("9167654321") && !texts.contains("Anna@"), "{trouble:?}: {told}");
        }
    }
    assert!(paper.text().contains("http.request"), "nothing was traced");
}

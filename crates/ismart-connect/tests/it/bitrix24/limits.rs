use std::sync::Arc;
use std::time::Duration;

use ismart_domain::delivery::DeliveryError;
use ismart_emulators::bitrix24::{Entity, Limits, Portal};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::{NOON, SECRET, called, connector, open, portal, settings};
use crate::contract::{egress, patient_egress};
use crate::leads::{full, lead};
use crate::scripted::{Scripted, json_answer};

/// P2: a backlog never meets the portal's own limit, although several connectors share the portal, and drains
/// at the portal's own pace, oldest first.
#[tokio::test(start_paused = true)]
async fn p2_a_backlog_of_two_connectors_never_exceeds_the_portals_limit() {
    const LEADS: u32 = 300;
    let begun = Instant::now();
    let clock = move || {
        let passed = SignedDuration::try_from(begun.elapsed()).unwrap();
        Timestamp::from_second(NOON).unwrap().checked_add(passed).unwrap()
    };
    let portal = Portal::builder(clock).webhook(1, SECRET).limits(Limits::cloud()).start().await.unwrap();
    let egress = patient_egress();
    let queue = Arc::new(Mutex::new(1..=LEADS));
    let mut workers = Vec::new();
    for number in 0..6 {
        let mode = if number % 2 == 0 { "item" } else { "lead" };
        let connector = open(&settings(&portal, json!({"mode": mode})), &egress);
        let queue = Arc::clone(&queue);
        workers.push(tokio::spawn(async move {
            loop {
                let Some(number) = queue.lock().await.next() else { return };
                let lead = full(number);
                while let Err(error) = connector.deliver(&lead).await {
                    let DeliveryError::Retry { after: Some(after), ambiguous: false, .. } = error else {
                        panic!("{error:?}")
                    };
                    sleep(after.unsigned_abs()).await;
                }
            }
        }));
    }
    for worker in workers {
        worker.await.unwrap();
    }
    assert_eq!(portal.count(Entity::Lead), 300);
    let log = portal.requests();
    assert!(log.iter().all(|record| record.status == 200), "the portal had to refuse");
    let requests = log.iter().filter(|record| record.batch_key.is_none()).count();
    assert_eq!(requests, 3 * 300 + 6, "three requests a lead, and the mode once a connector");
    let at_best = f64::from(u32::try_from(requests).unwrap() - 40) / 2.0;
    assert!(begun.elapsed().as_secs_f64() <= at_best + 60.0, "{:?} instead of {at_best} s", begun.elapsed());
    let ledger = portal.ledger();
    let leads = ledger.leads();
    let late = leads.iter().enumerate().filter(|(place, made)| {
        let number: usize =
            made.text("comments").trim_start_matches("Заявка № ").split(':').next().unwrap().parse().unwrap();
        number.abs_diff(place + 1) > 6
    });
    assert_eq!(late.count(), 0, "leads overtook others by more than the number of workers");
}

/// P2: a method near its time budget is left alone until the budget is renewed.
#[tokio::test]
async fn p2_a_method_near_its_time_budget_rests() {
    let portal = portal(|builder| builder).await;
    portal.faults().operating("crm.item.add", 390.0).unwrap();
    let egress = egress();
    let first = open(&settings(&portal, json!({})), &egress);
    first.deliver(&lead(1)).await.unwrap();
    let other = open(&settings(&portal, json!({})), &egress);
    let error = other.deliver(&lead(2)).await.unwrap_err();
    let DeliveryError::Retry { after: Some(after), ambiguous: false, .. } = &error else {
        panic!("{error:?}")
    };
    assert!((1..=600).contains(&after.as_secs()), "{after:?}");
    assert_eq!((portal.count(Entity::Lead), called(&portal, "crm.item.add")), (1, 1));
    assert!(first.find(&lead(1)).await.unwrap().is_some(), "other methods go on");
}

/// P2: the budget of methods inside a batch is heeded too.
#[tokio::test]
async fn p2_a_search_near_its_time_budget_rests() {
    let portal = portal(|builder| builder).await;
    portal.faults().operating("crm.duplicate.findbycomm", 400.0).unwrap();
    let egress = egress();
    let connector = open(&settings(&portal, json!({})), &egress);
    connector.deliver(&lead(1)).await.unwrap();
    let error = connector.deliver(&lead(2)).await.unwrap_err();
    assert!(matches!(error, DeliveryError::Retry { ambiguous: false, .. }), "{error:?}");
    assert_eq!(portal.count(Entity::Lead), 1);
}

/// P2: what one delivery learns of a limit holds for all others.
#[tokio::test]
async fn p2_a_throttled_method_is_left_alone_by_everybody() {
    let coded = json_answer(429, json!({"error": "OPERATION_TIME_LIMIT"}));
    for script in [(429, "text/html", "busy".into()), coded, json_answer(429, json!({"error": ""}))] {
        for method in ["crm.item.add", "batch"] {
            let portal = Scripted::start().await;
            portal.say(method, script.clone());
            let egress = egress();
            for number in 1..=3 {
                let error = open(&portal.settings(), &egress).deliver(&lead(number)).await.unwrap_err();
                let again = matches!(error, DeliveryError::Retry { after: Some(_), ambiguous: false, .. });
                assert!(again, "{error:?}");
            }
            let calls = portal.calls().iter().filter(|called| *called == method).count();
            assert_eq!(calls, 1, "{method} {script:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn p2_a_full_bucket_makes_everybody_wait() {
    let portal = Scripted::start().await;
    let busy = json!({"error": "QUERY_LIMIT_EXCEEDED"});
    portal.say("crm.item.add", json_answer(503, busy));
    let egress = patient_egress();
    open(&portal.settings(), &egress).deliver(&lead(1)).await.unwrap_err();
    let before = Instant::now();
    open(&portal.settings(), &egress).deliver(&lead(2)).await.unwrap_err();
    assert!(before.elapsed() >= Duration::from_secs(5), "{:?}", before.elapsed());
}

/// P7: the mode is asked for once, however many leads arrive at once.
#[tokio::test]
async fn p7_the_mode_is_asked_for_once() {
    let portal = portal(|builder| builder).await;
    let connector = connector(&portal, json!({}));
    let (one, two) = (lead(1), lead(2));
    let both = tokio::join!(connector.deliver(&one), connector.deliver(&two));
    both.0.unwrap();
    both.1.unwrap();
    connector.find(&lead(1)).await.unwrap();
    assert_eq!(called(&portal, "crm.settings.mode.get"), 1);
}

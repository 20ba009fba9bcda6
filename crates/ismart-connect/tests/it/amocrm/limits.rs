use std::sync::Arc;

use ismart_domain::delivery::DeliveryError;
use ismart_emulators::amocrm::{Account, Fault, FaultBody, Kind, Limits, Rule};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use super::{ANNA, NOON, TOKEN, account, called, connector, open, settings};
use crate::contract::{egress, patient_egress};
use crate::leads::{full, lead};

/// P2: a backlog never meets the account's own limit, although several connectors share the account, and drains at
/// five requests a second, oldest first.
#[tokio::test(start_paused = true)]
async fn p2_a_backlog_of_several_connectors_never_exceeds_the_accounts_limit() {
    const LEADS: u32 = 200;
    let begun = Instant::now();
    let clock = move || {
        let passed = SignedDuration::try_from(begun.elapsed()).unwrap();
        Timestamp::from_second(NOON).unwrap().checked_add(passed).unwrap()
    };
    let builder = Account::builder(clock).long_lived_token(TOKEN, ANNA).limits(Limits::documented());
    let account = builder.start().await.unwrap();
    let egress = patient_egress();
    let queue = Arc::new(Mutex::new(1..=LEADS));
    let mut workers = Vec::new();
    for _ in 0..4 {
        let mut own = settings(&account, json!({}));
        own.remove("rate");
        let connector = open(&own, &egress);
        let queue = Arc::clone(&queue);
        workers.push(tokio::spawn(async move {
            loop {
                let Some(number) = queue.lock().await.next() else { return };
                let mut lead = full(number);
                lead.draft.email = None;
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
    assert_eq!((account.count(Kind::Lead), account.count(Kind::Note)), (200, 200));
    let log = account.requests();
    assert!(log.iter().all(|record| matches!(record.status, 200 | 204 | 400)), "the account had to refuse");
    let refused = log.iter().filter(|record| record.status == 400).count();
    assert!(refused <= 3, "only the connectors that came second to make the field were told so: {refused}");
    let highest = account.highest_second();
    assert!(highest <= 7, "{highest} requests in one second");
    let requests = f64::from(u32::try_from(log.len()).unwrap());
    let took = begun.elapsed().as_secs_f64();
    assert!(requests <= f64::from(LEADS * 5 + 20) && took <= requests / 5.0 + 30.0, "{requests} in {took} s");
    let ledger = account.ledger();
    let late = ledger.leads().into_iter().enumerate().filter(|(place, made)| {
        let notes = ledger.of_lead(Kind::Note, made.id);
        let text = notes[0].values["params"]["text"].as_str().unwrap();
        let number: usize = text.trim_start_matches("Заявка № ").split(':').next().unwrap().parse().unwrap();
        number.abs_diff(place + 1) > 4
    });
    assert_eq!(late.count(), 0, "leads overtook others by more than the number of workers");
}

/// P2: after a refusal for too many requests everybody leaves the account alone, each time for twice as long.
#[tokio::test]
async fn p2_refusals_for_too_many_requests_pause_everybody_ever_longer() {
    let account = account(|builder| builder).await;
    let egress = egress();
    let busy = |body| Fault::Status { code: 429, body, after_commit: false };
    account.faults().add(Rule::new(busy(FaultBody::Json)).times(1));
    let first = open(&settings(&account, json!({})), &egress);
    let second = open(&settings(&account, json!({})), &egress);
    let after = |error: DeliveryError| match error {
        DeliveryError::Retry { after: Some(after), ambiguous: false, .. } => after.as_millis(),
        other => panic!("{other:?}"),
    };
    assert_eq!(after(first.deliver(&lead(1)).await.unwrap_err()), 1000);
    assert!(after(second.deliver(&lead(2)).await.unwrap_err()) > 0, "the other connector waits as well");
    assert_eq!(account.requests().len(), 1, "and sends nothing");
    sleep(std::time::Duration::from_millis(1100)).await;
    account.faults().add(Rule::new(busy(FaultBody::Html)).times(1));
    assert_eq!(after(first.deliver(&lead(1)).await.unwrap_err()), 2000);
}

/// P2: a blocked account is left alone for an hour, and people are told to write to support.
#[tokio::test]
async fn p2_a_blocked_account_is_left_alone() {
    let account = account(|builder| builder).await;
    let blocked = Fault::Status { code: 403, body: FaultBody::Html, after_commit: false };
    account.faults().add(Rule::new(blocked).times(1));
    let connector = connector(&account, json!({}));
    let error = connector.deliver(&lead(1)).await.unwrap_err();
    assert!(matches!(&error, DeliveryError::Settings { reason } if reason.contains("support")), "{error:?}");
    let error = connector.deliver(&lead(1)).await.unwrap_err();
    let DeliveryError::Retry { after: Some(after), ambiguous: false, .. } = error else {
        panic!("{error:?}")
    };
    assert!((3500..=3600).contains(&after.as_secs()), "{after:?}");
    assert_eq!(account.requests().len(), 1);
}

/// P7: the fields are asked for once, however many leads arrive at once, and our own one is made once.
#[tokio::test]
async fn p7_fields_are_asked_for_once_and_made_once() {
    let account = account(|builder| builder).await;
    let connector = connector(&account, json!({}));
    let (one, two) = (lead(1), lead(2));
    let both = tokio::join!(connector.deliver(&one), connector.deliver(&two));
    both.0.unwrap();
    both.1.unwrap();
    connector.find(&lead(1)).await.unwrap();
    assert_eq!(called(&account, "leads.custom_fields"), 1);
    let made = account
        .requests()
        .iter()
        .filter(|r| r.method == "leads.custom_fields.add" && r.status == 200)
        .count();
    assert_eq!(made, 1);
}

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ismart_domain::BoxFuture;
use ismart_domain::delivery::{DeliveryError, DeliveryState};
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_leads::{Destination, Dispatcher};
use ismart_store::deliveries;
use jiff::SignedDuration;
use tokio::sync::watch;

use crate::setup::Setup;

/// A destination that keeps what it takes and answers as scripted: the answer may lie about what happened.
#[derive(Default)]
pub(crate) struct Crm {
    kept: Mutex<HashMap<String, usize>>,
    script: Mutex<VecDeque<(bool, Result<(), DeliveryError>)>>,
}

impl Crm {
    pub(crate) fn then(&self, keeps: bool, answer: Result<(), DeliveryError>) {
        self.script.lock().unwrap().push_back((keeps, answer));
    }

    pub(crate) fn copies(&self, lead: &Lead) -> usize {
        self.kept.lock().unwrap().get(&lead.origin_id()).copied().unwrap_or(0)
    }
}

impl Connector for Crm {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>> {
        Box::pin(async move {
            let (keeps, answer) = self.script.lock().unwrap().pop_front().unwrap_or((true, Ok(())));
            if keeps {
                *self.kept.lock().unwrap().entry(lead.origin_id()).or_default() += 1;
            }
            answer.map(|()| format!("crm-{}", lead.number))
        })
    }

    fn find<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(async move { Ok((self.copies(lead) > 0).then(|| format!("crm-{}", lead.number))) })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(async { Ok("scripted".to_owned()) })
    }
}

pub(crate) fn retry(ambiguous: bool) -> Result<(), DeliveryError> {
    Err(DeliveryError::Retry { after: None, ambiguous, reason: "away".into() })
}

struct Running {
    setup: Setup,
    crm: Arc<Crm>,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<Result<(), ismart_store::StoreError>>,
}

async fn running(crm: Crm) -> Running {
    let setup = Setup::new().await;
    let crm = Arc::new(crm);
    let destination = Destination::new(setup.client, "crm", crm.clone());
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(Dispatcher::new(setup.store.clone(), vec![destination]).run(stopped));
    Running { setup, crm, stop, task }
}

impl Running {
    async fn lead(&self, phone: &str) -> Lead {
        self.setup.accept(self.setup.draft(phone)).await.unwrap().lead
    }

    /// Lets time pass until the delivery reaches `state`.
    async fn reaches(&self, lead: &Lead, state: DeliveryState) -> deliveries::Attempt {
        let (store, client) = (&self.setup.store, self.setup.client);
        for _ in 0..600 {
            let mut conn = store.read().await.unwrap();
            let all = deliveries::of_lead(&mut conn, client, lead.id).await.unwrap();
            let crm = all.iter().find(|d| d.destination == "crm").unwrap();
            if crm.state == state {
                return deliveries::attempts(&mut conn, client, crm.id).await.unwrap().pop().unwrap();
            }
            drop(conn);
            self.setup.clock.advance(SignedDuration::from_secs(5));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the delivery never became {}", state.code());
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        self.task.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn p5_a_destination_that_is_down_for_a_while_gets_the_lead_once() {
    let crm = Crm::default();
    for _ in 0..3 {
        crm.then(false, retry(false));
    }
    let r = running(crm).await;
    let lead = r.lead("89101234567").await;
    let last = r.reaches(&lead, DeliveryState::Delivered).await;
    assert_eq!((last.number, last.detail.as_deref()), (4, Some("crm-1")));
    assert_eq!(r.crm.copies(&lead), 1);
    r.end().await;
}

#[tokio::test]
async fn p6_after_an_unclear_answer_the_destination_is_asked_before_anything_is_sent_again() {
    let crm = Crm::default();
    crm.then(true, retry(true)); // it took the lead, then the line broke
    crm.then(false, retry(true)); // it did not take the second one
    let r = running(crm).await;
    let taken = r.lead("89101234567").await;
    r.reaches(&taken, DeliveryState::Delivered).await;
    let lost = r.lead("89101234568").await;
    r.reaches(&lost, DeliveryState::Delivered).await;
    assert_eq!((r.crm.copies(&taken), r.crm.copies(&lost)), (1, 1));
    r.end().await;
}

#[tokio::test]
async fn p7_a_refusal_waits_for_a_person_and_a_replay_brings_it() {
    let crm = Crm::default();
    crm.then(false, Err(DeliveryError::Rejected { reason: "the stage NEW does not exist".into() }));
    let r = running(crm).await;
    let lead = r.lead("89101234567").await;
    let last = r.reaches(&lead, DeliveryState::NeedsAttention).await;
    assert_eq!(last.detail.as_deref(), Some("the stage NEW does not exist"));
    let (store, client) = (r.setup.store.clone(), r.setup.client);
    let all = deliveries::of_lead(&mut store.read().await.unwrap(), client, lead.id).await.unwrap();
    let id = all[0].id;
    let replayed: Result<_, ismart_store::StoreError> = store
        .write(move |tx: &mut ismart_store::Tx| {
            Box::pin(async move { deliveries::replay(tx, client, id).await })
        })
        .await;
    assert_eq!(replayed.unwrap().unwrap().state, DeliveryState::Verifying);
    r.reaches(&lead, DeliveryState::Delivered).await;
    assert_eq!(r.crm.copies(&lead), 1);
    r.end().await;
}

#[tokio::test]
async fn p8_wrong_settings_hold_leads_until_they_are_mended() {
    let crm = Crm::default();
    for _ in 0..2 {
        crm.then(false, Err(DeliveryError::Settings { reason: "the webhook was deleted".into() }));
    }
    let r = running(crm).await;
    let lead = r.lead("89101234567").await;
    r.reaches(&lead, DeliveryState::Paused).await;
    r.reaches(&lead, DeliveryState::Delivered).await;
    assert_eq!(r.crm.copies(&lead), 1);
    r.end().await;
}

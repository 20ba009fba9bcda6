//! The law of conservation: kept by whatever happens, and broken rows are found.

use ismart_domain::delivery::{self, Answer, Delivery, DeliveryError, DeliveryState, Standing};
use ismart_domain::spam::{Refusal, Signal};
use ismart_domain::{EventBody, LeadId, UserId};
use ismart_leads::balance::{self, Ledger, Proof};
use ismart_leads::holding;
use ismart_store::balance::WHOLE;
use ismart_store::events::Scope;
use ismart_store::{StoreError, Tx, deliveries, events, lead_desk, leads};
use jiff::SignedDuration;

use crate::setup::Setup;

/// Repeatable choices.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

impl Setup {
    async fn does<T: Send + 'static>(
        &self,
        work: impl for<'t> FnOnce(&'t mut Tx) -> ismart_domain::BoxFuture<'t, Result<T, StoreError>>
        + Send
        + 'static,
    ) -> T {
        self.store.write(work).await.unwrap()
    }

    fn at(&self) -> Scope {
        Scope { client_id: self.client, site_id: Some(self.site), trace_id: self.store.env().new_id() }
    }

    /// Takes up one delivery and lets it end somehow, as the dispatcher does.
    async fn attempt(&self, dice: &mut Dice) {
        let (client, scope) = (self.client, self.at());
        let answer = match dice.throw(5) {
            0 => Answer::Accepted { external_id: "7".into() },
            1 => Answer::Absent,
            2 => Answer::Failed(DeliveryError::Rejected { reason: "no".into() }),
            3 => Answer::Failed(DeliveryError::Settings { reason: "token".into() }),
            _ => Answer::Failed(DeliveryError::Retry {
                after: None,
                ambiguous: dice.throw(2) == 0,
                reason: "503".into(),
            }),
        };
        self.does(move |tx| {
            Box::pin(async move {
                let Some(claim) = deliveries::claim(tx, client, "crm", 1).await?.pop() else { return Ok(()) };
                let now = tx.env().now();
                let trial =
                    delivery::Trial { attempts: claim.delivery.attempts, begun_at: now, now, jitter: 0 };
                let next = delivery::after(answer, trial);
                let ending = deliveries::Ending { next: &next, started_at: now, trace: None };
                if !deliveries::finish(tx, client, &claim.delivery, ending).await? {
                    return Ok(());
                }
                let Delivery { id, lead_id, destination, attempts, .. } = claim.delivery;
                let body = EventBody::DeliveryChanged {
                    delivery_id: id,
                    lead_id,
                    destination,
                    state: next.state,
                    attempts,
                };
                events::append(tx, scope, body).await
            })
        })
        .await;
    }

    async fn decide(&self, lead: LeadId, dice: &mut Dice) {
        let (scope, user, what) = (self.at(), self.store.env().new_id::<UserId>(), dice.throw(3));
        self.does(move |tx| {
            Box::pin(async move {
                match what {
                    0 => holding::hold(tx, scope, lead, user).await,
                    1 => holding::release(tx, scope, lead, Some(user)).await,
                    _ => holding::refuse(tx, scope, lead, Refusal::Trial, Some("своя"), user).await,
                }
            })
        })
        .await;
    }

    async fn proof(&self) -> Proof {
        balance::check(&self.store, self.client).await.unwrap()
    }
}

#[tokio::test]
async fn p19_whatever_happens_the_ledger_balances() {
    for s in Setup::everywhere().await {
        let ledger = Ledger::new(s.store.clone());
        for seed in 0..4 {
            let (mut dice, mut known) = (Dice(seed), Vec::new());
            for step in 0..150 {
                s.clock.advance(SignedDuration::from_mins(i64::try_from(dice.throw(40)).unwrap()));
                match dice.throw(4) {
                    0 => {
                        let mut draft = s.draft(&format!("8910{:03}{:04}", seed, dice.throw(12)));
                        draft.test = dice.throw(8) == 0;
                        if dice.throw(3) == 0 {
                            draft.signals = vec![Signal::CaptchaRobot];
                        }
                        known.push(s.accept(draft).await.unwrap().lead.id);
                    }
                    1 | 2 => s.attempt(&mut dice).await,
                    _ => {
                        let at = usize::try_from(dice.throw(64)).unwrap();
                        if let Some(lead) = known.get(at % known.len().max(1)) {
                            s.decide(*lead, &mut dice).await;
                        }
                    }
                }
                if step % 30 == 0 {
                    let counted_on = ledger.count(s.client).await.unwrap();
                    assert!(counted_on.holds(), "seed {seed}, step {step}: {:?}", counted_on.differences);
                }
            }
            let (counted_on, anew) = (ledger.count(s.client).await.unwrap(), s.proof().await);
            assert!(anew.holds(), "seed {seed}: {:?} {:?}", anew.differences, anew.places);
            assert_eq!((&counted_on.rows, &counted_on.log), (&anew.rows, &anew.log));
            assert_eq!(anew.rows, anew.log);
            let totals = anew.rows.totals(None);
            assert_eq!(totals[WHOLE].accepted, totals["inbox"].accepted, "every lead is in the inbox");
            assert!(totals.values().all(|sum| sum.holds()));
        }
        let sum = ledger.proof(s.client).unwrap().whole();
        assert!(sum.accepted > 100 && sum.delivered > 0 && sum.held > 0 && sum.refused > 0, "{sum:?}");
    }
}

#[tokio::test]
async fn p20_a_row_broken_by_hand_is_found_with_its_id() {
    for s in Setup::everywhere().await {
        let ledger = Ledger::new(s.store.clone());
        for n in 0..5 {
            s.accept(s.draft(&format!("8910000000{n}"))).await.unwrap();
        }
        assert!(ledger.count(s.client).await.unwrap().holds());
        let client = s.client;
        // A delivery that changed without the log's knowledge.
        let lead = s.accept(s.draft("89101110001")).await.unwrap().lead.id;
        s.does(move |tx| Box::pin(async move { lead_desk::refuse(tx, client, lead, "why").await })).await;
        let proof = ledger.count(s.client).await.unwrap();
        assert_eq!(proof.differences.iter().map(|d| d.lead_id).collect::<Vec<_>>(), [lead]);
        assert!(proof.differences[0].what.contains("the row says refused, the log in_flight"), "{proof:?}");
        assert!(proof.places.iter().any(|(_, name)| name == "crm"), "{:?}", proof.places);
        // A lead that was never accepted by the log, and has no delivery.
        let draft = s.draft("89101110002");
        let (smuggled, _) =
            s.does(move |tx| Box::pin(async move { leads::add(tx, client, draft, "f", None).await })).await;
        // An acceptance whose row is gone.
        let (scope, gone) = (s.at(), s.store.env().new_id::<LeadId>());
        s.does(move |tx| {
            Box::pin(async move {
                let body = EventBody::LeadAccepted {
                    lead_id: gone,
                    intent: ismart_domain::lead::Intent::Other,
                    channel: "form".into(),
                    visit_id: None,
                    conversation_id: None,
                    test: false,
                };
                events::append(tx, scope, body).await
            })
        })
        .await;
        let (counted_on, anew) = (ledger.count(s.client).await.unwrap(), s.proof().await);
        for proof in [&*counted_on, &anew] {
            let mut ids: Vec<_> = proof.differences.iter().map(|d| d.lead_id).collect();
            ids.sort();
            let mut expected = [lead, smuggled.id, gone];
            expected.sort();
            assert_eq!(ids, expected, "{proof:?}");
            assert!(!proof.holds());
        }
    }
}

#[tokio::test]
async fn p21_a_refusal_without_a_reason_breaks_the_law() {
    let s = Setup::new().await;
    let (client, scope) = (s.client, s.at());
    let lead = s.accept(s.draft("89101110001")).await.unwrap().lead.id;
    s.does(move |tx| {
        Box::pin(async move {
            for delivery in lead_desk::refuse(tx, client, lead, "").await? {
                let Delivery { id, lead_id, destination, state, attempts, .. } = delivery;
                let body =
                    EventBody::DeliveryChanged { delivery_id: id, lead_id, destination, state, attempts };
                events::append(tx, scope, body).await?;
            }
            Ok(())
        })
    })
    .await;
    let proof = s.proof().await;
    assert!(!proof.holds());
    let crm = proof.rows.totals(None)["crm"];
    assert_eq!((crm.accepted, crm.refused), (1, 0), "it is accepted, and nowhere");
}

#[tokio::test]
async fn p22_rows_and_words_agree_on_what_each_state_counts_as() {
    for s in Setup::everywhere().await {
        let (client, mut expected) = (s.client, std::collections::BTreeMap::<Standing, i64>::new());
        for (n, state) in DeliveryState::ALL.into_iter().enumerate() {
            let draft = s.draft(&format!("891022200{n:02}"));
            s.does(move |tx| {
                Box::pin(async move {
                    let (lead, _) = leads::add(tx, client, draft, "f", None).await?;
                    let delivery = deliveries::add(tx, client, lead.id, "crm", DeliveryState::Queued).await?;
                    let next = delivery::Next {
                        state,
                        due_at: tx.env().now(),
                        external_id: None,
                        reason: Some("a reason".into()),
                    };
                    let now = tx.env().now();
                    let ending = deliveries::Ending { next: &next, started_at: now, trace: None };
                    deliveries::finish(tx, client, &delivery, ending).await
                })
            })
            .await;
            *expected.entry(state.standing()).or_default() += 1;
        }
        let crm = s.proof().await.rows.totals(None)["crm"];
        let counted = [
            (Standing::Delivered, crm.delivered),
            (Standing::InFlight, crm.in_flight),
            (Standing::Held, crm.held),
            (Standing::Refused, crm.refused),
        ];
        assert_eq!(counted.into_iter().collect::<std::collections::BTreeMap<_, _>>(), expected);
        let mut conn = s.store.read().await.unwrap();
        for standing in Standing::ALL {
            let filter = leads::Filter { standing: Some(standing), ..Default::default() };
            let found = leads::list(&mut conn, s.client, &filter, 100).await.unwrap();
            assert_eq!(i64::try_from(found.len()).unwrap(), expected[&standing], "{standing:?}");
        }
    }
}

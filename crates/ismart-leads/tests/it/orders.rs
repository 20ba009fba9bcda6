//! Orders against a bank that answers as told.

use std::sync::{Arc, Mutex};

use ismart_domain::contact::Email;
use ismart_domain::payment::{
    Asked, Cause, GatewayError, Notice, NoticeFault, Order, OrderState, Purchase, Registered, Report,
    Standing, Verdict, Ways,
};
use ismart_domain::ports::PaymentGateway;
use ismart_domain::{BoxFuture, Money};
use ismart_leads::orders::{BuyError, SettleError, Till, TillSettings, Watch};
use ismart_store::{events, leads, orders};
use jiff::SignedDuration;

use crate::setup::Setup;

/// What the bank does next.
#[derive(Debug, Clone)]
enum Mood {
    Well,
    Away { ambiguous: bool },
    Refusing,
}

#[derive(Debug)]
struct Bank {
    mood: Mutex<Mood>,
    /// Number and standing of what it knows.
    known: Mutex<Vec<(String, Standing)>>,
    asked: Mutex<u32>,
}

impl Bank {
    fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    fn stands(&self, order: &Order, standing: Standing) {
        let mut known = self.known.lock().unwrap();
        known.iter_mut().find(|(number, _)| number == order.number.as_str()).unwrap().1 = standing;
    }

    fn trouble(&self) -> Result<(), GatewayError> {
        match self.mood.lock().unwrap().clone() {
            Mood::Well => Ok(()),
            Mood::Away { ambiguous } => {
                Err(GatewayError::Unreachable { ambiguous, reason: "nobody answers".into() })
            }
            Mood::Refusing => Err(GatewayError::Refused { code: "5".into(), reason: "no".into() }),
        }
    }
}

impl PaymentGateway for Bank {
    fn kind(&self) -> &'static str {
        "scripted"
    }

    fn register<'a>(
        &'a self,
        order: &'a Order,
        ways: &'a Ways,
    ) -> BoxFuture<'a, Result<Registered, GatewayError>> {
        Box::pin(async move {
            assert!(ways.back.starts_with("https://a.ru/pay/return?order="), "{ways:?}");
            let unclear = matches!(*self.mood.lock().unwrap(), Mood::Away { ambiguous: true });
            let trouble = self.trouble();
            if trouble.is_ok() || unclear {
                self.known.lock().unwrap().push((order.number.to_string(), Standing::Open));
            }
            trouble?;
            let bank_id = format!("bank-{}", order.number);
            Ok(Registered { pay_url: format!("https://bank.example/{bank_id}"), bank_id })
        })
    }

    fn report<'a>(&'a self, order: Asked<'a>) -> BoxFuture<'a, Result<Report, GatewayError>> {
        Box::pin(async move {
            *self.asked.lock().unwrap() += 1;
            self.trouble()?;
            let number = match order {
                Asked::BankId(id) => id.trim_start_matches("bank-"),
                Asked::Number(number) => number,
            };
            let known = self.known.lock().unwrap();
            let found = known.iter().find(|(known, _)| known == number);
            let standing = found.map_or(Standing::Unknown, |(_, standing)| standing.clone());
            let number = found.map(|(number, _)| number.clone()).unwrap_or_default();
            let bank_id = (!number.is_empty()).then(|| format!("bank-{number}"));
            Ok(Report { number, bank_id, standing })
        })
    }

    fn notice(&self, _: &[(String, String)]) -> Result<Notice, NoticeFault> {
        Err(NoticeFault::NoKey)
    }

    fn form_action(&self) -> String {
        "https://bank.example".into()
    }
}

struct Club {
    setup: Setup,
    bank: Arc<Bank>,
    till: Till,
}

impl Club {
    async fn open() -> Self {
        let setup = Setup::new().await;
        let bank =
            Arc::new(Bank { mood: Mutex::new(Mood::Well), known: Mutex::default(), asked: Mutex::default() });
        let settings = TillSettings {
            client_id: setup.client,
            site_id: setup.site,
            destinations: vec!["crm".into()],
            base_url: "https://a.ru".into(),
            session: SignedDuration::from_mins(20),
        };
        let till = Till::new(setup.store.clone(), bank.clone(), settings);
        Self { setup, bank, till }
    }

    fn purchase(&self, tickets: u32) -> Purchase {
        let mut lead = self.setup.draft("+7 910 123-45-67");
        lead.email = Some(Email::parse("anna@mail.ru").unwrap());
        Purchase {
            site_id: self.setup.site,
            item: "dinner".into(),
            title: "Ужин".into(),
            date: "15 августа".into(),
            page: "/events/dinner".into(),
            tickets,
            unit: Money::roubles(6500),
            phone: "+7 910 123-45-67".into(),
            lead,
            idempotency_key: None,
            request_id: "r".into(),
        }
    }

    async fn buy(&self, tickets: u32) -> Order {
        self.till.buy(self.purchase(tickets), None).await.unwrap()
    }

    async fn order(&self, order: &Order) -> Order {
        self.till.find(&order.number).await.unwrap().unwrap()
    }

    async fn leads(&self) -> Vec<ismart_domain::lead::Lead> {
        let mut conn = self.setup.store.read().await.unwrap();
        leads::list(&mut conn, self.setup.client, &leads::Filter::default(), 50).await.unwrap()
    }

    fn watch(&self) -> Watch {
        let (till, site) = (self.till.clone(), self.setup.site);
        Watch::new(self.setup.store.clone(), move |asked| (asked == site).then(|| till.clone()))
    }

    fn paid(order: &Order) -> Standing {
        Standing::Paid { minor: order.amount.minor, currency: None }
    }
}

#[tokio::test]
async fn p1_a_paid_order_is_one_lead_however_often_it_is_reported() {
    let club = Club::open().await;
    let order = club.buy(2).await;
    assert_eq!((order.state, order.amount), (OrderState::Pending, Money::roubles(13_000)));
    assert!(club.leads().await.is_empty(), "a wish is no sale");
    club.bank.stands(&order, Club::paid(&order));
    let [a, b, c] = [Cause::Return, Cause::Notice, Cause::Watch].map(|cause| club.till.settle(&order, cause));
    let (a, b, c) = futures::join!(a, b, c);
    let all = [a.unwrap(), b.unwrap(), c.unwrap()];
    assert_eq!(all.iter().filter(|settled| settled.first).count(), 1);
    assert!(all.iter().all(|settled| settled.order.state == OrderState::Paid), "{all:?}");
    club.till.settle(&order, Cause::Notice).await.unwrap();
    let leads = club.leads().await;
    assert_eq!(leads.len(), 1);
    let draft = &leads[0].draft;
    assert_eq!(draft.amount, Some(Money::roubles(13_000)));
    assert!(draft.comment.contains(order.number.as_str()), "{}", draft.comment);
    assert_eq!(draft.fields["tickets"], "2");
    assert_eq!(draft.fields["event"], "Ужин — 15 августа");
    assert_eq!(club.order(&order).await.lead_id, Some(leads[0].id));
    let mut conn = club.setup.store.read().await.unwrap();
    let log = events::of_lead(&mut conn, club.setup.client, leads[0].id).await.unwrap();
    let kinds: Vec<_> = log.iter().map(|line| line.event.body.kind()).collect();
    assert_eq!(
        kinds,
        ["lead.accepted", "consent.given", "delivery.changed", "delivery.changed", "order.changed"]
    );
}

#[tokio::test]
async fn p2_an_order_stays_open_while_the_bank_cannot_be_asked() {
    let club = Club::open().await;
    let order = club.buy(1).await;
    club.bank.stands(&order, Club::paid(&order));
    club.bank.set(Mood::Away { ambiguous: true });
    let error = club.till.settle(&order, Cause::Return).await.unwrap_err();
    assert!(matches!(error, SettleError::Bank(_)), "{error}");
    let open = club.order(&order).await;
    assert_eq!(open.state, OrderState::Pending);
    assert_eq!(club.watch().round().await.unwrap(), 0, "it is not due yet");
    club.setup.clock.advance(SignedDuration::from_secs(16));
    assert_eq!(club.watch().round().await.unwrap(), 1);
    assert_eq!(club.order(&order).await.state, OrderState::Pending, "it is away still");
    club.bank.set(Mood::Well);
    club.setup.clock.advance(SignedDuration::from_mins(1));
    assert_eq!(club.watch().round().await.unwrap(), 1);
    assert_eq!(club.order(&order).await.state, OrderState::Paid);
    assert_eq!(club.leads().await.len(), 1);
    assert_eq!(club.watch().round().await.unwrap(), 0, "nothing is asked about a paid order");
}

#[tokio::test]
async fn p3_another_sum_waits_for_a_person() {
    let club = Club::open().await;
    let order = club.buy(2).await;
    club.bank.stands(&order, Standing::Paid { minor: 100, currency: None });
    let settled = club.till.settle(&order, Cause::Notice).await.unwrap();
    assert!(matches!(settled.verdict, Verdict::Disputed(_)));
    let disputed = club.order(&order).await;
    assert_eq!(disputed.state, OrderState::Disputed);
    assert_eq!(disputed.reason.as_deref(), Some("paid 1.00, asked 13000.00"));
    assert!(club.leads().await.is_empty());
}

#[tokio::test]
async fn p4_an_answer_about_another_order_changes_nothing() {
    let club = Club::open().await;
    let (mine, other) = (club.buy(1).await, club.buy(1).await);
    club.bank.stands(&other, Club::paid(&other));
    let mut forged = mine.clone();
    forged.bank_id = other.bank_id.clone();
    let settled = club.till.settle(&forged, Cause::Return).await.unwrap();
    assert_eq!(settled.verdict, Verdict::Foreign);
    assert_eq!(club.order(&mine).await.state, OrderState::Pending);
    assert!(club.leads().await.is_empty(), "one paid ticket does not pay another");
    assert_eq!(
        club.till.find_by_bank_id(&other.bank_id.unwrap()).await.unwrap().unwrap().number,
        other.number
    );
    assert!(club.till.find_by_bank_id("bank-nobody").await.unwrap().is_none());
}

#[tokio::test]
async fn p5_a_registration_with_a_lost_answer_is_found_again() {
    let club = Club::open().await;
    club.bank.set(Mood::Away { ambiguous: true });
    let error = club.till.buy(club.purchase(1), None).await.unwrap_err();
    assert!(matches!(error, BuyError::Bank(_)), "{error}");
    let mut conn = club.setup.store.read().await.unwrap();
    let all =
        orders::list(&mut conn, club.setup.client, Some(club.setup.site), None, None, 10).await.unwrap();
    let [lost] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!(lost.state, OrderState::New, "whether the bank has it is not known");
    club.bank.set(Mood::Well);
    club.setup.clock.advance(SignedDuration::from_secs(61));
    assert_eq!(club.watch().round().await.unwrap(), 1);
    let found = club.order(lost).await;
    assert_eq!((found.state, found.bank_id.is_some()), (OrderState::Pending, true));
    club.setup.clock.advance(SignedDuration::from_hours(2));
    club.watch().round().await.unwrap();
    assert_eq!(club.order(lost).await.state, OrderState::Failed, "nobody had a page to pay it at");

    club.bank.set(Mood::Away { ambiguous: false });
    assert!(club.till.buy(club.purchase(1), None).await.is_err());
    club.bank.set(Mood::Refusing);
    assert!(club.till.buy(club.purchase(1), None).await.is_err());
    let failed =
        orders::list(&mut conn, club.setup.client, Some(club.setup.site), Some(OrderState::Failed), None, 10)
            .await;
    assert_eq!(failed.unwrap().len(), 3, "what certainly did not happen is over at once");
}

#[tokio::test]
async fn p6_seats_are_not_sold_twice() {
    let club = Club::open().await;
    let first = club.till.buy(club.purchase(2), Some(3)).await.unwrap();
    let two = club.till.buy(club.purchase(2), Some(3)).await.unwrap_err();
    assert!(matches!(two, BuyError::Seats { left: 1 }), "{two}");
    let both =
        futures::join!(club.till.buy(club.purchase(1), Some(3)), club.till.buy(club.purchase(1), Some(3)));
    assert!(both.0.is_ok() != both.1.is_ok(), "one of two gets the last seat: {both:?}");
    club.bank.stands(&first, Standing::Failed { reason: "нет денег".into() });
    club.till.settle(&first, Cause::Return).await.unwrap();
    assert_eq!(club.order(&first).await.state, OrderState::Failed);
    assert!(club.till.buy(club.purchase(2), Some(3)).await.is_ok(), "seats of a failed order are free");
    assert!(
        club.till.buy(club.purchase(20), None).await.is_ok(),
        "seats that are not counted are not limited"
    );
}

#[tokio::test]
async fn p7_one_key_is_one_order() {
    let club = Club::open().await;
    let keyed = || Purchase { idempotency_key: Some("k".into()), ..club.purchase(1) };
    let first = club.till.buy(keyed(), Some(1)).await.unwrap();
    let again = club.till.buy(keyed(), Some(1)).await.unwrap();
    assert_eq!((again.number, again.pay_url), (first.number, first.pay_url));
    assert_eq!(club.bank.known.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn p8_a_late_payment_of_a_failed_order_counts() {
    let club = Club::open().await;
    let order = club.buy(1).await;
    club.bank.stands(&order, Standing::Failed { reason: "отказ".into() });
    club.till.settle(&order, Cause::Return).await.unwrap();
    club.bank.stands(&order, Club::paid(&order));
    let failed = club.order(&order).await;
    let settled = club.till.settle(&failed, Cause::Notice).await.unwrap();
    assert!(settled.first);
    assert_eq!(club.leads().await.len(), 1);
    let mut conn = club.setup.store.read().await.unwrap();
    let steps = orders::steps(&mut conn, club.setup.client, &order.number).await.unwrap();
    let states: Vec<_> = steps.iter().map(|step| (step.state, step.cause)).collect();
    assert_eq!(
        states,
        [
            (OrderState::New, Cause::Form),
            (OrderState::Pending, Cause::Bank),
            (OrderState::Failed, Cause::Return),
            (OrderState::Paid, Cause::Notice)
        ]
    );
}

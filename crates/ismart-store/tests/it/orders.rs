//! Orders on every engine.

use ismart_domain::lead::{Channel, Intent, LeadDraft, LeadSource, Utm};
use ismart_domain::payment::{Cause, Order, OrderNumber, OrderState, Purchase};
use ismart_domain::{ClientId, Money, SiteId};
use ismart_store::{Store, StoreError, Tx, clients, orders};
use jiff::{SignedDuration, Timestamp};

use crate::engines::Temporary;
use crate::promises::on_every_engine;

fn order(store: &Store, client_id: ClientId, site_id: SiteId, item: &str, tickets: u32) -> Order {
    let env = store.env();
    let lead = LeadDraft {
        site_id,
        intent: Intent::Purchase,
        name: None,
        phone: None,
        email: None,
        comment: String::new(),
        subject: None,
        amount: None,
        source: LeadSource {
            channel: Channel::Form { form: "pay".into() },
            page_url: String::new(),
            referrer: None,
            utm: Utm::default(),
            visit_id: None,
        },
        consents: Vec::new(),
        fields: Default::default(),
        files: Vec::new(),
        signals: Vec::new(),
        idempotency_key: None,
        test: false,
    };
    let purchase = Purchase {
        site_id,
        item: item.into(),
        title: "Ужин".into(),
        date: "15 августа".into(),
        page: format!("/events/{item}"),
        tickets,
        unit: Money::roubles(6500),
        phone: String::new(),
        lead,
        idempotency_key: None,
        request_id: "r".into(),
    };
    Order {
        number: OrderNumber::of(env.random()),
        client_id,
        amount: purchase.amount(),
        purchase,
        state: OrderState::New,
        bank_id: None,
        pay_url: None,
        reason: None,
        lead_id: None,
        created_at: env.now(),
        updated_at: env.now(),
        paid_at: None,
        due_at: env.now().checked_add(SignedDuration::from_mins(1)).ok(),
        checks: 0,
    }
}

async fn tenant(store: &Store, slug: &'static str) -> (ClientId, SiteId) {
    let made = store.write(move |tx: &mut Tx| {
        Box::pin(async move {
            let client = clients::ensure_client(tx, slug, "Клуб").await?;
            Ok::<_, StoreError>((client, clients::ensure_site(tx, client, slug, "club.example").await?))
        })
    });
    made.await.unwrap()
}

async fn add(store: &Store, order: &Order) -> Result<(), StoreError> {
    let order = order.clone();
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                orders::add(tx, &order).await?;
                orders::step(tx, &order, Cause::Form, None).await
            })
        })
        .await
}

async fn change(store: &Store, order: &Order, was: OrderState) -> bool {
    let order = order.clone();
    let changed: Result<bool, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let changed = orders::change(tx, &order, was).await?;
                orders::step(tx, &order, Cause::Bank, Some("слова банка")).await?;
                Ok(changed)
            })
        })
        .await;
    changed.unwrap()
}

/// Seats that the content offers: since when, and how many of them are taken.
async fn seats(store: &Store, client: ClientId, site: SiteId, offered: i64) -> (Timestamp, i64) {
    let counted: Result<_, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let since = orders::offer(tx, client, site, "dinner", offered).await?;
                Ok((since, orders::taken(tx, client, site, "dinner", since).await?))
            })
        })
        .await;
    counted.unwrap()
}

#[tokio::test]
async fn p11_an_order_is_kept_with_every_step() {
    on_every_engine(kept).await;
}

async fn kept(t: Temporary) {
    let store = &t.store;
    let (client, site) = tenant(store, "club").await;
    let mut order = order(store, client, site, "dinner", 2);
    order.purchase.idempotency_key = Some("k".into());
    add(store, &order).await.unwrap();
    assert!(add(store, &order).await.is_err(), "a number is given once");
    let mut conn = store.read().await.unwrap();
    assert_eq!(orders::get(&mut conn, client, site, &order.number).await.unwrap().as_ref(), Some(&order));
    assert_eq!(orders::by_key(&mut conn, client, site, "k").await.unwrap().as_ref(), Some(&order));
    t.clock.advance(SignedDuration::from_secs(5));
    let mut paid = order.clone();
    paid.state = OrderState::Paid;
    paid.bank_id = Some("b-1".into());
    paid.pay_url = Some("https://bank.example/pay".into());
    paid.paid_at = Some(store.env().now());
    paid.updated_at = store.env().now();
    paid.due_at = None;
    assert!(change(store, &paid, OrderState::New).await);
    assert!(!change(store, &paid, OrderState::New).await, "somebody was faster: nothing is written");
    assert_eq!(orders::by_bank_id(&mut conn, client, site, "b-1").await.unwrap(), Some(paid.clone()));
    let steps = orders::steps(&mut conn, client, &order.number).await.unwrap();
    let told: Vec<_> = steps.iter().map(|step| (step.state, step.cause, step.note.as_deref())).collect();
    assert_eq!(
        told[..2],
        [(OrderState::New, Cause::Form, None), (OrderState::Paid, Cause::Bank, Some("слова банка"))]
    );
    let list = orders::list(&mut conn, client, Some(site), Some(OrderState::Paid), None, 10).await.unwrap();
    assert_eq!(list, [paid]);
    assert!(
        orders::list(&mut conn, client, Some(site), Some(OrderState::Failed), None, 10)
            .await
            .unwrap()
            .is_empty()
    );
    let (other, other_site) = tenant(store, "other").await;
    assert_eq!(orders::get(&mut conn, other, other_site, &order.number).await.unwrap(), None);
    assert_eq!(orders::get(&mut conn, other, site, &order.number).await.unwrap(), None);
    assert!(orders::steps(&mut conn, other, &order.number).await.unwrap().is_empty());
}

#[tokio::test]
async fn p12_seats_are_counted_from_the_number_that_the_content_says() {
    on_every_engine(seats_counted).await;
}

async fn seats_counted(t: Temporary) {
    let store = &t.store;
    let (client, site) = tenant(store, "club").await;
    let (since, taken) = seats(store, client, site, 10).await;
    assert_eq!(taken, 0);
    let mut sold = order(store, client, site, "dinner", 3);
    add(store, &sold).await.unwrap();
    assert_eq!(seats(store, client, site, 10).await, (since, 3), "what is being paid is taken");
    t.clock.advance(SignedDuration::from_mins(1));
    sold.state = OrderState::Paid;
    sold.paid_at = Some(store.env().now());
    assert!(change(store, &sold, OrderState::New).await);
    let mut failed = order(store, client, site, "dinner", 4);
    add(store, &failed).await.unwrap();
    failed.state = OrderState::Failed;
    assert!(change(store, &failed, OrderState::New).await);
    assert_eq!(seats(store, client, site, 10).await, (since, 3), "what failed is free again");
    let mut conn = store.read().await.unwrap();
    assert_eq!(orders::sold(&mut conn, client, site).await.unwrap(), [("dinner".to_owned(), 10, 3)]);
    t.clock.advance(SignedDuration::from_mins(1));
    let open = order(store, client, site, "dinner", 1);
    add(store, &open).await.unwrap();
    let (anew, taken) = seats(store, client, site, 7).await;
    assert!(anew > since);
    assert_eq!(taken, 1, "an editor's new number knows what was sold, but not what is being paid");
    assert!(orders::sold(&mut conn, client, site).await.unwrap().is_empty());
}

#[tokio::test]
async fn p13_due_orders_are_taken_once() {
    on_every_engine(due).await;
}

async fn due(t: Temporary) {
    let store = &t.store;
    let (client, site) = tenant(store, "club").await;
    let order = order(store, client, site, "dinner", 1);
    add(store, &order).await.unwrap();
    let take = async || {
        let lease = store.env().now() + SignedDuration::from_mins(5);
        let taken: Result<_, StoreError> =
            store.write(move |tx: &mut Tx| Box::pin(orders::take_due(tx, lease, 10))).await;
        taken.unwrap().len()
    };
    assert_eq!(take().await, 0, "its registration is under way");
    let recovered: Result<u64, StoreError> = store.write(|tx: &mut Tx| Box::pin(orders::recover(tx))).await;
    assert_eq!(recovered.unwrap(), 1, "after a crash nobody registers it any more");
    assert_eq!(take().await, 1);
    assert_eq!(take().await, 0, "somebody has it");
    t.clock.advance(SignedDuration::from_mins(6));
    assert_eq!(take().await, 1, "he did not come back with it");
}

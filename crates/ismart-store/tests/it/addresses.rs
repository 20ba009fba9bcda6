//! Tallies of addresses and the state of feeds.

use ismart_domain::{ClientId, SiteId};
use ismart_store::addresses::{self, AddressKind, Tally};
use ismart_store::feeds::{self, FeedOutcome, FeedState};
use ismart_store::{Store, StoreError, Tx, clients};
use jiff::SignedDuration;

use crate::engines::Temporary;
use crate::promises::on_every_engine;

#[tokio::test]
async fn p11_tallies_add_up_and_the_least_are_forgotten() {
    on_every_engine(tallies).await;
}

async fn site(store: &Store, slug: &'static str) -> (ClientId, SiteId) {
    let made: Result<_, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let client = clients::ensure_client(tx, slug, slug).await?;
                Ok((client, clients::ensure_site(tx, client, slug, slug).await?))
            })
        })
        .await;
    made.unwrap()
}

async fn add(t: &Temporary, at: (ClientId, SiteId), kind: AddressKind, rows: &[(&str, i64, Option<&str>)]) {
    let now = t.store.env().now();
    let tallies: Vec<Tally> = rows
        .iter()
        .map(|(address, hits, referrer)| Tally {
            kind,
            address: (*address).to_owned(),
            hits: *hits,
            first_at: now,
            last_at: now,
            referrer: referrer.map(str::to_owned),
        })
        .collect();
    let done: Result<(), StoreError> = t
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { addresses::add(tx, at.0, at.1, &tallies).await }))
        .await;
    done.unwrap();
}

async fn tallies(t: Temporary) {
    let (one, two) = (site(&t.store, "one").await, site(&t.store, "two").await);
    let begun = t.store.env().now();
    add(&t, one, AddressKind::Exact, &[("/old", 2, None)]).await;
    add(&t, one, AddressKind::Missing, &[("/a", 5, Some("/cars")), ("/b", 1, None), ("/c", 1, None)]).await;
    t.clock.advance(SignedDuration::from_mins(1));
    let later = t.store.env().now();
    add(&t, one, AddressKind::Exact, &[("/old", 3, Some("ya.ru"))]).await;
    add(&t, one, AddressKind::Missing, &[("/a", 1, None), ("/c", 1, None)]).await;
    let mut conn = t.store.read().await.unwrap();
    let all = addresses::of_site(&mut conn, one.0, one.1).await.unwrap();
    let told: Vec<(&str, i64)> = all.iter().map(|tally| (tally.address.as_str(), tally.hits)).collect();
    assert_eq!(told, [("/a", 6), ("/old", 5), ("/c", 2), ("/b", 1)]);
    let old = all.iter().find(|tally| tally.address == "/old").unwrap();
    assert_eq!((old.kind, old.first_at, old.last_at), (AddressKind::Exact, begun, later));
    assert_eq!(all[0].referrer.as_deref(), Some("/cars"), "who came from nowhere hides nobody");
    // The least asked for are forgotten; rules are not.
    let pruned: Result<u64, StoreError> = t
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { addresses::prune(tx, one.0, one.1, 2).await }))
        .await;
    assert_eq!(pruned.unwrap(), 1);
    let forgotten: Result<u64, StoreError> = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                assert_eq!(addresses::forget(tx, two.0, one.1, None).await?, 0, "another client's");
                addresses::forget(tx, one.0, one.1, Some("/c")).await
            })
        })
        .await;
    assert_eq!(forgotten.unwrap(), 1);
    let left = addresses::of_site(&mut conn, one.0, one.1).await.unwrap();
    assert_eq!(left.iter().map(|tally| tally.address.as_str()).collect::<Vec<_>>(), ["/a", "/old"]);
    assert!(addresses::of_site(&mut conn, two.0, one.1).await.unwrap().is_empty());
    feed(&t, one, two).await;
}

async fn feed(t: &Temporary, one: (ClientId, SiteId), two: (ClientId, SiteId)) {
    let mut state = FeedState {
        url: "https://a.test/stock.xml".into(),
        etag: Some("\"1\"".into()),
        last_modified: None,
        tried_at: t.store.env().now(),
        good_at: None,
        outcome: FeedOutcome::Failed,
        note: "503".into(),
        items: 0,
        failures: 3,
    };
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(feeds::of_site(&mut conn, one.0, one.1).await.unwrap(), None);
    for outcome in [FeedOutcome::Failed, FeedOutcome::Kept, FeedOutcome::Same, FeedOutcome::Fresh] {
        state.outcome = outcome;
        state.good_at = outcome.is_good().then(|| t.store.env().now());
        let kept = state.clone();
        let done: Result<(), StoreError> = t
            .store
            .write(move |tx: &mut Tx| Box::pin(async move { feeds::put(tx, one.0, one.1, &kept).await }))
            .await;
        done.unwrap();
        assert_eq!(feeds::of_site(&mut conn, one.0, one.1).await.unwrap().as_ref(), Some(&state));
    }
    assert_eq!(feeds::of_site(&mut conn, two.0, one.1).await.unwrap(), None, "another client's");
}

use ismart_domain::delivery::DeliveryState;
use ismart_domain::lead::Subject;
use ismart_leads::AcceptError;
use ismart_store::{deliveries, events};
use jiff::SignedDuration;

use crate::setup::Setup;

#[tokio::test]
async fn p1_one_transaction_writes_lead_consents_deliveries_and_events() {
    let s = Setup::new().await;
    let accepted = s.accept(s.draft("89101234567")).await.unwrap();
    assert!(!accepted.repeated);
    let mut conn = s.store.read().await.unwrap();
    let all = deliveries::of_lead(&mut conn, s.client, accepted.lead.id).await.unwrap();
    let states: Vec<_> = all.iter().map(|d| (d.destination.as_str(), d.state)).collect();
    assert_eq!(states, [("crm", DeliveryState::Queued), ("inbox", DeliveryState::Delivered)]);
    let log = events::of_lead(&mut conn, s.client, accepted.lead.id).await.unwrap();
    let kinds: Vec<_> = log.iter().map(|l| l.event.body.kind()).collect();
    assert_eq!(kinds, ["lead.accepted", "consent.given", "delivery.changed", "delivery.changed"]);
}

#[tokio::test]
async fn p2_without_contact_or_consent_nothing_is_written() {
    let s = Setup::new().await;
    let no_contact = s.accept(s.draft("12")).await;
    assert!(matches!(no_contact, Err(AcceptError::NoContact)), "{no_contact:?}");
    let mut draft = s.draft("89101234567");
    draft.consents.clear();
    let no_consent = s.accept(draft).await;
    assert!(matches!(no_consent, Err(AcceptError::NoConsent)), "{no_consent:?}");
    let log = events::after(&mut s.store.read().await.unwrap(), s.client, 0, 10).await.unwrap();
    assert!(log.is_empty(), "{log:?}");
}

#[tokio::test]
async fn p3_a_repeat_is_the_same_lead_for_ever_by_key_and_for_ten_minutes_by_content() {
    let s = Setup::new().await;
    let mut keyed = s.draft("89101234567");
    keyed.idempotency_key = Some("k".into());
    let first = s.accept(keyed.clone()).await.unwrap();
    keyed.comment = "другие слова".into();
    s.clock.advance(SignedDuration::from_hours(24 * 400));
    let again = s.accept(keyed).await.unwrap();
    assert_eq!((again.lead.id, again.repeated), (first.lead.id, true));

    let plain = s.accept(s.draft("+7 910 999-88-77")).await.unwrap();
    let double_click = s.accept(s.draft("8 910 999 88 77")).await.unwrap();
    assert_eq!((double_click.lead.id, double_click.repeated), (plain.lead.id, true));
    let mut other_car = s.draft("+7 910 999-88-77");
    other_car.subject = Some(Subject { key: "VIN2".into(), title: "Haval Dargo".into() });
    assert!(!s.accept(other_car).await.unwrap().repeated, "another car is another wish");
    s.clock.advance(SignedDuration::from_mins(11));
    assert!(!s.accept(s.draft("+7 910 999-88-77")).await.unwrap().repeated);
}

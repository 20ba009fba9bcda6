//! The tools that write, over a real database: bookings, leads, hand-over.

use std::sync::Arc;

use ismart_domain::ports::{Tool, ToolError, ToolScope};
use ismart_domain::{Env, EventBody, ManualClock};
use ismart_store::visits::{self, Visit};
use ismart_store::{Store, StoreError, Tx, bookings, clients, conversations, events, leads};
use ismart_tools::create_lead::{CreateLead, TitleOf};
use ismart_tools::hand_over::HandOver;
use ismart_tools::schedule::{OpeningRule, Schedule};
use ismart_tools::test_drive::{BookTestDrive, Calendar, TestDriveSlots};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

struct Shop {
    store: Store,
    clock: Arc<ManualClock>,
    scope: ToolScope,
    calendar: Calendar,
    _folder: tempfile::TempDir,
}

/// Friday 10:00 in Moscow; open on weekdays 9–20.
fn friday() -> Timestamp {
    "2026-11-20T07:00:00Z".parse().unwrap()
}

async fn shop() -> Shop {
    let folder = tempfile::tempdir().unwrap();
    let (env, clock) = Env::manual(friday(), 9);
    let store = Store::open_sqlite(&folder.path().join("ismart.db"), env.clone()).await.unwrap();
    let (client_id, site_id, conversation_id) = store
        .write(|tx: &mut Tx| {
            Box::pin(async move {
                let client = clients::ensure_client(tx, "a", "Автоград").await?;
                let site = clients::ensure_site(tx, client, "a", "a.ru").await?;
                let visitor = visits::add_visitor(tx, client, site, "t").await?;
                let now = tx.env().now();
                let visit = Visit {
                    id: tx.env().new_id(),
                    visitor_id: visitor,
                    landing_url: "/?utm_source=yandex".into(),
                    referrer: Some("https://ya.ru/".into()),
                    utm: ismart_domain::lead::Utm { source: Some("yandex".into()), ..Default::default() },
                    started_at: now,
                    last_at: now,
                };
                visits::start(tx, client, site, &visit).await?;
                let talk = conversations::start(tx, client, site, visitor, Some(visit.id), "w").await?;
                Ok::<_, StoreError>((client, site, talk))
            })
        })
        .await
        .unwrap();
    let rule = OpeningRule {
        days: ["mon", "tue", "wed", "thu", "fri"].map(str::to_owned).to_vec(),
        opens: "09:00".into(),
        closes: "20:00".into(),
    };
    let schedule = Arc::new(Schedule::new(&[rule], TimeZone::get("Europe/Moscow").unwrap()).unwrap());
    let calendar = Calendar { schedule, slot_minutes: 60, capacity: 2, days_ahead: 7 };
    let scope = ToolScope {
        client_id,
        site_id,
        conversation_id,
        visit_id: None,
        worker: "w".into(),
        language: "ru".into(),
        page: "/cars".into(),
        ip: Some("203.0.113.9".into()),
        user_agent: None,
        trace_id: env.new_id(),
        key: "k".into(),
        now: friday(),
    };
    Shop { store, clock, scope, calendar, _folder: folder }
}

fn stock() -> TitleOf {
    Arc::new(|key| (key == "n1").then(|| "Haval Jolion".to_owned()))
}

impl Shop {
    fn scope(&self, key: &str) -> ToolScope {
        ToolScope { key: key.to_owned(), now: self.store.env().now(), ..self.scope.clone() }
    }

    async fn slots(&self, arguments: Value) -> Vec<String> {
        let tool = TestDriveSlots::new(self.store.clone(), self.calendar.clone());
        let outcome = tool.call(&self.scope("s"), &arguments).await.unwrap();
        outcome.choices.into_iter().map(|choice| choice.choice).collect()
    }

    async fn book(&self, key: &str, starts_at: &str, car: Option<&str>) -> Result<Value, ToolError> {
        let tool = BookTestDrive::new(self.store.clone(), self.calendar.clone(), stock());
        let arguments =
            json!({ "starts_at": starts_at, "car_key": car, "name": "Иван", "phone": "89101234567" });
        tool.call(&self.scope(key), &arguments).await.map(|outcome| outcome.data)
    }
}

fn code(result: Result<Value, ToolError>) -> String {
    result.unwrap_err().code().to_owned()
}

#[tokio::test]
async fn p1_offered_slots_exist_lie_ahead_and_fit_the_wish() {
    let shop = shop().await;
    let all = shop.slots(json!({})).await;
    assert_eq!(all.len(), 6);
    assert_eq!(all[0], "slot:2026-11-20T09:00:00Z", "two hours are needed to prepare the car");
    assert!(all.iter().any(|slot| slot.starts_with("slot:2026-11-23")), "several days are offered: {all:?}");
    let evening = shop
        .slots(json!({ "date_from": "2026-11-23", "date_to": "2026-11-23", "part_of_day": "evening" }))
        .await;
    assert_eq!(
        evening,
        ["slot:2026-11-23T14:00:00Z", "slot:2026-11-23T15:00:00Z", "slot:2026-11-23T16:00:00Z"]
    );
    assert!(shop.slots(json!({ "date_from": "2026-11-21", "date_to": "2026-11-22" })).await.is_empty());
    let tool = TestDriveSlots::new(shop.store.clone(), shop.calendar.clone());
    let wrong = tool.call(&shop.scope("s"), &json!({ "part_of_day": "night" })).await;
    assert!(matches!(wrong, Err(ToolError::Argument { ref name, .. }) if name == "part_of_day"), "{wrong:?}");
}

#[tokio::test]
async fn p2_a_slot_is_given_once_a_lane_and_once_a_car() {
    let shop = shop().await;
    let slot = "slot:2026-11-23T07:00:00Z";
    let first = shop.book("a", slot, Some("n1")).await.unwrap();
    assert_eq!(first["starts_text"], "в понедельник, 23 ноября, в 10:00");
    assert_eq!(first["car_title"], "Haval Jolion");
    assert_eq!(code(shop.book("b", slot, Some("n1")).await), "slot_taken", "the same car is out");
    shop.book("c", slot, None).await.unwrap();
    assert_eq!(code(shop.book("d", slot, None).await), "slot_taken", "both lanes are taken");
    assert!(
        !shop
            .slots(json!({ "date_from": "2026-11-23", "date_to": "2026-11-23" }))
            .await
            .contains(&slot.to_owned())
    );
    assert_eq!(code(shop.book("e", "2026-11-23T07:30:00Z", None).await), "slot_unknown");
    assert_eq!(code(shop.book("f", "2026-11-20T08:00:00Z", None).await), "slot_unknown", "too soon");
    assert_eq!(code(shop.book("g", "2026-11-23T08:00:00Z", Some("sold")).await), "car_gone");
}

#[tokio::test]
async fn p3_the_same_key_has_one_effect_and_one_answer() {
    let shop = shop().await;
    let slot = "2026-11-23T07:00:00Z";
    let first = shop.book("a", slot, Some("n1")).await.unwrap();
    let again = shop.book("a", slot, Some("n1")).await.unwrap();
    assert_eq!(first, again);
    let (from, to) = (friday(), friday() + SignedDuration::from_hours(24 * 7));
    let mut conn = shop.store.read().await.unwrap();
    let all = bookings::between(&mut conn, shop.scope.client_id, shop.scope.site_id, from, to).await.unwrap();
    assert_eq!(all.len(), 1);
    let log = events::after(&mut conn, shop.scope.client_id, 0, 100).await.unwrap();
    let made = log.iter().filter(|l| matches!(l.event.body, EventBody::BookingMade { .. })).count();
    assert_eq!(made, 1);
}

#[tokio::test]
async fn p4_visitors_who_press_at_once_share_the_lanes() {
    let shop = shop().await;
    let book = |key: &'static str| shop.book(key, "2026-11-23T07:00:00Z", None);
    let (a, b, c, d) = tokio::join!(book("a"), book("b"), book("c"), book("d"));
    let taken = [a, b, c, d].into_iter().filter(Result::is_ok).count();
    assert_eq!(taken, 2);
}

#[tokio::test]
async fn p5_a_conversation_becomes_one_lead_with_its_source_and_proof() {
    let shop = shop().await;
    let tool = CreateLead::new(shop.store.clone(), vec!["crm".into()], stock());
    let arguments = json!({
        "intent": "test_drive", "name": "Иван", "phone": "+7 910 123-45-67", "comment": "завтра",
        "subject_key": "n1", "consent": { "text": "Согласен", "version": "3", "url": "/consent" },
    });
    let first = tool.call(&shop.scope("l"), &arguments).await.unwrap();
    shop.clock.advance(SignedDuration::from_mins(1));
    let again = tool.call(&shop.scope("l"), &arguments).await.unwrap();
    assert_eq!(first, again);
    let mut conn = shop.store.read().await.unwrap();
    let all =
        leads::of_conversation(&mut conn, shop.scope.client_id, shop.scope.conversation_id).await.unwrap();
    assert_eq!(all.len(), 1);
    let draft = &all[0].draft;
    assert_eq!(draft.subject.as_ref().unwrap().title, "Haval Jolion");
    assert_eq!(draft.source.utm.source.as_deref(), Some("yandex"), "the visit's marks go with the lead");
    let consents = leads::consents(&mut conn, shop.scope.client_id, all[0].id).await.unwrap();
    assert_eq!(consents[0].draft.ip.as_deref(), Some("203.0.113.9"));
}

#[tokio::test]
async fn p6_without_consent_or_contact_no_lead_is_written() {
    let shop = shop().await;
    let tool = CreateLead::new(shop.store.clone(), Vec::new(), stock());
    let consent = json!({ "text": "Согласен", "version": "3", "url": "/consent" });
    let cases = [
        (json!({ "intent": "credit", "phone": "89101234567" }), "no_consent"),
        (json!({ "intent": "credit", "consent": consent }), "no_contact"),
        (json!({ "intent": "credit", "phone": "12", "consent": consent }), "argument"),
        (json!({ "intent": "fly", "phone": "89101234567", "consent": consent }), "argument"),
    ];
    for (arguments, expected) in cases {
        let error = tool.call(&shop.scope("x"), &arguments).await.unwrap_err();
        assert_eq!(error.code(), expected, "{arguments}");
    }
    let mut conn = shop.store.read().await.unwrap();
    assert_eq!(leads::count(&mut conn, shop.scope.client_id, shop.scope.site_id).await.unwrap(), 0);
}

#[tokio::test]
async fn p7_a_person_is_promised_in_working_time() {
    let shop = shop().await;
    let tool = HandOver::new(shop.calendar.schedule.clone());
    let now = tool.call(&shop.scope("h"), &json!({ "reason": "asked" })).await.unwrap();
    assert_eq!(now.data["due_text"], "сегодня в 10:15");
    shop.clock.advance(SignedDuration::from_hours(11));
    let late = tool.call(&shop.scope("h2"), &json!({ "reason": "asked" })).await.unwrap();
    assert_eq!(late.data["due_text"], "в понедельник, 23 ноября, в 09:15");
}

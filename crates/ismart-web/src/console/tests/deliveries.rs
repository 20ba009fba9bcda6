//! Deliveries in the console: the list, one delivery, decisions, sending many again.

use axum::http::StatusCode;
use ismart_domain::delivery::{Answer, Delivery, DeliveryError, DeliveryState, Trial};
use ismart_leads::queue;
use ismart_store::deliveries::{self, Ending, Pick};
use ismart_store::{StoreError, Tx, attention, incidents};

use super::Browser;
use super::seed::House;

const TRACE: &str = r#"[{"method":"POST","address":"https://crm.example/***","request":"{\"fields\":{\"name\":\"***\"}}","status":400,"answer":"{\"error\":\"<b>NO</b>\"}","millis":31}]"#;

/// A lead whose delivery was refused by the CRM and waits for a person.
async fn refused(house: &House, n: u32) -> Delivery {
    let lead = house.lead(house.client, house.site, n, None).await;
    let client = house.client;
    let written: Result<Delivery, StoreError> = house
        .platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let mut all = deliveries::claim(tx, client, "bitrix24", 50).await?;
                all.retain(|one| one.delivery.lead_id == lead);
                let taken = all.remove(0).delivery;
                let now = tx.env().now();
                let reason = "Поле PHONE: номер не принят".to_owned();
                let answer = Answer::Failed(DeliveryError::Rejected { reason });
                let trial = Trial { attempts: 1, begun_at: now, now, jitter: 0 };
                let next = ismart_domain::delivery::after(answer, trial);
                let ending = Ending { next: &next, started_at: now, trace: Some(TRACE.to_owned()) };
                deliveries::finish(tx, client, &taken, ending).await?;
                incidents::open(tx, client, "destination", "bitrix24", r#"{"name":"bitrix24","count":3}"#)
                    .await?;
                Ok(taken)
            })
        })
        .await;
    let delivery = written.unwrap();
    let care = |_: ismart_domain::ClientId, _: &str| ismart_leads::Care::default();
    assert!(queue::adopt(&house.platform.store, &care).await.unwrap() > 0);
    delivery
}

async fn state(house: &House, delivery: &Delivery) -> DeliveryState {
    let mut conn = house.platform.store.read().await.unwrap();
    deliveries::get(&mut conn, house.client, delivery.id).await.unwrap().unwrap().state
}

#[tokio::test]
async fn the_list_shows_who_answers_and_what_is_wrong() {
    let house = House::empty().await;
    let one = refused(&house, 1).await;
    let mut owner = Browser::of(&house, "owner").await;
    let page = owner.get("/console/deliveries").await;
    assert_eq!(page.status, StatusCode::OK);
    for told in [
        "Ирина Волкова",
        "номер не принят",
        "«bitrix24» не принимает заявки",
        "ждёт решения: 1",
        &one.id.to_string(),
    ] {
        assert!(page.body.contains(told), "{told} is missing in {}", page.body);
    }
    assert!(page.body.contains("class=\"badge\""), "the navigation counts what waits");
    for (query, shown) in [
        ("state=delivered", false),
        ("whose=mine", true),
        ("to=other", false),
        ("age=hour", true),
        ("state=odd&age=odd&after=odd", true),
    ] {
        let page = owner.get(&format!("/console/deliveries?{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert_eq!(page.body.contains(&one.id.to_string()), shown, "{query}");
    }
    let mut stranger = Browser::of(&house, "stranger").await;
    assert_eq!(stranger.get(&format!("/console/deliveries/{}", one.id)).await.status, StatusCode::NOT_FOUND);
    assert!(!stranger.get("/console/deliveries?state=any").await.body.contains("bitrix24"));
    let mut analyst = Browser::of(&house, "analyst").await;
    assert_eq!(analyst.get("/console/deliveries").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_delivery_shows_its_attempts_and_takes_decisions_with_a_reason() {
    let house = House::empty().await;
    let one = refused(&house, 1).await;
    let path = format!("/console/deliveries/{}", one.id);
    let mut owner = Browser::of(&house, "owner").await;
    let page = owner.get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("https://crm.example/***") && page.body.contains("31"), "{}", page.body);
    assert!(!page.body.contains("<b>NO"), "answers of others are texts, not markup");
    let csrf = page.csrf();
    let mut post = async |what: &str, fields: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", csrf.as_str())]).collect();
        owner.post(&format!("{path}/{what}"), &all).await
    };
    assert_eq!(post("close", &[("reason", " ")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        post("elsewhere", &[("reason", "x"), ("to", "nowhere")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(post("elsewhere", &[("reason", "x"), ("to", "bitrix24")]).await.status, StatusCode::CONFLICT);
    assert_eq!(post("hand", &[("to", "nobody")]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(state(&house, &one).await, DeliveryState::NeedsAttention);
    let anna = Browser::of(&house, "anna").await.post(&format!("{path}/close"), &[("reason", "x")]).await;
    assert_eq!(anna.status, StatusCode::FORBIDDEN, "an operator does not decide");
    assert_eq!(post("again", &[("reason", "исправили поле")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(state(&house, &one).await, DeliveryState::Verifying);
    assert_eq!(post("close", &[("reason", "не нужен")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(state(&house, &one).await, DeliveryState::Refused);
    assert_eq!(post("again", &[("reason", "ещё раз")]).await.status, StatusCode::CONFLICT);
    let mut conn = house.platform.store.read().await.unwrap();
    assert_eq!(attention::counts(&mut conn, house.client).await.unwrap(), (0, 0));
    drop(conn);
    let lead = owner.get(&format!("/console/leads/{}", one.lead_id)).await;
    assert!(
        lead.body.contains("не нужен") && lead.body.contains("Ирина Волкова"),
        "the history tells who and why"
    );
}

#[tokio::test]
async fn many_are_sent_again_only_after_a_look_and_with_a_reason() {
    let house = House::empty().await;
    for n in 0..12 {
        refused(&house, n).await;
    }
    let mut owner = Browser::of(&house, "owner").await;
    let look = owner.get("/console/deliveries/replay?state=attention").await;
    assert!(look.body.contains("12 доставок"), "{}", look.body);
    let csrf = look.csrf();
    let waiting = Pick { states: vec![DeliveryState::NeedsAttention], ..Pick::default() };
    let left = async || {
        let mut conn = house.platform.store.read().await.unwrap();
        deliveries::count(&mut conn, house.client, &waiting).await.unwrap()
    };
    assert_eq!(left().await, 12, "a look changes nothing");
    let fields = [("csrf", csrf.as_str()), ("state", "attention"), ("reason", "")];
    assert_eq!(
        owner.post("/console/deliveries/replay", &fields).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let fields = [("csrf", csrf.as_str()), ("state", "attention"), ("reason", "CRM починили")];
    assert_eq!(owner.post("/console/deliveries/replay", &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(left().await, 0);
    let mut anna = Browser::of(&house, "anna").await;
    assert_eq!(anna.get("/console/deliveries/replay").await.status, StatusCode::FORBIDDEN);
}

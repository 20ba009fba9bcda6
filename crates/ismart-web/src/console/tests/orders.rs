//! Orders in the console.

use axum::http::StatusCode;
use ismart_domain::payment::{Cause, Order, OrderNumber, OrderState, Purchase};
use ismart_domain::{LeadId, Money};
use ismart_store::{StoreError, Tx, orders};
use jiff::SignedDuration;

use super::Browser;
use super::seed::{House, draft};

/// An order of the house's site in this state, with its steps.
async fn order(house: &House, n: u32, state: OrderState, lead_id: Option<LeadId>) -> Order {
    let env = house.platform.env.clone();
    let lead = draft(house.site, n, None);
    let purchase = Purchase {
        site_id: house.site,
        item: "dinner".into(),
        title: "Ужин <b>при свечах</b>".into(),
        date: "15 августа 19:00".into(),
        page: "/events/dinner".into(),
        tickets: 2,
        unit: Money::roubles(6500),
        phone: "+7 910 123-45-67".into(),
        lead,
        idempotency_key: None,
        request_id: "r".into(),
    };
    let order = Order {
        number: OrderNumber::of(env.random()),
        client_id: house.client,
        amount: purchase.amount(),
        purchase,
        state: OrderState::New,
        bank_id: Some("70906e55".into()),
        pay_url: None,
        reason: (state == OrderState::Disputed).then(|| "paid 1.00, asked 13000.00".to_owned()),
        lead_id,
        created_at: env.now(),
        updated_at: env.now(),
        paid_at: (state == OrderState::Paid).then(|| env.now()),
        due_at: None,
        checks: 0,
    };
    let (new, mut later) = (order.clone(), order);
    later.state = state;
    let stored = later.clone();
    let written: Result<(), StoreError> = house
        .platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                orders::add(tx, &new).await?;
                orders::step(tx, &new, Cause::Form, None).await?;
                orders::change(tx, &later, OrderState::New).await?;
                orders::step(tx, &later, Cause::Return, later.reason.as_deref()).await
            })
        })
        .await;
    written.unwrap();
    house.clock.advance(SignedDuration::from_mins(3));
    stored
}

#[tokio::test]
async fn orders_are_listed_and_told_step_by_step() {
    let house = House::empty().await;
    let lead = house.lead(house.client, house.site, 1, None).await;
    let paid = order(&house, 1, OrderState::Paid, Some(lead)).await;
    let disputed = order(&house, 2, OrderState::Disputed, None).await;
    let mut browser = Browser::of(&house, "anna").await;
    let list = browser.get("/console/orders").await;
    assert_eq!(list.status, StatusCode::OK, "{}", list.body);
    for part in ["13\u{a0}000 ₽", "15 августа 19:00", "Оплачен", "Сумма не сходится", "&lt;b&gt;при свечах"]
    {
        assert!(list.body.contains(part), "{part}");
    }
    let only = browser.get("/console/orders?state=disputed&site=avtograd").await;
    assert!(only.body.contains(disputed.number.as_str()) && !only.body.contains(paid.number.as_str()));
    let none = browser.get("/console/orders?state=failed").await;
    assert!(none.body.contains("Показать все заказы"));
    let one = browser.get(&format!("/console/orders/{}", paid.number)).await;
    assert_eq!(one.status, StatusCode::OK, "{}", one.body);
    for part in [
        format!("/console/leads/{lead}"),
        "70906e55".to_owned(),
        "Посетитель отправил форму".to_owned(),
        "Посетитель вернулся из банка".to_owned(),
        "2 × 6\u{a0}500 ₽".to_owned(),
    ] {
        assert!(one.body.contains(&part), "{part}");
    }
    let wrong = browser.get(&format!("/console/orders/{}", disputed.number)).await;
    assert!(wrong.body.contains("Пришло 1.00 ₽, а заказ стоит 13000.00 ₽."));
    assert!(!wrong.body.contains("Спросить банк сейчас"), "where nothing is sold nobody can be asked");
}

#[tokio::test]
async fn orders_are_closed_to_other_clients_and_to_those_who_see_no_people() {
    let house = House::empty().await;
    let order = order(&house, 1, OrderState::Pending, None).await;
    for (login, list, one) in [
        ("stranger", StatusCode::OK, StatusCode::NOT_FOUND),
        ("analyst", StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
        ("agency", StatusCode::OK, StatusCode::OK),
    ] {
        let mut browser = Browser::of(&house, login).await;
        let got = browser.get("/console/orders").await;
        assert_eq!(got.status, list, "{login}");
        assert!(login == "agency" || !got.body.contains(order.number.as_str()), "{login}");
        assert_eq!(browser.get(&format!("/console/orders/{}", order.number)).await.status, one, "{login}");
    }
    let mut owner = Browser::of(&house, "owner").await;
    for stray in ["x", "../leads", "abababababababababababab"] {
        assert_eq!(
            owner.get(&format!("/console/orders/{stray}")).await.status,
            StatusCode::NOT_FOUND,
            "{stray}"
        );
    }
    let csrf = owner.get("/console/orders").await.csrf();
    let path = format!("/console/orders/{}/ask", order.number);
    assert_eq!(owner.post(&path, &[("csrf", "guess")]).await.status, StatusCode::FORBIDDEN);
    let asked = owner.post(&path, &[("csrf", &csrf)]).await;
    assert_eq!(asked.status, StatusCode::UNPROCESSABLE_ENTITY, "the site has no bank");
    let mut anna = Browser::of(&house, "anna").await;
    let csrf = anna.get("/console/orders").await.csrf();
    assert_eq!(
        anna.post(&path, &[("csrf", &csrf)]).await.status,
        StatusCode::FORBIDDEN,
        "only an owner asks"
    );
}

//! Held leads, actions on many, saved views, persons, and the proof line.

use axum::http::StatusCode;
use ismart_domain::LeadId;
use ismart_domain::lead::LeadDraft;
use ismart_domain::spam::Signal;
use ismart_leads::balance::Proof;
use ismart_store::{Tx, deliveries, lead_desk, persons};

use super::Browser;
use super::seed::{House, draft};

impl House {
    async fn take(&self, draft: LeadDraft) -> LeadId {
        let client = self.client;
        self.platform
            .store
            .write::<LeadId, ismart_leads::AcceptError, _>(move |tx: &mut Tx| {
                Box::pin(async move {
                    let trace_id = tx.env().new_id();
                    let names = ["bitrix24".to_owned()];
                    Ok(ismart_leads::accept(tx, client, &names, draft, trace_id).await?.lead.id)
                })
            })
            .await
            .unwrap()
    }

    async fn robot(&self, n: u32) -> LeadId {
        let mut robot = draft(self.site, n, None);
        robot.signals = vec![Signal::Trap { field: "website".into() }, Signal::TokenOld];
        self.take(robot).await
    }

    async fn states(&self, lead: LeadId) -> Vec<&'static str> {
        let mut conn = self.platform.store.read().await.unwrap();
        let all = deliveries::of_lead(&mut conn, self.client, lead).await.unwrap();
        all.into_iter().map(|delivery| delivery.state.code()).collect()
    }

    async fn proof(&self) -> Proof {
        ismart_leads::balance::check(&self.platform.store, self.client).await.unwrap()
    }
}

#[tokio::test]
async fn a_held_lead_shows_its_reasons_and_is_released_by_a_person() {
    let house = House::empty().await;
    let lead = house.robot(1).await;
    let mut browser = Browser::of(&house, "anna").await;
    let list = browser.get("/console/leads?state=held").await;
    for text in ["1 заявка ждёт решения", "Заполнена ловушка", "Удержана"]
    {
        assert!(list.body.contains(text), "{text}: {}", list.body);
    }
    let card = browser.get(&format!("/console/leads/{lead}")).await;
    assert!(card.body.contains("Отпустить: это человек") && card.body.contains("120"), "{}", card.body);
    let (csrf, id) = (card.csrf(), lead.to_string());
    let sent = [("csrf", csrf.as_str()), ("id", &id), ("do", "release"), ("back", "/console/leads")];
    let asked = browser.post("/console/leads/bulk", &sent).await;
    assert_eq!(asked.status, StatusCode::OK);
    assert!(asked.body.contains("Сделать для 1 заявки"), "the count is shown first: {}", asked.body);
    assert_eq!(house.states(lead).await, ["held", "held"], "nothing is done before it was confirmed");
    let sure: Vec<(&str, &str)> = sent.into_iter().chain([("sure", "1")]).collect();
    let done = browser.post("/console/leads/bulk", &sure).await;
    assert_eq!(done.header("location"), "/console/leads?did=1");
    assert_eq!(house.states(lead).await, ["queued", "delivered"]);
    let again = browser.post("/console/leads/bulk", &sure).await;
    assert_eq!(again.header("location"), "/console/leads?did=0", "it is released once");
    let history = browser.get(&format!("/console/leads/{lead}")).await.body;
    assert!(history.contains("отпустил(а) заявку") && history.contains("Удержана до решения человека"));
    assert!(house.proof().await.holds());
}

#[tokio::test]
async fn actions_reach_all_that_the_filter_finds_and_nothing_else() {
    let house = House::empty().await;
    for n in 0..70 {
        house.robot(n).await;
        house.clock.advance(jiff::SignedDuration::from_mins(20));
    }
    let clean = house.take(draft(house.site, 500, None)).await;
    let foreign = house.lead(house.other, house.other_site, 1, None).await;
    let mut browser = Browser::of(&house, "anna").await;
    let csrf = browser.get("/console/leads").await.csrf();
    let base = [
        ("csrf", csrf.as_str()),
        ("do", "refuse"),
        ("reason", "spam"),
        ("all", "1"),
        ("query", "state=held"),
    ];
    let asked = browser.post("/console/leads/bulk", &base).await.body;
    assert!(asked.contains("Сделать для 70 заявок") && asked.contains("И ещё 60 заявок"), "{asked}");
    let sure: Vec<(&str, &str)> = base.into_iter().chain([("sure", "1")]).collect();
    let done = browser.post("/console/leads/bulk", &sure).await;
    assert_eq!(done.header("location"), "/console/leads?did=70");
    assert_eq!(house.states(clean).await, ["queued", "delivered"]);
    let foreign = foreign.to_string();
    for bad in [
        [("do", "refuse"), ("reason", "whim"), ("id", "x")],
        [("do", "explode"), ("reason", ""), ("id", "x")],
        [("do", "assign"), ("owner", "018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d"), ("id", "x")],
        [("do", "hold"), ("reason", ""), ("id", "not-an-id")],
        [("do", "hold"), ("reason", ""), ("id", foreign.as_str())],
    ] {
        let sent: Vec<(&str, &str)> =
            bad.into_iter().chain([("csrf", csrf.as_str()), ("sure", "1")]).collect();
        let got = browser.post("/console/leads/bulk", &sent).await;
        assert!(got.status.is_client_error(), "{bad:?}: {}", got.status);
    }
    let none = browser.post("/console/leads/bulk", &[("csrf", &csrf), ("do", "hold")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY);
    let proof = house.proof().await;
    assert!(proof.holds(), "{:?}", proof.differences);
    assert_eq!(proof.whole().refused, 70);
}

#[tokio::test]
async fn views_are_saved_found_and_forgotten() {
    let house = House::empty().await;
    house.take(draft(house.site, 1, None)).await;
    let mut browser = Browser::of(&house, "anna").await;
    let csrf = browser.get("/console/leads").await.csrf();
    let saved = browser
        .post(
            "/console/leads/views",
            &[("csrf", &csrf), ("name", "Из форм <b>"), ("query", "channel=form&evil=1")],
        )
        .await;
    assert_eq!(saved.header("location"), "/console/leads?channel=form");
    let list = browser.get("/console/leads?channel=form").await.body;
    assert!(
        list.contains("href=\"/console/leads?channel=form\" aria-current=\"true\">Из форм &lt;b&gt;</a>"),
        "{list}"
    );
    let gone = [("csrf", csrf.as_str()), ("name", "Из форм <b>"), ("drop", "1")];
    browser.post("/console/leads/views", &gone).await;
    let mut conn = house.platform.store.read().await.unwrap();
    assert!(lead_desk::views(&mut conn, house.client).await.unwrap().is_empty());
    let nameless = browser.post("/console/leads/views", &[("csrf", &csrf), ("name", "  ")]).await;
    assert_eq!(nameless.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_board_has_a_column_for_each_standing() {
    let house = House::lived_in().await;
    house.robot(900).await;
    let mut browser = Browser::of(&house, "anna").await;
    let board = browser.get("/console/leads?look=board").await.body;
    for title in ["В пути", "Ждут решения", "Доставлены", "Отклонены"] {
        assert!(board.contains(&format!("aria-label=\"{title}\"")), "{title}");
    }
    let list = browser.get("/console/leads").await.body;
    assert_eq!(board.matches("class=\"stretch\"").count(), list.matches("class=\"stretch\"").count());
    let only = browser.get("/console/leads?look=board&standing=held").await.body;
    assert!(only.contains("Ждут решения") && !only.contains("aria-label=\"В пути\""));
}

#[tokio::test]
async fn a_merge_is_shown_on_the_card_and_can_be_undone_there() {
    let house = House::empty().await;
    let alone = |n: u32, mail: &str| {
        let mut draft = draft(house.site, n, None);
        draft.email = ismart_domain::Email::parse(mail).ok();
        draft.name = None;
        draft
    };
    house.take(alone(1, "")).await;
    house.clock.advance(jiff::SignedDuration::from_hours(1));
    house.take(alone(2, "a@b.ru")).await;
    house.clock.advance(jiff::SignedDuration::from_hours(1));
    let mut both = alone(1, "a@b.ru");
    both.comment = "Это снова я".into();
    let lead = house.take(both).await;
    let mut browser = Browser::of(&house, "anna").await;
    let path = format!("/console/leads/{lead}");
    let card = browser.get(&path).await;
    assert!(card.body.contains("3 заявки") && card.body.contains("Разъединить"), "{}", card.body);
    let mut conn = house.platform.store.read().await.unwrap();
    let person = persons::of_lead(&mut conn, house.client, lead).await.unwrap().unwrap();
    let merge = persons::merges(&mut conn, house.client, person).await.unwrap().remove(0);
    let undo = format!("/console/merges/{}/undo", merge.id);
    let done = browser.post(&undo, &[("csrf", &card.csrf()), ("back", &path)]).await;
    assert_eq!(done.header("location"), format!("{path}#person"));
    let twice = browser.post(&undo, &[("csrf", &card.csrf()), ("back", &path)]).await;
    assert_eq!(twice.status, StatusCode::NOT_FOUND);
    let after = browser.get(&path).await.body;
    assert!(after.contains("2 заявки") && after.contains("отменил(а) Анна"), "{after}");
}

#[tokio::test]
async fn the_proof_is_shown_and_a_difference_is_an_alarm_with_its_lead() {
    let house = House::empty().await;
    let lead = house.take(draft(house.site, 1, None)).await;
    let mut browser = Browser::of(&house, "anna").await;
    assert!(!browser.get("/console/leads").await.body.contains("Принято"), "nothing was counted yet");
    house.platform.ledger.count(house.client).await.unwrap();
    let page = browser.get("/console/leads").await.body;
    assert!(page.contains("Принято 1 = доставлено 0 + в пути 1 + удержано 0 + отклонено 0"), "{page}");
    assert!(page.contains("Сходится"));
    let client = house.client;
    house
        .platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { lead_desk::refuse(tx, client, lead, "by hand").await })
        })
        .await
        .unwrap();
    house.platform.ledger.count(house.client).await.unwrap();
    let page = browser.get("/console/leads").await.body;
    assert!(page.contains("Учёт заявок не сходится") && page.contains(&lead.to_string()), "{page}");
}

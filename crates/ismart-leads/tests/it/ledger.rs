//! Repeats, persons, and what is held: on every engine at hand.

use ismart_domain::contact::{Email, PersonName};
use ismart_domain::delivery::DeliveryState;
use ismart_domain::lead::{Lead, LeadDraft};
use ismart_domain::spam::{Refusal, Signal};
use ismart_domain::{EventBody, PersonId, UserId};
use ismart_leads::{holding, persons as people};
use ismart_store::events::Scope;
use ismart_store::judgements::{self, Ruling};
use ismart_store::leads::Filter;
use ismart_store::{StoreError, Tx, deliveries, events, lead_desk, leads, persons, repeats};
use jiff::SignedDuration;

use crate::setup::Setup;

impl Setup {
    fn wish(&self, phone: &str, email: &str, name: &str) -> LeadDraft {
        LeadDraft { email: Email::parse(email).ok(), name: PersonName::parse(name).ok(), ..self.draft(phone) }
    }

    async fn taken(&self, draft: LeadDraft) -> Lead {
        self.accept(draft).await.unwrap().lead
    }

    async fn person(&self, lead: &Lead) -> PersonId {
        let mut conn = self.store.read().await.unwrap();
        persons::of_lead(&mut conn, self.client, lead.id).await.unwrap().unwrap()
    }

    /// How many leads the person of a lead has.
    async fn of_person(&self, lead: &Lead) -> usize {
        let person = self.person(lead).await;
        let mut conn = self.store.read().await.unwrap();
        persons::leads_of(&mut conn, self.client, person, 100).await.unwrap().len()
    }

    async fn states(&self, lead: &Lead) -> Vec<(String, DeliveryState)> {
        let mut conn = self.store.read().await.unwrap();
        let all = deliveries::of_lead(&mut conn, self.client, lead.id).await.unwrap();
        all.into_iter().map(|delivery| (delivery.destination, delivery.state)).collect()
    }

    fn scope(&self) -> Scope {
        Scope { client_id: self.client, site_id: Some(self.site), trace_id: self.store.env().new_id() }
    }

    async fn kinds(&self, lead: &Lead) -> Vec<&'static str> {
        let mut conn = self.store.read().await.unwrap();
        let log = events::of_lead(&mut conn, self.client, lead.id).await.unwrap();
        log.iter().map(|line| line.event.body.kind()).collect()
    }

    async fn found(&self, search: &str) -> Vec<i64> {
        let filter = Filter { search: Some(search.into()), ..Filter::default() };
        let mut conn = self.store.read().await.unwrap();
        let all = leads::list(&mut conn, self.client, &filter, 10).await.unwrap();
        all.into_iter().map(|lead| lead.number).collect()
    }

    async fn release(&self, lead: &Lead, user: UserId) -> bool {
        let (scope, id) = (self.scope(), lead.id);
        let released: Result<bool, StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { holding::release(tx, scope, id, Some(user)).await })
            })
            .await;
        released.unwrap()
    }

    async fn refuse(&self, lead: &Lead, user: UserId) -> bool {
        let (scope, id) = (self.scope(), lead.id);
        let refused: Result<bool, StoreError> = self
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { holding::refuse(tx, scope, id, Refusal::Spam, None, user).await })
            })
            .await;
        refused.unwrap()
    }
}

fn both(inbox: DeliveryState, crm: DeliveryState) -> Vec<(String, DeliveryState)> {
    vec![("crm".to_owned(), crm), ("inbox".to_owned(), inbox)]
}

#[tokio::test]
async fn p9_new_words_of_the_same_wish_are_kept_beside_the_lead() {
    for s in Setup::everywhere().await {
        let first = s.taken(s.draft("89101234567")).await;
        let mut more = s.wish("89101234567", "ivan@mail.ru", "Иван Петров");
        more.comment = "И ещё: есть ли БЕЛАЯ с люком?".into();
        more.idempotency_key = Some("second".into());
        s.clock.advance(SignedDuration::from_mins(9));
        let again = s.accept(more.clone()).await.unwrap();
        assert_eq!((again.lead.id, again.repeated), (first.id, true));
        let kept = repeats::of_lead(&mut s.store.read().await.unwrap(), s.client, first.id).await.unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].fresh, ["comment", "name", "email"]);
        assert_eq!(kept[0].draft, more);
        assert_eq!(s.found("белая с люком").await, [1], "the lead is found by the new words");
        s.clock.advance(SignedDuration::from_hours(24 * 365));
        let late = s.accept(more).await.unwrap();
        assert_eq!((late.lead.id, late.repeated), (first.id, true), "the key of a repeat is good for ever");
        let kept = repeats::of_lead(&mut s.store.read().await.unwrap(), s.client, first.id).await.unwrap();
        assert_eq!(kept.len(), 1, "nothing was new");
        let mut spoken = s.draft("89101234567");
        spoken.idempotency_key = Some("second".into());
        for words in ["Перезвоните в шесть", "Нет, лучше в семь"] {
            spoken.comment = words.into();
            assert!(s.accept(spoken.clone()).await.unwrap().repeated);
        }
        let kept = repeats::of_lead(&mut s.store.read().await.unwrap(), s.client, first.id).await.unwrap();
        assert_eq!(kept.len(), 3, "one key may bring new words again and again");
    }
}

#[tokio::test]
async fn p10_identical_requests_at_one_moment_are_one_lead() {
    for s in Setup::everywhere().await {
        let send = |key: Option<&str>| {
            let mut draft = s.draft("89101234567");
            draft.idempotency_key = key.map(str::to_owned);
            s.accept(draft)
        };
        let all = futures::future::join_all((0..20).map(|n| send((n % 2 == 0).then_some("k")))).await;
        let ids: std::collections::BTreeSet<_> = all.iter().map(|a| a.as_ref().unwrap().lead.id).collect();
        assert_eq!(ids.len(), 1);
        assert_eq!(all.iter().filter(|a| !a.as_ref().unwrap().repeated).count(), 1);
        let next = s.taken(s.draft("89101234568")).await;
        assert_eq!(next.number, 2, "numbers have no gap");
    }
}

#[tokio::test]
async fn p11_a_person_is_found_over_channels_and_a_merge_can_be_undone() {
    for s in Setup::everywhere().await {
        let by_phone = s.taken(s.wish("89101234567", "", "Иван")).await;
        s.clock.advance(SignedDuration::from_hours(1));
        let by_mail = s.taken(s.wish("", "Ivan@Mail.ru", "Иван Петров")).await;
        assert_ne!(s.person(&by_phone).await, s.person(&by_mail).await);
        s.clock.advance(SignedDuration::from_hours(1));
        let both = s.taken(s.wish("+7 910 123-45-67", "ivan@mail.ru", "Петров Иван")).await;
        assert_eq!(s.of_person(&both).await, 3);
        assert!(s.kinds(&both).await.contains(&"person.merged"));
        s.clock.advance(SignedDuration::from_hours(1));
        let mail_again = s.taken(s.wish("", "ivan@mail.ru", "Иван")).await;
        assert_eq!(s.of_person(&mail_again).await, 4);

        let user: UserId = s.store.env().new_id();
        let person = s.person(&both).await;
        let mut conn = s.store.read().await.unwrap();
        let merges = persons::merges(&mut conn, s.client, person).await.unwrap();
        let [merge] = merges.as_slice() else { panic!("{merges:?}") };
        assert_eq!((merge.lead_id, merge.user_id, merge.why.as_str()), (Some(both.id), None, "contacts"));
        let (client, id) = (s.client, merge.id);
        let split = || async {
            let done: Result<bool, StoreError> = s
                .store
                .write(move |tx: &mut Tx| Box::pin(async move { people::split(tx, client, id, user).await }))
                .await;
            done.unwrap()
        };
        assert!(split().await);
        assert!(!split().await, "it is undone once");
        assert_eq!(s.of_person(&by_phone).await, 2, "the lead that showed it stays with the phone");
        assert_eq!(s.of_person(&by_mail).await, 2, "later leads of the address go with it");
        s.clock.advance(SignedDuration::from_hours(1));
        s.taken(s.wish("+7 910 123-45-67", "ivan@mail.ru", "Иван")).await;
        assert_eq!(s.of_person(&by_mail).await, 2, "what a person took apart is not joined again");
        let (one, other) = (s.person(&by_phone).await, s.person(&by_mail).await);
        let refused = s
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move { people::join_by_hand(tx, client, one, other, user).await })
            })
            .await;
        assert!(matches!(refused, Err(people::JoinError::Apart)), "{refused:?}");
        assert!(
            persons::perhaps(&mut conn, s.client, one, 10).await.unwrap().is_empty(),
            "they are known to be two"
        );
    }
}

#[tokio::test]
async fn p12_a_number_of_many_people_joins_nobody() {
    let s = Setup::new().await;
    let mut seen = Vec::new();
    for name in ["Анна", "Борис", "Вера", "Глеб", "Дарья"] {
        seen.push(s.taken(s.wish("8 495 000-00-01", "", name)).await);
        s.clock.advance(SignedDuration::from_hours(1));
    }
    assert_eq!(s.of_person(&seen[0]).await, 3, "three names may be one person's");
    assert_eq!((s.of_person(&seen[3]).await, s.of_person(&seen[4]).await), (1, 1));
    let gleb = s.taken(s.wish("8 495 000-00-01", "", "глеб")).await;
    assert_eq!(s.of_person(&gleb).await, 2, "the same name at the same number is the same person");
    s.clock.advance(SignedDuration::from_hours(1));
    let darya = s.taken(s.wish("8 495 000-00-01", "d@mail.ru", "Дарья")).await;
    assert_eq!(s.of_person(&darya).await, 2);
    assert!(!s.kinds(&darya).await.contains(&"person.merged"));
    let person = s.person(&gleb).await;
    let mut conn = s.store.read().await.unwrap();
    let perhaps = persons::perhaps(&mut conn, s.client, person, 10).await.unwrap();
    assert_eq!(perhaps.len(), 2, "a person decides about the others");
    let (client, other) = (s.client, perhaps[0].0);
    let user: UserId = s.store.env().new_id();
    let joined = s
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { people::join_by_hand(tx, client, person, other, user).await })
        })
        .await;
    assert!(joined.is_ok(), "{joined:?}");
    assert_eq!(persons::perhaps(&mut conn, s.client, person, 10).await.unwrap().len(), 1);
}

#[tokio::test]
async fn p13_what_is_suspected_is_held_and_released_once() {
    for s in Setup::everywhere().await {
        let mut robot = s.draft("89101234567");
        robot.signals = vec![Signal::TokenOld, Signal::Trap { field: "website".into() }];
        let accepted = s.accept(robot).await.unwrap();
        assert!(accepted.held && !accepted.repeated);
        let lead = accepted.lead;
        assert_eq!(s.states(&lead).await, both(DeliveryState::Held, DeliveryState::Held));
        let client = s.client;
        let claimed = s
            .store
            .write(move |tx: &mut Tx| Box::pin(async move { deliveries::claim(tx, client, "crm", 10).await }))
            .await
            .unwrap();
        assert!(claimed.is_empty(), "nothing leaves");
        let mut conn = s.store.read().await.unwrap();
        let judged = judgements::of_lead(&mut conn, s.client, lead.id).await.unwrap().unwrap();
        assert_eq!((judged.ruling, judged.verdict.score), (Ruling::Held, 120));
        assert_eq!(judgements::held(&mut conn, s.client).await.unwrap(), 1);
        let log = events::of_lead(&mut conn, s.client, lead.id).await.unwrap();
        let reasons = log.iter().find_map(|line| match &line.event.body {
            EventBody::LeadHeld { reasons, .. } => Some(reasons.clone()),
            _ => None,
        });
        assert_eq!(reasons.unwrap(), ["trap", "token_old"], "the heaviest first");
        let user: UserId = s.store.env().new_id();
        assert!(s.release(&lead, user).await);
        assert!(!s.release(&lead, user).await, "it is released once");
        assert_eq!(s.states(&lead).await, both(DeliveryState::Delivered, DeliveryState::Queued));
        assert_eq!(judgements::held(&mut conn, s.client).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn p14_decisions_count_for_the_sender() {
    for s in Setup::everywhere().await {
        let user: UserId = s.store.env().new_id();
        let doubtful = |phone: &str, sender: &str| {
            let mut draft = s.draft(phone);
            draft.signals = vec![Signal::Markup];
            draft.consents[0].ip = Some(sender.to_owned());
            draft
        };
        let mut robot = doubtful("89101234567", "203.0.113.9");
        robot.signals.push(Signal::TokenMissing);
        let first = s.taken(robot).await;
        assert!(s.refuse(&first, user).await);
        assert!(!s.refuse(&first, user).await, "it is refused once");
        assert_eq!(s.states(&first).await, both(DeliveryState::Refused, DeliveryState::Refused));
        let mut conn = s.store.read().await.unwrap();
        let refused = deliveries::of_lead(&mut conn, s.client, first.id).await.unwrap();
        assert!(refused.iter().all(|delivery| delivery.reason.as_deref() == Some("spam")));
        s.clock.advance(SignedDuration::from_hours(1));
        let same_address = s.accept(doubtful("89101110000", "203.0.113.9")).await.unwrap();
        assert!(same_address.held, "the sender was refused before");
        let elsewhere = s.accept(doubtful("89101110001", "203.0.113.10")).await.unwrap();
        assert!(!elsewhere.held);
        let judged = judgements::of_lead(&mut conn, s.client, elsewhere.lead.id).await.unwrap().unwrap();
        assert_eq!(judged.ruling, Ruling::Passed, "what is a little suspected is kept too");
    }
}

#[tokio::test]
async fn p15_a_clean_repeat_lets_a_held_lead_go() {
    let s = Setup::new().await;
    let mut old_page = s.draft("89101234567");
    old_page.signals = vec![Signal::TokenForged, Signal::TokenMissing];
    let held = s.accept(old_page.clone()).await.unwrap();
    assert!(held.held);
    let still = s.accept(old_page).await.unwrap();
    assert!(still.held && still.repeated, "the same robot again");
    let again = s.accept(s.draft("89101234567")).await.unwrap();
    assert!(again.repeated && !again.held);
    assert_eq!(s.states(&held.lead).await, both(DeliveryState::Delivered, DeliveryState::Queued));
    assert!(s.kinds(&held.lead).await.contains(&"lead.released"));
}

#[tokio::test]
async fn p16_a_person_holds_owns_and_marks() {
    for s in Setup::everywhere().await {
        let lead = s.taken(s.draft("89101234567")).await;
        let (scope, id, user) = (s.scope(), lead.id, s.store.env().new_id::<UserId>());
        let done: Result<[bool; 6], StoreError> = s
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    Ok([
                        holding::hold(tx, scope, id, user).await?,
                        holding::hold(tx, scope, id, user).await?,
                        holding::assign(tx, scope, id, Some(user), Some(user)).await?,
                        holding::assign(tx, scope, id, Some(user), Some(user)).await?,
                        holding::mark(tx, scope, id, "горячий", true, user).await?,
                        holding::mark(tx, scope, id, "горячий", true, user).await?,
                    ])
                })
            })
            .await;
        assert_eq!(done.unwrap(), [true, false, true, false, true, false], "said twice, done once");
        assert_eq!(s.states(&lead).await, both(DeliveryState::Delivered, DeliveryState::Held));
        let mut conn = s.store.read().await.unwrap();
        for filter in [
            Filter { owner: Some(user), ..Filter::default() },
            Filter { mark: Some("горячий".into()), ..Filter::default() },
            Filter { standing: Some(ismart_domain::delivery::Standing::Held), ..Filter::default() },
            Filter { state: Some("held".into()), channel: Some("form".into()), ..Filter::default() },
        ] {
            let found = leads::lines(&mut conn, s.client, &filter, 10).await.unwrap();
            assert_eq!(found.len(), 1, "{filter:?}");
            assert_eq!(found[0].owner, Some(user));
        }
        let of = lead_desk::marks_of(&mut conn, s.client, &[lead.id]).await.unwrap();
        assert_eq!(of[&lead.id], ["горячий"]);
        let user = s.store.env().new_id();
        assert!(s.release(&lead, user).await);
        assert_eq!(s.states(&lead).await, both(DeliveryState::Delivered, DeliveryState::Queued));
    }
}

#[tokio::test]
async fn p17_one_search_finds_any_lead() {
    for s in Setup::everywhere().await {
        let mut draft = s.wish("8 (910) 123-45-67", "Ivan@Mail.ru", "Пётр Ёлкин");
        draft.comment = "Нужна Скидка 100%_!".into();
        draft.fields = [("city".to_owned(), "Тула".to_owned())].into();
        let lead = s.taken(draft).await;
        s.taken(s.wish("89209999999", "", "Анна")).await;
        let (client, id) = (s.client, lead.id);
        s.store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let claimed = deliveries::claim(tx, client, "crm", 10).await?;
                    let taken = claimed.iter().find(|claim| claim.delivery.lead_id == id).unwrap();
                    let answer = ismart_domain::delivery::Answer::Accepted { external_id: "778899".into() };
                    let now = tx.env().now();
                    let trial = ismart_domain::delivery::Trial { attempts: 1, begun_at: now, now, jitter: 0 };
                    let next = ismart_domain::delivery::after(answer, trial);
                    let ending = deliveries::Ending { next: &next, started_at: now, trace: None };
                    deliveries::finish(tx, client, &taken.delivery, ending).await
                })
            })
            .await
            .unwrap();
        for search in [
            "1",
            "№1",
            "#1",
            "+7 910 123-45-67",
            "89101234567",
            "910 123",
            "8 (910) 123 45 67",
            "IVAN@mail.ru",
            "ivan@",
            "елкин",
            "Пётр",
            "петр",
            "скидка 100%",
            "100%_!",
            "тула",
            "778899",
        ] {
            assert_eq!(s.found(search).await, [1], "{search}");
        }
        for search in ["Пётр%", "скидка_100", "77889", "№3", "' OR 1=1"] {
            assert!(s.found(search).await.is_empty(), "{search}");
        }
    }
}

#[tokio::test]
async fn p18_leads_of_old_get_their_persons() {
    for s in Setup::everywhere().await {
        // As an earlier version wrote them: without a person.
        let (client, mut old) = (s.client, Vec::new());
        for n in 0..120 {
            let draft = s.wish(&format!("8910000{:04}", n % 60), "", "Иван");
            let (lead, _) = s
                .store
                .write(move |tx: &mut Tx| {
                    Box::pin(async move { leads::add(tx, client, draft, "f", None).await })
                })
                .await
                .unwrap();
            old.push(lead);
        }
        assert_eq!(people::adopt(&s.store, s.client).await.unwrap(), 120);
        assert_eq!(people::adopt(&s.store, s.client).await.unwrap(), 0);
        assert_eq!(s.of_person(&old[0]).await, 2);
        assert_eq!(s.person(&old[0]).await, s.person(&old[60]).await);
    }
}

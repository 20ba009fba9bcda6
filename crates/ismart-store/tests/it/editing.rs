//! Proves `editing.contract.md`.

use std::collections::BTreeMap;

use ismart_domain::user::{Role, User};
use ismart_domain::{ApiTokenId, ClientId, Secret, SiteId, UserId};
use ismart_store::editing::{
    self, Filter, Grant, NewRevision, Origin, Preview, Revision, ScheduleState, Scheduled, ScheduledFile,
};
use ismart_store::{Store, StoreError, Tx, clients, users};
use jiff::SignedDuration;

use crate::engines::Temporary;
use crate::promises::on_every_engine;

#[tokio::test]
async fn p1_revisions_are_whole_and_numbered() {
    on_every_engine(revisions).await;
}

#[tokio::test]
async fn p2_every_state_can_be_read_back() {
    on_every_engine(states).await;
}

#[tokio::test]
async fn p3_a_draft_belongs_to_its_person() {
    on_every_engine(a_persons_draft).await;
}

#[tokio::test]
async fn p4_what_is_not_in_the_folder_is_found() {
    on_every_engine(folder).await;
}

#[tokio::test]
async fn p5_schedules_links_and_grants() {
    on_every_engine(around).await;
}

#[tokio::test]
async fn p6_another_client_reaches_nothing() {
    on_every_engine(foreign).await;
}

const PAGE: &str = "data/json/ru/pages/index.json";

async fn place(store: &Store, slug: &'static str) -> (ClientId, SiteId, UserId) {
    let done: Result<_, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let client = clients::ensure_client(tx, slug, slug).await?;
                let site = clients::ensure_site(tx, client, slug, slug).await?;
                let user = User {
                    id: tx.env().new_id(),
                    client_id: Some(client),
                    login: format!("{slug}-{}", tx.env().token()),
                    name: "Анна".into(),
                    role: Role::Editor,
                    language: "ru".into(),
                };
                users::put(tx, &user, &Secret::new("hash")).await?;
                Ok((client, site, user.id))
            })
        })
        .await;
    done.unwrap()
}

fn files(pairs: &[(&str, Option<&str>)]) -> BTreeMap<String, Option<String>> {
    pairs.iter().map(|(path, text)| ((*path).to_owned(), text.map(str::to_owned))).collect()
}

async fn publish(
    store: &Store,
    (client, site, user): (ClientId, SiteId, UserId),
    pairs: &[(&str, Option<&str>)],
    written: bool,
) -> Option<Revision> {
    let files = files(pairs);
    let done: Result<_, StoreError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let new = NewRevision {
                    user_id: Some(user),
                    origin: Origin::Console,
                    message: "m".into(),
                    reason: None,
                    files,
                };
                editing::record(tx, client, site, new, written).await
            })
        })
        .await;
    done.unwrap()
}

async fn revisions(t: Temporary) {
    let at = place(&t.store, "one").await;
    let first = publish(&t.store, at, &[(PAGE, Some("1")), ("b", Some("b"))], true).await.unwrap();
    assert_eq!((first.seq, first.user_id), (1, Some(at.2)));
    assert!(publish(&t.store, at, &[(PAGE, Some("1"))], true).await.is_none(), "nothing changed");
    let second = publish(&t.store, at, &[(PAGE, Some("2")), ("b", Some("b"))], true).await.unwrap();
    assert_eq!(second.seq, 2);
    let mut conn = t.store.read().await.unwrap();
    let changed = editing::changes(&mut conn, at.0, at.1, 2).await.unwrap();
    assert_eq!(changed.len(), 1, "b did not change");
    assert_eq!((changed[0].before.as_deref(), changed[0].after.as_deref()), (Some("1"), Some("2")));
    let failed: Result<(), StoreError> = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let new = NewRevision {
                    user_id: None,
                    origin: Origin::Folder,
                    message: String::new(),
                    reason: None,
                    files: files(&[("c", Some("c"))]),
                };
                editing::record(tx, at.0, at.1, new, true).await?;
                Err(StoreError::Stopped)
            })
        })
        .await;
    assert!(failed.is_err());
    let history = editing::history(&mut conn, at.0, at.1, &Filter::default(), 10).await.unwrap();
    assert_eq!(history.iter().map(|r| r.seq).collect::<Vec<_>>(), [2, 1]);
    let only = Filter { path: Some("b".into()), ..Filter::default() };
    assert_eq!(editing::history(&mut conn, at.0, at.1, &only, 10).await.unwrap().len(), 1);
    let nobody = Filter { user_id: Some(conn.env().new_id()), ..Filter::default() };
    assert!(editing::history(&mut conn, at.0, at.1, &nobody, 10).await.unwrap().is_empty());
}

async fn states(t: Temporary) {
    let at = place(&t.store, "one").await;
    let mut moments = Vec::new();
    for (n, pairs) in [
        vec![(PAGE, Some("1")), ("b", Some("b"))],
        vec![(PAGE, Some("2"))],
        vec![("b", None), ("c", Some("c"))],
        vec![("b", Some("b again"))],
    ]
    .iter()
    .enumerate()
    {
        publish(&t.store, at, pairs, true).await.unwrap();
        moments.push((n, t.store.env().now()));
        t.clock.advance(SignedDuration::from_mins(1));
    }
    let mut conn = t.store.read().await.unwrap();
    let wanted = [
        vec![("b", "b"), (PAGE, "1")],
        vec![("b", "b"), (PAGE, "2")],
        vec![("c", "c"), (PAGE, "2")],
        vec![("b", "b again"), ("c", "c"), (PAGE, "2")],
    ];
    for (n, moment) in moments {
        let state = editing::state_at(&mut conn, at.0, at.1, moment).await.unwrap();
        let texts = editing::files(&mut conn, at.0, &state).await.unwrap();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
        assert_eq!(texts, wanted[n], "after revision {}", n + 1);
    }
    assert_eq!(editing::text(&mut conn, at.0, at.1, "c").await.unwrap().as_deref(), Some("c"));
    assert_eq!(editing::text(&mut conn, at.0, at.1, "none").await.unwrap(), None);
}

async fn a_persons_draft(t: Temporary) {
    let (client, site, anna) = place(&t.store, "one").await;
    let (_, _, oleg) = place(&t.store, "one").await;
    let put = async |user: UserId, base: Option<&'static str>, text: Option<&'static str>| {
        let done: Result<_, StoreError> = t
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(
                    async move { editing::put_draft(tx, client, site, user.into(), PAGE, base, text).await },
                )
            })
            .await;
        done.unwrap();
    };
    put(anna, Some("base"), Some("anna 1")).await;
    put(oleg, Some("base"), None).await;
    put(anna, Some("newer base is not taken"), Some("anna 2")).await;
    // A key of the API drafts beside people: no person has its id.
    let key: ApiTokenId = t.store.env().new_id();
    let done: Result<_, StoreError> = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                editing::put_draft(tx, client, site, key.into(), PAGE, Some("base"), Some("key")).await
            })
        })
        .await;
    done.unwrap();
    let mut conn = t.store.read().await.unwrap();
    let mine = editing::drafts(&mut conn, client, site, anna.into()).await.unwrap();
    assert_eq!((mine[0].base.as_deref(), mine[0].text.as_deref()), (Some("base"), Some("anna 2")));
    assert_eq!(editing::drafts(&mut conn, client, site, oleg.into()).await.unwrap()[0].text, None);
    assert_eq!(editing::drafters(&mut conn, client, site).await.unwrap().len(), 3);
    let of_key = editing::drafts(&mut conn, client, site, key.into()).await.unwrap();
    assert_eq!(of_key[0].text.as_deref(), Some("key"));
    let done: Result<_, StoreError> = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { editing::drop_draft(tx, client, site, anna.into(), None).await })
        })
        .await;
    done.unwrap();
    assert!(editing::drafts(&mut conn, client, site, anna.into()).await.unwrap().is_empty());
    assert_eq!(editing::drafts(&mut conn, client, site, oleg.into()).await.unwrap().len(), 1);
}

async fn folder(t: Temporary) {
    let at = place(&t.store, "one").await;
    publish(&t.store, at, &[("a", Some("1"))], true).await.unwrap();
    publish(&t.store, at, &[("a", Some("2"))], false).await.unwrap();
    publish(&t.store, at, &[("a", Some("3"))], false).await.unwrap();
    let mut conn = t.store.read().await.unwrap();
    let left: Vec<i64> = editing::unwritten(&mut conn).await.unwrap().iter().map(|u| u.seq).collect();
    assert_eq!(left, [2, 3]);
    let done: Result<_, StoreError> = t
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { editing::mark_written(tx, at.0, at.1, 3).await }))
        .await;
    done.unwrap();
    assert!(editing::unwritten(&mut conn).await.unwrap().is_empty());
}

async fn around(t: Temporary) {
    let (client, site, user) = place(&t.store, "one").await;
    let now = t.store.env().now();
    let scheduled = Scheduled {
        id: t.store.env().new_id(),
        client_id: client,
        site_id: site,
        user_id: user,
        due_at: now + SignedDuration::from_mins(10),
        message: "Акция".into(),
        reason: None,
        files: vec![ScheduledFile { path: PAGE.into(), base: None, text: Some("x".into()) }],
        state: ScheduleState::Waiting,
        note: None,
    };
    let preview = Preview {
        client_id: client,
        site_id: site,
        drafter: user.into(),
        expires_at: now + SignedDuration::from_mins(5),
    };
    let grant = Grant { user_id: user, site_id: site, scope: "page:index".into(), may_publish: false };
    let (kept, link, given) = (scheduled.clone(), preview.clone(), grant.clone());
    let done: Result<_, StoreError> = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                editing::put_schedule(tx, &kept).await?;
                editing::open_preview(tx, &link, "digest").await?;
                editing::put_grant(tx, client, &given).await?;
                editing::put_grant(tx, client, &Grant { may_publish: true, ..given }).await
            })
        })
        .await;
    done.unwrap();
    let mut conn = t.store.read().await.unwrap();
    assert_eq!(editing::preview(&mut conn, "digest").await.unwrap(), Some(preview));
    assert_eq!(editing::preview(&mut conn, "other").await.unwrap(), None);
    assert!(editing::due_schedules(&mut conn, 10).await.unwrap().is_empty());
    let grants = editing::grants_of(&mut conn, client, user).await.unwrap();
    assert_eq!(grants, [Grant { may_publish: true, ..grant }]);
    t.clock.advance(SignedDuration::from_mins(10));
    assert_eq!(editing::preview(&mut conn, "digest").await.unwrap(), None, "its time is over");
    assert_eq!(editing::due_schedules(&mut conn, 10).await.unwrap(), std::slice::from_ref(&scheduled));
    for wanted in [true, false] {
        let ended: Result<bool, StoreError> = t
            .store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    editing::end_schedule(tx, client, scheduled.id, ScheduleState::Failed, Some("why")).await
                })
            })
            .await;
        assert_eq!(ended.unwrap(), wanted);
    }
    let all = editing::schedules(&mut conn, client, site, 10).await.unwrap();
    assert_eq!((all[0].state, all[0].note.as_deref()), (ScheduleState::Failed, Some("why")));
}

async fn foreign(t: Temporary) {
    let at = place(&t.store, "one").await;
    let (other, ..) = place(&t.store, "two").await;
    publish(&t.store, at, &[(PAGE, Some("1"))], false).await.unwrap();
    let (site, user) = (at.1, at.2);
    let mut conn = t.store.read().await.unwrap();
    assert!(editing::state(&mut conn, other, site).await.unwrap().is_empty());
    assert!(editing::changes(&mut conn, other, site, 1).await.unwrap().is_empty());
    assert!(editing::history(&mut conn, other, site, &Filter::default(), 9).await.unwrap().is_empty());
    assert!(editing::text(&mut conn, other, site, PAGE).await.unwrap().is_none());
    let done: Result<_, StoreError> = t
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                editing::mark_written(tx, other, site, 1).await?;
                editing::drop_draft(tx, other, site, user.into(), None).await
            })
        })
        .await;
    done.unwrap();
    assert_eq!(editing::unwritten(&mut conn).await.unwrap().len(), 1);
}

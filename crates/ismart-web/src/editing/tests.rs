//! Editing over a real folder and a real store.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use ismart_domain::user::{Role, User};
use ismart_domain::{Env, ManualClock, Secret, UserId};
use ismart_sites::edit::Op;
use ismart_sites::{Answer, External, Fleet, Request, SiteFolder};
use ismart_store::editing::{Filter, Grant, history};
use ismart_store::{clients, users};
use jiff::SignedDuration;
use serde_json::json;

use super::*;

const PAGE: &str = "data/json/ru/pages/index.json";
const TITLE: &str = "/sections/0/data/title";

struct Desk {
    editing: Editing,
    store: Store,
    clock: Arc<ManualClock>,
    anna: UserId,
    oleg: UserId,
    folder: tempfile::TempDir,
}

fn root(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("small")
}

pub(crate) fn small_site(root: &Path) {
    let write = |path: &str, text: &str| {
        let full = root.join(path);
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        std::fs::write(full, text).unwrap();
    };
    write("config/site.toml", "client = \"small\"\nname = \"Small\"\nhosts = [\"small.test\"]\n");
    write("data/json/global.json", "{\n    \"phone\": \"+7 (4822) 00-00-01\"\n}\n");
    write(
        PAGE,
        "{\n    \"name\": \"index\",\n    \"title\": \"Главная\",\n    \"sections\": [\n        {\n            \"name\": \"text\",\n            \"visible\": true,\n            \"data\": {\n                \"title\": \"Здравствуйте\",\n                \"text\": \"Первый\"\n            }\n        }\n    ]\n}\n",
    );
    write(
        "data/json/ru/seo/index.json",
        "{\n    \"title\": \"Маленький сайт для проверки\",\n    \"meta\": [\n        {\n            \"name\": \"description\",\n            \"content\": \"Описание страницы, в котором хватает знаков для всех правил проверки\"\n        }\n    ]\n}\n",
    );
    write("data/json/ru/pages/404.json", "{\n    \"name\": \"404\",\n    \"sections\": []\n}\n");
    write(
        "templates/pages/page.twig",
        "<!doctype html><html lang=\"ru\"><head><title>{{ pageTitle }}</title>{% for m in pageSeoData.meta %}<meta name=\"{{ m.name }}\" content=\"{{ m.content }}\">{% endfor %}</head><body>{% for section in sections %}{% include 'sections/' ~ section.name ~ '.twig' ignore missing with {'data': section.data} %}{% endfor %}<p>{{ global.phone }}</p></body></html>",
    );
    write("templates/sections/text.twig", "<h1>{{ data.title }}</h1><p>{{ data.text }}</p>");
}

async fn desk() -> Desk {
    let folder = tempfile::tempdir().unwrap();
    small_site(&root(&folder));
    let (env, clock) = Env::manual("2026-11-26T09:00:00Z".parse().unwrap(), 3);
    let store = Store::open_sqlite(&folder.path().join("ismart.db"), env.clone()).await.unwrap();
    let made: Result<_, StoreError> = store
        .write(|tx: &mut Tx| {
            Box::pin(async move {
                let client = clients::ensure_client(tx, "small", "Small").await?;
                let site = clients::ensure_site(tx, client, "small", "Small").await?;
                let mut people = Vec::new();
                for login in ["anna", "oleg"] {
                    let user = User {
                        id: tx.env().new_id(),
                        client_id: Some(client),
                        login: login.into(),
                        name: login.into(),
                        role: Role::Editor,
                        language: "ru".into(),
                    };
                    users::put(tx, &user, &Secret::new("x")).await?;
                    people.push(user.id);
                }
                Ok((client, site, people))
            })
        })
        .await;
    let (client_id, site_id, people) = made.unwrap();
    let snapshot = SiteFolder::new(root(&folder)).load(&External::default()).unwrap();
    let place = Place {
        client_id,
        site_id,
        slug: "small".into(),
        name: "Small".into(),
        destinations: vec![],
        worker: None,
        consent_label: String::new(),
        consent_url: String::new(),
        consent_version: String::new(),
        consent_text: String::new(),
        marketing: None,
        phone: String::new(),
    };
    let world = World {
        fleet: Fleet::new(vec![snapshot]).unwrap(),
        places: [("small".to_owned(), Arc::new(place))].into(),
        ..World::default()
    };
    let editing = Editing::new(store.clone(), Arc::new(ArcSwap::from_pointee(world)));
    Desk { editing, store, clock, anna: people[0], oleg: people[1], folder }
}

impl Desk {
    fn site(&self) -> LiveSite {
        self.editing.site("small").unwrap()
    }

    async fn set(&self, who: UserId, file: &str, pointer: &str, value: &str) {
        let op = Op::Set { pointer: pointer.into(), value: json!(value) };
        self.editing.change(&self.site(), who, &all(), file, &[op]).await.unwrap();
    }

    async fn publish(&self, who: UserId, wish: Wish) -> Result<Published, EditingError> {
        self.editing.publish(&self.site(), who, &all(), wish).await
    }

    /// What a visitor reads.
    fn seen(&self) -> String {
        let request = Request::get("small.test", "/", self.store.env().now());
        match self.site().snapshot.answer(&request) {
            Answer::Page(page) => page.html,
            other => panic!("{other:?}"),
        }
    }

    fn file(&self, path: &str) -> String {
        std::fs::read_to_string(root(&self.folder).join(path)).unwrap()
    }

    async fn messages(&self) -> Vec<String> {
        let place = self.site().place;
        let mut conn = self.store.read().await.unwrap();
        let all = history(&mut conn, place.client_id, place.site_id, &Filter::default(), 50).await.unwrap();
        all.into_iter().map(|r| format!("{} {}", r.origin.code(), r.message)).collect()
    }
}

fn all() -> Access {
    Access::everything()
}

fn wish(message: &str) -> Wish {
    Wish { message: message.into(), ..Wish::default() }
}

#[tokio::test]
async fn a_publication_is_seen_at_once_and_a_draft_by_nobody() {
    let desk = desk().await;
    desk.set(desk.anna, PAGE, TITLE, "Новый заголовок").await;
    assert!(desk.seen().contains("Здравствуйте"), "a draft is nobody else's");
    let draft = desk.editing.draft(&desk.site(), desk.anna).await.unwrap();
    assert_eq!(draft.files.len(), 1);
    assert!(desk.editing.draft(&desk.site(), desk.oleg).await.unwrap().files.is_empty());
    assert_eq!(desk.publish(desk.anna, wish("Заголовок")).await.unwrap(), Published::Live(2));
    assert!(desk.seen().contains("Новый заголовок"));
    assert!(desk.file(PAGE).contains("\"title\": \"Новый заголовок\",\n"), "the form of the file stays");
    assert!(desk.editing.draft(&desk.site(), desk.anna).await.unwrap().files.is_empty());
    assert_eq!(desk.messages().await, ["console Заголовок", "folder first"]);
    assert!(matches!(desk.publish(desk.anna, wish("")).await, Err(EditingError::Nothing)));
    desk.set(desk.anna, PAGE, TITLE, "И").await;
    desk.set(desk.anna, PAGE, TITLE, "Новый заголовок").await;
    let draft = desk.editing.draft(&desk.site(), desk.anna).await.unwrap();
    assert!(draft.files.is_empty(), "what is as it was leaves the draft");
}

#[tokio::test]
async fn what_a_crash_left_is_completed() {
    let desk = desk().await;
    let site = desk.site();
    desk.editing.observe(&site).await.unwrap();
    let before = desk.file(PAGE);
    let after = before.replace("Здравствуйте", "Привет");
    let (client_id, site_id) = (site.place.client_id, site.place.site_id);
    let text = after.clone();
    let recorded: Result<_, StoreError> = desk
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let new = NewRevision {
                    user_id: None,
                    origin: Origin::Console,
                    message: "cut off".into(),
                    reason: None,
                    files: [(PAGE.to_owned(), Some(text))].into(),
                };
                editing::record(tx, client_id, site_id, new, false).await
            })
        })
        .await;
    recorded.unwrap();
    assert_eq!(desk.file(PAGE), before, "killed before the first file");
    let roots = || HashMap::from([("small".to_owned(), root(&desk.folder))]);
    assert_eq!(Editing::recover(&desk.store, roots).await.unwrap(), 1);
    assert_eq!(desk.file(PAGE), after);
    assert_eq!(Editing::recover(&desk.store, roots).await.unwrap(), 0);
}

#[tokio::test]
async fn two_drafts_of_one_file_go_together() {
    let desk = desk().await;
    desk.set(desk.anna, PAGE, TITLE, "Анна").await;
    desk.set(desk.oleg, PAGE, "/sections/0/data/text", "Олег").await;
    desk.publish(desk.oleg, wish("Олег")).await.unwrap();
    desk.publish(desk.anna, wish("Анна")).await.unwrap();
    let seen = desk.seen();
    assert!(seen.contains("<h1>Анна</h1><p>Олег</p>"), "{seen}");
    desk.set(desk.anna, PAGE, TITLE, "Анна 2").await;
    desk.set(desk.oleg, PAGE, TITLE, "Олег 2").await;
    desk.publish(desk.oleg, wish("")).await.unwrap();
    let held = desk.publish(desk.anna, wish("")).await.unwrap_err();
    let EditingError::Conflicts(conflicts) = held else { panic!("{held:?}") };
    assert_eq!((conflicts[0].0.as_str(), conflicts[0].1.pointer.as_str()), (PAGE, TITLE));
    assert!(desk.seen().contains("Олег 2"), "nothing was published");
    desk.publish(desk.anna, Wish { mine_stand: true, ..wish("") }).await.unwrap();
    assert!(desk.seen().contains("Анна 2"));
}

#[tokio::test]
async fn the_gate_holds_what_is_broken() {
    let desk = desk().await;
    desk.set(desk.anna, PAGE, "/sections/0/name", "no-such-section").await;
    let held = desk.publish(desk.anna, Wish { reason: Some("надо".into()), ..wish("") }).await.unwrap_err();
    assert!(matches!(&held, EditingError::Held(gate) if gate.blocks()), "{held:?}");
    desk.editing.discard(&desk.site(), desk.anna, None).await.unwrap();
    desk.set(desk.anna, PAGE, "/sections/0/data/text", "Звоните: 8 900 111-22-33").await;
    let held = desk.publish(desk.anna, wish("")).await.unwrap_err();
    assert!(matches!(&held, EditingError::Held(gate) if !gate.blocks() && gate.warns()), "{held:?}");
    desk.publish(desk.anna, Wish { reason: Some("Новый номер".into()), ..wish("") }).await.unwrap();
    let place = desk.site().place;
    let mut conn = desk.store.read().await.unwrap();
    let last = history(&mut conn, place.client_id, place.site_id, &Filter::default(), 1).await.unwrap();
    assert_eq!(last[0].reason.as_deref(), Some("Новый номер"));
}

#[tokio::test]
async fn a_broken_file_never_enters_a_draft() {
    let desk = desk().await;
    let site = desk.site();
    let put = async |path: &str, text: &str| {
        desk.editing.replace(&site, desk.anna, &all(), path, Some(text.to_owned())).await
    };
    let error = put(PAGE, "{\n  \"a\": 1,\n}").await.unwrap_err().to_string();
    assert!(error.contains("index.json:3:1") && error.contains("remove the comma"), "{error}");
    assert!(matches!(put("config/site.toml", "{}").await, Err(EditingError::Missing)));
    assert!(matches!(put("../../etc/passwd.json", "{}").await, Err(EditingError::Missing)));
    assert!(desk.editing.draft(&site, desk.anna).await.unwrap().files.is_empty());
}

#[tokio::test]
async fn changes_from_outside_are_revisions() {
    let desk = desk().await;
    desk.editing.observe(&desk.site()).await.unwrap();
    let text = desk.file(PAGE).replace("Первый", "Из папки");
    std::fs::write(root(&desk.folder).join(PAGE), text).unwrap();
    desk.set(desk.anna, PAGE, TITLE, "Из консоли").await;
    desk.publish(desk.anna, wish("m")).await.unwrap();
    assert_eq!(desk.messages().await, ["console m", "folder outside", "folder first"]);
    assert!(desk.seen().contains("<h1>Из консоли</h1><p>Из папки</p>"));
    std::fs::remove_file(root(&desk.folder).join("data/json/ru/seo/index.json")).unwrap();
    let changes = desk.editing.observe(&desk.site()).await.unwrap();
    assert_eq!(changes.into_iter().collect::<Vec<_>>(), [("data/json/ru/seo/index.json".to_owned(), None)]);
}

#[tokio::test]
async fn a_scheduled_publication_goes_live_at_its_time() {
    let desk = desk().await;
    let at = desk.store.env().now() + SignedDuration::from_mins(30);
    desk.set(desk.anna, PAGE, TITLE, "Акция").await;
    let past = Wish { at: Some(desk.store.env().now()), ..wish("") };
    assert!(matches!(desk.publish(desk.anna, past).await, Err(EditingError::Past)));
    assert_eq!(
        desk.publish(desk.anna, Wish { at: Some(at), ..wish("Акция") }).await.unwrap(),
        Published::Waits(at)
    );
    assert_eq!(desk.editing.publish_due().await.unwrap(), 0);
    desk.set(desk.oleg, PAGE, "/sections/0/data/text", "Между тем").await;
    desk.publish(desk.oleg, wish("")).await.unwrap();
    desk.clock.advance(SignedDuration::from_mins(31));
    assert_eq!(desk.editing.publish_due().await.unwrap(), 1);
    assert_eq!(desk.editing.publish_due().await.unwrap(), 0, "once");
    assert!(desk.seen().contains("<h1>Акция</h1><p>Между тем</p>"));
    let at = desk.store.env().now() + SignedDuration::from_mins(30);
    desk.set(desk.anna, PAGE, TITLE, "Поздно").await;
    desk.publish(desk.anna, Wish { at: Some(at), ..wish("") }).await.unwrap();
    desk.set(desk.oleg, PAGE, TITLE, "Раньше").await;
    desk.publish(desk.oleg, wish("")).await.unwrap();
    desk.clock.advance(SignedDuration::from_mins(31));
    assert_eq!(desk.editing.publish_due().await.unwrap(), 0);
    assert!(desk.seen().contains("Раньше"));
    let place = desk.site().place;
    let mut conn = desk.store.read().await.unwrap();
    let all = editing::schedules(&mut conn, place.client_id, place.site_id, 10).await.unwrap();
    let failed = all.iter().find(|one| one.note.is_some()).unwrap();
    assert!(failed.note.as_deref().unwrap().contains("somebody published other values"));
}

#[tokio::test]
async fn any_minute_can_be_brought_back() {
    let desk = desk().await;
    desk.editing.observe(&desk.site()).await.unwrap();
    let mut moments = vec![desk.store.env().now()];
    for title in ["Второй", "Третий"] {
        desk.clock.advance(SignedDuration::from_mins(1));
        desk.set(desk.anna, PAGE, TITLE, title).await;
        desk.publish(desk.anna, wish(title)).await.unwrap();
        moments.push(desk.store.env().now());
    }
    for (moment, title) in moments.into_iter().zip(["Здравствуйте", "Второй", "Третий"])
    {
        desk.clock.advance(SignedDuration::from_mins(1));
        let files = desk.editing.as_of(&desk.site(), moment).await.unwrap();
        desk.editing.bring_back(&desk.site(), desk.oleg, &all(), files).await.unwrap();
        match desk.publish(desk.oleg, Wish { restores: true, ..wish("назад") }).await {
            Ok(_) | Err(EditingError::Nothing) => {}
            Err(error) => panic!("{error:?}"),
        }
        assert!(desk.seen().contains(title), "{title}");
    }
}

#[tokio::test]
async fn grants_reach_as_far_as_they_say() {
    let desk = desk().await;
    let site = desk.site();
    let grant = |scope: &str, may_publish| Grant {
        user_id: desk.oleg,
        site_id: site.place.site_id,
        scope: scope.to_owned(),
        may_publish,
    };
    let access = Access::granted([grant("section:text", false)].into_iter());
    let set = async |access: &Access, file: &str, pointer: &str| {
        let op = Op::Set { pointer: pointer.into(), value: json!("Олег") };
        desk.editing.change(&site, desk.oleg, access, file, &[op]).await
    };
    set(&access, PAGE, TITLE).await.unwrap();
    for (file, pointer) in
        [(PAGE, "/title"), ("data/json/global.json", "/phone"), ("data/json/ru/seo/index.json", "/title")]
    {
        let refused = set(&access, file, pointer).await.unwrap_err();
        assert!(matches!(refused, EditingError::Forbidden), "{file} {pointer}: {refused:?}");
    }
    let refused = desk.editing.publish(&site, desk.oleg, &access, wish("")).await.unwrap_err();
    assert!(matches!(refused, EditingError::Forbidden), "{refused:?}");
    let publisher = Access::granted([grant("section:text", true)].into_iter());
    desk.editing.publish(&site, desk.oleg, &publisher, wish("")).await.unwrap();
    set(&Access::granted([grant("*", false)].into_iter()), "data/json/global.json", "/phone").await.unwrap();
    let refused = desk.editing.publish(&desk.site(), desk.oleg, &publisher, wish("")).await.unwrap_err();
    assert!(matches!(refused, EditingError::Forbidden), "{refused:?}");
    assert!(!Access::granted(std::iter::empty()).any());
}

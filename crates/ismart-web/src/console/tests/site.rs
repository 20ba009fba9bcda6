//! The screens of sites.

use std::sync::Arc;

use axum::http::StatusCode;
use ismart_domain::Secret;
use ismart_domain::user::Role;
use ismart_sites::{External, Fleet, SiteFolder};
use ismart_store::editing::{self, Grant};
use ismart_store::{StoreError, Tx, users};

use super::super::accounts::{NewUser, set_password};
use super::seed::{House, PASSWORD};
use super::{Browser, Got};
use crate::editing::tests::small_site;
use crate::platform::{Place, World};

const PAGE: &str = "data/json/ru/pages/index.json";
const TITLE: &str = "s:data/json/ru/pages/index.json#/sections/0/data/title";

/// A house whose client has a site, and an editor.
async fn house() -> House {
    let house = House::empty().await;
    let root = house.folder.path().join("avtograd");
    small_site(&root);
    std::fs::write(
        root.join("data/json/ru/pages/about.json"),
        "{\"name\": \"about\", \"title\": \"О нас\", \"sections\": []}",
    )
    .unwrap();
    let snapshot = SiteFolder::new(root).load(&External::default()).unwrap();
    let place = Place {
        client_id: house.client,
        site_id: house.site,
        slug: "avtograd".into(),
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
    house.platform.world.store(Arc::new(World {
        fleet: Fleet::new(vec![snapshot]).unwrap(),
        places: [("avtograd".to_owned(), Arc::new(place))].into(),
        ..World::default()
    }));
    let user = NewUser {
        client_id: Some(house.client),
        login: "editor".into(),
        name: "Редактор Ольга".into(),
        role: Role::Editor,
        language: "ru".into(),
    };
    set_password(&house.platform.store, &house.platform.env, user, &Secret::new(PASSWORD)).await.unwrap();
    house
}

async fn at(browser: &mut Browser, path: &str) -> Got {
    let got = browser.get(&format!("/console/site/avtograd{path}")).await;
    assert_eq!(got.status, StatusCode::OK, "{path}: {}", got.body);
    got
}

async fn post(browser: &mut Browser, path: &str, fields: &[(&str, &str)]) -> Got {
    let csrf = browser.get("/console/site/avtograd").await.csrf();
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields);
    browser.post(&format!("/console/site/avtograd{path}"), &all).await
}

/// Every route of the site's screens: with what right it opens.
const ROUTES: &[(&str, &str)] = &[
    ("GET", ""),
    ("GET", "/edit"),
    ("GET", "/page"),
    ("GET", "/page/about"),
    ("GET", "/field?file=data/json/ru/pages/index.json&at=/title"),
    ("GET", "/used?file=data/json/ru/pages/index.json&at=/title"),
    ("GET", "/form?file=data/json/ru/pages/index.json"),
    ("POST", "/save"),
    ("GET", "/raw?file=data/json/ru/pages/index.json"),
    ("POST", "/raw"),
    ("POST", "/files"),
    ("GET", "/changes"),
    ("GET", "/gate"),
    ("POST", "/publish"),
    ("POST", "/discard"),
    ("POST", "/schedule"),
    ("POST", "/link"),
    ("GET", "/history"),
    ("GET", "/history/1"),
    ("POST", "/restore"),
    ("GET", "/redirects"),
    ("POST", "/rule"),
    ("POST", "/missing"),
    ("POST", "/feed"),
    ("GET", "/seo"),
    ("GET", "/snippet?url=/"),
    ("GET", "/people"),
    ("POST", "/people"),
];

#[tokio::test]
async fn every_route_is_closed_to_other_clients_and_other_roles() {
    let house = house().await;
    at(&mut Browser::of(&house, "owner").await, "").await;
    for (login, status) in [
        ("stranger", StatusCode::NOT_FOUND),
        ("anna", StatusCode::FORBIDDEN),
        ("analyst", StatusCode::FORBIDDEN),
    ] {
        let mut browser = Browser::of(&house, login).await;
        let csrf = browser.get("/console").await.csrf();
        for (method, path) in ROUTES {
            let path = format!("/console/site/avtograd{path}");
            let got = match *method {
                "GET" => browser.get(&path).await,
                _ => {
                    browser
                        .post(
                            &path,
                            &[
                                ("csrf", &csrf),
                                ("file", PAGE),
                                ("action", "remove"),
                                ("id", "about"),
                                ("user", "x"),
                            ],
                        )
                        .await
                }
            };
            assert_eq!(got.status, status, "{login} {method} {path}: {}", got.body);
        }
    }
    let mut nobody = Browser::new(&house);
    for (method, path) in ROUTES.iter().filter(|(method, _)| *method == "GET") {
        let got = nobody.get(&format!("/console/site/avtograd{path}")).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{method} {path}");
    }
    let mut editor = Browser::of(&house, "editor").await;
    for path in ["/people"] {
        let got = editor.get(&format!("/console/site/avtograd{path}")).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn every_change_needs_the_sessions_token() {
    let house = house().await;
    let mut browser = Browser::of(&house, "editor").await;
    for (_, path) in ROUTES.iter().filter(|(method, path)| *method == "POST" && *path != "/people") {
        let got = browser.post(&format!("/console/site/avtograd{path}"), &[("file", PAGE)]).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn a_text_is_clicked_changed_published_and_brought_back() {
    let house = house().await;
    let mut browser = Browser::of(&house, "editor").await;
    let stage = at(&mut browser, "/edit?path=/").await;
    assert!(stage.body.contains("src=\"/console/site/avtograd/page/\""), "{}", stage.body);
    assert!(stage.header("content-security-policy").contains("frame-src 'self'"));
    let page = at(&mut browser, "/page/").await;
    assert!(page.body.contains("<!--is:"), "{}", page.body);
    let policy = page.header("content-security-policy");
    assert!(policy.contains("script-src http://console.test/console/assets/edit.js;"), "{policy}");
    assert_eq!(
        (page.header("x-frame-options"), page.header("x-robots-tag")),
        ("SAMEORIGIN", "noindex, nofollow")
    );
    let field = at(&mut browser, &format!("/field?file={PAGE}&at=/sections/0/data/title&way=direct")).await;
    assert!(
        field.body.contains("value=\"Здравствуйте\"") && field.body.contains("sections[0].data.title"),
        "{}",
        field.body
    );
    let used = at(&mut browser, "/used?file=data/json/global.json&at=/phone").await;
    assert!(used.body.contains("Видно на 2 страницах"), "{}", used.body);
    let saved = post(&mut browser, "/save", &[(TITLE, "Добрый <день>")]).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    assert!(at(&mut browser, "/page/").await.body.contains("Добрый &lt;день&gt;"));
    let changes = at(&mut browser, "/changes").await;
    for part in ["<del>Здравствуйте</del>", "<ins>Добрый &lt;день&gt;</ins>", "sections[0].data.title"]
    {
        assert!(changes.body.contains(part), "{part}: {}", changes.body);
    }
    assert!(at(&mut browser, "/gate").await.body.contains("Проверка пройдена"));
    let done = post(&mut browser, "/publish", &[("message", "Приветствие")]).await;
    assert_eq!(done.header("location"), "/console/site/avtograd/changes?done=live", "{}", done.body);
    let live = house.platform.editing.site("avtograd").unwrap();
    let text = std::fs::read_to_string(live.snapshot.root().join(PAGE)).unwrap();
    assert!(text.contains("\"title\": \"Добрый <день>\""));
    let history = at(&mut browser, "/history").await;
    assert!(
        history.body.contains("Приветствие") && history.body.contains("Редактор Ольга"),
        "{}",
        history.body
    );
    assert!(at(&mut browser, "/history/2").await.body.contains("<del>Здравствуйте</del>"));
    let back =
        post(&mut browser, "/restore", &[("seq", "2"), ("file", PAGE), ("at", "/sections/0/data/title")])
            .await;
    assert_eq!(back.header("location"), "/console/site/avtograd/changes?done=restored");
    let done = post(&mut browser, "/publish", &[("message", "m"), ("restores", "1")]).await;
    assert!(done.header("location").ends_with("done=live"), "{}", done.body);
    let text = std::fs::read_to_string(live.snapshot.root().join(PAGE)).unwrap();
    assert!(text.contains("\"title\": \"Здравствуйте\""));
}

#[tokio::test]
async fn what_the_gate_holds_is_shown_with_its_repair() {
    let house = house().await;
    let mut browser = Browser::of(&house, "owner").await;
    post(
        &mut browser,
        "/save",
        &[("s:data/json/ru/pages/index.json#/sections/0/data/text", "Звоните 8 900 111-22-33")],
    )
    .await;
    let held = post(&mut browser, "/publish", &[("message", "m")]).await;
    assert_eq!(held.status, StatusCode::CONFLICT);
    assert!(held.body.contains("fact.disagrees") && held.body.contains("напишите причину"), "{}", held.body);
    let done = post(&mut browser, "/publish", &[("message", "m"), ("reason", "Новый телефон")]).await;
    assert!(done.header("location").ends_with("done=live"));
    assert!(at(&mut browser, "/history").await.body.contains("Новый телефон"));
}

#[tokio::test]
async fn forms_change_sections_and_keep_what_they_do_not_show() {
    let house = house().await;
    let mut browser = Browser::of(&house, "editor").await;
    let form = at(&mut browser, &format!("/form?file={PAGE}")).await;
    assert!(form.body.contains(&format!("name=\"{TITLE}\"")), "{}", form.body);
    for op in ["double", "hide"] {
        let op = format!("{op}:{PAGE}#/sections#0");
        assert_eq!(post(&mut browser, "/save", &[("op", &op)]).await.status, StatusCode::SEE_OTHER);
    }
    let add = format!("add:{PAGE}#/sections#2#text");
    assert_eq!(post(&mut browser, "/save", &[("op", &add)]).await.status, StatusCode::SEE_OTHER);
    let raw = at(&mut browser, &format!("/raw?file={PAGE}")).await;
    assert!(raw.body.contains("&quot;visible&quot;: false"), "{}", raw.body);
    for wrong in [
        "",
        "up",
        "up:x",
        "burn:data/json/ru/pages/index.json#/sections#0",
        "down:data/json/ru/pages/index.json#/sections#99",
    ] {
        let got = post(&mut browser, "/save", &[("op", wrong)]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    let got = post(&mut browser, "/save", &[("s:config/site.toml#/client", "x")]).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND, "only content");
    let got = post(&mut browser, "/raw", &[("file", PAGE), ("text", "{\n  \"a\": [1,\n}")]).await;
    assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(got.body.contains("Строка 3:1") && got.body.contains("autofocus"), "{}", got.body);
}

#[tokio::test]
async fn pages_redirects_and_titles_are_made_and_changed() {
    let house = house().await;
    let mut browser = Browser::of(&house, "editor").await;
    let made =
        post(&mut browser, "/files", &[("action", "create"), ("lang", "ru"), ("name", "New-Page")]).await;
    assert!(
        made.header("location").ends_with("pages%2Fnew-page.json"),
        "{} {}",
        made.header("location"),
        made.body
    );
    let again =
        post(&mut browser, "/files", &[("action", "create"), ("lang", "ru"), ("name", "new-page")]).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    for wrong in ["../x", "a/b", "", "a b"] {
        let got =
            post(&mut browser, "/files", &[("action", "create"), ("lang", "ru"), ("name", wrong)]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong}");
    }
    post(&mut browser, "/files", &[("action", "remove"), ("lang", "ru"), ("id", "about")]).await;
    assert!(!at(&mut browser, "").await.body.contains("О нас"));
    let rule =
        post(&mut browser, "/rule", &[("from", "/old"), ("to", "/"), ("kind", "exact"), ("status", "301")])
            .await;
    assert_eq!(rule.status, StatusCode::SEE_OTHER, "{}", rule.body);
    let loops = post(&mut browser, "/rule", &[("from", "/a"), ("to", "/a"), ("status", "302")]).await;
    assert_eq!(loops.status, StatusCode::SEE_OTHER);
    let table = at(&mut browser, "/redirects").await;
    assert!(
        table.body.contains("value=\"/old\"") && table.body.contains("class=\"reason busy\""),
        "{}",
        table.body
    );
    assert_eq!(
        post(&mut browser, "/rule", &[("from", "old"), ("to", "//evil")]).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let seo = at(&mut browser, "/seo").await;
    assert!(seo.body.contains("Маленький сайт для проверки"), "{}", seo.body);
    let file = "data/json/ru/seo/index.json";
    post(&mut browser, "/save", &[(&format!("d:{file}#/meta"), "Новое описание")]).await;
    assert!(at(&mut browser, "/seo").await.body.contains("Новое описание"));
    // What is typed is shown as it would be rendered, and kept nowhere.
    let typed = "/snippet?url=/&s:data%2Fjson%2Fru%2Fseo%2Findex.json%23%2Ftitle=%D0%97%D0%B2%D0%BE%D0%BD%D0%B8%D1%82%D0%B5+%7B%7B+global.phone+%7D%7D";
    let part = at(&mut browser, typed).await.body;
    assert!(part.contains("Звоните +7 (4822) 00-00-01") && !part.contains("{{"), "{part}");
    assert!(part.contains("Заголовок: 26"), "{part}");
    assert!(!at(&mut browser, "/seo").await.body.contains("Звоните"));
    let wrong = browser.get("/console/site/avtograd/snippet?url=/&s:config%2Fsite.toml%23%2Fname=x").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND, "{}", wrong.body);
}

#[tokio::test]
async fn redirects_are_counted_and_missing_addresses_become_rules() {
    let house = house().await;
    let mut editor = Browser::of(&house, "editor").await;
    for (from, to, kind) in
        [("/old", "/about", "exact"), ("/blog/", "/", "prefix"), ("/unused", "/about", "exact")]
    {
        post(&mut editor, "/rule", &[("from", from), ("to", to), ("kind", kind)]).await;
    }
    let published = post(&mut editor, "/publish", &[("reason", "test")]).await;
    assert_eq!(published.status, StatusCode::SEE_OTHER, "{}", published.body);
    let mut visitor = Browser::new(&house);
    visitor.app = crate::router(house.platform.clone());
    let told = |agent: &str| -> Vec<(&'static str, String)> {
        let referer = "http://small.test/about?phone=1";
        let all =
            [("host", "small.test"), ("accept", "text/html"), ("user-agent", agent), ("referer", referer)];
        all.map(|(name, value)| (name, value.to_owned())).into()
    };
    visitor.extra = told("Mozilla/5.0");
    for path in ["/old", "/OLD", "/blog/a", "/nowhere", "/nowhere", "/%D1%86%D0%B5%D0%BD%D1%8B", "/about"] {
        visitor.get(path).await;
    }
    visitor.extra = told("SomeBot/1.0");
    visitor.get("/robots-only").await;
    let page = at(&mut editor, "/redirects?sort=hits").await.body;
    let (rules, missing) = page.split_once("id=\"make\"").unwrap();
    let order: Vec<usize> =
        ["value=\"/old\"", "value=\"/blog/\"", "value=\"/unused\""].map(|v| rules.find(v).unwrap()).into();
    assert!(order.is_sorted(), "{rules}");
    assert!(rules.contains("aria-sort=\"descending\""));
    assert!(missing.contains("<code>/nowhere</code>") && missing.contains("<code>/цены</code>"), "{missing}");
    assert!(missing.contains("<code>/about</code>") && !missing.contains("phone"), "{missing}");
    assert!(!missing.contains("robots-only"));
    let unused = at(&mut editor, "/redirects?only=unused").await.body;
    assert!(unused.contains("value=\"/unused\"") && !unused.contains("value=\"/old\""), "{unused}");
    // One click away from a rule; what has one is not missing any more.
    let form = at(&mut editor, "/redirects?from=%2F%D1%86%D0%B5%D0%BD%D1%8B").await.body;
    assert!(
        form.contains("name=\"from\" required placeholder=\"/old\" pattern=\"/.*\" value=\"/цены\""),
        "{form}"
    );
    post(&mut editor, "/rule", &[("from", "/цены"), ("to", "/about"), ("kind", "exact")]).await;
    let page = at(&mut editor, "/redirects").await.body;
    assert!(!page.contains("<code>/цены</code>") && page.contains("<code>/nowhere</code>"), "{page}");
    let hidden = post(&mut editor, "/missing", &[("address", "/nowhere")]).await;
    assert_eq!(hidden.status, StatusCode::SEE_OTHER);
    assert!(!at(&mut editor, "/redirects").await.body.contains("<code>/nowhere</code>"));
    assert_eq!(post(&mut editor, "/missing", &[]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_preview_link_shows_the_draft_without_signing_in_until_it_is_closed() {
    let house = house().await;
    let mut browser = Browser::of(&house, "editor").await;
    post(&mut browser, "/save", &[(TITLE, "Только в черновике")]).await;
    let made = post(&mut browser, "/link", &[]).await;
    let link =
        made.body.split("value=\"http://console.test").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let mut guest = Browser::new(&house);
    let shown = guest.get(&link).await;
    assert_eq!(shown.status, StatusCode::OK, "{}", shown.body);
    assert!(
        shown.body.contains("посетители этого ещё не видят") && shown.body.contains("Только в черновике")
    );
    assert!(
        !shown.body.contains("<!--is:")
            || shown.header("content-security-policy").contains("default-src 'none'")
    );
    assert_eq!(
        (shown.header("x-robots-tag"), shown.header("cache-control")),
        ("noindex, nofollow", "no-store")
    );
    assert_eq!(guest.get("/console/preview/0000/").await.status, StatusCode::NOT_FOUND);
    post(&mut browser, "/link", &[("close", "1")]).await;
    assert_eq!(guest.get(&link).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_editor_is_held_to_his_parts() {
    let house = house().await;
    let mut owner = Browser::of(&house, "owner").await;
    let (editor, _) =
        users::by_login(&mut house.platform.store.read().await.unwrap(), "editor").await.unwrap().unwrap();
    let id = editor.id.to_string();
    let given =
        post(&mut owner, "/people", &[("user", &id), ("scope", "page:about"), ("action", "give")]).await;
    assert_eq!(given.status, StatusCode::SEE_OTHER, "{}", given.body);
    let people = at(&mut owner, "/people").await;
    assert!(people.body.contains("Страница «О нас»"), "{}", people.body);
    let wrong =
        post(&mut owner, "/people", &[("user", &id), ("scope", "page:none"), ("action", "give")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut browser = Browser::of(&house, "editor").await;
    let got = post(&mut browser, "/save", &[(TITLE, "x")]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN);
    let own = "s:data/json/ru/pages/about.json#/title";
    assert_eq!(post(&mut browser, "/save", &[(own, "Мы")]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(post(&mut browser, "/publish", &[]).await.status, StatusCode::FORBIDDEN, "he may not publish");
    let grant = Grant { user_id: editor.id, site_id: house.other_site, scope: "*".into(), may_publish: true };
    let (client, site) = (house.client, house.site);
    let moved: Result<(), StoreError> = house
        .platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                editing::revoke_grants(tx, client, site, grant.user_id).await?;
                editing::put_grant(tx, client, &grant).await
            })
        })
        .await;
    moved.unwrap();
    let got = browser.get("/console/site/avtograd").await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "his grants are on another site");
}

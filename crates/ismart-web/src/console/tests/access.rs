//! Who gets in, and what is refused.

use axum::http::StatusCode;
use ismart_domain::conversation::Mode;
use ismart_store::events;

use super::Browser;
use super::seed::{House, PASSWORD};

#[tokio::test]
async fn signing_in_opens_a_session_that_only_its_browser_knows() {
    let house = House::empty().await;
    let mut browser = Browser::new(&house);
    let away = browser.get("/console/leads?q=1").await;
    assert_eq!(away.status, StatusCode::SEE_OTHER);
    assert_eq!(away.header("location"), "/console/sign-in?next=%2Fconsole%2Fleads%3Fq%3D1");
    let door = browser.get(away.header("location")).await;
    let fields = [
        ("csrf", &*door.csrf()),
        ("login", " ANNA "),
        ("password", PASSWORD),
        ("next", "/console/leads?q=1"),
    ];
    let got = browser.post("/console/sign-in", &fields).await;
    assert_eq!((got.status, got.header("location")), (StatusCode::SEE_OTHER, "/console/leads?q=1"));
    let line = got
        .headers
        .get_all("set-cookie")
        .iter()
        .find(|l| l.as_bytes().starts_with(b"ismart_session="))
        .unwrap();
    let line = line.to_str().unwrap();
    for part in ["HttpOnly", "SameSite=Lax", "Path=/console", "Max-Age=43200"] {
        assert!(line.contains(part), "{line}");
    }
    let token = got.cookie("ismart_session").unwrap();
    assert_eq!(token.len(), 64);
    let page = browser.get("/console/leads").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains(&token));
    let mut conn = house.platform.store.read().await.unwrap();
    let log = events::after(&mut conn, house.client, 0, 100).await.unwrap();
    assert_eq!(log.iter().filter(|l| l.event.body.kind() == "user.signed_in").count(), 1);
    house.clock.advance(jiff::SignedDuration::from_hours(12));
    assert_eq!(browser.get("/console").await.status, StatusCode::SEE_OTHER, "twelve hours are over");
}

#[tokio::test]
async fn a_wrong_password_says_no_more_than_a_wrong_login() {
    let house = House::empty().await;
    let mut browser = Browser::new(&house);
    let wrong = browser.sign_in("anna", "guess-guess").await;
    let unknown = browser.sign_in("nobody", "guess-guess").await;
    assert_eq!(
        (wrong.status, unknown.status),
        (StatusCode::UNPROCESSABLE_ENTITY, StatusCode::UNPROCESSABLE_ENTITY)
    );
    assert_eq!(wrong.body.replace("anna", "nobody"), unknown.body);
    assert!(wrong.cookie("ismart_session").is_none());
}

#[tokio::test]
async fn guessing_is_slowed_down_and_says_for_how_long() {
    let house = House::empty().await;
    let mut browser = Browser::new(&house);
    for _ in 0..5 {
        assert_eq!(browser.sign_in("anna", "guess-guess").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let got = browser.sign_in("anna", PASSWORD).await;
    assert_eq!(got.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(got.header("retry-after"), "30");
    assert!(got.body.contains("Подождите 30 секунд"), "{}", got.body);
    house.clock.advance(jiff::SignedDuration::from_secs(31));
    assert_eq!(browser.sign_in("anna", PASSWORD).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_form_of_another_page_signs_nobody_in() {
    let house = House::empty().await;
    let mut browser = Browser::new(&house);
    let csrf = browser.get("/console/sign-in").await.csrf();
    let right = [("login", "anna"), ("password", PASSWORD)];
    let got = browser.post("/console/sign-in", &right).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "no token");
    browser.extra.push(("origin", "https://evil.example".into()));
    let got = browser.post("/console/sign-in", &[("csrf", &csrf), right[0], right[1]]).await;
    assert_eq!(got.status, StatusCode::FORBIDDEN, "another origin");
    assert!(got.cookie("ismart_session").is_none());
}

#[tokio::test]
async fn changes_need_the_sessions_token_and_our_own_page() {
    let house = House::empty().await;
    let talk = house.conversation("Здравствуйте", Mode::Worker).await;
    let mut browser = Browser::of(&house, "anna").await;
    let csrf = browser.get("/console").await.csrf();
    let path = format!("/console/inbox/{talk}/take-over");
    let other = Browser::of(&house, "oleg").await.get("/console").await.csrf();
    for fields in [vec![], vec![("csrf", "")], vec![("csrf", "0")], vec![("csrf", &*other)]] {
        let got = browser.post(&path, &fields).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{fields:?}");
        assert!(got.body.contains("Действие не выполнено"), "{}", got.body);
    }
    browser.extra.push(("origin", "http://evil.example".into()));
    assert_eq!(browser.post(&path, &[("csrf", &csrf)]).await.status, StatusCode::FORBIDDEN);
    browser.extra = vec![("sec-fetch-site", "cross-site".into())];
    assert_eq!(browser.post(&path, &[("csrf", &csrf)]).await.status, StatusCode::FORBIDDEN);
    browser.extra = vec![("x-csrf-token", csrf.clone()), ("hx-request", "true".into())];
    assert_eq!(browser.post(&path, &[]).await.status, StatusCode::OK, "scripts send a header");
    browser.extra = vec![("origin", format!("http://{}", super::HOST))];
    let got = browser.post("/console/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(got.header("location"), "/console/sign-in");
    browser.extra.clear();
    assert_eq!(browser.get("/console").await.status, StatusCode::SEE_OTHER);
}

/// Every route with the least role that may use it; ids are put in for `TALK`, `LEAD`, `DELIVERY`, `SITE`, `TOKEN`.
const ROUTES: &[(&str, &str, &str)] = &[
    ("GET", "/console", "analyst"),
    ("GET", "/console/worker", "analyst"),
    ("GET", "/console/destinations", "analyst"),
    ("GET", "/console/inbox", "anna"),
    ("GET", "/console/inbox/lines", "anna"),
    ("GET", "/console/inbox/TALK", "anna"),
    ("GET", "/console/leads", "anna"),
    ("GET", "/console/leads/file.csv", "anna"),
    ("GET", "/console/leads/LEAD", "anna"),
    ("POST", "/console/leads/bulk", "anna"),
    ("POST", "/console/leads/views", "anna"),
    ("POST", "/console/merges/none/undo", "anna"),
    ("POST", "/console/persons/none/join", "anna"),
    ("GET", "/console/orders", "anna"),
    ("GET", "/console/orders/abababababababababababab", "anna"),
    ("POST", "/console/orders/abababababababababababab/ask", "owner"),
    ("POST", "/console/inbox/TALK/take-over", "anna"),
    ("POST", "/console/inbox/TALK/say", "anna"),
    ("POST", "/console/inbox/TALK/give-back", "anna"),
    ("GET", "/console/deliveries/DELIVERY/send-again", "owner"),
    ("POST", "/console/deliveries/DELIVERY/send-again", "owner"),
    ("POST", "/console/worker/SITE/switch", "owner"),
    ("GET", "/console/media", "owner"),
    ("POST", "/console/media", "owner"),
    ("GET", "/console/media/avtograd/file/a.png", "owner"),
    ("GET", "/console/media/avtograd/about/a.png", "owner"),
    ("GET", "/console/media/avtograd/pictures", "owner"),
    ("POST", "/console/media/avtograd/pictures", "owner"),
    ("GET", "/console/media/avtograd/picture/a.png", "owner"),
    ("POST", "/console/media/avtograd/about/a.png", "owner"),
    ("POST", "/console/media/avtograd/make/a.png", "owner"),
    ("POST", "/console/media/avtograd/remove/a.png", "owner"),
    ("POST", "/console/media/avtograd/replace/a.png", "owner"),
    ("GET", "/console/tokens", "owner"),
    ("POST", "/console/tokens", "owner"),
    ("POST", "/console/tokens/TOKEN/revoke", "owner"),
    ("POST", "/console/client", "agency"),
    ("GET", "/console/fleet", "agency"),
    ("GET", "/console/fleet/sites/avtograd", "agency"),
    ("GET", "/console/fleet/rollouts/none", "agency"),
    ("GET", "/console/fleet/rollouts/none/sites/avtograd", "agency"),
    ("GET", "/console/fleet/rollouts/none/sites/avtograd/picture?path=/&side=after", "agency"),
    ("POST", "/console/fleet/check", "agency"),
    ("POST", "/console/fleet/plan", "agency"),
    ("POST", "/console/fleet/rollouts/none/roll", "agency"),
    ("POST", "/console/fleet/rollouts/none/back", "agency"),
];

async fn ids(
    house: &House,
    client: ismart_domain::ClientId,
    site: ismart_domain::SiteId,
) -> Vec<(&'static str, String)> {
    let talk = house.conversation_at(client, site, "Здравствуйте", Mode::Worker).await;
    let lead = house.lead(client, site, 2, None).await;
    let mut conn = house.platform.store.read().await.unwrap();
    let deliveries = ismart_store::deliveries::of_lead(&mut conn, client, lead).await.unwrap();
    let outside = deliveries.iter().find(|d| d.destination == "bitrix24").unwrap();
    vec![
        ("TALK", talk.to_string()),
        ("LEAD", lead.to_string()),
        ("DELIVERY", outside.id.to_string()),
        ("SITE", site.to_string()),
        ("TOKEN", house.token(client).await.to_string()),
    ]
}

async fn ask(browser: &mut Browser, method: &str, path: &str, csrf: &str) -> super::Got {
    if method == "GET" {
        browser.get(path).await
    } else {
        browser.post(path, &[("csrf", csrf), ("active", "0"), ("text", "Добрый день")]).await
    }
}

#[tokio::test]
async fn no_role_can_do_more_than_its_rights() {
    let house = House::empty().await;
    let ids = ids(&house, house.client, house.site).await;
    let ladder = ["analyst", "anna", "owner", "agency"];
    for (at, login) in ladder.into_iter().enumerate() {
        let mut browser = Browser::of(&house, login).await;
        let csrf = browser.get("/console").await.csrf();
        for (method, path, least) in ROUTES {
            let path = ids.iter().fold((*path).to_owned(), |path, (name, id)| path.replace(name, id));
            let needed = ladder.iter().position(|l| l == least).unwrap();
            let got = ask(&mut browser, method, &path, &csrf).await;
            if at < needed {
                assert_eq!(got.status, StatusCode::FORBIDDEN, "{login} {method} {path}");
                assert!(got.body.contains("Нет доступа"));
            } else {
                assert_ne!(got.status, StatusCode::FORBIDDEN, "{login} {method} {path}");
                assert!(!got.status.is_server_error(), "{login} {method} {path}: {}", got.status);
            }
        }
    }
}

#[tokio::test]
async fn what_belongs_to_another_client_is_not_there() {
    let house = House::empty().await;
    let foreign = ids(&house, house.other, house.other_site).await;
    let mut browser = Browser::of(&house, "owner").await;
    let csrf = browser.get("/console").await.csrf();
    for (method, path, _) in ROUTES.iter().filter(|(_, path, _)| path.bytes().any(|b| b.is_ascii_uppercase()))
    {
        let path = foreign.iter().fold((*path).to_owned(), |path, (name, id)| path.replace(name, id));
        let got = ask(&mut browser, method, &path, &csrf).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{method} {path}");
        assert!(got.body.contains("Не найдено"));
    }
    let feed = format!("/console/live/feed?conversation={}", foreign[0].1);
    assert_eq!(browser.get(&feed).await.status, StatusCode::NOT_FOUND);
    let list = browser.get("/console/leads").await.body;
    assert!(!list.contains(&foreign[1].1));
    assert_eq!(browser.get("/console/leads/not-an-id").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_agency_moves_between_clients() {
    let house = House::empty().await;
    let lead = house.lead(house.other, house.other_site, 1, None).await;
    let mut browser = Browser::of(&house, "agency").await;
    let csrf = browser.get("/console").await.csrf();
    let path = format!("/console/leads/{lead}");
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    let fields = [("csrf", &*csrf), ("client", &*house.other.to_string()), ("next", &*path)];
    let got = browser.post("/console/client", &fields).await;
    assert_eq!(got.header("location"), "/console/leads", "the page of a thing is left for its list");
    assert_eq!(browser.get(&path).await.status, StatusCode::OK);
    let nobody = ismart_domain::Env::system().new_id::<ismart_domain::ClientId>().to_string();
    let got = browser.post("/console/client", &[("csrf", &csrf), ("client", &nobody)]).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn other_hosts_have_no_console() {
    let house = House::empty().await;
    let mut browser = Browser::new(&house);
    browser.extra.push(("host", "avtograd.example".into()));
    for path in [
        "/console",
        "/console/sign-in",
        "/console/assets/console.css",
        "/console/nowhere",
        "/console/live/feed",
    ] {
        let got = browser.get(path).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(got.header("content-type"), "application/problem+json", "{path}");
    }
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    let house = House::empty().await;
    let mut browser = Browser::of(&house, "anna").await;
    for path in [
        "/console",
        "/console/nowhere",
        "/console/sign-in",
        "/console/leads/file.csv",
        "/console/live/nowhere",
    ] {
        let got = browser.get(path).await;
        assert!(got.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
        assert_eq!(got.header("cache-control"), "no-store", "{path}");
        assert!(
            !got.body.contains("<script>") && !got.body.contains(" style=") && !got.body.contains(" onclick"),
            "{path}"
        );
    }
    let asset = browser.get("/console/assets/console.css").await;
    assert_eq!((asset.status, asset.header("cache-control")), (StatusCode::OK, "public, no-cache"));
    browser.extra.push(("if-none-match", asset.header("etag").to_owned()));
    assert_eq!(browser.get("/console/assets/console.css").await.status, StatusCode::NOT_MODIFIED);
    browser.extra.clear();
    assert_eq!(browser.get("/console/assets/console.rs").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_script_whose_session_ended_is_sent_to_sign_in() {
    let house = House::empty().await;
    let mut browser = Browser::new(&house);
    browser.extra =
        vec![("hx-request", "true".into()), ("hx-current-url", "http://console.test/console/inbox".into())];
    let got = browser.get("/console/inbox/lines").await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert_eq!(got.header("hx-redirect"), "/console/sign-in?next=%2Fconsole%2Finbox");
}

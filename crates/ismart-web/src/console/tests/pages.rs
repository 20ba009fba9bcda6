//! What pages show, and what actions do.

use axum::http::StatusCode;
use ismart_domain::conversation::{Author, Mode};
use ismart_store::{conversations, deliveries, events};

use super::seed::House;
use super::{Browser, Got};
use crate::console::assets::FILES;
use crate::console::language::Language;
use crate::console::view::TEMPLATES;

#[tokio::test]
async fn every_page_is_whole_in_both_languages() {
    let house = House::lived_in().await;
    let mut conn = house.platform.store.read().await.unwrap();
    let talk = conversations::inbox(&mut conn, house.client, None, 1).await.unwrap()[0].conversation.id;
    let leads = ismart_store::leads::list(&mut conn, house.client, &Default::default(), 50).await.unwrap();
    let mut stuck = None;
    for lead in &leads {
        let all = deliveries::of_lead(&mut conn, house.client, lead.id).await.unwrap();
        stuck = stuck.or(all.into_iter().find(|d| d.reason.is_some()));
    }
    drop(conn);
    let stuck = stuck.unwrap();
    let mut browser = Browser::of(&house, "owner").await;
    let csrf = browser.get("/console").await.csrf();
    for language in ["en", "ru"] {
        let set = browser
            .post("/console/language", &[("csrf", &csrf), ("language", language), ("next", "/console/leads")])
            .await;
        assert_eq!(set.header("location"), "/console/leads");
        for path in [
            "/console".to_owned(),
            "/console?days=7".to_owned(),
            "/console/inbox?mode=closed".to_owned(),
            "/console/inbox?mode=waiting".to_owned(),
            format!("/console/inbox/{talk}"),
            "/console/leads".to_owned(),
            "/console/leads?q=zzz".to_owned(),
            "/console/leads?look=board".to_owned(),
            "/console/orders".to_owned(),
            "/console/orders?state=paid".to_owned(),
            format!("/console/leads/{}", stuck.lead_id),
            format!("/console/deliveries/{}/send-again", stuck.id),
            "/console/worker".to_owned(),
            "/console/destinations".to_owned(),
            "/console/tokens".to_owned(),
            "/api/docs".to_owned(),
            "/console/nowhere".to_owned(),
        ] {
            let got = browser.get(&path).await;
            let expected = if path.ends_with("nowhere") { StatusCode::NOT_FOUND } else { StatusCode::OK };
            assert_eq!(got.status, expected, "{path}: {}", got.body);
            assert!(got.body.contains(&format!("<html lang=\"{language}\"")), "{path} in {language}");
            assert!(got.body.contains("</html>"), "{path}");
            assert!(!got.body.contains("<script>alert"), "{path}: what visitors write is text");
            let words = got.body.chars().filter(|c| ('а'..='я').contains(c)).count();
            assert!(language == "en" || words > 20, "{path}");
            unknown_texts(&got, &path);
        }
    }
}

/// A text that does not exist would show its key.
fn unknown_texts(got: &Got, path: &str) {
    for key in Language::Ru.texts().flat().keys().filter(|key| key.contains('.')) {
        assert!(!got.body.contains(&format!(">{key}<")), "{path} shows the key {key}");
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_can_be_revoked() {
    let house = House::empty().await;
    let mut browser = Browser::of(&house, "owner").await;
    let csrf = browser.get("/console/tokens").await.csrf();
    let whole = [
        ("csrf", &*csrf),
        ("name", "Склад"),
        ("scope", "content:read"),
        ("scope", "leads:read"),
        ("term", "30"),
    ];
    for (fields, why) in [
        (vec![whole[0], whole[2]], "от 1 до 80 знаков"),
        (vec![whole[0], whole[1]], "хотя бы одно"),
        (vec![whole[0], whole[1], ("scope", "everything")], "хотя бы одно"),
    ] {
        let got = browser.post("/console/tokens", &fields).await;
        assert!(got.body.contains(why) && !got.body.contains("ism_"), "{fields:?}");
    }
    for wrong in [("term", "1000"), ("site", "x"), ("site", &*house.other_site.to_string())] {
        let got = browser.post("/console/tokens", &[whole[0], whole[1], whole[2], wrong]).await;
        assert_eq!(got.status, StatusCode::UNPROCESSABLE_ENTITY, "{wrong:?}");
    }
    let made = browser.post("/console/tokens", &whole).await;
    let (_, rest) = made.body.split_once("id=\"key\">").unwrap();
    let key = rest.split('<').next().unwrap();
    assert_eq!((key.len(), made.header("cache-control")), (68, "no-store"));
    let list = browser.get("/console/tokens").await.body;
    assert!(!list.contains(key) && list.contains(key.get(..12).unwrap()) && list.contains("Склад"));
    let mut conn = house.platform.store.read().await.unwrap();
    let stored = ismart_store::api_tokens::of_client(&mut conn, house.client).await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(stored[0].scopes, ["content:read", "leads:read"]);
    assert_eq!(stored[0].expires_at, Some(stored[0].created_at + jiff::SignedDuration::from_hours(24 * 30)));
    let path = format!("/console/tokens/{}/revoke", stored[0].id);
    assert_eq!(browser.post(&path, &[("csrf", &csrf)]).await.header("location"), "/console/tokens");
    let stored = ismart_store::api_tokens::of_client(&mut conn, house.client).await.unwrap();
    assert!(!stored[0].works(house.platform.env.now()));
    assert!(browser.get("/console/tokens").await.body.contains("отозван"));
}

#[test]
fn templates_name_only_texts_files_and_templates_that_exist() {
    let texts = Language::Ru.texts().flat();
    for (name, source) in TEMPLATES {
        let from = |mark: &str| -> Vec<String> {
            let rest = source.split(mark).skip(1);
            rest.map(|r| {
                r.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '/' | '-')).collect()
            })
            .collect()
        };
        for key in from(" t.") {
            // `t.group[name]` names a group, and the data names the text.
            let group = format!("{key}.");
            let known = texts.contains_key(&key) || texts.keys().any(|text| text.starts_with(&group));
            assert!(known, "{name}: no text {key}");
        }
        for file in from("/console/assets/") {
            assert!(FILES.iter().any(|(found, ..)| *found == file), "{name}: no file {file}");
        }
        for mark in ["include \"", "extends \"", "import \""] {
            for other in from(mark) {
                assert!(TEMPLATES.iter().any(|(found, _)| *found == other), "{name}: no template {other}");
            }
        }
    }
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../console/templates"));
    let count = |folder: &std::path::Path| {
        std::fs::read_dir(folder)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().extension().is_some())
            .count()
    };
    let all = count(folder) + count(&folder.join("part")) + count(&folder.join("site"));
    assert_eq!(all, TEMPLATES.len(), "every file is in the list");
}

#[test]
fn code_names_only_texts_that_exist() {
    let folder = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src/console"));
    let texts = Language::Ru.texts().flat();
    let groups: std::collections::HashSet<&str> =
        texts.keys().filter_map(|key| key.split_once('.')).map(|(g, _)| g).collect();
    let mut checked = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        for literal in source.split('"').skip(1).step_by(2) {
            let Some((group, rest)) = literal.split_once('.') else { continue };
            let plain = |t: &str| {
                !t.is_empty() && t.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '.'))
            };
            let other = ["twig", "css", "js", "svg", "csv", "started", "signed_in"].contains(&rest);
            if groups.contains(group) && plain(rest) && !other && !literal.contains("min.js") {
                assert!(texts.contains_key(literal), "{}: no text {literal}", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "{checked}");
}

#[test]
fn scripts_stay_small() {
    let scripts: usize =
        FILES.iter().filter(|(name, ..)| name.ends_with(".js")).map(|(.., text)| text.len()).sum();
    assert!(scripts < 90_000, "{scripts} bytes before compression");
}

#[tokio::test]
async fn the_dashboard_shows_what_the_log_says() {
    let house = House::lived_in().await;
    let mut browser = Browser::of(&house, "analyst").await;
    let page = browser.get("/console?days=30").await.body;
    let mut conn = house.platform.store.read().await.unwrap();
    let log = events::after(&mut conn, house.client, 0, 10_000).await.unwrap();
    let count = |kind: &str| log.iter().filter(|l| l.event.body.kind() == kind).count();
    for (metric, kind) in
        [("visits", "visit.started"), ("conversations", "conversation.started"), ("leads", "lead.accepted")]
    {
        let (_, rest) = page.split_once(&format!("<li data-metric=\"{metric}\">")).unwrap();
        let (_, rest) = rest.split_once("<p class=\"value\">").unwrap();
        let shown: String = rest.split('<').next().unwrap().chars().filter(char::is_ascii_digit).collect();
        assert_eq!(shown.parse::<usize>().unwrap(), count(kind), "{metric}");
    }
    assert!(!page.contains("/console/inbox/"), "figures, not people");
    assert!(page.contains("Эмулятор"), "a demonstration says what is simulated");
}

#[tokio::test]
async fn a_person_takes_over_answers_once_and_gives_back() {
    let house = House::empty().await;
    let talk = house.conversation("Здравствуйте", Mode::Waiting).await;
    let mut browser = Browser::of(&house, "anna").await;
    let page = browser.get(&format!("/console/inbox/{talk}")).await;
    let csrf = page.csrf();
    let action = |name: &str| format!("/console/inbox/{talk}/{name}");
    let early = browser.post(&action("say"), &[("csrf", &csrf), ("text", "Да")]).await;
    assert_eq!(early.status, StatusCode::CONFLICT);
    assert!(early.body.contains("Сначала возьмите диалог"), "{}", early.body);
    let taken = browser.post(&action("take-over"), &[("csrf", &csrf)]).await;
    assert_eq!(taken.header("location"), format!("/console/inbox/{talk}#talk"), "works without scripts");
    let id = house.platform.env.new_id::<ismart_domain::MessageId>().to_string();
    let fields = [("csrf", &*csrf), ("id", &*id), ("text", "Добрый день!\r\nЧем помочь?\u{7}")];
    assert_eq!(browser.post(&action("say"), &fields).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        browser.post(&action("say"), &fields).await.status,
        StatusCode::SEE_OTHER,
        "a repeat is harmless"
    );
    for (text, status) in
        [(" \n ", StatusCode::UNPROCESSABLE_ENTITY), (&*"я".repeat(4001), StatusCode::UNPROCESSABLE_ENTITY)]
    {
        assert_eq!(browser.post(&action("say"), &[("csrf", &csrf), ("text", text)]).await.status, status);
    }
    let mut conn = house.platform.store.read().await.unwrap();
    let all = conversations::messages(&mut conn, house.client, talk, 0, 100).await.unwrap();
    let said: Vec<_> = all.iter().filter(|m| m.author == Author::Person).collect();
    assert_eq!(said.len(), 1);
    assert_eq!(
        (said[0].text.as_str(), said[0].name.as_deref()),
        ("Добрый день!\nЧем помочь?", Some("Анна Смирнова"))
    );
    let mut colleague = Browser::of(&house, "oleg").await;
    let page = colleague.get(&format!("/console/inbox/{talk}")).await;
    assert!(page.body.contains("Анна Смирнова"));
    let fields = [("csrf", &*page.csrf()), ("text", "И я")];
    assert_eq!(colleague.post(&action("say"), &fields).await.status, StatusCode::CONFLICT);
    browser.extra = vec![("hx-request", "true".into())];
    let back = browser.post(&action("give-back"), &[("csrf", &csrf)]).await;
    assert_eq!(back.status, StatusCode::OK);
    assert!(back.body.trim_start().starts_with("<footer class=\"talk\""), "{}", back.body);
    assert!(back.body.contains("take-over"));
}

#[tokio::test]
async fn an_answer_by_script_brings_what_the_page_has_not_seen() {
    let house = House::empty().await;
    let talk = house.conversation("Здравствуйте", Mode::Worker).await;
    let mut browser = Browser::of(&house, "anna").await;
    let csrf = browser.get("/console").await.csrf();
    browser.extra = vec![("hx-request", "true".into())];
    browser.post(&format!("/console/inbox/{talk}/take-over"), &[("csrf", &csrf)]).await;
    let fields = [("csrf", &*csrf), ("text", "Слушаю вас"), ("after", "3")];
    let got = browser.post(&format!("/console/inbox/{talk}/say"), &fields).await;
    assert_eq!(got.body.matches("<li class=\"message").count(), 1, "{}", got.body);
    assert!(got.body.contains("Слушаю вас"));
    assert!(got.header("hx-trigger").starts_with("{\"said\":{\"id\":\""), "{}", got.header("hx-trigger"));
}

#[tokio::test]
async fn the_feed_tells_of_messages_as_they_come() {
    use futures::StreamExt;
    use tower::ServiceExt;
    let house = House::empty().await;
    let talk = house.conversation("Здравствуйте", Mode::Worker).await;
    let browser = Browser::of(&house, "anna").await;
    let cookies: Vec<String> =
        browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let request = axum::http::Request::get(format!("/console/live/feed?conversation={talk}&after=1"))
        .header("host", super::HOST)
        .header("cookie", cookies.join("; "))
        .body(axum::body::Body::empty())
        .unwrap();
    let response = browser.app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.headers().get("content-type").unwrap(), "text/event-stream");
    let mut stream = response.into_body().into_data_stream();
    let mut text = String::new();
    while !text.contains("data-seq=\"2\"") {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(!text.contains("data-seq=\"1\""), "what the page has is not sent again");
    house.visitor_writes(talk, "Ещё вопрос\r\n<b>").await;
    while !text.contains("event: inbox") {
        text.push_str(std::str::from_utf8(&stream.next().await.unwrap().unwrap()).unwrap());
    }
    assert!(
        text.contains("event: messages") && text.contains("id: 3") && text.contains("&lt;b&gt;"),
        "{text}"
    );
}

#[tokio::test]
async fn the_file_holds_what_the_list_shows_and_no_formula() {
    let house = House::lived_in().await;
    let mut browser = Browser::of(&house, "anna").await;
    let got = browser.get("/console/leads/file.csv").await;
    assert_eq!(got.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        got.header("content-disposition").contains("leads-avtograd-2026-12-04.csv"),
        "{}",
        got.header("content-disposition")
    );
    assert!(got.body.starts_with("\u{feff}Номер;"), "{}", got.body);
    let lines: Vec<&str> = got.body.trim_end().split("\r\n").collect();
    let shown = browser.get("/console/leads").await.body.matches("class=\"stretch\"").count();
    assert_eq!(lines.len() - 1, shown);
    assert!(got.body.contains("\"'=HYPERLINK(\"\"http://evil.example\"\")"), "{}", lines[1]);
    assert!(!got.body.contains(";=") && !got.body.contains(";+"));
    let found = browser.get("/console/leads/file.csv?state=needs_attention").await.body;
    let filtered =
        browser.get("/console/leads?state=needs_attention").await.body.matches("class=\"stretch\"").count();
    assert_eq!(found.trim_end().split("\r\n").count() - 1, filtered);
    assert!(filtered > 0 && filtered < shown);
}

#[tokio::test]
async fn pages_of_leads_follow_one_another_without_gaps() {
    let house = House::empty().await;
    for n in 0..120 {
        house.lead(house.client, house.site, n, None).await;
        house.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    let mut browser = Browser::of(&house, "anna").await;
    let (mut path, mut numbers) = ("/console/leads?intent=&q=".to_owned(), Vec::new());
    loop {
        let page = browser.get(&path).await.body;
        numbers.extend(
            page.split("data-says=\"№\">")
                .skip(1)
                .map(|rest| rest.split('<').next().unwrap().parse::<i64>().unwrap()),
        );
        let Some((before, _)) = page.split_once("\" rel=\"next\"") else { break };
        path = before.rsplit('"').next().unwrap().replace("&amp;", "&");
    }
    assert_eq!(numbers, (1..=120).rev().collect::<Vec<i64>>());
}

#[tokio::test]
async fn a_refused_delivery_is_sent_again_after_a_question() {
    let house = House::lived_in().await;
    let mut conn = house.platform.store.read().await.unwrap();
    let filter = ismart_store::leads::Filter { state: Some("needs_attention".into()), ..Default::default() };
    let lead = ismart_store::leads::list(&mut conn, house.client, &filter, 1).await.unwrap().remove(0);
    let stuck = deliveries::of_lead(&mut conn, house.client, lead.id).await.unwrap();
    let stuck = stuck.into_iter().find(|d| d.destination == "bitrix24").unwrap();
    let mut browser = Browser::of(&house, "owner").await;
    let path = format!("/console/deliveries/{}/send-again", stuck.id);
    let question = browser.get(&path).await;
    assert!(question.body.contains("Отправить 1 заявку"), "{}", question.body);
    let same = deliveries::get(&mut conn, house.client, stuck.id).await.unwrap().unwrap();
    assert_eq!(same.state, stuck.state, "asking changes nothing");
    let got = browser.post(&path, &[("csrf", &question.csrf())]).await;
    assert_eq!(got.header("location"), format!("/console/leads/{}#deliveries", lead.id));
    let after = deliveries::get(&mut conn, house.client, stuck.id).await.unwrap().unwrap();
    assert_eq!(after.state.code(), "verifying", "the destination is asked first");
    let log = events::of_lead(&mut conn, house.client, lead.id).await.unwrap();
    let kinds: Vec<_> = log.iter().rev().take(2).map(|line| line.event.body.kind()).collect();
    assert_eq!(kinds, ["delivery.decided", "delivery.changed"]);
}

#[tokio::test]
async fn the_worker_is_paused_and_resumed_with_a_record() {
    let house = House::empty().await;
    let mut browser = Browser::of(&house, "owner").await;
    let page = browser.get("/console/worker").await;
    assert!(
        page.body.contains("Вера") && page.body.contains("0.1.0") && page.body.contains("поиск по складу"),
        "{}",
        page.body
    );
    let csrf = page.csrf();
    let path = format!("/console/worker/{}/switch", house.site);
    for (wish, active) in [("0", false), ("0", false), ("1", true)] {
        assert_eq!(
            browser.post(&path, &[("csrf", &csrf), ("active", wish)]).await.header("location"),
            "/console/worker"
        );
        let mut conn = house.platform.store.read().await.unwrap();
        let found = conversations::worker_active(&mut conn, house.client, house.site, "lead-assistant")
            .await
            .unwrap();
        assert_eq!(found, active);
    }
    assert_eq!(browser.post(&path, &[("csrf", &csrf)]).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut conn = house.platform.store.read().await.unwrap();
    let log = events::after(&mut conn, house.client, 0, 100).await.unwrap();
    assert_eq!(
        log.iter().filter(|l| l.event.body.kind() == "worker.switched").count(),
        2,
        "no record without a change"
    );
}

//! Starter packs and scaffolds: from a brief to a sound site.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use ismart_domain::Env;
use ismart_domain::lead::ConsentPurpose;
use ismart_store::{Store, clients, leads};
use ismart_testing::Visitor;

use crate::server::{BINARY, Server, reqwest_client, root};

const PACKS: [&str; 2] = ["car-dealer", "real-estate"];

/// What a newcomer says of his company.
pub(crate) const BRIEF: &str = r##"
name = "Зенит"
full_name = "Компания «Зенит»"
legal_name = "ООО «Зенит-Холдинг»"
inn = "7707083893"
city = "Вологда"
city_in = "в Вологде"
address = "Окружное шоссе, д. 77"
postal_code = "160012"
phone = "+7 (8172) 30-40-50"
email = "hello@zenit.example"
founded = 1997
hours = "пн–пт 08:30–20:15, сб 10:00–18:00"
hosts = ["zenit.example"]
accent = "#c2410c"
metrika = 12345678
brands = ["Haval", "Chery"]
complexes = ["Кама парк", "Сосновый двор"]
"##;

fn ismart(folder: &Path, args: &[&str]) -> Output {
    Command::new(BINARY).args(args).current_dir(folder).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A folder with the brief and a site of each of these packs; the site is called like its pack.
fn made(packs: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for pack in packs {
        let brief = BRIEF.replace("zenit.example\"]", &format!("{pack}.example\"]"));
        std::fs::write(folder.path().join("brief.toml"), brief).unwrap();
        let out = ismart(folder.path(), &["site", "new", pack, "--vertical", pack, "--brief", "brief.toml"]);
        assert!(out.status.success(), "{}", said(&out));
    }
    folder
}

fn sound(folder: &Path) {
    let out = ismart(folder, &["check", "--strict"]);
    assert!(out.status.success() && said(&out).contains("no problems found"), "{}", said(&out));
}

/// Every text file of a folder.
fn texts(folder: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(texts(&path));
        } else if let Ok(text) = String::from_utf8(std::fs::read(&path).unwrap()) {
            found.insert(path, text);
        }
    }
    found
}

#[test]
fn a_brief_becomes_a_site_without_a_finding() {
    let folder = made(&PACKS);
    sound(folder.path());
}

#[test]
fn facts_of_the_brief_stand_once_and_those_of_the_example_nowhere() {
    let folder = made(&PACKS);
    for pack in PACKS {
        let files = texts(&folder.path().join("sites").join(pack));
        let all: String = files.values().map(String::as_str).collect();
        for fact in [
            "ООО «Зенит-Холдинг»",
            "7707083893",
            "Окружное шоссе, д. 77",
            "160012",
            "+7 (8172) 30-40-50",
            "hello@zenit.example",
            "08:30",
            "20:15",
            "1997",
            "в Вологде",
            "12345678",
        ] {
            // Fridays and Mondays share one rule of opening hours, so even an hour stands once.
            assert_eq!(all.matches(fact).count(), 1, "{pack}: {fact}");
        }
        let example =
            std::fs::read_to_string(root().join("verticals").join(pack).join("data/json/global.json"))
                .unwrap();
        let example: serde_json::Value = serde_json::from_str(&example).unwrap();
        for key in [
            "name",
            "legal_name",
            "inn",
            "locality",
            "locality_in",
            "street",
            "phone",
            "email",
            "privacy_email",
        ] {
            let theirs = example["business"][key].as_str().unwrap();
            let left: Vec<&PathBuf> =
                files.iter().filter(|(_, text)| text.contains(theirs)).map(|(path, _)| path).collect();
            assert!(left.is_empty(), "{pack}: {theirs} is still in {left:?}");
        }
        for drawing in ["data/img/logo.svg", "public/favicon.svg"] {
            assert!(
                files[&folder.path().join("sites").join(pack).join(drawing)].contains("#c2410c"),
                "{pack}: {drawing}"
            );
        }
        let config: toml::Table =
            files[&folder.path().join("sites").join(pack).join("config/site.toml")].parse().unwrap();
        assert_eq!(config["client"].as_str(), Some(pack));
        let hosts: Vec<&str> =
            config["hosts"].as_array().unwrap().iter().filter_map(|h| h.as_str()).collect();
        assert_eq!(hosts, [format!("{pack}.example"), format!("{pack}.localhost")]);
    }
    let estate = folder.path().join("sites/real-estate/data/json/ru");
    let mut complexes: Vec<String> = std::fs::read_dir(estate.join("complexes"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    complexes.sort();
    assert_eq!(complexes, ["kama-park.json", "sosnovyj-dvor.json"]);
    for (path, text) in texts(&estate.join("flats")) {
        assert!(
            text.contains("kama-park") || text.contains("sosnovyj-dvor"),
            "{} belongs to nothing",
            path.display()
        );
    }
}

#[test]
fn nothing_is_overwritten_and_a_bad_brief_makes_nothing() {
    let folder = made(&["car-dealer"]);
    let again = ["site", "new", "car-dealer", "--vertical", "car-dealer", "--brief", "brief.toml"];
    let out = ismart(folder.path(), &again);
    assert_eq!(out.status.code(), Some(1));
    assert!(said(&out).contains("is there already") && said(&out).contains("fix:"), "{}", said(&out));
    std::fs::write(
        folder.path().join("bad.toml"),
        "name = \"Зенит\"\ninn = \"1\"\nphone = \"x\"\ncolour = 1\n",
    )
    .unwrap();
    let bad =
        ["site", "new", "other", "--vertical", "car-dealer", "--brief", "bad.toml", "--host", "https://x"];
    let out = ismart(folder.path(), &bad);
    assert_eq!(out.status.code(), Some(1));
    for line in ["bad.toml:2", "bad.toml:3", "bad.toml:4", "`city` is missing", "--host"] {
        assert!(said(&out).contains(line), "{line}: {}", said(&out));
    }
    assert!(!folder.path().join("sites/other").exists() && !folder.path().join("sites/.other.part").exists());
    // Without a terminal there is nobody to ask.
    let out = ismart(folder.path(), &["site", "new", "other", "--vertical", "bakery"]);
    assert!(
        said(&out).contains("car-dealer, real-estate") && said(&out).contains("--example"),
        "{}",
        said(&out)
    );
    let out = ismart(folder.path(), &["site", "new", "--example"]);
    std::fs::write(folder.path().join("example.toml"), &out.stdout).unwrap();
    let example = ["site", "new", "other", "--vertical", "real-estate", "--brief", "example.toml"];
    assert!(ismart(folder.path(), &example).status.success(), "the printed example is a brief");
}

#[test]
fn a_feed_of_the_company_becomes_its_stock() {
    let folder = tempfile::tempdir().unwrap();
    let stock = std::fs::read_to_string(root().join("verticals/car-dealer/data/feeds/stock.xml")).unwrap();
    let one = format!("{}</car>\n  </cars>\n</data>\n", stock.split("</car>").next().unwrap());
    std::fs::write(folder.path().join("cars.xml"), one).unwrap();
    std::fs::write(folder.path().join("brief.toml"), format!("{BRIEF}feed = \"cars.xml\"\n")).unwrap();
    let new =
        ["site", "new", "zenit", "--vertical", "car-dealer", "--brief", "brief.toml", "--to", "made/here"];
    let out = ismart(folder.path(), &new);
    assert!(out.status.success() && said(&out).contains("The stock has 1 car"), "{}", said(&out));
    let kept = std::fs::read_to_string(folder.path().join("made/here/data/feeds/stock.xml")).unwrap();
    assert_eq!(kept.matches("</car>").count(), 1);
    for (feed, reason) in [("nowhere.xml", "os error"), ("brief.toml", "feed brief.toml")] {
        std::fs::write(folder.path().join("bad.toml"), format!("{BRIEF}feed = \"{feed}\"\n")).unwrap();
        let out =
            ismart(folder.path(), &["site", "new", "bad", "--vertical", "car-dealer", "--brief", "bad.toml"]);
        assert_eq!(out.status.code(), Some(1), "{feed}");
        assert!(said(&out).contains(reason), "{feed}: {}", said(&out));
    }
    assert!(!folder.path().join("sites/bad").exists());
}

#[test]
fn what_is_added_is_sound_and_nothing_is_overwritten() {
    let folder = made(&PACKS);
    for pack in PACKS {
        let site = format!("sites/{pack}");
        let add = |args: &[&str]| {
            let all: Vec<&str> =
                ["site", "add"].iter().chain(args).chain(&["--site", &site]).copied().collect();
            ismart(folder.path(), &all)
        };
        for args in [
            &["page", "vacancies", "--title", "Вакансии", "--nav"][..],
            &["collection", "news", "--title", "Новости"],
            &["section", "promise", "--page", "about"],
            &["section", "quote"],
            &["component", "note"],
        ] {
            let out = add(args);
            assert!(out.status.success(), "{args:?}: {}", said(&out));
            assert!(!add(args).status.success(), "{args:?} a second time");
        }
        for args in [
            &["page", "../x"][..],
            &["page", "Имя"],
            &["section", "zz", "--page", "nope"],
            &["collection", "offers"],
        ] {
            let out = add(args);
            assert_eq!(out.status.code(), Some(1), "{args:?}");
            assert!(said(&out).contains("fix:"), "{args:?}: {}", said(&out));
        }
        let global =
            std::fs::read_to_string(folder.path().join(&site).join("data/json/global.json")).unwrap();
        assert!(global.contains("\"/vacancies\"") && global.contains("\"/en/vacancies\""));
    }
    sound(folder.path());
    let out = ismart(folder.path(), &["site", "add", "page", "x", "--site", "nowhere"]);
    assert!(!out.status.success() && said(&out).contains("--site"), "{}", said(&out));
}

/// What a browser without a script sends.
fn urlencoded(fields: &[(&str, &str)]) -> String {
    let encode = |text: &str| -> String {
        let byte =
            |b: u8| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
    pairs.join("&")
}

/// How many cards a list shows, and what it says of their number.
async fn list(server: &Server, host: &str, path: &str) -> (usize, String) {
    let client = reqwest_client();
    let answer = client.get(format!("{}{path}", server.base)).header("host", host).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    let html = answer.text().await.unwrap();
    let count =
        html.split("stock__count").nth(1).and_then(|rest| rest.split("</p>").next()).unwrap_or_default();
    let plain: String = count.chars().filter(|c| c.is_ascii_digit() || *c == ' ').collect();
    let list = html.split("data-stock-result").nth(1).unwrap_or_default();
    (list.matches("class=\"card ").count(), plain.split_whitespace().collect::<Vec<_>>().join("/"))
}

#[tokio::test]
async fn lists_are_narrowed_by_links_and_forms_are_sent_without_a_script() {
    let folder = made(&PACKS);
    let server = Server::start(folder.path()).await;
    let (cars, homes) = ("car-dealer.localhost", "real-estate.localhost");
    // A page that was kept ready must not answer for another question.
    for _ in 0..2 {
        assert_eq!(list(&server, cars, "/cars").await, (24, "52/52".to_owned()));
        let (shown, count) = list(&server, cars, "/cars?brand=Kia&sort=cheap").await;
        assert!(shown > 0 && shown < 24 && count == format!("{shown}/52"), "{shown} {count}");
        assert_eq!(list(&server, cars, "/cars?page=3").await, (4, "52/52".to_owned()));
        assert_eq!(list(&server, cars, "/cars?q=%3Cscript%3E").await, (0, "0/52".to_owned()));
    }
    let (all, count) = list(&server, homes, "/flats?page=1").await;
    let total = count.split('/').next().unwrap().to_owned();
    assert!(all > 0, "{count}");
    let (two, count) = list(&server, homes, "/flats?rooms=2&complex=kama-park&max=99%20000%20000").await;
    assert!(two > 0 && two < all && count == format!("{two}/{total}"), "{two} of {all}: {count}");

    let client = reqwest_client();
    let token =
        client.get(format!("{}/api/form-token", server.base)).header("host", homes).send().await.unwrap();
    let token: serde_json::Value = token.json().await.unwrap();
    let wait = token["min_age"].as_u64().unwrap();
    tokio::time::sleep(Duration::from_millis(wait * 1000 + 1000)).await;
    let token = token["token"].as_str().unwrap();
    for (phone, marketing) in [("+7 900 000-00-01", None), ("+7 900 000-00-02", Some("on"))] {
        let mut fields = vec![
            ("name", "Иван"),
            ("phone", phone),
            ("policy", "on"),
            ("form_name", "callback"),
            ("form_token", token),
            ("page_url", "/contacts"),
        ];
        fields.extend(marketing.map(|on| ("marketing", on)));
        let sent = client
            .post(format!("{}/api/send", server.base))
            .header("host", homes)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(urlencoded(&fields))
            .send()
            .await
            .unwrap();
        assert!(sent.status().is_redirection() || sent.status().is_success(), "{}", sent.status());
    }
    drop(server);
    let store = Store::open_sqlite(&folder.path().join("ismart.db"), Env::system()).await.unwrap();
    let all = clients::list(&mut store.read().await.unwrap()).await.unwrap();
    let client = all.iter().find(|client| client.slug == "real-estate").unwrap().id;
    let mut found: Vec<Vec<ConsentPurpose>> = Vec::new();
    for lead in
        leads::list(&mut store.read().await.unwrap(), client, &leads::Filter::default(), 10).await.unwrap()
    {
        let consents = leads::consents(&mut store.read().await.unwrap(), client, lead.id).await.unwrap();
        let told = consents.iter().find(|c| c.draft.purpose == ConsentPurpose::Marketing);
        assert!(told.is_none_or(
            |c| c.draft.text.contains("рекламные сообщения") && c.draft.url == "/consent-marketing"
        ));
        let mut purposes: Vec<ConsentPurpose> =
            consents.iter().map(|consent| consent.draft.purpose).collect();
        purposes.sort_by_key(|purpose| purpose.code());
        found.push(purposes);
    }
    found.sort_by_key(Vec::len);
    assert_eq!(
        found,
        [vec![ConsentPurpose::Processing], vec![ConsentPurpose::Marketing, ConsentPurpose::Processing]]
    );
    store.close().await;
}

#[tokio::test]
async fn the_worker_of_homes_answers_from_the_site_and_takes_requests() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("brief.toml"), BRIEF).unwrap();
    let new =
        ["site", "new", "homes", "--vertical", "real-estate", "--brief", "brief.toml", "--host", "127.0.0.1"];
    let out = ismart(folder.path(), &new);
    assert!(out.status.success(), "{}", said(&out));
    let server = Server::start(folder.path()).await;
    let client = reqwest_client();
    for (question, words) in [
        ("Здравствуйте", &["помощник застройщика"][..]),
        ("До скольки вы работаете?", &["20:15"]),
        ("Где вы находитесь?", &["Окружное шоссе"]),
        ("Какая ставка по семейной ипотеке?", &["6 %", "На нашем сайте сказано"]),
        ("Что такое эскроу?", &["банк"]),
        ("Можно ли погасить досрочно?", &["без комиссий"]),
        ("Хочу записаться на показ", &["Когда вам удобно"]),
        ("Есть двушки до 9 млн?", &["Квартиры"]),
        ("Позовите менеджера", &["Позвала"]),
        ("Какая завтра погода?", &["что вас интересует"]),
    ] {
        let visitor = Visitor::arrive(&client, &server.base, "/", None).await.unwrap();
        let mut follower = visitor.follow(visitor.last).await.unwrap();
        let seq = visitor.say(question).await.unwrap();
        let reply = follower.reply(seq).await.unwrap().data["text"].as_str().unwrap_or_default().to_owned();
        for word in words {
            assert!(reply.contains(word), "{question} → {reply}");
        }
        for strange in ["автомоб", "тест-драйв", "салон"] {
            assert!(!reply.to_lowercase().contains(strange), "{question} → {reply}");
        }
    }
    let visitor = Visitor::arrive(&client, &server.base, "/mortgage", None).await.unwrap();
    let mut follower = visitor.follow(visitor.last).await.unwrap();
    for (said, words) in [
        ("Рассчитайте ипотеку", "стоимость квартиры"),
        ("8 млн", "первый взнос"),
        ("2 млн", "Примерный платёж"),
        ("да", "Как к вам обращаться"),
    ] {
        let seq = visitor.say(said).await.unwrap();
        let mut texts = String::new();
        while !texts.contains(words) {
            let reply = tokio::time::timeout(Duration::from_secs(60), follower.reply(seq)).await;
            let reply = reply.unwrap_or_else(|_| panic!("{said} → {texts}")).unwrap();
            texts.push_str(reply.data["text"].as_str().unwrap_or_default());
        }
    }
}

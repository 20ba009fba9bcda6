//! Programs as editors: what they make, take away, prepare and publish.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ALL, CONFIG, Got, House};

const SITE: &str = "/api/v1/sites/avtograd";

impl House {
    async fn write(&self, method: Method, path: &str, key: &str, tag: &str, body: Option<Value>) -> Got {
        let more: Vec<(&str, &str)> = if tag.is_empty() { vec![] } else { vec![("if-match", tag)] };
        self.call(method, &format!("{SITE}{path}"), key, &more, body).await
    }

    async fn read(&self, path: &str, key: &str) -> Got {
        self.call(Method::GET, &format!("{SITE}{path}"), key, &[], None).await
    }

    /// What a visitor of the site gets.
    async fn visit(&self, path: &str) -> (StatusCode, String) {
        let request =
            self.client.get(format!("{}{path}", self.server.base)).header("host", "avtograd.localhost");
        let answer = request.send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }
}

fn code(got: &Got) -> (u16, String) {
    (got.status.as_u16(), got.json()["code"].as_str().unwrap_or_default().to_owned())
}

/// A page as the site's own are, that nothing is wrong with.
fn page(title: &str) -> Value {
    json!({
        "name": "promo",
        "title": title,
        "sections": [{
            "name": "page-head",
            "visible": true,
            "data": { "title": title, "text": "Условия действуют до конца месяца." },
        }],
    })
}

fn seo(title: &str) -> Value {
    json!({
        "name": "promo",
        "title": format!("{title} — условия и сроки"),
        "meta": [
            { "name": "description", "content": "Условия весенней акции: сроки, цены и порядок записи в отделе продаж." },
        ],
    })
}

#[tokio::test]
async fn pages_are_made_and_taken_away() {
    let house = House::open(CONFIG).await;
    let key = house.key("ours", &ALL, None).await;
    let reader = house.key("ours", &["content:read"], None).await;
    let new = json!({ "id": "promo", "content": page("Весенняя акция"), "seo": seo("Весенняя акция"), "reason": "test" });
    let refused = house.write(Method::POST, "/pages", &reader, "", Some(new.clone())).await;
    assert_eq!(code(&refused), (403, "scope".into()));
    assert_eq!(house.visit("/promo").await.0, StatusCode::NOT_FOUND);
    let made = house.write(Method::POST, "/pages", &key, "", Some(new.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert!(made.json()["revision"].as_i64().unwrap() > 0);
    let place = made.header("location").to_owned();
    assert_eq!(place, format!("{SITE}/pages/promo?language=ru"));
    let (status, html) = house.visit("/promo").await;
    assert!(status == StatusCode::OK && html.contains("Весенняя акция"), "{status}");
    let read = house.call(Method::GET, &place, &key, &[], None).await;
    assert_eq!(made.json()["etag"], read.header("etag"), "the answer tells the tag for the next change");
    assert_eq!(read.json()["content"], page("Весенняя акция"));
    assert_eq!(house.read("/pages/promo/seo", &key).await.json()["content"], seo("Весенняя акция"));
    let again = house.write(Method::POST, "/pages", &key, "", Some(new)).await;
    assert_eq!(code(&again), (409, "exists".into()));
    // Names that could leave the folder, or that no address can have.
    for id in ["", "..", "a/b", "../x", "Promo", "a b", "акция", &"x".repeat(81)] {
        let body = json!({ "id": id, "content": page("x") });
        let got = house.write(Method::POST, "/pages", &key, "", Some(body)).await;
        assert_eq!(code(&got), (422, "name".into()), "{id}: {}", got.text);
    }
    let got = house
        .write(Method::POST, "/pages?language=de", &key, "", Some(json!({ "id": "x", "content": {} })))
        .await;
    assert_eq!(code(&got), (404, "language".into()));
    // What visitors could not be shown is held, and leaves nothing behind.
    let bad =
        json!({ "name": "bad", "sections": [{ "name": "no-such-section", "visible": true, "data": {} }] });
    let got =
        house.write(Method::POST, "/pages", &key, "", Some(json!({ "id": "bad", "content": bad }))).await;
    assert_eq!(code(&got), (422, "held".into()), "{}", got.text);
    assert_eq!(house.read("/pages/bad", &key).await.status, StatusCode::NOT_FOUND);
    // Taking away.
    let tag = read.header("etag").to_owned();
    for (tag, wanted) in [("", (400, "if_match")), ("\"old\"", (412, "changed")), ("*", (412, "changed"))] {
        let got = house.write(Method::DELETE, "/pages/promo", &key, tag, None).await;
        assert_eq!(code(&got), (wanted.0, wanted.1.into()), "{tag}");
    }
    let gone = house.write(Method::DELETE, "/pages/promo?reason=test", &key, &tag, None).await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.text);
    assert_eq!(
        (&gone.json()["etag"], &gone.json()["file"]),
        (&Value::Null, &json!("data/json/ru/pages/promo.json"))
    );
    assert_eq!(house.visit("/promo").await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.read("/pages/promo/seo", &key).await.status, StatusCode::NOT_FOUND);
    let got = house.write(Method::DELETE, "/pages/promo", &key, &tag, None).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND);
    // A page that others lead to is not taken away: their links would lead nowhere.
    let tag = house.read("/pages/credit", &key).await.header("etag").to_owned();
    let held = house.write(Method::DELETE, "/pages/credit?reason=test", &key, &tag, None).await;
    assert_eq!(code(&held), (422, "held".into()), "{}", held.text);
    assert_eq!(house.visit("/credit").await.0, StatusCode::OK);
}

#[tokio::test]
async fn entities_and_sections_are_made_and_taken_away() {
    let house = House::open(CONFIG).await;
    let key = house.key("ours", &ALL, None).await;
    let model = house.read("/collections/offers/entities/rassrochka-0", &key).await.json()["content"].clone();
    let mut content = model;
    content["offer"]["title"] = json!("Новая акция салона");
    content["offer"]["slug"] = json!("new-offer");
    let new = json!({ "slug": "new-offer", "content": content, "reason": "test" });
    let made = house.write(Method::POST, "/collections/offers/entities", &key, "", Some(new.clone())).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let read = house.call(Method::GET, made.header("location"), &key, &[], None).await;
    assert_eq!(read.status, StatusCode::OK, "{}", read.text);
    assert_eq!(made.json()["etag"], read.header("etag"));
    let path = read.json()["path"].as_str().unwrap().to_owned();
    assert!(house.visit(&path).await.1.contains("Новая акция салона"));
    assert!(house.visit("/offers").await.1.contains("Новая акция салона"), "the list has it");
    let again = house.write(Method::POST, "/collections/offers/entities", &key, "", Some(new)).await;
    assert_eq!(code(&again), (409, "exists".into()));
    let fed = json!({ "slug": "car", "content": {} });
    let got = house.write(Method::POST, "/collections/cars/entities", &key, "", Some(fed.clone())).await;
    assert_eq!(code(&got), (409, "feed".into()));
    let got = house.write(Method::POST, "/collections/none/entities", &key, "", Some(fed)).await;
    assert_eq!(code(&got), (404, "collection".into()));
    let tag = read.header("etag").to_owned();
    let gone = house
        .write(Method::DELETE, "/collections/offers/entities/new-offer?reason=test", &key, &tag, None)
        .await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.text);
    assert_eq!(house.visit(&path).await.0, StatusCode::NOT_FOUND);
    // Sections: their places are told by the page's tag.
    let page = house.read("/pages/contacts", &key).await;
    let tag = page.header("etag").to_owned();
    let before = page.json()["content"]["sections"].as_array().unwrap().len();
    let section = json!({ "name": "page-head", "data": { "title": "Отдел запчастей", "text": "Первый этаж." }, "index": 1, "reason": "test" });
    let got =
        house.write(Method::POST, "/pages/contacts/sections", &key, "\"old\"", Some(section.clone())).await;
    assert_eq!(code(&got), (412, "changed".into()));
    let far = json!({ "name": "text", "data": {}, "index": before + 1 });
    let got = house.write(Method::POST, "/pages/contacts/sections", &key, &tag, Some(far)).await;
    assert_eq!(got.status, StatusCode::NOT_FOUND, "{}", got.text);
    let made = house.write(Method::POST, "/pages/contacts/sections", &key, &tag, Some(section)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let now = house.read("/pages/contacts", &key).await;
    assert_eq!(now.json()["content"]["sections"][1]["data"]["title"], "Отдел запчастей");
    assert_eq!(made.json()["etag"], now.header("etag"));
    assert!(house.visit("/contacts").await.1.contains("Отдел запчастей"));
    for place in ["99", "x", "-1", "00000"] {
        let path = format!("/pages/contacts/sections/{place}");
        let got = house.write(Method::DELETE, &path, &key, now.header("etag"), None).await;
        assert_eq!(got.status, StatusCode::NOT_FOUND, "{place}: {}", got.text);
    }
    let path = "/pages/contacts/sections/1?reason=test";
    let gone = house.write(Method::DELETE, path, &key, now.header("etag"), None).await;
    assert_eq!(gone.status, StatusCode::OK, "{}", gone.text);
    assert_eq!(gone.json()["etag"], tag.as_str(), "the page is as it was");
}

#[tokio::test]
async fn a_key_prepares_a_draft_of_its_own() {
    let house = House::open(CONFIG).await;
    let (key, other) = (house.key("ours", &ALL, None).await, house.key("ours", &ALL, None).await);
    let path = "/pages/contacts";
    let live = house.read(path, &key).await;
    let mut content = live.json()["content"].clone();
    content["sections"][0]["data"]["title"] = json!("Заголовок черновика");
    let body = |content: &Value| Some(json!({ "content": content, "message": "draft" }));
    let draft = format!("{path}?draft=true");
    let done = house.write(Method::PUT, &draft, &key, live.header("etag"), body(&content)).await;
    assert_eq!((done.status, &done.json()["revision"]), (StatusCode::OK, &Value::Null), "{}", done.text);
    // Visitors, people and other keys have what they had.
    assert!(!house.visit("/contacts").await.1.contains("Заголовок черновика"));
    assert_eq!(house.read(path, &key).await.header("etag"), live.header("etag"));
    assert_eq!(house.read(&draft, &other).await.header("etag"), live.header("etag"));
    assert!(house.read("/draft", &other).await.json()["files"].as_array().unwrap().is_empty());
    let mine = house.read(&draft, &key).await;
    assert_eq!(mine.json()["content"], content);
    assert_eq!(done.json()["etag"], mine.header("etag"));
    // The draft has a tag of its own: the live one is old there.
    let got = house.write(Method::PUT, &draft, &key, live.header("etag"), body(&content)).await;
    assert_eq!(code(&got), (412, "changed".into()));
    let new = json!({ "id": "promo", "content": page("Акция"), "seo": seo("Акция") });
    let made = house.write(Method::POST, "/pages?draft=true", &key, "", Some(new)).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let files = house.read("/draft", &key).await.json()["files"].clone();
    let told: Vec<(&str, &str)> = files
        .as_array()
        .unwrap()
        .iter()
        .map(|f| (f["file"].as_str().unwrap(), f["deed"].as_str().unwrap()))
        .collect();
    assert_eq!(
        told,
        [
            ("data/json/ru/pages/contacts.json", "changed"),
            ("data/json/ru/pages/promo.json", "made"),
            ("data/json/ru/seo/promo.json", "made"),
        ]
    );
    assert_eq!(files[0]["differences"][0]["pointer"], "/sections/0/data/title");
    // By link, without signing in; and not after it was closed.
    let document = house.read("/pages/promo/document.html?draft=true", &key).await;
    assert!(document.text.contains("Акция"), "{}", document.text);
    let link = house.write(Method::POST, "/draft/links", &key, "", None).await;
    assert_eq!(link.status, StatusCode::CREATED, "{}", link.text);
    let url = link.json()["url"].as_str().unwrap().to_owned();
    let seen = house.client.get(format!("{url}contacts")).send().await.unwrap();
    assert!(seen.text().await.unwrap().contains("Заголовок черновика"));
    let closed = house.write(Method::DELETE, "/draft/links", &key, "", None).await;
    assert_eq!(closed.status, StatusCode::NO_CONTENT);
    assert_eq!(house.client.get(&url).send().await.unwrap().status(), StatusCode::NOT_FOUND);
    // Beside the draft the same key changes the live page; the draft takes it in, field by field.
    let mut direct = live.json()["content"].clone();
    direct["title"] = json!("Контакты, второй заголовок");
    let body = json!({ "content": direct, "reason": "test" });
    let done = house.write(Method::PUT, path, &key, live.header("etag"), Some(body)).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let merged = house.read(&draft, &key).await.json()["content"].clone();
    assert_eq!(merged["title"], "Контакты, второй заголовок");
    assert_eq!(merged["sections"][0]["data"]["title"], "Заголовок черновика");
    // Publishing: the verdict first, one file alone, then the rest.
    let verdict = house.read("/draft/verdict", &key).await.json();
    assert!(["open", "reason"].contains(&verdict["verdict"].as_str().unwrap()), "{verdict}");
    let publish = |body: Value| house.write(Method::POST, "/draft/publication", &key, "", Some(body));
    let got = publish(json!({ "files": ["data/json/global.json"] })).await;
    assert_eq!(code(&got), (422, "files".into()));
    let one = publish(json!({ "files": ["data/json/ru/pages/contacts.json"], "reason": "test" })).await;
    assert_eq!(one.status, StatusCode::OK, "{}", one.text);
    assert!(house.visit("/contacts").await.1.contains("Заголовок черновика"));
    assert_eq!(house.visit("/promo").await.0, StatusCode::NOT_FOUND);
    let rest = publish(json!({ "reason": "test", "message": "весна" })).await;
    assert_eq!(rest.status, StatusCode::OK, "{}", rest.text);
    assert_eq!(rest.json()["files"], json!(["data/json/ru/pages/promo.json", "data/json/ru/seo/promo.json"]));
    assert!(house.visit("/promo").await.1.contains("Акция"));
    let got = publish(json!({})).await;
    assert_eq!(code(&got), (409, "nothing".into()));
}

#[tokio::test]
async fn a_draft_meets_what_others_published() {
    let house = House::open(CONFIG).await;
    let (key, other) = (house.key("ours", &ALL, None).await, house.key("ours", &ALL, None).await);
    let live = house.read("/pages/contacts", &key).await;
    let with = |title: &str| {
        let mut content = live.json()["content"].clone();
        content["sections"][0]["data"]["title"] = json!(title);
        Some(json!({ "content": content, "reason": "test" }))
    };
    let tag = live.header("etag");
    house.write(Method::PUT, "/pages/contacts?draft=true", &key, tag, with("Мой")).await;
    let done = house.write(Method::PUT, "/pages/contacts", &other, tag, with("Чужой")).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.text);
    let publish = |body: Value| house.write(Method::POST, "/draft/publication", &key, "", Some(body));
    let got = publish(json!({ "reason": "test" })).await;
    assert_eq!(code(&got), (409, "conflicts".into()), "{}", got.text);
    let conflict = house.read("/draft", &key).await.json()["files"][0]["conflicts"][0].clone();
    assert_eq!((&conflict["mine"], &conflict["theirs"]), (&json!("Мой"), &json!("Чужой")));
    assert!(house.visit("/contacts").await.1.contains("Чужой"));
    let got = publish(json!({ "reason": "test", "mine_stand": true })).await;
    assert_eq!(got.status, StatusCode::OK, "{}", got.text);
    assert!(house.visit("/contacts").await.1.contains("Мой"));
    // What would make the site unusable does not get into a draft; what is discarded is gone.
    let tag = house.read("/facts", &key).await.header("etag").to_owned();
    let facts =
        house.write(Method::PUT, "/facts?draft=true", &key, &tag, Some(json!({ "content": {} }))).await;
    assert_eq!(facts.status, StatusCode::OK, "{}", facts.text);
    let verdict = house.read("/draft/verdict", &key).await.json();
    assert_eq!(verdict["verdict"], "closed", "{verdict}");
    assert!(verdict["findings"].as_array().unwrap().iter().any(|found| found["blocking"] == true));
    assert_eq!(publish(json!({ "reason": "test" })).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = house.write(Method::DELETE, "/draft?file=data/json/global.json", &key, "", None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert!(house.read("/draft", &key).await.json()["files"].as_array().unwrap().is_empty());
}

/// Many programs at once that all read the same state: one of them changes it, the others hear that it was changed.
#[tokio::test]
async fn of_changes_at_one_moment_none_is_lost() {
    let house = House::open(CONFIG).await;
    let key = house.key("ours", &ALL, None).await;
    for into in ["", "?draft=true"] {
        let path = format!("/pages/contacts{into}");
        let read = house.read(&path, &key).await;
        let mut content = read.json()["content"].clone();
        content["counted"] = json!(0);
        let set = house
            .write(
                Method::PUT,
                &path,
                &key,
                read.header("etag"),
                Some(json!({ "content": content, "reason": "test" })),
            )
            .await;
        assert_eq!(set.status, StatusCode::OK, "{}", set.text);
        let raise = |_| async {
            let mut done = 0;
            for _ in 0..4 {
                let read = house.read(&path, &key).await;
                let mut content = read.json()["content"].clone();
                content["counted"] = json!(content["counted"].as_i64().unwrap() + 1);
                let body = json!({ "content": content, "reason": "test" });
                let got = house.write(Method::PUT, &path, &key, read.header("etag"), Some(body)).await;
                match got.status {
                    StatusCode::OK => done += 1,
                    StatusCode::PRECONDITION_FAILED => {}
                    other => panic!("{other}: {}", got.text),
                }
            }
            done
        };
        let done: i64 = super::futures((0..6).map(raise)).await.into_iter().sum();
        let counted = house.read(&path, &key).await.json()["content"]["counted"].as_i64().unwrap();
        assert_eq!(counted, done, "every change that was answered with success is there{into}");
        assert!(done >= 4, "{done}");
    }
}

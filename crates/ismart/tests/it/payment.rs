//! Tickets are paid online: the real server, a bank's emulator, and everything that can go wrong between them.

use std::path::Path;
use std::time::{Duration, Instant};

use ismart_domain::payment::{Order, OrderState};
use ismart_domain::{Env, Money};
use ismart_emulators::rbs::{Bank, BankHandle, Mood, OrderStatus};
use ismart_store::{Store, clients, leads, orders};
use reqwest::{Client, Response};
use serde_json::{Value, json};

use crate::server::{Server, form_token, free_port, reqwest_client};

const PASSWORD: &str = "hushpassword";
const KEY: &str = "hushkey";

/// A club that sells tickets, its bank, and the server between them.
struct Club {
    bank: BankHandle,
    server: Server,
    data: tempfile::TempDir,
    port: u16,
    http: Client,
    token: String,
}

fn write(folder: &Path, file: &str, text: &str) {
    let path = folder.join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn site(folder: &Path, payment: &str) {
    let config = format!(
        "client = \"club\"\nname = \"Клуб\"\nhosts = [\"127.0.0.1\"]\ntrailing_slash = \"never\"\n\
         [route_map]\nevents = \"events-list\"\n{payment}\n[legacy]\ngeneration = \"gen3\"\npayment = true\n\
         [collections.events]\ndata_dir = \"events\"\nitem_key = \"event\"\nnav_slug = \"events\"\n\
         list_page_id = \"events-list\"\nextras_key = \"event\"\ntemplate = \"pages/event.twig\"\n\
         entity_url_pattern = \"/events/{{slug}}\"\n"
    );
    write(folder, "config/site.toml", &config);
    write(folder, "data/json/global.json", "{\"lang\": [{\"code\": \"ru\"}]}");
    write(folder, "data/json/ru/pages/index.json", "{\"sections\": []}");
    write(folder, "data/json/ru/pages/404.json", "{\"sections\": []}");
    write(folder, "data/json/ru/pages/events.json", "{\"items\": [\"dinner\", \"wine\", \"talk\"]}");
    write(folder, "data/json/ru/pages/events-list.json", "{\"sections\": []}");
    for (slug, more) in [
        ("dinner", "\"price\": 6500, \"seatsLeft\": 12"),
        ("wine", "\"price\": \"1999.99\", \"seatsLeft\": 2"),
        ("talk", "\"seatsLeft\": null"),
        ("past", "\"price\": 100, \"seatsLeft\": 0"),
    ] {
        let event = format!(
            "{{\"slug\": \"{slug}\", \"event\": {{\"title\": \"Событие {slug}\", {more}, \
             \"date\": {{\"day\": \"15\", \"month\": \"августа\", \"time\": \"19:00\"}}}}}}"
        );
        write(folder, &format!("data/json/ru/events/{slug}.json"), &event);
    }
    let hidden = "{\"slug\": \"hidden\", \"visible\": false, \"event\": {\"price\": 10}}";
    write(folder, "data/json/ru/events/hidden.json", hidden);
    let page = "<!doctype html><title>{{ page_id }}</title>";
    write(folder, "templates/pages/page.twig", page);
    let event = "<!doctype html><title>{{ event.event.title }}</title><p>мест: {{ event.event.seatsLeft }}</p>\
                 {% if payment_enabled %}<form method=\"post\" action=\"/api/pay\" id=\"pay\"><input name=\"slug\"></form>{% endif %}";
    write(folder, "templates/pages/event.twig", event);
}

impl Club {
    async fn open() -> Self {
        let bank = Bank::new("shop-api", PASSWORD).callback_key(KEY).start().await.unwrap();
        let port = free_port();
        let payment = format!(
            "[payment]\nbank = \"alfa\"\napi_url = \"{}\"\nusername = \"shop-api\"\n\
             password = {{ file = \"config/secrets/payment_password\" }}\ncallback_token = \"{KEY}\"\n\
             return_base = \"http://127.0.0.1:{port}\"\n",
            bank.api_url()
        );
        bank.report_to(&format!("http://127.0.0.1:{port}/pay/callback"));
        Self::over(bank, port, &payment).await
    }

    async fn over(bank: BankHandle, port: u16, payment: &str) -> Self {
        let data = tempfile::tempdir().unwrap();
        site(&data.path().join("sites/club"), payment);
        write(&data.path().join("sites/club"), "config/secrets/payment_password", PASSWORD);
        let config = "[http]\nallow_loopback = true\nper_minute = 100000\n[log]\nfilter = \"error\"\n\
                      [[client]]\nslug = \"club\"\nname = \"Клуб\"\n";
        write(data.path(), "ismart.toml", config);
        let server = Server::spawn(data.path(), port);
        server.healthy().await;
        let http = reqwest_client();
        let token = form_token(&http, &server.base).await;
        Self { bank, server, data, port, http, token }
    }

    fn fields(&self, slug: &str, tickets: u32) -> Value {
        json!({
            "slug": slug, "tickets": tickets.to_string(), "name": "Анна", "email": "anna@mail.ru",
            "phone": "+7 (910) 123-45-67", "policy": "on", "form_token": self.token,
        })
    }

    /// Sends the form as a script does.
    async fn ask(&self, fields: &Value) -> (u16, Value) {
        let request =
            self.http.post(format!("{}/api/pay", self.server.base)).header("accept", "application/json");
        let answer = request.json(fields).send().await.unwrap();
        let status = answer.status().as_u16();
        (status, answer.json().await.unwrap())
    }

    /// Orders tickets; gives the number.
    async fn order(&self, slug: &str, tickets: u32) -> String {
        let (status, answer) = self.ask(&self.fields(slug, tickets)).await;
        assert_eq!((status, &answer["success"]), (200, &json!(true)), "{answer}");
        answer["order_id"].as_str().unwrap().to_owned()
    }

    /// Sends the form as a browser does; gives where it is led.
    async fn submit(&self, fields: &Value) -> (u16, String) {
        let pairs: Vec<(String, String)> = fields
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
            .collect();
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = self.http.post(format!("{}/api/pay", self.server.base)).header("accept", "text/html");
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        led(&request.send().await.unwrap())
    }

    async fn get(&self, path: &str) -> Response {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.server.base) };
        self.http.get(url).send().await.unwrap()
    }

    /// The person comes back by this address; gives where he is led.
    async fn back(&self, url: &str) -> String {
        let (status, to) = led(&self.get(url).await);
        assert_eq!(status, 303, "{to}");
        to
    }

    async fn text(&self, path: &str) -> (u16, String) {
        let answer = self.get(path).await;
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    /// Waits until the page says so.
    async fn until_page(&self, path: &str, part: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let (_, page) = self.text(path).await;
            if page.contains(part) {
                return;
            }
            assert!(Instant::now() < deadline, "the page never says `{part}`: {page}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until the order is as expected to whoever comes back with it, the bank being what it is.
    async fn until_back(&self, number: &str, outcome: &str) {
        let deadline = Instant::now() + Duration::from_secs(90);
        loop {
            let to = self.back(&format!("/pay/return?order={number}")).await;
            if to.contains(outcome) {
                return;
            }
            assert!(Instant::now() < deadline, "the order never becomes {outcome}: {to}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ends the server and reads what it wrote: orders, and the comments of leads.
    async fn close(mut self) -> (Vec<Order>, Vec<ismart_domain::lead::Lead>) {
        self.server.kill();
        let store = Store::open_sqlite(&self.data.path().join("ismart.db"), Env::system()).await.unwrap();
        let mut conn = store.read().await.unwrap();
        let client = clients::list(&mut conn).await.unwrap()[0].id;
        let site = clients::sites(&mut conn, client).await.unwrap()[0].id;
        let all = orders::list(&mut conn, client, Some(site), None, None, 100).await.unwrap();
        let leads = leads::list(&mut conn, client, &leads::Filter::default(), 100).await.unwrap();
        (all, leads)
    }
}

fn led(answer: &Response) -> (u16, String) {
    let to = answer.headers().get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
    (answer.status().as_u16(), to.to_owned())
}

#[tokio::test]
async fn p1_a_ticket_is_paid_and_becomes_one_lead() {
    let club = Club::open().await;
    let page = club.get("/events/dinner").await;
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    let bank_at = club.bank.api_url().trim_end_matches("/payment/rest").to_owned();
    assert!(policy.contains(&format!("form-action 'self' {bank_at}")), "{policy}");
    let html = page.text().await.unwrap();
    assert!(html.contains("<input type=\"hidden\" name=\"form_token\" value=\""), "{html}");
    assert!(html.contains("мест: 12"), "{html}");
    let list = club.get("/events").await;
    assert!(!list.headers()["content-security-policy"].to_str().unwrap().contains(&bank_at));

    let (status, to) = club.submit(&club.fields("dinner", 2)).await;
    assert_eq!(status, 303, "{to}");
    let (status, page) = club.text(&to).await;
    assert!(status == 200 && page.contains("13000,00"), "{page}");
    let id = to.split_once("mdOrder=").unwrap().1;
    let decide = club.http.post(&to).body(format!("mdOrder={id}&choice=pay"));
    let (status, back) = led(&decide.send().await.unwrap());
    assert_eq!(status, 302);
    let number = club.bank.orders()[0].number.clone();
    assert_eq!(club.back(&back).await, format!("/events/dinner?order={number}&paid=1"));
    assert_eq!(club.back(&back).await, format!("/events/dinner?order={number}&paid=1"));
    let sent = club.bank.report(&number).await.unwrap();
    assert_eq!(sent.status, Some(200));
    club.until_page("/events/dinner", "мест: 10").await;
    let (orders, leads) = club.close().await;
    assert_eq!(orders[0].state, OrderState::Paid);
    assert_eq!(leads.len(), 1, "return, report and report again are one sale");
    assert_eq!(leads[0].draft.amount, Some(Money::roubles(13_000)));
    assert_eq!(leads[0].draft.consents.len(), 1);
    assert_eq!(leads[0].draft.phone.as_ref().unwrap().e164(), "+79101234567");
}

#[tokio::test]
async fn p2_refusals_are_those_of_the_platform() {
    let club = Club::open().await;
    let refused = async |change: Value| {
        let mut fields = club.fields("dinner", 1);
        for (key, value) in change.as_object().unwrap() {
            fields[key] = value.clone();
        }
        let (status, answer) = club.ask(&fields).await;
        let (_, to) = club.submit(&fields).await;
        (status, answer, to)
    };
    for (change, status, code, message, to) in [
        (
            json!({"form_token": ""}),
            419,
            "TOKEN_INVALID",
            "Не удалось подтвердить отправку. Обновите страницу и попробуйте снова.",
            "/events",
        ),
        (json!({"slug": "///"}), 422, "EVENT_INVALID", "Событие не указано", "/events"),
        (json!({"slug": "nothing"}), 404, "EVENT_NOT_FOUND", "Событие не найдено", "/events"),
        (json!({"slug": "hidden"}), 404, "EVENT_NOT_FOUND", "Событие не найдено", "/events"),
        (
            json!({"slug": "talk"}),
            422,
            "PRICE_UNAVAILABLE",
            "Оплата для этого события недоступна",
            "/events/talk",
        ),
        (json!({"name": "А"}), 422, "VALIDATION_ERROR", "Проверьте поля формы", "/events/dinner"),
    ] {
        let (got, answer, led_to) = refused(change).await;
        assert_eq!(
            (got, answer["code"].as_str(), answer["message"].as_str()),
            (status, Some(code), Some(message))
        );
        assert_eq!(led_to, format!("{to}?pay=error&code={code}"));
        assert!(answer["request_id"].as_str().is_some_and(|id| !id.is_empty()));
    }
    let (_, answer, _) = refused(json!({"name": "", "email": "x", "policy": "", "tickets": "21"})).await;
    assert_eq!(
        answer["errors"],
        json!({"name": "Укажите имя", "email": "Неверный E-mail", "policy": "Согласитесь с политикой",
               "tickets": "Неверное количество мест"})
    );
    let (status, answer, _) = refused(json!({"slug": "past"})).await;
    assert_eq!((status, &answer["errors"]["tickets"]), (422, &json!("Неверное количество мест")));
    assert!(club.bank.orders().is_empty());
    assert_eq!(club.get("/api/pay").await.status(), 404, "a page that is not there");
}

#[tokio::test]
async fn p3_a_bank_that_is_away_loses_nobodys_money() {
    let club = Club::open().await;
    club.bank.set_mood(Mood::Down);
    let (status, answer) = club.ask(&club.fields("dinner", 1)).await;
    assert_eq!((status, &answer["code"]), (502, &json!("GATEWAY_ERROR")));
    let (_, to) = club.submit(&club.fields("dinner", 1)).await;
    assert_eq!(to, "/events/dinner?pay=error&code=GATEWAY_ERROR");
    club.bank.set_mood(Mood::Well);
    let number = club.order("dinner", 1).await;
    let back = club.bank.pay(&number, 650_000).unwrap();
    club.bank.set_mood(Mood::Down);
    assert_eq!(club.back(&back).await, format!("/events/dinner?order={number}&pay=pending"));
    let report = club.bank.report(&number).await.unwrap();
    assert_eq!(report.status, Some(200), "that there is news is written down");
    club.bank.set_mood(Mood::Well);
    let before = club.bank.calls();
    let deadline = Instant::now() + Duration::from_secs(90);
    while club.bank.calls() == before {
        assert!(Instant::now() < deadline, "nobody asks the bank again by himself");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    club.until_back(&number, "paid=1").await;
    let (orders, leads) = club.close().await;
    assert_eq!(leads.len(), 1);
    let states: Vec<_> = orders.iter().map(|order| order.state).collect();
    assert_eq!(states.iter().filter(|state| **state == OrderState::Paid).count(), 1, "{states:?}");
    assert!(!states.contains(&OrderState::Failed) || states.len() == 3, "{states:?}");
}

#[tokio::test]
async fn p4_reports_are_believed_only_when_signed_and_confirmed() {
    let club = Club::open().await;
    let text = "Приём уведомлений об оплате. Адрес рабочий, уведомления банк шлёт с параметрами.";
    assert_eq!(club.text("/pay/callback").await, (200, text.to_owned()));
    let number = club.order("dinner", 1).await;
    let url = club.bank.report_url(&number).unwrap();
    let lie = url.replace("status=0", "status=1");
    let wrong = "Уведомление отклонено: неверная контрольная сумма.";
    assert_eq!(club.text(&lie).await, (403, wrong.to_owned()));
    let back = club.bank.pay(&number, 650_000).unwrap();
    assert_eq!(club.text(&club.bank.report_url(&number).unwrap()).await, (200, "OK".to_owned()));
    club.until_page("/events/dinner", "мест: 11").await;
    assert!(club.back(&back).await.ends_with("paid=1"), "the report came before the person");

    let unpaid = club.order("dinner", 1).await;
    let forged = club.back(&format!("/pay/return?order={unpaid}&orderId={}", club.bank.orders()[0].id)).await;
    assert_eq!(forged, format!("/events/dinner?order={unpaid}&pay=failed"), "another's payment pays nothing");
    let by_bank = club.back(&format!("/pay/return?orderId={}", club.bank.orders()[0].id)).await;
    assert_eq!(by_bank, format!("/events/dinner?order={number}&paid=1"));
    for stray in ["/pay/return", "/pay/return?order=x", "/pay/return?orderId=nobody"] {
        assert_eq!(club.back(stray).await, "/events", "{stray}");
    }
    let wrong_sum = club.order("dinner", 2).await;
    let back = club.bank.pay(&wrong_sum, 100).unwrap();
    assert!(club.back(&back).await.ends_with("pay=pending"));
    let declined = club.order("dinner", 1).await;
    let back = club.bank.end(&declined, OrderStatus::Declined).unwrap();
    assert!(club.back(&back).await.ends_with("pay=failed"));
    let (orders, leads) = club.close().await;
    assert_eq!(leads.len(), 1, "one ticket was paid");
    let state = |number: &str| orders.iter().find(|order| order.number.as_str() == number).unwrap().state;
    assert_eq!(state(&wrong_sum), OrderState::Disputed);
    assert_eq!(state(&declined), OrderState::Failed);
    assert_eq!(state(&unpaid), OrderState::Pending, "it can still be paid");
}

#[tokio::test]
async fn p5_a_kill_between_registration_and_answer_loses_nothing() {
    let mut club = Club::open().await;
    club.bank.set_mood(Mood::Hanging);
    let request = club.http.post(format!("{}/api/pay", club.server.base)).json(&club.fields("dinner", 1));
    let asking = tokio::spawn(request.header("accept", "application/json").send());
    let deadline = Instant::now() + Duration::from_secs(60);
    while club.bank.orders().is_empty() {
        assert!(Instant::now() < deadline, "the bank is never told");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    club.server.kill();
    assert!(asking.await.unwrap().is_err(), "nobody got an answer");
    club.bank.set_mood(Mood::Well);
    let number = club.bank.orders()[0].number.clone();
    club.server = Server::spawn(club.data.path(), club.port);
    club.server.healthy().await;
    assert!(
        club.back(&format!("/pay/return?order={number}")).await.ends_with("pay=failed"),
        "nothing was paid"
    );
    let again = club.order("dinner", 1).await;
    assert_ne!(again, number, "the person tries again: another order, and the first was never paid");
    let back = club.bank.pay(&again, 650_000).unwrap();
    assert!(club.back(&back).await.ends_with("paid=1"));
    let known = club.bank.orders().len();
    let (orders, leads) = club.close().await;
    assert_eq!((known, orders.len(), leads.len()), (2, 2, 1));
    let first = orders.iter().find(|order| order.number.as_str() == number).unwrap();
    assert_eq!(first.state, OrderState::Pending);
    assert!(first.bank_id.is_some(), "the order was found at the bank");
}

#[tokio::test]
async fn p6_the_last_seats_are_sold_once() {
    let club = Club::open().await;
    let fields = club.fields("wine", 1);
    let all = futures::future::join_all((0..6).map(|_| club.ask(&fields))).await;
    let taken = all.iter().filter(|(status, _)| *status == 200).count();
    assert_eq!(taken, 2, "{all:?}");
    assert!(all.iter().all(|(status, _)| *status == 200 || *status == 422), "{all:?}");
    let number = club.bank.orders()[0].number.clone();
    assert_eq!(club.bank.orders()[0].amount, 199_999);
    let back = club.bank.pay(&number, 199_999).unwrap();
    club.back(&back).await;
    club.until_page("/events/wine", "мест: 1").await;
    let other = club.bank.orders()[1].number.clone();
    let back = club.bank.end(&other, OrderStatus::Declined).unwrap();
    club.back(&back).await;
    assert_eq!(club.ask(&fields).await.0, 200, "a seat that was not paid is free again");
    assert_eq!(club.ask(&fields).await.0, 422);
    club.close().await;
}

#[tokio::test]
async fn p7_without_a_bank_the_addresses_answer_as_they_did() {
    let bank = Bank::new("shop-api", PASSWORD).start().await.unwrap();
    let club = Club::over(bank, free_port(), "").await;
    let (status, answer) = club.ask(&club.fields("dinner", 1)).await;
    assert_eq!((status, &answer["code"]), (503, &json!("PAYMENT_DISABLED")));
    assert_eq!(answer["message"], "Онлайн-оплата временно недоступна");
    let (status, to) = club.submit(&club.fields("dinner", 1)).await;
    assert_eq!((status, to.as_str()), (303, "/events?pay=error&code=PAYMENT_DISABLED"));
    assert_eq!(club.back("/pay/return?order=1").await, "/events");
    assert_eq!(club.text("/pay/callback").await.0, 200);
    let unset = "Приём уведомлений не настроен: не задан ключ контрольной суммы.";
    assert_eq!(club.text("/pay/callback?status=1").await, (503, unset.to_owned()));
    let html = club.get("/events/dinner").await.text().await.unwrap();
    assert!(!html.contains("form_token"), "{html}");
}

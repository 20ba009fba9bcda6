//! Signed webhooks and calls, over HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::CONFIG;
use crate::server::{Server, data_folder, form, hidden, post_form, reqwest_client, sign_in, user};

const DOORS: &str = "[[client.door]]\nname = 'portal'\nkind = 'webhook'\nsite = 'avtograd'\n\
    [client.door.settings]\nsecret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'\n\
    [client.door.fields]\nphone = 'buyer.number'\n\
    [[client.door]]\nname = 'ct'\nkind = 'calltouch'\nsite = 'avtograd'\n[client.door.settings]\nkey = '0123456789abcdef'\n";

/// A house whose client has doors.
pub(super) fn config(doors: &str) -> String {
    CONFIG.replace("name = 'Автоград'\n", &format!("name = 'Автоград'\n{doors}"))
}

fn signature(id: &str, at: i64, body: &str) -> String {
    let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

async fn tell(server: &Server, id: &str, body: &str, signed: Option<&str>) -> (u16, Value) {
    let at = ismart_domain::Env::system().now().as_second();
    let signature = signed.map_or_else(|| signature(id, at, body), str::to_owned);
    let request = reqwest_client().post(format!("{}/api/leads/in/portal", server.base));
    let request = request.header("webhook-id", id).header("webhook-timestamp", at.to_string());
    let request = request.header("webhook-signature", signature).header("content-type", "application/json");
    let answer = request.body(body.to_owned()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn a_signed_message_is_a_lead_once_and_what_cannot_be_read_becomes_one_by_a_person() {
    let data = data_folder(&config(DOORS));
    user(data.path(), "owner", "avtograd", "owner", "ru");
    let server = Server::start(data.path()).await;
    let body =
        json!({ "buyer": { "name": "Анна", "number": "8 910 123-45-67" }, "car": "Haval" }).to_string();
    let (status, first) = tell(&server, "m1", &body, None).await;
    assert_eq!((status, &first["repeated"]), (201, &false.into()), "{first}");
    assert_eq!(
        tell(&server, "m1", &body, None).await,
        (201, first),
        "a repeat gets the answer of the first time"
    );
    let (status, other) = tell(&server, "m1", "{}", None).await;
    assert_eq!((status, other["code"].as_str()), (422, Some("webhook_id_reused")), "{other}");
    let (status, refused) = tell(&server, "m2", &body, Some("v1,AAAA")).await;
    assert_eq!(status, 401);
    assert!(
        refused["detail"].as_str().unwrap().contains("no signature in `webhook-signature` fits"),
        "{refused}"
    );
    for (id, body, why) in
        [("m3", "{\"buyer\": {\"name\": \"Пётр\"}}", "neither a phone"), ("m4", "not json", "no JSON")]
    {
        let (status, kept) = tell(&server, id, body, None).await;
        assert_eq!(status, 202, "{kept}");
        assert!(kept["detail"].as_str().unwrap().contains(why), "{kept}");
    }
    let client = reqwest_client();
    let cookie = sign_in(&client, &server.base, "owner").await;
    let page = |path: String| {
        let request = client.get(format!("{}{path}", server.base)).header("cookie", &cookie);
        async move { request.send().await.unwrap().text().await.unwrap() }
    };
    let list = page("/console/intake".to_owned()).await;
    let ids: Vec<String> = list
        .split("href=\"/console/intake/")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 2, "{list}");
    let one = page(format!("/console/intake/{}", ids[0])).await;
    assert!(one.contains("value=\"Пётр\""), "{one}");
    let csrf = hidden(&one, "csrf");
    let make = |fields: &[(&str, &str)], what: &str| {
        let form = form(&[&[("csrf", csrf.as_str())], fields].concat());
        let address = format!(
            "{}/console/intake/{}/{what}",
            server.base,
            if what == "lead" { &ids[0] } else { &ids[1] }
        );
        let (client, cookie) = (client.clone(), cookie.clone());
        async move { post_form(&client, address, &cookie, form).await }
    };
    let nobody = make(&[("name", "Пётр"), ("intent", "callback")], "lead").await;
    assert!(nobody.text().await.unwrap().contains("Нужен телефон или адрес почты"));
    let made = make(&[("name", "Пётр"), ("phone", "8 910 765-43-21"), ("intent", "callback")], "lead").await;
    let place = made.headers()["location"].to_str().unwrap().to_owned();
    assert!(page(place.clone()).await.contains("+7 910 765-43-21"), "{place}");
    let silent = make(&[("verdict", "")], "discard").await;
    assert!(silent.text().await.unwrap().contains("почему это не заявка"));
    assert_eq!(make(&[("verdict", "проверка связи")], "discard").await.status().as_u16(), 303);
    let list = page("/console/intake".to_owned()).await;
    assert!(list.contains("Читать нечего") && list.contains("проверка связи"), "{list}");
}

#[tokio::test]
async fn a_call_is_told_with_the_key_of_its_door_and_by_nobody_else() {
    let data = data_folder(&config(DOORS));
    user(data.path(), "owner", "avtograd", "owner", "ru");
    let server = Server::start(data.path()).await;
    let client = reqwest_client();
    let address = |key: &str| {
        format!(
            "{}/api/calls/in/ct?key={key}&id=5&callphase=callcompleted&callerphone=79101234567&duration=61&utm_source=yandex",
            server.base
        )
    };
    let stranger = client.get(address("wrong")).send().await.unwrap();
    assert_eq!(stranger.status().as_u16(), 401);
    let told = client.get(address("0123456789abcdef")).send().await.unwrap();
    let first: Value = told.json().await.unwrap();
    assert_eq!((first["number"].as_i64(), &first["repeated"]), (Some(1), &false.into()), "{first}");
    let body = "id=5&callphase=callconnected&callerphone=79101234567";
    let posted = client.post(format!("{}/api/calls/in/ct", server.base)).bearer_auth("0123456789abcdef");
    let posted =
        posted.header("content-type", "application/x-www-form-urlencoded").body(body).send().await.unwrap();
    assert_eq!(posted.status().as_u16(), 200);
    let again: Value = posted.json().await.unwrap();
    assert_eq!((&again["lead"], &again["repeated"]), (&first["lead"], &true.into()), "{again}");
    let late = format!(
        "{}/api/calls/in/ct?key=0123456789abcdef&id=5&callphase=callcompleted&callerphone=79101234567&reclink=https://rec.example/5",
        server.base
    );
    assert_eq!(client.get(late).send().await.unwrap().status().as_u16(), 200);
    let cookie = sign_in(&client, &server.base, "owner").await;
    let card = format!("{}/console/leads/{}", server.base, first["lead"].as_str().unwrap());
    let card = client.get(card).header("cookie", cookie).send().await.unwrap().text().await.unwrap();
    assert!(card.contains("завершён · 1:01") && card.contains("href=\"https://rec.example/5\""), "{card}");
    let unknown = client.post(format!("{}/api/calls/in/portal", server.base)).send().await.unwrap();
    assert_eq!(unknown.status().as_u16(), 404, "a door for messages takes no calls");
}

use super::{TOKEN, complex, start, start_with};
use ismart_emulators::amocrm::{Ending, Fault, FaultBody, Kind, Limits, Rule, StartError, Switch};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn p14_the_eighth_request_of_a_second_is_refused_and_stubbornness_is_blocked_by_a_page() {
    let t = start_with(|builder| builder.limits(Limits::documented())).await;
    for _ in 0..7 {
        assert_eq!(t.call("GET", "account", None).await.0, 200);
    }
    let (status, body) = t.call("GET", "account", None).await;
    assert_eq!((status, &body["title"]), (429, &json!("Too Many Requests")));
    t.advance(1);
    assert_eq!(t.call("GET", "account", None).await.0, 200);
    let mut last = None;
    for _ in 0..20 {
        last = Some(t.send("GET", "account", None).await);
    }
    let last = last.unwrap();
    assert_eq!(
        (last.status().as_u16(), last.headers()["content-type"].to_str().unwrap()),
        (403, "text/html")
    );
    assert!(last.text().await.unwrap().contains("nginx"));
    t.advance(3600);
    assert_eq!(t.send("GET", "account", None).await.status(), 403, "only support lifts it");
    t.account.faults().turn(Switch::Blocked { on: false }).unwrap();
    assert_eq!(t.call("GET", "account", None).await.0, 200);
    assert_eq!(t.account.highest_second(), 21);
}

#[tokio::test]
async fn p15_drops_store_nothing_before_and_once_after_the_commit() {
    let t = start().await;
    let send = async || {
        let url = format!("{}/api/v4/leads/complex", t.account.base_url());
        t.http.post(url).bearer_auth(TOKEN).json(&json!([complex("Т", "+79990000001")])).send().await
    };
    t.account.faults().add(Rule::new(Fault::DropBeforeCommit).times(1));
    assert!(send().await.is_err());
    assert_eq!(t.account.count(Kind::Lead), 0);
    t.account.faults().add(Rule::new(Fault::DropAfterCommit).method("leads.complex").times(1));
    assert!(send().await.is_err());
    assert_eq!((t.account.count(Kind::Lead), t.account.count(Kind::Contact)), (1, 1));
    assert_eq!(send().await.unwrap().status(), 200);
    let endings: Vec<Ending> = t.account.requests().iter().map(|record| record.ending).collect();
    assert_eq!(endings, [Ending::DroppedBeforeCommit, Ending::DroppedAfterCommit, Ending::Answered]);
}

#[tokio::test]
async fn p15_statuses_come_with_every_kind_of_body() {
    let t = start().await;
    let say = async |code: u16, body: FaultBody, after_commit: bool| {
        t.account
            .faults()
            .add(Rule::new(Fault::Status { code, body, after_commit }).method("leads.add").times(1));
        let response = t.send("POST", "leads", Some(json!([{}]))).await;
        let kind = response.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned());
        (response.status().as_u16(), kind.unwrap_or_default(), response.bytes().await.unwrap())
    };
    let (status, kind, bytes) = say(502, FaultBody::Html, false).await;
    assert_eq!((status, kind.starts_with("text/html"), bytes.is_empty()), (502, true, false));
    let (status, kind, bytes) = say(500, FaultBody::Json, true).await;
    assert_eq!((status, kind.as_str()), (500, "application/problem+json"));
    assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap()["status"], 500);
    let (_, _, bytes) = say(400, FaultBody::Code("x".into()), false).await;
    let refused: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(refused["validation-errors"][0]["errors"][0]["code"], "NotSupportedChoice");
    assert_eq!(say(504, FaultBody::Empty, false).await.2.len(), 0);
    assert!(serde_json::from_slice::<Value>(&say(200, FaultBody::Garbage, true).await.2).is_err());
    assert!(serde_json::from_slice::<Value>(&say(200, FaultBody::Truncated, true).await.2).is_err());
    assert_eq!(t.account.count(Kind::Lead), 3, "only what came after the commit");
}

#[tokio::test]
async fn p19_chances_lose_and_double_nothing_a_ledger_could_not_tell() {
    let t = start().await;
    t.account.faults().add(Rule::new(Fault::DropBeforeCommit).chance(0.2));
    t.account.faults().add(Rule::new(Fault::DropAfterCommit).chance(0.2));
    let mut answered = 0;
    for _ in 0..100 {
        let url = format!("{}/api/v4/leads", t.account.base_url());
        let sent = t.http.post(url).bearer_auth(TOKEN).json(&json!([{}])).send().await;
        answered += usize::from(sent.is_ok());
    }
    let log = t.account.requests();
    let after = log.iter().filter(|record| record.ending == Ending::DroppedAfterCommit).count();
    let before = log.iter().filter(|record| record.ending == Ending::DroppedBeforeCommit).count();
    assert!(after > 0 && before > 0, "{after} {before}");
    assert_eq!(t.account.count(Kind::Lead), answered + after);
    assert_eq!(log.len(), answered + after + before);
}

#[tokio::test]
async fn p18_bodies_come_chunked_and_broken_ones_harm_nothing() {
    let t = start().await;
    let mut stream = tokio::net::TcpStream::connect(t.account.addr()).await.unwrap();
    let body = r#"[{"name":"chunked"}]"#;
    let (first, second) = body.split_at(7);
    let request = format!(
        "POST /api/v4/leads HTTP/1.1\r\nHost: acme.amocrm.ru\r\nAuthorization: Bearer {TOKEN}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         {:x}\r\n{first}\r\n{:x}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("https://acme.amocrm.ru/api/v4/leads/"),
        "{answer}"
    );
    assert_eq!(t.account.ledger().leads()[0].text("name"), "chunked");
    let url = format!("{}/api/v4/leads", t.account.base_url());
    let broken = t.http.post(url).bearer_auth(TOKEN).body("[{\"name\":").send().await.unwrap();
    assert_eq!(broken.status(), 400);
    assert_eq!(t.finding_texts(), ["BrokenBody body"]);
    assert_eq!(t.account.count(Kind::Lead), 1);
}

#[tokio::test]
async fn p20_what_was_answered_survives_a_restart_tokens_included() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("account.jsonl");
    let first = start_with(|builder| builder.journal(&path)).await;
    let made = first.post("leads/complex", json!([complex("Т", "+79990000001")])).await;
    first
        .post("leads/custom_fields", json!([{"name": "iSmart ID", "type": "text", "code": "ISMART_ID"}]))
        .await;
    let code = first.account.authorize("client-1", super::ANNA);
    let exchange = json!({"client_id": "client-1", "client_secret": "hush-secret", "grant_type": "authorization_code",
                          "redirect_uri": "https://ismart.example/oauth", "code": code});
    let url = format!("{}/oauth2/access_token", first.account.base_url());
    let pair: Value = first.http.post(url).json(&exchange).send().await.unwrap().json().await.unwrap();
    first.account.faults().add(Rule::new(Fault::DropBeforeCommit).times(1));
    let lost = format!("{}/api/v4/leads", first.account.base_url());
    assert!(first.http.post(lost).bearer_auth(TOKEN).json(&json!([{}])).send().await.is_err());
    let before = std::fs::read_to_string(&path).unwrap().lines().count();
    assert_eq!(before, 3, "one line a request that changed something");
    let clash = super::builder(&first.millis).journal(&path).start().await.unwrap_err();
    assert!(matches!(clash, StartError::Journal(_)) && clash.to_string().contains("in use"), "{clash}");
    first.account.shutdown().await;

    let second = start_with(|builder| builder.journal(&path)).await;
    let lead = second.get(&format!("leads/{}?with=contacts", made[0]["id"])).await;
    assert_eq!(lead["_embedded"]["contacts"][0]["id"], made[0]["contact_id"]);
    assert!(second.account.field_id(Kind::Lead, "ISMART_ID").is_some());
    assert!(second.add_lead(json!({})).await > made[0]["id"].as_u64().unwrap());
    let url = format!("{}/api/v4/account", second.account.base_url());
    let known =
        second.http.get(url).bearer_auth(pair["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(known.status(), 200);
}

#[tokio::test]
async fn p22_the_admin_endpoint_does_the_same_over_http() {
    let t = start().await;
    let url = |path: &str| format!("{}/__emulator/{path}", t.account.base_url());
    let post = async |path: &str, body: Value| t.http.post(url(path)).json(&body).send().await.unwrap();
    let rule = json!({"fault": "status", "code": 503, "body": "html", "times": 1, "method": "leads.add"});
    assert_eq!(post("faults", rule).await.status(), 200);
    assert_eq!(t.call_status("POST", "leads", json!([{}])).await, 503);
    assert_eq!(post("switch", json!({"switch": "unpaid", "on": true})).await.status(), 204);
    assert_eq!(t.call("GET", "account", None).await.0, 402);
    assert_eq!(t.http.delete(url("faults")).send().await.unwrap().status(), 204);
    t.add_lead(json!({"name": "Т"})).await;
    for bad in [json!({"switch": "phantom"}), json!({"switch": "dismiss_user", "id": 404, "on": true})] {
        let refused = post("switch", bad).await;
        assert_eq!(refused.status(), 400);
        let text = refused.text().await.unwrap();
        assert!(text.contains("example") || text.contains("404"), "{text}");
    }
    let ledger: Value = t.http.get(url("ledger")).send().await.unwrap().json().await.unwrap();
    assert_eq!(ledger["items"][0]["values"]["name"], "Т");
    let requests: Value = t.http.get(url("requests")).send().await.unwrap().json().await.unwrap();
    assert_eq!(requests["total"], 3);
    let limits: Value = t.http.get(url("limits")).send().await.unwrap().json().await.unwrap();
    assert_eq!(limits["blocked"], false);
    let foreign = t.http.get(url("ledger")).header("Host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
}

impl super::Fixture {
    async fn call_status(&self, method: &str, path: &str, body: Value) -> u16 {
        self.send(method, path, Some(body)).await.status().as_u16()
    }
}

use super::{ANNA, Fixture, TOKEN, start};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ismart_emulators::amocrm::Switch;
use jiff::Timestamp;
use serde_json::{Value, json};

async fn token(t: &Fixture, body: Value) -> (u16, Value) {
    let url = format!("{}/oauth2/access_token", t.account.base_url());
    let response = t.http.post(url).json(&body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn grant(kind: &str, key: &str, value: &str) -> Value {
    json!({"client_id": "client-1", "client_secret": "hush-secret", "redirect_uri": "https://ismart.example/oauth",
           "grant_type": kind, key: value})
}

async fn account(t: &Fixture, token: &str) -> u16 {
    let url = format!("{}/api/v4/account", t.account.base_url());
    t.http.get(url).bearer_auth(token).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn p12_a_code_becomes_a_pair_once_and_a_refresh_token_works_once() {
    let t = start().await;
    let code = t.account.authorize("client-1", ANNA);
    let (status, pair) = token(&t, grant("authorization_code", "code", &code)).await;
    assert_eq!((status, &pair["token_type"], &pair["expires_in"]), (200, &json!("Bearer"), &json!(86_400)));
    let access = pair["access_token"].as_str().unwrap();
    assert_eq!(account(&t, access).await, 200);
    let payload = URL_SAFE_NO_PAD.decode(access.split('.').nth(1).unwrap()).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&payload["account_id"], &payload["sub"]), (&json!(28_805_383), &json!("504141")));
    assert!(payload["exp"].is_i64() && payload["api_domain"].is_string());
    let (status, again) = token(&t, grant("authorization_code", "code", &code)).await;
    assert_eq!((status, again["hint"].as_str()), (400, Some("Authorization code has been revoked")));

    let refresh = pair["refresh_token"].as_str().unwrap();
    let (status, next) = token(&t, grant("refresh_token", "refresh_token", refresh)).await;
    assert_eq!(status, 200);
    assert_ne!(next["refresh_token"], pair["refresh_token"]);
    let (status, dead) = token(&t, grant("refresh_token", "refresh_token", refresh)).await;
    assert_eq!((status, dead["hint"].as_str()), (401, Some("Token has been revoked")));
    assert_eq!(dead["title"], "Некорректный запрос");
    assert_eq!(account(&t, next["access_token"].as_str().unwrap()).await, 200);
}

#[tokio::test]
async fn p12_forms_are_taken_as_well_and_wrong_words_are_refused() {
    let t = start().await;
    let code = t.account.authorize("client-1", ANNA);
    let form = format!(
        "client_id=client-1&client_secret=hush-secret&grant_type=authorization_code&code={code}\
         &redirect_uri=https%3A%2F%2Fismart.example%2Foauth"
    );
    let url = format!("{}/oauth2/access_token", t.account.base_url());
    let request = t.http.post(url).header("Content-Type", "application/x-www-form-urlencoded").body(form);
    assert_eq!(request.send().await.unwrap().status(), 200);
    let code = t.account.authorize("client-1", ANNA);
    let good = grant("authorization_code", "code", &code);
    for (key, value, status) in [
        ("client_id", "client-2", 401),
        ("client_secret", "wrong", 401),
        ("redirect_uri", "https://ismart.example/oauth/", 400),
        ("grant_type", "password", 400),
        ("code", "phantom", 400),
    ] {
        let mut bad = good.clone();
        bad[key] = json!(value);
        assert_eq!(token(&t, bad).await.0, status, "{key}");
    }
    t.advance(20 * 60);
    let (status, late) = token(&t, good).await;
    assert_eq!((status, late["hint"].as_str()), (400, Some("Authorization code has expired")));
}

#[tokio::test]
async fn p12_access_ends_after_a_day_and_the_subdomain_is_told() {
    let t = start().await;
    let code = t.account.authorize("client-1", ANNA);
    let (_, pair) = token(&t, grant("authorization_code", "code", &code)).await;
    let (access, refresh) = (pair["access_token"].as_str().unwrap(), pair["refresh_token"].as_str().unwrap());
    t.account.faults().turn(Switch::Rename { subdomain: "renamed".into() }).unwrap();
    let url = format!("{}/oauth2/account/current/subdomain", t.account.base_url());
    let told: Value =
        t.http.get(&url).header("X-Refresh-Token", refresh).send().await.unwrap().json().await.unwrap();
    assert_eq!((&told["subdomain"], &told["domain"]), (&json!("renamed"), &json!("renamed.amocrm.ru")));
    assert_eq!(t.http.get(&url).send().await.unwrap().status(), 401);
    t.advance(86_400 - 1);
    assert_eq!(account(&t, access).await, 200);
    t.advance(1);
    assert_eq!(account(&t, access).await, 401);
    let (_, next) = token(&t, grant("refresh_token", "refresh_token", refresh)).await;
    let access = next["access_token"].as_str().unwrap();
    assert_eq!(account(&t, access).await, 200);
    t.account.faults().turn(Switch::ExpireAccess).unwrap();
    assert_eq!(account(&t, access).await, 401);
    t.account.faults().turn(Switch::RevokeRefresh).unwrap();
    let dead =
        token(&t, grant("refresh_token", "refresh_token", next["refresh_token"].as_str().unwrap())).await;
    assert_eq!((dead.0, dead.1["hint"].as_str()), (401, Some("Token has been revoked")));
}

#[tokio::test]
async fn p13_strangers_are_refused_and_secrets_stay_out_of_the_log() {
    let t = start().await;
    assert_eq!(account(&t, "wr0ng-token").await, 401);
    assert_eq!(
        t.http.get(format!("{}/api/v4/account", t.account.base_url())).send().await.unwrap().status(),
        401
    );
    let (status, body) = t.call("GET", "account", None).await;
    assert_eq!(status, 200, "{body}");
    let code = t.account.authorize("client-1", ANNA);
    let (_, pair) = token(&t, grant("authorization_code", "code", &code)).await;
    token(&t, grant("refresh_token", "refresh_token", pair["refresh_token"].as_str().unwrap())).await;
    let issued = t.account.issue_token(ANNA, Timestamp::from_second(super::NOON + 60).unwrap());
    assert_eq!(account(&t, &issued).await, 200);
    t.advance(60);
    assert_eq!(account(&t, &issued).await, 401, "a long-lived token ends too");
    t.account.faults().turn(Switch::RevokeTokens { on: true }).unwrap();
    let (status, body) = t.call("GET", "account", None).await;
    assert_eq!((status, &body["title"]), (401, &json!("Unauthorized")));

    let log = serde_json::to_string(&t.account.requests()).unwrap();
    let (access, refresh) = (pair["access_token"].as_str().unwrap(), pair["refresh_token"].as_str().unwrap());
    for secret in [TOKEN, "wr0ng-token", "hush-secret", code.as_str(), access, refresh, issued.as_str()] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    assert!(!format!("{:?}", t.account).contains(TOKEN));
}

#[tokio::test]
async fn p21_unpaid_deleted_and_dismissed_are_told_apart() {
    let t = start().await;
    let turn = |switch| t.account.faults().turn(switch).unwrap();
    turn(Switch::Unpaid { on: true });
    assert_eq!(t.call("GET", "account", None).await.0, 402);
    turn(Switch::Unpaid { on: false });
    turn(Switch::Gone { on: true });
    let (status, body) = t.call("GET", "account", None).await;
    assert_eq!(status, 401);
    assert!(body["detail"].as_str().unwrap().contains("не найден"));
    turn(Switch::Gone { on: false });
    turn(Switch::DismissUser { id: ANNA, on: true });
    assert_eq!(t.call("GET", "account", None).await.0, 401);
    t.account.faults().clear();
    assert_eq!(t.call("GET", "account", None).await.0, 200);
    let url = format!("{}/api/v4/account", t.account.base_url());
    let as_boris = t.http.get(url).bearer_auth(TOKEN).header("X-Context-User-ID", "504142");
    let body: Value = as_boris.send().await.unwrap().json().await.unwrap();
    assert_eq!(body["current_user_id"], 504_142);
    for (switch, text) in [
        (Switch::DismissUser { id: 404, on: true }, "the account has no user 404; see GET /users"),
        (
            Switch::ArchivePipeline { id: 404, on: true },
            "the account has no pipeline 404; see GET /leads/pipelines",
        ),
        (
            Switch::RemoveChoice { field_id: 404, id: 1 },
            "the account has no field 404; see GET /leads/custom_fields",
        ),
    ] {
        assert_eq!(t.account.faults().turn(switch).unwrap_err().to_string(), text);
    }
}

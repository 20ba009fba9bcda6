//! An account with a clock that the test turns, and a caller.

mod faults;
mod hooks;
mod leads;
mod lists;
mod oauth;
mod people;

use crate::portal::{NOON, client};
use ismart_emulators::amocrm::{Account, AccountHandle, Builder};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const TOKEN: &str = "longlived4711";
const ANNA: u64 = 504_141;
const PIPELINE: u64 = 3_104_455;
const FIRST_STAGE: u64 = 47_521_001;
const OTHER_PIPELINE: u64 = 7_000_001;

struct Fixture {
    account: AccountHandle,
    http: reqwest::Client,
    millis: Arc<AtomicI64>,
}

fn builder(millis: &Arc<AtomicI64>) -> Builder {
    let millis = Arc::clone(millis);
    Account::builder(move || Timestamp::from_millisecond(millis.load(Ordering::SeqCst)).unwrap())
        .long_lived_token(TOKEN, ANNA)
        .integration("client-1", "hush-secret", "https://ismart.example/oauth")
        .pipeline(OTHER_PIPELINE, "Сервис", &[(71_000_001, "Запись")])
        .seed(1)
}

async fn start() -> Fixture {
    start_with(|builder| builder).await
}

async fn start_with(change: impl FnOnce(Builder) -> Builder) -> Fixture {
    let millis = Arc::new(AtomicI64::new(NOON * 1000));
    let account = change(builder(&millis)).start().await.unwrap();
    Fixture { account, http: client(), millis }
}

impl Fixture {
    fn advance(&self, seconds: i64) {
        self.millis.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    async fn send(&self, method: &str, path: &str, body: Option<Value>) -> reqwest::Response {
        let url = format!("{}/api/v4/{path}", self.account.base_url());
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(TOKEN);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    /// Status and body; `null` for an empty body.
    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let bytes = response.bytes().await.unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        (status, body)
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call("GET", path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.call("POST", path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    async fn patch(&self, path: &str, body: Value) -> Value {
        let (status, body) = self.call("PATCH", path, Some(body)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// The code and path of the first thing wrong.
    async fn flaw(&self, method: &str, path: &str, body: Value) -> (String, String) {
        let (status, body) = self.call(method, path, Some(body)).await;
        assert_eq!(status, 400, "{path}: {body}");
        let error = &body["validation-errors"][0]["errors"][0];
        (error["code"].as_str().unwrap().to_owned(), error["path"].as_str().unwrap().to_owned())
    }

    async fn add_lead(&self, lead: Value) -> u64 {
        let answer = self.post("leads", json!([lead])).await;
        answer["_embedded"]["leads"][0]["id"].as_u64().unwrap()
    }

    fn finding_texts(&self) -> Vec<String> {
        let found = self.account.findings().into_iter();
        found.map(|f| format!("{:?} {}", f.kind, f.parameter)).collect()
    }
}

/// A lead with a contact as the documentation of `leads/complex` shows it.
fn complex(name: &str, phone: &str) -> Value {
    json!({"name": name, "pipeline_id": PIPELINE, "status_id": FIRST_STAGE, "request_id": "ld_1",
           "_embedded": {"contacts": [{"first_name": "Иван", "custom_fields_values": [
               {"field_code": "PHONE", "values": [{"enum_code": "WORK", "value": phone}]}]}]}})
}

//! A portal with a clock that the test turns, and a caller.

use ismart_emulators::bitrix24::{Builder, Entity, Portal, PortalHandle};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Once};

/// 2026-05-14T10:26:32+03:00.
pub(crate) const NOON: i64 = 1_778_743_592;

#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicI64::new(NOON)))
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    pub(crate) fn builder(&self) -> Builder {
        let seconds = Arc::clone(&self.0);
        Portal::builder(move || Timestamp::from_second(seconds.load(Ordering::SeqCst)).unwrap())
            .webhook(17, "s3cret")
            .seed(1)
            .custom_field(Entity::Lead, "UF_CRM_CONSENT_ID", "Согласие")
    }
}

pub(crate) struct Fixture {
    pub(crate) portal: PortalHandle,
    pub(crate) clock: Clock,
    pub(crate) http: reqwest::Client,
}

pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().unwrap();
    });
    reqwest::Client::builder().build().unwrap()
}

pub(crate) async fn start() -> Fixture {
    start_with(|builder| builder).await
}

pub(crate) async fn start_with(change: impl FnOnce(Builder) -> Builder) -> Fixture {
    let clock = Clock::new();
    let portal = change(clock.builder()).start().await.unwrap();
    Fixture { portal, clock, http: client() }
}

impl Fixture {
    /// Calls a method with a JSON body; gives HTTP status and body.
    pub(crate) async fn call(&self, method: &str, params: Value) -> (u16, Value) {
        let url = format!("{}{method}", self.portal.webhook_url());
        let response = self.http.post(url).json(&params).send().await.unwrap();
        let status = response.status().as_u16();
        (status, response.json().await.unwrap())
    }

    /// Calls a method that must succeed; gives `result`.
    pub(crate) async fn ok(&self, method: &str, params: Value) -> Value {
        let (status, mut body) = self.call(method, params).await;
        assert_eq!(status, 200, "{method}: {body}");
        assert!(body.get("error").is_none(), "{method}: {body}");
        body["result"].take()
    }

    /// Calls a method that must be refused; gives status, code and text.
    pub(crate) async fn refused(&self, method: &str, params: Value) -> (u16, Value, String) {
        let (status, body) = self.call(method, params).await;
        let text = body["error_description"].as_str().unwrap_or_default().to_owned();
        (status, body.get("error").unwrap_or_else(|| panic!("{method}: {body}")).clone(), text)
    }

    pub(crate) async fn add_lead(&self, fields: Value) -> u64 {
        let result = self.ok("crm.item.add", json!({"entityTypeId": 1, "fields": fields})).await;
        result["item"]["id"].as_u64().unwrap()
    }

    pub(crate) fn finding_texts(&self) -> Vec<String> {
        let found = self.portal.findings().into_iter();
        found.map(|f| format!("{:?} {}", f.kind, f.parameter)).collect()
    }
}

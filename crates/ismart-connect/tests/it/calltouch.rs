//! Requests to CallTouch against the emulator.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::ports::Connector;
use ismart_emulators::calltouch::CallTouch;
use ismart_emulators::{Fault, FaultBody};
use serde_json::{Map, Value, json};

use crate::channel::{class, fault, noon, refusal};
use crate::contract::{Destination, Trouble, egress};
use crate::leads::{full, lead};

const TOKEN: &str = "hushtoken4711ct";
const SITE: u64 = 4242;

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(CallTouch);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(service().await)
    }
}

async fn service() -> CallTouch {
    CallTouch::start(SITE, TOKEN, None, noon).await.unwrap()
}

fn settings(service: &CallTouch, more: Value) -> Map<String, Value> {
    let mut all = json!({"site_id": SITE, "token": TOKEN, "rate": 100, "api": service.base_url()})
        .as_object()
        .cloned()
        .unwrap();
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

fn connector(service: &CallTouch, more: Value) -> Arc<dyn Connector> {
    (ismart_connect::find("calltouch").unwrap().open)(&settings(service, more), &egress()).unwrap()
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({}))
    }

    fn secret(&self) -> String {
        TOKEN.to_owned()
    }

    fn records(&self) -> usize {
        self.0.registered().len()
    }

    fn complaints(&self) -> Vec<String> {
        self.0.findings().iter().map(|finding| format!("{finding:?}")).collect()
    }

    fn suffer(&self, trouble: Trouble) {
        let throttled = Fault::Status { code: 429, body: FaultBody::Json, after_commit: false };
        match fault(trouble, throttled, refusal(400, "no")) {
            Some(fault) => self.0.once(fault, "requests.register"),
            None => self.0.revoke(),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

#[tokio::test]
async fn a_request_carries_person_page_and_session() {
    let service = service().await;
    let connector = connector(&service, json!({"tags": "сайт", "subject": "Тест-драйв с сайта"}));
    let mut one = full(1);
    one.draft.fields.insert("_ct_session_id".into(), "123456789".into());
    connector.deliver(&one).await.unwrap();
    let request = &service.registered()[0];
    assert_eq!((request.fio.as_str(), request.phone.as_str()), ("Петрова Анна Сергеевна", "79100000001"));
    assert_eq!((request.number.clone(), request.subject.as_str()), (one.origin_id(), "Тест-драйв с сайта"));
    assert_eq!(request.session.as_deref(), Some("123456789"));
    assert!(
        request.comment.contains("Haval Jolion") && !request.comment.contains("Петрова"),
        "{}",
        request.comment
    );
    // What is no session is not sent: the service would refuse the whole request.
    let mut odd = full(2);
    odd.draft.fields.insert("_ct_session_id".into(), " ".into());
    odd.draft.fields.insert("session_id".into(), "abc".into());
    connector.deliver(&odd).await.unwrap();
    assert_eq!(service.registered()[1].session, None);
}

#[tokio::test]
async fn a_session_that_the_service_refuses_does_not_cost_the_lead() {
    let service = service().await;
    service.once(refusal(400, "Invalid sessionId"), "requests.register");
    let mut one = full(1);
    one.draft.fields.insert("session_id".into(), "123".into());
    connector(&service, json!({})).deliver(&one).await.unwrap();
    assert_eq!(service.registered()[0].session, None);
    assert_eq!(service.called("requests.register"), 2);
}

#[tokio::test]
async fn a_wrong_account_is_found_and_leads_wait() {
    let service = service().await;
    let wrong = connector(&service, json!({"site_id": 7}));
    for error in [wrong.check().await.unwrap_err(), wrong.deliver(&lead(1)).await.unwrap_err()] {
        assert!(class(&error) == "settings" && error.to_string().contains("`site_id`"), "{error}");
    }
    assert!(service.registered().is_empty());
    connector(&service, json!({})).deliver(&lead(1)).await.unwrap();
    let line = connector(&service, json!({})).check().await.unwrap();
    assert!(line.contains("account 4242"), "{line}");
}

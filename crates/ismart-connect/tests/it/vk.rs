//! Messages of a VK community against the emulator.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::ports::Connector;
use ismart_emulators::Quota;
use ismart_emulators::vk::Vk;
use serde_json::{Map, Value, json};

use crate::channel::{class, fault, noon, refusal};
use crate::contract::{Destination, Trouble, egress};
use crate::leads::{full, lead};

const TOKEN: &str = "vk1.a.hushtoken4711";
const PEER: i64 = 504_141;
const TALK: i64 = 2_000_000_003;

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(Vk);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(vk().await)
    }
}

async fn vk() -> Vk {
    let vk = Vk::start(TOKEN, None, noon).await.unwrap();
    vk.permit(PEER, true);
    vk.permit(TALK, true);
    vk
}

fn settings(vk: &Vk, more: Value) -> Map<String, Value> {
    let mut all = json!({"token": TOKEN, "peer_id": PEER, "rate": 100, "api": vk.base_url()})
        .as_object()
        .cloned()
        .unwrap();
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

fn connector(vk: &Vk, more: Value) -> Arc<dyn Connector> {
    (ismart_connect::find("vk").unwrap().open)(&settings(vk, more), &egress()).unwrap()
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({}))
    }

    fn secret(&self) -> String {
        TOKEN.to_owned()
    }

    fn records(&self) -> usize {
        self.0.messages().len()
    }

    fn complaints(&self) -> Vec<String> {
        self.0.findings().iter().map(|finding| format!("{finding:?}")).collect()
    }

    fn suffer(&self, trouble: Trouble) {
        match fault(trouble, refusal(200, "6"), refusal(200, "100")) {
            Some(fault) => self.0.once(fault, "messages.send"),
            None => self.0.revoke(),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

#[tokio::test]
async fn every_error_of_the_service_has_its_meaning() {
    for (code, expected, word) in [
        ("5", "settings", "`token`"),
        ("6", "again", "wait"),
        ("9", "again", "same"),
        ("10", "look", "10"),
        ("14", "settings", "captcha"),
        ("15", "settings", "right to messages"),
        ("29", "again", "quota"),
        ("900", "settings", "`peer_id`"),
        ("901", "settings", "permit"),
        ("902", "settings", "`peer_id`"),
        ("914", "person", "914"),
        ("945", "settings", "conversation"),
        ("100", "person", "100"),
    ] {
        let vk = vk().await;
        vk.once(refusal(200, code), "messages.send");
        let error = connector(&vk, json!({})).deliver(&lead(1)).await.unwrap_err();
        assert_eq!(class(&error), expected, "{code}: {error}");
        assert!(error.to_string().contains(word) && !error.to_string().contains("hush"), "{code}: {error}");
        assert!(vk.messages().is_empty());
    }
}

#[tokio::test]
async fn whatever_would_stop_messages_is_found_and_they_come_after_mending() {
    let vk = vk().await;
    let connector = connector(&vk, json!({}));
    assert_eq!(connector.check().await.unwrap(), "community “Автоград” writes to a person");
    vk.permit(PEER, false);
    for error in [connector.check().await.unwrap_err(), connector.deliver(&lead(1)).await.unwrap_err()] {
        assert!(class(&error) == "settings" && error.to_string().contains("`peer_id`"), "{error}");
    }
    vk.permit(PEER, true);
    vk.may_write(false);
    for error in [connector.check().await.unwrap_err(), connector.deliver(&lead(1)).await.unwrap_err()] {
        assert!(class(&error) == "settings" && error.to_string().contains("`token`"), "{error}");
    }
    vk.may_write(true);
    connector.deliver(&full(1)).await.unwrap();
    let message = vk.messages().pop().unwrap();
    assert!(message.text.starts_with("Заявка № 1: Тест-драйв\n\nПредмет: Haval"), "{}", message.text);
    assert!(message.random_id > 0 && i32::try_from(message.random_id).is_ok());
    assert_eq!(vk.findings(), []);
}

#[tokio::test]
async fn a_conversation_is_written_to_within_the_limit() {
    let vk = vk().await;
    vk.limit(Some(Quota { requests: 6, millis: 1000 }));
    let connector = connector(&vk, json!({"peer_id": TALK.to_string(), "rate": 10}));
    for number in 1..=5 {
        connector.deliver(&lead(number)).await.unwrap();
    }
    assert_eq!(vk.messages().len(), 5);
    assert!(vk.messages().iter().all(|message| message.peer == TALK));
}

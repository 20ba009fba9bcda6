//! Messages to MAX against the emulator.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::ports::Connector;
use ismart_emulators::max::Max;
use ismart_emulators::{Fault, FaultBody};
use serde_json::{Map, Value, json};

use crate::channel::{class, fault, noon, refusal};
use crate::contract::{Destination, Trouble, egress};
use crate::leads::{full, lead};

const TOKEN: &str = "f9LHodD0cOhushtoken4711";
const CHAT: i64 = -69_001;
const PERSON: i64 = 504_141;

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(Max);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(max().await)
    }
}

async fn max() -> Max {
    let max = Max::start(TOKEN, None, noon).await.unwrap();
    max.chat(CHAT, true);
    max.chat(PERSON, true);
    max
}

fn settings(max: &Max, more: Value) -> Map<String, Value> {
    let mut all = json!({"token": TOKEN, "rate": 100, "api": max.base_url()}).as_object().cloned().unwrap();
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

fn connector(max: &Max, more: Value) -> Arc<dyn Connector> {
    (ismart_connect::find("max").unwrap().open)(&settings(max, more), &egress()).unwrap()
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({"chat_id": CHAT.to_string()}))
    }

    fn secret(&self) -> String {
        TOKEN.to_owned()
    }

    fn records(&self) -> usize {
        let messages = self.0.messages();
        let headings = messages.iter().map(|one| one.text.lines().next().unwrap_or_default());
        headings.collect::<std::collections::BTreeSet<_>>().len()
    }

    fn copies(&self) -> usize {
        self.0.messages().len()
    }

    fn complaints(&self) -> Vec<String> {
        self.0.findings().iter().map(|finding| format!("{finding:?}")).collect()
    }

    fn suffer(&self, trouble: Trouble) {
        let throttled = Fault::Status { code: 429, body: FaultBody::Json, after_commit: false };
        match fault(trouble, throttled, refusal(400, "proto.payload")) {
            Some(fault) => self.0.once(fault, "messages.send"),
            None => self.0.revoke(),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

#[tokio::test]
async fn whatever_would_stop_messages_is_found_and_they_come_after_mending() {
    for (to, id, setting) in [
        (json!({"chat_id": CHAT.to_string()}), CHAT, "`chat_id`"),
        (json!({"user_id": PERSON}), PERSON, "`user_id`"),
    ] {
        let max = max().await;
        let connector = connector(&max, to);
        assert!(connector.check().await.unwrap().starts_with("bot @acme_leads_bot writes to"));
        max.chat(id, false);
        if id < 0 {
            let error = connector.check().await.unwrap_err();
            assert!(class(&error) == "settings" && error.to_string().contains(setting), "{error}");
        }
        let error = connector.deliver(&lead(1)).await.unwrap_err();
        assert!(class(&error) == "settings" && error.to_string().contains(setting), "{error}");
        max.chat(id, true);
        connector.deliver(&full(1)).await.unwrap();
        let message = max.messages().pop().unwrap();
        assert!(message.to == id && message.text.starts_with("<b>Заявка № 1"), "{message:?}");
        assert_eq!(max.findings(), []);
    }
}

#[tokio::test]
async fn one_of_chat_and_person_is_named() {
    let max = max().await;
    let problems = |more: Value| {
        let opened = (ismart_connect::find("max").unwrap().open)(&settings(&max, more), &egress());
        opened.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert!(problems(json!({})).contains("give `chat_id` or `user_id`"));
    assert!(problems(json!({"chat_id": "1", "user_id": 2})).contains("one of the two"));
    assert!(problems(json!({"chat_id": "sales"})).contains("number of a chat"));
    assert_eq!(problems(json!({"user_id": 2})), "");
}

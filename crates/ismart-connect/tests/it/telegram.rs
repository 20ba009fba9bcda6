//! Notices to Telegram against the emulator.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::ports::Connector;
use ismart_emulators::telegram::{Chat, Telegram};
use ismart_emulators::{Fault, FaultBody, Quota};
use serde_json::{Map, Value, json};

use crate::channel::{class, fault, noon, refusal};
use crate::contract::{Destination, Trouble, egress};
use crate::leads::{full, lead};

const TOKEN: &str = "4711:hushtoken-AAbb_cc";
const CHAT: i64 = 504_141;
const GROUP: i64 = -1_001_234_567_890;

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(Telegram);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(telegram().await)
    }
}

async fn telegram() -> Telegram {
    let telegram = Telegram::start(TOKEN, None, noon).await.unwrap();
    telegram.chat(CHAT, Chat::Open);
    telegram.chat(GROUP, Chat::Open);
    telegram
}

fn settings(bot: &Telegram, more: Value) -> Map<String, Value> {
    let mut all =
        json!({"token": TOKEN, "chat_id": CHAT.to_string(), "per_minute": 6000, "api": bot.base_url()})
            .as_object()
            .cloned()
            .unwrap();
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

fn connector(bot: &Telegram, more: Value) -> Arc<dyn Connector> {
    (ismart_connect::find("telegram").unwrap().open)(&settings(bot, more), &egress()).unwrap()
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({}))
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
        match fault(trouble, throttled, refusal(400, "Bad Request: refused")) {
            Some(fault) => self.0.once(fault, "sendMessage"),
            None => self.0.revoke(),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

#[tokio::test]
async fn a_message_has_the_request_in_words_and_strangers_make_no_markup() {
    let bot = telegram().await;
    let more = json!({"chat_id": GROUP.to_string(), "thread_id": 7, "comment": "из <чата>"});
    let id = connector(&bot, more).deliver(&full(12)).await.unwrap();
    let message = bot.messages().pop().unwrap();
    assert_eq!((id, message.chat, message.thread), (format!("{GROUP}/1"), GROUP, Some(7)));
    assert!(
        message.text.starts_with("<b>Заявка № 12: Тест-драйв</b>\n\nПредмет: Haval Jolion"),
        "{}",
        message.text
    );
    assert!(message.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", message.text);
    assert!(message.text.contains("Примечание: из &lt;чата&gt;"), "{}", message.text);
    let mut test = lead(13);
    test.draft.test = true;
    connector(&bot, json!({})).deliver(&test).await.unwrap();
    assert!(bot.messages()[1].text.starts_with("<b>Тест. Заявка № 13"));
    assert_eq!(bot.findings(), []);
}

#[tokio::test]
async fn whatever_would_stop_messages_is_found_with_its_remedy_and_messages_come_after_mending() {
    for (chat, word) in [
        (Some(Chat::Blocked), "unblock"),
        (Some(Chat::Kicked), "take it into the group again"),
        (None, "write to the bot first"),
    ] {
        let bot = Telegram::start(TOKEN, None, noon).await.unwrap();
        if let Some(chat) = chat {
            bot.chat(CHAT, chat);
        }
        let connector = connector(&bot, json!({}));
        for error in [connector.check().await.unwrap_err(), connector.deliver(&lead(1)).await.unwrap_err()] {
            let text = error.to_string();
            assert_eq!(class(&error), "settings", "{text}");
            assert!(text.contains("`chat_id`") && text.contains(word), "{text}");
        }
        bot.chat(CHAT, Chat::Open);
        assert!(connector.check().await.is_ok());
        connector.deliver(&lead(1)).await.unwrap();
        assert_eq!(bot.messages().len(), 1);
    }
}

#[tokio::test]
async fn a_group_that_became_a_supergroup_is_followed_and_told_about() {
    let bot = telegram().await;
    bot.chat(-77, Chat::Moved(GROUP));
    let connector = connector(&bot, json!({"chat_id": "-77"}));
    assert_eq!(connector.deliver(&lead(1)).await.unwrap(), format!("{GROUP}/1"));
    let error = connector.check().await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains(&GROUP.to_string()), "{error}");
}

#[tokio::test]
async fn the_service_says_when_to_come_back_and_everybody_waits() {
    let bot = telegram().await;
    bot.limit(Some(Quota { requests: 1, millis: 20_000 }));
    let connector = connector(&bot, json!({}));
    connector.deliver(&lead(1)).await.unwrap();
    let error = connector.deliver(&lead(2)).await.unwrap_err();
    let ismart_domain::delivery::DeliveryError::Retry { after: Some(after), ambiguous: false, .. } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(after.as_secs(), 20);
    assert_eq!(bot.messages().len(), 1);
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let problems = |more: Value| {
        let mut all = json!({"token": TOKEN, "chat_id": "1"}).as_object().cloned().unwrap();
        all.extend(more.as_object().cloned().unwrap());
        let error = (ismart_connect::find("telegram").unwrap().open)(&all, &egress()).err();
        error.map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(problems(json!({})), "");
    for (more, word) in [
        (json!({"token": "4711"}), "@BotFather"),
        (json!({"token": "bot4711:AAbbccdd"}), "@BotFather"),
        (json!({"chat_id": "@sales"}), "number of a chat"),
        (json!({"chat_id": "0"}), "must not be 0"),
        (json!({"api": "http://api.telegram.org"}), "https://"),
    ] {
        let text = problems(more);
        assert!(text.contains(word), "{word}: {text}");
    }
}

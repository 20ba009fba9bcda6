//! Letters against a mail server.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::PersonName;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::ports::Connector;
use ismart_emulators::smtp::{Encryption, Smtp};
use ismart_emulators::{Fault, FaultBody};
use serde_json::{Map, Value, json};

use crate::channel::{class, fault, noon, refusal};
use crate::contract::{Destination, Trouble, egress};
use crate::leads::{full, lead};

const FROM: &str = "site@avtograd.example";
const SALES: &str = "sales@avtograd.example";
const BOSS: &str = "boss@avtograd.example";
const PASSWORD: &str = "hushpassword4711";

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(Smtp);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(server().await)
    }
}

async fn server() -> Smtp {
    Smtp::builder(noon).user(FROM, PASSWORD).owned().start().await.unwrap()
}

fn settings(server: &Smtp, more: Value) -> Map<String, Value> {
    let mut all = json!({
        "host": "127.0.0.1", "port": server.addr().port(), "encryption": "none", "user": FROM, "password": PASSWORD,
        "from": format!("Автоград <{FROM}>"), "to": format!("{SALES}, {BOSS}"), "per_minute": 6000,
    })
    .as_object()
    .cloned()
    .unwrap();
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

fn open(settings: &Map<String, Value>) -> Arc<dyn Connector> {
    (ismart_connect::find("email").unwrap().open)(settings, &egress()).unwrap()
}

fn connector(server: &Smtp, more: Value) -> Arc<dyn Connector> {
    open(&settings(server, more))
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({}))
    }

    fn secret(&self) -> String {
        PASSWORD.to_owned()
    }

    fn records(&self) -> usize {
        self.0.letters().len()
    }

    fn complaints(&self) -> Vec<String> {
        self.0.complaints()
    }

    fn suffer(&self, trouble: Trouble) {
        let fault = match trouble {
            Trouble::Throttles => return self.0.once(refusal(451, "4.7.1 later"), "rcpt"),
            Trouble::AnswersPage => {
                Some(Fault::Status { code: 502, body: FaultBody::Html, after_commit: false })
            }
            other => fault(other, Fault::DropBeforeCommit, refusal(554, "5.7.1 spam")),
        };
        match fault {
            Some(fault) => self.0.once(fault, "message"),
            None => self.0.change_password("another"),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

#[tokio::test]
async fn a_letter_is_readable_and_answers_go_to_the_person() {
    let server = server().await;
    let more = json!({"subject_prefix": "[сайт]", "comment": "из <письма>"});
    let id = connector(&server, more).deliver(&full(12)).await.unwrap();
    let letter = server.letters().pop().unwrap();
    assert_eq!(letter.id, id);
    assert_eq!((letter.from.as_str(), letter.to.clone()), (FROM, vec![SALES.to_owned(), BOSS.to_owned()]));
    let parsed = parsed(&letter.raw);
    assert_eq!(parsed["subject"], "[сайт] Тест-драйв: Haval Jolion 1.5 (№ 12)");
    assert!(parsed["reply_to"].as_str().unwrap().contains("Anna@mail.ru"), "{parsed}");
    assert!(parsed["reply_to"].as_str().unwrap().contains("Петрова Анна Сергеевна"), "{parsed}");
    let (text, html) = (parsed["text"].as_str().unwrap(), parsed["html"].as_str().unwrap());
    assert!(text.contains("Телефон: +79100000012") && text.contains("Примечание: из <письма>"), "{text}");
    assert!(html.contains("href=\"tel:+79100000012\"") && html.contains("из &lt;письма&gt;"), "{html}");
    assert!(!html.contains("<script>") && html.contains("&lt;script&gt;"), "{html}");
    assert_eq!(server.complaints(), Vec::<String>::new());
}

/// The letter as a mail program reads it: Python's own parser, which knows nothing of ours.
fn parsed(raw: &str) -> Value {
    // Its newer policy leaves a space between encoded words of a name, which no other program does.
    let script = "import sys,json,email,email.policy\n\
        from email.header import decode_header,make_header\n\
        raw=sys.stdin.buffer.read()\n\
        m=email.message_from_bytes(raw,policy=email.policy.default)\n\
        old=email.message_from_bytes(raw)\n\
        body=lambda kind:m.get_body((kind,)).get_content().replace('\\r\\n','\\n')\n\
        print(json.dumps({'subject':m['subject'],'reply_to':str(make_header(decode_header(old['reply-to']))),\
        'headers':[k for k,_ in m.items()],'text':body('plain'),'html':body('html')}))";
    use std::io::Write as _;
    let mut python = std::process::Command::new("python3")
        .args(["-c", script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("python3 reads the letters of this test: install it");
    python.stdin.take().unwrap().write_all(raw.as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A name, a subject or a note cannot add a header or a recipient.
#[tokio::test]
async fn nothing_that_people_type_becomes_a_header() {
    let server = server().await;
    let mut one = full(1);
    one.draft.subject = Some(ismart_domain::lead::Subject {
        key: "k".into(),
        title: "Haval\r\nBcc: thief@evil.example\r\n\r\n<h1>".into(),
    });
    one.draft.comment = "a\r\n.\r\nMAIL FROM:<x@y.ru>\r\n..b\r\n.".into();
    if let Ok(name) = PersonName::parse("Иван \"Bcc: <thief@evil.example>,\" Петров") {
        one.draft.name = Some(name);
    }
    connector(&server, json!({"subject_prefix": "x\nCc: thief@evil.example"})).deliver(&one).await.unwrap();
    let letter = server.letters().pop().unwrap();
    assert_eq!(letter.to, [SALES, BOSS]);
    let parsed = parsed(&letter.raw);
    let headers = parsed["headers"].as_array().unwrap();
    for name in ["Bcc", "Cc"] {
        assert!(
            !headers.iter().any(|header| header.as_str().unwrap().eq_ignore_ascii_case(name)),
            "{headers:?}"
        );
    }
    assert!(parsed["text"].as_str().unwrap().contains("\n.\nMAIL FROM:<x@y.ru>\n..b"), "{parsed}");
    assert_eq!((server.letters().len(), server.complaints()), (1, Vec::new()));
}

#[tokio::test]
async fn a_repeat_is_recognised_by_its_message_id() {
    let server = server().await;
    server.once(Fault::DropAfterCommit, "message");
    let error = connector(&server, json!({})).deliver(&lead(1)).await.unwrap_err();
    assert_eq!(class(&error), "look", "{error}");
    let id = connector(&server, json!({})).deliver(&lead(1)).await.unwrap();
    let letters = server.letters();
    assert_eq!((letters.len(), letters[0].times, &letters[0].id), (1, 2, &id));
    // Other recipients get another letter.
    let other = connector(&server, json!({"to": SALES})).deliver(&lead(1)).await.unwrap();
    assert_ne!(other, id);
}

/// Until the letter's end is sent nothing can have been carried out, whatever happens.
#[tokio::test]
async fn nothing_is_ambiguous_before_the_end_of_the_letter() {
    let slow = Fault::Latency { ms: 60_000, after_commit: false };
    for step in ["connect", "ehlo", "auth", "mail", "rcpt", "data"] {
        for fault in [
            if step == "rcpt" { slow.clone() } else { Fault::DropBeforeCommit },
            Fault::Status { code: 421, body: FaultBody::Json, after_commit: false },
            Fault::Status { code: 502, body: FaultBody::Html, after_commit: false },
            Fault::Status { code: 250, body: FaultBody::Garbage, after_commit: false },
        ] {
            let server = server().await;
            server.once(fault.clone(), step);
            let connector = connector(&server, json!({}));
            let error = connector.deliver(&lead(1)).await.unwrap_err();
            assert_eq!(class(&error), "again", "{step} {fault:?}: {error}");
            connector.deliver(&lead(1)).await.unwrap();
            assert_eq!(server.letters().len(), 1);
        }
    }
}

#[tokio::test]
async fn every_refusal_has_its_meaning() {
    for (step, code, expected, word) in [
        ("connect", 554, "settings", "`host`"),
        ("auth", 535, "settings", "`password`"),
        ("auth", 454, "again", "454"),
        ("mail", 553, "settings", "`from`"),
        ("mail", 451, "again", "wait"),
        ("rcpt", 450, "again", "wait"),
        ("data", 451, "again", "wait"),
        ("data", 554, "person", "554"),
        ("message", 452, "again", "wait"),
        ("message", 552, "person", "552"),
        ("message", 554, "person", "554"),
    ] {
        let server = server().await;
        server.once(refusal(code, "x.y.z said so"), step);
        let error = connector(&server, json!({})).deliver(&lead(1)).await.unwrap_err();
        assert_eq!(class(&error), expected, "{step} {code}: {error}");
        assert!(error.to_string().contains(word), "{step} {code}: {error}");
        assert_eq!(server.letters().len(), 0);
    }
}

#[tokio::test]
async fn a_greylisting_server_gets_the_letter_later() {
    let clock = Arc::new(std::sync::atomic::AtomicI64::new(1_800_000_000));
    let time = clock.clone();
    let now = move || jiff::Timestamp::from_second(time.load(std::sync::atomic::Ordering::SeqCst)).unwrap();
    let server = Smtp::builder(now).greylist(300).start().await.unwrap();
    let connector = connector(&server, json!({"user": null, "password": null}));
    let line = connector.check().await.unwrap();
    assert!(line.contains("wait some minutes"), "{line}");
    let DeliveryError::Retry { after: Some(after), ambiguous: false, .. } =
        connector.deliver(&lead(1)).await.unwrap_err()
    else {
        panic!("not asked to wait")
    };
    assert!(after.as_secs() >= 300);
    clock.fetch_add(after.as_secs(), std::sync::atomic::Ordering::SeqCst);
    connector.deliver(&lead(1)).await.unwrap();
    assert_eq!(server.letters().len(), 1);
}

/// One mailbox that is gone does not cost the others their letter; all gone is a matter of settings.
#[tokio::test]
async fn mailboxes_that_are_gone_are_found_and_letters_come_after_mending() {
    let server = server().await;
    let connector = connector(&server, json!({}));
    let line = connector.check().await.unwrap();
    assert!(line.contains(FROM) && line.contains("2 mailbox"), "{line}");
    server.forget_mailbox(BOSS);
    let error = connector.check().await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains(BOSS), "{error}");
    connector.deliver(&lead(1)).await.unwrap();
    assert_eq!(server.letters()[0].to, [SALES]);
    server.forget_mailbox(SALES);
    let error = connector.deliver(&lead(2)).await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("`to`"), "{error}");
    server.know_mailbox(SALES);
    connector.deliver(&lead(2)).await.unwrap();
    assert_eq!(server.letters().len(), 2);
    assert_eq!(
        server.commands().iter().filter(|command| *command == "message").count(),
        2,
        "a check sends nothing"
    );
    let error =
        self::connector(&server, json!({"from": "other@avtograd.example"})).check().await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("`from`"), "{error}");
}

#[tokio::test]
async fn encryption_is_demanded_and_certificates_are_checked_by_name() {
    let made = rcgen::generate_simple_self_signed(vec!["mail.avtograd.example".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    for (encryption, setting) in [(Encryption::Implicit, "tls"), (Encryption::StartTls, "starttls")] {
        let server = Smtp::builder(noon).user(FROM, PASSWORD);
        let server = server.encrypt(encryption, &chain, &key).unwrap().start().await.unwrap();
        let good = json!({"encryption": setting, "tls_name": "mail.avtograd.example", "ca": chain});
        let connector = connector(&server, good.clone());
        let line = connector.check().await.unwrap();
        assert!(line.contains("encrypted") && !line.contains("unencrypted"), "{line}");
        connector.deliver(&lead(1)).await.unwrap();
        for wrong in
            [json!({"tls_name": "mail.other.example"}), json!({"ca": null}), json!({"tls_name": null})]
        {
            let mut all = settings(&server, good.clone());
            all.extend(wrong.as_object().cloned().unwrap());
            let error = open(&all).check().await.unwrap_err();
            assert!(
                class(&error) == "settings" && error.to_string().contains("`tls_name`"),
                "{wrong}: {error}"
            );
        }
        assert_eq!(server.letters().len(), 1);
    }
    let plain = server().await;
    let error = connector(&plain, json!({"encryption": "starttls"})).check().await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("STARTTLS"), "{error}");
}

#[tokio::test]
async fn wrong_settings_are_named() {
    let server = server().await;
    let problems = |more: Value| {
        let opened = (ismart_connect::find("email").unwrap().open)(&settings(&server, more), &egress());
        opened.err().map(|error| error.to_string()).unwrap_or_default()
    };
    assert_eq!(problems(json!({})), "");
    for (more, word) in [
        (json!({"host": "smtp.yandex.ru"}), "`encryption`: none is only for a server on this machine"),
        (json!({"host": "smtp://a.ru"}), "`host`"),
        (json!({"port": 70_000}), "65535"),
        (json!({"to": "sales"}), "`sales` is no address"),
        (json!({"to": " , "}), "names nobody"),
        (json!({"from": "Автоград"}), "`from`"),
        (json!({"user": null}), "`user`: is missing beside `password`"),
        (json!({"password": null}), "`password`: is missing beside `user`"),
        (json!({"encryption": "tls", "ca": "x"}), "`ca`"),
    ] {
        let text = problems(more);
        assert!(text.contains(word), "{word}: {text}");
    }
}

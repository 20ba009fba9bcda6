//! The captcha against its maker's emulator.

use ismart_connect::{CAPTCHA_FIELDS, Egress, open_captcha};
use ismart_domain::ports::Judged;
use ismart_emulators::smartcaptcha::{Mood, SmartCaptcha};
use ismart_http::{AddressPolicy, Client, Settings};
use serde_json::{Value, json};

fn egress() -> Egress {
    Egress::new(Client::new(Settings { allow: AddressPolicy::AllowLoopback, ..Settings::default() }).unwrap())
}

async fn judged(settings: &Value, token: &str) -> Judged {
    let captcha = open_captcha(settings.as_object().unwrap(), &egress()).unwrap();
    captcha.judge(token, "203.0.113.5").await
}

#[tokio::test]
async fn p1_a_token_is_a_persons_once() {
    let maker = SmartCaptcha::start("hushkey").await.unwrap();
    let settings = json!({"server_key": "hushkey", "url": maker.url()});
    maker.pass("t1");
    assert_eq!(judged(&settings, "t1").await, Judged::Person);
    assert_eq!(judged(&settings, "t1").await, Judged::Robot);
    assert_eq!(judged(&settings, "forged").await, Judged::Robot);
    assert_eq!(maker.asked(), ["203.0.113.5"; 3]);
}

#[tokio::test]
async fn p2_a_maker_that_is_away_makes_nobody_a_robot() {
    let maker = SmartCaptcha::start("hushkey").await.unwrap();
    let settings = json!({"server_key": "hushkey", "url": maker.url(), "timeout_seconds": 1});
    for mood in [Mood::Down, Mood::Hanging] {
        maker.set_mood(mood);
        assert!(matches!(judged(&settings, "t").await, Judged::Unknown { .. }), "{mood:?}");
    }
    maker.set_mood(Mood::Well);
    let foreign = json!({"server_key": "other", "url": maker.url()});
    let Judged::Unknown { reason } = judged(&foreign, "t").await else { panic!("a wrong key is ours") };
    assert!(!reason.contains("other"), "{reason}");
    let nobody = json!({"server_key": "k", "url": "http://127.0.0.1:9/validate"});
    assert!(matches!(judged(&nobody, "t").await, Judged::Unknown { .. }));
}

#[test]
fn p3_wrong_settings_are_refused_by_name() {
    let keys = |settings: Value| {
        let error = open_captcha(settings.as_object().unwrap(), &egress()).err().unwrap();
        assert!(!error.to_string().contains("hushkey"), "{error}");
        error.problems.into_iter().map(|problem| problem.key).collect::<Vec<_>>()
    };
    assert_eq!(keys(json!({})), ["server_key"]);
    assert_eq!(
        keys(json!({"server_key": "hushkey", "url": "http://maker.example/", "colour": 1})),
        ["colour", "url"]
    );
    for field in CAPTCHA_FIELDS {
        assert!(
            [field.title_ru, field.title_en, field.help_ru, field.help_en]
                .iter()
                .all(|text| !text.is_empty())
        );
    }
}

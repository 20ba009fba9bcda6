use ismart_domain::delivery::DeliveryError;
use ismart_emulators::bitrix24::{Entity, Switch, User};
use serde_json::json;

use super::{connector, open, portal};
use crate::contract::egress;
use crate::leads::lead;
use crate::scripted::{Script, Scripted, json_answer};

/// What an error asks for: `look` and `again` are the two kinds of repeat.
fn class(error: &DeliveryError) -> &'static str {
    match error {
        DeliveryError::Retry { ambiguous: true, .. } => "look",
        DeliveryError::Retry { ambiguous: false, .. } => "again",
        DeliveryError::Rejected { .. } => "person",
        DeliveryError::Settings { .. } => "settings",
    }
}

fn refusal(status: u16, code: &str, text: &str) -> Script {
    json_answer(status, json!({"error": code, "error_description": text}))
}

fn page(status: u16) -> Script {
    (status, "text/html", "<html><body>nginx hushkey</body></html>".to_owned())
}

/// Each shape, what it asks for, and a word that tells people what to do.
fn shapes() -> Vec<(Script, &'static str, &'static str)> {
    vec![
        (refusal(401, "NO_AUTH_FOUND", "Wrong authorization data"), "settings", "`webhook`"),
        (refusal(401, "expired_token", ""), "settings", "`webhook`"),
        (refusal(403, "insufficient_scope", "needs more"), "settings", "right `crm`"),
        (refusal(403, "INVALID_CREDENTIALS", ""), "settings", "employee"),
        (refusal(403, "user_access_error", ""), "settings", "employee"),
        (refusal(403, "ACCESS_DENIED", "REST is available only on commercial plans"), "settings", "plan"),
        (refusal(403, "WRONG_AUTH_TYPE", ""), "settings", "application"),
        (refusal(403, "", ""), "settings", "webhook"),
        (refusal(404, "ERROR_METHOD_NOT_FOUND", "Method not found!"), "settings", "CRM"),
        (refusal(500, "PORTAL_DELETED", ""), "settings", "closed"),
        (refusal(400, "INVALID_REQUEST", "Https required"), "settings", "https"),
        (refusal(503, "OVERLOAD_LIMIT", ""), "settings", "support"),
        (refusal(400, "", "Access denied."), "settings", "permissions"),
        (refusal(503, "QUERY_LIMIT_EXCEEDED", "Too many requests"), "again", "wait"),
        (refusal(429, "OPERATION_TIME_LIMIT", ""), "again", "wait"),
        (refusal(429, "", ""), "again", "wait"),
        (page(429), "again", "429"),
        (refusal(500, "INTERNAL_SERVER_ERROR", ""), "look", "500"),
        (refusal(500, "ERROR_UNEXPECTED_ANSWER", ""), "look", "500"),
        (refusal(503, "", ""), "look", "503"),
        (page(500), "look", "500"),
        (page(502), "look", "502"),
        (page(503), "look", "503"),
        (page(504), "look", "504"),
        (page(200), "look", "JSON"),
        ((200, "application/json", String::new()), "look", "empty"),
        ((200, "application/json", "{\"result\":{\"item\":{\"id\":9".into()), "look", "JSON"),
        (json_answer(200, json!({"time": {}})), "look", "JSON"),
        (json_answer(200, json!([1])), "look", "JSON"),
        (json_answer(502, json!({"result": {"item": {"id": 5}}})), "look", "502"),
        (json_answer(200, json!({"result": {"item": {"id": 0}}})), "look", "number"),
        (json_answer(200, json!({"result": true})), "look", "number"),
        (page(302), "settings", "renamed"),
        (page(401), "settings", "`webhook`"),
        (page(404), "settings", "`webhook`"),
        (refusal(400, "", "Not found"), "person", "Not found"),
        (refusal(200, "", ""), "person", "without a code"),
        (
            json_answer(400, json!({"error": 100, "error_description": "Expected iterable"})),
            "person",
            "iterable",
        ),
        (json_answer(400, json!({"error": "0"})), "person", "0"),
        (refusal(400, "CRM_FIELD_ERROR_REQUIRED", "Поле обязательно"), "person", "обязательно"),
        (refusal(400, "ERROR_CORE", "phone +79101234567 of hushkey is wrong"), "person", "phone"),
        (page(400), "person", "400"),
    ]
}

/// P6: every shape of an answer to the creation has its meaning, and a text that helps and hides the secret.
#[tokio::test]
async fn p6_every_answer_to_a_creation_is_classified() {
    for (script, expected, word) in shapes() {
        let portal = Scripted::start().await;
        portal.say("crm.item.add", script.clone());
        let error = open(&portal.settings(), &egress()).deliver(&lead(1)).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(class(&error), expected, "{script:?}: {text}");
        assert!(text.contains(word), "{script:?}: {text}");
        assert!(!text.contains("hushkey") && !text.contains("9101234567"), "{text}");
        assert!(text.chars().count() <= 500 && !text.contains('\n'), "{text}");
    }
}

/// P6: before the creation nothing can have been carried out, so nothing is ambiguous, and nothing is the
/// lead's fault.
#[tokio::test]
async fn p6_a_loss_before_the_creation_is_never_ambiguous() {
    for method in ["crm.settings.mode.get", "batch"] {
        for (script, expected, _) in shapes() {
            let portal = Scripted::start().await;
            portal.say(method, script.clone());
            let error = open(&portal.settings(), &egress()).deliver(&lead(1)).await.unwrap_err();
            let expected = match expected {
                "look" => "again",
                "person" => "settings",
                other => other,
            };
            assert_eq!(class(&error), expected, "{method} {script:?}: {error:?}");
            assert!(!portal.calls().contains(&"crm.item.add".to_owned()));
        }
    }
}

/// P6: a throttled portal is left alone for as long as it needs; it sends no `Retry-After`.
#[tokio::test]
async fn p6_throttling_says_how_long_to_wait() {
    let told = json!({"error": "OPERATION_TIME_LIMIT", "time": {"start": 100.0, "finish": 100.0, "operating": 480.0,
                      "operating_reset_at": 400}});
    let soon = json!({"error": "OPERATION_TIME_LIMIT", "time": {"start": 100.0, "finish": 100.0, "operating": 480.0,
                      "operating_reset_at": 103}});
    for (script, seconds) in [
        (refusal(429, "OPERATION_TIME_LIMIT", ""), 10),
        (page(429), 10),
        (json_answer(429, told), 300),
        (json_answer(429, soon), 10),
        (refusal(503, "QUERY_LIMIT_EXCEEDED", ""), 5),
    ] {
        let portal = Scripted::start().await;
        portal.say("crm.item.add", script.clone());
        let error = open(&portal.settings(), &egress()).deliver(&lead(1)).await.unwrap_err();
        let DeliveryError::Retry { after: Some(after), ambiguous: false, .. } = error else {
            panic!("{script:?}: {error:?}")
        };
        assert_eq!(after.as_secs(), seconds, "{script:?}");
    }
}

/// Errors inside the searches: limits stop the delivery, an unreadable origin stops it, the rest does not.
#[tokio::test]
async fn errors_inside_a_batch_are_judged_one_by_one() {
    let batch = |errors: serde_json::Value| {
        let result = json!({"result": {"own": {"items": []}}, "result_error": errors, "result_time": []});
        json_answer(200, json!({"result": result}))
    };
    let shape =
        |key: &str, code: &str| batch(json!({key: {"error": code, "error_description": "Access denied."}}));
    for (script, expected) in [
        (shape("phone", "OPERATION_TIME_LIMIT"), Some("again")),
        (shape("own", "OPERATION_TIME_LIMIT"), Some("again")),
        (shape("own", "INTERNAL_SERVER_ERROR"), Some("again")),
        (shape("own", ""), Some("settings")),
        (shape("own", "insufficient_scope"), Some("settings")),
        (shape("phone", "Communication values is not defined"), None),
        (shape("phone", ""), None),
        (json_answer(200, json!({"result": {"result": [], "result_error": []}})), Some("again")),
        (json_answer(200, json!({"result": {"result": {"own": {"items": [{"id": "77"}]}}}})), None),
        (json_answer(200, json!({"result": "odd"})), Some("again")),
    ] {
        let portal = Scripted::start().await;
        portal.say("batch", script.clone());
        let done = open(&portal.settings(), &egress()).deliver(&lead(1)).await;
        assert_eq!(done.as_ref().err().map(class), expected, "{script:?}: {done:?}");
    }
}

#[tokio::test]
async fn p7_an_unknown_crm_mode_is_not_guessed() {
    let portal = Scripted::start().await;
    portal.say("crm.settings.mode.get", json_answer(200, json!({"result": 3})));
    let error = open(&portal.settings(), &egress()).deliver(&lead(1)).await.unwrap_err();
    assert_eq!(class(&error), "again");
    assert_eq!(portal.calls(), ["crm.settings.mode.get"]);
}

/// P8: a check names portal, user, rights and mode, and finds what would stop leads.
#[tokio::test]
async fn p8_a_check_names_what_is_there() {
    let portal = portal(|builder| builder).await;
    let host = portal.addr().to_string();
    let line = connector(&portal, json!({})).check().await.unwrap();
    assert_eq!(
        line,
        format!(
            "portal {host}, user Анна Администратор (1), rights: crm, user; classic CRM mode, requests become leads"
        )
    );
    portal.faults().turn(Switch::SimpleCrm { on: true }).unwrap();
    let line = connector(&portal, json!({"mode": "lead", "assigned_by_id": 1})).check().await.unwrap();
    assert!(line.ends_with("simple CRM mode, requests become deals, responsible: user 1"), "{line}");
    assert_eq!(portal.findings(), []);
}

#[tokio::test]
async fn p8_a_check_finds_what_would_stop_leads() {
    let dismissed =
        User { id: 9, name: "Б".into(), last_name: "В".into(), email: "b@v.ru".into(), active: false };
    let portal = portal(|builder| builder.user(dismissed)).await;
    let check = async |more| connector(&portal, more).check().await.unwrap_err();
    for (more, words) in [
        (json!({"source_id": "NOSUCH"}), ["`source_id`", "WEB"]),
        (json!({"assigned_by_id": 9}), ["`assigned_by_id`", "dismissed"]),
        (json!({"assigned_by_id": 404}), ["`assigned_by_id`", "does not exist"]),
    ] {
        let error = check(more).await;
        assert_eq!(class(&error), "settings");
        assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
    }
    portal.faults().turn(Switch::RemoveScope { scope: "crm".into() }).unwrap();
    let error = check(json!({})).await;
    assert!(error.to_string().contains("lacks the right `crm` (it has: user)"), "{error}");
    let delivered = connector(&portal, json!({})).deliver(&lead(1)).await.unwrap_err();
    assert_eq!(class(&delivered), "settings");
    assert!(delivered.to_string().contains("right `crm`"), "{delivered}");
    assert_eq!(portal.count(Entity::Lead), 0);
}

#[tokio::test]
async fn p8_a_demanded_custom_field_is_found() {
    let portal = portal(|builder| builder.custom_field(Entity::Lead, "UF_CRM_COLOUR", "Цвет")).await;
    let demand = Switch::RequireField { entity: Entity::Lead, name: "UF_CRM_COLOUR".into() };
    portal.faults().turn(demand).unwrap();
    for mode in ["item", "lead"] {
        let connector = connector(&portal, json!({"mode": mode}));
        let error = connector.check().await.unwrap_err();
        assert_eq!(class(&error), "settings");
        assert!(error.to_string().to_uppercase().replace('_', "").contains("UFCRMCOLOUR"), "{error}");
        let refused = connector.deliver(&lead(1)).await.unwrap_err();
        assert_eq!(class(&refused), "person", "{refused}");
    }
}

/// With codes left out altogether, the statuses still tell what to do.
#[tokio::test]
async fn a_portal_without_codes_is_understood_by_status() {
    let portal = portal(|builder| builder).await;
    portal.faults().turn(Switch::EmptyErrorCode { on: true }).unwrap();
    portal.faults().expire_webhook(true).unwrap();
    let error = connector(&portal, json!({})).deliver(&lead(1)).await.unwrap_err();
    assert_eq!(class(&error), "settings", "{error}");
}

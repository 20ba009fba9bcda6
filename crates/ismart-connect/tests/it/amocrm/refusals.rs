use ismart_emulators::amocrm::{Fault, FaultBody, Kind, Rule, Switch};
use serde_json::json;

use super::{ANNA, COLOUR, PIPELINE, STAGE, WHITE, account, called, class, connector, text_field};
use crate::leads::{full, lead};

/// P6: every status and body of an answer to the creation has its meaning, and a text that helps and hides the token.
#[tokio::test]
async fn p6_every_answer_to_a_creation_is_classified() {
    for (code, body, expected, word) in [
        (401, FaultBody::Json, "settings", "`token`"),
        (401, FaultBody::Html, "settings", "`token`"),
        (402, FaultBody::Json, "settings", "pay"),
        (402, FaultBody::Html, "settings", "pay"),
        (403, FaultBody::Json, "settings", "administrator"),
        (403, FaultBody::Html, "settings", "support"),
        (404, FaultBody::Html, "settings", "`account`"),
        (426, FaultBody::Json, "settings", "plan"),
        (302, FaultBody::Html, "settings", "renamed"),
        (429, FaultBody::Json, "again", "wait"),
        (429, FaultBody::Html, "again", "wait"),
        (408, FaultBody::Json, "look", "408"),
        (500, FaultBody::Json, "look", "500"),
        (502, FaultBody::Html, "look", "502"),
        (504, FaultBody::Empty, "look", "504"),
        (200, FaultBody::Html, "look", "JSON"),
        (200, FaultBody::Truncated, "look", "JSON"),
        (200, FaultBody::Empty, "look", "empty"),
        (400, FaultBody::Json, "person", "Invalid"),
        (400, FaultBody::Html, "person", "400"),
        (422, FaultBody::Json, "person", "422"),
    ] {
        let account = account(|builder| builder).await;
        let fault = Fault::Status { code, body: body.clone(), after_commit: false };
        account.faults().add(Rule::new(fault).method("leads.complex").times(1));
        let error = connector(&account, json!({})).deliver(&lead(1)).await.unwrap_err();
        let text = error.to_string();
        assert_eq!(class(&error), expected, "{code} {body:?}: {text}");
        assert!(text.contains(word), "{code} {body:?}: {text}");
        assert!(!text.contains("hushtoken") && text.chars().count() <= 600 && !text.contains('\n'), "{text}");
    }
}

/// P6: before the creation nothing can have been carried out, so nothing is ambiguous.
#[tokio::test]
async fn p6_a_loss_before_the_creation_is_never_ambiguous() {
    for operation in ["leads.custom_fields", "leads.list", "contacts.list", "leads.custom_fields.add"] {
        for fault in [
            Fault::DropBeforeCommit,
            Fault::DropAfterCommit,
            Fault::Status { code: 502, body: FaultBody::Html, after_commit: false },
            Fault::Status { code: 200, body: FaultBody::Garbage, after_commit: true },
        ] {
            let account = account(|builder| builder).await;
            account.faults().add(Rule::new(fault.clone()).method(operation).times(1));
            let connector = connector(&account, json!({}));
            let error = connector.deliver(&lead(1)).await.unwrap_err();
            assert_eq!(class(&error), "again", "{operation} {fault:?}: {error:?}");
            assert_eq!(account.count(Kind::Lead), 0);
            connector.deliver(&lead(1)).await.unwrap();
            assert_eq!(account.count(Kind::Lead), 1, "{operation} {fault:?}");
        }
    }
}

/// P8: a check says who, where to and what will be made, and leaves nothing behind.
#[tokio::test]
async fn p8_a_check_names_what_is_there() {
    let account = account(|builder| builder).await;
    let host = account.addr().to_string();
    let line = connector(&account, json!({})).check().await.unwrap();
    assert_eq!(
        line,
        format!(
            "account {host} “Тестовый аккаунт”, token of Анна Администратор (504141); leads go to “Воронка”; field \
             “iSmart ID” will be made with the first lead"
        )
    );
    connector(&account, json!({})).deliver(&lead(1)).await.unwrap();
    let more = json!({"pipeline_id": PIPELINE, "status_id": STAGE, "responsible_user_id": 504_142,
                      "fields": format!("COLOUR=#{WHITE}")});
    let line = connector(&account, more).check().await.unwrap();
    assert!(
        line.ends_with("leads go to “Воронка”, stage “Переговоры”; field “iSmart ID” is there"),
        "{line}"
    );
    assert_eq!(account.findings(), []);
}

/// P8: whatever would stop leads is found, with the setting and the remedy in words.
#[tokio::test]
async fn p8_a_check_finds_what_would_stop_leads() {
    let account = account(|builder| builder).await;
    let check = async |more| {
        let error = connector(&account, more).check().await.unwrap_err();
        assert_eq!(class(&error), "settings", "{error}");
        error.to_string()
    };
    for (more, words) in [
        (json!({"pipeline_id": 404}), ["`pipeline_id`", "3104455 “Воронка”"]),
        (json!({"pipeline_id": PIPELINE, "status_id": 404}), ["`status_id`", "47521002 “Переговоры”"]),
        (json!({"responsible_user_id": 404}), ["`responsible_user_id`", "does not exist"]),
        (json!({"source": "phantom"}), ["`source`", "none"]),
        (json!({"fields": "999=subject"}), ["`fields`", "999"]),
        (json!({"fields": "PHANTOM=subject"}), ["`fields`", "PHANTOM"]),
        (json!({"fields": "COLOUR=#1"}), ["no choice 1", "5551, 5552"]),
        (json!({"fields": "COLOUR=subject"}), ["list of choices", "COLOUR=#NUMBER"]),
    ] {
        let text = check(more).await;
        assert!(words.iter().all(|word| text.contains(word)), "{text}");
    }
    let turn = |switch| account.faults().turn(switch).unwrap();
    turn(Switch::DismissUser { id: 504_142, on: true });
    assert!(check(json!({"responsible_user_id": 504_142})).await.contains("switched off"));
    turn(Switch::ArchivePipeline { id: PIPELINE, on: true });
    assert!(check(json!({"pipeline_id": PIPELINE})).await.contains("closed or deleted"));
    turn(Switch::ArchivePipeline { id: PIPELINE, on: false });
    turn(Switch::RemoveChoice { field_id: COLOUR, id: WHITE });
    assert!(check(json!({"fields": format!("COLOUR=#{WHITE}")})).await.contains("`fields`"));
    turn(Switch::RemoveField { kind: Kind::Lead, id: COLOUR });
    assert!(check(json!({"fields": "COLOUR=#5552"})).await.contains("deleted"));
    turn(Switch::Unpaid { on: true });
    assert!(check(json!({})).await.contains("not paid"));
    turn(Switch::Gone { on: true });
    assert!(check(json!({})).await.contains("`account`"));
    turn(Switch::Gone { on: false });
    turn(Switch::Unpaid { on: false });
    turn(Switch::DismissUser { id: ANNA, on: true });
    assert!(check(json!({})).await.contains("active administrator"));
    assert_eq!(account.count(Kind::Lead), 0);
}

/// P8: a manager's token that may make no fields is found before the first lead, and leads wait.
#[tokio::test]
async fn p8_a_token_without_rights_is_found() {
    let account = account(|builder| builder.long_lived_token("managers-token", 504_142)).await;
    let connector = connector(&account, json!({"token": "managers-token"}));
    for error in [connector.check().await.unwrap_err(), connector.deliver(&lead(1)).await.unwrap_err()] {
        assert_eq!(class(&error), "settings");
        assert!(
            error.to_string().contains("administrator") && error.to_string().contains("iSmart ID"),
            "{error}"
        );
    }
}

/// P6: a closed pipeline or a removed choice makes leads wait for the settings; a deleted field of ours is made anew.
#[tokio::test]
async fn p6_a_changed_account_makes_leads_wait() {
    let account = account(|builder| builder).await;
    let turn = |switch| account.faults().turn(switch).unwrap();
    let stage = connector(&account, json!({"pipeline_id": PIPELINE, "status_id": STAGE}));
    stage.deliver(&lead(1)).await.unwrap();
    turn(Switch::RemoveStage { pipeline_id: PIPELINE, id: STAGE });
    let error = stage.deliver(&lead(2)).await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("`status_id`"), "{error}");
    turn(Switch::ArchivePipeline { id: PIPELINE, on: true });
    let error = stage.deliver(&lead(2)).await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("`pipeline_id`"), "{error}");
    turn(Switch::ArchivePipeline { id: PIPELINE, on: false });
    turn(Switch::DismissUser { id: 504_142, on: true });
    let error =
        connector(&account, json!({"responsible_user_id": 504_142})).deliver(&lead(2)).await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("`responsible_user_id`"), "{error}");
    let colour = connector(&account, json!({"fields": format!("COLOUR=#{WHITE}")}));
    turn(Switch::RemoveChoice { field_id: COLOUR, id: WHITE });
    let error = colour.deliver(&lead(2)).await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("`fields`"), "{error}");
    assert_eq!(account.count(Kind::Lead), 1, "nothing was made meanwhile");

    let plain = connector(&account, json!({}));
    plain.deliver(&lead(3)).await.unwrap();
    let own = account.field_id(Kind::Lead, "ISMART_ID").unwrap();
    turn(Switch::RemoveField { kind: Kind::Lead, id: own });
    assert_eq!(class(&plain.deliver(&lead(4)).await.unwrap_err()), "again");
    let id = plain.deliver(&lead(4)).await.unwrap();
    assert_eq!(plain.find(&lead(4)).await.unwrap(), Some(id));
    assert_eq!(called(&account, "leads.custom_fields.add"), 2);
}

/// P7: an account with more fields than one page holds is read to its end.
#[tokio::test]
async fn p7_fields_behind_the_first_page_are_known() {
    let account = account(|builder| {
        (0..120)
            .fold(builder, |builder, n| builder.field(text_field(10_000 + n, &format!("Поле {n}"), "text")))
    })
    .await;
    let more = json!({"fields": "10119=subject_key"});
    connector(&account, more.clone()).check().await.unwrap();
    connector(&account, more).deliver(&full(1)).await.unwrap();
    assert_eq!(account.ledger().leads()[0].field(10_119), ["VIN123"]);
    assert!(called(&account, "leads.custom_fields") >= 4);
    assert_eq!(account.findings(), []);
}

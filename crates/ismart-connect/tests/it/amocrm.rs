//! The amoCRM connector against the emulator.

mod limits;
mod oauth;
mod records;
mod refusals;

use std::sync::Arc;

use ismart_connect::Egress;
use ismart_domain::BoxFuture;
use ismart_domain::delivery::DeliveryError;
use ismart_domain::ports::Connector;
use ismart_emulators::amocrm::{
    Account, AccountHandle, Builder, Choice, CustomField, Fault, FaultBody, Kind, Rule, Switch,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::contract::{Destination, Trouble};

pub(crate) const TOKEN: &str = "hushtoken4711";
const NOON: i64 = 1_800_000_000;
const ANNA: u64 = 504_141;
pub(crate) const PIPELINE: u64 = 3_104_455;
pub(crate) const STAGE: u64 = 47_521_002;
const COLOUR: u64 = 555;
const WHITE: u64 = 5551;

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(AccountHandle);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(account(|builder| builder).await)
    }
}

/// An account with a select field `555`.
pub(crate) async fn account(change: impl FnOnce(Builder) -> Builder) -> AccountHandle {
    let noon = Timestamp::from_second(NOON).unwrap();
    let choice = |id, value: &str| Choice { id, value: value.into(), code: None };
    let colour = CustomField {
        id: COLOUR,
        kind: Kind::Lead,
        name: "Цвет".into(),
        field_type: "select".into(),
        code: Some("COLOUR".into()),
        choices: vec![choice(WHITE, "Белый"), choice(5552, "Чёрный")],
        api_only: false,
        predefined: false,
    };
    change(Account::builder(move || noon).long_lived_token(TOKEN, ANNA).field(colour)).start().await.unwrap()
}

/// A field of leads that holds texts.
fn text_field(id: u64, name: &str, field_type: &str) -> CustomField {
    CustomField {
        id,
        kind: Kind::Lead,
        name: name.into(),
        field_type: field_type.into(),
        code: None,
        choices: Vec::new(),
        api_only: false,
        predefined: false,
    }
}

pub(crate) fn settings(account: &AccountHandle, more: Value) -> Map<String, Value> {
    let mut all = Map::from_iter([
        ("account".to_owned(), json!(account.base_url())),
        ("token".to_owned(), json!(TOKEN)),
        ("rate".to_owned(), json!(100)),
    ]);
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

pub(crate) fn open(settings: &Map<String, Value>, egress: &Egress) -> Arc<dyn Connector> {
    (ismart_connect::find("amocrm").unwrap().open)(settings, egress).unwrap()
}

fn connector(account: &AccountHandle, more: Value) -> Arc<dyn Connector> {
    open(&settings(account, more), &crate::contract::egress())
}

fn called(account: &AccountHandle, operation: &str) -> usize {
    account.requests().iter().filter(|record| record.method == operation).count()
}

/// What an error asks for: `look` and `again` are the two kinds of repeat.
fn class(error: &DeliveryError) -> &'static str {
    match error {
        DeliveryError::Retry { ambiguous: true, .. } => "look",
        DeliveryError::Retry { ambiguous: false, .. } => "again",
        DeliveryError::Rejected { .. } => "person",
        DeliveryError::Settings { .. } => "settings",
    }
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({}))
    }

    fn secret(&self) -> String {
        TOKEN.to_owned()
    }

    fn records(&self) -> usize {
        self.0.count(Kind::Lead)
    }

    fn complaints(&self) -> Vec<String> {
        self.0.findings().iter().map(|finding| format!("{finding:?}")).collect()
    }

    fn suffer(&self, trouble: Trouble) {
        let status = |code, body, after_commit| Fault::Status { code, body, after_commit };
        let fault = match trouble {
            Trouble::LosesAnswer => Fault::DropAfterCommit,
            Trouble::LosesRequest => Fault::DropBeforeCommit,
            Trouble::AnswersPage => status(502, FaultBody::Html, false),
            Trouble::AnswersGarbage => status(200, FaultBody::Garbage, true),
            Trouble::Dawdles => Fault::Latency { ms: 60_000, after_commit: true },
            Trouble::Throttles => status(429, FaultBody::Json, false),
            Trouble::Refuses => status(400, FaultBody::Code("x".into()), false),
            Trouble::ForgetsSecret => {
                return self.0.faults().turn(Switch::RevokeTokens { on: true }).unwrap();
            }
        };
        self.0.faults().add(Rule::new(fault).method("leads.complex").times(1));
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

//! The Bitrix24 connector against the emulator, which checks requests by Bitrix24's own method descriptions,
//! and against a portal that answers as written.

mod limits;
mod records;
mod refusals;

use std::path::PathBuf;
use std::sync::Arc;

use ismart_connect::Egress;
use ismart_domain::BoxFuture;
use ismart_domain::ports::Connector;
use ismart_emulators::bitrix24::{
    Builder, Entity, Fault, FaultBody, MethodSchemas, Portal, PortalHandle, Rule,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::contract::{Destination, Trouble};

const SECRET: &str = "hushkey4711";
pub(crate) const NOON: i64 = 1_800_000_000;

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(PortalHandle);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(portal(|builder| builder).await)
    }
}

/// A portal with the method descriptions, where the machine has them.
pub(crate) async fn portal(change: impl FnOnce(Builder) -> Builder) -> PortalHandle {
    let noon = Timestamp::from_second(NOON).unwrap();
    let mut builder = Portal::builder(move || noon).webhook(1, SECRET);
    if let Some(schemas) = schemas() {
        builder = builder.schemas(schemas);
    }
    change(builder).start().await.unwrap()
}

fn schemas() -> Option<MethodSchemas> {
    let beside = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared"));
    let shared = std::env::var_os("ISMART_SHARED").map_or(beside, PathBuf::from);
    let folder = shared.join("vectors/bitrix24/methods");
    if folder.is_dir() {
        return Some(MethodSchemas::load(&folder).unwrap());
    }
    eprintln!("{} is absent: requests are not checked by Bitrix24's method descriptions", folder.display());
    None
}

pub(crate) fn settings(portal: &PortalHandle, more: Value) -> Map<String, Value> {
    let mut all = Map::from_iter([("webhook".to_owned(), json!(portal.webhook_url()))]);
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

pub(crate) fn open(settings: &Map<String, Value>, egress: &Egress) -> Arc<dyn Connector> {
    (ismart_connect::find("bitrix24").unwrap().open)(settings, egress).unwrap()
}

fn connector(portal: &PortalHandle, more: Value) -> Arc<dyn Connector> {
    open(&settings(portal, more), &crate::contract::egress())
}

/// The methods called, those inside batches included.
fn called(portal: &PortalHandle, method: &str) -> usize {
    portal.requests().iter().filter(|record| record.method == method).count()
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({}))
    }

    fn secret(&self) -> String {
        SECRET.to_owned()
    }

    fn records(&self) -> usize {
        self.0.count(Entity::Lead)
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
            Trouble::Throttles => status(503, FaultBody::Json, false),
            Trouble::Refuses => status(400, FaultBody::Code("CRM_FIELD_ERROR_REQUIRED".into()), false),
            Trouble::ForgetsSecret => return self.0.faults().expire_webhook(true).unwrap(),
        };
        self.0.faults().add(Rule::new(fault).method("crm.item.add").times(1));
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

//! Signed webhooks against a careful receiver.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::ports::Connector;
use ismart_emulators::receiver::Receiver;
use ismart_emulators::{Fault, FaultBody, Quota};
use serde_json::{Map, Value, json};

use crate::channel::{class, fault, noon, refusal};
use crate::contract::{Destination, Trouble, egress};
use crate::leads::{full, lead};

const SECRET: &str = "whsec_aHVzaGh1c2hodXNoaHVzaGh1c2hodXNo";
const OTHER: &str = "whsec_b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcg==";

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(Receiver);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(receiver().await)
    }
}

async fn receiver() -> Receiver {
    Receiver::start(SECRET, None, noon).await.unwrap()
}

fn settings(receiver: &Receiver, more: Value) -> Map<String, Value> {
    let mut all = json!({"url": receiver.url(), "secret": SECRET, "rate": 100}).as_object().cloned().unwrap();
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

fn connector(receiver: &Receiver, more: Value) -> Arc<dyn Connector> {
    (ismart_connect::find("webhook").unwrap().open)(&settings(receiver, more), &egress()).unwrap()
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({}))
    }

    fn secret(&self) -> String {
        SECRET.trim_start_matches("whsec_").to_owned()
    }

    fn records(&self) -> usize {
        self.0.taken().len()
    }

    fn complaints(&self) -> Vec<String> {
        self.0.findings().iter().map(|finding| format!("{finding:?}")).collect()
    }

    fn suffer(&self, trouble: Trouble) {
        let throttled = Fault::Status { code: 429, body: FaultBody::Json, after_commit: false };
        let fault = match trouble {
            // Any body under a 2xx is a success; only one that breaks off leaves the matter open.
            Trouble::AnswersGarbage => {
                Some(Fault::Status { code: 200, body: FaultBody::Truncated, after_commit: true })
            }
            other => fault(other, throttled, refusal(422, "no")),
        };
        match fault {
            Some(fault) => self.0.once(fault, "lead.created"),
            None => self.0.change_secret(OTHER),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

/// The body has the shape that is promised to receivers.
#[tokio::test]
async fn the_body_is_what_its_schema_says() {
    let receiver = receiver().await;
    let id = connector(&receiver, json!({})).deliver(&full(12)).await.unwrap();
    let taken = receiver.taken().pop().unwrap();
    assert_eq!(taken.id, id);
    assert!(id.starts_with(&full(12).origin_id()));
    let data = &taken.body["data"];
    assert_eq!((&taken.body["type"], &taken.body["version"]), (&json!("lead.created"), &json!(1)));
    assert_eq!(
        data["person"],
        json!({"name": "Петрова Анна Сергеевна", "phone": "+79100000012", "email": "Anna@mail.ru"})
    );
    assert_eq!(data["subject"], json!({"key": "VIN123", "title": "Haval Jolion 1.5"}));
    assert_eq!(data["source"]["utm"]["campaign"], "spring");
    assert_eq!(data["source"]["channel"], "conversation");
    assert_eq!(data["consents"][0]["purpose"], "processing");
    assert_eq!(data["fields"], json!({"Удобное время": "после 18"}));

    let schema: Value = serde_json::from_str(include_str!("../../src/webhook/lead.v1.schema.json")).unwrap();
    for one in [full(12), lead(1)].iter().chain(&crate::leads::strange()) {
        connector(&receiver, json!({})).deliver(one).await.unwrap();
    }
    for taken in receiver.taken() {
        let problems = problems(&schema, &schema, &taken.body, "");
        assert_eq!(problems, Vec::<String>::new());
    }
    assert!(!problems(&schema, &schema, &json!({"type": "lead.created"}), "").is_empty());
}

/// The few words of JSON Schema that ours uses, held to strictly: a key that the schema does not name is a problem too.
fn problems(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    if let Some(name) = schema["$ref"].as_str() {
        return problems(root, root.pointer(name.trim_start_matches('#')).unwrap(), value, at);
    }
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let allowed: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => vec![kind],
    };
    let mut all = Vec::new();
    if !allowed.contains(&kind) {
        all.push(format!("{at}: is a {kind}, not {allowed:?}"));
    }
    if !schema["const"].is_null() && schema["const"] != *value {
        all.push(format!("{at}: is {value}"));
    }
    if let Some(list) = schema["enum"].as_array()
        && !list.contains(value)
    {
        all.push(format!("{at}: {value} is not listed"));
    }
    if let (Value::Object(map), Some(properties)) = (value, schema["properties"].as_object()) {
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !map.contains_key(key) {
                all.push(format!("{at}: lacks {key}"));
            }
        }
        for (key, inner) in map {
            match properties.get(key) {
                Some(schema) => all.extend(problems(root, schema, inner, &format!("{at}/{key}"))),
                None => all.push(format!("{at}: {key} is not described")),
            }
        }
    }
    for inner in value.as_array().into_iter().flatten() {
        all.extend(problems(root, &schema["items"], inner, at));
    }
    all
}

#[tokio::test]
async fn a_secret_is_replaced_without_a_gap() {
    let receiver = receiver().await;
    connector(&receiver, json!({})).deliver(&lead(1)).await.unwrap();
    // Ours is replaced first, then the receiver's.
    let both = connector(&receiver, json!({"secret": OTHER, "old_secret": SECRET}));
    both.deliver(&lead(2)).await.unwrap();
    receiver.change_secret(OTHER);
    both.deliver(&lead(3)).await.unwrap();
    connector(&receiver, json!({"secret": OTHER})).deliver(&lead(4)).await.unwrap();
    let error = connector(&receiver, json!({})).deliver(&lead(5)).await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("`secret`"), "{error}");
    assert_eq!(receiver.taken().len(), 4);
}

#[tokio::test]
async fn every_status_has_its_meaning() {
    for (code, expected, word) in [
        (301, "settings", "`url`"),
        (400, "person", "400"),
        (401, "settings", "`secret`"),
        (403, "settings", "`secret`"),
        (404, "settings", "`url`"),
        (405, "settings", "`url`"),
        (408, "look", "408"),
        (410, "settings", "subscription"),
        (413, "person", "413"),
        (429, "again", "wait"),
        (500, "look", "500"),
        (503, "again", "wait"),
        (504, "look", "504"),
    ] {
        let receiver = receiver().await;
        receiver.once(refusal(code, "no"), "lead.created");
        let error = connector(&receiver, json!({})).deliver(&lead(1)).await.unwrap_err();
        assert_eq!(class(&error), expected, "{code}: {error}");
        assert!(error.to_string().contains(word), "{code}: {error}");
    }
}

#[tokio::test]
async fn a_receiver_that_left_makes_leads_wait_and_takes_them_after_it_came_back() {
    let receiver = receiver().await;
    let connector = connector(&receiver, json!({}));
    receiver.leave(true);
    for error in [connector.check().await.unwrap_err(), connector.deliver(&lead(1)).await.unwrap_err()] {
        assert!(class(&error) == "settings" && error.to_string().contains("subscribe again"), "{error}");
    }
    receiver.leave(false);
    connector.check().await.unwrap();
    connector.deliver(&lead(1)).await.unwrap();
    receiver.limit(Some(Quota { requests: 1, millis: 90_000 }));
    connector.deliver(&lead(2)).await.unwrap();
    let error = connector.deliver(&lead(3)).await.unwrap_err();
    let ismart_domain::delivery::DeliveryError::Retry { after: Some(after), ambiguous: false, .. } = error
    else {
        panic!("{error:?}")
    };
    assert_eq!(after.as_secs(), 90, "the receiver's own Retry-After");
    assert_eq!(receiver.taken().len(), 2);
}

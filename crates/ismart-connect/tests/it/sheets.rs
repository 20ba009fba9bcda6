//! Rows of a Google spreadsheet against the emulator.

use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::ports::Connector;
use ismart_emulators::sheets::{Account, Sheets};
use ismart_emulators::{Fault, FaultBody, Quota};
use ring::signature::{KeyPair as _, RsaKeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value, json};

use crate::channel::{class, fault, noon, refusal};
use crate::contract::{Destination, Trouble, egress};
use crate::leads::{full, lead};

/// Made for these tests; opens nothing.
const PEM: &str = include_str!("../inputs/service_account.pem");
const EMAIL: &str = "leads@acme-site.iam.gserviceaccount.com";
const SPREADSHEET: &str = "1AbC_dEfG-hIjK";
const SHEET: &str = "Заявки";

/// The emulator as a destination of the contract suite.
pub(crate) struct Emulator(Sheets);

impl Emulator {
    pub(crate) async fn start() -> Self {
        Self(sheets().await)
    }
}

async fn sheets() -> Sheets {
    let der = PrivatePkcs8KeyDer::from_pem_slice(PEM.as_bytes()).unwrap();
    let pair = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap();
    let account = Account { email: EMAIL.into(), public_key: pair.public_key().as_ref().to_vec() };
    Sheets::start(account, SPREADSHEET, SHEET, None, noon).await.unwrap()
}

fn key(sheets: &Sheets) -> String {
    json!({"type": "service_account", "client_email": EMAIL, "private_key": PEM, "token_uri": sheets.token_url()})
        .to_string()
}

fn settings(sheets: &Sheets, more: Value) -> Map<String, Value> {
    let mut all =
        json!({"key": key(sheets), "spreadsheet": SPREADSHEET, "abroad": "agreed", "per_minute": 6000,
        "api": sheets.base_url()})
        .as_object()
        .cloned()
        .unwrap();
    all.extend(more.as_object().cloned().unwrap_or_default());
    all
}

fn connector(sheets: &Sheets, more: Value) -> Arc<dyn Connector> {
    (ismart_connect::find("sheets").unwrap().open)(&settings(sheets, more), &egress()).unwrap()
}

impl Destination for Emulator {
    fn settings(&self) -> Map<String, Value> {
        settings(&self.0, json!({}))
    }

    fn secret(&self) -> String {
        PEM.lines().nth(4).unwrap().to_owned()
    }

    fn records(&self) -> usize {
        self.0.rows(SHEET).iter().filter(|row| row[0].starts_with("lead-")).count()
    }

    fn complaints(&self) -> Vec<String> {
        self.0.findings().iter().map(|finding| format!("{finding:?}")).collect()
    }

    fn suffer(&self, trouble: Trouble) {
        let throttled = Fault::Status { code: 429, body: FaultBody::Json, after_commit: false };
        match fault(trouble, throttled, refusal(400, "INVALID_ARGUMENT")) {
            Some(fault) => self.0.once(fault, "values.append"),
            None => self.0.disable(),
        }
    }

    fn close(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(self.0.shutdown())
    }
}

#[tokio::test]
async fn the_first_lead_writes_the_heading_and_formulas_stay_texts() {
    let sheets = sheets().await;
    let more = json!({"columns": "Когда=date; Имя=name; Телефон=phone; Слова=comment; Время=form:Удобное время; Откуда=text:сайт"});
    let connector = connector(&sheets, more);
    let mut one = full(1);
    one.draft.comment = "=IMPORTXML(\"http://a.ru\")".into();
    assert_eq!(connector.deliver(&one).await.unwrap(), "A2");
    assert_eq!(connector.deliver(&full(2)).await.unwrap(), "A3");
    let rows = sheets.rows(SHEET);
    assert_eq!(rows[0], ["iSmart ID", "Когда", "Имя", "Телефон", "Слова", "Время", "Откуда"]);
    assert_eq!(
        rows[1],
        [
            one.origin_id().as_str(),
            "2027-01-15 11:00:00",
            "Петрова Анна Сергеевна",
            "+79100000001",
            "=IMPORTXML(\"http://a.ru\")",
            "после 18",
            "сайт"
        ]
    );
    assert_eq!((rows.len(), sheets.called("token")), (3, 1));
    assert_eq!(sheets.findings(), [], "values go in raw");
    // People sort and delete rows: a lead is found where it stands.
    let sorted = vec![rows[0].clone(), rows[2].clone(), rows[1].clone()];
    sheets.put_rows(SHEET, sorted);
    assert_eq!(connector.find(&one).await.unwrap().as_deref(), Some("A3"));
}

#[tokio::test]
async fn whatever_would_stop_rows_is_found_and_they_come_after_mending() {
    let sheets = sheets().await;
    let connector = connector(&sheets, json!({}));
    let both = async || {
        let mut texts = Vec::new();
        for error in [connector.check().await.unwrap_err(), connector.deliver(&lead(1)).await.unwrap_err()] {
            assert_eq!(class(&error), "settings", "{error}");
            texts.push(error.to_string());
        }
        texts.join(" | ")
    };
    sheets.share(false);
    let text = both().await;
    assert!(text.contains(EMAIL) && text.contains("as an editor"), "{text}");
    sheets.share(true);
    sheets.only_read(true);
    let error = connector.deliver(&lead(1)).await.unwrap_err();
    assert!(class(&error) == "settings" && error.to_string().contains("as an editor"), "{error}");
    sheets.only_read(false);
    sheets.remove_sheet(SHEET);
    let text = both().await;
    assert!(text.contains("has no sheet “Заявки”") && text.contains("`sheet`"), "{text}");
    sheets.put_rows(SHEET, Vec::new());
    connector.deliver(&lead(1)).await.unwrap();
    assert_eq!(sheets.rows(SHEET).len(), 2);
    sheets.delete();
    assert!(both().await.contains("`spreadsheet`"));
}

#[tokio::test]
async fn a_used_up_quota_makes_everybody_wait() {
    let sheets = sheets().await;
    sheets.limit(Some(Quota { requests: 2, millis: 60_000 }));
    let connector = connector(&sheets, json!({}));
    connector.deliver(&lead(1)).await.unwrap();
    let error = connector.deliver(&lead(2)).await.unwrap_err();
    assert_eq!(class(&error), "again", "{error}");
    assert_eq!(sheets.rows(SHEET).len(), 2);
}

#[tokio::test]
async fn columns_that_stand_elsewhere_are_told_before_they_are_saved() {
    let sheets = sheets().await;
    sheets.put_rows(SHEET, vec![vec!["iSmart ID".into(), "Телефон".into(), "Имя".into()]]);
    let settings = settings(&sheets, json!({"columns": "Имя=name; Телефон=phone"}));
    let shown = (ismart_connect::find("sheets").unwrap().rehearse)(&settings, &egress(), full(1))
        .unwrap()
        .await
        .unwrap();
    let fields: Vec<&str> = shown.misfits.iter().map(|misfit| misfit.field.as_str()).collect();
    assert_eq!(fields, ["Телефон", "Имя"]);
    assert!(shown.misfits[0].remedy.contains("`columns`"));
}

#[tokio::test]
async fn wrong_keys_are_named_without_being_repeated() {
    let sheets = sheets().await;
    for (key, word) in [
        ("hush".to_owned(), "no JSON"),
        (json!({"client_email": "hush"}).to_string(), "no private_key"),
        (json!({"private_key": "hush"}).to_string(), "no client_email"),
        (json!({"client_email": "a", "private_key": "hush"}).to_string(), "no PKCS#8"),
        (
            json!({"client_email": "a", "private_key": PEM, "token_uri": "http://a.ru"}).to_string(),
            "token_uri",
        ),
    ] {
        let settings = settings(&sheets, json!({"key": key}));
        let error = (ismart_connect::find("sheets").unwrap().open)(&settings, &egress()).err().unwrap();
        let text = error.to_string();
        assert!(text.contains(word) && text.starts_with("`key`") && !text.contains("hush"), "{text}");
    }
    let settings = settings(&sheets, json!({"columns": "Имя=#5"}));
    assert!((ismart_connect::find("sheets").unwrap().open)(&settings, &egress()).is_err());
}

//! Leads as rows of a Google spreadsheet, by a service account.
//!
//! Column A holds the lead's key: it is read before anything is appended, because appending twice makes two rows. Values go in
//! raw, so that nothing a visitor types becomes a formula.

mod key;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use ismart_domain::delivery::DeliveryError;
use ismart_domain::lead::Lead;
use ismart_domain::ports::Connector;
use ismart_domain::rehearsal::{Misfit, PortalField, Rehearsal, Shown};
use ismart_domain::{BoxFuture, Env, Secret};
use ismart_http::{Client, Request, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::Mutex;
use url::Url;

use self::settings::Settings;
use crate::address::{authority, form};
use crate::effect::Effect;
use crate::limit::{Limits, Rate};
use crate::mapping::Source;
use crate::rehearse::{Rehearsing, readable};
use crate::settings::SettingsError;
use crate::text::{cut, one_line};
use crate::verdict::Verdict;
use crate::{Egress, Entry, Memory, Opened};

const KIND: &str = "sheets";
/// The heading of column A.
const OWN: &str = "iSmart ID";
/// A cell takes 50 000 characters.
const CELL_LIMIT: usize = 40_000;
/// Column A of a hundred thousand leads.
const COLUMN_LIMIT: usize = 16 * 1024 * 1024;
/// A token is bought anew so long before it ends.
const MARGIN: i64 = 60;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The line in [`crate::CONNECTORS`].
pub(crate) const ENTRY: Entry = Entry {
    kind: KIND,
    title_ru: "Google Таблицы",
    title_en: "Google Sheets",
    fields: settings::FIELDS,
    memory: Memory::Asked,
    open,
    rehearse,
};

/// A token that opens the service until then.
#[derive(Debug, Clone)]
struct Token {
    access: Secret,
    until: Timestamp,
}

#[derive(Debug)]
struct Sheets {
    settings: Settings,
    host: String,
    secrets: Vec<Secret>,
    http: Client,
    reads: Arc<Limits>,
    writes: Arc<Limits>,
    env: Env,
    token: Mutex<Option<Token>>,
}

fn make(values: &Map<String, Value>, egress: &Egress) -> Result<Sheets, SettingsError> {
    let settings = settings::read(values)?;
    let rate = Rate { burst: 10, interval: Duration::from_secs(60) / settings.per_minute };
    let limits = |what: &str| egress.limits(&format!("{KIND} {what} {}", settings.key.email), rate);
    Ok(Sheets {
        reads: limits("reads"),
        writes: limits("writes"),
        host: authority(&settings.api),
        secrets: settings.key.secrets(),
        http: egress.http().clone(),
        env: egress.env().clone(),
        token: Mutex::new(None),
        settings,
    })
}

fn open(values: &Map<String, Value>, egress: &Egress) -> Opened {
    Ok(Arc::new(make(values, egress)?))
}

fn rehearse(values: &Map<String, Value>, egress: &Egress, lead: Lead) -> Rehearsing {
    let sheets = make(values, egress)?;
    Ok(Box::pin(async move { sheets.rehearse(&lead).await }))
}

/// Words of a refusal: `{"error":{"code","message","status"}}`.
fn refusal(body: &Value) -> Option<String> {
    let error = body.get("error")?;
    let text = |key: &str| error.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(one_line(&format!("{} {}", text("status"), text("message"))))
}

impl Sheets {
    fn verdict(&self, effect: Effect) -> Verdict<'_> {
        Verdict { host: &self.host, secrets: &self.secrets, address: "api", effect }
    }

    /// The address of the spreadsheet, with these parts behind it.
    fn address(&self, parts: &[&str]) -> Url {
        let mut url = self.settings.api.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(["v4", "spreadsheets", &self.settings.spreadsheet]).extend(parts);
        }
        url
    }

    /// A range of the sheet: `'Заявки'!A:A`.
    fn range(&self, cells: &str) -> String {
        format!("'{}'!{cells}", self.settings.sheet.replace('\'', "''"))
    }

    /// A token that opens the service. `spent` is one that it does not take any more. Others wait meanwhile, so that a
    /// burst buys one.
    async fn access(&self, spent: Option<&Secret>) -> Result<Secret, DeliveryError> {
        let verdict = self.verdict(Effect::Reads);
        let mut known = self.token.lock().await;
        let now = self.env.now();
        if let Some(token) = known.as_ref()
            && token.until > now
            && spent != Some(&token.access)
        {
            return Ok(token.access.clone());
        }
        let key = &self.settings.key;
        let assertion = key.assertion(now).map_err(|reason| verdict.settings(reason))?;
        let form = form([("grant_type", GRANT), ("assertion", assertion.as_str())]);
        let request = self.http.post(key.token_url.as_str());
        let request = request.body("application/x-www-form-urlencoded", form);
        let response = request.send().await.map_err(|failure| verdict.failure(&failure))?;
        let body: Value = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        if let Some(access) = body.get("access_token").and_then(Value::as_str) {
            let lasts = body.get("expires_in").and_then(Value::as_i64).unwrap_or(3600);
            let lasts = jiff::SignedDuration::from_secs(lasts.saturating_sub(MARGIN).max(1));
            let until = now.checked_add(lasts).unwrap_or(now);
            let access = Secret::new(access);
            *known = Some(Token { access: access.clone(), until });
            return Ok(access);
        }
        let said = body.get("error_description").or_else(|| body.get("error")).and_then(Value::as_str);
        Err(match (response.status(), said) {
            (400 | 401 | 403, Some(said)) => verdict.settings(format!(
                "Google does not accept the service account of `key`: {}; make a new key for an enabled account and put its JSON \
                 there; check this machine's clock",
                one_line(said)
            )),
            _ => verdict.foreign(&response),
        })
    }

    /// Asks or writes with a token that is valid.
    async fn call(
        &self,
        limits: &Limits,
        effect: Effect,
        request: impl Fn(&Client) -> Request,
    ) -> Result<Value, DeliveryError> {
        let verdict = self.verdict(effect);
        let mut access = self.access(None).await?;
        limits.admit(&[KIND]).await.map_err(|wait| verdict.crowded(wait))?;
        let mut response = self.send(&request, &access, verdict).await?;
        if response.status() == 401 {
            access = self.access(Some(&access)).await?;
            response = self.send(&request, &access, verdict).await?;
        }
        match serde_json::from_slice::<Value>(response.body()) {
            Ok(body) if response.is_success() && body.is_object() && body.get("error").is_none() => Ok(body),
            Ok(body) => match refusal(&body) {
                Some(said) => Err(self.judge(&response, &said, limits, verdict)),
                None => Err(verdict.foreign(&response)),
            },
            Err(_unreadable) => Err(verdict.foreign(&response)),
        }
    }

    async fn send(
        &self,
        request: &impl Fn(&Client) -> Request,
        access: &Secret,
        verdict: Verdict<'_>,
    ) -> Result<Response, DeliveryError> {
        let request = request(&self.http).secret_path().body_limit(COLUMN_LIMIT);
        let request = request.header("Authorization", &format!("Bearer {}", access.reveal()));
        request.send().await.map_err(|failure| verdict.failure(&failure))
    }

    fn judge(&self, response: &Response, said: &str, limits: &Limits, verdict: Verdict<'_>) -> DeliveryError {
        let said = format!("Google refused: {} {said}", response.status());
        match response.status() {
            401 => verdict.settings(format!("{said}: the service account of `key` is not accepted; make a new key")),
            // The account's address is no person's: it must be readable to be shared with.
            403 => DeliveryError::Settings {
                reason: format!(
                    "{}: share the spreadsheet with {} as an editor, and switch the Google Sheets API on in its project",
                    verdict.clean(&said),
                    self.settings.key.email
                ),
            },
            404 => verdict.settings(format!(
                "{said}: there is no such spreadsheet any more; put the id from the address of an existing one into `spreadsheet`"
            )),
            400 if said.contains("parse range") => verdict.settings(format!(
                "{said}: the spreadsheet has no sheet “{}”; make it, or put another title into `sheet`",
                self.settings.sheet
            )),
            429 => {
                limits.full(Duration::from_secs(15));
                verdict.throttled(response, &said)
            }
            408 | 500.. => verdict.unclear(said),
            _ => verdict.refused(said),
        }
    }

    /// The keys in column A, from its top.
    async fn keys(&self) -> Result<Vec<String>, DeliveryError> {
        let url = self.address(&["values", &self.range("A:A")]);
        let body = self.call(&self.reads, Effect::Reads, |http| http.get(url.as_str())).await?;
        let rows = body.get("values").and_then(Value::as_array);
        let first = |row: &Value| row.get(0).and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(rows.into_iter().flatten().map(first).collect())
    }

    /// The row that holds this lead, counted from 1.
    fn row_of(keys: &[String], lead: &Lead) -> Option<String> {
        let own = lead.origin_id();
        keys.iter().position(|key| *key == own).map(|at| format!("A{}", at + 1))
    }

    /// The cells of a lead.
    fn row(&self, lead: &Lead) -> Vec<String> {
        let cell = |source: &Source| match source {
            Source::Date => {
                let local = lead.accepted_at.to_zoned(self.settings.zone.clone());
                local.strftime("%Y-%m-%d %H:%M:%S").to_string()
            }
            other => other.text(lead).unwrap_or_default(),
        };
        let columns = self.settings.columns.iter().map(|rule| cut(&cell(&rule.source), CELL_LIMIT));
        std::iter::once(lead.origin_id()).chain(columns).collect()
    }

    fn heading(&self) -> Vec<String> {
        let titles = self.settings.columns.iter().map(|rule| rule.target.clone());
        std::iter::once(OWN.to_owned()).chain(titles).collect()
    }

    fn appending(&self) -> Url {
        let mut url = self.address(&["values", &format!("{}:append", self.range("A1"))]);
        url.query_pairs_mut()
            .append_pair("valueInputOption", "RAW")
            .append_pair("insertDataOption", "INSERT_ROWS");
        url
    }

    async fn hand_over(&self, lead: &Lead) -> Result<String, DeliveryError> {
        let keys = self.keys().await?;
        if let Some(row) = Self::row_of(&keys, lead) {
            return Ok(row);
        }
        let mut rows = Vec::new();
        if keys.is_empty() {
            rows.push(self.heading());
        }
        rows.push(self.row(lead));
        let (url, body) = (self.appending(), json!({"majorDimension": "ROWS", "values": rows}));
        let answer =
            self.call(&self.writes, Effect::Creates, |http| http.post(url.as_str()).json(&body)).await?;
        let updates = answer.get("updates");
        let range =
            updates.and_then(|one| one.get("updatedRange")).and_then(Value::as_str).unwrap_or_default();
        let last = range.rsplit([':', '!']).next().unwrap_or_default();
        let number: String = last.chars().filter(char::is_ascii_digit).collect();
        if number.is_empty() {
            return Err(self.verdict(Effect::Creates).unclear("Google added a row and did not say which"));
        }
        Ok(format!("A{number}"))
    }

    /// Titles of the spreadsheet and of its sheets.
    async fn about(&self) -> Result<(String, Vec<String>), DeliveryError> {
        let mut url = self.address(&[]);
        url.query_pairs_mut().append_pair("fields", "properties.title,sheets.properties.title");
        let body = self.call(&self.reads, Effect::Reads, |http| http.get(url.as_str())).await?;
        let title = |value: &Value| {
            let title = value.get("properties").and_then(|one| one.get("title")).and_then(Value::as_str);
            title.unwrap_or_default().to_owned()
        };
        let sheets = body.get("sheets").and_then(Value::as_array);
        Ok((title(&body), sheets.into_iter().flatten().map(title).collect()))
    }

    async fn try_out(&self) -> Result<String, DeliveryError> {
        let (title, sheets) = self.about().await?;
        let sheet = &self.settings.sheet;
        if !sheets.contains(sheet) {
            return Err(self.verdict(Effect::Reads).settings(format!(
                "the spreadsheet “{}” has no sheet “{sheet}”; it has: {}; make it, or put one of these into `sheet`",
                one_line(&title),
                sheets.join(", ")
            )));
        }
        let columns = self.settings.columns.len() + 1;
        let line = format!(
            "spreadsheet “{}”, sheet “{sheet}”, {columns} columns; personal data goes abroad",
            one_line(&title)
        );
        Ok(self.verdict(Effect::Reads).clean(&line))
    }

    async fn rehearse(&self, lead: &Lead) -> Result<Rehearsal, DeliveryError> {
        let about = self.try_out().await?;
        let url = self.address(&["values", &self.range("A1:Z1")]);
        let body = self.call(&self.reads, Effect::Reads, |http| http.get(url.as_str())).await?;
        let first = body.get("values").and_then(|rows| rows.get(0)).and_then(Value::as_array);
        let there: Vec<String> =
            first.into_iter().flatten().map(|cell| cell.as_str().unwrap_or_default().to_owned()).collect();
        let wanted = self.heading();
        let misfits = there.iter().enumerate().filter_map(|(at, title)| {
            let own = wanted.get(at)?;
            (own != title).then(|| Misfit {
                field: title.clone(),
                reason: format!("column {} is titled “{title}” and gets “{own}”", at + 1),
                remedy: "put the columns of `columns` into the order of the sheet, or retitle the sheet's"
                    .to_owned(),
            })
        });
        let field = |title: &String| PortalField {
            key: title.clone(),
            title: title.clone(),
            kind: "column".to_owned(),
            required: false,
            writable: *title != OWN,
            choices: Vec::new(),
        };
        let row = json!({"majorDimension": "ROWS", "values": [self.row(lead)]});
        let mut shown = self.appending();
        shown.set_path(&format!("/v4/spreadsheets/***/values/{}:append", self.settings.sheet));
        Ok(Rehearsal {
            about,
            requests: vec![Shown { what: format!("POST {shown}"), body: readable(&row) }],
            misfits: misfits.collect(),
            fields: there.iter().map(field).collect(),
        })
    }
}

impl Connector for Sheets {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn deliver<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<String, DeliveryError>> {
        Box::pin(self.hand_over(lead))
    }

    fn find<'a>(&'a self, lead: &'a Lead) -> BoxFuture<'a, Result<Option<String>, DeliveryError>> {
        Box::pin(async move { Ok(Self::row_of(&self.keys().await?, lead)) })
    }

    fn check(&self) -> BoxFuture<'_, Result<String, DeliveryError>> {
        Box::pin(self.try_out())
    }
}

//! Google Sheets with a service account: tokens for a signed assertion, cells read and appended.
//!
//! Emulated: `POST /token` (the assertion's claims are read and its signature is checked with the account's public key),
//! `GET /v4/spreadsheets/{id}` with the sheets' titles, `values/{range}` read, `values/{range}:append`. Errors have Google's
//! shape.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::Deref;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State as Given};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Map, Value, json};

use crate::StartError;
use crate::fault::Wording;
use crate::log::FindingKind;
use crate::stage::{Call, Kept, Reply, Running, Stage, parameters, play, text};

const SCOPE: &str = "https://www.googleapis.com/auth/spreadsheets";
const TOKENS: &str = "https://oauth2.googleapis.com/token";
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const PATH: &str = "/v4/spreadsheets/***";

/// Who may ask: a service account with the public half of its key.
#[derive(Debug, Clone)]
pub struct Account {
    /// `…@….iam.gserviceaccount.com`.
    pub email: String,
    /// `RSAPublicKey` in DER.
    pub public_key: Vec<u8>,
}

/// What the service keeps.
#[derive(Debug)]
pub struct Keeps {
    account: Account,
    disabled: bool,
    tokens: BTreeMap<String, i64>,
    spreadsheet: String,
    shared: bool,
    only_read: bool,
    sheets: BTreeMap<String, Vec<Vec<String>>>,
}

/// A running service with one spreadsheet.
#[derive(Debug)]
pub struct Sheets(Running<Keeps>);

impl Deref for Sheets {
    type Target = Running<Keeps>;

    fn deref(&self) -> &Running<Keeps> {
        &self.0
    }
}

const WORDING: Wording = Wording {
    content_type: "application/json; charset=UTF-8",
    refusal: |status, code| error(status, code.unwrap_or(status_name(status)), "refused by a fault rule"),
    torn: r#"{"spreadsheetId":"1"#,
};

fn status_name(status: u16) -> &'static str {
    match status {
        400 => "INVALID_ARGUMENT",
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}

fn error(status: u16, name: &str, message: &str) -> Value {
    json!({"error": {"code": status, "message": message, "status": name}})
}

impl Sheets {
    /// Opens it on a free port of this machine, or on `listen`: a spreadsheet with one empty sheet, shared with the account.
    ///
    /// # Errors
    /// [`StartError`] when the address is taken.
    pub async fn start(
        account: Account,
        spreadsheet: &str,
        sheet: &str,
        listen: Option<SocketAddr>,
        clock: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Result<Self, StartError> {
        let keeps = Keeps {
            account,
            disabled: false,
            tokens: BTreeMap::new(),
            spreadsheet: spreadsheet.to_owned(),
            shared: true,
            only_read: false,
            sheets: BTreeMap::from([(sheet.to_owned(), Vec::new())]),
        };
        let stage = Stage::new(Box::new(clock), WORDING, |keeps: &Keeps| json!(keeps.sheets), keeps);
        let router = Router::new()
            .route("/token", post(token))
            .route("/v4/spreadsheets/{id}", get(about))
            .route("/v4/spreadsheets/{id}/values/{range}", get(read).post(append))
            .with_state(stage.clone());
        Ok(Self(Running::start(stage, router, listen).await?))
    }

    /// Where tokens are bought.
    #[must_use]
    pub fn token_url(&self) -> String {
        format!("{}/token", self.base_url())
    }

    /// Takes the sharing back, or gives it.
    pub fn share(&self, on: bool) {
        self.stage.lock().state.shared = on;
    }

    /// Lets the account only read, or write too.
    pub fn only_read(&self, on: bool) {
        self.stage.lock().state.only_read = on;
    }

    /// Switches the account off: its tokens and its key are refused.
    pub fn disable(&self) {
        let mut kept = self.stage.lock();
        kept.state.disabled = true;
        kept.state.tokens.clear();
    }

    /// Removes a sheet.
    pub fn remove_sheet(&self, title: &str) {
        self.stage.lock().state.sheets.remove(title);
    }

    /// Deletes the spreadsheet.
    pub fn delete(&self) {
        self.stage.lock().state.spreadsheet.clear();
    }

    /// Puts rows at the beginning of a sheet, as a person who sorts does.
    pub fn put_rows(&self, title: &str, rows: Vec<Vec<String>>) {
        self.stage.lock().state.sheets.insert(title.to_owned(), rows);
    }

    /// The rows of a sheet.
    #[must_use]
    pub fn rows(&self, title: &str) -> Vec<Vec<String>> {
        self.stage.lock().state.sheets.get(title).cloned().unwrap_or_default()
    }

    /// Stops serving.
    pub async fn shutdown(self) {
        self.0.shutdown().await;
    }
}

fn no(status: u16, message: &str) -> Reply {
    Reply::refusal(status, status_name(status), error(status, status_name(status), message))
}

async fn token(Given(stage): Given<Arc<Stage<Keeps>>>, request: Request) -> Response {
    let base = format!("http://{}", host(&request));
    let params = parameters(request).await.unwrap_or_default();
    let call = Call {
        http_method: "POST".to_owned(),
        path: "/token".to_owned(),
        operation: "token".to_owned(),
        writes: false,
        params: Map::from_iter([("assertion".to_owned(), json!("***"))]),
    };
    play(stage, call, move |kept, now| {
        let grant = |reason: &str| {
            Reply::refusal(
                400,
                "invalid_grant",
                json!({"error": "invalid_grant", "error_description": reason}),
            )
        };
        if text(&params, "grant_type").as_deref() != Some(GRANT) {
            let body = json!({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"});
            return Reply::refusal(400, "unsupported_grant_type", body);
        }
        if kept.state.disabled {
            return grant("Invalid grant: account not found");
        }
        let assertion = text(&params, "assertion").unwrap_or_default();
        match judged(&kept.state.account, &assertion, &format!("{base}/token"), now) {
            Ok(()) => {
                let fresh = format!("ya29.{:x}", kept.state.tokens.len() + 0x00c0_ffee);
                kept.state.tokens.insert(fresh.clone(), now.as_second() + 3600);
                Reply::json(200, json!({"access_token": fresh, "expires_in": 3599, "token_type": "Bearer"}))
            }
            Err(reason) => grant(reason),
        }
    })
    .await
}

fn host(request: &Request) -> String {
    let value = request.headers().get("host").and_then(|value| value.to_str().ok());
    value.unwrap_or_default().to_owned()
}

/// Checks an assertion: its parts, its claims, its signature.
fn judged(account: &Account, assertion: &str, audience: &str, now: Timestamp) -> Result<(), &'static str> {
    let mut parts = assertion.split('.');
    let (Some(header), Some(claims), Some(signature), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("Invalid JWT: must have three parts.");
    };
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part.trim_end_matches('='));
    let json = |part: &str| -> Option<Value> { serde_json::from_slice(&decode(part).ok()?).ok() };
    let (Some(head), Some(body)) = (json(header), json(claims)) else { return Err("Invalid JWT: no JSON.") };
    if head.get("alg").and_then(Value::as_str) != Some("RS256") {
        return Err("Invalid JWT: the algorithm must be RS256.");
    }
    let text = |key: &str| body.get(key).and_then(Value::as_str).unwrap_or_default();
    let moment = |key: &str| body.get(key).and_then(Value::as_i64).unwrap_or_default();
    if text("iss") != account.email {
        return Err("Invalid grant: account not found");
    }
    if !text("scope").split(' ').any(|scope| scope == SCOPE) {
        return Err("Invalid OAuth scope or ID token audience provided.");
    }
    // Clients name the service's own address even where they were given another one.
    if ![audience, TOKENS].contains(&text("aud")) {
        return Err("Invalid JWT: Failed audience check.");
    }
    let (issued, ends, now) = (moment("iat"), moment("exp"), now.as_second());
    if issued > now + 300 || ends <= now || ends - issued > 3600 {
        return Err(
            "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe.",
        );
    }
    let Ok(signature) = decode(signature) else { return Err("Invalid JWT Signature.") };
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &account.public_key);
    let signed = format!("{header}.{claims}");
    key.verify(signed.as_bytes(), &signature)
        .map_err(|_bad: ring::error::Unspecified| "Invalid JWT Signature.")
}

/// The bearer token of a request.
fn bearer(request: &Request) -> String {
    let value = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    value.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default().to_owned()
}

/// What every call of the API must bring; the remaining checks are the call's own.
fn admitted(
    kept: &mut Kept<Keeps>,
    token: &str,
    id: &str,
    writes: bool,
    now: Timestamp,
) -> Result<(), Box<Reply>> {
    if kept.over(now).is_some() {
        let said =
            "Quota exceeded for quota metric 'Write requests' and limit 'Write requests per minute per user'";
        return Err(Box::new(no(429, said)));
    }
    let keeps = &kept.state;
    if keeps.tokens.get(token).is_none_or(|until| *until <= now.as_second()) {
        return Err(Box::new(no(401, "Request had invalid authentication credentials.")));
    }
    if id != keeps.spreadsheet {
        return Err(Box::new(no(404, "Requested entity was not found.")));
    }
    if !keeps.shared || (writes && keeps.only_read) {
        return Err(Box::new(no(403, "The caller does not have permission")));
    }
    Ok(())
}

async fn about(Given(stage): Given<Arc<Stage<Keeps>>>, Path(id): Path<String>, request: Request) -> Response {
    let token = bearer(&request);
    let call = Call {
        http_method: "GET".to_owned(),
        path: PATH.to_owned(),
        operation: "spreadsheets.get".to_owned(),
        writes: false,
        params: Map::new(),
    };
    play(stage, call, move |kept, now| {
        if let Err(reply) = admitted(kept, &token, &id, false, now) {
            return *reply;
        }
        let sheets = kept.state.sheets.keys().enumerate().map(|(at, title)| {
            json!({"properties": {"sheetId": at, "title": title, "index": at, "sheetType": "GRID",
                                  "gridProperties": {"rowCount": 1000, "columnCount": 26}}})
        });
        let sheets: Vec<Value> = sheets.collect();
        let properties = json!({"title": "Заявки с сайта", "locale": "ru_RU", "timeZone": "Europe/Moscow"});
        let url = format!("https://docs.google.com/spreadsheets/d/{id}/edit");
        Reply::json(
            200,
            json!({"spreadsheetId": id, "properties": properties, "sheets": sheets, "spreadsheetUrl": url}),
        )
    })
    .await
}

/// What a range names: `'Лист'!A:A`, `Лист!A1:O1`, `Лист`. Columns and rows from 0; without rows all of them.
struct Range {
    sheet: String,
    from: usize,
    to: usize,
    first: usize,
    last: usize,
}

impl Range {
    fn read(text: &str) -> Self {
        let (sheet, cells) = text.rsplit_once('!').unwrap_or((text, "A:Z"));
        let column = |cell: &str| {
            let letters = cell.chars().take_while(char::is_ascii_alphabetic);
            letters.fold(0_usize, |sum, c| {
                let digit = c.to_digit(36).and_then(|digit| usize::try_from(digit).ok()).unwrap_or(10) - 9;
                sum.saturating_mul(26).saturating_add(digit)
            })
        };
        let row =
            |cell: &str| cell.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse::<usize>().ok();
        let (from, to) = cells.split_once(':').unwrap_or((cells, cells));
        Self {
            sheet: sheet.trim_matches('\'').replace("''", "'"),
            from: column(from).saturating_sub(1),
            to: column(to).saturating_sub(1),
            first: row(from).unwrap_or(1).saturating_sub(1),
            last: row(to).unwrap_or(usize::MAX),
        }
    }
}

fn letter(column: usize) -> char {
    u32::try_from(column)
        .ok()
        .and_then(|column| char::from_u32(u32::from(b'A') + column.min(25)))
        .unwrap_or('A')
}

async fn read(
    Given(stage): Given<Arc<Stage<Keeps>>>,
    Path((id, asked)): Path<(String, String)>,
    request: Request,
) -> Response {
    let token = bearer(&request);
    let params = parameters(request).await.unwrap_or_default();
    let columns = text(&params, "majorDimension").as_deref() == Some("COLUMNS");
    let call = Call {
        http_method: "GET".to_owned(),
        path: format!("{PATH}/values"),
        operation: "values.get".to_owned(),
        writes: false,
        params: Map::from_iter([("range".to_owned(), json!(asked))]),
    };
    play(stage, call, move |kept, now| {
        if let Err(reply) = admitted(kept, &token, &id, false, now) {
            return *reply;
        }
        let Range { sheet, from, to, first, last } = Range::read(&asked);
        let Some(rows) = kept.state.sheets.get(&sheet) else {
            return no(400, &format!("Unable to parse range: {asked}"));
        };
        let cells = |row: &Vec<String>| -> Vec<String> {
            row.iter().skip(from).take(to - from.min(to) + 1).cloned().collect()
        };
        let mut values: Vec<Vec<String>> = rows.iter().take(last).skip(first).map(cells).collect();
        if columns {
            let widest = values.iter().map(Vec::len).max().unwrap_or_default();
            let column =
                |at: usize| values.iter().map(|row| row.get(at).cloned().unwrap_or_default()).collect();
            values = (0..widest).map(column).collect();
        }
        let dimension = if columns { "COLUMNS" } else { "ROWS" };
        let mut body = json!({"range": asked, "majorDimension": dimension});
        // An empty range has no `values` at all.
        if let (false, Value::Object(map)) = (values.is_empty(), &mut body) {
            map.insert("values".into(), json!(values));
        }
        Reply::json(200, body)
    })
    .await
}

async fn append(
    Given(stage): Given<Arc<Stage<Keeps>>>,
    Path((id, asked)): Path<(String, String)>,
    request: Request,
) -> Response {
    let token = bearer(&request);
    let params = parameters(request).await.unwrap_or_default();
    let call = Call {
        http_method: "POST".to_owned(),
        path: format!("{PATH}/values"),
        operation: "values.append".to_owned(),
        writes: true,
        params: params.clone(),
    };
    play(stage, call, move |kept, now| {
        let Some(asked) = asked.strip_suffix(":append") else { return no(404, "Method not found") };
        if let Err(reply) = admitted(kept, &token, &id, true, now) {
            return *reply;
        }
        let mode = text(&params, "valueInputOption").unwrap_or_default();
        if !["RAW", "USER_ENTERED"].contains(&mode.as_str()) {
            return no(400, "'valueInputOption' is required but not specified");
        }
        let Range { sheet, from, .. } = Range::read(asked);
        let Some(rows) = kept.state.sheets.get_mut(&sheet) else {
            return no(400, &format!("Unable to parse range: {asked}"));
        };
        let before = rows.len();
        let mut widest = 0;
        for row in params.get("values").and_then(Value::as_array).into_iter().flatten() {
            let cells: Vec<String> = row.as_array().into_iter().flatten().map(cell).collect();
            if cells.iter().any(|cell| cell.chars().count() > 50_000) {
                return no(
                    400,
                    "Your input contains more than the maximum of 50000 characters in a single cell.",
                );
            }
            widest = widest.max(cells.len());
            rows.push(std::iter::repeat_n(String::new(), from).chain(cells).collect());
        }
        let added = rows.len() - before;
        if added == 0 {
            return no(400, "values: must not be empty");
        }
        let last = letter(from + widest.max(1) - 1);
        let title = format!("'{}'", sheet.replace('\'', "''"));
        let updated = format!("{title}!{}{}:{last}{}", letter(from), before + 1, before + added);
        let reply = Reply::json(
            200,
            json!({"spreadsheetId": id, "tableRange": format!("{title}!A1:{last}{}", before.max(1)),
                   "updates": {"spreadsheetId": id, "updatedRange": updated, "updatedRows": added,
                               "updatedColumns": widest, "updatedCells": added * widest}}),
        );
        let reply = reply.made("row", u64::try_from(before + added).unwrap_or(u64::MAX));
        if mode == "RAW" {
            reply
        } else {
            reply.odd(
                FindingKind::ValueChanged,
                "valueInputOption",
                "USER_ENTERED runs what visitors typed as formulas",
            )
        }
    })
    .await
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

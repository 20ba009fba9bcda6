//! Leads as visitors send them: a form without an answer is sent again with its key, as the site's script does.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ismart_http::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::server;
use crate::output::Failed;

/// Visitors that send at the same time.
const AT_ONCE: usize = 32;
/// Between two attempts of one form.
const PAUSE: Duration = Duration::from_millis(50);

/// What the outside knows of the leads of a drill.
pub(super) struct Forms {
    base: String,
    token: String,
    /// The number that each form was answered with; 0 while it has no answer.
    answered: Vec<AtomicI64>,
    next: AtomicU32,
    done: AtomicU32,
    stop: AtomicBool,
    /// How often a status or a broken connection was met.
    met: Mutex<BTreeMap<String, u64>>,
}

impl Forms {
    /// Fetches the token of the forms, and begins to send so many.
    pub(super) async fn send(base: &str, leads: u32) -> Result<(Arc<Self>, JoinSet<()>), Failed> {
        let client = server::client()?;
        let token = token(&client, base).await?;
        let size = usize::try_from(leads).unwrap_or(usize::MAX);
        let forms = Arc::new(Self {
            base: base.to_owned(),
            token,
            answered: std::iter::repeat_with(AtomicI64::default).take(size).collect(),
            next: AtomicU32::new(0),
            done: AtomicU32::new(0),
            stop: AtomicBool::new(false),
            met: Mutex::default(),
        });
        let mut visitors = JoinSet::new();
        for _ in 0..AT_ONCE {
            visitors.spawn(visit(client.clone(), forms.clone()));
        }
        Ok((forms, visitors))
    }

    /// The idempotency key of a form.
    pub(super) fn key(form: usize) -> String {
        format!("drill-{form}")
    }

    /// Forms that were answered with success, with the number of their lead.
    pub(super) fn answers(&self) -> impl Iterator<Item = (usize, i64)> {
        let number = |(form, cell): (usize, &AtomicI64)| (form, cell.load(Ordering::SeqCst));
        self.answered.iter().enumerate().map(number).filter(|(_, number)| *number != 0)
    }

    /// How many were answered with success.
    pub(super) fn done(&self) -> u32 {
        self.done.load(Ordering::SeqCst)
    }

    /// Whether all were.
    pub(super) fn all_done(&self) -> bool {
        usize::try_from(self.done()).is_ok_and(|done| done == self.answered.len())
    }

    /// Waits until so many were answered.
    pub(super) async fn until(&self, count: u32) {
        while self.done() < count && !self.all_done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How often something else than success was met: status or `no answer`.
    pub(super) fn met(&self) -> BTreeMap<String, u64> {
        self.met.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn meet(&self, what: String) {
        *self.met.lock().unwrap_or_else(PoisonError::into_inner).entry(what).or_default() += 1;
    }

    fn body(&self, form: u32) -> Value {
        json!({
            "name": "Иван", "phone": format!("+7900{form:07}"), "policy": "on", "form_name": "callback",
            "form_token": self.token, "idempotency_key": format!("drill-{form}"),
            "page_url": format!("{}/contacts", self.base), "message": format!("drill {form}"),
        })
    }
}

async fn token(client: &Client, base: &str) -> Result<String, Failed> {
    let failed = |reason: String| Failed::one("form token", reason, "the log of the server says why");
    let answer =
        client.get(&format!("{base}/api/form-token")).send().await.map_err(|e| failed(e.to_string()))?;
    let body: Value = answer.json().map_err(|e| failed(e.to_string()))?;
    // People take a moment to fill a form in; who is faster is taken for a robot.
    let wait = body.get("min_age").and_then(Value::as_u64).unwrap_or(0);
    tokio::time::sleep(Duration::from_secs(wait + 1)).await;
    body.get("token")
        .and_then(Value::as_str)
        .map(str::to_owned)
        .ok_or_else(|| failed("the answer has no token".to_owned()))
}

async fn visit(client: Client, forms: Arc<Forms>) {
    let url = format!("{}/api/send", forms.base);
    loop {
        let form = forms.next.fetch_add(1, Ordering::SeqCst);
        let Some(cell) = usize::try_from(form).ok().and_then(|at| forms.answered.get(at)) else { return };
        let body = forms.body(form);
        while !forms.stop.load(Ordering::SeqCst) {
            match client.post(&url).json(&body).send().await {
                Ok(answer) if answer.status() == 200 => {
                    let number = answer.json::<Value>().ok().and_then(|body| body.get("number")?.as_i64());
                    if let Some(number) = number {
                        cell.store(number, Ordering::SeqCst);
                        forms.done.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                    forms.meet("200 without a number".to_owned());
                }
                Ok(answer) => forms.meet(answer.status().to_string()),
                Err(_) => forms.meet("no answer".to_owned()),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

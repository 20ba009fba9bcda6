//! What a piece of work asked of the outside and what it was told, for people who want to see it.
//!
//! Everything sent inside of [`watched`] is noted. Addresses that hold a secret are noted without path and query,
//! headers are not noted at all; bodies are noted as they are, up to a limit: who keeps them masks them first.

use std::cell::RefCell;

/// Bytes that are noted of one body.
const BODY_NOTED: usize = 16 * 1024;
/// Requests that are noted of one piece of work.
const EXCHANGES_NOTED: usize = 16;

tokio::task_local! {
    static SHEET: RefCell<Vec<Exchange>>;
}

/// One request with its answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Exchange {
    /// `POST`, or the verb of another protocol.
    pub method: String,
    /// Where to; without path and query when they hold a secret.
    pub address: String,
    /// What was sent.
    pub request: String,
    /// The status of the answer, when one came.
    pub status: Option<u16>,
    /// The answer, or why there is none.
    pub answer: String,
    /// How long it took, milliseconds.
    pub millis: u64,
}

impl std::fmt::Debug for Exchange {
    /// Bodies may hold what must not be printed.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exchange")
            .field("address", &self.address)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// Does `work` and gives what it asked of the outside beside what it came to.
pub async fn watched<F: Future>(work: F) -> (F::Output, Vec<Exchange>) {
    let mut watching = std::pin::pin!(SHEET.scope(RefCell::default(), work));
    let output = watching.as_mut().await;
    let noted = watching.take_value().map(RefCell::into_inner).unwrap_or_default();
    (output, noted)
}

/// Whether somebody watches.
pub(crate) fn watching() -> bool {
    SHEET.try_with(|_| ()).is_ok()
}

/// Notes an exchange, if somebody watches: for protocols that this crate does not speak.
pub fn note(exchange: impl FnOnce() -> Exchange) {
    // Without a watcher there is nothing to note.
    let _unwatched = SHEET.try_with(|sheet| {
        let mut sheet = sheet.borrow_mut();
        if sheet.len() < EXCHANGES_NOTED {
            sheet.push(exchange());
        }
    });
}

/// The beginning of a body as text.
pub(crate) fn beginning(body: &[u8]) -> String {
    let shown = body.get(..BODY_NOTED).unwrap_or(body);
    let mut text = String::from_utf8_lossy(shown).into_owned();
    if shown.len() < body.len() {
        text.push('…');
    }
    text
}

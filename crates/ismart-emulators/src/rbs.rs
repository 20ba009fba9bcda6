//! A bank of the RBS platform (Alfa-Bank's internet acquiring) as a shop meets it.
//!
//! It registers orders, shows a page where a person pays or does not, tells how an order stands, and reports by itself
//! with a signature. Refusals come under status 200 with an `errorCode`; a number is registered once. What it is *not*
//! stands in `rbs.contract.md`.
//!
//! ```
//! use ismart_emulators::rbs::Bank;
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bank = Bank::new("shop-api", "secret").callback_key("key").start().await?;
//! assert!(bank.api_url().ends_with("/payment/rest"));
//! assert!(bank.orders().is_empty());
//! # Ok(()) }
//! ```

mod callback;
mod page;
mod rest;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{any, get};
use ismart_http::{AddressPolicy, Client, Settings};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Why a bank did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {source}; choose a free address with .listen(…)")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The client that reports cannot be made.
    #[error(transparent)]
    Client(#[from] ismart_http::ClientError),
}

/// How an order stands, with the bank's own codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatus {
    /// 0: registered, nothing paid.
    Registered,
    /// 1: the sum is held on the card.
    Held,
    /// 2: paid.
    Deposited,
    /// 4: given back.
    Refunded,
    /// 6: refused, or its time is over.
    Declined,
}

impl OrderStatus {
    /// The code in answers.
    #[must_use]
    pub fn code(self) -> i64 {
        match self {
            Self::Registered => 0,
            Self::Held => 1,
            Self::Deposited => 2,
            Self::Refunded => 4,
            Self::Declined => 6,
        }
    }
}

/// An order that the bank knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankOrder {
    /// The bank's id.
    pub id: String,
    /// The shop's number.
    pub number: String,
    /// What was asked, kopecks.
    pub amount: i64,
    /// What was paid, kopecks.
    pub deposited: i64,
    /// The code of the currency.
    pub currency: String,
    /// How it stands.
    pub status: OrderStatus,
    /// Every parameter of the registration, the shop's password left out.
    pub params: BTreeMap<String, String>,
}

/// How the bank behaves from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mood {
    /// It works.
    #[default]
    Well,
    /// Every call is answered with 503 and a page for people.
    Down,
    /// Calls are carried out, and the connection is cut before the answer is whole.
    Mute,
    /// Calls are carried out, and their answers never come.
    Hanging,
    /// Calls are answered with the bank's own trouble, `errorCode` 7, and not carried out.
    Troubled,
}

/// A report that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    /// The whole address.
    pub url: String,
    /// The status of the answer; `None` when there was none.
    pub status: Option<u16>,
}

/// The pairs of a form or query; of two with one name the last counts.
fn parse_form(text: &str) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// Describes a bank before it starts.
#[derive(Debug)]
pub struct Bank {
    username: String,
    password: String,
    callback_key: Option<String>,
    callback_url: Option<String>,
    listen: SocketAddr,
}

#[derive(Debug, Default)]
struct State {
    orders: Vec<BankOrder>,
    callback_url: Option<String>,
    mood: Mood,
    sent: Vec<Sent>,
    calls: u64,
}

#[derive(Debug)]
struct Core {
    base: String,
    username: String,
    password: String,
    callback_key: Option<String>,
    state: Mutex<State>,
    next: AtomicU64,
    http: Client,
}

impl Core {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An id in the form of the bank's.
    fn fresh_id(&self) -> String {
        let n = self.next.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hex = format!("{n:016x}{:016x}", n.rotate_left(23) ^ 0x5DEE_CE66_D0B5_11EB);
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
    }
}

impl Bank {
    /// A bank with one shop.
    #[must_use]
    pub fn new(username: &str, password: &str) -> Self {
        Self {
            username: username.to_owned(),
            password: password.to_owned(),
            callback_key: None,
            callback_url: None,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        }
    }

    /// Signs reports with this key. Default: it does not report.
    #[must_use]
    pub fn callback_key(mut self, key: &str) -> Self {
        self.callback_key = Some(key.to_owned());
        self
    }

    /// Where reports go. Default: nowhere, until [`BankHandle::report_to`] says.
    #[must_use]
    pub fn callback_url(mut self, url: &str) -> Self {
        self.callback_url = Some(url.to_owned());
        self
    }

    /// Where to listen. Default `127.0.0.1:0`, any free port.
    #[must_use]
    pub fn listen(mut self, addr: SocketAddr) -> Self {
        self.listen = addr;
        self
    }

    /// Opens the bank.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(self) -> Result<BankHandle, StartError> {
        let addr = self.listen;
        let failed = |source| StartError::Listen { addr, source };
        let listener = TcpListener::bind(addr).await.map_err(failed)?;
        let base = format!("http://{}", listener.local_addr().map_err(failed)?);
        let http = Client::new(Settings { allow: AddressPolicy::AllowLoopback, ..Settings::default() })?;
        let state = State { callback_url: self.callback_url, ..State::default() };
        let core = Arc::new(Core {
            base,
            username: self.username,
            password: self.password,
            callback_key: self.callback_key,
            state: Mutex::new(state),
            next: AtomicU64::new(1),
            http,
        });
        let router = Router::new()
            .route("/payment/rest/{method}", any(rest::call))
            .route("/payment/merchants/pay", get(page::show).post(page::decide))
            .with_state(core.clone());
        let task = tokio::spawn(async move {
            // Ends with the process or the handle; a listener that breaks is seen by every caller.
            drop(axum::serve(listener, router).await);
        });
        Ok(BankHandle { core, task })
    }
}

/// A running bank; closed when dropped.
#[derive(Debug)]
pub struct BankHandle {
    core: Arc<Core>,
    task: JoinHandle<()>,
}

impl Drop for BankHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl BankHandle {
    /// The address of its REST interface.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/payment/rest", self.core.base)
    }

    /// Everything that was registered, oldest first.
    #[must_use]
    pub fn orders(&self) -> Vec<BankOrder> {
        self.core.lock().orders.clone()
    }

    /// The order of this number of the shop.
    #[must_use]
    pub fn order(&self, number: &str) -> Option<BankOrder> {
        self.core.lock().orders.iter().find(|order| order.number == number).cloned()
    }

    /// Calls of the REST interface so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.core.lock().calls
    }

    /// Reports so far.
    #[must_use]
    pub fn sent(&self) -> Vec<Sent> {
        self.core.lock().sent.clone()
    }

    /// Behaves like this from now on.
    pub fn set_mood(&self, mood: Mood) {
        self.core.lock().mood = mood;
    }

    /// Sends reports there from now on.
    pub fn report_to(&self, url: &str) {
        self.core.lock().callback_url = Some(url.to_owned());
    }

    /// The person pays this sum (kopecks) for the order of this number. Gives the address that he is sent to; the report
    /// is another matter: see [`BankHandle::report`].
    #[must_use]
    pub fn pay(&self, number: &str, kopecks: i64) -> Option<String> {
        self.core.settle(number, OrderStatus::Deposited, kopecks)
    }

    /// The order ends like this without money. Gives the address that the person is sent to.
    #[must_use]
    pub fn end(&self, number: &str, status: OrderStatus) -> Option<String> {
        self.core.settle(number, status, 0)
    }

    /// Sends a signed report about the order of this number once; gives what was answered.
    pub async fn report(&self, number: &str) -> Option<Sent> {
        callback::send(&self.core, number).await
    }

    /// The address of a signed report about an order, to be changed or sent by others.
    #[must_use]
    pub fn report_url(&self, number: &str) -> Option<String> {
        callback::url(&self.core, number)
    }
}

impl Core {
    /// Ends an order and gives the address that the person is sent to: the one of success only when money came.
    fn settle(&self, number: &str, status: OrderStatus, kopecks: i64) -> Option<String> {
        let mut state = self.lock();
        let order = state.orders.iter_mut().find(|order| order.number == number)?;
        order.status = status;
        order.deposited = kopecks;
        let key = if matches!(status, OrderStatus::Deposited | OrderStatus::Held) {
            "returnUrl"
        } else {
            "failUrl"
        };
        let to = order.params.get(key).or_else(|| order.params.get("returnUrl"))?;
        let join = if to.contains('?') { '&' } else { '?' };
        Some(format!("{to}{join}orderId={}&lang=ru", order.id))
    }
}

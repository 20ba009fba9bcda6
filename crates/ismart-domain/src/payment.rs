//! Orders and payments: what a person pays for on a site, and what the bank says about it.

use std::fmt;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::id::{ClientId, LeadId, SiteId};
use crate::lead::LeadDraft;
use crate::money::Money;

/// The number of an order: 24 hexadecimal digits that nobody can guess. The bank knows the order by it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderNumber(String);

/// A text that is no order number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an order number: expected 24 hexadecimal digits")]
pub struct OrderNumberError(String);

impl OrderNumber {
    /// The number of a new order, of random bytes.
    #[must_use]
    pub fn of(random: [u8; 12]) -> Self {
        use std::fmt::Write as _;
        Self(random.iter().fold(String::with_capacity(24), |mut text, byte| {
            // Writing to a text cannot fail.
            let _infallible = write!(text, "{byte:02x}");
            text
        }))
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for OrderNumber {
    type Err = OrderNumberError;
    fn from_str(text: &str) -> Result<Self, OrderNumberError> {
        let good = text.len() == 24 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if good { Ok(Self(text.to_owned())) } else { Err(OrderNumberError(text.chars().take(64).collect())) }
    }
}

impl TryFrom<String> for OrderNumber {
    type Error = OrderNumberError;
    fn try_from(text: String) -> Result<Self, OrderNumberError> {
        text.parse()
    }
}

impl From<OrderNumber> for String {
    fn from(number: OrderNumber) -> Self {
        number.0
    }
}

/// How far an order is. The wire names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Written down; whether the bank knows it is not known yet.
    New,
    /// The bank waits for the money.
    Pending,
    /// The money has arrived.
    Paid,
    /// It was not and will not be paid.
    Failed,
    /// Money arrived that is not what was asked for: a person has to look.
    Disputed,
}

impl OrderState {
    /// Every state, in the order that screens show them.
    pub const ALL: [Self; 5] = [Self::New, Self::Pending, Self::Paid, Self::Failed, Self::Disputed];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Disputed => "disputed",
        }
    }

    /// Reads a wire name; `None` when there is no such state.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }

    /// Whether the bank still has to be asked.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Pending)
    }
}

/// What moved an order. The wire names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// A person sent the form.
    Form,
    /// The bank registered the order, or refused to.
    Bank,
    /// The person came back from the bank.
    Return,
    /// The bank reported by itself.
    Notice,
    /// The bank was asked because nobody had reported.
    Watch,
    /// Somebody asked in the console.
    Person,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 6] =
        [Self::Form, Self::Bank, Self::Return, Self::Notice, Self::Watch, Self::Person];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Bank => "bank",
            Self::Return => "return",
            Self::Notice => "notice",
            Self::Watch => "watch",
            Self::Person => "person",
        }
    }

    /// Reads a wire name; `None` when there is no such cause.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.code() == code)
    }
}

/// What a person wants to pay for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Purchase {
    /// The site.
    pub site_id: SiteId,
    /// The key of what is sold: the slug of an event.
    pub item: String,
    /// What people call it.
    pub title: String,
    /// When it takes place, as the site writes it; may be empty.
    pub date: String,
    /// The page that sells it, a path on the site: the person comes back to it.
    pub page: String,
    /// How many.
    pub tickets: u32,
    /// The price of one.
    pub unit: Money,
    /// His phone as he wrote it; may be empty.
    pub phone: String,
    /// What becomes of the order once it is paid.
    pub lead: LeadDraft,
    /// The sender's key: a repeat with the same key is the same order.
    pub idempotency_key: Option<String>,
    /// Ties the order to the request in the log.
    pub request_id: String,
}

impl Purchase {
    /// What has to be paid.
    #[must_use]
    pub fn amount(&self) -> Money {
        Money { minor: self.unit.minor.saturating_mul(i64::from(self.tickets)), ..self.unit }
    }
}

/// A stored order.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Identity, and its name at the bank.
    pub number: OrderNumber,
    /// The client it belongs to.
    pub client_id: ClientId,
    /// What was ordered.
    pub purchase: Purchase,
    /// What has to be paid; never changes.
    pub amount: Money,
    /// How far it is.
    pub state: OrderState,
    /// The bank's own id.
    pub bank_id: Option<String>,
    /// The bank's page where it is paid.
    pub pay_url: Option<String>,
    /// Why it failed or is disputed.
    pub reason: Option<String>,
    /// The lead that it became.
    pub lead_id: Option<LeadId>,
    /// When it was written down.
    pub created_at: Timestamp,
    /// When it changed last.
    pub updated_at: Timestamp,
    /// When the money was seen.
    pub paid_at: Option<Timestamp>,
    /// When the bank is asked again by itself; `None` for an order that is final.
    pub due_at: Option<Timestamp>,
    /// How often the bank was asked without an end.
    pub checks: u32,
}

/// Where a person goes after paying and after failing to, and how long he has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    /// Absolute address after success.
    pub back: String,
    /// Absolute address after failure.
    pub failed: String,
}

/// An order that the bank took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// The bank's own id.
    pub bank_id: String,
    /// The bank's page where it is paid.
    pub pay_url: String,
}

/// By what the bank is asked about an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked<'a> {
    /// Its own id.
    BankId(&'a str),
    /// Our number.
    Number(&'a str),
}

/// How an order stands at the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// The bank knows no such order.
    Unknown,
    /// Nothing was paid, and still can be.
    Open,
    /// Money is on its way: the card's bank is asking its owner, or the sum is held.
    Moving,
    /// This much was paid, in the order's currency unless `currency` says another.
    Paid {
        /// Minor units.
        minor: i64,
        /// The code of a currency that is not ours.
        currency: Option<String>,
    },
    /// It ended without money.
    Failed {
        /// The bank's words.
        reason: String,
    },
}

/// What a bank says about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Our number, as the bank has it; empty when it does not say.
    pub number: String,
    /// Its own id, when it says.
    pub bank_id: Option<String>,
    /// How it stands.
    pub standing: Standing,
}

/// A report that the bank sent by itself, signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Our number.
    pub number: String,
    /// Whether it says that money has arrived; it is asked before that is believed.
    pub paid: bool,
}

/// Why a report is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoticeFault {
    /// There is no key to check it with.
    #[error("no key for the bank's reports is set: copy it from the bank's cabinet into `callback_token`")]
    NoKey,
    /// The signature is wrong or missing.
    #[error("the signature of the bank's report is wrong")]
    Forged,
}

/// Why a bank did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// No readable answer came.
    #[error("the bank does not answer: {reason}")]
    Unreachable {
        /// Whether it may have done it nevertheless.
        ambiguous: bool,
        /// What happened, without secrets.
        reason: String,
    },
    /// It understood and refused.
    #[error("the bank refuses ({code}): {reason}")]
    Refused {
        /// The bank's code.
        code: String,
        /// The bank's words.
        reason: String,
    },
}

/// What a report means for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is paid, and as much as it costs.
    Paid,
    /// Something was paid, but not what it costs.
    Disputed(String),
    /// It will not be paid.
    Failed(String),
    /// It can still be paid; nothing was.
    Open,
    /// Money may be on its way.
    Moving,
    /// The report is about another order.
    Foreign,
}

/// Why an order failed that nobody paid while he could.
pub const NOT_IN_TIME: &str = "not paid in time";
/// Why an order failed whose registration never reached the bank.
pub const UNKNOWN_TO_BANK: &str = "the bank does not know the order";

/// How long after its session an order that nobody paid is given up.
const GRACE: SignedDuration = SignedDuration::from_mins(30);

/// What a report means for an order; `session` is the time that a person has to pay.
#[must_use]
pub fn judge(order: &Order, report: &Report, session: SignedDuration, now: Timestamp) -> Verdict {
    let known = !matches!(report.standing, Standing::Unknown);
    if known && report.number != order.number.as_str() {
        return Verdict::Foreign;
    }
    let age = now.duration_since(order.created_at);
    let over = age > session.saturating_add(GRACE);
    match &report.standing {
        Standing::Paid { minor, currency: None } if *minor == order.amount.minor => Verdict::Paid,
        Standing::Paid { minor, currency } => {
            let paid = Money { minor: *minor, currency: order.amount.currency };
            let other = currency.as_ref().map(|code| format!(" (currency {code})")).unwrap_or_default();
            Verdict::Disputed(format!("paid {}{other}, asked {}", paid.decimal(), order.amount.decimal()))
        }
        Standing::Failed { reason } => Verdict::Failed(reason.clone()),
        Standing::Moving => Verdict::Moving,
        Standing::Open if over => Verdict::Failed(NOT_IN_TIME.to_owned()),
        Standing::Open => Verdict::Open,
        // Right after a lost answer the bank may still be writing the order down.
        Standing::Unknown if age > SignedDuration::from_mins(1) => {
            Verdict::Failed(UNKNOWN_TO_BANK.to_owned())
        }
        Standing::Unknown => Verdict::Open,
    }
}

/// The pause before the bank is asked again by itself: 15 s, doubled with every question, at most an hour.
#[must_use]
pub fn pause(checks: u32) -> SignedDuration {
    let seconds = 15_i64.saturating_mul(1_i64.checked_shl(checks.min(20)).unwrap_or(i64::MAX));
    SignedDuration::from_secs(seconds.min(3600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lead::{Channel, Intent, LeadSource, Utm};
    use crate::{Env, SiteId};
    use std::collections::BTreeMap;

    fn order(env: &Env) -> Order {
        let site_id: SiteId = env.new_id();
        let lead = LeadDraft {
            site_id,
            intent: Intent::Purchase,
            name: None,
            phone: None,
            email: None,
            comment: String::new(),
            subject: None,
            amount: None,
            source: LeadSource {
                channel: Channel::Form { form: "pay".into() },
                page_url: String::new(),
                referrer: None,
                utm: Utm::default(),
                visit_id: None,
            },
            consents: Vec::new(),
            fields: BTreeMap::new(),
            files: Vec::new(),
            signals: Vec::new(),
            idempotency_key: None,
            test: false,
        };
        let purchase = Purchase {
            site_id,
            item: "dinner".into(),
            title: "Ужин".into(),
            date: String::new(),
            page: "/events/dinner".into(),
            tickets: 2,
            unit: Money::roubles(6500),
            phone: String::new(),
            lead,
            idempotency_key: None,
            request_id: "r".into(),
        };
        Order {
            number: OrderNumber::of(env.random()),
            client_id: env.new_id(),
            amount: purchase.amount(),
            purchase,
            state: OrderState::Pending,
            bank_id: Some("b".into()),
            pay_url: None,
            reason: None,
            lead_id: None,
            created_at: env.now(),
            updated_at: env.now(),
            paid_at: None,
            due_at: None,
            checks: 0,
        }
    }

    #[test]
    fn a_report_is_believed_only_about_its_order_and_its_sum() {
        let (env, _) = Env::manual(Timestamp::UNIX_EPOCH, 3);
        let order = order(&env);
        let session = SignedDuration::from_mins(20);
        let at = |seconds| order.created_at + SignedDuration::from_secs(seconds);
        let judged = |number: &str, standing: Standing, seconds| {
            let report = Report { number: number.to_owned(), bank_id: None, standing };
            judge(&order, &report, session, at(seconds))
        };
        let own = order.number.as_str();
        let paid = |minor| Standing::Paid { minor, currency: None };
        assert_eq!(judged(own, paid(1_300_000), 5), Verdict::Paid);
        assert_eq!(judged("000000000000000000000000", paid(1_300_000), 5), Verdict::Foreign);
        assert_eq!(judged("", paid(1_300_000), 5), Verdict::Foreign);
        assert_eq!(
            judged(own, paid(100), 5),
            Verdict::Disputed("paid 1.00, asked 13000.00".into()),
            "a rouble is no ticket"
        );
        let dollars = Standing::Paid { minor: 1_300_000, currency: Some("840".into()) };
        assert!(matches!(judged(own, dollars, 5), Verdict::Disputed(_)));
        assert_eq!(judged(own, Standing::Open, 60), Verdict::Open);
        assert!(matches!(judged(own, Standing::Open, 3600), Verdict::Failed(_)), "nobody paid in time");
        assert_eq!(judged(own, Standing::Moving, 36_000), Verdict::Moving, "money on its way is waited for");
        assert_eq!(judged("", Standing::Unknown, 5), Verdict::Open);
        assert!(matches!(judged("", Standing::Unknown, 90), Verdict::Failed(_)));
    }

    #[test]
    fn numbers_states_and_causes_keep_their_form() {
        let number = OrderNumber::of([0xab; 12]);
        assert_eq!(number.as_str(), "abababababababababababab");
        assert_eq!(number.as_str().parse(), Ok(number));
        for bad in ["", "../../../../etc/passwd00", "ABABABABABABABABABABABAB", "abc"] {
            assert!(bad.parse::<OrderNumber>().is_err(), "{bad}");
        }
        for state in OrderState::ALL {
            assert_eq!(OrderState::from_code(state.code()), Some(state));
            assert_eq!(serde_json::to_string(&state).unwrap(), format!("\"{}\"", state.code()));
        }
        for cause in Cause::ALL {
            assert_eq!(Cause::from_code(cause.code()), Some(cause));
        }
    }

    #[test]
    fn the_bank_is_asked_less_and_less_often() {
        assert_eq!(pause(0), SignedDuration::from_secs(15));
        assert_eq!(pause(3), SignedDuration::from_secs(120));
        assert_eq!(pause(40), SignedDuration::from_hours(1));
    }
}

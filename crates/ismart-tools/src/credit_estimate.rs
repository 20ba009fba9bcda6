//! `credit_estimate`: a monthly payment by the client's declared programme and formula. Never an offer.
//!
//! Arguments: `price` (roubles) or `key` of a vehicle, which also tells which programmes apply; `down_payment`
//! (roubles), `months`. What is not told is taken from the first programme that applies: its least down payment and
//! at most 60 months. Among several programmes that fit what was told, the lowest rate is taken. Refuses with
//! `no_programme`, `down_payment_too_low`, `months_out_of_range`, `amount_out_of_range`, `not_found`.

use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope};
use ismart_domain::{BoxFuture, Money};
use serde_json::{Value, json};

use crate::arguments::wrong;
use crate::credit::{Programme, annuity};
use crate::reader::Reader;
use crate::site_knowledge::{Knowledge, SiteKnowledge};

/// The term of an estimate when the visitor named none.
const USUAL_MONTHS: i64 = 60;
const ROUBLES: (i64, i64) = (1, 1_000_000_000);

/// See the module.
#[derive(Debug)]
pub struct CreditEstimate(Knowledge);

/// What the visitor told.
struct Wish {
    price: i64,
    down_payment: Option<i64>,
    months: Option<i64>,
    is_new: Option<bool>,
    brand: Option<String>,
}

impl CreditEstimate {
    /// Estimates by the programmes of this site.
    #[must_use]
    pub fn new(knowledge: Knowledge) -> Self {
        Self(knowledge)
    }

    fn run(&self, scope: &ToolScope, arguments: &Value) -> Result<ToolOutcome, ToolError> {
        let site = self.0.load();
        let wish = Wish::read(arguments, &site)?;
        let applying: Vec<&Programme> = site.credit.programmes.iter().filter(|p| wish.is_for(p)).collect();
        let first = *applying.first().ok_or_else(|| {
            refused("no_programme", "the client declares no credit programme for this".to_owned())
        })?;
        let fitting = applying.iter().filter(|programme| wish.misfit(programme).is_none());
        let told = wish.down_payment.is_some() || wish.months.is_some();
        let chosen = if told { fitting.min_by_key(|p| p.rate_milli) } else { fitting.into_iter().next() };
        let Some(programme) = chosen else {
            return Err(wish.misfit(first).unwrap_or_else(|| refused("no_programme", String::new())));
        };
        let (down, months, amount) = wish.terms(programme);
        let monthly = annuity(amount, programme.rate_milli, months)
            .ok_or_else(|| refused("no_programme", "the declared rate cannot be counted with".to_owned()))?;
        let russian = scope.language != "en";
        let unit = if russian { "мес." } else { "months" };
        let formula = site.credit.formula.clone().unwrap_or_else(|| FORMULA.to_owned());
        Ok(ToolOutcome {
            data: json!({
                "monthly": monthly,
                "monthly_text": Money::roubles(monthly).to_string(),
                "rate_text": programme.rate_text(russian),
                "months": months,
                "months_text": format!("{months}\u{a0}{unit}"),
                "price": wish.price,
                "price_text": Money::roubles(wish.price).to_string(),
                "down_payment": down,
                "down_payment_text": Money::roubles(down).to_string(),
                "amount": amount,
                "amount_text": Money::roubles(amount).to_string(),
                "programme": programme.name,
                "note": programme.note,
                "formula_text": formula,
                "disclaimer": site.credit.disclaimer.clone().unwrap_or_else(|| disclaimer(russian)),
            }),
            sources: site.credit_page.iter().cloned().collect(),
            ..ToolOutcome::default()
        })
    }
}

const FORMULA: &str = "S × r ÷ (1 − (1 + r)^−n)";

fn disclaimer(russian: bool) -> String {
    if russian {
        "Расчёт предварительный и не является офертой; условия назначает банк.".to_owned()
    } else {
        "A preliminary estimate and no offer; the bank sets the terms.".to_owned()
    }
}

impl Wish {
    fn read(arguments: &Value, site: &SiteKnowledge) -> Result<Self, ToolError> {
        let reader = Reader::new(arguments, &["price", "key", "down_payment", "months"])?;
        let vehicle = match reader.text("key")? {
            None => None,
            Some(key) => Some(site.catalogue.get(key).ok_or_else(|| {
                refused("not_found", format!("there is no vehicle `{key}` in stock; it may have been sold"))
            })?),
        };
        let price = reader.number("price", ROUBLES)?.or_else(|| vehicle.map(|vehicle| vehicle.price));
        let price =
            price.ok_or_else(|| wrong("price", "is missing: give a price or the key of a vehicle"))?;
        let down_payment = reader.number("down_payment", (0, ROUBLES.1))?;
        if down_payment.is_some_and(|down| down >= price) {
            return Err(wrong("down_payment", format!("must be less than the price {price}")));
        }
        Ok(Self {
            price,
            down_payment,
            months: reader.number("months", (1, 600))?,
            is_new: vehicle.map(|vehicle| vehicle.is_new),
            brand: vehicle.map(|vehicle| vehicle.brand.to_lowercase()),
        })
    }

    /// Whether the programme is meant for such a vehicle; of an unknown vehicle only general programmes, for new
    /// ones or for all.
    fn is_for(&self, programme: &Programme) -> bool {
        let condition = programme.is_new.is_none_or(|is_new| is_new == self.is_new.unwrap_or(true));
        let brand = programme.brands.is_empty()
            || self.brand.as_ref().is_some_and(|b| programme.brands.iter().any(|p| p.to_lowercase() == *b));
        condition && brand
    }

    /// Down payment, months and loan under a programme.
    fn terms(&self, programme: &Programme) -> (i64, i64, i64) {
        let down = self.down_payment.unwrap_or_else(|| programme.least_down(self.price));
        let months = self.months.unwrap_or(USUAL_MONTHS).clamp(programme.months.0, programme.months.1);
        (down, months, self.price - down)
    }

    /// Why the programme does not take what was told.
    fn misfit(&self, programme: &Programme) -> Option<ToolError> {
        let least = programme.least_down(self.price);
        let (down, _, amount) = self.terms(programme);
        let name = &programme.name;
        if down < least {
            let least = Money::roubles(least);
            return Some(refused(
                "down_payment_too_low",
                format!("«{name}» needs at least {least} ({} %)", programme.min_down_percent),
            ));
        }
        let (shortest, longest) = programme.months;
        if self.months.is_some_and(|months| !(shortest..=longest).contains(&months)) {
            let reason = format!("«{name}» runs from {shortest} to {longest} months");
            return Some(refused("months_out_of_range", reason));
        }
        let (smallest, largest) = programme.amounts;
        if !(smallest..=largest).contains(&amount) {
            let (smallest, largest) = (Money::roubles(smallest), Money::roubles(largest));
            let reason = format!("«{name}» lends from {smallest} to {largest}");
            return Some(refused("amount_out_of_range", reason));
        }
        None
    }
}

impl Tool for CreditEstimate {
    fn name(&self) -> &'static str {
        "credit_estimate"
    }

    fn effect(&self) -> Effect {
        Effect::Read
    }

    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move { self.run(scope, arguments) })
    }
}

fn refused(code: &str, reason: String) -> ToolError {
    ToolError::Refused { code: code.to_owned(), reason }
}

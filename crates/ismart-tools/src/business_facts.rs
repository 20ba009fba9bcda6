//! `business_facts`: when, where and how the client can be reached.
//!
//! Arguments: `topic` (`hours`, `address`, `phones`, `today`). Gives `text`, `open_now`, and the parts that the text is
//! made of. Refuses with `not_declared` when the client has not said.

use ismart_domain::BoxFuture;
use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope};
use serde_json::{Value, json};

use crate::arguments::wrong;
use crate::business::{Business, clock, day_text, week_text};
use crate::reader::Reader;
use crate::schedule::Schedule;
use crate::site_knowledge::Knowledge;
use crate::wording;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
enum Topic {
    Hours,
    Address,
    Phones,
    Today,
}

const TOPICS: [(&str, Topic); 4] = [
    ("hours", Topic::Hours),
    ("address", Topic::Address),
    ("phones", Topic::Phones),
    ("today", Topic::Today),
];

/// See the module.
#[derive(Debug)]
pub struct BusinessFacts(Knowledge);

impl BusinessFacts {
    /// Facts about the client of this site.
    #[must_use]
    pub fn new(knowledge: Knowledge) -> Self {
        Self(knowledge)
    }

    fn run(&self, scope: &ToolScope, arguments: &Value) -> Result<ToolOutcome, ToolError> {
        let reader = Reader::new(arguments, &["topic"])?;
        let topic = reader.choice("topic", &TOPICS)?.ok_or_else(|| wrong("topic", "is missing"))?;
        let site = self.0.load();
        let russian = scope.language != "en";
        let data = match topic {
            Topic::Hours => hours(&site.business, scope, russian)?,
            Topic::Today => today(&site.business, scope, russian)?,
            Topic::Address => address(&site.business)?,
            Topic::Phones => phones(&site.business)?,
        };
        Ok(ToolOutcome { data, sources: site.contacts.iter().cloned().collect(), ..ToolOutcome::default() })
    }
}

impl Tool for BusinessFacts {
    fn name(&self) -> &'static str {
        "business_facts"
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

fn schedule(business: &Business) -> Result<&Schedule, ToolError> {
    business.schedule.as_ref().ok_or_else(|| undeclared("opening hours"))
}

fn hours(business: &Business, scope: &ToolScope, russian: bool) -> Result<Value, ToolError> {
    let schedule = schedule(business)?;
    let departments: Vec<Value> = business
        .departments
        .iter()
        .filter_map(|department| {
            let hours = week_text(department.schedule.as_ref()?, scope.now, russian);
            Some(json!({ "name": department.name, "hours_text": hours }))
        })
        .collect();
    Ok(json!({
        "text": week_text(schedule, scope.now, russian),
        "open_now": schedule.is_open(scope.now),
        "holidays_text": business.holidays,
        "departments": departments,
    }))
}

/// Whether the door is open at this moment, until when, or when it opens next.
fn today(business: &Business, scope: &ToolScope, russian: bool) -> Result<Value, ToolError> {
    let schedule = schedule(business)?;
    let local = scope.now.to_zoned(schedule.zone().clone());
    let spans = schedule.hours(local.date());
    let open_span = spans.iter().find(|(opens, closes)| (*opens..*closes).contains(&local.time()));
    let next = schedule.next_open(scope.now).filter(|_| open_span.is_none());
    let next_text = next.map(|at| wording::moment(at, scope.now, schedule.zone(), russian));
    let text = match (open_span, &next_text, russian) {
        (Some((_, closes)), _, true) => format!("Сейчас открыто, сегодня работаем до {}.", clock(*closes)),
        (Some((_, closes)), _, false) => format!("We are open until {} today.", clock(*closes)),
        (None, Some(next), true) => format!("Сейчас закрыто, откроемся {next}."),
        (None, Some(next), false) => format!("We are closed and open {next}."),
        (None, None, true) => "Сейчас закрыто.".to_owned(),
        (None, None, false) => "We are closed.".to_owned(),
    };
    Ok(json!({
        "text": text,
        "open_now": open_span.is_some(),
        "today_text": day_text(spans, russian),
        "closes_text": open_span.map(|(_, closes)| clock(*closes)),
        "opens_text": next_text,
        "holidays_text": business.holidays,
    }))
}

fn address(business: &Business) -> Result<Value, ToolError> {
    let address = business.address.as_ref().ok_or_else(|| undeclared("an address"))?;
    let geo = business.geo.map(|(lat, lon)| json!({ "lat": lat, "lon": lon }));
    Ok(json!({ "text": address, "name": business.name, "legal_name": business.legal_name, "geo": geo }))
}

fn phones(business: &Business) -> Result<Value, ToolError> {
    let phone = business.phone.as_ref().ok_or_else(|| undeclared("a phone"))?;
    let departments: Vec<Value> = business
        .departments
        .iter()
        .filter_map(|d| d.phone.as_ref().map(|phone| json!({ "name": d.name, "phone": phone })))
        .collect();
    Ok(json!({
        "text": phone,
        "phone": phone,
        "phone_e164": business.phone_e164,
        "email": business.email,
        "departments": departments,
    }))
}

fn undeclared(what: &str) -> ToolError {
    ToolError::Refused {
        code: "not_declared".to_owned(),
        reason: format!("the client has not declared {what}: add it to business in global.json"),
    }
}

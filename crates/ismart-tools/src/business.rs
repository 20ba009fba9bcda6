//! The business as `global.json` describes it, and its hours in words.

use ismart_domain::contact::Phone;
use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde_json::Value;

use crate::schedule::{OpeningRule, Schedule, ScheduleError};

/// Why `business` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BusinessError {
    /// A value is of the wrong type.
    #[error("{0}; correct the value")]
    Value(#[from] serde_json::Error),
    /// Opening hours make no sense.
    #[error("opening_hours of {whose}: {error}")]
    Hours {
        /// `the business` or the department's name.
        whose: String,
        /// What is wrong.
        error: ScheduleError,
    },
}

/// A department with a phone and hours of its own.
#[derive(Debug, Clone)]
pub struct Department {
    /// Name.
    pub name: String,
    /// Phone as shown.
    pub phone: Option<String>,
    /// Hours; those of the business when it declares none.
    pub schedule: Option<Schedule>,
}

/// Who the client is, where and when. Every part may be undeclared.
#[derive(Debug, Clone, Default)]
pub struct Business {
    /// Name as visitors know it.
    pub name: Option<String>,
    /// Registered name.
    pub legal_name: Option<String>,
    /// Taxpayer number.
    pub inn: Option<String>,
    /// Address.
    pub address: Option<String>,
    /// Latitude and longitude, degrees.
    pub geo: Option<(f64, f64)>,
    /// Phone as shown.
    pub phone: Option<String>,
    /// Phone for dialling.
    pub phone_e164: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// What is different on holidays.
    pub holidays: Option<String>,
    /// Hours in the site's zone.
    pub schedule: Option<Schedule>,
    /// Departments.
    pub departments: Vec<Department>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Declared {
    name: Option<String>,
    legal_name: Option<String>,
    inn: Option<String>,
    address: Option<String>,
    postal_code: Option<String>,
    locality: Option<String>,
    street: Option<String>,
    geo: Option<Geo>,
    phone: Option<String>,
    phone_e164: Option<String>,
    email: Option<String>,
    holidays: Option<String>,
    opening_hours: Vec<OpeningRule>,
    departments: Vec<DeclaredDepartment>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Geo {
    lat: f64,
    lon: f64,
}

#[derive(Debug, Deserialize)]
struct DeclaredDepartment {
    name: String,
    phone: Option<String>,
    opening_hours: Option<Vec<OpeningRule>>,
}

impl Business {
    /// The week's hours in words, such as `пн–пт 9:00–20:00, сб–вс — выходной`; `None` when undeclared.
    #[must_use]
    pub fn hours_text(&self, at: Timestamp, russian: bool) -> Option<String> {
        self.schedule.as_ref().map(|schedule| week_text(schedule, at, russian))
    }

    /// Reads `business` of `global.json`; the address may stand whole as `address`, or as `postal_code`, `locality` and
    /// `street`; keys that are not known here belong to the templates.
    ///
    /// # Errors
    /// [`BusinessError`] when a known key has a wrong value.
    pub fn from_global(global: &Value, zone: &TimeZone) -> Result<Self, BusinessError> {
        let declared = match global.get("business") {
            Some(business) => Declared::deserialize(business)?,
            None => Declared::default(),
        };
        let schedule = hours("the business", &declared.opening_hours, zone)?;
        let department = |d: DeclaredDepartment| {
            let own = d.opening_hours.map(|rules| hours(&d.name, &rules, zone)).transpose()?;
            Ok(Department { schedule: own.unwrap_or_else(|| schedule.clone()), name: d.name, phone: d.phone })
        };
        let departments =
            declared.departments.into_iter().map(department).collect::<Result<_, BusinessError>>()?;
        let parts = [&declared.postal_code, &declared.locality, &declared.street];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        let address = declared.address.or_else(|| declared.street.as_ref().map(|_| parts.join(", ")));
        let dialled = declared.phone.as_deref().and_then(|phone| Phone::parse(phone).ok());
        let dialled = dialled.map(|phone| phone.e164().to_owned());
        Ok(Self {
            name: declared.name,
            legal_name: declared.legal_name,
            inn: declared.inn,
            address,
            geo: declared.geo.map(|geo| (geo.lat, geo.lon)),
            phone: declared.phone,
            phone_e164: declared.phone_e164.or(dialled),
            email: declared.email,
            holidays: declared.holidays,
            schedule,
            departments,
        })
    }
}

fn hours(whose: &str, rules: &[OpeningRule], zone: &TimeZone) -> Result<Option<Schedule>, BusinessError> {
    if rules.is_empty() {
        return Ok(None);
    }
    let schedule = Schedule::new(rules, zone.clone());
    schedule.map(Some).map_err(|error| BusinessError::Hours { whose: whose.to_owned(), error })
}

const DAYS_RU: [&str; 7] = ["пн", "вт", "ср", "чт", "пт", "сб", "вс"];
const DAYS_EN: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// `пн–пт 9:00–20:00, сб 10:00–18:00, вс — выходной`: neighbouring days with equal hours stand together.
pub(crate) fn week_text(schedule: &Schedule, at: Timestamp, russian: bool) -> String {
    let names = if russian { DAYS_RU } else { DAYS_EN };
    let today = at.to_zoned(schedule.zone().clone()).date();
    let back = i64::from(today.weekday().to_monday_zero_offset());
    let Ok(monday) = today.checked_sub(jiff::Span::new().days(back)) else { return String::new() };
    let mut groups: Vec<(&str, &str, String)> = Vec::new();
    let mut date = monday;
    for name in names {
        let text = day_text(schedule.hours(date), russian);
        match groups.last_mut() {
            Some((_, last, same)) if *same == text => *last = name,
            _ => groups.push((name, name, text)),
        }
        date = date.tomorrow().unwrap_or(date);
    }
    let group = |(first, last, text): &(&str, &str, String)| {
        let days = if first == last { (*first).to_owned() } else { format!("{first}–{last}") };
        format!("{days} {text}")
    };
    groups.iter().map(group).collect::<Vec<_>>().join(", ")
}

/// `9:00–20:00`, or that it is a day off.
pub(crate) fn day_text(hours: &[(Time, Time)], russian: bool) -> String {
    if hours.is_empty() {
        return if russian { "— выходной" } else { "closed" }.to_owned();
    }
    let span = |(opens, closes): &(Time, Time)| format!("{}–{}", clock(*opens), clock(*closes));
    hours.iter().map(span).collect::<Vec<_>>().join(", ")
}

/// `9:00`.
pub(crate) fn clock(time: Time) -> String {
    format!("{}:{:02}", time.hour(), time.minute())
}

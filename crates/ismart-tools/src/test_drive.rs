//! `test_drive_slots` and `book_test_drive`: a calendar that cannot be booked twice.
//!
//! A slot has as many lanes as cars can be shown at once; a lane is taken by a unique row of the store, so two
//! visitors who press the same button get one booking and one refusal.

use std::collections::HashMap;
use std::sync::Arc;

use ismart_domain::BoxFuture;
use ismart_domain::contact::{PersonName, Phone};
use ismart_domain::conversation::Choice;
use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope};
use ismart_store::bookings::{self, Booking};
use ismart_store::events::{self, Scope};
use ismart_store::{Conn, Store, StoreError, Tx};
use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::arguments::{maybe_text, text, wrong};
use crate::create_lead::{TitleOf, booking_made};
use crate::effect::{Undone, once};
use crate::schedule::Schedule;
use crate::wording;

/// The soonest slot begins this long after it is asked for: someone must prepare the car.
const NOTICE: SignedDuration = SignedDuration::from_hours(2);
/// How many slots are offered at once.
const OFFERED: usize = 6;

/// How test drives are given.
#[derive(Debug, Clone)]
pub struct Calendar {
    /// Working hours of those who give them.
    pub schedule: Arc<Schedule>,
    /// Length of a slot.
    pub slot_minutes: i64,
    /// How many at once.
    pub capacity: i64,
    /// How far ahead, days.
    pub days_ahead: i64,
}

impl Calendar {
    /// The slots that may be booked at `now`, free or not.
    fn all(&self, now: Timestamp) -> Vec<Timestamp> {
        let from = now.checked_add(NOTICE).unwrap_or(now);
        self.schedule.slots(from, self.horizon(now), self.slot_minutes)
    }

    fn horizon(&self, now: Timestamp) -> Timestamp {
        now.checked_add(SignedDuration::from_hours(24 * self.days_ahead)).unwrap_or(now)
    }

    /// The first lane that is free in each bookable slot; slots in which the car is already out are left out.
    async fn free(
        &self,
        conn: &mut Conn,
        scope: &ToolScope,
        car: Option<&str>,
    ) -> Result<Vec<(Timestamp, i64)>, StoreError> {
        let taken =
            bookings::between(conn, scope.client_id, scope.site_id, scope.now, self.horizon(scope.now))
                .await?;
        let mut by_slot: HashMap<Timestamp, Vec<&Booking>> = HashMap::new();
        for booking in &taken {
            by_slot.entry(booking.starts_at).or_default().push(booking);
        }
        let free_lane = |slot: Timestamp| {
            let there = by_slot.get(&slot).map_or(&[][..], Vec::as_slice);
            let car_out = car.is_some_and(|car| there.iter().any(|b| b.resource.as_deref() == Some(car)));
            let lane = (0..self.capacity).find(|lane| there.iter().all(|b| b.lane != *lane));
            lane.filter(|_| !car_out)
        };
        Ok(self.all(scope.now).into_iter().filter_map(|slot| Some((slot, free_lane(slot)?))).collect())
    }
}

/// Offers free slots: `{car_key?, date_from?, date_to?, part_of_day?}`.
pub struct TestDriveSlots {
    store: Store,
    calendar: Calendar,
}

impl TestDriveSlots {
    /// Slots of this calendar.
    #[must_use]
    pub fn new(store: Store, calendar: Calendar) -> Self {
        Self { store, calendar }
    }
}

/// The wish that narrows the offer.
struct Wish {
    from: Option<Date>,
    to: Option<Date>,
    hours: Option<(Time, Time)>,
}

impl Wish {
    fn read(arguments: &Value) -> Result<Self, ToolError> {
        let date = |name: &str| -> Result<Option<Date>, ToolError> {
            let Some(text) = maybe_text(arguments, name)? else { return Ok(None) };
            let day = text.get(..10).unwrap_or(text);
            let parsed = day.parse().map_err(|e| wrong(name, format!("`{text}` is not a date: {e}")))?;
            Ok(Some(parsed))
        };
        let hours = match maybe_text(arguments, "part_of_day")? {
            None | Some("any") => None,
            Some("morning") => Some((Time::midnight(), Time::constant(12, 0, 0, 0))),
            Some("day") => Some((Time::constant(12, 0, 0, 0), Time::constant(17, 0, 0, 0))),
            Some("evening") => Some((Time::constant(17, 0, 0, 0), Time::MAX)),
            Some(other) => {
                return Err(wrong("part_of_day", format!("`{other}`: use morning, day or evening")));
            }
        };
        Ok(Self { from: date("date_from")?, to: date("date_to")?, hours })
    }

    fn admits(&self, slot: Timestamp, schedule: &Schedule) -> bool {
        let local = slot.to_zoned(schedule.zone().clone());
        let (date, time) = (local.date(), local.time());
        self.from.is_none_or(|from| date >= from)
            && self.to.is_none_or(|to| date <= to)
            && self.hours.is_none_or(|(from, to)| time >= from && time < to)
    }
}

impl Tool for TestDriveSlots {
    fn name(&self) -> &'static str {
        "test_drive_slots"
    }

    fn effect(&self) -> Effect {
        Effect::Read
    }

    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move {
            let wish = Wish::read(arguments)?;
            let car = maybe_text(arguments, "car_key")?;
            let free = async {
                let mut conn = self.store.read().await?;
                self.calendar.free(&mut conn, scope, car).await
            };
            let free = free.await.map_err(|error| failed(&error))?;
            let zone = self.calendar.schedule.zone();
            let russian = scope.language != "en";
            let fitting: Vec<Timestamp> = free
                .into_iter()
                .map(|(slot, _)| slot)
                .filter(|slot| wish.admits(*slot, &self.calendar.schedule))
                .collect();
            let offered = spread(&fitting, &self.calendar.schedule);
            let label = |slot: &Timestamp| wording::moment(*slot, scope.now, zone, russian);
            let slots: Vec<Value> =
                offered.iter().map(|slot| json!({ "starts_at": slot, "label": label(slot) })).collect();
            let choices = offered
                .iter()
                .map(|slot| Choice { label: label(slot), choice: format!("slot:{slot}") })
                .collect();
            let data = json!({ "slots": slots, "total": fitting.len() });
            Ok(ToolOutcome { data, choices, ..ToolOutcome::default() })
        })
    }
}

/// Up to [`OFFERED`] slots over the nearest days, so that one full morning does not hide the rest: two a day first,
/// then whatever is next.
fn spread(slots: &[Timestamp], schedule: &Schedule) -> Vec<Timestamp> {
    let mut per_day: HashMap<Date, usize> = HashMap::new();
    let mut chosen: Vec<Timestamp> = Vec::new();
    let days: usize = slots
        .iter()
        .map(|slot| slot.to_zoned(schedule.zone().clone()).date())
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    let share = if days >= 3 { 2 } else { OFFERED };
    for slot in slots {
        let count = per_day.entry(slot.to_zoned(schedule.zone().clone()).date()).or_default();
        if *count < share && chosen.len() < OFFERED {
            *count += 1;
            chosen.push(*slot);
        }
    }
    chosen
}

/// Books a slot: `{starts_at, car_key?, name, phone}`. Refuses with `slot_unknown`, `slot_taken`, `car_gone`.
pub struct BookTestDrive {
    store: Store,
    calendar: Calendar,
    title_of: TitleOf,
}

impl BookTestDrive {
    /// Slots of this calendar, cars whose title `title_of` knows.
    #[must_use]
    pub fn new(store: Store, calendar: Calendar, title_of: TitleOf) -> Self {
        Self { store, calendar, title_of }
    }
}

/// A checked order.
struct Order {
    starts_at: Timestamp,
    car: Option<(String, String)>,
    name: PersonName,
    phone: Phone,
}

impl BookTestDrive {
    fn order(&self, arguments: &Value) -> Result<Order, ToolError> {
        let starts = text(arguments, "starts_at")?.trim_start_matches("slot:");
        let name = PersonName::parse(text(arguments, "name")?).map_err(|e| wrong("name", e.to_string()))?;
        let phone = Phone::parse(text(arguments, "phone")?).map_err(|e| wrong("phone", e.to_string()))?;
        // The stock is asked at the moment of booking: a car may have been sold since it was shown.
        let car = match maybe_text(arguments, "car_key")? {
            Some(key) => match (self.title_of)(key) {
                Some(title) => Some((key.to_owned(), title)),
                None => return Err(refused("car_gone", "the car is no longer in stock")),
            },
            None => None,
        };
        let starts_at =
            starts.parse().map_err(|e| wrong("starts_at", format!("`{starts}` is not an instant: {e}")))?;
        Ok(Order { starts_at, car, name, phone })
    }
}

impl Tool for BookTestDrive {
    fn name(&self) -> &'static str {
        "book_test_drive"
    }

    fn effect(&self) -> Effect {
        Effect::Write
    }

    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move {
            let order = self.order(arguments)?;
            let (calendar, work_scope) = (self.calendar.clone(), scope.clone());
            once(&self.store, scope, self.name(), move |tx: &mut Tx| {
                Box::pin(book(tx, calendar, work_scope, order))
            })
            .await
        })
    }
}

async fn book(
    tx: &mut Tx,
    calendar: Calendar,
    scope: ToolScope,
    order: Order,
) -> Result<ToolOutcome, Undone> {
    let car = order.car.as_ref().map(|(key, _)| key.as_str());
    if !calendar.all(scope.now).contains(&order.starts_at) {
        return Err(refused("slot_unknown", "there is no such slot").into());
    }
    let free = calendar.free(tx, &scope, car).await?;
    let Some((_, lane)) = free.into_iter().find(|(slot, _)| *slot == order.starts_at) else {
        return Err(refused("slot_taken", "the slot has just been taken").into());
    };
    let length = SignedDuration::from_mins(calendar.slot_minutes);
    let booking = Booking {
        id: tx.env().new_id(),
        site_id: scope.site_id,
        starts_at: order.starts_at,
        ends_at: order.starts_at.checked_add(length).unwrap_or(order.starts_at),
        lane,
        resource: car.map(str::to_owned),
        name: order.name.as_str().to_owned(),
        phone: order.phone.e164().to_owned(),
        conversation_id: Some(scope.conversation_id),
    };
    bookings::add(tx, scope.client_id, &booking, &scope.key).await?;
    let log = Scope { client_id: scope.client_id, site_id: Some(scope.site_id), trace_id: scope.trace_id };
    events::append(tx, log, booking_made(&booking)).await?;
    let russian = scope.language != "en";
    let starts_text = wording::moment(order.starts_at, scope.now, calendar.schedule.zone(), russian);
    let data = json!({
        "booking_id": booking.id,
        "starts_at": order.starts_at,
        "starts_text": starts_text,
        "car_title": order.car.map(|(_, title)| title),
        "ics_url": format!("/ismart/bookings/{}.ics", booking.id),
    });
    Ok(ToolOutcome { data, ..ToolOutcome::default() })
}

fn refused(code: &str, reason: &str) -> ToolError {
    ToolError::Refused { code: code.to_owned(), reason: reason.to_owned() }
}

fn failed(error: &StoreError) -> ToolError {
    tracing::error!(error = %error, "the calendar could not be read");
    ToolError::Failed { reason: "the calendar could not be read".to_owned() }
}

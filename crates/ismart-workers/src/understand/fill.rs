//! From findings to slots.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::extract::{Amount, DayPart, Entity, Found, When};
use crate::package::{Bounded, FlowRules, SlotKind, SlotRule};
use crate::text::Token;

/// The slots that a message fills. What the conversation waits for takes its kind of finding for itself.
pub(super) fn slots(
    rules: &FlowRules,
    entities: &[Entity],
    read: &[Token],
    pending: Option<&str>,
) -> Vec<(String, Value)> {
    let mut out: BTreeMap<String, Value> = BTreeMap::new();
    let mut implied: Vec<(String, Value)> = Vec::new();
    let usable: Vec<&Entity> = entities.iter().filter(|e| !denied(e, read)).collect();
    let when = usable.iter().filter_map(|e| if let Found::When(when) = e.found { Some(when) } else { None });
    let when = when.fold(When::default(), When::merge);
    // The visitor's own words are taken whole: the car he gives in payment is no wish for such a car.
    if pending.and_then(|name| rules.slot.get(name)).is_some_and(|rule| rule.kind == SlotKind::Text) {
        return Vec::new();
    }
    for (name, rule) in &rules.slot {
        let waits = pending == Some(name.as_str());
        if rule.asked_only && !waits {
            continue;
        }
        if waits && rule.none.iter().any(|phrase| says(read, phrase)) {
            out.insert(name.clone(), json!(0));
            continue;
        }
        if rule.kind == SlotKind::When && when != When::default() {
            out.insert(name.clone(), when_value(when));
            continue;
        }
        let mut list = Vec::new();
        for entity in &usable {
            let taken = !waits
                && pending.and_then(|p| rules.slot.get(p)).is_some_and(|p| same_kind(p, &entity.found));
            if taken || !cued(rules, rule, entity, waits) {
                continue;
            }
            let Some(value) = value(rule, &entity.found, waits) else { continue };
            if let Found::Term { implies, .. } = &entity.found {
                for (group, value) in implies {
                    let slots = rules.slot.iter().filter(|(_, r)| {
                        r.kind == SlotKind::Term && r.group == *group && !r.negated && r.list == rule.list
                    });
                    implied.extend(slots.map(|(slot, _)| (slot.clone(), Value::String(value.clone()))));
                }
            }
            if rule.list {
                list.push(value);
            } else {
                out.entry(name.clone()).or_insert(value);
            }
        }
        if !list.is_empty() {
            out.insert(name.clone(), Value::Array(list));
        }
    }
    for (slot, value) in implied {
        out.entry(slot).or_insert(value);
    }
    out.into_iter().collect()
}

/// Do words that begin like those of the phrase stand in a row?
fn says(read: &[Token], phrase: &str) -> bool {
    let starts: Vec<&str> = phrase.split(' ').collect();
    read.windows(starts.len())
        .any(|window| window.iter().zip(&starts).all(|(t, start)| t.text.starts_with(start)))
}

/// `не 11, а 12`: what stands right after a `не` is not meant. Terms carry their own negation.
fn denied(entity: &Entity, read: &[Token]) -> bool {
    let before = entity.from.checked_sub(1).and_then(|i| read.get(i)).map_or("", |t| t.text.as_str());
    let opens = read.get(entity.from).map_or("", |t| t.text.as_str());
    matches!(before, "не" | "not") && !matches!(entity.found, Found::Term { .. }) && opens != "не"
}

fn same_kind(rule: &SlotRule, found: &Found) -> bool {
    match (rule.kind, found) {
        (SlotKind::Money, Found::Money(_)) | (SlotKind::Year, Found::Year(_)) => true,
        (SlotKind::Quantity, Found::Quantity(name, _)) => rule.quantity == *name,
        _ => false,
    }
}

fn cued(rules: &FlowRules, rule: &SlotRule, entity: &Entity, waits: bool) -> bool {
    let says = |cues: &[String]| {
        cues.iter().any(|cue| entity.cue.split(' ').any(|word| word.starts_with(cue.as_str())))
    };
    if waits {
        return true;
    }
    if !rule.cues.is_empty() {
        return says(&rule.cues);
    }
    let other = rules.slot.values().any(|r| r.kind == rule.kind && !r.cues.is_empty() && says(&r.cues));
    !(matches!(rule.kind, SlotKind::Money | SlotKind::Quantity | SlotKind::Year) && other)
}

fn value(rule: &SlotRule, found: &Found, waits: bool) -> Option<Value> {
    match (rule.kind, found) {
        (SlotKind::Term, Found::Term { group, value, negated, .. }) => {
            (rule.group == *group && rule.negated == *negated).then(|| json!(value))
        }
        (SlotKind::Money, Found::Money(amount)) | (SlotKind::Year, Found::Year(amount)) => {
            bounded(rule.bound, *amount, waits).map(|v| json!(v))
        }
        (SlotKind::Quantity, Found::Quantity(name, amount)) => {
            bounded(rule.bound, *amount, waits).filter(|_| rule.quantity == *name).map(|v| json!(v))
        }
        (SlotKind::Vin, Found::Vin(vin)) => Some(json!(vin)),
        (SlotKind::Money, Found::Number(number)) if waits => Some(json!(scaled(rule, *number))),
        (SlotKind::Quantity | SlotKind::Number | SlotKind::Year, Found::Number(number)) if waits => {
            Some(json!(number))
        }
        _ => None,
    }
}

fn scaled(rule: &SlotRule, number: i64) -> i64 {
    match rule.small_means {
        Some(factor) if number < 100 => number.saturating_mul(factor),
        Some(_) if number < 100_000 => number.saturating_mul(1_000),
        _ => number,
    }
}

fn bounded(bound: Bounded, amount: Amount, waits: bool) -> Option<i64> {
    let found = match bound {
        Bounded::Min => amount.min,
        Bounded::Max => amount.max.or(amount.exact.filter(|_| amount.min.is_none())),
        Bounded::From => amount.min.or(amount.exact.filter(|_| amount.max.is_none())),
        Bounded::Value => amount.value(),
    };
    found.or_else(|| amount.value().filter(|_| waits))
}

fn when_value(when: When) -> Value {
    let mut map = serde_json::Map::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), Value::String(value));
        }
    };
    put("date_from", when.from.map(|d| d.to_string()));
    put("date_to", when.to.map(|d| d.to_string()));
    put("time", when.time.map(|t| t.strftime("%H:%M").to_string()));
    // An hour lies in a part of the day: tools that offer times search around it.
    let part = when.part.or_else(|| {
        when.time.map(|time| match time.hour() {
            ..12 => DayPart::Morning,
            12..17 => DayPart::Day,
            _ => DayPart::Evening,
        })
    });
    put("part", part.map(|p| p.code().to_owned()));
    Value::Object(map)
}

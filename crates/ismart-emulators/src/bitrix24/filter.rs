//! Filters of list methods: prefixes, groups with OR, and sorting.

use super::fields::Kind;
use super::params::items;
use super::store::StoredItem;
use super::value::{integer, parse_moment, yes_no};
use crate::spelling::normalise;
use jiff::tz::Offset;
use serde_json::Value;
use std::borrow::Cow;
use std::cmp::Ordering;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Gt,
    Ge,
    Lt,
    Le,
    In,
    Contains,
    Like,
}

/// Prefixes, longest first, with what they mean and whether they negate.
const PREFIXES: [(&str, Op, bool); 15] = [
    ("!=%", Op::Like, true),
    ("!%=", Op::Like, true),
    ("!=", Op::Eq, true),
    ("!@", Op::In, true),
    ("!%", Op::Contains, true),
    (">=", Op::Ge, false),
    ("<=", Op::Le, false),
    ("=%", Op::Like, false),
    ("%=", Op::Like, false),
    (">", Op::Gt, false),
    ("<", Op::Lt, false),
    ("@", Op::In, false),
    ("%", Op::Contains, false),
    ("=", Op::Eq, false),
    ("!", Op::Eq, true),
];

/// What a filter key names.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Target {
    Field { key: String, kind: Kind },
    Multi(String),
}

#[derive(Debug)]
pub(super) enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Is { target: Target, op: Op, negated: bool, value: Value },
}

/// Reads a filter. `lookup` knows the fields; what it does not know is added to `unknown`.
pub(super) fn parse(
    filter: &Value,
    lookup: &dyn Fn(&str) -> Option<Target>,
    unknown: &mut Vec<String>,
) -> Node {
    let mut nodes = Vec::new();
    let mut any = false;
    for (key, value) in items(filter) {
        if key.eq_ignore_ascii_case("logic") {
            any = value.as_str().is_some_and(|logic| logic.eq_ignore_ascii_case("or"));
            continue;
        }
        if key.bytes().all(|byte| byte.is_ascii_digit()) {
            nodes.push(parse(value, lookup, unknown));
            continue;
        }
        let (op, negated, name) = split_prefix(&key);
        match lookup(name) {
            Some(target) => nodes.push(Node::Is { target, op, negated, value: value.clone() }),
            None => unknown.push(name.to_owned()),
        }
    }
    if any { Node::Any(nodes) } else { Node::All(nodes) }
}

fn split_prefix(key: &str) -> (Op, bool, &str) {
    for (prefix, op, negated) in PREFIXES {
        if let Some(name) = key.strip_prefix(prefix) {
            return (op, negated, name);
        }
    }
    (Op::Eq, false, key)
}

impl Node {
    pub(super) fn matches(&self, item: &StoredItem, offset: Offset) -> bool {
        match self {
            Node::All(nodes) => nodes.iter().all(|node| node.matches(item, offset)),
            Node::Any(nodes) => nodes.iter().any(|node| node.matches(item, offset)),
            Node::Is { target, op, negated, value } => test(target, *op, value, item, offset) != *negated,
        }
    }

    /// The value an item must have in this field, when the filter demands one plainly.
    pub(super) fn demanded(&self, wanted: &str) -> Option<&Value> {
        let Node::All(nodes) = self else { return None };
        nodes.iter().find_map(|node| match node {
            Node::Is { target: Target::Field { key, .. }, op: Op::Eq, negated: false, value }
                if key == wanted && !value.is_array() =>
            {
                Some(value)
            }
            _ => None,
        })
    }

    /// The id below which nothing matches, when the filter walks by `>id`.
    pub(super) fn after_id(&self) -> Option<u64> {
        let Node::All(nodes) = self else { return None };
        nodes.iter().find_map(|node| match node {
            Node::Is { target: Target::Field { key, .. }, op: Op::Gt, negated: false, value }
                if key == "id" =>
            {
                integer(value).and_then(|id| u64::try_from(id).ok())
            }
            _ => None,
        })
    }
}

fn test(target: &Target, op: Op, wanted: &Value, item: &StoredItem, offset: Offset) -> bool {
    let wanted: Vec<&Value> = match wanted {
        Value::Array(_) | Value::Object(_) => items(wanted).into_iter().map(|(_, value)| value).collect(),
        single => vec![single],
    };
    match target {
        Target::Multi(type_id) => item.multi.iter().filter(|multi| multi.type_id == *type_id).any(|multi| {
            let have = Value::String(normalise(type_id, &multi.value));
            wanted.iter().any(|want| {
                let want = match op {
                    Op::Eq | Op::In => normalise(type_id, &plain(want)),
                    _ => plain(want),
                };
                compare(Kind::Text, op, &have, &Value::String(want), offset)
            })
        }),
        Target::Field { key, kind } => {
            let have = value_of(item, key);
            let have: Vec<&Value> = match have.as_ref() {
                Value::Array(list) if list.is_empty() => vec![&Value::Null],
                Value::Array(list) => list.iter().collect(),
                single => vec![single],
            };
            have.iter().any(|have| wanted.iter().any(|want| compare(*kind, op, have, want, offset)))
        }
    }
}

/// A stored or computed value of an item.
pub(super) fn value_of<'a>(item: &'a StoredItem, key: &str) -> Cow<'a, Value> {
    match key {
        "id" => Cow::Owned(item.id.into()),
        "hasPhone" => Cow::Owned(yes_no(item.has("PHONE"))),
        "hasEmail" => Cow::Owned(yes_no(item.has("EMAIL"))),
        "hasImol" => Cow::Owned(yes_no(item.has("IM"))),
        _ => item.values.get(key).map_or(Cow::Owned(Value::Null), Cow::Borrowed),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Bool(flag) => (if *flag { "1" } else { "0" }).to_owned(),
        other => other.to_string(),
    }
}

fn compare(kind: Kind, op: Op, have: &Value, want: &Value, offset: Offset) -> bool {
    match op {
        Op::Contains => plain(have).to_lowercase().contains(&plain(want).to_lowercase()),
        Op::Like => like(&plain(have).to_lowercase(), &plain(want).to_lowercase()),
        Op::Eq | Op::In => equal(kind, have, want, offset),
        Op::Gt => !have.is_null() && order(kind, have, want, offset) == Some(Ordering::Greater),
        Op::Ge => {
            !have.is_null()
                && order(kind, have, want, offset).is_some_and(|ordering| ordering != Ordering::Less)
        }
        Op::Lt => !have.is_null() && order(kind, have, want, offset) == Some(Ordering::Less),
        Op::Le => {
            !have.is_null()
                && order(kind, have, want, offset).is_some_and(|ordering| ordering != Ordering::Greater)
        }
    }
}

fn equal(kind: Kind, have: &Value, want: &Value, offset: Offset) -> bool {
    if have.is_null() || plain(have).is_empty() {
        let nothing = plain(want);
        return nothing.is_empty() || (matches!(kind, Kind::Ref(_)) && nothing == "0");
    }
    if kind == Kind::Flag
        && let Some(flag) = super::value::flag(want)
    {
        return *have == yes_no(flag);
    }
    order(kind, have, want, offset) == Some(Ordering::Equal)
}

/// Orders two values as the database would for this kind; `None` when one cannot be read so.
fn order(kind: Kind, have: &Value, want: &Value, offset: Offset) -> Option<Ordering> {
    match kind {
        Kind::Int | Kind::User | Kind::Users | Kind::Category | Kind::Ref(_) | Kind::Refs(_) => {
            Some(integer(have)?.cmp(&integer(want)?))
        }
        Kind::Double => real(have)?.partial_cmp(&real(want)?),
        Kind::Date | Kind::DateTime => {
            let moment = |value: &Value| parse_moment(value.as_str()?, offset).map(|moment| moment.at);
            Some(moment(have)?.cmp(&moment(want)?))
        }
        Kind::Text | Kind::Flag | Kind::Status(_) | Kind::Currency => {
            Some(plain(have).to_lowercase().cmp(&plain(want).to_lowercase()))
        }
    }
}

fn real(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// SQL's LIKE with `%` only; both sides in lower case.
fn like(have: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('%');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = have.strip_prefix(first) else { return false };
    let middle: Vec<&str> = parts.collect();
    let Some((last, middle)) = middle.split_last() else { return rest.is_empty() };
    for part in middle {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Orders two items by one field; what is absent comes first.
pub(super) fn sort_by(
    key: &str,
    kind: Kind,
    left: &StoredItem,
    right: &StoredItem,
    offset: Offset,
) -> Ordering {
    let (left, right) = (value_of(left, key), value_of(right, key));
    match (left.is_null(), right.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => order(kind, &left, &right, offset).unwrap_or(Ordering::Equal),
    }
}

#[cfg(test)]
mod tests {
    use super::super::entity::Entity;
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn item() -> StoredItem {
        let values = json!({"title": "Тест-драйв A7", "opportunity": 15000.5, "stageId": "NEW", "contactIds": [4, 5],
                            "createdTime": "2026-05-14T10:26:33+03:00", "lastName": null, "isManualOpportunity": "Y"});
        StoredItem {
            entity: Entity::Lead,
            id: 12,
            created_at: Timestamp::UNIX_EPOCH,
            values: values.as_object().unwrap().clone(),
            multi: vec![],
        }
    }

    fn lookup(name: &str) -> Option<Target> {
        let kind = match name {
            "id" => Kind::Int,
            "title" | "lastName" => Kind::Text,
            "opportunity" => Kind::Double,
            "stageId" => Kind::Status("STATUS"),
            "contactIds" => Kind::Refs("crm_contact"),
            "createdTime" => Kind::DateTime,
            "isManualOpportunity" => Kind::Flag,
            _ => return None,
        };
        Some(Target::Field { key: name.to_owned(), kind })
    }

    fn holds(filter: &Value) -> bool {
        let mut unknown = Vec::new();
        let node = parse(filter, &lookup, &mut unknown);
        assert!(unknown.is_empty(), "{unknown:?}");
        node.matches(&item(), jiff::tz::offset(3))
    }

    #[test]
    fn every_documented_prefix_works() {
        let yes = [
            json!({"id": 12}),
            json!({"=id": "12"}),
            json!({"!=id": 13}),
            json!({"!id": 13}),
            json!({">id": 11, ">=id": 12, "<id": 13, "<=id": 12}),
            json!({"@id": [11, 12]}),
            json!({"!@id": [11, 13]}),
            json!({"id": [11, 12]}),
            json!({"%title": "ДРАЙВ"}),
            json!({"=%title": "тест%"}),
            json!({"%=title": "%a7"}),
            json!({"=%title": "т%др%7"}),
            json!({"!%title": "лизинг"}),
            json!({"!=%title": "a7%"}),
            json!({"!%=title": "%тест"}),
            json!({">opportunity": 15000, "<opportunity": "15001"}),
            json!({">createdTime": "2026-05-14T07:00:00+00:00", "<createdTime": "2026-05-15"}),
            json!({"lastName": "", "=lastName": null, "!=title": ""}),
            json!({"contactIds": 5}),
            json!({"isManualOpportunity": 1, "=isManualOpportunity": "Y"}),
            json!({"0": {"logic": "OR", "0": {"id": 1}, "1": {"stageId": "new"}}}),
            json!([{"logic": "OR", "0": {"id": 1}, "1": {"id": 12}}]),
            json!({"logic": "OR", "id": 1, "title": "Тест-драйв A7"}),
            json!({}),
        ];
        for filter in yes {
            assert!(holds(&filter), "{filter} should match");
        }
        let no = [
            json!({"id": 13}),
            json!({"!=id": 12}),
            json!({"@id": []}),
            json!({"!@id": [12]}),
            json!({">id": 12}),
            json!({"%title": "лизинг"}),
            json!({"=%title": "драйв%"}),
            json!({"!%title": "тест"}),
            json!({"!=lastName": ""}),
            json!({">lastName": "а"}),
            json!({"contactIds": 6}),
            json!({"id": "двенадцать"}),
            json!({"0": {"logic": "OR", "0": {"id": 1}, "1": {"id": 2}}}),
            json!({"id": 12, "stageId": "JUNK"}),
        ];
        for filter in no {
            assert!(!holds(&filter), "{filter} should not match");
        }
    }

    #[test]
    fn unknown_fields_are_named() {
        let mut unknown = Vec::new();
        parse(&json!({">=phantom": 1, "0": {"ghost": 2}}), &lookup, &mut unknown);
        assert_eq!(unknown, ["phantom", "ghost"]);
    }
}

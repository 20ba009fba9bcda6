//! Lists that visitors narrow down by the query string: filters, order and pages, without any script.
//!
//! A section asks for it in its `data`:
//!
//! - `filters`: each with `name` (the key of the query), `kind` and `field` of the items (a path with dots).
//!   `choice` keeps items whose field is the given word, or holds it; `min` and `max` compare numbers;
//!   `search` keeps items whose `fields` together hold every given word. A `choice` may bring `options`
//!   (`value`, `title`) in its own order.
//! - `sorts`: each with `name` and `field`, descending where the field begins with `-`; asked for as `sort`.
//! - `per_page`: items on one page; further ones under `page`.
//!
//! Templates then see in `data`: `items` (what is left), `total`, `found`, `is_filtered`, `filters` with `value` and
//! `options` (`value`, `title`, `count`, `selected`), `sorts` with `selected`, `pages` (`number`, `url`, `current`).

use std::cmp::Ordering;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::templates::{Array, Value};

/// Longer words of a query are cut: nothing that a person looks for needs more.
const LONGEST: usize = 100;

const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The sections of a page with their lists narrowed down as `query` asks; `None` when no section offers that.
pub(crate) fn narrowed(sections: &Value, query: Option<&str>) -> Option<Value> {
    let all = sections.as_array()?;
    let offers = |section: &Value| {
        let data = section.get("data");
        ["filters", "sorts", "per_page"].iter().any(|key| data.and_then(|data| data.get(key)).is_some())
    };
    if !all.values().any(offers) {
        return None;
    }
    let asked = pairs(query.unwrap_or_default());
    let mut made = Array::with_capacity(all.len());
    for (key, section) in all.iter() {
        let changed = if offers(section) { list(section, &asked) } else { None };
        made.insert(key.to_key(), changed.unwrap_or_else(|| section.clone()));
    }
    Some(Value::from(made))
}

/// The pairs of a query string, decoded; what is not UTF-8 is left out.
fn pairs(query: &str) -> Vec<(String, String)> {
    let decoded = |text: &str| {
        let text = text.replace('+', " ");
        let text = percent_decode_str(&text).decode_utf8().ok()?;
        Some(text.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect::<String>())
    };
    let pairs = query.split('&').filter_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        Some((decoded(key)?, decoded(value)?))
    });
    pairs.filter(|(_, value)| !value.is_empty()).collect()
}

fn value_of<'q>(asked: &'q [(String, String)], name: &str) -> &'q str {
    asked.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn entries(data: &Value, key: &str) -> Vec<Value> {
    data.get(key).and_then(Value::as_array).map(|array| array.values().cloned().collect()).unwrap_or_default()
}

fn list(section: &Value, asked: &[(String, String)]) -> Option<Value> {
    let data = section.get("data")?;
    let items = entries(data, "items");
    let filters = entries(data, "filters");
    let sorts = entries(data, "sorts");
    let total = items.len();
    let shown: Vec<Value> = filters.iter().map(|filter| described(filter, &items, asked)).collect();
    let mut left: Vec<Value> =
        items.into_iter().filter(|item| filters.iter().all(|filter| fits(filter, item, asked))).collect();
    let sort = value_of(asked, "sort");
    if let Some(sort) = sorts.iter().find(|entry| !sort.is_empty() && text(entry, "name") == sort) {
        let field = text(sort, "field");
        let (field, descending) = field.strip_prefix('-').map_or((field, false), |field| (field, true));
        left.sort_by(|a, b| {
            let order = compare(at(a, field), at(b, field));
            if descending { order.reverse() } else { order }
        });
    }
    let found = left.len();
    let per_page = data.get("per_page").map_or(0, Value::to_int);
    let per_page = usize::try_from(per_page).ok().filter(|size| *size > 0).unwrap_or(usize::MAX);
    let last = found.div_ceil(per_page).max(1);
    let page = value_of(asked, "page").parse::<usize>().unwrap_or(1).clamp(1, last);
    let from = per_page.saturating_mul(page - 1);
    let items: Vec<Value> = left.into_iter().skip(from).take(per_page).collect();

    let narrowed = shown.iter().any(|filter| !text(filter, "value").is_empty());
    let mut data = data.as_array().cloned()?;
    data.insert("items", Value::list(items));
    data.insert("total", Value::from(total));
    data.insert("found", Value::from(found));
    data.insert("is_filtered", Value::from(narrowed));
    data.insert("filters", Value::list(shown));
    data.insert("sorts", Value::list(sorts.iter().map(|entry| selected(entry, text(entry, "name") == sort))));
    if last > 1 {
        data.insert("pages", Value::list((1..=last).map(|number| page_link(number, page, asked))));
    }
    let mut section = section.as_array().cloned()?;
    section.insert("data", Value::from(data));
    Some(Value::from(section))
}

fn selected(entry: &Value, is: bool) -> Value {
    let mut copy = entry.as_array().cloned().unwrap_or_default();
    copy.insert("selected", Value::from(is));
    Value::from(copy)
}

/// The address of a page of the list, relative to the list: what was asked for stays.
fn page_link(number: usize, current: usize, asked: &[(String, String)]) -> Value {
    let kept = asked.iter().filter(|(key, _)| key != "page").map(|(key, value)| {
        format!("{}={}", utf8_percent_encode(key, QUERY), utf8_percent_encode(value, QUERY))
    });
    let own = (number > 1).then(|| format!("page={number}"));
    let query: Vec<String> = kept.chain(own).collect();
    Value::map([
        ("number", Value::from(number)),
        ("url", Value::from(format!("?{}", query.join("&")))),
        ("current", Value::from(number == current)),
    ])
}

/// The value at a path with dots.
fn at<'v>(item: &'v Value, path: &str) -> Option<&'v Value> {
    path.split('.').try_fold(item, |value, key| value.get(key))
}

/// A value as a word that a query can hold; `None` for lists and what is not there.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null => None,
        other => Some(other.to_string()).filter(|text| !text.is_empty()),
    }
}

/// The words of a field: one, or those of a list.
fn words(item: &Value, field: &str) -> Vec<String> {
    match at(item, field) {
        Some(value) => match value.as_array() {
            Some(list) => list.values().filter_map(word).collect(),
            None => word(value).into_iter().collect(),
        },
        None => Vec::new(),
    }
}

fn fits(filter: &Value, item: &Value, asked: &[(String, String)]) -> bool {
    let wanted = value_of(asked, text(filter, "name"));
    if wanted.is_empty() {
        return true;
    }
    let field = text(filter, "field");
    let number = || at(item, field).map(Value::to_float);
    match text(filter, "kind") {
        "min" => figure(wanted).is_none_or(|least| number().is_some_and(|number| number >= least)),
        "max" => figure(wanted).is_none_or(|most| number().is_some_and(|number| number <= most)),
        "search" => {
            let fields = entries(filter, "fields");
            let all: Vec<String> =
                fields.iter().filter_map(Value::as_str).flat_map(|field| words(item, field)).collect();
            let all = all.join(" ").to_lowercase();
            wanted.to_lowercase().split_whitespace().all(|word| all.contains(word))
        }
        _ => words(item, field).iter().any(|word| word == wanted),
    }
}

/// A number as people type it: `2 500 000`, `1,5`.
fn figure(text: &str) -> Option<f64> {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    plain.replace(',', ".").parse().ok().filter(|number: &f64| number.is_finite())
}

/// A filter as the template shows it: with the given value and, for a choice, its options.
fn described(filter: &Value, items: &[Value], asked: &[(String, String)]) -> Value {
    let mut copy = filter.as_array().cloned().unwrap_or_default();
    let value = value_of(asked, text(filter, "name"));
    copy.insert("value", Value::from(value));
    if !matches!(text(filter, "kind"), "min" | "max" | "search") {
        copy.insert("options", options(filter, items, value));
    }
    Value::from(copy)
}

fn options(filter: &Value, items: &[Value], value: &str) -> Value {
    let field = text(filter, "field");
    let mut counts: Vec<(String, usize)> = Vec::new();
    for word in items.iter().flat_map(|item| words(item, field)) {
        match counts.iter_mut().find(|(known, _)| *known == word) {
            Some((_, count)) => *count += 1,
            None => counts.push((word, 1)),
        }
    }
    counts.sort_by(|(a, _), (b, _)| match (figure(a), figure(b)) {
        (Some(x), Some(y)) => x.total_cmp(&y),
        _ => a.cmp(b),
    });
    let declared = entries(filter, "options");
    let option = |word: &str, title: &str, count: usize| {
        Value::map([
            ("value", Value::from(word)),
            ("title", Value::from(title)),
            ("count", Value::from(count)),
            ("selected", Value::from(word == value)),
        ])
    };
    if declared.is_empty() {
        return Value::list(counts.iter().map(|(word, count)| option(word, word, *count)));
    }
    Value::list(declared.iter().map(|entry| {
        let own = entry.get("value").and_then(word).unwrap_or_default();
        let count = counts.iter().find(|(word, _)| *word == own).map_or(0, |(_, count)| *count);
        option(&own, text(entry, "title"), count)
    }))
}

/// Numbers by size, words by letter; what is not there comes last.
fn compare(a: Option<&Value>, b: Option<&Value>) -> Ordering {
    match (a.and_then(word), b.and_then(word)) {
        (None, None) => Ordering::Equal,
        (None, _) => Ordering::Greater,
        (_, None) => Ordering::Less,
        (Some(a), Some(b)) => match (figure(&a), figure(&b)) {
            (Some(x), Some(y)) => x.total_cmp(&y),
            _ => a.cmp(&b),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    fn stock() -> Value {
        Value::from(&json!([{"name": "cars", "visible": true, "data": {
            "per_page": 2,
            "filters": [
                {"name": "brand", "kind": "choice", "field": "brand"},
                {"name": "state", "kind": "choice", "field": "is_new", "options": [
                    {"value": "true", "title": "Новые"}, {"value": "false", "title": "С пробегом"}]},
                {"name": "rooms", "kind": "choice", "field": "rooms"},
                {"name": "min", "kind": "min", "field": "price.now"},
                {"name": "max", "kind": "max", "field": "price.now"},
                {"name": "q", "kind": "search", "fields": ["brand", "model"]}],
            "sorts": [{"name": "cheap", "field": "price.now"}, {"name": "dear", "field": "-price.now"}],
            "items": [
                {"brand": "Kia", "model": "Ceed", "is_new": false, "price": {"now": 1_500_000}, "rooms": [1, 2]},
                {"brand": "BMW", "model": "X3", "is_new": true, "price": {"now": 6_000_000}, "rooms": [10]},
                {"brand": "Kia", "model": "Sportage", "is_new": true, "price": {"now": 3_000_000}},
            ]}}, {"name": "text", "visible": true, "data": {}}]))
    }

    fn data(query: &str) -> Value {
        let sections = narrowed(&stock(), Some(query)).unwrap();
        sections.as_array().unwrap().first().unwrap().get("data").unwrap().clone()
    }

    fn models(query: &str) -> String {
        let models: Vec<String> =
            entries(&data(query), "items").iter().map(|i| text(i, "model").to_owned()).collect();
        models.join(",")
    }

    #[test]
    fn lists_are_narrowed_as_asked() {
        for (query, left) in [
            ("", "Ceed,X3"),
            ("page=2", "Sportage"),
            ("page=99", "Sportage"),
            ("page=-1", "Ceed,X3"),
            ("brand=Kia", "Ceed,Sportage"),
            ("brand=Kia&state=true", "Sportage"),
            ("rooms=2", "Ceed"),
            ("rooms=1&rooms=10", "Ceed"),
            ("min=2+500+000&sort=cheap", "Sportage,X3"),
            ("max=3000000&sort=dear", "Sportage,Ceed"),
            ("q=kia+spo", "Sportage"),
            ("q=%D0%B6", ""),
            ("min=abc&max=&sort=none&other=1", "Ceed,X3"),
            ("brand=%FF&%FF=1&=&&", "Ceed,X3"),
        ] {
            assert_eq!(models(query), left, "{query}");
        }
    }

    #[test]
    fn templates_see_what_was_asked_and_what_there_is() {
        let data = data("brand=Kia&min=1&sort=dear");
        let count = |key: &str| data.get(key).map(Value::to_int);
        assert_eq!((count("total"), count("found")), (Some(3), Some(2)));
        assert!(data.get("is_filtered").is_some_and(Value::truthy));
        assert!(data.get("pages").is_none(), "one page needs no links");
        let filters = entries(&data, "filters");
        let options = entries(filters.first().unwrap(), "options");
        let words: Vec<String> = options
            .iter()
            .map(|o| {
                format!(
                    "{}:{}:{}",
                    text(o, "title"),
                    o.get("count").unwrap(),
                    o.get("selected").unwrap().truthy()
                )
            })
            .collect();
        assert_eq!(words, ["BMW:1:false", "Kia:2:true"]);
        let rooms: Vec<String> =
            entries(filters.get(2).unwrap(), "options").iter().map(|o| text(o, "value").to_owned()).collect();
        assert_eq!(rooms, ["1", "2", "10"], "numbers stand by size");
        assert_eq!(text(filters.get(3).unwrap(), "value"), "1");
        assert!(entries(&data, "sorts").get(1).unwrap().get("selected").unwrap().truthy());
    }

    #[test]
    fn links_of_pages_keep_what_was_asked() {
        let pages = entries(&data("q=%D0%B5%D1%89%D1%91+%26&page=1&state=true&state=false"), "pages");
        assert!(pages.is_empty());
        let pages = entries(&data("max=9e9&page=2"), "pages");
        let urls: Vec<&str> = pages.iter().map(|page| text(page, "url")).collect();
        assert_eq!(urls, ["?max=9e9", "?max=9e9&page=2"]);
    }

    #[test]
    fn pages_without_lists_are_left_alone() {
        let plain: Json = json!([{"name": "text", "data": {"title": "x"}}, {"name": "empty"}]);
        assert!(narrowed(&Value::from(&plain), Some("a=b")).is_none());
        assert!(narrowed(&Value::Null, None).is_none());
    }
}

//! Which worker suits a site that somebody else serves: told by the words of its trade.

use serde_json::Value;

use super::Known;

/// The worker for lines of business that have none of their own.
pub(super) const GENERAL: &str = "general-assistant";

/// Words that a trade uses and others do not, by the worker that knows it.
const TRADES: [(&str, &[&str]); 2] = [
    (
        "lead-assistant",
        &[
            "тест-драйв",
            "трейд-ин",
            "trade-in",
            "автомобили с пробегом",
            "новые автомобили",
            "автосалон",
            "автокредит",
            "test drive",
            "used cars",
            "new cars",
            "car dealer",
        ],
    ),
    (
        "home-assistant",
        &[
            "жилой комплекс",
            "жилого комплекса",
            "застройщик",
            "новострой",
            "квартир",
            "эскроу",
            "долевого",
            "машиномест",
            "apartments",
            "floor plan",
            "new homes",
            "escrow",
        ],
    ),
];
/// So many words of a trade make a site one of it: a shop may mention one or two of another trade.
const ENOUGH: usize = 3;

/// The worker for a site that was read.
pub(super) fn worker(known: &Known) -> &'static str {
    let mut text = String::new();
    for page in &known.pages {
        text.push_str(&page.title.to_lowercase());
        text.push('\n');
        words(&page.content, &mut text);
    }
    let found = |terms: &[&str]| terms.iter().filter(|term| text.contains(**term)).count();
    let best = TRADES.iter().map(|(worker, terms)| (found(terms), *worker)).max_by_key(|(count, _)| *count);
    best.filter(|(count, _)| *count >= ENOUGH).map_or(GENERAL, |(_, worker)| worker)
}

fn words(value: &Value, text: &mut String) {
    match value {
        Value::String(said) => {
            text.push_str(&said.to_lowercase());
            text.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, text)),
        Value::Object(map) => map.values().for_each(|item| words(item, text)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Page;
    use super::*;

    fn known(texts: &[&str]) -> Known {
        let page = |text: &&str| Page {
            path: "/".into(),
            title: "Главная".into(),
            content: json!({ "sections": [{ "data": { "text": text } }] }),
        };
        Known { pages: texts.iter().map(page).collect(), ..Known::default() }
    }

    #[test]
    fn a_trade_is_told_by_several_of_its_words() {
        let cars = ["Новые автомобили и автокредит", "Запишитесь на тест-драйв"];
        assert_eq!(worker(&known(&cars)), "lead-assistant");
        let homes = ["Застройщик продаёт квартиры", "Деньги лежат на счетах эскроу"];
        assert_eq!(worker(&known(&homes)), "home-assistant");
        for other in [
            vec!["Стоматология: приём по записи"],
            vec!["Шины для автосалонов", "Доставка в квартиру"],
            vec![],
        ] {
            assert_eq!(worker(&known(&other)), GENERAL, "{other:?}");
        }
    }
}

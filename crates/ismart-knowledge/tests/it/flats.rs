//! Feeds of flats.

use ismart_knowledge::{FeedError, FlatFeed, Limits};

fn offer(id: &str, inside: &str) -> String {
    format!(
        "<offer internal-id=\"{id}\"><type>продажа</type><property-type>жилая</property-type><category>квартира</category>{inside}</offer>"
    )
}

const GOOD: &str = "<location><country>Россия</country><apartment>8</apartment></location><price><value>9 170 000</value><currency>RUB</currency></price>\
    <area><value>60,44</value><unit>кв. м</unit></area><living-space><value>30.8</value></living-space><kitchen-space><value>166</value></kitchen-space>\
    <rooms>2</rooms><floor>5</floor><floors-total>9</floors-total><building-name>ЖК «Тихий берег»</building-name><building-section>3</building-section>\
    <renovation>черновая отделка</renovation><image tag=\"plan\">/data/img/plan.svg</image><image>https://x.ru/1.jpg</image><image>javascript:x</image>\
    <built-year>2028</built-year><ready-quarter>2</ready-quarter>";

fn feed(offers: &[String]) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><realty-feed xmlns=\"http://webmaster.yandex.ru/schemas/feed/realty/2010-06\"><generation-date>2026-11-26T10:00:00+03:00</generation-date>{}</realty-feed>",
        offers.concat()
    )
}

fn read(text: &str) -> Result<FlatFeed, FeedError> {
    FlatFeed::read(text.as_bytes(), &Limits::in_year(2026))
}

#[test]
fn a_flat_has_the_shape_that_templates_read() {
    let found = read(&feed(&[offer("k/8", GOOD)])).unwrap();
    let flat = found.flats.first().unwrap().entity();
    for (key, value) in [
        ("slug", "\"kv-k-8\""),
        ("title", "\"Квартира № 8\""),
        ("complex", "\"tihiy-bereg\""),
        ("number", "8"),
        ("section", "3"),
        ("floor", "5"),
        ("rooms", "2"),
        ("area", "60.4"),
        ("living", "30.8"),
        ("kitchen", "null"),
        ("price", "9170000"),
        ("finish", "\"rough\""),
        ("plan", "\"/data/img/plan.svg\""),
        ("images", "[\"https://x.ru/1.jpg\"]"),
        ("status", "\"free\""),
        ("handover", "{\"year\":2028,\"quarter\":2}"),
    ] {
        assert_eq!(flat[key].to_string(), value, "{key}");
    }
    let told: Vec<&str> = found.problems.iter().map(|problem| problem.field.as_str()).collect();
    assert_eq!(told, ["image", "kitchen-space"]);
}

#[test]
fn what_is_wrong_with_one_flat_does_not_touch_the_others() {
    let without = |part: &str| GOOD.replace(part, "");
    let offers = [
        offer("1", GOOD),
        offer("1", GOOD),
        offer("2", &without("<floor>5</floor>")),
        offer("3", &GOOD.replace("RUB", "USD")),
        offer("4", &GOOD.replace("60,44", "6")),
        offer("5", &GOOD.replace("<value>9 170 000</value>", "<value>150000</value><unit>кв. м</unit>")),
        offer("6", &GOOD.replace("<rooms>2</rooms>", "<studio>1</studio>")),
        offer("7", GOOD).replace("продажа", "аренда"),
        offer("8", GOOD).replace("квартира", "дом"),
    ];
    let found = read(&feed(&offers)).unwrap();
    let keys: Vec<&str> = found.flats.iter().map(|flat| flat.key.as_str()).collect();
    assert_eq!((keys, found.hidden), (vec!["1", "6"], 2));
    assert_eq!(found.flats.last().unwrap().rooms, 0);
    let rejected: Vec<String> = found
        .problems
        .iter()
        .filter(|p| p.to_string().contains("not shown"))
        .map(|p| p.field.clone())
        .collect();
    assert_eq!(rejected, ["internal-id", "floor", "price", "area", "price"]);
}

#[test]
fn what_is_no_feed_of_flats_is_refused() {
    assert!(matches!(read("<data><cars/></data>"), Err(FeedError::UnknownFormat { .. })));
    assert!(matches!(read(&feed(&[])), Err(FeedError::Empty)));
    assert!(matches!(read(&feed(&[offer("1", "")])), Err(FeedError::NoneUsable { items: 1, .. })));
    let whole = feed(&[offer("1", GOOD)]);
    let cut: String = whole.chars().take(400).collect();
    assert!(matches!(read(&cut), Err(FeedError::Broken { .. })));
}

//! The tools that only read, over the demo dealer's stock, pages and facts.

use std::collections::HashSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use arc_swap::ArcSwap;
use ismart_domain::Env;
use ismart_domain::ports::{Effect, ToolError, ToolOutcome, ToolScope, Toolbox};
use ismart_knowledge::{Catalogue, Feed, Index, Limits, passages_from_page};
use ismart_tools::{Knowledge, SiteKnowledge, reading};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

fn demo_file(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/avtograd").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn site(catalogue: Catalogue, global: &Value) -> SiteKnowledge {
    let page: Value = serde_json::from_str(&demo_file("data/json/ru/pages/faq.json")).unwrap();
    let index = Index::new(passages_from_page("Вопросы и ответы", "/faq", &page));
    let zone = TimeZone::get("Europe/Moscow").unwrap();
    SiteKnowledge::new(Arc::new(catalogue), Arc::new(index), global, &zone).unwrap()
}

fn stock() -> Catalogue {
    let feed = demo_file("data/feeds/stock.xml");
    Catalogue::new(Feed::read(feed.as_bytes(), &Limits::in_year(2026)).unwrap().vehicles)
}

fn demo() -> Knowledge {
    let global = serde_json::from_str(&demo_file("data/json/global.json")).unwrap();
    Arc::new(ArcSwap::from_pointee(site(stock(), &global)))
}

/// Sunday, 22 November 2026, 12:00 in Moscow.
const SUNDAY_NOON: &str = "2026-11-22T09:00:00Z";

fn scope(language: &str, now: &str) -> ToolScope {
    let env = Env::system();
    ToolScope {
        client_id: env.new_id(),
        site_id: env.new_id(),
        conversation_id: env.new_id(),
        visit_id: None,
        worker: "test".into(),
        language: language.into(),
        page: "/".into(),
        ip: None,
        user_agent: None,
        trace_id: env.new_id(),
        key: "1".into(),
        now: now.parse().unwrap(),
    }
}

fn call_in(
    scope: &ToolScope,
    knowledge: &Knowledge,
    tool: &str,
    arguments: &Value,
) -> Result<ToolOutcome, ToolError> {
    let tools = Toolbox::new(reading(knowledge));
    let tool = tools.get(tool).unwrap();
    assert_eq!(tool.effect(), Effect::Read);
    let mut future = tool.call(scope, arguments);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("a reading tool waits for nothing"),
    }
}

fn call(knowledge: &Knowledge, tool: &str, arguments: Value) -> Result<ToolOutcome, ToolError> {
    call_in(&scope("ru", SUNDAY_NOON), knowledge, tool, &arguments)
}

fn code(result: Result<ToolOutcome, ToolError>) -> String {
    result.unwrap_err().code().to_owned()
}

#[test]
fn every_tool_of_the_list_has_its_own_name() {
    let tools = Toolbox::new(reading(&demo()));
    let names: HashSet<&str> = tools.names().collect();
    assert_eq!(names.len(), tools.names().count());
    assert_eq!(
        names,
        HashSet::from([
            "business_facts",
            "credit_estimate",
            "knowledge_answer",
            "stock_item",
            "stock_search"
        ])
    );
}

#[test]
fn a_search_finds_what_was_wished_and_shows_three() {
    let knowledge = demo();
    let wish = json!({"body": "кроссовер", "price_max": 3_000_000, "gearbox": "automatic",
        "not_colors": ["серебристая"], "sort": "price", "brand": null});
    let outcome = call(&knowledge, "stock_search", wish).unwrap();
    let total = outcome.data["total"].as_u64().unwrap();
    let items = outcome.data["items"].as_array().unwrap();
    assert!(total > 3 && items.len() == 3, "{total}");
    assert_eq!((outcome.cards.len(), outcome.sources.len()), (3, 3));
    let prices: Vec<i64> = items.iter().map(|item| item["price"].as_i64().unwrap()).collect();
    assert!(prices.is_sorted() && prices.iter().all(|price| *price <= 3_000_000), "{prices:?}");
    for (item, card) in items.iter().zip(&outcome.cards) {
        assert_ne!(item["gearbox_text"], "механика");
        assert_ne!(item["color"], "Серебристый");
        assert_eq!(item["price_text"], card.price);
        assert_eq!(item["url"], card.url);
        assert!(card.url.starts_with("/cars/") && card.image.is_some());
    }
    assert_eq!(
        outcome.data["filters_text"],
        "кроссовер, автомат, до 3\u{a0}000\u{a0}000\u{a0}₽, кроме: серебристая"
    );
    let nothing = call(&knowledge, "stock_search", json!({"brand": "Ferrari"})).unwrap();
    assert_eq!((&nothing.data["total"], nothing.cards.len()), (&json!(0), 0));
}

#[test]
fn a_wish_for_an_axle_that_no_feed_tells_is_widened_and_said() {
    let outcome = call(&demo(), "stock_search", json!({"drive": "front"})).unwrap();
    assert_eq!(outcome.data["filters_text"], "привод на одну ось");
    assert!(outcome.data["total"].as_u64().unwrap() > 0);
}

#[test]
fn a_stock_without_crossovers_offers_its_off_roaders() {
    let feed = demo_file("data/feeds/stock.xml").replace("Кроссовер", "Внедорожник 5 дв.");
    let catalogue = Catalogue::new(Feed::read(feed.as_bytes(), &Limits::in_year(2026)).unwrap().vehicles);
    let knowledge: Knowledge = Arc::new(ArcSwap::from_pointee(site(catalogue, &json!({}))));
    let outcome = call(&knowledge, "stock_search", json!({"body": "кроссовер"})).unwrap();
    assert_eq!(outcome.data["filters_text"], "внедорожник");
    assert!(outcome.data["total"].as_u64().unwrap() > 20);
}

#[test]
fn english_conversations_get_english_words() {
    let wish = json!({"fuel": "diesel", "drive": "all", "limit": 1});
    let outcome = call_in(&scope("en", SUNDAY_NOON), &demo(), "stock_search", &wish).unwrap();
    assert_eq!(outcome.data["filters_text"], "four-wheel drive, diesel");
    assert_eq!(outcome.data["items"][0]["availability_text"], "in stock");
}

#[test]
fn wrong_arguments_are_named() {
    let knowledge = demo();
    for (tool, arguments, name) in [
        ("stock_search", json!({"colour": "red"}), "colour"),
        ("stock_search", json!({"price_max": "дёшево"}), "price_max"),
        ("stock_search", json!({"price_max": -1}), "price_max"),
        ("stock_search", json!({"price_max": 1.5}), "price_max"),
        ("stock_search", json!({"colors": [1]}), "colors"),
        ("stock_search", json!({"brand": {}}), "brand"),
        ("stock_search", json!({"gearbox": "auto"}), "gearbox"),
        ("stock_search", json!({"is_new": "да"}), "is_new"),
        ("stock_search", json!({"limit": 0}), "limit"),
        ("stock_search", json!(null), "arguments"),
        ("stock_item", json!({}), "key"),
        ("stock_item", json!({"key": "a", "vin": "b"}), "key"),
        ("knowledge_answer", json!({"question": "  "}), "question"),
        ("business_facts", json!({}), "topic"),
        ("business_facts", json!({"topic": "weather"}), "topic"),
        ("credit_estimate", json!({}), "price"),
        ("credit_estimate", json!({"price": 0}), "price"),
        ("credit_estimate", json!({"price": 1_000_000, "down_payment": 1_000_000}), "down_payment"),
        ("credit_estimate", json!({"price": 1_000_000, "months": 0}), "months"),
    ] {
        match call(&knowledge, tool, arguments.clone()) {
            Err(ToolError::Argument { name: found, .. }) => assert_eq!(found, name, "{tool} {arguments}"),
            other => panic!("{tool} {arguments}: {other:?}"),
        }
    }
    let error = call(&knowledge, "stock_search", json!({"gearbox": "auto"})).unwrap_err();
    assert_eq!(
        error.to_string(),
        "argument `gearbox`: `auto` is not one of manual, automatic, torque_converter, robot, variator"
    );
}

#[test]
fn a_vehicle_is_told_whole_or_refused() {
    let knowledge = demo();
    let found = call(&knowledge, "stock_search", json!({"sort": "price", "limit": 1})).unwrap();
    let key = found.data["items"][0]["key"].clone();
    let outcome = call(&knowledge, "stock_item", json!({"key": key})).unwrap();
    let item = &outcome.data["item"];
    for name in ["title", "vin", "description", "engine_text", "drive_text", "body", "price_text", "url"] {
        assert!(item[name].as_str().is_some_and(|text| !text.is_empty()), "{name}: {item}");
    }
    assert!(item["options"].as_array().is_some_and(|options| !options.is_empty()));
    assert!(item["discounts"]["max"].as_i64().is_some() && item["power_hp"].as_i64().is_some());
    let by_vin = call(&knowledge, "stock_item", json!({"vin": item["vin"]})).unwrap();
    assert_eq!(by_vin, outcome);
    let by_name = call(&knowledge, "stock_item", json!({"query": "джили монжаро"})).unwrap();
    assert_eq!(by_name.data["item"]["model"], "Monjaro");
    assert_eq!(code(call(&knowledge, "stock_item", json!({"key": "n999"}))), "not_found");
    assert_eq!(code(call(&knowledge, "stock_item", json!({"query": "ferrari"}))), "not_found");
    let error = call(&knowledge, "stock_item", json!({"query": "лада гранта"})).unwrap_err();
    assert_eq!(error.code(), "ambiguous");
    assert!(error.to_string().contains("LADA Granta"), "{error}");
}

#[test]
fn pages_are_quoted_with_their_source() {
    let knowledge = demo();
    let outcome =
        call(&knowledge, "knowledge_answer", json!({"question": "сколько стоит хранение шин?"})).unwrap();
    assert_eq!(outcome.data["found"], true);
    assert!(outcome.data["text"].as_str().unwrap().contains("4 900 ₽"), "{}", outcome.data);
    assert_eq!(
        (outcome.sources[0].title.as_str(), outcome.sources[0].url.as_str()),
        ("Вопросы и ответы", "/faq")
    );
    let unknown = call(&knowledge, "knowledge_answer", json!({"question": "кто президент Франции"})).unwrap();
    assert_eq!((&unknown.data["found"], &unknown.data["text"]), (&json!(false), &json!("")));
    assert!(unknown.sources.is_empty());
}

#[test]
fn facts_follow_the_clock_of_the_site() {
    let knowledge = demo();
    let at = |now: &str, topic: &str| {
        call_in(&scope("ru", now), &knowledge, "business_facts", &json!({"topic": topic})).unwrap().data
    };
    let hours = at(SUNDAY_NOON, "hours");
    assert_eq!(hours["text"], "пн–пт 9:00–20:00, сб–вс 10:00–18:00");
    assert_eq!(hours["open_now"], true);
    let departments = hours["departments"].as_array().unwrap();
    let service = departments.iter().find(|d| d["name"].as_str().unwrap().starts_with("Сервис"));
    assert_eq!(service.unwrap()["hours_text"], "пн–пт 8:00–20:00, сб 9:00–18:00, вс — выходной");
    assert_eq!(at(SUNDAY_NOON, "today")["text"], "Сейчас открыто, сегодня работаем до 18:00.");
    // 18:00 in Moscow: the door closes at that very minute.
    let closed = at("2026-11-22T15:00:00Z", "today");
    assert_eq!(closed["text"], "Сейчас закрыто, откроемся завтра в 09:00.");
    assert_eq!((&closed["open_now"], &closed["closes_text"]), (&json!(false), &Value::Null));
    assert_eq!(at("2026-11-22T06:59:59Z", "today")["open_now"], false);
    assert!(at(SUNDAY_NOON, "address")["text"].as_str().unwrap().contains("Автоградный проезд"));
    let phones = at(SUNDAY_NOON, "phones");
    assert_eq!(phones["phone_e164"], "+74822001000");
    assert!(phones["departments"].as_array().unwrap().len() >= 4);
    let english =
        call_in(&scope("en", SUNDAY_NOON), &knowledge, "business_facts", &json!({"topic": "today"}));
    assert_eq!(english.unwrap().data["text"], "We are open until 18:00 today.");
}

#[test]
fn an_estimate_follows_the_declared_programme() {
    let knowledge = demo();
    let of = |arguments: Value| call(&knowledge, "credit_estimate", arguments).map(|outcome| outcome.data);
    let vesta = of(json!({"price": 1_399_000})).unwrap();
    assert_eq!((&vesta["programme"], &vesta["monthly"]), (&json!("Стандарт"), &json!(28_359)));
    assert_eq!((&vesta["down_payment"], &vesta["months"]), (&json!(279_800), &json!(60)));
    assert_eq!(
        (&vesta["rate_text"], &vesta["monthly_text"]),
        (&json!("17,9\u{a0}%"), &json!("28\u{a0}359 ₽"))
    );
    assert!(vesta["formula_text"].as_str().unwrap().contains('÷') && vesta["disclaimer"].is_string());
    let haval =
        call(&knowledge, "stock_search", json!({"brand": "haval", "is_new": true, "limit": 1})).unwrap();
    let key = haval.data["items"][0]["key"].clone();
    let price = haval.data["items"][0]["price"].as_i64().unwrap();
    let brand = of(json!({"key": key, "down_payment": price * 3 / 10 + 1, "months": 60})).unwrap();
    assert_eq!((&brand["programme"], &brand["rate_text"]), (&json!("Субсидия марки"), &json!("11,9\u{a0}%")));
    let used = call(&knowledge, "stock_search", json!({"is_new": false, "limit": 1, "price_max": 3_000_000}))
        .unwrap();
    let used = of(json!({"key": used.data["items"][0]["key"]})).unwrap();
    assert_eq!(used["programme"], "С пробегом");
    for (arguments, expected) in [
        (json!({"price": 1_000_000, "down_payment": 100}), "down_payment_too_low"),
        (json!({"price": 1_000_000, "months": 200}), "months_out_of_range"),
        (json!({"price": 50_000}), "amount_out_of_range"),
        (json!({"key": "n999"}), "not_found"),
    ] {
        assert_eq!(of(arguments.clone()).unwrap_err().code(), expected, "{arguments}");
    }
}

#[test]
fn what_the_client_did_not_declare_is_refused() {
    let knowledge: Knowledge = Arc::new(ArcSwap::from_pointee(site(Catalogue::default(), &json!({}))));
    assert_eq!(code(call(&knowledge, "credit_estimate", json!({"price": 1_000_000}))), "no_programme");
    for topic in ["hours", "address", "phones", "today"] {
        assert_eq!(code(call(&knowledge, "business_facts", json!({"topic": topic}))), "not_declared");
    }
    let single = json!({"business": {"credit": {"rate_percent": 12, "min_down_payment_percent": 10, "max_months": 36}}});
    let knowledge: Knowledge = Arc::new(ArcSwap::from_pointee(site(Catalogue::default(), &single)));
    let data = call(&knowledge, "credit_estimate", json!({"price": 1_000_000})).unwrap().data;
    assert_eq!((&data["months"], &data["down_payment"]), (&json!(36), &json!(100_000)));
}

#[test]
fn wrong_declarations_name_the_place() {
    let zone = TimeZone::UTC;
    for (global, text) in [
        (
            json!({"business": {"opening_hours": [{"days": ["mon"], "opens": "9", "closes": "20:00"}]}}),
            "global.json, business: opening_hours of the business: `9` is not a time of day: use HH:MM, for example 09:00",
        ),
        (
            json!({"business": {"departments": [{"name": "Сервис", "opening_hours": [{"days": ["пн"], "opens": "9:00", "closes": "20:00"}]}]}}),
            "global.json, business: opening_hours of Сервис: `пн` is not a day: use mon, tue, wed, thu, fri, sat, sun",
        ),
        (
            json!({"business": {"phone": 7}}),
            "global.json, business: invalid type: integer `7`, expected a string; correct the value",
        ),
        (
            json!({"credit": {"programs": [{"name": "А", "rate_percent": 5000}]}}),
            "global.json, credit: programme `А`: the rate 5000 is not between 0 and 1000 with at most 3 decimal digits",
        ),
    ] {
        let result = SiteKnowledge::new(Arc::default(), Arc::default(), &global, &zone);
        assert_eq!(result.unwrap_err().to_string(), text);
    }
}

#[test]
fn a_newer_snapshot_answers_at_once() {
    let knowledge = demo();
    let tools = Toolbox::new(reading(&knowledge));
    let count = |tools: &Toolbox| {
        let scope = scope("ru", SUNDAY_NOON);
        let arguments = json!({});
        let mut future = tools.get("stock_search").unwrap().call(&scope, &arguments);
        match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result.unwrap().data["total"].as_u64().unwrap(),
            Poll::Pending => panic!("a reading tool waits for nothing"),
        }
    };
    assert!(count(&tools) > 40);
    knowledge.store(Arc::new(site(Catalogue::default(), &json!({}))));
    assert_eq!(count(&tools), 0);
}

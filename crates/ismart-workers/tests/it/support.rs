//! A worker over scripted tools that keep the tools' contract in memory.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

use ismart_domain::conversation::{Card, Choice, ConsentText, Mode, SourceLink};
use ismart_domain::ports::{Effect, Tool, ToolError, ToolOutcome, ToolScope, Toolbox};
use ismart_domain::{BoxFuture, Env};
use ismart_workers::scenario::{Scenario, Stage};
use ismart_workers::{Package, TurnContext, Vocabulary, Worker};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

/// Sunday, 22 November 2026, 13:00 in Moscow.
pub(crate) const NOW: &str = "2026-11-22T10:00:00Z";

pub(crate) fn package_dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workers/lead-assistant")
}

pub(crate) fn worker() -> &'static Worker {
    static WORKER: OnceLock<Worker> = OnceLock::new();
    WORKER.get_or_init(|| Worker::new(Arc::new(load(&package_dir())), &vocabulary()))
}

/// The worker that knows no trade.
pub(crate) fn general_worker() -> Worker {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workers/general-assistant");
    Worker::new(Arc::new(load(&folder)), &Vocabulary::default())
}

fn load(folder: &std::path::Path) -> Package {
    Package::load(folder).unwrap_or_else(|problems| {
        let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"));
    })
}

/// Runs a future whose awaits are all ready at once.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    for _ in 0..1_000_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
    panic!("the future waits for something that no test gives");
}

pub(crate) fn vocabulary() -> Vocabulary {
    let brands = cars().iter().map(|c| (text(c, "brand"), None)).collect();
    let models = cars().iter().map(|c| (text(c, "model"), Some(text(c, "brand")))).collect();
    Vocabulary([("brand".to_owned(), brands), ("model".to_owned(), models)].into_iter().collect())
}

fn text(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn price_text(price: i64) -> String {
    ismart_domain::Money::roubles(price).to_string()
}

/// key, brand, model, body, colour, gearbox, drive, fuel, year, mileage, price.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    i64,
    i64,
    i64,
);

const ROWS: &[Row] = &[
    ("n1", "Haval", "Jolion", "кроссовер", "белый", "robot", "front", "petrol", 2026, 0, 2_099_000),
    ("n2", "Haval", "Jolion", "кроссовер", "чёрный", "robot", "all", "petrol", 2026, 0, 2_549_000),
    ("n3", "Haval", "Dargo", "кроссовер", "зелёный", "robot", "all", "petrol", 2026, 0, 3_199_000),
    ("n4", "LADA", "Granta", "седан", "белый", "manual", "front", "petrol", 2026, 0, 849_900),
    ("n5", "LADA", "Vesta", "универсал", "синий", "variator", "front", "petrol", 2026, 0, 1_589_000),
    ("n6", "Chery", "Tiggo 7L", "кроссовер", "серый", "variator", "front", "petrol", 2026, 0, 2_690_000),
    ("n7", "Geely", "Monjaro", "кроссовер", "чёрный", "automatic", "all", "petrol", 2026, 0, 4_389_000),
    ("u1", "Kia", "Rio", "седан", "серебристый", "automatic", "front", "petrol", 2018, 84_000, 1_190_000),
    ("u2", "Kia", "Sportage", "кроссовер", "белый", "automatic", "all", "petrol", 2022, 51_000, 2_890_000),
    (
        "u3",
        "Hyundai",
        "Creta",
        "кроссовер",
        "красный",
        "automatic",
        "front",
        "petrol",
        2021,
        62_500,
        1_990_000,
    ),
    ("u4", "Toyota", "Camry", "седан", "чёрный", "automatic", "front", "petrol", 2020, 77_000, 2_950_000),
    (
        "u5",
        "Toyota",
        "Land Cruiser 300",
        "внедорожник",
        "чёрный",
        "automatic",
        "all",
        "diesel",
        2022,
        40_000,
        11_900_000,
    ),
    ("u6", "BMW", "X5", "кроссовер", "синий", "automatic", "all", "diesel", 2020, 98_000, 6_750_000),
    ("u7", "Volkswagen", "Polo", "лифтбек", "серый", "manual", "front", "petrol", 2019, 91_000, 1_050_000),
];

pub(crate) fn cars() -> Vec<Value> {
    ROWS.iter()
        .map(|(key, brand, model, body, color, gearbox, drive, fuel, year, run, price)| {
            let gear = match *gearbox {
                "manual" => "механика",
                "robot" => "робот",
                "variator" => "вариатор",
                _ => "автомат",
            };
            json!({
                "key": key, "brand": brand, "model": model, "body": body, "color": color, "gearbox": gearbox,
                "gearbox_text": gear, "drive": drive, "drive_text": if *drive == "all" { "полный привод" } else { "передний привод" },
                "fuel": fuel, "engine_text": "бензин", "year": year, "run_km": run, "run_text": format!("{run} км"),
                "price": price, "price_text": price_text(*price), "title": format!("{brand} {model}, {year}, {color}"),
                "availability": "in_stock", "availability_text": "В наличии", "url": format!("/cars/{key}"),
                "vin": format!("XTA{:0>14}", key.to_uppercase()), "is_new": *run == 0,
            })
        })
        .collect()
}

/// What the scripted tools have done, and how they behave.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) variation: String,
    pub(crate) bookings: Vec<(String, Value)>,
    pub(crate) leads: Vec<(String, Value)>,
    pub(crate) hand_overs: Vec<(String, Value)>,
    pub(crate) taken: Vec<String>,
}

pub(crate) type Shared = Arc<Mutex<World>>;

struct Scripted {
    name: &'static str,
    effect: Effect,
    world: Shared,
}

impl Tool for Scripted {
    fn name(&self) -> &'static str {
        self.name
    }

    fn effect(&self) -> Effect {
        self.effect
    }

    fn call<'a>(
        &'a self,
        scope: &'a ToolScope,
        arguments: &'a Value,
    ) -> BoxFuture<'a, Result<ToolOutcome, ToolError>> {
        Box::pin(async move {
            let mut world = self.world.lock().unwrap();
            match self.name {
                "stock_search" => stock_search(&world, arguments),
                "stock_item" => stock_item(&world, arguments),
                "knowledge_answer" => Ok(knowledge(arguments)),
                "business_facts" => Ok(business_facts(arguments)),
                "credit_estimate" => Ok(credit(arguments)),
                "test_drive_slots" => Ok(slots(&world, arguments)),
                "book_test_drive" => book(&mut world, scope, arguments),
                "create_lead" => lead(&mut world, scope, arguments),
                _ => hand_over(&mut world, scope, arguments),
            }
        })
    }
}

fn refused(code: &str) -> ToolError {
    ToolError::Refused { code: code.to_owned(), reason: code.to_owned() }
}

fn stock_search(world: &World, args: &Value) -> Result<ToolOutcome, ToolError> {
    if world.variation == "stock_fails" {
        return Err(ToolError::Failed { reason: "the stock cannot be read".to_owned() });
    }
    let same = |car: &Value, key: &str| args.get(key).is_none_or(|wanted| car.get(key) == Some(wanted));
    let among = |car: &Value, key: &str| {
        args.get(key).and_then(Value::as_array).map(|list| list.iter().any(|c| Some(c) == car.get("color")))
    };
    let number = |car: &Value, key: &str| car.get(key).and_then(Value::as_i64).unwrap_or_default();
    let limit = |key: &str| args.get(key).and_then(Value::as_i64);
    let mut found: Vec<Value> = cars()
        .into_iter()
        .filter(|car| ["brand", "model", "body", "drive", "fuel", "is_new"].iter().all(|key| same(car, key)))
        .filter(|car| {
            args.get("gearbox")
                .is_none_or(|g| car["gearbox"] == *g || (g == "automatic" && car["gearbox"] != "manual"))
        })
        .filter(|car| among(car, "colors").unwrap_or(true) && !among(car, "not_colors").unwrap_or(false))
        .filter(|car| limit("price_max").is_none_or(|max| number(car, "price") <= max))
        .filter(|car| limit("price_min").is_none_or(|min| number(car, "price") >= min))
        .filter(|car| limit("year_min").is_none_or(|min| number(car, "year") >= min))
        .filter(|car| limit("run_max").is_none_or(|max| number(car, "run_km") <= max))
        .filter(|_| world.variation != "sold_out")
        .collect();
    if args.get("sort").is_some_and(|s| s == "price") {
        found.sort_by_key(|car| number(car, "price"));
    }
    let total = found.len();
    found.truncate(limit("limit").and_then(|n| usize::try_from(n).ok()).unwrap_or(3));
    let cards = found
        .iter()
        .map(|car| Card {
            title: text(car, "title"),
            text: text(car, "gearbox_text"),
            price: text(car, "price_text"),
            image: None,
            url: text(car, "url"),
        })
        .collect();
    let words: Vec<String> =
        ["brand", "model", "body"].iter().filter_map(|k| args.get(*k)?.as_str().map(str::to_owned)).collect();
    let data = json!({"total": total, "items": found, "filters_text": words.join(" ")});
    Ok(ToolOutcome { data, cards, ..ToolOutcome::default() })
}

fn stock_item(world: &World, args: &Value) -> Result<ToolOutcome, ToolError> {
    let find = |key: &str, field: &str| {
        let wanted = args.get(key)?;
        cars().into_iter().find(|car| car.get(field) == Some(wanted))
    };
    let car = find("key", "key").or_else(|| find("vin", "vin")).filter(|_| world.variation != "sold_out");
    let car = car.ok_or_else(|| refused("not_found"))?;
    let sources = vec![SourceLink { title: text(&car, "title"), url: text(&car, "url") }];
    Ok(ToolOutcome { data: json!({"item": car}), sources, ..ToolOutcome::default() })
}

fn knowledge(args: &Value) -> ToolOutcome {
    let question = text(args, "question").to_lowercase();
    let pages = [
        (
            "гарант",
            "Гарантия производителя на новые автомобили составляет 3 года или 100 000 км.",
            "/warranty",
        ),
        ("достав", "Доставим автомобиль в любой город России, стоимость зависит от расстояния.", "/delivery"),
        ("лизинг", "Оформляем лизинг для юридических лиц и индивидуальных предпринимателей.", "/leasing"),
        ("каско", "Полис можно оформить в салоне в день покупки.", "/insurance"),
        ("шины", "В магазине запасных частей есть зимние и летние шины.", "/parts"),
        (
            "warranty",
            "Гарантия производителя на новые автомобили составляет 3 года или 100 000 км.",
            "/warranty",
        ),
    ];
    // Words are met with one typo, as a retrieval over character n-grams meets them.
    let near = |wanted: &str| {
        ismart_workers::text::tokens(&question).iter().any(|token| {
            let length = wanted.chars().count();
            let a: Vec<char> = wanted.chars().collect();
            let b: Vec<char> = token.text.chars().take(length).collect();
            length > 4 && ismart_workers::text::distance_within(&a, &b, 2).is_some_and(|far| far <= 2)
        })
    };
    match pages.iter().find(|(word, ..)| question.contains(word) || near(word)) {
        Some((_, quote, url)) => ToolOutcome {
            data: json!({"found": true, "text": quote, "confidence": 0.9}),
            sources: vec![SourceLink {
                title: "Страница салона".to_owned(), url: (*url).to_owned()
            }],
            ..ToolOutcome::default()
        },
        None => ToolOutcome {
            data: json!({"found": false, "text": "", "confidence": 0.1}),
            ..ToolOutcome::default()
        },
    }
}

fn business_facts(args: &Value) -> ToolOutcome {
    let text = match text(args, "topic").as_str() {
        "hours" => "Салон открыт ежедневно с 9:00 до 20:00",
        "address" => "Тверь, Автоградный проезд, д. 5",
        _ => "+7 (4822) 00-10-01",
    };
    ToolOutcome { data: json!({"text": text}), ..ToolOutcome::default() }
}

fn credit(args: &Value) -> ToolOutcome {
    let price = args.get("price").and_then(Value::as_i64).unwrap_or_default();
    let down = args.get("down_payment").and_then(Value::as_i64).unwrap_or(price / 5);
    let months = args.get("months").and_then(Value::as_i64).unwrap_or(60);
    let monthly = (price - down) / months * 13 / 10;
    let data = json!({
        "monthly_text": price_text(monthly), "rate_text": "16,9 %", "months": months,
        "down_payment_text": price_text(down), "formula_text": "аннуитет",
    });
    ToolOutcome { data, ..ToolOutcome::default() }
}

fn slots(world: &World, args: &Value) -> ToolOutcome {
    let date = args.get("date_from").and_then(Value::as_str).unwrap_or("2026-11-23").to_owned();
    let to = args.get("date_to").and_then(Value::as_str).unwrap_or(&date).to_owned();
    let mut choices = Vec::new();
    let mut list = Vec::new();
    let nothing = world.variation == "no_slots"
        || (world.variation == "no_slots_that_day" && args.get("date_from").is_some());
    for (hour, utc) in
        [("11:00", "08:00:00Z"), ("12:30", "09:30:00Z"), ("15:00", "12:00:00Z"), ("18:00", "15:00:00Z")]
    {
        let part = match hour {
            "11:00" => "morning",
            "18:00" => "evening",
            _ => "day",
        };
        let starts = format!("{date}T{utc}");
        let fits = args.get("part_of_day").is_none_or(|p| p == part)
            && to >= date
            && !world.taken.contains(&starts)
            && !nothing;
        if fits {
            let label = format!("{date}, {hour}");
            list.push(json!({"starts_at": starts, "label": label}));
            choices.push(Choice { label, choice: format!("slot:{starts}") });
        }
    }
    ToolOutcome { data: json!({"slots": list}), choices, ..ToolOutcome::default() }
}

fn book(world: &mut World, scope: &ToolScope, args: &Value) -> Result<ToolOutcome, ToolError> {
    for needed in ["starts_at", "name", "phone"] {
        if args.get(needed).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(ToolError::Argument { name: needed.to_owned(), reason: "is missing".to_owned() });
        }
    }
    let starts = text(args, "starts_at");
    if world.variation == "slot_taken" && world.taken.is_empty() {
        world.taken.push(starts);
        return Err(refused("slot_taken"));
    }
    if world.variation == "car_gone" {
        return Err(refused("car_gone"));
    }
    if !world.bookings.iter().any(|(key, _)| *key == scope.key) {
        world.bookings.push((scope.key.clone(), args.clone()));
    }
    let car =
        cars().into_iter().find(|car| car.get("key") == args.get("car_key")).map(|car| text(&car, "title"));
    let moment: Timestamp = starts.parse().unwrap();
    let local =
        moment.to_zoned(TimeZone::get("Europe/Moscow").unwrap()).strftime("%d.%m.%Y в %H:%M").to_string();
    Ok(ToolOutcome {
        data: json!({"booking_id": "b1", "starts_text": local, "car_title": car}),
        ..ToolOutcome::default()
    })
}

fn lead(world: &mut World, scope: &ToolScope, args: &Value) -> Result<ToolOutcome, ToolError> {
    if args.get("phone").is_none() {
        return Err(refused("no_contact"));
    }
    if args.get("consent").is_none_or(|c| !c.is_object()) {
        return Err(refused("no_consent"));
    }
    if world.variation == "lead_fails" {
        return Err(ToolError::Failed { reason: "the store is full".to_owned() });
    }
    if !world.leads.iter().any(|(key, _)| *key == scope.key) {
        world.leads.push((scope.key.clone(), args.clone()));
    }
    Ok(ToolOutcome { data: json!({"lead_id": "l1", "number": 117}), ..ToolOutcome::default() })
}

fn hand_over(world: &mut World, scope: &ToolScope, args: &Value) -> Result<ToolOutcome, ToolError> {
    if world.variation == "hand_over_fails" {
        return Err(ToolError::Failed { reason: "nobody".to_owned() });
    }
    world.hand_overs.push((scope.key.clone(), args.clone()));
    let data = json!({"due_text": "ответит в течение 10 минут", "person_text": "менеджер Анна"});
    Ok(ToolOutcome { data, ..ToolOutcome::default() })
}

/// Fresh tools over a world.
pub(crate) fn toolbox(world: &Shared) -> Toolbox {
    let tool = |name: &'static str, effect: Effect| -> Arc<dyn Tool> {
        Arc::new(Scripted { name, effect, world: Arc::clone(world) })
    };
    Toolbox::new(vec![
        tool("stock_search", Effect::Read),
        tool("stock_item", Effect::Read),
        tool("knowledge_answer", Effect::Read),
        tool("business_facts", Effect::Read),
        tool("credit_estimate", Effect::Read),
        tool("test_drive_slots", Effect::Read),
        tool("book_test_drive", Effect::Write),
        tool("create_lead", Effect::Write),
        tool("hand_over", Effect::Write),
    ])
}

pub(crate) fn context(toolbox: Toolbox, language: &str, key: &str) -> TurnContext {
    let now: Timestamp = NOW.parse().unwrap();
    let (env, _) = Env::manual(now, 1);
    TurnContext {
        now,
        zone: TimeZone::get("Europe/Moscow").unwrap(),
        language: language.to_owned(),
        mode: Mode::Worker,
        business: json!({"phone": "+7 (4822) 00-10-01"}),
        consent: ConsentText {
            label: "согласие на обработку персональных данных".to_owned(),
            url: "/privacy".to_owned(),
            version: "2026-01".to_owned(),
        },
        consent_full: "Даю согласие на обработку моих персональных данных.".to_owned(),
        toolbox,
        scope: ToolScope {
            client_id: env.new_id(),
            site_id: env.new_id(),
            conversation_id: env.new_id(),
            visit_id: None,
            worker: "lead-assistant".to_owned(),
            language: language.to_owned(),
            page: "/".to_owned(),
            ip: None,
            user_agent: None,
            trace_id: env.new_id(),
            key: key.to_owned(),
            now,
        },
    }
}

/// The stage of scenario runs.
#[derive(Default)]
pub(crate) struct Scene {
    pub(crate) world: Shared,
}

impl Stage for Scene {
    fn context(&mut self, scenario: &Scenario, seq: usize) -> TurnContext {
        context(toolbox(&self.world), &scenario.language, &format!("c1:{seq}"))
    }

    fn reset(&mut self, scenario: &Scenario) {
        *self.world.lock().unwrap() = World { variation: scenario.tools.clone(), ..World::default() };
    }
}

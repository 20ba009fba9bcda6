//! Searching the stock.

use std::sync::Arc;

use ismart_knowledge::catalogue::{
    Availability, Catalogue, Drive, DriveChoice, Filters, Fuel, Gearbox, GearboxChoice, Sort, admit,
};
use serde_json::json;

use crate::inputs::{Dice, car, demo_feed, feed_of, read};

fn demo() -> Catalogue {
    Catalogue::new(read(&demo_feed()).unwrap().vehicles)
}

fn stock(count: usize) -> String {
    feed_of(&(0..count).map(|n| car(&format!("<unique_id>k{n}</unique_id>"))).collect::<String>())
}

#[test]
fn p5_a_search_gives_exactly_what_matches() {
    let catalogue = demo();
    let dice = Dice::new(42);
    let vocabulary = catalogue.vocabulary();
    let name = |terms: &[ismart_knowledge::catalogue::Term]| dice.pick(terms).name.clone();
    let mut found_something = 0;
    for _ in 0..5_000 {
        let some = |value: i64| dice.maybe().then_some(value);
        let filters = Filters {
            brands: if dice.maybe() { vec![name(&vocabulary.brands)] } else { vec![] },
            bodies: if dice.maybe() { vec![name(&vocabulary.bodies)] } else { vec![] },
            colors: if dice.maybe() { vec![name(&vocabulary.colors)] } else { vec![] },
            not_colors: if dice.maybe() { vec![name(&vocabulary.colors)] } else { vec![] },
            gearbox: dice
                .maybe()
                .then(|| *dice.pick(&[GearboxChoice::TwoPedals, GearboxChoice::Exactly(Gearbox::Manual)])),
            drive: dice
                .maybe()
                .then(|| *dice.pick(&[DriveChoice::OneAxle, DriveChoice::Exactly(Drive::All)])),
            fuel: dice.maybe().then(|| *dice.pick(&[Fuel::Petrol, Fuel::Diesel, Fuel::Hybrid])),
            price_min: some(1_000_000),
            price_max: some(3_000_000),
            run_max: dice.maybe().then_some(60_000),
            is_new: dice.maybe().then(|| dice.maybe()),
            power_min: dice.maybe().then_some(150),
            year_min: dice.maybe().then_some(2020),
            sort: *dice.pick(&[Sort::Availability, Sort::Price, Sort::PriceDown, Sort::Year, Sort::Run]),
            ..Filters::default()
        };
        let found = catalogue.search(&filters);
        found_something += usize::from(found.total > 0);
        assert_eq!(found.total, found.items.len());
        for vehicle in catalogue.vehicles() {
            let color = vehicle.color.clone().unwrap();
            let expected = filters.brands.iter().all(|b| *b == vehicle.brand)
                && filters.bodies.iter().all(|b| *b == vehicle.body.clone().unwrap())
                && filters.colors.iter().all(|c| *c == color)
                && filters.not_colors.iter().all(|c| *c != color)
                && filters.gearbox.is_none_or(|wanted| {
                    (vehicle.gearbox == Some(Gearbox::Manual)) != (wanted == GearboxChoice::TwoPedals)
                })
                && filters.drive.is_none_or(|wanted| {
                    (vehicle.drive == Some(Drive::All)) != (wanted == DriveChoice::OneAxle)
                })
                && filters.fuel.is_none_or(|fuel| vehicle.fuel == Some(fuel))
                && filters.price_min.is_none_or(|price| vehicle.price >= price)
                && filters.price_max.is_none_or(|price| vehicle.price <= price)
                && filters.run_max.is_none_or(|run| vehicle.run_km <= run)
                && filters.is_new.is_none_or(|is_new| vehicle.is_new == is_new)
                && filters.power_min.is_none_or(|power| vehicle.power_hp.unwrap() >= power)
                && filters.year_min.is_none_or(|year| vehicle.year >= year);
            assert_eq!(found.items.contains(vehicle), expected, "{filters:?}\n{vehicle:?}");
        }
        let ordered = found.items.windows(2).all(|pair| match filters.sort {
            Sort::Availability => pair[0].availability <= pair[1].availability,
            Sort::Price => pair[0].price <= pair[1].price,
            Sort::PriceDown => pair[0].price >= pair[1].price,
            Sort::Year => pair[0].year >= pair[1].year,
            Sort::Run => pair[0].run_km <= pair[1].run_km,
        });
        assert!(ordered, "{:?}", filters.sort);
    }
    assert!(found_something > 1_000, "{found_something} of 5000 searches found anything");
}

#[test]
fn p5_words_in_any_form_and_alphabet() {
    let catalogue = demo();
    let total = |filters: Filters| catalogue.search(&filters).total;
    let silver = total(Filters { colors: vec!["Серебристый".into()], ..Filters::default() });
    assert!(silver > 0);
    for form in ["серебристая", "СЕРЕБРИСТОЕ", "серебристую"] {
        assert_eq!(total(Filters { colors: vec![form.into()], ..Filters::default() }), silver, "{form}");
        let others = total(Filters { not_colors: vec![form.into()], ..Filters::default() });
        assert_eq!(others, catalogue.len() - silver, "{form}");
    }
    for spelling in ["Haval", "хавал", "ХАВЕЙЛ"] {
        assert_eq!(total(Filters { brands: vec![spelling.into()], ..Filters::default() }), 5, "{spelling}");
    }
    for spelling in ["RAV4", "rav 4", "рав 4"] {
        assert_eq!(total(Filters { models: vec![spelling.into()], ..Filters::default() }), 2, "{spelling}");
    }
    for (family, models) in [("Tiggo", 3), ("Niva", 2), ("Tiggo 8", 1), ("X", 0), ("F7", 1)] {
        assert_eq!(total(Filters { models: vec![family.into()], ..Filters::default() }), models, "{family}");
    }
    assert_eq!(total(Filters { bodies: vec!["внедорожник".into()], ..Filters::default() }), 8);
    assert_eq!(total(Filters { brands: vec!["Ferrari".into()], ..Filters::default() }), 0);
}

#[test]
fn the_limit_cuts_the_list_and_not_the_total() {
    let catalogue = demo();
    let found = catalogue.search(&Filters { limit: Some(3), ..Filters::default() });
    assert_eq!((found.total, found.items.len()), (catalogue.len(), 3));
    assert!(found.items.iter().all(|vehicle| vehicle.availability == Availability::InStock));
}

#[test]
fn p6_a_vehicle_is_found_by_key_vin_and_slug() {
    let catalogue = demo();
    for vehicle in catalogue.vehicles() {
        assert_eq!(catalogue.get(&vehicle.key), Some(vehicle));
        assert_eq!(catalogue.get(&vehicle.slug.to_uppercase()), Some(vehicle));
        let vin = vehicle.vin.clone().unwrap();
        assert_eq!(catalogue.get(&format!(" {} ", vin.to_lowercase())), Some(vehicle));
    }
    assert_eq!(catalogue.get(""), None);
    assert_eq!(catalogue.get("n999"), None);
}

#[test]
fn names_as_people_type_them_lead_to_the_model() {
    let catalogue = demo();
    for (text, model) in [
        ("рав 4", "RAV4"),
        ("тойота рав4", "RAV4"),
        ("хавал джолион", "Jolion"),
        ("хавейл жолион есть?", "Jolion"),
        ("киа спортейдж", "Sportage"),
        ("бмв икс пять", "X5"),
        ("икс 3", "X3"),
        ("octavia", "Octavia"),
        ("ocatvia", "Octavia"),
        ("шкода октавия", "Octavia"),
        ("санта фе", "Santa Fe"),
        ("лада веста", "Vesta"),
        ("нива тревел", "Niva Travel"),
        ("чери тигго 8", "Tiggo 8"),
        ("кашкай", "Qashqai"),
        ("джили монжаро", "Monjaro"),
        ("соренто", "Sorento"),
        ("патриот", "Patriot"),
    ] {
        let found = catalogue.lookup(text, 3);
        assert!(!found.is_empty(), "{text}");
        assert_eq!(found[0].vehicle.model, model, "{text}: {:.2}", found[0].score);
    }
    for text in ["", "привет", "сколько стоит доставка", "ferrari", "2", "белый седан"]
    {
        assert_eq!(catalogue.lookup(text, 3), [], "{text}");
    }
}

#[test]
fn the_vocabulary_counts_the_stock() {
    let catalogue = demo();
    let vocabulary = catalogue.vocabulary();
    assert_eq!(vocabulary.brands.iter().map(|t| t.count).sum::<usize>(), catalogue.len());
    assert_eq!(vocabulary.models.iter().map(|t| t.count).sum::<usize>(), catalogue.len());
    assert_eq!((vocabulary.brands[0].name.as_str(), vocabulary.brands[0].count), ("LADA", 10));
    assert!(vocabulary.colors.windows(2).all(|pair| pair[0].count >= pair[1].count));
    let (low, high) = vocabulary.prices.unwrap();
    assert!(catalogue.vehicles().iter().all(|v| (low..=high).contains(&v.price)));
    assert_eq!(Catalogue::default().vocabulary().prices, None);
}

#[test]
fn p7_a_feed_that_lost_more_than_half_leaves_the_old_stock() {
    let old = Arc::new(Catalogue::new(read(stock(10).as_bytes()).unwrap().vehicles));
    let admission = admit(Some(&old), read(stock(4).as_bytes()).unwrap());
    assert!(Arc::ptr_eq(&admission.catalogue, &old));
    assert_eq!(
        admission.shrunk.unwrap().to_string(),
        "the new feed holds 4 items where the stock of before holds 10, less than half; the stock of before \
         stays on the site; if so many were really sold, accept the feed by hand"
    );
    let admission = admit(Some(&old), read(stock(5).as_bytes()).unwrap());
    assert_eq!((admission.catalogue.len(), admission.shrunk), (5, None));
    assert_eq!(admit(None, read(stock(1).as_bytes()).unwrap()).catalogue.len(), 1);
}

#[test]
fn p8_templates_get_the_whole_vehicle() {
    let feed = read(include_bytes!("fixtures/mixed.xml")).unwrap();
    let entity = feed.vehicles[0].entity();
    let slug = &feed.vehicles[0].slug;
    assert_eq!(
        entity,
        json!({
            "id": "good-1", "slug": slug, "href": format!("/cars/{slug}"), "vin": "WAUZZZF2XMN000001",
            "brand": "Audi", "model": "A7", "generation": "II (4K)",
            "modification": "55 TFSI 3.0 AMT (340 л.с.) 4WD", "trim": "Sport", "title": "Audi A7 Sport, 2021",
            "body": "Лифтбек", "color": "Серый", "year": 2021,
            "run_km": 41000, "run_text": "41\u{a0}000\u{a0}км",
            "price": 5_490_000, "price_text": "5\u{a0}490\u{a0}000 ₽", "currency": "RUB",
            "availability": "in_stock", "availability_text": "в наличии", "is_new": false, "owners": 1,
            "gearbox": "robot", "gearbox_text": "робот", "drive": "all", "drive_text": "полный привод",
            "fuel": "petrol", "fuel_text": "бензин", "power_hp": 340, "engine_l": 3.0,
            "engine_text": "3.0\u{a0}л, 340\u{a0}л.с., бензин",
            "images": ["https://cdn.example.ru/1.jpg"],
            "description": "Один хозяин.\nСервис у дилера & гарантия",
            "options": ["камера", "подогрев (передние, задние)", "люк"],
            "discounts": {"max": null, "tradein": 150_000, "credit": null, "insurance": null},
            "place": "Тверь &unknown; «Центр»",
            "summary": "2021, 41\u{a0}000\u{a0}км, робот, полный привод, серый",
        })
    );
}

//! Reading feeds: good ones, bad items inside good ones, and bad ones.

use std::io::{self, Read, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use ismart_knowledge::catalogue::{Availability, Drive, Fuel, Gearbox};
use ismart_knowledge::feed::{FORMATS, Verdict};
use ismart_knowledge::{Feed, FeedError, Limits};

use crate::inputs::{Dice, car, demo_feed, feed_of, limits, read};

const MIXED: &str = include_str!("fixtures/mixed.xml");

#[test]
fn p1_a_bad_item_is_quarantined_with_its_reason_and_the_others_go_on() {
    let feed = read(MIXED.as_bytes()).unwrap();
    let keys: Vec<&str> = feed.vehicles.iter().map(|v| v.key.as_str()).collect();
    assert_eq!(keys, ["good-1", "good-2"]);
    assert_eq!((feed.format, feed.hidden), ("auto-ru", 1));
    let texts: Vec<String> = feed.problems.iter().map(ToString::to_string).collect();
    assert_eq!(
        texts,
        [
            "item 1 `good-1` (line 5), images: `javascript:alert(1)` is not the address of a picture; \
             shown without it; give addresses that begin with https:// or /",
            "item 1 `good-1` (line 5), max_discount: 9000000 is not less than the price 5490000; \
             shown without it; correct the discount",
            "item 2 `no-price` (line 18), price: `по запросу` is not a whole number; not shown; \
             write digits only, in roubles",
            "item 3 `cheap` (line 22), price: 1 lies outside 10000 to 500000000 roubles; not shown; \
             correct `price` in the system that makes the feed",
            "item 4 `?` (line 26), unique_id: the item has no unique_id, VIN or url to be known by; \
             not shown; fill in `unique_id`",
            "item 5 `good-1` (line 29), availability: it is absent and is read as «На заказ»; \
             shown without it; use «В наличии», «На заказ» or «Забронирован»",
            "item 5 `good-1` (line 29), unique_id: an earlier item has the same key `good-1`; not shown; \
             give every item its own id",
            "item 6 `old` (line 33), mark_id: it is absent or empty; not shown; fill in `mark_id`",
            "item 6 `old` (line 33), year: 1925 lies outside 1950 to 2027 years; not shown; \
             correct `year` in the system that makes the feed",
            "item 6 `old` (line 33), run: 2000000 lies outside 0 to 1500000 kilometres; not shown; \
             correct `run` in the system that makes the feed",
            "item 7 `gap` (line 37), run: it is absent or empty; not shown; fill in `run`",
            "item 8 `dollar` (line 41), currency: the price is in `USD`, and only roubles are shown; \
             not shown; give the price in roubles",
            "item 10 `good-2` (line 48), vin: `IOQ` is no VIN (17 letters and digits without I, O and Q); \
             shown without it; correct the VIN",
            "item 10 `good-2` (line 48), owners_number: `много` is not understood; shown without it; \
             use «Не было владельцев», «Один владелец», «Два владельца» or «Три и более»",
            "item 10 `good-2` (line 48), availability: `скоро` is not understood and is read as «На заказ»; \
             shown without it; use «В наличии», «На заказ» or «Забронирован»",
            "item 11 `twin` (line 54), availability: it is absent and is read as «На заказ»; \
             shown without it; use «В наличии», «На заказ» or «Забронирован»",
            "item 11 `twin` (line 54), vin: an earlier item has the same VIN \
             `WAUZZZF2XMN000001`; not shown; remove the repeated item or correct its VIN",
            "item 12 `?` (line 58), unique_id: the item has no unique_id, VIN or url to be known by; \
             not shown; fill in `unique_id`",
        ]
    );
}

#[test]
fn p1_every_field_of_a_good_item_is_read() {
    let feed = read(MIXED.as_bytes()).unwrap();
    let car = &feed.vehicles[0];
    assert_eq!((car.brand.as_str(), car.model.as_str()), ("Audi", "A7"));
    assert_eq!(car.generation.as_deref(), Some("II (4K)"));
    assert_eq!(car.vin.as_deref(), Some("WAUZZZF2XMN000001"));
    assert_eq!((car.year, car.run_km, car.price), (2021, 41_000, 5_490_000));
    assert_eq!((car.engine_dl, car.power_hp), (Some(30), Some(340)));
    assert_eq!((car.gearbox, car.drive), (Some(Gearbox::Robot), Some(Drive::All)));
    assert_eq!((car.fuel, car.availability), (Some(Fuel::Petrol), Availability::InStock));
    assert_eq!((car.owners, car.is_new), (Some(1), false));
    assert_eq!(car.description, "Один хозяин.\nСервис у дилера & гарантия");
    assert_eq!(car.options, ["камера", "подогрев (передние, задние)", "люк"]);
    assert_eq!(car.images, ["https://cdn.example.ru/1.jpg"]);
    assert_eq!(car.place.as_deref(), Some("Тверь &unknown; «Центр»"));
    assert_eq!((car.discounts.max, car.discounts.tradein), (None, Some(150_000)));
    let unknown = &feed.vehicles[1];
    assert_eq!((unknown.gearbox, unknown.drive, unknown.fuel), (None, None, None));
    assert_eq!(unknown.modification, "что-то своё");
    assert_eq!(unknown.availability, Availability::OnOrder, "nothing unclear is promised as in stock");
}

#[test]
fn p2_encoding_and_packing_do_not_change_what_is_read() {
    let expected = read(MIXED.as_bytes()).unwrap();
    let declared = |name: &str| MIXED.replace("UTF-8", name);
    let cyrillic = encoding_rs::WINDOWS_1251.encode(&declared("windows-1251")).0.into_owned();
    let marked = [b"\xEF\xBB\xBF", MIXED.as_bytes()].concat();
    let utf16: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(MIXED.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    for bytes in [cyrillic.clone(), marked, utf16, packed(MIXED.as_bytes()), packed(&cyrillic)] {
        assert_eq!(read(&bytes).unwrap(), expected);
    }
}

#[test]
fn p2_reading_in_small_pieces_changes_nothing() {
    let expected = read(MIXED.as_bytes()).unwrap();
    for piece in [1, 2, 7, 300] {
        for bytes in [MIXED.as_bytes().to_vec(), packed(MIXED.as_bytes())] {
            let slow = Drip { bytes: &bytes, piece };
            assert_eq!(Feed::read(slow, &limits()).unwrap(), expected, "{piece}");
        }
    }
}

#[test]
fn p3_an_empty_or_unreadable_feed_is_an_error() {
    let good = feed_of(&car(""));
    let cut = good.split_at(good.len() - 14).0;
    let bomb = packed(&vec![b' '; 3_000_000]);
    let cut_pack = packed(MIXED.as_bytes());
    let cases: Vec<(&[u8], &str)> = vec![
        (b"", "the feed is not whole XML, line 1: there is no element in it; export or fetch it again"),
        (
            b"<data><cars></cars></data>",
            "the feed holds no items; check the export settings of the system that makes it",
        ),
        (b"<data/>", "the feed holds no items; check the export settings of the system that makes it"),
        (
            b"<html><body>502 Bad Gateway</body></html>",
            "the root element `html` is of no known feed format; known are: auto.ru",
        ),
        (
            b"{\"cars\":[]}",
            "the feed is not whole XML, line 1: there is no element in it; export or fetch it again",
        ),
        (
            cut.as_bytes(),
            "the feed is not whole XML, line 2: it ends inside an element; export or fetch it again",
        ),
        (
            b"<data>\n<cars>\n<car></cars></data>",
            "the feed is not whole XML, line 3: ill-formed document: expected `</car>`, but `</cars>` was found; \
             export or fetch it again",
        ),
        (
            b"<data><cars><car><unique_id>1</unique_id></car></cars></data>",
            "none of the 1 items can be used; the first: item 1 `1` (line 1), mark_id: it is absent or empty; \
             not shown; fill in `mark_id`",
        ),
        (
            b"<?xml version=\"1.0\" encoding=\"utf-9\"?><data/>",
            "the XML declaration names the encoding `utf-9`, which is unknown; use UTF-8 or windows-1251",
        ),
    ];
    for (bytes, text) in cases {
        assert_eq!(read(bytes).unwrap_err().to_string(), text);
    }
    let small = Limits { bytes: 1_000_000, ..limits() };
    let error = Feed::read(bomb.as_slice(), &small).unwrap_err();
    assert!(matches!(error, FeedError::TooLarge { limit: 1_000_000 }), "{error}");
    let error = read(&cut_pack[..cut_pack.len() / 2]).unwrap_err();
    assert!(matches!(error, FeedError::Unreadable { .. }), "{error}");
    let deep = "<data>".repeat(100);
    assert!(matches!(read(deep.as_bytes()).unwrap_err(), FeedError::TooDeep { .. }));
    let deep = format!("<data><cars><car>{}", "<a>".repeat(100_000));
    assert!(matches!(read(deep.as_bytes()).unwrap_err(), FeedError::TooDeep { .. }));
}

#[test]
fn p3_entities_are_never_expanded() {
    let text = format!(
        "<!DOCTYPE data [<!ENTITY a \"AAAA\"><!ENTITY b \"&a;&a;\"><!ENTITY f SYSTEM \"file:///etc/passwd\">]>\
         <data><cars>{}</cars></data>",
        car("<color>&b;&f;</color>")
    );
    assert_eq!(read(text.as_bytes()).unwrap().vehicles[0].color.as_deref(), Some("&b;&f;"));
}

#[test]
fn numbers_are_believed_only_when_whole() {
    for (field, good) in [
        ("<price>1500000.00</price>", true),
        ("<price>1500000,5</price>", false),
        ("<price>-1500000</price>", false),
        ("<price>от 1500000</price>", false),
        ("<price>1e6</price>", false),
        ("<year>2028</year>", false),
        ("<run>-1</run>", false),
    ] {
        let bytes = feed_of(&format!("{}{}", car(field), car("<unique_id>other</unique_id>")));
        let feed = read(bytes.as_bytes()).unwrap();
        assert_eq!(feed.vehicles.len(), if good { 2 } else { 1 }, "{field}");
    }
}

#[test]
fn miles_become_kilometres_and_new_means_undriven() {
    let of = |fields: &str| read(feed_of(&car(fields)).as_bytes()).unwrap().vehicles.remove(0);
    assert_eq!(of("<run>1000</run><run_metric>мили</run_metric>").run_km, 1609);
    assert!(of("<run>90</run>").is_new);
    assert!(!of("<run>101</run>").is_new);
    assert!(!of("<run>0</run><owners_number>Один владелец</owners_number>").is_new);
}

#[test]
fn p4_slugs_are_unique_and_stay_when_the_feed_is_shuffled_or_repriced() {
    let cars: Vec<String> = (0..200).map(|n| car(&format!("<unique_id>key-{n}</unique_id>"))).collect();
    let slugs = |cars: &[String]| {
        let feed = read(feed_of(&cars.concat()).as_bytes()).unwrap();
        feed.vehicles.into_iter().map(|v| (v.key, v.slug)).collect::<std::collections::BTreeMap<_, _>>()
    };
    let before = slugs(&cars);
    let unique: std::collections::BTreeSet<&String> = before.values().collect();
    assert_eq!(unique.len(), 200);
    let mut shuffled: Vec<String> = cars.iter().map(|c| c.replace("1500000", "1400000")).collect();
    shuffled.reverse();
    assert_eq!(slugs(&shuffled), before);
    shuffled.truncate(50);
    assert!(slugs(&shuffled).iter().all(|(key, slug)| before[key] == *slug));
    assert!(before["key-0"].starts_with("kia-rio-2026-"), "{}", before["key-0"]);
}

#[test]
fn mangled_feeds_never_panic_and_never_give_an_impossible_car() {
    let dice = Dice::new(7);
    let good = MIXED.as_bytes();
    for _ in 0..3_000 {
        let mut bytes = good.to_vec();
        for _ in 0..=dice.below(6) {
            let at = dice.below(bytes.len().max(1)).min(bytes.len().saturating_sub(1));
            if bytes.is_empty() {
                break;
            }
            match dice.below(3) {
                0 => bytes[at] = *dice.pick(b"<>&;\"'/ \0\xFF0a"),
                1 => drop(bytes.drain(at..(at + dice.below(20)).min(bytes.len()))),
                _ => bytes.truncate(at.max(1)),
            }
        }
        if let Ok(feed) = read(&bytes) {
            for vehicle in feed.vehicles {
                assert!((10_000..=500_000_000).contains(&vehicle.price));
                assert!((1950..=2027).contains(&vehicle.year) && vehicle.run_km <= 1_500_000);
                assert!(!vehicle.slug.is_empty() && !vehicle.key.is_empty());
            }
        }
    }
}

#[test]
fn the_demo_dealers_feed_is_read_without_a_fault() {
    let feed = read(&demo_feed()).unwrap();
    assert!(feed.vehicles.len() >= 40, "{}", feed.vehicles.len());
    assert!(feed.problems.is_empty(), "{:?}", feed.problems);
    for vehicle in &feed.vehicles {
        let known = vehicle.gearbox.is_some() && vehicle.drive.is_some() && vehicle.fuel.is_some();
        assert!(known && vehicle.power_hp.is_some(), "{}: {}", vehicle.key, vehicle.modification);
    }
}

#[test]
fn problems_survive_storage() {
    let feed = read(MIXED.as_bytes()).unwrap();
    let text = serde_json::to_string(&feed.problems).unwrap();
    let back: Vec<ismart_knowledge::ItemProblem> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, feed.problems);
    assert!(feed.problems.iter().any(|p| p.verdict == Verdict::Kept));
    assert!(FORMATS.iter().any(|format| format.code == feed.format));
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A source that gives a few bytes at a time.
struct Drip<'a> {
    bytes: &'a [u8],
    piece: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.piece.min(self.bytes.len()).min(buffer.len());
        let (now, later) = self.bytes.split_at(count);
        buffer[..count].copy_from_slice(now);
        self.bytes = later;
        Ok(count)
    }
}

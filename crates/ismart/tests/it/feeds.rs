//! Feeds that sites fetch, from a source that behaves like a real one.

use std::process::Command;
use std::time::{Duration, Instant};

use ismart_emulators::feed_source::{FeedSource, Mood};

use crate::packs::BRIEF;
use crate::server::{BINARY, Server, data_folder, form, hidden, post_form, reqwest_client, sign_in, user};

const CONFIG: &str = "[console]\nhosts = ['127.0.0.1']\n[http]\nper_minute = 1000000\nallow_loopback = true\n\
    [[client]]\nslug = 'avtograd'\nname = 'Автоград'\n";

/// A feed of these cars.
fn feed(cars: &[(&str, &str)]) -> String {
    let car = |(id, model): &(&str, &str)| {
        format!(
            "<car><mark_id>LADA</mark_id><folder_id>{model}</folder_id><modification_id>1.6 MT</modification_id>\
             <body_type>седан</body_type><color>белый</color><availability>в наличии</availability><year>2026</year>\
             <run>0</run><price>1500000</price><currency>RUR</currency><state>Новый</state><unique_id>{id}</unique_id></car>"
        )
    };
    let cars: String = cars.iter().map(car).collect();
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?><data><cars>{cars}</cars></data>")
}

struct House {
    server: Server,
    client: reqwest::Client,
    data: tempfile::TempDir,
    cookie: String,
    /// Key of the site; its host is `KEY.localhost`.
    key: &'static str,
}

impl House {
    /// A server whose site fetches its feed from `source`.
    async fn open(source: &FeedSource) -> Self {
        let data = data_folder(CONFIG);
        let file = data.path().join("sites/avtograd/config/site.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let line = format!("\n[inventory]\nurl = \"{}\"\nevery_minutes = 5\n", source.url());
        std::fs::write(&file, text.replace("\n[inventory]\n", &line)).unwrap();
        std::fs::remove_file(data.path().join("sites/avtograd/data/feeds/stock.xml")).unwrap();
        Self::of(data, "avtograd", "avtograd").await
    }

    /// A server with the starter pack of builders, whose flats come from `source`.
    async fn of_flats(source: &FeedSource) -> Self {
        let data = tempfile::tempdir().unwrap();
        std::fs::write(data.path().join("ismart.toml"), CONFIG.replace("avtograd", "homes")).unwrap();
        std::fs::write(data.path().join("brief.toml"), BRIEF).unwrap();
        let made = Command::new(BINARY)
            .args([
                "site",
                "new",
                "homes",
                "--vertical",
                "real-estate",
                "--brief",
                "brief.toml",
                "--host",
                "homes.localhost",
            ])
            .current_dir(data.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let file = data.path().join("sites/homes/config/site.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        let fed = text.replace("[collections.flats]\n", "[collections.flats]\nsource = \"feed\"\n");
        let inventory =
            format!("\n[inventory]\nurl = \"{}\"\nformat = \"yrl\"\nevery_minutes = 5\n", source.url());
        std::fs::write(&file, fed + &inventory).unwrap();
        Self::of(data, "homes", "homes").await
    }

    async fn of(data: tempfile::TempDir, client: &str, key: &'static str) -> Self {
        user(data.path(), "owner", client, "owner", "ru");
        let server = Server::start(data.path()).await;
        let client = reqwest_client();
        let cookie = sign_in(&client, &server.base, "owner").await;
        Self { server, client, data, cookie, key }
    }

    async fn visit(&self, path: &str) -> String {
        let request = self
            .client
            .get(format!("{}{path}", self.server.base))
            .header("host", format!("{}.localhost", self.key));
        request.send().await.unwrap().text().await.unwrap()
    }

    /// The screen of the site in the console.
    async fn screen(&self) -> String {
        let request = self.client.get(format!("{}/console/site/{}", self.server.base, self.key));
        request.header("cookie", &self.cookie).send().await.unwrap().text().await.unwrap()
    }

    /// A person asks for the feed, and waits for it.
    async fn fetch(&self, believed: bool) -> String {
        let csrf = hidden(&self.screen().await, "csrf");
        let form = form(&[("csrf", &csrf), ("believed", if believed { "1" } else { "" })]);
        let address = format!("{}/console/site/{}/feed", self.server.base, self.key);
        let answer = post_form(&self.client, address, &self.cookie, form).await;
        assert_eq!(answer.status().as_u16(), 303, "{}", answer.text().await.unwrap());
        self.screen().await
    }

    /// Waits until the site shows a text.
    async fn shows(&self, path: &str, text: &str) {
        let begun = Instant::now();
        while !self.visit(path).await.contains(text) {
            assert!(begun.elapsed() < Duration::from_secs(40), "{path} does not show {text}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

#[tokio::test]
async fn a_feed_is_fetched_and_a_bad_day_of_its_source_changes_nothing() {
    let six = [
        ("1", "Granta"),
        ("2", "Vesta"),
        ("3", "Largus"),
        ("4", "Niva Travel"),
        ("5", "Granta"),
        ("6", "Vesta"),
    ];
    let source = FeedSource::start(feed(&six)).await.unwrap();
    let house = House::open(&source).await;
    // The site is served before its first feed; the schedule brings it without anybody asking.
    house.shows("/cars", "Niva Travel").await;
    let screen = house.screen().await;
    assert!(screen.contains("обновлена") && screen.contains("6 позиций"), "{screen}");
    assert_eq!(source.asked()[0].tag, None);
    // Asked again, the source says that nothing is new.
    house.fetch(false).await;
    let last = source.asked().pop().unwrap();
    assert!(last.tag.is_some() && last.status == 304, "{last:?}");
    let kept = house.data.path().join("sites/avtograd/data/feeds/stock.xml");
    let before = std::fs::read(&kept).unwrap();
    // Bad days: each is told, and the stock of before stays.
    let bad = [
        (Mood::Fails(503), "503"),
        (Mood::Page, "не получена"),
        (Mood::Cut(300), "не получена"),
        (Mood::Leads("https://elsewhere.example/feed".into()), "elsewhere.example"),
    ];
    for (mood, says) in bad {
        source.set(mood.clone());
        // A page, a cut line: the source knows its tag no more.
        source.offer(feed(&six).replace("1500000", &format!("15{}0000", says.len() % 10)));
        let screen = house.fetch(false).await;
        assert!(screen.contains("не получена") && screen.contains(says), "{mood:?}: {screen}");
        assert!(screen.contains("прежнее наличие"), "{mood:?}");
        assert_eq!(std::fs::read(&kept).unwrap(), before, "{mood:?}");
        assert!(house.visit("/cars").await.contains("Niva Travel"), "{mood:?}");
    }
    // A feed that lost most of its items is doubted until a person says that it is right.
    source.set(Mood::Well);
    source.offer(feed(&[("9", "Iskra")]));
    let screen = house.fetch(false).await;
    assert!(screen.contains("не принята") && screen.contains("less than half"), "{screen}");
    assert!(house.visit("/cars").await.contains("Niva Travel"));
    let screen = house.fetch(true).await;
    assert!(screen.contains("обновлена") && screen.contains("1 позиция"), "{screen}");
    house.shows("/cars", "Iskra").await;
    assert!(!house.visit("/cars").await.contains("Niva Travel"));
    // Sources without tags are compared by their bytes.
    source.set(Mood::Untagged);
    let stamp = std::fs::metadata(&kept).unwrap().modified().unwrap();
    let screen = house.fetch(false).await;
    assert!(screen.contains("обновлена"), "{screen}");
    assert_eq!(
        std::fs::metadata(&kept).unwrap().modified().unwrap(),
        stamp,
        "the file was not written again"
    );
}

/// A feed of flats with these numbers.
fn flats(numbers: &[u32]) -> String {
    let offer = |number: &u32| {
        format!(
            "<offer internal-id=\"{number}\"><type>продажа</type><category>квартира</category><location><apartment>{number}</apartment></location>\
             <price><value>9170000</value><currency>RUB</currency></price><area><value>60.4</value></area><rooms>2</rooms><floor>5</floor>\
             <building-name>ЖК «Кама парк»</building-name><building-section>1</building-section><renovation>чистовая</renovation></offer>"
        )
    };
    let offers: String = numbers.iter().map(offer).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><realty-feed xmlns=\"http://webmaster.yandex.ru/schemas/feed/realty/2010-06\">{offers}</realty-feed>"
    )
}

#[tokio::test]
async fn flats_come_by_schedule_as_cars_do_and_a_broken_feed_keeps_the_last_good_stock() {
    let source = FeedSource::start(flats(&[101, 102, 103, 104])).await.unwrap();
    let house = House::of_flats(&source).await;
    house.shows("/flats", "/flats/kv-103").await;
    let page = house.visit("/flats/kv-103").await;
    assert!(
        page.contains("№ 103") && page.contains("9\u{a0}170\u{a0}000") || page.contains("9 170 000"),
        "{page}"
    );
    let screen = house.screen().await;
    assert!(screen.contains("обновлена") && screen.contains("4 позиции"), "{screen}");
    for (content, says) in [
        (flats(&[101, 102, 103, 104]).replace("</offer></realty-feed>", ""), "whole XML"),
        (feed(&[("1", "Granta")]), "no known feed format"),
        (flats(&[]), "holds no items"),
    ] {
        source.offer(content);
        let screen = house.fetch(false).await;
        assert!(screen.contains("прежнее наличие") && screen.contains(says), "{says}: {screen}");
        assert!(house.visit("/flats").await.contains("/flats/kv-103"), "{says}");
    }
    source.offer(flats(&[201]));
    let screen = house.fetch(false).await;
    assert!(screen.contains("не принята") && screen.contains("less than half"), "{screen}");
    house.fetch(true).await;
    house.shows("/flats", "/flats/kv-201").await;
    assert!(!house.visit("/flats").await.contains("/flats/kv-103"));
}

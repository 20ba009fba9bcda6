//! Sites of the PHP platform. The fixtures' answers were recorded from the platform's own code (PHP 8.2, Twig 3.23,
//! nginx in front); what is served here must be those bytes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ismart_sites::legacy::compare::{Normal, Reply, Verdict, method_and_path};
use ismart_sites::legacy::{self, Generation, ImportError, Options};
use ismart_sites::{Answer, External, FileBody, Request, Resolution, SiteFolder, Snapshot, check};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/legacy")
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A copy of a fixture, so that imports do not write into the repository.
fn copy(name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    copy_folder(&fixtures().join(name), folder.path());
    folder
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn options(host: &str, environment: &str) -> Options {
    Options { hosts: vec![host.to_owned()], environment: Some(environment.to_owned()), client: None }
}

fn load(folder: &Path) -> Arc<Snapshot> {
    SiteFolder::new(folder).load(&External::default()).unwrap_or_else(|findings| {
        panic!("{}", findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
    })
}

fn reply(answer: Answer) -> Reply {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    match answer {
        Answer::Page(page) => Reply {
            status: page.status,
            headers: page.headers.iter().map(|(name, value)| header(name, value)).collect(),
            body: page.html.into_bytes(),
        },
        Answer::Redirect { status, location } => {
            Reply { status, headers: vec![header("location", &location)], body: Vec::new() }
        }
        Answer::File { body, content_type, .. } => Reply {
            status: 200,
            headers: vec![header("content-type", content_type)],
            body: match body {
                FileBody::Memory(bytes) => bytes.to_vec(),
                FileBody::Disk { path, .. } => std::fs::read(path).unwrap(),
            },
        },
        other => panic!("{other:?}"),
    }
}

fn ask(site: &Snapshot, scheme: &str, host: &str, entry: &str) -> Reply {
    let (method, path) = method_and_path(entry);
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    reply(site.answer(&Request { method, query, scheme, ..Request::get(host, path, now()) }))
}

/// Every recorded answer against ours: the addresses that are mended, and how many are equal.
fn compare(name: &str, site: &Snapshot) -> (Vec<String>, usize) {
    let text = std::fs::read_to_string(fixtures().join(format!("{name}.json"))).unwrap();
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let (host, scheme) = (recorded["host"].as_str().unwrap(), recorded["scheme"].as_str().unwrap());
    let normal = Normal::of(site);
    let (mut mended, mut equal, mut different) = (Vec::new(), 0, Vec::new());
    for answer in recorded["answers"].as_array().unwrap() {
        let entry = answer["ask"].as_str().unwrap();
        let headers: BTreeMap<String, String> = serde_json::from_value(answer["headers"].clone()).unwrap();
        let theirs = Reply {
            status: u16::try_from(answer["status"].as_u64().unwrap()).unwrap(),
            headers: headers.into_iter().collect(),
            body: answer["body"].as_str().unwrap().as_bytes().to_vec(),
        };
        match normal.judge(entry, &theirs, &ask(site, scheme, host, entry)) {
            Verdict::Equal => equal += 1,
            Verdict::Mended { .. } => mended.push(entry.to_owned()),
            verdict => different.push(format!("{entry}: {verdict:#?}")),
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    (mended, equal)
}

fn in_place(
    name: &str,
    host: &str,
    environment: &str,
) -> (tempfile::TempDir, legacy::Imported, Arc<Snapshot>) {
    let folder = copy(name);
    let imported = legacy::import(folder.path(), &options(host, environment)).unwrap();
    legacy::write_in_place(&imported, folder.path()).unwrap();
    let site = load(folder.path());
    (folder, imported, site)
}

fn mends(imported: &legacy::Imported) -> Vec<&str> {
    imported.mended.iter().map(|mend| mend.id.as_str()).collect()
}

#[test]
fn the_newest_generation_answers_as_php_does() {
    let (_folder, imported, site) = in_place("gen3", "utro.example", "production");
    assert_eq!(imported.detected.generation, Generation::Gen3);
    let (mended, equal) = compare("gen3", &site);
    assert_eq!(mended, ["/holes"], "the page that includes what nobody wrote was a 500");
    assert_eq!(equal, 70);
    let holes = ask(&site, "https", "utro.example", "/holes");
    assert_eq!(holes.status, 200);
    assert!(String::from_utf8(holes.body).unwrap().contains("<section>ab</section>"));
}

#[test]
fn the_second_generation_answers_as_php_does() {
    let (_folder, imported, site) = in_place("gen2a", "krug.example", "development");
    assert_eq!(imported.detected.generation, Generation::Gen2a);
    let (mended, equal) = compare("gen2a", &site);
    assert!(mended.is_empty(), "{mended:?}");
    assert_eq!(equal, 57);
}

#[test]
fn the_first_generation_answers_as_php_does() {
    let (_folder, imported, site) = in_place("gen1", "master.example", "development");
    assert_eq!(imported.detected.generation, Generation::Gen1);
    let (mended, equal) = compare("gen1", &site);
    assert!(mended.is_empty(), "{mended:?}");
    assert_eq!(equal, 30);
}

#[test]
fn a_copy_in_our_layout_answers_the_same() {
    let folder = copy("gen3");
    let imported = legacy::import(folder.path(), &options("utro.example", "production")).unwrap();
    let to = tempfile::tempdir().unwrap();
    let target = to.path().join("utro");
    legacy::write_to(&imported, folder.path(), &target).unwrap();
    assert!(!target.join("config/settings.php").exists() && !target.join("public/index.php").exists());
    let (mended, equal) = compare("gen3", &load(&target));
    assert_eq!((mended.len(), equal), (1, 70));
    let again = legacy::write_to(&imported, folder.path(), &target).unwrap_err();
    assert!(again.to_string().contains("is not empty: name a folder that does not exist yet"), "{again}");
}

#[test]
fn what_is_mended_kept_and_left_is_listed_one_by_one() {
    let (_folder, imported, _) = in_place("gen3", "utro.example", "production");
    assert_eq!(
        mends(&imported),
        [
            "template-components-never-written-twig",
            "public-json",
            "secrets-in-templates",
            "environment-names"
        ]
    );
    let left: Vec<&str> = imported.left.iter().map(|item| item.what.as_str()).collect();
    assert_eq!(left, ["settings of the server", "addresses of the platform"]);
    assert!(imported.left[0].detail.contains("mail"), "{:?}", imported.left);
    let kept: Vec<&str> = imported.kept.iter().map(|item| item.what.as_str()).collect();
    assert_eq!(
        kept,
        ["section `events`", "section `frame`", "section `vanishing`", "second addresses", "breadcrumbs"]
    );
    let unread: Vec<String> =
        imported.unread.iter().map(|one| format!("{}:{} {}", one.file, one.line, one.what)).collect();
    assert_eq!(unread, ["config/settings.php:38 `made_at_run_time`: `date(…)` is worked out at run time"]);
    assert_eq!(imported.findings[0].file, "data/json/ru/pages/broken.json");
    assert!(!imported.site_toml.contains("secret"), "{}", imported.site_toml);

    let (_folder, imported, _) = in_place("gen2a", "krug.example", "development");
    assert_eq!(
        mends(&imported),
        [
            "public-json",
            "secrets-in-templates",
            "form-unreachable",
            "health-unreachable",
            "environment-ignored"
        ]
    );
    let left: Vec<&str> = imported.left.iter().map(|item| item.what.as_str()).collect();
    assert_eq!(left, ["route_map `Bad/Slug`", "settings of the server", "addresses of the platform"]);
    let (_folder, imported, _) = in_place("gen1", "master.example", "development");
    assert_eq!(
        mends(&imported),
        ["public-json", "open-source-files", "htaccess-circle", "health-added", "forms-added"]
    );
}

/// The newest generation with the code that takes payments and this `.env`.
fn selling(env: &str) -> (tempfile::TempDir, legacy::Imported) {
    let folder = copy("gen3");
    std::fs::create_dir_all(folder.path().join("src/Action")).unwrap();
    std::fs::write(folder.path().join("src/Action/PayCreateAction.php"), "<?php").unwrap();
    let settings = folder.path().join("config/settings.php");
    let code = std::fs::read_to_string(&settings).unwrap();
    let payment = "    'payment' => (static function (): array {\n        return ['description' => (string) \
                   (getenv('PAYMENT_DESCRIPTION') ?: 'Билеты пекарни')];\n    })(),\n];";
    let end = code.rfind("];").unwrap();
    std::fs::write(&settings, format!("{}{payment}\n", code.get(..end).unwrap())).unwrap();
    std::fs::write(folder.path().join(".env"), env).unwrap();
    let imported = legacy::import(folder.path(), &options("utro.example", "production")).unwrap();
    (folder, imported)
}

#[test]
fn payment_is_carried_over_with_its_secrets_beside_it() {
    let (folder, imported) = selling(
        "APP_ENV=production\nPAYMENT_ENABLED=1\nPAYMENT_ENV=prod\nPAYMENT_USERNAME=utro-api\n\
         PAYMENT_PASSWORD=\"hush-password\"\nPAYMENT_CALLBACK_TOKEN=hush-token\nPAYMENT_SESSION_TIMEOUT=900\n\
         PAYMENT_RETURN_BASE=https://utro.example/\nPAYMENT_FISCAL_ENABLED=yes\nPAYMENT_FISCAL_TAX_TYPE=6\n",
    );
    assert!(!imported.site_toml.contains("hush"), "{}", imported.site_toml);
    assert!(!format!("{imported:?}").contains("hush"));
    assert!(!serde_json::to_string(&imported).unwrap().contains("hush"));
    let table: toml::Table = imported.site_toml.parse().unwrap();
    let payment = table["payment"].as_table().unwrap();
    for (key, value) in [
        ("bank", "alfa"),
        ("gate", "live"),
        ("username", "utro-api"),
        ("description", "Билеты пекарни"),
        ("return_base", "https://utro.example"),
        ("receipt", "on"),
        ("tax_type", "6"),
    ] {
        assert_eq!(payment[key].as_str(), Some(value), "{key}");
    }
    assert_eq!(payment["session_seconds"].as_integer(), Some(900));
    assert_eq!(payment["password"]["file"].as_str(), Some("config/secrets/payment_password"));
    for id in ["pay-form-token", "pay-form-policy", "paid-becomes-failed", "paid-by-another", "paid-sum"] {
        assert!(mends(&imported).contains(&id), "{id}");
    }
    assert!(!imported.left.iter().any(|item| item.what == "payment"), "{:?}", imported.left);
    let target = folder.path().join("new");
    legacy::write_to(&imported, folder.path(), &target).unwrap();
    for root in [folder.path(), target.as_path()] {
        if root == folder.path() {
            legacy::write_in_place(&imported, root).unwrap();
        }
        let secret = root.join("config/secrets/payment_password");
        assert_eq!(std::fs::read_to_string(&secret).unwrap(), "hush-password");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let site = load(root);
        assert!(site.config().legacy.as_ref().unwrap().payment);
        for path in ["/config/secrets/payment_password", "/config/site.toml"] {
            let got = ask(&site, "https", "utro.example", path);
            assert_eq!(got.status, 404, "{path}");
        }
    }
}

#[test]
fn payment_that_was_off_stays_off() {
    let (_folder, imported) = selling("PAYMENT_ENABLED=0\n");
    assert!(!imported.site_toml.contains("[payment]"), "{}", imported.site_toml);
    assert!(
        imported.carried.iter().any(|item| item.what == "payment" && item.detail.contains("switched off"))
    );
    let (_folder, imported) = selling("PAYMENT_ENABLED=1\n");
    assert!(imported.left.iter().any(|item| item.what == "shop at the bank"), "{:?}", imported.left);
    let (_folder, imported) = selling("PAYMENT_ENABLED=0\nPAYMENT_TOKEN=hush\n");
    let table: toml::Table = imported.site_toml.parse().unwrap();
    assert_eq!(table["payment"]["enabled"].as_bool(), Some(false));
}

#[test]
fn bad_parts_of_a_site_touch_nothing_else() {
    let (_folder, _, site) = in_place("gen3", "utro.example", "production");
    assert_eq!(site.broken_files().len(), 1);
    assert_eq!(
        site.broken_files()[0].to_string().lines().next().unwrap(),
        "error[json.syntax] data/json/ru/pages/broken.json:3:1"
    );
    let circle = ask(&site, "https", "utro.example", "/circle");
    assert_eq!(circle.status, 500);
    assert_eq!(circle.body, b"<h1>500</h1><a href=\"https://utro.example/\">home</a>\n");
    assert_eq!(ask(&site, "https", "utro.example", "/about").status, 200);
    assert_eq!(site.resolve("/restaurants/utro"), Resolution::Page);
    assert_eq!(site.resolve("/restaurants/hidden"), Resolution::Missing);
    assert_eq!(site.resolve("/about/"), Resolution::Redirect("/about".to_owned()));
    let found: Vec<String> = check(&site, now()).iter().map(|f| format!("{} {}", f.rule, f.file)).collect();
    assert!(found.contains(&"json.syntax data/json/ru/pages/broken.json".to_owned()), "{found:#?}");
    for path in [
        "/data/json/global.json",
        "/config/settings.php",
        "/.env.example",
        "/index.php",
        "/src/Middleware/TrailingSlashMiddleware.php",
    ] {
        let answer = ask(&site, "https", "utro.example", path);
        assert!(answer.status == 404 || answer.status == 301, "{path} {}", answer.status);
    }
}

#[test]
fn dates_change_what_is_said_when_they_come() {
    let (_folder, _, site) = in_place("gen3", "utro.example", "production");
    let hours = |moment: &str| {
        let request = Request::get("utro.example", "/restaurants/utro", moment.parse().unwrap());
        let body = String::from_utf8(reply(site.answer(&request)).body).unwrap();
        body.contains("\"opens\":\"08:00\"")
    };
    assert!(hours("2019-12-31T20:59:59Z"), "the old timetable up to midnight in Moscow");
    assert!(!hours("2019-12-31T21:00:00Z"));
}

#[test]
fn what_is_no_old_site_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(legacy::import(folder.path(), &Options::default()).unwrap_err(), ImportError::Unknown);
    let (folder, ..) = in_place("gen1", "master.example", "development");
    assert!(legacy::is_ours(folder.path()));
    let odd = copy("gen3");
    std::fs::write(odd.path().join(".env"), "APP_TIMEZONE=Nowhere/Land\n").unwrap();
    let error = legacy::import(odd.path(), &Options::default()).unwrap_err().to_string();
    assert!(error.contains("`Nowhere/Land` is not a time zone"), "{error}");
}

/// A site of the oldest generation, with one branch that is shown and one that is not.
fn oldest() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        ("project/index.php", "<?php // the front controller"),
        ("project/robots.txt", "User-agent: *\n"),
        ("project/data/img/intro/car1.png", "x"),
        ("project/data/content/draft.json", "{\"draft\": true}"),
        (
            "project/data/production/global-production.json",
            r#"{"brand": "Ломбард", "branches": ["tver", "gone", "hidden", "../x"], "sections": {"intro": {"heading": "Деньги", "button": {"text": "Да", "color": "red"}, "items": ["быстро", "<b>честно</b>"]}}}"#,
        ),
        (
            "project/data/production/index-production.json",
            r#"{"title": "Займы%inCity% под залог", "description": "Займы %city%.", "globals": {"nav": []}, "firstScreen": ["intro"], "secondaryScreen": [{"name": "actions", "heading": "Акции", "items": [{"title": "Скидка", "desc": "10 %"}]}, {"nameless": 1}]}"#,
        ),
        (
            "project/data/production/promo-production.json",
            r#"{"title": "Промо%inCity%", "description": "", "firstScreen": [{"name": "intro", "button": {"text": "Нет"}}]}"#,
        ),
        (
            "project/data/production/branches/tver.json",
            r#"{"slug": "tver", "city": "Тверь", "inName": "Твери", "address": "Ленина, 1<br>ТЦ", "phone": {"href": "+74820000000", "title": "+7 482 000-00-00"}}"#,
        ),
        (
            "project/data/production/branches/hidden.json",
            r#"{"slug": "hidden", "visible": false, "city": "Омск"}"#,
        ),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

#[test]
fn content_of_the_oldest_generation_becomes_a_site_of_ours() {
    let folder = oldest();
    let imported = legacy::import(folder.path(), &options("zaim.example", "production")).unwrap();
    assert_eq!(imported.detected.generation, Generation::Gen0);
    assert!(imported.findings.is_empty(), "{:?}", imported.findings);
    let in_place = legacy::write_in_place(&imported, folder.path()).unwrap_err();
    assert!(in_place.to_string().contains("give another folder"), "{in_place}");
    let to = tempfile::tempdir().unwrap();
    let target = to.path().join("zaim");
    legacy::write_to(&imported, folder.path(), &target).unwrap();
    assert!(!target.join("data/content").exists() && !target.join("data/production").exists());
    let site = load(&target);
    let page = |path: &str| {
        let reply = ask(&site, "https", "zaim.example", path);
        (reply.status, String::from_utf8(reply.body).unwrap())
    };
    let (status, html) = page("/");
    assert_eq!(status, 200);
    assert!(html.contains("<title>Займы под залог</title>") && html.contains("<h2>Деньги</h2>"), "{html}");
    assert!(html.contains("<li><b>честно</b></li>") && html.contains("<h3>Скидка</h3>"), "{html}");
    let (status, html) = page("/tver/");
    assert_eq!(status, 200, "{html}");
    assert!(
        html.contains("<title>Займы в Твери под залог</title>") && html.contains("tel:+74820000000"),
        "{html}"
    );
    let (status, html) = page("/promo/tver/");
    assert_eq!(status, 200, "{html}");
    assert!(html.contains("<title>Промо в Твери</title>"), "{html}");
    for gone in ["/hidden/", "/gone/", "/tver/x/", "/promo/hidden/"] {
        assert_eq!(page(gone).0, 404, "{gone}");
    }
    let (status, feed) = page("/turbo.xml");
    assert_eq!(status, 200);
    assert_eq!(feed.matches("<item turbo=\"true\">").count(), 2);
    assert!(
        feed.contains("<link>https://zaim.example/promo/tver/</link>") && feed.contains("Деньги в Твери"),
        "{feed}"
    );
    assert_eq!(page("/robots.txt").1, "User-agent: *\n");
}

#[test]
fn a_broken_file_of_the_oldest_generation_is_told_and_the_rest_imported() {
    let folder = oldest();
    std::fs::write(folder.path().join("project/data/production/branches/tver.json"), "{").unwrap();
    std::fs::write(folder.path().join("project/data/production/promo-production.json"), "[]").unwrap();
    let imported = legacy::import(folder.path(), &options("zaim.example", "production")).unwrap();
    let files: Vec<&str> = imported.findings.iter().map(|finding| finding.file.as_str()).collect();
    assert_eq!(files, ["data/production/promo-production.json", "data/production/branches/tver.json"]);
    let to = tempfile::tempdir().unwrap();
    legacy::write_to(&imported, folder.path(), &to.path().join("zaim")).unwrap();
    assert_eq!(ask(&load(&to.path().join("zaim")), "https", "zaim.example", "/").status, 200);
}

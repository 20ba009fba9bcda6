//! Which address answers what: the table of the platform's behaviour.

use ismart_sites::{Answer, FileBody, Request, Resolution};

use crate::support::{Copy, HOST, ask, line, now, site};

fn table(site: &ismart_sites::Snapshot, rows: &[(&str, &str)]) {
    let wrong: Vec<String> = rows
        .iter()
        .filter_map(|(path, expected)| {
            let got = ask(site, path);
            (got != *expected).then(|| format!("{path}\n  expected {expected}\n  got      {got}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Proves P1 and P2 of `route.contract.md`.
#[test]
fn every_page_has_one_address() {
    table(
        &site(),
        &[
            ("/", "200 ru index"),
            ("/contacts", "200 ru contacts"),
            ("/cars", "200 ru cars-list"),
            ("/cars/lada-vesta", "200 ru cars-list cars:lada-vesta"),
            ("/news", "200 ru news"),
            ("/news/first", "200 ru news news:first"),
            ("/en", "200 en index"),
            ("/en/contacts", "200 en contacts"),
            // Second addresses lead to the first.
            ("/index", "301 /"),
            ("/index?utm_source=ya", "301 /?utm_source=ya"),
            ("/ru", "301 /"),
            ("/ru/contacts", "301 /contacts"),
            ("/cars-list", "301 /cars"),
            ("/cars-list/lada-vesta", "301 /cars/lada-vesta"),
            ("/lada-vesta", "301 /cars/lada-vesta"),
            ("/first", "301 /news/first"),
            ("/ru/lada-vesta?a=1", "301 /cars/lada-vesta?a=1"),
            ("/en/index", "301 /en"),
        ],
    );
}

/// Proves P3 of `route.contract.md`.
#[test]
fn what_does_not_exist_is_404() {
    table(
        &site(),
        &[
            ("/404", "404 ru 404"),
            ("/nothing", "404 ru 404"),
            ("/contacts/foo/bar", "404 ru 404"),
            ("/cars/nothing", "404 ru 404"),
            ("/cars/lada-vesta/more", "404 ru 404"),
            ("/lada-vesta/more", "404 ru 404"),
            ("/cars/sold", "404 ru 404"),
            ("/news/hidden", "404 ru 404"),
            ("/en/news", "404 ru 404"),
            ("/en/cars/nothing", "404 ru 404"),
            ("/de", "404 ru 404"),
        ],
    );
}

/// Proves P4 of `route.contract.md`.
#[test]
fn slashes_and_letters_have_one_form() {
    let never = site();
    table(
        &never,
        &[
            ("/contacts/", "301 /contacts"),
            ("/contacts/?a=b&c=d", "301 /contacts?a=b&c=d"),
            ("/contacts//", "301 /contacts"),
            ("//contacts", "301 /contacts"),
            ("//evil.example/", "301 /evil.example"),
            ("//", "301 /"),
            ("/Contacts", "301 /contacts"),
            ("/CARS/Lada-Vesta?x=Y", "301 /cars/lada-vesta?x=Y"),
            ("/%D0%9F", "301 /%D0%BF"),
            ("/%D0%BF", "404 ru 404"),
            ("/api/x/", "404 ru 404"),
        ],
    );
    let copy = Copy::new();
    copy.replace("config/site.toml", "trailing_slash = \"never\"", "trailing_slash = \"always\"");
    table(
        &copy.site(),
        &[
            ("/", "200 ru index"),
            ("/contacts", "301 /contacts/"),
            ("/contacts?a=b", "301 /contacts/?a=b"),
            ("/contacts/", "200 ru contacts"),
            ("/cars/lada-vesta/", "200 ru cars-list cars:lada-vesta"),
            ("/en/", "200 en index"),
            ("/index/", "301 /"),
            ("/first/", "301 /news/first/"),
            ("/favicon.ico", "file image/x-icon Revalidate"),
            ("/nothing.pdf", "404 ru 404"),
        ],
    );
    let copy = Copy::new();
    copy.replace("config/site.toml", "trailing_slash = \"never\"", "trailing_slash = \"as_is\"");
    table(&copy.site(), &[("/contacts", "200 ru contacts"), ("/contacts/", "200 ru contacts")]);
}

/// Proves P5 of `route.contract.md`.
#[test]
fn redirect_rules_come_before_pages() {
    let site = site();
    table(
        &site,
        &[
            ("/joli", "301 https://dealer.example/contacts"),
            ("/JOLI?utm_campaign=x", "301 https://dealer.example/contacts?utm_campaign=x"),
            ("/joli/", "301 /joli"),
            ("/out?z=2", "302 https://other.example/x?y=1&z=2"),
            ("/blog/first", "301 https://dealer.example/news/first"),
            ("/ru/joli", "404 ru 404"),
        ],
    );
    let copy = Copy::new();
    copy.replace("config/site.toml", "trailing_slash =", "redirect_query = false\ntrailing_slash =");
    table(&copy.site(), &[("/joli?a=1", "301 https://dealer.example/contacts")]);
}

/// Proves P6 of `route.contract.md`.
#[test]
fn a_legacy_site_may_keep_its_second_addresses() {
    let copy = Copy::new();
    copy.replace("config/site.toml", "trailing_slash =", "duplicates = \"serve\"\ntrailing_slash =");
    table(
        &copy.site(),
        &[
            ("/index", "200 ru index"),
            ("/ru/contacts", "200 ru contacts"),
            ("/cars-list", "200 ru cars-list"),
            ("/lada-vesta", "200 ru cars-list cars:lada-vesta"),
            ("/contacts/foo/bar", "200 ru contacts"),
            ("/cars/a/b", "404 ru 404"),
        ],
    );
}

/// Proves P7 of `route.contract.md`.
#[test]
fn files_are_served_from_the_index_only() {
    let site = site();
    table(
        &site,
        &[
            ("/favicon.ico", "file image/x-icon Revalidate"),
            ("/.well-known/proof.txt", "file text/plain; charset=utf-8 Revalidate"),
            ("/assets/css/main.css", "file text/css; charset=utf-8 Revalidate"),
            ("/data/img/cars/red.svg", "file image/svg+xml Revalidate"),
            ("/data/json/global.json", "404 ru 404"),
            ("/data/json/ru/pages/index.json", "404 ru 404"),
            ("/data/feeds/stock.xml", "404 ru 404"),
            ("/config/site.toml", "404 ru 404"),
            ("/templates/base.twig", "404 ru 404"),
            ("/index.php", "404 ru 404"),
            ("/.env", "404 ru 404"),
            ("/data/img/../json/global.json", "404 ru 404"),
            ("/data/img/%2e%2e/json/global.json", "404 ru 404"),
            ("/data/img/..%2fjson/global.json", "404 ru 404"),
            ("/data/img/..%5cjson%5cglobal.json", "404 ru 404"),
            ("/assets/css/main.css%00.html", "404 ru 404"),
            ("/sitemap.xml", "file application/xml; charset=utf-8 Revalidate"),
            ("/robots.txt", "file text/plain; charset=utf-8 Revalidate"),
        ],
    );
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_not_followed() {
    let copy = Copy::new();
    std::os::unix::fs::symlink(copy.root().join("data"), copy.root().join("public/data")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", copy.root().join("public/passwd.txt")).unwrap();
    table(
        &copy.site(),
        &[
            ("/data/json/global.json", "404 ru 404"),
            ("/passwd.txt", "404 ru 404"),
            ("/data/img/logo.svg", "file image/svg+xml Revalidate"),
        ],
    );
}

#[test]
fn a_browser_that_has_the_file_is_told_so() {
    let site = site();
    let request = Request::get(HOST, "/data/img/logo.svg", now());
    let Answer::File { etag, body: FileBody::Memory(bytes), .. } = site.answer(&request) else { panic!() };
    assert!(bytes.starts_with(b"<svg"));
    let tags = format!("\"x\", W/{etag}");
    assert_eq!(line(&site.answer(&Request { if_none_match: Some(&tags), ..request })), "304");
    let Answer::File { .. } = site.answer(&Request { if_none_match: Some("\"x\""), ..request }) else {
        panic!()
    };
}

#[test]
fn files_beyond_the_memory_budget_are_answered_by_path() {
    let folder = ismart_sites::SiteFolder::new(crate::support::fixture()).with_memory(10);
    let site = folder.load(&crate::support::external()).unwrap();
    let answer = site.answer(&Request::get(HOST, "/data/img/logo.svg", now()));
    let Answer::File { body: FileBody::Disk { path, len }, etag, .. } = answer else { panic!("{answer:?}") };
    assert_eq!(std::fs::read(path).unwrap().len() as u64, len);
    assert!(etag.starts_with('"') && etag.ends_with('"'));
}

/// Proves P8 of `route.contract.md`.
#[test]
fn only_reading_is_possible() {
    let site = site();
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
        let answer = site.answer(&Request { method, ..Request::get(HOST, "/", now()) });
        assert_eq!(line(&answer), "405 GET, HEAD", "{method}");
    }
    let head = site.answer(&Request { method: "HEAD", ..Request::get(HOST, "/contacts", now()) });
    assert_eq!(line(&head), "200 ru contacts");
}

#[test]
fn an_entity_may_live_at_the_root() {
    let copy = Copy::new();
    copy.replace("config/site.toml", "og_type = \"product\"", "entity_url_pattern = \"/{slug}\"");
    table(
        &copy.site(),
        &[
            ("/lada-vesta", "200 ru cars-list cars:lada-vesta"),
            ("/cars/lada-vesta", "301 /lada-vesta"),
            ("/cars", "200 ru cars-list"),
        ],
    );
}

/// Proves P9 of `route.contract.md`: whatever comes, an answer goes out, and no redirect leaves the site
/// or runs in a circle.
#[test]
fn hostile_paths_get_an_answer() {
    let site = site();
    let pieces = [
        "",
        "/",
        "//",
        ".",
        "..",
        "%",
        "%2",
        "%2e",
        "%00",
        "%ff",
        "\\",
        "ru",
        "en",
        "Cars",
        "index",
        "404",
        "lada-vesta",
        "@",
        ":",
        "?",
        "#",
        "п",
        "%D0%BF",
        "evil.example",
    ];
    let mut tried = 0;
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let mut path = format!("/{a}/{b}{c}");
                tried += 1;
                for hop in 0..6 {
                    match site.resolve(&path) {
                        Resolution::Redirect(next) => {
                            assert!(next.starts_with('/') && !next.starts_with("//"), "{path} → {next}");
                            assert_ne!(next, path);
                            assert!(hop < 5, "{path} runs in a circle");
                            path = next;
                        }
                        _ => break,
                    }
                }
            }
        }
    }
    assert_eq!(tried, pieces.len().pow(3));
}

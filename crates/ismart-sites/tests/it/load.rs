//! Bad input: every problem at once, each with its place and what to do.

use std::collections::BTreeMap;

use ismart_sites::{External, SiteFolder};
use serde_json::json;

use crate::support::{Copy, external, fixture, page, texts};

/// Proves P1 of `site.contract.md`.
#[test]
fn all_problems_are_told_at_once() {
    let copy = Copy::new();
    copy.write("data/json/ru/pages/index.json", "{\n  \"name\": \"index\"\n  \"sections\": []\n}\n");
    copy.write("data/json/global.json", "{\"lang\": [}");
    copy.write("config/redirects.json", "[{\"from\": \"/a\", \"to\": \"b\"}]");
    copy.replace("config/site.toml", "trailing_slash =", "trailing_slahs =");
    assert_eq!(
        copy.problems(),
        r#"error[config.unknown_key] config/site.toml:5:1
  the key `trailing_slahs` is unknown
  5 | trailing_slahs = "never"
  fix: did you mean `trailing_slash`? Otherwise remove the key
error[redirect.rule] config/redirects.json:1:23 at /0/to
  `to` is no address
  1 | [{"from": "/a", "to": "b"}]
  fix: write a path with a leading slash, or an absolute http(s) address
error[json.syntax] data/json/global.json:1:11
  not valid JSON: expected value
  1 | {"lang": [}
  fix: mend the text at this place; keys and strings stand in double quotes, comments are not allowed
error[json.syntax] data/json/ru/pages/index.json:3:3
  not valid JSON: expected `,` or `}`
  3 |   "sections": []
  fix: put a comma between the values, or close the bracket"#
    );
}

/// Proves P2 of `site.contract.md`.
#[test]
fn every_fault_of_the_configuration_has_its_line() {
    let copy = Copy::new();
    copy.write(
        "config/site.toml",
        r#"name = ""
hosts = ["HTTPS://Dealer.example/"]
time_zone = "Moscow"
trailing_slash = "sometimes"
base_url = "dealer.example"
sitemap_pages = "index"
colour = "red"

[settings]
smtp_password = "x"

[route_map]
"Cars/x" = 7

[collections.cars]
source = "xml"
entity_url_pattern = "cars"
itemkey = "car"

[worker]
anything = 1
"#,
    );
    assert_eq!(
        copy.problems(),
        r#"error[config.missing] config/site.toml
  the key `client` is missing
  fix: add client = "…"
error[config.value] config/site.toml:1:8
  `name` is empty
  1 | name = ""
  fix: write a value
error[config.value] config/site.toml:2:9
  `HTTPS://Dealer.example/` is not a bare host name
  2 | hosts = ["HTTPS://Dealer.example/"]
  fix: write it in lower case without scheme, port and path; national names in punycode (xn--…)
error[config.value] config/site.toml:3:13
  `Moscow` is not a time zone
  3 | time_zone = "Moscow"
  fix: write an IANA name such as "Europe/Moscow"
error[config.value] config/site.toml:4:18
  `trailing_slash` cannot be "sometimes"
  4 | trailing_slash = "sometimes"
  fix: write "never" or "always" or "as_is"
error[config.value] config/site.toml:5:12
  `base_url` is not an absolute address
  5 | base_url = "dealer.example"
  fix: write scheme and host, such as "https://www.example.com"
error[config.type] config/site.toml:6:17
  `sitemap_pages` must be a list of strings, not string
  6 | sitemap_pages = "index"
  fix: write a list of strings
error[config.unknown_key] config/site.toml:7:1
  the key `colour` is unknown
  7 | colour = "red"
  fix: remove it; known keys: base_url, client, collections, core, default_language, duplicates, hosts, legacy, name, noindex_hosts, overrides, redirect_query, route_map, settings, site, sitemap_pages, time_zone, trailing_slash, captcha, chat, delivery, forms, inventory, leads, payment, pilot, test_drive, worker
error[config.value] config/site.toml:10:17
  `settings.smtp_password` looks like a secret, and templates show `settings` to visitors
  10 | smtp_password = "x"
  fix: keep secrets in the server's configuration, and rename the key if it is public
error[config.value] config/site.toml:13:12
  `Cars/x` is not one lower-case path segment
  13 | "Cars/x" = 7
  fix: use the first segment of the address only, such as `cars`
error[config.type] config/site.toml:13:12
  `route_map.Cars/x` must be a string, not integer
  13 | "Cars/x" = 7
  fix: write a string
error[config.value] config/site.toml:16:10
  `collections.cars.source` cannot be "xml"
  16 | source = "xml"
  fix: write "json" or "feed"
error[config.value] config/site.toml:17:22
  the pattern must start with `/` and contain `{slug}`
  17 | entity_url_pattern = "cars"
  fix: write it like "/{nav_slug}/{slug}"
error[config.unknown_key] config/site.toml:18:1
  the key `collections.cars.itemkey` is unknown
  18 | itemkey = "car"
  fix: did you mean `item_key`? Otherwise remove the key"#
    );
}

#[test]
fn broken_toml_is_shown() {
    let copy = Copy::new();
    copy.write("config/site.toml", "client = \"a\nname = \"b\"\n");
    let problems = copy.problems();
    assert!(problems.starts_with("error[config.syntax] config/site.toml:1:"), "{problems}");
    assert!(problems.contains("1 | client = \"a"), "{problems}");
}

#[test]
fn an_empty_folder_says_what_a_site_needs() {
    let dir = tempfile::tempdir().unwrap();
    let findings = SiteFolder::new(dir.path()).load(&External::default()).unwrap_err();
    assert_eq!(
        texts(&findings),
        "error[file.unreadable] config/site.toml\n  cannot be read: No such file or directory (os error 2)\n  \
         fix: check that it exists and that the server's user may read it\n\
         error[content.global] data/json/global.json\n  the file of shared facts is missing\n  \
         fix: create it; `{}` is enough to begin with\n\
         error[template.none] templates\n  the folder has no templates\n  \
         fix: add templates/pages/page.twig and templates/sections/*.twig"
    );
}

#[test]
fn feeds_are_checked_like_files() {
    let cars = vec![
        json!({"title": "Без адреса"}),
        json!({"slug": "a/b", "title": "x"}),
        json!({"slug": "ok", "title": "x"}),
        json!({"slug": "ok", "title": "y"}),
    ];
    let external = External {
        collections: BTreeMap::from([("cars".to_owned(), cars), ("boats".to_owned(), Vec::new())]),
        ..External::default()
    };
    let findings = SiteFolder::new(fixture()).load(&external).unwrap_err();
    let lines: Vec<String> = findings
        .iter()
        .map(|f| format!("{} {} {}", f.rule, f.pointer.as_deref().unwrap_or("-"), f.reason))
        .collect();
    assert_eq!(
        lines,
        [
            "collection.entity /0 an entity has no slug",
            "collection.entity /1 `a/b` cannot be part of an address",
            "collection.entity /3 the slug `ok` is used twice",
            "collection.feed - a feed was read for the collection `boats`, which is not configured",
        ]
    );
    let findings = SiteFolder::new(fixture()).load(&External::default()).unwrap_err();
    assert!(
        texts(&findings).contains("has source = \"feed\", but no feed was read for it"),
        "{}",
        texts(&findings)
    );
}

#[test]
fn files_that_are_not_text_are_named() {
    let copy = Copy::new();
    std::fs::write(copy.root().join("templates/sections/bad.twig"), b"a\nb\xff").unwrap();
    assert_eq!(
        copy.problems(),
        "error[file.encoding] templates/sections/bad.twig\n  line 2 is not UTF-8\n  fix: save the file as UTF-8"
    );
}

/// Proves P3 of `site.contract.md`.
#[test]
fn a_failed_load_leaves_the_old_snapshot_at_work() {
    let copy = Copy::new();
    let old = copy.site();
    let before = page(&old, "/contacts").html;
    copy.write("data/json/ru/pages/contacts.json", "{");
    copy.write("templates/base.twig", "{% broken");
    assert!(SiteFolder::new(copy.root()).load(&external()).is_err());
    assert_eq!(page(&old, "/contacts").html, before);
}

#[test]
fn findings_are_json_for_scripts() {
    let copy = Copy::new();
    copy.write("data/json/ru/pages/index.json", "[1,");
    let findings = SiteFolder::new(copy.root()).load(&external()).unwrap_err();
    assert_eq!(
        serde_json::to_value(&findings).unwrap(),
        json!([{
            "severity": "error", "rule": "json.syntax", "file": "data/json/ru/pages/index.json",
            "line": 1, "column": 3, "reason": "not valid JSON: EOF while parsing a value",
            "fix": "the file ends too early: close the open string or bracket", "excerpt": "[1,"
        }])
    );
}

#[test]
fn sections_of_others_are_handed_on() {
    let config = SiteFolder::new(fixture()).config().unwrap();
    assert_eq!(config.section("worker").unwrap().get("package").unwrap().as_str(), Some("lead-assistant"));
    assert!(config.section("nothing").is_none());
    assert_eq!(config.site, "dealer");
}

//! Conventions are found with file, line, rule, reason and fix; and mended where that is safe.

use std::path::Path;

use ismart_sites::rules::RULES;
use ismart_sites::{conventions, fix};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path().join(path)).unwrap()
    }

    fn found(&self) -> Vec<(&'static str, String, usize)> {
        let found = conventions(self.path());
        for finding in &found {
            assert!(!finding.reason.is_empty() && !finding.fix.is_empty());
            assert!(RULES.iter().any(|rule| rule.name == finding.rule && rule.severity == finding.severity));
        }
        found.into_iter().map(|f| (f.rule, f.file, f.position.map_or(0, |at| at.line))).collect()
    }
}

const PAGE: &str = "{\n    \"name\": \"about\",\n    \"sections\": [\n        {\n            \"name\": \"text\",\n            \"visible\": true,\n            \"data\": {\n                \"text\": \"О нас\"\n            }\n        }\n    ]\n}\n";
const SEO: &str = "{\n    \"title\": \"О нас\",\n    \"meta\": [\n        { \"name\": \"description\", \"content\": \"Кто мы, где нас найти и почему у нас покупают уже пятнадцать лет подряд.\" },\n        { \"property\": \"og:title\", \"content\": \"О нас\" },\n        { \"property\": \"og:description\", \"content\": \"Кто мы\" },\n        { \"property\": \"og:image\", \"content\": \"/data/img/a.jpg\" }\n    ]\n}\n";

const PAGE_FILE: &str = "data/json/ru/pages/about.json";
const SEO_FILE: &str = "data/json/ru/seo/about.json";
const GLOBAL: &str = "data/json/global.json";

#[test]
fn a_site_in_order_has_no_findings() {
    let global = "{\n    \"phone\": \"+7 (4822) 00-00-00\",\n    \"json_ld\": {\n        \"@type\": \"Organization\",\n        \"areaServed\": \"Тверь\"\n    }\n}\n";
    let twig = "<p title=\"{{ data.hint }}\">{{ data.text }}</p>";
    let site = Folder::new(&[
        (PAGE_FILE, PAGE),
        (SEO_FILE, SEO),
        (GLOBAL, global),
        ("templates/sections/text.twig", twig),
    ]);
    assert_eq!(site.found(), []);
    assert_eq!(fix(site.path()).unwrap(), []);
}

#[test]
fn every_convention_is_found_in_its_line() {
    let page = PAGE
        .replace(
            "            \"visible\": true,\n            \"data\"",
            "            \"data\": {},\n            \"visible\": true,\n            \"extra\"",
        )
        .replace(
            "                \"text\": \"О нас\"",
            "              \"pageText\": \"Звоните +7 (4822) 00-00-00\"",
        );
    let seo = SEO
        .replace("\"О нас\",", &format!("\"{}\",", "О нас ".repeat(20)))
        .replace("og:image", "og:video")
        .replace(" и почему у нас покупают уже пятнадцать лет подряд", "");
    let site = Folder::new(&[
        (PAGE_FILE, &page),
        (SEO_FILE, &seo),
        (GLOBAL, "{\n    \"phone\": \"+7 (4822) 00-00-00\"\n}\n"),
        ("data/json/ru/pages/old.json", "[\n    {\n        \"component\": \"intro\"\n    }\n]\n"),
        ("data/json/ru/pages/new.json", "{\n    \"sections\": []\n}\n"),
        (
            "templates/sections/text.twig",
            "<p>\n    Купить сейчас\n</p>\n{{ items|map(i => i.price * 2)|join }}",
        ),
    ]);
    let old = "data/json/ru/pages/old.json".to_owned();
    let new = "data/json/ru/pages/new.json".to_owned();
    let twig = "templates/sections/text.twig".to_owned();
    let (page, seo) = (PAGE_FILE.to_owned(), SEO_FILE.to_owned());
    assert_eq!(
        site.found(),
        [
            ("section.order", page.clone(), 4),
            ("section.key", page.clone(), 8),
            ("json.indent", page.clone(), 9),
            ("json.key", page.clone(), 9),
            ("fact.twice", page, 9),
            ("seo.missing", new, 0),
            ("page.form", old, 1),
            ("seo.length", seo.clone(), 2),
            ("seo.card", seo.clone(), 3),
            ("seo.length", seo, 4),
            ("twig.content", twig.clone(), 2),
            ("twig.logic", twig, 4),
        ]
    );
}

#[test]
fn white_space_is_mended_and_nothing_else() {
    let tabs = PAGE.replace("    ", "\t");
    let packed = serde_json::to_string(&serde_json::from_str::<serde_json::Value>(SEO).unwrap()).unwrap();
    let site = Folder::new(&[(PAGE_FILE, &tabs), (SEO_FILE, &packed)]);
    let done = fix(site.path()).unwrap();
    assert_eq!(done.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), ["indented", "indented"]);
    assert_eq!(site.text(PAGE_FILE), PAGE);
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(value(&site.text(SEO_FILE)), value(SEO));
    assert_eq!(site.found(), []);
    assert_eq!(fix(site.path()).unwrap(), []);
}

#[test]
fn names_and_style_of_templates_are_the_linters() {
    let site = Folder::new(&[
        ("templates/sections/text_block.twig", "<p>{{data.text}}{{data.note}}</p>\n"),
        ("templates/base.twig", "<p>{{ a }}</p>\n"),
    ]);
    let file = "templates/sections/text_block.twig".to_owned();
    assert_eq!(site.found(), [("twig.name", file.clone(), 1), ("twig.style", file.clone(), 1)]);
    let done = fix(site.path()).unwrap();
    assert_eq!((done.len(), done[0].file.as_str()), (1, file.as_str()));
    assert_eq!(site.text(&file), "<p>{{ data.text }}{{ data.note }}</p>\n");
    assert_eq!(site.found(), [("twig.name", file, 1)]);
}

#[test]
fn keys_are_renamed_only_where_nobody_reads_them() {
    let global = "{\n    \"cityName\": 1,\n    \"oldPhone\": 2,\n    \"old_phone\": 3,\n    \"faq-items\": 4,\n    \"inScript\": 5,\n    \"inContent\": 6,\n    \"a-b\": 7,\n    \"a_B\": 8,\n    \"text\": \"{{ global.inContent }}\"\n}\n";
    let site = Folder::new(&[
        (GLOBAL, global),
        ("templates/base.twig", "{{ global.cityName }}"),
        ("assets/js/site.js", "data.inScript"),
    ]);
    let done = fix(site.path()).unwrap();
    assert_eq!(done.len(), 1);
    assert_eq!(done[0].what, "`faq-items` is `faq_items` now");
    let text = site.text(GLOBAL);
    for key in ["cityName", "oldPhone", "old_phone", "faq_items", "inScript", "inContent", "a-b", "a_B"] {
        assert!(text.contains(&format!("\"{key}\": ")), "{key}: {text}");
    }
}

#[test]
fn broken_and_odd_folders_do_no_harm() {
    let site = Folder::new(&[
        ("data/json/ru/pages/a.json", "{ \"a\": [ }"),
        ("data/json/ru/pages/b.json", ""),
        ("data/json/x.json", "\u{feff}[1,2]"),
        ("templates/a.twig", "<p {{ '"),
        ("templates/b.twig", "<"),
        ("templates/c.twig", "<!--"),
    ]);
    assert_eq!(site.found(), []);
    assert_eq!(fix(site.path()).unwrap(), []);
    assert_eq!(site.text("data/json/ru/pages/a.json"), "{ \"a\": [ }");
    assert_eq!(conventions(&site.path().join("nowhere")), []);
}

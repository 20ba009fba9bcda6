//! A collection of ten thousand pages: loaded, listed, found, checked; and nothing else is slower to find for it.

use std::path::Path;

use ismart_sites::{Answer, External, Request, SiteFolder, check};
use jiff::Timestamp;

const COUNT: usize = 10_000;

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

#[test]
fn ten_thousand_entities_are_a_site_like_any_other() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    write(
        root,
        "config/site.toml",
        "client = \"a\"\nname = \"A\"\nhosts = [\"a.example\"]\n[collections.flats]\ntemplate = \"pages/flat.twig\"\n",
    );
    write(root, "data/json/global.json", "{}");
    write(root, "data/json/ru/pages/index.json", "{\"sections\": []}");
    write(
        root,
        "data/json/ru/pages/flats.json",
        "{\"sections\": [{\"name\": \"flats\", \"data\": {\"items\": []}}]}",
    );
    for number in 0..COUNT {
        write(
            root,
            &format!("data/json/ru/flats/flat-{number}.json"),
            &format!("{{\"title\": \"Квартира {number}\"}}"),
        );
    }
    write(root, "data/json/ru/flats/broken.json", "{");
    write(
        root,
        "templates/pages/page.twig",
        "{% for s in sections %}{{ include('sections/' ~ s.name ~ '.twig', {data: s.data}) }}{% endfor %}",
    );
    write(
        root,
        "templates/sections/flats.twig",
        "{% for item in data.items %}<a href=\"{{ item.href }}\">{{ item.title }}</a>\n{% endfor %}",
    );
    write(root, "templates/pages/flat.twig", "<title>{{ entity.title }}</title><h1>{{ entity.title }}</h1>");
    let told = SiteFolder::new(root).load(&External::default()).unwrap_err();
    assert_eq!(told.len(), 1, "one broken file is one finding: {told:?}");
    assert_eq!(told[0].file, "data/json/ru/flats/broken.json");
    std::fs::remove_file(root.join("data/json/ru/flats/broken.json")).unwrap();

    let site = SiteFolder::new(root).load(&External::default()).unwrap();
    let now: Timestamp = "2026-11-26T10:00:00Z".parse().unwrap();
    let page = |path: &str| match site.answer(&Request::get("a.example", path, now)) {
        Answer::Page(page) => (page.status, page.html),
        Answer::File { body: ismart_sites::FileBody::Memory(bytes), .. } => {
            (200, String::from_utf8(bytes.to_vec()).unwrap())
        }
        other => panic!("{other:?}"),
    };
    let (status, list) = page("/flats");
    assert_eq!((status, list.matches("<a ").count()), (200, COUNT));
    assert!(
        list.starts_with("<a href=\"/flats/flat-0\">Квартира 0</a>\n<a href=\"/flats/flat-1\">"),
        "in the order of people"
    );
    assert_eq!(
        page("/flats/flat-9999"),
        (200, "<title>Квартира 9999</title><h1>Квартира 9999</h1>".to_owned())
    );
    assert_eq!(page("/flats/flat-10000").0, 404);
    assert_eq!(page("/sitemap.xml").1.matches("<loc>").count(), COUNT + 2);
    let errors: Vec<_> =
        check(&site, now).into_iter().filter(|f| f.severity == ismart_sites::Severity::Error).collect();
    assert!(errors.is_empty(), "{:?}", errors.first());
}

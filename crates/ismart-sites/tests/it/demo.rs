//! The demo client that ships with the platform.

use std::path::Path;

use ismart_sites::{CollectionSource, External, Severity, SiteFolder, check};
use serde_json::json;

use crate::support::{now, page, texts};

/// Two entities for each feed collection: the real feed is read by another crate.
fn sample(folder: &SiteFolder) -> External {
    let config = folder.config().unwrap_or_else(|findings| panic!("{}", texts(&findings)));
    let feeds = config.collections.values().filter(|c| c.source == CollectionSource::Feed);
    let car = |slug: &str| {
        let content = json!({
            "slug": slug, "title": format!("Автомобиль {slug}"), "desc": "Описание", "price": 1_990_000, "year": 2024,
        });
        let mut entity = content.clone();
        if let Some(key) = config.collections.get("cars").and_then(|c| c.item_key.clone()) {
            entity[key] = content;
        }
        entity
    };
    External {
        collections: feeds.map(|c| (c.key.clone(), vec![car("first"), car("second")])).collect(),
        ..External::default()
    }
}

#[test]
fn the_demo_site_loads_and_every_page_renders() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/avtograd");
    let folder = SiteFolder::new(&root);
    let site = folder.load(&sample(&folder)).unwrap_or_else(|findings| panic!("{}", texts(&findings)));
    assert!(site.template_faults().is_empty(), "{}", texts(site.template_faults()));
    let mut pages = 0;
    for document in site.documents() {
        let page = page(&site, &document.url);
        assert_eq!(page.status, 200, "{}: {:?}", document.url, page.failure);
        assert!(page.failure.is_none(), "{}: {:?}", document.url, page.failure);
        pages += 1;
    }
    assert!(pages >= 10, "only {pages} pages");
    let errors: Vec<_> =
        check(&site, now()).into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{}", texts(&errors));
}

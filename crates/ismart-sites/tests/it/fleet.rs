//! Many sites, one process.

use ismart_sites::Fleet;

use crate::support::{Copy, page, site};

/// Proves P7 of `site.contract.md`.
#[test]
fn a_fleet_finds_the_site_of_a_host() {
    let other = Copy::new();
    other.replace("config/site.toml", "[\"dealer.example\", \"www.dealer.example\"]", "[\"other.example\"]");
    other.replace("config/site.toml", "name = \"Дилер\"", "site = \"other\"\nname = \"Другой\"");
    let fleet = Fleet::new(vec![site(), other.site()]).unwrap();
    let name = |host: &str| fleet.get(host).map(|site| site.config().name.clone());
    assert_eq!(name("WWW.dealer.example:443"), Some("Дилер".to_owned()));
    assert_eq!(name("other.example"), Some("Другой".to_owned()));
    assert_eq!(name("unknown.example"), None);
    assert_eq!(
        fleet.clone().with_fallback("other").get("x").map(|s| s.config().name.as_str()),
        Some("Другой")
    );
    assert_eq!(fleet.sites().len(), 2);
}

#[test]
fn two_sites_cannot_have_one_host() {
    let other = Copy::new();
    other.replace("config/site.toml", "name = \"Дилер\"", "site = \"other\"\nname = \"Другой\"");
    other.replace("config/site.toml", "\"dealer.example\", ", "");
    let conflicts = Fleet::new(vec![site(), other.site()]).unwrap_err();
    assert_eq!(
        conflicts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "the host `www.dealer.example` is claimed by the sites `dealer` and `other`: remove it from `hosts` in \
          one of their config/site.toml"
        ]
    );
}

#[test]
fn a_reloaded_site_takes_the_place_of_the_old_one() {
    let copy = Copy::new();
    let fleet = Fleet::new(vec![copy.site()]).unwrap().with_fallback("dealer");
    copy.replace("data/json/ru/pages/contacts.json", "Домой", "На главную");
    let next = fleet.with(copy.site()).unwrap();
    let html = |fleet: &Fleet, host: &str| page(fleet.get(host).unwrap(), "/contacts").html;
    assert!(html(&fleet, "dealer.example").contains("Домой"));
    assert!(html(&next, "dealer.example").contains("На главную"));
    assert!(html(&next, "anything").contains("На главную"));
    assert_eq!(next.sites().len(), 1);
}

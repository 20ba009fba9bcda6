//! The folder of a pilot: a small site of our own that holds what is known of the other one.

use std::path::Path;

use serde_json::{Value, json};
use url::Url;

use super::Known;
use crate::output::Failed;

/// Where the pages of the other site lie, relative to the folder.
pub(super) const PAGES: &str = "data/pilot/pages.json";

/// What the folder is made of, beside the pages.
#[derive(Debug)]
pub(super) struct NewSite {
    pub(super) key: String,
    pub(super) client: String,
    pub(super) name: String,
    pub(super) worker: String,
    /// Root of the other site.
    pub(super) address: Url,
}

/// Refuses keys that could not be the name of a folder.
pub(super) fn check_key(key: &str) -> Result<(), Failed> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !key.is_empty() && key.len() <= 80 && key.chars().all(plain) {
        return Ok(());
    }
    Err(Failed::one(format!("key `{key}`"), "cannot name a site", "use small letters, digits and hyphens"))
}

/// Writes the whole folder.
pub(super) fn site(folder: &Path, site: &NewSite, known: &Known) -> Result<(), Failed> {
    let language = known.language.as_deref().filter(|code| *code == "en").unwrap_or("ru");
    let text = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let origin = site.address.origin().ascii_serialization();
    let other = match site.address.host_str().and_then(|host| host.strip_prefix("www.")) {
        Some(bare) => origin.replace("://www.", "://").replace(&format!("www.{bare}"), bare),
        None => origin.replace("://", "://www."),
    };
    let mut origins = vec![origin.clone()];
    // An address of numbers has no second name.
    if matches!(site.address.host(), Some(url::Host::Domain(name)) if name.contains('.')) {
        origins.push(other);
    }
    let origins: Vec<String> = origins.iter().map(|origin| text(origin)).collect();
    let policy = known.policy.as_deref().unwrap_or("/");
    let config = format!(
        "client = {}\nname = {}\nhosts = [{}]\ntime_zone = \"Europe/Moscow\"\ndefault_language = \"{language}\"\n\
         base_url = {}\nnoindex_hosts = [\".localhost\"]\n\n\
         [worker]\npackage = {}\n\n[forms]\nconsent_url = {}\n\n\
         # Pages of these origins may use the chat\n[pilot]\naddress = {}\norigins = [{}]\n",
        text(&site.client),
        text(&site.name),
        text(&format!("{}.pilot.localhost", site.key)),
        text(&origin),
        text(&site.worker),
        text(policy),
        text(site.address.as_str()),
        origins.join(", "),
    );
    put(folder, "config/site.toml", &config)?;
    let mut business = serde_json::Map::new();
    business.insert("name".to_owned(), site.name.clone().into());
    if let Some(phone) = &known.phone {
        business.insert("phone".to_owned(), phone.clone().into());
    }
    put(
        folder,
        "data/json/global.json",
        &pretty(&json!({ "lang": [{ "code": language }], "business": business }))?,
    )?;
    let page = json!({ "title": site.name, "sections": [] });
    put(folder, &format!("data/json/{language}/pages/index.json"), &pretty(&page)?)?;
    let seo = json!({ "title": site.name, "meta": [] });
    put(folder, &format!("data/json/{language}/seo/index.json"), &pretty(&seo)?)?;
    put(folder, "templates/pages/page.twig", PAGE)?;
    pages(folder, known)
}

/// The page of the pilot's own host: it shows the chat as it will look.
const PAGE: &str = "<!doctype html>\n<html lang=\"{{ lang_code }}\">\n<head>\n    <meta charset=\"utf-8\">\n    \
    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n    <title>{{ pageTitle }}</title>\n    \
    <script src=\"/ismart/widget.js\" defer></script>\n</head>\n<body>\n    <h1>{{ pageTitle }}</h1>\n</body>\n</html>\n";

/// Writes the pages alone.
pub(super) fn pages(folder: &Path, known: &Known) -> Result<(), Failed> {
    let page =
        |page: &super::Page| json!({ "path": page.path, "title": page.title, "content": page.content });
    let all: Vec<Value> = known.pages.iter().map(page).collect();
    put(folder, PAGES, &pretty(&Value::Array(all))?)
}

/// Root of the other site, as the folder's configuration has it.
pub(super) fn address_of(folder: &Path) -> Result<Url, Failed> {
    let place = folder.join(ismart_sites::SITE_TOML);
    let wrong = |why: String| {
        Failed::one(place.display().to_string(), why, "make the pilot with `ismart pilot add ADDRESS`")
    };
    let text = std::fs::read_to_string(&place).map_err(|e| wrong(e.to_string()))?;
    let config: toml::Table = text.parse().map_err(|e: toml::de::Error| wrong(e.message().to_owned()))?;
    let address = config.get("pilot").and_then(|table| table.get("address")).and_then(toml::Value::as_str);
    let address = address.ok_or_else(|| wrong("has no `address` under [pilot]".to_owned()))?;
    address.parse().map_err(|e: url::ParseError| wrong(e.to_string()))
}

fn pretty(value: &Value) -> Result<String, Failed> {
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(
        &mut out,
        serde_json::ser::PrettyFormatter::with_indent(b"    "),
    );
    let written = serde::Serialize::serialize(value, &mut writer);
    let text =
        written.map_err(|e| e.to_string()).and_then(|()| String::from_utf8(out).map_err(|e| e.to_string()));
    text.map(|text| text + "\n").map_err(|why| Failed::one("content", why, "report this as a fault"))
}

/// Writes a file beside its place and moves it there, so that a server that is loading sees a whole one.
fn put(folder: &Path, name: &str, text: &str) -> Result<(), Failed> {
    let place = folder.join(name);
    let fresh = place.with_extension("new");
    let made = place.parent().map_or(Ok(()), std::fs::create_dir_all);
    let written =
        made.and_then(|()| std::fs::write(&fresh, text)).and_then(|()| std::fs::rename(&fresh, &place));
    written.map_err(|e| {
        Failed::one(place.display().to_string(), e.to_string(), "check the rights of the sites folder")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_leave_the_folder_of_sites() {
        for bad in ["", "..", "a/b", "A", "a b", ".x", &"a".repeat(81)] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
        assert!(check_key("dealer-example").is_ok());
    }

    #[test]
    fn the_folder_is_a_sound_site() {
        let folder = tempfile::tempdir().unwrap();
        let new = NewSite {
            key: "dealer-example".into(),
            client: "dealer".into(),
            name: "Автосалон «Дилер» \"1\"".into(),
            worker: "lead-assistant".into(),
            address: "https://www.dealer.example/".parse().unwrap(),
        };
        let page = super::super::Page {
            path: "/warranty".into(),
            title: "Гарантия".into(),
            content: json!({ "sections": [{ "name": "content", "data": { "title": "Гарантия", "text": "Пять лет." } }] }),
        };
        let known = Known { phone: Some("+7 495 123-45-67".into()), pages: vec![page], ..Known::default() };
        site(folder.path(), &new, &known).unwrap();
        let loaded =
            ismart_sites::SiteFolder::new(folder.path()).load(&ismart_sites::External::default()).unwrap();
        assert_eq!(loaded.config().name, new.name);
        assert!(loaded.template_faults().is_empty());
        assert_eq!(loaded.json(PAGES).unwrap()[0]["path"], "/warranty");
        assert_eq!(address_of(folder.path()).unwrap(), new.address);
        let text = std::fs::read_to_string(folder.path().join("config/site.toml")).unwrap();
        assert!(
            text.contains("origins = [\"https://www.dealer.example\", \"https://dealer.example\"]"),
            "{text}"
        );
    }
}

//! Functions of templates, as the PHP platform answers them.

mod pictures;

use ismart_twig::{Call, Callable, Error};
use serde_json::Value as Json;

use super::content::cast;
use super::links_base;
use crate::config::Legacy;
use crate::host::Host;
use crate::templates::{Loaded, Value, value};

/// Functions that take the place of ours, and those that only legacy sites have.
pub(crate) fn all(host: &Host, policies: &Legacy) -> Vec<Callable> {
    let base: std::sync::Arc<str> = links_base(policies, &host.base_url).into();
    let mut all = vec![url(host, policies, &base), asset_url(host, &base)];
    for (name, kind) in [("asset_manifest", "js"), ("css_manifest", "css")] {
        let host = host.clone();
        let loaded = Loaded::default();
        all.push(
            Callable::function(name, move |_| Ok(loaded.value(kind, || host.built_manifest(kind).cloned())))
                .params(&[]),
        );
    }
    let host_of = || host.clone();
    let host = host_of();
    all.push(
        Callable::function("inlineCss", move |call| {
            let text = host.parts.files.text(&format!("/assets/css/build/{}", text(call, 0)?));
            Ok(text.map_or(Value::Null, Value::from))
        })
        .params(&["filename"]),
    );
    let host = host_of();
    let links = base.clone();
    let loaded = Loaded::default();
    all.push(
        Callable::function("load_json", move |call| {
            let path = text(call, 0)?;
            Ok(loaded.value(&path, || {
                let json = host.json(&path).filter(|json| json.is_object() || json.is_array())?;
                Some(crate::json::absolute(json, &links))
            }))
        })
        .params(&["relativePath"]),
    );
    all.extend(cities(&host_of()));
    all.extend(pictures::all(&host_of(), policies));
    all
}

/// An argument as text; nothing where it was not given.
fn text(call: &Call<'_>, at: usize) -> Result<String, Error> {
    if call.arg(at).is_null() { Ok(String::new()) } else { Ok(call.text(at)?.to_string()) }
}

/// PHP's `basename`.
fn basename(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or("")
}

fn url(host: &Host, policies: &Legacy, base: &std::sync::Arc<str>) -> Callable {
    let base = base.clone();
    let always = host.parts.config.trailing_slash == crate::config::TrailingSlash::Always;
    let rooted = policies.rooted_files;
    Callable::function("url", move |call| {
        if !call.is_empty() && call.arg(0).is_null() {
            return Ok(Value::from("#"));
        }
        let given = if call.is_empty() { Default::default() } else { call.text(0)? };
        const FOREIGN: &[&str] = &["http://", "https://", "#", "tel:", "mailto:"];
        if FOREIGN.iter().any(|start| given.starts_with(start)) {
            return Ok(Value::string(given));
        }
        let mut path = given.trim_start_matches('/');
        let mut slash = "";
        if !path.is_empty() && !basename(path).contains('.') {
            path = path.trim_end_matches('/');
            slash = if always { "/" } else { "" };
        }
        let own = rooted && (path.starts_with("data/") || path.starts_with("assets/"));
        let base = if own { "" } else { &*base };
        Ok(Value::from([base, "/", path, slash].concat()))
    })
    .params(&["path?"])
}

fn asset_url(host: &Host, base: &std::sync::Arc<str>) -> Callable {
    let (host, base) = (host.clone(), base.clone());
    Callable::function("assetUrl", move |call| {
        let name = text(call, 0)?;
        let kind = if call.arg(1).is_null() { "js".to_owned() } else { text(call, 1)? };
        let manifest = host.built_manifest(&kind);
        let bare = name.trim_start_matches('/');
        let path =
            manifest.and_then(|map| [name.as_str(), bare].iter().find_map(|key| map.get(key)?.as_str()));
        match path {
            Some(path) => Ok(Value::from(format!("{base}/{}", path.trim_start_matches('/')))),
            None if call.arg(2).truthy() => Ok(Value::Null),
            None => Err(Error::host(format!(
                "assetUrl: `{name}` is not in the manifest of `{kind}`: build the assets, or mend the name"
            ))),
        }
    })
    .params(&["assetName", "manifestType?", "safe?"])
}

const LETTERS: &[(char, &str)] = &[
    ('а', "a"),
    ('б', "b"),
    ('в', "v"),
    ('г', "g"),
    ('д', "d"),
    ('е', "e"),
    ('ё', "yo"),
    ('ж', "zh"),
    ('з', "z"),
    ('и', "i"),
    ('й', "y"),
    ('к', "k"),
    ('л', "l"),
    ('м', "m"),
    ('н', "n"),
    ('о', "o"),
    ('п', "p"),
    ('р', "r"),
    ('с', "s"),
    ('т', "t"),
    ('у', "u"),
    ('ф', "f"),
    ('х', "kh"),
    ('ц', "ts"),
    ('ч', "ch"),
    ('ш', "sh"),
    ('щ', "sch"),
    ('ъ', ""),
    ('ы', "y"),
    ('ь', ""),
    ('э', "e"),
    ('ю', "yu"),
    ('я', "ya"),
];

/// Cities whose Latin names are not letter by letter.
const CITIES: &[(&str, &str)] = &[
    ("москва", "moscow"),
    ("санкт-петербург", "saint-petersburg"),
    ("нижний новгород", "nizhny-novgorod"),
    ("ростов-на-дону", "rostov-on-don"),
    ("екатеринбург", "ekaterinburg"),
    ("новосибирск", "novosibirsk"),
    ("казань", "kazan"),
    ("красноярск", "krasnoyarsk"),
    ("челябинск", "chelyabinsk"),
    ("самара", "samara"),
    ("уфа", "ufa"),
    ("пермь", "perm"),
    ("воронеж", "voronezh"),
    ("волгоград", "volgograd"),
    ("краснодар", "krasnodar"),
    ("сочи", "sochi"),
    ("тюмень", "tyumen"),
    ("ярославль", "yaroslavl"),
    ("тольятти", "togliatti"),
];

/// `city_to_slug`: the Latin part of an address for a city.
pub(super) fn city_slug(city: &str) -> String {
    let city = city.trim().to_lowercase();
    let latin = match CITIES.iter().find(|(name, _)| *name == city) {
        Some((_, latin)) => (*latin).to_owned(),
        None => city
            .chars()
            .map(|c| match LETTERS.iter().find(|(letter, _)| *letter == c) {
                Some((_, latin)) => (*latin).to_owned(),
                None => c.to_string(),
            })
            .collect(),
    };
    let parts: Vec<&str> = latin
        .split(|c: char| !(c.is_ascii_lowercase() || c.is_ascii_digit()))
        .filter(|p| !p.is_empty())
        .collect();
    parts.join("-")
}

fn cities(host: &Host) -> Vec<Callable> {
    let (by_slug, meta) = (host.clone(), host.clone());
    vec![
        Callable::function("city_to_slug", |call| Ok(Value::from(city_slug(&text(call, 0)?))))
            .params(&["city"]),
        Callable::function("resolve_city_by_slug", move |call| {
            let city = city_of(&by_slug, &text(call, 0)?, &text(call, 1)?);
            Ok(city.map_or(Value::Null, |city| value(&city)))
        })
        .params(&["slug", "langCode"]),
        Callable::function("resolve_section_meta", move |call| {
            let language = text(call, 3)?;
            let page = meta.json(&format!("data/json/{language}/pages/{}.json", text(call, 0)?));
            let mut sections = page.and_then(|page| page.get("sections")?.as_array()).into_iter().flatten();
            let name = text(call, 1)?;
            let section = sections.find(|section| section.get("name").and_then(Json::as_str) == Some(&name));
            let data = section.and_then(|section| section.get("data"));
            let key = text(call, 2)?;
            let part = |end: &str| cast(data.and_then(|data| data.get(format!("meta_{key}_{end}"))));
            let slug = call.arg(4).as_array().and_then(|params| params.first()).and_then(Value::as_str);
            let template = part("city_template");
            match city_of(&meta, slug.unwrap_or(""), &language).filter(|_| !template.is_empty()) {
                Some(city) => Ok(Value::from(template.replace("{city}", &cast(city.get("prepositional"))))),
                None => Ok(Value::from(part("base"))),
            }
        })
        .params(&["pageId", "sectionName", "key", "langCode", "routeParams?"]),
    ]
}

/// The city of a slug among the dealers of a site, with its prepositional case.
fn city_of(host: &Host, slug: &str, language: &str) -> Option<Json> {
    let slug = slug.trim();
    if slug.is_empty() || language.is_empty() {
        return None;
    }
    let dealers = host.json(&format!("data/json/{language}/pages/dealers.json"))?.get("items")?.as_array()?;
    let cases = host.json(&format!("data/json/{language}/city-cases.json"));
    let mut names = dealers.iter().filter_map(|dealer| dealer.get("city")?.as_str()).map(str::trim);
    let name = names.find(|name| !name.is_empty() && city_slug(name) == slug)?;
    let case = cases.and_then(|cases| cases.get(name)?.as_str()).unwrap_or(name);
    Some(serde_json::json!({"name": name, "prepositional": case, "slug": slug}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cities_are_written_in_latin_letters() {
        assert_eq!(city_slug(" Санкт-Петербург "), "saint-petersburg");
        assert_eq!(city_slug("Йошкар-Ола"), "yoshkar-ola");
        assert_eq!(city_slug("Щёлково (МО)"), "schyolkovo-mo");
        assert_eq!(city_slug(""), "");
    }

    #[test]
    fn names_are_taken_from_paths_as_php_does() {
        assert_eq!((basename("a/b.c/"), basename("a"), basename("")), ("b.c", "a", ""));
    }
}

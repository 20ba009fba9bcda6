//! Configuration of an old site → `site.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use toml::{Table, Value as Toml};

use super::super::content::cast;
use super::super::detect::Generation;
use super::super::env;
use super::super::php::{Known, returned};
use super::{Imported, Item, Options, captcha, payment};

/// Groups of settings that belong to the server; templates could read them, and must not.
const PRIVATE: &[&str] = &[
    "paths",
    "twig",
    "mail",
    "rescue",
    "calltouch",
    "telegram",
    "google_sheets",
    "payment",
    "captcha",
    "photoroom",
    "cors",
    "rate_limit_api_send",
    "form_token",
    "alerts",
    "project_root",
];

/// Settings that have a place of their own in `site.toml`.
const PLACED: &[&str] = &[
    "route_map",
    "sitemap_pages",
    "collections",
    "errors",
    "default_lang",
    "available_langs",
    "sitemap_dynamic_pages",
    "env",
    "debug",
];

/// Parts of names of secrets, wherever they stand.
const SECRET: &[&str] = &["secret", "password", "token", "api_key", "private", "server_key", "dsn"];

/// What was read of an old site's configuration.
struct Old {
    generation: Generation,
    environment: BTreeMap<String, String>,
    settings: Map<String, Value>,
    project: Map<String, Value>,
    global: Value,
}

impl Old {
    fn env(&self, name: &str) -> &str {
        self.environment.get(name).map_or("", String::as_str)
    }

    /// A setting, from wherever the generation keeps it.
    fn setting(&self, key: &str) -> Option<&Value> {
        self.project.get(key).or_else(|| self.settings.get(key)).filter(|value| !value.is_null())
    }
}

/// Reads `.env`, PHP configuration and `global.json` of the site at `root`.
pub(super) fn read(root: &Path, options: &Options, imported: &mut Imported) -> Table {
    let old = old(root, options, imported);
    let mut table = Table::new();
    identity(&old, options, imported, &mut table);
    addresses(&old, imported, &mut table);
    let settings = settings(&old, imported);
    if !settings.is_empty() {
        table.insert("settings".to_owned(), Toml::Table(settings));
    }
    let mut legacy = legacy(root, &old, options, imported);
    let (collections, more) = collections(root, &old, imported);
    if !collections.is_empty() {
        table.insert("collections".to_owned(), Toml::Table(collections));
        legacy.insert("collections".to_owned(), Toml::Table(more));
    }
    table.insert("legacy".to_owned(), Toml::Table(legacy));
    if let Some(captcha) = captcha::read(&old.environment, imported) {
        table.insert("captcha".to_owned(), Toml::Table(captcha));
    }
    if let Some(payment) = payment::read(root, &old.environment, imported) {
        table.insert("payment".to_owned(), Toml::Table(payment));
    }
    table
}

fn old(root: &Path, options: &Options, imported: &mut Imported) -> Old {
    let generation = imported.detected.generation;
    let mut environment = match std::fs::read_to_string(root.join(".env")) {
        Ok(text) => {
            imported.carried.push(Item::new(".env", "read for public settings; secrets stay where they are"));
            env::parse(&text)
        }
        Err(_) => BTreeMap::new(),
    };
    if let Some(given) = &options.environment {
        environment.insert("APP_ENV".to_owned(), given.clone());
    }
    let global = std::fs::read_to_string(root.join("data/json/global.json")).ok();
    let global: Value = global.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let mut old = Old { generation, environment, settings: Map::new(), project: Map::new(), global };
    if matches!(generation, Generation::Gen0 | Generation::Gen1) {
        return old;
    }
    let mut known =
        Known { root: root.to_path_buf(), variables: BTreeMap::new(), environment: old.environment.clone() };
    let object = |value: Option<Value>| match value {
        Some(Value::Object(map)) => map,
        _ => Map::new(),
    };
    if root.join("config/project.php").is_file() {
        let (project, unread) = returned(&known, "config/project.php");
        old.project = object(project);
        imported.unread.extend(unread);
    }
    known.variables = variables(root, &old);
    let (settings, unread) = returned(&known, "config/settings.php");
    old.settings = object(settings);
    // What belongs to the server is not wanted here, whether it can be read or not.
    let private = |what: &str| PRIVATE.iter().any(|group| what.starts_with(&format!("`{group}`")));
    imported.unread.extend(unread.into_iter().filter(|one| !private(&one.what)));
    old
}

/// What the first lines of `settings.php` work out, in every generation alike.
fn variables(root: &Path, old: &Old) -> BTreeMap<String, Value> {
    let environment = match old.env("APP_ENV") {
        "" => "development",
        other => other,
    };
    let production = environment == "production";
    let debug = match old.env("APP_DEBUG") {
        "" => !production,
        text => ["1", "true", "yes", "on"].contains(&text.to_lowercase().as_str()),
    };
    let codes: Vec<Value> = old
        .global
        .get("lang")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|lang| lang.get("code").cloned())
        .collect();
    let default = match old.env("APP_DEFAULT_LANG") {
        "" => codes.first().cloned().unwrap_or_else(|| "ru".into()),
        code => code.into(),
    };
    let codes = if codes.is_empty() { vec!["ru".into(), "en".into()] } else { codes };
    let ids = old.env("YANDEX_METRIC_ID").split(',').filter_map(|id| id.trim().parse::<i64>().ok());
    let ids: Vec<i64> = ids.filter(|id| *id != 0).collect();
    let project_root = root.display().to_string();
    BTreeMap::from([
        ("cacheDir".to_owned(), format!("{project_root}/cache").into()),
        ("projectRoot".to_owned(), project_root.into()),
        ("appEnv".to_owned(), environment.into()),
        ("isProduction".to_owned(), production.into()),
        ("isDebug".to_owned(), debug.into()),
        ("available_langs".to_owned(), codes.into()),
        ("default_lang".to_owned(), default),
        ("yandex_metric_ids".to_owned(), ids.into()),
        ("image_sizes".to_owned(), image_sizes(root)),
        ("projectConfig".to_owned(), Value::Object(old.project.clone())),
    ])
}

fn image_sizes(root: &Path) -> Value {
    let mut sizes =
        json!({"keys": ["800", "1600", "raw"], "widths": {"800": 800, "1600": 1600, "raw": null}});
    let text = std::fs::read_to_string(root.join("config/image-sizes.json")).ok();
    let said: Value = text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    for key in ["keys", "widths"] {
        if let (Some(value), Some(place)) = (said.get(key), sizes.get_mut(key)) {
            *place = value.clone();
        }
    }
    sizes
}

/// The host of an address.
fn host_of(url: &str) -> Option<String> {
    let rest = url.split_once("://")?.1;
    let host = rest.split(['/', ':', '?']).next()?.to_lowercase();
    (host.contains('.') && host.is_ascii()).then_some(host)
}

fn identity(old: &Old, options: &Options, imported: &mut Imported, table: &mut Table) {
    let folder = imported.name.to_lowercase();
    let mut hosts = options.hosts.clone();
    if hosts.is_empty() {
        hosts.extend(host_of(old.env("APP_BASE_URL")));
        let collections = old.setting("collections").and_then(Value::as_object).into_iter().flatten();
        hosts.extend(collections.filter_map(|(_, c)| host_of(c.get("prod_base_url")?.as_str()?)));
        let domain =
            folder.contains('.') && folder.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.".contains(&b));
        hosts.extend(domain.then(|| folder.clone()));
        if hosts.is_empty() {
            let plain: String =
                folder.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            hosts.push(format!("{plain}.localhost"));
            let how = "no address stands in the configuration: give the real one with --host";
            imported.left.push(Item::new("host name", how));
        }
        hosts.sort();
        hosts.dedup();
    }
    if old.generation == Generation::Gen1 {
        let www: Vec<String> =
            hosts.iter().filter(|host| !host.starts_with("www.")).map(|host| format!("www.{host}")).collect();
        hosts.extend(www.into_iter().filter(|www| !hosts.contains(www)).collect::<Vec<_>>());
    }
    let name = ["name", "site_name"].iter().map(|key| cast(old.global.get(*key)));
    let named =
        std::iter::once(cast(old.setting("site_name"))).chain(name).find(|name| !name.trim().is_empty());
    let client: String = folder.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    table.insert("client".to_owned(), options.client.clone().unwrap_or(client).into());
    table.insert("site".to_owned(), imported.name.clone().into());
    table.insert("name".to_owned(), named.unwrap_or_else(|| imported.name.clone()).into());
    table.insert("hosts".to_owned(), texts(hosts));
    let zone = match (old.env("APP_TIMEZONE"), old.generation) {
        ("", Generation::Gen0 | Generation::Gen3) => "Europe/Moscow",
        ("", _) => "UTC",
        (zone, _) => zone,
    };
    table.insert("time_zone".to_owned(), zone.into());
    if !old.env("APP_DEFAULT_LANG").is_empty() {
        table.insert("default_language".to_owned(), old.env("APP_DEFAULT_LANG").into());
    }
}

fn texts(all: impl IntoIterator<Item = String>) -> Toml {
    Toml::Array(all.into_iter().map(Toml::String).collect())
}

fn addresses(old: &Old, imported: &mut Imported, table: &mut Table) {
    let newest = old.generation == Generation::Gen3;
    table.insert("trailing_slash".to_owned(), if newest { "never" } else { "always" }.into());
    table.insert("duplicates".to_owned(), "serve".into());
    table.insert("redirect_query".to_owned(), false.into());
    if newest {
        table.insert("noindex_hosts".to_owned(), texts([".ismart.pro".to_owned()]));
        let base = old.env("APP_BASE_URL").trim_end_matches('/');
        if base.starts_with("http") {
            table.insert("base_url".to_owned(), base.into());
        }
    }
    let map = old.setting("route_map").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut routes = Table::new();
    for (slug, page) in &map {
        if slug.contains('/') || *slug != slug.to_lowercase() {
            let why = "an address is one lower-case segment: PHP never reached it";
            imported.left.push(Item::new(format!("route_map `{slug}`"), why));
        } else {
            routes.insert(slug.clone(), cast(Some(page)).into());
        }
    }
    if !routes.is_empty() {
        imported.carried.push(Item::new("route map", format!("{} addresses", routes.len())));
        table.insert("route_map".to_owned(), Toml::Table(routes));
    }
    let pages = old.setting("sitemap_pages").and_then(Value::as_array);
    if old.generation >= Generation::Gen2a {
        let default = [Value::from("index")];
        let pages = pages.map_or(default.as_slice(), Vec::as_slice);
        imported.carried.push(Item::new("sitemap", format!("{} pages", pages.len())));
        table.insert("sitemap_pages".to_owned(), texts(pages.iter().map(|page| cast(Some(page)))));
    }
}

/// JSON as TOML; what has no value is left out.
fn to_toml(value: &Value) -> Option<Toml> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(flag) => Toml::Boolean(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => Toml::Integer(whole),
            None => Toml::Float(number.as_f64()?),
        },
        Value::String(text) => Toml::String(text.clone()),
        Value::Array(items) => Toml::Array(items.iter().filter_map(to_toml).collect()),
        Value::Object(map) => {
            Toml::Table(map.iter().filter_map(|(key, value)| Some((key.clone(), to_toml(value)?))).collect())
        }
    })
}

fn has_secret(key: &str, value: &Value) -> bool {
    let secret = SECRET.iter().any(|part| key.to_lowercase().contains(part));
    secret || value.as_object().is_some_and(|map| map.iter().any(|(key, value)| has_secret(key, value)))
}

/// What templates see as `settings`, without what only the server may know.
fn settings(old: &Old, imported: &mut Imported) -> Table {
    let mut table = Table::new();
    if old.generation == Generation::Gen1 {
        let debug = !matches!(old.env("APP_DEBUG"), "0" | "false");
        table.insert("available_langs".to_owned(), texts(["ru".to_owned()]));
        table.insert("debug".to_owned(), debug.into());
        return table;
    }
    let mut hidden = Vec::new();
    for (key, value) in &old.settings {
        if PLACED.contains(&key.as_str()) {
            continue;
        }
        if PRIVATE.contains(&key.as_str()) || has_secret(key, value) {
            hidden.push(key.as_str());
        } else if let Some(value) = to_toml(value) {
            table.insert(key.clone(), value);
        }
    }
    table.entry("site_name").or_insert_with(|| cast(old.setting("site_name")).into());
    imported.carried.push(Item::new("settings of templates", format!("{} keys", table.len())));
    if !hidden.is_empty() {
        let what = format!("{}: templates no longer see them", hidden.join(", "));
        imported.left.push(Item::new("settings of the server", what));
    }
    table
}

fn legacy(root: &Path, old: &Old, options: &Options, imported: &mut Imported) -> Table {
    let mut table = Table::new();
    table.insert("generation".to_owned(), old.generation.name().into());
    let environment = options.environment.as_deref().unwrap_or_else(|| old.env("APP_ENV"));
    let environment = if environment == "production" { "production" } else { "development" };
    table.insert("environment".to_owned(), environment.into());
    let base = old.env("APP_BASE_URL").trim_end_matches('/');
    if matches!(old.generation, Generation::Gen2 | Generation::Gen2a) && base.starts_with("http") {
        table.insert("link_base_url".to_owned(), base.into());
    }
    if old.generation == Generation::Gen1 {
        table.insert("redirects".to_owned(), "core/Routing/redirects.json".into());
    }
    let errors = old.settings.get("errors").and_then(Value::as_object);
    if let Some(errors) = errors.and_then(|errors| to_toml(&Value::Object(errors.clone()))) {
        table.insert("errors".to_owned(), errors);
    }
    if old.settings.get("captcha").and_then(|captcha| captcha.get("enable")) == Some(&Value::Bool(true)) {
        let key = cast(old.settings.get("captcha").and_then(|captcha| captcha.get("client_key")));
        table.insert("captcha_client_key".to_owned(), key.into());
    }
    if ["1", "true", "yes", "on"].contains(&old.env("PAYMENT_ENABLED").to_lowercase().as_str()) {
        table.insert("payment".to_owned(), true.into());
    }
    if old.generation == Generation::Gen3 {
        let keys = image_sizes(root).get("keys").and_then(Value::as_array).cloned().unwrap_or_default();
        if root.join("config/image-sizes.json").is_file() {
            table.insert("picture_keys".to_owned(), texts(keys.iter().map(|key| cast(Some(key)))));
        }
        if let Some(lists) =
            old.setting("sitemap_dynamic_pages").filter(|lists| lists.is_object()).and_then(to_toml)
        {
            let pages = old.setting("sitemap_dynamic_pages").and_then(Value::as_object);
            imported.order.extend(pages.into_iter().flat_map(|pages| pages.keys().cloned()));
            table.insert("sitemap_lists".to_owned(), lists);
        }
    }
    code(root, old.generation, imported, &mut table);
    open(root, old.generation, imported, &mut table);
    table
}

/// What stands in the code of a site and differs between sites of one generation.
fn code(root: &Path, generation: Generation, imported: &mut Imported, table: &mut Table) {
    if generation < Generation::Gen2a {
        return;
    }
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let headers = text("src/Middleware/SecurityHeadersMiddleware.php");
    let csp = headers.split_once("DEFAULT_CSP = \"").and_then(|(_, rest)| rest.split('"').next());
    if let Some(csp) = csp {
        table.insert("content_security_policy".to_owned(), csp.into());
        imported
            .carried
            .push(Item::new("security headers", "as in src/Middleware/SecurityHeadersMiddleware.php"));
    }
    let builder = text("src/Service/TemplateDataBuilder.php");
    if let Some((_, rest)) = builder.split_once("$criticalFonts = [") {
        let list = rest.split(']').next().unwrap_or("");
        let fonts = list.split('\'').skip(1).step_by(2).map(str::to_owned);
        table.insert("fonts".to_owned(), texts(fonts));
    }
}

/// Files that visitors could read and that lie outside our open folders.
fn open(root: &Path, generation: Generation, imported: &mut Imported, table: &mut Table) {
    let mut folders: Vec<String> = Vec::new();
    let names = |path: &str| -> Vec<String> {
        let entries = std::fs::read_dir(root.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries
            .filter(|entry| entry.path().is_dir())
            .filter_map(|entry| entry.file_name().to_str().map(str::to_owned))
            .filter(|name| !name.starts_with('.'))
            .collect();
        names.sort();
        names
    };
    let ours = crate::files::OPEN_DATA;
    folders.extend(
        names("data")
            .into_iter()
            .filter(|name| name != "json" && !ours.contains(&name.as_str()))
            .map(|name| format!("data/{name}")),
    );
    let mut files = Table::new();
    let web = ["html", "ico", "png", "svg", "txt", "webmanifest", "xml"];
    let robots = root.join("robots.txt").is_file();
    if robots {
        files.insert("/robots.txt".to_owned(), "robots.txt".into());
    }
    let icon = "data/img/favicons/favicon.ico";
    if generation >= Generation::Gen2a && root.join(icon).is_file() {
        files.insert("/favicon.ico".to_owned(), icon.into());
    }
    if generation == Generation::Gen1 {
        let entries = std::fs::read_dir(root).into_iter().flatten().flatten();
        for name in entries.filter_map(|entry| entry.file_name().to_str().map(str::to_owned)) {
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            if web.contains(&ending) && !name.starts_with('.') {
                files.insert(format!("/{name}"), name.into());
            }
        }
        let page = |name: &String| root.join(name).join("index.html").is_file();
        folders.extend(names("").into_iter().filter(page));
    }
    if !folders.is_empty() {
        imported.carried.push(Item::new("open folders", folders.join(", ")));
        table.insert("open_folders".to_owned(), texts(folders));
    }
    if !files.is_empty() {
        table.insert("open_files".to_owned(), Toml::Table(files));
    }
}

/// Collections that the code of the older Slim sites has written into it.
fn built_in() -> Vec<(&'static str, Value, Value)> {
    vec![
        (
            "tires",
            json!({"data_dir": "tires", "item_key": "item", "nav_slug": "tires", "list_page_id": "tires-list",
                "slugs_page": "tires", "template": "pages/tire.twig", "extras_key": "tire", "og_type": "website",
                "entity_url_pattern": "/{slug}"}),
            json!({"place": "root", "fill": "nothing", "builder": "short", "crumb_at_root": true, "list_title": "Шины"}),
        ),
        (
            "news",
            json!({"data_dir": "news", "item_key": "news", "nav_slug": "news", "list_page_id": "news",
                "slugs_page": "news", "template": "pages/news.twig", "extras_key": "news", "og_type": "article",
                "entity_url_pattern": "/news/{slug}"}),
            json!({"place": "list", "fill": "named", "builder": "short", "crumb_at_root": false, "list_title": "Новости"}),
        ),
    ]
}

/// Keys of a collection that mean the same here.
const SAME: &[&str] = &[
    "data_dir",
    "item_key",
    "nav_slug",
    "list_page_id",
    "slugs_source",
    "slugs_page",
    "template",
    "extras_key",
    "og_type",
    "entity_url_pattern",
    "site_name",
    "fallback_og_image",
    "sitemap",
];

fn collections(root: &Path, old: &Old, imported: &mut Imported) -> (Table, Table) {
    let (mut all, mut more) = (Table::new(), Table::new());
    if old.generation == Generation::Gen2a {
        for (key, collection, policies) in built_in() {
            if root.join(format!("data/json/ru/{key}")).is_dir() || root.join("data/json").join(key).is_dir()
            {
                imported.order.push(key.to_owned());
                all.extend(to_toml(&collection).map(|table| (key.to_owned(), table)));
                more.extend(to_toml(&policies).map(|table| (key.to_owned(), table)));
            }
        }
    }
    let container = std::fs::read_to_string(root.join("config/container.php")).unwrap_or_default();
    let said = old.setting("collections").and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, collection) in &said {
        imported.order.push(key.clone());
        let mut table = Table::new();
        let mut policies = Table::new();
        for (name, value) in collection.as_object().into_iter().flatten() {
            match name.as_str() {
                "prod_base_url" => {
                    policies
                        .insert("live_base_url".to_owned(), cast(Some(value)).trim_end_matches('/').into());
                }
                "list_title" => {}
                same if SAME.contains(&same) => {
                    table.extend(to_toml(value).map(|value| (name.clone(), value)))
                }
                _ => imported.left.push(Item::new(
                    format!("collections.{key}.{name}"),
                    "the platform does not know this key",
                )),
            }
        }
        policies.insert("builder".to_owned(), builder(&container, key, old.generation, imported).into());
        all.insert(key.clone(), Toml::Table(table));
        more.insert(key.clone(), Toml::Table(policies));
    }
    if !all.is_empty() {
        let names: Vec<&str> = all.keys().map(String::as_str).collect();
        imported.carried.push(Item::new("collections", names.join(", ")));
    }
    (all, more)
}

/// What makes the SEO of a collection, by the registry of the container.
fn builder(container: &str, key: &str, generation: Generation, imported: &mut Imported) -> &'static str {
    if generation < Generation::Gen3 {
        return "short";
    }
    let entry = container.split_once(&format!("'{key}' => $c->get(")).map(|(_, rest)| rest);
    let class = entry.and_then(|rest| rest.split("::class").next()).map(str::trim);
    match class {
        Some("RestaurantSeoBuilder") => "restaurant",
        Some("EventSeoBuilder") => "event",
        Some("DefaultSeoBuilder") | None => "plain",
        Some(other) => {
            imported.left.push(Item::new(
                format!("collections.{key}: {other}"),
                "a builder of this site alone: title, description and Open Graph are made instead",
            ));
            "plain"
        }
    }
}

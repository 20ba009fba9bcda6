//! Collections and their entities: news, cars, flats, whatever a site has many of.

use std::cmp::Ordering;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ismart_sites::{CollectionSource, EntityEntry, Snapshot};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::access::AtSite;
use super::cursor::{self, Listing};
use super::pages::{self, InLanguage};
use super::query::{Segments, Wish};
use super::scope::{Content, Shown};
use super::{BASE, conditional};
use crate::platform::Platform;
use crate::problem::Problem;

/// A collection.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Collection {
    /// Its key.
    key: String,
    /// `json`: one file an entity; `feed`: an outside feed brings them.
    source: &'static str,
    /// Id of the page that lists it.
    list_page: String,
    /// How many entities visitors can see in the default language.
    #[schema(minimum = 0)]
    count: usize,
    /// Where the API has them.
    href: String,
}

/// An entity in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct EntityLine {
    /// Its slug.
    slug: String,
    /// What people call it.
    title: String,
    /// Its path on the site.
    path: String,
    /// Its facts.
    item: Value,
    /// Where the API has it.
    href: String,
}

/// An entity.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Entity {
    /// Key of the collection.
    collection: String,
    /// Its slug.
    slug: String,
    /// Code of the language.
    language: String,
    /// What people call it.
    title: String,
    /// Its path on the site.
    path: String,
    /// Its file, relative to the site folder; null when a feed brought it.
    file: Option<String>,
    /// Everything that is known of it.
    content: Value,
}

/// What of a collection is wished for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EntityWish {
    /// Code of a language of the site; the default language without it.
    #[param(pattern = "^[a-z]{2}$", nullable = false)]
    language: Option<String>,
    /// Only entities whose title holds this text.
    #[param(max_length = 100, nullable = false)]
    q: Option<String>,
    /// Conditions on facts, joined by `;`, that must all hold: `brand=Lada;price<=1500000`. Signs: `=`, `!=`, `<=`,
    /// `>=`; a fact inside another is written with a dot. A number is compared as a number.
    #[param(
        pattern = "^[A-Za-z0-9_.]{1,64}(=|!=|<=|>=)[^;]{0,100}(;[A-Za-z0-9_.]{1,64}(=|!=|<=|>=)[^;]{0,100}){0,9}$",
        example = "year>=2024",
        nullable = false
    )]
    filter: Option<String>,
    /// Name of a fact to sort by, with `-` before it from the greatest down; the site's own order without it.
    #[param(pattern = "^-?[A-Za-z0-9_.]{1,64}$", example = "-price", nullable = false)]
    sort: Option<String>,
    /// `next` of the page before, with the same other wishes.
    #[param(nullable = false)]
    cursor: Option<String>,
    /// How many at once, 50 without it.
    #[param(minimum = 1, maximum = 200, nullable = false)]
    limit: Option<u16>,
    /// `true` for the key's own draft instead of what visitors have.
    #[param(nullable = false)]
    draft: Option<bool>,
}

/// The collections of a site
#[utoipa::path(
    get, path = "/sites/{site}/collections", operation_id = "listCollections", tag = "Collections",
    params(("site" = String, Path, description = "Key of the site")),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "In the order of the configuration", body = Listing<Collection>,
        headers(("ETag" = String)))),
)]
pub(super) async fn list(at: AtSite<Content>, headers: HeaderMap) -> Result<Response, Problem> {
    let language = pages::language(&at.site, None)?;
    let site = &at.place.slug;
    let items = at.site.config().collections.values().map(|collection| Collection {
        key: collection.key.clone(),
        source: match collection.source {
            CollectionSource::Json => "json",
            CollectionSource::Feed => "feed",
        },
        list_page: collection.list_page_id.clone(),
        count: at.site.entities(&language, &collection.key).map_or(0, |all| all.len()),
        href: format!("{BASE}/sites/{site}/collections/{}/entities", collection.key),
    });
    conditional::json(&headers, &Listing { items: items.collect(), next: None })
}

/// The entities of a collection
#[utoipa::path(
    get, path = "/sites/{site}/collections/{collection}/entities", operation_id = "listEntities", tag = "Collections",
    params(("site" = String, Path, description = "Key of the site"),
        ("collection" = String, Path, description = "Key of the collection"), EntityWish),
    security((), ("key" = ["content:read"])),
    responses((status = 200, description = "Those that visitors can see", body = Listing<EntityLine>,
        headers(("ETag" = String)))),
)]
pub(super) async fn entities(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Shown>,
    Segments((_, key)): Segments<(String, String)>,
    Wish(wish): Wish<EntityWish>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = cursor::limit(wish.limit)?;
    let conditions = conditions(wish.filter.as_deref())?;
    let order = wish.sort.as_deref().map(Order::parse).transpose()?;
    if wish.q.as_ref().is_some_and(|q| q.chars().count() > 100) {
        return Err(Problem::bad_request("q", "`q` has at most 100 characters."));
    }
    let at = at.over(&platform, wish.draft).await?;
    let language = pages::language(&at.site, wish.language.as_deref())?;
    let mut all = at.site.entities(&language, &key).ok_or_else(|| no_collection(&at.site))?;
    if let Some(q) = wish.q.as_deref().map(|q| q.trim().to_lowercase()).filter(|q| !q.is_empty()) {
        all.retain(|entry| entry.title.to_lowercase().contains(&q));
    }
    all.retain(|entry| conditions.iter().all(|condition| condition.holds(entry)));
    if let Some(order) = &order {
        all.sort_by(|a, b| order.compare(a, b));
    }
    let (page, next) = cursor::slice(all, wish.cursor.as_deref(), limit, |entry| entry.slug.to_owned())?;
    let site = &at.place.slug;
    let line = |entry: EntityEntry<'_>| EntityLine {
        href: format!("{BASE}/sites/{site}/collections/{key}/entities/{}?language={language}", entry.slug),
        slug: entry.slug.to_owned(),
        title: entry.title.to_owned(),
        path: entry.path,
        item: entry.item.clone(),
    };
    conditional::json(&headers, &Listing { items: page.into_iter().map(line).collect(), next })
}

/// One entity
#[utoipa::path(
    get, path = "/sites/{site}/collections/{collection}/entities/{slug}", operation_id = "getEntity", tag = "Collections",
    params(("site" = String, Path, description = "Key of the site"),
        ("collection" = String, Path, description = "Key of the collection"),
        ("slug" = String, Path, description = "Slug of the entity"), InLanguage),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "The entity", body = Entity, headers(("ETag" = String)))),
)]
pub(super) async fn entity(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Content>,
    Segments((_, key, slug)): Segments<(String, String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.over(&platform, wish.draft).await?;
    let language = pages::language(&at.site, wish.language.as_deref())?;
    conditional::json(&headers, &shown(&key, &language, find(&at.site, &language, &key, &slug)?))
}

pub(super) fn shown(key: &str, language: &str, entry: EntityEntry<'_>) -> Entity {
    Entity {
        collection: key.to_owned(),
        slug: entry.slug.to_owned(),
        language: language.to_owned(),
        title: entry.title.to_owned(),
        path: entry.path,
        file: entry.file.map(str::to_owned),
        content: entry.content.as_ref().clone(),
    }
}

/// The page of an entity as visitors get it
#[utoipa::path(
    get, path = "/sites/{site}/collections/{collection}/entities/{slug}/document.html",
    operation_id = "getEntityDocument", tag = "Collections",
    params(("site" = String, Path, description = "Key of the site"),
        ("collection" = String, Path, description = "Key of the collection"),
        ("slug" = String, Path, description = "Slug of the entity"), InLanguage),
    security((), ("key" = ["content:read"])),
    responses((status = 200, description = "The whole HTML document", body = String, content_type = "text/html",
        headers(("ETag" = String)))),
)]
pub(super) async fn document(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Shown>,
    Segments((_, key, slug)): Segments<(String, String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = at.over(&platform, wish.draft).await?;
    let language = pages::language(&at.site, wish.language.as_deref())?;
    let path = find(&at.site, &language, &key, &slug)?.path;
    pages::rendered(&platform, &at, &language, &path, &headers)
}

pub(super) fn find<'s>(
    site: &'s Snapshot,
    language: &str,
    key: &str,
    slug: &str,
) -> Result<EntityEntry<'s>, Problem> {
    known(site, key)?;
    site.entity(language, key, slug).ok_or_else(|| {
        Problem::not_found(
            "The collection has no such entity that visitors can see: the list of entities names all.",
        )
    })
}

/// Refuses a key that is no collection of the site.
pub(super) fn known(site: &Snapshot, key: &str) -> Result<(), Problem> {
    if site.config().collections.contains_key(key) { Ok(()) } else { Err(no_collection(site)) }
}

fn no_collection(site: &Snapshot) -> Problem {
    let known: Vec<&str> = site.config().collections.keys().map(String::as_str).collect();
    let detail = format!("The site has no such collection in this language. It has: {}.", known.join(", "));
    Problem::new(StatusCode::NOT_FOUND, "collection", detail)
}

/// A sign of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Is,
    IsNot,
    AtMost,
    AtLeast,
}

/// A condition on one fact.
#[derive(Debug, PartialEq, Eq)]
struct Condition {
    fact: String,
    sign: Sign,
    value: String,
}

fn is_fact(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'.')
}

fn conditions(filter: Option<&str>) -> Result<Vec<Condition>, Problem> {
    let Some(filter) = filter else { return Ok(Vec::new()) };
    let wrong = |part: &str| {
        let part: String = part.chars().take(60).collect();
        let detail =
            format!("`{part}` is no condition: write a fact, one of `=` `!=` `<=` `>=`, and a value.");
        Problem::bad_request("filter", detail)
    };
    let parts: Vec<&str> = filter.split(';').collect();
    if parts.len() > 10 {
        return Err(Problem::bad_request("filter", "`filter` has at most ten conditions."));
    }
    parts
        .into_iter()
        .map(|part| {
            let at = part.find(['=', '!', '<', '>']).ok_or_else(|| wrong(part))?;
            let (fact, rest) = part.split_at_checked(at).ok_or_else(|| wrong(part))?;
            let signs = [("!=", Sign::IsNot), ("<=", Sign::AtMost), (">=", Sign::AtLeast), ("=", Sign::Is)];
            let found = signs.into_iter().find_map(|(text, sign)| Some((sign, rest.strip_prefix(text)?)));
            let (sign, value) = found.filter(|_| is_fact(fact)).ok_or_else(|| wrong(part))?;
            if value.chars().count() > 100 {
                return Err(wrong(part));
            }
            Ok(Condition { fact: fact.to_owned(), sign, value: value.to_owned() })
        })
        .collect()
}

/// A fact of an entity, by its name or by the names on the way to it.
fn fact<'e>(entry: &EntityEntry<'e>, name: &str) -> Option<&'e Value> {
    let within = |value: &'e Value| name.split('.').try_fold(value, |value, key| value.get(key));
    within(entry.item).or_else(|| within(entry.content))
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Numbers as numbers, all else as text.
fn compare(a: &str, b: &str) -> Ordering {
    match (a.trim().parse::<f64>(), b.trim().parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.to_lowercase().cmp(&b.to_lowercase()),
    }
}

impl Condition {
    fn holds(&self, entry: &EntityEntry<'_>) -> bool {
        let found = fact(entry, &self.fact);
        if let (Some(Value::Array(items)), Sign::Is) = (found, self.sign) {
            return items.iter().filter_map(plain).any(|item| compare(&item, &self.value).is_eq());
        }
        let order = found.and_then(plain).map(|text| compare(&text, &self.value));
        match self.sign {
            Sign::Is => order.is_some_and(Ordering::is_eq),
            Sign::IsNot => !order.is_some_and(Ordering::is_eq),
            Sign::AtMost => order.is_some_and(Ordering::is_le),
            Sign::AtLeast => order.is_some_and(Ordering::is_ge),
        }
    }
}

/// What to sort by.
#[derive(Debug)]
struct Order {
    fact: String,
    down: bool,
}

impl Order {
    fn parse(text: &str) -> Result<Self, Problem> {
        let (fact, down) = text.strip_prefix('-').map_or((text, false), |fact| (fact, true));
        if is_fact(fact) {
            return Ok(Self { fact: fact.to_owned(), down });
        }
        Err(Problem::bad_request(
            "sort",
            "`sort` is the name of a fact, with `-` before it from the greatest down.",
        ))
    }

    /// Entities without the fact come last, whichever the direction.
    fn compare(&self, a: &EntityEntry<'_>, b: &EntityEntry<'_>) -> Ordering {
        let of = |entry: &EntityEntry<'_>| fact(entry, &self.fact).and_then(plain);
        match (of(a), of(b)) {
            (Some(a), Some(b)) if self.down => compare(&b, &a),
            (Some(a), Some(b)) => compare(&a, &b),
            (a, b) => a.is_none().cmp(&b.is_none()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn conditions_are_read_and_hold() {
        let content = Arc::new(
            json!({"brand": "Lada", "price": 1_200_000, "engine": {"power": "90"}, "tags": ["new"]}),
        );
        let entry = EntityEntry {
            slug: "a",
            title: "A",
            path: String::new(),
            file: None,
            content: &content,
            item: &content,
        };
        let holds = |filter: &str| conditions(Some(filter)).unwrap().iter().all(|c| c.holds(&entry));
        for filter in [
            "brand=lada",
            "price<=1200000;price>=9",
            "engine.power>=90",
            "tags=new",
            "colour!=red",
            "brand!=BMW",
        ] {
            assert!(holds(filter), "{filter}");
        }
        for filter in ["brand=Kia", "price>=1200001", "colour=", "tags=old", "engine=1", "brand!=Lada"] {
            assert!(!holds(filter), "{filter}");
        }
        for wrong in ["", "brand", "=x", "a;b", "br and=1", "brand<5", "a=1;;b=2", &"a=1;".repeat(11)] {
            assert!(conditions(Some(wrong)).is_err(), "{wrong}");
        }
        assert!(
            Order::parse("-price").unwrap().down
                && Order::parse("a b").is_err()
                && Order::parse("-").is_err()
        );
    }
}

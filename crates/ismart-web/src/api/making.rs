//! Making and taking away: pages, entities of collections, sections of pages.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ismart_sites::edit::{Op, apply, read};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::access::AtSite;
use super::ground::{Changed, Ground, Target};
use super::pages::{self, InLanguage};
use super::query::{Body, Segments, Wish};
use super::scope::Writing;
use super::writing::{Words, answered, bring, refused};
use super::{BASE, collections};
use crate::editing::{EditingError, MakingError, Replaced};
use crate::platform::Platform;
use crate::problem::Problem;

/// The longest name of a page, entity or section.
const LONGEST: usize = 80;

/// A page that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewPage {
    /// Its id: the name of its file, and of its address unless the site maps it elsewhere.
    #[schema(pattern = "^[a-z0-9_-]{1,80}$", example = "promo")]
    id: String,
    /// Its whole content: an object with `sections`.
    #[schema(value_type = Object)]
    content: Map<String, Value>,
    /// Its title, meta and JSON-LD.
    #[serde(default)]
    #[schema(value_type = Object, required = false, nullable = false)]
    seo: Option<Map<String, Value>>,
    /// What history says about it.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    message: Option<String>,
    /// Why it is published although the gate warns.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    reason: Option<String>,
}

/// An entity that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewEntity {
    /// Its slug: the name of its file and of its address.
    #[schema(pattern = "^[a-z0-9_-]{1,80}$", example = "spring-sale")]
    slug: String,
    /// Its whole content, of the form that the others of its collection have.
    #[schema(value_type = Object)]
    content: Map<String, Value>,
    /// What history says about it.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    message: Option<String>,
    /// Why it is published although the gate warns.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    reason: Option<String>,
}

/// A section that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSection {
    /// Its name, which is that of its template.
    #[schema(pattern = "^[A-Za-z0-9_-]{1,80}$", example = "text")]
    name: String,
    /// What its template shows.
    #[schema(value_type = Object)]
    data: Map<String, Value>,
    /// Whether visitors see it.
    #[serde(default = "seen")]
    #[schema(required = false, default = true)]
    visible: bool,
    /// Its place in the page's list, from 0; at the end without it.
    #[serde(default)]
    #[schema(required = false, nullable = false, minimum = 0, maximum = 10_000)]
    index: Option<u16>,
    /// What history says about it.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    message: Option<String>,
    /// Why it is published although the gate warns.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    reason: Option<String>,
}

fn seen() -> bool {
    true
}

/// How something is taken away.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Removal {
    /// Code of a language of the site; the default language without it.
    #[param(pattern = "^[a-z]{2}$", nullable = false)]
    language: Option<String>,
    /// `true` for the key's own draft instead of what visitors have.
    #[param(nullable = false)]
    draft: Option<bool>,
    /// What history says about it.
    #[param(max_length = 500, nullable = false)]
    message: Option<String>,
    /// Why it is published although the gate warns.
    #[param(max_length = 500, nullable = false)]
    reason: Option<String>,
}

/// Refuses a name that the description does not allow.
fn named(name: &str, key: &str, capitals: bool) -> Result<(), Problem> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    let fits = (1..=LONGEST).contains(&name.len());
    if fits && name.bytes().all(|b| plain(b) || (capitals && b.is_ascii_uppercase())) {
        return Ok(());
    }
    let letters = if capitals { "letters" } else { "small letters" };
    let detail = format!("`{key}` is made of up to {LONGEST} Latin {letters}, digits, `-` and `_`.");
    Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "name", detail))
}

fn unmade(error: MakingError) -> Problem {
    let detail = format!("Nothing was changed: {error}.");
    match error {
        MakingError::Name => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "name", detail),
        MakingError::Exists => Problem::new(StatusCode::CONFLICT, "exists", detail),
        MakingError::Fed => Problem::new(StatusCode::CONFLICT, "feed", detail),
        MakingError::Missing => Problem::not_found(detail),
        MakingError::Editing(error) => refused(error),
    }
}

/// Make a page
///
/// With its SEO, if that is given. The gate judges it as all changes; with `draft=true` it goes into the key's own draft.
#[utoipa::path(
    post, path = "/sites/{site}/pages", operation_id = "postPage", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), InLanguage),
    request_body = NewPage,
    security(("key" = ["content:write"])),
    responses((status = 201, description = "Published, or in the draft", body = Changed,
        headers(("Location" = String, description = "Where the API has it")))),
)]
pub(super) async fn page(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Wish(wish): Wish<InLanguage>,
    Body(new): Body<NewPage>,
) -> Result<Response, Problem> {
    let words = Words::new(new.message, new.reason)?;
    named(&new.id, "id", false)?;
    let ground = Ground::of(&platform, &at, wish.draft).await?;
    let language = pages::language(&ground.shown, wish.language.as_deref())?;
    let (content, seo) = (Value::Object(new.content), new.seo.map(Value::Object));
    let made = ground.making(&language).page(&new.id, &content, seo.as_ref());
    let (file, changes) = made.map_err(unmade)?;
    let place = format!("{BASE}/sites/{}/pages/{}?language={language}", at.place.slug, new.id);
    let target = Target::Page(&language, &new.id);
    let changed = bring(&platform, ground, file, changes, words, target).await?;
    answered(StatusCode::CREATED, Some(place), changed)
}

/// Take a page away
///
/// With its SEO. Links that lead to it are broken then, which the gate holds: change them first, or in the same draft.
#[utoipa::path(
    delete, path = "/sites/{site}/pages/{page}", operation_id = "deletePage", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        Removal, ("If-Match" = String, Header, description = "`ETag` of the page as it was read", example = "\"0123\"")),
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published, or in the draft", body = Changed)),
)]
pub(super) async fn remove_page(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Segments((_, id)): Segments<(String, String)>,
    Wish(wish): Wish<Removal>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let words = Words::new(wish.message, wish.reason)?;
    let ground = Ground::of(&platform, &at, wish.draft).await?;
    let language = pages::language(&ground.shown, wish.language.as_deref())?;
    let target = Target::Page(&language, &id);
    let (file, _) = ground.unchanged(&headers, &target)?;
    let changes = ground.making(&language).removed("", &id).map_err(unmade)?;
    answered(StatusCode::OK, None, bring(&platform, ground, file, changes, words, target).await?)
}

/// Make an entity of a collection
///
/// It is added to the list that orders its collection, where the site has one.
#[utoipa::path(
    post, path = "/sites/{site}/collections/{collection}/entities", operation_id = "postEntity", tag = "Collections",
    params(("site" = String, Path, description = "Key of the site"),
        ("collection" = String, Path, description = "Key of the collection"), InLanguage),
    request_body = NewEntity,
    security(("key" = ["content:write"])),
    responses((status = 201, description = "Published, or in the draft", body = Changed,
        headers(("Location" = String, description = "Where the API has it")))),
)]
pub(super) async fn entity(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Segments((_, key)): Segments<(String, String)>,
    Wish(wish): Wish<InLanguage>,
    Body(new): Body<NewEntity>,
) -> Result<Response, Problem> {
    let words = Words::new(new.message, new.reason)?;
    named(&new.slug, "slug", false)?;
    let ground = Ground::of(&platform, &at, wish.draft).await?;
    let language = pages::language(&ground.shown, wish.language.as_deref())?;
    collections::known(&ground.shown, &key)?;
    let made = ground.making(&language).entity(&key, &new.slug, &Value::Object(new.content));
    let (file, changes) = made.map_err(unmade)?;
    let site = &at.place.slug;
    let place = format!("{BASE}/sites/{site}/collections/{key}/entities/{}?language={language}", new.slug);
    let target = Target::Entity(&language, &key, &new.slug);
    let changed = bring(&platform, ground, file, changes, words, target).await?;
    answered(StatusCode::CREATED, Some(place), changed)
}

/// Take an entity away
///
/// With its place in the list that orders its collection.
#[utoipa::path(
    delete, path = "/sites/{site}/collections/{collection}/entities/{slug}", operation_id = "deleteEntity",
    tag = "Collections",
    params(("site" = String, Path, description = "Key of the site"),
        ("collection" = String, Path, description = "Key of the collection"),
        ("slug" = String, Path, description = "Slug of the entity"), Removal,
        ("If-Match" = String, Header, description = "`ETag` of the entity as it was read", example = "\"0123\"")),
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published, or in the draft", body = Changed)),
)]
pub(super) async fn remove_entity(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Segments((_, key, slug)): Segments<(String, String, String)>,
    Wish(wish): Wish<Removal>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let words = Words::new(wish.message, wish.reason)?;
    let ground = Ground::of(&platform, &at, wish.draft).await?;
    let language = pages::language(&ground.shown, wish.language.as_deref())?;
    let target = Target::Entity(&language, &key, &slug);
    let (file, _) = ground.unchanged(&headers, &target)?;
    let changes = ground.making(&language).removed(&key, &slug).map_err(unmade)?;
    answered(StatusCode::OK, None, bring(&platform, ground, file, changes, words, target).await?)
}

/// Make a section of a page
///
/// `If-Match` is the `ETag` of the page: places of sections are told by it.
#[utoipa::path(
    post, path = "/sites/{site}/pages/{page}/sections", operation_id = "postSection", tag = "Sections",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage, ("If-Match" = String, Header, description = "`ETag` of the page as it was read", example = "\"0123\"")),
    request_body = NewSection,
    security(("key" = ["content:write"])),
    responses((status = 201, description = "Published, or in the draft; `etag` is the page's", body = Changed)),
)]
pub(super) async fn section(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Segments((_, id)): Segments<(String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
    Body(new): Body<NewSection>,
) -> Result<Response, Problem> {
    let words = Words::new(new.message, new.reason)?;
    named(&new.name, "name", true)?;
    let value = json!({ "name": new.name, "visible": new.visible, "data": new.data });
    let op = |sections: usize| {
        let at = new.index.map_or(sections, usize::from);
        (at <= sections).then(|| Op::Insert { pointer: "/sections".to_owned(), at, value })
    };
    let on = OnPage {
        platform: &platform,
        at: &at,
        id: &id,
        language: wish.language.as_deref(),
        draft: wish.draft,
    };
    answered(StatusCode::CREATED, None, on.change(&headers, words, op).await?)
}

/// Take a section of a page away
#[utoipa::path(
    delete, path = "/sites/{site}/pages/{page}/sections/{file}", operation_id = "deleteSection", tag = "Sections",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        ("file" = String, Path, description = "Place of the section in the page's list, from 0", pattern = "^[0-9]{1,4}$",
            example = "0"),
        Removal, ("If-Match" = String, Header, description = "`ETag` of the page as it was read", example = "\"0123\"")),
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published, or in the draft; `etag` is the page's", body = Changed)),
)]
pub(super) async fn remove_section(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Segments((_, id, place)): Segments<(String, String, String)>,
    Wish(wish): Wish<Removal>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let words = Words::new(wish.message, wish.reason)?;
    let place: Option<usize> = place.parse().ok().filter(|_| place.len() <= 4);
    let op = |sections: usize| {
        let at = place.filter(|at| *at < sections)?;
        Some(Op::Remove { pointer: format!("/sections/{at}") })
    };
    let on = OnPage {
        platform: &platform,
        at: &at,
        id: &id,
        language: wish.language.as_deref(),
        draft: wish.draft,
    };
    answered(StatusCode::OK, None, on.change(&headers, words, op).await?)
}

/// A change inside a page.
struct OnPage<'c> {
    platform: &'c Arc<Platform>,
    at: &'c AtSite<Writing>,
    id: &'c str,
    language: Option<&'c str>,
    draft: Option<bool>,
}

impl OnPage<'_> {
    /// Changes the list of sections: `op` gets their number, and gives nothing when there is no such place.
    async fn change(
        self,
        headers: &HeaderMap,
        words: Words,
        op: impl FnOnce(usize) -> Option<Op>,
    ) -> Result<Changed, Problem> {
        let ground = Ground::of(self.platform, self.at, self.draft).await?;
        let language = pages::language(&ground.shown, self.language)?;
        let target = Target::Page(&language, self.id);
        let (file, text) = ground.unchanged(headers, &target)?;
        let edited = |error| refused(EditingError::Edit(error));
        let before = text.unwrap_or_default();
        let page = read(&file, &before).map_err(edited)?;
        let no_list = || {
            let detail = "The page has no list of sections: replace its content as a whole.";
            Problem::new(StatusCode::CONFLICT, "no_sections", detail)
        };
        let sections = page.get("sections").and_then(Value::as_array).ok_or_else(no_list)?.len();
        let nowhere = || {
            Problem::not_found(format!(
                "The page has no such place: it has {sections} sections, counted from 0."
            ))
        };
        let op = op(sections).ok_or_else(nowhere)?;
        let after = apply(&file, &before, &op).map_err(edited)?;
        let changes = Replaced::from([(file.clone(), (Some(before), Some(after)))]);
        bring(self.platform, ground, file, changes, words, target).await
    }
}

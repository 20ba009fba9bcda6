//! Changing content: through the same drafts, gate and revisions as people's changes in the console.
//!
//! A change names the state that it was made from (`If-Match`), replaces one file whole, and is published at once or
//! not at all. History tells the key's name; the person who made the key answers for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use ismart_domain::UserId;
use ismart_sites::edit::Gate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::access::AtSite;
use super::pages::{self, InLanguage};
use super::query::{Body, Segments, Wish};
use super::scope::Writing;
use super::{collections, conditional};
use crate::editing::{Access, EditingError, LiveSite, Published, Wish as Publication};
use crate::origin::text;
use crate::platform::Platform;
use crate::problem::Problem;

/// New content of one file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    /// The whole content of the file.
    #[schema(value_type = Object)]
    content: serde_json::Map<String, Value>,
    /// What history says about it.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    message: Option<String>,
    /// Why it is published although the gate warns.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    reason: Option<String>,
}

/// A change that visitors see.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// Number of the revision; null when nothing was to be changed.
    revision: Option<i64>,
    /// The file that holds it, relative to the site folder.
    file: String,
}

/// Replace a page's JSON
///
/// Visitors see it when the answer comes. The gate judges it as it judges changes made in the console: what it blocks is
/// 422, what it warns of needs a `reason`. `If-Match` is the `ETag` of the page as it was read.
#[utoipa::path(
    put, path = "/sites/{site}/pages/{page}", operation_id = "putPage", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage, ("If-Match" = String, Header, description = "`ETag` of the page as it was read", example = "\"0123\"")),
    request_body = Change,
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published", body = Changed)),
)]
pub(super) async fn page(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Segments((_, id)): Segments<(String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Response, Problem> {
    let language = pages::language(&at.site, wish.language.as_deref())?;
    let entry = pages::find(&at.site, &language, &id)?;
    let file = entry.file.clone();
    unchanged(&headers, &change, &conditional::encoded(&pages::shown(entry))?)?;
    publish(&platform, &at, &headers, file, change).await
}

/// Replace a page's SEO
#[utoipa::path(
    put, path = "/sites/{site}/pages/{page}/seo", operation_id = "putPageSeo", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage, ("If-Match" = String, Header, description = "`ETag` of the SEO as it was read", example = "\"0123\"")),
    request_body = Change,
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published", body = Changed)),
)]
pub(super) async fn seo(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Segments((_, id)): Segments<(String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Response, Problem> {
    let language = pages::language(&at.site, wish.language.as_deref())?;
    let entry = pages::find(&at.site, &language, &id)?;
    let file = entry.seo_file.clone();
    unchanged(&headers, &change, &conditional::encoded(&pages::shown_seo(entry))?)?;
    publish(&platform, &at, &headers, file, change).await
}

/// Replace the facts that all pages share
#[utoipa::path(
    put, path = "/sites/{site}/facts", operation_id = "putFacts", tag = "Sites",
    params(("site" = String, Path, description = "Key of the site"),
        ("If-Match" = String, Header, description = "`ETag` of the facts as they were read", example = "\"0123\"")),
    request_body = Change,
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published", body = Changed)),
)]
pub(super) async fn facts(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Response, Problem> {
    unchanged(&headers, &change, &conditional::encoded(at.site.global())?)?;
    publish(&platform, &at, &headers, "data/json/global.json".to_owned(), change).await
}

/// Replace an entity's JSON
///
/// Entities that a feed brings are not changed here: the next feed would bring them back.
#[utoipa::path(
    put, path = "/sites/{site}/collections/{collection}/entities/{slug}", operation_id = "putEntity", tag = "Collections",
    params(("site" = String, Path, description = "Key of the site"),
        ("collection" = String, Path, description = "Key of the collection"),
        ("slug" = String, Path, description = "Slug of the entity"), InLanguage,
        ("If-Match" = String, Header, description = "`ETag` of the entity as it was read", example = "\"0123\"")),
    request_body = Change,
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published", body = Changed)),
)]
pub(super) async fn entity(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Segments((_, key, slug)): Segments<(String, String, String)>,
    Wish(wish): Wish<InLanguage>,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Response, Problem> {
    let language = pages::language(&at.site, wish.language.as_deref())?;
    let entry = collections::find(&at.site, &language, &key, &slug)?;
    let Some(file) = entry.file.map(str::to_owned) else {
        let detail = "A feed brings this entity: change it there.";
        return Err(Problem::new(StatusCode::CONFLICT, "feed", detail));
    };
    unchanged(&headers, &change, &conditional::encoded(&collections::shown(&key, &language, entry))?)?;
    publish(&platform, &at, &headers, file, change).await
}

/// Refuses a change that says too much, or that was made from another state than the present one.
fn unchanged(headers: &HeaderMap, change: &Change, present: &[u8]) -> Result<(), Problem> {
    for (name, value) in [("message", &change.message), ("reason", &change.reason)] {
        if value.as_ref().is_some_and(|value| value.chars().count() > 500) {
            return Err(Problem::bad_request("body", format!("`{name}` has at most 500 characters.")));
        }
    }
    let detail = "Send `If-Match` with the `ETag` of what you read: nobody's change is then overwritten.";
    let given = text(headers, "if-match");
    let given = given.ok_or_else(|| Problem::bad_request("if_match", detail))?;
    // `*` would match whatever somebody else wrote meanwhile.
    if given.trim() != "*" && conditional::names(given, &conditional::etag(present)) {
        return Ok(());
    }
    let detail = "It was changed since you read it: read it again, make your change anew, and send that.";
    Err(Problem::new(StatusCode::PRECONDITION_FAILED, "changed", detail))
}

async fn publish(
    platform: &Arc<Platform>,
    at: &AtSite<Writing>,
    headers: &HeaderMap,
    file: String,
    change: Change,
) -> Result<Response, Problem> {
    let key = at.key().ok_or_else(Problem::no_key)?;
    let message = change.message.unwrap_or_default();
    let work = Publishing {
        live: LiveSite { snapshot: at.site.clone(), place: at.place.clone() },
        user: key.made_by,
        text: written(&change.content)?,
        publication: Publication {
            files: vec![file.clone()],
            message: format!("API, {}: {message}", key.name).trim_end_matches([':', ' ']).to_owned(),
            reason: change.reason.filter(|reason| !reason.trim().is_empty()),
            mine_stand: false,
            at: None,
            restores: false,
        },
        file: file.clone(),
    };
    // A caller that hangs up must not leave half a change behind.
    let done = tokio::spawn(work.run(platform.clone())).await;
    let revision = done.map_err(|error| {
        tracing::error!(error = %error, "a change through the API was broken off");
        refused(EditingError::Stopping)
    })??;
    conditional::json(headers, &Changed { revision, file })
}

/// A change on its way to visitors.
struct Publishing {
    live: LiveSite,
    user: UserId,
    file: String,
    text: String,
    publication: Publication,
}

impl Publishing {
    /// Gives the number of the revision; none when nothing was to be changed.
    async fn run(self, platform: Arc<Platform>) -> Result<Option<i64>, Problem> {
        let Self { live, user, file, text, publication } = self;
        let (editing, access) = (&platform.editing, Access::everything());
        let draft = editing.draft(&live, user).await.map_err(refused)?;
        if draft.files.iter().any(|drafted| drafted.path == file) {
            let detail = "The person who made the key is changing the same file in the console: publish or discard that first.";
            return Err(Problem::new(StatusCode::CONFLICT, "drafted", detail));
        }
        editing.replace(&live, user, &access, &file, Some(text)).await.map_err(refused)?;
        match editing.publish(&live, user, &access, publication).await {
            Ok(Published::Live(revision)) => Ok(Some(revision)),
            Ok(Published::Waits(_)) | Err(EditingError::Nothing) => Ok(None),
            Err(error) => {
                // Nothing of a refused change stays behind in anybody's draft.
                editing.discard(&live, user, Some(&file)).await.map_err(refused)?;
                Err(refused(error))
            }
        }
    }
}

/// The text of a file, indented as people write it.
fn written(content: &serde_json::Map<String, Value>) -> Result<String, Problem> {
    let mut out = Vec::new();
    let form = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut out, form);
    let wrong = |why: String| Problem::bad_request("body", why);
    content.serialize(&mut writer).map_err(|e| wrong(e.to_string()))?;
    let text = String::from_utf8(out).map_err(|e| wrong(e.to_string()))?;
    Ok(text + "\n")
}

fn refused(error: EditingError) -> Problem {
    let new = |status, code, detail: String| Problem::new(status, code, detail);
    match error {
        EditingError::Store(error) => error.into(),
        EditingError::Missing => Problem::not_found("There is no such file of content."),
        EditingError::Forbidden => {
            new(StatusCode::FORBIDDEN, "forbidden", format!("Nothing was changed: {error}."))
        }
        EditingError::Conflicts(_) => {
            new(StatusCode::PRECONDITION_FAILED, "changed", format!("Nothing was changed: {error}."))
        }
        EditingError::Broken(findings) => {
            let detail = "Nothing was changed: with this the site cannot be shown.";
            let errors =
                findings.iter().map(|found| (format!("{} {}", found.file, found.rule), found.reason.clone()));
            new(StatusCode::UNPROCESSABLE_ENTITY, "broken", detail.to_owned()).with_errors(errors.collect())
        }
        EditingError::Held(gate) => {
            let detail = "Nothing was changed: the gate holds this. Mend what `errors` names; what only warns may be \
                          published with a `reason`.";
            new(StatusCode::UNPROCESSABLE_ENTITY, "held", detail.to_owned()).with_errors(held(&gate))
        }
        EditingError::Edit(error) => {
            new(StatusCode::UNPROCESSABLE_ENTITY, "edit", format!("Nothing was changed: {error}."))
        }
        EditingError::Nothing | EditingError::Past => {
            new(StatusCode::CONFLICT, "nothing", format!("{error}."))
        }
        EditingError::Write(_) | EditingError::Read(_) | EditingError::Stopping => {
            tracing::error!(error = %error, "a change through the API could not be written");
            let detail = "The server could not write this now. Read it again before you repeat the change.";
            new(StatusCode::SERVICE_UNAVAILABLE, "write", detail.to_owned())
        }
    }
}

/// What is new in the gate's verdict, by place and rule.
fn held(gate: &Gate) -> BTreeMap<String, String> {
    let new = gate.holds.iter().filter(|hold| hold.blocking || !hold.known);
    new.map(|hold| {
        let found = &hold.finding;
        let place = found.pointer.as_deref().unwrap_or("");
        let weight = if hold.blocking { "blocks" } else { "warns" };
        (
            format!("{}{place} {}", found.file, found.rule),
            format!("{weight}: {}; {}", found.reason, found.fix),
        )
    })
    .collect()
}

//! Changing content: through the same drafts, gate and revisions as people's changes in the console.
//!
//! A change names the state that it was made from (`If-Match`). It is published at once and as a whole, or, with
//! `draft=true`, goes into the draft of the key. History tells the key's name; the person who made the key answers for it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_sites::edit::Gate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::access::AtSite;
use super::conditional;
use super::ground::{self, Changed, Ground, InDraft, Target};
use super::pages::{self, InLanguage};
use super::query::{Body, Segments, Wish};
use super::scope::Writing;
use crate::editing::{Access, EditingError, Published, Replaced, Wish as Publication, printed};
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

/// What is said about a publication.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// What history says about it.
    pub(super) message: String,
    /// Why in spite of warnings.
    pub(super) reason: Option<String>,
}

impl Words {
    /// The words, unless they are too many.
    pub(super) fn new(message: Option<String>, reason: Option<String>) -> Result<Self, Problem> {
        for (name, value) in [("message", &message), ("reason", &reason)] {
            if value.as_ref().is_some_and(|value| value.chars().count() > 500) {
                return Err(Problem::bad_request("body", format!("`{name}` has at most 500 characters.")));
            }
        }
        let reason = reason.filter(|reason| !reason.trim().is_empty());
        Ok(Self { message: message.unwrap_or_default(), reason })
    }

    /// How a key of this name publishes with them.
    pub(super) fn publication(self, key: &str) -> Publication {
        let message = format!("API, {key}: {}", self.message);
        Publication {
            message: message.trim_end_matches([':', ' ']).to_owned(),
            reason: self.reason,
            ..Publication::default()
        }
    }
}

/// Replace a page's JSON
///
/// Visitors see it when the answer comes. The gate judges it as it judges changes made in the console: what it blocks is
/// 422, what it warns of needs a `reason`. `If-Match` is the `ETag` of the page as it was read. With `draft=true` it goes
/// into the key's own draft instead, and is judged when that is published.
#[utoipa::path(
    put, path = "/sites/{site}/pages/{page}", operation_id = "putPage", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage, ("If-Match" = String, Header, description = "`ETag` of the page as it was read", example = "\"0123\"")),
    request_body = Change,
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published, or in the draft", body = Changed)),
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
    replace(&platform, &at, wish.draft, &headers, Target::Page(&language, &id), change).await
}

/// Replace a page's SEO
#[utoipa::path(
    put, path = "/sites/{site}/pages/{page}/seo", operation_id = "putPageSeo", tag = "Pages",
    params(("site" = String, Path, description = "Key of the site"), ("page" = String, Path, description = "Id of the page"),
        InLanguage, ("If-Match" = String, Header, description = "`ETag` of the SEO as it was read", example = "\"0123\"")),
    request_body = Change,
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published, or in the draft", body = Changed)),
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
    replace(&platform, &at, wish.draft, &headers, Target::Seo(&language, &id), change).await
}

/// Replace the facts that all pages share
#[utoipa::path(
    put, path = "/sites/{site}/facts", operation_id = "putFacts", tag = "Sites",
    params(("site" = String, Path, description = "Key of the site"), InDraft,
        ("If-Match" = String, Header, description = "`ETag` of the facts as they were read", example = "\"0123\"")),
    request_body = Change,
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Published, or in the draft", body = Changed)),
)]
pub(super) async fn facts(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Wish(wish): Wish<InDraft>,
    headers: HeaderMap,
    Body(change): Body<Change>,
) -> Result<Response, Problem> {
    replace(&platform, &at, wish.draft, &headers, Target::Facts, change).await
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
    responses((status = 200, description = "Published, or in the draft", body = Changed)),
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
    replace(&platform, &at, wish.draft, &headers, Target::Entity(&language, &key, &slug), change).await
}

async fn replace(
    platform: &Arc<Platform>,
    at: &AtSite<Writing>,
    draft: Option<bool>,
    headers: &HeaderMap,
    target: Target<'_>,
    change: Change,
) -> Result<Response, Problem> {
    let words = Words::new(change.message, change.reason)?;
    let ground = Ground::of(platform, at, draft).await?;
    let (file, before) = ground.unchanged(headers, &target)?;
    let after = printed(&Value::Object(change.content));
    let changes = Replaced::from([(file.clone(), (before, Some(after)))]);
    answered(StatusCode::OK, None, bring(platform, ground, file, changes, words, target).await?)
}

/// The answer to a change; `place` is where a new thing is read.
pub(super) fn answered(
    status: StatusCode,
    place: Option<String>,
    changed: Changed,
) -> Result<Response, Problem> {
    let mut response = answered_as(status, &changed)?;
    if let Some(place) = place.and_then(|place| place.parse().ok()) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// An answer without a tag: it tells what was done, and is no state of anything.
pub(super) fn answered_as(status: StatusCode, value: &impl Serialize) -> Result<Response, Problem> {
    let body = conditional::encoded(value)?;
    Ok((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Publishes changes that were made over `ground`, or puts them into its draft. `file` is the one that is told.
pub(super) async fn bring(
    platform: &Arc<Platform>,
    ground: Ground,
    file: String,
    changes: Replaced,
    words: Words,
    target: Target<'_>,
) -> Result<Changed, Problem> {
    let (slug, author, prepares) = (ground.live.place.slug.clone(), ground.author, ground.prepares);
    let work = Bringing { platform: platform.clone(), ground, changes, words };
    // A caller that hangs up must not leave half a change behind.
    let done = tokio::spawn(work.run()).await;
    let revision = done.map_err(|error| {
        tracing::error!(error = %error, "a change through the API was broken off");
        refused(EditingError::Stopping)
    })??;
    let Some(live) = platform.editing.site(&slug) else { return Ok(Changed { revision, file, etag: None }) };
    let shown = if prepares {
        platform.editing.draft(&live, author.drafter).await.map_err(refused)?.shown(&live)
    } else {
        live.snapshot
    };
    Ok(Changed { revision, file, etag: target.etag(&shown) })
}

/// A change on its way.
struct Bringing {
    platform: Arc<Platform>,
    ground: Ground,
    changes: Replaced,
    words: Words,
}

impl Bringing {
    /// Gives the number of the revision; none when nothing was to be changed, or it went into the draft.
    async fn run(self) -> Result<Option<i64>, Problem> {
        let Self { platform, ground, changes, words } = self;
        let (editing, access) = (&platform.editing, Access::everything());
        if ground.prepares {
            let prepared = editing.prepare(&ground.live, ground.author.drafter, &access, changes).await;
            return prepared.map(|()| None).map_err(refused);
        }
        let wish = words.publication(&ground.key);
        match editing.publish_files(&ground.live, ground.author, &access, changes, wish).await {
            Ok(Published::Live(revision)) => Ok(Some(revision)),
            Ok(Published::Waits(_)) | Err(EditingError::Nothing) => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }
}

pub(super) fn refused(error: EditingError) -> Problem {
    let new = |status, code, detail: String| Problem::new(status, code, detail);
    match error {
        EditingError::Store(error) => error.into(),
        EditingError::Missing => Problem::not_found("There is no such file of content."),
        EditingError::Forbidden => {
            new(StatusCode::FORBIDDEN, "forbidden", format!("Nothing was changed: {error}."))
        }
        EditingError::Moved(_) => ground::moved(),
        EditingError::Conflicts(conflicts) => {
            let detail = "Nothing was published: somebody published other values of the same fields. Read the draft, and \
                          publish with `mine_stand` if its values shall stand.";
            let errors = conflicts.iter().map(|(file, conflict)| {
                (format!("{file}{}", conflict.pointer), "published with another value meanwhile".to_owned())
            });
            new(StatusCode::CONFLICT, "conflicts", detail.to_owned()).with_errors(errors.collect())
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
pub(super) fn held(gate: &Gate) -> BTreeMap<String, String> {
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

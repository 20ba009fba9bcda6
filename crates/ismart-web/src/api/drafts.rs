//! The draft of a key: what it prepares, before visitors see it. Nobody else's draft is reached from here.
//!
//! Operations that read and change content take part with `draft=true`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ismart_sites::edit::{Conflict, Gate, differences};
use ismart_store::editing::{self, Preview};
use ismart_store::{StoreError, Tx, sha256_hex};
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::access::AtSite;
use super::conditional;
use super::ground::Ground;
use super::query::{Body, Wish};
use super::scope::{Content, Writing};
use super::writing::{Words, answered_as, refused};
use crate::editing::{Access, Draft, DraftedFile, Published, Wish as Publication};
use crate::platform::Platform;
use crate::problem::Problem;

/// How long a link to a draft lives.
const LINK: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The longest path of a file, characters.
const LONGEST: usize = 500;
/// Files that one publication may name.
const FILES: usize = 1000;

/// One field of a file that differs.
#[derive(Debug, Serialize, ToSchema)]
struct Difference {
    /// JSON pointer of the field; empty for the whole file.
    pointer: String,
    /// What visitors have; null when it is not there.
    before: Value,
    /// What the draft makes of it; null when it is gone.
    after: Value,
}

/// A field that the key and somebody else changed in different ways.
#[derive(Debug, Serialize, ToSchema)]
struct Clash {
    /// JSON pointer of the field.
    pointer: String,
    /// What both began with.
    base: Value,
    /// What the draft makes of it.
    mine: Value,
    /// What was published meanwhile.
    theirs: Value,
}

/// What a draft does to a file.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Deed {
    /// The file is new.
    Made,
    /// The file differs.
    Changed,
    /// The file is taken away.
    Removed,
}

/// One file of a draft.
#[derive(Debug, Serialize, ToSchema)]
struct Prepared {
    /// Relative to the site folder.
    file: String,
    /// What is done to it.
    deed: Deed,
    /// When it was last changed in the draft, UTC.
    updated_at: String,
    /// Every field that differs.
    differences: Vec<Difference>,
    /// Fields that somebody else published with another value meanwhile.
    conflicts: Vec<Clash>,
}

/// The draft of a key.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyDraft {
    /// By file.
    files: Vec<Prepared>,
    /// Why it cannot be shown over what visitors have; empty when it can.
    faults: Vec<String>,
}

/// What the gate says of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    /// It can be published.
    Open,
    /// It can be published with a reason.
    Reason,
    /// Something must be mended first.
    Closed,
}

/// Something that the gate found.
#[derive(Debug, Serialize, ToSchema)]
struct Found {
    /// Relative to the site folder.
    file: String,
    /// JSON pointer of the value to blame; null when it is the file.
    pointer: Option<String>,
    /// Stable name of the rule.
    rule: &'static str,
    /// What is wrong.
    reason: String,
    /// What to do.
    fix: String,
    /// Nothing is published while it is there.
    blocking: bool,
    /// Visitors have it already.
    known: bool,
}

/// The gate's verdict.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Judged {
    /// Whether the draft can be published.
    verdict: Verdict,
    /// What blocks first, what was there before last.
    findings: Vec<Found>,
}

/// How a draft is published.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Publish {
    /// These files alone; all without it.
    #[serde(default)]
    #[schema(required = false, max_items = 1000)]
    files: Vec<String>,
    /// What history says about it.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    message: Option<String>,
    /// Why it is published although the gate warns.
    #[serde(default)]
    #[schema(max_length = 500, required = false)]
    reason: Option<String>,
    /// The draft's values stand where somebody published others meanwhile.
    #[serde(default)]
    #[schema(required = false, default = false)]
    mine_stand: bool,
}

/// A draft that visitors see.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Live {
    /// Number of the revision.
    revision: i64,
    /// The files that left the draft.
    files: Vec<String>,
}

/// A link that shows the draft.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Link {
    /// Whoever has it sees the draft as it is at that time, page by page, without signing in.
    url: String,
    /// When it stops showing anything, UTC.
    expires_at: String,
}

/// Which file of the draft.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// The file, relative to the site folder; the whole draft without it.
    #[param(max_length = 500, nullable = false, example = "data/json/ru/pages/index.json")]
    file: Option<String>,
}

/// The key's draft
///
/// Every key has a draft of its own for each site, beside those of people. What others publish meanwhile is taken into it;
/// where they changed the same field, both values are told.
#[utoipa::path(
    get, path = "/sites/{site}/draft", operation_id = "getDraft", tag = "Drafts",
    params(("site" = String, Path, description = "Key of the site")),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "What it changes", body = KeyDraft, headers(("ETag" = String)))),
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Content>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (_, draft) = own(&platform, &at).await?;
    let faults = draft.snapshot.as_ref().err().into_iter().flatten().map(ToString::to_string).collect();
    let differing = draft.files.iter().filter(|file| file.text != file.live);
    conditional::json(&headers, &KeyDraft { files: differing.map(prepared).collect(), faults })
}

/// What the gate says of the key's draft
#[utoipa::path(
    get, path = "/sites/{site}/draft/verdict", operation_id = "getDraftVerdict", tag = "Drafts",
    params(("site" = String, Path, description = "Key of the site")),
    security(("key" = ["content:read"])),
    responses((status = 200, description = "Whether it can be published, and all that was found", body = Judged,
            headers(("ETag" = String))),
        (status = 409, description = "The draft cannot be shown: `errors` says why", body = Problem,
            content_type = "application/problem+json")),
)]
pub(super) async fn verdict(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Content>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let ground = Ground::of(&platform, &at, Some(true)).await?;
    let gate = platform.editing.judge(&ground.live, &ground.draft).await.map_err(refused)?;
    conditional::json(&headers, &judged(gate))
}

/// Discard the key's draft, or one file of it
#[utoipa::path(
    delete, path = "/sites/{site}/draft", operation_id = "deleteDraft", tag = "Drafts",
    params(("site" = String, Path, description = "Key of the site"), Which),
    security(("key" = ["content:write"])),
    responses((status = 204, description = "It is gone, or was not there")),
)]
pub(super) async fn discard(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Wish(which): Wish<Which>,
) -> Result<Response, Problem> {
    if which.file.as_ref().is_some_and(|file| file.chars().count() > LONGEST) {
        return Err(Problem::bad_request("file", format!("`file` has at most {LONGEST} characters.")));
    }
    let (ground, _) = own(&platform, &at).await?;
    let file = which.file.as_deref().filter(|file| !file.is_empty());
    platform.editing.discard(&ground.live, ground.author.drafter, file).await.map_err(refused)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Publish the key's draft
///
/// All of it or none. The gate judges it as it judges changes made in the console; what others published meanwhile stays
/// unless the draft changes the same field, which is 409 until `mine_stand` says that the draft's values shall stand.
#[utoipa::path(
    post, path = "/sites/{site}/draft/publication", operation_id = "postDraftPublication", tag = "Drafts",
    params(("site" = String, Path, description = "Key of the site")),
    request_body = Publish,
    security(("key" = ["content:write"])),
    responses((status = 200, description = "Visitors see it", body = Live)),
)]
pub(super) async fn publish(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
    Body(wish): Body<Publish>,
) -> Result<Response, Problem> {
    let words = Words::new(wish.message, wish.reason)?;
    if wish.files.len() > FILES {
        return Err(Problem::bad_request("body", format!("`files` names at most {FILES} files.")));
    }
    let (ground, draft) = own(&platform, &at).await?;
    let unknown = wish.files.iter().find(|path| !draft.files.iter().any(|file| file.path == **path));
    if let Some(path) = unknown {
        let path: String = path.chars().take(200).collect();
        let detail = format!("The draft does not change `{path}`: GET the draft to see what it changes.");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "files", detail));
    }
    let named = |file: &&DraftedFile| wish.files.is_empty() || wish.files.contains(&file.path);
    let files: Vec<String> = draft.files.iter().filter(named).map(|file| file.path.clone()).collect();
    let publication =
        Publication { files: wish.files, mine_stand: wish.mine_stand, ..words.publication(&ground.key) };
    let (inside, live, author) = (platform.clone(), ground.live, ground.author);
    // A caller that hangs up must not leave half a publication behind.
    let done = tokio::spawn(async move {
        inside.editing.publish(&live, author, &Access::everything(), publication).await
    });
    let done = done.await.map_err(|error| {
        tracing::error!(error = %error, "a publication through the API was broken off");
        refused(crate::editing::EditingError::Stopping)
    })?;
    match done.map_err(refused)? {
        Published::Live(revision) => answered_as(StatusCode::OK, &Live { revision, files }),
        Published::Waits(_) => Err(refused(crate::editing::EditingError::Past)),
    }
}

/// Open a link that shows the key's draft
///
/// For seven days whoever has the link sees the draft as it is at that time, without signing in; nothing of it runs, and
/// search engines are kept out.
#[utoipa::path(
    post, path = "/sites/{site}/draft/links", operation_id = "postDraftLink", tag = "Drafts",
    params(("site" = String, Path, description = "Key of the site")),
    security(("key" = ["content:write"])),
    responses((status = 201, description = "The link; it is told only once", body = Link)),
)]
pub(super) async fn link(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
) -> Result<Response, Problem> {
    let (ground, _) = own(&platform, &at).await?;
    let expires_at = platform.env.now() + LINK;
    let preview = Preview {
        client_id: at.place.client_id,
        site_id: at.place.site_id,
        drafter: ground.author.drafter,
        expires_at,
    };
    let token = platform.env.token();
    let digest = sha256_hex(&token);
    let kept: Result<(), StoreError> = platform
        .store
        .write(move |tx: &mut Tx| Box::pin(async move { editing::open_preview(tx, &preview, &digest).await }))
        .await;
    kept?;
    let url = format!("{}://{}/console/preview/{token}/", at.origin.scheme, at.origin.host);
    answered_as(StatusCode::CREATED, &Link { url, expires_at: expires_at.to_string() })
}

/// Close all links that show the key's draft
#[utoipa::path(
    delete, path = "/sites/{site}/draft/links", operation_id = "deleteDraftLinks", tag = "Drafts",
    params(("site" = String, Path, description = "Key of the site")),
    security(("key" = ["content:write"])),
    responses((status = 204, description = "They show nothing any more")),
)]
pub(super) async fn close(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Writing>,
) -> Result<Response, Problem> {
    let (ground, _) = own(&platform, &at).await?;
    let (client_id, site_id, drafter) = (at.place.client_id, at.place.site_id, ground.author.drafter);
    let closed: Result<u64, StoreError> = platform
        .store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { editing::close_previews(tx, client_id, site_id, drafter).await })
        })
        .await;
    closed?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The ground over what visitors have, and the key's draft, which may be broken.
async fn own<A: super::scope::Asks>(platform: &Platform, at: &AtSite<A>) -> Result<(Ground, Draft), Problem> {
    let ground = Ground::of(platform, at, None).await?;
    let draft = platform.editing.draft(&ground.live, ground.author.drafter).await.map_err(refused)?;
    Ok((ground, draft))
}

fn prepared(file: &DraftedFile) -> Prepared {
    let value =
        |text: &Option<String>| text.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let (before, after) = (value(&file.live), value(&file.text));
    let deed = match (&file.live, &file.text) {
        (None, _) => Deed::Made,
        (_, None) => Deed::Removed,
        _ => Deed::Changed,
    };
    let told = |conflict: &Conflict| Clash {
        pointer: conflict.pointer.clone(),
        base: conflict.base.clone().unwrap_or_default(),
        mine: conflict.mine.clone().unwrap_or_default(),
        theirs: conflict.theirs.clone().unwrap_or_default(),
    };
    let all = differences(before.as_ref(), after.as_ref()).into_iter();
    Prepared {
        file: file.path.clone(),
        deed,
        updated_at: file.updated_at.to_string(),
        differences: all
            .map(|one| Difference {
                pointer: one.pointer,
                before: one.before.unwrap_or_default(),
                after: one.after.unwrap_or_default(),
            })
            .collect(),
        conflicts: file.conflicts.iter().map(told).collect(),
    }
}

fn judged(gate: Gate) -> Judged {
    let verdict = match (gate.blocks(), gate.warns()) {
        (true, _) => Verdict::Closed,
        (false, true) => Verdict::Reason,
        (false, false) => Verdict::Open,
    };
    let findings = gate.holds.into_iter().map(|hold| Found {
        file: hold.finding.file,
        pointer: hold.finding.pointer,
        rule: hold.finding.rule,
        reason: hold.finding.reason,
        fix: hold.finding.fix,
        blocking: hold.blocking,
        known: hold.known,
    });
    Judged { verdict, findings: findings.collect() }
}

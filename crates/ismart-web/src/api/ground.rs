//! What a call works on: what visitors have, or the draft of the key.

use std::sync::Arc;

use axum::http::{HeaderMap, StatusCode};
use ismart_sites::Snapshot;
use ismart_sites::edit::read;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::access::AtSite;
use super::scope::Asks;
use super::{collections, conditional, pages};
use crate::editing::{Author, Draft, LiveSite, Making};
use crate::origin::text;
use crate::platform::Platform;
use crate::problem::Problem;

/// Whether the key's draft is meant.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct InDraft {
    /// `true` for the key's own draft instead of what visitors have.
    #[param(nullable = false)]
    pub(super) draft: Option<bool>,
}

impl<A: Asks> AtSite<A> {
    /// The same call at the site as the key's draft makes it, when `draft` says so.
    pub(super) async fn over(mut self, platform: &Platform, draft: Option<bool>) -> Result<Self, Problem> {
        if draft == Some(true) {
            let ground = Ground::of(platform, &self, draft).await?;
            self.site = ground.shown;
        }
        Ok(self)
    }
}

/// The state that a call reads and changes.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    pub(super) live: LiveSite,
    pub(super) draft: Draft,
    /// The site as `draft` makes it.
    pub(super) shown: Arc<Snapshot>,
    /// Changes go into the draft, not to visitors.
    pub(super) prepares: bool,
    pub(super) author: Author,
    /// What the key's maker calls it.
    pub(super) key: String,
}

impl Ground {
    /// The ground of a call with a key.
    pub(super) async fn of<A: Asks>(
        platform: &Platform,
        at: &AtSite<A>,
        draft: Option<bool>,
    ) -> Result<Self, Problem> {
        let key = at.key().ok_or_else(Problem::no_key)?;
        let live = LiveSite { snapshot: at.site.clone(), place: at.place.clone() };
        let author = Author::key(key.id, key.made_by);
        let prepares = draft == Some(true);
        let draft = if prepares {
            platform.editing.draft(&live, author.drafter).await.map_err(super::writing::refused)?
        } else {
            Draft::empty(&live)
        };
        let shown = draft.snapshot.clone().map_err(|findings| {
            let detail =
                "The key's draft cannot be shown over what was published since: discard what `errors` names.";
            let errors =
                findings.iter().map(|found| (format!("{} {}", found.file, found.rule), found.reason.clone()));
            Problem::new(StatusCode::CONFLICT, "broken_draft", detail).with_errors(errors.collect())
        })?;
        Ok(Self { shown, live, draft, prepares, author, key: key.name.clone() })
    }

    /// Makes pages and entities of a language here.
    pub(super) fn making<'g>(&'g self, language: &'g str) -> Making<'g> {
        Making { site: &self.live, draft: &self.draft, language }
    }

    /// The text of a file.
    pub(super) fn text(&self, file: &str) -> Result<Option<String>, Problem> {
        self.draft.text(&self.live, file).map_err(super::writing::refused)
    }

    /// Refuses a change that was made from another state than this one; gives the text of the target's file.
    pub(super) fn unchanged(
        &self,
        headers: &HeaderMap,
        target: &Target<'_>,
    ) -> Result<(String, Option<String>), Problem> {
        let file = target.file(&self.shown)?;
        let text = self.text(&file)?;
        let detail = "Send `If-Match` with the `ETag` of what you read: nobody's change is then overwritten.";
        let given = self::text(headers, "if-match");
        let given = given.ok_or_else(|| Problem::bad_request("if_match", detail))?;
        let etag = conditional::etag(&target.encoded(&self.shown)?);
        // What lies in the folder may be newer than what is served.
        let lies = text.as_deref().and_then(|text| read(&file, text).ok());
        let served = self.shown.json(&file);
        // `*` would match whatever somebody else wrote meanwhile.
        if given.trim() != "*" && conditional::names(given, &etag) && lies.as_ref() == served {
            return Ok((file, text));
        }
        Err(moved())
    }
}

/// 412: somebody was faster.
pub(super) fn moved() -> Problem {
    let detail = "It was changed since you read it: read it again, make your change anew, and send that.";
    Problem::new(StatusCode::PRECONDITION_FAILED, "changed", detail)
}

/// What is read and changed as a whole, under one tag.
#[derive(Debug, Clone, Copy)]
pub(super) enum Target<'t> {
    /// A page: language, id.
    Page(&'t str, &'t str),
    /// The SEO of a page: language, id.
    Seo(&'t str, &'t str),
    /// The facts that all pages share.
    Facts,
    /// An entity: language, collection, slug.
    Entity(&'t str, &'t str, &'t str),
}

impl Target<'_> {
    /// Its file, whether or not it is there.
    fn file(&self, site: &Snapshot) -> Result<String, Problem> {
        match *self {
            Self::Page(language, id) => Ok(pages::find(site, language, id)?.file),
            Self::Seo(language, id) => Ok(pages::find(site, language, id)?.seo_file),
            Self::Facts => Ok("data/json/global.json".to_owned()),
            Self::Entity(language, collection, slug) => {
                let file = collections::find(site, language, collection, slug)?.file;
                let detail = "A feed brings this entity: change it there.";
                let fed = || Problem::new(StatusCode::CONFLICT, "feed", detail);
                file.map(str::to_owned).ok_or_else(fed)
            }
        }
    }

    /// The bytes of the answer that reads it.
    fn encoded(&self, site: &Snapshot) -> Result<Vec<u8>, Problem> {
        match *self {
            Self::Page(language, id) => conditional::encoded(&pages::shown(pages::find(site, language, id)?)),
            Self::Seo(language, id) => {
                conditional::encoded(&pages::shown_seo(pages::find(site, language, id)?))
            }
            Self::Facts => conditional::encoded(site.global()),
            Self::Entity(language, collection, slug) => {
                let entry = collections::find(site, language, collection, slug)?;
                conditional::encoded(&collections::shown(collection, language, entry))
            }
        }
    }

    /// Its tag, unless it is not there or nobody can see it.
    pub(super) fn etag(&self, site: &Snapshot) -> Option<String> {
        self.encoded(site).ok().map(|bytes| conditional::etag(&bytes))
    }
}

/// What came of a change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Changed {
    /// Number of the revision; null when nothing was to be changed, or the change waits in the key's draft.
    pub(super) revision: Option<i64>,
    /// The file that holds it, relative to the site folder.
    pub(super) file: String,
    /// The tag that it has now, for the next change; null when it is gone or cannot be seen.
    pub(super) etag: Option<String>,
}

//! The site's screens: its pages and collections, click-to-edit on the real page, forms, changes, history, redirects,
//! SEO, and who may change what.

mod changes;
mod content;
mod feed;
mod field;
mod files;
mod form;
mod history;
mod people;
mod preview;
mod raw;
mod redirects;
mod save;
mod seo;
mod stage;
mod tree;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::response::Html;
use axum::routing::{get, post};
use ismart_domain::UserId;
use ismart_domain::user::Right;
use serde::Serialize;

use super::fault::Fault;
use super::page::Place;
use super::seat::Seat;
use crate::editing::{Access, Draft, EditingError, LiveSite, MakingError};
use crate::platform::Platform;

pub(super) use preview::open as open_preview;

/// Where each value of a site is seen, by the number of its snapshot; a few sites are kept.
#[derive(Debug)]
pub(super) struct Usages(quick_cache::sync::Cache<u64, Arc<ismart_sites::edit::Usage>>);

impl Default for Usages {
    fn default() -> Self {
        Self(quick_cache::sync::Cache::new(32))
    }
}

/// The largest body of a form of these screens, bytes: a whole file may be in it.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The screens, all of them below `/site`.
pub(super) fn router() -> Router<Arc<Platform>> {
    Router::new()
        .route("/site", get(content::sites))
        .route("/site/{site}", get(content::show))
        .route("/site/{site}/edit", get(stage::show))
        .route("/site/{site}/page", get(stage::page))
        .route("/site/{site}/page/", get(stage::page))
        .route("/site/{site}/page/{*path}", get(stage::page))
        .route("/site/{site}/field", get(field::show))
        .route("/site/{site}/used", get(field::used))
        .route("/site/{site}/form", get(form::show))
        .route("/site/{site}/save", post(save::save))
        .route("/site/{site}/raw", get(raw::show).post(raw::save))
        .route("/site/{site}/files", post(files::change))
        .route("/site/{site}/feed", post(feed::fetch))
        .route("/site/{site}/changes", get(changes::show))
        .route("/site/{site}/gate", get(changes::judged))
        .route("/site/{site}/publish", post(changes::publish))
        .route("/site/{site}/discard", post(changes::discard))
        .route("/site/{site}/schedule", post(changes::cancel))
        .route("/site/{site}/link", post(changes::link))
        .route("/site/{site}/history", get(history::show))
        .route("/site/{site}/history/{seq}", get(history::revision))
        .route("/site/{site}/restore", post(history::restore))
        .route("/site/{site}/redirects", get(redirects::show))
        .route("/site/{site}/rule", post(redirects::rule))
        .route("/site/{site}/missing", post(redirects::forget))
        .route("/site/{site}/seo", get(seo::show))
        .route("/site/{site}/snippet", get(seo::typed))
        .route("/site/{site}/people", get(people::show).post(people::change))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
}

impl From<EditingError> for Fault {
    fn from(error: EditingError) -> Self {
        match error {
            EditingError::Missing => Self::Missing,
            EditingError::Forbidden => Self::Forbidden,
            EditingError::Conflicts(_) | EditingError::Moved(_) => Self::Led("site.fault.conflict"),
            EditingError::Held(_) => Self::Led("site.fault.held"),
            EditingError::Nothing => Self::Invalid("site.fault.nothing"),
            EditingError::Past => Self::Invalid("site.fault.past"),
            EditingError::Edit(_) | EditingError::Broken(_) => Self::Invalid("site.fault.edit"),
            error @ (EditingError::Write(_)
            | EditingError::Read(_)
            | EditingError::Store(_)
            | EditingError::Stopping) => {
                tracing::error!(error = %error, "editing failed");
                Self::Store
            }
        }
    }
}

impl From<MakingError> for Fault {
    fn from(error: MakingError) -> Self {
        match error {
            MakingError::Name => Self::Invalid("site.fault.name"),
            MakingError::Exists => Self::Invalid("site.fault.exists"),
            MakingError::Missing | MakingError::Fed => Self::Missing,
            MakingError::Editing(error) => error.into(),
        }
    }
}

/// A site of the client that the person looks at, with what he may change of it.
pub(super) struct Opened {
    pub(super) site: LiveSite,
    pub(super) access: Access,
    pub(super) user: UserId,
    pub(super) draft: Draft,
}

/// Opens a site for a person: it must be his client's, and some part of it his to change.
pub(super) async fn open(platform: &Platform, seat: &Seat, key: &str) -> Result<Opened, Fault> {
    let site = platform.editing.site(key).filter(|site| site.place.client_id == seat.client.id);
    let site = site.ok_or(Fault::Missing)?;
    let user = &seat.session.user;
    let access = Access::of(&platform.store, user, site.place.client_id, site.place.site_id).await?;
    if !access.any() {
        return Err(Fault::Forbidden);
    }
    let draft = platform.editing.draft(&site, user.id).await?;
    Ok(Opened { site, access, user: user.id, draft })
}

/// What stands above every screen of a site.
#[derive(Debug, Serialize)]
pub(super) struct SiteBar {
    key: String,
    name: String,
    /// The screens.
    tabs: Vec<TabLine>,
    /// Files that the draft changes.
    drafted: usize,
    /// Address of the live site, as far as it is known.
    live: String,
}

#[derive(Debug, Serialize)]
struct TabLine {
    href: String,
    title: &'static str,
    current: bool,
}

#[derive(Serialize)]
struct Screen<'p, T: Serialize> {
    bar: SiteBar,
    body: &'p T,
}

impl Opened {
    fn bar(&self, seat: &Seat, tab: &'static str) -> SiteBar {
        let config = self.site.snapshot.config();
        let host = config.hosts.first().map(|host| format!("https://{host}"));
        SiteBar {
            key: config.site.clone(),
            name: config.name.clone(),
            tabs: TABS
                .iter()
                .filter(|(name, _)| *name != "people" || seat.may(Right::AppointEditors))
                .map(|(name, title)| TabLine {
                    href: match *name {
                        "content" => format!("/console/site/{}", config.site),
                        name => format!("/console/site/{}/{name}", config.site),
                    },
                    title: seat.texts().get(title),
                    current: *name == tab,
                })
                .collect(),
            drafted: self.draft.files.iter().filter(|file| file.text != file.live).count(),
            live: config.base_url.clone().or(host).unwrap_or_default(),
        }
    }

    /// A screen of the site in the frame of the console.
    pub(super) async fn screen(
        &self,
        platform: &Platform,
        seat: &Seat,
        tab: &'static str,
        template: &str,
        body: &impl Serialize,
    ) -> Result<Html<String>, Fault> {
        let bar = self.bar(seat, tab);
        let own = bar.tabs.iter().find(|line| line.current).map_or("", |line| line.title);
        let title = format!("{own} · {}", bar.name);
        seat.page(platform, Place::Site, title, template, &Screen { bar, body }).await
    }
}

/// Screens of a site and the keys of their names.
const TABS: &[(&str, &str)] = &[
    ("content", "site.tab.content"),
    ("edit", "site.tab.edit"),
    ("changes", "site.tab.changes"),
    ("history", "site.tab.history"),
    ("redirects", "site.tab.redirects"),
    ("seo", "site.tab.seo"),
    ("people", "site.tab.people"),
];

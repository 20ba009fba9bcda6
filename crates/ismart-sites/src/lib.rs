//! Client sites: load, check, route, render.
//!
//! A site is a folder: `config/site.toml`, JSON content, Twig templates, files. [`SiteFolder::load`] reads it
//! whole into an immutable [`Snapshot`], or says everything that is wrong with it; [`Snapshot::answer`] turns a
//! [`Request`] into an [`Answer`] without touching the disk; [`check`] finds what would disappoint visitors;
//! a [`Fleet`] finds the site of a host.
//!
//! ```no_run
//! use ismart_sites::{Answer, External, Request, SiteFolder};
//! # let now = jiff::Timestamp::UNIX_EPOCH;
//! let site = SiteFolder::new("examples/avtograd").load(&External::default()).expect("a sound site");
//! match site.answer(&Request::get("localhost", "/contacts", now)) {
//!     Answer::Page(page) => println!("{} {}", page.status, page.key.title),
//!     other => println!("{other:?}"),
//! }
//! ```

mod answer;
mod check;
mod config;
mod content;
mod conventions;
mod core;
mod document;
mod drift;
pub mod edit;
mod error_page;
mod files;
mod finding;
mod fleet;
mod folder;
mod forms;
mod fragment;
mod host;
mod inventory;
mod json;
pub mod legacy;
mod listing;
mod path;
mod picture;
mod redirects;
mod render;
mod rollout;
mod route;
pub mod rules;
mod seo;
mod snapshot;
mod templates;
mod view;

pub use answer::{Answer, Cache, FileBody, Page, PageKey, PerRequest, Request};
pub use check::check;
pub use config::{
    Builder, Collection, CollectionSource, Duplicates, Fill, Fonts, Legacy, LegacyCollection, ListParams,
    Mend, Methods, OWNED_ELSEWHERE, Place, SITE_TOML, SiteConfig, SitemapList, TrailingSlash, Variables,
};
pub use conventions::{Fixed, conventions, fix};
pub use core::{Core, CoreChoice, Cores, Difference, Override};
pub use document::Document;
pub use drift::{AREAS, Drift, Expected, area_of};
pub use finding::{Finding, Position, Severity};
pub use fleet::{Fleet, HostConflict};
pub use folder::{External, SiteFolder};
pub use forms::{FormField, FormShape};
pub use fragment::{FragmentError, SectionKey};
pub use inventory::{EntityEntry, PageEntry, RedirectRule, SectionEntry, pictures_of};
pub use rollout::{PageChange, Rollout, RolloutError, Rollouts, Step, StepState, Wave};
pub use snapshot::{Resolution, Snapshot};
pub use templates::{RenderFailure, TEMPLATE_CONTEXT, TEMPLATE_FUNCTIONS};

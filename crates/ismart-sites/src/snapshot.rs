//! One site, loaded: immutable, shared between threads, replaced whole. See `site.contract.md`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use arc_swap::ArcSwap;
use jiff::Timestamp;
use serde_json::Value;

use crate::config::SiteConfig;
use crate::content::{Content, Entity};
use crate::core::Core;
use crate::document::{Document, documents};
use crate::files::FileIndex;
use crate::finding::Finding;
use crate::host::{Host, Parts};
use crate::legacy::Visible;
use crate::redirects::Redirects;
use crate::route::Route;
use crate::templates::Array;
use crate::view::{View, has_twig};

/// Base addresses under which one site is kept ready. Beyond them an address that nobody configured is
/// answered with the links of the first one, so that forged `Host` headers cannot fill the memory.
const VIEWS: usize = 8;

/// Numbers the snapshots of this process.
static SNAPSHOTS: AtomicU64 = AtomicU64::new(0);

/// A site folder in memory: content, templates, redirects, files. Nothing is read from disk to answer.
#[derive(Debug)]
pub struct Snapshot {
    number: u64,
    parts: Arc<Parts>,
    /// What was made ready for each base address; the only thing that grows, up to [`VIEWS`].
    views: ArcSwap<Vec<Arc<View>>>,
    building: Mutex<()>,
    faults: Vec<Finding>,
    /// What visitors can see of the collections of a legacy site.
    visible: OnceLock<Visible>,
    texts: crate::edit::Texts,
}

/// What a path of a site stands for, for checks and tools.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// A page or an entity.
    Page,
    /// A file, the sitemap or robots.txt.
    File,
    /// Another address.
    Redirect(String),
    /// Nothing: 404.
    Missing,
}

impl Snapshot {
    pub(crate) fn new(parts: Parts) -> Self {
        let mut snapshot = Self::with_faults(parts, Vec::new());
        let view = snapshot.view(&primary_base(&snapshot.parts.config));
        snapshot.faults = view.engine.faults(&snapshot.parts.templates);
        snapshot
    }

    /// A snapshot whose templates were checked before.
    pub(crate) fn with_faults(parts: Parts, faults: Vec<Finding>) -> Self {
        let parts = Arc::new(parts);
        let base = primary_base(&parts.config);
        let snapshot = Self {
            number: SNAPSHOTS.fetch_add(1, Ordering::Relaxed),
            parts,
            views: ArcSwap::default(),
            building: Mutex::new(()),
            faults,
            visible: OnceLock::new(),
            texts: crate::edit::Texts::default(),
        };
        let view = snapshot.build_view(&base);
        snapshot.views.store(Arc::new(vec![Arc::new(view)]));
        snapshot
    }

    /// The texts of its content, for those who look for one.
    pub(crate) fn texts(&self) -> &crate::edit::Texts {
        &self.texts
    }

    /// Everything that it was made of.
    pub(crate) fn parts(&self) -> &Parts {
        &self.parts
    }

    fn build_view(&self, base_url: &str) -> View {
        View::build(self, Host { parts: self.parts.clone(), base_url: base_url.into() })
    }

    /// What is ready for a base address; made on its first use.
    pub(crate) fn view(&self, base_url: &str) -> Arc<View> {
        let find = || self.views.load().iter().find(|view| view.base_url() == base_url).cloned();
        if let Some(view) = find() {
            return view;
        }
        let guard = self.building.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = find() {
            return view;
        }
        let mut views = self.views.load().as_ref().clone();
        if let Some(first) = views.first().filter(|_| views.len() >= VIEWS) {
            return first.clone();
        }
        let view = Arc::new(self.build_view(base_url));
        views.push(view.clone());
        self.views.store(Arc::new(views));
        drop(guard);
        view
    }

    /// The base address of a request: the configured one, or that of the request.
    pub(crate) fn base_url(&self, scheme: &str, host: &str) -> String {
        if let Some(base) = &self.parts.config.base_url {
            return base.clone();
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.[]:_".contains(&b);
        if host.is_empty() || !host.bytes().all(plain) {
            return primary_base(&self.parts.config);
        }
        let scheme = if scheme == "http" { "http" } else { "https" };
        format!("{scheme}://{}", host.to_ascii_lowercase())
    }

    /// Unique in this process: what was kept of one snapshot is never taken for another's.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn legacy_visible(&self) -> &Visible {
        self.visible.get_or_init(|| Visible::of(self))
    }

    /// The site's configuration.
    #[must_use]
    pub fn config(&self) -> &SiteConfig {
        &self.parts.config
    }

    /// The folder it was read from.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.parts.root
    }

    /// The content of a JSON file under `data/`, by its path relative to the site folder.
    #[must_use]
    pub fn json(&self, path: &str) -> Option<&Value> {
        self.parts.content.files.get(path).map(AsRef::as_ref)
    }

    /// `data/json/global.json`.
    #[must_use]
    pub fn global(&self) -> &Value {
        &self.parts.content.global
    }

    /// The codes of the languages that have content, the default first.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.parts.content.languages.iter().map(|language| language.code.as_str())
    }

    /// Templates that do not compile. Pages that use one answer 500, all others work; a reload is better
    /// refused while there are any.
    #[must_use]
    pub fn template_faults(&self) -> &[Finding] {
        &self.faults
    }

    /// JSON files that do not parse, of a site of the PHP platform: it goes on without them, as it always did.
    #[must_use]
    pub fn broken_files(&self) -> &[Finding] {
        &self.parts.broken
    }

    /// What a path (percent-encoded, with leading slash) stands for.
    #[must_use]
    pub fn resolve(&self, path: &str) -> Resolution {
        match self.route(path, None) {
            Route::Page(_) => Resolution::Page,
            Route::File(_) | Route::Sitemap | Route::Robots => Resolution::File,
            Route::Redirect { location, .. } => Resolution::Redirect(location),
            Route::Missing { .. } => Resolution::Missing,
        }
    }

    /// Every page that visitors can see, for the knowledge index: the pages of each language, then the
    /// visible entities of its collections. Error pages are left out.
    pub fn documents(&self) -> impl Iterator<Item = Document<'_>> {
        documents(self)
    }

    /// A value of the content with the Twig of its strings rendered, as a visitor at `now` reads it; a string that
    /// cannot be rendered becomes empty. For the knowledge index and for proofs of consent.
    #[must_use]
    pub fn resolved(&self, value: &Value, now: Timestamp) -> Value {
        let view = self.view(&primary_base(&self.parts.config));
        let Some(language) = self.languages().next().and_then(|code| view.language(code)) else {
            return value.clone();
        };
        let own = Array::new();
        let render =
            |text: &str| view.engine.render_text(text, &own, &language.shared, now).unwrap_or_default();
        resolve(value, &render)
    }

    /// What people call the entity of a collection whose slug, id or VIN is `key`.
    #[must_use]
    pub fn entity_title(&self, key: &str) -> Option<String> {
        let language = self.parts.content.languages.first()?;
        self.parts.config.collections.values().find_map(|collection| {
            let all = &language.entities(&collection.key)?.all;
            let named = |entity: &&Entity| {
                let is = |field: &str| {
                    entity.item(collection).get(field).and_then(Value::as_str).is_some_and(|text| text == key)
                };
                entity.slug == key || is("id") || is("vin")
            };
            all.iter().find(named).map(|entity| entity.name(collection).to_owned())
        })
    }

    pub(crate) fn content(&self) -> &Content {
        &self.parts.content
    }

    pub(crate) fn files(&self) -> &FileIndex {
        &self.parts.files
    }

    pub(crate) fn redirects(&self) -> &Redirects {
        &self.parts.redirects
    }

    pub(crate) fn templates(&self) -> &BTreeMap<String, Arc<str>> {
        &self.parts.templates
    }

    /// The core that the site is built on.
    #[must_use]
    pub fn core(&self) -> Option<&Arc<Core>> {
        self.parts.core.as_ref()
    }
}

fn resolve(value: &Value, render: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::String(text) if has_twig(text) => Value::String(render(text)),
        Value::Array(items) => items.iter().map(|item| resolve(item, render)).collect(),
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (key.clone(), resolve(item, render)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        other => other.clone(),
    }
}

/// The base address for everything that has no request.
pub(crate) fn primary_base(config: &SiteConfig) -> String {
    match &config.base_url {
        Some(base) => base.clone(),
        None => format!("https://{}", config.hosts.first().map_or("localhost", String::as_str)),
    }
}

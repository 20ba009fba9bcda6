//! Sites of the PHP platform: told apart, read as they are, never executed, and answered as PHP answers. Every
//! difference between generations is a policy of the site (`[legacy]` of its `config/site.toml`).

pub mod compare;
mod content;
mod detect;
mod env;
mod files;
mod functions;
mod import;
mod json;
mod php;
mod render;
mod route;
mod seo;
mod sitemap;
mod view;

pub use detect::{Detected, Generation, detect};
pub use import::{
    ImportError, Imported, Item, Options, WriteError, import, is_ours, write_in_place, write_to,
};
pub use php::Unread;

pub(crate) use content::Visible;
pub(crate) use files::open_files;
pub(crate) use functions::all as functions;
pub(crate) use view::{LegacyView, globals};

use crate::answer::Request;
use crate::config::Legacy;
use crate::route::{Route, Target};
use crate::snapshot::{Snapshot, primary_base};
use route::{Body, Found, Shown};

/// The base address that templates print, without final slash.
pub(crate) fn links_base(policies: &Legacy, base_url: &str) -> String {
    let base = policies.link_base_url.as_deref().unwrap_or(base_url);
    match base.strip_prefix("http://").filter(|_| policies.production) {
        Some(rest) => format!("https://{rest}"),
        None => base.to_owned(),
    }
}

impl Snapshot {
    /// What a path of a legacy site stands for, in the words of the router.
    pub(crate) fn legacy_as_route(&self, policies: &Legacy, path: &str, query: Option<&str>) -> Route<'_> {
        let base_url = primary_base(self.config());
        let (scheme, host) = base_url.split_once("://").unwrap_or(("https", &base_url));
        let request = Request { scheme, query, ..Request::get(host, path, jiff::Timestamp::UNIX_EPOCH) };
        match self.legacy_route(policies, &request, &base_url) {
            Found::File(file) => Route::File(file),
            Found::Sitemap => Route::Sitemap,
            Found::Method => Route::Missing { language: 0, in_url: false },
            Found::Redirect { status, location } => {
                let own = location.strip_prefix(&base_url).map(str::to_owned);
                Route::Redirect { status, location: own.unwrap_or(location), rule: false }
            }
            Found::Page(shown) => {
                let languages = &self.content().languages;
                let at = languages.iter().position(|language| language.code == shown.language.code);
                let missing = Route::Missing { language: at.unwrap_or(0), in_url: shown.in_url };
                if shown.status == 404 {
                    missing
                } else {
                    self.as_target(*shown).map_or(missing, Route::Page)
                }
            }
        }
    }

    fn as_target<'s>(&'s self, shown: Shown<'s>) -> Option<Target<'s>> {
        let language = shown.language;
        let (page_id, slug) = match shown.body {
            Body::Page { .. } => (language.pages.get_key_value(&shown.page_id)?.0.as_str(), None),
            Body::AtRoot(collection) => {
                (collection.list_page_id.as_str(), Some((collection, shown.page_id.clone())))
            }
            Body::UnderList(collection) => {
                (collection.list_page_id.as_str(), Some((collection, shown.params.first()?.clone())))
            }
        };
        let entity = match slug {
            Some((collection, slug)) => Some((collection, language.entities(&collection.key)?.get(&slug)?)),
            None => None,
        };
        Some(Target { language, page_id, params: shown.params, in_url: shown.in_url, entity })
    }

    /// The codes that a legacy site declares in its settings, the default first.
    pub(crate) fn legacy_languages(&self) -> Vec<String> {
        let said = self.config().settings.get("available_langs").and_then(serde_json::Value::as_array);
        let said: Vec<String> =
            said.into_iter().flatten().filter_map(|code| Some(code.as_str()?.to_owned())).collect();
        if said.is_empty() { self.content().codes.clone() } else { said }
    }
}

//! Which parts of a site a person may change.

use ismart_domain::user::{Right, Role, User};
use ismart_domain::{ClientId, SiteId};
use ismart_sites::Snapshot;
use ismart_sites::edit::differences;
use ismart_store::editing::{Grant, grants_of};
use ismart_store::{Store, StoreError};
use serde_json::Value;

/// What a person may change of one site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Everything, and publish it.
    pub whole: bool,
    /// Part → whether he may publish it.
    parts: Vec<(String, bool)>,
}

impl Access {
    /// What `user` may do on a site: his role opens it; an editor with grants is held to them.
    ///
    /// # Errors
    /// [`StoreError`] of the engine.
    pub async fn of(
        store: &Store,
        user: &User,
        client_id: ClientId,
        site_id: SiteId,
    ) -> Result<Self, StoreError> {
        if !user.role.may(Right::EditSite) {
            return Ok(Self { whole: false, parts: Vec::new() });
        }
        if user.role != Role::Editor {
            return Ok(Self::everything());
        }
        let grants = grants_of(&mut store.read().await?, client_id, user.id).await?;
        if grants.is_empty() {
            return Ok(Self::everything());
        }
        Ok(Self::granted(grants.into_iter().filter(|grant| grant.site_id == site_id)))
    }

    /// Everything.
    #[must_use]
    pub fn everything() -> Self {
        Self { whole: true, parts: Vec::new() }
    }

    /// Exactly these grants of one site.
    #[must_use]
    pub fn granted(grants: impl Iterator<Item = Grant>) -> Self {
        let parts: Vec<(String, bool)> = grants.map(|grant| (grant.scope, grant.may_publish)).collect();
        Self { whole: parts.iter().any(|(scope, publish)| scope == "*" && *publish), parts }
    }

    /// Whether there is anything of the site that he may change.
    #[must_use]
    pub fn any(&self) -> bool {
        self.whole || !self.parts.is_empty()
    }

    /// Whether he may change the value at `pointer` of `file`; `page` is the file's content, if it is there.
    #[must_use]
    pub fn may_edit(&self, site: &Snapshot, file: &str, pointer: &str, page: Option<&Value>) -> bool {
        self.whole || self.reaches(site, file, pointer, page, false)
    }

    /// Whether he may publish the change of a file from `before` to `after`: every field that differs must be his.
    #[must_use]
    pub fn may_publish(
        &self,
        site: &Snapshot,
        file: &str,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> bool {
        self.whole
            || differences(before, after)
                .iter()
                .all(|change| self.reaches(site, file, &change.pointer, before.or(after), true))
    }

    fn reaches(
        &self,
        site: &Snapshot,
        file: &str,
        pointer: &str,
        page: Option<&Value>,
        publish: bool,
    ) -> bool {
        let scopes = [scope_of_file(site, file), scope_of_section(file, pointer, page)];
        self.parts.iter().any(|(scope, may_publish)| {
            (*may_publish || !publish) && (scope == "*" || scopes.iter().flatten().any(|own| own == scope))
        })
    }
}

/// The part that a file belongs to.
#[must_use]
pub(crate) fn scope_of_file(site: &Snapshot, file: &str) -> Option<String> {
    if file == "config/redirects.json" {
        return Some("redirects".to_owned());
    }
    if file == "data/json/global.json" {
        return Some("facts".to_owned());
    }
    let (_, rest) = file.strip_prefix("data/json/")?.split_once('/')?;
    let (folder, name) = rest.rsplit_once('/')?;
    let id = name.strip_suffix(".json")?;
    match folder {
        "pages" => Some(format!("page:{id}")),
        "seo" => Some("seo".to_owned()),
        folder => {
            let mut collections = site.config().collections.values();
            collections
                .find(|c| c.data_dir == folder)
                .map(|collection| format!("collection:{}", collection.key))
        }
    }
}

/// The part of a section: its name, wherever it stands.
fn scope_of_section(file: &str, pointer: &str, page: Option<&Value>) -> Option<String> {
    let at = pointer.strip_prefix("/sections/")?.split('/').next()?;
    let name = page?.pointer(&format!("/sections/{at}/name"))?.as_str()?;
    file.contains("/pages/").then(|| format!("section:{name}"))
}

//! Unpublished changes over a snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::disk::{Changes, editable};
use crate::config::CollectionSource;
use crate::content::Content;
use crate::finding::Finding;
use crate::json;
use crate::redirects::{REDIRECTS, Redirects};
use crate::snapshot::Snapshot;

impl Snapshot {
    /// The site as it would be with `changes`: templates, files and feeds stay those of this snapshot, so nothing
    /// is read from disk.
    ///
    /// # Errors
    /// Every fault that makes the changed content unusable, each with its file and place.
    pub fn overlaid(&self, changes: &Changes) -> Result<Arc<Self>, Vec<Finding>> {
        let mut findings = Vec::new();
        let mut parts = self.parts().clone();
        let mut files = parts.content.files.clone();
        for (path, change) in changes {
            if !editable(path) {
                findings.push(Finding::error(
                    "edit.file",
                    path,
                    "this file is not content",
                    "change JSON files under data/json and config/redirects.json only",
                ));
                continue;
            }
            match change {
                Some(text) => match json::parse(path, text) {
                    Ok(value) if path == REDIRECTS => {
                        parts.redirects = Redirects::read(text, &value, &mut findings);
                    }
                    Ok(value) => {
                        files.insert(path.clone(), Arc::new(value));
                    }
                    Err(finding) => findings.push(*finding),
                },
                None if path == REDIRECTS => parts.redirects = Redirects::default(),
                None => {
                    files.remove(path);
                }
            }
        }
        if !findings.is_empty() {
            return Err(findings);
        }
        parts.content = Content::build(&parts.config, files, &self.feeds(), &mut findings);
        if findings.is_empty() {
            Ok(Arc::new(Self::with_faults(parts, self.template_faults().to_vec())))
        } else {
            Err(findings)
        }
    }

    /// The entities that feeds brought, by collection.
    fn feeds(&self) -> BTreeMap<String, Vec<Value>> {
        let fed = |key: &str| {
            let language = self.content().languages.first()?;
            let all = &language.entities(key)?.all;
            Some(all.iter().map(|entity| entity.json.as_ref().clone()).collect())
        };
        let collections = self.config().collections.values();
        collections
            .filter(|collection| collection.source == CollectionSource::Feed)
            .map(|collection| (collection.key.clone(), fed(&collection.key).unwrap_or_default()))
            .collect()
    }
}

//! What the site's own Twig functions answer, free of the template engine.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::config::{SiteConfig, TrailingSlash};
use crate::content::Content;
use crate::core::Core;
use crate::files::{FileIndex, Size};
use crate::finding::Finding;
use crate::json;
use crate::redirects::Redirects;

/// Build manifests of a site, as its tools wrote them.
#[derive(Debug, Default, Clone)]
pub(crate) struct Manifests {
    js: Option<Arc<Value>>,
    css: Option<Arc<Value>>,
    sizes: Option<HashMap<String, Size>>,
}

/// Where the build of the scripts writes its manifest.
const JS: &str = "/assets/js/build/asset-manifest.json";
/// Where the build of the styles writes its manifest.
const CSS: &str = "/assets/css/build/css-manifest.json";
/// Where the build of the pictures writes their sizes, newest generation first.
const SIZES: &[&str] = &["/assets/img/build/image-dimensions.json", "/data/img/image-dimensions.json"];

impl Manifests {
    /// Reads what is there; a broken manifest counts as absent.
    pub(crate) fn read(files: &mut FileIndex) -> Self {
        let read = |files: &FileIndex, path| {
            let value: Value = serde_json::from_str(files.text(path)?).ok()?;
            value.is_object().then(|| Arc::new(value))
        };
        let manifests = Self {
            js: read(files, JS),
            css: read(files, CSS),
            sizes: SIZES.iter().find_map(|path| read(files, path)).map(|value| sizes(&value)),
        };
        for manifest in [&manifests.js, &manifests.css].into_iter().flatten() {
            for path in
                manifest.as_object().into_iter().flat_map(|map| map.values()).filter_map(Value::as_str)
            {
                files.mark_immutable(&format!("/{}", path.trim_start_matches('/')));
            }
        }
        manifests
    }
}

/// Name of a picture → its size, as a build wrote them.
pub(crate) fn sizes(value: &Value) -> HashMap<String, Size> {
    let side = |entry: &Value, key| entry.get(key)?.as_u64().and_then(|n| u32::try_from(n).ok());
    let map = value.as_object().into_iter().flatten();
    map.filter_map(|(path, entry)| Some((path.clone(), (side(entry, "width")?, side(entry, "height")?))))
        .collect()
}

/// Everything that was read from a site folder; never changes.
#[derive(Debug, Clone)]
pub(crate) struct Parts {
    pub(crate) root: PathBuf,
    pub(crate) config: SiteConfig,
    pub(crate) content: Content,
    pub(crate) redirects: Redirects,
    pub(crate) files: FileIndex,
    pub(crate) manifests: Manifests,
    /// Name relative to `templates/` → source.
    pub(crate) templates: BTreeMap<String, Arc<str>>,
    /// What the site is built on.
    pub(crate) core: Option<Arc<Core>>,
    /// JSON files of a legacy site that do not parse: to such a site they are not there.
    pub(crate) broken: Vec<Finding>,
}

/// The site as its templates see it under one base address.
#[derive(Debug, Clone)]
pub(crate) struct Host {
    pub(crate) parts: Arc<Parts>,
    /// Without final slash.
    pub(crate) base_url: Arc<str>,
}

impl Host {
    /// `url(path)`: the full address of a path of the site.
    pub(crate) fn url(&self, path: Option<&str>) -> String {
        let Some(path) = path else { return "#".to_owned() };
        const FOREIGN: &[&str] = &["http://", "https://", "#", "tel:", "mailto:"];
        if FOREIGN.iter().any(|start| path.starts_with(start)) {
            return path.to_owned();
        }
        let path = path.trim_start_matches('/');
        if path.starts_with("data/") || path.starts_with("assets/") {
            return format!("/{path}");
        }
        // A query or fragment is no part of the path that the slash policy is about.
        let end = path.find(['?', '#']).unwrap_or(path.len());
        let (path, rest) = path.split_at_checked(end).unwrap_or((path, ""));
        let dotted = path.rsplit('/').next().is_some_and(|name| name.contains('.'));
        let policy = self.parts.config.trailing_slash;
        let shaped = match policy {
            _ if dotted || path.is_empty() => path.to_owned(),
            TrailingSlash::Never => path.trim_end_matches('/').to_owned(),
            TrailingSlash::Always => format!("{}/", path.trim_end_matches('/')),
            TrailingSlash::AsIs => path.to_owned(),
        };
        format!("{}/{shaped}{rest}", self.base_url)
    }

    /// `assetUrl(name, kind)`: the address of a script or style that changes with its content.
    pub(crate) fn asset_url(&self, name: &str, kind: &str) -> Result<String, String> {
        let manifest = match kind {
            "js" => &self.parts.manifests.js,
            "css" => &self.parts.manifests.css,
            _ => return Err(format!("assetUrl: the kind `{kind}` is unknown: use \"js\" or \"css\"")),
        };
        let bare = name.trim_start_matches('/');
        let built =
            manifest.as_deref().and_then(|map| [name, bare].iter().find_map(|key| json::text(map, key)));
        if let Some(path) = built {
            return Ok(format!("{}/{}", self.base_url, path.trim_start_matches('/')));
        }
        let candidates = [
            format!("assets/{kind}/{bare}"),
            format!("assets/{kind}/{bare}.{kind}"),
            format!("assets/{kind}/build/{bare}"),
            format!("assets/{kind}/build/{bare}.{kind}"),
        ];
        match candidates.iter().find_map(|path| self.parts.files.hashed(path)) {
            Some(path) => Ok(format!("{}{path}", self.base_url)),
            None => Err(format!(
                "assetUrl: there is no `{bare}` under assets/{kind}: add the file or mend the name"
            )),
        }
    }

    /// `asset_manifest()` and `css_manifest()`: name → path.
    pub(crate) fn manifest(&self, kind: &str) -> Value {
        let built = if kind == "js" { &self.parts.manifests.js } else { &self.parts.manifests.css };
        match built {
            Some(map) => map.as_ref().clone(),
            None => self.parts.files.manifest(kind).map(|(name, path)| (name, Value::from(path))).collect(),
        }
    }

    /// The manifest that the build of a site wrote for a kind of asset.
    pub(crate) fn built_manifest(&self, kind: &str) -> Option<&Value> {
        match kind {
            "js" => self.parts.manifests.js.as_deref(),
            "css" => self.parts.manifests.css.as_deref(),
            _ => None,
        }
    }

    /// `inlineCss(name)`: the text of a style.
    pub(crate) fn css(&self, name: &str) -> Option<&str> {
        let name = name.trim_start_matches('/');
        ["/assets/css/build/", "/assets/css/"]
            .iter()
            .find_map(|f| self.parts.files.text(&format!("{f}{name}")))
    }

    /// `load_json(path)`: a JSON file under `data/`.
    pub(crate) fn json(&self, path: &str) -> Option<&Arc<Value>> {
        self.parts.content.files.get(path.trim_start_matches('/'))
    }

    /// `image_dimensions(path)`: width and height in pixels.
    pub(crate) fn size(&self, path: &str) -> Option<Size> {
        let path = self.local(path);
        match &self.parts.manifests.sizes {
            Some(sizes) => sizes.get(path.strip_prefix("data/img/").unwrap_or(path)).copied(),
            None => {
                self.parts.files.size(path).or_else(|| self.parts.files.size(&format!("data/img/{path}")))
            }
        }
    }

    /// `image_has(path)`: whether a picture is there.
    pub(crate) fn has_picture(&self, path: &str) -> bool {
        let path = self.local(path);
        match &self.parts.manifests.sizes {
            Some(sizes) => sizes.contains_key(path.strip_prefix("data/img/").unwrap_or(path)),
            None => [format!("/{path}"), format!("/data/img/{path}")]
                .iter()
                .any(|address| self.parts.files.get(address).is_some()),
        }
    }

    /// `inline_svg(path, class)`: a drawing under `data/img` as markup.
    pub(crate) fn svg(&self, path: &str, class: &str) -> Option<String> {
        let path = self.local(path);
        let path = if path.starts_with("data/img/") { path.to_owned() } else { format!("data/img/{path}") };
        let text = self.parts.files.text(&format!("/{path}")).filter(|_| path.ends_with(".svg"))?;
        let markup = text.get(text.find("<svg")?..)?;
        if class.is_empty() {
            return Some(markup.to_owned());
        }
        let quoted = class.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;");
        Some(markup.replacen("<svg", &format!("<svg class=\"{quoted}\""), 1))
    }

    /// A picture's path under the site folder, whether content or a full address named it.
    fn local<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(self.base_url.as_ref()).unwrap_or(path).trim_start_matches('/')
    }

    /// `preload_fonts`: the fonts that `assets/css/base/fonts.css` names.
    pub(crate) fn fonts(&self) -> Vec<String> {
        let css = self.parts.files.text("/assets/css/base/fonts.css").unwrap_or("");
        css.split("url(")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .map(|path| path.trim().trim_matches(['"', '\'']).trim())
            .filter(|path| path.contains("fonts/"))
            .map(|path| {
                path.strip_prefix("../../").map_or_else(|| path.to_owned(), |rest| format!("assets/{rest}"))
            })
            .collect()
    }
}

/// `gallery_visible_count`: how many tiles of these widths fill `rows` rows of twelve columns.
pub(crate) fn tiles_in_rows(spans: impl Iterator<Item = i64>, rows: i64) -> usize {
    let (mut row, mut column, mut count) = (1, 0, 0);
    for span in spans {
        let span = span.clamp(1, 12);
        if column + span > 12 {
            row += 1;
            column = 0;
        }
        if row > rows {
            break;
        }
        column += span;
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_fill_rows_of_twelve() {
        assert_eq!(tiles_in_rows([4, 4, 4, 4, 8, 6, 6, 12].into_iter(), 3), 7);
        assert_eq!(tiles_in_rows([6, 8, 8].into_iter(), 2), 2);
        assert_eq!(tiles_in_rows(std::iter::empty(), 3), 0);
    }
}

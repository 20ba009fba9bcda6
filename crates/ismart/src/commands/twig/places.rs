//! The templates that paths mean, and what their host is known to offer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use ismart_sites::{TEMPLATE_CONTEXT, TEMPLATE_FUNCTIONS};
use ismart_twig::Environment;
use ismart_twig::tools::Host;
use serde::Deserialize;
use walkdir::WalkDir;

/// The file that says what a host offers beside Twig.
pub(super) const SETTINGS: &str = "ismart-twig.toml";

/// Folders that never hold templates of a site.
const FOREIGN: &[&str] = &["node_modules", "vendor", "target"];

/// Variables that the PHP platform gave to every template.
const LEGACY_CONTEXT: &[&str] = &["city", "payment_enabled"];

/// Functions that later generations of the PHP platform offer; those of a folder's own code are read from it.
const LEGACY_FUNCTIONS: &[&str] = &[
    "image_variants",
    "image_fallback",
    "image_largest",
    "gallery_layout",
    "city_to_slug",
    "resolve_city_by_slug",
    "resolve_section_meta",
];

/// `ismart-twig.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Settings {
    pub(super) functions: BTreeSet<String>,
    pub(super) filters: BTreeSet<String>,
    pub(super) tests: BTreeSet<String>,
    /// Variables that every template may read.
    pub(super) context: BTreeSet<String>,
    /// Rules that are not held.
    pub(super) ignore: Vec<String>,
}

/// A folder of templates, and the files of it that were asked for.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) root: PathBuf,
    /// Template name and source.
    pub(super) templates: BTreeMap<String, String>,
    /// Names of templates that are not UTF-8.
    pub(super) unreadable: Vec<String>,
    /// Other files that can be included.
    pub(super) files: BTreeSet<String>,
    /// The templates that were named; all of them when empty.
    pub(super) wanted: BTreeSet<String>,
    pub(super) host: Host,
    pub(super) ignore: Vec<String>,
}

impl Place {
    /// The file of a template, as it was given on the command line.
    pub(super) fn path(&self, template: &str) -> String {
        self.root.join(template).display().to_string().trim_start_matches("./").to_owned()
    }

    pub(super) fn is_wanted(&self, template: &str) -> bool {
        self.wanted.is_empty() || self.wanted.contains(template)
    }
}

/// The places that paths mean.
///
/// # Errors
/// A path that does not exist or holds no templates, and settings that cannot be read.
pub(super) fn places(paths: &[PathBuf], root: Option<&Path>) -> Result<Vec<Place>, String> {
    let mut found: BTreeMap<PathBuf, BTreeSet<PathBuf>> = BTreeMap::new();
    for path in paths {
        if !path.exists() {
            return Err(format!("{}: does not exist", path.display()));
        }
        for (root, file) in roots(path, root) {
            let wanted = found.entry(root).or_default();
            // A folder that was named as a whole stays whole when one of its files is named as well.
            wanted.insert(file.unwrap_or_default());
        }
    }
    found.into_iter().map(|(root, wanted)| read(root, &wanted)).collect()
}

/// The folders of templates behind a path, with the file when the path is one.
fn roots(path: &Path, root: Option<&Path>) -> Vec<(PathBuf, Option<PathBuf>)> {
    let file = path.is_file().then(|| path.to_owned());
    if let Some(root) = root {
        return vec![(root.to_owned(), file)];
    }
    if file.is_some() {
        let above = path.ancestors().skip(1).find(|folder| named(folder, "templates"));
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return vec![(above.unwrap_or(parent).to_owned(), file)];
    }
    let inner = path.join("templates");
    if inner.is_dir() {
        return vec![(inner, None)];
    }
    let sites = path.join("sites");
    if sites.is_dir() {
        let inner = WalkDir::new(&sites).min_depth(2).max_depth(2).sort_by_file_name().into_iter();
        let inner = inner.filter_map(Result::ok).map(walkdir::DirEntry::into_path);
        let all: Vec<_> = inner.filter(|p| p.is_dir() && named(p, "templates")).map(|p| (p, None)).collect();
        if !all.is_empty() {
            return all;
        }
    }
    // A folder inside a folder of templates: names are counted from the outer one.
    match path.ancestors().skip(1).find(|folder| named(folder, "templates")) {
        Some(above) => vec![(above.to_owned(), Some(path.to_owned()))],
        None => vec![(path.to_owned(), None)],
    }
}

fn named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|last| last == name)
}

/// The name of a file below a folder, with `/`.
fn name_of(root: &Path, file: &Path) -> Option<String> {
    let parts: Option<Vec<&str>> =
        file.strip_prefix(root).ok()?.components().map(|part| part.as_os_str().to_str()).collect();
    parts.map(|parts| parts.join("/"))
}

fn is_template(name: &str) -> bool {
    name.ends_with(".twig")
}

fn read(root: PathBuf, wanted: &BTreeSet<PathBuf>) -> Result<Place, String> {
    let mut place = Place {
        templates: BTreeMap::new(),
        unreadable: Vec::new(),
        files: BTreeSet::new(),
        wanted: BTreeSet::new(),
        host: Host::default(),
        ignore: Vec::new(),
        root,
    };
    let skipped = |name: &std::ffi::OsStr| {
        name.to_str().is_none_or(|name| FOREIGN.contains(&name) || (name.starts_with('.') && name.len() > 1))
    };
    let walk = WalkDir::new(&place.root).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| entry.depth() == 0 || !skipped(entry.file_name()));
    let mut templates = BTreeMap::new();
    for entry in walk {
        let entry = entry.map_err(|e| format!("{e}"))?;
        let Some(name) = name_of(&place.root, entry.path()).filter(|_| entry.file_type().is_file()) else {
            continue;
        };
        // A single file may have any name.
        if !is_template(&name) && !wanted.contains(entry.path()) {
            place.files.insert(name);
            continue;
        }
        let bytes = std::fs::read(entry.path()).map_err(|e| format!("{}: {e}", entry.path().display()))?;
        match String::from_utf8(bytes) {
            Ok(text) => {
                templates.insert(name, text);
            }
            Err(_) => place.unreadable.push(name),
        }
    }
    place.templates = templates;
    let whole = wanted.contains(Path::new(""));
    if !whole {
        let names = place.templates.keys().chain(&place.unreadable);
        let inside = |name: &&String| wanted.iter().any(|path| place.root.join(name).starts_with(path));
        place.wanted = names.filter(inside).cloned().collect();
    }
    if place.templates.is_empty() && place.unreadable.is_empty() || (!whole && place.wanted.is_empty()) {
        return Err(format!("{}: holds no templates (*.twig)", place.root.display()));
    }
    know_host(&mut place)?;
    Ok(place)
}

/// What the host of a folder offers: the settings, a site of ours, a folder of the PHP platform.
fn know_host(place: &mut Place) -> Result<(), String> {
    let inner = place.root.clone();
    let above =
        inner.parent().map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent });
    for folder in std::iter::once(inner.as_path()).chain(above) {
        let file = folder.join(SETTINGS);
        if !file.is_file() {
            continue;
        }
        let text = std::fs::read_to_string(&file).map_err(|e| format!("{}: {e}", file.display()))?;
        let settings: Settings = toml::from_str(&text).map_err(|e| format!("{}: {e}", file.display()))?;
        place.host.functions.extend(settings.functions);
        place.host.filters.extend(settings.filters);
        place.host.tests.extend(settings.tests);
        place.host.context.extend(settings.context);
        place.ignore.extend(settings.ignore);
    }
    let Some(site) = above.filter(|_| named(&inner, "templates")) else { return Ok(()) };
    let ours = site.join("config/site.toml").is_file();
    let legacy = !ours && (site.join("composer.json").is_file() || site.join("index.php").is_file());
    let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    if ours || legacy {
        place.host.functions.extend(names(TEMPLATE_FUNCTIONS));
        place.host.context.extend(names(TEMPLATE_CONTEXT));
        let mut extended = Environment::new();
        ismart_twig_extra::register(&mut extended, "ru");
        place.host.functions.extend(names(&extended.functions()));
        place.host.filters.extend(names(&extended.filters()));
        place.host.tests.extend(names(&extended.tests()));
    }
    if ours && let Ok(config) = ismart_sites::SiteFolder::new(site).config() {
        place.host.context.extend(config.collections.values().map(|c| c.extras_key.clone()));
    }
    if legacy {
        place.host.functions.extend(names(LEGACY_FUNCTIONS));
        place.host.context.extend(names(LEGACY_CONTEXT));
        read_php(site, &mut place.host);
    }
    Ok(())
}

/// What the PHP code of a site registers with Twig.
fn read_php(site: &Path, host: &mut Host) {
    let skipped = |name: &std::ffi::OsStr| {
        name.to_str()
            .is_none_or(|name| FOREIGN.contains(&name) || name == "templates" || name.starts_with('.'))
    };
    let walk = WalkDir::new(site).max_depth(8).into_iter();
    let walk = walk.filter_entry(|entry| entry.depth() == 0 || !skipped(entry.file_name()));
    for entry in walk.filter_map(Result::ok) {
        if entry.path().extension().is_none_or(|ext| ext != "php") {
            continue;
        }
        // What cannot be read registers nothing that could be seen.
        let Ok(text) = std::fs::read_to_string(entry.path()) else { continue };
        host.functions.extend(quoted_after(&text, "TwigFunction("));
        host.filters.extend(quoted_after(&text, "TwigFilter("));
        host.tests.extend(quoted_after(&text, "TwigTest("));
        host.context.extend(quoted_after(&text, "addGlobal("));
    }
}

/// The first quoted word behind each place of a call.
fn quoted_after<'t>(text: &'t str, call: &'t str) -> impl Iterator<Item = String> + 't {
    text.split(call).skip(1).filter_map(|rest| {
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
        let word = rest.get(1..)?.split(quote).next()?;
        (!word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "_* ".contains(c)))
            .then(|| word.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_off_php() {
        let code = "new TwigFunction('url', [$this, 'x']), new \\Twig\\TwigFunction(\n  \"asset\", f), new TwigFunction($name)";
        assert_eq!(quoted_after(code, "TwigFunction(").collect::<Vec<_>>(), ["url", "asset"]);
    }

    #[test]
    fn files_and_folders_lead_to_their_templates() {
        let folder = tempfile::tempdir().unwrap();
        let file = |path: &str, text: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        file("a/templates/pages/page.twig", "{{ x }}");
        file("a/templates/icon.svg", "<svg/>");
        file("a/config/site.toml", "");
        file("a/templates/ismart-twig.toml", "functions = [\"price\"]\nignore = [\"tabs\"]\n");
        let site = folder.path().join("a");
        let all = places(std::slice::from_ref(&site), None).unwrap();
        assert_eq!(all[0].templates.keys().collect::<Vec<_>>(), ["pages/page.twig"]);
        assert!(all[0].files.contains("icon.svg") && all[0].wanted.is_empty());
        assert!(all[0].host.functions.contains("url") && all[0].host.functions.contains("price"));
        assert_eq!(all[0].ignore, ["tabs"]);
        for path in ["templates/pages/page.twig", "templates/pages"] {
            let one = places(&[site.join(path)], None).unwrap();
            assert_eq!(one[0].root, site.join("templates"), "{path}");
            assert_eq!(one[0].wanted.iter().collect::<Vec<_>>(), ["pages/page.twig"], "{path}");
        }
        let said = places(&[site.join("config")], None).unwrap_err();
        assert!(said.contains("holds no templates"), "{said}");
        assert!(places(&[site.join("nowhere")], None).unwrap_err().contains("does not exist"));
        file("a/ismart-twig.toml", "fonctions = []\n");
        assert!(places(&[site], None).unwrap_err().contains("fonctions"));
    }
}

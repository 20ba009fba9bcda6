//! From disk to a tree: which files, in parallel.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

use ignore::WalkBuilder;

use super::{LARGEST, Links, Tree, TreeError, folder};
use crate::code::{self, CodeFile, Language};
use crate::config::{CONFIG, Config};
use crate::contract::{self, Contract, GraphFile};

/// What a walk over the disk found.
struct Found {
    paths: BTreeSet<String>,
    /// Files to be read, with length and time of the last change.
    wanted: BTreeMap<String, (u64, Option<SystemTime>)>,
    unread: Vec<(String, String)>,
}

fn walk(root: &Path, config: &Config) -> Result<Found, TreeError> {
    std::fs::read_dir(root)
        .map_err(|error| TreeError::Folder { path: root.to_owned(), reason: error.to_string() })?;
    let mut found = Found { paths: BTreeSet::new(), wanted: BTreeMap::new(), unread: Vec::new() };
    for entry in WalkBuilder::new(root).require_git(false).follow_links(false).build() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                found.unread.push((String::new(), error.to_string()));
                continue;
            }
        };
        if !entry.file_type().is_some_and(|kind| kind.is_file()) {
            continue;
        }
        let Ok(relative) = entry.path().strip_prefix(root) else { continue };
        let path = relative.to_string_lossy().replace('\\', "/");
        if !config.is_seen(&path) {
            continue;
        }
        if is_read(&path, config) {
            match entry.metadata() {
                Ok(file) if file.len() > LARGEST => {
                    found.unread.push((path.clone(), format!("{} bytes are more than code has", file.len())));
                }
                Ok(file) => {
                    found.wanted.insert(path.clone(), (file.len(), file.modified().ok()));
                }
                Err(error) => found.unread.push((path.clone(), error.to_string())),
            }
        }
        found.paths.insert(path);
    }
    Ok(found)
}

pub(super) fn read(root: &Path) -> Result<Tree, TreeError> {
    let config = Config::read(root)?;
    let Found { paths, wanted, mut unread } = walk(root, &config)?;
    let wanted: Vec<String> = wanted.into_keys().collect();
    let (files, failed) = texts(root, &wanted);
    unread.extend(failed);
    Ok(build(root.to_owned(), config, files, paths, unread))
}

pub(super) fn stamp(root: &Path) -> Result<u64, TreeError> {
    let found = walk(root, &Config::read(root)?)?;
    let mut hasher = DefaultHasher::new();
    found.wanted.hash(&mut hasher);
    found.paths.hash(&mut hasher);
    let config = std::fs::metadata(root.join(CONFIG)).and_then(|file| file.modified()).ok();
    config.hash(&mut hasher);
    Ok(hasher.finish())
}

fn is_read(path: &str, config: &Config) -> bool {
    let code = Language::of_path(path).is_some() && config.is_code(path);
    code || contract::is_contract(path) || contract::is_graph(path) || path.ends_with("Cargo.toml")
}

/// Paths with their texts, or with what is wrong.
type Pairs = Vec<(String, String)>;

/// Reads files. Bytes that are no UTF-8 become marks of replacement: old sites have texts in other encodings.
fn texts(root: &Path, paths: &[String]) -> (Pairs, Pairs) {
    let mut files = Vec::with_capacity(paths.len());
    let mut failed = Vec::new();
    for path in paths {
        match std::fs::read(root.join(path)) {
            Ok(bytes) => {
                let text = String::from_utf8(bytes)
                    .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
                files.push((path.clone(), text));
            }
            Err(error) => failed.push((path.clone(), error.to_string())),
        }
    }
    (files, failed)
}

/// Makes a tree of texts.
pub(super) fn build(
    root: PathBuf,
    config: Config,
    texts: Vec<(String, String)>,
    mut paths: BTreeSet<String>,
    unread: Vec<(String, String)>,
) -> Tree {
    paths.extend(texts.iter().map(|(path, _)| path.clone()));
    let crates = crates(&texts);
    let (mut files, mut contracts) = parse(&texts, &crates, &config);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    contracts.sort_by(|a: &Contract, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    let by_path = files.iter().enumerate().map(|(at, file)| (file.path.clone(), at)).collect();
    let graph_file = texts
        .iter()
        .find(|(path, _)| contract::is_graph(path))
        .map(|(path, text)| GraphFile::read(path, text));
    let mut tree = Tree {
        root,
        config,
        files,
        contracts,
        graph_file,
        paths,
        crates,
        links: Links::default(),
        unread,
        by_path,
    };
    tree.links = Links::of(&tree);
    contract::find_code(&mut tree);
    tree
}

/// Reads code and contracts with all cores.
fn parse(
    texts: &[(String, String)],
    crates: &BTreeMap<String, String>,
    config: &Config,
) -> (Vec<CodeFile>, Vec<Contract>) {
    let next = AtomicUsize::new(0);
    let workers = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(texts.len().max(1));
    let work = || {
        let mut files = Vec::new();
        let mut contracts = Vec::new();
        while let Some((path, text)) = texts.get(next.fetch_add(1, Ordering::Relaxed)) {
            if contract::is_contract(path) && !config.is_test(path) {
                contracts.push(contract::read(path, text));
            } else if let Some(language) = Language::of_path(path).filter(|_| config.is_code(path)) {
                let file = code::read(path, text, language, crate_of(path, crates));
                contracts.extend(contract::read_embedded(path, text));
                files.push(file);
            }
        }
        (files, contracts)
    };
    let mut files = Vec::new();
    let mut contracts = Vec::new();
    thread::scope(|scope| {
        let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for handle in handles {
            match handle.join() {
                Ok((some, more)) => {
                    files.extend(some);
                    contracts.extend(more);
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    (files, contracts)
}

/// The crates of the tree: name as code writes it, and folder of the source.
fn crates(texts: &[(String, String)]) -> BTreeMap<String, String> {
    let manifests = texts.iter().filter(|(path, _)| path == "Cargo.toml" || path.ends_with("/Cargo.toml"));
    let named = manifests.filter_map(|(path, text)| {
        let manifest: toml::Table = text.parse().ok()?;
        let name = manifest.get("package")?.get("name")?.as_str()?.replace('-', "_");
        let own = manifest.get("lib").and_then(|lib| lib.get("name")).and_then(toml::Value::as_str);
        let place = folder(path);
        let source = if place.is_empty() { "src".to_owned() } else { format!("{place}/src") };
        Some((own.map_or(name, str::to_owned), source))
    });
    named.collect()
}

/// The crate of a file: the one with the longest folder around it.
fn crate_of<'c>(path: &str, crates: &'c BTreeMap<String, String>) -> Option<(&'c str, &'c str)> {
    let around = crates.iter().filter(|(_, source)| path.starts_with(&format!("{source}/")));
    around.max_by_key(|(_, source)| source.len()).map(|(name, source)| (name.as_str(), source.as_str()))
}

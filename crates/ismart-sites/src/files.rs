//! Static files of a site: an index in memory, so that a request never names a path on disk.

use std::collections::{BTreeMap, HashMap};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::answer::{Cache, FileBody};
use crate::finding::Finding;

/// Text up to this size is kept in memory while the site's budget lasts; bytes. All else is cheaper to keep by the
/// edge, which knows what visitors ask for.
const SMALL: u64 = 256 * 1024;

/// Bytes of small text of a core that one site keeps.
const SHARED: u64 = 4 * 1024 * 1024;

/// Built files up to this size are read for their digest; bytes.
const BIGGEST_BUILT: u64 = 8 * 1024 * 1024;

/// Deeper folders are not read: a loop of mounts must not hang a load.
const DEPTH: usize = 32;

/// Folders of `data/` that visitors may read; `data/json` and feeds are not among them.
pub(crate) const OPEN_DATA: &[&str] = &["audio", "docs", "files", "fonts", "img", "video"];

/// One file found under a site folder.
#[derive(Debug)]
pub(crate) struct Found {
    /// Path relative to the site folder, with `/`.
    pub(crate) path: String,
    /// Where it lies.
    pub(crate) disk: PathBuf,
    /// Bytes.
    pub(crate) len: u64,
    modified: u128,
}

impl Found {
    /// What shows that the file changed.
    pub(crate) fn print(&self, hasher: &mut impl Hasher) {
        (self.path.as_str(), self.len, self.modified).hash(hasher);
    }
}

/// Every regular file under `root/sub`, sorted by path. Links and hidden files are left out, so nothing
/// outside the folder and no `.env` can be reached; `.well-known` is not hidden.
pub(crate) fn walk(root: &Path, sub: &str, findings: &mut Vec<Finding>) -> Vec<Found> {
    let mut found = Vec::new();
    let disk = root.join(sub);
    if disk.is_dir() {
        enter(&disk, sub, 0, &mut found, findings);
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn enter(disk: &Path, path: &str, depth: usize, found: &mut Vec<Found>, findings: &mut Vec<Finding>) {
    let entries = match std::fs::read_dir(disk) {
        Ok(entries) if depth < DEPTH => entries,
        Ok(_) => {
            let reason = format!("folders are nested more than {DEPTH} deep");
            findings.push(Finding::error("file.depth", path, reason, "flatten the folders"));
            return;
        }
        Err(error) => {
            findings.push(unreadable(path, &error));
            return;
        }
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                findings.push(unreadable(path, &error));
                continue;
            }
        };
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            let reason = format!("the file name {} is not UTF-8", name.display());
            findings.push(Finding::error("file.name", path, reason, "rename the file"));
            continue;
        };
        if name.starts_with('.') && name != ".well-known" {
            continue;
        }
        let full = format!("{path}/{name}");
        match entry.metadata() {
            Ok(meta) if meta.is_dir() => enter(&entry.path(), &full, depth + 1, found, findings),
            Ok(meta) if meta.is_file() => {
                let modified =
                    meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
                found.push(Found {
                    path: full,
                    disk: entry.path(),
                    len: meta.len(),
                    modified: modified.map_or(0, |age| age.as_millis()),
                });
            }
            Ok(_) => {}
            Err(error) => findings.push(unreadable(&full, &error)),
        }
    }
}

/// One regular file under `root`, by its path.
pub(crate) fn find(root: &Path, file: &str) -> Option<Found> {
    let disk = root.join(file);
    let meta = std::fs::symlink_metadata(&disk).ok().filter(std::fs::Metadata::is_file)?;
    let modified = meta.modified().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
    Some(Found {
        path: file.to_owned(),
        disk,
        len: meta.len(),
        modified: modified.map_or(0, |age| age.as_millis()),
    })
}

/// A file or folder that could not be read.
pub(crate) fn unreadable(path: &str, error: &std::io::Error) -> Finding {
    Finding::error(
        "file.unreadable",
        path,
        format!("cannot be read: {error}"),
        "check that it exists and that the server's user may read it",
    )
}

/// One served file. What it needs beside its path is worked out when it is asked for: a fleet has hundreds of
/// thousands of them.
#[derive(Debug, Clone)]
pub(crate) struct FileEntry {
    /// Path relative to the site folder, or to the core's.
    path: Box<str>,
    /// Whether it lies in the core.
    shared: bool,
    /// The bytes, of small text that templates may ask for.
    kept: Option<Bytes>,
    len: u64,
    /// Milliseconds since 1970 of the last change.
    modified: u128,
    /// The digest of the content, where it was read.
    digest: Option<Box<str>>,
    pub(crate) cache: Cache,
    size: OnceLock<Option<Size>>,
}

impl FileEntry {
    /// The media type.
    pub(crate) fn content_type(&self) -> &'static str {
        content_type(&extension(&self.path))
    }

    /// The value of `ETag`, quoted.
    pub(crate) fn etag(&self) -> String {
        match &self.digest {
            Some(digest) => format!("\"{digest}\""),
            None => format!("\"{:x}-{:x}\"", self.len, self.modified),
        }
    }
}

/// The extension of a path in lower case.
fn extension(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or("");
    name.rsplit_once('.').map_or(String::new(), |(_, extension)| extension.to_ascii_lowercase())
}

/// Width and height of a picture in pixels.
pub(crate) type Size = (u32, u32);

/// All static files of a site by the path of their address.
#[derive(Debug, Default, Clone)]
pub(crate) struct FileIndex {
    root: PathBuf,
    /// The folder of the core.
    core: PathBuf,
    files: HashMap<String, FileEntry>,
    /// `assets/css/main.css` → `/assets/css/main.1a2b3c4d.css`.
    hashed: BTreeMap<String, String>,
}

impl FileIndex {
    /// Finds `public/`, `assets/` and the open folders of `data/` under `root`; at most `budget` bytes of small text
    /// are kept in memory.
    pub(crate) fn read(root: &Path, mut budget: u64, findings: &mut Vec<Finding>) -> Self {
        let mut index = Self { root: root.to_path_buf(), ..Self::default() };
        index.add_all(root, false, &mut budget, findings);
        index
    }

    /// Adds the files of a core that the site has none of its own for, in the place of those of another core. Styles and drawings of a core are kept as a
    /// site's are.
    pub(crate) fn lie_over(&mut self, core: &Path, findings: &mut Vec<Finding>) {
        let old: Vec<Box<str>> =
            self.files.values().filter(|entry| entry.shared).map(|entry| entry.path.clone()).collect();
        for path in &old {
            self.hashed.remove(path.as_ref());
        }
        self.files.retain(|_, entry| !entry.shared);
        self.core = core.to_path_buf();
        let mut budget = SHARED;
        self.add_all(core, true, &mut budget, findings);
    }

    fn add_all(&mut self, root: &Path, shared: bool, budget: &mut u64, findings: &mut Vec<Finding>) {
        for found in walk(root, "public", findings) {
            let address = found.path.trim_start_matches("public").to_owned();
            self.add(found, address, shared, budget, findings);
        }
        let mut open = walk(root, "assets", findings);
        for folder in OPEN_DATA {
            open.extend(walk(root, &format!("data/{folder}"), findings));
        }
        for found in open {
            let address = format!("/{}", found.path);
            self.add(found, address, shared, budget, findings);
        }
    }

    fn add(
        &mut self,
        found: Found,
        address: String,
        shared: bool,
        budget: &mut u64,
        findings: &mut Vec<Finding>,
    ) {
        let extension = extension(&found.path);
        if extension == "php" || (shared && self.files.contains_key(&address)) {
            return;
        }
        let mut entry = FileEntry {
            path: found.path.into(),
            shared,
            kept: None,
            len: found.len,
            modified: found.modified,
            digest: None,
            cache: Cache::Revalidate,
            size: OnceLock::new(),
        };
        let asset = entry.path.starts_with("assets/");
        let text = TEXTS.contains(&extension.as_str());
        let keep = text && found.len <= SMALL && found.len <= *budget;
        if keep || (asset && BUILT.contains(&extension.as_str()) && found.len <= BIGGEST_BUILT) {
            let bytes = match std::fs::read(&found.disk) {
                Ok(bytes) => bytes,
                Err(error) => {
                    findings.push(unreadable(&entry.path, &error));
                    return;
                }
            };
            let digest: String = hex::encode(Sha256::digest(&bytes)).chars().take(20).collect();
            if asset {
                let mark: String = digest.chars().take(8).collect();
                let name = entry.path.rsplit('/').next().unwrap_or("");
                let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
                let folder = address.strip_suffix(name).unwrap_or("/assets/");
                self.hashed.insert(entry.path.to_string(), format!("{folder}{stem}.{mark}.{extension}"));
            }
            entry.digest = Some(digest.into());
            if keep {
                *budget -= found.len;
                entry.kept = Some(Bytes::from(bytes));
            }
        }
        if let Some(alias) = self.hashed.get(entry.path.as_ref()) {
            self.files.insert(alias.clone(), FileEntry { cache: Cache::Immutable, ..entry.clone() });
        }
        self.files.insert(address, entry);
    }

    fn disk(&self, entry: &FileEntry) -> PathBuf {
        let root = if entry.shared { &self.core } else { &self.root };
        root.join(entry.path.as_ref())
    }

    /// Adds one file that no folder of ours holds; it is answered from the disk.
    pub(crate) fn open(&mut self, found: Found, address: String) {
        if self.files.contains_key(&address) || extension(&found.path) == "php" {
            return;
        }
        let entry = FileEntry {
            path: found.path.into(),
            kept: None,
            len: found.len,
            modified: found.modified,
            digest: None,
            cache: Cache::Revalidate,
            shared: false,
            size: OnceLock::new(),
        };
        self.files.insert(address, entry);
    }

    /// The bytes of a file, or where they are.
    pub(crate) fn body(&self, entry: &FileEntry) -> FileBody {
        match &entry.kept {
            Some(bytes) => FileBody::Memory(bytes.clone()),
            None => FileBody::Disk { path: self.disk(entry), len: entry.len },
        }
    }

    /// The file at an address path (decoded, with leading slash).
    pub(crate) fn get(&self, path: &str) -> Option<&FileEntry> {
        self.files.get(path)
    }

    /// The address with a content hash of a file under `assets/`.
    pub(crate) fn hashed(&self, path: &str) -> Option<&str> {
        self.hashed.get(path).map(String::as_str)
    }

    /// Name under `assets/{kind}/` → address with a content hash.
    pub(crate) fn manifest(&self, kind: &str) -> impl Iterator<Item = (&str, &str)> {
        let folder = format!("assets/{kind}/");
        self.hashed
            .iter()
            .filter_map(move |(path, url)| Some((path.strip_prefix(folder.as_str())?, url.as_str())))
    }

    /// The names of a build's manifest carry a hash: their files never change.
    pub(crate) fn mark_immutable(&mut self, path: &str) {
        if let Some(entry) = self.files.get_mut(path) {
            entry.cache = Cache::Immutable;
        }
    }

    /// Width and height of a picture by its path under the site folder; its head is read when it is first asked for.
    pub(crate) fn size(&self, path: &str) -> Option<Size> {
        let entry = self.files.get(&format!("/{path}"))?;
        *entry.size.get_or_init(|| {
            let extension = extension(path);
            if extension == "svg" {
                return svg_size(std::str::from_utf8(entry.kept.as_ref()?).ok()?);
            }
            let picture = PICTURES.contains(&extension.as_str());
            let size = || imagesize::size(self.disk(entry)).ok();
            if picture { size().map(pixels) } else { None }
        })
    }

    /// The text of a small file by its address.
    pub(crate) fn text(&self, address: &str) -> Option<&str> {
        std::str::from_utf8(self.files.get(address)?.kept.as_ref()?).ok()
    }
}

const PICTURES: &[&str] = &["avif", "gif", "jpeg", "jpg", "png", "webp"];

/// Text that templates ask for: styles to inline, drawings, manifests.
const TEXTS: &[&str] = &["css", "json", "svg", "txt", "xml"];

/// What a build makes: its address changes with its content.
const BUILT: &[&str] = &["css", "js", "mjs", "otf", "svg", "ttf", "woff", "woff2"];

fn pixels(size: imagesize::ImageSize) -> Size {
    (u32::try_from(size.width).unwrap_or(u32::MAX), u32::try_from(size.height).unwrap_or(u32::MAX))
}

/// Width and height of the first `<svg>` tag: its own, or those of its view box.
fn svg_size(text: &str) -> Option<Size> {
    let tag = text.get(text.find("<svg")?..)?;
    let tag = tag.get(..tag.find('>')?)?;
    let attribute = |name: &str| {
        let rest = tag.split_once(&format!(" {name}=")).map(|(_, rest)| rest)?;
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest.get(1..)?.split(quote).next()
    };
    let whole = |text: &str| {
        let number = text.trim().trim_end_matches("px");
        number.split('.').next()?.parse::<u32>().ok().filter(|_| !number.ends_with('%'))
    };
    if let (Some(width), Some(height)) =
        (attribute("width").and_then(whole), attribute("height").and_then(whole))
    {
        return Some((width, height));
    }
    let mut sides = attribute("viewBox")?.split([' ', ',']).filter(|part| !part.is_empty()).skip(2);
    Some((whole(sides.next()?)?, whole(sides.next()?)?))
}

/// The media type of a file name's extension (lower case).
fn content_type(extension: &str) -> &'static str {
    match extension {
        "avif" => "image/avif",
        "css" => "text/css; charset=utf-8",
        "csv" => "text/csv; charset=utf-8",
        "gif" => "image/gif",
        "htm" | "html" => "text/html; charset=utf-8",
        "ico" => "image/x-icon",
        "jpeg" | "jpg" => "image/jpeg",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" | "map" => "application/json",
        "mp3" => "audio/mpeg",
        "mp4" => "video/mp4",
        "otf" => "font/otf",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "ttf" => "font/ttf",
        "md" | "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        "webm" => "video/webm",
        "webmanifest" => "application/manifest+json",
        "webp" => "image/webp",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "xml" => "application/xml; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_drawings_come_from_the_root_tag() {
        assert_eq!(svg_size("<?xml?><svg width=\"24\" height='16px'><rect width=\"1\"/>"), Some((24, 16)));
        assert_eq!(svg_size("<svg xmlns=\"x\" viewBox=\"0 0 640,480.5\">"), Some((640, 480)));
        assert_eq!(svg_size("<svg width=\"100%\" height=\"100%\" viewBox=\"0 0 8 9\">"), Some((8, 9)));
        assert_eq!(svg_size("<svg>"), None);
        assert_eq!(svg_size("no drawing"), None);
    }
}

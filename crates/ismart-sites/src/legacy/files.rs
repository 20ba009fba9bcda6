//! Files that visitors of an old site could read, beyond those of our layout.

use std::path::Path;

use crate::config::Legacy;
use crate::files::{FileIndex, walk};
use crate::finding::Finding;

/// Folders whose files a link in `public/` may show.
const OPEN: &[&str] = &["assets/", "data/", "public/"];

/// Endings of single files that a link in `public/` may show from elsewhere in the site.
const PLAIN: &[&str] = &["html", "ico", "png", "svg", "txt", "webmanifest", "xml"];

/// Adds open folders, open files, and what the links in `public/` show.
pub(crate) fn open_files(root: &Path, policies: &Legacy, files: &mut FileIndex, findings: &mut Vec<Finding>) {
    for folder in &policies.open_folders {
        if safe(folder) {
            for found in walk(root, folder, findings) {
                let address = format!("/{}", found.path);
                if !found.path.starts_with("data/json/") {
                    files.open(found, address);
                }
            }
        }
    }
    let mut single: Vec<(String, String)> =
        policies.open_files.iter().map(|(address, file)| (address.clone(), file.clone())).collect();
    single.extend(links(root));
    for (address, file) in single {
        if !safe(&file) || files.get(&address).is_some() {
            continue;
        }
        if let Some(found) = crate::files::find(root, &file) {
            files.open(found, address);
        }
    }
}

/// Whether a path stays inside the site and shows nothing that is not for visitors.
fn safe(path: &str) -> bool {
    let parts = || path.split('/');
    !path.is_empty()
        && !path.ends_with(".php")
        && !path.starts_with("data/json")
        && parts().all(|part| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && (!part.starts_with('.') || part == ".well-known")
        })
}

/// Links to single files in `public/`: address → file relative to the site.
fn links(root: &Path) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(root.join("public")) else { return Vec::new() };
    let Ok(whole) = root.canonicalize() else { return Vec::new() };
    let mut all = Vec::new();
    for entry in entries.flatten() {
        if !entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
            continue;
        }
        let Ok(target) = entry.path().canonicalize() else { continue };
        let Some(file) = target.strip_prefix(&whole).ok().and_then(Path::to_str) else { continue };
        let ending = file.rsplit_once('.').map_or("", |(_, ending)| ending);
        let open = OPEN.iter().any(|folder| file.starts_with(folder))
            || (PLAIN.contains(&ending) && !file.contains('/'));
        if open && target.is_file() {
            all.push((format!("/{}", entry.file_name().to_string_lossy()), file.to_owned()));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_for_visitors_is_opened() {
        for path in ["robots.txt", "data/catalogs", ".well-known/x"] {
            assert!(safe(path), "{path}");
        }
        for path in ["", "../x", "a/../b", ".env", "a/.git/x", "data/json/global.json", "index.php", "a//b"] {
            assert!(!safe(path), "{path}");
        }
    }
}

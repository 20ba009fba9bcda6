//! Starter packs, carried inside the binary: what each brings and what it takes from another.

use std::collections::BTreeMap;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use crate::output::Failed;

static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../verticals");

/// The description of a pack in its folder; no part of the sites that are made from it.
const ABOUT: &str = "pack.toml";

/// A starter pack.
#[derive(Debug)]
pub(crate) struct Pack {
    /// What it says of itself.
    pub(crate) about: About,
    /// Path in the site folder → content.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

/// `pack.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// What it is for, in words.
    pub(crate) title: String,
    /// The full name of a company whose brief names none; `{name}` is replaced.
    pub(crate) full_name: String,
    /// Files that it takes from another pack.
    #[serde(default)]
    borrow: Option<Borrow>,
    /// Sections with figures of the example company: hidden in a new site.
    #[serde(default)]
    pub(crate) hide: Vec<Hidden>,
    /// Pages whose texts state prices, terms or promises of the example company.
    #[serde(default)]
    pub(crate) review: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Borrow {
    from: String,
    /// Files and folders.
    files: Vec<String>,
}

/// A section of a page.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hidden {
    /// Page id.
    pub(crate) page: String,
    /// Name of the section.
    pub(crate) section: String,
}

impl Pack {
    /// The names of all packs, in order.
    pub(crate) fn names() -> Vec<String> {
        let mut names: Vec<String> = SHIPPED.dirs().map(|dir| dir.path().display().to_string()).collect();
        names.sort();
        names
    }

    /// The pack of this name.
    ///
    /// # Errors
    /// When there is none: the message names those that exist.
    pub(crate) fn find(name: &str) -> Result<Self, Failed> {
        let Some(dir) = SHIPPED.dirs().find(|dir| dir.path().display().to_string() == name) else {
            let repair = format!("use one of: {}", Self::names().join(", "));
            return Err(Failed::one("--vertical", format!("there is no pack `{name}`"), repair));
        };
        let mut files = BTreeMap::new();
        collect(dir, &format!("{name}/"), &mut files);
        let about = files.remove(ABOUT).unwrap_or_default();
        let about: About = toml::from_slice(&about).map_err(|error| {
            Failed::one(format!("verticals/{name}/{ABOUT}"), error.to_string(), "mend the pack, build again")
        })?;
        if let Some(borrow) = &about.borrow {
            let lender = Self::find(&borrow.from)?;
            for (path, content) in lender.files {
                let wanted = borrow.files.iter().any(|file| {
                    path.strip_prefix(file.as_str())
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                });
                if wanted {
                    files.entry(path).or_insert(content);
                }
            }
        }
        Ok(Self { about, files })
    }
}

fn collect(dir: &Dir<'_>, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        let path = path.strip_prefix(prefix).unwrap_or(&path).to_owned();
        files.insert(path, file.contents().to_vec());
    }
    for inner in dir.dirs() {
        collect(inner, prefix, files);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pack_borrows_is_there_and_nothing_lies_twice() {
        let mut own: BTreeMap<Vec<u8>, String> = BTreeMap::new();
        for name in Pack::names() {
            let pack = Pack::find(&name).unwrap();
            let dir = SHIPPED.get_dir(&name).unwrap();
            for file in pack.about.borrow.iter().flat_map(|borrow| &borrow.files) {
                let taken = pack.files.keys().filter(|path| path.starts_with(file.as_str())).count();
                assert!(taken > 0, "{name} borrows {file}, which its lender does not have");
                assert!(
                    dir.get_file(format!("{name}/{file}")).is_none(),
                    "{name} borrows {file} and has it: one of the two is never seen"
                );
            }
            let mut files = BTreeMap::new();
            collect(dir, &format!("{name}/"), &mut files);
            for (path, content) in files.into_iter().filter(|(path, _)| path.starts_with("templates/")) {
                if let Some(other) = own.insert(content, format!("{name}/{path}")) {
                    panic!("{name}/{path} is a copy of {other}: borrow it");
                }
            }
        }
    }

    #[test]
    fn an_unknown_pack_names_the_known_ones() {
        let Err(Failed(troubles)) = Pack::find("bakery") else { panic!("there is no such pack") };
        assert_eq!(troubles.first().unwrap().repair, "use one of: car-dealer, real-estate");
    }
}

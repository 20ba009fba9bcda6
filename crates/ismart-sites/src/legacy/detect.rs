//! Which generation of the PHP platform a folder is of.

use std::path::Path;

use serde::Serialize;

/// A generation of the PHP platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Generation {
    /// One `index.php`, page JSON merged with globals.
    Gen0,
    /// Own mini-core in `core/`.
    Gen1,
    /// Slim 4 with two collections written into the code.
    Gen2a,
    /// Slim 4 with collections of the configuration.
    Gen2,
    /// Slim 4 with builders of SEO, form token, payments, no final slash.
    Gen3,
}

impl Generation {
    /// All of them, oldest first.
    pub const ALL: [Self; 5] = [Self::Gen0, Self::Gen1, Self::Gen2a, Self::Gen2, Self::Gen3];

    /// Its name in files and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gen0 => "gen0",
            Self::Gen1 => "gen1",
            Self::Gen2a => "gen2a",
            Self::Gen2 => "gen2",
            Self::Gen3 => "gen3",
        }
    }

    /// What it is, for people.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Gen0 => "one index.php, page JSON merged with globals",
            Self::Gen1 => "mini-core in core/, one template a page",
            Self::Gen2a => "Slim 4, collections tires and news written into the code",
            Self::Gen2 => "Slim 4, collections of the configuration",
            Self::Gen3 => "Slim 4, SEO builders, form token, payments, no final slash",
        }
    }
}

/// What a folder is, and why it is taken for that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Detected {
    /// The generation.
    pub generation: Generation,
    /// The folder of the site under the given one: empty, or `project` of the oldest generation.
    pub sub: String,
    /// The files that say so.
    pub signs: Vec<String>,
}

/// Looks at the files of `root`; `None` when it is no site of the PHP platform.
#[must_use]
pub fn detect(root: &Path) -> Option<Detected> {
    let has = |path: &str| root.join(path).exists();
    let text = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let found = |generation, sub: &str, signs: &[&str]| {
        Some(Detected {
            generation,
            sub: sub.to_owned(),
            signs: signs.iter().map(|s| (*s).to_owned()).collect(),
        })
    };
    if has("config/settings.php") && has("data/json") {
        const SLASH: &str = "src/Middleware/TrailingSlashMiddleware.php";
        const LOADER: &str = "src/Service/DataLoaderService.php";
        if has("config/project.php") || text(SLASH).contains("rtrim($path") {
            return found(Generation::Gen3, "", &["config/settings.php", "config/project.php", SLASH]);
        }
        if text(LOADER).contains("function loadTire(") {
            return found(Generation::Gen2a, "", &["config/settings.php", LOADER]);
        }
        return found(Generation::Gen2, "", &["config/settings.php"]);
    }
    if has("core/Routing") && has("index.php") && has("data/json") {
        return found(Generation::Gen1, "", &["core/Routing", "index.php"]);
    }
    for sub in ["", "project"] {
        let at = |path: &str| root.join(sub).join(path).exists();
        if at("index.php") && at("data/production") {
            return found(Generation::Gen0, sub, &["index.php", "data/production"]);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> Option<(Generation, String)> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        detect(folder.path()).map(|found| (found.generation, found.sub))
    }

    #[test]
    fn generations_are_told_apart() {
        let settings = ("config/settings.php", "<?php return [];");
        let data = ("data/json/global.json", "{}");
        let some = |generation, sub: &str| Some((generation, sub.to_owned()));
        assert_eq!(folder(&[settings, data, ("config/project.php", "")]), some(Generation::Gen3, ""));
        let loader = ("src/Service/DataLoaderService.php", "public function loadTire(string $x)");
        assert_eq!(folder(&[settings, data, loader]), some(Generation::Gen2a, ""));
        assert_eq!(folder(&[settings, data]), some(Generation::Gen2, ""));
        assert_eq!(
            folder(&[("core/Routing/a.php", ""), ("index.php", ""), data]),
            some(Generation::Gen1, "")
        );
        let oldest = [("project/index.php", ""), ("project/data/production/index-production.json", "{}")];
        assert_eq!(folder(&oldest), some(Generation::Gen0, "project"));
        assert_eq!(folder(&[("index.html", "")]), None);
    }
}

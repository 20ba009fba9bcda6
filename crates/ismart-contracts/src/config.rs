//! `contracts.toml`: what is code, what must have a contract, how strictly it is checked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use globset::{Glob, GlobSet, GlobSetBuilder};
use serde::{Deserialize, Serialize};

use crate::code::Language;
use crate::finding::{RULES, Severity};

/// Name of the configuration file, at the root of the code tree.
pub const CONFIG: &str = "contracts.toml";

/// What cannot be understood in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there, but cannot be read.
    #[error("{path} cannot be read: {source}; mend its rights or delete it")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No TOML, an unknown key, or a value of a wrong kind.
    #[error("{path} is not understood: {reason}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What and where.
        reason: String,
    },
    /// A glob that is none.
    #[error("{path}: `{glob}` under `{key}` is no pattern of paths: {reason}")]
    Glob {
        /// The file.
        path: PathBuf,
        /// Which list.
        key: &'static str,
        /// As written.
        glob: String,
        /// Why.
        reason: String,
    },
    /// A rule that does not exist.
    #[error("{path}: there is no rule `{rule}`; known are {known}")]
    Rule {
        /// The file.
        path: PathBuf,
        /// As written.
        rule: String,
        /// All rules.
        known: String,
    },
}

/// How much of the code a contract must tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// What the contract names must be so; it may leave things out.
    Named,
    /// Beside that, every public type, and every function and constant outside types, is named.
    Items,
    /// Every public item is named.
    Full,
}

/// Language of the labels that `init` writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Labels {
    /// English.
    #[default]
    En,
    /// Russian.
    Ru,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    code: Vec<String>,
    skip: Vec<String>,
    key: Vec<String>,
    tests: Option<Vec<String>>,
    labels: Labels,
    coverage: WrittenCoverage,
    blocks: WrittenBlocks,
    api: Extents,
    links: Extents,
    rules: BTreeMap<String, Level>,
    model: Option<Model>,
}

/// A model that proposes purposes, behind an OpenAI-compatible address. Nobody is asked without it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Address up to the version, such as `https://models.example/v1`.
    pub url: String,
    /// Name of the model.
    pub name: String,
    /// Where its key is.
    pub key: Option<KeySource>,
    /// How long one answer may take.
    #[serde(default = "twenty")]
    pub seconds: u64,
    /// Whether the model may run on this machine.
    #[serde(default)]
    pub allow_loopback: bool,
}

fn twenty() -> u64 {
    20
}

/// Where a key is: never in the file itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum KeySource {
    /// In a variable of the environment.
    Env(String),
    /// In a file, from the root of the code tree.
    File(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenCoverage {
    min: Option<u8>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct WrittenBlocks {
    tokens: Option<usize>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Extents {
    php: Option<Extent>,
    rust: Option<Extent>,
}

impl Extents {
    fn of(self, language: Language) -> Extent {
        let written = match language {
            Language::Php => self.php,
            Language::Rust => self.rust,
        };
        written.unwrap_or(Extent::Full)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Off,
    Warning,
    Error,
}

/// The configuration in force.
#[derive(Debug)]
pub struct Config {
    code: Option<GlobSet>,
    skip: GlobSet,
    key: Option<Vec<Key>>,
    tests: GlobSet,
    /// Language of the labels that `init` writes.
    pub labels: Labels,
    /// Percentage of key units that must have a contract.
    pub min: u8,
    /// Number of tokens that a block may have.
    pub block_tokens: usize,
    /// Who proposes purposes.
    pub model: Option<Model>,
    api: Extents,
    links: Extents,
    rules: BTreeMap<String, Level>,
}

/// A pattern of key code: a glob of files, and whether each public item in them is a unit of its own.
#[derive(Debug)]
struct Key {
    files: GlobSet,
    each: bool,
}

/// Folders that hold nothing of the project's own.
const SKIPPED: &[&str] = &["**/vendor/**", "**/node_modules/**", "**/target/**", "**/.git/**"];
const TESTS: &[&str] =
    &["tests/**", "**/tests/**", "test/**", "**/*Test.php", "**/examples/**", "**/benches/**"];

impl Default for Config {
    fn default() -> Self {
        Self {
            code: None,
            skip: known(SKIPPED),
            key: None,
            tests: known(TESTS),
            labels: Labels::En,
            min: 80,
            block_tokens: 500,
            model: None,
            api: Extents::default(),
            links: Extents::default(),
            rules: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Reads the configuration of a code tree; without a file the defaults hold.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or understood.
    pub fn read(root: &Path) -> Result<Self, ConfigError> {
        let path = root.join(CONFIG);
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(ConfigError::Read { path, source }),
        }
    }

    /// Reads a configuration from its text; `path` is for errors.
    ///
    /// # Errors
    ///
    /// When it cannot be understood.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let written: Written = toml::from_str(text)
            .map_err(|error| ConfigError::Parse { path: path.to_owned(), reason: error.to_string() })?;
        for rule in written.rules.keys() {
            if RULES.iter().all(|known| known.name != rule) {
                let known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
                let known = known.join(", ");
                return Err(ConfigError::Rule { path: path.to_owned(), rule: rule.clone(), known });
            }
        }
        let set = |key: &'static str, globs: &[String]| globset(globs, key, path);
        let mut key = Vec::new();
        for glob in &written.key {
            let (files, each) = glob.strip_suffix("#*").map_or((glob.as_str(), false), |files| (files, true));
            key.push(Key { files: set("key", &[files.to_owned()])?, each });
        }
        let mut skip: Vec<String> = SKIPPED.iter().map(|glob| (*glob).to_owned()).collect();
        skip.extend(written.skip);
        Ok(Self {
            code: (!written.code.is_empty()).then(|| set("code", &written.code)).transpose()?,
            skip: set("skip", &skip)?,
            key: (!key.is_empty()).then_some(key),
            tests: written.tests.map_or_else(|| Ok(known(TESTS)), |globs| set("tests", &globs))?,
            labels: written.labels,
            min: written.coverage.min.unwrap_or(80).min(100),
            block_tokens: written.blocks.tokens.unwrap_or(500),
            model: written.model,
            api: written.api,
            links: written.links,
            rules: written.rules,
        })
    }

    /// Whether a path is looked at all.
    #[must_use]
    pub fn is_seen(&self, path: &str) -> bool {
        !self.skip.is_match(path)
    }

    /// Whether a file of a known language is code to be read.
    #[must_use]
    pub fn is_code(&self, path: &str) -> bool {
        self.code.as_ref().is_none_or(|code| code.is_match(path))
    }

    /// Whether a file holds tests.
    #[must_use]
    pub fn is_test(&self, path: &str) -> bool {
        self.tests.is_match(path)
    }

    /// Whether a file must have a contract, by the configuration; `None` when it says nothing about key code.
    pub(crate) fn key(&self, path: &str) -> Option<KeyFile> {
        let keys = self.key.as_ref()?;
        let mut found = KeyFile::No;
        for key in keys.iter().filter(|key| key.files.is_match(path)) {
            found = if key.each { KeyFile::EachItem } else { KeyFile::Whole };
        }
        Some(found)
    }

    /// How much of the API a contract must tell.
    #[must_use]
    pub fn api(&self, language: Language) -> Extent {
        self.api.of(language)
    }

    /// How many of the links a contract must tell.
    #[must_use]
    pub fn links(&self, language: Language) -> Extent {
        self.links.of(language)
    }

    /// How much a rule matters here; `None` when it is off.
    #[must_use]
    pub fn severity(&self, rule: &str) -> Option<Severity> {
        match self.rules.get(rule) {
            Some(Level::Off) => None,
            Some(Level::Warning) => Some(Severity::Warning),
            Some(Level::Error) => Some(Severity::Error),
            None => RULES.iter().find(|known| known.name == rule).map(|known| known.severity),
        }
    }
}

/// What the configuration says of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFile {
    No,
    Whole,
    EachItem,
}

fn globset(globs: &[String], key: &'static str, path: &Path) -> Result<GlobSet, ConfigError> {
    let fault = |glob: &str, error: &globset::Error| ConfigError::Glob {
        path: path.to_owned(),
        key,
        glob: glob.to_owned(),
        reason: error.kind().to_string(),
    };
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        let built = Glob::new(glob).map_err(|error| fault(glob, &error))?;
        set.add(built);
        // A folder stands for everything in it.
        let inner = format!("{}/**", glob.trim_end_matches('/'));
        set.add(Glob::new(&inner).map_err(|error| fault(glob, &error))?);
    }
    set.build().map_err(|error| fault("", &error))
}

/// Patterns that are known to be right.
fn known(globs: &[&str]) -> GlobSet {
    let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
    globset(&globs, "", Path::new(CONFIG)).unwrap_or_else(|_| GlobSet::empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Config, String> {
        Config::parse(text, Path::new(CONFIG)).map_err(|error| error.to_string())
    }

    #[test]
    fn without_a_file_the_defaults_hold() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config::read(folder.path()).unwrap();
        assert!(config.is_code("src/a.php") && !config.is_seen("vendor/a/b.php"));
        assert!(config.is_test("tests/ATest.php") && !config.is_test("src/Latest.php"));
        assert_eq!((config.min, config.block_tokens), (80, 500));
        assert_eq!(config.api(Language::Php), Extent::Full);
    }

    #[test]
    fn what_is_written_holds() {
        let text = "key = [\"core\", \"ports.rs#*\"]\nskip = [\"old\"]\n[coverage]\nmin = 95\n[api]\nrust = \"items\"\n[rules]\n\"log.form\" = \"off\"";
        let config = parsed(text).unwrap();
        assert_eq!(config.key("core/A.php"), Some(KeyFile::Whole));
        assert_eq!(config.key("ports.rs"), Some(KeyFile::EachItem));
        assert_eq!(config.key("x.php"), Some(KeyFile::No));
        assert!(!config.is_seen("old/x.php"));
        assert_eq!(config.severity("log.form"), None);
        assert_eq!(config.api(Language::Rust), Extent::Items);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, word) in [
            ("kye = []", "kye"),
            ("key = [\"[\"]", "no pattern"),
            ("[rules]\n\"api.gone\" = \"off\"", "there is no rule `api.gone`"),
            ("[rules]\n\"log.form\" = \"loud\"", "loud"),
            ("[coverage]\nmin = 300", "300"),
            ("[model]\nurl = 'x'\nname = 'y'\nkey = 'secret'", "env"),
        ] {
            let error = parsed(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}

//! Where sources come from.

use std::collections::HashMap;
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::error::{Error, ErrorKind};

/// A source of templates.
pub trait Loader: fmt::Debug + Send + Sync {
    /// The source of a template; `None` if there is none of the name.
    ///
    /// # Errors
    /// A source that exists but cannot be read.
    fn source(&self, name: &str) -> Result<Option<String>, Error>;

    /// Whether a template exists.
    fn exists(&self, name: &str) -> bool {
        matches!(self.source(name), Ok(Some(_)))
    }

    /// Something that changes when the source does; `None` if that is not known.
    fn version(&self, name: &str) -> Option<u64> {
        let _ = name;
        None
    }

    /// The message for a template that does not exist.
    fn missing(&self, name: &str) -> String {
        format!("Template \"{name}\" is not defined.")
    }
}

/// Templates in memory.
///
/// ```
/// use ismart_twig::{Loader, MemoryLoader};
/// let mut loader = MemoryLoader::new();
/// loader.add("a.twig", "A");
/// assert!(loader.exists("a.twig"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryLoader {
    sources: HashMap<String, String>,
}

impl MemoryLoader {
    /// A loader without templates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a template.
    pub fn add(&mut self, name: impl Into<String>, source: impl Into<String>) {
        self.sources.insert(name.into(), source.into());
    }
}

impl<N: Into<String>, S: Into<String>> FromIterator<(N, S)> for MemoryLoader {
    fn from_iter<T: IntoIterator<Item = (N, S)>>(iter: T) -> Self {
        Self { sources: iter.into_iter().map(|(n, s)| (n.into(), s.into())).collect() }
    }
}

impl Loader for MemoryLoader {
    fn source(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.sources.get(name).cloned())
    }

    fn exists(&self, name: &str) -> bool {
        self.sources.contains_key(name)
    }
}

/// Templates in folders; earlier folders override later ones, `@name/…` reads a namespace's.
#[derive(Clone, Debug, Default)]
pub struct FileLoader {
    /// Namespace (empty for the main one) and folder, in order of precedence.
    folders: Vec<(String, PathBuf)>,
}

impl FileLoader {
    /// A loader without folders.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a folder below those added before.
    #[must_use]
    pub fn folder(mut self, path: impl Into<PathBuf>) -> Self {
        self.folders.push((String::new(), path.into()));
        self
    }

    /// Adds a folder for names that start with `@namespace/`.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        self.folders.push((name.into(), path.into()));
        self
    }

    fn split(name: &str) -> (&str, &str) {
        match name.strip_prefix('@').and_then(|n| n.split_once('/')) {
            Some((namespace, rest)) => (namespace, rest),
            None => ("", name),
        }
    }

    /// The file of a name. Names that leave their folder are refused.
    fn find(&self, name: &str) -> Result<Option<PathBuf>, Error> {
        let (namespace, rest) = Self::split(name);
        let path = Path::new(rest);
        let inside = path.components().all(|c| matches!(c, Component::Normal(_) | Component::CurDir));
        if !inside || rest.contains('\0') {
            return Err(Error::new(
                ErrorKind::Loader,
                format!("Looks like you try to load a template outside configured directories ({name})."),
            ));
        }
        let folders = self.folders.iter().filter(|(n, _)| n == namespace);
        Ok(folders.map(|(_, folder)| folder.join(path)).find(|file| file.is_file()))
    }
}

impl Loader for FileLoader {
    fn source(&self, name: &str) -> Result<Option<String>, Error> {
        let Some(file) = self.find(name)? else { return Ok(None) };
        std::fs::read_to_string(&file).map(Some).map_err(|e| {
            Error::new(ErrorKind::Loader, format!("Unable to read template \"{}\": {e}.", file.display()))
        })
    }

    fn exists(&self, name: &str) -> bool {
        matches!(self.find(name), Ok(Some(_)))
    }

    fn version(&self, name: &str) -> Option<u64> {
        let meta = self.find(name).ok()??.metadata().ok()?;
        let age = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(age.as_secs().wrapping_mul(1_000_003) ^ u64::from(age.subsec_nanos()) ^ meta.len())
    }

    fn missing(&self, name: &str) -> String {
        let (namespace, _) = Self::split(name);
        let folders: Vec<String> = self
            .folders
            .iter()
            .filter(|(n, _)| n == namespace)
            .map(|(_, f)| f.display().to_string())
            .collect();
        if folders.is_empty() {
            let shown = if namespace.is_empty() { "__main__" } else { namespace };
            return format!("There are no registered paths for namespace \"{shown}\".");
        }
        format!("Unable to find template \"{name}\" (looked into: {}).", folders.join(", "))
    }
}

/// Loaders tried in order: the first that has a template gives it.
#[derive(Debug, Default)]
pub struct ChainLoader {
    loaders: Vec<Box<dyn Loader>>,
}

impl ChainLoader {
    /// A chain without loaders.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a loader below those added before.
    #[must_use]
    pub fn then(mut self, loader: impl Loader + 'static) -> Self {
        self.loaders.push(Box::new(loader));
        self
    }
}

impl Loader for ChainLoader {
    fn source(&self, name: &str) -> Result<Option<String>, Error> {
        match self.loaders.iter().find(|l| l.exists(name)) {
            Some(loader) => loader.source(name),
            None => Ok(None),
        }
    }

    fn exists(&self, name: &str) -> bool {
        self.loaders.iter().any(|l| l.exists(name))
    }

    fn version(&self, name: &str) -> Option<u64> {
        self.loaders.iter().find(|l| l.exists(name))?.version(name)
    }
}

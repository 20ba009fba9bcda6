//! Data folders for servers under test.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Why a data folder could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The site's configuration does not name its client.
    #[error("{path}: no client is named; write `client = \"name\"`", path = path.display())]
    Client {
        /// The site's configuration.
        path: PathBuf,
    },
}

/// Makes a temporary data folder whose `ismart.toml` serves the site folders below `sites` for the clients that they
/// name. It believes `X-Forwarded-For` of this machine, so that a load can have many senders, and logs warnings only.
///
/// # Errors
/// [`FolderError`].
pub fn data_folder(sites: &Path) -> Result<TempDir, FolderError> {
    let at = |path: &Path| {
        let path = path.to_path_buf();
        move |source| FolderError::File { path, source }
    };
    let sites = sites.canonicalize().map_err(at(sites))?;
    let mut clients = BTreeSet::new();
    for entry in std::fs::read_dir(&sites).map_err(at(&sites))? {
        let path = entry.map_err(at(&sites))?.path().join("config/site.toml");
        if path.is_file() {
            let text = std::fs::read_to_string(&path).map_err(at(&path))?;
            clients.insert(client(&text).ok_or(FolderError::Client { path })?);
        }
    }
    let folder = tempfile::tempdir().map_err(at(Path::new("temporary folder")))?;
    let path = folder.path().join("ismart.toml");
    std::fs::write(&path, configuration(&sites, &clients)).map_err(at(&path))?;
    Ok(folder)
}

fn client(site: &str) -> Option<String> {
    let table: toml::Table = toml::from_str(site).ok()?;
    Some(table.get("client")?.as_str()?.to_owned())
}

fn configuration(sites: &Path, clients: &BTreeSet<String>) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut text = format!(
        "sites = {}\n\n[http]\ntrusted_proxies = [\"127.0.0.1\"]\n\n[log]\nfilter = \"warn\"\n",
        quoted(&sites.to_string_lossy())
    );
    for client in clients {
        let name = quoted(client);
        // Writing to a text cannot fail.
        let _never = write!(text, "\n[[client]]\nslug = {name}\nname = {name}\n").is_err();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(text: &str) -> TempDir {
        let sites = tempfile::tempdir().unwrap();
        let config = sites.path().join("one/config");
        std::fs::create_dir_all(&config).unwrap();
        std::fs::write(config.join("site.toml"), text).unwrap();
        sites
    }

    #[test]
    fn the_configuration_names_the_clients_of_the_sites() {
        let sites = site("client = \"dealer\"\n");
        let folder = data_folder(sites.path()).unwrap();
        let text = std::fs::read_to_string(folder.path().join("ismart.toml")).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["client"][0]["slug"].as_str(), Some("dealer"));
        assert_eq!(
            table["sites"].as_str().map(Path::new),
            Some(sites.path().canonicalize().unwrap().as_path())
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = data_folder(site("name = \"x\"").path()).unwrap_err().to_string();
        assert!(error.contains("site.toml: no client is named"), "{error}");
        let error = data_folder(Path::new("no/such/folder")).unwrap_err().to_string();
        assert!(error.starts_with("no/such/folder: "), "{error}");
    }
}

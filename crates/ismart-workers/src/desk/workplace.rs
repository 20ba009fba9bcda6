//! A worker at a site: what it is called there, what it may use, what it may state.

use ismart_domain::conversation::Choice;
use ismart_domain::{ClientId, SiteId};

/// How a worker introduces itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Face {
    /// Its name.
    pub name: String,
    /// Its role.
    pub title: String,
    /// Address of its picture.
    pub avatar: Option<String>,
    /// Says that it is no person.
    pub kind: String,
    /// First words.
    pub greeting: String,
    /// First buttons.
    pub choices: Vec<Choice>,
}

/// A worker at a site.
#[derive(Debug, Clone)]
pub struct Workplace {
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// Name of the worker package.
    pub package: String,
}

impl Workplace {
    /// Name of the worker package.
    #[must_use]
    pub fn worker_name(&self) -> String {
        self.package.clone()
    }

    /// How the worker introduces itself in `language`.
    #[must_use]
    pub fn face(&self, _language: &str) -> Face {
        Face::default()
    }
}

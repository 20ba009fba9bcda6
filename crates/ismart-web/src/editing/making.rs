//! Files that come and go together: a page with its SEO, an entity with its place in the list of its collection.
//!
//! Nothing is changed here: the console and the API put what this gives into a draft, or publish it.

use std::collections::BTreeMap;

use ismart_sites::edit::{self, CollectionLines, Op, Place};
use serde_json::{Value, json};

use super::{Draft, EditingError, LiveSite};

/// Files with the text that they were made from and the new one; `None` where there is no file.
pub type Replaced = BTreeMap<String, (Option<String>, Option<String>)>;

/// The longest name of a page or entity, bytes.
const LONGEST: usize = 80;

/// Why a page or entity cannot be made or taken away.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MakingError {
    /// It cannot stand in an address and in a folder.
    #[error("a name has up to {LONGEST} small letters, digits, `-` and `_`")]
    Name,
    /// There is one of this name.
    #[error("there is one of this name already: change that, or choose another name")]
    Exists,
    /// There is no such page, entity, collection or language.
    #[error("there is no such page, entity, collection or language")]
    Missing,
    /// Entities of a feed are made where the feed comes from.
    #[error("a feed brings the entities of this collection: change them there")]
    Fed,
    /// A file could not be read or changed.
    #[error(transparent)]
    Editing(#[from] EditingError),
}

/// Makes files over a draft, or, with a draft that changes nothing, over what visitors have.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Making<'m> {
    pub(crate) site: &'m LiveSite,
    pub(crate) draft: &'m Draft,
    pub(crate) language: &'m str,
}

impl Making<'_> {
    /// A name that can stand in an address and in a folder.
    pub(crate) fn name(name: &str) -> Result<String, MakingError> {
        let name = name.trim().to_lowercase();
        let plain = !name.is_empty()
            && name.len() <= LONGEST
            && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
        if plain { Ok(name) } else { Err(MakingError::Name) }
    }

    /// The collection of this key, unless a feed fills it.
    pub(crate) fn lines(&self, collection: &str) -> Result<CollectionLines, MakingError> {
        let shown = self.draft.shown(self.site);
        let mut all = edit::collections(&shown, self.language).into_iter();
        let lines = all.find(|lines| lines.key == collection).ok_or(MakingError::Missing)?;
        if lines.fed { Err(MakingError::Fed) } else { Ok(lines) }
    }

    /// The file of a page (`collection` is empty) or entity, whether or not it is there.
    pub(crate) fn file(&self, collection: &str, id: &str) -> Result<String, MakingError> {
        let id = Self::name(id)?;
        if collection.is_empty() {
            let shown = self.draft.shown(self.site);
            if !shown.languages().any(|code| code == self.language) {
                return Err(MakingError::Missing);
            }
            return Ok(format!("data/json/{}/pages/{id}.json", self.language));
        }
        Ok(format!("{}{id}.json", self.lines(collection)?.folder))
    }

    /// The text of a file as it is now.
    pub(crate) fn text(&self, file: &str) -> Result<Option<String>, MakingError> {
        Ok(self.draft.text(self.site, file)?)
    }

    fn seo_file(&self, id: &str) -> String {
        format!("data/json/{}/seo/{id}.json", self.language)
    }

    /// A new page with its SEO; a SEO file that lies there already stays. Gives the page's file too.
    pub(crate) fn page(
        &self,
        id: &str,
        content: &Value,
        seo: Option<&Value>,
    ) -> Result<(String, Replaced), MakingError> {
        let file = self.vacant("", id)?;
        let mut changes = Replaced::from([(file.clone(), (None, Some(printed(content))))]);
        let seo_file = self.seo_file(&Self::name(id)?);
        if let Some(seo) = seo
            && self.text(&seo_file)?.is_none()
        {
            changes.insert(seo_file, (None, Some(printed(seo))));
        }
        Ok((file, changes))
    }

    /// A new entity, named in the list that orders its collection. Gives its file too.
    pub(crate) fn entity(
        &self,
        collection: &str,
        slug: &str,
        content: &Value,
    ) -> Result<(String, Replaced), MakingError> {
        let file = self.vacant(collection, slug)?;
        let mut changes = Replaced::from([(file.clone(), (None, Some(printed(content))))]);
        if let Some(order) = self.lines(collection)?.order
            && let Some((before, after)) = self.listing(&order, &Self::name(slug)?)?
        {
            changes.insert(order.file, (Some(before), Some(after)));
        }
        Ok((file, changes))
    }

    /// The page or entity taken away with all that belongs to it.
    pub(crate) fn removed(&self, collection: &str, id: &str) -> Result<Replaced, MakingError> {
        let file = self.file(collection, id)?;
        let text = self.text(&file)?.ok_or(MakingError::Missing)?;
        let mut changes = Replaced::from([(file, (Some(text), None))]);
        if collection.is_empty() {
            let seo = self.seo_file(&Self::name(id)?);
            if let Some(text) = self.text(&seo)? {
                changes.insert(seo, (Some(text), None));
            }
        } else if let Some((order, at, _)) = self.listed(collection, id)?
            && let Some(text) = self.text(&order.file)?
        {
            let op = Op::Remove { pointer: format!("{}/{at}", order.pointer) };
            let after = edit::apply(&order.file, &text, &op).map_err(EditingError::from)?;
            changes.insert(order.file, (Some(text), Some(after)));
        }
        Ok(changes)
    }

    /// The place of a slug in the list that orders its collection, and the list's length.
    pub(crate) fn listed(
        &self,
        collection: &str,
        slug: &str,
    ) -> Result<Option<(Place, usize, usize)>, MakingError> {
        let Some(order) = self.lines(collection)?.order else { return Ok(None) };
        let Some(text) = self.text(&order.file)? else { return Ok(None) };
        let page = edit::read(&order.file, &text).map_err(EditingError::from)?;
        let items = page.pointer(&order.pointer).and_then(Value::as_array);
        let is = |item: &Value| item.as_str().or_else(|| item.get("slug")?.as_str()) == Some(slug);
        let found = items.and_then(|items| Some((items.iter().position(is)?, items.len())));
        Ok(found.map(|(at, of)| (order, at, of)))
    }

    fn vacant(&self, collection: &str, id: &str) -> Result<String, MakingError> {
        let file = self.file(collection, id)?;
        match self.text(&file)? {
            Some(_) => Err(MakingError::Exists),
            None => Ok(file),
        }
    }

    /// The text of an ordering list, and the same with the slug at its end; nothing when there is no list.
    fn listing(&self, order: &Place, slug: &str) -> Result<Option<(String, String)>, MakingError> {
        let Some(text) = self.text(&order.file)? else { return Ok(None) };
        let page = edit::read(&order.file, &text).map_err(EditingError::from)?;
        let Some(items) = page.pointer(&order.pointer).and_then(Value::as_array) else { return Ok(None) };
        let value = match items.first() {
            Some(Value::Object(_)) => json!({ "slug": slug }),
            _ => Value::from(slug),
        };
        let op = Op::Insert { pointer: order.pointer.clone(), at: items.len(), value };
        let after = edit::apply(&order.file, &text, &op).map_err(EditingError::from)?;
        Ok(Some((text, after)))
    }
}

/// A value as the text of a file.
pub(crate) fn printed(value: &Value) -> String {
    edit::pretty(value) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_stand_in_addresses() {
        assert_eq!(Making::name(" New-Page_2 ").unwrap(), "new-page_2");
        for wrong in ["", " ", "a/b", "..", "a b", "a.json", &"x".repeat(81)] {
            assert!(Making::name(wrong).is_err(), "{wrong}");
        }
    }
}

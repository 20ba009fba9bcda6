//! `POST /console/site/{site}/files`: pages and entities made, repeated, taken away, moved, translated.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Redirect;
use ismart_sites::edit::{self, Op, Place};
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::local::encoded;
use super::super::seat::{Editing, Posted};
use super::save::blank;
use super::{Opened, open};
use crate::editing::EditingError;
use crate::platform::Platform;

/// The longest name of a page or entity.
const LONGEST: usize = 80;

/// Does what `action` says: `create`, `double`, `remove`, `up`, `down`, `translate`.
pub(in super::super) async fn change(
    State(platform): State<Arc<Platform>>,
    Path(key): Path<String>,
    Posted { seat, fields, .. }: Posted<Editing>,
) -> Result<Redirect, Fault> {
    let opened = open(&platform, &seat, &key).await?;
    let field = |name: &str| fields.get(name).unwrap_or("");
    let language = field("lang").to_owned();
    let work = Work { platform: &platform, opened: &opened, language: &language };
    let (collection, id) = (field("collection"), field("id"));
    let list = format!("/console/site/{key}?lang={}", encoded(&language));
    let form = |file: String| format!("/console/site/{key}/form?file={}", encoded(&file));
    let next = match field("action") {
        "create" => form(work.create(collection, field("name"), None).await?),
        "double" => form(work.create(collection, field("name"), Some(id)).await?),
        "remove" => {
            work.remove(collection, id).await?;
            list
        }
        "up" => {
            work.shift(collection, id, false).await?;
            list
        }
        "down" => {
            work.shift(collection, id, true).await?;
            list
        }
        "translate" => form(work.translate(field("file"), field("to")).await?),
        _ => return Err(Fault::Invalid("fault.invalid.form")),
    };
    Ok(Redirect::to(&next))
}

struct Work<'w> {
    platform: &'w Platform,
    opened: &'w Opened,
    language: &'w str,
}

impl Work<'_> {
    /// A name that can stand in an address and in a folder.
    fn name(name: &str) -> Result<String, Fault> {
        let name = name.trim().to_lowercase();
        let plain = !name.is_empty()
            && name.len() <= LONGEST
            && name.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_');
        if plain { Ok(name) } else { Err(Fault::Invalid("site.fault.name")) }
    }

    fn lines(&self, collection: &str) -> Result<edit::CollectionLines, Fault> {
        let shown = self.opened.draft.shown(&self.opened.site);
        let mut all = edit::collections(&shown, self.language).into_iter();
        all.find(|lines| lines.key == collection && !lines.fed).ok_or(Fault::Missing)
    }

    /// The file of a page or entity.
    fn file(&self, collection: &str, id: &str) -> Result<String, Fault> {
        let id = Self::name(id)?;
        if collection.is_empty() {
            let shown = self.opened.draft.shown(&self.opened.site);
            if !shown.languages().any(|code| code == self.language) {
                return Err(Fault::Missing);
            }
            return Ok(format!("data/json/{}/pages/{id}.json", self.language));
        }
        Ok(format!("{}{id}.json", self.lines(collection)?.folder))
    }

    fn text(&self, file: &str) -> Result<Option<String>, Fault> {
        Ok(self.opened.draft.text(&self.opened.site, file)?)
    }

    async fn put(&self, file: &str, text: Option<String>) -> Result<(), Fault> {
        let Opened { site, user, access, .. } = self.opened;
        Ok(self.platform.editing.replace(site, *user, access, file, text).await?)
    }

    /// A new page or entity: like another one word for word, or with empty words.
    async fn create(&self, collection: &str, name: &str, like: Option<&str>) -> Result<String, Fault> {
        let file = self.file(collection, name)?;
        if self.text(&file)?.is_some() {
            return Err(Fault::Invalid("site.fault.exists"));
        }
        let name = Self::name(name)?;
        let model = match like {
            Some(id) => Some(self.file(collection, id)?),
            None if collection.is_empty() => None,
            None => self.lines(collection)?.entities.into_iter().find_map(|entity| entity.file),
        };
        let model = match model {
            Some(file) => self.text(&file)?,
            None => None,
        };
        let model: Option<Value> = model.as_deref().and_then(|text| serde_json::from_str(text).ok());
        let mut value = match (model, like) {
            (Some(model), Some(_)) => model,
            (Some(model), None) => named_blank(&model, &name),
            (None, _) => json!({"name": name, "title": name, "sections": []}),
        };
        for key in ["slug", "name"] {
            if value.get(key).and_then(Value::as_str).is_some_and(|_| key == "slug" || collection.is_empty())
                && let Some(map) = value.as_object_mut()
            {
                map.insert(key.to_owned(), name.clone().into());
            }
        }
        self.put(&file, Some(printed(&value))).await?;
        if collection.is_empty() {
            self.double_seo(like, &name).await?;
        } else if let Some(order) = self.lines(collection)?.order {
            self.list(&order, &name).await?;
        }
        Ok(file)
    }

    /// The SEO file of a page that was repeated.
    async fn double_seo(&self, like: Option<&str>, name: &str) -> Result<(), Fault> {
        let file = |id: &str| format!("data/json/{}/seo/{id}.json", self.language);
        let text = match like {
            Some(id) => self.text(&file(&Self::name(id)?))?,
            None => Some(printed(&json!({"name": name, "title": "", "meta": []}))),
        };
        match text {
            Some(text) if self.text(&file(name))?.is_none() => self.put(&file(name), Some(text)).await,
            _ => Ok(()),
        }
    }

    /// Adds a slug to the list that orders its collection.
    async fn list(&self, order: &Place, slug: &str) -> Result<(), Fault> {
        let Some(text) = self.text(&order.file)? else { return Ok(()) };
        let page = edit::read(&order.file, &text).map_err(EditingError::from)?;
        let items = page.pointer(&order.pointer).and_then(Value::as_array);
        let Some(items) = items else { return Ok(()) };
        let value = match items.first() {
            Some(Value::Object(_)) => json!({ "slug": slug }),
            _ => Value::from(slug),
        };
        let op = Op::Insert { pointer: order.pointer.clone(), at: items.len(), value };
        let Opened { site, user, access, .. } = self.opened;
        self.platform.editing.change(site, *user, access, &order.file, &[op]).await?;
        Ok(())
    }

    /// The place of a slug in the list that orders its collection.
    fn listed(&self, collection: &str, slug: &str) -> Result<Option<(Place, usize, usize)>, Fault> {
        let Some(order) = self.lines(collection)?.order else { return Ok(None) };
        let Some(text) = self.text(&order.file)? else { return Ok(None) };
        let page = edit::read(&order.file, &text).map_err(EditingError::from)?;
        let items = page.pointer(&order.pointer).and_then(Value::as_array);
        let is = |item: &Value| item.as_str().or_else(|| item.get("slug")?.as_str()) == Some(slug);
        let found = items.and_then(|items| Some((items.iter().position(is)?, items.len())));
        Ok(found.map(|(at, of)| (order, at, of)))
    }

    async fn remove(&self, collection: &str, id: &str) -> Result<(), Fault> {
        let file = self.file(collection, id)?;
        self.text(&file)?.ok_or(Fault::Missing)?;
        let listed = if collection.is_empty() { None } else { self.listed(collection, id)? };
        self.put(&file, None).await?;
        if let Some((order, at, _)) = listed {
            let op = Op::Remove { pointer: format!("{}/{at}", order.pointer) };
            let Opened { site, user, access, .. } = self.opened;
            self.platform.editing.change(site, *user, access, &order.file, &[op]).await?;
        }
        let seo = format!("data/json/{}/seo/{id}.json", self.language);
        if collection.is_empty() && self.text(&seo)?.is_some() {
            self.put(&seo, None).await?;
        }
        Ok(())
    }

    async fn shift(&self, collection: &str, id: &str, down: bool) -> Result<(), Fault> {
        let (order, from, of) = self.listed(collection, id)?.ok_or(Fault::Missing)?;
        let to = if down { from + 1 } else { from.saturating_sub(1) };
        if to == from || to >= of {
            return Ok(());
        }
        let op = Op::Move { pointer: order.pointer, from, to };
        let Opened { site, user, access, .. } = self.opened;
        self.platform.editing.change(site, *user, access, &order.file, &[op]).await?;
        Ok(())
    }

    /// A copy of a file for another language, to be translated.
    async fn translate(&self, file: &str, to: &str) -> Result<String, Fault> {
        let (_, rest) = super::form::language_of(file).ok_or(Fault::Missing)?;
        let shown = self.opened.draft.shown(&self.opened.site);
        if !shown.languages().any(|code| code == to) {
            return Err(Fault::Missing);
        }
        let text = self.text(file)?.ok_or(Fault::Missing)?;
        let target = format!("data/json/{to}/{rest}");
        if self.text(&target)?.is_none() {
            self.put(&target, Some(text)).await?;
        }
        Ok(file.to_owned())
    }
}

/// An entity of the same form whose name is not empty: templates leave out what has none.
fn named_blank(model: &Value, name: &str) -> Value {
    let mut value = blank(model);
    fn call(value: &mut Value, name: &str) -> bool {
        let Some(map) = value.as_object_mut() else { return false };
        for key in ["title", "name"] {
            if let Some(found) = map.get_mut(key).filter(|found| found.is_string()) {
                *found = name.into();
                return true;
            }
        }
        map.values_mut().any(|inner| call(inner, name))
    }
    call(&mut value, name);
    value
}

fn printed(value: &Value) -> String {
    edit::pretty(value) + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_stand_in_addresses() {
        assert_eq!(Work::name(" New-Page_2 ").unwrap(), "new-page_2");
        for wrong in ["", " ", "a/b", "..", "a b", "a.json", &"x".repeat(81)] {
            assert!(Work::name(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_new_entity_has_a_name() {
        let model = json!({"slug": "a", "item": {"name": "A", "code": "1"}});
        assert_eq!(named_blank(&model, "b"), json!({"slug": "", "item": {"name": "b", "code": ""}}));
    }
}

//! `POST /console/site/{site}/files`: pages and entities made, repeated, taken away, moved, translated.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Redirect;
use ismart_sites::edit::Op;
use serde_json::{Value, json};

use super::super::fault::Fault;
use super::super::local::encoded;
use super::super::seat::{Editing, Posted};
use super::save::blank;
use super::{Opened, open};
use crate::editing::{Making, Replaced};
use crate::platform::Platform;

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
    fn making(&self) -> Making<'_> {
        Making { site: &self.opened.site, draft: &self.opened.draft, language: self.language }
    }

    async fn put(&self, file: &str, text: Option<String>) -> Result<(), Fault> {
        let Opened { site, user, access, .. } = self.opened;
        Ok(self.platform.editing.replace(site, *user, access, file, text).await?)
    }

    async fn put_all(&self, changes: Replaced) -> Result<(), Fault> {
        for (file, (_, text)) in changes {
            self.put(&file, text).await?;
        }
        Ok(())
    }

    /// A new page or entity: like another one word for word, or with empty words.
    async fn create(&self, collection: &str, name: &str, like: Option<&str>) -> Result<String, Fault> {
        let making = self.making();
        let name = Making::name(name)?;
        let model = match like {
            Some(id) => Some(making.file(collection, id)?),
            None if collection.is_empty() => None,
            None => making.lines(collection)?.entities.into_iter().find_map(|entity| entity.file),
        };
        let model = match model {
            Some(file) => making.text(&file)?,
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
        let (file, changes) = if collection.is_empty() {
            making.page(&name, &value, self.seo_like(like, &name)?.as_ref())?
        } else {
            making.entity(collection, &name, &value)?
        };
        self.put_all(changes).await?;
        Ok(file)
    }

    /// The SEO of a page that is like another one, or of a new one.
    fn seo_like(&self, like: Option<&str>, name: &str) -> Result<Option<Value>, Fault> {
        let Some(id) = like else { return Ok(Some(json!({"name": name, "title": "", "meta": []}))) };
        let file = format!("data/json/{}/seo/{}.json", self.language, Making::name(id)?);
        let text = self.making().text(&file)?;
        Ok(text.as_deref().and_then(|text| serde_json::from_str(text).ok()))
    }

    async fn remove(&self, collection: &str, id: &str) -> Result<(), Fault> {
        let changes = self.making().removed(collection, id)?;
        self.put_all(changes).await
    }

    async fn shift(&self, collection: &str, id: &str, down: bool) -> Result<(), Fault> {
        let (order, from, of) = self.making().listed(collection, id)?.ok_or(Fault::Missing)?;
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
        let text = self.making().text(file)?.ok_or(Fault::Missing)?;
        let target = format!("data/json/{to}/{rest}");
        if self.making().text(&target)?.is_none() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_entity_has_a_name() {
        let model = json!({"slug": "a", "item": {"name": "A", "code": "1"}});
        assert_eq!(named_blank(&model, "b"), json!({"slug": "", "item": {"name": "b", "code": ""}}));
    }
}

//! The methods the portal answers.

mod basic;
mod classic;
mod duplicates;
mod item;
mod listing;
mod timeline;

use super::call::{Call, Outcome};
use super::entity::Entity;

/// One REST method.
pub(super) struct Method {
    /// In lower case.
    pub(super) name: &'static str,
    /// The scope it needs; empty for the basic ones.
    pub(super) scope: &'static str,
    /// Whether it may change something.
    pub(super) writes: bool,
    pub(super) run: fn(&mut Call<'_>) -> Outcome,
}

const fn reads(name: &'static str, scope: &'static str, run: fn(&mut Call<'_>) -> Outcome) -> Method {
    Method { name, scope, writes: false, run }
}

const fn writes(name: &'static str, run: fn(&mut Call<'_>) -> Outcome) -> Method {
    Method { name, scope: "crm", writes: true, run }
}

/// `batch` is not here: it calls these.
pub(super) static METHODS: &[Method] = &[
    writes("crm.item.add", item::add),
    writes("crm.item.update", item::update),
    writes("crm.item.delete", item::delete),
    reads("crm.item.get", "crm", item::get),
    reads("crm.item.list", "crm", item::list),
    reads("crm.item.fields", "crm", item::fields),
    writes("crm.lead.add", |call| classic::add(call, Entity::Lead)),
    writes("crm.lead.update", |call| classic::update(call, Entity::Lead)),
    writes("crm.lead.delete", |call| classic::delete(call, Entity::Lead)),
    reads("crm.lead.get", "crm", |call| classic::get(call, Entity::Lead)),
    reads("crm.lead.list", "crm", |call| classic::list(call, Entity::Lead)),
    reads("crm.lead.fields", "crm", |call| classic::fields(call, Entity::Lead)),
    writes("crm.contact.add", |call| classic::add(call, Entity::Contact)),
    writes("crm.contact.update", |call| classic::update(call, Entity::Contact)),
    writes("crm.contact.delete", |call| classic::delete(call, Entity::Contact)),
    reads("crm.contact.get", "crm", |call| classic::get(call, Entity::Contact)),
    reads("crm.contact.list", "crm", |call| classic::list(call, Entity::Contact)),
    reads("crm.contact.fields", "crm", |call| classic::fields(call, Entity::Contact)),
    writes("crm.deal.add", |call| classic::add(call, Entity::Deal)),
    writes("crm.deal.update", |call| classic::update(call, Entity::Deal)),
    writes("crm.deal.delete", |call| classic::delete(call, Entity::Deal)),
    reads("crm.deal.get", "crm", |call| classic::get(call, Entity::Deal)),
    reads("crm.deal.list", "crm", |call| classic::list(call, Entity::Deal)),
    reads("crm.deal.fields", "crm", |call| classic::fields(call, Entity::Deal)),
    writes("crm.company.add", |call| classic::add(call, Entity::Company)),
    writes("crm.company.update", |call| classic::update(call, Entity::Company)),
    writes("crm.company.delete", |call| classic::delete(call, Entity::Company)),
    reads("crm.company.get", "crm", |call| classic::get(call, Entity::Company)),
    reads("crm.company.list", "crm", |call| classic::list(call, Entity::Company)),
    reads("crm.company.fields", "crm", |call| classic::fields(call, Entity::Company)),
    reads("crm.duplicate.findbycomm", "crm", duplicates::find),
    writes("crm.timeline.comment.add", timeline::comment_add),
    reads("crm.timeline.comment.list", "crm", timeline::comment_list),
    writes("crm.activity.todo.add", timeline::todo_add),
    reads("crm.status.list", "crm", basic::status_list),
    reads("crm.category.list", "crm", basic::category_list),
    reads("crm.settings.mode.get", "crm", basic::mode),
    reads("user.get", "user", basic::users),
    reads("user.current", "user", basic::current_user),
    reads("profile", "", basic::profile),
    reads("scope", "", basic::scope),
    reads("server.time", "", basic::server_time),
    reads("method.get", "", basic::method_get),
];

/// The method of this lower-case name.
pub(super) fn find(name: &str) -> Option<&'static Method> {
    METHODS.iter().find(|method| method.name == name)
}

/// Whether this method belongs to applications and refuses a webhook.
pub(super) fn needs_application(name: &str) -> bool {
    name == "event.bind"
        || name == "event.unbind"
        || name == "event.get"
        || ["event.offline.", "imconnector.", "placement.", "crm.activity.configurable."]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}

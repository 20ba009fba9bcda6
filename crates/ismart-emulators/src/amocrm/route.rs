//! Which operation a method and a path name.

use super::call::{Call, Outcome};
use super::kind::Kind;
use super::{cards, complex, directory, history};

type Run = fn(&mut Call<'_>) -> Outcome;
/// HTTP method, name of the operation, what does it.
type Verb = (&'static str, &'static str, Run);

/// An operation with what its path says.
#[derive(Clone)]
pub(super) struct Route {
    /// `leads.complex`: the name in fault rules, log and findings.
    pub(super) operation: String,
    pub(super) kind: Kind,
    pub(super) id: Option<u64>,
    pub(super) uid: String,
    pub(super) writes: bool,
    pub(super) run: Run,
}

/// Why there is no operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// No such path.
    Path,
    /// The path has other methods.
    Method,
}

/// Finds the operation of `method` on the path behind `/api/v4/`.
pub(super) fn find(method: &str, path: &[&str]) -> Result<Route, Missing> {
    let (kind, id, uid, verbs) = place(path).ok_or(Missing::Path)?;
    let (_, name, run) = verbs.iter().find(|(known, _, _)| *known == method).ok_or(Missing::Method)?;
    let operation = match path.first().and_then(|first| Kind::from_plural(first)) {
        Some(kind) => format!("{}.{name}", kind.plural()),
        None => (*name).to_owned(),
    };
    Ok(Route { operation, kind, id, uid, writes: method != "GET", run: *run })
}

type Place = (Kind, Option<u64>, String, &'static [Verb]);

fn place(path: &[&str]) -> Option<Place> {
    let number = |text: &&str| text.parse::<u64>().ok();
    let at = |verbs: &'static [Verb]| Some((Kind::Lead, None, String::new(), verbs));
    match path {
        ["account"] => at(&[("GET", "account", directory::account)]),
        ["users"] => at(&[("GET", "users", directory::users)]),
        ["users", id] => {
            Some((Kind::Lead, Some(number(id)?), String::new(), &[("GET", "users.get", directory::get_user)]))
        }
        ["sources"] => {
            at(&[("GET", "sources", directory::sources), ("POST", "sources.add", directory::add_sources)])
        }
        ["webhooks"] => at(&[
            ("GET", "webhooks", directory::hooks),
            ("POST", "webhooks.add", directory::add_hook),
            ("DELETE", "webhooks.delete", directory::delete_hook),
        ]),
        ["events"] => at(&[("GET", "events", directory::events)]),
        ["events", uid] => {
            Some((Kind::Lead, None, (*uid).to_owned(), &[("GET", "events.get", directory::get_event)]))
        }
        ["leads", rest @ ..] => leads(rest).or_else(|| cards(Kind::Lead, rest)),
        ["tasks"] => Some((
            Kind::Task,
            None,
            String::new(),
            &[
                ("GET", "list", history::list_tasks),
                ("POST", "add", history::add_tasks),
                ("PATCH", "update", history::change_tasks),
            ],
        )),
        ["tasks", id] => Some((
            Kind::Task,
            Some(number(id)?),
            String::new(),
            &[("GET", "get", history::get_task), ("PATCH", "update", history::change_task)],
        )),
        ["contacts", rest @ ..] => cards(Kind::Contact, rest),
        ["companies", rest @ ..] => cards(Kind::Company, rest),
        _ => None,
    }
}

/// What only leads have.
fn leads(path: &[&str]) -> Option<Place> {
    let number = |text: &&str| text.parse::<u64>().ok();
    let at =
        |id: Option<u64>, uid: &str, verbs: &'static [Verb]| Some((Kind::Lead, id, uid.to_owned(), verbs));
    match path {
        ["complex"] => at(None, "", &[("POST", "complex", complex::add)]),
        ["pipelines"] => at(None, "", &[("GET", "pipelines", directory::pipelines)]),
        ["pipelines", id] => at(Some(number(id)?), "", &[("GET", "pipelines.get", directory::get_pipeline)]),
        ["pipelines", id, "statuses"] => {
            at(Some(number(id)?), "", &[("GET", "pipelines.statuses", directory::statuses)])
        }
        ["unsorted"] => at(None, "", &[("GET", "unsorted", complex::list)]),
        ["unsorted", "forms"] => at(None, "", &[("POST", "unsorted.forms", complex::forms)]),
        ["unsorted", "sip"] => at(None, "", &[("POST", "unsorted.sip", complex::not_emulated)]),
        ["unsorted", uid] => at(None, uid, &[("GET", "unsorted.get", complex::get)]),
        ["unsorted", uid, "accept"] => at(None, uid, &[("POST", "unsorted.accept", complex::accept)]),
        ["unsorted", uid, "decline"] => at(None, uid, &[("DELETE", "unsorted.decline", complex::decline)]),
        _ => None,
    }
}

/// What leads, contacts and companies have in common.
fn cards(kind: Kind, path: &[&str]) -> Option<Place> {
    let number = |text: &&str| text.parse::<u64>().ok();
    let at = |id: Option<u64>, verbs: &'static [Verb]| Some((kind, id, String::new(), verbs));
    match path {
        [] => at(
            None,
            &[
                ("GET", "list", cards::list),
                ("POST", "add", cards::add),
                ("PATCH", "update", cards::change_many),
            ],
        ),
        ["custom_fields"] => at(
            None,
            &[
                ("GET", "custom_fields", directory::fields),
                ("POST", "custom_fields.add", directory::add_fields),
            ],
        ),
        ["custom_fields", id] => at(
            Some(number(id)?),
            &[
                ("GET", "custom_fields.get", directory::get_field),
                ("DELETE", "custom_fields.delete", directory::delete_field),
            ],
        ),
        ["tags"] => at(None, &[("GET", "tags", directory::tags), ("POST", "tags.add", directory::add_tags)]),
        ["notes"] => {
            at(None, &[("GET", "notes", history::list_notes), ("POST", "notes.add", history::add_notes)])
        }
        ["notes", id] => at(Some(number(id)?), &[("GET", "notes.get", history::get_note)]),
        [id, "notes"] => at(
            Some(number(id)?),
            &[("GET", "notes", history::list_notes), ("POST", "notes.add", history::add_notes)],
        ),
        [id, "link"] => at(Some(number(id)?), &[("POST", "link", cards::link)]),
        [id, "unlink"] => at(Some(number(id)?), &[("POST", "unlink", cards::unlink)]),
        [id, "links"] => at(Some(number(id)?), &[("GET", "links", cards::linked)]),
        [id] => at(Some(number(id)?), &[("GET", "get", cards::get), ("PATCH", "update", cards::change_one)]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_named_after_their_paths() {
        for (method, path, operation) in [
            ("POST", "leads/complex", "leads.complex"),
            ("PATCH", "leads/7", "leads.update"),
            ("GET", "contacts", "contacts.list"),
            ("POST", "leads/7/notes", "leads.notes.add"),
            ("POST", "tasks", "tasks.add"),
            ("DELETE", "webhooks", "webhooks.delete"),
            ("DELETE", "leads/unsorted/abc/decline", "leads.unsorted.decline"),
        ] {
            let parts: Vec<&str> = path.split('/').collect();
            assert_eq!(find(method, &parts).map(|route| route.operation), Ok(operation.to_owned()), "{path}");
        }
        assert_eq!(find("DELETE", &["leads"]).map(|route| route.operation), Err(Missing::Method));
        assert_eq!(find("GET", &["leads", "x"]).map(|route| route.operation), Err(Missing::Path));
        assert_eq!(find("GET", &["phantoms"]).map(|route| route.operation), Err(Missing::Path));
    }
}

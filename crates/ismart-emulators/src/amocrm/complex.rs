//! Leads with their people in one request: `leads/complex`, and the incoming requests of “unsorted”.

use super::call::{ApiError, Call, Flaws, News, Outcome, Reply, Violation};
use super::cards;
use super::kind::Kind;
use super::setup::{LOST, WON};
use super::show;
use super::store::{Change, Item, Link, Unsorted, Verdict, plain};
use crate::log::FindingKind;
use crate::spelling::normalise;
use serde_json::{Map, Value, json};

/// One request takes so many leads.
const LEADS_AT_MOST: usize = 50;
/// More likenesses than this are merged by nobody.
const LIKENESSES_AT_MOST: usize = 3;

/// A lead with its people, read from a request.
struct Package {
    lead: Item,
    contact: Option<Item>,
    company: Option<Item>,
}

/// The ids under which a package was stored.
struct Stored {
    lead: u64,
    contact: Option<u64>,
    company: Option<u64>,
    merged: bool,
}

pub(super) fn add(call: &mut Call<'_>) -> Outcome {
    let objects = call.objects()?;
    if objects.len() > LEADS_AT_MOST {
        let detail = format!("This collection should contain {LEADS_AT_MOST} elements or less.");
        return Err(ApiError::flaw(Violation::new("TooMuch", "", detail)));
    }
    let mut wrong = Vec::new();
    let mut answers = Vec::new();
    for (request_id, sent) in objects {
        let mut flaws = Flaws::new();
        let package = read(call, &sent, &mut flaws);
        let metadata = sent.get("_embedded").and_then(|embedded| embedded.get("metadata")).cloned();
        if let Some(metadata) = &metadata {
            check_metadata(metadata, &mut flaws);
        }
        if !flaws.is_empty() {
            wrong.push((request_id, flaws));
            continue;
        }
        let stored = match metadata.as_ref().and_then(Value::as_object) {
            Some(metadata) => incoming(call, package, metadata, &request_id)?.1,
            None => store(call, package),
        };
        answers.push(json!({"id": stored.lead, "contact_id": stored.contact, "company_id": stored.company,
                            "request_id": [request_id], "merged": stored.merged}));
    }
    if wrong.is_empty() { Ok(Reply::ok(Value::Array(answers))) } else { Err(ApiError::invalid(wrong)) }
}

fn read(call: &mut Call<'_>, sent: &Map<String, Value>, flaws: &mut Flaws) -> Package {
    let mut own = sent.clone();
    let embedded = own.get_mut("_embedded").and_then(Value::as_object_mut);
    let people = |key: &str| embedded_list(embedded.as_deref().and_then(|map| map.get(key)));
    let (contacts, companies) = (people("contacts"), people("companies"));
    if let Some(embedded) = embedded {
        embedded.retain(|key, _| matches!(key.as_str(), "tags" | "source"));
    }
    for (key, list) in [("contacts", &contacts), ("companies", &companies)] {
        if list.len() > 1 {
            let detail = "This collection should contain 1 element or less.";
            flaws.push(Violation::new("TooMuch", format!("_embedded.{key}"), detail));
        }
    }
    let lead = cards::make(call, Kind::Lead, &own, "", flaws);
    let mut person = |kind: Kind, key: &str, list: &[Map<String, Value>]| {
        let first = list.first()?;
        let at = format!("_embedded.{key}.0.");
        Some(match first.get("id").and_then(Value::as_u64) {
            Some(id) => match call.current(kind, id) {
                Some(mut known) => {
                    cards::write(call, &mut known, first, &at, flaws);
                    known
                }
                None => {
                    flaws.push(Violation::no_choice(format!("{at}id")));
                    return None;
                }
            },
            None => cards::make(call, kind, first, &at, flaws),
        })
    };
    let contact = person(Kind::Contact, "contacts", &contacts);
    let company = person(Kind::Company, "companies", &companies);
    Package { lead, contact, company }
}

fn embedded_list(list: Option<&Value>) -> Vec<Map<String, Value>> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).cloned().collect()
}

/// Stores a package, merged into what is like it where the account controls duplicates.
fn store(call: &mut Call<'_>, package: Package) -> Stored {
    let Package { mut lead, contact, company } = package;
    let like = match &contact {
        Some(contact) if call.duplicates => likenesses(call, &lead, contact),
        _ => Vec::new(),
    };
    let newest = like.iter().max_by_key(|lead| lead.id).filter(|_| like.len() <= LIKENESSES_AT_MOST).cloned();
    if let Some(known) = newest {
        call.created.retain(|created| {
            let news = [Some(&lead), contact.as_ref(), company.as_ref()];
            !news.into_iter().flatten().any(|item| item.kind.code() == created.kind && item.id == created.id)
        });
        return merge(call, known, lead, contact);
    }
    for person in [&contact, &company].into_iter().flatten() {
        lead.links.push(Link { kind: person.kind, id: person.id, main: person.kind == Kind::Contact });
    }
    let stored = Stored {
        lead: lead.id,
        contact: contact.as_ref().map(|contact| contact.id),
        company: company.as_ref().map(|company| company.id),
        merged: false,
    };
    let (contact, company) = (linked_to(contact, company.as_ref()), company);
    for person in [company, contact].into_iter().flatten() {
        keep(call, person);
    }
    cards::added(call, lead);
    stored
}

fn linked_to(contact: Option<Item>, company: Option<&Item>) -> Option<Item> {
    let mut contact = contact?;
    if let Some(company) = company {
        contact.links.push(Link { kind: Kind::Company, id: company.id, main: true });
    }
    Some(contact)
}

/// Adds a new person, or changes a known one.
fn keep(call: &mut Call<'_>, person: Item) {
    match call.current(person.kind, person.id) {
        Some(before) => cards::changed(call, &before, person),
        None => cards::added(call, person),
    }
}

/// Open leads of the same pipeline whose contact has a phone or address of this one.
fn likenesses(call: &Call<'_>, lead: &Item, contact: &Item) -> Vec<Item> {
    let ours = reachable(call, contact);
    let pipeline = lead.number("pipeline_id");
    let open = call.store.iter(Kind::Lead).filter(|known| {
        let status = known.number("status_id");
        known.number("pipeline_id") == pipeline && ![Some(WON), Some(LOST)].map(signed).contains(&status)
    });
    open.filter(|known| {
        known.linked(Kind::Contact).into_iter().any(|id| {
            call.store
                .get(Kind::Contact, id)
                .is_some_and(|card| reachable(call, card).iter().any(|address| ours.contains(address)))
        })
    })
    .map(|known| Item::clone(known))
    .collect()
}

fn signed(id: Option<u64>) -> Option<i64> {
    id.and_then(|id| i64::try_from(id).ok())
}

/// Phones and addresses of a contact in one spelling.
fn reachable(call: &Call<'_>, contact: &Item) -> Vec<String> {
    let mut all = Vec::new();
    for filled in &contact.fields {
        let Some(code) = call.store.fields.get(&filled.field_id).and_then(|field| field.code.as_deref())
        else {
            continue;
        };
        if code == "PHONE" || code == "EMAIL" {
            let values = filled.values.iter().filter_map(|value| value.get("value")).map(plain);
            all.extend(values.map(|value| normalise(code, &value)));
        }
    }
    all
}

/// The newer request's values go over the older lead's.
fn merge(call: &mut Call<'_>, before: Item, sent: Item, contact: Option<Item>) -> Stored {
    let mut item = before.clone();
    item.updated_at = call.now;
    item.searchable_at = sent.searchable_at;
    for filled in sent.fields {
        item.fields.retain(|known| known.field_id != filled.field_id);
        item.fields.push(filled);
    }
    item.tags.extend(sent.tags.iter().copied().filter(|id| !before.tags.contains(id)).collect::<Vec<_>>());
    let known = item.linked(Kind::Contact).first().copied();
    if let (Some(known), Some(contact)) = (known.and_then(|id| call.current(Kind::Contact, id)), contact) {
        let mut merged = known.clone();
        for filled in contact.fields {
            match merged.fields.iter_mut().find(|field| field.field_id == filled.field_id) {
                Some(field) => {
                    for value in filled.values {
                        if !field.values.iter().any(|have| have.get("value") == value.get("value")) {
                            field.values.push(value);
                        }
                    }
                }
                None => merged.fields.push(filled),
            }
        }
        cards::changed(call, &known, merged);
    }
    let stored = Stored {
        lead: item.id,
        contact: known,
        company: item.linked(Kind::Company).first().copied(),
        merged: true,
    };
    cards::changed(call, &before, item);
    stored
}

fn check_metadata(metadata: &Value, flaws: &mut Flaws) {
    let Some(map) = metadata.as_object() else {
        return flaws.push(Violation::wrong_type("_embedded.metadata", "object"));
    };
    let category = map.get("category").and_then(Value::as_str).unwrap_or("forms");
    if category != "forms" && category != "sip" {
        flaws.push(Violation::no_choice("_embedded.metadata.category"));
    }
    if category == "forms" {
        required_metadata(map, "_embedded.metadata.", flaws);
    }
}

fn required_metadata(map: &Map<String, Value>, at: &str, flaws: &mut Flaws) {
    for key in ["form_id", "form_name", "form_page", "form_sent_at"] {
        if map.get(key).is_none_or(Value::is_null) {
            flaws.push(Violation::missing(format!("{at}{key}")));
        }
    }
}

/// Puts a package into “unsorted”: its people are invisible until somebody accepts it.
fn incoming(
    call: &mut Call<'_>,
    package: Package,
    metadata: &Map<String, Value>,
    request_id: &str,
) -> Result<(String, Stored), ApiError> {
    let Package { mut lead, mut contact, mut company } = package;
    let pipeline_id = lead.number("pipeline_id").and_then(|id| u64::try_from(id).ok()).unwrap_or_default();
    let place = call.setup.open_pipeline(pipeline_id).and_then(|pipeline| pipeline.unsorted());
    let Some(place) = place.filter(|_| call.setup.unsorted_on) else {
        return Err(ApiError::problem(422, "unsorted_off", "Unsorted is switched off in the pipeline"));
    };
    let fingerprint = json!([
        lead.text("name"),
        lead.fields.iter().map(|f| &f.values).collect::<Vec<_>>(),
        contact.as_ref().map(|c| c.fields.iter().map(|f| &f.values).collect::<Vec<_>>()),
        metadata
    ])
    .to_string();
    let equal = |one: &Unsorted| one.fingerprint == fingerprint && one.verdict == Verdict::Waiting;
    let pending = call.changes.iter().any(|change| matches!(change, Change::Unsorted(one) if equal(one)));
    if pending || call.store.unsorted.iter().any(equal) {
        let detail = "Two equal entities cannot be in unsorted";
        return Err(ApiError::invalid(vec![(
            request_id.to_owned(),
            vec![Violation::new("Duplicate", "", detail)],
        )]));
    }
    lead.values.insert("status_id".into(), json!(place.id));
    for person in [contact.as_mut(), company.as_mut()].into_iter().flatten() {
        person.unsorted = true;
        lead.links.push(Link { kind: person.kind, id: person.id, main: person.kind == Kind::Contact });
    }
    let text = |key: &str| metadata.get(key).map(plain).unwrap_or_default();
    let one = Unsorted {
        uid: format!("{:016x}{:016x}", call.rng.next_u64(), call.rng.next_u64()),
        created_at: call.now,
        pipeline_id,
        lead_id: lead.id,
        contact_id: contact.as_ref().map(|contact| contact.id),
        company_id: company.as_ref().map(|company| company.id),
        source_uid: text("source_uid"),
        source_name: text("source_name"),
        metadata: metadata.clone(),
        verdict: Verdict::Waiting,
        fingerprint,
    };
    let stored = Stored { lead: lead.id, contact: one.contact_id, company: one.company_id, merged: false };
    let uid = one.uid.clone();
    call.event(Kind::Lead, lead.id, "incoming_lead_added", json!([]), json!([]));
    let shown = json!({"uid": one.uid, "category": "forms", "pipeline_id": pipeline_id,
                       "date_create": call.now, "source_uid": one.source_uid, "lead_id": one.lead_id});
    call.news.push(News { setting: "add_unsorted", top: "unsorted", action: "add", shown });
    let items = [Some(lead), contact, company].into_iter().flatten();
    call.changes.extend(items.map(Change::Item));
    call.changes.push(Change::Unsorted(one));
    Ok((uid, stored))
}

/// `POST /leads/unsorted/forms`.
pub(super) fn forms(call: &mut Call<'_>) -> Outcome {
    let mut wrong = Vec::new();
    let mut done = Vec::new();
    for (request_id, sent) in cards::limited(call)? {
        let mut flaws = Flaws::new();
        for key in ["source_name", "source_uid"] {
            if !sent.get(key).is_some_and(Value::is_string) {
                flaws.push(Violation::missing(key));
            }
        }
        let Some(metadata) = sent.get("metadata").and_then(Value::as_object) else {
            flaws.push(Violation::missing("metadata"));
            wrong.push((request_id, flaws));
            continue;
        };
        let mut metadata = metadata.clone();
        required_metadata(&metadata, "metadata.", &mut flaws);
        for key in ["source_name", "source_uid"] {
            metadata.insert(key.to_owned(), sent.get(key).cloned().unwrap_or_default());
        }
        let embedded = sent.get("_embedded").and_then(Value::as_object);
        let part = |key: &str| embedded_list(embedded.and_then(|map| map.get(key)));
        let mut lead = part("leads").into_iter().next().unwrap_or_default();
        if let Some(pipeline) = sent.get("pipeline_id") {
            lead.insert("pipeline_id".into(), pipeline.clone());
        }
        let own = lead.entry("_embedded").or_insert_with(|| json!({}));
        if let Value::Object(own) = own {
            own.insert("contacts".into(), json!(part("contacts")));
            own.insert("companies".into(), json!(part("companies")));
        }
        let package = read(call, &lead, &mut flaws);
        if !flaws.is_empty() {
            wrong.push((request_id, flaws));
            continue;
        }
        let (uid, stored) = incoming(call, package, &metadata, &request_id)?;
        let people = |kind: Kind, id: Option<u64>| -> Vec<Value> {
            let link = |id: u64| show::self_link(call, &format!("{}/{id}", kind.plural()));
            id.into_iter().map(|id| json!({"id": id, "_links": link(id)})).collect()
        };
        done.push(json!({
            "uid": uid, "account_id": call.setup.account_id, "request_id": request_id,
            "_links": show::self_link(call, &format!("leads/unsorted/{uid}")),
            "_embedded": {"contacts": people(Kind::Contact, stored.contact),
                          "leads": people(Kind::Lead, Some(stored.lead)),
                          "companies": people(Kind::Company, stored.company)},
        }));
    }
    if !wrong.is_empty() {
        return Err(ApiError::invalid(wrong));
    }
    Ok(Reply::ok(json!({
        "_total_items": done.len(), "_links": show::self_link(call, "leads/unsorted/forms"),
        "_embedded": {"unsorted": done},
    })))
}

fn shown(call: &Call<'_>, one: &Unsorted) -> Value {
    let people = |id: Option<u64>| -> Vec<Value> { id.into_iter().map(|id| json!({"id": id})).collect() };
    json!({
        "uid": one.uid, "source_uid": one.source_uid, "source_name": one.source_name, "category": "forms",
        "pipeline_id": one.pipeline_id, "created_at": one.created_at, "metadata": one.metadata,
        "account_id": call.setup.account_id,
        "_links": show::self_link(call, &format!("leads/unsorted/{}", one.uid)),
        "_embedded": {"contacts": people(one.contact_id), "leads": people(Some(one.lead_id)),
                      "companies": people(one.company_id)},
    })
}

pub(super) fn list(call: &mut Call<'_>) -> Outcome {
    let waiting = call.store.unsorted.iter().filter(|one| one.verdict == Verdict::Waiting);
    let all: Vec<Unsorted> = waiting.cloned().collect();
    Ok(show::list(call, "leads/unsorted", "unsorted", &all, cards::PAGE_AT_MOST, shown))
}

pub(super) fn get(call: &mut Call<'_>) -> Outcome {
    let found = call.store.unsorted.iter().find(|one| one.uid == call.uid && one.verdict == Verdict::Waiting);
    match found.cloned() {
        Some(one) => Ok(Reply::ok(shown(call, &one))),
        None => Ok(Reply::nothing()),
    }
}

pub(super) fn accept(call: &mut Call<'_>) -> Outcome {
    decide(call, Verdict::Accepted)
}

pub(super) fn decline(call: &mut Call<'_>) -> Outcome {
    decide(call, Verdict::Declined)
}

fn decide(call: &mut Call<'_>, verdict: Verdict) -> Outcome {
    let found = call.store.unsorted.iter().find(|one| one.uid == call.uid && one.verdict == Verdict::Waiting);
    let Some(mut one) = found.cloned() else { return Err(ApiError::not_found()) };
    let asked = |key: &str| call.body.get(key).and_then(Value::as_u64);
    let (user, status) = (asked("user_id").unwrap_or(call.user_id), asked("status_id"));
    if call.setup.user(user).is_none() {
        return Err(ApiError::flaw(Violation::no_choice("user_id")));
    }
    let pipeline = call.setup.open_pipeline(one.pipeline_id);
    let stage = match (status, pipeline) {
        (Some(status), Some(pipeline)) => pipeline.stages.iter().find(|stage| stage.id == status),
        (None, Some(pipeline)) => pipeline.first(),
        _ => None,
    };
    let Some(stage_id) = stage.map(|stage| stage.id) else {
        return Err(ApiError::flaw(Violation::no_choice("status_id")));
    };
    one.verdict = verdict;
    let accepted = verdict == Verdict::Accepted;
    if let Some(before) = call.current(Kind::Lead, one.lead_id) {
        let mut lead = before.clone();
        lead.updated_at = call.now;
        lead.values.insert("status_id".into(), json!(if accepted { stage_id } else { LOST }));
        lead.values.insert("responsible_user_id".into(), json!(user));
        cards::changed(call, &before, lead);
    }
    let people = [(Kind::Contact, one.contact_id), (Kind::Company, one.company_id)];
    for (kind, id) in people.into_iter().filter(|_| accepted) {
        if let Some(mut person) = id.and_then(|id| call.current(kind, id)) {
            person.unsorted = false;
            cards::added(call, person);
        }
    }
    let (name, key) = if accepted { ("accept", "accept_result") } else { ("decline", "decline_result") };
    let news = json!({"action": name, "uid": one.uid, "pipeline_id": one.pipeline_id, "modified_user_id": user,
                      key: {"leads": [one.lead_id], "contacts": one.contact_id.into_iter().collect::<Vec<_>>()}});
    call.news.push(News { setting: "delete_unsorted", top: "unsorted", action: "delete", shown: news });
    let answer = json!({
        "uid": one.uid, "pipeline_id": one.pipeline_id, "category": "forms", "created_at": one.created_at,
        "_embedded": {"leads": [{"id": one.lead_id}],
                      "contacts": one.contact_id.into_iter().map(|id| json!({"id": id})).collect::<Vec<_>>(),
                      "companies": one.company_id.into_iter().map(|id| json!({"id": id})).collect::<Vec<_>>()},
    });
    call.changes.push(Change::Unsorted(one));
    Ok(Reply::ok(answer))
}

/// `POST /leads/unsorted/sip` and what else is not here.
pub(super) fn not_emulated(call: &mut Call<'_>) -> Outcome {
    call.find(FindingKind::NotEmulated, "", "the real service can do this, the emulator cannot");
    Err(ApiError::not_found())
}

//! The description of the API: head, the key, and what all operations have in common.

use axum::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Header, HeaderBuilder, InfoBuilder, License, ObjectBuilder, OpenApi as Document,
    OpenApiBuilder, Ref, RefOr, Response, ResponseBuilder, Type,
};

use super::deprecation::{self, LEAVING};
use super::scope::Scope;
use crate::problem::Problem;

/// The refusals that every operation may give: status, name, when.
const REFUSALS: [(&str, &str, &str); 6] = [
    (
        "400",
        "Unreadable",
        "The request cannot be read: a parameter, the body or a header is not as described",
    ),
    ("401", "NoKey", "No key, or none that works"),
    ("403", "NoScope", "The key has not the scope"),
    ("404", "Missing", "There is no such thing, or the key is not for it"),
    ("429", "TooMany", "Too many requests: `Retry-After` says when to come again"),
    ("503", "NotNow", "The server could not store or read this now: try again"),
];
/// The refusals of operations with a body.
const OF_BODIES: [(&str, &str, &str); 3] = [
    ("413", "TooLarge", "The body is too large"),
    ("415", "NotJson", "The body is not `application/json`"),
    ("422", "NotTaken", "The body can be read, but what it says cannot be taken: `errors` says why"),
];

/// The refusals of changes.
const OF_CHANGES: [(&str, &str, &str); 2] = [
    (
        "409",
        "InTheWay",
        "It is there already, a feed brings it, or somebody published other values of the same fields",
    ),
    ("412", "Changed", "It was changed since it was read"),
];

#[derive(OpenApi)]
#[openapi(components(schemas(Problem)))]
struct Parts;

/// What stands before the operations.
pub(super) fn head() -> Document {
    let info = InfoBuilder::new()
        .title("iSmart API")
        .version(concat!("1.0.0+", env!("CARGO_PKG_VERSION")))
        .description(Some(
            "Content of sites, sections as fragments of HTML, collections, forms and leads. Version 1 only grows: \
             fields and operations are added, never taken away or changed; what will go is marked `deprecated` and says \
             so in the headers `Deprecation` and `Sunset` for at least half a year.\n\nContent is read, made, changed and \
             taken away with the tag of what was read (`If-Match`), and goes through the gate: what would disappoint \
             visitors is held. With `draft=true` it goes into the draft of the key, which is looked at by link, judged and \
             published as a whole.\n\nKeys are made in the console \
             under API keys, each for one client, for some scopes, and if wished for one site. Send one as \
             `Authorization: Bearer ism_…`. Operations that show only what visitors see answer on the site's own host \
             without a key too.\n\nAnswers carry `ETag`: send it as `If-None-Match` and an unchanged answer is 304. \
             `RateLimit` tells what a key has left. Refusals are problems of RFC 9457 whose `code` is stable.",
        ))
        .license(Some(License::new("Apache-2.0")))
        .build();
    OpenApiBuilder::new().info(info).build()
}

/// The description with the key and with what all operations have in common.
pub(super) fn finished(mut document: Document) -> Document {
    let parts = Parts::openapi();
    let components = document.components.get_or_insert_default();
    if let Some(own) = parts.components {
        components.schemas.extend(own.schemas);
    }
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("ism_ and 64 hexadecimal digits")
        .description(Some("A key made in the console under API keys"))
        .build();
    for (status, name, description) in REFUSALS.iter().chain(&OF_BODIES).chain(&OF_CHANGES) {
        components.responses.insert((*name).to_owned(), refusal(status, description));
    }
    components.security_schemes.insert("key".to_owned(), RefOr::T(SecurityScheme::Http(key)));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            complete(path, &method, operation);
        }
    }
    document
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    all.into_iter().filter_map(|(method, slot)| Some((method, slot.as_mut()?)))
}

fn complete(path: &str, method: &Method, operation: &mut Operation) {
    let mut tagged = false;
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else { continue };
        tagged |= response.headers.contains_key("ETag");
        for (name, description) in COUNTED {
            response.headers.insert(name.to_owned(), text_header(description));
        }
    }
    if tagged {
        let unchanged = ResponseBuilder::new().description("Unchanged since the tag of `If-None-Match`");
        let mut unchanged = unchanged.build();
        unchanged.headers.insert("ETag".to_owned(), text_header("The tag"));
        operation.responses.responses.insert("304".to_owned(), RefOr::T(unchanged));
    }
    if changes_content(operation) {
        for (status, name, _) in OF_CHANGES {
            let shared = || RefOr::Ref(Ref::from_response_name(name));
            operation.responses.responses.entry(status.to_owned()).or_insert_with(shared);
        }
        // The gate may hold a change that has no body too.
        let held = || RefOr::Ref(Ref::from_response_name("NotTaken"));
        operation.responses.responses.entry("422".to_owned()).or_insert_with(held);
    }
    let bodies: &[_] = if operation.request_body.is_some() { &OF_BODIES } else { &[] };
    for (status, name, _) in REFUSALS.iter().chain(bodies) {
        let shared = || RefOr::Ref(Ref::from_response_name(*name));
        operation.responses.responses.entry((*status).to_owned()).or_insert_with(shared);
    }
    if deprecation::find(LEAVING, method, path).is_some() {
        operation.deprecated = Some(utoipa::openapi::Deprecated::True);
    }
}

/// Whether an operation is for keys that may change content.
fn changes_content(operation: &Operation) -> bool {
    let asked = operation.security.iter().flatten().filter_map(|asked| serde_json::to_string(asked).ok());
    asked.into_iter().any(|asked| asked.contains(Scope::ContentWrite.code()))
}

/// The headers that tell what a key has left.
const COUNTED: [(&str, &str); 2] = [
    ("RateLimit", "Requests left, and seconds until there are more"),
    ("RateLimit-Policy", "Requests a window, and its seconds"),
];

fn refusal(status: &str, description: &str) -> RefOr<Response> {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response =
        ResponseBuilder::new().description(description).content("application/problem+json", content);
    let mut response = response.build();
    if status == "429" {
        response.headers.insert("Retry-After".to_owned(), text_header("Seconds to wait"));
    }
    RefOr::T(response)
}

fn text_header(description: &str) -> RefOr<Header> {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    RefOr::T(HeaderBuilder::new().schema(Some(schema)).description(Some(description)).build())
}

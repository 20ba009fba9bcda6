//! Forms of a site, as its pages show them.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ismart_sites::FormShape;
use serde::Serialize;
use utoipa::ToSchema;

use super::access::AtSite;
use super::conditional;
use super::cursor::Listing;
use super::query::Segments;
use super::scope::Shown;
use crate::platform::Platform;
use crate::problem::Problem;

/// A form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Form {
    /// Its name, by which submissions name it.
    name: String,
    /// Its fields in their order.
    fields: Vec<FormField>,
    /// Paths of pages that show it.
    pages: Vec<String>,
    /// The consent that a submission must carry.
    consent: ConsentNotice,
}

/// A field of a form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FormField {
    /// Its name.
    name: String,
    /// `text`, `tel`, `email`, `textarea`, `select`, `checkbox` and so on.
    kind: String,
    /// What people read beside it.
    label: String,
    /// Whether the page asks for it.
    required: bool,
    /// The most characters that it takes.
    #[schema(minimum = 0)]
    max_length: Option<u64>,
    /// What may be chosen.
    options: Vec<String>,
}

/// What a person agrees to by sending a form.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConsentNotice {
    /// The sentence beside the box.
    label: String,
    /// Where the whole document stands.
    url: String,
    /// Its version.
    version: String,
}

/// The form of this name.
pub(super) fn find<'f>(forms: &'f [FormShape], name: &str) -> Result<&'f FormShape, Problem> {
    forms.iter().find(|form| form.name == name).ok_or_else(|| {
        let known: Vec<&str> = forms.iter().map(|form| form.name.as_str()).collect();
        Problem::not_found(format!("The site's pages show no such form. They show: {}.", known.join(", ")))
    })
}

fn shown(form: &FormShape, at: &AtSite<Shown>) -> Form {
    let field = |field: &ismart_sites::FormField| FormField {
        name: field.name.clone(),
        kind: field.kind.clone(),
        label: field.label.clone(),
        required: field.required,
        max_length: field.max_length,
        options: field.options.clone(),
    };
    Form {
        name: form.name.clone(),
        fields: form.fields.iter().map(field).collect(),
        pages: form.pages.clone(),
        consent: ConsentNotice {
            label: at.place.consent_label.clone(),
            url: at.place.consent_url.clone(),
            version: at.place.consent_version.clone(),
        },
    }
}

/// The forms of a site
#[utoipa::path(
    get, path = "/sites/{site}/forms", operation_id = "listForms", tag = "Forms",
    params(("site" = String, Path, description = "Key of the site")),
    security((), ("key" = ["content:read"])),
    responses((status = 200, description = "By name", body = Listing<Form>, headers(("ETag" = String)))),
)]
pub(super) async fn list(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Shown>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let forms = platform.api.forms(&at.site, platform.env.now());
    let items = forms.iter().map(|form| shown(form, &at)).collect();
    conditional::json(&headers, &Listing { items, next: None })
}

/// One form
#[utoipa::path(
    get, path = "/sites/{site}/forms/{form}", operation_id = "getForm", tag = "Forms",
    params(("site" = String, Path, description = "Key of the site"), ("form" = String, Path, description = "Name of the form")),
    security((), ("key" = ["content:read"])),
    responses((status = 200, description = "The form", body = Form, headers(("ETag" = String)))),
)]
pub(super) async fn show(
    State(platform): State<Arc<Platform>>,
    at: AtSite<Shown>,
    Segments((_, name)): Segments<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let forms = platform.api.forms(&at.site, platform.env.now());
    conditional::json(&headers, &shown(find(&forms, &name)?, &at))
}

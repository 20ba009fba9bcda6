//! `GET /api/docs`: the description of the API as a page. Everything on it comes out of the description itself.

use std::fmt::Write;

use axum::extract::Query;
use axum::response::Html;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fault::Fault;
use super::language::Language;
use super::page::{Asked, Look};
use super::view;

/// The language that the address names.
#[derive(Debug, Deserialize)]
pub(super) struct Wish {
    language: Option<String>,
}

#[derive(Serialize)]
struct Whole {
    page: DocsPage,
    /// The frame's own template reads it before the page's block does.
    look: Look,
}

#[derive(Serialize)]
struct DocsPage {
    look: Look,
    version: String,
    about: Vec<String>,
    groups: Vec<Group>,
    shapes: Vec<Shape>,
}

#[derive(Serialize)]
struct Group {
    name: String,
    operations: Vec<Operation>,
}

#[derive(Serialize)]
struct Operation {
    id: String,
    method: String,
    path: String,
    summary: String,
    about: Vec<String>,
    scopes: Vec<String>,
    /// It answers without a key too.
    open: bool,
    parameters: Vec<Parameter>,
    body: Option<Shape>,
    answers: Vec<Answer>,
    curl: String,
}

#[derive(Serialize)]
struct Parameter {
    name: String,
    place: String,
    kind: String,
    meaning: String,
    required: bool,
}

#[derive(Serialize)]
struct Answer {
    status: String,
    kind: String,
    shape: Option<String>,
    meaning: String,
}

#[derive(Serialize)]
struct Shape {
    id: String,
    name: String,
    about: String,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    kind: String,
    /// Id of the shape that it links to.
    shape: Option<String>,
    meaning: String,
    required: bool,
}

/// Shows the page.
pub(super) async fn show(asked: Asked, Query(wish): Query<Wish>) -> Result<Html<String>, Fault> {
    let mut look = asked.look;
    if let Some(language) = wish.language.as_deref().and_then(Language::from_code) {
        look.language = language;
    }
    let document = serde_json::to_value(crate::api::openapi()).map_err(|error| {
        tracing::error!(error = %error, "the description of the API could not be read");
        Fault::Broken
    })?;
    let whole = Whole { page: page(&document, look, &asked.origin.base()), look };
    Ok(Html(view::render("api_docs.twig", look.language, &whole)?))
}

fn page(document: &Value, look: Look, base: &str) -> DocsPage {
    let mut groups: Vec<Group> = Vec::new();
    for (path, item) in object(document.get("paths")) {
        for (method, operation) in object(Some(item)) {
            let Some(id) = operation.get("operationId").and_then(Value::as_str) else { continue };
            let name = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or("").to_owned();
            let one = self::operation(document, id, method, path, operation, base);
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.operations.push(one),
                None => groups.push(Group { name, operations: vec![one] }),
            }
        }
    }
    let shapes = object(document.pointer("/components/schemas")).map(|(name, schema)| shape(name, schema));
    DocsPage {
        look,
        version: text(document.pointer("/info/version")),
        about: paragraphs(document.pointer("/info/description")),
        groups,
        shapes: shapes.collect(),
    }
}

fn operation(
    document: &Value,
    id: &str,
    method: &str,
    path: &str,
    operation: &Value,
    base: &str,
) -> Operation {
    let security: Vec<&Value> = array(operation.get("security")).collect();
    let scopes = security.iter().flat_map(|one| array(one.get("key"))).map(|scope| text(Some(scope)));
    let parameters: Vec<Parameter> = array(operation.get("parameters")).map(parameter).collect();
    let body = operation.pointer("/requestBody/content/application~1json/schema").and_then(|schema| {
        let name = reference(schema)?;
        Some(shape(&name, document.pointer("/components/schemas")?.get(&name)?))
    });
    let method = method.to_ascii_uppercase();
    let curl = curl(document, &method, base, path, operation);
    Operation {
        id: id.to_owned(),
        path: path.to_owned(),
        summary: text(operation.get("summary")),
        about: paragraphs(operation.get("description")),
        scopes: scopes.collect(),
        open: security.iter().any(|one| one.as_object().is_some_and(serde_json::Map::is_empty)),
        parameters,
        body,
        answers: object(operation.get("responses"))
            .map(|(status, answer)| self::answer(document, status, answer))
            .collect(),
        curl,
        method,
    }
}

fn parameter(parameter: &Value) -> Parameter {
    let schema = parameter.get("schema").unwrap_or(&Value::Null);
    Parameter {
        name: text(parameter.get("name")),
        place: text(parameter.get("in")),
        kind: kind(schema),
        meaning: text(parameter.get("description")),
        required: parameter.get("required") == Some(&Value::Bool(true)),
    }
}

fn answer(document: &Value, status: &str, answer: &Value) -> Answer {
    let shared = reference(answer).and_then(|name| document.pointer("/components/responses")?.get(&name));
    let answer = shared.unwrap_or(answer);
    let content = object(answer.get("content")).next();
    let schema = content.and_then(|(_, content)| content.get("schema"));
    let kind = match content {
        Some((media, _)) if !media.ends_with("json") => media.clone(),
        _ => schema.map(kind).unwrap_or_default(),
    };
    Answer {
        status: status.to_owned(),
        kind,
        shape: schema.and_then(reference).map(|name| name.to_ascii_lowercase()),
        meaning: text(answer.get("description")),
    }
}

fn shape(name: &str, schema: &Value) -> Shape {
    let required: Vec<&str> = array(schema.get("required")).filter_map(Value::as_str).collect();
    let field = |(name, schema): (&String, &Value)| Field {
        kind: kind(schema),
        shape: linked(schema).map(|name| name.to_ascii_lowercase()),
        meaning: text(schema.get("description")),
        required: required.contains(&name.as_str()),
        name: name.clone(),
    };
    Shape {
        id: name.to_ascii_lowercase(),
        name: name.to_owned(),
        about: text(schema.get("description")),
        fields: object(schema.get("properties")).map(field).collect(),
    }
}

/// The shape that a schema, its items or one of its forms names.
fn linked(schema: &Value) -> Option<String> {
    let forms = array(schema.get("oneOf"));
    reference(schema).or_else(|| linked(schema.get("items")?)).or_else(|| forms.into_iter().find_map(linked))
}

fn reference(schema: &Value) -> Option<String> {
    let path = schema.get("$ref")?.as_str()?;
    Some(path.rsplit('/').next()?.to_owned())
}

/// What a schema says in few words.
fn kind(schema: &Value) -> String {
    if let Some(name) = reference(schema) {
        return name;
    }
    let forms: Vec<String> = array(schema.get("oneOf")).map(kind).collect();
    if !forms.is_empty() {
        return forms.join(" | ");
    }
    let named = match schema.get("type") {
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        _ => "any".to_owned(),
    };
    let mut told = match schema.get("items") {
        Some(items) => format!("{named} of {}", kind(items)),
        None => named,
    };
    if let Some(format) = schema.get("format").and_then(Value::as_str).filter(|f| !f.starts_with("int")) {
        told.push_str(&format!(", {format}"));
    }
    if let (Some(least), Some(most)) = (schema.get("minimum"), schema.get("maximum")) {
        told.push_str(&format!(", {least}–{most}"));
    }
    told
}

/// The request as it is typed into a terminal.
fn curl(document: &Value, method: &str, base: &str, path: &str, operation: &Value) -> String {
    let mut line = String::from("curl");
    if method != "GET" {
        line.push_str(&format!(" -X {method}"));
    }
    let example = |parameter: &Value| {
        let found = parameter.get("example").or_else(|| parameter.pointer("/schema/example"));
        found.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let parameters: Vec<&Value> = array(operation.get("parameters")).collect();
    let mut address = format!("{base}{path}");
    for parameter in parameters.iter().filter(|p| p.get("in") == Some(&Value::from("path"))) {
        let name = text(parameter.get("name"));
        if let Some(value) = example(parameter) {
            address = address.replace(&format!("{{{name}}}"), &value);
        }
    }
    // Writing to a String cannot fail.
    let _infallible = write!(line, " '{address}' \\\n  -H 'Authorization: Bearer ism_…'");
    for parameter in parameters.iter().filter(|p| p.get("in") == Some(&Value::from("header"))) {
        let value = example(parameter).unwrap_or_default();
        let _infallible = write!(line, " \\\n  -H '{}: {value}'", text(parameter.get("name")));
    }
    if let Some(schema) = operation.pointer("/requestBody/content/application~1json/schema") {
        let body = sample(document, schema);
        let _infallible = write!(line, " \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'");
    }
    line
}

/// A value of a shape, made of its examples; fields that may be left out are.
fn sample(document: &Value, schema: &Value) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    if let Some(name) = reference(schema) {
        let found = document.pointer("/components/schemas").and_then(|all| all.get(&name));
        return found.map_or(Value::Null, |schema| sample(document, schema));
    }
    let required: Vec<&str> = array(schema.get("required")).filter_map(Value::as_str).collect();
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => object(schema.get("properties"))
            .filter(|(name, _)| required.contains(&name.as_str()))
            .map(|(name, schema)| (name.clone(), sample(document, schema)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Some("boolean") => Value::Bool(true),
        Some("integer" | "number") => Value::from(1),
        Some("array") => Value::Array(Vec::new()),
        _ => Value::from("…"),
    }
}

fn object(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

fn array(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or("").to_owned()
}

fn paragraphs(value: Option<&Value>) -> Vec<String> {
    let text = value.and_then(Value::as_str).unwrap_or("");
    text.split("\n\n").filter(|part| !part.trim().is_empty()).map(|part| part.replace('\n', " ")).collect()
}

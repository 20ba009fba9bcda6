//! The forms of a site, read off its rendered pages: whatever made them, visitors can fill in exactly these.

use std::collections::{BTreeMap, HashSet};

use html5gum::{StartTag, Token, Tokenizer};
use jiff::Timestamp;

use crate::answer::{Answer, Request};
use crate::snapshot::Snapshot;

/// Pages looked through; a form that stands only on later ones is not found.
const PAGES: usize = 300;
/// Fields of the machinery: nobody fills them in.
const MACHINERY: [&str; 9] = [
    "form_name",
    "page_url",
    "current_url",
    "form_token",
    "csrf_token",
    "idempotency_key",
    "company_site",
    "website",
    "car",
];

/// One form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormShape {
    /// Its name: the value of its hidden field `form_name`.
    pub name: String,
    /// Its fields in their order; those of the machinery are left out.
    pub fields: Vec<FormField>,
    /// Paths of the pages that show it.
    pub pages: Vec<String>,
}

/// One field of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Its name.
    pub name: String,
    /// `text`, `tel`, `email`, `textarea`, `select`, `checkbox` and so on.
    pub kind: String,
    /// What people read beside it; empty when nothing says so.
    pub label: String,
    /// Whether the browser asks for it.
    pub required: bool,
    /// The most characters that it takes.
    pub max_length: Option<u64>,
    /// What may be chosen, of a `select` or of radio buttons.
    pub options: Vec<String>,
}

impl Snapshot {
    /// The forms that the pages of the default language show, by name. Renders those pages: keep what you get.
    #[must_use]
    pub fn forms(&self, now: Timestamp) -> Vec<FormShape> {
        let Some(language) = self.languages().next() else { return Vec::new() };
        let pages = self.pages(language).filter_map(|page| page.path);
        // Entities of a collection share a template: one of each shows its forms.
        let entities = self.config().collections.keys().filter_map(|key| {
            let first = self.entities(language, key)?.into_iter().next()?;
            Some(first.path)
        });
        let host = self.config().hosts.first().map_or("localhost", String::as_str);
        let base = self.base_url("https", host);
        let mut forms: BTreeMap<String, FormShape> = BTreeMap::new();
        for path in pages.chain(entities).take(PAGES) {
            let Answer::Page(page) = self.answer(&Request::get(host, &path, now)) else { continue };
            for (name, fields) in forms_of(&page.html, &base) {
                let form = forms.entry(name.clone()).or_insert_with(|| FormShape {
                    name,
                    fields,
                    pages: Vec::new(),
                });
                if form.pages.last() != Some(&path) {
                    form.pages.push(path.clone());
                }
            }
        }
        forms.into_values().collect()
    }
}

/// A form that is being read.
#[derive(Default)]
struct Open {
    name: String,
    ours: bool,
    fields: Vec<Draft>,
    labels: Vec<Label>,
}

#[derive(Default)]
struct Draft {
    field: FormField,
    id: String,
}

impl Default for FormField {
    fn default() -> Self {
        Self {
            name: String::new(),
            kind: "text".to_owned(),
            label: String::new(),
            required: false,
            max_length: None,
            options: Vec::new(),
        }
    }
}

#[derive(Default)]
struct Label {
    of: String,
    text: String,
    /// The field inside it.
    holds: Option<usize>,
}

/// Name and fields of every form of a document that sends to us.
fn forms_of(html: &str, base: &str) -> Vec<(String, Vec<FormField>)> {
    let mut found = Vec::new();
    let mut open: Option<Open> = None;
    let mut reading = Reading::default();
    for token in Tokenizer::new(html) {
        // The reader has no errors of its own over a text in memory.
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) if name_of(&tag) == "form" => {
                let action = attribute(&tag, "action").unwrap_or_default();
                let path =
                    action.strip_prefix(base).unwrap_or(&action).split(['#', '?']).next().unwrap_or("");
                let ours = path.trim_end_matches('/') == "/api/send";
                open = Some(Open {
                    ours,
                    name: attribute(&tag, "data-name").unwrap_or_default(),
                    ..Open::default()
                });
            }
            Token::EndTag(tag) if tag.name.as_slice() == b"form" => {
                found.extend(open.take().and_then(Open::close));
                reading = Reading::default();
            }
            token => {
                if let Some(form) = &mut open {
                    reading.take(form, token);
                }
            }
        }
    }
    found.extend(open.and_then(Open::close));
    found
}

/// What the reader stands in.
#[derive(Default)]
struct Reading {
    label: bool,
    option: bool,
    /// Depth of things that are not read aloud.
    mute: usize,
}

impl Reading {
    fn take(&mut self, form: &mut Open, token: Token) {
        match token {
            Token::StartTag(tag) => self.start(form, &tag),
            Token::EndTag(tag) => match tag.name.as_slice() {
                b"label" => self.label = false,
                b"option" | b"select" => self.option = false,
                b"span" | b"svg" | b"script" | b"style" => self.mute = self.mute.saturating_sub(1),
                _ => {}
            },
            Token::String(text) => {
                let text = String::from_utf8_lossy(&text);
                if self.option
                    && let Some(last) =
                        form.fields.last_mut().and_then(|draft| draft.field.options.last_mut())
                {
                    last.push_str(&text);
                } else if self.label
                    && self.mute == 0
                    && let Some(last) = form.labels.last_mut()
                {
                    last.text.push_str(&text);
                }
            }
            _ => {}
        }
    }

    fn start(&mut self, form: &mut Open, tag: &StartTag<()>) {
        match name_of(tag).as_str() {
            "label" => {
                self.label = true;
                form.labels.push(Label { of: attribute(tag, "for").unwrap_or_default(), ..Label::default() });
            }
            "option" => {
                self.option = true;
                if let Some(draft) = form.fields.last_mut() {
                    draft.field.options.push(String::new());
                }
            }
            "span" | "svg" | "script" | "style" if !tag.self_closing => {
                let silent = attribute(tag, "aria-hidden").is_some() || name_of(tag) != "span";
                if silent || self.mute > 0 {
                    self.mute += 1;
                }
            }
            kind @ ("input" | "textarea" | "select") => {
                form.field(kind, tag);
                let last = form.fields.len().checked_sub(1);
                if self.label
                    && let Some(label) = form.labels.last_mut()
                {
                    label.holds = last;
                }
            }
            _ => {}
        }
    }
}

impl Open {
    fn field(&mut self, element: &str, tag: &StartTag<()>) {
        let Some(name) = attribute(tag, "name").filter(|name| !name.is_empty()) else { return };
        let kind = match element {
            "input" => attribute(tag, "type").unwrap_or_else(|| "text".to_owned()).to_ascii_lowercase(),
            other => other.to_owned(),
        };
        if name == "form_name" {
            self.name = attribute(tag, "value").unwrap_or_default();
        }
        if MACHINERY.contains(&name.as_str())
            || matches!(kind.as_str(), "submit" | "button" | "reset" | "image")
        {
            return;
        }
        if kind == "radio"
            && let Some(draft) = self.fields.iter_mut().find(|draft| draft.field.name == name)
        {
            draft.field.options.extend(attribute(tag, "value"));
            return;
        }
        let aria = attribute(tag, "aria-label").or_else(|| attribute(tag, "placeholder"));
        let field = FormField {
            required: attribute(tag, "required").is_some()
                || attribute(tag, "aria-required").as_deref() == Some("true"),
            max_length: attribute(tag, "maxlength").and_then(|text| text.parse().ok()),
            options: if kind == "radio" { attribute(tag, "value").into_iter().collect() } else { Vec::new() },
            label: aria.unwrap_or_default(),
            kind,
            name,
        };
        self.fields.push(Draft { field, id: attribute(tag, "id").unwrap_or_default() });
    }

    fn close(mut self) -> Option<(String, Vec<FormField>)> {
        if !self.ours || self.name.is_empty() {
            return None;
        }
        for label in std::mem::take(&mut self.labels) {
            let text = label.text.split_whitespace().collect::<Vec<_>>().join(" ");
            let by_id = |draft: &Draft| !label.of.is_empty() && draft.id == label.of;
            let at = self.fields.iter().position(by_id).or(label.holds);
            if let Some(draft) = at.and_then(|at| self.fields.get_mut(at)).filter(|_| !text.is_empty()) {
                draft.field.label = text;
            }
        }
        let mut seen = HashSet::new();
        let mut fields: Vec<FormField> = self.fields.into_iter().map(|draft| draft.field).collect();
        fields.retain(|field| seen.insert(field.name.clone()));
        for field in &mut fields {
            field.options = field.options.iter().map(|option| option.trim().to_owned()).collect();
        }
        Some((self.name, fields))
    }
}

fn name_of(tag: &StartTag<()>) -> String {
    String::from_utf8_lossy(&tag.name).into_owned()
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(value).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_people_see_them() {
        let html = r#"<form action="/search"><input name="q"></form>
            <form action="/api/send#f" method="post"><input type="hidden" name="form_name" value="call">
            <label for="n">Ваше <b>имя</b> <span aria-hidden="true">*</span></label><input id="n" name="name" required maxlength="120">
            <label>Телефон <input name="phone" type="tel"></label>
            <select name="model" aria-label="Модель"><option>Vesta</option><option value="x"> Granta </option></select>
            <input type="radio" name="when" value="am"><input type="radio" name="when" value="pm">
            <textarea name="message" placeholder="Вопрос"></textarea><input name="website"><button>Send</button></form>
            <form action="https://other.example/api/send"><input name="x"></form>"#;
        let forms = forms_of(html, "https://a.example");
        assert_eq!(
            forms.len(),
            1,
            "a form of another kind, and one without a name, are none of ours: {forms:?}"
        );
        let (name, fields) = &forms[0];
        assert_eq!(name, "call");
        let told: Vec<_> =
            fields.iter().map(|f| (f.name.as_str(), f.kind.as_str(), f.label.as_str(), f.required)).collect();
        assert_eq!(
            told,
            [
                ("name", "text", "Ваше имя", true),
                ("phone", "tel", "Телефон", false),
                ("model", "select", "Модель", false),
                ("when", "radio", "", false),
                ("message", "textarea", "Вопрос", false),
            ]
        );
        assert_eq!(fields[0].max_length, Some(120));
        assert_eq!(fields[2].options, ["Vesta", "Granta"]);
        assert_eq!(fields[3].options, ["am", "pm"]);
    }

    #[test]
    fn broken_markup_gives_what_it_can() {
        for html in [
            "<form",
            "<form action=/api/send><input name=",
            "<form action='/api/send'><label><select name=a>",
        ] {
            assert!(forms_of(html, "").len() <= 1, "{html}");
        }
    }
}

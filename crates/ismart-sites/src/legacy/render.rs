//! Request → answer of a site of the PHP platform.

use ismart_twig::Value as Twig;
use serde_json::Value as Json;

use super::route::{Body, Found, Shown};
use super::view::{Ready, ReadyEntity, Shape, absent_page, crumb};
use crate::answer::{Answer, Page, PageKey, Request};
use crate::config::{Legacy, Variables};
use crate::error_page;
use crate::render::{MappedPage, file_answer};
use crate::route::NOT_FOUND;
use crate::snapshot::Snapshot;
use crate::templates::{Array, RenderFailure, Value, value};
use crate::view::{LanguageView, Seo, View, has_twig};

/// The template of every page of a Slim site.
const PAGE: &str = "pages/page.twig";
/// The content type that PHP gives by itself, and the one that the error handlers write.
const HTML: &str = "text/html; charset=UTF-8";
const ERROR_HTML: &str = "text/html; charset=utf-8";

type Headers = Vec<(&'static str, String)>;

impl Snapshot {
    /// Answers one request as the PHP platform would.
    pub(crate) fn legacy_answer(&self, policies: &Legacy, request: &Request<'_>) -> Answer {
        let base_url = self.base_url(request.scheme, request.host);
        let desk = Desk { site: self, policies, request, view: &self.view(&base_url), base_url: &base_url };
        match self.legacy_route(policies, request, &base_url) {
            Found::File(file) => {
                file_answer(request, self.files().body(file), file.content_type(), file.cache, file.etag())
            }
            Found::Redirect { status, location } => Answer::Redirect { status, location },
            Found::Sitemap => desk.sitemap(),
            Found::Method => desk.method(),
            Found::Page(shown) => desk.page(&shown),
        }
    }

    /// Renders the page of a request and says of each part of it where it came from: for editors.
    pub(crate) fn legacy_mapped(
        &self,
        policies: &Legacy,
        request: &Request<'_>,
    ) -> Result<MappedPage, RenderFailure> {
        let base_url = self.base_url(request.scheme, request.host);
        let desk = Desk { site: self, policies, request, view: &self.view(&base_url), base_url: &base_url };
        let Found::Page(shown) = self.legacy_route(policies, request, &base_url) else {
            return Err(RenderFailure::plain("the address is no page"));
        };
        let making = desk.making(&shown)?;
        let Prepared { template, context, title, failure } = making.prepared();
        let shared = &making.variables.shared;
        let mapped = desk.view.engine.render_mapped(&template, context, shared, request.per_request.now)?;
        Ok(MappedPage { mapped, title, failure })
    }
}

/// One request being answered.
struct Desk<'d> {
    site: &'d Snapshot,
    policies: &'d Legacy,
    request: &'d Request<'d>,
    view: &'d View,
    base_url: &'d str,
}

impl Desk<'_> {
    fn headers(&self, content_type: &str) -> Headers {
        let mut headers: Headers = vec![("content-type", content_type.to_owned())];
        if !self.policies.security_headers {
            return headers;
        }
        let mut add = |name: &'static str, value: &str| headers.push((name, value.to_owned()));
        add("x-content-type-options", "nosniff");
        add("x-frame-options", "SAMEORIGIN");
        add("referrer-policy", "strict-origin-when-cross-origin");
        add("permissions-policy", "geolocation=(), microphone=(), camera=()");
        if self.policies.production {
            add("strict-transport-security", "max-age=31536000; includeSubDomains; preload");
        }
        if let Some(csp) = &self.policies.csp {
            add("content-security-policy", csp);
        }
        if self.site.is_hidden(self.request.host) {
            add("x-robots-tag", "noindex, nofollow");
        }
        headers
    }

    fn answer(
        &self,
        status: u16,
        html: String,
        headers: Headers,
        key: PageKey,
        failure: Option<RenderFailure>,
    ) -> Answer {
        Answer::Page(Box::new(Page { status, html, headers, key, failure }))
    }

    fn sitemap(&self) -> Answer {
        let host = crate::fleet::host_key(self.request.host);
        let xml =
            super::sitemap::sitemap(self.site, self.policies, &format!("{}://{host}", self.request.scheme));
        let headers = self.headers("application/xml; charset=UTF-8");
        self.answer(200, xml, headers, key("", "sitemap.xml", None, String::new()), None)
    }

    /// 405 through the error template of the site.
    fn method(&self) -> Answer {
        let said = self.policies.errors.get("405").or_else(|| self.policies.errors.get("500"));
        let (title, message) = said.cloned().unwrap_or_else(|| ("Ошибка".to_owned(), String::new()));
        let mut context = Array::new();
        context.insert("base_url", Value::from(format!("{}/", self.base_url)));
        context.insert("title", Value::from(title));
        context.insert("message", Value::from(message));
        context.insert("code", Value::from(405_i64));
        let (html, failure) = self.error_html("errors/http.twig", context, 405);
        let mut headers: Headers = vec![("content-type", ERROR_HTML.to_owned())];
        headers.push(("allow", "GET, HEAD".to_owned()));
        self.answer(405, html, headers, key("", "405", None, String::new()), failure)
    }

    fn error_html(&self, template: &str, context: Array, status: u16) -> (String, Option<RenderFailure>) {
        let shared = std::sync::Arc::new(Array::new());
        match self.view.engine.render(template, context, &shared, self.request.per_request.now) {
            Ok(html) => (html, None),
            Err(failure) => {
                let words = error_page::words(status, "ru");
                (error_page::plain("ru", words, self.base_url), Some(failure))
            }
        }
    }

    fn making<'s>(&'s self, shown: &'s Shown<'s>) -> Result<Making<'s>, RenderFailure> {
        let code = shown.language.code.as_str();
        let ready = self.view.legacy.as_ref().and_then(|legacy| legacy.language(code));
        match (self.view.language(code), ready) {
            (Some(variables), Some(ready)) => Ok(Making { desk: self, shown, variables, ready }),
            _ => Err(RenderFailure::plain("the language has no content")),
        }
    }

    fn page(&self, shown: &Shown<'_>) -> Answer {
        let made = self.making(shown).and_then(|making| Ok((making.html()?, making.entity_key())));
        match made {
            Ok(((html, title, failure), entity)) => {
                let key = key(&shown.language.code, &shown.page_id, entity, title);
                self.answer(shown.status, html, self.headers(HTML), key, failure)
            }
            Err(failure) => self.failed(shown, failure),
        }
    }

    /// 500: nothing of the page is kept.
    fn failed(&self, shown: &Shown<'_>, failure: RenderFailure) -> Answer {
        let html = match self.policies.variables {
            Variables::Core => "<h1>Internal Server Error</h1>".to_owned(),
            Variables::Slim => {
                let mut context = Array::new();
                context.insert("base_url", Value::from(format!("{}/", self.base_url)));
                self.error_html("errors/500.twig", context, 500).0
            }
        };
        let headers = vec![("content-type", ERROR_HTML.to_owned())];
        let key = key(&shown.language.code, &shown.page_id, None, String::new());
        self.answer(500, html, headers, key, Some(failure))
    }
}

fn key(language: &str, page_id: &str, entity: Option<(String, String)>, title: String) -> PageKey {
    PageKey { language: language.to_owned(), page_id: page_id.to_owned(), entity, title }
}

/// One page being made.
struct Making<'m> {
    desk: &'m Desk<'m>,
    shown: &'m Shown<'m>,
    variables: &'m LanguageView,
    ready: &'m Ready,
}

/// A page that is ready to be rendered.
struct Prepared {
    template: String,
    context: Array,
    title: String,
    failure: Option<RenderFailure>,
}

type Rendered = (String, String, Option<RenderFailure>);

impl Making<'_> {
    fn entity_key(&self) -> Option<(String, String)> {
        match self.shown.body {
            Body::Page { .. } => None,
            Body::AtRoot(collection) => Some((collection.key.clone(), self.shown.page_id.clone())),
            Body::UnderList(collection) => Some((collection.key.clone(), self.shown.params.first()?.clone())),
        }
    }

    fn entity(&self) -> Option<&ReadyEntity> {
        let (collection, slug) = self.entity_key()?;
        self.ready.entities.get(&collection)?.get(&slug)
    }

    fn shape(&self) -> Shape {
        let page = self.ready.pages.get(&self.shown.page_id);
        match self.shown.body {
            Body::Page { list } => {
                let list = page.and_then(|page| page.list.as_ref()).filter(|_| list);
                list.or_else(|| page.map(|page| &page.plain)).cloned().unwrap_or_else(absent_page)
            }
            Body::AtRoot(_) => Shape::bare(&self.shown.page_id, None),
            Body::UnderList(_) => {
                let slug = self.shown.params.first().map_or("", String::as_str);
                let sections = page.map(|page| &page.plain).filter(|_| self.desk.policies.entity_sections);
                Shape::bare(slug, sections)
            }
        }
    }

    /// HTML, title, and what was left out of a page that could still be shown.
    fn html(&self) -> Result<Rendered, RenderFailure> {
        let Prepared { template, context, title, failure } = self.prepared();
        let now = self.desk.request.per_request.now;
        let html = self.desk.view.engine.render(&template, context, &self.variables.shared, now)?;
        Ok((html, title, failure))
    }

    /// Everything that the template of the page is given.
    fn prepared(&self) -> Prepared {
        let entity = self.entity();
        let shape = self.shape();
        let (template, page_id, raw_seo) = self.template();
        let now = self.desk.request.per_request.now;
        let seo = match entity {
            Some(ReadyEntity { later: Some((moment, later)), .. }) if now >= *moment => Some(later),
            Some(entity) => Some(&entity.seo),
            None => self.ready.seo.get(page_id),
        };
        let (seo, failure) = match seo {
            Some(Seo::Twig(json)) if raw_seo => (value(json), None),
            Some(seo) => self.seo(seo, &shape.page),
            None => (self.no_seo(), None),
        };
        let page = self.ready.pages.get(&self.shown.page_id).filter(|_| entity.is_none());
        let title = match seo.get("title").filter(|title| !title.is_null()) {
            Some(title) => title.to_string(),
            None => page.and_then(|page| page.title.clone()).unwrap_or_default(),
        };
        let mut context = Array::new();
        let mut set = |name: &str, value: Value| context.insert(name, value);
        set("page_id", Value::from(page_id));
        set("route_params", self.params());
        set("is_lang_in_url", Value::from(self.shown.in_url));
        set("pageTitle", Value::from(title.as_str()));
        set("pageSeoData", seo);
        if self.desk.policies.variables == Variables::Slim {
            set("hero_preload_image", shape.hero);
            set("breadcrumb", self.breadcrumb(page_id, &title));
        }
        set("pageData", shape.page);
        set("sections", shape.sections);
        if let (Some(entity), Body::AtRoot(collection) | Body::UnderList(collection)) =
            (entity, self.shown.body)
        {
            set("breadcrumb", entity.breadcrumb.clone());
            set(&collection.extras_key, entity.entity.clone());
            if self.desk.policies.full_items {
                set("entity", entity.entity.clone());
                set("frame_data", entity.frame.clone());
                set("seo_url_path", Value::from(entity.url_path.as_str()));
            }
        }
        Prepared { template, context, title, failure }
    }

    fn params(&self) -> Value {
        Value::list(self.shown.params.iter().map(|param| Value::from(param.as_str())))
    }

    /// Template, page id as templates see it, and whether the Twig of its SEO stays as it is.
    fn template(&self) -> (String, &str, bool) {
        let id = self.shown.page_id.as_str();
        match self.shown.body {
            Body::AtRoot(collection) | Body::UnderList(collection) => {
                (collection.template.clone(), id, false)
            }
            Body::Page { .. } if self.desk.policies.variables == Variables::Slim => {
                (PAGE.to_owned(), id, false)
            }
            Body::Page { .. } => {
                let own = format!("pages/{id}.twig");
                if self.desk.view.engine.has(&own) {
                    (own, id, false)
                } else {
                    ("pages/404.twig".to_owned(), NOT_FOUND, true)
                }
            }
        }
    }

    fn no_seo(&self) -> Value {
        match self.desk.policies.variables {
            Variables::Core => Value::Null,
            Variables::Slim => Value::map([
                ("title", Value::from("")),
                ("meta", Value::from(Array::new())),
                ("json_ld", Value::Null),
            ]),
        }
    }

    /// SEO with the Twig of its strings rendered; where that fails, all of it as it stands in the file.
    fn seo(&self, seo: &Seo, page: &Value) -> (Value, Option<RenderFailure>) {
        match seo {
            Seo::Ready(ready) => (ready.clone(), None),
            Seo::Absent => (self.no_seo(), None),
            Seo::Twig(json) => {
                let mut own = Array::new();
                own.insert("pageData", page.clone());
                own.insert("route_params", self.params());
                own.insert("is_lang_in_url", Value::from(self.shown.in_url));
                match self.strings(json, &own) {
                    Ok(rendered) => (rendered, None),
                    Err(failure) => (value(json), Some(failure)),
                }
            }
        }
    }

    fn strings(&self, json: &Json, own: &Array) -> Result<Value, RenderFailure> {
        Ok(match json {
            Json::String(text) if has_twig(text) => {
                let now = self.desk.request.per_request.now;
                Value::from(self.desk.view.engine.render_text(text, own, &self.variables.shared, now)?)
            }
            Json::Array(items) => {
                let items: Result<Vec<Twig>, _> = items.iter().map(|item| self.strings(item, own)).collect();
                Value::list(items?)
            }
            Json::Object(map) => {
                let mut array = Array::new();
                for (key, item) in map {
                    array.insert(key.as_str(), self.strings(item, own)?);
                }
                Value::from(array)
            }
            other => value(other),
        })
    }

    fn breadcrumb(&self, page_id: &str, title: &str) -> Value {
        let mut steps = vec![crumb(&self.ready.home_title, "/")];
        if page_id != "index" && page_id != NOT_FOUND {
            let config = self.desk.site.config();
            let segment = config.route_map.iter().rfind(|(_, id)| *id == page_id);
            let segment = segment.map_or(page_id, |(slug, _)| slug.as_str());
            let mut path = segment.to_owned();
            for param in &self.shown.params {
                path.push('/');
                path.push_str(param);
            }
            steps.push(crumb(if title.is_empty() { segment } else { title }, &format!("/{path}/")));
        }
        Value::list(steps)
    }
}

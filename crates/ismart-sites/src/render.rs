//! Request → answer: the route is rendered, or what stands in the way is said.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value as Json;
use sha2::{Digest, Sha256};

use crate::answer::{Answer, Cache, FileBody, Page, PageKey, Request};
use crate::config::Collection;
use crate::content::{Entity, Language};
use crate::error_page::{self, Words};
use crate::json::text;
use crate::route::{NOT_FOUND, Route, Target};
use crate::snapshot::Snapshot;
use crate::templates::{Array, Mapped, RenderFailure, Value, value};
use crate::view::{EntityView, LanguageView, PageView, Seo, View, has_twig};

/// The template of every page.
pub(crate) const PAGE_TEMPLATE: &str = "pages/page.twig";
const HTTP_ERROR: &str = "errors/http.twig";
const SERVER_ERROR: &str = "errors/500.twig";

impl Snapshot {
    /// Answers one request. Reads nothing from disk; a failing template gives a clean 500 page and the
    /// failure for the log, and touches no other page.
    #[must_use]
    pub fn answer(&self, request: &Request<'_>) -> Answer {
        if let Some(policies) = &self.config().legacy {
            return self.legacy_answer(policies, request);
        }
        if !matches!(request.method, "GET" | "HEAD") {
            return Answer::MethodNotAllowed { allow: "GET, HEAD" };
        }
        let base_url = self.base_url(request.scheme, request.host);
        match self.route(request.path, request.query) {
            Route::File(file) => {
                file_answer(request, self.files().body(file), file.content_type(), file.cache, file.etag())
            }
            Route::Sitemap => made_answer(request, self.sitemap(&base_url), "application/xml; charset=utf-8"),
            Route::Robots => {
                let hidden = self.is_hidden(request.host);
                made_answer(request, self.robots(&base_url, hidden), "text/plain; charset=utf-8")
            }
            Route::Redirect { status, location, rule } => {
                // As the PHP platform does: rules answer with the full address.
                let full = rule && location.starts_with('/');
                let location = if full { format!("{base_url}{location}") } else { location };
                Answer::Redirect { status, location }
            }
            Route::Page(target) => self.page_answer(request, &base_url, &target),
            Route::Missing { language, in_url } => self.missing(request, &base_url, language, in_url),
        }
    }

    /// Renders a target and says of each part of the page where it came from: for editors.
    pub(crate) fn page_mapped(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
    ) -> Result<MappedPage, RenderFailure> {
        if let Some(policies) = &self.config().legacy {
            return self.legacy_mapped(policies, request);
        }
        let view = self.view(&self.base_url(request.scheme, request.host));
        let render = Rendering { site: self, view: &view, request, target };
        let Prepared { template, context, shared, title, failure } = render.prepared()?;
        let now = request.per_request.now;
        let mapped = view.engine.render_mapped(&template, context, &shared, now)?;
        Ok(MappedPage { mapped, title, failure })
    }

    pub(crate) fn is_hidden(&self, host: &str) -> bool {
        let host = crate::fleet::host_key(host);
        self.config().noindex_hosts.iter().any(|end| host.ends_with(end.as_str()))
    }

    fn page_answer(&self, request: &Request<'_>, base_url: &str, target: &Target<'_>) -> Answer {
        let view = self.view(base_url);
        let status = if target.page_id == NOT_FOUND && target.entity.is_none() { 404 } else { 200 };
        let render = Rendering { site: self, view: &view, request, target };
        match render.page() {
            Ok((html, title, failure)) => self.page(request, target, status, html, title, failure),
            Err(failure) => self.server_error(request, &view, target, failure),
        }
    }

    /// The page `404` of the language, or of the default language; then the error template; then plain HTML.
    fn missing(&self, request: &Request<'_>, base_url: &str, language: usize, in_url: bool) -> Answer {
        let view = self.view(base_url);
        let languages = &self.content().languages;
        let candidates = [languages.get(language), languages.first()];
        let mut first_failure = None;
        for language in candidates.into_iter().flatten() {
            if !language.pages.contains_key(NOT_FOUND) {
                continue;
            }
            let target = Target { language, page_id: NOT_FOUND, params: Vec::new(), in_url, entity: None };
            let render = Rendering { site: self, view: &view, request, target: &target };
            match render.page() {
                Ok((html, title, failure)) => return self.page(request, &target, 404, html, title, failure),
                Err(failure) => first_failure = first_failure.or(Some(failure)),
            }
        }
        let code = candidates.into_iter().flatten().next().map_or("ru", |language| language.code.as_str());
        let words = error_page::words(404, code);
        let (html, failure) = self.error_html(request, &view, HTTP_ERROR, 404, code, words);
        Answer::Page(Box::new(Page {
            status: 404,
            html,
            headers: headers(code, true),
            key: PageKey {
                language: code.to_owned(),
                page_id: NOT_FOUND.to_owned(),
                entity: None,
                title: String::new(),
            },
            failure: first_failure.or(failure),
        }))
    }

    fn page(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
        status: u16,
        html: String,
        title: String,
        failure: Option<RenderFailure>,
    ) -> Answer {
        let hidden = status != 200 || self.is_hidden(request.host);
        Answer::Page(Box::new(Page {
            status,
            html,
            headers: headers(&target.language.code, hidden),
            key: key(target, title),
            failure,
        }))
    }

    fn server_error(
        &self,
        request: &Request<'_>,
        view: &View,
        target: &Target<'_>,
        failure: RenderFailure,
    ) -> Answer {
        let code = target.language.code.as_str();
        let words = error_page::words(500, code);
        let (html, _) = self.error_html(request, view, SERVER_ERROR, 500, code, words);
        Answer::Page(Box::new(Page {
            status: 500,
            html,
            headers: headers(code, true),
            key: key(target, String::new()),
            failure: Some(failure),
        }))
    }

    /// An error page through the site's own template, or plain HTML where that is absent or fails too.
    fn error_html(
        &self,
        request: &Request<'_>,
        view: &View,
        template: &str,
        status: u16,
        code: &str,
        words: Words,
    ) -> (String, Option<RenderFailure>) {
        let mut failure = None;
        if view.engine.has(template) {
            let shared = view.language(code).map(|language| language.shared.clone()).unwrap_or_default();
            let mut context = Array::new();
            context.insert("title", Value::from(words.title));
            context.insert("message", Value::from(words.message));
            context.insert("status", Value::from(i64::from(status)));
            context.insert("page_id", Value::from(i64::from(status).to_string()));
            context.insert("request_id", request.per_request.request_id.map_or(Value::Null, Value::from));
            match view.engine.render(template, context, &shared, request.per_request.now) {
                Ok(html) => return (html, None),
                Err(error) => failure = Some(error),
            }
        }
        (error_page::plain(code, words, view.base_url()), failure)
    }
}

fn key(target: &Target<'_>, title: String) -> PageKey {
    PageKey {
        language: target.language.code.clone(),
        page_id: target.page_id.to_owned(),
        entity: target.entity.map(|(collection, entity)| (collection.key.clone(), entity.slug.clone())),
        title,
    }
}

fn headers(language: &str, hidden: bool) -> Vec<(&'static str, String)> {
    let mut headers = vec![
        ("content-type", "text/html; charset=utf-8".to_owned()),
        ("content-language", language.to_owned()),
    ];
    if hidden {
        headers.push(("x-robots-tag", "noindex, nofollow".to_owned()));
    }
    headers
}

pub(crate) fn file_answer(
    request: &Request<'_>,
    body: FileBody,
    content_type: &'static str,
    cache: Cache,
    etag: String,
) -> Answer {
    let known = request.if_none_match.is_some_and(|tags| {
        tags.split(',').any(|tag| {
            let tag = tag.trim();
            tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag
        })
    });
    if known { Answer::NotModified { etag, cache } } else { Answer::File { body, content_type, cache, etag } }
}

fn made_answer(request: &Request<'_>, text: String, content_type: &'static str) -> Answer {
    let digest: String = hex::encode(Sha256::digest(&text)).chars().take(20).collect();
    let body = FileBody::Memory(Bytes::from(text));
    file_answer(request, body, content_type, Cache::Revalidate, format!("\"{digest}\""))
}

/// The template of a page: one for all, or, where a site has no such, one of the page's name.
pub(crate) fn page_template(site: &Snapshot, page_id: &str) -> String {
    let own = format!("pages/{page_id}.twig");
    if !site.templates().contains_key(PAGE_TEMPLATE) && site.templates().contains_key(&own) {
        return own;
    }
    PAGE_TEMPLATE.to_owned()
}

/// A page with the origin of its parts.
#[derive(Debug)]
pub(crate) struct MappedPage {
    pub(crate) mapped: Mapped,
    pub(crate) title: String,
    pub(crate) failure: Option<RenderFailure>,
}

/// One page being made.
pub(crate) struct Rendering<'r> {
    pub(crate) site: &'r Snapshot,
    pub(crate) view: &'r View,
    pub(crate) request: &'r Request<'r>,
    pub(crate) target: &'r Target<'r>,
}

/// A page that is ready to be rendered.
pub(crate) struct Prepared {
    pub(crate) template: String,
    pub(crate) context: Array,
    pub(crate) shared: Arc<Array>,
    title: String,
    failure: Option<RenderFailure>,
}

type Rendered = (String, String, Option<RenderFailure>);

impl Rendering<'_> {
    /// HTML, title, and what was left out of a page that could still be shown.
    fn page(&self) -> Result<Rendered, RenderFailure> {
        let Prepared { template, context, shared, title, failure } = self.prepared()?;
        let now = self.request.per_request.now;
        let html = self.view.engine.render(&template, context, &shared, now)?;
        Ok((html, title, failure))
    }

    /// Everything that the page's template is given.
    pub(crate) fn prepared(&self) -> Result<Prepared, RenderFailure> {
        let Some(language) = self.view.language(&self.target.language.code) else {
            return Err(RenderFailure::plain("the language has no content"));
        };
        let page = language.pages.get(self.target.page_id);
        let entity = self.entity_view(language);
        let mut context = self.context(page, entity);
        let seo = match (entity, page) {
            (Some((_, _, entity)), _) => &entity.seo,
            (None, Some(page)) => &page.seo,
            (None, None) => &Seo::Absent,
        };
        let (seo, failure) = self.seo(seo, &context, language);
        let title = seo.get("title").filter(|title| !title.is_null()).map(ToString::to_string);
        let title = title.or_else(|| page.and_then(|page| page.title.clone())).unwrap_or_default();
        context.insert("breadcrumb", self.breadcrumb(language, page, &title));
        context.insert("pageSeoData", seo);
        context.insert("pageTitle", Value::from(title.as_str()));
        let template = match self.target.entity {
            Some((collection, _)) => collection.template.clone(),
            None => page_template(self.site, self.target.page_id),
        };
        Ok(Prepared { template, context, shared: language.shared.clone(), title, failure })
    }

    fn entity_view<'v>(&self, language: &'v LanguageView) -> Option<(&Collection, &Entity, &'v EntityView)> {
        let (collection, entity) = self.target.entity?;
        let index = self.target.language.entities(&collection.key)?.index(&entity.slug)?;
        Some((collection, entity, language.entities.get(&collection.key)?.get(index)?))
    }

    fn context(&self, page: Option<&PageView>, entity: Option<(&Collection, &Entity, &EntityView)>) -> Array {
        let mut context = Array::new();
        let per = &self.request.per_request;
        let mut set = |name: &str, value: Value| context.insert(name, value);
        set("page_id", Value::from(self.target.page_id));
        set("route_params", Value::list(self.target.params.iter().map(|p| Value::from(p.as_str()))));
        set("is_lang_in_url", Value::from(self.target.in_url));
        set("pageData", page.map_or(Value::Null, |page| page.page.clone()));
        let sections = page.map_or_else(|| Value::from(Array::new()), |page| page.sections.clone());
        set("sections", crate::listing::narrowed(&sections, self.request.query).unwrap_or(sections));
        set("hero_preload_image", page.map_or(Value::Null, |page| page.hero.clone()));
        set("form_token", per.form_token.map_or(Value::Null, Value::from));
        set("request_id", per.request_id.map_or(Value::Null, Value::from));
        set("form_state", per.form_state.map_or(Value::Null, value));
        set("request_url", Value::from(self.request_url()));
        set("canonical_path", Value::from(self.site.canonical(self.target)));
        set("alternates", self.alternates());
        if let Some((collection, _, view)) = entity {
            set("entity", view.entity.clone());
            set(&collection.extras_key, view.entity.clone());
            set("seo_url_path", Value::from(self.site.canonical(self.target)));
        }
        context
    }

    /// The same page in the site's languages, this one included; empty where there is no other.
    fn alternates(&self) -> Value {
        let languages = self.site.content().languages.iter();
        let found: Vec<Value> = languages
            .filter(|language| match self.target.entity {
                Some((collection, entity)) => {
                    language.entities(&collection.key).is_some_and(|all| all.get(&entity.slug).is_some())
                }
                None => self.target.page_id != NOT_FOUND && language.pages.contains_key(self.target.page_id),
            })
            .map(|language| {
                let path = self.site.canonical(&Target { language, params: Vec::new(), ..*self.target });
                Value::map([("code", Value::from(language.code.as_str())), ("path", Value::from(path))])
            })
            .collect();
        if found.len() > 1 { Value::list(found) } else { Value::from(Array::new()) }
    }

    fn request_url(&self) -> String {
        let base = self.view.base_url();
        match self.request.query {
            Some(query) if !query.is_empty() => format!("{base}{}?{query}", self.request.path),
            _ => format!("{base}{}", self.request.path),
        }
    }

    /// SEO with the Twig of its strings rendered; where that fails, as it stands in the file.
    fn seo(&self, seo: &Seo, context: &Array, language: &LanguageView) -> (Value, Option<RenderFailure>) {
        match seo {
            Seo::Ready(ready) => (ready.clone(), None),
            Seo::Absent => {
                let empty = [
                    ("title", Value::Null),
                    ("meta", Value::from(Array::new())),
                    ("json_ld", Value::Null),
                    ("json_ld_faq", Value::Null),
                ];
                (Value::map(empty), None)
            }
            Seo::Twig(json) => match self.seo_strings(json, context, language) {
                Ok(rendered) => (rendered, None),
                Err(failure) => (value(json), Some(failure)),
            },
        }
    }

    fn seo_strings(
        &self,
        json: &Json,
        context: &Array,
        language: &LanguageView,
    ) -> Result<Value, RenderFailure> {
        Ok(match json {
            Json::String(text) if has_twig(text) => {
                let now = self.request.per_request.now;
                Value::from(self.view.engine.render_text(text, context, &language.shared, now)?)
            }
            Json::Array(items) => {
                let items: Result<Vec<_>, _> =
                    items.iter().map(|item| self.seo_strings(item, context, language)).collect();
                Value::list(items?)
            }
            Json::Object(map) => {
                let mut array = Array::new();
                for (key, item) in map {
                    array.insert(key.as_str(), self.seo_strings(item, context, language)?);
                }
                Value::from(array)
            }
            other => value(other),
        })
    }

    fn breadcrumb(&self, language: &LanguageView, page: Option<&PageView>, title: &str) -> Value {
        let code = self.target.language;
        let mut steps = vec![(language.home_title.clone(), self.site.address(code, "/"))];
        match self.target.entity {
            Some((collection, entity)) => {
                let segment = self.site.config().segment_of(&collection.list_page_id);
                let list = page.and_then(|page| page.title.clone());
                let name = list_title(self.site, code, segment).or(list);
                let name = name.unwrap_or_else(|| collection.nav_slug.clone());
                steps.push((name, self.site.address(code, &format!("/{segment}"))));
                steps.push((entity.name(collection).to_owned(), self.site.canonical(self.target)));
            }
            None if self.target.page_id != "index" => {
                steps.push((title.to_owned(), self.site.canonical(self.target)));
            }
            None => {}
        }
        Value::list(
            steps
                .into_iter()
                .map(|(name, url)| Value::map([("name", Value::from(name)), ("url", Value::from(url))])),
        )
    }
}

/// What the navigation calls a page, or its SEO file.
fn list_title(site: &Snapshot, language: &Language, segment: &str) -> Option<String> {
    let named = crate::view::navigation(site, &language.code).find(|(href, _)| *href == segment);
    if let Some((_, title)) = named {
        return Some(title.to_owned());
    }
    let page_id = site.config().route_map.get(segment).map_or(segment, String::as_str);
    let seo = language.seo.get(page_id).map(Arc::as_ref)?;
    text(seo, "title").filter(|title| !has_twig(title)).map(str::to_owned)
}

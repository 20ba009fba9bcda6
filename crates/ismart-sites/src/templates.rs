//! The one place that touches the template engine.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ismart_twig::{Call, Callable, Context, Environment, Error, ErrorKind, Limits, Loader};
use jiff::Timestamp;
use serde_json::Value as Json;

pub(crate) use ismart_twig::{Array, Mapped, Value};

use crate::files::Size;
use crate::finding::{Finding, Position};
use crate::host::{Host, Parts, tiles_in_rows};
use crate::picture::PictureWish;

/// Bytes of HTML that one page may have; a loop that never ends stops here.
const BIGGEST_PAGE: usize = 32 * 1024 * 1024;

thread_local! {
    /// The instant of the rendering at work: the engine asks for the time without saying for whom, and a
    /// rendering never leaves its thread.
    static NOW: Cell<Timestamp> = const { Cell::new(Timestamp::UNIX_EPOCH) };
}

/// The functions that templates of sites may call beside Twig's own.
pub const TEMPLATE_FUNCTIONS: &[&str] = &[
    "url",
    "assetUrl",
    "asset_manifest",
    "css_manifest",
    "inlineCss",
    "load_json",
    "image_dimensions",
    "image_has",
    "inline_svg",
    "gallery_visible_count",
    "picture",
];

/// The variables that templates of sites may read; a collection adds one under its `extras_key`.
pub const TEMPLATE_CONTEXT: &[&str] = &[
    "alternates",
    "base_url",
    "breadcrumb",
    "canonical_path",
    "captcha_client_key",
    "collections",
    "config",
    "currentLang",
    "entity",
    "form_state",
    "form_token",
    "global",
    "hero_preload_image",
    "is_lang_in_url",
    "lang_code",
    "message",
    "pageData",
    "pageSeoData",
    "pageTitle",
    "page_id",
    "preload_fonts",
    "request_id",
    "request_url",
    "route_params",
    "sections",
    "seo_url_path",
    "settings",
    "status",
    "title",
];

/// JSON that templates asked for, as values: content does not change, so each is made once.
#[derive(Default)]
pub(crate) struct Loaded(ArcSwap<HashMap<Box<str>, Value>>);

impl Loaded {
    /// The value of a path; `make` gives its JSON when it is first asked for. What is not there is not remembered: a
    /// template may ask for anything.
    pub(crate) fn value(&self, path: &str, make: impl FnOnce() -> Option<Json>) -> Value {
        if let Some(found) = self.0.load().get(path) {
            return found.clone();
        }
        let Some(json) = make() else { return Value::Null };
        let made = value(&json);
        self.0.rcu(|all| {
            let mut all = all.as_ref().clone();
            all.insert(path.into(), made.clone());
            all
        });
        made
    }
}

/// JSON as a template value.
pub(crate) fn value(json: &Json) -> Value {
    Value::from(json)
}

/// Why a template could not be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderFailure {
    /// The message with template and line, as Twig words it.
    pub message: String,
    /// The template relative to `templates/`, or the engine's name of a template inside content.
    pub template: Option<String>,
    /// Line from 1.
    pub line: Option<usize>,
    /// Character in the line from 1, where known.
    pub column: Option<usize>,
    /// The lines around the place.
    pub excerpt: Option<String>,
    /// Whether the template does not compile; otherwise it failed while it ran.
    pub syntax: bool,
}

impl RenderFailure {
    /// A failure without a place.
    pub(crate) fn plain(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            template: None,
            line: None,
            column: None,
            excerpt: None,
            syntax: false,
        }
    }

    fn new(error: &Error) -> Self {
        let number = |n: Option<u32>| n.and_then(|n| usize::try_from(n).ok());
        Self {
            message: error.to_string(),
            template: error.template().map(str::to_owned),
            line: number(error.line()),
            column: number(error.column()),
            excerpt: error.excerpt().map(str::to_owned),
            syntax: error.kind() == ErrorKind::Syntax,
        }
    }

    /// The file of the template, relative to the site folder; `None` for Twig inside content.
    pub(crate) fn file(&self) -> Option<String> {
        let name = self.template.as_deref()?;
        (!name.contains("string_template") && !name.contains("(string template"))
            .then(|| format!("templates/{name}"))
    }

    /// As a finding; `content` is the file to blame for Twig inside content, `text` that of the template.
    pub(crate) fn finding(&self, content: &str, text: &str) -> Finding {
        let rule = if self.syntax { "template.syntax" } else { "template.render" };
        let file = self.file();
        let fix = match &file {
            Some(_) => "mend the template at this place",
            None => "mend the Twig inside this content",
        };
        let finding =
            Finding::error(rule, file.clone().unwrap_or_else(|| content.to_owned()), &self.message, fix);
        match (file, self.line) {
            (Some(_), Some(line)) => finding.at(text, Position { line, column: self.column.unwrap_or(1) }),
            _ => finding,
        }
    }
}

/// Templates of a snapshot; sources are not copied.
struct Sources(Arc<Parts>);

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Sources").field(&self.0.templates.len()).finish()
    }
}

impl Loader for Sources {
    fn source(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.0.templates.get(name).map(|source| source.as_ref().to_owned()))
    }

    fn exists(&self, name: &str) -> bool {
        self.0.templates.contains_key(name)
    }
}

/// The templates of a site under one base address.
#[derive(Debug)]
pub(crate) struct Engine {
    environment: Environment,
}

impl Engine {
    pub(crate) fn new(host: Host) -> Self {
        let mut environment = Environment::with_loader(Sources(host.parts.clone()));
        environment.set_limits(Limits { output: BIGGEST_PAGE, ..Limits::default() });
        environment.set_clock(|| {
            let now = NOW.get();
            (now.as_second(), now.subsec_nanosecond())
        });
        // The name was checked when the site was configured; UTC is the engine's own default.
        let zone = environment.set_timezone(&host.parts.config.time_zone);
        debug_assert!(zone.is_ok(), "the zone was checked: {zone:?}");
        environment.add_global("base_url", host.base_url.as_ref());
        // The extra packages that sites of the PHP platform may have required.
        let locale = host.parts.config.default_language.as_deref().unwrap_or("ru");
        ismart_twig_extra::register(&mut environment, locale);
        let functions = functions(&host);
        debug_assert!(
            functions.iter().map(Callable::name).eq(TEMPLATE_FUNCTIONS.iter().copied()),
            "TEMPLATE_FUNCTIONS lists what the engine offers, in its order"
        );
        for function in functions {
            environment.add(function);
        }
        if let Some(policies) = &host.parts.config.legacy {
            for (name, value) in crate::legacy::globals(&host, policies) {
                environment.add_global(name, value);
            }
            for function in crate::legacy::functions(&host, policies) {
                environment.add(function);
            }
        }
        Self { environment }
    }

    /// What does not compile, of all templates.
    pub(crate) fn faults(&self, templates: &BTreeMap<String, Arc<str>>) -> Vec<Finding> {
        templates
            .iter()
            .filter(|(name, _)| name.ends_with(".twig"))
            .flat_map(|(name, text)| {
                let errors = self.environment.check_source(name, text);
                errors
                    .into_iter()
                    .map(|error| RenderFailure::new(&error).finding(name, text))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.environment.has_template(name)
    }

    /// Renders a template; `own` variables lie over `shared` ones.
    pub(crate) fn render(
        &self,
        name: &str,
        own: Array,
        shared: &Arc<Array>,
        now: Timestamp,
    ) -> Result<String, RenderFailure> {
        NOW.set(now);
        let context = Context::from(own).over(shared.clone());
        self.environment.render(name, context).map_err(|error| RenderFailure::new(&error))
    }

    /// Renders a template and says where each part of the output came from; see [`Engine::render`].
    pub(crate) fn render_mapped(
        &self,
        name: &str,
        own: Array,
        shared: &Arc<Array>,
        now: Timestamp,
    ) -> Result<Mapped, RenderFailure> {
        NOW.set(now);
        let context = Context::from(own).over(shared.clone());
        let template = self.environment.get_template(name);
        template
            .and_then(|template| template.render_mapped(context))
            .map_err(|error| RenderFailure::new(&error))
    }

    /// Renders a content string; it is compiled once.
    pub(crate) fn render_text(
        &self,
        text: &str,
        own: &Array,
        shared: &Arc<Array>,
        now: Timestamp,
    ) -> Result<String, RenderFailure> {
        NOW.set(now);
        let context = Context::from(own.clone()).over(shared.clone());
        self.environment.render_str(text, context).map_err(|error| RenderFailure::new(&error))
    }
}

/// A path argument; `null` when it was not given.
fn path_of(call: &Call<'_>, at: usize) -> Result<Option<String>, Error> {
    if call.arg(at).is_null() { Ok(None) } else { Ok(Some(call.text(at)?.to_string())) }
}

fn size_value(size: Option<Size>) -> Value {
    match size {
        Some((width, height)) => Value::map([("width", Value::from(width)), ("height", Value::from(height))]),
        None => Value::Null,
    }
}

fn functions(host: &Host) -> Vec<Callable> {
    let mut all = Vec::new();
    let host_of = || host.clone();

    let host = host_of();
    all.push(
        Callable::function("url", move |call| {
            let path = if call.is_empty() { Some(String::new()) } else { path_of(call, 0)? };
            Ok(Value::from(host.url(path.as_deref())))
        })
        .params(&["path?"]),
    );
    let host = host_of();
    all.push(
        Callable::function("assetUrl", move |call| {
            let kind = path_of(call, 1)?.unwrap_or_else(|| "js".to_owned());
            match host.asset_url(&call.text(0)?, &kind) {
                Ok(url) => Ok(Value::from(url)),
                Err(_) if call.arg(2).truthy() => Ok(Value::Null),
                Err(message) => Err(Error::host(message)),
            }
        })
        .params(&["assetName", "manifestType?", "safe?"]),
    );
    for (name, kind) in [("asset_manifest", "js"), ("css_manifest", "css")] {
        let host = host_of();
        all.push(Callable::function(name, move |_| Ok(value(&host.manifest(kind)))).params(&[]));
    }
    let host = host_of();
    all.push(
        Callable::function("inlineCss", move |call| {
            Ok(host.css(&call.text(0)?).map_or(Value::Null, Value::markup))
        })
        .params(&["name"]),
    );
    let host = host_of();
    let loaded = Loaded::default();
    all.push(
        Callable::function("load_json", move |call| {
            let path = call.text(0)?;
            Ok(loaded.value(&path, || Some(crate::json::absolute(host.json(&path)?, &host.base_url))))
        })
        .params(&["path"]),
    );
    all.extend(picture_functions(host_of));
    all
}

fn picture_functions(host_of: impl Fn() -> Host) -> Vec<Callable> {
    let mut all = Vec::new();
    let host = host_of();
    all.push(
        Callable::function("image_dimensions", move |call| {
            Ok(size_value(path_of(call, 0)?.and_then(|path| host.size(&path))))
        })
        .params(&["path"]),
    );
    let host = host_of();
    all.push(
        Callable::function("image_has", move |call| {
            Ok(Value::from(path_of(call, 0)?.is_some_and(|path| host.has_picture(&path))))
        })
        .params(&["path"]),
    );
    let host = host_of();
    all.push(
        Callable::function("inline_svg", move |call| {
            let class = path_of(call, 1)?.unwrap_or_default();
            let svg = path_of(call, 0)?.and_then(|path| host.svg(&path, &class));
            Ok(Value::markup(svg.unwrap_or_default()))
        })
        .params(&["path", "class?"]),
    );
    all.push(
        Callable::function("gallery_visible_count", |call| {
            let rows = if call.arg(1).is_null() { 3 } else { call.arg(1).to_int() };
            let items = call.arg(0).as_array();
            let spans = items.into_iter().flat_map(Array::values).map(|item| match item.get("span") {
                Some(span) => span.to_int(),
                None => 4,
            });
            Ok(Value::from(tiles_in_rows(spans, rows)))
        })
        .params(&["items", "rows?"]),
    );
    let host = host_of();
    all.push(
        Callable::function("picture", move |call| {
            let text = |key: &str| {
                let found = call.arg(1).get(key).filter(|value| !value.is_null());
                found.map(ToString::to_string)
            };
            let wish = PictureWish {
                sizes: text("sizes"),
                class: text("class"),
                alt: text("alt"),
                lang: text("lang"),
                loading: text("loading"),
            };
            let path = path_of(call, 0)?.filter(|path| !path.is_empty());
            Ok(Value::markup(path.map(|path| host.picture(&path, &wish)).unwrap_or_default()))
        })
        .params(&["path", "options?"]),
    );
    all
}

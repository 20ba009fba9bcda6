//! The environment: options, loaders, callables and the cache of templates.

mod engine;
mod registry;

use std::sync::Arc;
use std::time::Duration;

use ecow::EcoString;

pub(crate) use engine::Engine;
pub(crate) use registry::Registry;

use crate::callable::{Call, CallKind, Callable, Strategy};
use crate::error::Error;
use crate::loader::Loader;
use crate::sandbox::Policy;
use crate::template::Template;
use crate::value::{Array, Value};

/// How a template's default strategy of escaping is chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AutoEscape {
    /// No escaping.
    Off,
    /// HTML.
    #[default]
    Html,
    /// By the extension before `.twig`: js and json, css, txt (none), else HTML.
    Name,
    /// One strategy for all.
    Strategy(Strategy),
}

impl AutoEscape {
    pub(crate) fn of(&self, name: &str) -> Option<Strategy> {
        match self {
            Self::Off => None,
            Self::Html => Some(Strategy::Html),
            Self::Strategy(strategy) => Some(strategy.clone()),
            Self::Name => {
                let name = name.strip_suffix(".twig").unwrap_or(name);
                match name.rsplit_once('.').map_or("", |(_, ext)| ext) {
                    "js" | "json" => Some(Strategy::Js),
                    "css" => Some(Strategy::Css),
                    "txt" => None,
                    _ => Some(Strategy::Html),
                }
            }
        }
    }
}

/// What a rendering may use up, so that templates of strangers cannot harm.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Steps: printed expressions, assignments, rounds of loops and calls of arrow functions, and one for
    /// every 16 elements or bytes of a value that a template makes.
    pub fuel: Option<u64>,
    /// How deep templates, blocks, macros and arrow functions may call each other.
    pub depth: u32,
    /// Bytes of output.
    pub output: usize,
    /// Elements of an array, with those of arrays inside of it, and bytes of a text that a template makes.
    pub items: usize,
    /// Wall time.
    pub time: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel: None, depth: 64, output: 256 << 20, items: 16 << 20, time: None }
    }
}

/// The variables of a rendering: its own over shared ones.
///
/// Shared arrays are not copied, so a site-wide snapshot costs a rendering nothing.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub(crate) own: Array,
    pub(crate) shared: Vec<Arc<Array>>,
}

impl Context {
    /// No variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable of the rendering.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.own.insert(name, value.into());
        self
    }

    /// Adds variables below the ones so far.
    #[must_use]
    pub fn over(mut self, shared: Arc<Array>) -> Self {
        self.shared.push(shared);
        self
    }
}

impl From<()> for Context {
    fn from((): ()) -> Self {
        Self::default()
    }
}

impl From<Array> for Context {
    fn from(own: Array) -> Self {
        Self { own, shared: Vec::new() }
    }
}

impl From<Arc<Array>> for Context {
    fn from(shared: Arc<Array>) -> Self {
        Self { own: Array::new(), shared: vec![shared] }
    }
}

/// A value that is no array gives no variables.
impl From<Value> for Context {
    fn from(value: Value) -> Self {
        match value {
            Value::Array(array) => array.into(),
            _ => Self::default(),
        }
    }
}

impl From<&serde_json::Value> for Context {
    fn from(json: &serde_json::Value) -> Self {
        Value::from(json).into()
    }
}

/// Options, loaders, callables and compiled templates.
///
/// An environment is set up once and then shared: rendering takes `&self` and needs no lock.
///
/// ```
/// use ismart_twig::{Environment, MemoryLoader};
/// let mut loader = MemoryLoader::new();
/// loader.add("hello.html.twig", "Hello {{ name|upper }}!");
/// let mut env = Environment::with_loader(loader);
/// env.set_strict_variables(true);
/// let page = env.get_template("hello.html.twig").unwrap();
/// assert_eq!(page.render(&serde_json::json!({"name": "Ann"})).unwrap(), "Hello ANN!");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Environment {
    engine: Arc<Engine>,
}

impl Environment {
    /// An environment without templates of its own.
    pub fn new() -> Self {
        Self::default()
    }

    /// An environment with a loader.
    pub fn with_loader(loader: impl Loader + 'static) -> Self {
        let mut env = Self::default();
        env.set_loader(loader);
        env
    }

    /// What the templates share.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Changes options; compiled templates are forgotten.
    fn change(&mut self) -> &mut Engine {
        let engine = Arc::make_mut(&mut self.engine);
        engine.forget();
        engine
    }

    /// Sets where templates come from.
    pub fn set_loader(&mut self, loader: impl Loader + 'static) {
        self.change().loader = Arc::new(loader);
    }

    /// Makes missing variables and attributes errors (off by default: they are null).
    pub fn set_strict_variables(&mut self, strict: bool) {
        self.change().strict = strict;
    }

    /// Sets how output is escaped by default.
    pub fn set_autoescape(&mut self, autoescape: AutoEscape) {
        self.change().autoescape = autoescape;
    }

    /// Lets `dump()` show values (off by default: it shows nothing).
    pub fn set_debug(&mut self, debug: bool) {
        self.change().debug = debug;
    }

    /// Sets the zone that dates are shown in, and that texts without a zone are read in.
    ///
    /// # Errors
    /// An unknown zone.
    pub fn set_timezone(&mut self, name: &str) -> Result<(), Error> {
        let zone = crate::date::Zone::parse(name)?;
        let engine = self.change();
        engine.zone = zone.clone();
        engine.php_zone = zone;
        Ok(())
    }

    /// Sets the zone that dates are shown in; texts without a zone are read in the other one.
    ///
    /// # Errors
    /// An unknown zone.
    pub fn set_display_timezone(&mut self, name: &str) -> Result<(), Error> {
        self.change().zone = crate::date::Zone::parse(name)?;
        Ok(())
    }

    /// Sets the default formats of the `date` filter for dates and intervals.
    pub fn set_date_format(&mut self, date: &str, interval: &str) {
        self.change().date_format = (date.into(), interval.into());
    }

    /// Sets the defaults of `number_format`: decimals, the decimal sign and the one between thousands.
    pub fn set_number_format(&mut self, decimals: i64, point: &str, thousands: &str) {
        self.change().number_format = (decimals, point.into(), thousands.into());
    }

    /// Sets the limits of renderings.
    pub fn set_limits(&mut self, limits: Limits) {
        self.change().limits = limits;
    }

    /// Sets the clock: seconds and nanoseconds since 1970 UTC. The system's is used by default.
    pub fn set_clock(&mut self, clock: impl Fn() -> (i64, i32) + Send + Sync + 'static) {
        self.change().clock = Arc::new(clock);
    }

    /// Sets the seed of `random` and `shuffle`, so that renderings can be repeated.
    pub fn set_seed(&mut self, seed: u64) {
        self.change().seed = Some(seed);
    }

    /// Looks at every rendering whether sources changed (off by default).
    pub fn set_auto_reload(&mut self, reload: bool) {
        self.change().auto_reload = reload;
    }

    /// Sets where `cache` tags keep what they put out; without a store their bodies run every time.
    ///
    /// A key must name all that its fragment depends on: language and site as well as the data's version.
    pub fn set_cache(&mut self, store: impl crate::cache::Cache + 'static) {
        self.change().cache = Some(Arc::new(store));
    }

    /// Sets what sandboxed templates may use.
    pub fn set_sandbox_policy(&mut self, policy: Policy) {
        self.change().policy = Some(policy);
    }

    /// Runs every template in the sandbox.
    pub fn set_sandboxed(&mut self, always: bool) {
        let engine = self.change();
        engine.sandbox_always = always;
        engine.policy.get_or_insert_default();
    }

    /// Adds a variable that every template sees.
    pub fn add_global(&mut self, name: &str, value: impl Into<Value>) {
        Arc::make_mut(&mut self.change().globals).insert(name, value.into());
    }

    /// Adds a constant for the `constant` function.
    pub fn add_constant(&mut self, name: &str, value: impl Into<Value>) {
        self.change().constants.insert(name.into(), value.into());
    }

    /// Adds a strategy of escaping.
    pub fn add_escaper(
        &mut self,
        name: &str,
        escape: impl Fn(&str) -> Result<String, Error> + Send + Sync + 'static,
    ) {
        self.change().escapers.push((name.into(), Arc::new(escape)));
    }

    /// Adds a class of objects whose text needs no escaping for some strategies (`"all"` for every one).
    pub fn add_safe_class(&mut self, class: &str, strategies: &[&str]) {
        let strategies = strategies.iter().map(|s| EcoString::from(*s)).collect();
        self.change().safe_classes.push((class.into(), strategies));
    }

    /// Adds a filter, function or test; one of the same name is replaced.
    pub fn add(&mut self, callable: Callable) {
        self.change().registry.add(callable);
    }

    /// Adds a function of positional arguments.
    pub fn add_function(
        &mut self,
        name: &str,
        code: impl Fn(&Call<'_>) -> Result<Value, Error> + Send + Sync + 'static,
    ) {
        self.add(Callable::function(name, code));
    }

    /// Adds a filter; its input is argument 0.
    pub fn add_filter(
        &mut self,
        name: &str,
        code: impl Fn(&Call<'_>) -> Result<Value, Error> + Send + Sync + 'static,
    ) {
        self.add(Callable::filter(name, code));
    }

    /// Adds a test; its input is argument 0.
    pub fn add_test(
        &mut self,
        name: &str,
        code: impl Fn(&Call<'_>) -> Result<Value, Error> + Send + Sync + 'static,
    ) {
        self.add(Callable::test(name, code));
    }

    /// The names of the filters that templates can use.
    ///
    /// ```
    /// let env = ismart_twig::Environment::new();
    /// assert!(env.filters().contains(&"upper") && env.functions().contains(&"range") && env.tests().contains(&"odd"));
    /// ```
    pub fn filters(&self) -> Vec<&str> {
        self.engine.registry.names(CallKind::Filter)
    }

    /// The names of the functions that templates can use.
    pub fn functions(&self) -> Vec<&str> {
        self.engine.registry.names(CallKind::Function)
    }

    /// The names of the tests that templates can use.
    pub fn tests(&self) -> Vec<&str> {
        self.engine.registry.names(CallKind::Test)
    }

    /// The template of a name, compiled if it was not yet.
    ///
    /// # Errors
    /// A template that does not exist or does not compile.
    pub fn get_template(&self, name: &str) -> Result<Template, Error> {
        Ok(Template::new(self.engine.clone(), self.engine.load(name)?))
    }

    /// Whether a template of a name exists.
    pub fn has_template(&self, name: &str) -> bool {
        self.engine.exists(name)
    }

    /// A template from its source.
    ///
    /// # Errors
    /// A source that does not compile.
    pub fn template_from_string(&self, source: &str) -> Result<Template, Error> {
        Ok(Template::new(self.engine.clone(), self.engine.load_string(source, None)?))
    }

    /// A template from its source, with a name for errors.
    ///
    /// # Errors
    /// A source that does not compile.
    pub fn template_from_named_string(&self, name: &str, source: &str) -> Result<Template, Error> {
        Ok(Template::new(self.engine.clone(), self.engine.load_string(source, Some(name))?))
    }

    /// Renders the template of a name.
    ///
    /// # Errors
    /// The first error met.
    pub fn render(&self, name: &str, context: impl Into<Context>) -> Result<String, Error> {
        self.get_template(name)?.render(context)
    }

    /// Renders a source.
    ///
    /// # Errors
    /// The first error met.
    pub fn render_str(&self, source: &str, context: impl Into<Context>) -> Result<String, Error> {
        self.template_from_string(source)?.render(context)
    }

    /// All syntax errors of a template and of the templates it names by constants, without rendering.
    pub fn check(&self, name: &str) -> Vec<Error> {
        crate::check::check(&self.engine, name)
    }

    /// All syntax errors of a source.
    pub fn check_source(&self, name: &str, source: &str) -> Vec<Error> {
        crate::check::check_source(&self.engine, name, source)
    }

    /// Forgets compiled templates, so that sources are read again.
    pub fn clear_cache(&self) {
        self.engine.forget();
    }
}

//! The part of an environment that templates share.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use ecow::EcoString;

use super::{AutoEscape, Limits, Registry};
use crate::builtin::random::Random;
use crate::compile;
use crate::date::Zone;
use crate::error::{Error, ErrorKind};
use crate::loader::{Loader, MemoryLoader};
use crate::program::Code;
use crate::sandbox::Policy;
use crate::syntax::lexer;
use crate::syntax::parser::{self, Parsed};
use crate::template::Loaded;
use crate::value::{Array, Value};

type Clock = dyn Fn() -> (i64, i32) + Send + Sync;
type Escaper = dyn Fn(&str) -> Result<String, Error> + Send + Sync;

/// String templates kept at most; with more all are forgotten.
const STRINGS: usize = 4096;
/// Compilations within compilations (`use` of templates that use each other).
const LOADING: u32 = 32;

type Templates = HashMap<EcoString, Arc<Loaded>, foldhash::fast::RandomState>;
type Cache = ArcSwap<Templates>;

pub(crate) struct Engine {
    pub(crate) registry: Registry,
    pub(crate) loader: Arc<dyn Loader>,
    pub(crate) strict: bool,
    pub(crate) autoescape: AutoEscape,
    pub(crate) debug: bool,
    pub(crate) limits: Limits,
    /// What sandboxed templates may use; without a policy no template runs in the sandbox.
    pub(crate) policy: Option<Policy>,
    pub(crate) sandbox_always: bool,
    pub(crate) globals: Arc<Array>,
    pub(crate) constants: HashMap<EcoString, Value>,
    pub(crate) escapers: Vec<(EcoString, Arc<Escaper>)>,
    pub(crate) safe_classes: Vec<(EcoString, Vec<EcoString>)>,
    /// The zone dates are shown in.
    pub(crate) zone: Zone,
    /// The zone texts without one are read in.
    pub(crate) php_zone: Zone,
    pub(crate) date_format: (EcoString, EcoString),
    pub(crate) number_format: (i64, EcoString, EcoString),
    pub(crate) clock: Arc<Clock>,
    pub(crate) seed: Option<u64>,
    pub(crate) auto_reload: bool,
    /// Where `cache` tags keep what they put out.
    pub(crate) cache: Option<Arc<dyn crate::cache::Cache>>,
    templates: Cache,
    strings: Cache,
    /// Whether a template that was compiled may read the context that a loop of another one found.
    parents: AtomicBool,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("strict", &self.strict).field("autoescape", &self.autoescape).finish()
    }
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            registry: Registry::builtin(),
            loader: Arc::new(MemoryLoader::new()),
            strict: false,
            autoescape: AutoEscape::default(),
            debug: false,
            limits: Limits::default(),
            policy: None,
            sandbox_always: false,
            globals: Arc::new(Array::new()),
            constants: HashMap::new(),
            escapers: Vec::new(),
            safe_classes: Vec::new(),
            zone: Zone::utc(),
            php_zone: Zone::utc(),
            date_format: ("F j, Y H:i".into(), "%d days".into()),
            number_format: (0, ".".into(), ",".into()),
            clock: Arc::new(system_clock),
            seed: None,
            auto_reload: false,
            cache: None,
            templates: Cache::default(),
            strings: Cache::default(),
            parents: AtomicBool::new(false),
        }
    }
}

/// The copy has an empty cache of its own.
impl Clone for Engine {
    fn clone(&self) -> Self {
        Self {
            registry: self.registry.clone(),
            loader: self.loader.clone(),
            strict: self.strict,
            autoescape: self.autoescape.clone(),
            debug: self.debug,
            limits: self.limits.clone(),
            policy: self.policy.clone(),
            sandbox_always: self.sandbox_always,
            globals: self.globals.clone(),
            constants: self.constants.clone(),
            escapers: self.escapers.clone(),
            safe_classes: self.safe_classes.clone(),
            zone: self.zone.clone(),
            php_zone: self.php_zone.clone(),
            date_format: self.date_format.clone(),
            number_format: self.number_format.clone(),
            clock: self.clock.clone(),
            seed: self.seed,
            auto_reload: self.auto_reload,
            cache: self.cache.clone(),
            templates: Cache::default(),
            strings: Cache::default(),
            parents: AtomicBool::new(false),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a host sets its own clock; without one a template engine still has to know today"
)]
fn system_clock() -> (i64, i32) {
    let now = jiff::Timestamp::now();
    (now.as_second(), now.subsec_nanosecond())
}

impl Engine {
    pub(crate) fn forget(&self) {
        self.templates.store(Arc::default());
        self.strings.store(Arc::default());
    }

    pub(crate) fn random(&self) -> Random {
        Random::new(self.seed)
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.templates.load().contains_key(name) || self.loader.exists(name)
    }

    /// The template of a name, from the cache or compiled.
    pub(crate) fn load(&self, name: &str) -> Result<Arc<Loaded>, Error> {
        if let Some(found) = self.templates.load().get(name)
            && (!self.auto_reload || found.version == self.loader.version(name))
        {
            return Ok(found.clone());
        }
        if let Some(found) = self.strings.load().get(name) {
            return Ok(found.clone());
        }
        let version = self.loader.version(name);
        let Some(source) = self.loader.source(name)? else {
            return Err(Error::new(ErrorKind::Loader, self.loader.missing(name)));
        };
        let code = Arc::new(self.compile(name, &source)?);
        let loaded = deeper(|| Loaded::new(code, self, version))?;
        let loaded = Arc::new(loaded);
        self.templates.rcu(|map| {
            let mut map = Templates::clone(map);
            map.insert(name.into(), loaded.clone());
            map
        });
        Ok(loaded)
    }

    /// The template of a source; its name is made of the source's digest.
    pub(crate) fn load_string(&self, source: &str, name: Option<&str>) -> Result<Arc<Loaded>, Error> {
        let digest = twox_hash::XxHash3_128::oneshot(source.as_bytes());
        let name = match name {
            Some(name) => format!("{name} (string template {digest:032x})"),
            None => format!("__string_template__{digest:032x}"),
        };
        if let Some(found) = self.strings.load().get(name.as_str()) {
            return Ok(found.clone());
        }
        let code = Arc::new(self.compile(&name, source)?);
        let loaded = Arc::new(deeper(|| Loaded::new(code, self, None))?);
        self.strings.rcu(|map| {
            let mut map = if map.len() < STRINGS { Templates::clone(map) } else { Templates::default() };
            map.insert(name.as_str().into(), loaded.clone());
            map
        });
        Ok(loaded)
    }

    pub(crate) fn compile(&self, name: &str, source: &str) -> Result<Code, Error> {
        let source: Arc<str> = lexer::normalise(source).into();
        let name: Arc<str> = name.into();
        let parsed = parser::parse(&self.registry, &source);
        let compiled = parsed.and_then(|parsed| self.compile_parsed(&name, &source, parsed));
        compiled.map_err(|e| e.at(&name, 0).with_source(&source))
    }

    /// Compiles what was parsed of a source.
    pub(crate) fn compile_parsed(
        &self,
        name: &Arc<str>,
        source: &Arc<str>,
        parsed: Parsed,
    ) -> Result<Code, Error> {
        let autoescape = self.autoescape.of(name);
        let options = compile::Options { autoescape, debug: self.debug, guard: self.policy.is_some() };
        let warnings = parsed.warnings.into_iter().map(|w| (w.placed(name), w.line)).collect();
        let code = compile::compile(&options, name.clone(), source.clone(), parsed.module, warnings)?;
        if code.reads_parent {
            self.parents.store(true, Ordering::Relaxed);
        }
        Ok(code)
    }

    /// Whether a template that was compiled so far may read the context that a loop of another one found.
    pub(crate) fn reads_parents(&self) -> bool {
        self.parents.load(Ordering::Relaxed)
    }
}

/// Refuses templates that use each other in a circle.
fn deeper<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    thread_local! {
        static DEPTH: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
    }
    let depth = DEPTH.get();
    if depth >= LOADING {
        return Err(Error::new(ErrorKind::Limit, "Templates use each other deeper than the limit allows."));
    }
    DEPTH.set(depth + 1);
    let result = run();
    DEPTH.set(depth);
    result
}

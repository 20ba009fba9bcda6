//! Filters, functions and tests: their signatures, safeness and code.

use std::fmt;
use std::sync::Arc;

use ecow::EcoString;

use crate::date::DateTime;
use crate::env::Engine;
use crate::error::{Error, ErrorKind};
use crate::program::Printer;
use crate::run::Rt;
use crate::value::{Key, V, Value};

/// A strategy of escaping.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Text between tags and in quoted attributes.
    Html,
    /// Strings of JavaScript and JSON.
    Js,
    /// Values of CSS.
    Css,
    /// Parts of URLs.
    Url,
    /// Attributes without quotes.
    HtmlAttr,
    /// Names of attributes as front-end frameworks write them.
    HtmlAttrRelaxed,
    /// A strategy of the host.
    Custom(EcoString),
}

impl Strategy {
    /// The strategy of a name.
    pub fn from_name(name: &str) -> Self {
        match name {
            "html" => Self::Html,
            "js" => Self::Js,
            "css" => Self::Css,
            "url" => Self::Url,
            "html_attr" => Self::HtmlAttr,
            "html_attr_relaxed" => Self::HtmlAttrRelaxed,
            other => Self::Custom(other.into()),
        }
    }

    /// The name templates use.
    pub fn name(&self) -> &str {
        match self {
            Self::Html => "html",
            Self::Js => "js",
            Self::Css => "css",
            Self::Url => "url",
            Self::HtmlAttr => "html_attr",
            Self::HtmlAttrRelaxed => "html_attr_relaxed",
            Self::Custom(name) => name,
        }
    }
}

/// For which strategies a result needs no escaping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Safe {
    /// For all of them.
    All,
    /// For the listed ones.
    For(Vec<Strategy>),
    /// For the strategy that the first argument names, as `escape` does.
    Escaped,
}

impl Safe {
    pub(crate) fn nothing() -> Self {
        Self::For(Vec::new())
    }

    fn parse(names: &[&str]) -> Self {
        if names.contains(&"all") {
            return Self::All;
        }
        Self::For(names.iter().map(|n| Strategy::from_name(n)).collect())
    }

    pub(crate) fn covers(&self, strategy: &Strategy) -> bool {
        match self {
            Self::All => true,
            Self::Escaped => false,
            Self::For(list) => {
                list.contains(strategy)
                    || match strategy {
                        Strategy::Html => {
                            list.contains(&Strategy::HtmlAttr) || list.contains(&Strategy::HtmlAttrRelaxed)
                        }
                        Strategy::HtmlAttrRelaxed => list.contains(&Strategy::HtmlAttr),
                        _ => false,
                    }
            }
        }
    }

    pub(crate) fn intersect(self, other: Self) -> Self {
        match (self, other) {
            (Self::All, other) | (other, Self::All) => other,
            (Self::For(a), Self::For(b)) => {
                let (a, b) = (expand(a), expand(b));
                Self::For(a.into_iter().filter(|s| b.contains(s)).collect())
            }
            _ => Self::nothing(),
        }
    }
}

fn expand(mut list: Vec<Strategy>) -> Vec<Strategy> {
    if list.contains(&Strategy::HtmlAttr) {
        list.push(Strategy::HtmlAttrRelaxed);
    }
    if list.contains(&Strategy::HtmlAttrRelaxed) {
        list.push(Strategy::Html);
    }
    list
}

/// What a callable is called as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallKind {
    Function,
    Filter,
    Test,
    Tag,
}

impl CallKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Filter => "filter",
            Self::Test => "test",
            Self::Tag => "tag",
        }
    }
}

/// A parameter: its name as PHP Twig knows it and its default, if it may be left out.
#[derive(Clone, Debug)]
pub(crate) struct Param {
    pub(crate) name: EcoString,
    pub(crate) default: Option<Value>,
}

/// The code of a built-in: it gets the values in the order of the parameters, the input first.
pub(crate) type Native = for<'r, 'v> fn(&mut Rt<'r>, &[V<'v>]) -> Result<Value, Error>;

type Host = dyn Fn(&Call<'_>) -> Result<Value, Error> + Send + Sync;

/// The built-ins that the compiler turns into instructions of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    Parent,
    Block,
    Attribute,
    Include,
    IncludeOnly,
    Dump,
    Default,
    Raw,
    Defined,
    EnumCases,
    Enum,
    RenderSandboxed,
}

#[derive(Clone)]
pub(crate) enum Code {
    Native(Native),
    Host(Arc<Host>),
    Special(Special),
}

/// What a host's callable is called with.
#[derive(Debug)]
pub struct Call<'c> {
    pub(crate) engine: &'c Engine,
    pub(crate) args: &'c [V<'c>],
    pub(crate) named: &'c [(EcoString, Value)],
    pub(crate) captures: &'c [EcoString],
    pub(crate) context: Option<&'c (dyn Lookup + 'c)>,
    pub(crate) sandboxed: bool,
}

/// A way to read variables of the calling template.
pub(crate) trait Lookup: fmt::Debug {
    fn variable(&self, name: &str) -> Option<Value>;
}

impl Call<'_> {
    /// The number of arguments; a filter's or test's input counts as the first.
    pub fn len(&self) -> usize {
        self.args.len()
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.args.is_empty()
    }

    /// The argument at a position; `null` when it was not given.
    pub fn arg(&self, at: usize) -> &Value {
        self.args.get(at).map_or(&Value::Null, |v| v)
    }

    /// All arguments by position.
    pub fn args(&self) -> impl Iterator<Item = &Value> {
        self.args.iter().map(|v| &**v)
    }

    /// The named arguments beyond the declared parameters.
    pub fn named(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.named.iter().map(|(n, v)| (n.as_str(), v))
    }

    /// What the `*` of a dynamic name stood for.
    pub fn captures(&self) -> &[EcoString] {
        self.captures
    }

    /// A variable of the calling template, for callables made with [`Callable::with_context`].
    pub fn variable(&self, name: &str) -> Option<Value> {
        self.context?.variable(name)
    }

    /// Whether the calling template runs in the sandbox.
    pub fn is_sandboxed(&self) -> bool {
        self.sandboxed
    }

    /// An argument as a type of the host; see [`Value::to`] for what fits. An argument that was not given is
    /// `null`, which an `Option` takes.
    ///
    /// # Errors
    /// A host error that names the argument, what was expected and what was given.
    ///
    /// ```
    /// use ismart_twig::{Callable, Environment, Value};
    /// let mut env = Environment::new();
    /// env.add(Callable::filter("stars", |call| {
    ///     let (count, most): (usize, Option<usize>) = (call.get(0)?, call.get(1)?);
    ///     Ok(Value::from("*".repeat(count.min(most.unwrap_or(5)))))
    /// }).params(&["most?"]));
    /// assert_eq!(env.render_str("{{ '3'|stars }} {{ 9|stars(most: 4) }}", ()).unwrap(), "*** ****");
    /// let error = env.render_str("{{ 'many'|stars }}", ()).unwrap_err().to_string();
    /// assert!(error.contains("Argument #1: invalid type: string \"many\", expected usize"), "{error}");
    /// ```
    pub fn get<T: serde::de::DeserializeOwned>(&self, at: usize) -> Result<T, Error> {
        self.arg(at).to().map_err(|e| Error::host(format!("Argument #{}: {e}", at + 1)))
    }

    /// The date that the `date` filter makes of an argument: a date, a text, a time stamp or, for `null`, the
    /// environment's present. It is in the zone of another argument (`null` for the environment's, `false` for
    /// the date's own).
    ///
    /// # Errors
    /// A text that is no date, an unknown zone.
    pub fn date(&self, at: usize, zone: usize) -> Result<DateTime, Error> {
        crate::builtin::dates::read(self.engine, self.arg(at), self.arg(zone))
    }

    /// A text escaped as templates of the environment escape it.
    ///
    /// # Errors
    /// A strategy that the environment does not know, a text that it cannot escape.
    pub fn escape(&self, strategy: &Strategy, text: &str) -> Result<String, Error> {
        let mut out = Vec::with_capacity(text.len() + 16);
        crate::text::escape::text(self.engine, strategy, text.as_bytes(), &mut out)?;
        String::from_utf8(out)
            .map_err(|e| Error::host(format!("Escaping made a text that is not UTF-8: {e}")))
    }

    /// The JSON text of a value, as the filter `json_encode` writes it.
    ///
    /// # Errors
    /// A value that has no JSON form (an endless number, broken UTF-8), or one larger than the limits allow.
    pub fn json(&self, value: &Value) -> Result<String, Error> {
        let most = self.engine.limits.items;
        match crate::text::json::encode(value, 0, 512, most) {
            Ok(text) if text.len() <= most => Ok(text),
            Ok(_) => Err(Error::new(ErrorKind::Limit, "A value grew larger than the limit allows.")),
            Err(why) => Err(Error::host(format!("The value cannot be encoded as JSON: {why}"))),
        }
    }

    /// The text of an argument.
    ///
    /// # Errors
    /// A host error when the value has no text.
    pub fn text(&self, at: usize) -> Result<EcoString, Error> {
        self.arg(at).to_text()
    }
}

/// A filter, function or test that an [`crate::Environment`] offers to templates.
///
/// ```
/// use ismart_twig::{Callable, Environment, Value};
/// let mut env = Environment::new();
/// env.add(
///     Callable::filter("wrap", |call| Ok(Value::from(format!("{}{}", call.text(1)?, call.text(0)?))))
///         .params(&["with"])
///         .safe(&["html"]),
/// );
/// assert_eq!(env.render_str("{{ 'x'|wrap(with: '<i>') }}", ()).unwrap(), "<i>x");
/// ```
#[derive(Clone)]
pub struct Callable {
    pub(crate) name: EcoString,
    pub(crate) kind: CallKind,
    /// The parameters after a filter's input; `None` takes any positional arguments.
    pub(crate) params: Option<Vec<Param>>,
    pub(crate) variadic: bool,
    pub(crate) safe: Safe,
    pub(crate) preserves: Vec<Strategy>,
    pub(crate) pre_escape: Option<Strategy>,
    pub(crate) context: bool,
    pub(crate) mandatory: bool,
    /// Whether a tag has a body.
    pub(crate) body: bool,
    /// Whether the sandbox always allows it.
    pub(crate) always_allowed: bool,
    pub(crate) deprecation: Option<String>,
    pub(crate) captures: Vec<EcoString>,
    /// Appends the result to the output instead of giving it, for built-ins that often stand last.
    pub(crate) printer: Option<Printer>,
    pub(crate) code: Code,
}

impl fmt::Debug for Callable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.name(), self.name)
    }
}

impl Callable {
    pub(crate) fn make(kind: CallKind, name: &str, code: Code) -> Self {
        Self {
            name: name.into(),
            kind,
            params: None,
            variadic: false,
            safe: Safe::nothing(),
            preserves: Vec::new(),
            pre_escape: None,
            context: false,
            mandatory: false,
            body: false,
            always_allowed: false,
            deprecation: None,
            captures: Vec::new(),
            printer: None,
            code,
        }
    }

    /// A function. `*` in a name stands for any text.
    pub fn function(
        name: &str,
        code: impl Fn(&Call<'_>) -> Result<Value, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::make(CallKind::Function, name, Code::Host(Arc::new(code)))
    }

    /// A filter; its input is argument 0.
    pub fn filter(
        name: &str,
        code: impl Fn(&Call<'_>) -> Result<Value, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::make(CallKind::Filter, name, Code::Host(Arc::new(code)))
    }

    /// A test; its input is argument 0 and its result is taken as true or false.
    pub fn test(
        name: &str,
        code: impl Fn(&Call<'_>) -> Result<Value, Error> + Send + Sync + 'static,
    ) -> Self {
        Self::make(CallKind::Test, name, Code::Host(Arc::new(code)))
    }

    /// A tag: `{% name expression, … %}` puts out the result as it is. With [`Callable::with_body`] the tag
    /// has a body, up to `endname`, whose text is argument 0.
    pub fn tag(name: &str, code: impl Fn(&Call<'_>) -> Result<Value, Error> + Send + Sync + 'static) -> Self {
        Self::make(CallKind::Tag, name, Code::Host(Arc::new(code)))
    }

    /// Gives a tag a body.
    #[must_use]
    pub fn with_body(mut self) -> Self {
        self.body = true;
        self
    }

    /// Declares the parameters (after the input): a name, `name?` for one that may be left out, and
    /// `...` as the last for any further ones. With parameters, arguments can be given by name.
    #[must_use]
    pub fn params(mut self, names: &[&str]) -> Self {
        let mut params = Vec::new();
        for name in names {
            if *name == "..." {
                self.variadic = true;
            } else if let Some(name) = name.strip_suffix('?') {
                params.push(Param { name: name.into(), default: Some(Value::Null) });
            } else {
                params.push(Param { name: (*name).into(), default: None });
            }
        }
        self.params = Some(params);
        self
    }

    /// Declares for which strategies the result needs no escaping (`"all"` for every one).
    #[must_use]
    pub fn safe(mut self, strategies: &[&str]) -> Self {
        self.safe = Safe::parse(strategies);
        self
    }

    /// Declares that a safe input stays safe for these strategies.
    #[must_use]
    pub fn preserves_safety(mut self, strategies: &[&str]) -> Self {
        self.preserves = strategies.iter().map(|n| Strategy::from_name(n)).collect();
        self
    }

    /// Escapes the input before the filter sees it.
    #[must_use]
    pub fn pre_escape(mut self, strategy: &str) -> Self {
        self.pre_escape = Some(Strategy::from_name(strategy));
        self
    }

    /// Lets the code read variables of the calling template.
    #[must_use]
    pub fn with_context(mut self) -> Self {
        self.context = true;
        self
    }

    /// Lets a test take one argument without parentheses.
    #[must_use]
    pub fn one_mandatory_argument(mut self) -> Self {
        self.mandatory = true;
        self
    }

    /// Marks the callable as deprecated; templates that use it carry the warning.
    #[must_use]
    pub fn deprecated(mut self, package: &str, version: &str, alternative: Option<&str>) -> Self {
        let kind = match self.kind {
            CallKind::Function => "Function",
            CallKind::Filter => "Filter",
            CallKind::Test => "Test",
            CallKind::Tag => "Tag",
        };
        let mut text = format!("Since {package} {version}: Twig {kind} \"{}\" is deprecated", self.name);
        if let Some(alternative) = alternative {
            text.push_str(&format!("; use \"{alternative}\" instead"));
        }
        self.deprecation = Some(text);
        self
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of parameters that must be given.
    pub(crate) fn required(&self) -> usize {
        self.params.as_ref().map_or(0, |p| p.iter().take_while(|p| p.default.is_none()).count())
    }

    /// The callable for a name that a dynamic name matches.
    pub(crate) fn matching(&self, name: &str) -> Option<Self> {
        let mut parts = self.name.split('*');
        let mut rest = name.strip_prefix(parts.next()?)?;
        let parts: Vec<&str> = parts.collect();
        let mut captures = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            let at = if i + 1 == parts.len() {
                let at = rest.len().checked_sub(part.len())?;
                rest.get(at..).filter(|tail| tail == part)?;
                at
            } else {
                rest.find(part)?
            };
            captures.push(rest.get(..at)?.into());
            rest = rest.get(at + part.len()..)?;
        }
        Some(Self { captures, ..self.clone() })
    }
}

/// Arguments by name that a variadic callable gets as an array of its own.
pub(crate) fn named_array(named: &[(EcoString, Value)]) -> Value {
    Value::map(named.iter().map(|(n, v)| (Key::from_string(n), v.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dynamic_name_gives_what_its_stars_stood_for() {
        let c = Callable::function("*_foo_*_bar", |_| Ok(Value::Null));
        let m = c.matching("a_foo_b_bar").unwrap();
        assert_eq!(m.captures, ["a", "b"]);
        assert!(c.matching("a_foo_b").is_none());
        assert!(c.matching("foo").is_none());
    }

    #[test]
    fn html_attr_is_safe_for_html_too() {
        let safe = Safe::parse(&["html_attr"]);
        assert!(safe.covers(&Strategy::Html));
        assert!(!safe.covers(&Strategy::Js));
        assert!(safe.intersect(Safe::All).covers(&Strategy::HtmlAttr));
    }
}

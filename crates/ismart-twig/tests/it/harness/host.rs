//! The objects, functions, filters and tests that PHP Twig's own suite offers to its fixtures.

use ismart_twig::{Array, CallArgs, Callable, Environment, Error, Object, Value};

/// `ArrayObject` and `ArrayIterator`.
#[derive(Debug)]
struct Iterable {
    class: String,
    pairs: Vec<(Value, Value)>,
}

pub(crate) fn iterable(class: &str, pairs: Vec<(Value, Value)>) -> Value {
    Value::object(Iterable { class: class.to_owned(), pairs })
}

impl Iterable {
    fn array(&self) -> Array {
        self.pairs
            .iter()
            .map(|(k, v)| (k.to_string().as_str().into(), v.clone()))
            .collect::<Vec<(ismart_twig::Key, Value)>>()
            .into_iter()
            .collect()
    }
}

impl Object for Iterable {
    fn class_name(&self) -> &str {
        &self.class
    }
    fn get(&self, name: &str) -> Option<Value> {
        (name == "ARRAY_AS_PROPS").then_some(Value::Int(2))
    }
    fn methods(&self) -> &[&str] {
        &["count", "getArrayCopy"]
    }
    fn call(&self, method: &str, _: &CallArgs) -> Result<Value, Error> {
        Ok(if method == "count" { Value::from(self.pairs.len()) } else { self.array().into() })
    }
    fn count(&self) -> Option<usize> {
        Some(self.pairs.len())
    }
    fn iterate(&self) -> Option<Vec<(Value, Value)>> {
        Some(self.pairs.clone())
    }
    fn is_indexed(&self) -> bool {
        true
    }
    fn index(&self, key: &Value) -> Option<Value> {
        self.array().get_str(&key.to_string()).cloned()
    }
    fn as_sequence(&self) -> Option<Array> {
        Some(self.array())
    }
}

/// `stdClass`.
#[derive(Debug)]
struct Plain {
    class: String,
    props: Array,
}

pub(crate) fn plain(class: &str, props: Array) -> Value {
    Value::object(Plain { class: class.to_owned(), props })
}

impl Object for Plain {
    fn class_name(&self) -> &str {
        &self.class
    }
    fn get(&self, name: &str) -> Option<Value> {
        self.props.get_str(name).cloned()
    }
    fn properties(&self) -> Array {
        self.props.clone()
    }
}

/// The stub classes of the suite.
#[derive(Debug)]
struct Stub {
    class: String,
    state: Value,
}

pub(crate) fn object(class: &str, state: &Value) -> Value {
    Value::object(Stub { class: class.to_owned(), state: state.clone() })
}

impl Stub {
    fn list(&self) -> Option<Vec<(Value, Value)>> {
        let name = match self.class.as_str() {
            "TwigTestFoo" => return Some(vec![(0.into(), 1.into()), (1.into(), 2.into())]),
            "ItemsIterator" | "ItemsIteratorCountable" => "values",
            "IteratorAggregateStub" | "SimpleIteratorForTesting" => "data",
            _ => return None,
        };
        let items = self.state.get(name)?.as_array()?;
        Some(items.iter().map(|(k, v)| (k.to_value(), v.clone())).collect())
    }
}

impl Object for Stub {
    fn class_name(&self) -> &str {
        &self.class
    }
    fn get(&self, name: &str) -> Option<Value> {
        (self.class == "TwigTestFoo" && name == "BAR_NAME").then(|| Value::from("bar"))
    }
    fn methods(&self) -> &[&str] {
        match self.class.as_str() {
            "TwigTestFoo" => &[
                "bar",
                "getFoo",
                "getSelf",
                "is",
                "in",
                "not",
                "strToLower",
                "getNull",
                "getEmpty",
                "null",
                "empty",
            ],
            "TestClassForMagicCallAttributes" => &["getBar"],
            "UserForAutoEscapeTest" => &["getName", "__toString"],
            _ => &[],
        }
    }
    fn answers_all(&self) -> bool {
        matches!(self.class.as_str(), "TestClassForMagicCallAttributes" | "MagicCallStub")
    }
    fn call(&self, method: &str, args: &CallArgs) -> Result<Value, Error> {
        Ok(match (self.class.as_str(), method) {
            ("TwigTestFoo", "bar") => {
                let part = |at: usize, name: &str, lead: &str| {
                    let value = args.get(at, name);
                    if value.truthy() { format!("{lead}{value}") } else { String::new() }
                };
                Value::from(format!("bar{}{}", part(0, "param1", "_"), part(1, "param2", "-")))
            }
            ("TwigTestFoo", "getFoo") => Value::from("foo"),
            ("TwigTestFoo", "getSelf") => object("TwigTestFoo", &self.state),
            ("TwigTestFoo", "getNull" | "null") => Value::Null,
            ("TwigTestFoo", "getEmpty" | "empty") => Value::from(""),
            ("TwigTestFoo", "strToLower") => Value::from(args.get(0, "value").to_string().to_lowercase()),
            ("TwigTestFoo", name) => Value::from(name),
            ("TestClassForMagicCallAttributes", "getBar") => Value::from("bar_from_getbar"),
            ("TestClassForMagicCallAttributes", "foo") => Value::from("foo_from_call"),
            ("UserForAutoEscapeTest", _) => Value::from("Fabien<br />"),
            _ => return Err(Error::host(format!("Call to undefined method {method}"))),
        })
    }
    fn text(&self) -> Option<Result<Value, Error>> {
        match self.class.as_str() {
            "ToStringStub" => Some(Ok(self.state.get("string").cloned().unwrap_or(Value::Null))),
            "UserForAutoEscapeTest" => Some(Ok(Value::from("Fabien<br />"))),
            _ => None,
        }
    }
    fn count(&self) -> Option<usize> {
        match self.class.as_str() {
            "CountableStub" => self.state.get("count").map(|n| usize::try_from(n.to_int()).unwrap()),
            "ItemsIteratorCountable" => self.list().map(|l| l.len()),
            _ => None,
        }
    }
    fn iterate(&self) -> Option<Vec<(Value, Value)>> {
        self.list()
    }
}

/// Adds what PHP Twig's suite registers.
pub(crate) fn register(env: &mut Environment) {
    env.add_constant("Twig\\Tests\\TwigTestFoo::BAR_NAME", "bar");
    env.add(Callable::tag("§", |_| Ok(Value::from("§"))));
    filters(env);
    functions(env);
    env.add(Callable::test("multi word", |c| Ok(Value::Bool(c.text(0)?.contains(' ')))));
    env.add(Callable::test("test_*", |c| Ok(Value::Bool(c.text(0)? == c.captures()[0]))));
}

fn filters(env: &mut Environment) {
    let around = |mark: &'static str| {
        move |c: &ismart_twig::Call<'_>| Ok(Value::from(format!("{mark}{}{mark}", c.text(0)?)))
    };
    env.add(Callable::filter("§", around("§")));
    env.add(
        Callable::filter("escape_and_nl2br", |c| {
            let text = c.text(0)?.to_string().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            let sep = if c.len() > 1 { c.text(1)? } else { "<br />".into() };
            Ok(Value::from(text.replace('\n', &format!("{sep}\n"))))
        })
        .params(&["sep?"])
        .safe(&["html"]),
    );
    env.add(
        Callable::filter("nl2br", |c| {
            let sep = if c.len() > 1 { c.text(1)? } else { "<br />".into() };
            Ok(Value::from(c.text(0)?.to_string().replace('\n', &format!("{sep}\n"))))
        })
        .params(&["sep?"])
        .pre_escape("html")
        .safe(&["html"]),
    );
    let upper = |c: &ismart_twig::Call<'_>| Ok(Value::from(c.text(0)?.to_uppercase()));
    env.add(Callable::filter("escape_something", upper).safe(&["something"]));
    env.add(Callable::filter("preserves_safety", upper).preserves_safety(&["html"]));
    for name in ["static_call_string", "static_call_array", "anon_foo"] {
        env.add(Callable::filter(name, around("*")));
    }
    for name in ["magic_call", "magic_call_closure"] {
        env.add(Callable::filter(name, |c| Ok(Value::from(format!("magic_{}", c.text(0)?)))));
    }
    for name in ["magic_call_string", "magic_call_array"] {
        env.add(Callable::filter(name, |c| Ok(Value::from(format!("static_magic_{}", c.text(0)?)))));
    }
    env.add(Callable::filter("*_path", path));
    env.add(Callable::filter("*_foo_*_bar", path));
    env.add(Callable::filter("not", |c| Ok(Value::from(format!("not {}", c.text(0)?)))));
}

fn path(c: &ismart_twig::Call<'_>) -> Result<Value, Error> {
    Ok(Value::from(format!("{}/{}", c.captures().join("/"), c.text(0)?)))
}

fn functions(env: &mut Environment) {
    env.add(Callable::function("§", |c| Ok(Value::from(format!("§{}§", c.text(0)?)))));
    env.add(Callable::function("safe_br", |_| Ok(Value::from("<br />"))).safe(&["html"]));
    env.add(Callable::function("unsafe_br", |_| Ok(Value::from("<br />"))));
    for name in ["static_call_string", "static_call_array", "anon_foo"] {
        env.add(Callable::function(name, |c| Ok(Value::from(format!("*{}*", c.text(0)?)))));
    }
    env.add(Callable::function("*_path", path));
    env.add(Callable::function("*_foo_*_bar", path));
    env.add(Callable::function("deprecated_function", |_| Ok(Value::from("foo"))).deprecated(
        "foo/bar",
        "1.1",
        Some("not_deprecated_function"),
    ));
}

//! What PHP Twig 3.23 says to templates that are deprecated or sandboxed: every line of `tests/php` is a
//! set of templates, an optional policy, and PHP's output or error and its warnings.

use ismart_twig::{
    Array, CallArgs, Callable, DateTime, Environment, Error, ErrorKind, Key, MemoryLoader, Object, Policy,
    Value, Zone,
};
use serde_json::Value as Json;

#[derive(Debug, Clone)]
struct Named(&'static str);

impl Object for Named {
    fn class_name(&self) -> &str {
        self.0
    }
    fn is_a(&self, class: &str) -> bool {
        class == self.0 || class == "Named"
    }
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "id" => Some(Value::Int(7)),
            "secret" => Some(Value::from("s")),
            _ => None,
        }
    }
    fn methods(&self) -> &[&str] {
        &["getName", "isActive", "__toString", "self", "list", "hello"]
    }
    fn call(&self, method: &str, args: &CallArgs) -> Result<Value, Error> {
        Ok(match method {
            "getName" => Value::from("Ann"),
            "isActive" => Value::Bool(true),
            "__toString" => Value::from("<named>"),
            "self" => Value::object(self.clone()),
            "list" => Value::list([Value::object(self.clone())]),
            _ => match args.get(0, "a") {
                Value::Null => Value::from("Hello you"),
                whom => Value::from(format!("Hello {whom}")),
            },
        })
    }
    fn text(&self) -> Option<Result<Value, Error>> {
        Some(Ok(Value::from("<named>")))
    }
    fn properties(&self) -> Array {
        [("id", Value::Int(7)), ("secret", Value::from("s"))].into_iter().collect()
    }
}

#[derive(Debug)]
struct Plain;

impl Object for Plain {
    fn class_name(&self) -> &str {
        "Plain"
    }
    fn get(&self, name: &str) -> Option<Value> {
        match name {
            "id" => Some(Value::Int(8)),
            "kids" => Some(Value::list([Value::object(Named("Named"))])),
            _ => None,
        }
    }
    fn methods(&self) -> &[&str] {
        &["getName"]
    }
    fn call(&self, _: &str, _: &CallArgs) -> Result<Value, Error> {
        Ok(Value::from("Plain"))
    }
}

#[derive(Debug)]
struct Indexed;

impl Object for Indexed {
    fn class_name(&self) -> &str {
        "Indexed"
    }
    fn methods(&self) -> &[&str] {
        &["getIterator"]
    }
    fn iterate(&self) -> Option<Vec<(Value, Value)>> {
        Some(vec![(0.into(), 5.into()), (1.into(), 6.into())])
    }
    fn is_indexed(&self) -> bool {
        true
    }
    fn index(&self, key: &Value) -> Option<Value> {
        match key.to_int() {
            0 => Some(5.into()),
            1 => Some(6.into()),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Twice;

impl Object for Twice {
    fn class_name(&self) -> &str {
        "Twice"
    }
    fn invoke(&self, args: &[Value]) -> Option<Result<Value, Error>> {
        Some(Ok(match args.first() {
            Some(Value::Int(n)) => Value::Int(n * 2),
            Some(other) => other.clone(),
            None => Value::Int(0),
        }))
    }
}

fn strings(json: &Json) -> Vec<&str> {
    json.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

fn policy(json: &Json) -> Policy {
    let mut policy = Policy::new()
        .tags(&strings(&json["tags"]))
        .filters(&strings(&json["filters"]))
        .functions(&strings(&json["functions"]));
    let one = |names: &Json| names.as_str().map(str::to_owned);
    for (class, names) in json["methods"].as_object().into_iter().flatten() {
        policy = match one(names) {
            Some(name) => policy.methods(class, &[&name]),
            None => policy.methods(class, &strings(names)),
        };
    }
    for (class, names) in json["properties"].as_object().into_iter().flatten() {
        policy = match one(names) {
            Some(name) => policy.properties(class, &[&name]),
            None => policy.properties(class, &strings(names)),
        };
    }
    policy
}

fn num(n: usize) -> i64 {
    i64::try_from(n).unwrap()
}

fn json(value: Value) -> Value {
    let env = Environment::new();
    Value::from(env.render_str("{{ v|json_encode|raw }}", Value::map([("v", value)])).unwrap())
}

fn environment(case: &Json) -> Environment {
    let templates = case["t"].as_object().unwrap();
    let loader: MemoryLoader = templates.iter().map(|(n, s)| (n.as_str(), s.as_str().unwrap())).collect();
    let mut env = Environment::with_loader(loader);
    env.set_strict_variables(case["strict"] == true);
    env.set_debug(true);
    if let Some(sandbox) = case.get("sandbox") {
        env.set_sandbox_policy(policy(sandbox));
        env.set_sandboxed(sandbox["always"] == true);
    }
    let first = |c: &ismart_twig::Call<'_>| Ok(c.arg(0).clone());
    env.add(Callable::function("old", |_| Ok(Value::from("o"))).deprecated("acme/x", "1.2", Some("new")));
    env.add(Callable::filter("oldf", first).deprecated("acme/x", "1.2", None));
    env.add(Callable::test("oldt", |_| Ok(Value::Bool(true))).deprecated("acme/x", "1.2", None));
    // `rest` shows its arguments, the others the first one and the rest.
    let rest = |first: Option<&'static str>| {
        move |c: &ismart_twig::Call<'_>| {
            let values = c.args().skip(usize::from(first.is_some())).cloned();
            let named = c.named().map(|(n, v)| (n, v.clone()));
            let mut rest: Array = values.enumerate().map(|(n, v)| (Key::from(num(n)), v)).collect();
            for (name, value) in named {
                rest.insert(name, value);
            }
            let Some(default) = first else { return Ok(json(rest.into())) };
            let first = if c.is_empty() || c.arg(0).is_null() { default.into() } else { c.arg(0).clone() };
            Ok(json(Value::list([first, rest.into()])))
        }
    };
    env.add(Callable::function("rest", rest(None)).params(&["..."]));
    env.add(Callable::function("rest2", rest(Some("d"))).params(&["a?", "..."]));
    env.add(Callable::filter("restf", rest(Some(""))).params(&["..."]));
    env.add_function("show", |c| c.text(0).map(Value::from));
    env.add_function("make", |_| Ok(Value::object(Named("Named"))));
    env.add_filter("showf", |c| Ok(Value::from(format!("{}{}", c.text(0)?, c.text(1)?))));
    env
}

fn data() -> Value {
    let date = DateTime::new(1_577_934_245, 0, Zone::parse("UTC").unwrap());
    let list = || Value::list([3.into(), 1.into(), 2.into()]);
    Value::map([
        ("a", 3.into()),
        ("b", 4.into()),
        ("s", Value::from("text")),
        ("list", list()),
        ("n", Value::Null),
        ("o", Value::object(Named("Named"))),
        ("sub", Value::object(Named("Sub"))),
        ("plain", Value::object(Plain)),
        ("objs", Value::map([("x", Value::object(Named("Named"))), ("k", 1.into())])),
        ("ix", Value::object(Indexed)),
        ("twice", Value::object(Twice)),
        ("m", Value::markup("<b>")),
        ("d", Value::Date(std::sync::Arc::new(date))),
    ])
}

/// What became of a case: output or error, and every warning of compiling and rendering.
fn run(case: &Json) -> (Result<String, Error>, Vec<String>) {
    let env = environment(case);
    let mut warnings = Vec::new();
    for name in case["t"].as_object().unwrap().keys() {
        if let Ok(template) = env.get_template(name) {
            warnings.extend(template.warnings());
        }
    }
    let rendered = env.get_template("main").and_then(|t| t.render_bytes(data()));
    let result = rendered.map(|rendered| {
        warnings.extend(rendered.warnings);
        String::from_utf8(rendered.bytes).unwrap()
    });
    (result, warnings)
}

fn cases(file: &str) -> Vec<Json> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/php").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let mut lines = text.lines().map(|line| serde_json::from_str::<Json>(line).unwrap());
    let head = lines.next().unwrap();
    let policies = head["policies"].as_array().unwrap();
    let with_policy = |mut case: Json| {
        if let Some(at) = case["p"].as_u64() {
            case["sandbox"] = policies[usize::try_from(at).unwrap()].clone();
        }
        case
    };
    lines.map(with_policy).collect()
}

/// The difference from PHP's output or error.
fn difference(case: &Json, result: &Result<String, Error>) -> Option<String> {
    match (result, case["out"].as_str()) {
        (Ok(got), Some(want)) if got == want => None,
        (Err(error), None) if error.to_string() == case["error"] && error.kind().class() == case["class"] => {
            None
        }
        // PHP's own words for values of the wrong type differ between its versions.
        (Err(error), None)
            if error.raw_message().starts_with("An exception has been thrown")
                && case["error"].as_str().is_some_and(|e| e.starts_with("An exception has been thrown")) =>
        {
            None
        }
        // Errors of PHP itself, which PHP Twig lets through.
        (Err(error), None) if error.kind() == ErrorKind::Runtime && case["class"] == "Error" => None,
        (got, _) => Some(format!("{}\n  want {} {}\n  got  {got:?}", case["t"], case["out"], case["error"])),
    }
}

fn assert_none(failed: &[String], all: usize) {
    assert!(failed.is_empty(), "{} of {all} differ:\n{}", failed.len(), failed.join("\n"));
}

#[test]
fn sandboxed_templates_are_refused_as_in_php() {
    let cases = cases("sandbox.jsonl");
    assert!(cases.len() > 1000);
    let failed: Vec<String> = cases.iter().filter_map(|case| difference(case, &run(case).0)).collect();
    assert_none(&failed, cases.len());
}

#[test]
fn deprecations_have_phps_texts_and_a_place() {
    let cases = cases("deprecations.jsonl");
    assert!(cases.len() > 100);
    let mut failed = Vec::new();
    for case in &cases {
        let (result, got) = run(case);
        failed.extend(difference(case, &result));
        let mut want: Vec<&str> = Vec::new();
        for text in strings(&case["warnings"]) {
            // PHP Twig complains of a policy as often as it looks at it.
            if !(text.contains("always allowed in sandboxes") && want.contains(&text)) {
                want.push(text);
            }
        }
        // An error takes the warnings of the rendering with it.
        if result.is_err() {
            want.retain(|text| got.iter().any(|g| g == text));
        }
        let mut left: Vec<&String> = Vec::new();
        for text in &got {
            // PHP names no place where the environment complains and not the parser.
            let near = text.split(" in \"").next().unwrap_or("").to_owned() + ".";
            match want.iter().position(|w| w == text || **w == near) {
                Some(at) => drop(want.remove(at)),
                None => left.push(text),
            }
            assert!(text.contains(" at line "), "{text} has no place");
        }
        if !want.is_empty() || !left.is_empty() {
            failed.push(format!("{}\n  missing {want:?}\n  more {left:?}", case["t"]));
        }
    }
    assert_none(&failed, cases.len());
}

/// PHP Twig asks for printed variables and attributes alone; here every way of an object into the output is
/// asked about, and what a column reads as well.
#[test]
fn the_sandbox_is_stricter_than_php_where_php_has_holes() {
    let sandbox = serde_json::json!({
        "always": true, "tags": ["do", "set"], "filters": ["escape", "raw", "join", "column", "upper", "map"],
        "functions": ["make"], "properties": {"Named": ["id"]},
    });
    for source in [
        "{{ make() }}",
        "{{ make()|raw }}",
        "{{ true ? o : '' }}",
        "{{ o ?? 'x' }}",
        "{{ 'x' ~ make() }}",
        "{% do o ~ 'x' %}",
        "{{ [o]|map(v => v ~ '!')|join }}",
        "{{ {(o): 1}|join }}",
        "{{ [o.id]|join(o) }}",
    ] {
        let case = serde_json::json!({"t": {"main": source}, "sandbox": sandbox.clone()});
        let error = run(&case).0.expect_err(source);
        assert_eq!(error.kind(), ErrorKind::SecurityMethod, "{source}: {error}");
        assert_eq!(error.line(), Some(1), "{source}");
    }
    let column = "{% set rows = objs %}{{ rows|column('secret')|join }}";
    let case = serde_json::json!({"t": {"main": column}, "sandbox": {
        "always": true, "tags": ["set"], "filters": ["escape", "join", "column"],
        "methods": {"Named": "__tostring"}, "properties": {"Named": ["id"]},
    }});
    assert_eq!(run(&case).0.unwrap_err().kind(), ErrorKind::SecurityProperty);
}

#[test]
fn a_sandbox_without_a_policy_runs_nothing() {
    let mut loader = MemoryLoader::new();
    loader.add("main", "{{ include('part', sandboxed: true) }}");
    loader.add("part", "text");
    let mut env = Environment::with_loader(loader);
    let error = env.render("main", ()).unwrap_err();
    assert!(
        error.raw_message().starts_with("A template cannot run in the sandbox without a policy"),
        "{error}"
    );
    env.set_sandbox_policy(Policy::new());
    assert_eq!(env.render("main", ()).unwrap(), "text");
}

#[test]
fn a_policy_names_classes_and_what_they_are_derived_from() {
    for (class, allowed) in [("Named", true), ("Sub", true), ("Plain", false)] {
        let case = serde_json::json!({"t": {"main": "{{ sub.id }}"}, "sandbox": {
            "always": true, "filters": ["escape"], "properties": {class: ["id"]},
        }});
        assert_eq!(run(&case).0.is_ok(), allowed, "{class}");
    }
}

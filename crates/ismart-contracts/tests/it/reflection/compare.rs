//! Compares what was read of PHP code with what PHP says of it itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use ismart_contracts::Tree;
use ismart_contracts::code::{Item, ItemKind, Language, Param, ReferenceKind, Shape};
use serde_json::Value;

/// What is compared, and what differs.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// Classes, interfaces, traits, enumerations.
    pub(crate) classes: usize,
    /// Public methods.
    pub(crate) methods: usize,
    /// Dependencies between files.
    pub(crate) links: usize,
    /// One line for each difference.
    pub(crate) differences: Vec<String>,
}

/// Asks PHP about the files of a tree.
pub(crate) fn reflect(script: &Path, tree: &Tree, files: &[String]) -> Result<Value, String> {
    let mut child = Command::new("php")
        .args(["-d", "memory_limit=1G"])
        .arg(script)
        .arg(&tree.root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("php cannot be started: {error}"))?;
    let mut stdin = child.stdin.take().ok_or("php has no input")?;
    stdin.write_all(files.join("\n").as_bytes()).map_err(|error| error.to_string())?;
    drop(stdin);
    let output = child.wait_with_output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).map_err(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        format!("php gave no JSON ({error}): {} {said}", text.chars().take(400).collect::<String>())
    })
}

/// Compares the PHP files of a tree.
pub(crate) fn compare(
    script: &Path,
    tree: &Tree,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<Comparison, String> {
    let php = tree.files.iter().filter(|file| file.language == Language::Php && file.fault.is_none());
    let files: Vec<String> = php
        .filter(|file| wanted(&file.path) && file.units.iter().any(|unit| unit.kind.is_class()))
        .map(|file| file.path.clone())
        .collect();
    let told = reflect(script, tree, &files)?;
    let mut comparison = Comparison::default();
    classes(tree, &files, &told, &mut comparison);
    links(tree, &files, &told, &mut comparison);
    Ok(comparison)
}

fn classes(tree: &Tree, files: &[String], told: &Value, comparison: &mut Comparison) {
    let mut theirs: BTreeMap<(String, String), &Value> = BTreeMap::new();
    for class in told["classes"].as_array().into_iter().flatten() {
        theirs.insert((text(&class["file"]), text(&class["name"])), class);
    }
    let out = &mut comparison.differences;
    for path in files {
        let Some(file) = tree.file(path) else { continue };
        for unit in file.units.iter().filter(|unit| unit.kind.is_class()) {
            comparison.classes += 1;
            let Some(class) = theirs.remove(&(path.clone(), unit.full_name.clone())) else {
                out.push(format!("{path}: PHP knows no {}", unit.full_name));
                continue;
            };
            if text(&class["kind"]) != unit.kind.word() {
                out.push(format!("{path}: {} is a {}, not a {}", unit.name, class["kind"], unit.kind.word()));
            }
            let names = |kind: ItemKind| {
                let items = unit.items.iter().filter(move |item| item.kind == kind);
                items.map(|item| item.name.trim_start_matches('$').to_owned()).collect::<BTreeSet<String>>()
            };
            for (kind, key) in [
                (ItemKind::Constant, "constants"),
                (ItemKind::Case, "cases"),
                (ItemKind::Property, "properties"),
            ] {
                let theirs: BTreeSet<String> =
                    class[key].as_array().into_iter().flatten().map(text).collect();
                if names(kind) != theirs {
                    out.push(format!("{path}: {} has {key} {theirs:?}, read {:?}", unit.name, names(kind)));
                }
            }
            let mut methods: BTreeMap<String, &Value> = BTreeMap::new();
            for method in class["methods"].as_array().into_iter().flatten() {
                methods.insert(text(&method["name"]), method);
            }
            for item in unit.items.iter().filter(|item| item.kind == ItemKind::Function) {
                comparison.methods += 1;
                match methods.remove(&item.name) {
                    Some(method) => out.extend(
                        method_differs(item, method)
                            .map(|what| format!("{path}: {}::{}: {what}", unit.name, item.name)),
                    ),
                    None => out.push(format!("{path}: {}::{} is unknown to PHP", unit.name, item.name)),
                }
            }
            out.extend(methods.keys().map(|name| format!("{path}: {}::{name} was not read", unit.name)));
        }
    }
    out.extend(theirs.keys().map(|(path, name)| format!("{path}: {name} was not read")));
}

fn method_differs(item: &Item, method: &Value) -> Option<String> {
    let shape: &Shape = item.shape.as_ref()?;
    let params = method["params"].as_array()?;
    if shape.is_static != (method["static"] == true) || shape.by_ref != (method["by_ref"] == true) {
        return Some("static or reference differs".to_owned());
    }
    if shape.params.len() != params.len() {
        return Some(format!("{} parameters, not {}", params.len(), shape.params.len()));
    }
    // PHP adds a type to `__toString` that nobody wrote.
    let returns = shape.returns.as_deref().or_else(|| (item.name == "__toString").then_some("string"));
    if canonical(returns, false) != canonical(method["returns"].as_str(), false) {
        return Some(format!("gives {}, read {:?}", method["returns"], shape.returns));
    }
    shape.params.iter().zip(params).find_map(|(mine, theirs)| param_differs(mine, theirs))
}

fn param_differs(mine: &Param, theirs: &Value) -> Option<String> {
    let null = mine.default.as_deref().is_some_and(|default| default.eq_ignore_ascii_case("null"));
    let flags = [
        (mine.variadic, &theirs["variadic"], "variadic"),
        (mine.by_ref, &theirs["by_ref"], "reference"),
        (mine.promoted, &theirs["promoted"], "promoted"),
    ];
    if mine.name != text(&theirs["name"]) {
        return Some(format!("parameter {}, read {}", theirs["name"], mine.name));
    }
    // A default before a parameter without one is none for PHP.
    if theirs["default"] == true && mine.default.is_none() {
        return Some(format!("${}: the default was not read", mine.name));
    }
    if canonical(mine.ty.as_deref(), null && mine.ty.is_some()) != canonical(theirs["type"].as_str(), false) {
        return Some(format!("${} is {}, read {:?}", mine.name, theirs["type"], mine.ty));
    }
    if let (Some(value), Some(written)) = (theirs["value"].as_str(), mine.default.as_deref())
        && value.chars().all(|c| c.is_ascii_alphanumeric())
        && written.chars().all(|c| c.is_ascii_alphanumeric())
        // Octal and hexadecimal numbers are shown as decimal ones.
        && !(written.starts_with('0') && written.len() > 1)
        && !value.eq_ignore_ascii_case(written)
    {
        return Some(format!("${} defaults to {value}, read {written}", mine.name));
    }
    let wrong = flags.iter().find(|(mine, theirs, _)| *mine != (**theirs == true));
    wrong.map(|(_, _, what)| format!("${}: {what} differs", mine.name))
}

/// A type as a set of its parts: PHP puts them in an order of its own and writes `?X` for `X|null`.
fn canonical(ty: Option<&str>, nullable: bool) -> BTreeSet<String> {
    let Some(ty) = ty else { return BTreeSet::new() };
    // Reflection takes `iterable` apart.
    let ty = ty.replace("iterable", "Traversable|array");
    let bare = ty.trim_start_matches('?');
    let mut parts: BTreeSet<String> = bare
        .split(['|', '(', ')'])
        .filter(|part| !part.is_empty())
        .map(|part| part.trim_start_matches('\\').to_owned())
        .collect();
    if (ty.starts_with('?') || nullable) && bare != "mixed" && bare != "null" {
        parts.insert("null".to_owned());
    }
    parts
}

fn links(tree: &Tree, files: &[String], told: &Value, comparison: &mut Comparison) {
    for path in files {
        let Some(place) = tree.position(path) else { continue };
        let by_name = tree.links.from(place).filter(|edge| {
            edge.kinds.iter().any(|kind| !matches!(kind, ReferenceKind::File | ReferenceKind::Call))
        });
        let mine: BTreeSet<&str> = by_name
            .filter_map(|edge| Some(tree.files.get(edge.to)?.path.as_str()))
            .filter(|to| files.iter().any(|file| file == to))
            .collect();
        let theirs: BTreeSet<&str> = told["uses"]
            .get(path.as_str())
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        comparison.links += theirs.len();
        for lost in theirs.difference(&mine) {
            comparison.differences.push(format!("{path}: the link to {lost} was not read"));
        }
        for extra in mine.difference(&theirs) {
            comparison.differences.push(format!("{path}: PHP knows no link to {extra}"));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}

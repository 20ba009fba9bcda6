//! The tools: each reads the tree and answers in a few lines.

mod pieces;

use serde_json::{Map, Value, json};

use crate::check;
use crate::code::CodeFile;
use crate::contract::{Contract, SECTIONS};
use crate::tree::{Edge, Tree};

/// Arguments of a call.
type Given = Map<String, Value>;

/// A tool of the server.
struct Tool {
    name: &'static str,
    says: &'static str,
    arguments: &'static [Argument],
    call: fn(&Tree, &Given) -> Result<String, String>,
}

/// An argument of a tool.
struct Argument {
    name: &'static str,
    /// `string` or `integer`.
    kind: &'static str,
    needed: bool,
    says: &'static str,
}

const fn needed(name: &'static str, kind: &'static str, says: &'static str) -> Argument {
    Argument { name, kind, needed: true, says }
}

const fn may(name: &'static str, kind: &'static str, says: &'static str) -> Argument {
    Argument { name, kind, needed: false, says }
}

const OF: Argument = needed(
    "of",
    "string",
    "a path, or the name of a class or module: src/Router.php, Router, App\\Routing\\Router",
);

const TOOLS: &[Tool] = &[
    Tool {
        name: "find",
        says: "Finds modules and contracts by words in path, name, purpose and signatures. One line each.",
        arguments: &[
            needed("query", "string", "words, all of which must be there"),
            may("limit", "integer", "most lines, 10 unless told"),
        ],
        call: find,
    },
    Tool {
        name: "contract",
        says: "The contract of a module, or one section of it; without a contract, what the code says of itself.",
        arguments: &[OF, may("section", "string", "PURPOSE, API, STATE, LINKS, PROMISES or FAILURES")],
        call: contract,
    },
    Tool {
        name: "neighbours",
        says: "What a module depends on and who uses it, by the code: path, way of use, line.",
        arguments: &[OF],
        call: neighbours,
    },
    Tool {
        name: "code",
        says: "One piece of code with line numbers: a method, function or type by name, or a named block.",
        arguments: &[
            OF,
            may("item", "string", "name of a method, function or type"),
            may("block", "string", "name of a block between BLOCK and END_BLOCK"),
        ],
        call: pieces::code,
    },
    Tool {
        name: "promise",
        says: "A promise of a contract with the code of the tests that prove it; without number, all promises.",
        arguments: &[OF, may("number", "integer", "1 for P1")],
        call: pieces::promise,
    },
    Tool {
        name: "drift",
        says: "Where contracts and code say different things; of one module, or of all.",
        arguments: &[may("of", "string", "a path, or the name of a class or module")],
        call: drift,
    },
];

pub(super) fn exists(name: &str) -> bool {
    TOOLS.iter().any(|tool| tool.name == name)
}

pub(super) fn list() -> Vec<Value> {
    let schema = |tool: &Tool| {
        let properties: Given = tool
            .arguments
            .iter()
            .map(|argument| {
                (argument.name.to_owned(), json!({ "type": argument.kind, "description": argument.says }))
            })
            .collect();
        let needed = tool.arguments.iter().filter(|argument| argument.needed);
        let required: Vec<&str> = needed.map(|argument| argument.name).collect();
        json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
    };
    let told = |tool: &Tool| {
        json!({
            "name": tool.name,
            "description": tool.says,
            "inputSchema": schema(tool),
            "annotations": { "readOnlyHint": true, "openWorldHint": false },
        })
    };
    TOOLS.iter().map(told).collect()
}

pub(super) fn call(tree: &Tree, name: &str, arguments: &Value) -> Result<String, String> {
    let tool =
        TOOLS.iter().find(|tool| tool.name == name).ok_or_else(|| format!("there is no tool `{name}`"))?;
    let none = Map::new();
    let given = match arguments {
        Value::Object(given) => given,
        Value::Null => &none,
        _ => return Err("the arguments are no object".to_owned()),
    };
    for key in given.keys() {
        if tool.arguments.iter().all(|argument| argument.name != key) {
            let known: Vec<&str> = tool.arguments.iter().map(|argument| argument.name).collect();
            return Err(format!("`{name}` has no argument `{key}`; it has {}", known.join(", ")));
        }
    }
    for argument in tool.arguments {
        let key = argument.name;
        match given.get(key) {
            None | Some(Value::Null) if argument.needed => {
                return Err(format!("`{name}` needs the argument `{key}`"));
            }
            None | Some(Value::Null) => {}
            Some(value) if argument.kind == "string" && !value.is_string() => {
                return Err(format!("`{key}` must be a text"));
            }
            Some(value) if argument.kind == "integer" && !value.is_u64() => {
                return Err(format!("`{key}` must be a whole number from 0 on"));
            }
            Some(_) => {}
        }
    }
    (tool.call)(tree, given)
}

fn text<'a>(given: &'a Given, key: &str) -> Option<&'a str> {
    given.get(key).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
}

fn number(given: &Given, key: &str) -> Option<usize> {
    given.get(key).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok())
}

/// The file that the argument `of` stands for: by path, contract, full name, own name, or name of a type in it.
fn file<'t>(tree: &'t Tree, given: &Given) -> Result<&'t CodeFile, String> {
    let name = text(given, "of").unwrap_or("");
    let path = name.trim_start_matches("./");
    if let Some(file) = tree.file(path) {
        return Ok(file);
    }
    if let Some(contract) = tree.contracts.iter().find(|contract| contract.path == path) {
        let first = contract.covers.first().and_then(|covered| tree.file(&covered.path));
        return first.ok_or_else(|| format!("`{path}` describes no code that is there"));
    }
    let bare = name.trim_start_matches('\\');
    let by =
        |fits: &dyn Fn(&CodeFile) -> bool| tree.files.iter().filter(|file| fits(file)).collect::<Vec<_>>();
    let ways = [
        by(&|file| file.units.iter().any(|unit| unit.full_name == bare)),
        by(&|file| file.units.iter().any(|unit| unit.name.eq_ignore_ascii_case(bare))),
        by(&|file| {
            let items = file.units.iter().flat_map(|unit| &unit.items);
            items.into_iter().any(|item| item.name == bare && item.owner.is_none())
        }),
    ];
    match ways.iter().find(|found| !found.is_empty()).map(Vec::as_slice) {
        Some([file]) => Ok(file),
        Some(several) => {
            let paths: Vec<&str> = several.iter().map(|file| file.path.as_str()).collect();
            Err(format!("`{name}` may be {}; name the path", paths.join(", ")))
        }
        None => Err(format!("nothing is called `{name}`; look with `find`")),
    }
}

/// The contract that is about a file; one about this file alone tells more than one about a folder.
fn contract_of<'t>(tree: &'t Tree, path: &str) -> Option<&'t Contract> {
    let about =
        tree.contracts.iter().filter(|contract| contract.covers.iter().any(|covered| covered.path == path));
    about.min_by_key(|contract| contract.covers.len())
}

fn find(tree: &Tree, given: &Given) -> Result<String, String> {
    let query = text(given, "query").unwrap_or("");
    let words: Vec<String> = query.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Err("`query` is empty".to_owned());
    }
    let limit = number(given, "limit").unwrap_or(10).clamp(1, 50);
    let mut found: Vec<(usize, String)> = Vec::new();
    for file in tree.files.iter().filter(|file| !tree.config.is_test(&file.path)) {
        let contract = contract_of(tree, &file.path);
        let told = || file.units.iter().find_map(|unit| unit.doc.clone());
        let purpose = contract.and_then(Contract::purpose).or_else(told);
        let weight = weight(file, purpose.as_deref().unwrap_or(""), &words);
        if weight > 0 {
            let says = purpose.map(|purpose| format!(": {}", cut(&purpose, 120))).unwrap_or_default();
            let mark = if contract.is_some() { "" } else { " (no contract)" };
            found.push((weight * 2 + usize::from(contract.is_some()), format!("{}{mark}{says}", file.path)));
        }
    }
    let all = found.len();
    found.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut lines: Vec<String> = found.into_iter().take(limit).map(|(_, line)| line).collect();
    if lines.is_empty() {
        return Ok(format!("nothing has all of: {}", words.join(", ")));
    }
    if all > limit {
        lines.push(format!("and {} more: add a word", all - limit));
    }
    Ok(lines.join("\n"))
}

/// How well a file fits: a word in a name weighs more than one in the purpose, and that more than one in a signature.
/// 0 when a word is nowhere.
fn weight(file: &CodeFile, purpose: &str, words: &[String]) -> usize {
    let names: String = file.units.iter().map(|unit| format!(" {}", unit.full_name)).collect();
    let items = file.units.iter().flat_map(|unit| &unit.items);
    let signatures: String = items.map(|item| format!("{} ", item.signature)).collect();
    let fields =
        [format!("{}{names}", file.path), purpose.to_owned(), signatures].map(|field| field.to_lowercase());
    let mut sum = 0;
    for word in words {
        let places = fields.iter().zip([6, 3, 1]).filter(|(field, _)| field.contains(word));
        let weight: usize = places.map(|(_, weight)| weight).sum();
        if weight == 0 {
            return 0;
        }
        sum += weight;
    }
    sum
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most).collect();
    format!("{}…", cut.trim_end())
}

fn contract(tree: &Tree, given: &Given) -> Result<String, String> {
    let file = file(tree, given)?;
    let wanted = text(given, "section").map(str::to_uppercase);
    if let Some(wanted) = wanted.as_deref().filter(|wanted| !SECTIONS.contains(wanted)) {
        return Err(format!("there is no section `{wanted}`; there are {}", SECTIONS.join(", ")));
    }
    let Some(contract) = contract_of(tree, &file.path) else {
        let mut text = format!("{} has no contract. The code says:\n", file.path);
        for unit in &file.units {
            let doc = unit.doc.as_deref().map(|doc| format!(": {doc}")).unwrap_or_default();
            text.push_str(&format!("{} {}{doc}\n", unit.kind.word(), unit.full_name));
            for item in &unit.items {
                text.push_str(&format!("- {}\n", check::with_owner(item)));
            }
        }
        return Ok(text);
    };
    let mut text = format!("{}\n", contract.path);
    for name in SECTIONS.iter().filter(|name| wanted.as_deref().is_none_or(|wanted| wanted == **name)) {
        let says = contract.says(name).unwrap_or_else(|| "nothing".to_owned());
        text.push_str(&format!("{name}: {says}\n"));
    }
    Ok(text)
}

fn neighbours(tree: &Tree, given: &Given) -> Result<String, String> {
    let file = file(tree, given)?;
    let place = tree.position(&file.path).ok_or_else(|| format!("{} is gone", file.path))?;
    let line = |at: usize, edge: &Edge| {
        let path = tree.files.get(at).map_or("", |file| file.path.as_str());
        let kinds: Vec<String> = edge.kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
        format!("- {path} ({}, line {})\n", kinds.join(", "), edge.line)
    };
    let mut text = format!("{}\ndepends on:\n", file.path);
    text.extend(tree.links.from(place).map(|edge| line(edge.to, edge)));
    text.push_str("used by:\n");
    text.extend(tree.links.to(place).map(|edge| line(edge.from, edge)));
    if let Some(names) = tree.links.outside.get(place).filter(|names| !names.is_empty()) {
        let names: Vec<&str> = names.keys().map(String::as_str).collect();
        text.push_str(&format!("outside: {}\n", names.join(", ")));
    }
    Ok(text)
}

/// Most findings in one answer.
const FINDINGS: usize = 50;

fn drift(tree: &Tree, given: &Given) -> Result<String, String> {
    let mut of: Option<Vec<&str>> = None;
    if text(given, "of").is_some() {
        let file = file(tree, given)?;
        let about = tree
            .contracts
            .iter()
            .filter(|contract| contract.covers.iter().any(|covered| covered.path == file.path));
        of = Some(about.map(|contract| contract.path.as_str()).chain([file.path.as_str()]).collect());
    }
    let found = check::check(tree);
    let wanted =
        found.iter().filter(|finding| of.as_ref().is_none_or(|of| of.contains(&finding.path.as_str())));
    let mut lines: Vec<String> = wanted
        .map(|finding| format!("{}:{} [{}] {}", finding.path, finding.line, finding.rule, finding.reason))
        .collect();
    if lines.is_empty() {
        return Ok("no drift".to_owned());
    }
    let more = lines.len().saturating_sub(FINDINGS);
    lines.truncate(FINDINGS);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Ok(lines.join("\n"))
}

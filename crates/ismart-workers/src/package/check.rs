//! What must hold between a package's files.

use std::collections::BTreeSet;

use serde_json::Value;

use super::load::Problems;
use super::rules::{IntentCommand, SlotKind};
use super::{Flow, Package};
use crate::flow::{Act, Condition};
use crate::gate;

const FLOWS: &str = "flows.toml";
const ANSWERS: &str = "answers.toml";
/// Roots of paths that the engine itself fills.
const ROOTS: &[&str] = &["business", "worker", "contact", "consent", "call", "turn", "handover", "fresh"];

pub(super) fn check(package: &Package, problems: &mut Problems<'_>) {
    manifest(package, problems);
    intents(package, problems);
    slots(package, problems);
    named(package, problems);
    let results = results(package);
    for flow in package.flows.values() {
        self::flow(package, flow, &results, problems);
    }
    answers(package, &results, problems);
    for claim in &package.gates.claims {
        for tool in claim.tools.iter().filter(|tool| !package.manifest.tools.contains(tool)) {
            let reason = format!("tool `{tool}` is not among the tools of worker.toml");
            problems.add(
                "gates.toml",
                tool,
                "claim.tools".to_owned(),
                reason,
                "add it there or correct the name",
            );
        }
    }
}

fn manifest(package: &Package, problems: &mut Problems<'_>) {
    let m = &package.manifest;
    let mut add = |key: &str, reason: String, fix: &str| {
        problems.add("worker.toml", key, key.to_owned(), reason, fix);
    };
    if m.languages.is_empty() {
        add("languages", "no language is named".to_owned(), "name at least one, for example \"ru\"");
    }
    for language in &m.languages {
        for (key, texts) in [("title", &m.title), ("persona", &m.persona)] {
            if !texts.contains_key(language) {
                add(key, format!("there is no text in `{language}`"), "add it");
            }
        }
    }
    if m.autonomy_level > 4 {
        add("autonomy_level", format!("{} is above 4", m.autonomy_level), "give 0 to 4");
    }
    let t = m.thresholds;
    for (key, value) in [("intent", t.intent), ("clause", t.clause), ("interrupt", t.interrupt)] {
        if !(0.0..=1.0).contains(&value) {
            add(key, format!("threshold {value} is outside 0 to 1"), "give a share");
        }
    }
}

fn intents(package: &Package, problems: &mut Problems<'_>) {
    let mut seen = BTreeSet::new();
    for intent in &package.intents.list {
        let mark = format!("name = \"{}\"", intent.name);
        let key = format!("intent.{}", intent.name);
        if !seen.insert(&intent.name) {
            let reason = "two intents have this name".to_owned();
            problems.add("intents.toml", &mark, key.clone(), reason, "rename one");
        }
        let examples = intent.ru.len() + intent.en.len();
        if examples < 5 {
            let reason = format!("{examples} examples are too few to learn from");
            problems.add("intents.toml", &mark, key.clone(), reason, "give at least 5, better 20");
        }
        let served = package.flow_of_intent(&intent.name).is_some();
        if intent.command == IntentCommand::Start && !served {
            let reason = "no flow lists it under `intents`".to_owned();
            problems.add("intents.toml", &mark, key, reason, "list it in a flow or give it a command");
        }
    }
    if seen.len() < 2 {
        let reason = "fewer than two intents".to_owned();
        problems.add(
            "intents.toml",
            "",
            "intent".to_owned(),
            reason,
            "a model needs something to choose from",
        );
    }
    for flow in package.flows.values() {
        for name in flow.intents.iter().filter(|name| !seen.contains(name)) {
            let reason = format!("intent `{name}` is not declared");
            let key = format!("flow.{}.intents", flow.name);
            problems.add(FLOWS, name, key, reason, "declare it in intents.toml or correct the name");
        }
    }
}

fn slots(package: &Package, problems: &mut Problems<'_>) {
    let known = |name: &String| package.rules.slot.contains_key(name);
    let mut bad = |name: &str, key: &str, reason: String, fix: &str| {
        problems.add(FLOWS, &format!("[slot.{name}]"), format!("slot.{name}.{key}"), reason, fix);
    };
    for (name, slot) in &package.rules.slot {
        if slot.kind == SlotKind::Term && !package.entities.group.contains_key(&slot.group) {
            bad(
                name,
                "group",
                format!("vocabulary `{}` is not declared", slot.group),
                "declare it in entities.toml",
            );
        }
        let unit = package.entities.quantity.iter().any(|rule| rule.name == slot.quantity);
        if slot.kind == SlotKind::Quantity && !unit {
            bad(
                name,
                "quantity",
                format!("unit `{}` is not declared", slot.quantity),
                "declare it in entities.toml",
            );
        }
        for other in slot.resets.iter().filter(|other| !known(other)) {
            bad(name, "resets", format!("slot `{other}` is not declared"), "correct the name");
        }
        if matches!(slot.kind, SlotKind::Phone | SlotKind::Email | SlotKind::Name) {
            bad(
                name,
                "kind",
                "contacts are slots of the engine".to_owned(),
                "use contact.phone, contact.email and contact.name",
            );
        }
    }
    for (prefix, rule) in &package.rules.choice {
        if !known(&rule.slot) {
            let reason = format!("slot `{}` is not declared", rule.slot);
            problems.add(FLOWS, &rule.slot, format!("choice.{prefix}.slot"), reason, "correct the name");
        }
    }
    for name in package.rules.search_slots.iter().filter(|name| !known(name)) {
        problems.add(
            FLOWS,
            "search_slots",
            "search_slots".to_owned(),
            format!("slot `{name}` is not declared"),
            "correct the name",
        );
    }
}

fn named(package: &Package, problems: &mut Problems<'_>) {
    let on = &package.rules.on;
    for (key, name) in [
        ("greet", &on.greet),
        ("thanks", &on.thanks),
        ("goodbye", &on.goodbye),
        ("smalltalk", &on.smalltalk),
        ("ask_fact", &on.ask_fact),
        ("search", &on.search),
        ("handover", &on.handover),
        ("opt_out", &on.opt_out),
        ("unknown", &on.unknown),
        ("stuck", &on.stuck),
        ("contact.late", &package.rules.contact.late),
    ] {
        if !package.flows.contains_key(name) {
            problems.add(
                FLOWS,
                key,
                format!("on.{key}"),
                format!("flow `{name}` is not declared"),
                "correct the name",
            );
        }
    }
    let contact = &package.rules.contact;
    for (key, name) in [
        ("on.cancelled", &on.cancelled),
        ("on.resume", &on.resume),
        ("on.idle", &on.idle),
        ("on.gate", &on.gate),
        ("contact.consent", &contact.consent),
        ("contact.name", &contact.name),
        ("contact.refused", &contact.refused),
        ("contact.bad_phone", &contact.bad_phone),
        ("contact.not_ticked", &contact.not_ticked),
    ] {
        if !package.answers.contains_key(name) {
            problems.add(
                FLOWS,
                name,
                key.to_owned(),
                format!("answer `{name}` is not declared"),
                "declare it in answers.toml",
            );
        }
    }
}

fn results(package: &Package) -> BTreeSet<&str> {
    package
        .flows
        .values()
        .flat_map(|flow| &flow.steps)
        .filter_map(|step| match &step.act {
            Act::Call { into, .. } => Some(into.as_str()),
            _ => None,
        })
        .collect()
}

fn path_fault(package: &Package, results: &BTreeSet<&str>, path: &str) -> Option<String> {
    let root = path.split('.').next().unwrap_or_default();
    let known = ROOTS.contains(&root) || results.contains(root) || package.rules.slot.contains_key(root);
    (!known).then(|| format!("`{path}` begins with `{root}`, which is no slot, result or root"))
}

fn conditions(
    package: &Package,
    results: &BTreeSet<&str>,
    list: &[Condition],
    file: &str,
    key: &str,
    problems: &mut Problems<'_>,
) {
    for condition in list {
        if let Some(reason) = path_fault(package, results, &condition.path) {
            problems.add(file, &condition.path, format!("{key}.when"), reason, "correct the path");
        }
    }
}

fn flow(package: &Package, flow: &Flow, results: &BTreeSet<&str>, problems: &mut Problems<'_>) {
    let labels: BTreeSet<&str> = flow.steps.iter().map(|step| step.id.as_str()).collect();
    let slot = |name: &String| package.rules.slot.contains_key(name);
    for step in &flow.steps {
        let key = format!("flow.{}.step.{}", flow.name, step.id);
        conditions(package, results, &step.when, FLOWS, &key, problems);
        let (mut answers, mut gotos, mut slots, mut flows): (
            Vec<&String>,
            Vec<&String>,
            Vec<&String>,
            Vec<&String>,
        ) = Default::default();
        match &step.act {
            Act::Say { answer, .. } => answers.push(answer),
            Act::Ask { slot, question, again, .. } => {
                slots.push(slot);
                answers.push(question);
                answers.extend(again);
            }
            Act::Call { tool, args, on, .. } => {
                if !package.manifest.tools.contains(tool) {
                    let reason = format!("tool `{tool}` is not among the tools of worker.toml");
                    problems.add(FLOWS, tool, key.clone(), reason, "add it there or correct the name");
                }
                gotos.extend(on.values());
                paths(package, results, args.values(), &key, problems);
            }
            Act::Confirm { question, no } => {
                answers.push(question);
                gotos.extend(no);
            }
            Act::Contact { question } => answers.push(question),
            Act::Propose { answer, yes, no } => {
                answers.push(answer);
                flows.push(yes);
                answers.extend(no);
            }
            Act::Handover { answer, failed, repeat, .. } => answers.extend([answer, failed, repeat]),
            Act::Start(flow) => flows.push(flow),
            Act::Goto(label) => gotos.push(label),
            Act::Set(set) => {
                slots.extend(set.keys());
                paths(package, results, set.values(), &key, problems);
            }
            Act::Clear(clear) => slots.extend(clear),
            Act::OptOut | Act::End => {}
        }
        let mut missing = |kind: &str, name: &String, there: bool| {
            if !there {
                problems.add(
                    FLOWS,
                    name,
                    key.clone(),
                    format!("{kind} `{name}` is not declared"),
                    "correct the name or declare it",
                );
            }
        };
        answers.iter().for_each(|name| missing("answer", name, package.answers.contains_key(*name)));
        gotos.iter().for_each(|name| missing("label", name, labels.contains(name.as_str())));
        slots.iter().for_each(|name| missing("slot", name, slot(name)));
        flows.iter().for_each(|name| missing("flow", name, package.flows.contains_key(*name)));
    }
    for name in flow.clears.iter().filter(|name| !slot(name)) {
        let key = format!("flow.{}.clears", flow.name);
        problems.add(FLOWS, name, key, format!("slot `{name}` is not declared"), "correct the name");
    }
}

fn paths<'a>(
    package: &Package,
    results: &BTreeSet<&str>,
    values: impl Iterator<Item = &'a Value>,
    key: &str,
    problems: &mut Problems<'_>,
) {
    for path in values.filter_map(Value::as_str).filter_map(|text| text.strip_prefix('$')) {
        if let Some(reason) = path_fault(package, results, path) {
            problems.add(FLOWS, path, key.to_owned(), reason, "correct the path");
        }
    }
}

fn answers(package: &Package, results: &BTreeSet<&str>, problems: &mut Problems<'_>) {
    for (name, answer) in &package.answers {
        let mark = format!("[answer.{name}]");
        conditions(package, results, &answer.when, ANSWERS, &format!("answer.{name}"), problems);
        for language in &package.manifest.languages {
            let key = format!("answer.{name}.{language}");
            let Some(texts) = answer.texts.get(language) else {
                let reason = "there is no wording in this language of worker.toml".to_owned();
                problems.add(ANSWERS, &mark, key, reason, "add one");
                continue;
            };
            for text in texts {
                for reason in text.paths().filter_map(|path| path_fault(package, results, path)) {
                    problems.add(ANSWERS, &mark, key.clone(), reason, "correct the path");
                }
                for literal in text.literals() {
                    for number in
                        gate::numbers(literal).into_iter().filter(|n| !package.gates.literals.contains(n))
                    {
                        let reason =
                            format!("the wording contains the number {number}, which nothing proves");
                        problems.add(
                            ANSWERS,
                            &mark,
                            key.clone(),
                            reason,
                            "take it from a tool or business fact, or list it under `literals` in gates.toml",
                        );
                    }
                    for word in package.gates.forbidden.iter().filter(|word| gate::contains(literal, word)) {
                        let reason = format!("the wording contains `{word}`, which gates.toml forbids");
                        problems.add(ANSWERS, &mark, key.clone(), reason, "say it otherwise");
                    }
                }
            }
        }
    }
}

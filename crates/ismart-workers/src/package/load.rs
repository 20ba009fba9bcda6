//! Reading a package's files, from disk or from the binary, with every problem reported at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rules::{
    Answer, EntityRules, Flow, FlowKind, FlowRules, GateRules, IntentRules, Localized, Manifest, OfferRule,
};
use super::{Package, check};
use crate::flow::{Act, Condition, HandoverReason, Step};
use crate::scenario::{Scenario, ScenarioFile};
use crate::template::Template;

/// One fault of a package: where, what, and how to repair it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct PackageProblem {
    /// The file, relative to the package.
    pub file: String,
    /// The line, from 1, when known.
    pub line: Option<usize>,
    /// The key, for example `flow.stock.step.search.call`; empty when the whole file is meant.
    pub key: String,
    /// What is wrong.
    pub reason: String,
    /// What to do.
    pub fix: String,
}

impl fmt::Display for PackageProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}; {}", self.reason, self.fix)
    }
}

/// The text files of a package by path relative to it, `/` as separator.
#[derive(Debug, Clone, Default)]
pub struct PackageFiles(pub BTreeMap<String, String>);

impl PackageFiles {
    /// Reads a folder of the disk: `*.toml` in it and in `tests/`.
    ///
    /// # Errors
    /// One problem per file or folder that cannot be read.
    pub fn read(dir: &Path) -> Result<Self, Vec<PackageProblem>> {
        let mut files = BTreeMap::new();
        let mut problems = Vec::new();
        for folder in ["", "tests"] {
            let path = if folder.is_empty() { dir.to_path_buf() } else { dir.join(folder) };
            let entries = match std::fs::read_dir(&path) {
                Ok(entries) => entries,
                Err(_) if folder == "tests" && !path.exists() => continue,
                Err(error) => {
                    problems.push(unreadable(folder, &path, &error));
                    continue;
                }
            };
            for entry in entries.filter_map(Result::ok) {
                let name = entry.file_name().to_string_lossy().into_owned();
                if !name.ends_with(".toml") {
                    continue;
                }
                let key = if folder.is_empty() { name } else { format!("{folder}/{name}") };
                match std::fs::read_to_string(entry.path()) {
                    Ok(text) => {
                        files.insert(key, text);
                    }
                    Err(error) => problems.push(unreadable(&key, &entry.path(), &error)),
                }
            }
        }
        if problems.is_empty() { Ok(Self(files)) } else { Err(problems) }
    }

    /// Takes the files of a folder embedded in the binary.
    #[must_use]
    pub fn embedded(dir: &include_dir::Dir<'_>) -> Self {
        let mut files = BTreeMap::new();
        let mut take = |folder: &include_dir::Dir<'_>| {
            for file in folder.files() {
                let path = file.path().strip_prefix(dir.path()).unwrap_or(file.path());
                if let Some(text) =
                    file.contents_utf8().filter(|_| path.extension().is_some_and(|e| e == "toml"))
                {
                    files.insert(path.to_string_lossy().replace('\\', "/"), text.to_owned());
                }
            }
        };
        take(dir);
        for folder in dir.dirs().filter(|d| d.path().file_name().is_some_and(|name| name == "tests")) {
            take(folder);
        }
        Self(files)
    }
}

fn unreadable(file: &str, path: &Path, error: &std::io::Error) -> PackageProblem {
    PackageProblem {
        file: file.to_owned(),
        line: None,
        key: String::new(),
        reason: format!("{} cannot be read: {error}", path.display()),
        fix: "check the path and its rights".to_owned(),
    }
}

/// A step as written: exactly one of the acts.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenStep {
    id: String,
    when: String,
    say: Option<String>,
    ask: Option<String>,
    question: Option<String>,
    again: Option<String>,
    show: Option<String>,
    offer: Option<OfferRule>,
    optional: bool,
    soft: bool,
    call: Option<String>,
    args: BTreeMap<String, Value>,
    into: Option<String>,
    on: BTreeMap<String, String>,
    confirm: Option<String>,
    no: Option<String>,
    contact: Option<String>,
    propose: Option<String>,
    yes: Option<String>,
    handover: Option<HandoverReason>,
    answer: Option<String>,
    failed: Option<String>,
    repeat: Option<String>,
    start: Option<String>,
    goto: Option<String>,
    set: Option<BTreeMap<String, Value>>,
    clear: Option<Vec<String>>,
    opt_out: bool,
    end: bool,
}

/// A flow as written.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenFlow {
    pub(super) name: String,
    #[serde(default)]
    kind: FlowKind,
    #[serde(default)]
    intents: Vec<String>,
    #[serde(default)]
    title: Localized,
    #[serde(default)]
    clears: Vec<String>,
    #[serde(default, rename = "step")]
    steps: Vec<WrittenStep>,
}

/// An answer as written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAnswer {
    #[serde(default)]
    when: String,
    #[serde(default)]
    ru: Vec<String>,
    #[serde(default)]
    en: Vec<String>,
    #[serde(default)]
    choices: Vec<WrittenChoice>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenChoice {
    ru: String,
    en: String,
    choice: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerFile {
    #[serde(default)]
    answer: BTreeMap<String, WrittenAnswer>,
}

/// Collects problems and knows in which line a key stands.
pub(super) struct Problems<'a> {
    pub(super) list: Vec<PackageProblem>,
    files: &'a PackageFiles,
}

impl Problems<'_> {
    /// Notes a problem; the line is that of the first occurrence of `mark` in the file.
    pub(super) fn add(&mut self, file: &str, mark: &str, key: String, reason: String, fix: &str) {
        let line = self
            .files
            .0
            .get(file)
            .filter(|_| !mark.is_empty())
            .and_then(|text| text.lines().position(|line| line.contains(mark)).map(|at| at + 1));
        self.list.push(PackageProblem { file: file.to_owned(), line, key, reason, fix: fix.to_owned() });
    }

    fn parse<T: DeserializeOwned>(&mut self, file: &str) -> Option<T> {
        let Some(text) = self.files.0.get(file) else {
            let fix = "add the file; an empty list is written as an empty file where that is allowed";
            self.add(file, "", String::new(), "the file is missing".to_owned(), fix);
            return None;
        };
        match toml::from_str(text) {
            Ok(value) => Some(value),
            Err(error) => {
                let line = error
                    .span()
                    .map(|span| text.bytes().take(span.start).filter(|byte| *byte == b'\n').count() + 1);
                self.list.push(PackageProblem {
                    file: file.to_owned(),
                    line,
                    key: String::new(),
                    reason: error.message().replace('\n', " "),
                    fix: "correct the line; the manual of packages lists the keys".to_owned(),
                });
                None
            }
        }
    }
}

impl Package {
    /// Reads a package from a folder.
    ///
    /// # Errors
    /// All problems found, each with file, line, key, reason and repair.
    pub fn load(dir: &Path) -> Result<Self, Vec<PackageProblem>> {
        Self::from_files(&PackageFiles::read(dir)?)
    }

    /// Reads a package embedded in the binary.
    ///
    /// # Errors
    /// As [`Package::load`].
    pub fn from_dir(dir: &include_dir::Dir<'_>) -> Result<Self, Vec<PackageProblem>> {
        Self::from_files(&PackageFiles::embedded(dir))
    }

    /// Reads a package from its texts.
    ///
    /// # Errors
    /// As [`Package::load`].
    pub fn from_files(files: &PackageFiles) -> Result<Self, Vec<PackageProblem>> {
        let mut problems = Problems { list: Vec::new(), files };
        let manifest: Option<Manifest> = problems.parse("worker.toml");
        let intents: Option<IntentRules> = problems.parse("intents.toml");
        let entities: Option<EntityRules> = problems.parse("entities.toml");
        let rules: Option<FlowRules> = problems.parse("flows.toml");
        let answers: Option<AnswerFile> = problems.parse("answers.toml");
        let gates: Option<GateRules> = problems.parse("gates.toml");
        let mut scenarios: Vec<Scenario> = Vec::new();
        for name in files.0.keys().filter(|name| name.starts_with("tests/")) {
            if let Some(file) = problems.parse::<ScenarioFile>(name) {
                scenarios.extend(file.scenario);
            }
        }
        let flows = rules.as_ref().map(|rules| flows(&rules.written, &mut problems)).unwrap_or_default();
        let answers = answers.map(|file| compile_answers(file, &mut problems)).unwrap_or_default();
        let (Some(manifest), Some(intents), Some(entities), Some(rules), Some(gates)) =
            (manifest, intents, entities, rules, gates)
        else {
            return Err(problems.list);
        };
        let package = Self { manifest, intents, entities, rules, flows, answers, gates, scenarios };
        check::check(&package, &mut problems);
        if problems.list.is_empty() { Ok(package) } else { Err(problems.list) }
    }
}

fn flows(written: &[WrittenFlow], problems: &mut Problems<'_>) -> BTreeMap<String, Flow> {
    let mut out = BTreeMap::new();
    for flow in written {
        let mut steps = Vec::new();
        for (at, step) in flow.steps.iter().enumerate() {
            let id = if step.id.is_empty() { format!("#{}", at + 1) } else { step.id.clone() };
            let key = format!("flow.{}.step.{id}", flow.name);
            let mark = format!("name = \"{}\"", flow.name);
            let when = Condition::parse_all(&step.when).unwrap_or_else(|error| {
                problems.add(
                    "flows.toml",
                    &step.when,
                    format!("{key}.when"),
                    error.to_string(),
                    "correct it",
                );
                Vec::new()
            });
            match act(step) {
                Ok(act) => steps.push(Step { id, when, act }),
                Err(reason) => {
                    let fix = "give the step exactly one act: say, ask, call, confirm, contact, propose, handover, start, goto, set, clear, opt_out or end";
                    problems.add("flows.toml", &mark, key, reason, fix);
                }
            }
        }
        let compiled = Flow {
            name: flow.name.clone(),
            kind: flow.kind,
            intents: flow.intents.clone(),
            title: flow.title.clone(),
            clears: flow.clears.clone(),
            steps,
        };
        if out.insert(flow.name.clone(), compiled).is_some() {
            let mark = format!("name = \"{}\"", flow.name);
            let reason = "two flows have this name".to_owned();
            problems.add("flows.toml", &mark, format!("flow.{}", flow.name), reason, "rename one");
        }
    }
    out
}

fn act(step: &WrittenStep) -> Result<Act, String> {
    let need =
        |value: &Option<String>, name: &str| value.clone().ok_or_else(|| format!("`{name}` is missing"));
    let acts = [
        step.say.is_some(),
        step.ask.is_some(),
        step.call.is_some(),
        step.confirm.is_some(),
        step.contact.is_some(),
        step.propose.is_some(),
        step.handover.is_some(),
        step.start.is_some(),
        step.goto.is_some(),
        step.set.is_some(),
        step.clear.is_some(),
        step.opt_out,
        step.end,
    ];
    let count = acts.iter().filter(|there| **there).count();
    if count != 1 {
        return Err(format!("the step has {count} acts"));
    }
    Ok(if let Some(answer) = &step.say {
        Act::Say { answer: answer.clone(), show: step.show.clone(), offer: step.offer.clone() }
    } else if let Some(slot) = &step.ask {
        Act::Ask {
            slot: slot.clone(),
            question: need(&step.question, "question")?,
            again: step.again.clone(),
            show: step.show.clone(),
            offer: step.offer.clone(),
            optional: step.optional,
            soft: step.soft,
        }
    } else if let Some(tool) = &step.call {
        Act::Call {
            tool: tool.clone(),
            args: step.args.clone(),
            into: step.into.clone().unwrap_or_else(|| tool.clone()),
            on: step.on.clone(),
        }
    } else if let Some(question) = &step.confirm {
        Act::Confirm { question: question.clone(), no: step.no.clone() }
    } else if let Some(question) = &step.contact {
        Act::Contact { question: question.clone() }
    } else if let Some(answer) = &step.propose {
        Act::Propose { answer: answer.clone(), yes: need(&step.yes, "yes")?, no: step.no.clone() }
    } else if let Some(reason) = step.handover {
        Act::Handover {
            reason,
            answer: need(&step.answer, "answer")?,
            failed: need(&step.failed, "failed")?,
            repeat: need(&step.repeat, "repeat")?,
        }
    } else if let Some(flow) = &step.start {
        Act::Start(flow.clone())
    } else if let Some(label) = &step.goto {
        Act::Goto(label.clone())
    } else if let Some(set) = &step.set {
        Act::Set(set.clone())
    } else if let Some(clear) = &step.clear {
        Act::Clear(clear.clone())
    } else if step.opt_out {
        Act::OptOut
    } else {
        Act::End
    })
}

fn compile_answers(file: AnswerFile, problems: &mut Problems<'_>) -> BTreeMap<String, Answer> {
    let mut out = BTreeMap::new();
    for (name, written) in file.answer {
        let mark = format!("[answer.{name}]");
        let when = Condition::parse_all(&written.when).unwrap_or_else(|error| {
            problems.add(
                "answers.toml",
                &mark,
                format!("answer.{name}.when"),
                error.to_string(),
                "correct it",
            );
            Vec::new()
        });
        let mut texts = BTreeMap::new();
        for (language, list) in [("ru", written.ru), ("en", written.en)] {
            let mut compiled = Vec::new();
            for text in list {
                match Template::parse(&text) {
                    Ok(template) => compiled.push(template),
                    Err(error) => {
                        let key = format!("answer.{name}.{language}");
                        problems.add(
                            "answers.toml",
                            &mark,
                            key,
                            error.to_string(),
                            "correct the placeholder",
                        );
                    }
                }
            }
            if !compiled.is_empty() {
                texts.insert(language.to_owned(), compiled);
            }
        }
        let choices = written
            .choices
            .into_iter()
            .map(|c| ([("ru".to_owned(), c.ru), ("en".to_owned(), c.en)].into_iter().collect(), c.choice))
            .collect();
        out.insert(name, Answer { texts, when, choices });
    }
    out
}

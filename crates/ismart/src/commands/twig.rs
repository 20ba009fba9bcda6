//! `ismart twig`: tools for those who write templates.

mod places;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use ismart_twig::tools::{self, Finding, Format, LintOptions, TemplateSet};
use ismart_twig::{AutoEscape, Environment, Strategy};
use similar::TextDiff;

use crate::output::{self, Failed};
use places::Place;

/// What is found and what cannot be understood.
const FOUND: u8 = 1;
const USAGE: u8 = 2;

/// Turns of fixing and linting at most.
const ROUNDS: u32 = 10;

/// The tools.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Twig {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Find every error of templates without rendering them
    #[command(after_help = EXIT)]
    Check(Check),
    /// Hold templates to rules of style and safety
    #[command(after_help = EXIT)]
    Lint(Lint),
    /// Show what the engine makes of templates: inheritance, includes, variables, escaping
    #[command(after_help = EXIT)]
    Explain(Explain),
    /// Put spaces, line breaks and quotes inside delimiters as they should be; what is rendered stays the same
    #[command(after_help = EXIT)]
    Format(Formatting),
}

const EXIT: &str = "Exit code: 0 nothing found, 1 something found, 2 the command was not understood.\n\
    Names that the host adds to Twig are known for site folders of ours and of the PHP platform; others can be\n\
    declared in ismart-twig.toml (functions, filters, tests, context, ignore) beside the templates.";

/// Which templates, and what their host offers.
#[derive(Debug, Args)]
struct Source {
    /// Files, folders of templates, or site folders
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// Folder that names of templates are counted from [default: the folder `templates`, or PATH]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Function that the host offers
    #[arg(long, value_name = "NAME")]
    allow_function: Vec<String>,
    /// Filter that the host offers
    #[arg(long, value_name = "NAME")]
    allow_filter: Vec<String>,
    /// Test that the host offers
    #[arg(long, value_name = "NAME")]
    allow_test: Vec<String>,
    /// Variable that every template may read
    #[arg(long, value_name = "NAME")]
    context: Vec<String>,
    /// Strategy of escaping that templates begin with: html, name, off, js, css, url or html_attr
    #[arg(long, value_name = "STRATEGY", default_value = "html", value_parser = autoescape)]
    autoescape: AutoEscape,
}

fn autoescape(name: &str) -> Result<AutoEscape, String> {
    match name {
        "html" => Ok(AutoEscape::Html),
        "name" => Ok(AutoEscape::Name),
        "off" => Ok(AutoEscape::Off),
        "js" | "css" | "url" | "html_attr" => Ok(AutoEscape::Strategy(Strategy::from_name(name))),
        _ => Err("use html, name, off, js, css, url or html_attr".to_owned()),
    }
}

/// Which findings, and how they are printed.
#[derive(Debug, Args)]
struct Shown {
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Style::Text)]
    format: Style,
    /// Hold only these rules
    #[arg(long, value_name = "RULE", value_parser = rule)]
    select: Vec<String>,
    /// Do not hold these rules
    #[arg(long, value_name = "RULE", value_parser = rule)]
    ignore: Vec<String>,
}

fn rule(id: &str) -> Result<String, String> {
    match tools::rule(id) {
        Some(rule) => Ok(rule.id.to_owned()),
        None => Err("no such rule; docs/reference/twig-rules.md lists them".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Style {
    /// For people
    Text,
    /// One JSON object
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
    /// Annotations of GitHub workflows
    Github,
}

impl Style {
    fn format(self) -> Format {
        match self {
            Self::Text => Format::Text,
            Self::Json => Format::Json,
            Self::Sarif => Format::Sarif,
            Self::Github => Format::Github,
        }
    }
}

#[derive(Debug, Args)]
struct Check {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    shown: Shown,
}

#[derive(Debug, Args)]
struct Lint {
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    shown: Shown,
    /// Mend what can be mended without changing what is rendered, and write the files
    #[arg(long)]
    fix: bool,
    /// Report variables that nothing sets, passes or declares
    #[arg(long)]
    strict_context: bool,
}

#[derive(Debug, Args)]
struct Explain {
    #[command(flatten)]
    source: Source,
    /// Only what concerns this line
    #[arg(long, value_name = "N")]
    line: Option<u32>,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Telling::Text)]
    format: Telling,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Telling {
    /// For people
    Text,
    /// One JSON array, an object a template
    Json,
}

#[derive(Debug, Args)]
struct Formatting {
    #[command(flatten)]
    source: Source,
    /// Write nothing; name the files that would change (the default)
    #[arg(long, conflicts_with_all = ["diff", "write"])]
    check: bool,
    /// Show what would change
    #[arg(long, conflicts_with = "write")]
    diff: bool,
    /// Write the files
    #[arg(long)]
    write: bool,
}

/// Runs a tool.
pub(super) fn twig(twig: &Twig) -> Result<ExitCode, Failed> {
    let result = match &twig.tool {
        Tool::Check(check) => run_check(check),
        Tool::Lint(lint) => run_lint(lint),
        Tool::Explain(explain) => run_explain(explain),
        Tool::Format(formatting) => run_format(formatting),
    };
    Ok(match result {
        Ok(false) => ExitCode::SUCCESS,
        Ok(true) => ExitCode::from(FOUND),
        Err(trouble) => {
            output::note(format_args!("error: {trouble}"));
            ExitCode::from(USAGE)
        }
    })
}

fn environment(source: &Source) -> Environment {
    let mut environment = Environment::new();
    environment.set_autoescape(source.autoescape.clone());
    environment
}

/// The places of the paths, each with its templates.
fn sets(source: &Source) -> Result<Vec<(Place, TemplateSet)>, String> {
    let environment = environment(source);
    let places = places::places(&source.paths, source.root.as_deref())?;
    Ok(places
        .into_iter()
        .map(|mut place| {
            place.host.functions.extend(source.allow_function.iter().cloned());
            place.host.filters.extend(source.allow_filter.iter().cloned());
            place.host.tests.extend(source.allow_test.iter().cloned());
            place.host.context.extend(source.context.iter().cloned());
            let files = place.files.iter().chain(&place.unreadable).cloned();
            let set = TemplateSet::new(&environment, place.host.clone(), &place.templates, files);
            (place, set)
        })
        .collect())
}

/// The findings of a place that were asked for.
fn wanted(place: &Place, shown: &Shown, findings: Vec<Finding>) -> Vec<Finding> {
    let ignored = |finding: &Finding| {
        shown.ignore.iter().chain(&place.ignore).any(|rule| rule == finding.rule)
            || (!shown.select.is_empty() && !shown.select.iter().any(|rule| rule == finding.rule))
    };
    findings.into_iter().filter(|f| place.is_wanted(&f.template) && !ignored(f)).collect()
}

/// Prints the findings of all places as one report; true when there are any.
fn print(sets: &[(Place, TemplateSet)], shown: &Shown, tool: impl Fn(&TemplateSet) -> Vec<Finding>) -> bool {
    let mut all = Vec::new();
    let mut checked = 0;
    for (place, set) in sets {
        checked += set.names().filter(|name| place.is_wanted(name)).count();
        let unreadable = place.unreadable.iter().map(|name| tools::unreadable(name));
        let found = unreadable.chain(tool(set)).collect();
        // A report of several places names files, not templates.
        all.extend(wanted(place, shown, found).into_iter().map(|mut finding| {
            finding.template = place.path(&finding.template);
            finding
        }));
    }
    let text = tools::report(&all, shown.format.format(), checked, &str::to_owned);
    output::line(text.trim_end());
    !all.is_empty()
}

fn run_check(check: &Check) -> Result<bool, String> {
    Ok(print(&sets(&check.source)?, &check.shown, tools::check))
}

fn run_lint(lint: &Lint) -> Result<bool, String> {
    let options = LintOptions { strict_context: lint.strict_context };
    let tool = |set: &TemplateSet| tools::lint(set, &options);
    let mut found = sets(&lint.source)?;
    // Fixes that overlap are made one after the other.
    for _ in 0..ROUNDS {
        if !lint.fix || !fix(&found, &lint.shown, &tool)? {
            break;
        }
        found = sets(&lint.source)?;
    }
    Ok(print(&found, &lint.shown, tool))
}

/// Writes what can be mended; true when there was something.
fn fix(
    sets: &[(Place, TemplateSet)],
    shown: &Shown,
    tool: &impl Fn(&TemplateSet) -> Vec<Finding>,
) -> Result<bool, String> {
    let mut any = false;
    for (place, set) in sets {
        let findings = wanted(place, shown, tool(set));
        for (name, source) in &place.templates {
            let own: Vec<&Finding> =
                findings.iter().filter(|finding| finding.template == *name && finding.is_fixable()).collect();
            let text = tools::fix(source, &own);
            if text != *source {
                let path = place.path(name);
                std::fs::write(&path, text).map_err(|e| format!("{path}: cannot be written: {e}"))?;
                any = true;
            }
        }
    }
    Ok(any)
}

fn run_explain(explain: &Explain) -> Result<bool, String> {
    let mut told = Vec::new();
    let mut broken = Vec::new();
    for (place, set) in &sets(&explain.source)? {
        for name in set.names().filter(|name| place.is_wanted(name)) {
            match tools::explain(set, name) {
                Ok(explanation) => told.push(match explain.line {
                    Some(line) => explanation.at_line(line),
                    None => explanation,
                }),
                Err(findings) => broken.extend(findings.into_iter().map(|mut finding| {
                    finding.template = place.path(&finding.template);
                    finding
                })),
            }
        }
    }
    match explain.format {
        Telling::Text => {
            let texts: Vec<String> = told.iter().map(tools::Explanation::text).collect();
            output::exact(&texts.join("\n"));
        }
        Telling::Json => output::line(format_args!("{:#}", serde_json::json!(told))),
    }
    if !broken.is_empty() {
        let looked = told.len() + broken.len();
        output::note(tools::report(&broken, Format::Text, looked, &str::to_owned).trim_end());
    }
    Ok(!broken.is_empty())
}

fn run_format(formatting: &Formatting) -> Result<bool, String> {
    if formatting.source.paths == [PathBuf::from("-")] {
        return format_input(formatting);
    }
    let mut changed = 0;
    let mut broken = Vec::new();
    let sets = sets(&formatting.source)?;
    let mut looked = 0;
    for (place, set) in &sets {
        for (name, source) in place.templates.iter().filter(|(name, _)| place.is_wanted(name)) {
            looked += 1;
            let path = place.path(name);
            match tools::format(set, name, source) {
                Ok(text) if text == *source => {}
                Ok(text) => {
                    changed += 1;
                    show(formatting, &path, source, &text)?;
                }
                Err(findings) => broken.extend(findings.into_iter().map(|mut finding| {
                    finding.template.clone_from(&path);
                    finding
                })),
            }
        }
    }
    if !broken.is_empty() {
        output::note(tools::report(&broken, Format::Text, looked, &str::to_owned).trim_end());
    }
    let done = if formatting.write { "formatted" } else { "would change" };
    output::note(format_args!(
        "{looked} templates: {changed} {done}, {} as they should be",
        looked - changed
    ));
    Ok(!broken.is_empty() || (changed > 0 && !formatting.write))
}

fn show(formatting: &Formatting, path: &str, before: &str, after: &str) -> Result<(), String> {
    if formatting.write {
        return std::fs::write(path, after).map_err(|e| format!("{path}: cannot be written: {e}"));
    }
    if formatting.diff {
        let diff = TextDiff::from_lines(before, after);
        let text = diff.unified_diff().context_radius(2).header(path, path).to_string();
        output::line(text.trim_end());
    } else {
        output::line(path);
    }
    Ok(())
}

/// Standard input to standard output.
fn format_input(formatting: &Formatting) -> Result<bool, String> {
    let mut source = String::new();
    std::io::stdin().read_to_string(&mut source).map_err(|e| format!("standard input: {e}"))?;
    let host = tools::Host {
        functions: formatting.source.allow_function.iter().cloned().collect(),
        filters: formatting.source.allow_filter.iter().cloned().collect(),
        tests: formatting.source.allow_test.iter().cloned().collect(),
        context: BTreeSet::new(),
    };
    let set = TemplateSet::new(&environment(&formatting.source), host, [("", ""); 0], []);
    match tools::format(&set, "-", &source) {
        Ok(text) if formatting.check || formatting.diff => {
            let changed = text != source;
            if changed {
                show(formatting, "-", &source, &text)?;
            }
            Ok(changed)
        }
        Ok(text) => {
            output::exact(&text);
            Ok(false)
        }
        Err(findings) => {
            output::note(tools::report(&findings, Format::Text, 1, &str::to_owned).trim_end());
            Ok(true)
        }
    }
}

//! Every site against every rule: where a fleet drifts apart.

use jiff::Timestamp;

use crate::check::check;
use crate::config::SITE_TOML;
use crate::conventions::conventions;
use crate::core::Cores;
use crate::finding::{Finding, Severity};
use crate::snapshot::Snapshot;

/// What one site has against the rules.
#[derive(Debug, Clone)]
pub struct Drift {
    /// The findings of all rules, those of fleets included, by file and place.
    pub findings: Vec<Finding>,
}

/// The areas of rules, in the order of the fleet's table: the first part of the names of their rules.
pub const AREAS: &[&str] = &[
    "core",
    "config",
    "content",
    "fact",
    "page",
    "section",
    "collection",
    "link",
    "redirect",
    "seo",
    "picture",
    "file",
    "json",
    "schema",
    "edit",
    "template",
    "twig",
    "fleet",
];

/// What a fleet expects of all its sites.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// The newest version of the consent text that any site uses.
    pub consent_version: Option<String>,
}

impl Expected {
    /// Learns from all sites.
    pub fn of<'s>(sites: impl IntoIterator<Item = &'s Snapshot>) -> Self {
        let versions = sites.into_iter().filter_map(consent_version);
        Self { consent_version: versions.max_by(|a, b| natural(a).cmp(&natural(b))).map(str::to_owned) }
    }
}

fn consent_version(site: &Snapshot) -> Option<&str> {
    site.config().section("forms")?.get("consent_version")?.as_str()
}

/// Numbers of a version compared as numbers.
fn natural(version: &str) -> Vec<(u64, &str)> {
    version.split(['.', '-']).map(|part| (part.parse().unwrap_or(0), part)).collect()
}

impl Drift {
    /// Checks a site as it is served at `now`: all of [`check`], the conventions of its files, and what the fleet
    /// expects of it. Renders every page once.
    #[must_use]
    pub fn of(site: &Snapshot, cores: &Cores, expected: &Expected, now: Timestamp) -> Self {
        let mut findings = check(site, now);
        findings.extend(conventions(site.root()));
        findings.extend(fleet_rules(site, cores, expected));
        findings.sort_by(|a, b| (&a.file, a.position, a.rule).cmp(&(&b.file, b.position, b.rule)));
        findings.dedup();
        Self { findings }
    }

    /// Errors and warnings of an area.
    #[must_use]
    pub fn count(&self, area: &str) -> (usize, usize) {
        let of = |severity| {
            let ours = |finding: &&Finding| area_of(finding.rule) == area && finding.severity == severity;
            self.findings.iter().filter(ours).count()
        };
        (of(Severity::Error), of(Severity::Warning))
    }
}

/// The area of a rule.
#[must_use]
pub fn area_of(rule: &str) -> &str {
    rule.split('.').next().unwrap_or(rule)
}

fn fleet_rules(site: &Snapshot, cores: &Cores, expected: &Expected) -> Vec<Finding> {
    let mut findings = Vec::new();
    let config = site.config();
    let mut warn = |rule, reason: String, fix: &str| {
        findings.push(Finding::warning(rule, SITE_TOML, reason, fix));
    };
    if let Some(choice) = &config.core
        && let Some(newest) = cores.versions(&choice.name).pop()
        && newest != choice.version
    {
        let reason =
            format!("the core `{}` is {} here and {newest} at its newest", choice.name, choice.version);
        warn("fleet.core_version", reason, "plan a roll-out of the newest version");
    }
    let metric = config.settings.get("yandex_metric_id");
    let counted = metric.is_some_and(|id| match id {
        serde_json::Value::Number(number) => number.as_i64() != Some(0),
        serde_json::Value::String(text) => !text.is_empty() && text != "0",
        serde_json::Value::Array(all) => !all.is_empty(),
        _ => false,
    });
    if !counted {
        let reason = "visits are not counted: there is no yandex_metric_id".to_owned();
        warn("fleet.metrics", reason, "write the number of the counter under [settings]");
    }
    if let Some(newest) = expected.consent_version.as_deref()
        && consent_version(site).is_none_or(|version| natural(version) < natural(newest))
    {
        let own = consent_version(site).unwrap_or("none");
        let reason = format!("the consent text has version {own}; the newest of the fleet is {newest}");
        warn("fleet.consent", reason, "bring the text up to date, then write consent_version under [forms]");
    }
    if config.time_zone == "UTC" {
        let reason = "the time zone is UTC: opening hours and dates would be those of London".to_owned();
        warn("fleet.time_zone", reason, "write time_zone, such as \"Europe/Moscow\"");
    }
    findings
}

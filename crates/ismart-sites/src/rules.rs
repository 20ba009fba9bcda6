//! All rules of sites: what `check` and the conventions hold, why, and what a machine may mend.

use crate::finding::Severity;

/// A rule.
#[derive(Debug)]
pub struct Rule {
    /// Its name in findings.
    pub name: &'static str,
    /// What must hold.
    pub holds: &'static str,
    /// Why.
    pub why: &'static str,
    /// How much it matters.
    pub severity: Severity,
    /// Whether `ismart check --fix` mends it, at least where it is safe.
    pub mended: bool,
}

const fn error(name: &'static str, holds: &'static str, why: &'static str) -> Rule {
    Rule { name, holds, why, severity: Severity::Error, mended: false }
}

const fn warning(name: &'static str, holds: &'static str, why: &'static str) -> Rule {
    Rule { name, holds, why, severity: Severity::Warning, mended: false }
}

const fn mended(name: &'static str, holds: &'static str, why: &'static str) -> Rule {
    Rule { name, holds, why, severity: Severity::Warning, mended: true }
}

/// The rules in the order in which people read them.
pub const RULES: &[Rule] = &[
    error("json.syntax", "JSON is valid.", "A file that does not parse is a page that is gone."),
    mended("json.indent", "JSON is indented by four spaces.", "Changes then show what changed."),
    mended(
        "json.key",
        "Keys are snake_case; vocabularies of search engines keep their own.",
        "Nobody has to guess how a name is written.",
    ),
    warning(
        "fact.twice",
        "Phones and addresses of mail of global.json stand nowhere else.",
        "A number that changes must change in one place.",
    ),
    warning(
        "fact.disagrees",
        "Phones and addresses of mail of pages are among those of global.json.",
        "A visitor who dials the old number is lost. Judged before a publication.",
    ),
    warning(
        "fact.json_ld",
        "JSON-LD names the phone, the address and the hours of global.json.",
        "Search engines show what JSON-LD says. Judged before a publication.",
    ),
    warning(
        "schema.unusual",
        "Fields of a changed file are as in all others of its kind.",
        "Templates expect what they have always been given. Judged before a publication.",
    ),
    error("edit.file", "Drafts change content files only.", "Templates and configuration are the agency's."),
    error(
        "content.global",
        "The shared facts are in data/json/global.json.",
        "Templates read them on every page.",
    ),
    error("content.language", "Every configured language has its content.", "Links to it would be dead."),
    error("page.sections", "A page has a list of sections.", "Nothing else is shown."),
    warning(
        "page.form",
        "A page is an object with `sections`, not a list of components.",
        "The older form is not shown.",
    ),
    warning(
        "page.not_found",
        "There is a page for addresses that do not exist.",
        "Visitors who mistype see the site, not an error.",
    ),
    warning(
        "page.weight",
        "A page weighs up to 2.5 MB with its pictures, styles and scripts.",
        "Phones on the road give up earlier. Judged before a publication.",
    ),
    warning(
        "picture.alt",
        "Pictures have an alternative text, be it empty.",
        "Who cannot see a picture hears it. Judged before a publication.",
    ),
    error("section.name", "A section has a name.", "The name finds its template."),
    error(
        "section.template",
        "Every visible section has a template.",
        "A section without one vanishes in silence.",
    ),
    warning(
        "section.key",
        "A section has `name`, `visible`, `data` and nothing else.",
        "Nobody reads what stands beside them.",
    ),
    warning(
        "section.order",
        "`name`, `visible`, `data` stand in this order.",
        "Long sections are recognised by their first line.",
    ),
    error("section.items_from", "Lists are filled from collections that exist.", "The list stays empty."),
    error("collection.entity", "An entity is an object.", "It cannot be shown."),
    error(
        "collection.feed",
        "A collection of a feed is configured as one.",
        "Its entities have no addresses.",
    ),
    error("collection.item_key", "An entity has its content under the configured key.", "It is not shown."),
    error(
        "collection.slug_differs",
        "The slug of an entity is the name of its file.",
        "Its address is taken from the file.",
    ),
    error("collection.slug_missing", "Every listed slug has its file.", "The list links to nothing."),
    warning("collection.slug_twice", "A slug is listed once.", "The entity is shown twice."),
    warning("collection.unlisted", "Every file of an entity is listed.", "Nobody can see it."),
    error("file.missing", "Files that content names exist.", "Pictures are missing."),
    warning("file.depth", "Folders are not nested without end.", "A link that points upwards is a mistake."),
    error("file.encoding", "Names of files are UTF-8.", "They have no address otherwise."),
    error("file.name", "Names of files can be addresses.", "A file without an address is not served."),
    error("file.too_big", "Files have a size that can be served.", "Large files fill the memory."),
    error("file.unreadable", "Files can be read.", "A site is loaded whole or not at all."),
    error("link.dead", "Links lead to pages and files that exist.", "Visitors and search engines turn away."),
    warning("link.redirect", "Links lead where they say.", "Every redirect costs time and rank."),
    error("redirect.dead", "Redirects lead to pages that exist.", "The old address is lost."),
    error("redirect.loop", "Redirects end.", "Browsers give up."),
    warning("redirect.chain", "Redirects lead to the final address.", "Every hop costs time and rank."),
    warning("redirect.shadowed", "Every rule of redirects can be reached.", "What never happens misleads."),
    error("redirect.rule", "A rule of redirects has `from` and `to`.", "It does nothing otherwise."),
    error("redirect.shape", "Redirects are a list.", "None of them works otherwise."),
    warning("seo.title", "Every page has a title.", "Search engines invent one."),
    warning(
        "seo.title_twice",
        "Every page has a title of its own.",
        "Search engines take pages with one title for one page.",
    ),
    warning(
        "seo.description",
        "Every page has a description.",
        "Search engines show a scrap of text instead.",
    ),
    warning("seo.missing", "Every page has its SEO file.", "Title, description and card are missing."),
    warning(
        "seo.length",
        "Titles have up to 70 characters, descriptions 50 to 200.",
        "Longer ones are cut, shorter ones are replaced.",
    ),
    warning(
        "seo.card",
        "Pages have og:title, og:description and og:image, of their own or from a template.",
        "A link in a messenger shows nothing.",
    ),
    error("config.missing", "There is a config/site.toml.", "Without it a folder is no site."),
    error("config.syntax", "config/site.toml is valid TOML.", "Nothing of it holds otherwise."),
    error(
        "config.unknown_key",
        "Keys of config/site.toml are known.",
        "A mistyped key does nothing, in silence.",
    ),
    error("config.type", "Values of config/site.toml have the right type.", "They cannot be used."),
    error("config.value", "Values of config/site.toml are possible.", "They cannot be used."),
    error("config.page", "Pages that the configuration names exist.", "Routes and sitemap lead to nothing."),
    error("config.seo", "SEO files that the configuration names exist.", "Entities have no title."),
    error("config.template", "Templates that the configuration names exist.", "Entities cannot be shown."),
    error("core.missing", "The core that a site names is there.", "Nothing of it could be shown."),
    warning(
        "core.undeclared",
        "A template that differs from the core's is declared, with owner, reason and last day.",
        "Undeclared differences are how a fleet drifts apart.",
    ),
    warning(
        "core.expired",
        "Declared differences are not past their last day.",
        "Exceptions become the rule.",
    ),
    warning("core.same", "A site has no copy of a core's template.", "Later versions would not reach it."),
    warning("core.idle", "Every declared difference exists.", "A list that is not true is not read."),
    warning(
        "fleet.core_version",
        "Sites use the newest version of their core.",
        "Old versions keep old faults.",
    ),
    warning("fleet.metrics", "Visits are counted.", "What is not measured cannot be improved."),
    warning(
        "fleet.consent",
        "The consent text is the newest of the fleet.",
        "Laws change for all sites on the same day.",
    ),
    warning(
        "fleet.time_zone",
        "A site has the time zone of its business.",
        "Hours and dates would be wrong.",
    ),
    error("template.none", "There are templates.", "Nothing can be shown."),
    error("template.syntax", "Templates compile.", "A page with a broken template is an error."),
    error("template.render", "Every page can be rendered.", "Visitors would see an error."),
    warning(
        "twig.content",
        "Templates hold no text for people, those of `errors/` excepted.",
        "Content that editors cannot find is never changed or translated.",
    ),
    warning(
        "twig.logic",
        "Templates show and do not decide: no functions of their own, no reaching behind the data, no comparing with words.",
        "Rules in templates are found by nobody and tested by nothing.",
    ),
    warning(
        "twig.name",
        "Names of templates and their folders are kebab-case.",
        "Names that follow one pattern are found without looking.",
    ),
    mended(
        "twig.style",
        "One space inside delimiters and around operators, no tabs; `ismart twig lint` has all rules of style and safety.",
        "One form is faster to read and to search.",
    ),
];

/// The rules as a table of Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut table = String::from("| Rule | Weight | What holds | Why | `--fix` |\n|---|---|---|---|---|\n");
    for Rule { name, holds, why, severity, mended } in RULES {
        let mended = if *mended { "yes" } else { "" };
        table.push_str(&format!("| `{name}` | {severity} | {holds} | {why} | {mended} |\n"));
    }
    table
}

/// Groups of rules that whoever writes content keeps in mind.
const WRITING: &[&str] = &["json", "fact", "page", "section", "seo", "twig"];

/// What those who write content and templates keep in mind, as a list of Markdown.
#[must_use]
pub fn conventions() -> String {
    let written =
        RULES.iter().filter(|rule| rule.name.split('.').next().is_some_and(|group| WRITING.contains(&group)));
    written.map(|rule| format!("- {} `{}`\n", rule.holds, rule.name)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Names of rules in the code: `"json.syntax"`, as the first argument of a finding or beside its other words.
    fn named(folder: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                named(&path, names);
                continue;
            }
            if path.extension().is_none_or(|ending| ending != "rs") || path.ends_with("rules.rs") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let kinds: BTreeSet<&str> = RULES.iter().filter_map(|rule| rule.name.split('.').next()).collect();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for word in code.split('"').skip(1).step_by(2) {
                let Some((kind, rest)) = word.split_once('.') else { continue };
                let plain = !rest.is_empty() && rest.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                if kinds.contains(kind)
                    && plain
                    && !["json", "toml", "twig", "html", "txt", "xml"].contains(&rest)
                {
                    names.insert(word.to_owned());
                }
            }
        }
    }

    #[test]
    fn the_table_has_every_rule_of_the_code_and_no_other() {
        let mut names = BTreeSet::new();
        named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
        let told: BTreeSet<String> = RULES.iter().map(|rule| rule.name.to_owned()).collect();
        assert_eq!(told.len(), RULES.len(), "a rule stands twice");
        assert_eq!(names, told);
    }
}

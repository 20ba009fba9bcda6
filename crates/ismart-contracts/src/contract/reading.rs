//! Markdown: sections as headings or bold labels, entries as list items, promises as list or table.

use super::{
    Claim, Contract, ContractLinks, Form, LinkLine, Named, PROPOSED, Promise, Section, section, signature,
};

/// Words after which a promise names its tests.
const PROOFS: &[&str] =
    &["Proved by", "proved by", "Доказано", "Проверяет", "Tests:", "Test:", "Тесты:", "Тест:"];

/// Labels of the parts of LINKS.
const DEPENDS: &[&str] = &["depends on", "depends", "зависит от", "зависимости", "dependencies"];
const USERS: &[&str] = &["used by", "используется в", "используется", "кем используется", "users"];
const OUTSIDE: &[&str] = &["outside", "снаружи", "внешние"];

/// The pieces of a line in code font.
pub fn in_code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

pub(super) fn read(path: &str, text: &str) -> Contract {
    let (title, sections) = sections(text);
    finished(path, 1, Form::Markdown, title, sections)
}

/// A contract of its sections.
pub(super) fn finished(
    path: &str,
    line: usize,
    form: Form,
    title: String,
    sections: Vec<Section>,
) -> Contract {
    let of = |name: &'static str| {
        let lines = sections.iter().filter(move |section| section.name == name);
        lines.flat_map(|section| &section.text).map(|(line, text)| (*line, text.as_str()))
    };
    let code = of("CODE")
        .flat_map(|(line, text)| in_code(text).map(move |name| Named { line, name: name.to_owned() }))
        .collect();
    let api = claims(of("API"), form);
    let links = links(of("LINKS"), form);
    let promises = promises(of("PROMISES"));
    let proposed = of("PURPOSE").any(|(_, text)| text.contains(PROPOSED));
    let purpose_line = of("PURPOSE").next().map_or(line, |(line, _)| line);
    Contract {
        path: path.to_owned(),
        line,
        form,
        title,
        code,
        covers: Vec::new(),
        api,
        links,
        promises,
        map: Vec::new(),
        proposed,
        purpose_line,
        sections,
    }
}

/// The title and the sections.
fn sections(text: &str) -> (String, Vec<Section>) {
    let mut title = String::new();
    let mut sections: Vec<Section> = Vec::new();
    let mut open: Option<usize> = None;
    let mut fenced = false;
    for (at, line) in text.lines().enumerate() {
        fenced ^= line.trim_start().starts_with("```");
        let level = if fenced { 0 } else { line.chars().take_while(|c| *c == '#').count() };
        if title.is_empty() && level == 1 {
            line.trim_start_matches('#').trim().clone_into(&mut title);
        }
        match begun(line).filter(|_| !fenced) {
            Some((name, rest)) => {
                sections.push(Section { name, text: vec![(at + 1, rest.to_owned())] });
                open = Some(level);
            }
            // A heading of the same or a higher level ends a section; a bold label ends at any heading.
            None if level > 0 && open.is_some_and(|above| above == 0 || level <= above) => open = None,
            None => {
                if let Some(section) = sections.last_mut().filter(|_| open.is_some()) {
                    section.text.push((at + 1, line.to_owned()));
                }
            }
        }
    }
    (title, sections)
}

/// The section that begins with this line, and what stands beside its name.
fn begun(line: &str) -> Option<(&'static str, &str)> {
    if line.starts_with('#') {
        let heading = line.trim_start_matches('#').trim();
        let end = heading.find(|c: char| !c.is_alphabetic()).unwrap_or(heading.len());
        let (word, rest) = heading.split_at_checked(end)?;
        return section(word).map(|name| (name, rest));
    }
    let bold = line.trim_start_matches(['-', '*', ' ']);
    // The label stands at the margin: inner labels belong to the section.
    let margin = line.len() - line.trim_start().len();
    let marked =
        line.trim_start().trim_start_matches(['-', ' ']).trim_start_matches("*   ").trim_start_matches("* ");
    if margin > 0 || !marked.starts_with("**") {
        return None;
    }
    let (word, rest) = bold.split_once("**")?;
    section(word).map(|name| (name, rest.trim_start_matches(':').trim_start()))
}

/// The item of a list that a line begins, without its sign.
fn item(line: &str) -> Option<&str> {
    let line = line.trim_start();
    line.strip_prefix("- ")
        .or_else(|| line.strip_prefix("* "))
        .or_else(|| line.strip_prefix("*   "))
        .map(str::trim)
}

fn claims<'t>(lines: impl Iterator<Item = (usize, &'t str)>, form: Form) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (line, text) in lines {
        let Some(item) = item(text) else { continue };
        if !item.starts_with('`') {
            if form == Form::Xml
                && let Some((signature, rest)) = signature::leading(item)
            {
                claims.push(Claim { line, signature: signature.to_owned(), says: said(rest) });
            }
            continue;
        }
        // Several signatures may stand before the words: `a`, `b`: says.
        let mut rest = item;
        let from = claims.len();
        while let Some((signature, after)) = rest.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
            claims.push(Claim { line, signature: signature.trim().to_owned(), says: String::new() });
            rest = after.trim_start_matches([',', ';', ' ', '/']);
            if after.trim_start().starts_with(':') || after.trim_start().starts_with('→') {
                rest = after;
                break;
            }
        }
        for claim in claims.iter_mut().skip(from) {
            claim.says = said(rest);
        }
    }
    claims
}

fn said(text: &str) -> String {
    text.trim_start_matches([':', '-', '—', '–', ' ', '→']).trim().to_owned()
}

fn links<'t>(lines: impl Iterator<Item = (usize, &'t str)>, form: Form) -> ContractLinks {
    let mut links = ContractLinks::default();
    let mut part: Option<Part> = None;
    for (line, text) in lines {
        let bare = text.trim_start().trim_start_matches(['-', '*', ' ']);
        if let Some(found) = Part::of(bare) {
            part = Some(found);
        } else if item(text).is_some() && !text.starts_with(' ') && !bare.starts_with('`') {
            part = None;
        }
        let names: Vec<&str> =
            if form == Form::Xml { words(text).collect() } else { in_code(text).collect() };
        let crates = names.iter().filter(|name| is_crate(name)).map(|name| (*name).to_owned());
        let beside: Vec<String> = crates.collect();
        for name in &names {
            links.all.push(LinkLine { line, name: (*name).to_owned(), beside: beside.clone() });
        }
        let list = match part {
            Some(Part::Depends) => links.depends.get_or_insert_with(Vec::new),
            Some(Part::Users) => links.users.get_or_insert_with(Vec::new),
            Some(Part::Outside) => links.outside.get_or_insert_with(Vec::new),
            None if form == Form::Xml => links.depends.get_or_insert_with(Vec::new),
            None => continue,
        };
        list.extend(names.into_iter().map(|name| Named { line, name: name.to_owned() }));
    }
    links
}

#[derive(Debug, Clone, Copy)]
enum Part {
    Depends,
    Users,
    Outside,
}

impl Part {
    /// The part that begins with a label: `depends on:`, `**Зависит от:**`.
    fn of(bare: &str) -> Option<Self> {
        let (label, _) = bare.split_once(':')?;
        let label = label.trim_matches('*').trim().to_lowercase();
        let is = |words: &[&str]| words.contains(&label.as_str());
        match () {
            () if is(DEPENDS) => Some(Self::Depends),
            () if is(USERS) => Some(Self::Users),
            () if is(OUTSIDE) => Some(Self::Outside),
            () => None,
        }
    }
}

/// Words that look like paths, for forms without code font.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([' ', ',', ';', '[', ']', '(', ')', '`', '"'])
        .map(|word| word.trim_end_matches('.'))
        .filter(|word| looks_like_path(word))
}

/// Endings of files that a contract may point to.
const ENDINGS: &[&str] = &[
    ".php", ".rs", ".md", ".toml", ".sql", ".twig", ".js", ".mjs", ".ts", ".css", ".html", ".json", ".xml",
    ".yml", ".yaml",
];

pub(crate) fn looks_like_path(name: &str) -> bool {
    let plain = name.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c));
    let place = ENDINGS.iter().any(|end| name.ends_with(end)) || (name.contains('/') && name.ends_with('/'));
    plain && place && !name.starts_with('/')
}

/// Whether a name is written like a crate of several words.
pub(crate) fn is_crate(name: &str) -> bool {
    name.contains('-')
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
}

fn promises<'t>(lines: impl Iterator<Item = (usize, &'t str)>) -> Vec<Promise> {
    let mut promises: Vec<Promise> = Vec::new();
    let mut proved = false;
    for (line, text) in lines {
        let mut said = text;
        if let Some((number, rest)) = number(text) {
            promises.push(Promise { number, line, text: String::new(), tests: Vec::new() });
            proved = false;
            said = rest;
        }
        let Some(promise) = promises.last_mut() else { continue };
        let (words, proof) = if text.trim().starts_with('|') {
            let row = said.trim().trim_end_matches('|');
            row.rsplit_once('|').map_or((row, None), |(words, proof)| (words, Some(proof)))
        } else if let Some(at) = PROOFS.iter().find_map(|words| said.find(words)) {
            proved = true;
            said.split_at_checked(at).map_or((said, None), |(words, proof)| (words, Some(proof)))
        } else if proved {
            ("", Some(said))
        } else {
            (said, None)
        };
        let words =
            words.trim().trim_start_matches(['*', ':', '.', '|', ')', ' ']).trim_end_matches(['|', ' ']);
        if !words.is_empty() {
            if !promise.text.is_empty() {
                promise.text.push(' ');
            }
            promise.text.push_str(words);
        }
        let names = proof.into_iter().flat_map(in_code).map(|name| name.trim_end_matches("()"));
        let tests = names.filter(|name| is_test(name));
        promise.tests.extend(tests.map(str::to_owned));
    }
    promises
}

/// `P7` at the beginning of a list item or table row, and what follows.
fn number(line: &str) -> Option<(usize, &str)> {
    let rest = line.trim_start_matches([' ', '-', '*', '|', '#']).strip_prefix('P')?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let (digits, after) = rest.split_at_checked(end)?;
    let ends = after.starts_with([' ', ':', '*', '.', '|', ')']);
    ends.then(|| Some((digits.parse().ok()?, after)))?
}

/// Whether a name can be that of a test: a path of names, or the sentence of a Pest test.
fn is_test(name: &str) -> bool {
    !name.is_empty() && !name.contains(['/', '$', '(', '\\']) && !name.starts_with('.')
}

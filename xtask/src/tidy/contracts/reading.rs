//! The forms in which contracts are written: sections as headings or bold words, promises as list or table.

use super::SECTIONS;

/// Words after which a promise names its tests.
const PROOFS: &[&str] = &["Proved by", "proved by", "Tests:", "Test:"];

/// A contract.
#[derive(Debug)]
pub(crate) struct Contract<'t> {
    /// Its sections in order.
    pub(crate) sections: Vec<Section<'t>>,
}

/// A section.
#[derive(Debug)]
pub(crate) struct Section<'t> {
    /// One of [`SECTIONS`].
    pub(crate) name: &'static str,
    /// Line number and text.
    pub(crate) text: Vec<(usize, &'t str)>,
}

/// A promise.
#[derive(Debug)]
pub(super) struct Promise {
    pub(super) number: usize,
    pub(super) line: usize,
    /// Names of tests, as written.
    pub(super) tests: Vec<String>,
}

/// Splits a contract into its sections.
pub(super) fn read(text: &str) -> Contract<'_> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut open = false;
    for (at, line) in text.lines().enumerate() {
        if let Some((name, rest)) = section(line) {
            sections.push(Section { name, text: vec![(at + 1, rest)] });
            open = true;
        } else if line.starts_with('#') {
            open = false;
        } else if let Some(section) = sections.last_mut().filter(|_| open) {
            section.text.push((at + 1, line));
        }
    }
    Contract { sections }
}

/// The section that begins with this line, and what stands beside its name.
fn section(line: &str) -> Option<(&'static str, &str)> {
    let known = |word: &str| SECTIONS.iter().find(|name| name.eq_ignore_ascii_case(word)).copied();
    if let Some(title) = line.strip_prefix('#') {
        let title = title.trim_start_matches('#').trim();
        let end = title.find(|c: char| !c.is_alphabetic()).unwrap_or(title.len());
        let (word, rest) = title.split_at_checked(end)?;
        return known(word).map(|name| (name, rest));
    }
    let bold = line.trim_start_matches("- ").trim_start_matches("* ").strip_prefix("**")?;
    let (word, rest) = bold.split_once("**")?;
    known(word.trim_end_matches(':')).map(|name| (name, rest.trim_start_matches(':')))
}

impl Contract<'_> {
    /// The promises in order.
    pub(super) fn promises(&self) -> Vec<Promise> {
        let mut promises: Vec<Promise> = Vec::new();
        let lines = self.sections.iter().filter(|section| section.name == "PROMISES").flat_map(|s| &s.text);
        let mut proved = false;
        for (line, text) in lines {
            if let Some(number) = number(text) {
                promises.push(Promise { number, line: *line, tests: Vec::new() });
                proved = false;
            }
            let Some(promise) = promises.last_mut() else { continue };
            let proof = if let Some(cells) = text.trim().strip_prefix('|') {
                cells.trim_end_matches('|').rsplit('|').next()
            } else if let Some(at) = PROOFS.iter().find_map(|words| text.find(words)) {
                proved = true;
                text.get(at..)
            } else {
                Some(*text).filter(|_| proved)
            };
            promise
                .tests
                .extend(proof.into_iter().flat_map(in_code).filter(|name| is_path(name)).map(str::to_owned));
        }
        promises
    }
}

/// `P7` at the beginning of a list item or table row.
fn number(line: &str) -> Option<usize> {
    let rest = line.trim_start_matches([' ', '-', '*', '|', '#']).strip_prefix('P')?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    let (digits, after) = rest.split_at_checked(end)?;
    (after.starts_with([' ', ':', '*', '.', '|', ')'])).then(|| digits.parse().ok())?
}

/// The pieces of a line in code font.
pub(super) fn in_code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

fn is_path(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == ':')
}

//! Which neighbours inside a tag stand apart and which together.

use super::{Atom, AtomKind};
use crate::tools::rules::{self, Rule};
use crate::tools::source::Tag;

/// Whether a space belongs between two atoms, and what to say when it is not so.
pub(super) struct Glue {
    pub(super) space: bool,
    pub(super) rule: &'static Rule,
    pub(super) needs: &'static str,
    pub(super) forbids: &'static str,
}

impl Glue {
    fn delimiter() -> Self {
        Self {
            space: true,
            rule: &rules::DELIMITER_SPACING,
            needs: "Not exactly one space inside the delimiters.",
            forbids: "",
        }
    }

    fn operator(space: bool) -> Self {
        Self {
            space,
            rule: &rules::OPERATOR_SPACING,
            needs: "Not exactly one space beside an operator or word.",
            forbids: "A space beside an operator that stands without.",
        }
    }

    fn punctuation(space: bool) -> Self {
        Self {
            space,
            rule: &rules::PUNCTUATION_SPACING,
            needs: "Not exactly one space after a comma or colon.",
            forbids: "A space before a comma or colon.",
        }
    }

    fn bracket() -> Self {
        Self {
            space: false,
            rule: &rules::BRACKET_SPACING,
            needs: "",
            forbids: "A space inside brackets or before those of a call.",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bracket {
    /// Of a call: its `=` gives a name to an argument.
    Call,
    /// The parameters of a macro.
    Params,
    Group,
    Array,
    Subscript,
    Mapping,
}

/// What is open where the next atom stands.
pub(super) struct Shape<'t> {
    tag: &'t Tag,
    open: Vec<Bracket>,
    /// Ternaries without their colon, for each bracket and outside of all.
    ternaries: Vec<u32>,
    count: usize,
    /// Whether the last atom is a sign of a number or a spread.
    unary: bool,
    /// Whether the last atom is a word of the tag's own grammar.
    keyword: bool,
    /// Whether the last atom is the colon of a ternary.
    ternary_colon: bool,
}

impl<'t> Shape<'t> {
    pub(super) fn new(tag: &'t Tag) -> Self {
        Self {
            tag,
            open: Vec::new(),
            ternaries: vec![0],
            count: 0,
            unary: false,
            keyword: false,
            ternary_colon: false,
        }
    }

    /// Whether a value ends with an atom, so that an operator can follow.
    fn ends_value(&self, atom: &Atom<'_>) -> bool {
        match atom.kind {
            AtomKind::Name => !self.keyword,
            AtomKind::Literal => true,
            _ => atom.closes(),
        }
    }

    /// Whether a name belongs to the grammar of the tag.
    fn is_keyword(&self, previous: Option<&Atom<'_>>, atom: &Atom<'_>) -> bool {
        if atom.kind != AtomKind::Name || !self.open.is_empty() || self.tag.is_print() {
            return false;
        }
        if self.count == 0 {
            return true;
        }
        let words: &[&str] = match self.tag.word.as_str() {
            "include" | "embed" => &["with", "only", "ignore", "missing"],
            "with" => &["only"],
            "import" => &["as"],
            "from" => &["import", "as"],
            "use" => &["with", "as"],
            _ => &[],
        };
        let after_value = previous.is_some_and(|p| self.ends_value(p) || self.keyword);
        after_value && words.contains(&atom.text)
    }

    fn is_call(&self, previous: Option<&Atom<'_>>) -> bool {
        previous.is_some_and(|p| p.kind == AtomKind::Name && !self.keyword)
    }

    /// How two neighbours stand; `None` is a delimiter.
    pub(super) fn glue(&self, previous: Option<&Atom<'_>>, next: Option<&Atom<'_>>) -> Glue {
        let (Some(a), Some(b)) = (previous, next) else { return Glue::delimiter() };
        if a.opens() || b.closes() {
            return Glue::bracket();
        }
        let tight = |atom: &Atom<'_>| ["|", ".", "?.", ".."].iter().any(|sign| atom.is(sign));
        let colon = b.is(":");
        if b.is(",") {
            return Glue::punctuation(false);
        }
        if colon {
            let ternary = self.ternaries.last().is_some_and(|open| *open > 0);
            return if ternary { Glue::operator(true) } else { Glue::punctuation(false) };
        }
        if a.is(":") {
            let slice = self.open.last() == Some(&Bracket::Subscript) && !self.ternary_colon;
            return if self.ternary_colon { Glue::operator(true) } else { Glue::punctuation(!slice) };
        }
        if a.is(",") {
            return Glue::punctuation(true);
        }
        if tight(a) || tight(b) {
            return Glue::operator(false);
        }
        if b.is("(") && (self.is_call(previous) || a.closes()) {
            return Glue::bracket();
        }
        if b.is("[") && self.ends_value(a) {
            return Glue::bracket();
        }
        if self.unary {
            return Glue::operator(false);
        }
        if a.is("=") || b.is("=") {
            return Glue::operator(!self.names_argument());
        }
        Glue::operator(true)
    }

    /// Whether `=` here gives a name to an argument.
    fn names_argument(&self) -> bool {
        match self.open.last() {
            Some(bracket) => *bracket == Bracket::Call,
            None => self.tag.word == "deprecated",
        }
    }

    /// Goes past an atom.
    pub(super) fn pass(&mut self, previous: Option<&Atom<'_>>, atom: &Atom<'_>) {
        let keyword = self.is_keyword(previous, atom);
        let after_value = previous.is_some_and(|p| self.ends_value(p));
        let signs = atom.is("-") || atom.is("+");
        let unary = atom.is("...") || (signs && !after_value);
        let mut ternary_colon = false;
        if atom.opens() {
            let bracket = match atom.text {
                "(" if self.is_call(previous) && self.tag.word == "macro" && self.open.is_empty() => {
                    Bracket::Params
                }
                "(" if self.is_call(previous) => Bracket::Call,
                "(" => Bracket::Group,
                "[" if after_value => Bracket::Subscript,
                "[" => Bracket::Array,
                _ => Bracket::Mapping,
            };
            self.open.push(bracket);
            self.ternaries.push(0);
        } else if atom.closes() {
            self.open.pop();
            if self.ternaries.len() > 1 {
                self.ternaries.pop();
            }
        } else if let Some(open) = self.ternaries.last_mut() {
            if atom.is("?") {
                *open += 1;
            } else if atom.is(",") {
                // A ternary without its second branch ends here.
                *open = 0;
            } else if atom.is(":") && *open > 0 {
                *open -= 1;
                ternary_colon = true;
            }
        }
        self.keyword = keyword;
        self.unary = unary;
        self.ternary_colon = ternary_colon;
        self.count += 1;
    }
}

//! Extractors: what a message names, with the place where it stands.
//!
//! Each extractor reads tokens that no earlier one has taken, so that the digits of a phone are never a price.

mod amount;
mod contact;
mod number;
mod terms;
mod time;

pub use amount::{Amount, QuantityRule};
pub use contact::{NAMES, looks_like_name};
pub use number::{Numeral, numeral};
pub use terms::{TermIndex, TermRule};
pub use time::{DayPart, When};

use ismart_domain::{Email, PersonName, Phone};
use jiff::Zoned;

use crate::text::Token;

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// A phone number.
    Phone(Phone),
    /// An e-mail address.
    Email(Email),
    /// A person's name, said with a cue (`меня зовут …`) or beside a phone.
    Name(PersonName),
    /// A sum of money in whole units of the site's currency.
    Money(Amount),
    /// A moment or period.
    When(When),
    /// A vehicle identification number, upper case.
    Vin(String),
    /// A calendar year.
    Year(Amount),
    /// A number with a unit of the package.
    Quantity(String, Amount),
    /// A word of the package's or the stock's vocabulary.
    Term {
        /// Group: `color`.
        group: String,
        /// Canonical value.
        value: String,
        /// The visitor does not want it.
        negated: bool,
        /// Values of other groups that follow from it: a model implies its brand.
        implies: Vec<(String, String)>,
    },
    /// A plain number that fits nothing else.
    Number(i64),
}

/// A finding with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Entity {
    /// What.
    pub found: Found,
    /// First token.
    pub from: usize,
    /// Token after the last one.
    pub to: usize,
    /// Words directly before it, for slots that are told apart by a cue.
    pub cue: String,
}

impl Entity {
    /// The class under which the intent model sees it.
    #[must_use]
    pub fn class(&self) -> String {
        match &self.found {
            Found::Phone(_) => "#phone".to_owned(),
            Found::Email(_) => "#email".to_owned(),
            Found::Name(_) => "#name".to_owned(),
            Found::Money(_) => "#money".to_owned(),
            Found::When(_) => "#when".to_owned(),
            Found::Vin(_) => "#vin".to_owned(),
            Found::Year(_) => "#year".to_owned(),
            Found::Quantity(name, _) | Found::Term { group: name, .. } => format!("#{name}"),
            Found::Number(_) => "#number".to_owned(),
        }
    }
}

/// What the extractors need besides the message.
pub struct Lexicon<'a> {
    /// Aliases.
    pub terms: &'a TermIndex,
    /// Units.
    pub quantities: &'a [QuantityRule],
    /// The present moment in the site's zone.
    pub now: &'a Zoned,
    /// Is the word an ordinary one, that must not be taken for a misspelt alias?
    pub ordinary: &'a dyn Fn(&Token) -> bool,
}

/// Everything that `text` names, in order of place.
#[must_use]
pub fn extract(text: &str, tokens: &[Token], lexicon: &Lexicon<'_>) -> Vec<Entity> {
    let mut taken = vec![false; tokens.len()];
    let mut out = Vec::new();
    let mut add = |found: Vec<(usize, usize, Found)>, taken: &mut Vec<bool>| {
        for (from, to, found) in found {
            let free = taken.get(from..to).is_some_and(|range| range.iter().all(|t| !t));
            if !free || from >= to {
                continue;
            }
            taken.iter_mut().take(to).skip(from).for_each(|t| *t = true);
            out.push(Entity { found, from, to, cue: cue(tokens, from) });
        }
    };
    add(contact::emails(text, tokens), &mut taken);
    add(contact::vins(text, tokens), &mut taken);
    add(contact::phones(text, tokens), &mut taken);
    add(terms::with_digits(tokens, lexicon, &taken), &mut taken);
    add(amount::amounts(tokens, lexicon, &taken), &mut taken);
    add(time::times(tokens, lexicon.now, &taken), &mut taken);
    add(amount::years(tokens, lexicon.now, &taken), &mut taken);
    add(contact::names(text, tokens, &taken), &mut taken);
    add(terms::words(tokens, lexicon, &taken), &mut taken);
    add(amount::plain(tokens, &taken), &mut taken);
    out.sort_by_key(|entity| entity.from);
    out
}

fn cue(tokens: &[Token], from: usize) -> String {
    let start = from.saturating_sub(4);
    let words: Vec<&str> =
        tokens.iter().take(from).skip(start).filter(|t| t.is_word()).map(|t| t.stem.as_str()).collect();
    words.join(" ")
}

//! What goes into which field, as settings write it: `294471=subject; VIN=subject_key; price=form:Бюджет`.

use ismart_domain::lead::Lead;

/// Where a value goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The lead's price, whole units of the account's currency.
    Price,
    /// A custom field by number.
    Id(u64),
    /// A custom field by code.
    Code(String),
}

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Intent,
    Subject,
    SubjectKey,
    Page,
    Referrer,
    Number,
    Comment,
    Name,
    Phone,
    Email,
    /// A field of the form.
    Form(String),
    /// A choice of a select field, always the same.
    Choice(u64),
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) target: Target,
    pub(super) source: Source,
}

const WORDS: [(&str, Source); 10] = [
    ("intent", Source::Intent),
    ("subject", Source::Subject),
    ("subject_key", Source::SubjectKey),
    ("page", Source::Page),
    ("referrer", Source::Referrer),
    ("number", Source::Number),
    ("comment", Source::Comment),
    ("name", Source::Name),
    ("phone", Source::Phone),
    ("email", Source::Email),
];

/// Reads the rules.
///
/// # Errors
/// Which rule cannot be read, and why.
pub(super) fn read(text: &str) -> Result<Vec<Mapping>, String> {
    let mut all: Vec<Mapping> = Vec::new();
    for rule in text.split([';', '\n']).map(str::trim).filter(|rule| !rule.is_empty()) {
        let (target, source) =
            rule.split_once('=').ok_or_else(|| format!("`{rule}` has no `=`; write FIELD=WHAT"))?;
        let target = match target.trim() {
            "" => return Err(format!("`{rule}` names no field")),
            "price" => Target::Price,
            name => name.parse().map_or_else(|_| Target::Code(name.to_owned()), Target::Id),
        };
        let source = what(source.trim()).ok_or_else(|| {
            let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            format!("`{rule}`: known are {}, form:NAME and #NUMBER", words.join(", "))
        })?;
        if target == Target::Price && matches!(source, Source::Choice(_)) {
            return Err(format!("`{rule}`: the price is no list of choices"));
        }
        if all.iter().any(|known| known.target == target) {
            return Err(format!("`{rule}`: the field is filled by an earlier rule"));
        }
        all.push(Mapping { target, source });
    }
    Ok(all)
}

fn what(text: &str) -> Option<Source> {
    if let Some(name) = text.strip_prefix("form:") {
        return (!name.trim().is_empty()).then(|| Source::Form(name.trim().to_owned()));
    }
    if let Some(number) = text.strip_prefix('#') {
        return number.parse().ok().map(Source::Choice);
    }
    WORDS.iter().find(|(word, _)| *word == text).map(|(_, source)| source.clone())
}

impl Source {
    /// The text that this lead gives; `None` for nothing, and for choices.
    pub(super) fn text(&self, lead: &Lead) -> Option<String> {
        let draft = &lead.draft;
        let text = match self {
            Self::Intent => draft.intent.title_ru().to_owned(),
            Self::Subject => draft.subject.as_ref()?.title.clone(),
            Self::SubjectKey => draft.subject.as_ref()?.key.clone(),
            Self::Page => draft.source.page_url.clone(),
            Self::Referrer => draft.source.referrer.clone()?,
            Self::Number => lead.number.to_string(),
            Self::Comment => draft.comment.clone(),
            Self::Name => draft.name.as_ref()?.as_str().to_owned(),
            Self::Phone => draft.phone.as_ref()?.e164().to_owned(),
            Self::Email => draft.email.as_ref()?.as_str().to_owned(),
            Self::Form(name) => draft.fields.get(name)?.clone(),
            Self::Choice(_) => return None,
        };
        (!text.trim().is_empty()).then_some(text)
    }
}

/// A price in whole units, half of one rounded up: `1 500 000,50 ₽` → 1500001. `None` when the text is no amount.
pub(super) fn price(text: &str) -> Option<u64> {
    let written: String = text.chars().filter(|c| c.is_ascii_digit() || matches!(c, ',' | '.')).collect();
    let written = written.trim_matches(['.', ',']);
    let split = written.rfind(['.', ',']).filter(|at| (1..=2).contains(&(written.len() - at - 1)));
    let (whole, part) = match split {
        Some(at) => written.split_at(at),
        None => (written, ""),
    };
    let digits: String = whole.chars().filter(char::is_ascii_digit).collect();
    let half = part.chars().nth(1).and_then(|tenth| tenth.to_digit(10)).is_some_and(|tenth| tenth >= 5);
    let units: u64 = digits.parse().ok()?;
    units.checked_add(u64::from(half)).filter(|units| i64::try_from(*units).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_wrong_ones_named() {
        let all = read("294471=subject; VIN = subject_key ;294480=#552211\nprice=form:Бюджет").unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!(all[0], Mapping { target: Target::Id(294_471), source: Source::Subject });
        assert_eq!(all[1].target, Target::Code("VIN".into()));
        assert_eq!(all[2].source, Source::Choice(552_211));
        assert_eq!(all[3], Mapping { target: Target::Price, source: Source::Form("Бюджет".into()) });
        for (text, word) in [
            ("subject", "no `=`"),
            ("=subject", "names no field"),
            ("1=phantom", "known are intent"),
            ("1=#x", "known are"),
            ("1=form:", "known are"),
            ("price=#5", "no list of choices"),
            ("1=subject;1=page", "earlier rule"),
        ] {
            let reason = read(text).unwrap_err();
            assert!(reason.contains(word), "{text}: {reason}");
        }
    }

    #[test]
    fn prices_are_whole_and_rounded_half_up() {
        for (text, expected) in [
            ("1 500 000 ₽", Some(1_500_000)),
            ("1500000.49", Some(1_500_000)),
            ("1500000,50 руб.", Some(1_500_001)),
            ("1.500.000", Some(1_500_000)),
            ("2,5", Some(3)),
            ("дорого", None),
            ("", None),
            ("99999999999999999999999", None),
        ] {
            assert_eq!(price(text), expected, "{text}");
        }
    }
}

//! What goes into which field of a destination, as settings write it: `UF_CRM_1=subject; VIN=subject_key; CITY=form:Город`.
//!
//! The left side is the destination's own; the right side is the same everywhere.

use ismart_domain::lead::Lead;

/// What is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
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
    Key,
    Date,
    Amount,
    Utm(Mark),
    /// A field of the form.
    Form(String),
    /// Always the same text.
    Text(String),
    /// A choice of a list, always the same.
    Choice(u64),
}

/// A mark of advertising.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Source,
    Medium,
    Campaign,
    Content,
    Term,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The left side.
    pub(crate) target: String,
    pub(crate) source: Source,
}

const WORDS: [(&str, Source); 18] = [
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
    ("key", Source::Key),
    ("date", Source::Date),
    ("amount", Source::Amount),
    ("utm_source", Source::Utm(Mark::Source)),
    ("utm_medium", Source::Utm(Mark::Medium)),
    ("utm_campaign", Source::Utm(Mark::Campaign)),
    ("utm_content", Source::Utm(Mark::Content)),
    ("utm_term", Source::Utm(Mark::Term)),
];

/// Reads the rules.
///
/// # Errors
/// Which rule cannot be read, and why.
pub(crate) fn rules(text: &str) -> Result<Vec<Rule>, String> {
    let mut all: Vec<Rule> = Vec::new();
    for rule in text.split([';', '\n']).map(str::trim).filter(|rule| !rule.is_empty()) {
        let (target, source) =
            rule.split_once('=').ok_or_else(|| format!("`{rule}` has no `=`; write FIELD=WHAT"))?;
        let target = target.trim();
        if target.is_empty() {
            return Err(format!("`{rule}` names no field"));
        }
        let source = what(source.trim()).ok_or_else(|| {
            let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            format!("`{rule}`: known are {}, form:NAME, text:WORDS and #NUMBER", words.join(", "))
        })?;
        if all.iter().any(|known| known.target == target) {
            return Err(format!("`{rule}`: the field is filled by an earlier rule"));
        }
        all.push(Rule { target: target.to_owned(), source });
    }
    Ok(all)
}

fn what(text: &str) -> Option<Source> {
    let named = |prefix: &str| {
        text.strip_prefix(prefix).map(str::trim).map(|rest| (!rest.is_empty()).then(|| rest.to_owned()))
    };
    if let Some(name) = named("form:") {
        return name.map(Source::Form);
    }
    if let Some(words) = named("text:") {
        return words.map(Source::Text);
    }
    if let Some(number) = text.strip_prefix('#') {
        return number.trim().parse().ok().map(Source::Choice);
    }
    WORDS.iter().find(|(word, _)| *word == text).map(|(_, source)| source.clone())
}

impl Source {
    /// The text that this lead gives; `None` for nothing, and for choices.
    pub(crate) fn text(&self, lead: &Lead) -> Option<String> {
        let draft = &lead.draft;
        let utm = &draft.source.utm;
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
            Self::Key => lead.origin_id(),
            Self::Date => lead.accepted_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            Self::Amount => draft.amount?.decimal(),
            Self::Utm(Mark::Source) => utm.source.clone()?,
            Self::Utm(Mark::Medium) => utm.medium.clone()?,
            Self::Utm(Mark::Campaign) => utm.campaign.clone()?,
            Self::Utm(Mark::Content) => utm.content.clone()?,
            Self::Utm(Mark::Term) => utm.term.clone()?,
            Self::Form(name) => draft.fields.get(name)?.clone(),
            Self::Text(words) => words.clone(),
            Self::Choice(_) => return None,
        };
        (!text.trim().is_empty()).then_some(text)
    }

    /// Whether what it gives is always a number.
    pub(crate) fn is_number(&self) -> bool {
        match self {
            Self::Number | Self::Amount => true,
            Self::Text(words) => words.parse::<f64>().is_ok(),
            _ => false,
        }
    }

    /// Whether what it gives can be a number: forms send anything.
    pub(crate) fn may_be_number(&self) -> bool {
        self.is_number() || matches!(self, Self::Form(_))
    }

    /// Whether what it gives is a moment.
    pub(crate) fn may_be_date(&self) -> bool {
        matches!(self, Self::Date | Self::Form(_))
    }
}

/// A number written by people: `1 500 000,50` → `1500000.50`. `None` when the text is none.
pub(crate) fn decimal(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && *c != '\u{a0}').collect();
    let number = digits.replace(',', ".");
    number.parse::<f64>().ok().filter(|number| number.is_finite()).map(|_| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_wrong_ones_named() {
        let all = rules("294471=subject; VIN = subject_key ;294480=#552211\nprice=form:Бюджет;X=text:сайт")
            .unwrap();
        assert_eq!(all.len(), 5);
        assert_eq!(all[0], Rule { target: "294471".into(), source: Source::Subject });
        assert_eq!(all[2].source, Source::Choice(552_211));
        assert_eq!(all[3].source, Source::Form("Бюджет".into()));
        assert_eq!(all[4].source, Source::Text("сайт".into()));
        for (text, word) in [
            ("subject", "no `=`"),
            ("=subject", "names no field"),
            ("1=phantom", "known are intent"),
            ("1=#x", "known are"),
            ("1=form:", "known are"),
            ("1=text: ", "known are"),
            ("1=subject;1=page", "earlier rule"),
        ] {
            let reason = rules(text).unwrap_err();
            assert!(reason.contains(word), "{text}: {reason}");
        }
        assert_eq!(rules(" ; \n"), Ok(Vec::new()));
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, expected) in
            [("1 500 000,50", Some("1500000.50")), ("7", Some("7")), ("дорого", None), ("inf", None)]
        {
            assert_eq!(decimal(text).as_deref(), expected, "{text}");
        }
    }
}

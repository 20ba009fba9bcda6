//! What makes a robot likely, and how much each sign weighs. A suspected request is held for a person, never dropped.

use serde::{Deserialize, Serialize};

use crate::lead::{Channel, LeadDraft};

/// At this score a lead is held, unless the client's settings say otherwise.
pub const LIMIT: i64 = 100;

/// One sign, with the fact behind it. The wire names are stable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "signal", rename_all = "snake_case")]
pub enum Signal {
    /// A field that people do not see was filled in.
    Trap {
        /// Its name.
        field: String,
    },
    /// The form carried no token of its page.
    TokenMissing,
    /// The token is none of ours.
    TokenForged,
    /// The form was sent sooner than a person can type.
    TokenFast {
        /// Seconds that were missing.
        seconds: i64,
    },
    /// The page had been open for longer than its token is good.
    TokenOld,
    /// More came from one address than is usual.
    Rate {
        /// The usual, a minute.
        per_minute: u32,
    },
    /// The maker of the captcha takes the sender for a robot.
    CaptchaRobot,
    /// The maker of the captcha could not be asked.
    CaptchaUnknown {
        /// Why, without secrets.
        reason: String,
    },
    /// The words hold several links.
    Links {
        /// How many.
        count: i64,
    },
    /// The words hold marks of a page or a forum.
    Markup,
    /// Most letters are of a script that is neither Cyrillic nor Latin.
    ForeignScript {
        /// Their share.
        percent: i64,
    },
    /// A phrase that spam is known by.
    Phrase {
        /// Which one.
        phrase: String,
    },
    /// Nobody can have this phone number.
    PhoneImpossible,
    /// Requests of this sender were refused before.
    RefusedBefore {
        /// How many.
        times: i64,
    },
    /// Requests of this sender were held before and released: he is a person.
    ReleasedBefore {
        /// How many.
        times: i64,
    },
}

impl Signal {
    /// Wire names of every signal.
    pub const CODES: [&str; 15] = [
        "trap",
        "token_missing",
        "token_forged",
        "token_fast",
        "token_old",
        "rate",
        "captcha_robot",
        "captcha_unknown",
        "links",
        "markup",
        "foreign_script",
        "phrase",
        "phone_impossible",
        "refused_before",
        "released_before",
    ];

    /// The stable wire name.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Trap { .. } => "trap",
            Self::TokenMissing => "token_missing",
            Self::TokenForged => "token_forged",
            Self::TokenFast { .. } => "token_fast",
            Self::TokenOld => "token_old",
            Self::Rate { .. } => "rate",
            Self::CaptchaRobot => "captcha_robot",
            Self::CaptchaUnknown { .. } => "captcha_unknown",
            Self::Links { .. } => "links",
            Self::Markup => "markup",
            Self::ForeignScript { .. } => "foreign_script",
            Self::Phrase { .. } => "phrase",
            Self::PhoneImpossible => "phone_impossible",
            Self::RefusedBefore { .. } => "refused_before",
            Self::ReleasedBefore { .. } => "released_before",
        }
    }

    /// What it adds to the score. What tells a robot by design (trap, token, captcha, flood) holds alone; what a person
    /// may do as well (an old page, a link) holds only together with more.
    #[must_use]
    pub fn weight(&self) -> i64 {
        match self {
            Self::Trap { .. }
            | Self::Rate { .. }
            | Self::CaptchaRobot
            | Self::CaptchaUnknown { .. }
            | Self::TokenMissing
            | Self::TokenForged
            | Self::TokenFast { .. } => 100,
            Self::TokenOld => 20,
            Self::Links { count } => (count - 1).clamp(0, 4) * 30,
            Self::Markup => 80,
            Self::ForeignScript { .. } | Self::Phrase { .. } => 60,
            Self::PhoneImpossible => 40,
            Self::RefusedBefore { times } => 60 * (*times).clamp(0, 2),
            Self::ReleasedBefore { times } => -50 * (*times).clamp(0, 2),
        }
    }
}

/// How often a person decided on earlier held requests of one sender.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Past {
    /// Refused.
    pub refused: i64,
    /// Released.
    pub released: i64,
}

/// The judgement on one request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The sum of all weights, never below 0.
    pub score: i64,
    /// Every sign, those that speak for a person included.
    pub signals: Vec<Signal>,
}

impl Verdict {
    /// Whether the request waits for a person.
    #[must_use]
    pub fn holds(&self, limit: i64) -> bool {
        self.score >= limit
    }
}

/// Weighs a request: what its door saw, what its words and its phone look like, and what became of earlier ones of the
/// same sender. Words and phones are judged only where strangers write by themselves (forms, widgets, letters).
#[must_use]
pub fn judge(draft: &LeadDraft, past: Past) -> Verdict {
    let mut signals = draft.signals.clone();
    let strangers = is_open_to_strangers(&draft.source.channel);
    if strangers {
        read_words(draft, &mut signals);
        if draft.phone.as_ref().is_some_and(|phone| impossible(phone.e164())) {
            signals.push(Signal::PhoneImpossible);
        }
    }
    if strangers || !signals.is_empty() {
        if past.refused > 0 {
            signals.push(Signal::RefusedBefore { times: past.refused });
        }
        if past.released > 0 {
            signals.push(Signal::ReleasedBefore { times: past.released });
        }
    }
    let score = signals.iter().map(Signal::weight).sum::<i64>().max(0);
    Verdict { score, signals }
}

/// Whether anybody can write through this door: robots do.
#[must_use]
pub fn is_open_to_strangers(channel: &Channel) -> bool {
    matches!(channel, Channel::Form { .. } | Channel::Widget { .. } | Channel::Mail { .. })
}

/// Phrases of the trade that fills forms by machine. Lower case.
const PHRASES: [&str; 20] = [
    "продвижение сайтов",
    "раскрутка сайт",
    "вывести сайт в топ",
    "вывод сайта в топ",
    "seo-продвижение",
    "рассылка по формам",
    "рассылки по формам",
    "база email",
    "базы клиентов",
    "заработок в интернете",
    "пассивный доход",
    "онлайн казино",
    "онлайн-казино",
    "ставки на спорт",
    "search engine optimization",
    "guest post",
    "backlinks",
    "online casino",
    "crypto investment",
    "payday loan",
];

fn read_words(draft: &LeadDraft, signals: &mut Vec<Signal>) {
    let name = draft.name.as_ref().map_or("", |name| name.as_str());
    let mut words = format!("{name}\n{}", draft.comment);
    for value in draft.fields.values() {
        words.push('\n');
        words.push_str(value);
    }
    let lower = words.to_lowercase();
    // Fields of the page itself hold addresses by right: only what the person wrote is looked at for links.
    let own = format!("{name}\n{}", draft.comment).to_lowercase();
    let links = own.matches("http://").count() + own.matches("https://").count();
    if let Some(count) = i64::try_from(links).ok().filter(|count| *count > 1) {
        signals.push(Signal::Links { count });
    }
    if ["[url", "[link", "<a ", "<script", "</a>"].iter().any(|mark| lower.contains(mark)) {
        signals.push(Signal::Markup);
    }
    let letters = own.chars().filter(|c| c.is_alphabetic()).count();
    let foreign = own.chars().filter(|c| c.is_alphabetic() && !familiar(*c)).count();
    if letters >= 10 && foreign * 2 > letters {
        let percent = i64::try_from(foreign * 100 / letters).unwrap_or(100);
        signals.push(Signal::ForeignScript { percent });
    }
    for phrase in PHRASES.into_iter().filter(|phrase| lower.contains(phrase)).take(3) {
        signals.push(Signal::Phrase { phrase: phrase.to_owned() });
    }
}

/// Latin and Cyrillic, with the letters that the languages of Russia add to them.
fn familiar(c: char) -> bool {
    c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}' | '\u{400}'..='\u{52f}' | '\u{1c80}'..='\u{1c8f}')
}

/// A number of one digit, or of digits in a row, or one that kept no country: nobody answers there.
fn impossible(e164: &str) -> bool {
    let digits: Vec<u32> = e164.chars().filter_map(|c| c.to_digit(10)).collect();
    let national: Vec<u32> = digits.iter().copied().skip(digits.len().saturating_sub(9)).collect();
    let steps: Vec<i64> = national
        .windows(2)
        .filter_map(|pair| Some(i64::from(*pair.get(1)?) - i64::from(*pair.first()?)))
        .collect();
    steps.iter().all(|step| *step == 0)
        || steps.iter().all(|step| *step == 1)
        || steps.iter().all(|step| *step == -1)
}

/// Why a person refused a lead. The wire names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// A robot, or advertising.
    Spam,
    /// The client's own people tried the form.
    Trial,
    /// The person was served under another lead.
    Duplicate,
    /// Nobody can be reached.
    Unreachable,
    /// Nothing that the client does.
    Foreign,
    /// Something else, told in the note.
    Other,
}

impl Refusal {
    /// Every reason, in the order that screens show them.
    pub const ALL: [Self; 6] =
        [Self::Spam, Self::Trial, Self::Duplicate, Self::Unreachable, Self::Foreign, Self::Other];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Trial => "trial",
            Self::Duplicate => "duplicate",
            Self::Unreachable => "unreachable",
            Self::Foreign => "foreign",
            Self::Other => "other",
        }
    }

    /// Reads a wire name; `None` when there is no such reason.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Env;
    use crate::contact::{PersonName, Phone};
    use crate::lead::{Intent, LeadSource, Utm};

    fn draft(phone: &str, comment: &str) -> LeadDraft {
        let (env, _) = Env::manual(jiff::Timestamp::UNIX_EPOCH, 1);
        LeadDraft {
            site_id: env.new_id(),
            intent: Intent::Callback,
            name: Some(PersonName::parse("Иван").unwrap()),
            phone: Phone::as_typed(phone).ok(),
            email: None,
            comment: comment.into(),
            subject: None,
            amount: None,
            source: LeadSource {
                channel: Channel::Form { form: "callback".into() },
                page_url: "https://a.ru/".into(),
                referrer: None,
                utm: Utm::default(),
                visit_id: None,
            },
            consents: Vec::new(),
            fields: BTreeMap::from([("current_url".to_owned(), "https://a.ru/?x=https://b.ru".to_owned())]),
            files: Vec::new(),
            signals: Vec::new(),
            idempotency_key: None,
            test: false,
        }
    }

    fn codes(verdict: &Verdict) -> Vec<&'static str> {
        verdict.signals.iter().map(Signal::code).collect()
    }

    #[test]
    fn what_people_write_passes() {
        for (phone, comment) in [
            ("+7 910 123-45-67", "Здравствуйте! Хочу посмотреть Jolion, вот объявление: https://auto.ru/x"),
            ("+7 910 123-45-67", ""),
            ("+7 999 999-99-90", "Перезвоните после 18:00, O'Брайен"),
            ("123-45-67", "Можно ли в рассрочку?"),
            ("+7 843 292-00-00", "Сәлам, яңа машина кирәк, ничә сум тора?"),
        ] {
            let verdict = judge(&draft(phone, comment), Past::default());
            assert!(!verdict.holds(LIMIT), "{comment}: {verdict:?}");
        }
    }

    #[test]
    fn what_machines_write_is_held_with_its_reasons() {
        let spam = draft(
            "+7 910 123-45-67",
            "Продвижение сайтов! https://a.example https://b.example <a href=x>Базы клиентов</a>",
        );
        let verdict = judge(&spam, Past::default());
        assert!(verdict.holds(LIMIT));
        assert_eq!(codes(&verdict), ["links", "markup", "phrase", "phrase"]);
        let foreign =
            judge(&draft("+7 777 777-77-77", "您好，我们提供最好的产品和服务请联系我们"), Past::default());
        assert_eq!(codes(&foreign), ["foreign_script", "phone_impossible"]);
        assert!(foreign.holds(LIMIT));
    }

    #[test]
    fn the_senders_past_counts_both_ways() {
        let mut old = draft("+7 910 123-45-67", "");
        old.signals = vec![Signal::TokenOld, Signal::PhoneImpossible];
        assert_eq!(judge(&old, Past::default()).score, 60);
        assert!(judge(&old, Past { refused: 1, released: 0 }).holds(LIMIT));
        assert!(!judge(&old, Past { refused: 1, released: 2 }).holds(LIMIT));
        assert_eq!(judge(&draft("+7 910 123-45-67", ""), Past { refused: 0, released: 9 }).score, 0);
    }

    #[test]
    fn doors_that_strangers_cannot_use_are_not_read_for_words() {
        let mut row = draft("+7 777 777-77-77", "Продвижение сайтов backlinks guest post");
        row.source.channel = Channel::Import { file: "a.csv".into(), sha256: "0".into(), row: 1 };
        assert_eq!(judge(&row, Past { refused: 5, released: 0 }), Verdict::default());
    }

    #[test]
    fn every_signal_has_its_name() {
        for code in Signal::CODES {
            let wire = serde_json::json!({ "signal": code, "field": "f", "seconds": 1, "per_minute": 1, "reason": "r",
                "count": 3, "percent": 60, "phrase": "p", "times": 1 });
            let signal: Signal = serde_json::from_value(wire).unwrap();
            assert_eq!(signal.code(), code);
            assert_ne!(signal.weight(), 0, "{code}");
        }
        for reason in Refusal::ALL {
            assert_eq!(Refusal::from_code(reason.code()), Some(reason));
        }
    }
}

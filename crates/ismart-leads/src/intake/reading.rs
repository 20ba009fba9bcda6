//! Facts become a lead: which fact is which is data, and what has no place of its own is kept beside the lead.

use std::collections::{BTreeMap, BTreeSet};

use ismart_domain::SiteId;
use ismart_domain::contact::{ContactError, Email, PersonName, Phone};
use ismart_domain::lead::{
    Channel, ConsentDraft, ConsentPurpose, FileRef, Intent, LeadDraft, LeadSource, Subject, Utm,
};

use serde::{Deserialize, Serialize};

use super::facts::Facts;
use super::meaning::Meaning;

/// The most facts that are kept beside a lead.
const BESIDE: usize = 60;

/// Why what came in is no lead yet. A person reads it and decides. It is kept as it is, and told in his language.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Unfit {
    /// Nobody could be called back.
    #[error(
        "neither a phone nor an e-mail address was found; name the field that holds it in the door's `fields`"
    )]
    NoContact,
    /// A contact is there, and it is none.
    #[error("`{field}` holds `{text}`: {error}")]
    Contact {
        /// The sender's name of the field.
        field: String,
        /// What stands in it.
        text: String,
        /// What it should be.
        meaning: Meaning,
        /// Why it is no contact.
        error: String,
    },
    /// The body is no JSON.
    #[error("the body is no JSON ({error}); send JSON or a form")]
    NotJson {
        /// In the reader's words.
        error: String,
    },
    /// The body tells nothing.
    #[error("the body tells nothing")]
    Nothing,
    /// A call without its id.
    #[error("no id of the call was found: name the field that holds it as `call_id` in the door's `fields`")]
    NoCallId,
    /// A letter that a program wrote by itself.
    #[error("a program answered by itself ({how}): it is about a letter, not from a person")]
    Automatic {
        /// As the letter says.
        how: String,
    },
    /// Bytes that are no letter.
    #[error("this is no letter")]
    NoLetter,
    /// A letter that was not fetched whole.
    #[error("the letter is too large to be fetched: read it in the mailbox")]
    TooLarge,
    /// It was read, and is no lead all the same.
    #[error("{reason}")]
    Refused {
        /// Why.
        reason: String,
    },
}

impl Unfit {
    /// As it is kept.
    #[must_use]
    pub fn stored(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| self.to_string())
    }

    /// Reads what was kept.
    ///
    /// ```
    /// use ismart_leads::intake::Unfit;
    ///
    /// assert_eq!(Unfit::read(&Unfit::NoContact.stored()), Unfit::NoContact);
    /// assert_eq!(Unfit::read("words").to_string(), "words");
    /// ```
    #[must_use]
    pub fn read(stored: &str) -> Self {
        serde_json::from_str(stored).unwrap_or_else(|_| Self::Refused { reason: stored.to_owned() })
    }
}

/// Which fact means what: as somebody said it, else by its heading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mapping {
    said: BTreeMap<Meaning, Vec<String>>,
    /// Facts that mean nothing, whatever their heading looks like.
    ignored: BTreeSet<String>,
}

/// Facts by what they mean.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading<'f> {
    known: BTreeMap<Meaning, (&'f str, &'f str)>,
    beside: Vec<(&'f str, &'f str)>,
}

/// What a lead needs besides what its sender told.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The site that it belongs to.
    pub site_id: SiteId,
    /// How it came in.
    pub channel: Channel,
    /// On what ground his data may be processed, in words: kept as the proof of consent.
    pub basis: String,
    /// What he wants, where nothing tells it.
    pub intent: Intent,
    /// The sender's network address, where it is a person's own.
    pub ip: Option<String>,
    /// A repeat with the same key is the same lead.
    pub key: String,
    /// Files that came along.
    pub files: Vec<FileRef>,
}

impl Mapping {
    /// Says what some facts mean; the others are guessed.
    pub fn saying(said: impl IntoIterator<Item = (Meaning, String)>) -> Self {
        let mut mapping = Self::default();
        for (meaning, name) in said {
            mapping.said.entry(meaning).or_default().push(name);
        }
        mapping
    }

    /// The same with facts that mean nothing.
    #[must_use]
    pub fn ignoring(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.ignored.extend(names);
        self
    }

    /// The names that were said, with what they mean.
    pub fn said(&self) -> impl Iterator<Item = (Meaning, &str)> {
        self.said.iter().flat_map(|(meaning, names)| names.iter().map(|name| (*meaning, name.as_str())))
    }

    /// Sorts facts by what they mean. Of two with one meaning the first counts; the other is kept beside.
    #[must_use]
    pub fn read<'f>(&self, facts: &'f Facts) -> Reading<'f> {
        let mut reading = Reading::default();
        let said: BTreeMap<String, Meaning> =
            self.said().map(|(meaning, name)| (name.to_lowercase(), meaning)).collect();
        for (name, text) in facts.iter() {
            let meaning = said.get(&name.to_lowercase()).copied();
            // What somebody named a fact for is not guessed anywhere else.
            let guessed = || {
                Meaning::guess(name)
                    .filter(|meaning| !self.said.contains_key(meaning) && !self.ignored.contains(name))
            };
            match meaning.or_else(guessed) {
                Some(meaning) if !reading.known.contains_key(&meaning) => {
                    reading.known.insert(meaning, (name, text));
                }
                _ => reading.beside.push((name, text)),
            }
        }
        reading
    }
}

impl<'f> Reading<'f> {
    /// The text of a meaning.
    #[must_use]
    pub fn get(&self, meaning: Meaning) -> Option<&'f str> {
        self.known.get(&meaning).map(|(_, text)| *text)
    }

    /// Where a provider tells of a request to call and not of a call, there is no called number: what stands in its place
    /// is the person's.
    pub(super) fn take_line_for_the_person(&mut self) {
        let call = self.known.contains_key(&Meaning::Phase) || self.known.contains_key(&Meaning::Phone);
        if !call && let Some(line) = self.known.remove(&Meaning::Line) {
            self.known.insert(Meaning::Phone, line);
        }
    }

    /// The sender's name of the fact with a meaning.
    #[must_use]
    pub fn field(&self, meaning: Meaning) -> Option<&'f str> {
        self.known.get(&meaning).map(|(name, _)| *name)
    }

    /// Makes the lead.
    ///
    /// # Errors
    /// [`Unfit`] when nobody could be called back.
    pub fn draft(&self, frame: Frame) -> Result<LeadDraft, Unfit> {
        let mut fields: BTreeMap<String, String> = BTreeMap::new();
        let (phone, odd_phone) = self.contact(Meaning::Phone, phone_of);
        let (email, odd_email) = self.contact(Meaning::Email, Email::parse);
        if phone.is_none() && email.is_none() {
            return Err(odd_phone.or(odd_email).unwrap_or(Unfit::NoContact));
        }
        let named = self.get(Meaning::Name).map(PersonName::parse);
        for (meaning, odd) in [(Meaning::Phone, odd_phone.is_some()), (Meaning::Email, odd_email.is_some())] {
            if let (true, Some(text)) = (odd, self.get(meaning)) {
                fields.insert(meaning.code().to_owned(), text.to_owned());
            }
        }
        if let (Some(Err(_)), Some(text)) = (&named, self.get(Meaning::Name)) {
            fields.insert("name".to_owned(), text.to_owned());
        }
        for (name, text) in self.beside.iter().take(BESIDE) {
            let short: String = name.chars().take(80).collect();
            fields.entry(short).or_insert_with(|| (*text).to_owned());
        }
        let page_url = self.get(Meaning::PageUrl).unwrap_or_default().to_owned();
        let said = self.get(Meaning::Intent);
        let intent = said.and_then(|text| Intent::from_code(&text.to_lowercase().replace('-', "_")));
        if let (None, Some(text)) = (intent, said) {
            fields.insert("intent".to_owned(), text.to_owned());
        }
        let subject = self.get(Meaning::Subject).map(|title| Subject {
            key: title.chars().take(100).collect(),
            title: title.chars().take(200).collect(),
        });
        Ok(LeadDraft {
            site_id: frame.site_id,
            intent: intent.unwrap_or(frame.intent),
            name: named.and_then(Result::ok),
            phone,
            email,
            comment: self.get(Meaning::Comment).unwrap_or_default().to_owned(),
            subject,
            amount: None,
            consents: vec![ConsentDraft {
                purpose: ConsentPurpose::Processing,
                text: frame.basis,
                version: frame.channel.code().to_owned(),
                url: String::new(),
                page_url: page_url.clone(),
                ip: frame.ip,
                user_agent: None,
            }],
            source: LeadSource {
                channel: frame.channel,
                utm: self.utm(),
                page_url,
                referrer: self.get(Meaning::Referrer).map(str::to_owned),
                visit_id: None,
            },
            fields,
            idempotency_key: Some(frame.key),
            test: false,
            files: frame.files,
            signals: Vec::new(),
        })
    }

    /// A contact, or why what stands in its place is none.
    fn contact<T>(
        &self,
        meaning: Meaning,
        parse: impl Fn(&str) -> Result<T, ContactError>,
    ) -> (Option<T>, Option<Unfit>) {
        let Some((field, text)) = self.known.get(&meaning) else { return (None, None) };
        match parse(text) {
            Ok(contact) => (Some(contact), None),
            Err(error) => {
                let text = text.chars().take(80).collect();
                (
                    None,
                    Some(Unfit::Contact {
                        field: (*field).to_owned(),
                        text,
                        meaning,
                        error: error.to_string(),
                    }),
                )
            }
        }
    }

    fn utm(&self) -> Utm {
        let marks = [
            ("utm_source", Meaning::UtmSource),
            ("utm_medium", Meaning::UtmMedium),
            ("utm_campaign", Meaning::UtmCampaign),
            ("utm_content", Meaning::UtmContent),
            ("utm_term", Meaning::UtmTerm),
        ];
        Utm::from_pairs(marks.into_iter().filter_map(|(name, meaning)| Some((name, self.get(meaning)?))))
    }
}

/// A phone as senders write it; of several in one text the first, of one that no plan knows its digits.
fn phone_of(text: &str) -> Result<Phone, ContactError> {
    let several = text.split([',', ';', '/', '\n']).find_map(|part| Phone::parse(part).ok());
    Phone::parse(text).ok().or(several).map_or_else(|| Phone::as_typed(text), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame() -> Frame {
        Frame {
            site_id: "018f3b1c-7a10-7c3e-9d55-3f1f6a2b4c5d".parse().unwrap(),
            channel: Channel::Webhook { name: "portal".into(), message_id: "m1".into() },
            basis: "Договор с порталом".into(),
            intent: Intent::Purchase,
            ip: None,
            key: "in-portal-m1".into(),
            files: Vec::new(),
        }
    }

    fn facts(pairs: &[(&str, &str)]) -> Facts {
        Facts::of_pairs(pairs.iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())))
    }

    #[test]
    fn what_was_said_goes_before_what_is_guessed() {
        let told = facts(&[("phone", "8 800 555-35-35"), ("buyer_no", "8 910 123-45-67"), ("Цвет", "белый")]);
        let guessed = Mapping::default().read(&told).draft(frame()).unwrap();
        assert_eq!(guessed.phone.unwrap().e164(), "+78005553535");
        let mapping = Mapping::saying([(Meaning::Phone, "buyer_no".to_owned())]);
        let said = mapping.read(&told).draft(frame()).unwrap();
        assert_eq!(said.phone.unwrap().e164(), "+79101234567");
        assert_eq!(
            said.fields.get("phone").map(String::as_str),
            Some("8 800 555-35-35"),
            "nothing is thrown away"
        );
        assert_eq!(said.fields.get("Цвет").map(String::as_str), Some("белый"));
        assert_eq!(said.intent, Intent::Purchase);
        assert_eq!(said.consents.first().map(|c| c.text.as_str()), Some("Договор с порталом"));
    }

    #[test]
    fn who_cannot_be_called_back_is_no_lead_and_the_reason_names_the_field() {
        let none = facts(&[("Имя", "Иван")]);
        assert_eq!(Mapping::default().read(&none).draft(frame()), Err(Unfit::NoContact));
        let bad = facts(&[("Телефон", "нет")]);
        let why = Mapping::default().read(&bad).draft(frame()).unwrap_err().to_string();
        assert!(why.starts_with("`Телефон` holds `нет`: the phone number has 0 digits"), "{why}");
        let one_good = facts(&[("Телефон", "нет"), ("Почта", "ivan@mail.ru"), ("Имя", "4")]);
        let lead = Mapping::default().read(&one_good).draft(frame()).unwrap();
        assert_eq!(lead.fields.get("phone").map(String::as_str), Some("нет"));
        assert_eq!(lead.fields.get("name").map(String::as_str), Some("4"));
    }

    #[test]
    fn of_several_phones_the_first_good_one_counts() {
        let told = facts(&[("phone", "доб. 5, 8 910 123-45-67; 8 495 111-22-33")]);
        let lead = Mapping::default().read(&told).draft(frame()).unwrap();
        assert_eq!(lead.phone.unwrap().e164(), "+79101234567");
    }
}

//! How a person is reached: phone, e-mail, name. Each type holds only values that passed its rules.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a contact text was refused; `code` is stable, the text is for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// The phone has too few digits, too many, or letters.
    #[error("the phone number has {digits} digits; 7 to 15 are needed, for example +7 910 123-45-67")]
    Phone {
        /// How many digits were found.
        digits: usize,
    },
    /// A ten- or eleven-digit number that no Russian or Kazakh numbering plan knows.
    #[error("the phone number does not exist: after +7 comes 3, 4, 6, 7, 8 or 9")]
    PhonePlan,
    /// Not an e-mail address.
    #[error("the e-mail address needs a name, one @ and a domain with a dot, for example ivan@mail.ru")]
    Email,
    /// Not a name.
    #[error("the name needs 2 to 100 letters")]
    Name,
}

/// A phone number in E.164 form (`+79101234567`).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Phone(String);

impl Phone {
    /// Reads a number as people in Russia write it: `8 (910) 123-45-67`, `9101234567`, `+7…`, `007…`;
    /// an extension (`доб. 12`, `ext 12`, `#12`, `x12`) is cut off. Other countries need `+` or `00`.
    ///
    /// # Errors
    /// [`ContactError::Phone`] when the count of digits is impossible, [`ContactError::PhonePlan`] when the
    /// +7 number lies outside the numbering plan.
    pub fn parse(text: &str) -> Result<Self, ContactError> {
        let lower = text.to_lowercase();
        let main = ["доб", "ext", "#", "x"]
            .iter()
            .fold(lower.as_str(), |rest, mark| rest.split_once(mark).map_or(rest, |(before, _)| before));
        let international = main.trim_start().starts_with('+');
        let digits: String = main.chars().filter(char::is_ascii_digit).collect();
        let count = digits.len();
        let strange = main.chars().any(char::is_alphabetic);
        if strange || !(7..=15).contains(&count) {
            return Err(ContactError::Phone { digits: count });
        }
        let full = if let Some(rest) = digits.strip_prefix("00").filter(|_| !international && count > 10) {
            rest.to_owned()
        } else if !international && count == 11 && digits.starts_with('8') {
            digits.replacen('8', "7", 1)
        } else if !international && count == 10 {
            format!("7{digits}")
        } else if international || (count == 11 && digits.starts_with('7')) {
            digits
        } else {
            return Err(ContactError::Phone { digits: count });
        };
        match full.strip_prefix('7') {
            Some(national) if national.len() != 10 => Err(ContactError::Phone { digits: full.len() }),
            Some(national) if !national.starts_with(['3', '4', '6', '7', '8', '9']) => {
                Err(ContactError::PhonePlan)
            }
            _ => Ok(Self(format!("+{full}"))),
        }
    }

    /// Reads a number as a person typed it, where nothing more is asked of it than 7 to 15 digits: a number that
    /// [`Phone::parse`] knows becomes the same phone, one with a country's code but without `+` gets it, any other keeps
    /// its digits, for a person to make sense of.
    ///
    /// # Errors
    /// [`ContactError::Phone`] when the count of digits is impossible.
    pub fn as_typed(text: &str) -> Result<Self, ContactError> {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        let count = digits.len();
        if !(7..=15).contains(&count) {
            return Err(ContactError::Phone { digits: count });
        }
        let abroad = || Self::parse(&format!("+{digits}")).ok().filter(|_| count > 10);
        Ok(Self::parse(text).ok().or_else(abroad).unwrap_or(Self(digits.clone())))
    }

    /// The E.164 form, with the leading plus; bare digits of a number that was kept as typed.
    #[must_use]
    pub fn e164(&self) -> &str {
        &self.0
    }

    /// All but the first two and last two digits hidden, for screens and logs of those who need not know.
    #[must_use]
    pub fn masked(&self) -> String {
        let count = self.0.chars().count();
        self.0.chars().enumerate().map(|(i, c)| if i < 2 || i + 2 >= count { c } else { '*' }).collect()
    }

    /// `+7 910 123-45-67` for Russian numbers, E.164 for others.
    #[must_use]
    pub fn pretty(&self) -> String {
        let digits: Vec<char> = self.0.chars().skip(1).collect();
        match digits.as_slice() {
            ['7', a, b, c, d, e, f, g, h, i, j] => {
                format!("+7 {a}{b}{c} {d}{e}{f}-{g}{h}-{i}{j}")
            }
            _ => self.0.clone(),
        }
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Phone({})", self.masked())
    }
}

impl TryFrom<String> for Phone {
    type Error = ContactError;
    fn try_from(text: String) -> Result<Self, ContactError> {
        // What was kept as typed is read back as it was kept.
        let bare = (7..=15).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        if bare { Ok(Self(text)) } else { Self::parse(&text) }
    }
}

impl From<Phone> for String {
    fn from(phone: Phone) -> Self {
        phone.0
    }
}

/// An e-mail address: local part as written, domain in lower case.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// Reads an address; only its form is judged, not whether the mailbox exists.
    ///
    /// # Errors
    /// [`ContactError::Email`] when the form is wrong.
    pub fn parse(text: &str) -> Result<Self, ContactError> {
        let text = text.trim();
        let (user, domain) = text.rsplit_once('@').ok_or(ContactError::Email)?;
        let bad =
            |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ';' | '<' | '>' | '"' | '@');
        let labels_good = domain.split('.').all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-')
        });
        let good = !user.is_empty()
            && text.len() <= 254
            && domain.contains('.')
            && labels_good
            && !user.chars().any(bad)
            && !user.starts_with('.')
            && !user.ends_with('.')
            && !user.contains("..");
        if good { Ok(Self(format!("{user}@{}", domain.to_lowercase()))) } else { Err(ContactError::Email) }
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form under which two spellings of one mailbox meet.
    #[must_use]
    pub fn matching(&self) -> String {
        self.0.to_lowercase()
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let domain = self.0.rsplit_once('@').map_or("", |(_, domain)| domain);
        write!(f, "Email(***@{domain})")
    }
}

impl TryFrom<String> for Email {
    type Error = ContactError;
    fn try_from(text: String) -> Result<Self, ContactError> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

/// What a person calls himself, spaces collapsed.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// Reads a name: 2 to 100 characters, at least two letters, no digits, no control characters, no markup.
    ///
    /// # Errors
    /// [`ContactError::Name`] otherwise.
    pub fn parse(text: &str) -> Result<Self, ContactError> {
        let collapsed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let letters = collapsed.chars().filter(|c| c.is_alphabetic()).count();
        let bad = |c: char| c.is_numeric() || c.is_control() || "<>{}[]|\\^@#$%&*=+/_~".contains(c);
        if letters >= 2 && collapsed.chars().count() <= 100 && !collapsed.chars().any(bad) {
            Ok(Self(collapsed))
        } else {
            Err(ContactError::Name)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(***)")
    }
}

impl TryFrom<String> for PersonName {
    type Error = ContactError;
    fn try_from(text: String) -> Result<Self, ContactError> {
        Self::parse(&text)
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_in_six_spellings_is_one_phone() {
        for text in [
            "+79101234567",
            "8 (910) 123-45-67",
            "89101234567",
            "9101234567",
            "+7 910 123 45 67",
            "7-910-123-45-67 доб. 12",
        ] {
            assert_eq!(Phone::parse(text).unwrap().e164(), "+79101234567", "{text}");
        }
        assert_eq!(Phone::parse("8 800 555-35-35").unwrap().e164(), "+78005553535");
        assert_eq!(Phone::parse("+998 90 123 45 67").unwrap().e164(), "+998901234567");
        assert_eq!(Phone::parse("00 49 30 123456").unwrap().e164(), "+4930123456");
    }

    #[test]
    fn impossible_numbers_are_refused() {
        for text in
            ["", "12345", "+7 910 123", "телефон", "891012345678", "1234567890123456", "+7 010 123 45 67"]
        {
            assert!(Phone::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn typed_numbers_are_kept_and_read_back() {
        for (text, kept) in [
            ("8 (910) 123-45-67", "+79101234567"),
            ("380 50 123 45 67", "+380501234567"),
            ("49 30 1234567", "+49301234567"),
            ("123-45-67", "1234567"),
            ("+7 010 123 45 67", "70101234567"),
            ("(4872) 12-34-56", "+74872123456"),
        ] {
            let phone = Phone::as_typed(text).unwrap();
            assert_eq!(phone.e164(), kept, "{text}");
            let stored = serde_json::to_string(&phone).unwrap();
            assert_eq!(serde_json::from_str::<Phone>(&stored).unwrap(), phone, "{text}");
        }
        for bad in ["", "123", "телефон", "1234567890123456"] {
            assert!(Phone::as_typed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn personal_types_do_not_print_their_value() {
        let phone = Phone::parse("+79101234567").unwrap();
        assert_eq!(format!("{phone:?}"), "Phone(+7********67)");
        assert_eq!(phone.pretty(), "+7 910 123-45-67");
        assert_eq!(format!("{:?}", Email::parse("Ivan@Mail.RU").unwrap()), "Email(***@mail.ru)");
        assert_eq!(format!("{:?}", PersonName::parse(" Иван  Петров ").unwrap()), "PersonName(***)");
    }

    #[test]
    fn emails_and_names_are_judged_by_form() {
        for good in ["a@b.ru", "иван@почта.рф", "a.b+c@d-e.com"] {
            assert!(Email::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "a@b", "a b@c.ru", "@c.ru", "a@@c.ru", "a@-c.ru", "a..b@c.ru"] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
        for bad in ["И", "<b>x</b>", "Иван1", "   "] {
            assert!(PersonName::parse(bad).is_err(), "{bad}");
        }
    }
}

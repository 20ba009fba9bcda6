//! What a fact in somebody else's data means to us, and by what headings it is known.

use serde::{Deserialize, Serialize};

/// What a column, a key or a line of a letter means. The wire names are stable: configurations name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Meaning {
    /// The person's name.
    Name,
    /// His phone.
    Phone,
    /// His e-mail address.
    Email,
    /// His words.
    Comment,
    /// What he asked about.
    Subject,
    /// What he wants: the wire name of an intent.
    Intent,
    /// The page that he was on.
    PageUrl,
    /// Where he had come from.
    Referrer,
    /// `utm_source`.
    UtmSource,
    /// `utm_medium`.
    UtmMedium,
    /// `utm_campaign`.
    UtmCampaign,
    /// `utm_content`.
    UtmContent,
    /// `utm_term`.
    UtmTerm,
    /// The sender's own key of the request: a repeat with it is the same lead.
    Key,
    /// The provider's id of a call.
    CallId,
    /// How far the call has come.
    Phase,
    /// How long people spoke, seconds.
    Seconds,
    /// Where the call can be listened to.
    Recording,
    /// The client's number that was called.
    Line,
}

impl Meaning {
    /// Every meaning, in the order that screens show them.
    pub const ALL: [Self; 19] = [
        Self::Name,
        Self::Phone,
        Self::Email,
        Self::Comment,
        Self::Subject,
        Self::Intent,
        Self::PageUrl,
        Self::Referrer,
        Self::UtmSource,
        Self::UtmMedium,
        Self::UtmCampaign,
        Self::UtmContent,
        Self::UtmTerm,
        Self::Key,
        Self::CallId,
        Self::Phase,
        Self::Seconds,
        Self::Recording,
        Self::Line,
    ];

    /// The stable wire name.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().0
    }

    /// Reads a wire name; `None` when there is no such meaning.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|meaning| meaning.code() == code)
    }

    /// What a heading means, as people and programs write headings: `Телефон клиента`, `contact.phone`, `utm_source`.
    ///
    /// ```
    /// use ismart_leads::intake::Meaning;
    ///
    /// assert_eq!(Meaning::guess("Контактный телефон"), Some(Meaning::Phone));
    /// assert_eq!(Meaning::guess("client.fio"), Some(Meaning::Name));
    /// assert_eq!(Meaning::guess("Телефон менеджера"), None);
    /// ```
    #[must_use]
    pub fn guess(heading: &str) -> Option<Self> {
        let whole = folded(heading);
        let last = heading.rsplit(['.', '/', '[']).find(|part| part.chars().any(char::is_alphabetic));
        let last = folded(last.unwrap_or_default());
        let named = |text: &str| Self::ALL.into_iter().find(|meaning| meaning.row().1.contains(&text));
        named(&whole).or_else(|| named(&last)).or_else(|| {
            let staff = ["менеджер", "manager", "оператор", "operator", "сотрудник", "employee", "agent"];
            if staff.iter().any(|word| whole.contains(word)) {
                return None;
            }
            let stems = [
                ("телефон", Self::Phone),
                ("phone", Self::Phone),
                ("email", Self::Email),
                ("почта", Self::Email),
                ("комментар", Self::Comment),
                ("сообщени", Self::Comment),
            ];
            stems.into_iter().find(|(stem, _)| last.contains(stem)).map(|(_, meaning)| meaning)
        })
    }

    /// Wire name and headings.
    fn row(self) -> (&'static str, &'static [&'static str]) {
        let found = ROWS.iter().find(|(meaning, ..)| *meaning == self);
        found.map_or(("", &[]), |(_, code, headings)| (*code, *headings))
    }
}

/// Every meaning with its wire name and the headings that it is known by, folded.
static ROWS: &[(Meaning, &str, &[&str])] = &[
    (
        Meaning::Name,
        "name",
        &[
            "name",
            "имя",
            "фио",
            "fio",
            "fullname",
            "contactname",
            "clientname",
            "username",
            "клиент",
            "имяклиента",
            "фиоклиента",
            "контактноелицо",
            "покупатель",
            "заказчик",
            "имяифамилия",
            "вашеимя",
            "кактоквамобращаться",
            "кактвамобращаться",
            "какквамобращаться",
            "отправитель",
            "firstname",
        ],
    ),
    (
        Meaning::Phone,
        "phone",
        &[
            "phone",
            "телефон",
            "тел",
            "tel",
            "phonenumber",
            "mobile",
            "mobilephone",
            "номертелефона",
            "мобильный",
            "мобильныйтелефон",
            "callerphone",
            "caller",
            "callerid",
            "контактныйтелефон",
            "телефонклиента",
            "номерклиента",
            "номерзвонящего",
            "vashtelefon",
            "ваштелефон",
            "номер",
            "contactphone",
            "clientphone",
            "fromnumber",
            "anumber",
            "номерабонента",
        ],
    ),
    (
        Meaning::Email,
        "email",
        &[
            "email",
            "mail",
            "почта",
            "электроннаяпочта",
            "емейл",
            "имейл",
            "элпочта",
            "адресэлпочты",
            "вашemail",
            "emailклиента",
            "contactemail",
            "емайл",
        ],
    ),
    (
        Meaning::Comment,
        "comment",
        &[
            "comment",
            "comments",
            "message",
            "text",
            "сообщение",
            "комментарий",
            "комментарии",
            "вопрос",
            "пожелания",
            "текст",
            "текстсообщения",
            "примечание",
            "question",
            "описание",
            "сутьобращения",
            "комментарийклиента",
            "body",
            "note",
        ],
    ),
    (
        Meaning::Subject,
        "subject",
        &[
            "subject",
            "автомобиль",
            "авто",
            "car",
            "модель",
            "товар",
            "product",
            "объект",
            "объявление",
            "услуга",
            "item",
            "offer",
            "предметобращения",
            "машина",
            "квартира",
            "лот",
            "title",
        ],
    ),
    (Meaning::Intent, "intent", &["intent", "намерение", "типзаявки", "типобращения", "формазаявки"]),
    (
        Meaning::PageUrl,
        "page_url",
        &[
            "pageurl",
            "currenturl",
            "url",
            "страница",
            "адресстраницы",
            "requesturl",
            "ссылка",
            "link",
            "page",
            "ссылканаобъявление",
            "сайт",
        ],
    ),
    (Meaning::Referrer, "referrer", &["referrer", "referer", "ref", "реферер", "источникперехода"]),
    (Meaning::UtmSource, "utm_source", &["utmsource", "source", "источник"]),
    (Meaning::UtmMedium, "utm_medium", &["utmmedium", "medium", "канал"]),
    (Meaning::UtmCampaign, "utm_campaign", &["utmcampaign", "campaign", "кампания"]),
    (Meaning::UtmContent, "utm_content", &["utmcontent"]),
    (Meaning::UtmTerm, "utm_term", &["utmterm", "keyword", "ключевоеслово", "ключеваяфраза"]),
    (
        Meaning::Key,
        "key",
        &[
            "key",
            "idempotencykey",
            "requestid",
            "leadid",
            "номерзаявки",
            "requestnumber",
            "orderid",
            "externalid",
            "uuid",
            "идентификаторзаявки",
        ],
    ),
    (Meaning::CallId, "call_id", &["callid", "idзвонка", "callsessionid", "entryid", "ctcallid"]),
    (Meaning::Phase, "phase", &["phase", "callphase", "callstate", "notificationname"]),
    (
        Meaning::Seconds,
        "seconds",
        &["seconds", "duration", "talktime", "длительность", "длительностьразговора", "talkduration"],
    ),
    (
        Meaning::Recording,
        "recording",
        &["recording", "reclink", "record", "recordurl", "recordinglink", "запись", "ссылканазапись"],
    ),
    (
        Meaning::Line,
        "line",
        &["line", "calledphone", "virtualnumber", "номернасайте", "phonenumbercalled", "linenumber"],
    ),
];

/// Letters and digits alone, small, `ё` as `е`.
fn folded(text: &str) -> String {
    let small = text.to_lowercase().replace('ё', "е");
    small.chars().filter(|c| c.is_alphanumeric()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_names_are_read_back_and_no_heading_means_two_things() {
        let mut seen = std::collections::BTreeMap::new();
        for meaning in Meaning::ALL {
            assert_eq!(Meaning::from_code(meaning.code()), Some(meaning));
            assert_eq!(serde_json::to_string(&meaning).unwrap(), format!("\"{}\"", meaning.code()));
            for heading in meaning.row().1 {
                assert_eq!(seen.insert(*heading, meaning), None, "{heading} stands twice");
                assert_eq!(folded(heading), *heading, "headings are kept folded");
            }
        }
    }

    #[test]
    fn headings_of_people_and_programs_are_understood() {
        for (heading, meaning) in [
            ("Ф.И.О.", Some(Meaning::Name)),
            ("Телефон:", Some(Meaning::Phone)),
            ("  e-mail ", Some(Meaning::Email)),
            ("data.contact.phone", Some(Meaning::Phone)),
            ("contacts.0.phone", Some(Meaning::Phone)),
            ("phones[0]", Some(Meaning::Phone)),
            ("UTM_Source", Some(Meaning::UtmSource)),
            ("Телефон для связи", Some(Meaning::Phone)),
            ("Телефон оператора", None),
            ("Менеджер: телефон", None),
            ("Цвет", None),
            ("", None),
        ] {
            assert_eq!(Meaning::guess(heading), meaning, "{heading}");
        }
    }
}

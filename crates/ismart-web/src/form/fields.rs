//! The fields of a form, and the lead that they make.

use std::collections::BTreeMap;

use ismart_domain::contact::{Email, PersonName, Phone};
use ismart_domain::lead::{
    Channel, ConsentDraft, ConsentPurpose, Intent, LeadDraft, LeadSource, Subject, Utm,
};
use ismart_domain::spam::Signal;
use ismart_sites::Snapshot;

use crate::origin::Origin;
use crate::platform::Place;

/// Longer values are cut: nothing that a person types needs more.
const VALUE_LIMIT: usize = 4000;
/// Fields that hidden robots fill in and people do not see.
const TRAPS: [&str; 2] = ["company_site", "website"];
/// Fields that are not kept beside the lead: they have places of their own, or are only machinery.
const OWN: [&str; 17] = [
    "name",
    "phone",
    "email",
    "message",
    "comment",
    "form_name",
    "page_url",
    "current_url",
    "policy",
    "marketing",
    "form_token",
    "idempotency_key",
    "car",
    "company_site",
    "website",
    "csrf_token",
    "smart-token",
];

/// The name of a call-back widget's form, as the platform writes it.
const WIDGET: &str = "Виджет обратного звонка CallTouch";
/// What a person did who left his number in such a widget.
const WIDGET_ASKED: &str = "Посетитель оставил номер в виджете обратного звонка и попросил перезвонить.";

/// What the visitor must mend, by field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub(crate) errors: BTreeMap<String, String>,
}

/// Fields by name; of two with one name the last counts, as in PHP.
#[derive(Debug, Clone, Default)]
pub(crate) struct Fields(BTreeMap<String, String>);

impl Fields {
    pub(crate) fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let cut = |value: String| value.chars().filter(|c| *c != '\0').take(VALUE_LIMIT).collect();
        Self(pairs.into_iter().take(200).map(|(name, value)| (name, cut(value))).collect())
    }

    /// A field's text without spaces around it; `None` when empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The form's name as far as it can stand in an address.
    pub(super) fn form_key(&self) -> String {
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        self.get("form_name").unwrap_or_default().chars().filter(plain).take(64).collect()
    }

    /// The trap that was filled in, if any.
    pub(super) fn honeypot(&self) -> Option<&'static str> {
        TRAPS.into_iter().find(|name| self.get(name).is_some())
    }

    /// What is shown again in the form.
    pub(super) fn shown(&self) -> BTreeMap<&str, &str> {
        let hidden = |name: &str| matches!(name, "form_token" | "policy" | "company_site" | "website");
        self.0.iter().filter(|(name, _)| !hidden(name)).map(|(n, v)| (n.as_str(), v.as_str())).collect()
    }

    /// Path and query of the page that the form was on, if it is a page of this host.
    pub(super) fn page_path(&self, origin: &Origin) -> Option<String> {
        let url = self.get("page_url").or_else(|| self.get("current_url"))?;
        let path = url.strip_prefix(&origin.base()).unwrap_or(url);
        let local = path.starts_with('/') && !path.starts_with("//") && !path.contains(['\\', '\r', '\n']);
        local.then(|| path.split('#').next().unwrap_or(path).to_owned())
    }

    /// Judges the fields and makes the lead.
    pub(crate) fn draft(
        &self,
        place: &Place,
        site: &Snapshot,
        origin: &Origin,
        user_agent: Option<String>,
    ) -> Result<LeadDraft, Invalid> {
        let texts = Texts::of(site);
        let mut errors = BTreeMap::new();
        // The PHP platform asks a phone for 7 to 15 digits and nothing else.
        let read = if site.config().legacy.is_some() { Phone::as_typed } else { Phone::parse };
        let phone = self.get("phone").and_then(|text| keep(read(text), "phone", texts.phone, &mut errors));
        let email =
            self.get("email").and_then(|text| keep(Email::parse(text), "email", texts.email, &mut errors));
        let required = match &site.config().legacy {
            Some(_) => super::legacy::required(site),
            None => vec!["phone"],
        };
        let mut odd_name = None;
        let name = self.get("name").and_then(|text| match PersonName::parse(text) {
            // The PHP platform asks nothing of a name that need not be given: what was typed is kept as it is.
            Err(_) if site.config().legacy.is_some() && !required.contains(&"name") => {
                odd_name = Some(text.to_owned());
                None
            }
            parsed => keep(parsed, "name", texts.name, &mut errors),
        });
        let known = [("phone", texts.phone), ("email", texts.email), ("name", texts.name)];
        for (field, text) in known.iter().filter(|(field, _)| required.contains(field)) {
            if self.get(field).is_none() {
                errors.insert((*field).to_owned(), (*text).to_owned());
            }
        }
        if self.get("policy") != Some("on") {
            errors.insert("policy".to_owned(), texts.policy.to_owned());
        }
        if !errors.is_empty() {
            return Err(Invalid { errors });
        }
        let page_url = self.get("page_url").or_else(|| self.get("current_url")).unwrap_or("").to_owned();
        let form = self.get("form_name").unwrap_or("form").to_owned();
        let consents = agreements(place, origin, user_agent, &page_url, self.get("marketing") == Some("on"));
        let mut fields = self.others();
        fields.extend(odd_name.map(|name| ("name".to_owned(), name)));
        let trap = self.honeypot().map(|field| Signal::Trap { field: field.to_owned() });
        Ok(LeadDraft {
            site_id: place.site_id,
            intent: self.intent(&form),
            name,
            phone,
            email,
            comment: self.get("message").or_else(|| self.get("comment")).unwrap_or("").to_owned(),
            subject: self.subject(site),
            amount: None,
            source: LeadSource {
                channel: Channel::Form { form },
                page_url: page_url.clone(),
                referrer: self.get("referrer").map(str::to_owned),
                utm: self.utm(&page_url),
                visit_id: self.get("visit_id").and_then(|id| id.parse().ok()),
            },
            consents,
            fields,
            files: Vec::new(),
            signals: trap.into_iter().collect(),
            idempotency_key: self.get("idempotency_key").map(|key| key.chars().take(128).collect()),
            test: false,
        })
    }

    /// The lead of a contact that was left in a call-back widget; `None` without a phone. The widget shows a text of its
    /// own to agree to: what is noted is that the person asked to be called.
    pub(super) fn widget_draft(
        &self,
        place: &Place,
        origin: &Origin,
        user_agent: Option<String>,
    ) -> Option<LeadDraft> {
        let phone = self.get("phone").and_then(|text| Phone::as_typed(text).ok())?;
        let page_url = self.get("page_url").or_else(|| self.get("current_url")).unwrap_or("").to_owned();
        let mut consents = agreements(place, origin, user_agent, &page_url, false);
        for consent in &mut consents {
            consent.text = WIDGET_ASKED.to_owned();
            consent.version = "widget".to_owned();
        }
        let named = self.get("name").map(PersonName::parse);
        let mut fields = self.others();
        fields.remove("csrf_token");
        if let (Some(Err(_)), Some(typed)) = (&named, self.get("name")) {
            fields.insert("name".to_owned(), typed.to_owned());
        }
        Some(LeadDraft {
            site_id: place.site_id,
            intent: Intent::Callback,
            name: named.and_then(Result::ok),
            phone: Some(phone),
            email: None,
            comment: self.get("message").or_else(|| self.get("comment")).unwrap_or("").to_owned(),
            subject: None,
            amount: None,
            source: LeadSource {
                channel: Channel::Widget { widget: WIDGET.to_owned() },
                page_url: page_url.clone(),
                referrer: self.get("referrer").map(str::to_owned),
                utm: self.utm(&page_url),
                visit_id: self.get("visit_id").and_then(|id| id.parse().ok()),
            },
            consents,
            fields,
            files: Vec::new(),
            signals: Vec::new(),
            idempotency_key: self
                .get("idempotency_key")
                .map(|key| format!("widget-{}", key.chars().take(120).collect::<String>())),
            test: false,
        })
    }

    /// The fields that have no place of their own.
    pub(super) fn others(&self) -> BTreeMap<String, String> {
        let others =
            self.0.iter().filter(|(field, value)| !OWN.contains(&field.as_str()) && !value.trim().is_empty());
        others.map(|(field, value)| (field.clone(), value.trim().to_owned())).collect()
    }

    fn intent(&self, form: &str) -> Intent {
        let named = self.get("intent").and_then(Intent::from_code);
        named.or_else(|| Intent::from_code(&form.replace('-', "_"))).unwrap_or(Intent::Other)
    }

    /// The stock item that the form is about, by VIN or key.
    fn subject(&self, site: &Snapshot) -> Option<Subject> {
        let key = self.get("car")?;
        let title = site.entity_title(key).unwrap_or_else(|| key.to_owned());
        Some(Subject { key: key.chars().take(100).collect(), title })
    }

    /// Advertising marks: of the fields, else of the page's address.
    pub(super) fn utm(&self, page_url: &str) -> Utm {
        let own = Utm::from_pairs(self.0.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        if own != Utm::default() {
            return own;
        }
        crate::chat::visit::utm_of(page_url)
    }
}

/// What the sender of a form agreed to: processing, and advertising where he ticked it and the site offers it.
pub(super) fn agreements(
    place: &Place,
    origin: &Origin,
    user_agent: Option<String>,
    page_url: &str,
    advertising: bool,
) -> Vec<ConsentDraft> {
    let consent = ConsentDraft {
        purpose: ConsentPurpose::Processing,
        text: place.consent_text.clone(),
        version: place.consent_version.clone(),
        url: place.consent_url.clone(),
        page_url: page_url.to_owned(),
        ip: Some(origin.ip.to_string()),
        user_agent,
    };
    let agreed = place.marketing.as_ref().filter(|_| advertising);
    let marketing = agreed.map(|marketing| ConsentDraft {
        purpose: ConsentPurpose::Marketing,
        text: marketing.text.clone(),
        version: marketing.version.clone(),
        url: marketing.url.clone(),
        ..consent.clone()
    });
    std::iter::once(consent).chain(marketing).collect()
}

fn keep<T, E>(
    parsed: Result<T, E>,
    field: &str,
    text: &str,
    errors: &mut BTreeMap<String, String>,
) -> Option<T> {
    if parsed.is_err() {
        errors.insert(field.to_owned(), text.to_owned());
    }
    parsed.ok()
}

/// The language of the site's texts.
pub(crate) fn language(site: &Snapshot) -> &str {
    site.config().default_language.as_deref().unwrap_or("ru")
}

struct Texts {
    phone: &'static str,
    email: &'static str,
    name: &'static str,
    policy: &'static str,
}

impl Texts {
    fn of(site: &Snapshot) -> Self {
        if site.config().legacy.is_some() {
            return Self {
                phone: "Неверный телефон",
                email: "Неверный E-mail",
                name: "Укажите имя",
                policy: "Согласитесь с политикой",
            };
        }
        if language(site) == "en" {
            return Self {
                phone: "Enter a phone number, for example +7 910 123-45-67",
                email: "Check the e-mail address",
                name: "Enter a name of at least two letters, without digits",
                policy: "Please agree to the processing of personal data",
            };
        }
        Self {
            phone: "Укажите телефон, например +7 910 123-45-67",
            email: "Проверьте адрес почты",
            name: "Напишите имя: не меньше двух букв, без цифр",
            policy: "Отметьте согласие на обработку персональных данных",
        }
    }
}

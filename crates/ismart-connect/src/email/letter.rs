//! From a lead to a letter.

use std::time::SystemTime;

use ismart_domain::lead::Lead;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use sha2::{Digest as _, Sha256};

use super::settings::Settings;
use crate::story::story;
use crate::text::{cut, one_line};

/// Longer subjects are cut by mail programs.
const SUBJECT_LIMIT: usize = 150;

/// The letter.
///
/// # Errors
/// Why none can be made of this lead.
pub(super) fn write(lead: &Lead, settings: &Settings) -> Result<Message, String> {
    let mut letter = Message::builder()
        .from(settings.from.clone())
        .subject(subject(lead, settings))
        .date(SystemTime::from(lead.accepted_at))
        .message_id(Some(message_id(lead, settings)))
        // No machine answers a machine.
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for to in &settings.to {
        letter = letter.to(Mailbox::new(None, to.clone()));
    }
    if let Some(person) = reply_to(lead) {
        letter = letter.reply_to(person);
    }
    let body = MultiPart::alternative_plain_html(plain(lead, settings), html(lead, settings));
    letter.multipart(body).map_err(|error| format!("no letter can be made of the lead: {error}"))
}

/// A text of a few lines to people, the first one its subject.
///
/// # Errors
/// Why none can be made of this text.
pub(super) fn notice(text: &str, settings: &Settings) -> Result<Message, String> {
    let heading = one_line(text.lines().next().unwrap_or_default());
    let mark = hex::encode(Sha256::digest(text).get(..12).unwrap_or_default());
    let mut letter = Message::builder()
        .from(settings.from.clone())
        .subject(cut(&heading, SUBJECT_LIMIT))
        .message_id(Some(format!("<notice-{mark}@{}>", settings.from.email.domain())))
        .raw_header(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
    for to in &settings.to {
        letter = letter.to(Mailbox::new(None, to.clone()));
    }
    letter
        .singlepart(SinglePart::plain(text.to_owned()))
        .map_err(|error| format!("no letter can be made of the text: {error}"))
}

/// The same for every attempt, and another one for other recipients.
pub(super) fn message_id(lead: &Lead, settings: &Settings) -> String {
    let to: Vec<String> = settings.to.iter().map(ToString::to_string).collect();
    let digest = Sha256::digest(format!("{} {}", settings.from.email, to.join(",")));
    let mark = hex::encode(digest.get(..4).unwrap_or_default());
    format!("<{}.{mark}@{}>", lead.origin_id(), settings.from.email.domain())
}

/// The person, so that “answer” reaches him.
pub(super) fn reply_to(lead: &Lead) -> Option<Mailbox> {
    let email = lead.draft.email.as_ref()?.as_str();
    // Other letters in an address need a server that takes them; the address stands in the text all the same.
    let address: Address = email.is_ascii().then(|| email.parse().ok()).flatten()?;
    let name = lead.draft.name.as_ref().map(|name| cut(&one_line(name.as_str()), 100));
    Some(Mailbox::new(name, address))
}

pub(super) fn subject(lead: &Lead, settings: &Settings) -> String {
    let test = if lead.draft.test { "Тест. " } else { "" };
    let prefix = settings.subject_prefix.as_deref().map(|prefix| format!("{prefix} ")).unwrap_or_default();
    let title = lead.title();
    let number = if title.contains('№') { String::new() } else { format!(" (№ {})", lead.number) };
    cut(&one_line(&format!("{prefix}{test}{title}{number}")), SUBJECT_LIMIT)
}

/// One line each for name and value; what is no pair stays whole.
fn lines(lead: &Lead, settings: &Settings) -> Vec<String> {
    let clean = |line: String| -> String {
        line.replace("\r\n", "\n")
            .replace('\r', "\n")
            .chars()
            .filter(|c| *c == '\n' || !c.is_control())
            .collect()
    };
    story(lead, true, settings.comment.as_deref()).into_iter().map(clean).collect()
}

pub(super) fn plain(lead: &Lead, settings: &Settings) -> String {
    lines(lead, settings).join("\n")
}

/// Tables and inline styles: mail programs know little else.
fn html(lead: &Lead, settings: &Settings) -> String {
    let mut lines = lines(lead, settings).into_iter();
    let heading = escape(&lines.next().unwrap_or_default());
    let row = |line: String| {
        let (name, value) = line.split_once(": ").unwrap_or(("", &line));
        let value = escape(value).replace('\n', "<br>");
        let value = match lead.draft.phone.as_ref().filter(|phone| phone.e164() == value) {
            Some(phone) => {
                format!("<a href=\"tel:{}\" style=\"color:#0b57d0\">{}</a>", phone.e164(), phone.pretty())
            }
            None => value,
        };
        format!(
            "<tr><th scope=\"row\" style=\"text-align:left;vertical-align:top;padding:6px 16px 6px 0;color:#5f6368;\
             font-weight:normal\">{}</th><td style=\"padding:6px 0;color:#202124\">{value}</td></tr>\n",
            escape(name)
        )
    };
    let rows: String = lines.map(row).collect();
    format!(
        "<!doctype html><html lang=\"ru\"><head><meta charset=\"utf-8\"><title>{heading}</title></head>\
         <body style=\"margin:0;padding:16px;background:#ffffff;font-family:Arial,sans-serif;font-size:16px;\
         line-height:1.45\"><h1 style=\"font-size:20px;margin:0 0 12px;color:#202124\">{heading}</h1>\n\
         <table role=\"presentation\" style=\"border-collapse:collapse\">\n{rows}</table></body></html>"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

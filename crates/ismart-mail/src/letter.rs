//! One letter.

use mail_parser::{Address, MessageParser, MimeHeaders as _};

/// The longest text that is kept, characters.
const LONGEST: usize = 64 * 1024;
/// The most attachments that are looked at.
const MOST: usize = 20;

/// What a letter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// Its `Message-ID` without angle brackets.
    pub message_id: Option<String>,
    /// Who sent it.
    pub from: Option<Sender>,
    /// Whom an answer is for, where that is somebody else.
    pub reply_to: Option<Sender>,
    /// What it is about.
    pub subject: String,
    /// Its text; of one that is only a page, the page's text.
    pub text: String,
    /// Why it was written by a program and not to be answered: `auto-replied`, `bounce`.
    pub automatic: Option<String>,
    /// Files that came with it.
    pub attachments: Vec<Attachment>,
}

/// Somebody with an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    /// As he calls himself.
    pub name: Option<String>,
    /// His address.
    pub address: String,
}

/// A file of a letter.
#[derive(Clone, PartialEq, Eq)]
pub struct Attachment {
    /// As the sender calls it.
    pub name: String,
    /// What it holds.
    pub content: Vec<u8>,
}

impl std::fmt::Debug for Attachment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attachment").field("name", &self.name).field("bytes", &self.content.len()).finish()
    }
}

/// The bytes are no letter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is no letter: it begins with no header such as `From:`")]
pub struct LetterError;

impl Letter {
    /// Reads a letter as it lies in a mailbox or in a `.eml` file.
    ///
    /// # Errors
    /// [`LetterError`] when the bytes have no header of a letter.
    pub fn read(bytes: &[u8]) -> Result<Self, LetterError> {
        let message = MessageParser::default().parse(bytes).ok_or(LetterError)?;
        let from = message.from().and_then(sender);
        if from.is_none() && message.subject().is_none() && message.message_id().is_none() {
            return Err(LetterError);
        }
        let reply_to = message.reply_to().and_then(sender);
        let texts: Vec<String> = (0..message.text_body_count())
            .filter_map(|at| message.body_text(at))
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect();
        let text: String = texts.join("\n").replace("\r\n", "\n").chars().take(LONGEST).collect();
        let attachments = message
            .attachments()
            .filter(|part| part.content_disposition().is_some_and(mail_parser::ContentType::is_attachment))
            .take(MOST)
            .map(|part| Attachment {
                name: part.attachment_name().unwrap_or("file").to_owned(),
                content: part.contents().to_vec(),
            })
            .collect();
        let header = |name: &'static str| message.header_raw(name).map(|text| text.trim().to_lowercase());
        let automatic = header("Auto-Submitted").filter(|text| text != "no").or_else(|| {
            let address = from.as_ref().map(|from| from.address.to_lowercase()).unwrap_or_default();
            let bounced = address.starts_with("mailer-daemon@") || address.starts_with("postmaster@");
            let empty = header("Return-Path").is_some_and(|path| path == "<>");
            (bounced || empty).then(|| "bounce".to_owned())
        });
        Ok(Self {
            message_id: message.message_id().map(str::to_owned).filter(|id| !id.is_empty()),
            from,
            reply_to,
            subject: message.subject().unwrap_or_default().trim().to_owned(),
            text,
            automatic,
            attachments,
        })
    }
}

fn sender(address: &Address<'_>) -> Option<Sender> {
    let first = address.iter().find(|one| one.address().is_some())?;
    let name = first.name().map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
    Some(Sender { name, address: first.address()?.trim().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_in_any_encoding_says_what_it_says() {
        let letter = "From: =?windows-1251?B?yOLg7Q==?= <ivan@mail.ru>\r\nReply-To: buyer@mail.ru\r\n\
            Subject: =?UTF-8?B?0JfQsNGP0LLQutCw?=\r\nMessage-ID: <a1@mail.ru>\r\n\
            Content-Type: text/plain; charset=windows-1251\r\nContent-Transfer-Encoding: base64\r\n\r\n\
            0uXr5fTu7TogKzcgOTEwIDEyMy00NS02Nw==\r\n";
        let letter = Letter::read(letter.as_bytes()).unwrap();
        assert_eq!(letter.from, Some(Sender { name: Some("Иван".into()), address: "ivan@mail.ru".into() }));
        assert_eq!(letter.reply_to.map(|to| to.address).as_deref(), Some("buyer@mail.ru"));
        assert_eq!((letter.subject.as_str(), letter.text.as_str()), ("Заявка", "Телефон: +7 910 123-45-67"));
        assert_eq!(letter.message_id.as_deref(), Some("a1@mail.ru"));
        assert_eq!(letter.automatic, None);
    }

    #[test]
    fn a_page_becomes_text_and_files_are_found() {
        let letter = "From: a@b.ru\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\n\
            --z\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>Имя: <b>Иван</b></p><p>Телефон: 8 910 123-45-67</p>\r\n\
            --z\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment; filename=\"doc.pdf\"\r\n\
            Content-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQ=\r\n\
            --z\r\nContent-Type: image/png\r\nContent-Disposition: inline; filename=logo.png\r\n\r\nx\r\n--z--\r\n";
        let letter = Letter::read(letter.as_bytes()).unwrap();
        assert!(letter.text.contains("Имя: Иван"), "{}", letter.text);
        assert!(letter.text.contains("Телефон: 8 910 123-45-67"), "{}", letter.text);
        assert_eq!(
            letter.attachments,
            [Attachment { name: "doc.pdf".into(), content: b"%PDF-1.4".to_vec() }]
        );
    }

    #[test]
    fn programs_that_write_by_themselves_are_recognised() {
        let automatic =
            |head: &str| Letter::read(format!("{head}\r\n\r\ntext").as_bytes()).unwrap().automatic;
        assert_eq!(
            automatic("From: a@b.ru\r\nAuto-Submitted: auto-replied").as_deref(),
            Some("auto-replied")
        );
        assert_eq!(automatic("From: MAILER-DAEMON@b.ru\r\nSubject: failed").as_deref(), Some("bounce"));
        assert_eq!(automatic("From: a@b.ru\r\nReturn-Path: <>").as_deref(), Some("bounce"));
        assert_eq!(automatic("From: a@b.ru\r\nAuto-Submitted: no"), None);
    }

    #[test]
    fn what_is_no_letter_is_refused() {
        for bytes in [&b""[..], b"\0\0\0", b"just words", b"\r\n\r\n"] {
            assert_eq!(Letter::read(bytes), Err(LetterError), "{bytes:?}");
        }
    }
}

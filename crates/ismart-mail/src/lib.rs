//! Letters: what one says, read from its bytes, and mailboxes looked into over IMAP without changing anything there.
//! Promises: `mail.contract.md`.
//!
//! ```
//! use ismart_mail::Letter;
//!
//! let letter = Letter::read(b"From: Ivan <ivan@mail.ru>\r\nSubject: Car\r\nMessage-ID: <1@mail.ru>\r\n\r\nCall me\r\n").unwrap();
//! assert_eq!(letter.message_id.as_deref(), Some("1@mail.ru"));
//! assert_eq!(letter.from.unwrap().address, "ivan@mail.ru");
//! assert_eq!(letter.text, "Call me");
//! ```

mod letter;
mod mailbox;

pub use letter::{Attachment, Letter, LetterError, Sender};
pub use mailbox::{Account, Fetched, Mailbox, MailboxError, Place, Security};

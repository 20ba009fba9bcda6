//! A letter comes in: its files are laid, and one transaction makes the lead, or what a person reads, and says how far the
//! mailbox has been read.

use std::sync::Arc;

use ismart_mail::Letter;
use ismart_store::mailboxes::{self, MailboxState};
use ismart_store::{Store, Tx, sha256_hex};

use super::door::{Door, Guard};
use super::kinds::FileKind;
use super::letters::{AttachedFile, Own, letter_draft};
use super::receive::{Arrival, Received, receive};
use super::shelf::{Laid, Shelf};
use crate::AcceptError;

/// The largest file of a letter that is kept, bytes.
const LARGEST: usize = 20 * 1024 * 1024;

/// Takes a letter in. `cut` says that only its head could be had; `place` is kept with it.
///
/// # Errors
/// [`AcceptError::Store`]: nothing was written, and the letter has to come again.
pub async fn take_letter(
    store: &Store,
    shelf: &Shelf,
    door: &Arc<Door>,
    destinations: &[String],
    bytes: Vec<u8>,
    cut: bool,
    place: Option<MailboxState>,
) -> Result<Received, AcceptError> {
    let (arrival, laid) = arrival(store, shelf, door, &bytes, cut);
    let (door, destinations, trace_id) = (door.clone(), destinations.to_vec(), store.env().new_id());
    let written: Result<Received, AcceptError> = store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                let received = receive(tx, &door, &destinations, arrival, trace_id).await?;
                if let Some(place) = place {
                    mailboxes::put(tx, door.site.client_id, &door.name, &place).await?;
                }
                Ok(received)
            })
        })
        .await;
    // A letter that came before has its files already; of a commit that nobody knows of the sweep knows.
    let stay = match &written {
        Ok(Received::Lead(accepted)) => !accepted.repeated,
        Ok(Received::Unread(_)) | Err(AcceptError::Store(_)) => true,
        Err(_) => false,
    };
    if stay {
        laid.into_iter().for_each(Laid::keep);
    }
    written
}

fn arrival(store: &Store, shelf: &Shelf, door: &Door, bytes: &[u8], cut: bool) -> (Arrival, Vec<Laid>) {
    let shown = String::from_utf8_lossy(bytes).into_owned();
    let Ok(letter) = Letter::read(bytes) else {
        return (
            Arrival::unreadable(door, &shown, "message/rfc822", &shown, super::Unfit::NoLetter),
            Vec::new(),
        );
    };
    let id = letter.message_id.clone().unwrap_or_else(|| sha256_hex(&shown));
    let key = format!("mail-{}-{}", door.name, sha256_hex(&id));
    let (laid, attached) = lay(store, shelf, door, &letter);
    let files = laid.iter().map(|laid| laid.file.clone()).collect();
    let own = match &door.guard {
        Guard::Mailbox(plan) => Own { addresses: vec![plan.user.clone()] },
        _ => Own::default(),
    };
    let draft = if cut {
        Err(super::Unfit::TooLarge)
    } else {
        letter_draft(&letter, door, &own, key.clone(), attached)
    };
    let arrival =
        Arrival { key, media_type: "message/rfc822".to_owned(), body: summary(&letter), draft, files };
    (arrival, laid)
}

/// What a person reads of a letter.
fn summary(letter: &Letter) -> String {
    let who = letter.reply_to.as_ref().or(letter.from.as_ref());
    let who = who.map(|who| match &who.name {
        Some(name) => format!("{name} <{}>", who.address),
        None => who.address.clone(),
    });
    format!("From: {}\nSubject: {}\n\n{}", who.unwrap_or_default(), letter.subject, letter.text)
}

/// Lays the files of a letter; what is not taken is told in words.
fn lay(store: &Store, shelf: &Shelf, door: &Door, letter: &Letter) -> (Vec<Laid>, Vec<AttachedFile>) {
    let (mut laid, mut attached): (Vec<Laid>, Vec<AttachedFile>) = (Vec::new(), Vec::new());
    for attachment in &letter.attachments {
        let name: String = attachment.name.chars().take(100).collect();
        if attachment.content.len() > LARGEST {
            attached.push(Err(format!("{name}: larger than {} MB", LARGEST / 1024 / 1024)));
            continue;
        }
        let written = shelf.begin(door.site.client_id, &attachment.name).and_then(|mut incoming| {
            incoming.write(&attachment.content)?;
            incoming.finish(store.env())
        });
        match written {
            Ok(Some(one)) if laid.iter().any(|known| known.file.sha256 == one.file.sha256) => {}
            Ok(Some(one)) => {
                attached.push(Ok(one.file.clone()));
                laid.push(one);
            }
            Ok(None) => attached.push(Err(format!("{name}: taken are only {}", FileKind::taken()))),
            Err(error) => {
                tracing::error!(error = %error, door = door.name, "a file of a letter could not be stored");
                attached.push(Err(format!("{name}: could not be stored, it is still in the mailbox")));
            }
        }
    }
    (laid, attached)
}

//! Files of forms: taken piece by piece to the disk, judged by their content, and kept only with the lead that names them.

use std::io;
use std::sync::Arc;

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{DefaultBodyLimit, FromRequest, Multipart, Request};
use axum::http::StatusCode;
use ismart_domain::ClientId;
use ismart_domain::lead::LeadDraft;
use ismart_leads::intake::{FileKind, Incoming, Laid, attach};
use ismart_leads::{AcceptError, Accepted};
use ismart_sites::Snapshot;
use ismart_store::{StoreError, Tx};

use super::fields::{Fields, language};
use super::reading::{Unread, explain};
use crate::BODY_LIMIT;
use crate::origin::{Asked, Origin};
use crate::platform::Platform;

const MB: u64 = 1024 * 1024;
/// What is read and thrown away of a body that is too large, so that its sender hears why it was refused.
const DRAINED: usize = 256 * 1024 * 1024;
/// The most parts of a form.
const PARTS: usize = 400;

/// A form as it came.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    pub(crate) fields: Fields,
    /// Files in their place, gone again unless a lead keeps them.
    pub(crate) files: Vec<Laid>,
}

/// How large files of a site's forms may be: `[forms] file_mb`, `post_mb`, `files`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FileRules {
    /// One file, bytes.
    most: u64,
    /// All files of a form, bytes.
    all: u64,
    /// How many; 0 takes none.
    count: usize,
}

impl FileRules {
    pub(crate) fn of(site: &Snapshot) -> Self {
        let forms = site.config().section("forms");
        let number = |key: &str, usual: u64, most: u64| {
            let found = forms.and_then(|table| table.get(key)).and_then(toml::Value::as_integer);
            found.and_then(|number| u64::try_from(number).ok()).unwrap_or(usual).min(most)
        };
        let most = number("file_mb", 10, 200) * MB;
        let all = number("post_mb", 25, 240) * MB;
        Self { most, all, count: usize::try_from(number("files", 5, 50)).unwrap_or(0) }
    }
}

/// Why files were not taken.
#[derive(Debug)]
enum Fault {
    None,
    TooLarge,
    TooMany,
    Kind(String),
}

/// Reads a form with files.
pub(super) async fn read(
    mut request: Request,
    platform: &Arc<Platform>,
    asked: &Asked,
) -> Result<Sent, Unread> {
    let rules = FileRules::of(&asked.site);
    DefaultBodyLimit::max(DRAINED).apply(&mut request);
    let unreadable = |error: &MultipartError| explain(error.status(), &error.body_text());
    let parts = Multipart::from_request(request, &()).await;
    let mut parts = parts.map_err(|error| explain(error.status(), &error.body_text()))?;
    let (mut pairs, mut text_left) = (Vec::new(), BODY_LIMIT);
    let mut taking =
        Taking { rules, client_id: asked.place.client_id, files: Vec::new(), left: rules.all, fault: None };
    let mut seen = 0_usize;
    while let Some(mut part) = parts.next_field().await.map_err(|error| unreadable(&error))? {
        seen += 1;
        if seen > PARTS {
            return Err((StatusCode::BAD_REQUEST, format!("A form has at most {PARTS} fields.")));
        }
        let name = part.name().unwrap_or_default().to_owned();
        // Browsers send a file that nobody chose as one without a name.
        if let Some(file) = part.file_name().filter(|file| !file.is_empty()).map(str::to_owned) {
            taking.take(platform, &mut part, &file).await.map_err(|failed| match failed {
                Failed::Line(error) => unreadable(&error),
                Failed::Disk(error) => disk(asked, &error),
            })?;
            continue;
        }
        let mut text = Vec::new();
        while let Some(piece) = part.chunk().await.map_err(|error| unreadable(&error))? {
            text_left = text_left
                .checked_sub(piece.len())
                .ok_or_else(|| explain(StatusCode::PAYLOAD_TOO_LARGE, ""))?;
            text.extend_from_slice(&piece);
        }
        pairs.push((name, String::from_utf8_lossy(&text).into_owned()));
    }
    if let Some(fault) = &taking.fault {
        return Err(refusal(fault, &rules, language(&asked.site) == "en"));
    }
    Ok(Sent { fields: Fields::new(pairs), files: taking.files })
}

/// Files as they come in.
struct Taking {
    rules: FileRules,
    client_id: ClientId,
    files: Vec<Laid>,
    /// Bytes that may still come.
    left: u64,
    /// Once one file is refused, nothing more is written.
    fault: Option<Fault>,
}

enum Failed {
    Line(MultipartError),
    Disk(io::Error),
}

impl Taking {
    async fn take(&mut self, platform: &Platform, part: &mut Field<'_>, name: &str) -> Result<(), Failed> {
        if self.fault.is_none() && self.rules.count == 0 {
            self.fault = Some(Fault::None);
        }
        if self.fault.is_none() && self.files.len() >= self.rules.count {
            self.fault = Some(Fault::TooMany);
        }
        let mut incoming: Option<Incoming> = None;
        while let Some(piece) = part.chunk().await.map_err(Failed::Line)? {
            // What follows a refusal is thrown away as it comes.
            if self.fault.is_some() {
                incoming = None;
                continue;
            }
            let so_far = incoming.as_ref().map_or(0, Incoming::bytes);
            let length = u64::try_from(piece.len()).unwrap_or(u64::MAX);
            if so_far + length > self.rules.most || length > self.left {
                self.fault = Some(Fault::TooLarge);
                continue;
            }
            self.left -= length;
            let begun = match incoming.take() {
                Some(begun) => Ok(begun),
                None => platform.files.begin(self.client_id, name),
            };
            let mut begun = begun.map_err(Failed::Disk)?;
            // A piece is small: the disk's cache takes it at once.
            begun.write(&piece).map_err(Failed::Disk)?;
            incoming = Some(begun);
        }
        let Some(whole) = incoming.filter(|_| self.fault.is_none()) else { return Ok(()) };
        let (env, shown) = (platform.env.clone(), whole.name().chars().take(100).collect::<String>());
        // Flushing waits for the disk.
        let laid = tokio::task::spawn_blocking(move || whole.finish(&env)).await;
        match laid.map_err(|error| Failed::Disk(io::Error::other(error)))?.map_err(Failed::Disk)? {
            None => self.fault = Some(Fault::Kind(shown)),
            Some(laid) if self.files.iter().any(|known| known.file.sha256 == laid.file.sha256) => drop(laid),
            Some(laid) => self.files.push(laid),
        }
        Ok(())
    }
}

fn refusal(fault: &Fault, rules: &FileRules, english: bool) -> Unread {
    let (one, all, count) = (rules.most / MB, rules.all / MB, rules.count);
    match (fault, english) {
        (Fault::None, true) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Files are not taken here: send the form without the file. Nothing was stored.".to_owned(),
        ),
        (Fault::None, false) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            "Файлы здесь не принимаются: отправьте форму без файла. Ничего не сохранено.".to_owned(),
        ),
        (Fault::TooLarge, true) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "The files are too large: one may have up to {one} MB, all together {all} MB. Nothing was stored."
            ),
        ),
        (Fault::TooLarge, false) => (
            StatusCode::PAYLOAD_TOO_LARGE,
            format!(
                "Файлы слишком большие: один — до {one} МБ, все вместе — до {all} МБ. Ничего не сохранено."
            ),
        ),
        (Fault::TooMany, true) => {
            (StatusCode::UNPROCESSABLE_ENTITY, format!("Up to {count} files are taken. Nothing was stored."))
        }
        (Fault::TooMany, false) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("Можно приложить до {count} файлов. Ничего не сохранено."),
        ),
        (Fault::Kind(name), true) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                "The file “{name}” is of a kind that is not taken. Taken are: {}. Nothing was stored.",
                FileKind::taken()
            ),
        ),
        (Fault::Kind(name), false) => (
            StatusCode::UNPROCESSABLE_ENTITY,
            format!(
                "Файл «{name}» такого вида не принимается. Подойдут: {}. Ничего не сохранено.",
                FileKind::taken()
            ),
        ),
    }
}

fn disk(asked: &Asked, error: &io::Error) -> Unread {
    tracing::error!(error = %error, site = asked.place.slug, "a file of a form could not be stored");
    let full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
    let status = if full { StatusCode::INSUFFICIENT_STORAGE } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{} {}", super::texts(asked).store, asked.place.phone))
}

/// Says in the lead which files came with it, and where they open.
pub(super) fn name(platform: &Platform, origin: &Origin, draft: &mut LeadDraft, files: &[Laid]) {
    if files.is_empty() {
        return;
    }
    let console = match platform.options.console_hosts.first() {
        Some(host) => format!("{}://{host}", if platform.options.https { "https" } else { origin.scheme }),
        None => origin.base(),
    };
    draft.files = files.iter().map(|laid| laid.file.clone()).collect();
    let lines = draft.files.iter().map(|file| format!("{}: {console}/console/files/{}", file.name, file.id));
    draft.fields.insert("files".to_owned(), lines.collect::<Vec<_>>().join("\n"));
}

/// Stores a lead with its files. What no row names afterwards goes; what may have been named stays until it is known.
pub(super) async fn store(
    platform: &Platform,
    asked: &Asked,
    draft: LeadDraft,
    files: Vec<Laid>,
) -> Result<Accepted, AcceptError> {
    let (store, client_id) = (platform.store.clone(), asked.place.client_id);
    let (destinations, trace_id) = (asked.place.destinations.clone(), platform.env.new_id());
    // The sender may hang up: what he sent is then stored all the same, with its files.
    let storing = tokio::spawn(async move {
        let named: Vec<_> = files.iter().map(|laid| laid.file.clone()).collect();
        let stored: Result<_, AcceptError> = store
            .write(move |tx: &mut Tx| {
                Box::pin(async move {
                    let accepted =
                        ismart_leads::accept(tx, client_id, &destinations, draft, trace_id).await?;
                    let taken = attach(tx, client_id, accepted.lead.id, &named).await?;
                    Ok((accepted, taken))
                })
            })
            .await;
        for laid in files {
            let stays = match &stored {
                Ok((_, taken)) => taken.contains(&laid.file.id),
                // A commit of which nobody knows: the sweep at the next start does.
                Err(AcceptError::Store(_)) => true,
                Err(_) => false,
            };
            if stays {
                laid.keep();
            }
        }
        stored.map(|(accepted, _)| accepted)
    });
    storing.await.map_err(|_panicked| AcceptError::Store(StoreError::Stopped))?
}

//! Pictures that are sent: read piece by piece, bounded, judged before anything is written.

use std::sync::Arc;

use axum::extract::{FromRequest, Multipart, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use ismart_media::{LibraryError, Use};

use super::super::csrf;
use super::super::fault::Fault;
use super::super::local;
use super::super::page::Place;
use super::super::seat::{Picturing, Seat, Seated};
use super::{Shelf, Wish, blocking, make_sizes, missing, one, page, shelf};
use crate::origin::text;
use crate::platform::Platform;

/// The largest picture, bytes.
pub(in crate::console) const MOST: usize = 15 * 1024 * 1024;
/// The most pictures at once.
const FILES: usize = 20;
/// What is read and thrown away of a body that is too large, so that its sender hears why it was refused.
pub(in crate::console) const DRAINED: usize = 96 * 1024 * 1024;
/// The longest text field, bytes.
const FIELD: usize = 2000;

/// A form with pictures.
#[derive(Debug, Default)]
pub(super) struct Sent {
    csrf: String,
    site: String,
    purpose: String,
    files: Vec<(String, Vec<u8>)>,
    /// Names of pictures that were too large.
    too_large: Vec<String>,
}

/// Reads the form. A picture over the limit is not kept: its pieces are thrown away as they come.
async fn read(request: Request) -> Result<Sent, Fault> {
    let unreadable = |why: String| {
        tracing::debug!(reason = %why, "a form with pictures was unreadable");
        Fault::Invalid("fault.invalid.form")
    };
    let mut parts = Multipart::from_request(request, &()).await.map_err(|e| unreadable(e.body_text()))?;
    let (mut sent, mut kept) = (Sent::default(), 0_usize);
    loop {
        let part = match parts.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(sent),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                sent.too_large.push(String::new());
                return Ok(sent);
            }
            Err(error) => return Err(unreadable(error.body_text())),
        };
        let field = part.name().unwrap_or_default().to_owned();
        let file = part.file_name().map(|name| name.chars().take(200).collect::<String>());
        let limit = if file.is_some() { MOST.min((4 * MOST).saturating_sub(kept)) } else { FIELD };
        let content = match bounded(part, limit).await {
            Ok(content) => content,
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => None,
            Err(error) => return Err(unreadable(error.body_text())),
        };
        match (file, content) {
            (Some(name), None) => sent.too_large.push(name),
            (Some(name), Some(bytes)) if !bytes.is_empty() && sent.files.len() < FILES => {
                kept += bytes.len();
                sent.files.push((name, bytes));
            }
            (Some(_), Some(_)) => {}
            (None, content) => {
                let text = String::from_utf8(content.unwrap_or_default())
                    .or(Err(Fault::Invalid("fault.invalid.form")))?;
                match field.as_str() {
                    csrf::FIELD => sent.csrf = text,
                    "site" => sent.site = text,
                    "purpose" => sent.purpose = text,
                    _ => {}
                }
            }
        }
    }
}

/// The content of a part, or nothing when it is longer than the limit.
async fn bounded(
    mut part: axum::extract::multipart::Field<'_>,
    limit: usize,
) -> Result<Option<Vec<u8>>, axum::extract::multipart::MultipartError> {
    let mut content = Some(Vec::new());
    while let Some(piece) = part.chunk().await? {
        content = content.filter(|so_far: &Vec<u8>| so_far.len() + piece.len() <= limit);
        if let Some(content) = &mut content {
            content.extend_from_slice(&piece);
        }
    }
    Ok(content)
}

/// Reads the form of someone who may, from a page of ours.
pub(super) async fn received(seat: &Seat, request: Request) -> Result<Sent, Fault> {
    let headers = request.headers().clone();
    if !csrf::from_our_page(&headers, &seat.origin.host) {
        return Err(Fault::NotOurs);
    }
    let sent = read(request).await?;
    let given = text(&headers, csrf::HEADER).unwrap_or(&sent.csrf);
    if csrf::same(given, seat.session.csrf.reveal()) { Ok(sent) } else { Err(Fault::NotOurs) }
}

/// What became of pictures that were sent.
pub(super) struct Taken {
    /// Those that are in, below `data/img`.
    pub(super) paths: Vec<String>,
    /// Why the others are not.
    pub(super) refusals: Vec<String>,
    /// What that is in HTTP.
    pub(super) status: StatusCode,
}

/// Takes pictures in; their sizes are made beside the request.
pub(super) async fn take(
    platform: &Arc<Platform>,
    seat: &Seat,
    shelf: &Shelf,
    sent: Sent,
) -> Result<Taken, Fault> {
    let purpose = Use::named(&sent.purpose).ok_or(Fault::Invalid("fault.invalid.form"))?;
    let mut refusals: Vec<String> = sent.too_large.iter().map(|name| too_large(seat, name)).collect();
    let status =
        if refusals.is_empty() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::PAYLOAD_TOO_LARGE };
    let mut paths = Vec::new();
    for (name, bytes) in sent.files {
        let (library, given) = (shelf.library.clone(), name.clone());
        match blocking(move || library.add(&given, &bytes, purpose)).await? {
            Ok(path) => {
                tracing::info!(user.id = %seat.session.user.id, site = shelf.place.slug, path, "a picture was taken in");
                make_sizes(platform, shelf, path.clone());
                paths.push(path);
            }
            Err(LibraryError::Io(error)) => return Err(missing(&LibraryError::Io(error))),
            Err(refused) => refusals.push(refusal(seat, &name, &refused)),
        }
    }
    if refusals.is_empty() && paths.is_empty() {
        refusals.push(seat.texts().get("media.nothing_sent").to_owned());
    }
    Ok(Taken { paths, refusals, status })
}

/// `POST /console/media`: takes pictures in. When any is refused, the page says why; the others are in.
pub(in crate::console) async fn take_in(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Picturing>,
    request: Request,
) -> Result<Response, Fault> {
    let sent = received(&seat, request).await?;
    let shelf = shelf(&platform, &seat, &sent.site)?;
    let Taken { paths, refusals, status } = take(&platform, &seat, &shelf, sent).await?;
    if refusals.is_empty() && !paths.is_empty() {
        let place = format!("/console/media?site={}&told=added", local::encoded(&shelf.place.slug));
        return Ok(Redirect::to(&place).into_response());
    }
    let wish = Wish { site: shelf.place.slug.clone(), ..Wish::default() };
    let page = page(&platform, &seat, &wish, Some(refusals.join(" "))).await?;
    let title = seat.texts().get("nav.media");
    let html = seat.page(&platform, Place::Media, title, "media.twig", &page).await?;
    Ok((status, html).into_response())
}

/// `POST /console/media/{site}/replace/{path}`: another picture in the place of one.
pub(in crate::console) async fn replace(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Picturing>,
    Path((site, path)): Path<(String, String)>,
    request: Request,
) -> Result<Response, Fault> {
    let sent = received(&seat, request).await?;
    let shelf: Shelf = shelf(&platform, &seat, &site)?;
    let refused = match sent.files.into_iter().next() {
        None if sent.too_large.is_empty() => seat.texts().get("media.nothing_sent").to_owned(),
        None => too_large(&seat, sent.too_large.first().map_or("", String::as_str)),
        Some((name, bytes)) => {
            let (library, at) = (shelf.library.clone(), path.clone());
            match blocking(move || library.replace(&at, &bytes)).await? {
                Ok(()) => {
                    tracing::info!(user.id = %seat.session.user.id, site, path, "a picture was replaced");
                    make_sizes(&platform, &shelf, path.clone());
                    return Ok(super::back(&site, &path, "replaced").into_response());
                }
                Err(error @ (LibraryError::Missing(_) | LibraryError::Io(_))) => return Err(missing(&error)),
                Err(refused) => refusal(&seat, &name, &refused),
            }
        }
    };
    let status = if sent.too_large.is_empty() {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        StatusCode::PAYLOAD_TOO_LARGE
    };
    let page: Html<String> = one(&platform, &seat, &site, &path, Some(refused)).await?;
    Ok((status, page).into_response())
}

fn too_large(seat: &Seat, name: &str) -> String {
    let most = super::weight(seat, MOST as u64);
    let text = seat.texts().get("media.too_large").replace("{most}", &most);
    if name.is_empty() { text } else { format!("{name}: {text}") }
}

/// Why a picture was not taken, in the person's language where there is a text for it.
fn refusal(seat: &Seat, name: &str, refused: &LibraryError) -> String {
    use ismart_media::Refused;
    let texts = seat.texts();
    let why = match refused {
        LibraryError::Twin(path) => texts.get("media.twin").replace("{path}", path),
        LibraryError::OtherKind { needed, .. } => texts.get("media.other_kind").replace("{kind}", needed),
        LibraryError::Refused(Refused::Unknown) => texts.get("media.unknown").to_owned(),
        LibraryError::Refused(Refused::TooManyPixels { width, height }) => {
            texts.get("media.too_many_pixels").replace("{size}", &format!("{width} × {height}"))
        }
        LibraryError::Refused(Refused::Drawing(faults)) => {
            let found: Vec<String> = faults.iter().take(3).map(ToString::to_string).collect();
            texts.get("media.drawing").replace("{why}", &found.join("; "))
        }
        LibraryError::Refused(Refused::Damaged(_)) => texts.get("media.damaged").to_owned(),
        other => other.to_string(),
    };
    format!("{name}: {why}")
}

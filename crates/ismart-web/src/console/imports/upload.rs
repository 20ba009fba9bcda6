//! `POST /console/imports`: a file is taken in piece by piece and looked at; nothing becomes a lead before a person says so.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use axum::extract::{FromRequest, Multipart, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use ismart_leads::intake::import::{self, ImportError, Plan, Wanted};
use ismart_store::clients;
use ismart_store::imports::ImportState;
use ismart_tables::{Table, TableError};

use super::super::csrf;
use super::super::fault::Fault;
use super::super::seat::{Importing, Seat, Seated};
use super::list;
use crate::origin::text;
use crate::platform::Platform;

/// The largest file, bytes.
pub(super) const MOST: u64 = 64 * 1024 * 1024;
/// What is read and thrown away of a body that is too large, so that its sender hears why it was refused.
pub(in crate::console) const DRAINED: usize = 256 * 1024 * 1024;
/// The longest text field, bytes.
const FIELD: usize = 2000;

/// A form with a file.
struct Sent {
    csrf: String,
    site: String,
    file: Option<(String, tempfile::NamedTempFile)>,
    too_large: bool,
}

async fn read(request: Request, folder: &Path) -> Result<Sent, Fault> {
    let unreadable = |why: String| {
        tracing::debug!(reason = %why, "a form with a table was unreadable");
        Fault::Invalid("fault.invalid.form")
    };
    let disk = |error: &std::io::Error| {
        tracing::error!(error = %error, "a file of rows could not be kept");
        Fault::Store
    };
    let mut parts = Multipart::from_request(request, &()).await.map_err(|e| unreadable(e.body_text()))?;
    let mut sent = Sent { csrf: String::new(), site: String::new(), file: None, too_large: false };
    loop {
        let mut part = match parts.next_field().await {
            Ok(Some(part)) => part,
            Ok(None) => return Ok(sent),
            Err(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                sent.too_large = true;
                return Ok(sent);
            }
            Err(error) => return Err(unreadable(error.body_text())),
        };
        let field = part.name().unwrap_or_default().to_owned();
        let file =
            part.file_name().filter(|name| !name.is_empty()).map(|name| name.chars().take(200).collect());
        let mut bytes = 0_u64;
        let mut words = Vec::new();
        let mut kept = match &file {
            Some(_) => Some(tempfile::NamedTempFile::new_in(folder).map_err(|error| disk(&error))?),
            None => None,
        };
        while let Some(piece) = part.chunk().await.map_err(|error| unreadable(error.body_text()))? {
            bytes += u64::try_from(piece.len()).unwrap_or(u64::MAX);
            match &mut kept {
                Some(kept) if bytes <= MOST => kept.write_all(&piece).map_err(|error| disk(&error))?,
                Some(_) => sent.too_large = true,
                None if words.len() + piece.len() <= FIELD => words.extend_from_slice(&piece),
                None => return Err(Fault::Invalid("fault.invalid.form")),
            }
        }
        if let (Some(name), Some(kept)) = (file, kept) {
            sent.file = Some((name, kept)).filter(|_| bytes > 0);
            continue;
        }
        let words = String::from_utf8(words).or(Err(Fault::Invalid("fault.invalid.form")))?;
        match field.as_str() {
            csrf::FIELD => sent.csrf = words,
            "site" => sent.site = words,
            _ => {}
        }
    }
}

/// Takes a file in.
pub(in crate::console) async fn take_in(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<Importing>,
    request: Request,
) -> Result<Response, Fault> {
    let headers = request.headers().clone();
    if !csrf::from_our_page(&headers, &seat.origin.host) {
        return Err(Fault::NotOurs);
    }
    let folder = platform.options.files.with_file_name("imports").join(seat.client.id.to_string());
    std::fs::create_dir_all(&folder).map_err(|error| {
        tracing::error!(error = %error, "the folder of imports cannot be made");
        Fault::Store
    })?;
    let sent = read(request, &folder).await?;
    let given = text(&headers, csrf::HEADER).unwrap_or(&sent.csrf);
    if !csrf::same(given, seat.session.csrf.reveal()) {
        return Err(Fault::NotOurs);
    }
    let refused = |status: StatusCode, key: &str| (status, seat.texts().get(key).to_owned());
    let (status, why) = match sent {
        Sent { too_large: true, .. } => refused(StatusCode::PAYLOAD_TOO_LARGE, "imports.fault_large"),
        Sent { file: None, .. } => refused(StatusCode::UNPROCESSABLE_ENTITY, "imports.fault_none"),
        Sent { file: Some((name, kept)), site, .. } => {
            match begun(&platform, &seat, &site, name, kept).await? {
                Ok(id) => return Ok(Redirect::to(&format!("/console/imports/{id}")).into_response()),
                Err(error) => (StatusCode::UNPROCESSABLE_ENTITY, error.to_string()),
            }
        }
    };
    Ok((status, list(&platform, &seat, Some(why)).await?).into_response())
}

/// Looks at the file and keeps it until a person says what is to become of it.
async fn begun(
    platform: &Platform,
    seat: &Seat,
    site: &str,
    name: String,
    kept: tempfile::NamedTempFile,
) -> Result<Result<ismart_domain::ImportId, TableError>, Fault> {
    let sites = clients::sites(&mut platform.store.read().await?, seat.client.id).await?;
    let site =
        sites.into_iter().find(|found| found.slug == site).ok_or(Fault::Invalid("fault.invalid.form"))?;
    let basis = seat.texts().get("imports.usual_basis").to_owned();
    let looked = tokio::task::spawn_blocking(move || {
        let table = Table::open(kept.path())?;
        kept.as_file().sync_all()?;
        let sha256 = import::digest(kept.path())?;
        Ok::<_, TableError>((Plan::guess(table.headings(), basis, true), sha256, kept))
    });
    let (plan, sha256, kept) = match looked.await.or(Err(Fault::Broken))? {
        Ok(looked) => looked,
        Err(error) => return Ok(Err(error)),
    };
    let wanted = Wanted {
        id: platform.env.new_id(),
        client_id: seat.client.id,
        site_id: site.id,
        file_name: name,
        sha256,
        plan,
        made_by: seat.session.user.name.clone(),
    };
    let import = match import::begin(&platform.store, wanted, ImportState::Draft).await {
        Ok(import) => import,
        Err(ImportError::Store(error)) => return Err(error.into()),
        Err(_) => return Err(Fault::Broken),
    };
    kept.persist(platform.import_file(&import)).map_err(|failed| {
        tracing::error!(error = %failed.error, "a file of rows could not be kept");
        Fault::Store
    })?;
    Ok(Ok(import.id))
}

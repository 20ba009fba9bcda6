//! `GET /console/files/{id}`: a file that came with a lead, for the client's own people, to be saved and never shown.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use ismart_domain::FileId;
use ismart_domain::lead::FileRef;
use ismart_store::files;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use tokio::io::AsyncReadExt as _;

use super::fault::Fault;
use super::seat::{People, Seat, Seated};
use crate::platform::Platform;

/// How much is read from the disk at once, bytes.
const PIECE: usize = 64 * 1024;

/// A file in a list.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FileLine {
    id: String,
    name: String,
    weight: String,
}

impl FileLine {
    pub(super) fn of(seat: &Seat, file: &FileRef) -> Self {
        Self {
            id: file.id.to_string(),
            name: file.name.clone(),
            weight: super::media::weight(seat, file.bytes),
        }
    }
}

/// Sends a file.
pub(super) async fn download(
    State(platform): State<Arc<Platform>>,
    Seated(seat, ..): Seated<People>,
    Path(id): Path<String>,
) -> Result<Response, Fault> {
    let id: FileId = id.parse().or(Err(Fault::Missing))?;
    let client_id = seat.client.id;
    let file = files::get(&mut platform.store.read().await?, client_id, id).await?.ok_or(Fault::Missing)?;
    let path = platform.files.path(client_id, file.id, &file.sha256);
    let open = tokio::fs::File::open(&path).await.map_err(|error| {
        tracing::error!(error = %error, file.id = %file.id, "a file that a lead names is not there");
        Fault::Missing
    })?;
    tracing::info!(user.id = %seat.session.user.id, file.id = %file.id, "a file was taken out");
    let pieces = futures::stream::try_unfold(open, |mut open| async move {
        let mut piece = vec![0; PIECE];
        let read = open.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), open)))
    });
    let headers = [
        (header::CONTENT_TYPE, file.media_type.clone()),
        (header::CONTENT_LENGTH, file.bytes.to_string()),
        (header::CONTENT_DISPOSITION, disposition(&file.name)),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'".to_owned()),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// To be saved under its name, in the old way of writing it and in the new one.
fn disposition(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || ".-_ ".contains(c) { c } else { '_' }).collect();
    format!(
        "attachment; filename=\"{plain}\"; filename*=UTF-8''{}",
        utf8_percent_encode(name, NON_ALPHANUMERIC)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(
            disposition("резюме \"1\".pdf"),
            "attachment; filename=\"______ _1_.pdf\"; filename*=UTF-8''%D1%80%D0%B5%D0%B7%D1%8E%D0%BC%D0%B5%20%221%22%2Epdf"
        );
        assert!(!disposition("a\r\nSet-Cookie: b.pdf").contains(['\r', '\n']));
    }
}

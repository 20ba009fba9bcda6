//! Pages and files of client sites.

mod encoding;
mod errors;
mod range;
mod shelf;

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ismart_sites::{Answer, Cache, FileBody, Page, PerRequest};
use jiff::Timestamp;
use serde_json::{Value, json};
use twox_hash::XxHash3_128;

use crate::form_token;
use crate::live_reload;
use crate::origin::{Asked, Origin, text};
use crate::platform::Platform;
use crate::problem::Problem;
use range::Wanted;
pub(crate) use shelf::Shelf;

/// Answers any path that is not the platform's own with the site of the host.
pub(crate) async fn serve(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    if platform.console_only(&origin.host) {
        return Err(Problem::not_found("This host serves only the console: open /console/"));
    }
    let now = platform.env.now();
    let (head, path) = (request.method() == Method::HEAD, request.uri().path());
    let readable = head || request.method() == Method::GET;
    let page =
        shelf::Asked { snapshot: asked.site.number(), scheme: origin.scheme, host: &origin.host, path };
    let file = shelf::Asked { scheme: "https", host: "", ..page };
    let plain = readable && request.uri().query().is_none_or(str::is_empty);
    let part = request.headers().contains_key(header::RANGE);
    if plain && !part {
        let kept = platform.shelf.get(&page, now).or_else(|| platform.shelf.get(&file, now));
        if let Some(kept) = kept {
            return Ok(finish(kept.answer(request.headers()), head));
        }
    }
    let answer = answer(&platform, &origin, &asked, &request, now);
    platform.footfall.note(&asked, request.method(), path, request.headers(), &answer, now);
    let response = match answer {
        Answer::Page(page) if page.status >= 400 => errors::for_script(&page, &asked.site, request.headers())
            .unwrap_or_else(|| respond(Answer::Page(page), request.headers())),
        Answer::Page(page_answer) if plain && keepable(&page_answer, &origin) => {
            let kept = Arc::new(kept_page(*page_answer, now));
            platform.shelf.put(&page, &kept);
            kept.answer(request.headers())
        }
        Answer::File { body, content_type, cache, etag } if !part => {
            match kept_file(&platform, body, content_type, cache, &etag).await {
                Ok(kept) => {
                    platform.shelf.put(&file, &kept);
                    // Compressing well takes a while: not on the threads that answer others.
                    let headers = request.headers().clone();
                    tokio::task::spawn_blocking(move || kept.answer(&headers))
                        .await
                        .unwrap_or_else(|error| broken(&error))
                }
                Err(answer) => respond(*answer, request.headers()),
            }
        }
        other => respond(other, request.headers()),
    };
    Ok(finish(response, head))
}

fn broken(error: &dyn std::error::Error) -> Response {
    tracing::error!(error = %error, "a file could not be made ready");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The file could not be read.").into_response()
}

fn finish(response: Response, head: bool) -> Response {
    if head { without_body(response) } else { response }
}

fn answer(platform: &Platform, origin: &Origin, asked: &Asked, request: &Request, now: Timestamp) -> Answer {
    let token = form_token::issue(&platform.options.form_secret, now);
    let sent = request.uri().query().and_then(sent_form);
    let question = ismart_sites::Request {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query(),
        host: &origin.host,
        scheme: origin.scheme,
        // For files that are too large to be kept; what is kept compares tags itself, in every encoding.
        if_none_match: text(request.headers(), "if-none-match"),
        per_request: PerRequest {
            now,
            form_token: Some(&token),
            request_id: Some(&origin.request_id),
            form_state: sent.as_ref(),
        },
    };
    match asked.site.answer(&question) {
        Answer::Page(mut page) => {
            if let Some(shop) = platform.shop(asked.place.site_id) {
                crate::form::pay::dress(&mut page, &shop, &token);
            }
            if platform.options.watch {
                page.html = live_reload::with_tag(page.html);
            }
            Answer::Page(page)
        }
        answer => answer,
    }
}

/// Whether another visitor may see the same bytes: a page that succeeded and does not name this request.
fn keepable(page: &Page, origin: &Origin) -> bool {
    page.status == 200
        && page.failure.is_none()
        && memchr::memmem::find(page.html.as_bytes(), origin.request_id.as_bytes()).is_none()
}

fn kept_page(page: Page, now: Timestamp) -> shelf::Kept {
    let mut headers: HeaderMap =
        page.headers.iter().filter_map(|(name, value)| shelf::pair(name, value)).collect();
    page_headers(&mut headers);
    if let Some(links) = shelf::preloads(&page.html) {
        headers.insert(header::LINK, links);
    }
    // A tag tells versions of one page apart: it needs no secrecy, and SHA-256 took a tenth of the time of a page.
    let etag = format!("{:032x}", XxHash3_128::oneshot(page.html.as_bytes()));
    shelf::Kept::new(Bytes::from(page.html), &etag, headers, Some(shelf::minute(now)))
}

/// Reads a file that is small enough to be kept; otherwise gives the answer back.
async fn kept_file(
    platform: &Platform,
    body: FileBody,
    content_type: &'static str,
    cache: Cache,
    etag: &str,
) -> Result<Arc<shelf::Kept>, Box<Answer>> {
    let back = |body| Box::new(Answer::File { body, content_type, cache, etag: etag.to_owned() });
    let bytes = match body {
        FileBody::Memory(bytes) => bytes,
        FileBody::Disk { path, len } if len <= platform.shelf.largest() => {
            match read_whole(&path, len).await {
                Some(bytes) => bytes,
                None => return Err(back(FileBody::Disk { path, len })),
            }
        }
        disk @ FileBody::Disk { .. } => return Err(back(disk)),
    };
    let headers = [("content-type", content_type), ("cache-control", cache.header())];
    let headers = headers.iter().filter_map(|(name, value)| shelf::pair(name, value)).collect();
    Ok(Arc::new(shelf::Kept::new(bytes, etag, headers, None)))
}

/// The bytes of a file, unless it is no longer the one that was found when the site was loaded.
async fn read_whole(path: &Path, len: u64) -> Option<Bytes> {
    let bytes = tokio::fs::read(path).await.ok()?;
    (u64::try_from(bytes.len()).ok()? == len).then(|| Bytes::from(bytes))
}

/// What became of a form that was sent without a script: `?sent=NUMBER&form=NAME`, as the redirect says it.
fn sent_form(query: &str) -> Option<Value> {
    let value = |name: &str| {
        query.split('&').find_map(|pair| pair.split_once('=').filter(|(key, _)| *key == name)).map(|(_, v)| v)
    };
    let number: u64 = value("sent")?.parse().ok()?;
    let form = value("form")?;
    let plain = form.len() <= 64 && form.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    plain.then(|| json!({ "name": form, "sent": true, "number": number, "errors": {}, "values": {} }))
}

/// Turns a site's answer into HTTP; `asked` are the headers of the request.
pub(crate) fn respond(answer: Answer, asked: &HeaderMap) -> Response {
    match answer {
        Answer::Page(page) => page_response(*page),
        Answer::Redirect { status, location } => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::FOUND);
            match HeaderValue::from_str(&location) {
                Ok(location) => (status, [(header::LOCATION, location)]).into_response(),
                Err(_) => Problem::not_found("The address leads nowhere.").into_response(),
            }
        }
        Answer::File { body, content_type, cache, etag } => {
            file_response(body, content_type, cache, etag, asked)
        }
        Answer::NotModified { etag, cache } => {
            let headers = [(header::ETAG, etag), (header::CACHE_CONTROL, cache.header().to_owned())];
            (StatusCode::NOT_MODIFIED, headers).into_response()
        }
        Answer::MethodNotAllowed { allow } => {
            let detail = format!("This address can only be read ({allow}).");
            let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
            ([(header::ALLOW, allow)], problem).into_response()
        }
    }
}

fn page_response(page: Page) -> Response {
    if let Some(failure) = &page.failure {
        tracing::error!(page = %page.key.page_id, error = %failure, "a page could not be rendered");
    }
    let status = StatusCode::from_u16(page.status).unwrap_or(StatusCode::OK);
    let mut response = (status, page.html).into_response();
    response.headers_mut().remove(header::CONTENT_TYPE);
    for (name, value) in page.headers {
        if let (name, Ok(value)) = (HeaderName::from_static(name), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    page_headers(response.headers_mut());
    response
}

/// What every page has unless its site says otherwise: a browser asks each time whether it is still the same.
fn page_headers(headers: &mut HeaderMap) {
    headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::from_static("text/html; charset=UTF-8"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
}

fn without_body(response: Response) -> Response {
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Body::empty())
}

fn file_response(
    body: FileBody,
    content_type: &'static str,
    cache: Cache,
    etag: String,
    asked: &HeaderMap,
) -> Response {
    let len = match &body {
        FileBody::Memory(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        FileBody::Disk { len, .. } => *len,
    };
    let wanted = Wanted::of(asked, len, &etag);
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CACHE_CONTROL, cache.header().to_owned()),
        (header::ETAG, etag),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
    ];
    let (status, first, last) = match wanted {
        Wanted::Whole => (StatusCode::OK, 0, len.saturating_sub(1)),
        Wanted::Part(first, last) => (StatusCode::PARTIAL_CONTENT, first, last),
        Wanted::Nothing => {
            let size = [(header::CONTENT_RANGE, format!("bytes */{len}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, headers, size).into_response();
        }
    };
    let count = if len == 0 { 0 } else { last - first + 1 };
    let mut response = match body {
        FileBody::Memory(bytes) => {
            let at = |byte: u64| usize::try_from(byte).unwrap_or(usize::MAX).min(bytes.len());
            (status, headers, bytes.slice(at(first)..at(first + count))).into_response()
        }
        FileBody::Disk { path, .. } => match open_at(&path, first) {
            Ok(file) => {
                (status, headers, [(header::CONTENT_LENGTH, count)], stream(file, count)).into_response()
            }
            Err(error) => {
                tracing::error!(error = %error, file = %path.display(), "a file of the site is gone");
                return Problem::not_found("The file is gone.").into_response();
            }
        },
    };
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(range) = HeaderValue::from_str(&format!("bytes {first}-{last}/{len}"))
    {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

fn open_at(path: &Path, first: u64) -> std::io::Result<std::fs::File> {
    use std::io::Seek as _;
    let mut file = std::fs::File::open(path)?;
    file.seek(std::io::SeekFrom::Start(first))?;
    Ok(file)
}

/// Reads `count` bytes of a large file piece by piece.
fn stream(file: std::fs::File, count: u64) -> Body {
    use tokio::io::AsyncReadExt;
    let file = tokio::fs::File::from_std(file).take(count);
    let pieces = futures::stream::try_unfold(file, |mut file| async move {
        let mut piece = bytes::BytesMut::with_capacity(64 * 1024);
        let read = file.read_buf(&mut piece).await?;
        Ok::<_, std::io::Error>((read > 0).then(|| (piece.freeze(), file)))
    });
    Body::from_stream(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_redirect_of_a_sent_form_is_believed() {
        let state = sent_form("utm_source=x&sent=85&form=test_drive").unwrap();
        assert_eq!((state["name"].as_str(), state["number"].as_u64()), (Some("test_drive"), Some(85)));
        for other in ["sent=85", "sent=x&form=a", "form=a", "sent=1&form=<b>", "sent=-1&form=a"] {
            assert!(sent_form(other).is_none(), "{other}");
        }
    }
}

//! Pages and files of client sites.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ismart_sites::{Answer, FileBody, Page, PerRequest};
use serde_json::{Value, json};

use crate::form_token;
use crate::origin::{Asked, Origin, text};
use crate::platform::Platform;
use crate::problem::Problem;

/// Answers any path that is not the platform's own with the site of the host.
pub(crate) async fn serve(
    State(platform): State<Arc<Platform>>,
    origin: Origin,
    asked: Asked,
    request: Request,
) -> Result<Response, Problem> {
    if !platform.console_only(&origin.host) {
        return Ok(answer(&platform, &origin, &asked, &request));
    }
    Err(Problem::not_found("This host serves only the console: open /console/"))
}

fn answer(platform: &Platform, origin: &Origin, asked: &Asked, request: &Request) -> Response {
    let now = platform.env.now();
    let token = form_token::issue(&platform.options.form_secret, now);
    let sent = request.uri().query().and_then(sent_form);
    let question = ismart_sites::Request {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query(),
        host: &origin.host,
        scheme: origin.scheme,
        if_none_match: text(request.headers(), "if-none-match"),
        per_request: PerRequest {
            now,
            form_token: Some(&token),
            request_id: Some(&origin.request_id),
            form_state: sent.as_ref(),
        },
    };
    let response = respond(asked.site.answer(&question));
    if request.method() == axum::http::Method::HEAD { without_body(response) } else { response }
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

/// Turns a site's answer into HTTP.
pub(crate) fn respond(answer: Answer) -> Response {
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
            let headers = [
                (header::CONTENT_TYPE, content_type.to_owned()),
                (header::CACHE_CONTROL, cache.header().to_owned()),
                (header::ETAG, etag),
            ];
            match body {
                FileBody::Memory(bytes) => (headers, bytes).into_response(),
                FileBody::Disk { path, len } => match std::fs::File::open(&path) {
                    Ok(file) => (headers, [(header::CONTENT_LENGTH, len)], stream(file)).into_response(),
                    Err(error) => {
                        tracing::error!(error = %error, file = %path.display(), "a file of the site is gone");
                        Problem::not_found("The file is gone.").into_response()
                    }
                },
            }
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
    let mut response =
        (status, [(header::CONTENT_TYPE, "text/html; charset=UTF-8")], page.html).into_response();
    for (name, value) in page.headers {
        if let (name, Ok(value)) = (HeaderName::from_static(name), HeaderValue::from_str(&value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}

fn without_body(response: Response) -> Response {
    let (parts, _) = response.into_parts();
    Response::from_parts(parts, Body::empty())
}

/// Reads a large file piece by piece.
fn stream(file: std::fs::File) -> Body {
    use tokio::io::AsyncReadExt;
    let file = tokio::fs::File::from_std(file);
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

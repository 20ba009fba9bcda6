//! A site shown on a port of its own, for as long as somebody looks: for pictures of what is not published.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use ismart_sites::{PerRequest, Snapshot};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// A running server for one snapshot on this machine; it ends when the stage is dropped.
#[derive(Debug)]
pub struct Stage {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Stage {
    /// Shows `site` on a free port of the loopback address.
    ///
    /// # Errors
    /// When no port can be opened.
    pub async fn open(site: Arc<Snapshot>) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let app = Router::new().fallback(show).with_state(site);
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!(error = %error, "a preview ended");
            }
        });
        Ok(Self { address, serving })
    }

    /// The address of a path of the site.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

async fn show(State(site): State<Arc<Snapshot>>, request: Request) -> Response {
    let host = request.headers().get("host").and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let per_request = PerRequest {
        // The same moment before and after a change, or clocks on pages would be taken for the change.
        now: jiff::Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_hours(24 * 365 * 55),
        form_token: None,
        request_id: None,
        form_state: None,
    };
    let question = ismart_sites::Request {
        method: request.method().as_str(),
        path: request.uri().path(),
        query: request.uri().query(),
        host,
        scheme: "http",
        if_none_match: None,
        per_request,
    };
    crate::site::respond(site.answer(&question), request.headers())
}

//! What every emulator's server has: the accept loop, connections that end without a byte, and the guard of the
//! tester's door.

use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use hyper_util::rt::TokioIo;
use serde_json::json;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use crate::StartError;

/// Marks an answer that must never reach the wire.
#[derive(Debug, Clone, Copy)]
struct CloseConnection;

#[derive(Debug, thiserror::Error)]
#[error("the connection is closed by a fault rule")]
struct Closed;

/// The end of a connection in place of an answer. This crate's accept loop closes it without a byte; under another
/// server the broken body does nearly the same.
pub(crate) fn closed() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, Closed>(Closed) });
    let mut response = Body::from_stream(broken).into_response();
    response.extensions_mut().insert(CloseConnection);
    response
}

/// The peer, when the server that runs the router tells it.
pub(crate) fn peer(request: &Request) -> Option<SocketAddr> {
    request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0)
}

/// Waits, if there is anything to wait for.
pub(crate) async fn pause(duration: Duration) {
    if !duration.is_zero() {
        tokio::time::sleep(duration).await;
    }
}

/// A router that is being served. Dropping it stops serving.
#[derive(Debug)]
pub(crate) struct Server {
    addr: SocketAddr,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens and serves.
    pub(crate) async fn start(wanted: SocketAddr, router: Router) -> Result<Self, StartError> {
        let failed = |source| StartError::Listen { addr: wanted, source };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        Self::on(listener, router).map_err(failed)
    }

    /// Serves on a socket that already listens.
    pub(crate) fn on(listener: TcpListener, router: Router) -> std::io::Result<Self> {
        let addr = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(serve(listener, router, stopped));
        Ok(Self { addr, stop, task: Some(task) })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Stops serving and closes all connections; the port is free afterwards.
    pub(crate) async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            // A panic in the accept loop has nothing left to stop.
            drop(task.await);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// A refusal of the tester's door.
pub(crate) fn problem(status: StatusCode, text: impl Into<String>) -> Response {
    (status, Json(json!({"problem": text.into()}))).into_response()
}

/// Refuses other machines, and pages of other sites open in this machine's browser: those cannot
/// fake the `Host` of a rebound name, nor send JSON without asking first.
pub(crate) async fn only_this_machine(request: Request, next: Next) -> Response {
    let local = peer(&request).is_some_and(|peer| peer.ip().is_loopback());
    if !local || !local_host(request.headers()) {
        return problem(
            StatusCode::FORBIDDEN,
            "/__emulator answers only to this machine, by a loopback address",
        );
    }
    let json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/json"));
    if request.method() == Method::POST && !json {
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send Content-Type: application/json");
    }
    next.run(request).await
}

fn local_host(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST).and_then(|value| value.to_str().ok()) else { return false };
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Serves until `stop` says so; open connections are then closed.
async fn serve(listener: TcpListener, router: Router, mut stop: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let router = router.clone();
                    connections.spawn(connection(stream, peer, router));
                }
                // Out of file descriptors, or the peer left at once: wait for better times.
                Err(_) => pause(Duration::from_millis(20)).await,
            },
            _ = stop.changed() => break,
        }
        while connections.try_join_next().is_some() {}
    }
    connections.shutdown().await;
}

async fn connection(stream: tokio::net::TcpStream, peer: SocketAddr, router: Router) {
    let service = hyper::service::service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let router = router.clone();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let response = match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            if response.extensions().get::<CloseConnection>().is_some() { Err(Closed) } else { Ok(response) }
        }
    });
    let served =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
    // A caller that hangs up and a fault that closes both end here; neither is news.
    drop(served);
}

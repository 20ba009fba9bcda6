//! Servers that answer as written, byte for byte.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ismart_http::{AddressPolicy, Client, Settings};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A client that reaches this machine and gives up soon.
pub(crate) fn client() -> Client {
    client_with(AddressPolicy::AllowLoopback)
}

pub(crate) fn client_with(allow: AddressPolicy) -> Client {
    let short = Duration::from_millis(400);
    Client::new(Settings { connect_timeout: short, total_timeout: short * 5, allow, ..Settings::default() })
        .unwrap()
}

/// What the server does with a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Reads the request, sends these bytes, closes.
    Send(&'static str),
    /// Reads the request and keeps silent.
    Silence,
    /// Sends these bytes unasked, closes.
    Blurt(&'static str),
    /// Never reads and never closes.
    Ignore,
}

pub(crate) struct Server {
    pub(crate) at: SocketAddr,
    requests: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(act: Act) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let requests = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, act));
            }
        });
        Self { at, requests }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.at)
    }

    /// How many connections were opened.
    pub(crate) fn connections(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, act: Act) {
    match act {
        Act::Send(bytes) => {
            read_head(&mut stream).await;
            stream.write_all(bytes.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
        }
        Act::Blurt(bytes) => {
            stream.write_all(bytes.as_bytes()).await.unwrap();
            stream.shutdown().await.unwrap();
            read_head(&mut stream).await;
        }
        Act::Silence => {
            read_head(&mut stream).await;
            std::future::pending::<()>().await;
        }
        Act::Ignore => std::future::pending::<()>().await,
    }
}

async fn read_head(stream: &mut TcpStream) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while !seen.windows(4).any(|four| four == b"\r\n\r\n") {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
}

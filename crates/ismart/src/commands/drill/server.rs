//! The server as a process of its own, so that it can be killed.

use std::fs::File;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use ismart_http::{AddressPolicy, Client, Settings};

use crate::output::Failed;

/// How long a server may take to become healthy.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running server. It is killed when this is dropped.
pub(super) struct Server {
    child: Child,
    data: PathBuf,
    address: SocketAddr,
}

impl Server {
    /// Writes the configuration into the data folder and starts this program there.
    pub(super) async fn start(data: &Path, configuration: &str) -> Result<Self, Failed> {
        let written = std::fs::create_dir_all(data)
            .and_then(|()| std::fs::write(data.join(crate::config::FILE), configuration));
        written.map_err(|e| failed(data, &e.to_string()))?;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
        let address = free.map_err(|e| failed(data, &e.to_string()))?;
        let child = spawn(data, address)?;
        let server = Self { child, data: data.to_path_buf(), address };
        server.healthy().await?;
        Ok(server)
    }

    /// Its address: `http://127.0.0.1:PORT`.
    pub(super) fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Ends it at once, as a power cut does, and starts it again.
    pub(super) async fn kill(&mut self) -> Result<(), Failed> {
        self.end();
        self.child = spawn(&self.data, self.address)?;
        self.healthy().await
    }

    /// Ends it at once.
    pub(super) fn end(&mut self) {
        let _already_gone = self.child.kill().is_err();
        let _nothing_to_wait_for = self.child.wait().is_err();
    }

    async fn healthy(&self) -> Result<(), Failed> {
        let client = client()?;
        let deadline = Instant::now() + PATIENCE;
        let mut said = "no answer".to_owned();
        while Instant::now() < deadline {
            match client.get(&format!("{}/health", self.base())).send().await {
                Ok(answer) if answer.is_success() => return Ok(()),
                Ok(answer) => said = format!("it answers {}", answer.status()),
                Err(failure) => said = failure.to_string(),
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Err(failed(&self.data, &format!("the server does not become healthy: {said}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

fn spawn(data: &Path, address: SocketAddr) -> Result<Child, Failed> {
    let program = std::env::current_exe().map_err(|e| failed(data, &e.to_string()))?;
    let log = data.with_extension("log");
    let errors =
        File::options().create(true).append(true).open(&log).map_err(|e| failed(&log, &e.to_string()))?;
    Command::new(program)
        .args(["serve", "--listen", &address.to_string(), "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(errors)
        .spawn()
        .map_err(|e| failed(data, &e.to_string()))
}

fn failed(place: &Path, reason: &str) -> Failed {
    let log = place.with_extension("log");
    Failed::one(place.display().to_string(), reason, format!("look into {}", log.display()))
}

/// A client that reaches this machine.
pub(super) fn client() -> Result<Client, Failed> {
    let settings = Settings { allow: AddressPolicy::AllowLoopback, ..Settings::default() };
    Client::new(settings).map_err(|e| Failed::one("HTTP client", e.to_string(), "mend the cause"))
}

//! The real program on a free port of this machine.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// How long a server may take to answer `GET /health`.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two questions after its health.
const PAUSE: Duration = Duration::from_millis(2);
/// Lines of its log that an error quotes.
const QUOTED: usize = 20;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The program cannot be run.
    #[error("{binary} cannot be run: {source}; build it first", binary = binary.display())]
    Program {
        /// The program.
        binary: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended, or closed its output, before it told its address.
    #[error("the server ended before it listened:\n{log}")]
    Ended {
        /// The end of its log.
        log: String,
    },
    /// It listens, but does not become healthy.
    #[error("the server is not healthy after {} s ({last}):\n{log}", PATIENCE.as_secs())]
    Unhealthy {
        /// The last answer.
        last: String,
        /// The end of its log.
        log: String,
    },
    /// The client that asks cannot be set up.
    #[error("no HTTP client: {0}")]
    Client(#[from] reqwest::Error),
}

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    address: String,
    data: PathBuf,
    took: Duration,
}

impl Server {
    /// Runs `binary` with `command` (`serve` or `demo`), its data in `data`, on a free port of 127.0.0.1, and waits
    /// until `GET /health` answers 200.
    ///
    /// # Errors
    /// [`StartError`], with the end of the server's log.
    pub async fn start<A: AsRef<OsStr>>(
        binary: &Path,
        command: &str,
        data: &Path,
        arguments: &[A],
    ) -> Result<Self, StartError> {
        let began = Instant::now();
        let mut child = Command::new(binary)
            .arg(command)
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|source| StartError::Program { binary: binary.to_path_buf(), source })?;
        let log = Log::default();
        let keeping = child.stderr.take().map(|errors| tokio::spawn(log.clone().keep(errors)));
        let ended = |log: &Log| StartError::Ended { log: log.text() };
        let mut lines = BufReader::new(child.stdout.take().ok_or_else(|| ended(&log))?).lines();
        let Some(address) = address(&mut lines).await else {
            // It has told nothing and never will: what it wrote until it was gone says why.
            let _gone = child.kill().await.is_err();
            if let Some(keeping) = keeping {
                let _rest_held_by_others =
                    tokio::time::timeout(Duration::from_secs(1), keeping).await.is_err();
            }
            return Err(ended(&log));
        };
        // A full pipe would stop the server.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        healthy(&address, &log).await?;
        Ok(Self { child, address, data: data.to_path_buf(), took: began.elapsed() })
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address
    }

    /// The number of its process, while it runs.
    #[must_use]
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its data folder.
    #[must_use]
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// From the start of the process to the first healthy answer.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.took
    }

    /// Kills it at once (`SIGKILL`) and waits until it is gone.
    ///
    /// # Errors
    /// When the system cannot do it.
    pub async fn kill(&mut self) -> std::io::Result<()> {
        self.child.kill().await
    }

    /// Asks it to stop (`SIGTERM`) and gives how it ended.
    ///
    /// # Errors
    /// When the system cannot do it.
    pub async fn terminate(&mut self) -> std::io::Result<ExitStatus> {
        if let Some(id) = self.child.id() {
            Command::new("kill").args(["-TERM", &id.to_string()]).status().await?;
        }
        self.child.wait().await
    }
}

/// The address in the first line that tells one.
async fn address(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<String> {
    while let Ok(Some(line)) = lines.next_line().await {
        let found = line.split_whitespace().find(|word| word.starts_with("http://"));
        if let Some(found) = found {
            return Some(found.trim_end_matches('/').to_owned());
        }
    }
    None
}

async fn healthy(address: &str, log: &Log) -> Result<(), StartError> {
    let client = crate::http_client()?;
    let deadline = Instant::now() + PATIENCE;
    let url = format!("{address}/health");
    loop {
        let last = match client.get(&url).timeout(PATIENCE).send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) => format!("it answers {}", answer.status()),
            Err(error) => error.to_string(),
        };
        if Instant::now() > deadline {
            return Err(StartError::Unhealthy { last, log: log.text() });
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The last lines of the server's log.
#[derive(Debug, Clone, Default)]
struct Log(std::sync::Arc<Lock>);

type Lock = Mutex<VecDeque<String>>;

impl Log {
    async fn keep(self, errors: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(errors).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == QUOTED {
                kept.pop_front();
            }
            kept.push_back(line);
        }
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

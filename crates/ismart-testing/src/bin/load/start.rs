//! How long the program takes until it serves.

use std::path::Path;
use std::time::{Duration, Instant};

use ismart_testing::Server;
use tokio::process::Command;

use crate::Trouble;
use crate::tally::{Report, Tally};

/// Starts the demo on an empty folder so many times; `--version` before each is the reference.
pub(crate) async fn measure(binary: &Path, times: u32) -> Result<Report, Trouble> {
    let mut tally = Tally::default();
    for _ in 0..times {
        tally.reference.push(version(binary).await?);
        let data = tempfile::tempdir()?;
        let mut server = Server::start(binary, "demo", data.path(), &[] as &[&str]).await?;
        tally.measured.push(server.took());
        let status = server.terminate().await?;
        if !status.success() {
            tally.errors.push(format!("the server ended with {status}"));
        }
    }
    Ok(Report::new("start of `demo` to /health", "--version", tally))
}

async fn version(binary: &Path) -> Result<Duration, Trouble> {
    let began = Instant::now();
    let output = Command::new(binary).arg("--version").output().await?;
    if !output.status.success() {
        return Err(format!("{} --version ended with {}", binary.display(), output.status).into());
    }
    Ok(began.elapsed())
}

//! Load on a server, and how long it takes: pages, turns of the chat, leads, starts. Beside every figure stands a
//! reference from the same run: a plain 200, a raw write, or the program's `--version`.

mod leads;
mod pages;
mod start;
mod tally;
mod turns;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use ismart_testing::{Server, data_folder};
use tempfile::TempDir;

use crate::tally::Report;

/// Puts load on a server and says how long it takes.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print the result as one line of JSON
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Every page of the sitemap in turn, a plain 200 between them
    Pages {
        #[command(flatten)]
        target: Target,
        /// Connections at once
        #[arg(long, default_value_t = 2)]
        connections: usize,
        /// How long
        #[arg(long, default_value_t = 15)]
        seconds: u64,
    },
    /// Conversations at once: a message is posted, the worker's reply arrives on the stream
    Turns {
        #[command(flatten)]
        target: Target,
        /// Conversations at once
        #[arg(long, default_value_t = 200)]
        conversations: u32,
        /// How long
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Between two messages of one conversation, milliseconds
        #[arg(long, default_value_t = 2000)]
        pause: u64,
    },
    /// Forms at a steady rate, each answered when its lead is durable; a raw write and flush beside it
    Leads {
        /// The program to start with the sites of `examples/`
        #[arg(long, value_name = "FILE")]
        binary: PathBuf,
        /// Address of an empty PostgreSQL database; without it, SQLite
        #[arg(long, value_name = "URL")]
        postgres: Option<String>,
        /// Leads a second
        #[arg(long, default_value_t = 500)]
        rate: u32,
        /// How long
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Starts of the demo on an empty folder, until it is healthy
    Start {
        /// The program
        #[arg(long, value_name = "FILE")]
        binary: PathBuf,
        /// How often
        #[arg(long, default_value_t = 5)]
        times: u32,
    },
}

/// Where the load goes.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Target {
    /// A server that runs already
    #[arg(long)]
    url: Option<String>,
    /// A program to start with the sites of `examples/`
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

/// A target that answers; what it needs lives as long as this.
struct Ready {
    url: String,
    /// The server and its data folder, when we started it.
    own: Option<(Server, TempDir)>,
}

/// Anything that ends a run without a result.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command).await {
        Ok(report) => {
            let text = if cli.json { report.json() } else { report.to_string() };
            let _closed_pipe = writeln!(std::io::stdout(), "{}", text.trim_end()).is_err();
            if report.errors == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(trouble) => {
            let _closed_pipe = writeln!(std::io::stderr(), "error: {trouble}").is_err();
            ExitCode::from(2)
        }
    }
}

async fn run(command: Command) -> Result<Report, Trouble> {
    match command {
        Command::Pages { target, connections, seconds } => {
            let ready = ready(&target).await?;
            let report = pages::measure(&ready.url, connections, Duration::from_secs(seconds)).await;
            finish(ready).await?;
            report
        }
        Command::Turns { target, conversations, seconds, pause } => {
            let ready = ready(&target).await?;
            let load = turns::Load {
                conversations,
                lasting: Duration::from_secs(seconds),
                pause: Duration::from_millis(pause.max(1)),
            };
            let report = turns::measure(&ready.url, load).await;
            finish(ready).await?;
            report
        }
        Command::Leads { binary, postgres, rate, seconds } => {
            let data = data_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples"))?;
            if let Some(url) = postgres {
                let config = data.path().join("ismart.toml");
                let text = std::fs::read_to_string(&config)?;
                std::fs::write(&config, format!("{text}\n[store]\npostgres = {url:?}\n"))?;
            }
            let server = Server::start(&binary, "serve", data.path(), &[] as &[&str]).await?;
            let load = leads::Load { rate, lasting: Duration::from_secs(seconds) };
            let report = leads::measure(server.url(), data.path(), load).await;
            finish(Ready { url: String::new(), own: Some((server, data)) }).await?;
            report
        }
        Command::Start { binary, times } => start::measure(&binary, times).await,
    }
}

async fn ready(target: &Target) -> Result<Ready, Trouble> {
    let Some(binary) = &target.binary else {
        let url = target.url.clone().unwrap_or_default();
        return Ok(Ready { url: url.trim_end_matches('/').to_owned(), own: None });
    };
    let data = data_folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples"))?;
    // A page that is kept ready costs nothing: what is measured is the making.
    let config = data.path().join("ismart.toml");
    let text = std::fs::read_to_string(&config)?.replace("[http]\n", "[http]\nkeep_mb = 0\n");
    std::fs::write(&config, text)?;
    let server = Server::start(binary, "serve", data.path(), &[] as &[&str]).await?;
    Ok(Ready { url: server.url().to_owned(), own: Some((server, data)) })
}

async fn finish(ready: Ready) -> Result<(), Trouble> {
    if let Some((mut server, _data)) = ready.own {
        let status = server.terminate().await?;
        if !status.success() {
            return Err(format!("the server ended with {status}").into());
        }
    }
    Ok(())
}

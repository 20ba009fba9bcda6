//! What sites cost: requests a second beside other servers, memory and start of a whole fleet.

mod beside;
mod fleet;
mod kept;
mod published;
mod wire;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

/// Measures sites beside other servers and as a fleet.
#[derive(Debug, Parser)]
#[command(arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Requests a second of several servers for the same paths, one after the other in short rounds
    Beside {
        /// A server: NAME=http://HOST:PORT; the first one is compared with all others
        #[arg(long = "server", value_name = "NAME=URL", required = true)]
        servers: Vec<String>,
        /// A path that every server has; may be given more than once
        #[arg(long = "path", value_name = "PATH", required = true)]
        paths: Vec<String>,
        /// A further header of every request: `Name: value`
        #[arg(long = "header", value_name = "HEADER")]
        headers: Vec<String>,
        /// Connections at once
        #[arg(long, default_value_t = 8)]
        connections: usize,
        /// Rounds
        #[arg(long, default_value_t = 5)]
        rounds: usize,
        /// Seconds that each server has in a round, for each path
        #[arg(long, default_value_t = 2.0)]
        seconds: f64,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// A page that is kept ready beside nginx serving the same bytes as a file
    Kept {
        /// The program
        #[arg(long, value_name = "FILE")]
        binary: PathBuf,
        /// The folder whose subfolders are sites; the home page of the first one is measured
        #[arg(long, value_name = "DIR")]
        sites: PathBuf,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// From publishing a page over the API until a visitor sees it
    Published {
        /// The program
        #[arg(long, value_name = "FILE")]
        binary: PathBuf,
        /// The folder whose subfolders are sites
        #[arg(long, value_name = "DIR")]
        sites: PathBuf,
        /// The site, of which a copy is changed
        #[arg(long, value_name = "SLUG")]
        site: String,
        /// The page
        #[arg(long, value_name = "PAGE")]
        page: String,
        /// Publications, one after the other
        #[arg(long, default_value_t = 10)]
        rounds: usize,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
    /// Start and memory of a fleet made of copies of one site, each with its own host
    Fleet {
        /// The program
        #[arg(long, value_name = "FILE")]
        binary: PathBuf,
        /// The site that is copied
        #[arg(long, value_name = "DIR")]
        site: PathBuf,
        /// How many copies
        #[arg(long, default_value_t = 47)]
        sites: usize,
        /// Print the result as one line of JSON
        #[arg(long)]
        json: bool,
    },
}

/// Anything that ends a run without a result.
type Trouble = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    match run(Cli::parse().command).await {
        Ok(text) => {
            let _closed_pipe = writeln!(std::io::stdout(), "{}", text.trim_end()).is_err();
            ExitCode::SUCCESS
        }
        Err(trouble) => {
            let _closed_pipe = writeln!(std::io::stderr(), "error: {trouble}").is_err();
            ExitCode::from(2)
        }
    }
}

async fn run(command: Command) -> Result<String, Trouble> {
    match command {
        Command::Beside { servers, paths, headers, connections, rounds, seconds, json } => {
            let servers =
                servers.iter().map(|one| beside::Server::read(one)).collect::<Result<Vec<_>, _>>()?;
            let load = beside::Load {
                connections: connections.max(1),
                rounds: rounds.max(1),
                lasting: Duration::try_from_secs_f64(seconds)?,
            };
            let found = beside::measure(&servers, &paths, &headers, &load).await?;
            Ok(if json { beside::json(&servers, &found) } else { beside::table(&servers, &found) })
        }
        Command::Kept { binary, sites, json } => {
            let load = beside::Load { connections: 8, rounds: 5, lasting: Duration::from_secs(2) };
            let (servers, found) = kept::measure(&binary, &sites, &load).await?;
            Ok(if json { beside::json(&servers, &found) } else { beside::table(&servers, &found) })
        }
        Command::Published { binary, sites, site, page, rounds, json } => {
            let found = published::measure(&binary, &sites, &site, &page, rounds.max(1)).await?;
            Ok(if json { serde_json::to_string(&found)? } else { found.to_string() })
        }
        Command::Fleet { binary, site, sites, json } => {
            let found = fleet::measure(&binary, &site, sites).await?;
            Ok(if json { serde_json::to_string(&found)? } else { found.to_string() })
        }
    }
}

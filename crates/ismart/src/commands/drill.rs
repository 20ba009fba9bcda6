//! `ismart drill`: breaks things on purpose while leads come in, then counts what became of them.
//!
//! Every drill works in a folder of its own with simulated CRMs, and touches nothing else.

mod backlog;
mod chaos;
mod database;
mod disk;
mod forms;
mod judge;
mod outage;
mod scene;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::output::{self, Failed};
use judge::Verdict;
use scene::Scene;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Name {
    /// kill -9 of the server, a CRM that refuses, loses answers and goes away
    Chaos,
    /// A CRM that is away for 72 simulated hours, a clock that jumps back and ahead
    Outage,
    /// A disk that runs full again and again (needs the right to mount a small tmpfs)
    DiskFull,
    /// A PostgreSQL that is restarted at once, without warning (needs PostgreSQL's programs)
    Database,
    /// A backlog against the request limits of both CRMs as their clouds set them
    Backlog,
    /// All of them, one after another
    All,
}

impl Name {
    fn code(self) -> &'static str {
        match self {
            Self::Chaos => "chaos",
            Self::Outage => "outage",
            Self::DiskFull => "disk-full",
            Self::Database => "database",
            Self::Backlog => "backlog",
            Self::All => "all",
        }
    }
}

/// Which drill, and how large.
#[derive(Debug, Args)]
pub(super) struct Drill {
    /// What to break
    #[arg(value_enum)]
    name: Name,
    /// How many leads come in
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    leads: u32,
    /// How often it strikes: kills, full disks, restarts
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    strikes: u32,
    /// An empty folder for what the drill writes, which is kept [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Runs the drill, prints its counts, and fails when a lead was lost or doubled.
pub(super) async fn drill(drill: Drill) -> Result<ExitCode, Failed> {
    crate::telemetry::start("error", false);
    let names = match drill.name {
        Name::All => vec![Name::Chaos, Name::Outage, Name::DiskFull, Name::Database, Name::Backlog],
        name => vec![name],
    };
    let mut sound = true;
    for name in names {
        let scene = Scene::set(drill.folder.as_deref(), name.code(), drill.leads, drill.strikes)?;
        let ended = match name {
            Name::Chaos => chaos::run(&scene).await?,
            Name::Outage => outage::run(&scene).await?,
            Name::DiskFull => disk::run(&scene).await?,
            Name::Database => database::run(&scene).await?,
            Name::Backlog => backlog::run(&scene).await?,
            Name::All => continue,
        };
        match ended {
            Ended::Judged(verdicts) => {
                for verdict in verdicts {
                    output::line(format_args!("{}: {verdict}", name.code()));
                    sound &= verdict.holds();
                }
            }
            Ended::NotRun(why) => output::line(format_args!("{}: NOT RUN: {why}", name.code())),
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// How a drill ended.
enum Ended {
    /// It ran; one verdict for each destination.
    Judged(Vec<Verdict>),
    /// This machine lacks something.
    NotRun(String),
}

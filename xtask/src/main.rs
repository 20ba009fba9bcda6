//! House rules, goals, generated references.

mod generate;
mod goals;
mod say;
mod tidy;
mod tree;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Work on the repository itself.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check the house rules
    Tidy {
        /// Accept the ports as they are and lower baselines that are better than written
        #[arg(long)]
        bless: bool,
    },
    /// Measure the goals and say which hold
    Goals {
        /// Groups to measure; all when none is named
        #[arg(value_name = "GROUP")]
        groups: Vec<String>,
    },
    /// Write the generated pages of docs/reference
    Generate {
        /// Write nothing; fail when a page differs
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    let root = root();
    let result = match Cli::parse().command {
        Command::Tidy { bless } => tidy::command(&root, bless),
        Command::Goals { groups } => goals::command(&root, &groups),
        Command::Generate { check } => generate::command(&root, check),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(trouble) => {
            say::note(format_args!("error: {trouble}"));
            ExitCode::from(2)
        }
    }
}

/// The repository: the folder above this crate.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

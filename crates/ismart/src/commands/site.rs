//! `ismart site`: tools for whole sites.

mod compare;
mod import;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::output::Failed;

/// Tools for whole sites.
#[derive(Debug, Args)]
#[command(arg_required_else_help = true)]
pub(super) struct Site {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Read a site of the PHP platform as it is, report what becomes of it, and write our configuration for it
    Import(import::Import),
    /// Ask the original and the imported site for every address, and show where answers differ
    Compare(compare::Compare),
}

impl Site {
    /// Whether findings are printed for scripts.
    pub(super) fn json(&self) -> bool {
        match &self.tool {
            Tool::Import(import) => import.json,
            Tool::Compare(compare) => compare.json,
        }
    }
}

/// Runs the tool.
pub(super) async fn site(site: Site) -> Result<ExitCode, Failed> {
    match site.tool {
        Tool::Import(import) => import::import(&import),
        Tool::Compare(compare) => compare::compare(&compare).await,
    }
}

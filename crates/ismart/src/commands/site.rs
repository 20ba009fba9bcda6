//! `ismart site`: tools for whole sites.

mod add;
mod brief;
mod colour;
mod compare;
mod complexes;
mod import;
mod new;
pub(crate) mod pack;
mod scaffold;
mod text;

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
    /// Make a complete site of a starter pack and a brief
    New(Box<new::New>),
    /// Add a page, a collection, a section or a component to a site
    Add(add::Add),
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
            Tool::New(_) | Tool::Add(_) => false,
        }
    }
}

/// Runs the tool.
pub(super) async fn site(site: Site) -> Result<ExitCode, Failed> {
    match site.tool {
        Tool::New(new) => new::new(*new).await,
        Tool::Add(add) => add::add(&add),
        Tool::Import(import) => import::import(&import),
        Tool::Compare(compare) => compare::compare(&compare).await,
    }
}

/// Whether a text is a bare host name, as `hosts` of `site.toml` wants it.
fn host(text: &str) -> Result<(), String> {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b));
    if text.is_empty() || !plain {
        return Err(format!(
            "`{text}` is not a bare host name: lower case, no scheme, port or path; national names in punycode"
        ));
    }
    Ok(())
}

//! `ismart site import`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ismart_sites::legacy;

use crate::output::{self, Failed};

/// Which site, and how to print.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// Folder of the old site
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Print the report as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Says what the folder is.
pub(super) fn import(import: &Import) -> Result<ExitCode, Failed> {
    let Some(found) = legacy::detect(&import.folder) else {
        return Err(Failed::one(
            import.folder.display().to_string(),
            "is no site of the PHP platform: neither config/settings.php, core/Routing nor data/production is there",
            "name the folder that holds the site's config/ and data/",
        ));
    };
    if import.json {
        output::line(serde_json::json!({ "detected": found }));
    } else {
        output::line(format_args!("{}: {}", found.generation.name(), found.generation.describe()));
        output::line(format_args!("told by {}", found.signs.join(", ")));
    }
    Ok(ExitCode::SUCCESS)
}

//! `ismart site import`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use ismart_sites::legacy::{self, ImportError, Imported};

use crate::output::{self, Failed};

/// Which site, where to, and how to print.
#[derive(Debug, Args)]
#[command(
    after_help = "Without --to and --in-place nothing is written. Exit code: 0 done, 1 the folder cannot be imported."
)]
pub(super) struct Import {
    /// Folder of the old site
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Write the site in our layout to DIR, which must not exist yet
    #[arg(long, value_name = "DIR", conflicts_with = "in_place")]
    to: Option<PathBuf>,
    /// Write config/site.toml into the old folder, so that it is served as it is
    #[arg(long)]
    in_place: bool,
    /// Host name of the site; can be given several times [default: from the old configuration]
    #[arg(long, value_name = "HOST")]
    host: Vec<String>,
    /// Environment that the old site ran in [default: APP_ENV of its .env, or development]
    #[arg(long, value_name = "NAME", value_parser = ["production", "development"])]
    environment: Option<String>,
    /// Key of the client who owns the site [default: the name of the folder]
    #[arg(long, value_name = "KEY")]
    client: Option<String>,
    /// Replace a config/site.toml that is there already
    #[arg(long, requires = "in_place")]
    replace: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// Reads, reports, writes.
pub(super) fn import(import: &Import) -> Result<ExitCode, Failed> {
    let place = import.folder.display().to_string();
    if import.in_place && !import.replace && legacy::is_ours(&import.folder) {
        let advice = "give --replace to write config/site.toml anew; what you changed in it is lost";
        return Err(Failed::one(place, ImportError::Ours.to_string(), advice));
    }
    let options = legacy::Options {
        hosts: import.host.clone(),
        environment: import.environment.clone(),
        client: import.client.clone(),
    };
    let imported = legacy::import(&import.folder, &options).map_err(|error| {
        let advice = match &error {
            ImportError::Unknown => "name the folder that holds the site's config/ and data/",
            ImportError::Ours => "serve it as it is",
            ImportError::Broken(_) => "mend the named keys in the old configuration, or give them as options",
        };
        Failed::one(place.clone(), error.to_string(), advice)
    })?;
    let failed = |error: legacy::WriteError| {
        Failed::one(place.clone(), error.to_string(), "check the folder and its rights")
    };
    let written = if let Some(to) = &import.to {
        let files = legacy::write_to(&imported, &import.folder, to).map_err(failed)?;
        Some(format!("{} files and config/site.toml written to {}", files, to.display()))
    } else if import.in_place {
        let file = legacy::write_in_place(&imported, &import.folder).map_err(failed)?;
        Some(format!("{} written", file.display()))
    } else {
        None
    };
    if import.json {
        output::line(serde_json::json!({ "ok": true, "imported": imported, "written": written }));
    } else {
        print(&imported);
        output::line(written.unwrap_or_else(|| "nothing written: give --to DIR or --in-place".to_owned()));
    }
    Ok(ExitCode::SUCCESS)
}

fn print(imported: &Imported) {
    let found = &imported.detected;
    output::line(format_args!("{}: {}", found.generation.name(), found.generation.describe()));
    output::line(format_args!("told by {}\n", found.signs.join(", ")));
    let pairs = |items: &[legacy::Item]| -> Vec<(String, String)> {
        items.iter().map(|item| (item.what.clone(), item.detail.clone())).collect()
    };
    table("carried over as it is", &pairs(&imported.carried));
    let mended: Vec<_> = imported.mended.iter().map(|mend| (mend.id.clone(), mend.what.clone())).collect();
    table("mended", &mended);
    table("wrong, and kept because others rely on it", &pairs(&imported.kept));
    table("not carried over", &pairs(&imported.left));
    let unread = imported.unread.iter().map(|one| (format!("{}:{}", one.file, one.line), one.what.clone()));
    table("could not be read; the default of the generation holds", &unread.collect::<Vec<_>>());
    let findings = imported.findings.iter().map(|finding| {
        let line = finding.position.map_or(String::new(), |position| format!(":{}", position.line));
        (format!("{}{line}", finding.file), format!("{}; {}", finding.reason, finding.fix))
    });
    table("wrong in the content", &findings.collect::<Vec<_>>());
}

/// Lines of two columns under a heading; nothing without lines.
fn table(heading: &str, lines: &[(String, String)]) {
    if lines.is_empty() {
        return;
    }
    output::line(format_args!("{heading}:"));
    let widest = lines.iter().map(|(left, _)| left.chars().count()).max().unwrap_or(0).min(40);
    for (left, right) in lines {
        output::line(format_args!("  {left:widest$}  {right}"));
    }
    output::line("");
}

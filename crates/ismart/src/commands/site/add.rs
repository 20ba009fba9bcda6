//! `ismart site add`: the files of a new page, collection, section or component.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use ismart_sites::{SITE_TOML, SiteConfig, SiteFolder};
use serde_json::Value;

use super::scaffold::{self, Draft};
use super::text::slug;
use crate::output::{self, Failed, Trouble};

/// What is added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// A page with its SEO file, in every language of the site
    Page,
    /// A list with entities: configuration, list page, an example entity, templates, SEO
    Collection,
    /// A template for sections of pages
    Section,
    /// A template that other templates include
    Component,
}

/// What, of which name, where.
#[derive(Debug, Args)]
pub(super) struct Add {
    /// What to add
    kind: Kind,
    /// Its name: small Latin letters, digits and hyphens
    name: String,
    /// Folder of the site
    #[arg(long, value_name = "DIR", default_value = ".")]
    site: PathBuf,
    /// Title for people, in the site's first language [default: made of the name]
    #[arg(long)]
    title: Option<String>,
    /// Put a link to the page or collection into the navigation
    #[arg(long)]
    nav: bool,
    /// Put the section, with an example, at the end of this page
    #[arg(long, value_name = "PAGE")]
    page: Option<String>,
}

/// Writes the files, or says everything that stands in the way; nothing is overwritten.
pub(super) fn add(add: &Add) -> Result<ExitCode, Failed> {
    let config = SiteFolder::new(&add.site).config().map_err(|findings| {
        let faults = findings.iter().map(|fault| {
            let place = add.site.join(&fault.file).display().to_string();
            Trouble::new(
                place,
                fault.reason.clone(),
                "name the folder of a site with --site; mend what is wrong",
            )
        });
        Failed(faults.collect())
    })?;
    if slug(&add.name) != add.name || add.name.is_empty() {
        let reason = format!("`{}` cannot be a name of files and addresses", add.name);
        return Err(Failed::one("the name", reason, "use small Latin letters, digits and hyphens"));
    }
    let languages = languages(&add.site, &config)?;
    let title = add.title.clone().unwrap_or_else(|| titled(&add.name));
    let mut draft = Draft::new(&add.site);
    match add.kind {
        Kind::Page => scaffold::page(&mut draft, &config, &languages, &add.name, &title)?,
        Kind::Collection => scaffold::collection(&mut draft, &config, &languages, &add.name, &title)?,
        Kind::Section => scaffold::section(&mut draft, &languages, &add.name, add.page.as_deref())?,
        Kind::Component => scaffold::component(&mut draft, &add.name)?,
    }
    let linked = matches!(add.kind, Kind::Page | Kind::Collection);
    if add.nav && linked {
        scaffold::nav(&mut draft, &languages, &add.name, &title)?;
    }
    let written = draft.write()?;
    for file in &written {
        output::line(format_args!("wrote {file}"));
    }
    output::line("");
    match add.kind {
        Kind::Page | Kind::Collection if !add.nav => {
            output::line("For the navigation, add to `items` of global.json (or say --nav):");
            output::exact(&scaffold::nav_entries(&languages, &add.name, &title));
        }
        Kind::Section if add.page.is_none() => {
            output::line("For a page, add to its `sections` (or say --page PAGE):");
            output::exact(&scaffold::section_examples(&languages, &add.name));
        }
        Kind::Component => {
            output::line("In a template:");
            output::exact(&scaffold::component_example(&add.name));
        }
        _ => {}
    }
    output::line("Next: `ismart check`, then `kill -HUP` of a running server, or start it.");
    Ok(ExitCode::SUCCESS)
}

/// `winter-offers` → `Winter offers`.
fn titled(name: &str) -> String {
    let words = name.replace('-', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().collect::<String>() + chars.as_str()).unwrap_or_default()
}

/// The languages that have pages, the default first.
fn languages(site: &Path, config: &SiteConfig) -> Result<Vec<String>, Failed> {
    let place = site.join("data/json/global.json");
    let repair = "mend the file; `ismart check` says more";
    let text = std::fs::read_to_string(&place)
        .map_err(|error| Failed::one(place.display().to_string(), error.to_string(), repair))?;
    let global: Value = serde_json::from_str(&text)
        .map_err(|error| Failed::one(place.display().to_string(), error.to_string(), repair))?;
    let declared = global.get("lang").and_then(Value::as_array).into_iter().flatten();
    let mut codes: Vec<String> =
        declared.filter_map(|lang| Some(lang.get("code")?.as_str()?.to_owned())).collect();
    if let Some(default) = &config.default_language {
        codes.retain(|code| code != default);
        codes.insert(0, default.clone());
    }
    codes.retain(|code| site.join("data/json").join(code).join("pages").is_dir());
    if codes.is_empty() {
        let reason = format!("{SITE_TOML} and global.json name no language that has pages");
        return Err(Failed::one(
            site.display().to_string(),
            reason,
            "add data/json/ru/pages/index.json first",
        ));
    }
    Ok(codes)
}

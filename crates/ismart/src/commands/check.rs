//! `ismart check`.

use std::process::ExitCode;

use clap::Args;
use ismart_domain::Env;

use super::Checked;
use crate::output::{self, Failed, Trouble};
use crate::{config, wiring};

/// What is checked, and what is done with what is found.
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    pub(super) checked: Checked,
    /// Mend what a machine may: indent JSON, rename keys that nobody reads
    #[arg(long)]
    fix: bool,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
}

/// Looks at configuration, sites and packages; sends nothing, and writes only with `--fix`.
pub(super) fn check(check: &Check) -> Result<ExitCode, Failed> {
    let checked = &check.checked;
    if check.fix {
        let place = &checked.place;
        for line in wiring::mend(&config::load(place.config.as_deref(), &place.data)?)? {
            output::note(format_args!("mended {line}"));
        }
    }
    let troubles = findings(checked)?;
    output::report(&troubles, checked.json);
    if !checked.json && troubles.is_empty() {
        output::line("no problems found");
    }
    if check.strict && !troubles.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    Ok(output::exit_code(&troubles))
}

/// Everything that can be found without the network.
pub(super) fn findings(checked: &Checked) -> Result<Vec<Trouble>, Failed> {
    let place = &checked.place;
    let loaded = config::load(place.config.as_deref(), &place.data)?;
    Ok(wiring::examine(&loaded, &Env::system()))
}

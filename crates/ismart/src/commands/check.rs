//! `ismart check`.

use std::process::ExitCode;

use ismart_domain::Env;

use super::Checked;
use crate::output::{self, Failed, Trouble};
use crate::{config, wiring};

/// Looks at configuration, sites and packages; writes and sends nothing.
pub(super) fn check(checked: &Checked) -> Result<ExitCode, Failed> {
    let troubles = findings(checked)?;
    output::report(&troubles, checked.json);
    if !checked.json && troubles.is_empty() {
        output::line("no problems found");
    }
    Ok(output::exit_code(&troubles))
}

/// Everything that can be found without the network.
pub(super) fn findings(checked: &Checked) -> Result<Vec<Trouble>, Failed> {
    let place = &checked.place;
    let loaded = config::load(place.config.as_deref(), &place.data)?;
    Ok(wiring::examine(&loaded, &Env::system()))
}

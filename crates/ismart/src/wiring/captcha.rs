//! `[captcha]` of a site: who is asked whether a form was sent by a person.

use std::sync::Arc;

use ismart_connect::{Egress, open_captcha};
use ismart_domain::ports::Captcha;
use serde_json::Value;

use super::sites::Parts;
use crate::config::resolve;
use crate::output::Trouble;

/// The section of `site.toml`.
const SECTION: &str = "captcha";

/// The captcha of a site, if it has one.
///
/// # Errors
/// Everything that is wrong with `[captcha]`.
pub(super) fn open(egress: &Egress, parts: &Parts) -> Result<Option<Arc<dyn Captcha>>, Vec<Trouble>> {
    let Some(table) = parts.snapshot.config().section(SECTION) else { return Ok(None) };
    let Ok(Value::Object(mut settings)) = serde_json::to_value(table) else { return Ok(None) };
    let trouble = |key: &str, reason: String| {
        let place = format!("{}/{}: [{SECTION}] {key}", parts.folder.display(), ismart_sites::SITE_TOML);
        Trouble::new(place, reason, "mend the setting; docs/reference/legacy-sites.md lists all of them")
    };
    let mut troubles = Vec::new();
    for (key, value) in &mut settings {
        if let Err(why) = resolve(value, &parts.folder) {
            troubles.push(trouble(key, why));
        }
    }
    if !troubles.is_empty() {
        return Err(troubles);
    }
    let opened = open_captcha(&settings, egress);
    opened.map(Some).map_err(|error| {
        error.problems.into_iter().map(|problem| trouble(&problem.key, problem.reason)).collect()
    })
}

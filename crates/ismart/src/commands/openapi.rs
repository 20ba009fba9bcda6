//! `ismart openapi`: the description of the API.

use std::process::ExitCode;

use crate::output::{self, Failed};

/// Prints the OpenAPI 3.1 document that `/api/v1/openapi.json` serves.
pub(super) fn openapi() -> Result<ExitCode, Failed> {
    let text = ismart_web::openapi_json();
    let text =
        text.map_err(|e| Failed::one("the description of the API", e.to_string(), "report this as a fault"))?;
    output::line(format_args!("{}", text.trim_end()));
    Ok(ExitCode::SUCCESS)
}

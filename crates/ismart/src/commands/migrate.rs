//! `ismart migrate`.

use std::process::ExitCode;

use ismart_domain::Env;
use ismart_store::Store;

use super::Place;
use crate::output::{self, Failed};
use crate::{config, wiring};

/// Opens the database, which brings its schema up to date.
pub(super) async fn migrate(place: &Place) -> Result<ExitCode, Failed> {
    let loaded = config::load(place.config.as_deref(), &place.data)?;
    let store = wiring::open_store(&loaded.config, &place.data, Env::system()).await?;
    output::line(format_args!("{}: schema version {}", store.place(), Store::schema_version()));
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

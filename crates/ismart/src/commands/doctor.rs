//! `ismart doctor`.

use std::process::ExitCode;

use ismart_domain::Env;
use ismart_domain::delivery::DeliveryError;
use ismart_store::Store;

use super::{Checked, check};
use crate::config::Config;
use crate::output::{self, Failed, Trouble};
use crate::{config, wiring};

/// Everything that `check` looks at, then the database and every destination.
pub(super) async fn doctor(checked: &Checked) -> Result<ExitCode, Failed> {
    let mut troubles = check::findings(checked)?;
    let place = &checked.place;
    let loaded = config::load(place.config.as_deref(), &place.data)?;
    let mut good = Vec::new();
    match wiring::open_store(&loaded.config, &place.data, Env::system()).await {
        Ok(store) => {
            good.push(format!("database {}: open, durable", store.place()));
            destinations(&loaded.config, &store, &mut good, &mut troubles).await;
            store.close().await;
        }
        Err(Failed(found)) => troubles.extend(found),
    }
    if !checked.json {
        for line in good {
            output::line(line);
        }
    }
    output::report(&troubles, checked.json);
    Ok(output::exit_code(&troubles))
}

/// Asks every destination.
async fn destinations(config: &Config, store: &Store, good: &mut Vec<String>, troubles: &mut Vec<Trouble>) {
    for client in &config.clients {
        for section in &client.destinations {
            let name = format!("destination `{}` of `{}`", section.name, client.slug);
            // Settings that do not open were found by `check`.
            let Ok(connector) = wiring::open_connector(config, store, client, section).await else {
                continue;
            };
            match connector.check().await {
                Ok(line) => good.push(format!("{name}: {line}")),
                Err(error) => troubles.push(explain(&name, &error)),
            }
        }
    }
}

fn explain(name: &str, error: &DeliveryError) -> Trouble {
    let repair = match error {
        DeliveryError::Retry { .. } => "try again in a minute; leads wait meanwhile and are not lost",
        DeliveryError::Rejected { .. } | DeliveryError::Settings { .. } => {
            "correct the destination's settings in the configuration; leads wait meanwhile and are not lost"
        }
    };
    Trouble::new(name, error.to_string(), repair)
}

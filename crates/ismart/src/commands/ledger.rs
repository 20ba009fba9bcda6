//! `ismart ledger`: the proof that no lead was lost.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use ismart_domain::Env;
use ismart_leads::balance::{self, Proof};
use ismart_store::balance::{Sum, WHOLE};
use ismart_store::clients;

use super::Place;
use crate::output::{self, Failed};
use crate::{config, wiring};

/// What to prove.
#[derive(Debug, Args)]
pub(super) struct Ledger {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Count all leads twice, from their rows and from the event log, and compare: accepted = delivered + in flight + held + refused
    Check(Check),
}

#[derive(Debug, Args)]
struct Check {
    #[command(flatten)]
    place: Place,
    /// Only this client
    #[arg(long, value_name = "SLUG")]
    client: Option<String>,
    /// Print every day, not only the sums
    #[arg(long)]
    days: bool,
}

/// Does what the command says.
pub(super) async fn ledger(Ledger { what }: Ledger) -> Result<ExitCode, Failed> {
    match what {
        What::Check(check) => self::check(check).await,
    }
}

/// Prints both counts of each client; fails when they differ or the law is broken, and names the leads.
async fn check(Check { place, client, days }: Check) -> Result<ExitCode, Failed> {
    let loaded = config::load(place.config.as_deref(), &place.data)?;
    let store = wiring::open_store(&loaded.config, &place.data, Env::system()).await?;
    let mut all = clients::list(&mut store.read().await?).await?;
    if let Some(slug) = &client {
        all.retain(|found| found.slug == *slug);
        if all.is_empty() {
            let known = "give the slug of a client of the configuration, or none for all";
            return Err(Failed::one(format!("--client {slug}"), "there is no such client", known));
        }
    }
    let mut balanced = true;
    for found in all {
        let proof = balance::check(&store, found.id).await?;
        print(&found.slug, &proof, days);
        balanced &= proof.holds();
    }
    store.close().await;
    Ok(if balanced { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(client: &str, proof: &Proof, days: bool) {
    output::line(format_args!("{client}"));
    let (rows, log) = (proof.rows.totals(None), proof.log.totals(None));
    let names: std::collections::BTreeSet<&String> = rows.keys().chain(log.keys()).collect();
    for name in names {
        let shown = if name == WHOLE { "leads" } else { name };
        let (rows, log) =
            (rows.get(name).copied().unwrap_or_default(), log.get(name).copied().unwrap_or_default());
        output::line(format_args!("  {shown:<20} rows  {}", told(&rows)));
        output::line(format_args!("  {:<20} log   {}{}", "", told(&log), verdict(&rows, &log)));
    }
    for (day, name, sum) in proof.rows.all().filter(|_| days) {
        let shown = if name == WHOLE { "leads" } else { name };
        output::line(format_args!("  {} {shown:<20} {}", date(day), told(sum)));
    }
    for (day, name) in &proof.places {
        let shown = if name == WHOLE { "leads" } else { name };
        output::line(format_args!("  DIFFERS on {} at {shown}", date(*day)));
    }
    for difference in &proof.differences {
        output::line(format_args!("  DIFFERS lead {}: {}", difference.lead_id, difference.what));
    }
}

fn told(sum: &Sum) -> String {
    format!(
        "accepted {} = delivered {} + in flight {} + held {} + refused {}",
        sum.accepted, sum.delivered, sum.in_flight, sum.held, sum.refused
    )
}

fn verdict(rows: &Sum, log: &Sum) -> &'static str {
    if rows == log && rows.holds() { "  balanced" } else { "  NOT BALANCED" }
}

/// The day of a count of days since 1970.
fn date(day: i64) -> String {
    let start = jiff::civil::date(1970, 1, 1);
    let day = i32::try_from(day).ok().and_then(|day| start.checked_add(jiff::Span::new().days(day)).ok());
    day.map_or_else(|| "?".to_owned(), |day| day.to_string())
}

//! `ismart deliveries`: deliveries asked for again from the command line.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use ismart_domain::delivery::DeliveryState;
use ismart_domain::user::Right;
use ismart_domain::{ClientId, Env, LeadId, UserId};
use ismart_leads::queue::{DecideError, Decider};
use ismart_leads::replay;
use ismart_store::deliveries::{Listed, Pick};
use ismart_store::leads::{self, Filter};
use ismart_store::{Conn, clients, users};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Place;
use crate::output::{self, Failed};
use crate::{config, wiring};

/// What is done with deliveries.
#[derive(Debug, Args)]
pub(super) struct Deliveries {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Send deliveries again; each destination is asked first whether it already has the lead
    Replay(Replay),
}

/// Which deliveries, and why.
#[derive(Debug, Args)]
struct Replay {
    #[command(flatten)]
    place: Place,
    /// Slug of the client
    #[arg(long, value_name = "SLUG")]
    client: String,
    /// Only those of the lead of this number
    #[arg(long, value_name = "NUMBER")]
    lead: Option<i64>,
    /// Only those to this destination
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// Only those in this state, may be given more than once [default: needs_attention]
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<String>,
    /// Only those made at or after this moment of the client's time zone, for example 2026-11-20 or 2026-11-20T09:00
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only those made before this moment
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Why: stays in the history of each lead
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Sign-in name of the person who wants it
    #[arg(long, value_name = "NAME")]
    login: Option<String>,
    /// Only show how many there are, and the oldest of them
    #[arg(long)]
    dry_run: bool,
}

/// Does what was asked.
pub(super) async fn deliveries(
    Deliveries { what: What::Replay(asked) }: Deliveries,
) -> Result<ExitCode, Failed> {
    let loaded = config::load(asked.place.config.as_deref(), &asked.place.data)?;
    let store = wiring::open_store(&loaded.config, &asked.place.data, Env::system()).await?;
    let mut conn = store.read().await?;
    let client_id = client(&mut conn, &asked.client).await?;
    let section = loaded.config.clients.iter().find(|client| client.slug == asked.client);
    let zone = section.and_then(|client| TimeZone::get(&client.time_zone).ok()).unwrap_or(TimeZone::UTC);
    let user_id = match &asked.login {
        Some(login) => Some(person(&mut conn, client_id, login).await?),
        None => None,
    };
    let pick = Pick {
        lead_id: match asked.lead {
            Some(number) => Some(lead(&mut conn, client_id, number).await?),
            None => None,
        },
        destination: asked.destination.clone(),
        states: states(&asked.states)?,
        since: moment("--since", asked.since.as_deref(), &zone)?,
        until: moment("--until", asked.until.as_deref(), &zone)?,
        owner: None,
    };
    drop(conn);
    let decider = Decider::new(user_id, &asked.why).map_err(|error| match error {
        DecideError::Store(error) => Failed::from(error),
        other => Failed::one("--why", other.to_string(), "give a reason of at least one word"),
    })?;
    let preview = replay::preview(&store, client_id, &pick).await?;
    output::line(format_args!("{} deliveries", preview.count));
    for one in &preview.first {
        output::line(shown(one, &zone));
    }
    if asked.dry_run {
        output::note("nothing was changed: run it without --dry-run to send them again");
    } else {
        let count = replay::all(&store, client_id, &pick, &decider).await?;
        output::line(format_args!(
            "{count} deliveries are due again; a running server takes them up at once"
        ));
    }
    store.close().await;
    Ok(ExitCode::SUCCESS)
}

fn shown(one: &Listed, zone: &TimeZone) -> String {
    let made = one.created_at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let delivery = &one.delivery;
    let reason = delivery.reason.as_deref().unwrap_or_default();
    format!("  № {} → {}  {}  {made}  {reason}", one.lead_number, delivery.destination, delivery.state.code())
}

async fn client(conn: &mut Conn, slug: &str) -> Result<ClientId, Failed> {
    let known = clients::list(conn).await?;
    known.iter().find(|client| client.slug == slug).map(|client| client.id).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|client| client.slug.as_str()).collect();
        let fix = format!("name one of: {}", names.join(", "));
        Failed::one("--client", format!("there is no client `{slug}`"), fix)
    })
}

async fn person(conn: &mut Conn, client_id: ClientId, login: &str) -> Result<UserId, Failed> {
    let found = users::by_login(conn, &login.to_lowercase()).await?.map(|(user, _)| user);
    let able = found.filter(|user| {
        user.role.may(Right::Replay) && user.client_id.is_none_or(|client| client == client_id)
    });
    able.map(|user| user.id).ok_or_else(|| {
        let fix = "name an owner of this client, or one of the agency";
        Failed::one("--login", format!("`{login}` is nobody who may decide about its deliveries"), fix)
    })
}

async fn lead(conn: &mut Conn, client_id: ClientId, number: i64) -> Result<LeadId, Failed> {
    let filter = Filter { search: Some(format!("№{number}")), ..Filter::default() };
    let found = leads::list(conn, client_id, &filter, 50).await?;
    found.into_iter().find(|lead| lead.number == number).map(|lead| lead.id).ok_or_else(|| {
        Failed::one(
            "--lead",
            format!("the client has no lead № {number}"),
            "take a number of the console's list",
        )
    })
}

fn states(names: &[String]) -> Result<Vec<DeliveryState>, Failed> {
    if names.is_empty() {
        return Ok(vec![DeliveryState::NeedsAttention]);
    }
    let state = |name: &String| {
        DeliveryState::from_code(name).ok_or_else(|| {
            let known: Vec<&str> = DeliveryState::ALL.iter().map(|state| state.code()).collect();
            let fix = format!("name one of: {}", known.join(", "));
            Failed::one("--state", format!("there is no state `{name}`"), fix)
        })
    };
    names.iter().map(state).collect()
}

fn moment(option: &str, text: Option<&str>, zone: &TimeZone) -> Result<Option<Timestamp>, Failed> {
    let Some(text) = text else { return Ok(None) };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(Some(instant));
    }
    let local: Result<DateTime, _> = text.parse();
    let instant = local.ok().and_then(|local| zone.to_ambiguous_timestamp(local).compatible().ok());
    let fix = "write it as 2026-11-20, 2026-11-20T09:00 or 2026-11-20T09:00:00Z";
    instant.map(Some).ok_or_else(|| Failed::one(option, format!("`{text}` is no moment"), fix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_those_of_the_clients_zone() {
        let zone = TimeZone::get("Europe/Moscow").unwrap();
        let read = |text: &str| moment("--since", Some(text), &zone).map(|found| found.unwrap().to_string());
        assert_eq!(read("2026-11-20").unwrap(), "2026-11-19T21:00:00Z");
        assert_eq!(read("2026-11-20T09:00").unwrap(), "2026-11-20T06:00:00Z");
        assert_eq!(read("2026-11-20T09:00:00Z").unwrap(), "2026-11-20T09:00:00Z");
        assert!(read("yesterday").is_err() && read("").is_err());
        assert!(states(&["refused".into(), "x".into()]).is_err());
        assert_eq!(states(&[]).unwrap(), [DeliveryState::NeedsAttention]);
    }
}

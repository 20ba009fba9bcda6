//! How destinations are dealt with besides bringing leads there: quiet hours, owners, deadlines, test slots; and the
//! vigil over clients.

use std::collections::HashMap;
use std::sync::Arc;

use ismart_connect::{Egress, Memory};
use ismart_domain::delivery::{Hours, Quiet};
use ismart_domain::ports::Notifier;
use ismart_domain::{BoxFuture, ClientId};
use ismart_leads::alerts::{Vigil, Watched, WatchedSite};
use ismart_leads::outcomes::Followed;
use ismart_leads::{Care, Lanes};
use ismart_store::{Store, StoreError, Tx, deliveries};
use ismart_web::hooks::Hook;
use ismart_web::{ClientProfile, Platform};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::config::{AlertSection, ClientSection, Config, DestinationSection};
use crate::output::{Failed, Trouble};

/// Kinds that write to people directly: they are left alone at night unless the configuration says otherwise.
const WRITES_TO_PEOPLE: [&str; 3] = ["telegram", "vk", "max"];
const NIGHT: &str = "22:00-08:00";

/// The rules of one destination.
pub(super) fn care(client: &ClientSection, section: &DestinationSection) -> Care {
    let night = || WRITES_TO_PEOPLE.contains(&section.kind.as_str()).then(|| NIGHT.parse::<Quiet>().ok());
    Care {
        quiet: section.quiet_hours.map_or_else(|| night().flatten(), |hours| hours.0),
        owner: section.owner.clone(),
        forgets: ismart_connect::find(&section.kind).is_some_and(|entry| entry.memory != Memory::Asked),
        ..client_care(client)
    }
}

/// The rules of a client's destinations that the configuration names no more.
pub(super) fn client_care(client: &ClientSection) -> Care {
    Care {
        zone: TimeZone::get(&client.time_zone).unwrap_or(TimeZone::UTC),
        hours: Hours::parse(&client.alerts.hours, &client.alerts.days).unwrap_or_default(),
        decide_within: SignedDuration::from_hours(i64::from(client.alerts.decide_hours)),
        ..Care::default()
    }
}

/// Writes down which destinations of a client take test leads.
pub(super) async fn mark_test_slots(
    store: &Store,
    client_id: ClientId,
    sections: &[DestinationSection],
) -> Result<(), StoreError> {
    let names: Vec<String> =
        sections.iter().filter(|section| section.test).map(|section| section.name.clone()).collect();
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move {
                if deliveries::test_slots(tx, client_id).await? == names {
                    return Ok(());
                }
                deliveries::set_test_slots(tx, client_id, &names).await
            })
        })
        .await
}

/// The destinations of one client whose outcomes are followed, and whose hooks are taken.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) followed: Vec<Followed>,
    pub(crate) hooks: Vec<Hook>,
}

impl Outcomes {
    /// Follows a destination, if its section says so.
    ///
    /// # Errors
    /// When its kind tells no outcomes, or its settings are wrong.
    pub(super) fn follow(
        &mut self,
        egress: &Egress,
        client_id: ClientId,
        client: &ClientSection,
        section: &DestinationSection,
        place: &str,
    ) -> Result<(), Failed> {
        let Some(wanted) = &section.outcomes else { return Ok(()) };
        let place = format!("{place}: destination `{}`: outcomes", section.name);
        let Some(entry) = ismart_connect::find_outcomes(&section.kind) else {
            let known: Vec<&str> = ismart_connect::OUTCOMES.iter().map(|entry| entry.kind).collect();
            let reason = format!("a destination of the kind `{}` tells no outcomes", section.kind);
            return Err(Failed::one(place, reason, format!("kinds that do: {}", known.join(", "))));
        };
        let source = (entry.open)(&section.settings, egress)
            .map_err(|error| Failed::one(place, error.to_string(), "correct the settings"))?;
        self.followed.push(Followed {
            client_id,
            name: section.name.clone(),
            source,
            stages: wanted.stages.clone(),
            every: SignedDuration::from_mins(i64::from(wanted.poll_minutes.max(1))),
        });
        if let Some(token) = wanted.token() {
            self.hooks.push(Hook::new(client_id, &client.slug, &section.name, token, entry.hook));
        }
        Ok(())
    }
}

/// What the configuration says of clients beside their destinations.
#[derive(Default)]
pub(crate) struct Rules {
    alerts: HashMap<String, AlertSection>,
    care: HashMap<String, Care>,
    notifiers: HashMap<String, Vec<Arc<dyn Notifier>>>,
}

impl Rules {
    /// Takes the rules out of a configuration.
    ///
    /// # Errors
    /// Everything that is wrong with the settings of notifiers.
    pub(crate) fn of(config: &Config, egress: &Egress, place: &str) -> Result<Self, Failed> {
        let (mut rules, mut troubles) = (Self::default(), Vec::new());
        for client in &config.clients {
            rules.alerts.insert(client.slug.clone(), client.alerts.clone());
            rules.care.insert(client.slug.clone(), client_care(client));
            let mut notifiers = Vec::new();
            for tell in &client.alerts.tell {
                let place = format!("{place}: client `{}`: alerts.tell `{}`", client.slug, tell.kind);
                let Some(entry) = ismart_connect::find_notifier(&tell.kind) else {
                    let known: Vec<&str> = ismart_connect::NOTIFIERS.iter().map(|entry| entry.kind).collect();
                    let repair = format!("use one of: {}", known.join(", "));
                    troubles.push(Trouble::new(place, "there is no such way to tell people", repair));
                    continue;
                };
                match (entry.open)(&tell.settings, egress) {
                    Ok(notifier) => notifiers.push(notifier),
                    Err(error) => {
                        troubles.push(Trouble::new(place, error.to_string(), "correct the settings"))
                    }
                }
            }
            rules.notifiers.insert(client.slug.clone(), notifiers);
        }
        if troubles.is_empty() { Ok(rules) } else { Err(Failed(troubles)) }
    }

    /// A client with its sites as the vigil sees it.
    fn watched(&self, platform: &Platform, client: &ClientProfile) -> Watched {
        let fallback = AlertSection::default();
        let alerts = self.alerts.get(&client.slug).unwrap_or(&fallback);
        let world = platform.world.load();
        let own = world.places.values().filter(|place| place.client_id == client.id);
        let site = |place: &Arc<ismart_web::Place>| {
            let special = alerts.site.get(&place.slug).cloned().unwrap_or_default();
            let hours = special.hours.as_ref().unwrap_or(&alerts.hours);
            let days = special.days.as_ref().unwrap_or(&alerts.days);
            let floor = special.silence_hours.unwrap_or(alerts.silence_hours);
            WatchedSite {
                id: place.site_id,
                name: place.name.clone(),
                hours: Hours::parse(hours, days).unwrap_or_default(),
                floor: SignedDuration::from_hours(i64::from(floor)),
            }
        };
        Watched {
            id: client.id,
            name: client.name.clone(),
            zone: client.zone.clone(),
            sites: own.map(site).collect(),
            notifiers: self.notifiers.get(&client.slug).cloned().unwrap_or_default(),
        }
    }
}

/// The vigil over every client of a platform.
pub(crate) fn vigil(platform: &Arc<Platform>, rules: Rules, lanes: Lanes) -> Vigil {
    let rules = Arc::new(rules);
    let (seen, known) = (platform.clone(), rules.clone());
    let clients = move || {
        let clients = seen.clients();
        clients.iter().map(|client| known.watched(&seen, client)).collect()
    };
    let seen = platform.clone();
    let care = move |client_id: ClientId, name: &str| {
        let lanes = lanes.list();
        let lane = lanes.iter().find(|lane| lane.client_id == client_id && lane.name == name);
        let of_client = || {
            let client = seen.client(client_id)?;
            rules.care.get(&client.slug).cloned()
        };
        lane.map(|lane| lane.care.clone()).or_else(of_client).unwrap_or_default()
    };
    let ledger = platform.ledger.clone();
    let balance = move |client_id: ClientId| {
        let complaint = ledger.proof(client_id).and_then(|proof| proof.complaint());
        let told: BoxFuture<'static, Result<Option<String>, StoreError>> =
            Box::pin(async move { Ok(complaint) });
        told
    };
    Vigil::new(platform.store.clone(), clients, care).with_balance(Arc::new(balance))
}

//! A loaded site goes into service: its place, its worker with tools, its host.

use std::sync::Arc;

use arc_swap::ArcSwap;
use ismart_domain::conversation::ConsentText;
use ismart_domain::ports::{Tool, Toolbox};
use ismart_domain::{ClientId, SiteId};
use ismart_knowledge::Catalogue;
use ismart_sites::{SiteConfig, Snapshot};
use ismart_store::{Store, StoreError, Tx, clients};
use ismart_tools::create_lead::{CreateLead, TitleOf};
use ismart_tools::hand_over::HandOver;
use ismart_tools::schedule::Schedule;
use ismart_tools::test_drive::{BookTestDrive, Calendar, TestDriveSlots};
use ismart_tools::{Knowledge, SiteKnowledge};
use ismart_web::{ClientProfile, Marketing, Place, Platform};
use ismart_workers::desk::{Furniture, Workplace};
use ismart_workers::{Vocabulary, Worker};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::reload::Reloader;
use super::sites::{Parts, text_at};
use crate::output::Failed;

impl Reloader {
    /// The place of one site, and its worker's if it employs one.
    pub(super) async fn open(
        &self,
        platform: &Platform,
        part: &Parts,
    ) -> Result<(Place, Option<Workplace>), Failed> {
        let site = &part.snapshot;
        let config = site.config();
        let profile = client(platform, config).await?;
        let site_id = site_row(&platform.store, profile.id, config).await?;
        // Those that take test leads take nothing else.
        let own = |sites: &[String]| sites.is_empty() || sites.contains(&config.site);
        let real =
            profile.destinations.iter().filter(|destination| !destination.test && own(&destination.sites));
        let destinations: Vec<String> = real.map(|destination| destination.name.clone()).collect();
        let worker = section_text(config, "worker", "package");
        let place = Place {
            client_id: profile.id,
            site_id,
            slug: config.site.clone(),
            name: config.name.clone(),
            destinations: destinations.clone(),
            worker: worker.clone(),
            consent_label: consent(config, "consent_label", "Даю согласие на обработку персональных данных"),
            consent_url: consent(config, "consent_url", "/consent"),
            consent_version: consent(config, "consent_version", "1"),
            consent_text: {
                let page = consent(config, "consent_page", "consent");
                let label = consent(config, "consent_label", "Даю согласие на обработку персональных данных");
                agreed(site, label, &page, platform.env.now())
            },
            marketing: marketing(site, platform.env.now()),
            phone: text_at(site.global(), "/business/phone").unwrap_or_default().to_owned(),
        };
        let workplace = match worker {
            Some(name) => Some(self.employ(platform, part, &place, &name).await?),
            None => None,
        };
        Ok((place, workplace))
    }

    /// Furnishes the workplace of a worker.
    async fn employ(
        &self,
        platform: &Platform,
        part: &Parts,
        place: &Place,
        name: &str,
    ) -> Result<Workplace, Failed> {
        let site = &part.snapshot;
        let config = site.config();
        let at = |key: &str| format!("{}/{}: {key}", part.folder.display(), ismart_sites::SITE_TOML);
        let package = self.packages.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.packages.keys().map(String::as_str).collect();
            let repair = format!("use one of: {}", known.join(", "));
            Failed::one(at("[worker] package"), format!("there is no worker package `{name}`"), repair)
        })?;
        let zone = TimeZone::get(&config.time_zone).map_err(|e| {
            Failed::one(at("time_zone"), e.to_string(), "give an IANA name such as Europe/Moscow")
        })?;
        let knowledge = SiteKnowledge::new(part.catalogue.clone(), part.index.clone(), site.global(), &zone);
        let mut knowledge = knowledge.map_err(|e| {
            Failed::one(
                format!("{}/data/json/global.json", part.folder.display()),
                e.to_string(),
                "correct the value",
            )
        })?;
        let link = |page: &str| {
            let found = site.documents().find(|d| d.page_id == page && d.entity.is_none())?;
            Some(ismart_domain::conversation::SourceLink { title: found.title.to_owned(), url: found.url })
        };
        knowledge.contacts = link("contacts");
        knowledge.credit_page = link("credit");
        let always = Schedule::new(&[], zone.clone());
        let schedule = knowledge.business.schedule.clone().map_or(always, Ok);
        let schedule = Arc::new(schedule.map_err(|e| {
            Failed::one("opening_hours", e.to_string(), "correct business.opening_hours in global.json")
        })?);
        let due = schedule.clone();
        let business = business(&knowledge, site.global(), platform.env.now());
        let toolbox = toolbox(platform, config, place, Arc::new(ArcSwap::from_pointee(knowledge)), &schedule);
        let parts = Furniture {
            worker: Arc::new(Worker::new(package.clone(), &vocabulary(&part.catalogue))),
            toolbox,
            zone,
            language: config.default_language.clone().unwrap_or_else(|| "ru".to_owned()),
            business,
            consent: ConsentText {
                label: place.consent_label.clone(),
                url: place.consent_url.clone(),
                version: place.consent_version.clone(),
            },
            consent_full: place.consent_text.clone(),
            avatar: section_text(config, "worker", "avatar"),
            due_by: Arc::new(move |now| HandOver::due(&due, now)),
        };
        Ok(Workplace::furnish(place.client_id, place.site_id, parts, &platform.env).await)
    }
}

/// Every tool that a worker may be given on this site.
fn toolbox(
    platform: &Platform,
    config: &SiteConfig,
    place: &Place,
    knowledge: Knowledge,
    schedule: &Arc<Schedule>,
) -> Toolbox {
    let number = |key: &str, default: i64| {
        let value = config.section("test_drive").and_then(|table| table.get(key));
        value.and_then(toml::Value::as_integer).unwrap_or(default)
    };
    let calendar = Calendar {
        schedule: schedule.clone(),
        slot_minutes: number("slot_minutes", 60),
        capacity: number("capacity", 1),
        days_ahead: number("days_ahead", 14),
    };
    let stock = knowledge.clone();
    let title_of: TitleOf =
        Arc::new(move |key| stock.load().catalogue.get(key).map(|vehicle| vehicle.title()));
    let store = platform.store.clone();
    let mut tools = ismart_tools::reading(&knowledge);
    let writing: [Arc<dyn Tool>; 4] = [
        Arc::new(TestDriveSlots::new(store.clone(), calendar.clone())),
        Arc::new(BookTestDrive::new(store.clone(), calendar, title_of.clone())),
        Arc::new(CreateLead::new(store, place.destinations.clone(), title_of)),
        Arc::new(HandOver::new(schedule.clone())),
    ];
    tools.extend(writing);
    Toolbox::new(tools)
}

/// The stock's own words, for understanding.
fn vocabulary(catalogue: &Catalogue) -> Vocabulary {
    let words = catalogue.vocabulary();
    let plain =
        |terms: &[ismart_knowledge::catalogue::Term]| terms.iter().map(|t| (t.name.clone(), None)).collect();
    let mut groups = Vocabulary::default();
    groups.0.insert("brand".to_owned(), plain(&words.brands));
    groups.0.insert(
        "model".to_owned(),
        words.models.iter().map(|m| (m.name.clone(), Some(m.brand.clone()))).collect(),
    );
    groups
}

/// What answers may state of the business.
fn business(knowledge: &SiteKnowledge, global: &Value, now: Timestamp) -> Value {
    let declared = global.get("business").cloned().unwrap_or(Value::Null);
    json!({
        "name": knowledge.business.name,
        "phone": knowledge.business.phone,
        "address": knowledge.business.address,
        "email": knowledge.business.email,
        "hours_text": knowledge.business.hours_text(now, true),
        "full_name": declared.get("full_name"),
    })
}

fn section_text(config: &SiteConfig, section: &str, key: &str) -> Option<String> {
    config.section(section)?.get(key)?.as_str().map(str::to_owned)
}

fn consent(config: &SiteConfig, key: &str, default: &str) -> String {
    section_text(config, "forms", key).unwrap_or_else(|| default.to_owned())
}

/// The whole text that is agreed to: the sentence beside the box, then every text of the page as the visitor reads it.
fn agreed(site: &Snapshot, label: String, page: &str, now: Timestamp) -> String {
    let mut texts = vec![label];
    if let Some(document) = site.documents().find(|d| d.page_id == page && d.entity.is_none()) {
        let body = site.resolved(document.body, now);
        let passages = ismart_knowledge::passages_from_page(document.title, &document.url, &body);
        texts.extend(passages.into_iter().map(|passage| passage.text));
    }
    texts.join("\n")
}

/// The client of a site: one of the configuration, or, where none has the name, one that the site brings along.
async fn client(platform: &Platform, config: &SiteConfig) -> Result<Arc<ClientProfile>, Failed> {
    if let Some(known) = platform.clients().iter().find(|client| client.slug == config.client) {
        return Ok(known.clone());
    }
    let id = super::client_row(&platform.store, &config.client, &config.name).await?;
    let (slug, name) = (config.client.clone(), config.name.clone());
    let zone = TimeZone::get(&config.time_zone).unwrap_or(TimeZone::UTC);
    Ok(platform.add_client(ClientProfile { id, slug, name, zone, destinations: Vec::new() }))
}

/// What visitors may agree to besides: advertising. `None` when the site has no document for it.
fn marketing(site: &Snapshot, now: Timestamp) -> Option<Marketing> {
    let config = site.config();
    let page = section_text(config, "forms", "marketing_page")?;
    let label = consent(config, "marketing_label", "Согласие на рекламные сообщения");
    Some(Marketing {
        text: agreed(site, label, &page, now),
        url: section_text(config, "forms", "marketing_url").unwrap_or_else(|| format!("/{page}")),
        version: consent(config, "marketing_version", "1"),
    })
}

async fn site_row(store: &Store, client_id: ClientId, config: &SiteConfig) -> Result<SiteId, StoreError> {
    let (slug, name) = (config.site.clone(), config.name.clone());
    // A thousand sites that are all known must not mean a thousand transactions.
    let known = clients::sites(&mut store.read().await?, client_id).await?;
    if let Some(row) = known.iter().find(|row| row.slug == slug && row.name == name) {
        return Ok(row.id);
    }
    store
        .write(move |tx: &mut Tx| {
            Box::pin(async move { clients::ensure_site(tx, client_id, &slug, &name).await })
        })
        .await
}

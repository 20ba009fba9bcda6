//! What every handler can reach: the store, the sites, the workers' desk, and what the configuration says.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use ismart_domain::ports::Captcha;
use ismart_domain::{ClientId, Env, Secret, SiteId};
use ismart_leads::balance::Ledger;
use ismart_leads::intake::Shelf as FileShelf;
use ismart_leads::orders::Till;
use ismart_sites::{Cores, Fleet, Snapshot};
use ismart_store::Store;
use ismart_workers::desk::Desk;
use jiff::tz::TimeZone;

use crate::box_office::BoxOffice;
use crate::destinations::DestinationDesk;
use crate::editing::Editing;
use crate::feeds::FeedDesk;
use crate::fleet::{FleetFolders, FleetRoom};
use crate::footfall::Footfall;
use crate::hooks::HookDesk;
use crate::intake::Doors;
use crate::rate::Limits;
use crate::site::Shelf;

/// How many times the usual rate a sender may go beyond it before nothing of what he sends is kept.
const FLOOD: u32 = 4;

/// One destination of a client's leads, as the console shows it.
#[derive(Debug, Clone)]
pub struct DestinationProfile {
    /// Name in the configuration.
    pub name: String,
    /// Kind of connector.
    pub kind: String,
    /// Address of the emulator's page, when the destination is simulated.
    pub simulated: Option<String>,
    /// Takes test leads, and only them.
    pub test: bool,
    /// Keys of the sites whose leads go there; empty for all of the client's.
    pub sites: Vec<String>,
}

/// A client as the configuration describes it.
#[derive(Debug, Clone)]
pub struct ClientProfile {
    /// Identity.
    pub id: ClientId,
    /// Name in the configuration.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Zone of its working day.
    pub zone: TimeZone,
    /// Where its leads go besides the inbox.
    pub destinations: Vec<DestinationProfile>,
}

/// A site in service: whose it is and what its forms need.
#[derive(Debug, Clone)]
pub struct Place {
    /// The client.
    pub client_id: ClientId,
    /// The site.
    pub site_id: SiteId,
    /// Key of the site in the fleet.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// Names of the destinations that leads go to besides the inbox.
    pub destinations: Vec<String>,
    /// Name of the worker package, if the site employs one.
    pub worker: Option<String>,
    /// The sentence beside the consent box.
    pub consent_label: String,
    /// Address of the consent document.
    pub consent_url: String,
    /// Version of the consent document.
    pub consent_version: String,
    /// The whole text that is agreed to.
    pub consent_text: String,
    /// The consent to advertising that forms offer, if the site has one.
    pub marketing: Option<Marketing>,
    /// Phone shown when something does not work.
    pub phone: String,
}

/// A consent of its own, never needed for an answer.
#[derive(Debug, Clone)]
pub struct Marketing {
    /// The whole text that is agreed to.
    pub text: String,
    /// Address of the document.
    pub url: String,
    /// Version of the document.
    pub version: String,
}

/// What a site sells online.
#[derive(Debug, Clone)]
pub struct Shop {
    /// Takes the money.
    pub till: Till,
    /// The collection whose entities have a price.
    pub collection: String,
}

/// Who is asked whether a form was sent by a person.
#[derive(Clone)]
pub struct Guard(pub Arc<dyn Captcha>);

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Guard")
    }
}

/// All that changes when a site is loaded again; swapped whole.
#[derive(Debug, Clone, Default)]
pub struct World {
    /// Host → site.
    pub fleet: Fleet,
    /// Site key → place.
    pub places: HashMap<String, Arc<Place>>,
    /// Host → key of a site that could not be loaded.
    pub down: HashMap<String, String>,
    /// Sites that sell.
    pub shops: HashMap<SiteId, Arc<Shop>>,
    /// Captchas of sites that have one.
    pub guards: HashMap<SiteId, Guard>,
}

/// How the server was told to behave.
#[derive(Debug, Clone)]
pub struct Options {
    /// Hosts that the console answers on; empty means every host.
    pub console_hosts: Vec<String>,
    /// Whether the outside speaks HTTPS to us: cookies are then `Secure`.
    pub https: bool,
    /// Addresses of proxies whose `X-Forwarded-…` headers are believed.
    pub trusted_proxies: Vec<std::net::IpAddr>,
    /// Demonstration: screens say what is simulated.
    pub demo: bool,
    /// How many forms and messages one address may send a minute.
    pub per_minute: u32,
    /// Bytes of pages and files that are kept ready; 0 keeps none.
    pub keep: u64,
    /// Pages show themselves again when their site was loaded again.
    pub watch: bool,
    /// How many requests one key of the API may make a minute.
    pub api_per_minute: u32,
    /// Signs form tokens.
    pub form_secret: Secret,
    /// The cores that sites share.
    pub cores: Arc<Cores>,
    /// Where the fleet lies.
    pub fleet: FleetFolders,
    /// Where files of senders lie, each client's in a folder of its own.
    pub files: PathBuf,
}

/// Shared by all handlers.
pub struct Platform {
    /// The database.
    pub store: Store,
    /// Time and randomness.
    pub env: Env,
    /// Sites in service.
    pub world: Arc<ArcSwap<World>>,
    /// Where workers and people answer visitors.
    pub desk: Desk,
    /// The clients of the configuration, then those that only sites name.
    clients: ArcSwap<Vec<Arc<ClientProfile>>>,
    /// How to behave.
    pub options: Options,
    pub(crate) limits: Limits,
    /// Beyond this rate forms keep nothing of what a sender sends.
    pub(crate) floods: Limits,
    /// The proof that no lead was lost.
    pub ledger: Ledger,
    pub(crate) shelf: Shelf,
    /// Drafts and publications of sites.
    pub editing: Editing,
    /// The fleet as the agency sees it.
    pub fleet: FleetRoom,
    pub(crate) api: crate::api::Desk,
    /// What visitors ask sites for.
    pub footfall: Footfall,
    /// Feeds that somebody wants now.
    pub feeds: FeedDesk,
    /// Who takes hooks of CRMs.
    pub hooks: HookDesk,
    /// Files of senders.
    pub files: FileShelf,
    /// Ways in for what others send.
    pub doors: Doors,
    pub(crate) box_office: BoxOffice,
    /// Where people set up destinations.
    pub joining: DestinationDesk,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Platform").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Platform {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        store: Store,
        world: Arc<ArcSwap<World>>,
        desk: Desk,
        clients: Vec<ClientProfile>,
        options: Options,
    ) -> Self {
        let env = store.env().clone();
        let limits = Limits::new(options.per_minute);
        let floods = Limits::new(options.per_minute.saturating_mul(FLOOD));
        let ledger = Ledger::new(store.clone());
        let shelf = Shelf::new(options.keep);
        let editing = Editing::new(store.clone(), world.clone());
        let fleet = FleetRoom::new(options.cores.clone(), &options.fleet);
        let clients = ArcSwap::from_pointee(clients.into_iter().map(Arc::new).collect());
        let api = crate::api::Desk::new(options.api_per_minute);
        let footfall = Footfall::new(store.clone());
        let files = FileShelf::new(&options.files);
        Self {
            store,
            env,
            world,
            desk,
            clients,
            options,
            limits,
            floods,
            ledger,
            shelf,
            editing,
            fleet,
            api,
            footfall,
            feeds: FeedDesk::default(),
            hooks: HookDesk::default(),
            files,
            doors: Doors::default(),
            box_office: BoxOffice::default(),
            joining: DestinationDesk::default(),
        }
    }

    /// The site of a `Host` header with its place.
    #[must_use]
    pub fn site(&self, host: &str) -> Option<(Arc<Snapshot>, Arc<Place>)> {
        let world = self.world.load();
        let site = world.fleet.get(host)?.clone();
        let place = world.places.get(&site.config().site)?.clone();
        let site = match world.shops.get(&place.site_id) {
            Some(shop) => self.box_office.over(site, place.site_id, shop),
            None => site,
        };
        Some((site, place))
    }

    /// Whether a site of this client sells anything.
    #[must_use]
    pub(crate) fn sells(&self, client_id: ClientId) -> bool {
        let world = self.world.load();
        let own = world.places.values().filter(|place| place.client_id == client_id);
        own.map(|place| place.site_id).any(|site_id| world.shops.contains_key(&site_id))
    }

    /// What a site sells, if it does.
    #[must_use]
    pub(crate) fn shop(&self, site_id: SiteId) -> Option<Arc<Shop>> {
        self.world.load().shops.get(&site_id).cloned()
    }

    /// The key of the site of this host, when the site could not be loaded.
    #[must_use]
    pub(crate) fn down(&self, host: &str) -> Option<String> {
        self.world.load().down.get(&bare(host).to_ascii_lowercase()).cloned()
    }

    /// The site of this key with its place.
    #[must_use]
    pub fn site_of_key(&self, key: &str) -> Option<(Arc<Snapshot>, Arc<Place>)> {
        let world = self.world.load();
        let place = world.places.get(key)?.clone();
        let site = world.fleet.sites().iter().find(|site| site.config().site == key)?.clone();
        Some((site, place))
    }

    /// Client and site of every site in service.
    #[must_use]
    pub fn owners(&self) -> Vec<(ClientId, SiteId)> {
        self.world.load().places.values().map(|place| (place.client_id, place.site_id)).collect()
    }

    /// The client of this id.
    #[must_use]
    pub fn client(&self, id: ClientId) -> Option<Arc<ClientProfile>> {
        self.clients.load().iter().find(|client| client.id == id).cloned()
    }

    /// All clients.
    #[must_use]
    pub fn clients(&self) -> Arc<Vec<Arc<ClientProfile>>> {
        self.clients.load_full()
    }

    /// Puts the clients of a configuration that was read again in the place of those of the same id.
    pub fn set_clients(&self, profiles: Vec<ClientProfile>) {
        let fresh: Vec<Arc<ClientProfile>> = profiles.into_iter().map(Arc::new).collect();
        self.clients.rcu(|clients| {
            let others = clients.iter().filter(|client| fresh.iter().all(|one| one.id != client.id)).cloned();
            fresh.iter().cloned().chain(others).collect::<Vec<_>>()
        });
    }

    /// Takes up a client that a site brought along.
    pub fn add_client(&self, profile: ClientProfile) -> Arc<ClientProfile> {
        let profile = Arc::new(profile);
        self.clients.rcu(|clients| {
            let others = clients.iter().filter(|client| client.id != profile.id).cloned();
            others.chain(std::iter::once(profile.clone())).collect::<Vec<_>>()
        });
        profile
    }

    /// Whether the console answers on this host.
    #[must_use]
    pub fn console_at(&self, host: &str) -> bool {
        let hosts = &self.options.console_hosts;
        hosts.is_empty()
            || hosts.iter().any(|h| h.eq_ignore_ascii_case(host) || h.eq_ignore_ascii_case(bare(host)))
    }

    /// Whether this host was given to the console and is no site's.
    pub(crate) fn console_only(&self, host: &str) -> bool {
        !self.options.console_hosts.is_empty() && self.console_at(host)
    }
}

/// A host without its port.
fn bare(host: &str) -> &str {
    host.rsplit_once(':')
        .filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()))
        .map_or(host, |(name, _)| name)
}

//! `ismart demo`: a ready-made dealer; what is simulated says so.

mod history;
pub(super) mod unpack;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ismart_domain::user::Role;
use ismart_domain::{Env, Secret};
use ismart_emulators::bitrix24::{Limits, Portal, PortalHandle};
use ismart_web::console::accounts::{self, NewUser};
use serde_json::json;

use super::serve::{listen_on, run};
use crate::config::{AlertSection, ClientSection, Config, DestinationSection, Loaded};
use crate::output::{self, Failed};
use crate::wiring::{self, Simulation};

/// The demo's client and site.
const CLIENT: &str = "avtograd";
/// Name of its destination.
const DESTINATION: &str = "bitrix24";
/// Sign-in name of the demo's owner.
const LOGIN: &str = "demo";

/// Where the demo runs.
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Address to listen on
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Folder of the demo's database and site; delete it to begin anew
    #[arg(long, value_name = "DIR", default_value = "ismart-demo")]
    data: PathBuf,
    /// Begin without simulated history
    #[arg(long)]
    empty: bool,
}

/// Unpacks the dealer, starts the simulated CRM, writes two months of history once, then serves.
pub(super) async fn demo(demo: Demo) -> Result<ExitCode, Failed> {
    crate::telemetry::start("warn", false);
    let listener = listen_on(demo.listen).await?;
    unpack::unpack(&demo.data)?;
    let portal = portal(&demo.data, Limits::cloud(), Env::system()).await?;
    let loaded = configuration(&demo.data, &portal);
    // The history has a portal of its own time: it is written before the real one is asked anything.
    portal.shutdown().await;
    if !demo.empty {
        history::write(&loaded, &demo.data).await?;
    }
    let portal = self::portal(&demo.data, Limits::cloud(), Env::system()).await?;
    let loaded = configuration(&demo.data, &portal);
    let simulation = Simulation { destination: DESTINATION.to_owned(), page: portal.base_url() };
    let wired = wiring::wire(&loaded, &demo.data, Env::system(), Some(simulation)).await?;
    let password = sign_in(&wired, &demo.data).await?;
    let address =
        listener.local_addr().map_err(|e| Failed::one("socket", e.to_string(), "give another --listen"))?;
    announce(address, &portal, &password);
    let code = run(wired, listener, None).await;
    portal.shutdown().await;
    code
}

/// The simulated Bitrix24 portal; what it holds survives a restart.
async fn portal(data: &Path, limits: Limits, env: Env) -> Result<PortalHandle, Failed> {
    let started = Portal::builder(move || env.now())
        .webhook(1, "demo-secret")
        .limits(limits)
        .journal(data.join("bitrix24-simulated.jsonl"))
        .start()
        .await;
    started.map_err(|error| {
        let repair = "another demo may use the same folder: stop it, or give another --data";
        Failed::one("simulated Bitrix24", error.to_string(), repair)
    })
}

/// The configuration that a real installation would have in `ismart.toml`.
fn configuration(data: &Path, portal: &PortalHandle) -> Loaded {
    let settings = json!({ "webhook": portal.webhook_url() });
    let destination = DestinationSection {
        name: DESTINATION.to_owned(),
        kind: "bitrix24".to_owned(),
        settings: settings.as_object().cloned().unwrap_or_default(),
        test: false,
        quiet_hours: None,
        sites: Vec::new(),
        owner: None,
        outcomes: None,
    };
    let client = ClientSection {
        leads: Default::default(),
        slug: CLIENT.to_owned(),
        name: "Автоград".to_owned(),
        time_zone: "Europe/Moscow".to_owned(),
        destinations: vec![destination],
        alerts: AlertSection::default(),
        doors: Vec::new(),
    };
    let mut config = Config { clients: vec![client], ..Config::default() };
    config.http.allow_loopback = true;
    config.http.per_minute = 6000;
    Loaded { config, base: data.to_path_buf(), file: data.join(crate::config::FILE) }
}

/// People for the console; the password is made once and kept beside the demo's data.
async fn sign_in(wired: &wiring::Wired, data: &Path) -> Result<String, Failed> {
    let env = Env::system();
    let file = data.join("sign-in.txt");
    let password = match std::fs::read_to_string(&file) {
        Ok(text) => text.trim().to_owned(),
        Err(_) => {
            let fresh: String = env.token().chars().take(16).collect();
            unpack::write_private(&file, &fresh)?;
            fresh
        }
    };
    let client_id =
        wired.platform.clients().iter().find(|client| client.slug == CLIENT).map(|client| client.id);
    let people = [
        (LOGIN, "Дмитрий Орлов", Role::Owner, client_id),
        ("operator", "Анна Смирнова", Role::Operator, client_id),
        ("analyst", "Олег Ким", Role::Analyst, client_id),
        ("agency", "Агентство", Role::Agency, None),
    ];
    for (login, name, role, client_id) in people {
        let user = NewUser {
            client_id,
            login: login.to_owned(),
            name: name.to_owned(),
            role,
            language: "ru".to_owned(),
        };
        let stored = accounts::set_password(&wired.store, &env, user, &Secret::new(password.clone())).await;
        stored.map_err(|e| Failed::one("sign-in", e.to_string(), "delete sign-in.txt in the data folder"))?;
    }
    Ok(password)
}

fn announce(address: SocketAddr, portal: &PortalHandle, password: &str) {
    output::line("");
    output::line("  iSmart demo: the car dealer «Автоград»");
    output::line("");
    output::line(format_args!("  Site       http://{address}/"));
    output::line(format_args!("  Console    http://{address}/console/"));
    output::line(format_args!("  Sign in    {LOGIN} / {password}   (also: operator, analyst, agency)"));
    output::line(format_args!(
        "  Bitrix24   {}/   (simulated: leads really arrive there)",
        portal.base_url().trim_end_matches('/')
    ));
    output::line("");
    output::line(
        "  Simulated: the dealer, its stock, the two months of history and the CRM. Real: everything in between.",
    );
    output::line("  Stop with Ctrl-C.");
}

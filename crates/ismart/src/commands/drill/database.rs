//! PostgreSQL restarted without warning while leads come in.

use std::path::{Path, PathBuf};
use std::process::Command;

use ismart_domain::Env;
use ismart_emulators::bitrix24::Limits;
use ismart_store::Store;

use super::chaos::share;
use super::forms::Forms;
use super::scene::{REMEMBERED, Scene, a_while};
use super::server::Server;
use super::{Ended, judge};
use crate::output::Failed;

/// A PostgreSQL server of our own; stopped when this is dropped.
struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    port: u16,
}

impl Postgres {
    fn start(folder: &Path) -> Result<Self, String> {
        let bin =
            programs().ok_or("PostgreSQL's programs were not found below /usr/lib/postgresql: install it")?;
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let port = free.map_err(|e| e.to_string())?.port();
        let home = folder.join("postgres");
        std::fs::create_dir_all(&home).map_err(|e| e.to_string())?;
        // PostgreSQL refuses to run as root: its own user needs the folder.
        if is_root() {
            sh(&format!("chown postgres '{}' && chmod 755 '{}'", home.display(), folder.display()))?;
            for above in folder.ancestors().skip(1).take_while(|above| *above != std::env::temp_dir()) {
                sh(&format!("chmod a+x '{}'", above.display()))?;
            }
        }
        let server = Self { bin, data: home.join("data"), port };
        let (bin, data) = (server.bin.display(), server.data.display());
        server.run(&format!("'{bin}/initdb' -D '{data}' -A trust -U ismart -E UTF8"))?;
        server.control("start")?;
        Ok(server)
    }

    fn url(&self) -> String {
        format!("postgres://ismart@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// `start`, `stop` or `restart`, in the way of a crash: nothing is written out first.
    fn control(&self, what: &str) -> Result<(), String> {
        let (bin, data, port) = (self.bin.display(), self.data.display(), self.port);
        let options = format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={data}");
        let hard = if what == "start" { "" } else { "-m immediate" };
        self.run(&format!("'{bin}/pg_ctl' -D '{data}' -w -l '{data}/log' {hard} -o '{options}' {what}"))
    }

    fn run(&self, command: &str) -> Result<(), String> {
        if is_root() {
            let mut child = Command::new("runuser");
            said(child.args(["-u", "postgres", "--", "sh", "-c", command]))
        } else {
            sh(command)
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(error) = self.control("stop") {
            tracing::error!(error, "the drill's PostgreSQL was not stopped");
        }
    }
}

fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<PathBuf> = versions
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.starts_with(b"0\n"))
}

fn sh(command: &str) -> Result<(), String> {
    said(Command::new("sh").args(["-c", command]))
}

/// Runs a command; its words when it fails. Its output goes nowhere else: a server that it leaves running would keep a
/// pipe open for ever.
fn said(command: &mut Command) -> Result<(), String> {
    let status = command
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .map_err(|e| format!("{command:?}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} ended with {status}")) }
}

/// Runs it: restarts the database so many times.
pub(super) async fn run(scene: &Scene) -> Result<Ended, Failed> {
    let postgres = match Postgres::start(scene.folder()) {
        Ok(postgres) => postgres,
        Err(why) => return Ok(Ended::NotRun(why)),
    };
    let portal = scene.portal(Limits::on_premise(), REMEMBERED, || Env::system().now()).await?;
    let url = postgres.url();
    let data = scene.folder().join("data");
    let configuration = scene.configuration(&portal, &format!("postgres = {url:?}"));
    let mut server = Server::start(&data, &configuration).await?;
    let (forms, visitors) = Forms::send(&server.base(), scene.leads).await?;
    let mut restarts = 0;
    for strike in 1..=scene.strikes {
        forms.until(share(scene.leads, strike, scene.strikes)).await;
        if forms.all_done() {
            break;
        }
        a_while(300).await;
        postgres.control("restart").map_err(|e| Failed::one("PostgreSQL", e, "look at its log"))?;
        restarts += 1;
    }
    visitors.join_all().await;
    let store = Store::open_postgres(&url, 4, Env::system()).await?;
    let client = judge::client(&store).await?;
    let hurried = judge::settle(scene, &store, client).await?;
    server.end();
    let mut verdict = judge::judge(scene, &store, client, &forms, &portal).await?;
    let refused = forms.met().values().sum();
    verdict.struck = vec![("restarts", restarts), ("refused", refused), ("sent_at_once", hurried)];
    store.close().await;
    Ok(Ended::Judged(vec![verdict]))
}

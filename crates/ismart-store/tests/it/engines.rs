//! SQLite in a temporary folder, and a PostgreSQL server of our own on loopback.

use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use ismart_domain::{Env, ManualClock};
use ismart_store::Store;
use jiff::Timestamp;
use tempfile::TempDir;

/// A store that lives as long as this value.
pub(crate) struct Temporary {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    _folder: TempDir,
    _server: Option<Server>,
}

pub(crate) fn start() -> Timestamp {
    "2026-11-20T09:00:00Z".parse().unwrap()
}

pub(crate) async fn sqlite() -> Temporary {
    let folder = tempfile::tempdir().unwrap();
    let (env, clock) = Env::manual(start(), 1);
    let store = Store::open_sqlite(&folder.path().join("ismart.db"), env).await.unwrap();
    Temporary { store, clock, _folder: folder, _server: None }
}

/// A PostgreSQL server that ends with this value.
struct Server {
    data: PathBuf,
    bin: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        let stop = format!("{}/pg_ctl -D {} -m immediate stop", self.bin.display(), self.data.display());
        as_postgres(&stop);
    }
}

/// Past the test harness's capture: a part that was not run must be seen.
fn say(line: &str) {
    std::io::stderr().write_all(format!("{line}\n").as_bytes()).unwrap();
}

fn as_postgres(command: &str) -> bool {
    let root = Command::new("id").arg("-u").output().is_ok_and(|o| o.stdout.starts_with(b"0\n"));
    let mut shell = if root {
        let mut c = Command::new("runuser");
        c.args(["-u", "postgres", "--", "sh", "-c", command]);
        c
    } else {
        let mut c = Command::new("sh");
        c.args(["-c", command]);
        c
    };
    shell.output().is_ok_and(|o| o.status.success())
}

fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

/// `None`, said on standard error, when PostgreSQL is not installed.
pub(crate) async fn postgres() -> Option<Temporary> {
    let Some(bin) = binaries() else {
        let required = std::env::var_os("ISMART_REQUIRE").is_some();
        assert!(!required, "ISMART_REQUIRE is set, but PostgreSQL is not installed");
        say("NOT RUN on PostgreSQL: apt-get install postgresql, then run again");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("pg");
    Command::new("chmod").args(["0777", &folder.path().display().to_string()]).status().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (b, d) = (bin.display(), data.display());
    assert!(as_postgres(&format!("{b}/initdb -D {d} -A trust -U ismart -E UTF8 --no-sync")), "initdb failed");
    let options = format!("-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={d}");
    let started = as_postgres(&format!("{b}/pg_ctl -D {d} -w -l {d}/log -o '{options}' start"));
    assert!(started, "PostgreSQL did not start");
    let server = Server { data, bin };
    let (env, clock) = Env::manual(start(), 1);
    let url = format!("postgres://ismart@127.0.0.1:{port}/postgres?sslmode=disable");
    let store = Store::open_postgres(&url, 8, env).await.unwrap();
    Some(Temporary { store, clock, _folder: folder, _server: Some(server) })
}

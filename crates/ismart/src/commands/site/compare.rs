//! `ismart site compare`: the original and the imported site, address by address.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use ismart_domain::Env;
use ismart_http::{AddressPolicy, Client, Settings};
use ismart_sites::legacy::compare::{Frontier, HEADERS, Normal, Reply, Verdict, method_and_path};
use ismart_sites::{Answer, External, FileBody, Request, SiteFolder, Snapshot};
use serde::Serialize;

use crate::output::{self, Failed};

/// Requests to the original at a time.
const TOGETHER: usize = 4;

/// The largest answer that is compared, bytes.
const BIGGEST: usize = 64 * 1024 * 1024;

/// What is compared with what.
#[derive(Debug, Args)]
#[command(
    after_help = "Equal means: the same status, the same headers of note, the same bytes; random ids of forms are passed over, and what config/site.toml declares under [legacy.mends] is shown as mended. Exit code: 0 nothing differs, 1 something does."
)]
pub(super) struct Compare {
    /// Folder of the site, with config/site.toml
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Where the original answers, for example http://127.0.0.1:9102
    #[arg(long, value_name = "URL")]
    against: String,
    /// Where a server of ours answers [default: the folder is asked in this process]
    #[arg(long, value_name = "URL")]
    ours: Option<String>,
    /// Host that both are asked for [default: the first of `hosts`]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Scheme that both believe to be asked by
    #[arg(long, default_value = "https", value_parser = ["https", "http"])]
    scheme: String,
    /// File of addresses to ask besides, one path a line
    #[arg(long, value_name = "FILE")]
    urls: Option<PathBuf>,
    /// Ask only the addresses of --urls
    #[arg(long, requires = "urls")]
    only: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// One address and what became of it.
#[derive(Debug, Serialize)]
struct Line {
    address: String,
    #[serde(flatten)]
    verdict: Verdict,
}

#[derive(Debug, Default, Serialize)]
struct Total {
    asked: usize,
    equal: usize,
    mended: usize,
    different: usize,
}

/// Asks both sides for everything.
pub(super) async fn compare(compare: &Compare) -> Result<ExitCode, Failed> {
    let site = load(compare)?;
    let host = compare.host.clone().or_else(|| site.config().hosts.first().cloned()).unwrap_or_default();
    let theirs = Side::new(&compare.against, &compare.scheme, &host)?;
    let ours = compare.ours.as_deref().map(|url| Side::new(url, &compare.scheme, &host)).transpose()?;
    let base_url = format!("{}://{host}", compare.scheme);
    let normal = Normal::of(&site);
    let mut frontier = if compare.only { Frontier::default() } else { Frontier::of(&site) };
    for path in extra(compare)? {
        frontier.add(&path);
    }
    let (mut total, mut lines) = (Total::default(), Vec::new());
    loop {
        let batch = frontier.take(TOGETHER);
        if batch.is_empty() {
            break;
        }
        let mut asked = tokio::task::JoinSet::new();
        for (at, entry) in batch.iter().cloned().enumerate() {
            let (theirs, ours, site) = (theirs.clone(), ours.clone(), site.clone());
            let (host, scheme) = (host.clone(), compare.scheme.clone());
            asked.spawn(async move {
                let there = theirs.ask(&entry).await?;
                let here = match ours {
                    Some(ours) => ours.ask(&entry).await?,
                    None => in_process(&site, &scheme, &host, &entry)?,
                };
                Ok::<_, Failed>((at, entry, there, here))
            });
        }
        let mut answers = Vec::new();
        while let Some(joined) = asked.join_next().await {
            answers.push(joined.map_err(|e| Failed::one("compare", e.to_string(), "run it again"))??);
        }
        answers.sort_by_key(|(at, ..)| *at);
        for (_, entry, there, here) in answers {
            if there.status == 200 && !compare.only {
                frontier.follow(&there.body, &base_url);
            }
            let verdict = normal.judge(&entry, &there, &here);
            total.asked += 1;
            match &verdict {
                Verdict::Equal => total.equal += 1,
                Verdict::Mended { .. } => total.mended += 1,
                Verdict::Different { .. } => total.different += 1,
            }
            if verdict != Verdict::Equal {
                lines.push(Line { address: entry, verdict });
            }
        }
    }
    print(compare, &normal, &total, &lines);
    Ok(if total.different == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn load(compare: &Compare) -> Result<Arc<Snapshot>, Failed> {
    let folder = SiteFolder::new(&compare.folder);
    folder.load(&External::default()).map_err(|findings| {
        let place = compare.folder.display().to_string();
        Failed(
            findings
                .iter()
                .map(|f| crate::output::Trouble::new(format!("{place}/{}", f.file), &f.reason, &f.fix))
                .collect(),
        )
    })
}

fn extra(compare: &Compare) -> Result<Vec<String>, Failed> {
    let Some(file) = &compare.urls else { return Ok(Vec::new()) };
    let text = std::fs::read_to_string(file).map_err(|e| {
        Failed::one(file.display().to_string(), e.to_string(), "give a file with one path a line")
    })?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// One server that is asked.
#[derive(Debug, Clone)]
struct Side {
    client: Client,
    url: String,
    scheme: String,
    host: String,
}

impl Side {
    fn new(url: &str, scheme: &str, host: &str) -> Result<Self, Failed> {
        let settings = Settings {
            allow: AddressPolicy::AllowLoopback,
            total_timeout: Duration::from_secs(60),
            body_limit: BIGGEST,
            ..Settings::default()
        };
        let client = Client::new(settings)
            .map_err(|e| Failed::one("http client", e.to_string(), "check the certificates of the system"))?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { client, url, scheme: scheme.to_owned(), host: host.to_owned() })
    }

    async fn ask(&self, entry: &str) -> Result<Reply, Failed> {
        let (method, path) = method_and_path(entry);
        let url = format!("{}{path}", self.url);
        let request = match method {
            "GET" => self.client.get(&url),
            _ => self.client.post(&url).body("text/plain", ""),
        };
        let request = request.header("host", &self.host).header("x-forwarded-proto", &self.scheme);
        let response = request.send().await.map_err(|e| {
            Failed::one(url.clone(), e.to_string(), "start the server, or correct its address")
        })?;
        let header = |name: &&str| Some(((*name).to_owned(), response.header(name)?.to_owned()));
        Ok(Reply {
            status: response.status(),
            headers: HEADERS.iter().filter_map(header).collect(),
            body: response.body().to_vec(),
        })
    }
}

/// The answer of the folder itself.
fn in_process(site: &Snapshot, scheme: &str, host: &str, entry: &str) -> Result<Reply, Failed> {
    let (method, path) = method_and_path(entry);
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    let request = Request { method, query, scheme, ..Request::get(host, path, Env::system().now()) };
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    Ok(match site.answer(&request) {
        Answer::Page(page) => Reply {
            status: page.status,
            headers: page.headers.iter().map(|(name, value)| header(name, value)).collect(),
            body: page.html.into_bytes(),
        },
        Answer::Redirect { status, location } => {
            Reply { status, headers: vec![header("location", &location)], body: Vec::new() }
        }
        Answer::File { body, content_type, .. } => {
            let body = match body {
                FileBody::Memory(bytes) => bytes.to_vec(),
                FileBody::Disk { path, .. } => std::fs::read(&path).map_err(|e| {
                    Failed::one(path.display().to_string(), e.to_string(), "check its rights")
                })?,
            };
            Reply { status: 200, headers: vec![header("content-type", content_type)], body }
        }
        Answer::NotModified { .. } => Reply { status: 304, ..Reply::default() },
        Answer::MethodNotAllowed { .. } => Reply { status: 405, ..Reply::default() },
    })
}

fn print(compare: &Compare, normal: &Normal, total: &Total, lines: &[Line]) {
    if compare.json {
        let passed = normal.random();
        output::line(serde_json::json!({
            "ok": total.different == 0, "total": total, "not_equal": lines, "passed_over": { "random_after": passed },
        }));
        return;
    }
    for line in lines {
        match &line.verdict {
            Verdict::Equal => {}
            Verdict::Mended { id } => output::line(format_args!("mended     {}  ({id})", line.address)),
            Verdict::Different { part, line: at, theirs, ours } => {
                let place = if *at > 0 { format!(", line {at}") } else { String::new() };
                output::line(format_args!("different  {}  ({part}{place})", line.address));
                output::line(format_args!("  theirs: {theirs}"));
                output::line(format_args!("  ours:   {ours}"));
            }
        }
    }
    output::line(format_args!(
        "{} addresses: {} equal, {} mended, {} different",
        total.asked, total.equal, total.mended, total.different
    ));
}

//! From the start of a publication over the API until a visitor sees it.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use ismart_testing::{Server, data_folder};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::Trouble;

/// How long a publication may take to be seen at all.
const PATIENCE: Duration = Duration::from_secs(30);

/// What was measured, milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct Published {
    /// Until a visitor saw it, of each publication.
    visible_ms: Vec<f64>,
    /// Until the API answered, median.
    answered_ms: f64,
    /// One reading of the page that was waited for, median.
    page_ms: f64,
}

impl std::fmt::Display for Published {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let all: Vec<String> = self.visible_ms.iter().map(|ms| format!("{ms:.0}")).collect();
        write!(
            f,
            "visible after {} ms; answered after {:.0} ms (median); the page itself {:.1} ms",
            all.join(", "),
            self.answered_ms,
            self.page_ms
        )
    }
}

/// Publishes a page of a site `rounds` times, each time with another heading, and waits for visitors to see it.
pub(crate) async fn measure(
    binary: &Path,
    sites: &Path,
    site: &str,
    page: &str,
    rounds: usize,
) -> Result<Published, Trouble> {
    let (copy, client) = copied(sites, site)?;
    let data = data_folder(copy.path())?;
    // The client is known after its first start.
    Server::start(binary, "serve", data.path(), &[] as &[&str]).await?.terminate().await?;
    ismart(binary, data.path(), &["user", "measure", "--client", &client], "a long enough password").await?;
    let scopes = ["--scope", "content:read", "--scope", "content:write"];
    let mut arguments = vec!["token", "measure", "--login", "measure", "--client", &client];
    arguments.extend(scopes);
    let key = ismart(binary, data.path(), &arguments, "").await?;
    let mut server = Server::start(binary, "serve", data.path(), &[] as &[&str]).await?;
    let http = reqwest::Client::builder().no_proxy().build()?;
    let at = format!("{}/api/v1/sites/{site}/pages/{page}", server.url());
    let shown = format!("{}/{page}", server.url());
    let mut found = Published { visible_ms: Vec::new(), answered_ms: 0.0, page_ms: 0.0 };
    let (mut answered, mut pages) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        let read = http.get(&at).bearer_auth(&key).send().await?.error_for_status()?;
        let tag = read.headers().get("etag").cloned().ok_or("the page has no ETag")?;
        let mut content =
            read.json::<Value>().await?.get_mut("content").map(Value::take).ok_or("no content")?;
        let heading = format!("Заголовок номер {round}");
        let sections = content.get_mut("sections").and_then(Value::as_array_mut).ok_or("no sections")?;
        let place = sections.iter_mut().find_map(|section| section.pointer_mut("/data/title"));
        *place.ok_or("no section of the page has a heading")? = json!(heading);
        let began = Instant::now();
        let body = json!({"content": content, "message": "measured", "reason": "measured"});
        let request = http.put(&at).bearer_auth(&key).header("if-match", tag);
        let answer = request.json(&body).send().await?;
        if !answer.status().is_success() {
            return Err(format!("the API refused: {}", answer.text().await?).into());
        }
        answered.push(millis(began));
        loop {
            let asked = Instant::now();
            let seen = http.get(&shown).send().await?.text().await?.contains(&heading);
            pages.push(millis(asked));
            if seen {
                break;
            }
            if began.elapsed() > PATIENCE {
                return Err("the publication was never seen".into());
            }
        }
        found.visible_ms.push(millis(began));
    }
    server.terminate().await?;
    found.answered_ms = median(answered);
    found.page_ms = median(pages);
    Ok(found)
}

fn millis(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// A copy of one site, which publications change, and its client.
fn copied(sites: &Path, site: &str) -> Result<(tempfile::TempDir, String), Trouble> {
    let copy = tempfile::tempdir()?;
    copy_folder(&sites.join(site).canonicalize()?, &copy.path().join(site))?;
    let config = std::fs::read_to_string(copy.path().join(site).join("config/site.toml"))?;
    let table: toml::Table = toml::from_str(&config)?;
    let client = table.get("client").and_then(toml::Value::as_str).ok_or("the site names no client")?;
    Ok((copy, client.to_owned()))
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Trouble> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Runs a command of the program, and gives the last line that it printed.
async fn ismart(binary: &Path, data: &Path, arguments: &[&str], input: &str) -> Result<String, Trouble> {
    let mut child = Command::new(binary)
        .args(arguments)
        .arg("--data")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes()).await?;
    }
    let output = child.wait_with_output().await?;
    if !output.status.success() {
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("`ismart {}` failed: {why}", arguments.join(" ")).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).lines().last().unwrap_or("").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_everything_of_the_site() {
        let sites = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(sites.path().join("one/config")).unwrap();
        std::fs::write(sites.path().join("one/config/site.toml"), "client = \"acme\"\n").unwrap();
        let (copy, client) = copied(sites.path(), "one").unwrap();
        assert_eq!(client, "acme");
        assert!(copy.path().join("one/config/site.toml").is_file());
        std::fs::write(sites.path().join("one/config/site.toml"), "name = \"x\"\n").unwrap();
        assert!(copied(sites.path(), "one").unwrap_err().to_string().contains("names no client"));
    }

    #[test]
    fn the_middle_value_counts() {
        assert_eq!(median(vec![5.0, 1.0, 3.0]).total_cmp(&3.0), std::cmp::Ordering::Equal);
        assert_eq!(median(Vec::new()).total_cmp(&0.0), std::cmp::Ordering::Equal);
    }
}

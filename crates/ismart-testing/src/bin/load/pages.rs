//! Pages of a site, one after the other on few connections: what a page costs, not how many fit into a queue.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ismart_testing::http_client;
use reqwest::Client;

use crate::Trouble;
use crate::tally::{Report, Tally};

/// Asks for every page of the sitemap in turn, and for `/ping` after each.
pub(crate) async fn measure(url: &str, connections: usize, lasting: Duration) -> Result<Report, Trouble> {
    let client = http_client()?;
    let sitemap = client.get(format!("{url}/sitemap.xml")).send().await?.error_for_status()?.text().await?;
    let paths: Arc<[String]> = paths(&sitemap).into();
    if paths.is_empty() {
        return Err(format!("{url}/sitemap.xml names no page").into());
    }
    // What is made ready on first use does not belong to the price of a page.
    for path in paths.iter() {
        fetch(&client, &format!("{url}{path}")).await?;
    }
    let until = Instant::now() + lasting;
    let running: Vec<_> = (0..connections.max(1))
        .map(|number| tokio::spawn(visit(url.to_owned(), paths.clone(), number, until)))
        .collect();
    let mut tally = Tally::default();
    for task in running {
        tally.add(task.await??);
    }
    Ok(Report::new(format!("page ({} pages, {connections} connections)", paths.len()), "GET /ping", tally))
}

async fn visit(
    url: String,
    paths: Arc<[String]>,
    number: usize,
    until: Instant,
) -> Result<Tally, reqwest::Error> {
    let client = http_client()?;
    let ping = format!("{url}/ping");
    let mut tally = Tally::default();
    for path in paths.iter().cycle().skip(number * paths.len() / 2) {
        if Instant::now() >= until {
            break;
        }
        match fetch(&client, &format!("{url}{path}")).await {
            Ok(took) => tally.measured.push(took),
            Err(error) => tally.errors.push(error.to_string()),
        }
        match fetch(&client, &ping).await {
            Ok(took) => tally.reference.push(took),
            Err(error) => tally.errors.push(error.to_string()),
        }
    }
    Ok(tally)
}

/// From the request to the last byte of a 200.
async fn fetch(client: &Client, url: &str) -> Result<Duration, reqwest::Error> {
    let began = Instant::now();
    let answer = client.get(url).send().await?.error_for_status()?;
    let length = answer.bytes().await?.len();
    std::hint::black_box(length);
    Ok(began.elapsed())
}

/// The paths of a sitemap's addresses.
fn paths(sitemap: &str) -> Vec<String> {
    let addresses = sitemap.split("<loc>").skip(1).filter_map(|rest| rest.split("</loc>").next());
    let paths = addresses.map(|address| {
        let (_, rest) = address.trim().split_once("://").unwrap_or(("", address));
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/").to_owned()
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_off_the_sitemap() {
        let sitemap =
            "<urlset><url><loc>http://a.ru</loc></url><url><loc> http://a.ru/cars/x </loc></url></urlset>";
        assert_eq!(paths(sitemap), ["/", "/cars/x"]);
        assert!(paths("<html>").is_empty());
    }
}

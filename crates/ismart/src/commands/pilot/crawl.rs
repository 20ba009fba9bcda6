//! Reads the pages of a site over HTTP as a polite visitor: what `robots.txt` lets it, one request at a time, with
//! pauses, on the site's own host, in bounded number and size.

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use ismart_http::{Client, Response};
use quick_xml::events::Event;
use robotstxt::DefaultMatcher;
use url::Url;

use super::{Known, Page, text};
use crate::output::Failed;

/// What the reader calls itself; sites may name it in `robots.txt`.
pub(super) const AGENT: &str = "iSmartPilot";
/// The longest page, bytes.
const PAGE: usize = 2 * 1024 * 1024;
/// Sitemaps read at most, those that a sitemap names included.
const SITEMAPS: usize = 20;
/// Redirects followed for one page.
const REDIRECTS: usize = 4;
/// Addresses waiting at most: a calendar without end must not fill the memory.
const WAITING: usize = 20_000;
/// The longest time for the whole site.
const TIME: Duration = Duration::from_mins(30);
/// Endings of addresses that are no pages.
const FILES: [&str; 22] = [
    "avif", "css", "doc", "docx", "gif", "gz", "ico", "jpeg", "jpg", "js", "json", "mp3", "mp4", "pdf",
    "png", "svg", "txt", "webp", "woff2", "xls", "xlsx", "zip",
];

/// How much is read.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) pages: usize,
    pub(super) pause: Duration,
}

/// Reads the site at `root`; gives what it says and what could not be read.
pub(super) async fn site(
    client: &Client,
    root: &Url,
    limits: &Limits,
) -> Result<(Known, Vec<String>), Failed> {
    let mut crawl =
        Crawl { client, root: root.clone(), robots: String::new(), limits, last: None, problems: Vec::new() };
    crawl.robots = crawl.robots().await;
    let mut known = Known::default();
    let mut seen = HashSet::new();
    let mut queue = VecDeque::new();
    push(&mut queue, &mut seen, root.clone());
    for address in crawl.sitemap_pages().await {
        push(&mut queue, &mut seen, address);
    }
    let started = Instant::now();
    let mut texts = HashSet::new();
    while let Some(address) = queue.pop_front() {
        if known.pages.len() >= limits.pages || started.elapsed() > TIME {
            crawl
                .problems
                .push(format!("{} further addresses were not read: raise --pages", queue.len() + 1));
            break;
        }
        let Some((address, html)) = crawl.page(&address).await else { continue };
        let read = text::read(&html);
        for link in &read.links {
            if let Some(link) = crawl.own(&address, link) {
                push(&mut queue, &mut seen, link);
            }
        }
        if known.name.is_none() {
            known.name = read.site_name.clone();
        }
        known.phone = known.phone.or(read.phone.clone());
        known.language = known.language.or(read.language.clone());
        if known.policy.is_none() {
            known.policy = read.policy.as_deref().and_then(|href| address.join(href).ok()).map(String::from);
        }
        let Some(content) = read.content() else { continue };
        // The same text under a second address would only be quoted twice.
        if read.noindex || !texts.insert(content.to_string()) {
            continue;
        }
        known.pages.push(Page { path: path_of(&address), title: read.title, content });
    }
    Ok((known, crawl.problems))
}

fn push(queue: &mut VecDeque<Url>, seen: &mut HashSet<String>, mut address: Url) {
    address.set_fragment(None);
    let query = address.query().is_some();
    // Pages by query are variants of lists more often than pages of their own.
    if !query && queue.len() < WAITING && seen.insert(address.as_str().trim_end_matches('/').to_owned()) {
        queue.push_back(address);
    }
}

/// The address as a link of the site's own pages has it.
fn path_of(address: &Url) -> String {
    match address.query() {
        Some(query) => format!("{}?{query}", address.path()),
        None => address.path().to_owned(),
    }
}

struct Crawl<'c> {
    client: &'c Client,
    root: Url,
    robots: String,
    limits: &'c Limits,
    last: Option<Instant>,
    problems: Vec<String>,
}

impl Crawl<'_> {
    /// An address of the site's own host, with or without `www.`, that may be a page.
    fn own(&self, page: &Url, href: &str) -> Option<Url> {
        let mut address = page.join(href.trim()).ok()?;
        let bare =
            |url: &Url| url.host_str().map(|host| host.trim_start_matches("www.").to_ascii_lowercase());
        let same = bare(&address) == bare(&self.root) && address.port_or_known_default().is_some();
        if !same || !matches!(address.scheme(), "http" | "https") {
            return None;
        }
        if address.port() != self.root.port() && address.scheme() == self.root.scheme() {
            return None;
        }
        let name = address.path().rsplit('/').next().unwrap_or("");
        if name.rsplit_once('.').is_some_and(|(_, end)| FILES.contains(&end.to_ascii_lowercase().as_str())) {
            return None;
        }
        address.set_fragment(None);
        Some(address)
    }

    fn allowed(&self, address: &Url) -> bool {
        DefaultMatcher::default().one_agent_allowed_by_robots(&self.robots, AGENT, address.as_str())
    }

    /// One request, not sooner than the pause after the last.
    async fn get(&mut self, address: &Url) -> Option<Response> {
        if let Some(last) = self.last {
            tokio::time::sleep(self.limits.pause.saturating_sub(last.elapsed())).await;
        }
        let answer =
            self.client.get(address.as_str()).header("accept", "text/html, */*;q=0.1").body_limit(PAGE);
        let answer = answer.send().await;
        self.last = Some(Instant::now());
        match answer {
            Ok(answer) => Some(answer),
            Err(failure) => {
                self.problems.push(format!("{address} was not read: {failure}"));
                None
            }
        }
    }

    async fn robots(&mut self) -> String {
        let Ok(address) = self.root.join("/robots.txt") else { return String::new() };
        match self.get(&address).await {
            Some(answer) if answer.is_success() => answer.text(),
            // What may not be read must be assumed forbidden while the server is ill, and free when there is none.
            Some(answer) if answer.status() >= 500 => "User-agent: *\nDisallow: /\n".to_owned(),
            _ => String::new(),
        }
    }

    /// The pages of the sitemaps that `robots.txt` names, or of `/sitemap.xml`.
    async fn sitemap_pages(&mut self) -> Vec<Url> {
        let named = self.robots.lines().filter_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("sitemap").then(|| value.trim().to_owned())
        });
        let mut waiting: VecDeque<String> = named.collect();
        if waiting.is_empty() {
            waiting.push_back("/sitemap.xml".to_owned());
        }
        let (mut pages, mut read) = (Vec::new(), 0);
        while let Some(next) = waiting.pop_front().filter(|_| read < SITEMAPS) {
            read += 1;
            let root = self.root.clone();
            let Some(address) = root.join(&next).ok().filter(|url| url.host_str() == root.host_str()) else {
                continue;
            };
            let Some(answer) = self.get(&address).await.filter(Response::is_success) else { continue };
            let (more, found) = sitemap(&answer.text());
            waiting.extend(more);
            pages.extend(found.iter().filter_map(|href| self.own(&root, href)).take(WAITING));
        }
        pages
    }

    /// A page with its final address.
    async fn page(&mut self, address: &Url) -> Option<(Url, String)> {
        let mut address = address.clone();
        for _ in 0..=REDIRECTS {
            if !self.allowed(&address) {
                return None;
            }
            let answer = self.get(&address).await?;
            if let Some(location) = answer.location().filter(|_| (300..400).contains(&answer.status())) {
                address = self.own(&address, location)?;
                continue;
            }
            if !answer.is_success() {
                self.problems.push(format!("{address} answers with status {}", answer.status()));
                return None;
            }
            let html = answer.content_type().is_none_or(|kind| kind.contains("html"));
            return html.then(|| (address, answer.text()));
        }
        self.problems.push(format!("{address} only redirects"));
        None
    }
}

/// Further sitemaps and pages that a sitemap names; a broken one gives what stands before the fault.
fn sitemap(xml: &str) -> (Vec<String>, Vec<String>) {
    let mut reader = quick_xml::Reader::from_str(xml);
    let (mut maps, mut pages) = (Vec::new(), Vec::new());
    let (mut index, mut inside) = (false, false);
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                index |= tag.local_name().as_ref() == "sitemapindex";
                inside = tag.local_name().as_ref() == "loc";
            }
            Ok(Event::Text(text)) if inside => {
                let text = text.as_ref().trim().replace("&amp;", "&");
                if index { maps.push(text) } else { pages.push(text) }
            }
            Ok(Event::End(_)) => inside = false,
            Ok(Event::Eof) | Err(_) => return (maps, pages),
            Ok(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sitemaps_name_pages_or_further_sitemaps() {
        let (maps, pages) =
            sitemap("<urlset><url><loc> https://a.ru/x </loc></url><url><loc>/y</loc></url><broken");
        assert_eq!((maps.len(), pages), (0, vec!["https://a.ru/x".to_owned(), "/y".to_owned()]));
        let (maps, pages) = sitemap("<sitemapindex><sitemap><loc>/a.xml</loc></sitemap></sitemapindex>");
        assert_eq!((maps, pages.len()), (vec!["/a.xml".to_owned()], 0));
        assert_eq!(sitemap("no xml at all").1.len(), 0);
    }

    #[test]
    fn only_pages_of_the_site_are_followed() {
        let client = Client::new(ismart_http::Settings::default()).unwrap();
        let limits = Limits { pages: 1, pause: Duration::ZERO };
        let root: Url = "https://dealer.example/".parse().unwrap();
        let robots = "User-agent: *\nDisallow: /admin\nDisallow: /*.php$\n\nUser-agent: iSmartPilot\nDisallow: /secret\n";
        let crawl = Crawl {
            client: &client,
            root,
            robots: robots.into(),
            limits: &limits,
            last: None,
            problems: vec![],
        };
        let page: Url = "https://dealer.example/cars/".parse().unwrap();
        let own = |href: &str| crawl.own(&page, href).map(String::from);
        assert_eq!(own("lada#x").as_deref(), Some("https://dealer.example/cars/lada"));
        assert_eq!(own("//www.dealer.example/a").as_deref(), Some("https://www.dealer.example/a"));
        for bad in [
            "https://evil.example/",
            "mailto:a@b",
            "tel:+7",
            "javascript:x",
            "/price.PDF",
            "https://dealer.example:8443/",
            "http://[",
        ] {
            assert_eq!(own(bad), None, "{bad}");
        }
        let allowed = |path: &str| crawl.allowed(&page.join(path).unwrap());
        assert!(
            allowed("/admin") && !allowed("/secret/x") && allowed("/"),
            "the lines for us count, not those for all"
        );
    }
}

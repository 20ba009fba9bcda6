//! Every page rendered once: failures, links, titles, descriptions.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;

use super::Checker;
use super::html::{Tag, tags};
use crate::answer::{Answer, Page, PerRequest, Request};
use crate::content::{page_file, seo_file};
use crate::document::documents;
use crate::finding::{Finding, Position};
use crate::path::Path;
use crate::route::NOT_FOUND;
use crate::snapshot::{Resolution, primary_base};
use crate::templates::RenderFailure;

/// Addresses that the platform answers beside the site.
const PLATFORM: &[&str] = &["/api/", "/console", "/health", "/ismart/"];

/// A page that is checked.
struct Shown {
    url: String,
    /// The file to blame: the page's or the entity's.
    file: String,
    seo_file: String,
}

impl Checker<'_> {
    pub(super) fn pages(&mut self, now: Timestamp) {
        let shown: Vec<Shown> = documents(self.site)
            .map(|document| {
                let page = page_file(document.language, document.page_id);
                let seo = seo_file(document.language, document.page_id);
                let file = match (&document.file, document.entity) {
                    (Some(file), _) => file.clone(),
                    (None, Some((key, _))) => format!("feed of [collections.{key}]"),
                    (None, None) => page,
                };
                let known = document.entity.is_none() && self.site.json(&seo).is_some();
                Shown { seo_file: if known { seo } else { file.clone() }, url: document.url, file }
            })
            .collect();
        let mut titles: HashMap<String, String> = HashMap::new();
        let mut links: BTreeMap<String, (String, String)> = BTreeMap::new();
        for page in &shown {
            if let Answer::Page(answer) = self.ask(&page.url, now) {
                self.page(page, &answer, &mut titles, &mut links);
            }
        }
        if let Some(language) = self.site.content().default_language() {
            // The page for addresses that do not exist is a page too, at no address of its own.
            let file = page_file(&language.code, NOT_FOUND);
            if let Answer::Page(answer) = self.ask("/404-no-such-page", now) {
                self.failure(answer.failure.as_ref(), &file);
            }
        }
        for (link, (from, file)) in links {
            self.link(&link, &from, &file);
        }
    }

    fn ask(&self, url: &str, now: Timestamp) -> Answer {
        let base = primary_base(self.site.config());
        let (scheme, host) = base.split_once("://").unwrap_or(("https", &base));
        let per_request = PerRequest { now, form_token: Some("check"), request_id: None, form_state: None };
        self.site.answer(&Request { scheme, per_request, ..Request::get(host, url, now) })
    }

    fn failure(&mut self, failure: Option<&RenderFailure>, file: &str) -> bool {
        let Some(failure) = failure else { return false };
        let text = failure.file().map(|file| self.text(&file).to_owned()).unwrap_or_default();
        let placed = failure.finding(file, &text);
        self.findings.push(placed);
        true
    }

    fn page(
        &mut self,
        page: &Shown,
        answer: &Page,
        titles: &mut HashMap<String, String>,
        links: &mut BTreeMap<String, (String, String)>,
    ) {
        if self.failure(answer.failure.as_ref(), &page.file) && answer.status == 500 {
            return;
        }
        let tags = tags(&answer.html);
        self.seo(page, answer, &tags, titles);
        for link in tags.iter().flat_map(Tag::links) {
            if let Some(path) = self.local(link, &page.url) {
                links.entry(path).or_insert_with(|| (page.url.clone(), page.file.clone()));
            }
        }
    }

    fn seo(&mut self, page: &Shown, answer: &Page, tags: &[Tag], titles: &mut HashMap<String, String>) {
        let file = page.seo_file.as_str();
        let title = answer.key.title.trim();
        if title.is_empty() {
            let reason = format!("the page {} has no title", page.url);
            self.findings.push(Finding::warning(
                "seo.title",
                file,
                reason,
                "add `title`: up to 60 characters, its own for each page",
            ));
        } else if let Some(other) = titles.insert(title.to_owned(), page.url.clone()) {
            let reason = format!("the pages {other} and {} have the same title “{title}”", page.url);
            self.findings.push(Finding::warning(
                "seo.title_twice",
                file,
                reason,
                "give each page a title of its own",
            ));
        }
        let described = tags.iter().any(|tag| {
            tag.name == "meta"
                && tag.get("name").is_some_and(|name| name.eq_ignore_ascii_case("description"))
                && tag.get("content").is_some_and(|content| !content.trim().is_empty())
        });
        if !described {
            let reason = format!("the page {} has no description", page.url);
            let fix = "add {\"name\": \"description\", \"content\": \"…\"} to `meta`: up to 160 characters";
            self.findings.push(Finding::warning("seo.description", file, reason, fix));
        }
    }

    /// The path of a link that stays on the site, without query and fragment.
    fn local(&self, link: &str, page: &str) -> Option<String> {
        let base = primary_base(self.site.config());
        let link = match link.strip_prefix(base.as_str()) {
            Some("") => "/",
            Some(rest) if rest.starts_with(['/', '?', '#']) => rest,
            Some(_) => return None,
            None => link,
        };
        let link = link.trim().split(['?', '#']).next().unwrap_or("");
        let scheme = link.split_once(':').is_some_and(|(scheme, _)| !scheme.contains('/'));
        if link.is_empty() || scheme || link.starts_with("//") {
            return None;
        }
        let path = if link.starts_with('/') { link.to_owned() } else { join(page, link) };
        (!PLATFORM.iter().any(|start| path.starts_with(start))).then_some(path)
    }

    fn link(&mut self, link: &str, from: &str, file: &str) {
        let (rule, reason, fix) = match self.site.resolve(link) {
            Resolution::Page | Resolution::File => return,
            Resolution::Redirect(to) => (
                "link.redirect",
                format!("the page {from} links to {link}, which leads on to {to}"),
                format!("link to {to}"),
            ),
            Resolution::Missing => (
                "link.dead",
                format!("the page {from} links to {link}, which does not exist"),
                "mend the address, or add the page or file".to_owned(),
            ),
        };
        let finding = |file: &str| match rule {
            "link.dead" => Finding::error(rule, file, &reason, &fix),
            _ => Finding::warning(rule, file, &reason, &fix),
        };
        let decoded = Path::parse(link).map_or_else(|| link.to_owned(), |path| path.joined());
        match self.origin(file, &decoded) {
            Some((file, pointer)) => self.add_at(finding(&file), &pointer),
            None => {
                let placed = match self.template_with(link) {
                    Some((file, position)) => finding(&file).at(self.text(&file), position),
                    None => finding(file),
                };
                self.findings.push(placed);
            }
        }
    }

    /// The template that holds a link as it stands.
    fn template_with(&self, link: &str) -> Option<(String, Position)> {
        let ends = |rest: &str| rest.starts_with(['"', '\'', '?', '#']);
        self.site.templates().iter().find_map(|(name, text)| {
            let (at, _) = text.match_indices(link).find(|(at, _)| {
                let before = text.get(..*at).is_some_and(|before| before.ends_with(['"', '\'']));
                before && text.get(at + link.len()..).is_some_and(ends)
            })?;
            Some((format!("templates/{name}"), Position::of_offset(text, at)))
        })
    }
}

/// A relative link against the page it stands on.
fn join(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    if joined.starts_with('/') { joined } else { format!("/{joined}") }
}

#[cfg(test)]
mod tests {
    use super::join;

    #[test]
    fn relative_links_are_joined() {
        assert_eq!(join("/cars/lada", "img/a.png"), "/cars/img/a.png");
        assert_eq!(join("/cars/lada", "../about"), "/about");
        assert_eq!(join("/", "../../x"), "/x");
    }
}

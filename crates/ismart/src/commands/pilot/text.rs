//! What a page says, read off its HTML: headings with the text under them, and facts of the site.

use html5gum::{StartTag, Token, Tokenizer};
use serde_json::{Value, json};

/// The longest text of one part, characters.
const PART: usize = 6000;
/// The shortest text that is worth knowing, characters.
const SHORTEST: usize = 40;
/// Elements whose text no visitor reads as the page's own.
const SILENT: [&str; 15] = [
    "script", "style", "noscript", "template", "svg", "nav", "header", "footer", "form", "select", "button",
    "iframe", "dialog", "object", "menu",
];
/// Elements that end a line.
const BLOCKS: [&str; 17] = [
    "p",
    "div",
    "li",
    "ul",
    "ol",
    "br",
    "tr",
    "td",
    "th",
    "dt",
    "dd",
    "section",
    "article",
    "blockquote",
    "table",
    "figcaption",
    "hr",
];

/// A page.
#[derive(Debug, Default)]
pub(super) struct Read {
    pub(super) title: String,
    pub(super) site_name: Option<String>,
    pub(super) language: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) policy: Option<String>,
    /// The page asks not to be found.
    pub(super) noindex: bool,
    pub(super) links: Vec<String>,
    parts: Vec<Part>,
}

#[derive(Debug, Default, Clone)]
struct Part {
    heading: String,
    text: String,
}

impl Read {
    /// The page's text in the form of a page's content; `None` when it says next to nothing.
    pub(super) fn content(&self) -> Option<Value> {
        let mut sections = Vec::new();
        let mut length = 0;
        for part in &self.parts {
            let text = lines(&part.text);
            length += text.chars().count();
            if !text.is_empty() {
                let text: String = text.chars().take(PART).collect();
                sections.push(
                    json!({ "name": "content", "data": { "title": lines(&part.heading), "text": text } }),
                );
            }
        }
        (length >= SHORTEST).then(|| json!({ "title": self.title, "sections": sections }))
    }
}

/// Lines without spaces around them, empty ones left out.
fn lines(text: &str) -> String {
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Where the reader stands.
#[derive(Default)]
struct Place {
    /// The silent element that it is in, and how often that is nested.
    silent: Option<(String, usize)>,
    title: bool,
    heading: bool,
    link: Option<(String, String)>,
}

/// Reads a page; broken markup gives what it can.
pub(super) fn read(html: &str) -> Read {
    let mut read = Read { parts: vec![Part::default()], ..Read::default() };
    let mut place = Place::default();
    for token in Tokenizer::new(html) {
        let Ok(token) = token;
        match token {
            Token::StartTag(tag) => start(&mut read, &mut place, &tag),
            Token::EndTag(tag) => end(&mut read, &mut place, &String::from_utf8_lossy(&tag.name)),
            Token::String(text) => said(&mut read, &mut place, &String::from_utf8_lossy(&text)),
            _ => {}
        }
    }
    read.title = lines(&read.title).replace('\n', " ");
    read
}

fn start(read: &mut Read, place: &mut Place, tag: &StartTag<()>) {
    let name = String::from_utf8_lossy(&tag.name).into_owned();
    let attribute = |key: &str| {
        tag.attributes.get(key.as_bytes()).map(|value| String::from_utf8_lossy(value).trim().to_owned())
    };
    match name.as_str() {
        "html" => {
            read.language = attribute("lang").and_then(|lang| lang.get(..2).map(str::to_ascii_lowercase))
        }
        "meta" => meta(read, attribute("name").or_else(|| attribute("property")), attribute("content")),
        "a" => {
            let href = attribute("href").unwrap_or_default();
            if !attribute("rel").is_some_and(|rel| rel.split_whitespace().any(|word| word == "nofollow")) {
                read.links.push(href.clone());
            }
            place.link = Some((href, String::new()));
        }
        "title" if read.title.is_empty() => place.title = true,
        _ => {}
    }
    if let Some((element, depth)) = &mut place.silent {
        if *element == name && !tag.self_closing {
            *depth += 1;
        }
        return;
    }
    if SILENT.contains(&name.as_str()) && !tag.self_closing {
        place.silent = Some((name, 1));
    } else if heading(&name) {
        place.heading = true;
        read.parts.push(Part::default());
    } else if BLOCKS.contains(&name.as_str()) {
        line(read, place);
    }
}

fn meta(read: &mut Read, name: Option<String>, content: Option<String>) {
    let (Some(name), Some(content)) = (name, content.filter(|content| !content.is_empty())) else { return };
    match name.to_ascii_lowercase().as_str() {
        "og:site_name" => read.site_name = Some(content),
        "robots" => read.noindex |= content.to_ascii_lowercase().contains("noindex"),
        _ => {}
    }
}

fn end(read: &mut Read, place: &mut Place, name: &str) {
    match name {
        "title" => place.title = false,
        "a" => {
            if let Some((href, words)) = place.link.take() {
                link(read, &href, &words);
            }
        }
        _ => {}
    }
    if let Some((element, depth)) = &mut place.silent {
        if element == name {
            *depth -= 1;
            if *depth == 0 {
                place.silent = None;
            }
        }
        return;
    }
    if heading(name) {
        place.heading = false;
    } else if BLOCKS.contains(&name) {
        line(read, place);
    }
}

/// Facts that links tell: the phone, and where the policy stands.
fn link(read: &mut Read, href: &str, words: &str) {
    if let Some(number) = href.strip_prefix("tel:")
        && read.phone.is_none()
    {
        let shown = lines(words);
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).count();
        let phone = if digits(&shown) >= 10 { shown } else { number.to_owned() };
        read.phone = Some(phone).filter(|phone| digits(phone) >= 10);
    }
    let words = words.to_lowercase();
    let policy = ["персональных данных", "конфиденциальност", "privacy policy", "personal data"];
    if read.policy.is_none() && policy.iter().any(|words_of| words.contains(words_of)) {
        read.policy = Some(href.to_owned());
    }
}

fn said(read: &mut Read, place: &mut Place, text: &str) {
    if let Some((_, words)) = &mut place.link {
        words.push_str(text);
    }
    if place.title {
        read.title.push_str(text);
        return;
    }
    if place.silent.is_some() {
        return;
    }
    if let Some(part) = read.parts.last_mut() {
        let to = if place.heading { &mut part.heading } else { &mut part.text };
        // A line break of the source is only a space.
        to.extend(text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }));
    }
}

fn line(read: &mut Read, place: &Place) {
    if let Some(part) = read.parts.last_mut() {
        let to = if place.heading { &mut part.heading } else { &mut part.text };
        to.push('\n');
    }
}

fn heading(name: &str) -> bool {
    matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_people_read_it() {
        let html = r#"<!doctype html><html lang="ru-RU"><head><title> Шины — «Колесо» </title>
            <meta property="og:site_name" content="Колесо"><style>p{}</style></head><body>
            <nav><a href="/">Главная</a><a href="/price.html">Цены</a></nav>
            <h1>Хранение <b>шин</b></h1><p>Комплект шин хранится у нас
            до шести месяцев,</p><div>стоимость — 4&nbsp;500 ₽.</div><script>var x = "<p>no</p>";</script>
            <h2>Запись</h2><ul><li>по телефону <a href="tel:+74951234567">+7 495 123-45-67</a></li><li>на сайте</li></ul>
            <form><input name=q><p>Форма</p></form>
            <footer><a href="/policy">Политика обработки персональных данных</a><a rel="nofollow" href="/out">x</a></footer>"#;
        let read = read(html);
        assert_eq!(read.title, "Шины — «Колесо»");
        assert_eq!((read.site_name.as_deref(), read.language.as_deref()), (Some("Колесо"), Some("ru")));
        assert_eq!(
            (read.phone.as_deref(), read.policy.as_deref()),
            (Some("+7 495 123-45-67"), Some("/policy"))
        );
        assert_eq!(read.links, ["/", "/price.html", "tel:+74951234567", "/policy"]);
        let content = read.content().unwrap();
        let sections = content["sections"].as_array().unwrap();
        assert_eq!(sections[0]["data"]["title"], "Хранение шин");
        assert_eq!(
            sections[0]["data"]["text"],
            "Комплект шин хранится у нас до шести месяцев,\nстоимость — 4 500 ₽."
        );
        assert_eq!(sections[1]["data"]["text"], "по телефону +7 495 123-45-67\nна сайте");
        assert_eq!(sections.len(), 2, "what stands in a form, a menu or a foot is no text of the page");
    }

    #[test]
    fn empty_and_broken_pages_say_nothing() {
        for html in [
            "",
            "<html",
            "<p>кратко</p>",
            "<nav>",
            "<h1>Только заголовок</h1>",
            "</div></nav></form>",
            "<script>",
        ] {
            assert!(read(html).content().is_none(), "{html}");
        }
        assert!(read("<meta name=robots content='NOINDEX, follow'>").noindex);
    }
}

//! The feed of Yandex Turbo: the promo page once for the whole country and once for every branch.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::super::super::content::cast;
use super::{Old, section};

/// The feed under `origin`.
pub(super) fn feed(old: &Old, origin: &str) -> String {
    let moment = Timestamp::from_second(old.changed).unwrap_or(Timestamp::UNIX_EPOCH);
    let moment = moment.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S +0000").to_string();
    let promo = old.pages.get("promo").cloned().unwrap_or_default();
    let mut xml = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss xmlns:yandex=\"http://news.yandex.ru\" xmlns:media=\"http://search.yahoo.com/mrss/\" xmlns:turbo=\"http://turbo.yandex.ru\" version=\"2.0\">\n  <channel>\n",
    );
    let description = super::without_city(&cast(promo.get("description")));
    for (tag, text) in [
        ("title", super::without_city(&cast(promo.get("title")))),
        ("link", format!("{origin}/promo/")),
        ("description", description),
        ("language", "ru".to_owned()),
    ] {
        xml.push_str(&format!("    <{tag}>{}</{tag}>\n", escape(&text)));
    }
    for branch in std::iter::once(None).chain(old.branches.iter().map(Some)) {
        let slug = branch.map(|branch| format!("{}/", cast(branch.get("slug")))).unwrap_or_default();
        let url = format!("{origin}/promo/{slug}");
        let title = fill(&promo, branch, "title");
        xml.push_str(&format!(
            "    <item turbo=\"true\">\n      <link>{}</link>\n      <title>{}</title>\n      <pubDate>{moment}</pubDate>\n      <turbo:content><![CDATA[{}]]></turbo:content>\n    </item>\n",
            escape(&url),
            escape(&title),
            content(old, &promo, branch, origin, &url).replace("]]>", "]]]]><![CDATA[>"),
        ));
    }
    xml.push_str("  </channel>\n</rss>\n");
    xml
}

/// A text of the promo page, or the branch's own, with the city in it.
fn fill(promo: &Map<String, Value>, branch: Option<&Map<String, Value>>, key: &str) -> String {
    let own = branch.map(|branch| cast(branch.get(key))).filter(|own| !own.is_empty());
    let text = own.unwrap_or_else(|| cast(promo.get(key)));
    let city = branch.map(|branch| cast(branch.get("city"))).unwrap_or_default();
    text.replace("%city%", &city).replace("%inCity%", &in_city(branch))
}

fn in_city(branch: Option<&Map<String, Value>>) -> String {
    branch.map(|branch| format!(" в {}", cast(branch.get("inName")))).unwrap_or_default()
}

fn content(
    old: &Old,
    promo: &Map<String, Value>,
    branch: Option<&Map<String, Value>>,
    origin: &str,
    url: &str,
) -> String {
    let part = |name: &str| {
        let screens =
            ["firstScreen", "secondaryScreen"].into_iter().filter_map(|key| promo.get(key)?.as_array());
        let own = screens.flatten().find(|item| item.get("name").and_then(Value::as_str) == Some(name));
        section(old, name, own.unwrap_or(&json!({})))
    };
    let intro = part("intro");
    let heading = format!("{}{}", cast(intro.get("heading")), in_city(branch));
    let mut html = format!(
        "<header><h1>{}</h1><h2>{}</h2></header><figure><img src=\"{}\" alt=\"{}\"/></figure>",
        escape(&bare(&heading)),
        escape(&bare(&cast(intro.get("subheading")))),
        escape(&format!("{origin}/data/img/intro/car1.png")),
        escape(&bare(&heading)),
    );
    list(&intro, "", &mut html);
    if let Some(phone) = branch.and_then(|branch| branch.get("phone")) {
        html.push_str(&format!(
            "<p>Телефон филиала{}: <a href=\"tel:{}\">{}</a></p>",
            escape(&in_city(branch)),
            escape(&cast(phone.get("href"))),
            escape(&cast(phone.get("title")))
        ));
    }
    let address = branch.map(|branch| bare(&cast(branch.get("address")))).unwrap_or_default();
    if !address.is_empty() {
        html.push_str(&format!("<p>Адрес: {}</p>", escape(&address)));
    }
    for (name, title) in [
        ("actions", "Акции и специальные предложения"),
        ("advantages", "Наши преимущества"),
        ("conditions", "Условия"),
        ("accordion", "Часто задаваемые вопросы"),
    ] {
        list(&part(name), title, &mut html);
    }
    let button = cast(intro.get("button"));
    let button = if button.is_empty() { "Оставить заявку".to_owned() } else { button };
    html.push_str(&format!("<p><a href=\"{}\">{}</a></p>", escape(url), escape(&button)));
    html
}

/// The items of a section under its heading.
fn list(section: &Value, title: &str, html: &mut String) {
    let items: Vec<String> = section
        .get("items")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|item| match item.get("title") {
            Some(title) => {
                let answer = bare(&cast(item.get("desc").or_else(|| item.get("content"))));
                let title = bare(&cast(Some(title)));
                if answer.is_empty() { title } else { format!("{title}: {answer}") }
            }
            None => bare(&cast(Some(item))),
        })
        .filter(|text| !text.is_empty())
        .collect();
    if items.is_empty() {
        return;
    }
    let own = bare(&cast(section.get("heading")));
    if !title.is_empty() {
        html.push_str(&format!("<h2>{}</h2>", escape(if own.is_empty() { title } else { &own })));
    }
    let items: String = items.iter().map(|item| format!("<li>{}</li>", escape(item))).collect();
    html.push_str(&format!("<ul>{items}</ul>"));
}

/// A text without tags, spaces joined.
fn bare(html: &str) -> String {
    let mut inside = false;
    let text: String = html
        .chars()
        .map(|c| {
            let shown = !inside && c != '<';
            inside = c == '<' || (inside && c != '>');
            if shown { c } else { ' ' }
        })
        .collect();
    text.replace("&nbsp;", " ")
        .replace("&quot;", "\"")
        .replace("&amp;", "&")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

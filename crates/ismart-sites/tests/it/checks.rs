//! `check`: what would disappoint visitors.

use ismart_sites::{Finding, check};

use crate::support::{Copy, now, site, texts};

fn found(copy: &Copy) -> Vec<Finding> {
    check(&copy.site(), now())
}

#[test]
fn a_sound_site_has_no_findings() {
    // The one thing the fixture lacks on purpose is told, nothing else.
    assert_eq!(
        texts(&check(&site(), now())),
        "warning[seo.description] feed of [collections.cars]\n  the page /cars/haval-jolion has no description\n  \
         fix: add {\"name\": \"description\", \"content\": \"…\"} to `meta`: up to 160 characters"
    );
}

fn only(findings: &[Finding], rule: &str) -> String {
    texts(&findings.iter().filter(|finding| finding.rule == rule).cloned().collect::<Vec<_>>())
}

#[test]
fn dead_links_are_found_where_they_stand() {
    let copy = Copy::new();
    copy.replace("data/json/global.json", "\"/contacts\"", "\"/kontakty\"");
    copy.replace("templates/base.twig", "<ol>", "<a href=\"/gone?x=1\">x</a>\n<a href=\"/index\">y</a><ol>");
    let findings = found(&copy);
    assert_eq!(
        only(&findings, "link.dead"),
        "error[link.dead] data/json/global.json:12:48 at /nav/ru/items/3/href\n  \
         the page /cars links to /kontakty, which does not exist\n  \
         12 |                 { \"title\": \"Контакты\", \"href\": \"/kontakty\" }\n  \
         fix: mend the address, or add the page or file\n\
         error[link.dead] templates/base.twig:15:10\n  the page /cars links to /gone, which does not exist\n  \
         15 | <a href=\"/gone?x=1\">x</a>\n  \
         fix: mend the address, or add the page or file"
    );
    assert_eq!(
        only(&findings, "link.redirect"),
        "warning[link.redirect] templates/base.twig:16:10\n  the page /cars links to /index, which leads on to /\n  \
         16 | <a href=\"/index\">y</a><ol>{% for step in breadcrumb %}<li>{{ step.name }} {{ step.url }}</li>{% endfor %}</ol>\n  \
         fix: link to /"
    );
}

#[test]
fn missing_files_and_templates_are_found() {
    let copy = Copy::new();
    copy.replace("data/json/global.json", "data/img/logo.svg", "data/img/Logo.svg");
    copy.replace("data/json/ru/pages/contacts.json", "\"form\"", "\"callback\"");
    copy.replace("data/json/ru/pages/index.json", "\"items_from\": \"cars\"", "\"items_from\": \"boats\"");
    copy.replace("config/site.toml", "pages/news.twig", "pages/article.twig");
    let findings = found(&copy);
    assert_eq!(
        only(&findings, "file.missing"),
        "error[file.missing] data/json/global.json:16:22 at /logo/src\n  the file `data/img/Logo.svg` does not exist\n  \
         16 |     \"logo\": { \"src\": \"data/img/Logo.svg\", \"alt\": \"Дилер & Ко\" }\n  \
         fix: add the file, or mend the path (letters must match exactly)"
    );
    assert_eq!(
        only(&findings, "section.template"),
        "error[section.template] data/json/ru/pages/contacts.json:6:19 at /sections/1/name\n  \
         the section `callback` has no template and is not shown\n  \
         6 |         { \"name\": \"callback\", \"data\": {} }\n  \
         fix: add templates/sections/callback.twig, or hide the section with \"visible\": false"
    );
    assert_eq!(
        only(&findings, "section.items_from"),
        "error[section.items_from] data/json/ru/pages/index.json:5:51 at /sections/1/data/items_from\n  \
         there is no collection `boats`\n  \
         5 |         { \"name\": \"cars\", \"data\": { \"items_from\": \"boats\", \"limit\": 1 } },\n  \
         fix: use one of: cars, news"
    );
    assert_eq!(
        only(&findings, "config.template"),
        "error[config.template] config/site.toml:25:13\n  \
         [collections.news] uses templates/pages/article.twig, which does not exist\n  \
         25 | template = \"pages/article.twig\"\n  fix: add the template or mend the name"
    );
    assert!(only(&findings, "template.render").contains("article.twig"), "{}", texts(&findings));
}

#[test]
fn collections_are_checked() {
    let copy = Copy::new();
    copy.replace("data/json/ru/pages/news.json", "\"hidden\"]", "\"hidden\", \"first\", \"third\"]");
    copy.write("data/json/ru/news/lost.json", "{ \"slug\": \"found\", \"news\": {} }");
    let rules: Vec<String> = found(&copy)
        .iter()
        .filter(|finding| finding.rule.starts_with("collection."))
        .map(|finding| format!("{} {}: {}", finding.rule, finding.file, finding.reason))
        .collect();
    assert_eq!(
        rules,
        [
            "collection.unlisted data/json/ru/news/lost.json: no list of `news` names this file: nobody can see it",
            "collection.item_key data/json/ru/news/lost.json: the key `news` is missing or empty: the entity is not shown",
            "collection.slug_differs data/json/ru/news/lost.json: the slug is `found`, but the file is named `lost`",
            "collection.slug_missing data/json/ru/news/third.json: the list of `news` names `third`, but this file does not exist",
            "collection.slug_twice data/json/ru/pages/news.json: the slug `first` is listed twice",
        ]
    );
}

#[test]
fn redirects_are_followed() {
    let copy = Copy::new();
    copy.write(
        "config/redirects.json",
        r#"[
{"from": "/a", "to": "/b"},
{"from": "/b", "to": "/contacts"},
{"from": "/c", "to": "/d"},
{"from": "/d", "to": "/c"},
{"from": "/e", "to": "/nothing"},
{"from": "/A/", "to": "/contacts"}
]"#,
    );
    let rules: Vec<String> = found(&copy)
        .iter()
        .filter(|finding| finding.rule.starts_with("redirect."))
        .map(|finding| {
            format!("{} {} {}", finding.rule, finding.pointer.as_deref().unwrap_or(""), finding.reason)
        })
        .collect();
    assert_eq!(
        rules,
        [
            "redirect.chain /0/to `/b` leads on to `/contacts`",
            "redirect.loop /2/to `/d` leads on to `/c` and so on without end",
            "redirect.loop /3/to `/c` leads on to `/d` and so on without end",
            "redirect.dead /4/to `/nothing` does not exist",
            "redirect.shadowed /5/from an earlier rule already takes `/a`",
        ]
    );
}

#[test]
fn titles_and_descriptions_are_wanted() {
    let copy = Copy::new();
    copy.remove("data/json/ru/seo/news.json");
    copy.replace("data/json/ru/pages/news.json", "\"title\": \"Новости\",", "");
    copy.replace("data/json/ru/seo/cars-list.json", "Все машины\"", "Контакты дилера\"");
    let findings = found(&copy);
    assert_eq!(
        only(&findings, "seo.title"),
        "warning[seo.title] data/json/ru/pages/news.json\n  the page /news has no title\n  \
         fix: add `title`: up to 60 characters, its own for each page"
    );
    assert!(only(&findings, "seo.description").contains("the page /news has no description"));
    assert!(only(&findings, "seo.title_twice").contains("the pages /cars and /contacts have the same title"));
}

#[test]
fn failures_of_templates_are_findings_with_their_line() {
    let copy = Copy::new();
    copy.write("templates/sections/form.twig", "<form>\n{{ assetUrl('nothing.js') }}\n</form>\n");
    copy.write("templates/sections/news.twig", "{{ x|nofilter }}");
    let findings = found(&copy);
    let render = only(&findings, "template.render");
    assert!(render.starts_with("error[template.render] templates/sections/form.twig:2:"), "{render}");
    assert!(render.contains("2 | {{ assetUrl('nothing.js') }}"), "{render}");
    let syntax = only(&findings, "template.syntax");
    assert!(syntax.starts_with("error[template.syntax] templates/sections/news.twig:1:"), "{syntax}");
    assert!(syntax.contains("nofilter"), "{syntax}");
}

#[test]
fn config_names_must_exist() {
    let copy = Copy::new();
    copy.replace("config/site.toml", "\"news\"]", "\"news\", \"gone\"]");
    copy.replace("config/site.toml", "seo = \"news-entity\"", "seo = \"nothing\"");
    let findings = found(&copy);
    assert_eq!(
        only(&findings, "config.page"),
        "error[config.page] config/site.toml:6:61\n  \
         sitemap_pages names the page `gone`, but data/json/ru/pages/gone.json does not exist\n  \
         6 | sitemap_pages = [\"index\", \"contacts\", \"cars-list\", \"news\", \"gone\"]\n  fix: add the file or mend the name"
    );
    assert!(only(&findings, "config.seo").contains("takes SEO from data/json/ru/seo/nothing.json"));
}

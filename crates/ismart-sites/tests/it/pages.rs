//! What pages show.

use ismart_sites::{Answer, FileBody, PerRequest, Request, SiteFolder};

use crate::support::{Copy, HOST, ask, external, fixture, now, page, site};

fn has(html: &str, parts: &[&str]) {
    for part in parts {
        assert!(html.contains(part), "`{part}` is not in\n{html}");
    }
}

fn text_of(answer: Answer) -> String {
    match answer {
        Answer::File { body: FileBody::Memory(bytes), .. } => String::from_utf8(bytes.to_vec()).unwrap(),
        other => panic!("{other:?}"),
    }
}

/// Proves P4 of `site.contract.md`.
#[test]
fn a_page_shows_its_content() {
    let page = page(&site(), "/");
    assert_eq!(page.status, 200);
    assert_eq!(page.key.title, "Дилер — машины");
    has(
        &page.html,
        &[
            "<html lang=\"ru\" dir=\"ltr\">",
            "<title>Дилер — машины</title>",
            "<meta name=\"description\" content=\"Машины 2 шт.\">",
            "<meta property=\"og:image\" content=\"https://dealer.example/data/img/cars/red.svg\">",
            "<link rel=\"canonical\" href=\"https://dealer.example/\">",
            "<link rel=\"preload\" as=\"image\" href=\"https://dealer.example/data/img/cars/red.svg\">",
            "<h1>Машины «Дилера»</h1>",
            "width=\"640\" height=\"480\"",
            "<svg class=\"logo\" xmlns",
            "<li><a href=\"https://dealer.example/cars/lada-vesta\">Lada Vesta</a></li>",
            "<p>Дилер &amp; Ко: 5</p>",
            "<a href=\"https://dealer.example/contacts\">Контакты</a>",
            "<li>Начало /</li>",
        ],
    );
    assert!(!page.html.contains("Haval"), "limit");
    assert!(!page.html.contains("скрыто"), "hidden section");
    assert!(page.headers.contains(&("content-type", "text/html; charset=utf-8".to_owned())));
}

#[test]
fn lists_hold_the_visible_entities_in_order() {
    let site = site();
    let cars = page(&site, "/cars");
    has(&cars.html, &["<title>Все машины</title>", "Lada Vesta", "Haval &lt;Jolion&gt;"]);
    assert!(!cars.html.contains("Продана"));
    let news = page(&site, "/news").html;
    assert!(news.find("Вторая новость").unwrap() < news.find("Первая новость").unwrap());
    assert!(!news.contains("Черновик"));
}

#[test]
fn an_entity_has_seo_breadcrumb_and_its_own_template() {
    let site = site();
    let car = page(&site, "/cars/haval-jolion");
    assert_eq!(car.key.title, "Haval <Jolion> — Дилер");
    has(
        &car.html,
        &[
            "<title>Haval &lt;Jolion&gt; — Дилер</title>",
            "<meta property=\"og:url\" content=\"https://dealer.example/cars/haval-jolion\">",
            "<meta property=\"og:type\" content=\"product\">",
            "<li>Начало /</li><li>Машины /cars</li><li>Haval &lt;Jolion&gt; /cars/haval-jolion</li>",
            "<p>2 199 000 ₽</p>",
        ],
    );
    let lada = page(&site, "/cars/lada-vesta").html;
    has(
        &lada,
        &[
            "<meta property=\"og:image\" content=\"https://dealer.example/data/img/cars/red.svg\">",
            "content=\"Седан\"",
        ],
    );
    // A collection with a SEO file of its own.
    has(
        &page(&site, "/news/first").html,
        &["<title>Первая новость | Дилер</title>", "Открылись <b>вчера</b>"],
    );
}

#[test]
fn facts_of_an_entity_are_never_templates() {
    let mut external = external();
    external.collections.get_mut("cars").unwrap()[0]["title"] = "{{ settings.site_name }}".into();
    let site = SiteFolder::new(fixture()).load(&external).unwrap();
    has(&page(&site, "/cars/lada-vesta").html, &["<title>{{ settings.site_name }} — Дилер</title>"]);
}

/// Proves P5 of `site.contract.md`.
#[test]
fn what_differs_between_requests_comes_with_the_request() {
    let site = site();
    let show = |token: &str| {
        let per_request =
            PerRequest { now: now(), form_token: Some(token), request_id: Some("r1"), form_state: None };
        match site.answer(&Request { per_request, ..Request::get(HOST, "/contacts", now()) }) {
            Answer::Page(page) => page.html,
            other => panic!("{other:?}"),
        }
    };
    let (a, b) = (show("token-a"), show("token-b"));
    has(&a, &["value=\"token-a\""]);
    assert_ne!(a, b);
    assert_eq!(a.replace("token-a", "token-b"), b);
    assert_eq!(page(&site, "/contacts").html, page(&site, "/contacts").html);
}

#[test]
fn addresses_follow_the_host_that_was_asked() {
    let site = site();
    let at = |scheme: &'static str, host: &str| match site
        .answer(&Request { scheme, ..Request::get(host, "/contacts", now()) })
    {
        Answer::Page(page) => page.html,
        other => panic!("{other:?}"),
    };
    has(&at("http", "localhost:8080"), &["href=\"http://localhost:8080/cars\""]);
    has(&at("https", "dealer.example"), &["href=\"https://dealer.example/cars\""]);
    // A forged host never reaches the markup, and many of them do not fill the memory.
    assert!(!at("https", "x\"><script>").contains("<script>"));
    for port in 1..40 {
        at("https", &format!("dealer.example:{port}"));
    }
    has(&at("https", "dealer.example:39"), &["href=\"https://dealer.example/cars\""]);
    let copy = Copy::new();
    copy.replace(
        "config/site.toml",
        "trailing_slash",
        "base_url = \"https://www.dealer.example/\"\ntrailing_slash",
    );
    has(
        &page(&copy.site(), "/").html,
        &["href=\"https://www.dealer.example/cars\"", "https://www.dealer.example/data/img"],
    );
}

#[test]
fn assets_have_addresses_that_change_with_their_content() {
    let copy = Copy::new();
    let address = |site: &ismart_sites::Snapshot| {
        let html = page(site, "/").html;
        let (_, rest) = html.split_once("<link rel=\"stylesheet\" href=\"https://dealer.example").unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let first = copy.site();
    let before = address(&first);
    assert_eq!(ask(&first, &before), "file text/css; charset=utf-8 Immutable");
    copy.write("assets/css/main.css", "body { margin: 1px }");
    let second = copy.site();
    assert_ne!(address(&second), before);
    assert_eq!(ask(&second, &before), "404 ru 404");
    // A build's manifest goes before.
    copy.write("assets/css/build/css-manifest.json", "{\"main.css\": \"/assets/css/build/main.777.css\"}");
    copy.write("assets/css/build/main.777.css", "a{}");
    let third = copy.site();
    assert_eq!(address(&third), "/assets/css/build/main.777.css");
    assert_eq!(ask(&third, "/assets/css/build/main.777.css"), "file text/css; charset=utf-8 Immutable");
}

/// Proves P6 of `site.contract.md`.
#[test]
fn a_failing_template_breaks_its_own_pages_only() {
    let copy = Copy::new();
    copy.write("templates/sections/form.twig", "<form>\n{{ assetUrl('nothing.js') }}\n</form>\n");
    let site = copy.site();
    assert!(site.template_faults().is_empty());
    let broken = page(&site, "/contacts");
    assert_eq!(broken.status, 500);
    let failure = broken.failure.unwrap();
    assert_eq!((failure.template.as_deref(), failure.line), (Some("sections/form.twig"), Some(2)));
    has(&failure.to_string(), &["there is no `nothing.js` under assets/js"]);
    has(&broken.html, &["<title>Страница временно недоступна</title>", "Дилер &amp; Ко"]);
    assert!(!broken.html.contains("assetUrl"), "no detail for visitors");
    assert_eq!(ask(&site, "/"), "200 ru index");
    // Where the error template fails too, plain HTML is left.
    copy.write("templates/errors/500.twig", "{{ nothing() }}");
    let plain = page(&copy.site(), "/contacts");
    assert_eq!(plain.status, 500);
    has(&plain.html, &["<h1>Страница временно недоступна</h1>", "href=\"https://dealer.example/\""]);
}

#[test]
fn a_template_that_does_not_compile_is_told_at_load() {
    let copy = Copy::new();
    copy.write("templates/sections/form.twig", "<form>\n{% if x %}\n</form>\n");
    let site = copy.site();
    let faults = site.template_faults();
    assert_eq!(faults.len(), 1, "{}", crate::support::texts(faults));
    assert_eq!(
        (faults[0].rule, faults[0].file.as_str()),
        ("template.syntax", "templates/sections/form.twig")
    );
    assert!(faults[0].position.is_some());
    assert_eq!(page(&site, "/contacts").status, 500);
    assert_eq!(ask(&site, "/cars"), "200 ru cars-list");
}

#[test]
fn twig_in_seo_that_fails_is_left_as_it_stands() {
    let copy = Copy::new();
    copy.replace("data/json/ru/seo/contacts.json", "Контакты дилера", "{{ nothing() }}");
    let page = page(&copy.site(), "/contacts");
    assert_eq!(page.status, 200);
    assert_eq!(page.key.title, "{{ nothing() }}");
    has(&page.failure.unwrap().to_string(), &["nothing"]);
}

#[test]
fn error_pages_fall_back_step_by_step() {
    let copy = Copy::new();
    let missing = |copy: &Copy| {
        let page = page(&copy.site(), "/nothing");
        assert_eq!(page.status, 404);
        assert!(page.headers.contains(&("x-robots-tag", "noindex, nofollow".to_owned())));
        page.html
    };
    has(&missing(&copy), &["<title>Нет такой страницы</title>", "<h1>404</h1>"]);
    copy.remove("data/json/ru/pages/404.json");
    copy.write("templates/errors/http.twig", "<b>{{ status }} {{ title }}</b> {{ url('/') }}");
    assert_eq!(missing(&copy), "<b>404 Страница не найдена</b> https://dealer.example/");
    copy.remove("templates/errors/http.twig");
    has(&missing(&copy), &["<h1>Страница не найдена</h1>", "Вернуться на главную"]);
}

#[test]
fn sitemap_and_robots_are_made() {
    let site = site();
    let xml = text_of(site.answer(&Request::get(HOST, "/sitemap.xml", now())));
    assert!(xml.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset "), "{xml}");
    assert!(xml.ends_with("</urlset>"), "no final newline");
    let addresses: Vec<&str> =
        xml.split("<loc>https://dealer.example").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    assert_eq!(
        addresses,
        [
            "/",
            "/en",
            "/contacts",
            "/en/contacts",
            "/cars",
            "/news",
            "/cars/lada-vesta",
            "/cars/haval-jolion",
            "/news/second",
            "/news/first"
        ]
    );
    has(
        &xml,
        &[
            "    <xhtml:link rel=\"alternate\" hreflang=\"en\" href=\"https://dealer.example/en/contacts\"/>\n",
        ],
    );
    let robots = text_of(site.answer(&Request::get(HOST, "/robots.txt", now())));
    assert_eq!(robots, "User-agent: *\nAllow: /\n\nSitemap: https://dealer.example/sitemap.xml\n");
    let staged = text_of(site.answer(&Request::get("dealer.stage.example", "/robots.txt", now())));
    assert_eq!(staged, "User-agent: *\nDisallow: /\n");
    let copy = Copy::new();
    copy.write("public/robots.txt", "own");
    assert_eq!(text_of(copy.site().answer(&Request::get(HOST, "/robots.txt", now()))), "own");
}

#[test]
fn documents_are_all_visible_pages() {
    let site = site();
    let all: Vec<String> = site
        .documents()
        .map(|d| format!("{} {} {} {}", d.language, d.url, d.title, d.file.unwrap_or_default()))
        .collect();
    assert_eq!(
        all,
        [
            "ru /cars Машины в наличии data/json/ru/pages/cars-list.json",
            "ru /contacts Контакты data/json/ru/pages/contacts.json",
            "ru / index data/json/ru/pages/index.json",
            "ru /news Новости data/json/ru/pages/news.json",
            "ru /cars/lada-vesta Lada Vesta ",
            "ru /cars/haval-jolion Haval <Jolion> ",
            "ru /news/second Вторая новость data/json/ru/news/second.json",
            "ru /news/first Первая новость data/json/ru/news/first.json",
            "en /en/contacts Contacts data/json/en/pages/contacts.json",
            "en /en Cars data/json/en/pages/index.json",
        ]
    );
}

#[test]
fn secrets_and_the_environment_are_out_of_reach() {
    let copy = Copy::new();
    copy.write("templates/sections/form.twig", "[{{ settings|json_encode }}][{{ load_json('config/site.toml')|json_encode }}][{{ load_json('../../x.json')|json_encode }}]");
    let html = page(&copy.site(), "/contacts").html;
    assert!(!html.contains("lead-assistant") && !html.contains("stock.xml"), "{html}");
    has(&html, &["[null][null]", "yandex_metric_id"]);
}

#[test]
fn templates_that_never_end_are_stopped() {
    let copy = Copy::new();
    copy.write("templates/sections/form.twig", "{% include 'sections/form.twig' %}");
    let site = copy.site();
    let broken = page(&site, "/contacts");
    assert_eq!(broken.status, 500);
    assert_eq!(broken.failure.unwrap().template.as_deref(), Some("sections/form.twig"));
    assert_eq!(ask(&site, "/"), "200 ru index");
}

#[test]
fn dates_in_templates_are_those_of_the_request() {
    let copy = Copy::new();
    copy.write("templates/sections/form.twig", "[{{ 'now'|date('Y-m-d H:i') }}]");
    let site = copy.site();
    has(&page(&site, "/contacts").html, &["[2026-11-22 15:00]"]);
    let new_year = "2027-01-01T00:30:00Z".parse().unwrap();
    let Answer::Page(page) = site.answer(&Request::get(HOST, "/contacts", new_year)) else { panic!() };
    has(&page.html, &["[2027-01-01 03:30]"]);
}

#[test]
fn a_form_that_was_refused_shows_what_was_typed() {
    let copy = Copy::new();
    copy.write("templates/sections/form.twig", "<input value=\"{{ form_state.values.name|default('') }}\">");
    let site = copy.site();
    let state = serde_json::json!({"values": {"name": "Анна <b>"}});
    let per_request = PerRequest { now: now(), form_token: None, request_id: None, form_state: Some(&state) };
    let Answer::Page(page) = site.answer(&Request { per_request, ..Request::get(HOST, "/contacts", now()) })
    else {
        panic!()
    };
    has(&page.html, &["<input value=\"Анна &lt;b&gt;\">"]);
}

#[test]
fn content_is_quoted_with_its_twig_rendered() {
    let site = site();
    let index = site.documents().find(|document| document.page_id == "index").unwrap();
    let body = site.resolved(index.body, now());
    assert_eq!(body.pointer("/sections/3/data/html").unwrap(), "<p>Дилер &amp; Ко: 5</p>");
}

/// A site may use what Twig's extra packages offer, in its own language.
#[test]
fn templates_know_the_extra_packages() {
    let copy = Copy::new();
    let text = "{{ 1234.5|format_number }}|{{ 'Весна 2026'|slug }}|{{ '**да**'|markdown_to_html }}|{{ html_classes('a', {b: true}) }}";
    copy.replace("data/json/ru/pages/contacts.json", "Домой", text);
    let want = "1\u{a0}234,5|Vesna-2026|<p><strong>да</strong></p>\n|a b";
    has(&page(&copy.site(), "/contacts").html, &[want]);
}

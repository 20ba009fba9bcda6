//! What was wrong with each generation: what is right now, and what stays because others rely on it.

use std::path::Path;

use toml::{Table, Value as Toml};

use super::super::detect::Generation::{self, Gen1, Gen2, Gen2a, Gen3};
use super::{Imported, Item, payment};
use crate::config::Mend;

/// A known fault of generations of the platform.
pub(super) struct Fault {
    pub(super) id: &'static str,
    pub(super) what: &'static str,
    pub(super) urls: &'static [&'static str],
    pub(super) generations: &'static [Generation],
    /// Whether a site has it: by a file that must be there, or a text in a file; every site without.
    pub(super) sign: Sign,
}

pub(super) enum Sign {
    Always,
    File(&'static str),
    /// File, text.
    Text(&'static str, &'static str),
}

const SLIM: &[Generation] = &[Gen2a, Gen2, Gen3];
const SECOND: &[Generation] = &[Gen2a, Gen2];

const MENDED: &[Fault] = &[
    Fault {
        id: "public-json",
        what: "everybody could read data/json/*.json, drafts and hidden entities included; it is not served",
        urls: &["/data/json*"],
        generations: &[Gen1, Gen2a, Gen2, Gen3],
        sign: Sign::Always,
    },
    Fault {
        id: "secrets-in-templates",
        what: "templates saw all settings, passwords and tokens among them; they see the public ones",
        urls: &[],
        generations: SLIM,
        sign: Sign::Always,
    },
    Fault {
        id: "form-unreachable",
        what: "POST /api/send was redirected to /api/send/ and lost, its token was in no page, and no channel existed: forms are taken and stored",
        urls: &["/api/*"],
        generations: SECOND,
        sign: Sign::Always,
    },
    Fault {
        id: "health-unreachable",
        what: "GET /health was redirected to a 404; it answers",
        urls: &["/health", "/health/"],
        generations: SECOND,
        sign: Sign::Always,
    },
    Fault {
        id: "environment-ignored",
        what: "APP_ENV of .env was not read, so live sites ran in development: no HSTS, no template cache; it is read",
        urls: &[],
        generations: SECOND,
        sign: Sign::Text("public/index.php", "createImmutable("),
    },
    Fault {
        id: "session-on-every-page",
        what: "every page started a session (a cookie, no caching at all); pages set none",
        urls: &[],
        generations: SECOND,
        sign: Sign::Text("src/Action/PageAction.php", "session_start"),
    },
    Fault {
        id: "lost-leads",
        what: "a form without any working channel answered success and was lost; success means stored",
        urls: &["/api/*"],
        generations: &[Gen3],
        sign: Sign::File("src/Action/ApiSendAction.php"),
    },
    Fault {
        id: "rate-limit-spoofed",
        what: "the sender's address was taken from a header that he writes himself; only trusted proxies are believed",
        urls: &[],
        generations: SLIM,
        sign: Sign::File("src/Middleware/RateLimitMiddleware.php"),
    },
    Fault {
        id: "captcha-key-missing",
        what: "the captcha's key reached the SEO and not the page, so that switching it on refused every form; pages have it",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::Text("src/Service/TemplateDataBuilder.php", "$ctx['captcha_client_key']"),
    },
    Fault {
        id: "environment-names",
        what: ".env.example named MAILER_DSN while the code read MAIL_DSN; destinations are configured in ismart.toml",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::Text(".env.example", "MAILER_DSN"),
    },
    Fault {
        id: "open-source-files",
        what: "the document root was the project: core/, docs/, composer.json and .env could be asked for; only what is for visitors is served",
        urls: &[
            "/core/*",
            "/docs/*",
            "/dev/*",
            "/scripts/*",
            "/templates/*",
            "/vendor/*",
            "/logs/*",
            "/composer*",
            "/package*",
            "/README.md",
            "/.env*",
            "/index.php*",
            "/learning-materials/*",
            "/dashboards-code/*",
            "/course-materials/*",
            "/.cursorrules",
            "/.gitignore",
        ],
        generations: &[Gen1],
        sign: Sign::Always,
    },
    Fault {
        id: "htaccess-circle",
        what: "the third rule of .htaccess sends every path but / to itself for ever on Apache; leading slashes are joined, which it was meant for",
        urls: &[],
        generations: &[Gen1],
        sign: Sign::Text(".htaccess", "%{THE_REQUEST}"),
    },
    Fault {
        id: "health-added",
        what: "there was no /health; it answers for monitoring",
        urls: &["/health", "/health/"],
        generations: &[Gen1],
        sign: Sign::Always,
    },
    Fault {
        id: "forms-added",
        what: "there was nothing behind the forms; /api/send and /api/form-token take them",
        urls: &["/api/*"],
        generations: &[Gen1],
        sign: Sign::Always,
    },
];

/// Addresses that answer otherwise because they are the platform's own.
const OWN: &[&str] = &["/health", "/health/", "/ping", "/console*", "/ismart/*", "/_f"];

const KEPT: &[Fault] = &[
    Fault {
        id: "second addresses",
        what: "`/index`, `/{page_id}`, the default language's prefix and anything behind a page answer 200; set duplicates = \"redirect\" and remove [legacy] to end it",
        urls: &[],
        generations: &[Gen1, Gen2a, Gen2, Gen3],
        sign: Sign::Always,
    },
    Fault {
        id: "sitemap of languages without content",
        what: "every declared language is in the sitemap and in hreflang, though its pages are 404",
        urls: &[],
        generations: SECOND,
        sign: Sign::Always,
    },
    Fault {
        id: "canonical addresses",
        what: "canonical and JSON-LD are what the templates write, page ids and missing slashes included",
        urls: &[],
        generations: SECOND,
        sign: Sign::Always,
    },
    Fault {
        id: "breadcrumbs",
        what: "addresses in breadcrumbs end with a slash, which redirects",
        urls: &[],
        generations: &[Gen3],
        sign: Sign::Always,
    },
    Fault {
        id: "no sitemap, no robots.txt",
        what: "/sitemap.xml and /robots.txt are 404 unless the files are there",
        urls: &[],
        generations: &[Gen1],
        sign: Sign::Always,
    },
];

fn applies(fault: &Fault, root: &Path, generation: Generation) -> bool {
    fault.generations.contains(&generation)
        && match fault.sign {
            Sign::Always => true,
            Sign::File(file) => root.join(file).is_file(),
            Sign::Text(file, text) => {
                std::fs::read_to_string(root.join(file)).is_ok_and(|content| content.contains(text))
            }
        }
}

/// Lists the faults of the site, and declares those that answers differ by.
pub(super) fn list(root: &Path, table: &mut Table, imported: &mut Imported) {
    let generation = imported.detected.generation;
    let faults = MENDED.iter().chain(payment::FAULTS);
    for fault in faults.filter(|fault| applies(fault, root, generation)) {
        imported.mended.push(Mend {
            id: fault.id.to_owned(),
            what: fault.what.to_owned(),
            urls: fault.urls.iter().map(|url| (*url).to_owned()).collect(),
        });
    }
    for fault in KEPT.iter().filter(|fault| applies(fault, root, generation)) {
        imported.kept.push(Item::new(fault.id, fault.what));
    }
    let texts = |urls: &[&str]| urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>();
    let declared = |id: &str, what: &str, urls: &[&str]| Mend {
        id: id.to_owned(),
        what: what.to_owned(),
        urls: texts(urls),
    };
    let mut all: Vec<Mend> = imported.mended.clone();
    let what = "/health, /ping, /_f, /console and /ismart/ are the platform's own";
    imported.left.push(Item::new("addresses of the platform", what));
    all.push(declared("own-addresses", what, OWN));
    let mut mends = Table::new();
    for mend in all.iter().filter(|mend| !mend.urls.is_empty()) {
        let mut entry = Table::new();
        entry.insert("what".to_owned(), mend.what.clone().into());
        entry.insert("urls".to_owned(), Toml::Array(mend.urls.iter().cloned().map(Toml::String).collect()));
        mends.insert(mend.id.clone(), Toml::Table(entry));
    }
    if let Some(legacy) = table.get_mut("legacy").and_then(Toml::as_table_mut) {
        legacy.insert("mends".to_owned(), Toml::Table(mends));
    }
}

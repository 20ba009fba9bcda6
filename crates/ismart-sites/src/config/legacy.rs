//! `[legacy]`: what a site of the PHP platform does differently, key by key; a generation sets them all.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::reader::Reader;
use crate::legacy::Generation;

/// What to do with an address that has more segments than the list of a collection knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListParams {
    /// 404.
    Missing,
    /// The list once more.
    List,
}

/// When a method other than GET and HEAD is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Methods {
    /// Never: every method reads.
    Any,
    /// Before any redirect.
    First,
    /// After slashes and redirects.
    AfterRedirects,
}

/// Which variables pages have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variables {
    /// Those of the mini-core: no settings of their own, no breadcrumb, one template a page.
    Core,
    /// Those of the Slim sites.
    Slim,
}

/// Which sections of a list page are filled with the items of its collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fill {
    /// None: the templates fetch them.
    Nothing,
    /// The one that has the name of the list's address, whatever it holds.
    Named,
    /// Every one whose items are absent or empty.
    Empty,
}

/// Where the entities of a collection can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At the root of the site only.
    Root,
    /// Under the list only.
    List,
    /// Both.
    Both,
}

/// What makes the SEO of an entity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builder {
    /// Title, description, Open Graph.
    Short,
    /// The same with a picture and the name of the site.
    Plain,
    /// A restaurant of schema.org, with questions and answers.
    Restaurant,
    /// An event of schema.org, with tickets.
    Event,
}

/// Where the fonts come from that pages load early.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fonts {
    /// No variable.
    Nothing,
    /// What `assets/css/base/fonts.css` names.
    Css,
    /// These, as far as they are there.
    Listed(Vec<String>),
}

/// `[legacy.collections.<key>]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyCollection {
    /// Where entities can be asked for.
    pub place: Place,
    /// Which sections of the list are filled.
    pub fill: Fill,
    /// What makes the SEO of an entity.
    pub builder: Builder,
    /// The address of the live site, without final slash: SEO names it wherever the site runs.
    pub live_base_url: Option<String>,
    /// The last step of the breadcrumb is at the root of the site, whatever the address.
    pub crumb_at_root: bool,
    /// The title of the list in breadcrumbs where the navigation has none.
    pub list_title: Option<String>,
}

/// One difference from the PHP site that is meant.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Mend {
    /// Its name.
    pub id: String,
    /// What was wrong and what is done now.
    pub what: String,
    /// The paths it concerns; `*` at the end stands for any rest.
    pub urls: Vec<String>,
}

/// `[legacy]`, with the defaults of its generation filled in.
#[derive(Debug, Clone)]
pub struct Legacy {
    /// The generation.
    pub generation: Generation,
    /// Whether the site ran with `APP_ENV=production`.
    pub production: bool,
    /// Whether several slashes are made one by a redirect; otherwise they are read as one.
    pub join_slashes: bool,
    /// Whether `http` and `www.` are redirected.
    pub force_host: bool,
    /// Whether redirect rules compare letters whatever their case.
    pub redirect_any_case: bool,
    /// Whether upper case in a path is redirected.
    pub lower_case: bool,
    /// When other methods are refused.
    pub methods: Methods,
    /// What follows the list of a collection.
    pub list_params: ListParams,
    /// Whether pages of entities keep the sections of their list.
    pub entity_sections: bool,
    /// Whether `items_from` fills sections.
    pub items_from: bool,
    /// Whether items of lists have all fields, or slug, cover, date, title and desc only.
    pub full_items: bool,
    /// The variables of pages.
    pub variables: Variables,
    /// Fonts to load early.
    pub fonts: Fonts,
    /// Whether pictures of the first slide are told by size.
    pub sized_hero: bool,
    /// Whether `url()` leaves `data/` and `assets/` relative to the root.
    pub rooted_files: bool,
    /// The list of picture sizes that the build wrote, relative to the site folder.
    pub picture_sizes: Option<String>,
    /// Widths that pictures are built in.
    pub picture_keys: Vec<String>,
    /// Base address that templates print, where it differs from that of the request.
    pub link_base_url: Option<String>,
    /// Whether there is a made sitemap.
    pub sitemap: bool,
    /// Whether the sitemap lists entities and leaves out the alternates of a site with one language.
    pub sitemap_entities: bool,
    /// Pages with addresses made of a list: page → where the list is.
    pub sitemap_lists: IndexMap<String, SitemapList>,
    /// `Content-Security-Policy` of pages.
    pub csp: Option<String>,
    /// Whether pages have the security headers at all.
    pub security_headers: bool,
    /// Title and text of error pages by status.
    pub errors: BTreeMap<String, (String, String)>,
    /// Whether tickets can be paid: `payment_enabled` of templates.
    pub payment: bool,
    /// The public key of the captcha, where it is switched on.
    pub captcha_client_key: String,
    /// The file of redirect rules, relative to the site folder.
    pub redirects: String,
    /// Folders beside `public/`, `assets/` and the open ones of `data/` that visitors may read.
    pub open_folders: Vec<String>,
    /// Files outside `public/` by their address.
    pub open_files: BTreeMap<String, String>,
    /// Templates that are included and were never written: they render as nothing.
    pub empty_templates: Vec<String>,
    /// More about the collections.
    pub collections: BTreeMap<String, LegacyCollection>,
    /// Differences that are meant.
    pub mends: Vec<Mend>,
}

/// A list that a page of the sitemap has one address for each item of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SitemapList {
    /// The page whose JSON has the list.
    pub data_page: String,
    /// The key of the list.
    pub list_key: String,
    /// The key of the value in an item.
    pub value_key: String,
    /// Whether the value is the segment as it is; otherwise it is a city to be written in Latin letters.
    pub raw: bool,
}

/// Content-Security-Policy of the second generation.
const CSP_2: &str = "default-src 'self' https:; script-src 'self' 'unsafe-inline' https:; style-src 'self' 'unsafe-inline' https:; img-src 'self' data: https:; font-src 'self' https:; connect-src 'self' https:; base-uri 'self'; form-action 'self' https:; frame-ancestors 'self'";
/// Content-Security-Policy of the third.
const CSP_3: &str = "default-src 'self' https:; script-src 'self' 'unsafe-inline' https:; style-src 'self' 'unsafe-inline' https:; img-src 'self' data: https:; font-src 'self' data: https:; connect-src 'self' https: wss:; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

/// Fonts that the third generation loads early.
const FONTS_3: &[&str] = &[
    "assets/fonts/source-sans-3/SourceSans3VF-Upright.ttf.woff2",
    "assets/fonts/manrope/ManropeVariable.woff2",
    "assets/fonts/tt-norms-pro-variable/TTNormsProVariable.woff2",
];

impl Legacy {
    /// What a generation does when nothing else is said.
    pub(crate) fn preset(generation: Generation) -> Self {
        use Generation::{Gen0, Gen1, Gen2, Gen2a, Gen3};
        let slim = matches!(generation, Gen2a | Gen2 | Gen3);
        let newest = generation == Gen3;
        let texts = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        Self {
            generation,
            production: false,
            join_slashes: generation == Gen1,
            force_host: generation == Gen1,
            redirect_any_case: newest,
            lower_case: newest,
            methods: match generation {
                Gen0 | Gen1 => Methods::Any,
                Gen2a | Gen2 => Methods::First,
                Gen3 => Methods::AfterRedirects,
            },
            list_params: if newest { ListParams::Missing } else { ListParams::List },
            entity_sections: newest,
            items_from: newest,
            full_items: newest,
            variables: if slim { Variables::Slim } else { Variables::Core },
            fonts: match generation {
                Gen0 | Gen1 => Fonts::Nothing,
                Gen2a | Gen2 => Fonts::Css,
                Gen3 => Fonts::Listed(texts(FONTS_3)),
            },
            sized_hero: newest,
            rooted_files: slim,
            picture_sizes: match generation {
                Gen3 => Some("assets/img/build/image-dimensions.json".to_owned()),
                Gen2a | Gen2 => Some("data/img/image-dimensions.json".to_owned()),
                Gen0 | Gen1 => None,
            },
            picture_keys: texts(&["400", "800", "1280", "1600", "1920", "2560"]),
            link_base_url: None,
            sitemap: slim,
            sitemap_entities: newest,
            sitemap_lists: IndexMap::new(),
            csp: slim.then(|| if newest { CSP_3 } else { CSP_2 }.to_owned()),
            security_headers: slim,
            errors: BTreeMap::new(),
            payment: false,
            captcha_client_key: String::new(),
            redirects: crate::redirects::REDIRECTS.to_owned(),
            open_folders: Vec::new(),
            open_files: BTreeMap::new(),
            empty_templates: Vec::new(),
            collections: BTreeMap::new(),
            mends: Vec::new(),
        }
    }

    /// What a collection does when nothing else is said.
    pub(crate) fn collection_preset(generation: Generation, key: &str) -> LegacyCollection {
        let newest = generation == Generation::Gen3;
        LegacyCollection {
            place: Place::Both,
            fill: if newest { Fill::Empty } else { Fill::Named },
            builder: match (newest, key) {
                (true, "restaurants") => Builder::Restaurant,
                (true, "events") => Builder::Event,
                (true, _) => Builder::Plain,
                (false, _) => Builder::Short,
            },
            live_base_url: None,
            crumb_at_root: !newest,
            list_title: None,
        }
    }

    /// What is said about a collection.
    pub(crate) fn collection(&self, key: &str) -> LegacyCollection {
        let said = self.collections.get(key).cloned();
        said.unwrap_or_else(|| Self::collection_preset(self.generation, key))
    }
}

const KEYS: &[&str] = &[
    "captcha_client_key",
    "collections",
    "content_security_policy",
    "empty_templates",
    "entity_sections",
    "environment",
    "errors",
    "fonts",
    "force_host",
    "full_items",
    "generation",
    "items_from",
    "join_slashes",
    "link_base_url",
    "list_params",
    "lower_case",
    "mends",
    "methods",
    "open_files",
    "open_folders",
    "payment",
    "picture_keys",
    "picture_sizes",
    "redirect_any_case",
    "redirects",
    "rooted_files",
    "security_headers",
    "sitemap",
    "sitemap_entities",
    "sitemap_lists",
    "sized_hero",
    "variables",
];

const METHODS: &[(&str, Methods)] =
    &[("any", Methods::Any), ("first", Methods::First), ("after_redirects", Methods::AfterRedirects)];
const LIST_PARAMS: &[(&str, ListParams)] = &[("missing", ListParams::Missing), ("list", ListParams::List)];
const VARIABLES: &[(&str, Variables)] = &[("core", Variables::Core), ("slim", Variables::Slim)];
const PLACES: &[(&str, Place)] = &[("root", Place::Root), ("list", Place::List), ("both", Place::Both)];
const FILLS: &[(&str, Fill)] = &[("nothing", Fill::Nothing), ("named", Fill::Named), ("empty", Fill::Empty)];
const BUILDERS: &[(&str, Builder)] = &[
    ("short", Builder::Short),
    ("plain", Builder::Plain),
    ("restaurant", Builder::Restaurant),
    ("event", Builder::Event),
];

/// Reads `[legacy]`; `None` when the site has none.
pub(super) fn read(reader: &mut Reader<'_>) -> Option<Legacy> {
    if !reader.has(&["legacy"]) {
        return None;
    }
    reader.only(&["legacy"], KEYS);
    let generations: Vec<(&str, Generation)> = Generation::ALL.iter().map(|one| (one.name(), *one)).collect();
    let mut legacy = Legacy::preset(reader.one_of(&["legacy", "generation"], &generations, Generation::Gen3));
    let environments = [("production", true), ("development", false), ("staging", false)];
    legacy.production = reader.one_of(&["legacy", "environment"], &environments, false);
    legacy.methods = reader.one_of(&["legacy", "methods"], METHODS, legacy.methods);
    legacy.list_params = reader.one_of(&["legacy", "list_params"], LIST_PARAMS, legacy.list_params);
    legacy.variables = reader.one_of(&["legacy", "variables"], VARIABLES, legacy.variables);
    flags(reader, &mut legacy);
    texts(reader, &mut legacy);
    legacy.collections = collections(reader, legacy.generation);
    legacy.mends = mends(reader);
    legacy.errors = errors(reader);
    legacy.sitemap_lists = sitemap_lists(reader);
    for address in reader.keys(&["legacy", "open_files"]) {
        if let Some(file) = reader.text(&["legacy", "open_files", &address]) {
            legacy.open_files.insert(address, file);
        }
    }
    Some(legacy)
}

fn flags(reader: &mut Reader<'_>, legacy: &mut Legacy) {
    let mut flag = |key: &str, place: &mut bool| {
        if let Some(value) = reader.flag(&["legacy", key]) {
            *place = value;
        }
    };
    flag("join_slashes", &mut legacy.join_slashes);
    flag("force_host", &mut legacy.force_host);
    flag("redirect_any_case", &mut legacy.redirect_any_case);
    flag("lower_case", &mut legacy.lower_case);
    flag("entity_sections", &mut legacy.entity_sections);
    flag("items_from", &mut legacy.items_from);
    flag("full_items", &mut legacy.full_items);
    flag("sized_hero", &mut legacy.sized_hero);
    flag("rooted_files", &mut legacy.rooted_files);
    flag("sitemap", &mut legacy.sitemap);
    flag("sitemap_entities", &mut legacy.sitemap_entities);
    flag("security_headers", &mut legacy.security_headers);
    flag("payment", &mut legacy.payment);
}

fn texts(reader: &mut Reader<'_>, legacy: &mut Legacy) {
    if let Some(csp) = reader.text(&["legacy", "content_security_policy"]) {
        legacy.csp = Some(csp).filter(|csp| !csp.is_empty());
    }
    if let Some(file) = reader.text(&["legacy", "picture_sizes"]) {
        legacy.picture_sizes = Some(file).filter(|file| !file.is_empty());
    }
    if let Some(keys) = reader.texts(&["legacy", "picture_keys"]) {
        legacy.picture_keys = keys;
    }
    if let Some(fonts) = reader.texts(&["legacy", "fonts"]) {
        legacy.fonts = Fonts::Listed(fonts);
    }
    if let Some(key) = reader.text(&["legacy", "captcha_client_key"]) {
        legacy.captcha_client_key = key;
    }
    if let Some(file) = reader.text(&["legacy", "redirects"]) {
        legacy.redirects = file;
    }
    legacy.open_folders = reader.texts(&["legacy", "open_folders"]).unwrap_or_default();
    legacy.empty_templates = reader.texts(&["legacy", "empty_templates"]).unwrap_or_default();
    legacy.link_base_url =
        reader.text(&["legacy", "link_base_url"]).map(|url| url.trim_end_matches('/').to_owned());
    if legacy.link_base_url.as_deref().is_some_and(|url| !url.starts_with("http")) {
        reader.wrong(
            &["legacy", "link_base_url"],
            "`link_base_url` is not an absolute address",
            "write scheme and host, such as \"https://www.example.com\"",
        );
    }
}

const COLLECTION_KEYS: &[&str] =
    &["builder", "crumb_at_root", "fill", "list_title", "live_base_url", "place"];

fn collections(reader: &mut Reader<'_>, generation: Generation) -> BTreeMap<String, LegacyCollection> {
    let mut all = BTreeMap::new();
    for key in reader.keys(&["legacy", "collections"]) {
        let at = |name: &'static str| ["legacy", "collections", key.as_str(), name];
        reader.only(&["legacy", "collections", &key], COLLECTION_KEYS);
        let preset = Legacy::collection_preset(generation, &key);
        let collection = LegacyCollection {
            place: reader.one_of(&at("place"), PLACES, preset.place),
            fill: reader.one_of(&at("fill"), FILLS, preset.fill),
            builder: reader.one_of(&at("builder"), BUILDERS, preset.builder),
            live_base_url: reader.text(&at("live_base_url")),
            crumb_at_root: reader.flag(&at("crumb_at_root")).unwrap_or(preset.crumb_at_root),
            list_title: reader.text(&at("list_title")),
        };
        all.insert(key, collection);
    }
    all
}

fn mends(reader: &mut Reader<'_>) -> Vec<Mend> {
    let mut all = Vec::new();
    for id in reader.keys(&["legacy", "mends"]) {
        let what = reader.text(&["legacy", "mends", &id, "what"]).unwrap_or_default();
        let urls = reader.texts(&["legacy", "mends", &id, "urls"]).unwrap_or_default();
        all.push(Mend { id, what, urls });
    }
    all
}

fn errors(reader: &mut Reader<'_>) -> BTreeMap<String, (String, String)> {
    let mut all = BTreeMap::new();
    for status in reader.keys(&["legacy", "errors"]) {
        let title = reader.text(&["legacy", "errors", &status, "title"]).unwrap_or_default();
        let message = reader.text(&["legacy", "errors", &status, "message"]).unwrap_or_default();
        all.insert(status, (title, message));
    }
    all
}

fn sitemap_lists(reader: &mut Reader<'_>) -> IndexMap<String, SitemapList> {
    let mut all = IndexMap::new();
    for page in reader.keys(&["legacy", "sitemap_lists"]) {
        let mut text = |key: &str| reader.text(&["legacy", "sitemap_lists", &page, key]).unwrap_or_default();
        let list = SitemapList {
            data_page: text("data_page"),
            list_key: text("list_key"),
            value_key: text("value_key"),
            raw: text("slugger") == "raw",
        };
        all.insert(page, list);
    }
    all
}

//! `ismart site new`: a starter pack becomes the site of a company.

use std::collections::BTreeMap;
use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use ismart_domain::Env;
use ismart_http::{Client, Settings};
use ismart_knowledge::{Feed, Limits};
use serde_json::{Value, json};

use super::brief::{self, Brief};
use super::colour::{self, Colour};
use super::pack::Pack;
use super::text::{json_text, slug};
use crate::output::{self, Failed, Trouble};

/// Path in the site folder → content.
type Files = BTreeMap<String, Vec<u8>>;

/// The longest feed that is downloaded.
const LONGEST_FEED: usize = 64 * 1024 * 1024;

/// Drawings that hold the pack's accent: they follow the brand's.
const DRAWN_IN_ACCENT: &[&str] = &["data/img/logo.svg", "data/img/map.svg", "public/favicon.svg"];

const GLOBAL: &str = "data/json/global.json";

/// What the new site is and where it goes.
#[derive(Debug, Args)]
pub(super) struct New {
    /// Short name of the site: its folder, its client, and NAME.localhost
    #[arg(required_unless_present = "example")]
    name: Option<String>,
    /// Starter pack: car-dealer or real-estate
    #[arg(long, required_unless_present = "example")]
    vertical: Option<String>,
    /// Facts about the company [default: asked at the terminal]
    #[arg(long, value_name = "FILE")]
    brief: Option<PathBuf>,
    /// Folder to create [default: sites/NAME]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Host names of the site, beside those of the brief
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// Print a brief to begin with, and nothing else
    #[arg(long)]
    example: bool,
}

/// Makes the site, or says everything that is wrong with what was asked.
pub(super) async fn new(new: New) -> Result<ExitCode, Failed> {
    if new.example {
        output::exact(&brief::example());
        return Ok(ExitCode::SUCCESS);
    }
    let (name, vertical) = (new.name.unwrap_or_default(), new.vertical.unwrap_or_default());
    let mut troubles = Vec::new();
    if slug(&name) != name || name.is_empty() {
        let repair = "use small Latin letters, digits and hyphens, such as `sever`";
        troubles.push(Trouble::new("the name", format!("`{name}` cannot be part of an address"), repair));
    }
    for host in &new.hosts {
        if let Err(reason) = super::host(host) {
            troubles.push(Trouble::new("--host", reason, "write it like --host www.example.com"));
        }
    }
    let target = new.to.unwrap_or_else(|| Path::new("sites").join(&name));
    if target.exists() {
        let repair = "choose another name or another --to; nothing is ever overwritten";
        troubles.push(Trouble::new(target.display().to_string(), "is there already", repair));
    }
    let pack = Pack::find(&vertical).map_err(|Failed(found)| troubles.extend(found)).ok();
    let brief = match &new.brief {
        Some(file) => Brief::read(file),
        None if std::io::stdin().is_terminal() && troubles.is_empty() => Brief::ask(answer),
        None => {
            let repair = "give one with --brief FILE; `ismart site new --example` prints one to begin with";
            Err(Failed::one("--brief", "there is no brief, and no terminal to ask at", repair))
        }
    };
    let brief = brief.map_err(|Failed(found)| troubles.extend(found)).ok();
    let (Some(pack), Some(brief)) = (pack, brief) else { return Err(Failed(troubles)) };
    if !troubles.is_empty() {
        return Err(Failed(troubles));
    }
    let stock = match &brief.feed {
        Some(feed) => Some(stock(feed, new.brief.as_deref()).await?),
        None => None,
    };
    let (review, title) = (pack.about.review.clone(), pack.about.title.clone());
    let mut files = dress(pack, &brief, &name, &new.hosts)?;
    let mut cars = None;
    if let Some((bytes, number)) = stock {
        files.insert("data/feeds/stock.xml".to_owned(), bytes);
        cars = Some(number);
    }
    write(&target, &files)?;
    output::line(format_args!("{title}: {} files in {}", files.len(), target.display()));
    announce(&name, &brief, &review, cars);
    Ok(ExitCode::SUCCESS)
}

/// One line from the terminal.
fn answer(question: &str) -> Option<String> {
    let mut out = std::io::stderr();
    write!(out, "{question}").and_then(|()| out.flush()).ok()?;
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line).ok()?;
    (read > 0).then_some(line)
}

/// The stock of the company: a file beside the brief, or an address that is asked once. With the number of its cars.
async fn stock(feed: &str, brief: Option<&Path>) -> Result<(Vec<u8>, usize), Failed> {
    let failed = |reason: String, repair: &str| Failed::one(format!("feed {feed}"), reason, repair);
    let bytes = if feed.starts_with("https://") || feed.starts_with("http://") {
        let client = Client::new(Settings { body_limit: LONGEST_FEED, ..Settings::default() });
        let client =
            client.map_err(|error| failed(error.to_string(), "download the file and name it instead"))?;
        let repair = "check the address, or download the file and name it instead";
        let answer = client.get(feed).send().await.map_err(|error| failed(error.to_string(), repair))?;
        if !answer.is_success() {
            return Err(failed(format!("the server answers {}", answer.status()), repair));
        }
        answer.body().to_vec()
    } else {
        let base = brief.and_then(Path::parent).unwrap_or_else(|| Path::new("."));
        let repair = "name a file (from the folder of the brief) or an https address";
        std::fs::read(base.join(feed)).map_err(|error| failed(error.to_string(), repair))?
    };
    let year = Env::system().now().to_zoned(jiff::tz::TimeZone::UTC).year();
    let limits = Limits::in_year(u16::try_from(year).unwrap_or(2026));
    let read = Feed::read(bytes.as_slice(), &limits).map_err(|error| {
        failed(error.to_string(), "export the feed again; the format is auto.ru's dealer XML")
    })?;
    if read.vehicles.is_empty() {
        return Err(failed(
            "holds no car".to_owned(),
            "export the feed again; the format is auto.ru's dealer XML",
        ));
    }
    let number = read.vehicles.len();
    Ok((bytes, number))
}

/// The files of the pack with the facts of the brief, each in one place.
fn dress(pack: Pack, brief: &Brief, name: &str, hosts: &[String]) -> Result<Files, Failed> {
    let full_name =
        brief.full_name.clone().unwrap_or_else(|| pack.about.full_name.replace("{name}", &brief.name));
    let mut files = pack.files;
    edit(&mut files, GLOBAL, |global| facts(global, brief, &full_name))?;
    for hidden in &pack.about.hide {
        let pages: Vec<String> = files
            .keys()
            .filter(|path| path.ends_with(&format!("/pages/{}.json", hidden.page)))
            .cloned()
            .collect();
        for page in pages {
            edit(&mut files, &page, |page| hide(page, &hidden.section))?;
        }
    }
    if !brief.complexes.is_empty() {
        super::complexes::rename(&mut files, &brief.complexes)?;
    }
    let theirs = text_of(&files, "config/site.toml").and_then(|text| {
        let config: toml::Table = text.parse().ok()?;
        Some(config.get("settings")?.get("accent")?.as_str()?.to_owned())
    });
    if let Some(text) = text_of(&files, "config/site.toml") {
        files.insert("config/site.toml".to_owned(), settings(&text, brief, name, hosts).into_bytes());
    }
    let accent = brief.accent.as_deref().and_then(Colour::parse);
    if let (Some(accent), Some(text)) = (accent, text_of(&files, "assets/css/tokens.css")) {
        files.insert("assets/css/tokens.css".to_owned(), colour::paint(&text, accent).into_bytes());
    }
    if let (Some(accent), Some(theirs)) = (accent, theirs) {
        for drawing in DRAWN_IN_ACCENT {
            if let Some(text) = text_of(&files, drawing) {
                let own = text.replace(&theirs, &colour::for_white_text(accent));
                files.insert((*drawing).to_owned(), own.into_bytes());
            }
        }
    }
    files.insert("config/redirects.json".to_owned(), b"[]\n".to_vec());
    Ok(files)
}

fn text_of(files: &Files, path: &str) -> Option<String> {
    String::from_utf8(files.get(path)?.clone()).ok()
}

/// Changes a JSON file of the pack.
pub(super) fn edit(files: &mut Files, path: &str, change: impl FnOnce(&mut Value)) -> Result<(), Failed> {
    let Some(bytes) = files.get(path) else { return Ok(()) };
    let mut value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Failed::one(path, error.to_string(), "mend the pack, build again"))?;
    change(&mut value);
    files.insert(path.to_owned(), json_text(&value).into_bytes());
    Ok(())
}

/// The company's facts in `global.json`; what only the example company has is taken out.
fn facts(global: &mut Value, brief: &Brief, full_name: &str) {
    if let Some(map) = global.as_object_mut() {
        map.shift_remove("demo_note");
    }
    let Some(business) = global.get_mut("business").and_then(Value::as_object_mut) else { return };
    for gone in ["geo", "privacy_email", "holidays", "directions", "founded", "region", "postal_code"] {
        business.shift_remove(gone);
    }
    let city_in = brief.city_in.clone().unwrap_or_else(|| format!("в городе {}", brief.city));
    let told = [
        ("name", json!(brief.name)),
        ("full_name", json!(full_name)),
        ("legal_name", json!(brief.legal_name)),
        ("inn", json!(brief.inn)),
        ("locality", json!(brief.city)),
        ("locality_in", json!(city_in)),
        ("street", json!(brief.address)),
        ("phone", json!(brief.phone)),
        ("email", json!(brief.email)),
        ("opening_hours", json!(brief.hours)),
    ];
    let optional = [
        ("founded", brief.founded.map(Value::from)),
        ("postal_code", brief.postal_code.clone().map(Value::from)),
        ("region", brief.region.clone().map(Value::from)),
    ];
    for (key, value) in told {
        business.insert(key.to_owned(), value);
    }
    for (key, value) in optional {
        if let Some(value) = value {
            business.insert(key.to_owned(), value);
        }
    }
    for department in business.get_mut("departments").and_then(Value::as_array_mut).into_iter().flatten() {
        // A department has the company's phone, address and hours until somebody says otherwise.
        if let Some(map) = department.as_object_mut() {
            map.retain(|key, _| matches!(key.as_str(), "id" | "name" | "name_en"));
        }
    }
    if !brief.brands.is_empty() {
        business.insert("brands_new".to_owned(), json!(brief.brands));
        brands(global, &brief.brands);
    }
}

/// Leaves only what concerns these brands: warranties, models for test drives, programs of credit.
fn brands(global: &mut Value, brands: &[String]) {
    let ours = |text: &str| {
        let text = text.to_lowercase();
        brands.iter().any(|brand| {
            text == brand.to_lowercase() || text.starts_with(&format!("{} ", brand.to_lowercase()))
        })
    };
    let said = |value: &Value| value.as_str().is_some_and(ours);
    if let Some(rows) = global.pointer_mut("/warranty/new").and_then(Value::as_array_mut) {
        rows.retain(|row| row.get("brand").is_some_and(said));
    }
    if let Some(models) = global.pointer_mut("/test_drive/models").and_then(Value::as_array_mut) {
        models.retain(said);
        if models.is_empty() {
            models.extend(brands.iter().map(|brand| json!(brand)));
        }
    }
    let mut left = Vec::new();
    if let Some(programs) = global.pointer_mut("/credit/programs").and_then(Value::as_array_mut) {
        programs.retain_mut(|program| {
            let Some(own) = program.get_mut("brands").and_then(Value::as_array_mut) else { return true };
            let any = own.is_empty();
            own.retain(said);
            any || !own.is_empty()
        });
        left.extend(programs.iter().filter_map(|program| program.get("name").cloned()));
    }
    let options = global.pointer_mut("/form_fields/ru/program/options").and_then(Value::as_array_mut);
    if let Some(options) = options {
        let first = options.first().cloned();
        *options = first.into_iter().chain(left).collect();
    }
}

/// Makes a section of a page invisible.
fn hide(page: &mut Value, section: &str) {
    let sections = page.get_mut("sections").and_then(Value::as_array_mut).into_iter().flatten();
    for found in sections.filter(|found| found.get("name").and_then(Value::as_str) == Some(section)) {
        if let Some(map) = found.as_object_mut() {
            map.insert("visible".to_owned(), Value::Bool(false));
        }
    }
}

/// `site.toml` line by line, so that its comments stay.
fn settings(text: &str, brief: &Brief, name: &str, hosts: &[String]) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let mut all: Vec<String> = brief.hosts.iter().chain(hosts).cloned().collect();
    all.push(format!("{name}.localhost"));
    let mut known = std::collections::BTreeSet::new();
    all.retain(|host| known.insert(host.clone()));
    let all: Vec<String> = all.iter().map(|host| quoted(host)).collect();
    let accent = brief.accent.as_deref().and_then(Colour::parse).map(colour::for_white_text);
    let lines = [
        ("client", Some(quoted(name))),
        ("name", Some(quoted(&brief.name))),
        ("hosts", Some(format!("[{}]", all.join(", ")))),
        ("time_zone", brief.time_zone.as_deref().map(quoted)),
        ("accent", accent.as_deref().map(quoted)),
        ("yandex_metric_id", brief.metrika.map(|number| number.to_string())),
    ];
    let mut made = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let key = line.split_once(" = ").map(|(key, _)| key.trim());
        match lines.iter().find(|(name, value)| Some(*name) == key && value.is_some()) {
            Some((key, Some(value))) => {
                let comment = line.split_once(" # ").map(|(_, comment)| format!(" # {}", comment.trim_end()));
                made.push_str(&format!("{key} = {value}{}\n", comment.unwrap_or_default()));
            }
            _ => made.push_str(line),
        }
        // A feed that has an address is fetched again by the site itself.
        let address = brief.feed.as_deref().filter(|feed| feed.starts_with("http"));
        if let Some(address) = address.filter(|_| line.trim_end() == "[inventory]") {
            made.push_str(&format!("url = {}\nevery_minutes = 60\n", quoted(address)));
        }
    }
    made
}

/// Writes all files; the folder gets its name last, so that no half of a site is ever taken for one.
fn write(target: &Path, files: &Files) -> Result<(), Failed> {
    let failed = |error: std::io::Error| {
        Failed::one(
            target.display().to_string(),
            error.to_string(),
            "give a folder that can be written with --to",
        )
    };
    let name = target.file_name().map_or_else(|| "site".into(), |name| name.to_string_lossy().into_owned());
    let part = target.with_file_name(format!(".{name}.part"));
    if part.exists() {
        std::fs::remove_dir_all(&part).map_err(failed)?;
    }
    for (path, content) in files {
        let file = part.join(path);
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(file, content).map_err(failed)?;
    }
    std::fs::rename(&part, target).map_err(failed)
}

/// What to do next.
fn announce(name: &str, brief: &Brief, review: &[String], cars: Option<usize>) {
    match cars {
        Some(cars) => output::line(format_args!(
            "The stock has {cars} cars, from {}.",
            brief.feed.as_deref().unwrap_or("")
        )),
        None => output::line("The stock is an example."),
    }
    output::line("");
    output::line("Facts stand in data/json/global.json, each once. Before the site goes live:");
    output::line("  - replace the example stock, data/img/logo.svg and public/favicon.svg;");
    output::line("  - read the pages with prices, terms and promises of the example company:");
    output::line(format_args!("    {}.", review.join(", ")));
    output::line("");
    output::line("Next, in the folder that holds sites/:");
    output::line("  ismart check");
    output::line("  ismart serve");
    output::line(format_args!("  open http://{name}.localhost:8080/"));
    output::line("  ismart site add page NAME --site DIR   # or collection, section, component");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_change_and_comments_stay() {
        let text = "client = \"old\"\nname = \"Old\"\nhosts = [\"a\"]\n# why\n[settings]\naccent = \"#000000\" # chat\nyandex_metric_id = 0\nrename = \"x\"\n";
        let brief = Brief {
            name: "Се\"вер".into(),
            hosts: vec!["a.example".into()],
            accent: Some("#0d5c63".into()),
            ..Brief::default()
        };
        let made = settings(text, &brief, "sever", &["a.example".into(), "b.example".into()]);
        let table: toml::Table = made.parse().unwrap();
        assert_eq!(table["name"].as_str(), Some("Се\"вер"));
        assert_eq!(table["hosts"].as_array().unwrap().len(), 3);
        assert!(
            made.contains("# why\n")
                && made.contains("accent = \"#0d5c63\" # chat")
                && made.contains("rename = \"x\"")
        );
        assert!(made.contains("yandex_metric_id = 0"));
    }

    #[test]
    fn brands_leave_only_what_concerns_them() {
        let mut global = json!({
            "warranty": {"new": [{"brand": "Haval"}, {"brand": "BMW"}]},
            "test_drive": {"models": ["Haval Jolion", "BMW X5"]},
            "credit": {"programs": [
                {"name": "all", "brands": []}, {"name": "half", "brands": ["BMW"]}, {"name": "some", "brands": ["Haval", "BMW"]}]},
            "form_fields": {"ru": {"program": {"options": ["help", "all", "half", "some"]}}},
        });
        brands(&mut global, &["haval".into()]);
        assert_eq!(global["warranty"]["new"], json!([{"brand": "Haval"}]));
        assert_eq!(global["test_drive"]["models"], json!(["Haval Jolion"]));
        assert_eq!(
            global["credit"]["programs"],
            json!([{"name": "all", "brands": []}, {"name": "some", "brands": ["Haval"]}])
        );
        assert_eq!(global["form_fields"]["ru"]["program"]["options"], json!(["help", "all", "some"]));
        brands(&mut global, &["Lada".into()]);
        assert_eq!(
            global["test_drive"]["models"],
            json!(["Lada"]),
            "somebody can be driven at least by brand"
        );
    }
}

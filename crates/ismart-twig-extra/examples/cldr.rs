//! Makes `data/*.json` out of CLDR's JSON packages and the zone table of the tz database:
//!
//! ```text
//! cargo run -p ismart-twig-extra --example cldr -- FOLDER ZONE_TAB
//! ```
//!
//! FOLDER holds the unpacked npm packages `cldr-core`, `cldr-dates-full`, `cldr-localenames-full`,
//! `cldr-misc-full` and `cldr-numbers-full` of one version; ZONE_TAB is `zone.tab`.

#![expect(clippy::indexing_slicing, reason = "a key that JSON lacks reads as null")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

const LOCALES: &[&str] = &["be", "de", "en", "en-GB", "es", "fr", "kk", "ru", "uk"];

/// Codes that CLDR names although no country has them.
const NO_COUNTRIES: &[&str] =
    &["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"];

type Out<T> = Result<T, Box<dyn Error>>;

fn main() -> Out<()> {
    let mut args = std::env::args().skip(1);
    let (Some(folder), Some(zones)) = (args.next(), args.next()) else {
        return Err("give the folder of the CLDR packages and zone.tab".into());
    };
    let folder = PathBuf::from(folder);
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    write(&target, "root", &root(&folder, &zones)?)?;
    for locale in LOCALES {
        write(&target, &locale.replace('-', "_"), &of_locale(&folder, locale)?)?;
    }
    Ok(())
}

fn write(target: &Path, name: &str, value: &Value) -> Out<()> {
    Ok(fs::write(target.join(format!("{name}.json")), serde_json::to_string(value)? + "\n")?)
}

fn read(folder: &Path, file: &str) -> Out<Value> {
    let path = folder.join(file);
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(serde_json::from_str(&text)?)
}

/// The value at a path of keys.
fn at<'v>(value: &'v Value, path: &[&str]) -> &'v Value {
    path.iter().fold(value, |value, key| &value[*key])
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// Currencies' digits, zones of countries, and the metazones that zones were in, each until a second of time.
fn root(folder: &Path, zones: &str) -> Out<Value> {
    let core = folder.join("cldr-core");
    let currencies = read(&core, "supplemental/currencyData.json")?;
    let mut digits = Map::new();
    for (code, values) in fields(at(&currencies, &["supplemental", "currencyData", "fractions"])) {
        digits.insert(code.clone(), json!(values["_digits"].as_str().unwrap_or("2").parse::<u8>()?));
    }
    let mut of_country: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in fs::read_to_string(zones)?.lines().filter(|l| !l.starts_with('#')) {
        let mut cells = line.split('\t');
        if let (Some(country), Some(zone)) = (cells.next(), cells.nth(1)) {
            of_country.entry(country.to_owned()).or_default().push(zone.to_owned());
        }
    }
    for zones in of_country.values_mut() {
        zones.sort();
    }
    let meta = read(&core, "supplemental/metaZones.json")?;
    let mut metazones = Map::new();
    gather(at(&meta, &["supplemental", "metaZones", "metazoneInfo", "timezone"]), "", &mut metazones)?;
    // Older versions have no such table.
    let primary = read(&core, "supplemental/primaryZones.json").unwrap_or_default();
    let primary: Vec<&Value> =
        fields(at(&primary, &["supplemental", "primaryZones"])).map(|(_, zone)| zone).collect();
    Ok(json!({"digits": digits, "zones": of_country, "metazones": metazones, "primary": primary}))
}

fn gather(value: &Value, prefix: &str, into: &mut Map<String, Value>) -> Out<()> {
    if let Some(periods) = value.as_array() {
        let mut list = Vec::new();
        for period in periods {
            let uses = &period["usesMetazone"];
            list.push(json!([uses["_mzone"], uses["_to"]]));
        }
        into.insert(prefix.to_owned(), json!(list));
        return Ok(());
    }
    for (name, inner) in fields(value) {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        gather(inner, &name, into)?;
    }
    Ok(())
}

fn of_locale(folder: &Path, locale: &str) -> Out<Value> {
    let main = |package: &str, file: &str| -> Out<Value> {
        let all = read(folder, &format!("{package}/main/{locale}/{file}.json"))?;
        Ok(at(&all, &["main", locale]).clone())
    };
    let names = |file: &str, key: &str| -> Out<Map<String, Value>> {
        let all = main("cldr-localenames-full", file)?;
        let mut map = Map::new();
        for (code, name) in
            fields(at(&all, &["localeDisplayNames", key])).filter(|(c, _)| !c.contains("-alt-"))
        {
            map.insert(code.replace('-', "_"), name.clone());
        }
        Ok(map)
    };
    let mut territories = names("territories", "territories")?;
    territories.retain(|c, _| {
        c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase()) && !NO_COUNTRIES.contains(&c.as_str())
    });
    let mut languages = names("languages", "languages")?;
    languages
        .retain(|c, _| !c.contains("_menu") && !matches!(c.as_str(), "mul" | "und" | "zxx" | "root" | "mis"));
    let mut scripts = names("scripts", "scripts")?;
    scripts.retain(|c, _| !matches!(c.as_str(), "Zxxx" | "Zyyy" | "Zzzz" | "Zinh" | "Aran"));
    let display = main("cldr-localenames-full", "localeDisplayNames")?;
    let pattern = at(&display, &["localeDisplayNames", "localeDisplayPattern"]).clone();
    let lists = main("cldr-misc-full", "listPatterns")?;
    let list = |kind: &str| {
        let parts = at(&lists, &["listPatterns", kind]);
        json!([parts["2"], parts["start"], parts["middle"], parts["end"]])
    };
    Ok(json!({
        "territories": territories,
        "languages": languages,
        "scripts": scripts,
        "currencies": currencies(&main("cldr-numbers-full", "currencies")?),
        "locale": [pattern["localePattern"], pattern["localeSeparator"]],
        "numbers": numbers(&main("cldr-numbers-full", "numbers")?),
        "lists": {"and": list("listPattern-type-standard"), "or": list("listPattern-type-or"), "unit": list("listPattern-type-unit")},
        "calendar": calendar(&main("cldr-dates-full", "ca-gregorian")?, &main("cldr-dates-full", "dateFields")?),
        "zones": zones(&main("cldr-dates-full", "timeZoneNames")?),
    }))
}

fn currencies(all: &Value) -> Map<String, Value> {
    let mut map = Map::new();
    for (code, names) in fields(at(all, &["numbers", "currencies"])) {
        if names["displayName"].is_string()
            && !matches!(
                code.as_str(),
                "XXX"
                    | "XTS"
                    | "XAG"
                    | "XAU"
                    | "XPD"
                    | "XPT"
                    | "XBA"
                    | "XBB"
                    | "XBC"
                    | "XBD"
                    | "XUA"
                    | "XSU"
                    | "XDR"
            )
        {
            let symbol = if names["symbol"].is_string() { &names["symbol"] } else { &names["displayName"] };
            let symbol = if symbol == &names["displayName"] { json!(code) } else { symbol.clone() };
            map.insert(code.clone(), json!([names["displayName"], symbol]));
        }
    }
    map
}

fn numbers(all: &Value) -> Value {
    let all = &all["numbers"];
    let symbols = &all["symbols-numberSystem-latn"];
    let pattern = |kind: &str| all[format!("{kind}Formats-numberSystem-latn")]["standard"].clone();
    json!({
        "decimal": symbols["decimal"], "group": symbols["group"], "minus": symbols["minusSign"],  "percent": symbols["percentSign"], "exponent": symbols["exponential"],
        "infinity": symbols["infinity"], "nan": symbols["nan"],
        "currency_decimal": symbols["currencyDecimal"], "currency_group": symbols["currencyGroup"],
        "patterns": {"decimal": pattern("decimal"), "currency": pattern("currency"), "percent": pattern("percent"), "scientific": pattern("scientific")},
    })
}

fn calendar(all: &Value, names: &Value) -> Value {
    let all = at(all, &["dates", "calendars", "gregorian"]);
    let widths = |kind: &str, keys: &[&str]| {
        let mut forms = Map::new();
        for form in ["format", "stand-alone"] {
            for width in ["abbreviated", "narrow", "short", "wide"] {
                let values = at(all, &[kind, form, width]);
                if values.is_object() {
                    let list: Vec<&Value> = keys.iter().map(|k| &values[*k]).collect();
                    forms.insert(format!("{form}-{width}"), json!(list));
                }
            }
        }
        Value::Object(forms)
    };
    let months: Vec<String> = (1..=12).map(|n: u8| n.to_string()).collect();
    let months: Vec<&str> = months.iter().map(String::as_str).collect();
    let styles = |kind: &str| {
        let list: Vec<Value> =
            ["full", "long", "medium", "short"].iter().map(|s| all[kind][*s].clone()).collect();
        json!(list)
    };
    let at_time = at(all, &["dateTimeFormats-atTime", "standard"]);
    let joined: Vec<Value> =
        ["full", "long", "medium", "short"]
            .iter()
            .map(|s| {
                if at_time[*s].is_string() { at_time[*s].clone() } else { all["dateTimeFormats"][*s].clone() }
            })
            .collect();
    let eras: Vec<Value> = ["eraAbbr", "eraNames", "eraNarrow"]
        .iter()
        .map(|w| json!([all["eras"][*w]["0"], all["eras"][*w]["1"]]))
        .collect();
    let day = at(names, &["dates", "fields", "day"]);
    let mut relative = Map::new();
    for days in -2..=2_i8 {
        let name = &day[format!("relative-type-{days}")];
        if name.is_string() {
            relative.insert(days.to_string(), name.clone());
        }
    }
    json!({
        "months": widths("months", &months),
        "days": widths("days", &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
        "quarters": widths("quarters", &["1", "2", "3", "4"]),
        "periods": widths("dayPeriods", &["am", "pm"]),
        "eras": eras,
        "date": styles("dateFormats"),
        "time": styles("timeFormats"),
        "joined": joined,
        "relative": relative,
    })
}

fn zones(all: &Value) -> Value {
    let all = at(all, &["dates", "timeZoneNames"]);
    let mut cities = Map::new();
    let mut own = Map::new();
    collect(&all["zone"], "", &mut cities, &mut own);
    let mut metazones = Map::new();
    for (name, forms) in fields(&all["metazone"]) {
        metazones.insert(name.clone(), forms_of(forms));
    }
    json!({
        "gmt": all["gmtFormat"], "gmt_zero": all["gmtZeroFormat"], "hour": all["hourFormat"],
        "region": all["regionFormat"], "fallback": all["fallbackFormat"],
        "cities": cities, "own": own, "metazones": metazones,
    })
}

/// Long generic, standard and summer names, then the short ones.
fn forms_of(forms: &Value) -> Value {
    let name = |width: &str, kind: &str| forms[width][kind].clone();
    json!([
        name("long", "generic"),
        name("long", "standard"),
        name("long", "daylight"),
        name("short", "generic"),
        name("short", "standard"),
        name("short", "daylight"),
    ])
}

fn collect(value: &Value, prefix: &str, cities: &mut Map<String, Value>, own: &mut Map<String, Value>) {
    for (name, inner) in fields(value) {
        let name = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        if inner["exemplarCity"].is_string() {
            cities.insert(name.clone(), inner["exemplarCity"].clone());
        }
        if inner["long"].is_object() || inner["short"].is_object() {
            own.insert(name.clone(), forms_of(inner));
        }
        if inner["_type"].is_null()
            && inner["exemplarCity"].is_null()
            && inner["long"].is_null()
            && inner["short"].is_null()
        {
            collect(inner, &name, cities, own);
        }
    }
}

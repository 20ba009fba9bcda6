//! `picture(path, {…})`: a picture in every size and format that the media library made of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::host::Host;
use crate::json::text;

/// The wishes of a template.
#[derive(Debug, Default)]
pub(crate) struct PictureWish {
    pub(crate) sizes: Option<String>,
    pub(crate) class: Option<String>,
    /// What it shows; the library's text of the language without it.
    pub(crate) alt: Option<String>,
    pub(crate) lang: Option<String>,
    pub(crate) loading: Option<String>,
}

/// Formats in the order in which a browser should try them.
const ORDER: [&str; 2] = ["image/avif", "image/webp"];

impl Host {
    /// The markup of a picture; of one that the library does not know, a plain `img`.
    pub(crate) fn picture(&self, path: &str, wish: &PictureWish) -> String {
        let local = path.strip_prefix(self.base_url.as_ref()).unwrap_or(path).trim_start_matches('/');
        let local = if local.starts_with("data/") { local.to_owned() } else { format!("data/img/{local}") };
        let sidecar = self.json(&format!("{local}.json")).map(AsRef::as_ref).unwrap_or(&Value::Null);
        let folder = local.rsplit_once('/').map_or("", |(folder, _)| folder);
        let mut sets: BTreeMap<&str, Vec<(u64, u64, String)>> = BTreeMap::new();
        for variant in sidecar.get("variants").and_then(Value::as_array).into_iter().flatten() {
            let side = |key: &str| variant.get(key).and_then(Value::as_u64);
            let found = (text(variant, "kind"), text(variant, "file"), side("width"), side("height"));
            if let (Some(kind), Some(file), Some(width), Some(height)) = found {
                sets.entry(kind).or_default().push((width, height, format!("/{folder}/{file}")));
            }
        }
        let set = |all: &[(u64, u64, String)]| {
            all.iter()
                .map(|(width, _, file)| format!("{} {width}w", quoted(file)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let sizes = wish.sizes.as_deref().unwrap_or("100vw");
        let mut out = String::new();
        let mut markup = |line: &str| out.push_str(line);
        for (kind, all) in ORDER.iter().filter_map(|kind| Some((kind, sets.get(kind)?))) {
            markup(&format!("<source type=\"{kind}\" srcset=\"{}\" sizes=\"{}\">", set(all), quoted(sizes)));
        }
        let plain = sets.iter().find(|(kind, _)| !ORDER.contains(kind)).map(|(_, all)| all.as_slice());
        let widest = plain.and_then(<[_]>::last);
        let own = format!("/{local}");
        let size = self.size(&local).map(|(w, h)| (u64::from(w), u64::from(h)));
        let (src, size) = match widest {
            Some((width, height, file)) => (file.as_str(), Some((*width, *height))),
            None => (own.as_str(), size),
        };
        let mut img = format!("<img src=\"{}\"", quoted(src));
        if let Some(all) = plain {
            img.push_str(&format!(" srcset=\"{}\" sizes=\"{}\"", set(all), quoted(sizes)));
        }
        if let Some((width, height)) = size {
            img.push_str(&format!(" width=\"{width}\" height=\"{height}\""));
        }
        let language = wish.lang.as_deref().or(self.parts.config.default_language.as_deref()).unwrap_or("ru");
        let said = sidecar.get("alt").and_then(|alt| text(alt, language));
        img.push_str(&format!(" alt=\"{}\"", quoted(wish.alt.as_deref().or(said).unwrap_or(""))));
        let loading = wish.loading.as_deref().unwrap_or("lazy");
        img.push_str(if loading == "eager" { " fetchpriority=\"high\"" } else { " loading=\"lazy\"" });
        img.push_str(" decoding=\"async\"");
        if let Some(class) = &wish.class {
            img.push_str(&format!(" class=\"{}\"", quoted(class)));
        }
        let part = |key: &str| {
            sidecar.pointer(&format!("/focal/{key}")).and_then(Value::as_u64).filter(|n| *n <= 1000)
        };
        if let (Some(x), Some(y)) = (part("x"), part("y"))
            && (x, y) != (500, 500)
        {
            // Writing to a String cannot fail.
            let _infallible =
                write!(img, " style=\"object-position:{}.{}% {}.{}%\"", x / 10, x % 10, y / 10, y % 10);
        }
        markup(&img);
        markup(">");
        if sets.is_empty() { out } else { format!("<picture>{out}</picture>") }
    }
}

fn quoted(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

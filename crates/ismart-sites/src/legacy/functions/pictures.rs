//! Functions about pictures: sizes from the list of the build, variants of a raw picture, galleries.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use ismart_twig::Callable;
use serde_json::{Map, Value as Json, json};

use super::text;
use crate::config::Legacy;
use crate::files::Size;
use crate::host::Host;
use crate::templates::{Array, Loaded, Value, value};

/// What the build of a site knows of its pictures.
#[derive(Debug)]
struct Pictures {
    /// `None` when nothing was built.
    sizes: Option<HashMap<String, Size>>,
    keys: Vec<String>,
    /// Whether full addresses are understood, or only paths of the site.
    addresses: bool,
}

/// The WebP and the AVIF of one width.
type Files = (Option<String>, Option<String>);

impl Pictures {
    fn read(host: &Host, policies: &Legacy) -> Self {
        let read = |path: &String| {
            let json: Json = serde_json::from_str(host.parts.files.text(&format!("/{path}"))?).ok()?;
            Some(crate::host::sizes(&json))
        };
        Self {
            sizes: policies.picture_sizes.as_ref().and_then(read),
            keys: policies.picture_keys.clone(),
            addresses: policies.full_items,
        }
    }

    /// The name of a picture in the list.
    fn key<'p>(&self, path: &'p str) -> Cow<'p, str> {
        if path.contains('\\') {
            let path = path.replace('\\', "/");
            return Cow::Owned(self.key_of(&path).to_owned());
        }
        Cow::Borrowed(self.key_of(path))
    }

    fn key_of<'p>(&self, mut path: &'p str) -> &'p str {
        if self.addresses {
            let rest = ["http://", "https://"].iter().find_map(|scheme| path.strip_prefix(scheme));
            if let Some((_, inner)) = rest.and_then(|rest| rest.split_once('/')) {
                path = inner;
            }
        }
        let path = path.trim_start_matches('/');
        path.strip_prefix("data/img/").unwrap_or(path)
    }

    fn size(&self, path: &str) -> Option<Size> {
        self.sizes.as_ref()?.get(&*self.key(path)).copied()
    }

    fn has(&self, path: &str) -> bool {
        let key = self.key(path);
        !key.is_empty() && self.sizes.as_ref().is_none_or(|sizes| sizes.contains_key(&*key))
    }

    /// Width → built files of a raw picture.
    fn variants(&self, raw: &str) -> Vec<(&str, Option<Files>)> {
        let path = self.key(raw);
        let Some(sizes) = self.sizes.as_ref().filter(|_| path.contains("/raw/")) else { return Vec::new() };
        let cleaned = path.replace("/raw/", "/");
        let (folder, name) = cleaned.rsplit_once('/').map_or(("", cleaned.as_str()), |(f, n)| (f, n));
        let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let one = |key: &str| {
            let file = |ending: &str| {
                let file = format!("{folder}{key}/{stem}.{ending}");
                sizes.contains_key(&file).then(|| format!("data/img/{file}"))
            };
            Some((file("webp"), file("avif"))).filter(|(webp, avif)| webp.is_some() || avif.is_some())
        };
        self.keys.iter().map(|key| (key.as_str(), one(key))).collect()
    }

    fn webps(&self, raw: &str) -> Vec<String> {
        self.variants(raw).into_iter().filter_map(|(_, files)| files?.0).collect()
    }

    /// The middle of the proportions of pictures.
    fn ratio(&self, items: &Array) -> f64 {
        let sources = items.values().map(|item| match item.get("src") {
            Some(src) => src.as_str(),
            None => item.as_str(),
        });
        let sizes = sources.flatten().filter_map(|src| self.size(self.webps(src).first()?));
        let mut ratios: Vec<f64> = sizes
            .filter(|(_, height)| *height > 0)
            .map(|(width, height)| f64::from(width) / f64::from(height))
            .collect();
        ratios.sort_by(f64::total_cmp);
        ratios.get(ratios.len() / 2).copied().unwrap_or(1.6)
    }
}

pub(super) fn all(host: &Host, policies: &Legacy) -> Vec<Callable> {
    let pictures = Arc::new(Pictures::read(host, policies));
    let mut all = Vec::new();
    let of = || pictures.clone();
    let one = of();
    all.push(
        Callable::function("image_dimensions", move |call| {
            Ok(match one.size(&text(call, 0)?) {
                Some((width, height)) => {
                    Value::map([("width", Value::from(width)), ("height", Value::from(height))])
                }
                None => Value::Null,
            })
        })
        .params(&["path"]),
    );
    let one = of();
    all.push(
        Callable::function("image_has", move |call| Ok(Value::from(one.has(&text(call, 0)?))))
            .params(&["path"]),
    );
    let one = of();
    let loaded = Loaded::default();
    all.push(
        Callable::function("image_variants", move |call| {
            let path = text(call, 0)?;
            let found = loaded.value(&path, || {
                let mut map = Map::new();
                for (key, files) in one.variants(&path) {
                    map.insert(
                        key.to_owned(),
                        files.map_or(Json::Null, |(webp, avif)| json!({"webp": webp, "avif": avif})),
                    );
                }
                (!map.is_empty()).then_some(Json::Object(map))
            });
            Ok(if found.is_null() { Value::from(Array::new()) } else { found })
        })
        .params(&["rawPath"]),
    );
    let one = of();
    all.push(
        Callable::function("image_fallback", move |call| {
            Ok(Value::from(one.webps(&text(call, 0)?).into_iter().next().unwrap_or_default()))
        })
        .params(&["rawPath"]),
    );
    let one = of();
    all.push(
        Callable::function("image_largest", move |call| {
            Ok(Value::from(one.webps(&text(call, 0)?).pop().unwrap_or_default()))
        })
        .params(&["rawPath"]),
    );
    let one = of();
    all.push(
        Callable::function("gallery_layout", move |call| {
            let empty = Array::new();
            let items = call.arg(0).as_array().unwrap_or(&empty);
            Ok(value(&layout(items.len(), one.ratio(items))))
        })
        .params(&["items"]),
    );
    all.push(
        Callable::function("gallery_visible_count", |call| {
            let rows = if call.arg(1).is_null() { 3 } else { call.arg(1).to_int() };
            let items = call.arg(0).as_array();
            let spans = items.into_iter().flat_map(Array::values).map(|item| match item.get("span") {
                Some(span) if !span.is_null() => span.to_int(),
                _ => 4,
            });
            Ok(Value::from(visible(spans, rows)))
        })
        .params(&["items", "rows?"]),
    );
    let host = host.clone();
    all.push(
        Callable::function("inline_svg", move |call| {
            let path = text(call, 0)?.replace('\\', "/");
            let path = path.trim_start_matches('/');
            let drawing = path.starts_with("data/img/") && path.ends_with(".svg") && !path.contains("..");
            let text_of = |path: &str| host.parts.files.text(&format!("/{path}"));
            let svg = Some(path).filter(|_| drawing).and_then(text_of).unwrap_or("");
            let class = text(call, 1)?;
            Ok(Value::markup(if class.is_empty() { svg.to_owned() } else { with_class(svg, &class) }))
        })
        .params(&["path", "class?"]),
    );
    all
}

/// How many tiles are shown before the rows of twelve columns are full.
fn visible(spans: impl Iterator<Item = i64>, rows: i64) -> i64 {
    let (mut shown, mut filled, mut width) = (0, 0, 0_i64);
    for span in spans {
        shown += 1;
        width = width.saturating_add(span);
        if width >= 12 {
            filled += 1;
            width = 0;
            if filled >= rows {
                break;
            }
        }
    }
    shown
}

/// The first `<svg` tag of a drawing with a class.
fn with_class(svg: &str, class: &str) -> String {
    let quoted = class
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#039;");
    let tag = svg.match_indices("<svg").find(|(at, found)| {
        let next = svg.get(at + found.len()..).and_then(|rest| rest.chars().next());
        !next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
    });
    match tag.and_then(|(at, found)| svg.split_at_checked(at + found.len())) {
        Some((head, rest)) => format!("{head} class=\"{quoted}\"{rest}"),
        None => svg.to_owned(),
    }
}

/// Rows of a gallery: tiles of equal width, and the height of the row as a proportion of its first tile.
fn layout(count: usize, ratio: f64) -> Json {
    // Pictures in 16:9 stand wide rows; others would lose half their height in them.
    let heights = if ratio >= 1.6 { ["5", "3.4", "2.4", "1.8"] } else { ["8", "4", "3", "2.25"] };
    const TAILS: [&[usize]; 10] =
        [&[], &[1], &[2], &[3], &[2, 2], &[2, 3], &[3, 3], &[3, 4], &[4, 4], &[2, 3, 4]];
    let mut rows: Vec<usize> = Vec::new();
    let mut left = count;
    while let (None, true) = (TAILS.get(left), left > 0) {
        let row = rows.len() % 4 + 1;
        rows.push(row);
        left -= row;
    }
    rows.extend(TAILS.get(left).copied().unwrap_or_default());
    let tiles = rows.iter().flat_map(|row| {
        let span = 12 / row;
        let height = heights.get(row - 1).copied().unwrap_or("1");
        (0..*row).map(move |at| {
            let ratio = if at == 0 { format!("{span} / {height}") } else { String::new() };
            json!({"span": span, "lead": at == 0, "ratio": ratio})
        })
    });
    tiles.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn galleries_end_with_full_rows() {
        assert_eq!(visible([4, 4, 4, 6, 6, 12, 3].into_iter(), 3), 6);
        assert_eq!(visible([4, 4].into_iter(), 3), 2);
        for count in 0..40 {
            let tiles = layout(count, 1.3);
            assert_eq!(tiles.as_array().unwrap().len(), count);
            let width: i64 =
                tiles.as_array().unwrap().iter().map(|tile| tile["span"].as_i64().unwrap()).sum();
            assert_eq!(width % 12, 0, "{count}");
        }
        assert_eq!(layout(1, 2.0)[0], json!({"span": 12, "lead": true, "ratio": "12 / 5"}));
        assert_eq!(layout(5, 1.0)[2], json!({"span": 4, "lead": true, "ratio": "4 / 3"}));
    }

    #[test]
    fn drawings_get_their_class() {
        assert_eq!(with_class("<?xml?><svgx/><svg a>", "x\"y"), "<?xml?><svgx/><svg class=\"x&quot;y\" a>");
        assert_eq!(with_class("no", "x"), "no");
    }
}

//! A rendered page with the place of every text, picture and link that visitors see.
//!
//! The marks are comments around texts (`<!--is:7-->…<!--/is-->`) and `data-is` attributes on tags: neither changes
//! how a page looks. They are put into pages that are shown to editors, never into those of visitors.

use std::ops::Range;

use html5gum::Tokenizer;
use html5gum::emitters::default::{DefaultEmitter, StartTag, Token};
use ismart_twig::{Origin, Segment, SourceMap};
use serde::Serialize;
use serde_json::Value;

use super::find::{Finder, plain};
use super::trace::{Place, Tracer};
use crate::answer::Request;
use crate::content::Language;
use crate::json::{absolute, child, strings};
use crate::route::{NOT_FOUND, Route, Target};
use crate::snapshot::Snapshot;
use crate::templates::RenderFailure;
use crate::view::has_twig;

/// How many guesses are offered for a computed text.
const GUESSES: usize = 5;

/// What a spot is on the page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "is", content = "name")]
pub enum SpotKind {
    /// A text between tags.
    Text,
    /// The title in the head.
    Title,
    /// An attribute of a tag.
    Attribute(String),
}

/// How the value became what the page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// Shown as it is.
    Direct,
    /// The value is markup or a template, and this is a part of what it makes.
    Part,
    /// Something was made of it: cut, formatted, put together.
    Made,
    /// The rendering could not tell, but this value has exactly this text.
    Found,
    /// Nothing of the content stands behind it.
    Computed,
    /// Text of a template.
    Template,
}

/// Something on a page that an editor may point at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spot {
    /// What it is.
    pub kind: SpotKind,
    /// The value that it shows.
    pub place: Option<Place>,
    /// How.
    pub way: Way,
    /// Places that may have to do with it, where `place` is not known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<Place>,
    /// The template and line that put it out.
    pub template: String,
    /// What it reads, white space joined.
    pub text: String,
}

/// Visible texts of a page by where they come from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// All visible texts.
    pub visible: usize,
    /// Those that stand in a template, word for word.
    pub literal: usize,
    /// Those with a place in the content.
    pub reached: usize,
    /// Those of `reached` that were found by their text alone.
    pub found: usize,
    /// Those that come from neither: computed, or the place could not be told.
    pub unknown: usize,
}

/// A page for editors.
#[derive(Debug)]
pub struct Marked {
    /// 200, or 404 for the page of that name.
    pub status: u16,
    /// The page with its marks; the number in a mark is the index of a spot.
    pub html: String,
    /// What the marks stand for.
    pub spots: Vec<Spot>,
    /// Visible texts.
    pub counts: Counts,
    /// The title.
    pub title: String,
    /// The language of the page.
    pub language: String,
    /// The page id.
    pub page_id: String,
    /// The file that makes the page: the entity's, or the page's.
    pub file: Option<String>,
    /// What failed although the page could be shown.
    pub failure: Option<RenderFailure>,
}

/// Renders the page at the path of `request` with the place of everything on it; `None` when the path is no page.
///
/// # Errors
/// The failure of the page's template.
pub fn marked(site: &Snapshot, request: &Request<'_>) -> Result<Option<Marked>, RenderFailure> {
    let target = match site.route(request.path, request.query) {
        Route::Page(target) => target,
        Route::Missing { language, in_url } => match missing(site, language, in_url) {
            Some(target) => target,
            None => return Ok(None),
        },
        _ => return Ok(None),
    };
    let page = site.page_mapped(request, &target)?;
    let html = String::from_utf8_lossy(&page.mapped.bytes).into_owned();
    let base_url = site.base_url(request.scheme, request.host);
    let tracer = Tracer { site, target: &target };
    let finder = Finder::new(site, tracer.near());
    let file = match target.entity {
        Some((_, entity)) => entity.file.clone(),
        None => Some(crate::content::page_file(&target.language.code, target.page_id)),
    };
    let mut walk = Walk {
        html: &html,
        map: &page.mapped.map,
        tracer,
        finder,
        base_url,
        spots: Vec::new(),
        counts: Counts::default(),
        inserts: Vec::new(),
    };
    walk.run();
    Ok(Some(Marked {
        status: if target.page_id == NOT_FOUND && target.entity.is_none() { 404 } else { 200 },
        html: with_inserts(&html, &walk.inserts),
        spots: walk.spots,
        counts: walk.counts,
        title: page.title,
        language: target.language.code.clone(),
        page_id: target.page_id.to_owned(),
        file,
        failure: page.failure,
    }))
}

fn missing(site: &Snapshot, language: usize, in_url: bool) -> Option<Target<'_>> {
    let languages = &site.content().languages;
    let has = |language: &&Language| language.pages.contains_key(NOT_FOUND);
    let language = languages.get(language).filter(has).or_else(|| languages.first().filter(has))?;
    Some(Target { language, page_id: NOT_FOUND, params: Vec::new(), in_url, entity: None })
}

fn with_inserts(html: &str, inserts: &[(usize, String)]) -> String {
    let mut out = String::with_capacity(html.len() + inserts.len() * 24);
    let mut last = 0;
    for (at, text) in inserts {
        out.push_str(html.get(last..*at).unwrap_or(""));
        out.push_str(text);
        last = *at;
    }
    out.push_str(html.get(last..).unwrap_or(""));
    out
}

/// Attributes that editors change, whatever the tag.
const ATTRIBUTES: &[&str] = &[
    "alt",
    "aria-label",
    "content",
    "data-src",
    "data-srcset",
    "href",
    "placeholder",
    "poster",
    "src",
    "srcset",
    "title",
];

/// Tags whose content nobody reads.
const UNSEEN: &[&str] =
    &["iframe", "math", "noembed", "noframes", "noscript", "script", "style", "svg", "template"];

struct Walk<'w> {
    html: &'w str,
    map: &'w SourceMap,
    tracer: Tracer<'w>,
    finder: Finder<'w>,
    base_url: String,
    spots: Vec<Spot>,
    counts: Counts,
    /// Byte and what is put there, in order.
    inserts: Vec<(usize, String)>,
}

impl Walk<'_> {
    fn run(&mut self) {
        let mut emitter = DefaultEmitter::<usize>::new_with_span();
        emitter.naively_switch_states(true);
        let (mut unseen, mut depth, mut head, mut title): (Option<String>, usize, bool, Option<usize>) =
            (None, 0, false, None);
        for token in Tokenizer::new_with_emitter(self.html, emitter) {
            let Ok(token) = token;
            match token {
                Token::StartTag(tag) => {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    let end = tag.span.start + 1 + tag.name.len();
                    match &unseen {
                        Some(inside) if *inside == name => depth += 1,
                        Some(_) => {}
                        None => {
                            head = name == "head" || (head && name != "body");
                            if name == "title" {
                                title = Some(end);
                            } else if UNSEEN.contains(&name.as_str()) && !tag.self_closing {
                                (unseen, depth) = (Some(name.clone()), 1);
                            }
                            self.tag(&tag, &name, end);
                        }
                    }
                }
                Token::EndTag(tag) => {
                    let name = String::from_utf8_lossy(&tag.name).into_owned();
                    if unseen.as_deref() == Some(&name) {
                        depth -= 1;
                        if depth == 0 {
                            unseen = None;
                        }
                    }
                    head &= name != "head";
                    if name == "title" {
                        title = None;
                    }
                }
                Token::String(text) if unseen.is_none() => {
                    let range = text.span.start..text.span.end;
                    if self.html.get(range.clone()).is_none_or(|text| text.trim().is_empty()) {
                        continue;
                    }
                    match title {
                        Some(at) => self.title(range, at),
                        None if !head => self.text(range),
                        None => {}
                    }
                }
                _ => {}
            }
        }
        self.inserts.sort_by_key(|(at, _)| *at);
    }

    /// The segments that a range of the output is made of, each with its part of the range.
    fn parts(&self, range: &Range<usize>) -> Vec<(Range<usize>, &Segment)> {
        let segments = self.map.segments();
        let first = segments.partition_point(|s| s.output.end <= range.start);
        let rest = segments.get(first..).unwrap_or_default().iter();
        rest.take_while(|s| s.output.start < range.end)
            .map(|s| (s.output.start.max(range.start)..s.output.end.min(range.end), s))
            .collect()
    }

    fn text(&mut self, range: Range<usize>) {
        self.counts.visible += 1;
        let parts = self.parts(&range);
        let mut found: Vec<(Range<usize>, Spot)> = Vec::new();
        let mut literal = true;
        for (part, segment) in parts {
            let text = self.html.get(part.clone()).unwrap_or("");
            if text.trim().is_empty() {
                continue;
            }
            let spot = self.spot(SpotKind::Text, text, segment);
            literal &= spot.way == Way::Template;
            found.push((part, spot));
        }
        let reached: Vec<&Spot> =
            found.iter().map(|(_, spot)| spot).filter(|spot| spot.place.is_some()).collect();
        if !reached.is_empty() {
            self.counts.reached += 1;
            if reached.iter().all(|spot| spot.way == Way::Found) {
                self.counts.found += 1;
            }
        } else if literal {
            self.counts.literal += 1;
        } else {
            self.counts.unknown += 1;
        }
        for (part, spot) in found {
            self.inserts.push((part.start, format!("<!--is:{}-->", self.spots.len())));
            self.inserts.push((part.end, "<!--/is-->".to_owned()));
            self.spots.push(spot);
        }
    }

    fn title(&mut self, range: Range<usize>, at: usize) {
        let parts = self.parts(&range);
        let spots: Vec<Spot> = parts
            .into_iter()
            .map(|(part, segment)| self.spot(SpotKind::Title, self.html.get(part).unwrap_or(""), segment))
            .collect();
        if let Some(spot) = spots.into_iter().find(|spot| spot.place.is_some()) {
            self.inserts.push((at, format!(" data-is=\"title:{}\"", self.spots.len())));
            self.spots.push(spot);
        }
    }

    fn tag(&mut self, tag: &StartTag<usize>, name: &str, end: usize) {
        let mut marks = Vec::new();
        for (key, value) in &tag.attributes {
            let key = String::from_utf8_lossy(key).into_owned();
            let editable = ATTRIBUTES.contains(&key.as_str())
                || (key == "value" && matches!(name, "button" | "input" | "option"));
            if !editable || value.is_empty() {
                continue;
            }
            let raw = self.html.get(value.span.start..value.span.end).unwrap_or("");
            let Some(equals) = raw.find('=') else { continue };
            let range = value.span.start + equals + 1..value.span.end;
            let parts = self.parts(&range);
            let shown: Vec<Spot> = parts
                .into_iter()
                .filter(|(_, segment)| segment.origin != Origin::Template)
                .map(|(part, segment)| {
                    let text = self.html.get(part).unwrap_or("");
                    self.spot(SpotKind::Attribute(key.clone()), text, segment)
                })
                .collect();
            if let Some(spot) = shown.into_iter().find(|spot| spot.place.is_some()) {
                marks.push(format!("{key}:{}", self.spots.len()));
                self.spots.push(spot);
            }
        }
        if !marks.is_empty() {
            self.inserts.push((end, format!(" data-is=\"{}\"", marks.join(" "))));
        }
    }

    /// What a part of the output shows.
    fn spot(&self, kind: SpotKind, text: &str, segment: &Segment) -> Spot {
        let shown = plain(&decoded(text));
        let (place, mut way) = self.source(&shown, segment);
        if place.is_none() && way == Way::Computed && self.is_constant(&shown) {
            way = Way::Template;
        }
        let near = if place.is_none() && way == Way::Computed {
            self.finder.guesses(&shown, GUESSES)
        } else {
            Vec::new()
        };
        let (line, _) = segment.position();
        Spot { kind, place, way, near, template: format!("{}:{line}", segment.template()), text: shown }
    }

    fn source(&self, shown: &str, segment: &Segment) -> (Option<Place>, Way) {
        match &segment.origin {
            Origin::Template => {
                if !segment.template().contains("string template")
                    && !segment.template().contains("string_template")
                {
                    return (None, Way::Template);
                }
                if let Some(place) = segment.made_of().and_then(|path| self.tracer.trace(path)) {
                    return (Some(place), Way::Part);
                }
                match self.finder.whole(segment.source()).first() {
                    Some(place) => (Some((*place).clone()), Way::Part),
                    None => (None, Way::Template),
                }
            }
            Origin::Value(path) => match self.tracer.trace(path) {
                Some(place) => {
                    let way = self.way(&place, shown);
                    (Some(place), way)
                }
                None => self.by_text(shown),
            },
            Origin::Derived(path) => match self.by_text(shown) {
                (Some(place), way) => (Some(place), way),
                // A value that is no text (a list, a record) is named by the text inside it that shows.
                (None, _) => match self.tracer.trace(path).and_then(|place| self.inside(place, shown)) {
                    Some(place) => (Some(place), Way::Made),
                    None => (None, Way::Computed),
                },
            },
            _ => self.by_text(shown),
        }
    }

    /// Whether a template has this text as a constant: `{{ x|default('Menu') }}` is text of a template as well.
    fn is_constant(&self, shown: &str) -> bool {
        if !shown.chars().any(char::is_alphabetic) {
            return false;
        }
        let quoted = [format!("'{shown}'"), format!("\"{shown}\"")];
        let mut templates = self.tracer.site.templates().values();
        templates.any(|source| quoted.iter().any(|text| source.contains(text.as_str())))
    }

    fn by_text(&self, shown: &str) -> (Option<Place>, Way) {
        let before = self.spots.iter().rev().find_map(|spot| spot.place.as_ref());
        match self.finder.likely(shown, before) {
            Some(place) => (Some(place), Way::Found),
            None => (None, Way::Computed),
        }
    }

    fn way(&self, place: &Place, shown: &str) -> Way {
        let Some(value) = place.value(self.tracer.site) else { return Way::Made };
        match absolute(value, &self.base_url) {
            Value::String(text) if plain(&text) == shown => Way::Direct,
            Value::String(text) if text.contains('<') || has_twig(&text) => Way::Part,
            Value::Number(number) if number.to_string() == shown => Way::Direct,
            _ => Way::Made,
        }
    }

    /// The scalar at a place, or the one inside it whose text is part of what is shown.
    fn inside(&self, place: Place, shown: &str) -> Option<Place> {
        let value = place.value(self.tracer.site)?;
        if !value.is_array() && !value.is_object() {
            return Some(place);
        }
        let mut best: Option<(usize, String)> = None;
        strings(value, "", &mut |pointer, text| {
            let text = plain(text);
            let longer = best.as_ref().is_none_or(|(length, _)| text.len() > *length);
            if !text.is_empty() && longer && shown.contains(&text) {
                best = Some((text.len(), pointer.to_owned()));
            }
        });
        let at = match (best, value.as_array().is_some_and(|items| items.len() == 1)) {
            (Some((_, at)), _) => at,
            (None, true) => child("", "0"),
            (None, false) => return None,
        };
        Some(Place { pointer: format!("{}{at}", place.pointer), ..place })
    }
}

/// A text of HTML as readers see it: character references decoded.
pub(super) fn decoded(html: &str) -> String {
    if !html.contains('&') {
        return html.to_owned();
    }
    let mut text = String::with_capacity(html.len());
    for token in Tokenizer::new(&html.replace('<', "&lt;")) {
        let Ok(token) = token;
        if let Token::String(part) = token {
            text.push_str(&String::from_utf8_lossy(&part));
        }
    }
    text
}

//! Where each part of a rendering came from: the place in a template and the data that was printed.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use ecow::EcoString;

use crate::env::Context;
use crate::num;
use crate::template::Loaded;
use crate::value::{Array, Key, Value};

/// One step of a [`ValuePath`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PathStep {
    /// A key of a mapping.
    Key(EcoString),
    /// A place in a sequence.
    Index(i64),
}

/// The way from the context to a value, the name of a variable first.
///
/// ```
/// use ismart_twig::{ValuePath, PathStep};
/// let path = ValuePath::from_iter([PathStep::Key("page".into()), PathStep::Key("tags".into()), PathStep::Index(2)]);
/// assert_eq!(path.to_string(), "page.tags[2]");
/// assert_eq!(path.pointer(), "/page/tags/2");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ValuePath(Vec<PathStep>);

impl ValuePath {
    /// The steps.
    pub fn steps(&self) -> &[PathStep] {
        &self.0
    }

    /// The path as a JSON pointer (RFC 6901).
    pub fn pointer(&self) -> String {
        let mut out = String::new();
        for step in &self.0 {
            out.push('/');
            match step {
                PathStep::Key(key) => out.push_str(&key.replace("~", "~0").replace("/", "~1")),
                PathStep::Index(n) => out.push_str(&n.to_string()),
            }
        }
        out
    }

    fn join(&self, step: PathStep) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl FromIterator<PathStep> for ValuePath {
    fn from_iter<T: IntoIterator<Item = PathStep>>(steps: T) -> Self {
        Self(steps.into_iter().collect())
    }
}

impl fmt::Display for ValuePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                PathStep::Key(key) if at == 0 => f.write_str(key)?,
                PathStep::Key(key) => write!(f, ".{key}")?,
                PathStep::Index(n) => write!(f, "[{n}]")?,
            }
        }
        Ok(())
    }
}

/// What a segment of the output is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Text of the template itself.
    Template,
    /// A value of the context as it is, but for escaping.
    Value(ValuePath),
    /// Something made of a value of the context: filtered, cut, formatted.
    Derived(ValuePath),
    /// Something that no single value of the context stands behind.
    Computed,
}

/// A part of the output with the place that put it out.
#[derive(Clone, Debug)]
pub struct Segment {
    /// The bytes of the output.
    pub output: Range<usize>,
    /// What they are.
    pub origin: Origin,
    template: Arc<Loaded>,
    offset: u32,
    made_of: Option<ValuePath>,
}

impl Segment {
    /// The value of the context that the template's source was, when `template_from_string` made it of one.
    pub fn made_of(&self) -> Option<&ValuePath> {
        self.made_of.as_ref()
    }

    /// The name of the template that put the bytes out.
    pub fn template(&self) -> &str {
        &self.template.code.name
    }

    /// The source of that template, its line ends normalised: what names a template that was made of a text.
    pub fn source(&self) -> &str {
        &self.template.code.source
    }

    /// Where in the template's source the text or the printed expression begins, in bytes.
    pub fn offset(&self) -> usize {
        num::at(self.offset)
    }

    /// The line and the column in characters, both from 1.
    pub fn position(&self) -> (usize, usize) {
        let before = self.template.code.source.get(..self.offset()).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
        (line, before.get(line_start..).unwrap_or("").chars().count() + 1)
    }
}

/// The segments of a rendering, in the order of the output.
///
/// ```
/// use ismart_twig::{Environment, MemoryLoader, Origin};
/// let mut loader = MemoryLoader::new();
/// loader.add("page", "<h1>{{ page.title }}</h1>{% include 'tags' with {tags: page.tags} only %}");
/// loader.add("tags", "{% for tag in tags %}<i>{{ tag|upper }}</i>{% endfor %}");
/// let env = Environment::with_loader(loader);
/// let data = serde_json::json!({"page": {"title": "Hi", "tags": ["a", "b"]}});
/// let mapped = env.get_template("page").unwrap().render_mapped(&data).unwrap();
/// assert_eq!(mapped.bytes, b"<h1>Hi</h1><i>A</i><i>B</i>");
/// let title = mapped.map.at(5).unwrap();
/// assert!(matches!(&title.origin, Origin::Value(path) if path.to_string() == "page.title"));
/// let tag = mapped.map.at(22).unwrap();
/// assert!(matches!(&tag.origin, Origin::Derived(path) if path.to_string() == "page.tags[1]"));
/// assert_eq!((tag.template(), tag.position()), ("tags", (1, 25)));
/// ```
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    segments: Vec<Segment>,
}

impl SourceMap {
    /// All segments.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The segment that a byte of the output belongs to.
    pub fn at(&self, offset: usize) -> Option<&Segment> {
        let after = self.segments.partition_point(|s| s.output.start <= offset);
        self.segments.get(after.checked_sub(1)?).filter(|s| s.output.contains(&offset))
    }
}

/// What a mapped rendering gave.
#[derive(Debug)]
#[non_exhaustive]
pub struct Mapped {
    /// The bytes of the output.
    pub bytes: Vec<u8>,
    /// Where they came from.
    pub map: SourceMap,
    /// The messages of `deprecated` tags that were met.
    pub warnings: Vec<String>,
}

/// Recorded segments of a captured text, their ranges counted from its start.
type Captured = HashMap<usize, (EcoString, Vec<Segment>)>;

/// Follows values from the context into the output while a template runs.
///
/// A value is known again by where it lies: the arrays of the context are shared, never copied, and so are texts,
/// which for this purpose are given memory of their own however short they are.
pub(crate) struct Mapper {
    values: HashMap<usize, ValuePath>,
    texts: HashMap<usize, ValuePath>,
    captured: Captured,
    /// Name of a template that was made of a text → the value that the text was, of the latest one.
    made: HashMap<EcoString, ValuePath>,
    pub(crate) segments: Vec<Segment>,
}

impl fmt::Debug for Mapper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mapper of {} segments", self.segments.len())
    }
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

/// A text that has memory of its own, which its copies share.
fn own_memory(text: &str) -> EcoString {
    let mut own = EcoString::with_capacity(text.len().max(32));
    own.push_str(text);
    own
}

impl Mapper {
    /// A mapper for a context, and the context with texts that can be followed.
    pub(crate) fn new(context: &Context) -> (Self, Context) {
        let root = ValuePath::default();
        let own = followed(&context.own);
        let shared: Vec<Arc<Array>> = context.shared.iter().map(|layer| Arc::new(followed(layer))).collect();
        let mut mapper = Self {
            values: HashMap::new(),
            texts: HashMap::new(),
            captured: HashMap::new(),
            made: HashMap::new(),
            segments: Vec::new(),
        };
        let context = Context { own, shared };
        // A context keeps its own variables where they are while it is lent to the rendering.
        mapper.enter(&context.own, &root);
        for layer in &context.shared {
            mapper.enter(layer, &root);
        }
        (mapper, context)
    }

    fn enter(&mut self, array: &Array, path: &ValuePath) {
        for (key, value) in array {
            let step = match key.to_key() {
                Key::Int(n) => PathStep::Index(n),
                Key::Str(s) => PathStep::Key(s),
            };
            let path = path.join(step);
            match value {
                Value::Array(inner) => self.enter(inner, &path),
                Value::Str(text) | Value::Markup(text) => {
                    self.texts.entry(text.as_ptr().addr()).or_insert_with(|| path.clone());
                }
                _ => {}
            }
            self.values.entry(address(value)).or_insert(path);
        }
    }

    /// The path of a value that was read from the context.
    pub(crate) fn path(&self, value: &Value) -> Option<&ValuePath> {
        let text = match value {
            Value::Str(text) | Value::Markup(text) => self.texts.get(&text.as_ptr().addr()),
            _ => None,
        };
        text.or_else(|| self.values.get(&address(value)))
    }

    /// Notes that a place put something out.
    pub(crate) fn note(&mut self, output: Range<usize>, origin: Origin, template: &Arc<Loaded>, offset: u32) {
        if !output.is_empty() {
            let made_of =
                if self.made.is_empty() { None } else { self.made.get(&*template.code.name).cloned() };
            self.segments.push(Segment { output, origin, template: template.clone(), offset, made_of });
        }
    }

    /// Notes that the template `name` was made of a text.
    pub(crate) fn made(&mut self, name: &str, source: &Value) {
        match self.path(source).cloned() {
            Some(path) => self.made.insert(name.into(), path),
            None => self.made.remove(name),
        };
    }

    /// Takes the segments of a text that is captured out, and keeps them with it.
    pub(crate) fn keep(&mut self, first: usize, start: usize, text: Vec<u8>) -> Value {
        let mut taken = self.segments.split_off(first.min(self.segments.len()));
        for segment in &mut taken {
            segment.output = shift(&segment.output, 0, start);
        }
        match super::run::markup(&text) {
            Value::Markup(text) => {
                let text = own_memory(&text);
                self.captured.insert(text.as_ptr().addr(), (text.clone(), taken));
                Value::Markup(text)
            }
            other => other,
        }
    }

    /// Puts the segments of a captured text where it was put out; `false` if it is not one.
    pub(crate) fn release(&mut self, value: &Value, output: &Range<usize>) -> bool {
        let Value::Markup(text) = value else { return false };
        let Some((kept, segments)) = self.captured.get(&text.as_ptr().addr()) else { return false };
        if kept.len() != output.len() {
            return false;
        }
        for segment in segments {
            self.segments
                .push(Segment { output: shift(&segment.output, output.start, 0), ..segment.clone() });
        }
        true
    }

    pub(crate) fn finish(self) -> SourceMap {
        SourceMap { segments: self.segments }
    }
}

fn shift(range: &Range<usize>, up: usize, down: usize) -> Range<usize> {
    (range.start + up).saturating_sub(down)..(range.end + up).saturating_sub(down)
}

/// A copy whose texts have memory of their own.
fn followed(array: &Array) -> Array {
    let value = |value: &Value| match value {
        Value::Str(text) => Value::Str(own_memory(text)),
        Value::Markup(text) => Value::Markup(own_memory(text)),
        Value::Array(inner) => Value::Array(Arc::new(followed(inner))),
        other => other.clone(),
    };
    if array.as_list().is_some() {
        return array.values().map(value).collect();
    }
    array.iter().map(|(key, v)| (key.to_key(), value(v))).collect()
}

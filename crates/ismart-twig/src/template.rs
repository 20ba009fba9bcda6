//! Loaded templates.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::env::{Context, Engine};
use crate::error::{Error, ErrorKind};
use crate::map::{Mapped, Mapper};
use crate::program::{BlockCode, Code, Name, Op};
use crate::run::{BlockEntry, Frame, Rt, Scope, Sink};
use crate::value::{Array, Value};

/// A compiled template with the blocks that `use` brought.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) code: Arc<Code>,
    traits: Vec<TraitBlock>,
    embeds: Vec<OnceLock<Arc<Loaded>>>,
    /// What the loader said about the version of the source.
    pub(crate) version: Option<u64>,
    /// The bytes that the last rendering put out, to begin with enough room.
    size: AtomicUsize,
}

#[derive(Debug)]
struct TraitBlock {
    name: Name,
    template: Arc<Loaded>,
    block: usize,
}

impl Loaded {
    pub(crate) fn new(code: Arc<Code>, engine: &Engine, version: Option<u64>) -> Result<Self, Error> {
        let mut traits: Vec<TraitBlock> = Vec::new();
        for used in &code.uses {
            let place = |e: Error| e.at(&code.name, used.line).with_source(&code.source);
            let template = engine.load(&used.template).map_err(place)?;
            if !template.is_traitable() {
                return Err(place(Error::runtime(format!(
                    "Template \"{}\" cannot be used as a trait.",
                    used.template
                ))));
            }
            let mut blocks = template.own_blocks();
            for (from, to) in &used.targets {
                let Some(at) = blocks.iter().position(|b| b.name.text == *from) else {
                    return Err(place(Error::runtime(format!(
                        "Block \"{from}\" is not defined in trait \"{}\".",
                        used.template
                    ))));
                };
                // The old name goes, even if it is the new one as well.
                let mut block = blocks.remove(at);
                if from != to {
                    block.name = Name::new(to);
                    blocks.push(block);
                }
            }
            for block in blocks {
                traits.retain(|t| t.name.text != block.name.text);
                traits.push(block);
            }
        }
        let embeds = code.embeds.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { code, traits, embeds, version, size: AtomicUsize::new(0) })
    }

    /// The blocks another template may use.
    fn own_blocks(self: &Arc<Self>) -> Vec<TraitBlock> {
        let mut blocks: Vec<TraitBlock> = self
            .traits
            .iter()
            .map(|t| TraitBlock { name: t.name.clone(), template: t.template.clone(), block: t.block })
            .collect();
        for (at, block) in self.code.blocks.iter().enumerate() {
            blocks.retain(|b| b.name.text != block.name.text);
            blocks.push(TraitBlock { name: block.name.clone(), template: self.clone(), block: at });
        }
        blocks
    }

    /// Whether `use` accepts the template: blocks and text alone, no parent, no macros.
    fn is_traitable(&self) -> bool {
        self.code.parent.is_none()
            && self.code.macros.is_empty()
            && self.code.main.body.iter().all(|op| match op {
                Op::Text(_) | Op::Block(..) | Op::Flush(_) => true,
                Op::Str(text, _) => text.trim_ascii().is_empty(),
                _ => false,
            })
    }

    fn entry<'a>(self: &'a Arc<Self>, block: &'a BlockCode) -> BlockEntry<'a> {
        BlockEntry { name: &block.name, template: self, block }
    }

    /// A block of the template itself or of what it uses.
    pub(crate) fn block<'a>(self: &'a Arc<Self>, name: &Name) -> Option<BlockEntry<'a>> {
        let own = self.code.blocks.iter().find(|b| b.name.hash == name.hash && b.name.text == name.text);
        match own {
            Some(block) => Some(self.entry(block)),
            None => self.trait_block(name),
        }
    }

    /// Whether the template neither defines nor uses blocks.
    pub(crate) fn has_no_blocks(&self) -> bool {
        self.code.blocks.is_empty() && self.traits.is_empty()
    }

    /// A block that `use` brought.
    pub(crate) fn trait_block<'a>(&'a self, name: &Name) -> Option<BlockEntry<'a>> {
        let found = self.traits.iter().find(|t| t.name.hash == name.hash && t.name.text == name.text)?;
        let block = found.template.code.blocks.get(found.block)?;
        Some(BlockEntry { name: &found.name, template: &found.template, block })
    }

    /// Calls something with each block, the template's own first.
    pub(crate) fn each_block<'a>(self: &'a Arc<Self>, mut add: impl FnMut(BlockEntry<'a>)) {
        for block in &self.code.blocks {
            add(self.entry(block));
        }
        for found in &self.traits {
            if let Some(block) = found.template.code.blocks.get(found.block) {
                add(BlockEntry { name: &found.name, template: &found.template, block });
            }
        }
    }

    /// The embedded template at a place.
    pub(crate) fn embed(&self, index: usize, engine: &Engine) -> Result<Option<Arc<Loaded>>, Error> {
        let (Some(place), Some(code)) = (self.embeds.get(index), self.code.embeds.get(index)) else {
            return Ok(None);
        };
        if let Some(found) = place.get() {
            return Ok(Some(found.clone()));
        }
        let loaded = Arc::new(Loaded::new(code.clone(), engine, None)?);
        Ok(Some(place.get_or_init(|| loaded).clone()))
    }
}

/// A template that is ready to render, shared by all threads.
///
/// ```
/// use ismart_twig::{Environment, Value};
/// let env = Environment::new();
/// let template = env.template_from_string("Hello {{ name }}!").unwrap();
/// let context = Value::map([("name", Value::from("World"))]);
/// assert_eq!(template.render(context).unwrap(), "Hello World!");
/// ```
#[derive(Clone)]
pub struct Template(Arc<Held>);

struct Held {
    engine: Arc<Engine>,
    loaded: Arc<Loaded>,
}

/// What a rendering gave besides the text.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rendered {
    /// The bytes of the output.
    pub bytes: Vec<u8>,
    /// The messages of `deprecated` tags that were met.
    pub warnings: Vec<String>,
}

impl Template {
    pub(crate) fn new(engine: Arc<Engine>, loaded: Arc<Loaded>) -> Self {
        Self(Arc::new(Held { engine, loaded }))
    }

    pub(crate) fn loaded(&self) -> &Arc<Loaded> {
        &self.0.loaded
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.loaded, &other.0.loaded)
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.0.loaded.code.name
    }

    /// The source, its line ends normalised.
    pub fn source(&self) -> &str {
        &self.0.loaded.code.source
    }

    /// The deprecations met when the template was compiled.
    pub fn warnings(&self) -> Vec<String> {
        self.0.loaded.code.warnings.iter().map(|(text, _)| text.clone()).collect()
    }

    /// The names of the templates that this one names by a constant: its parent, what it includes,
    /// embeds, imports and uses.
    pub fn references(&self) -> Vec<String> {
        crate::check::references(&self.0.loaded.code)
    }

    /// The names of the blocks that the template defines or uses.
    pub fn block_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.0.loaded.each_block(|entry| names.push(entry.name.text.to_string()));
        names
    }

    /// Renders to a string.
    ///
    /// # Errors
    /// The first error met, with template and line; output that is not UTF-8 is an error here, use
    /// [`Template::render_bytes`] for it.
    pub fn render(&self, context: impl Into<Context>) -> Result<String, Error> {
        let rendered = self.render_bytes(context)?;
        crate::text::utf8(&rendered.bytes)
            .map_err(|e| Error::new(ErrorKind::Runtime, format!("The output is not UTF-8: {e}.")))
    }

    /// Renders to bytes.
    ///
    /// # Errors
    /// The first error met.
    pub fn render_bytes(&self, context: impl Into<Context>) -> Result<Rendered, Error> {
        let rendered =
            self.with_scope(&context.into(), |_| (), |rt, scope| rt.render(&self.0.loaded, scope))?;
        Ok(rendered.0)
    }

    /// Renders to a writer: finished output is handed on in pieces (of 16 KiB and more, and at `flush` tags), so
    /// that its reader need not wait and memory need not hold the whole.
    ///
    /// Returns the messages of `deprecated` tags that were met.
    ///
    /// # Errors
    /// The first error met, the writer's own among them; what was handed on before stays written.
    ///
    /// ```
    /// use ismart_twig::{Environment, Value};
    /// let env = Environment::new();
    /// let template = env.template_from_string("{% for i in 1..n %}{{ i }} {% endfor %}").unwrap();
    /// let mut out = Vec::new();
    /// template.render_to(Value::map([("n", Value::from(5))]), &mut out).unwrap();
    /// assert_eq!(out, b"1 2 3 4 5 ");
    /// ```
    pub fn render_to(
        &self,
        context: impl Into<Context>,
        writer: &mut dyn std::io::Write,
    ) -> Result<Vec<String>, Error> {
        let sink = Sink { writer, written: 0 };
        let rendered = self.with_scope(
            &context.into(),
            |rt| rt.sink = Some(sink),
            |rt, scope| {
                rt.render(&self.0.loaded, scope)?;
                rt.flush()
            },
        )?;
        Ok(rendered.0.warnings)
    }

    /// Renders and says of each part of the output where it came from: the place in the template, and the value
    /// of the context that it shows.
    ///
    /// This costs a copy of the context and several times the work of [`Template::render_bytes`]; it is meant for
    /// editors.
    ///
    /// # Errors
    /// The first error met.
    pub fn render_mapped(&self, context: impl Into<Context>) -> Result<Mapped, Error> {
        let (mapper, context) = Mapper::new(&context.into());
        let (rendered, mapper) = self.with_scope(
            &context,
            |rt| rt.mapper = Some(Box::new(mapper)),
            |rt, scope| rt.render(&self.0.loaded, scope),
        )?;
        let map = mapper.map(|mapper| mapper.finish()).unwrap_or_default();
        Ok(Mapped { bytes: rendered.bytes, map, warnings: rendered.warnings })
    }

    /// Renders one block.
    ///
    /// # Errors
    /// The first error met, a missing block among them.
    pub fn render_block(&self, name: &str, context: impl Into<Context>) -> Result<String, Error> {
        let name = Name::new(name);
        let (rendered, _) = self.with_scope(
            &context.into(),
            |_| (),
            |rt, scope| {
                let blocks = crate::run::Blocks::default().with(&self.0.loaded);
                let unit = crate::program::Unit::default();
                let frame = Frame::new(&unit, &self.0.loaded, &blocks, scope);
                rt.block_of(&frame, &name)
            },
        )?;
        crate::text::utf8(&rendered.bytes)
            .map_err(|e| Error::new(ErrorKind::Runtime, format!("The output is not UTF-8: {e}.")))
    }

    /// Runs something with the variables of a context in a rendering that was prepared.
    ///
    /// Keeping the context that each loop found takes a while, and few templates read it. It is left out until one
    /// that reads it is compiled; if that happens while the rendering runs, it runs again.
    fn with_scope<'r>(
        &'r self,
        context: &Context,
        prepare: impl FnOnce(&mut Rt<'r>),
        run: impl Fn(&mut Rt<'r>, Scope<'_>) -> Result<(), Error>,
    ) -> Result<(Rendered, Option<Box<Mapper>>), Error> {
        let engine = &self.0.engine;
        let mut rt = Rt::new(engine);
        prepare(&mut rt);
        rt.keeps_parents = rt.sink.is_some() || rt.mapper.is_some();
        let size = &self.0.loaded.size;
        let expected = size.load(Ordering::Relaxed);
        let globals = engine.globals.clone();
        let mut layers: Vec<&Array> = vec![&context.own];
        layers.extend(context.shared.iter().map(|a| &**a));
        layers.push(&globals);
        let result = loop {
            rt.out.reserve(expected + expected / 16);
            let result = run(&mut rt, Scope::Root { layers: &layers });
            if !(rt.parent_left && engine.reads_parents()) {
                break result;
            }
            rt = Rt::new(engine);
            rt.keeps_parents = true;
        };
        let name = self.0.loaded.code.name.clone();
        result.and_then(|()| rt.check_output()).map_err(|e| e.at(&name, 0))?;
        if rt.sink.is_none() && rt.out.len() != expected {
            size.store(rt.out.len(), Ordering::Relaxed);
        }
        let rendered =
            Rendered { bytes: std::mem::take(&mut rt.out), warnings: std::mem::take(&mut rt.warnings) };
        Ok((rendered, rt.mapper.take()))
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({})", self.name())
    }
}

impl From<Template> for Value {
    fn from(template: Template) -> Self {
        Self::Template(template)
    }
}

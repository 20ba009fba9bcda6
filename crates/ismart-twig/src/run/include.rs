//! Other templates: inclusion, inheritance, blocks and macros.

use std::borrow::Cow;
use std::sync::Arc;

use ecow::EcoString;
use smallvec::SmallVec;

use super::frame::BlockEntry;
use super::{Blocks, Frame, Rt, Scope, Slot};
use crate::error::{Error, ErrorKind};
use crate::program::{BlockEx, Code, EmbedOp, Ex, IncludeEx, IncludeOp, ItemKey, MacroCode, MacroEx, Name};
use crate::template::Loaded;
use crate::value::{Array, Key, KeyRef, V, Value};

/// The name of a template that a value gives; `null` gives none.
fn template_name(value: &Value) -> Result<EcoString, Error> {
    if value.is_null() {
        return Err(Error::host(
            "Twig\\Template::load(): Argument #1 ($template) must be of type Twig\\TemplateWrapper|array|string, null given",
        ));
    }
    value.to_text()
}

/// What a macro is called with.
#[derive(Default)]
struct MacroArgs<'a> {
    positional: SmallVec<[V<'a>; 4]>,
    named: Vec<(EcoString, V<'a>)>,
}

impl Rt<'_> {
    /// The template that a value names: a template, a name or a list of them to try.
    pub(super) fn resolve(&mut self, value: &Value) -> Result<Arc<Loaded>, Error> {
        match value {
            Value::Template(template) => Ok(template.loaded().clone()),
            Value::Array(names) => {
                let only = names.len() == 1;
                for name in names.values() {
                    if let Value::Template(template) = name {
                        return Ok(template.loaded().clone());
                    }
                    let name = template_name(name)?;
                    if only || self.engine.exists(&name) {
                        return self.load(&name);
                    }
                }
                let mut list = Vec::new();
                for name in names.values() {
                    list.push(name.to_text()?.to_string());
                }
                Err(Error::new(
                    ErrorKind::Loader,
                    format!("Unable to find one of the following templates: \"{}\".", list.join("\", \"")),
                ))
            }
            Value::Str(name) => self.load(name),
            _ => {
                let name = template_name(value)?;
                self.load(&name)
            }
        }
    }

    /// Renders a template from its most derived form on.
    pub(crate) fn render(&mut self, template: &Arc<Loaded>, scope: Scope<'_>) -> Result<(), Error> {
        let blocks = Blocks::default().with(template);
        self.show(template, scope, &blocks)
    }

    /// Runs a template's body, then its parents'.
    fn show(&mut self, template: &Arc<Loaded>, scope: Scope<'_>, blocks: &Blocks<'_>) -> Result<(), Error> {
        self.nested(|rt| {
            let code = &template.code;
            rt.secured(code)?;
            let mut frame = Frame::new(&code.main, template, blocks, scope);
            rt.run(&mut frame, &code.main.body)?;
            if code.parent.is_none() {
                return Ok(());
            }
            let parent = rt.parent_of(template, Scope::Frame(&frame))?;
            let Some(parent) = parent else { return Ok(()) };
            let merged = blocks.with(&parent);
            rt.show(&parent, Scope::Frame(&frame), &merged)
        })
    }

    fn secured(&mut self, code: &Code) -> Result<(), Error> {
        self.check_security(code).map_err(|e| e.at(&code.name, 0).with_source(&code.source))
    }

    /// The parent of a template in a context.
    pub(super) fn parent_of(
        &mut self,
        template: &Arc<Loaded>,
        scope: Scope<'_>,
    ) -> Result<Option<Arc<Loaded>>, Error> {
        let code = &template.code;
        let Some(parent) = &code.parent else { return Ok(None) };
        let result = if let Ex::Const(value) = &parent.expr {
            self.resolve(value)
        } else {
            let blocks = Blocks::default();
            let mut frame = Frame::new(&parent.unit, template, &blocks, scope);
            self.eval(&mut frame, &parent.expr).and_then(|value| self.resolve(&value))
        };
        match result {
            Ok(parent) => Ok(Some(parent)),
            Err(error) => Err(error.at(&code.name, parent.line).with_source(&code.source)),
        }
    }

    pub(super) fn include_tag<'a>(&mut self, frame: &mut Frame<'a>, op: &'a IncludeOp) -> Result<(), Error> {
        let value = self.eval(frame, &op.template)?;
        let template = match self.resolve(&value) {
            Ok(template) => template,
            Err(error) if op.ignore_missing && missing(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        self.include(frame, &template, op.with.as_ref(), op.only)
    }

    pub(super) fn embed_tag<'a>(&mut self, frame: &mut Frame<'a>, op: &'a EmbedOp) -> Result<(), Error> {
        let Some(template) = frame.template.embed(op.index, self.engine)? else {
            return Err(Error::runtime("The embedded template is missing."));
        };
        if op.ignore_missing
            && let Err(error) = self.parent_of(&template, Scope::Frame(frame))
            && error.kind() == ErrorKind::Loader
        {
            return Ok(());
        }
        self.include(frame, &template, op.with.as_ref(), op.only)
    }

    fn include<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        template: &Arc<Loaded>,
        with: Option<&'a Ex>,
        only: bool,
    ) -> Result<(), Error> {
        if let (Some(Ex::Array(items)), false) = (with, only)
            && items.iter().all(|(key, _)| matches!(key, ItemKey::Const(Key::Str(_), _)))
        {
            let mut values: SmallVec<[V<'a>; 4]> = SmallVec::with_capacity(items.len());
            for (_, ex) in items {
                values.push(self.eval(frame, ex)?);
            }
            return self.render(template, Scope::Given(items, &values, &Scope::Frame(frame)));
        }
        let literal;
        let value;
        let vars = match with {
            None => None,
            Some(Ex::Array(items)) => {
                literal = self.pairs(frame, items)?;
                Some(Cow::Borrowed(&literal))
            }
            Some(ex) => {
                value = self.eval(frame, ex)?;
                match value.to_pairs() {
                    Some(pairs) => Some(pairs),
                    None if only => {
                        return Err(Error::host(format!(
                            "Twig\\Template::yield(): Argument #1 ($context) must be of type array, {} given",
                            value.type_name()
                        )));
                    }
                    None => {
                        return Err(Error::runtime(format!(
                            "The \"merge\" filter expects a sequence or a mapping, got \"{}\" for argument 2.",
                            value.type_name()
                        )));
                    }
                }
            }
        };
        let layers: [&Array; 1] = [self.globals];
        let root = Scope::Root { layers: &layers };
        let below = if only { root } else { Scope::Frame(frame) };
        match &vars {
            None => self.render(template, below),
            // The given variables come before the globals when nothing else is passed.
            Some(vars) if only => {
                let layers: [&Array; 2] = [vars, self.globals];
                self.render(template, Scope::Root { layers: &layers })
            }
            Some(vars) => self.render(template, Scope::Over(vars, &below)),
        }
    }

    /// The text that the `include` function gives.
    pub(super) fn include_function<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        ex: &'a IncludeEx,
    ) -> Result<Value, Error> {
        self.capture_markup(|rt| rt.show_include(frame, ex))
    }

    /// Puts out what the `include` function gives.
    pub(super) fn show_include<'a>(&mut self, frame: &mut Frame<'a>, ex: &'a IncludeEx) -> Result<(), Error> {
        let template = self.eval(frame, &ex.template)?;
        let variables = match &ex.variables {
            Some(v) => self.eval(frame, v)?,
            None => V::Own(Value::Array(Arc::default())),
        };
        let mut flag = |arg: &'a Option<Ex>, default: bool| -> Result<bool, Error> {
            match arg {
                Some(ex) => self.truth(frame, ex),
                None => Ok(default),
            }
        };
        let with_context = flag(&ex.with_context, true)?;
        let ignore_missing = flag(&ex.ignore_missing, false)?;
        let sandboxed = flag(&ex.sandboxed, false)?;
        let Some(vars) = variables.to_pairs() else {
            return Err(Error::host(format!(
                "array_merge(): Argument #2 must be of type array, {} given",
                variables.type_name()
            )));
        };
        let before = self.sandboxed;
        self.sandboxed |= sandboxed;
        let result = self.include_rendered(frame, &template, &vars, with_context, ignore_missing);
        self.sandboxed = before;
        result.map_err(|e| e.with_line(ex.line))
    }

    fn include_rendered(
        &mut self,
        frame: &Frame<'_>,
        template: &Value,
        vars: &Array,
        with_context: bool,
        ignore_missing: bool,
    ) -> Result<(), Error> {
        let template = match self.resolve(template) {
            Ok(template) => template,
            Err(error) if ignore_missing && missing(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        if with_context {
            let below = Scope::Frame(frame);
            if vars.is_empty() {
                self.render(&template, below)
            } else {
                self.render(&template, Scope::Over(vars, &below))
            }
        } else {
            let layers: [&Array; 2] = [vars, self.globals];
            self.render(&template, Scope::Root { layers: &layers })
        }
    }

    /// Puts out a block of a template by itself.
    pub(crate) fn block_of(&mut self, frame: &Frame<'_>, name: &Name) -> Result<(), Error> {
        let result = self.show_block(frame, name);
        self.located(frame, result, 0)
    }

    /// Puts out a block where it is defined.
    pub(super) fn show_block(&mut self, frame: &Frame<'_>, name: &Name) -> Result<(), Error> {
        let scope = Scope::Frame(frame);
        self.find_and_run(frame.template, name, scope, frame.blocks, true)
    }

    /// Looks for a block among the derived ones (if asked), the template's own and its parents'.
    fn find_and_run(
        &mut self,
        template: &Arc<Loaded>,
        name: &Name,
        scope: Scope<'_>,
        blocks: &Blocks<'_>,
        derived: bool,
    ) -> Result<(), Error> {
        let found = if derived { blocks.find(name) } else { None };
        if let Some(entry) = found.or_else(|| template.block(name)) {
            return self.run_block(entry, scope, blocks);
        }
        if let Some(parent) = self.parent_of(template, scope)? {
            let merged = blocks.with(template);
            return self.nested(|rt| rt.find_and_run(&parent, name, scope, &merged, false));
        }
        if let Some(entry) = blocks.find(name) {
            let code = &entry.template.code;
            return Err(Error::runtime(format!(
                "Block \"{}\" should not call parent() in \"{}\" as the block does not exist in the parent template \"{}\".",
                name.text, code.name, template.code.name
            )));
        }
        Err(Error::runtime(format!(
            "Block \"{}\" on template \"{}\" does not exist.",
            name.text, template.code.name
        )))
    }

    fn run_block(
        &mut self,
        entry: BlockEntry<'_>,
        scope: Scope<'_>,
        blocks: &Blocks<'_>,
    ) -> Result<(), Error> {
        self.nested(|rt| {
            rt.secured(&entry.template.code)?;
            let mut frame = Frame::new(&entry.block.unit, entry.template, blocks, scope);
            rt.run(&mut frame, &entry.block.unit.body)
        })
    }

    pub(super) fn show_parent(&mut self, frame: &Frame<'_>, name: &Name) -> Result<(), Error> {
        let scope = Scope::Frame(frame);
        let template = frame.template;
        if let Some(entry) = template.trait_block(name) {
            return self.run_block(entry, scope, frame.blocks);
        }
        match self.parent_of(template, scope)? {
            Some(parent) => self.find_and_run(&parent, name, scope, frame.blocks, false),
            None => Err(Error::runtime(format!(
                "The template has no parent and no traits defining the \"{}\" block.",
                name.text
            ))),
        }
    }

    pub(super) fn captured_parent(&mut self, frame: &Frame<'_>, name: &Name) -> Result<Vec<u8>, Error> {
        self.capture(|rt| rt.show_parent(frame, name))
    }

    /// Whether `parent()` has a block to show.
    pub(super) fn has_parent_block(&mut self, frame: &Frame<'_>, name: &Name) -> Result<bool, Error> {
        let scope = Scope::Frame(frame);
        if frame.template.trait_block(name).is_some() {
            return Ok(true);
        }
        match self.parent_of(frame.template, scope)? {
            Some(parent) => self.knows_block(&parent, name, scope),
            None => Ok(false),
        }
    }

    fn block_target<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        block: &'a BlockEx,
    ) -> Result<(Name, Option<Arc<Loaded>>), Error> {
        let name = self.eval(frame, &block.name)?.to_text()?;
        let template = match &block.template {
            None => None,
            Some(ex) => {
                let value = self.eval(frame, ex)?;
                Some(self.resolve(&value)?)
            }
        };
        Ok((Name::new(&name), template))
    }

    pub(super) fn show_block_expr<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        block: &'a BlockEx,
    ) -> Result<(), Error> {
        let result = self.block_target(frame, block).and_then(|(name, template)| {
            let scope = Scope::Frame(frame);
            match template {
                None => self.find_and_run(frame.template, &name, scope, frame.blocks, true),
                Some(template) => {
                    let blocks = Blocks::default();
                    self.find_and_run(&template, &name, scope, &blocks, true)
                        .map_err(|e| e.at(&template.code.name, 0))
                }
            }
        });
        result.map_err(|e| e.with_line(block.line))
    }

    pub(super) fn capture_block<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        block: &'a BlockEx,
    ) -> Result<Vec<u8>, Error> {
        self.capture(|rt| rt.show_block_expr(frame, block))
    }

    pub(super) fn has_block<'a>(&mut self, frame: &mut Frame<'a>, block: &'a BlockEx) -> Result<bool, Error> {
        let (name, template) = self.block_target(frame, block)?;
        let scope = Scope::Frame(frame);
        match template {
            Some(template) => self.knows_block(&template, &name, scope),
            None if frame.blocks.find(&name).is_some() => Ok(true),
            None => self.knows_block(frame.template, &name, scope),
        }
    }

    fn knows_block(&mut self, template: &Arc<Loaded>, name: &Name, scope: Scope<'_>) -> Result<bool, Error> {
        if template.block(name).is_some() {
            return Ok(true);
        }
        match self.parent_of(template, scope)? {
            Some(parent) => self.nested(|rt| rt.knows_block(&parent, name, scope)),
            None => Ok(false),
        }
    }

    /// The template whose macros a call means.
    fn macro_home(&self, frame: &Frame<'_>, call: &MacroEx) -> Option<Arc<Loaded>> {
        match call.import {
            None => Some(frame.template.clone()),
            Some(slot) => self.imported(&frame.template.code, slot).cloned(),
        }
    }

    /// The macro of a name, in a template or its parents, and the template that has it.
    fn find_macro(
        &mut self,
        home: Arc<Loaded>,
        name: &str,
        scope: Scope<'_>,
    ) -> Result<Option<(Arc<Loaded>, usize)>, Error> {
        let mut home = home;
        for _ in 0..64 {
            if let Some(at) = home.code.macros.iter().position(|m| m.name == name) {
                return Ok(Some((home, at)));
            }
            match self.parent_of(&home, scope)? {
                Some(parent) => home = parent,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    pub(super) fn has_macro<'a>(&mut self, frame: &mut Frame<'a>, call: &'a MacroEx) -> Result<bool, Error> {
        let name = self.eval(frame, &call.name)?.to_text()?;
        let Some(home) = self.macro_home(frame, call) else { return Ok(false) };
        Ok(self.find_macro(home, &name, Scope::Frame(frame))?.is_some())
    }

    pub(super) fn capture_macro<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        call: &'a MacroEx,
    ) -> Result<Value, Error> {
        self.capture_markup(|rt| rt.show_macro(frame, call))
    }

    /// Calls a macro; what it puts out goes to the output.
    pub(super) fn show_macro<'a>(&mut self, frame: &mut Frame<'a>, call: &'a MacroEx) -> Result<(), Error> {
        let result = self.macro_inner(frame, call);
        let line = call.line;
        result.map_err(|e| e.with_line(line))
    }

    fn macro_inner<'a>(&mut self, frame: &mut Frame<'a>, call: &'a MacroEx) -> Result<(), Error> {
        if call.plain {
            if let Some(at) = call.own {
                return self.run_plain_macro(frame, call, frame.template, at);
            }
            if let (Ex::Const(Value::Str(name)), Some(home)) = (&call.name, self.macro_home(frame, call))
                && let Some(at) = home.code.macros.iter().position(|m| m.name == *name)
            {
                return self.run_plain_macro(frame, call, &home, at);
            }
        }
        let name = self.eval(frame, &call.name)?.to_text()?;
        let Some(home) = self.macro_home(frame, call) else {
            return Err(Error::runtime(format!(
                "Macro \"{name}\" is not defined: its template was not imported."
            )));
        };
        let shown = home.code.name.clone();
        // The macro is looked for before its arguments are evaluated.
        match self.find_macro(home, &name, Scope::Frame(frame))? {
            Some((home, at)) => {
                let args = self.macro_args(frame, call)?;
                home.code.macros.get(at).map_or(Ok(()), |code| self.run_macro(&home, code, args))
            }
            None => Err(Error::runtime(format!("Macro \"{name}\" is not defined in template \"{shown}\"."))),
        }
    }

    fn macro_args<'a>(&mut self, frame: &mut Frame<'a>, call: &'a MacroEx) -> Result<MacroArgs<'a>, Error> {
        let mut out = MacroArgs::default();
        for (name, ex) in &call.args {
            if let Ex::Spread(inner) = ex {
                let value = self.eval(frame, inner)?;
                let Some(pairs) = value.to_pairs() else {
                    return Err(Error::host("Only arrays and Traversables can be unpacked"));
                };
                for (key, item) in pairs.iter() {
                    match key {
                        KeyRef::Int(_) => out.positional.push(V::Own(item.clone())),
                        KeyRef::Str(name) => out.named.push((name.clone(), V::Own(item.clone()))),
                    }
                }
                continue;
            }
            let value = self.eval(frame, ex)?;
            match name {
                Some(name) => out.named.push((name.clone(), value)),
                None => out.positional.push(value),
            }
        }
        Ok(out)
    }

    /// Runs a macro with arguments by position, which are evaluated into its variables.
    fn run_plain_macro<'a>(
        &mut self,
        frame: &mut Frame<'a>,
        call: &'a MacroEx,
        home: &Arc<Loaded>,
        at: usize,
    ) -> Result<(), Error> {
        let Some(code) = home.code.macros.get(at) else { return Ok(()) };
        let layers: [&Array; 1] = [self.globals];
        let blocks = Blocks::default().with(home);
        let mut inner = Frame::new(&code.unit, home, &blocks, Scope::Root { layers: &layers });
        let mut args = call.args.iter();
        for (_, slot, default) in &code.params {
            let value = match (args.next(), default) {
                (Some((_, ex)), _) => Slot::from_v(self.eval(frame, ex)?),
                (None, Some(default)) => Slot::Ref(default),
                (None, None) => Slot::Own(Value::Null),
            };
            inner.set(*slot, value);
        }
        let mut rest = Array::new();
        for (_, ex) in args {
            rest.push(self.eval(frame, ex)?.into_owned());
        }
        if let Some(slot) = code.rest {
            inner.set(slot, Slot::Own(rest.into()));
        }
        self.nested(|rt| {
            rt.secured(&home.code)?;
            rt.run(&mut inner, &code.unit.body)
        })
    }

    fn run_macro(&mut self, home: &Arc<Loaded>, code: &MacroCode, args: MacroArgs<'_>) -> Result<(), Error> {
        self.nested(|rt| {
            rt.secured(&home.code)?;
            let layers: [&Array; 1] = [rt.globals];
            let blocks = Blocks::default().with(home);
            let mut frame = Frame::new(&code.unit, home, &blocks, Scope::Root { layers: &layers });
            let mut named = args.named;
            let mut positional = args.positional.into_iter();
            for (name, slot, default) in &code.params {
                let given = match named.iter().position(|(n, _)| n == name) {
                    Some(at) => Some(named.swap_remove(at).1),
                    None => positional.next(),
                };
                let value = match (given, default) {
                    (Some(value), _) => Slot::from_v(value),
                    (None, Some(default)) => Slot::Ref(default),
                    (None, None) => Slot::Own(Value::Null),
                };
                frame.set(*slot, value);
            }
            if let Some(slot) = code.rest {
                let mut rest = Array::new();
                for value in positional {
                    rest.push(value.into_owned());
                }
                for (name, value) in named {
                    rest.insert(Key::from_string(&name), value.into_owned());
                }
                frame.set(slot, Slot::Own(rest.into()));
            }
            rt.run(&mut frame, &code.unit.body)
        })
    }
}

/// Whether an error says that a template does not exist, at no place of its own.
fn missing(error: &Error) -> bool {
    error.kind() == ErrorKind::Loader && !error.has_template()
}

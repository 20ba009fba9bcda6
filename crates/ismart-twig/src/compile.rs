//! Lowers a syntax tree into the compiled form.

mod expr;
mod guard;
pub(crate) mod safety;
mod stmt;

use std::ops::Range;
use std::sync::Arc;

use ecow::EcoString;

use crate::callable::Strategy;
use crate::error::Error;
use crate::num;
use crate::program::{BlockCode, Code, MacroCode, Name, Op, ParentCode, Unit, UseCode, Used};
use crate::syntax::ast::{Macro, Module, Node};
use crate::value::{Value, hash_str};

/// What lowering needs to know of the environment.
pub(crate) struct Options {
    pub(crate) autoescape: Option<Strategy>,
    pub(crate) debug: bool,
    /// Whether a policy may have to say which objects become texts.
    pub(crate) guard: bool,
}

/// A loop around the place that is lowered.
#[derive(Debug)]
struct LoopScope {
    /// Whether `loop` is certainly this loop's.
    direct: bool,
    /// Whether something may read `loop.parent`.
    keeps_parent: bool,
}

/// The unit that is lowered.
#[derive(Debug, Default)]
struct Builder {
    names: Vec<Name>,
    /// Whether the first mention of each name sets it.
    late: Vec<bool>,
    loops: Vec<LoopScope>,
    /// Every slot assigned so far, in order.
    assigned: Vec<u32>,
    /// Slots whose names an arrow function takes from outside.
    outer: bool,
    whole_context: bool,
    /// Whether something reads `loop` as a variable.
    reads_loop: bool,
}

pub(crate) struct Compiler<'e> {
    options: &'e Options,
    name: Arc<str>,
    source: Arc<str>,
    units: Vec<Builder>,
    /// The strategies of the `autoescape` tags and blocks around.
    escape: Vec<Option<Strategy>>,
    /// The strategy at the place of each block reference met.
    block_escape: Vec<(EcoString, Option<Strategy>)>,
    macros: Vec<EcoString>,
    embeds: Vec<Arc<Code>>,
    used: Used,
    /// Whether arguments are inside of `{{ }}` or `set`, with a sandbox that may run the template.
    guarding: bool,
    /// Whether something may read the context that a loop found, be it a loop of another template.
    reads_parent: bool,
}

/// Compiles a module.
pub(crate) fn compile(
    options: &Options,
    name: Arc<str>,
    source: Arc<str>,
    module: Module,
    warnings: Vec<(String, u32)>,
) -> Result<Code, Error> {
    let mut compiler = Compiler {
        options,
        name: name.clone(),
        source: source.clone(),
        units: Vec::new(),
        escape: vec![options.autoescape.clone()],
        block_escape: Vec::new(),
        macros: module.macros.iter().map(|m| m.name.clone()).collect(),
        embeds: Vec::new(),
        used: Used::default(),
        guarding: false,
        reads_parent: false,
    };
    for embed in module.embeds {
        let code = compile(options, name.clone(), source.clone(), embed, Vec::new())?;
        compiler.reads_parent |= code.reads_parent;
        compiler.embeds.push(Arc::new(code));
    }
    let main = compiler.unit(&module.body)?;
    let parent = match module.parent {
        Some(expr) => {
            let line = expr.line;
            compiler.units.push(Builder::default());
            let ex = compiler.expr(&expr)?;
            let unit = compiler.finish_unit(Vec::new());
            Some(ParentCode { unit, expr: ex, line })
        }
        None => None,
    };
    let mut blocks = Vec::new();
    for block in &module.blocks {
        let strategy = compiler
            .block_escape
            .iter()
            .find(|(n, _)| *n == block.name)
            .map_or_else(|| compiler.strategy(), |(_, s)| s.clone());
        compiler.escape.push(strategy);
        let unit = compiler.unit(&block.body)?;
        compiler.escape.pop();
        blocks.push(BlockCode { name: Name::new(&block.name), unit });
    }
    let mut macros = Vec::new();
    for m in &module.macros {
        macros.push(compiler.macro_code(m)?);
    }
    let uses = module
        .uses
        .into_iter()
        .map(|u| UseCode { template: u.template, targets: u.targets, line: u.line })
        .collect();
    Ok(Code {
        name,
        source,
        main,
        parent,
        blocks,
        macros,
        uses,
        embeds: compiler.embeds,
        imports: num::at(module.imports),
        used: compiler.used,
        reads_parent: compiler.reads_parent,
        warnings,
    })
}

impl Compiler<'_> {
    fn strategy(&self) -> Option<Strategy> {
        self.escape.last().cloned().flatten()
    }

    fn text(&self, range: &Range<usize>) -> &str {
        self.source.get(range.clone()).unwrap_or("")
    }

    /// Lowers nodes into a unit of their own.
    fn unit(&mut self, nodes: &[Node]) -> Result<Unit, Error> {
        self.units.push(Builder::default());
        let body = self.nodes(nodes)?;
        Ok(self.finish_unit(body))
    }

    fn finish_unit(&mut self, body: Vec<Op>) -> Unit {
        let mut builder = self.units.pop().unwrap_or_default();
        for (name, late) in builder.names.iter().zip(&mut builder.late) {
            if name.text == "loop" {
                *late = !builder.reads_loop;
            }
        }
        Unit::new(builder.names, builder.late, body)
    }

    fn macro_code(&mut self, m: &Macro) -> Result<MacroCode, Error> {
        for (i, (name, _)) in m.params.iter().enumerate() {
            if m.params.iter().take(i).any(|(n, _)| n == name) {
                return Err(Error::syntax(
                    format!("Argument \"{name}\" is defined twice for macro \"{}\".", m.name),
                    m.line,
                ));
            }
        }
        self.units.push(Builder::default());
        let mut params = Vec::new();
        for (name, default) in &m.params {
            let default = match default {
                Some(expr) => Some(self.constant(expr)?),
                None => None,
            };
            params.push((name.clone(), self.assign_first(name), default));
        }
        let rest_name = m.rest.clone().unwrap_or_else(|| "varargs".into());
        let body = self.nodes(&m.body)?;
        let reads_rest =
            self.units.last().is_some_and(|u| u.whole_context || u.names.iter().any(|n| n.text == rest_name));
        let rest = if reads_rest { Some(self.slot(&rest_name)) } else { None };
        let unit = self.finish_unit(body);
        Ok(MacroCode { name: m.name.clone(), params, rest, unit })
    }

    /// The slot of a variable in the unit.
    fn slot(&mut self, name: &str) -> u32 {
        let hash = hash_str(name);
        let Some(builder) = self.units.last_mut() else { return 0 };
        if let Some(at) = builder.names.iter().position(|n| n.hash == hash && n.text == name) {
            return num::small(at);
        }
        builder.names.push(Name { hash, text: name.into() });
        builder.late.push(false);
        num::small(builder.names.len() - 1)
    }

    /// The slot of a variable that is set here; if this is its first mention, nothing has to know what the scope has
    /// under its name.
    fn assign_first(&mut self, name: &str) -> u32 {
        let known = self.units.last().map_or(0, |builder| builder.names.len());
        let slot = self.assign(name);
        if let Some(builder) = self.units.last_mut()
            && num::at(slot) == known
            && let Some(late) = builder.late.last_mut()
        {
            *late = true;
        }
        slot
    }

    /// The slot of a variable that is assigned.
    fn assign(&mut self, name: &str) -> u32 {
        let slot = self.slot(name);
        if let Some(builder) = self.units.last_mut() {
            builder.assigned.push(slot);
        }
        slot
    }

    /// Notes that something reads the whole context, with what loops found.
    fn reads_context(&mut self) {
        self.reads_parent = true;
        self.reads_all();
    }

    /// Notes that something may read any variable; whether that is `loop.parent`, other templates say.
    fn reads_all(&mut self) {
        for builder in self.units.iter_mut().rev() {
            builder.whole_context = true;
            for scope in &mut builder.loops {
                scope.keeps_parent = true;
            }
            if !builder.outer {
                break;
            }
        }
    }

    /// The value of an expression of constants.
    fn constant(&mut self, expr: &crate::syntax::ast::Expr) -> Result<Value, Error> {
        match self.expr(expr)? {
            crate::program::Ex::Const(value) => Ok(value),
            _ => Err(Error::syntax("A default value for an argument must be a constant.", expr.line)),
        }
    }
}

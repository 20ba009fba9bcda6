//! Lowers tags.

use ecow::EcoString;

use super::{Builder, Compiler, LoopScope, safety};
use crate::callable::Safe;
use crate::error::Error;
use crate::num;
use crate::program::{
    ApplyOp, CacheOp, DeprecatedOp, EmbedOp, Ex, ForOp, GrowOp, IfOp, ImportOp, IncludeOp, Name, Op, Used,
    WithOp,
};
use crate::syntax::ast::{Applied, Expr, ExprKind, For, Node, NodeKind};
use crate::value::Value;

impl Compiler<'_> {
    pub(super) fn nodes(&mut self, nodes: &[Node]) -> Result<Vec<Op>, Error> {
        let mut ops = Vec::with_capacity(nodes.len());
        for node in nodes {
            self.node(node, &mut ops)?;
        }
        Ok(ops)
    }

    fn tag(&mut self, name: &str, line: u32) {
        Used::note(&mut self.used.tags, &name.into(), line);
    }

    fn node(&mut self, node: &Node, ops: &mut Vec<Op>) -> Result<(), Error> {
        let line = node.line;
        match &node.kind {
            NodeKind::Text(range) => {
                let (from, to) = (num::small(range.start), num::small(range.end));
                // Texts that touch in the source are one.
                if let Some(Op::Text(last)) = ops.last_mut()
                    && last.end == from
                {
                    last.end = to;
                } else {
                    ops.push(Op::Text(from..to));
                }
            }
            NodeKind::Print(expr, offset) => self.print(expr, line, *offset, ops)?,
            NodeKind::If(branches, otherwise) => {
                self.tag("if", line);
                let mut lowered = Vec::new();
                for (at, (condition, body)) in branches.iter().enumerate() {
                    let ex = self.expr(condition)?;
                    let place = if at == 0 { line } else { condition.line };
                    lowered.push((ex, place, self.nodes(body)?));
                }
                let otherwise = match otherwise {
                    Some(body) => self.nodes(body)?,
                    None => Vec::new(),
                };
                ops.push(Op::If(Box::new(IfOp { branches: lowered, otherwise })));
            }
            NodeKind::For(f) => {
                self.tag("for", line);
                let op = self.for_op(f, line)?;
                ops.push(Op::For(Box::new(op)));
            }
            NodeKind::Set(names, values) => {
                self.tag("set", line);
                self.set(names, values, line, ops)?;
            }
            NodeKind::Capture(name, body) => {
                self.tag("set", line);
                let body = self.nodes(body)?;
                let slot = self.assign_outside_loops(name);
                // A body of text alone is a constant.
                if let [Op::Text(range)] = body.as_slice() {
                    let text = self.text(&(num::at(range.start)..num::at(range.end))).to_owned();
                    ops.push(Op::Set(slot, Ex::Const(Value::markup(text)), line));
                } else {
                    ops.push(Op::Capture(slot, body));
                }
            }
            NodeKind::Do(expr) => {
                self.tag("do", line);
                let ex = self.expr(expr)?;
                ops.push(Op::Do(ex, line));
            }
            NodeKind::BlockRef(name) => {
                self.tag("block", line);
                let strategy = self.strategy();
                self.block_escape.push((name.clone(), strategy));
                self.reads_all();
                ops.push(Op::Block(Name::new(name), line));
            }
            NodeKind::Flush => {
                self.tag("flush", line);
                ops.push(Op::Flush(line));
            }
            NodeKind::Extends => self.tag("extends", line),
            NodeKind::Empty(name) => self.tag(name, line),
            NodeKind::Group(body) => {
                // PHP Twig knows no line of this tag.
                self.tag("guard", 0);
                let body = self.nodes(body)?;
                ops.push(Op::Group(body));
            }
            _ => self.larger(node, ops)?,
        }
        Ok(())
    }

    /// The tags that bring in templates or wrap a body.
    fn larger(&mut self, node: &Node, ops: &mut Vec<Op>) -> Result<(), Error> {
        let line = node.line;
        match &node.kind {
            NodeKind::Include { template, with, only, ignore_missing } => {
                self.tag("include", line);
                if !only {
                    self.reads_all();
                }
                let template = self.expr(template)?;
                let with = self.optional(with.as_ref())?;
                let (only, ignore_missing) = (*only, *ignore_missing);
                ops.push(Op::Include(Box::new(IncludeOp { template, with, only, ignore_missing, line })));
            }
            NodeKind::Embed { index, with, only, ignore_missing } => {
                self.tag("embed", line);
                if !only {
                    self.reads_all();
                }
                let with = self.optional(with.as_ref())?;
                let (index, only, ignore_missing) = (*index, *only, *ignore_missing);
                ops.push(Op::Embed(Box::new(EmbedOp { index, with, only, ignore_missing, line })));
            }
            NodeKind::Import { tag, template, slot } => {
                self.tag(tag, line);
                let own = template.as_name().is_some_and(|n| n == "_self");
                let template = if own { None } else { Some(self.expr(template)?) };
                ops.push(Op::Import(Box::new(ImportOp { template, slot: *slot, line })));
            }
            NodeKind::With { vars, only, body } => {
                self.tag("with", line);
                self.reads_all();
                let vars = self.optional(vars.as_ref())?;
                let unit = self.unit(body)?;
                ops.push(Op::With(Box::new(WithOp { vars, only: *only, unit, line })));
            }
            NodeKind::Apply { filters, body } => {
                self.tag("apply", line);
                let body = self.nodes(body)?;
                let expr = self.applied(filters)?;
                ops.push(Op::Apply(Box::new(ApplyOp { body, expr, line })));
            }
            NodeKind::AutoEscape { strategy, body } => {
                self.tag("autoescape", line);
                self.escape.push(strategy.clone());
                let body = self.nodes(body)?;
                self.escape.pop();
                ops.push(Op::Group(body));
            }
            NodeKind::Sandbox(body) => {
                self.tag("sandbox", line);
                let body = self.nodes(body)?;
                ops.push(Op::Sandbox(body));
            }
            NodeKind::Deprecated { message, package, version } => {
                self.tag("deprecated", line);
                let message = self.expr(message)?;
                let package = self.optional(package.as_ref())?;
                let version = self.optional(version.as_ref())?;
                ops.push(Op::Deprecated(Box::new(DeprecatedOp { message, package, version, line })));
            }
            NodeKind::Cache { key, ttl, tags, body } => {
                self.tag("cache", line);
                // What the body gives is printed as it is, which the sandbox counts as a use of `raw`.
                Used::note(&mut self.used.filters, &"raw".into(), line);
                // What is kept must not lack anything that later templates may read.
                self.reads_context();
                let key = self.expr(key)?;
                self.push_unit(false);
                let tags = self.optional(tags.as_ref())?;
                let ttl = self.optional(ttl.as_ref())?;
                let body = self.nodes(body)?;
                let unit = self.finish_unit(body);
                ops.push(Op::Cache(Box::new(CacheOp { key, ttl, tags, unit, line })));
            }
            NodeKind::HostTag { callable, args, body } => {
                self.tag(&callable.name, line);
                let mut values = Vec::with_capacity(args.len() + 1);
                let captured = match body {
                    Some(body) => {
                        values.push(Ex::Captured);
                        Some(self.nodes(body)?)
                    }
                    None => None,
                };
                for arg in args {
                    values.push(self.expr(&arg.value)?);
                }
                let expr = self.call(callable, values, false, line);
                match captured {
                    Some(body) => ops.push(Op::Apply(Box::new(ApplyOp { body, expr, line }))),
                    None => ops.push(Op::Print(expr, line, 0)),
                }
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn optional(&mut self, expr: Option<&Expr>) -> Result<Option<Ex>, Error> {
        expr.map(|e| self.expr(e)).transpose()
    }

    fn print(&mut self, expr: &Expr, line: u32, offset: u32, ops: &mut Vec<Op>) -> Result<(), Error> {
        let ex = self.guarding(|compiler| match compiler.strategy() {
            Some(_) => compiler.escaped(expr),
            None => compiler.expr(expr),
        })?;
        let ex = self.guard_text(ex);
        if let Ex::Const(value) = &ex {
            let text = value.to_bytes()?;
            if let Ok(text) = std::str::from_utf8(&text) {
                if let Some(Op::Str(last, _)) = ops.last_mut() {
                    last.push_str(text);
                } else if !text.is_empty() {
                    ops.push(Op::Str(text.into(), offset));
                }
                return Ok(());
            }
        }
        ops.push(Op::Print(ex, line, offset));
        Ok(())
    }

    fn set(
        &mut self,
        names: &[EcoString],
        values: &[Expr],
        line: u32,
        ops: &mut Vec<Op>,
    ) -> Result<(), Error> {
        if let ([name], [value]) = (names, values) {
            let ex = self.guarding(|compiler| compiler.expr(value))?;
            let slot = self.assign_outside_loops(name);
            ops.push(match GrowOp::of(slot, ex, line) {
                Ok(op) => Op::Grow(Box::new(op)),
                Err(ex) => Op::Set(slot, ex, line),
            });
            return Ok(());
        }
        let values =
            self.guarding(|compiler| values.iter().map(|v| compiler.expr(v)).collect::<Result<Vec<_>, _>>())?;
        let slots = names.iter().map(|n| self.assign(n)).collect();
        ops.push(Op::SetMany(slots, values, line));
        Ok(())
    }

    /// The slot of a variable that a tag sets. A loop asks each time whether what its rounds set was there before, so
    /// that is better known in advance.
    fn assign_outside_loops(&mut self, name: &str) -> u32 {
        if self.units.last().is_some_and(|builder| builder.loops.is_empty()) {
            self.assign_first(name)
        } else {
            self.assign(name)
        }
    }

    fn for_op(&mut self, f: &For, line: u32) -> Result<ForOp, Error> {
        let in_loop = matches!(&f.seq.kind, ExprKind::Name(n) if n == "_context");
        let seq = self.expr(&f.seq)?;
        if in_loop {
            self.reads_parent = true;
            // The walked context knows its own parent.
            self.slot("_parent");
        }
        let loop_slot = self.slot("loop");
        let named_loop = f.value == "loop" || f.key.as_ref().is_some_and(|k| k == "loop");
        let direct = !named_loop && !assigns_loop(&f.body);
        let start = self.units.last().map_or(0, |u| u.assigned.len());
        let value = self.assign_first(&f.value);
        let key = f.key.as_ref().map(|k| self.assign_first(k));
        if let Some(builder) = self.units.last_mut() {
            builder.loops.push(LoopScope { direct, keeps_parent: false });
        }
        let body = self.nodes(&f.body)?;
        let otherwise = match &f.else_body {
            Some(body) => Some(self.nodes(body)?),
            None => None,
        };
        let mut keeps_parent = false;
        let mut assigned = Vec::new();
        if let Some(builder) = self.units.last_mut() {
            keeps_parent = builder.loops.pop().is_some_and(|l| l.keeps_parent) || in_loop;
            assigned = builder.assigned.get(start..).unwrap_or(&[]).to_vec();
        }
        assigned.sort_unstable();
        assigned.dedup();
        let special = [Some(value), key, Some(loop_slot)];
        assigned.retain(|s| !special.contains(&Some(*s)));
        Ok(ForOp { seq, key, value, named_loop, loop_slot, assigned, keeps_parent, body, otherwise, line })
    }

    /// The filters of an `apply` tag, from the captured text on.
    fn applied(&mut self, filters: &[Applied]) -> Result<Ex, Error> {
        let outer = filters.iter().fold(Safe::nothing(), |before, f| {
            safety::filter(&f.callable.safe, &f.callable.preserves, &f.args, || before)
        });
        let strategy = self.strategy().filter(|strategy| !outer.covers(strategy));
        let line = filters.first().map_or(0, |f| f.line);
        if strategy.is_some() {
            Used::note(&mut self.used.filters, &"escape".into(), line);
        }
        for applied in filters.iter().rev() {
            Used::note(&mut self.used.filters, &applied.shown, applied.line);
        }
        let mut ex = Ex::Captured;
        let mut safe = Safe::nothing();
        for applied in filters {
            let callable = &applied.callable;
            if let Some(strategy) = &callable.pre_escape
                && !safe.covers(strategy)
            {
                ex = Ex::Escape(strategy.clone(), Box::new(ex), applied.line);
            }
            let before = safe.clone();
            safe = safety::filter(&callable.safe, &callable.preserves, &applied.args, || before);
            ex = self.filter(callable, &applied.shown, ex, &applied.args, applied.line)?;
        }
        if let Some(strategy) = strategy {
            ex = Ex::Escape(strategy, Box::new(ex), line);
        }
        Ok(ex)
    }

    pub(super) fn push_unit(&mut self, outer: bool) {
        self.units.push(Builder { outer, ..Builder::default() });
    }
}

/// Whether a body assigns to `loop` itself.
fn assigns_loop(nodes: &[Node]) -> bool {
    nodes.iter().any(|node| match &node.kind {
        NodeKind::Set(names, _) => names.iter().any(|n| n == "loop"),
        NodeKind::Capture(name, body) => name == "loop" || assigns_loop(body),
        NodeKind::If(branches, otherwise) => {
            branches.iter().any(|(_, body)| assigns_loop(body))
                || otherwise.as_ref().is_some_and(|b| assigns_loop(b))
        }
        NodeKind::For(f) => assigns_loop(&f.body) || f.else_body.as_ref().is_some_and(|b| assigns_loop(b)),
        NodeKind::Apply { body, .. } | NodeKind::AutoEscape { body, .. } => assigns_loop(body),
        NodeKind::Group(body) => assigns_loop(body),
        NodeKind::Do(expr) | NodeKind::Print(expr, _) => {
            matches!(&expr.kind, ExprKind::Assign(name, _) if name == "loop")
        }
        _ => false,
    })
}

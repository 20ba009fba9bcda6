//! How each printed expression is escaped, and why.

use super::{Printed, one_line};
use crate::callable::{Code, Safe, Special, Strategy};
use crate::compile::safety;
use crate::num::at;
use crate::syntax::ast::{Expr, ExprKind, Module, Node, NodeKind};
use crate::tools::set::{self, Entry, TemplateSet};
use crate::tools::walk;

/// Every printed expression of a template, branches apart, by place.
pub(super) fn prints(set: &TemplateSet, name: &str, entry: &Entry, module: &Module) -> Vec<Printed> {
    let mut reader = Reader { entry, found: Vec::new(), blocks: Vec::new() };
    let strategy = set::strategy(set, name);
    walk::modules(module, &mut |module| {
        reader.blocks.clear();
        reader.nodes(&module.body, strategy.as_ref());
        for block in &module.blocks {
            let known = reader.blocks.iter().find(|(name, _)| *name == block.name);
            let own = known.map_or_else(|| strategy.clone(), |(_, strategy)| strategy.clone());
            reader.nodes(&block.body, own.as_ref());
        }
        for own in &module.macros {
            reader.nodes(&own.body, strategy.as_ref());
        }
    });
    let mut found = reader.found;
    found.sort_by_key(|printed| (printed.line, printed.column));
    found
}

struct Reader<'a> {
    entry: &'a Entry,
    found: Vec<Printed>,
    /// The strategies where blocks stand.
    blocks: Vec<(String, Option<Strategy>)>,
}

impl Reader<'_> {
    fn nodes(&mut self, nodes: &[Node], strategy: Option<&Strategy>) {
        for node in nodes {
            match &node.kind {
                NodeKind::Print(expr, _) => self.print(expr, strategy),
                NodeKind::BlockRef(name) => self.blocks.push((name.to_string(), strategy.cloned())),
                NodeKind::AutoEscape { strategy, body } => self.nodes(body, strategy.as_ref()),
                _ => walk::bodies(node, &mut |body| self.nodes(body, strategy)),
            }
        }
    }

    fn print(&mut self, expr: &Expr, strategy: Option<&Strategy>) {
        match (&expr.kind, strategy) {
            (ExprKind::Cond(_, a, b) | ExprKind::Elvis(a, b) | ExprKind::Coalesce(a, b), Some(_)) => {
                self.print(a, strategy);
                self.print(b, strategy);
            }
            _ => {
                // A ternary without its second branch has nothing there to show.
                if expr.extent.start == expr.extent.end {
                    return;
                }
                let (line, column) = self.entry.source.position(at(expr.extent.start));
                let (escaped, because) = judge(expr, strategy);
                let source = one_line(self.entry, expr.extent);
                self.found.push(Printed { line, column, source, escaped, because });
            }
        }
    }
}

/// The strategy that an expression is escaped by, and the reason.
fn judge(expr: &Expr, strategy: Option<&Strategy>) -> (Option<String>, String) {
    let Some(strategy) = strategy else { return (None, "escaping is off".to_owned()) };
    let name = strategy.name().to_owned();
    if !safety::safe(expr).covers(strategy) {
        let because = match &expr.kind {
            ExprKind::Filter { callable, .. } => {
                format!("the result of `{}` may hold anything", callable.name)
            }
            ExprKind::Function { callable, .. } => {
                format!("the result of `{}` may hold anything", callable.name)
            }
            ExprKind::Concat(_) => "joined text is escaped as a whole".to_owned(),
            _ => "a value, unless it is markup".to_owned(),
        };
        return (Some(name), because);
    }
    let because = match &expr.kind {
        ExprKind::Const(_) => "a constant of the template".to_owned(),
        ExprKind::Macro { .. } => "a macro escapes inside itself".to_owned(),
        ExprKind::Block { .. } | ExprKind::Parent(_) => "a block escapes inside itself".to_owned(),
        ExprKind::Filter { callable, .. } if matches!(callable.code, Code::Special(Special::Raw)) => {
            "`raw` switches it off".to_owned()
        }
        ExprKind::Filter { callable, .. } if callable.safe == Safe::Escaped => {
            format!("`{}` escapes already", callable.name)
        }
        ExprKind::Filter { callable, .. } if !callable.preserves.is_empty() => {
            format!("`{}` keeps its input safe", callable.name)
        }
        ExprKind::Filter { callable, .. } | ExprKind::Function { callable, .. } => {
            format!("`{}` gives what is safe for {name}", callable.name)
        }
        _ => format!("safe for {name}"),
    };
    (None, because)
}

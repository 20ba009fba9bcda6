//! Variables that nothing sets, passes or declares.

use std::collections::{BTreeMap, BTreeSet};

use super::variables::each_assigned;
use crate::syntax::ast::{Expr, ExprKind, Module, NodeKind};
use crate::syntax::token::Kind;
use crate::tools::check::links::{self, Way};
use crate::tools::check::near;
use crate::tools::finding::Finding;
use crate::tools::rules;
use crate::tools::set::{Entry, TemplateSet};
use crate::tools::walk;

/// Names that Twig gives itself.
const OWN: &[&str] = &["_self", "_context", "_charset", "loop", "_parent", "varargs"];

/// What a template is given by those that show it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Given {
    names: BTreeSet<String>,
    /// Whether it may be given anything.
    open: bool,
}

pub(super) fn check(set: &TemplateSet, found: &mut Vec<Finding>) {
    let locals: BTreeMap<&str, BTreeSet<String>> =
        set.entries.iter().map(|(name, entry)| (name.as_str(), locals(entry))).collect();
    let given = flow(set, &locals);
    for (name, entry) in &set.entries {
        let (Some(module), Some(own)) = (entry.sound(), locals.get(name.as_str())) else { continue };
        let nothing = Given::default();
        let given = given.get(name.as_str()).unwrap_or(&nothing);
        if given.open {
            continue;
        }
        report(set, entry, module, own, given, found);
    }
}

fn report(
    set: &TemplateSet,
    entry: &Entry,
    module: &Module,
    own: &BTreeSet<String>,
    given: &Given,
    found: &mut Vec<Finding>,
) {
    let optional = optional(module);
    let mut told: BTreeSet<&str> = BTreeSet::new();
    walk::exprs(module, &mut |expr| {
        let Some(name) = expr.as_name() else { return };
        let known = OWN.contains(&name.as_str())
            || own.contains(name.as_str())
            || given.names.contains(name.as_str())
            || optional.contains(name.as_str())
            || set.is_context(name);
        if known || !told.insert(name) {
            return;
        }
        let names: Vec<&str> =
            own.iter().chain(&given.names).chain(&set.host.context).map(String::as_str).collect();
        let help = near(name, &names).map_or_else(
            || format!("guard it with `is defined` or `??`, or declare it: `--context {name}`"),
            |near| format!("did you mean \"{near}\"?"),
        );
        let message = format!("Nothing sets the variable \"{name}\".");
        found.push(entry.finding_of(&rules::UNDEFINED_VARIABLE, expr.extent, message).help(help));
    });
}

/// The names a template gives values itself, or declares by `types`.
fn locals(entry: &Entry) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(module) = entry.sound() else { return names };
    each_assigned(module, &mut |name, _| {
        names.insert(name.to_owned());
    });
    walk::all_nodes(module, &mut |node| {
        if let NodeKind::For(f) = &node.kind {
            names.insert(f.value.to_string());
            names.extend(f.key.as_ref().map(ToString::to_string));
        }
    });
    walk::exprs(module, &mut |expr| {
        if let ExprKind::Arrow { params, .. } = &expr.kind {
            names.extend(params.iter().map(ToString::to_string));
        }
    });
    walk::modules(module, &mut |module| {
        for own in &module.macros {
            names.extend(own.params.iter().map(|(name, _)| name.to_string()));
            names.extend(own.rest.as_ref().map(ToString::to_string));
        }
    });
    // `with` variables are seen in the body of their tag; a mapping names them.
    walk::all_nodes(module, &mut |node| {
        if let NodeKind::With { vars: Some(vars), .. } = &node.kind {
            names.extend(keys(vars).unwrap_or_default());
        }
    });
    if let Some(scan) = &entry.source.scan {
        for tag in scan.tags.iter().filter(|tag| tag.word == "types") {
            let inner = scan.inner(tag);
            names.extend(inner.iter().skip(1).filter(|t| t.kind == Kind::Name).map(|t| t.text().to_owned()));
        }
    }
    names
}

/// The names that are asked for with a guard somewhere in a template: they need not be there.
fn optional(module: &Module) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    walk::exprs(module, &mut |expr| {
        let Some(mut root) = walk::guarded(expr) else { return };
        while let ExprKind::Attr { object, .. } = &root.kind {
            root = object;
        }
        names.extend(root.as_name().map(ecow::EcoString::as_str));
    });
    names
}

/// The keys of a mapping of constants; `None` when it may hold others.
fn keys(expr: &Expr) -> Option<BTreeSet<String>> {
    match &expr.kind {
        ExprKind::Array(array) => array
            .items
            .iter()
            .map(|item| item.key.as_ref().and_then(links::text).map(str::to_owned))
            .collect(),
        ExprKind::Filter { callable, input, args, .. } if callable.name == "merge" => {
            let mut all = keys(input)?;
            for arg in args {
                all.extend(keys(&arg.value)?);
            }
            Some(all)
        }
        _ => None,
    }
}

/// What each template is given, through all the templates between.
fn flow(set: &TemplateSet, locals: &BTreeMap<&str, BTreeSet<String>>) -> BTreeMap<String, Given> {
    let mut given: BTreeMap<String, Given> = BTreeMap::new();
    loop {
        let before = given.clone();
        for (name, entry) in &set.entries {
            let Some(module) = entry.sound() else {
                // What a broken template passes on is not known.
                set.names().for_each(|other| given.entry(other.to_owned()).or_default().open = true);
                return given;
            };
            let mut own = given.get(name).cloned().unwrap_or_default();
            own.names.extend(locals.get(name.as_str()).into_iter().flatten().cloned());
            for reference in links::references(module) {
                if matches!(reference.way, Way::Import | Way::Source) {
                    continue;
                }
                let everyone = || set.names().collect();
                let targets: Vec<&str> = reference.target.candidates(set, name).unwrap_or_else(everyone);
                let passed = reference.with.map(keys);
                for target in targets {
                    let theirs = given.entry(target.to_owned()).or_default();
                    if !reference.only {
                        theirs.names.extend(own.names.iter().cloned());
                        theirs.open |= own.open;
                    }
                    match &passed {
                        Some(Some(keys)) => theirs.names.extend(keys.iter().cloned()),
                        Some(None) => theirs.open = true,
                        None => {}
                    }
                    if matches!(reference.way, Way::Extends | Way::Use | Way::Embed) {
                        // Blocks of the child run where the parent's variables are.
                        let above = locals.get(target).into_iter().flatten().cloned();
                        given.entry(name.clone()).or_default().names.extend(above);
                    }
                }
            }
        }
        if given == before {
            return given;
        }
    }
}

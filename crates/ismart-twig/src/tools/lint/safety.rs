//! Where values of outside meet HTML, scripts and styles.

use std::collections::BTreeMap;

use super::html::{At, Content, Html};
use super::trust::{Shape, Trust, shape};
use crate::callable::{Code, Special, Strategy};
use crate::compile::safety;
use crate::num::at;
use crate::syntax::ast::{Expr, ExprKind, Module, Node, NodeKind};
use crate::tools::check::links::{self, Way};
use crate::tools::finding::Finding;
use crate::tools::rules::{self, Rule};
use crate::tools::set::{self, Entry, TemplateSet};

/// Where in HTML the blocks and the whole of each template begin, as those that show them know it.
#[derive(Debug, Default)]
pub(crate) struct Places {
    blocks: BTreeMap<(String, String), Html>,
    templates: BTreeMap<String, Html>,
}

/// Reads all templates for the places of blocks and included templates.
pub(super) fn places(set: &TemplateSet) -> Places {
    let mut places = Places::default();
    // The second round knows the places inside templates that are included themselves.
    for _ in 0..2 {
        let mut next = Places::default();
        for (name, entry) in &set.entries {
            let Some(module) = entry.sound() else { continue };
            let mut reader = Reader::new(set, name, entry, module, &places);
            reader.module(module);
            for (block, html) in reader.blocks {
                next.blocks.insert((name.clone(), block), html);
            }
            for (template, html) in reader.included {
                // Where opinions differ, the template is taken to begin between tags.
                let known = next.templates.entry(template).or_insert_with(|| html.clone());
                if *known != html {
                    *known = Html::default();
                }
            }
        }
        places = next;
    }
    places
}

pub(super) fn check(
    set: &TemplateSet,
    name: &str,
    entry: &Entry,
    module: &Module,
    places: &Places,
    found: &mut Vec<Finding>,
) {
    let mut reader = Reader::new(set, name, entry, module, places);
    reader.module(module);
    found.append(&mut reader.found);
}

struct Reader<'a> {
    set: &'a TemplateSet,
    name: &'a str,
    entry: &'a Entry,
    trust: Trust<'a>,
    places: &'a Places,
    html: Html,
    strategies: Vec<Option<Strategy>>,
    blocks: Vec<(String, Html)>,
    included: Vec<(String, Html)>,
    found: Vec<Finding>,
}

impl<'a> Reader<'a> {
    fn new(
        set: &'a TemplateSet,
        name: &'a str,
        entry: &'a Entry,
        module: &'a Module,
        places: &'a Places,
    ) -> Self {
        Self {
            set,
            name,
            entry,
            trust: Trust::new(module),
            places,
            html: Html::default(),
            strategies: vec![set::strategy(set, name)],
            blocks: Vec::new(),
            included: Vec::new(),
            found: Vec::new(),
        }
    }

    fn module(&mut self, module: &'a Module) {
        self.html = self.places.templates.get(self.name).cloned().unwrap_or_default();
        self.nodes(module, &module.body);
        // What is left is shown by the templates above.
        let above = links::above(self.set, self.name, module);
        for block in &module.blocks {
            if self.blocks.iter().any(|(known, _)| *known == block.name) {
                continue;
            }
            let place = above.names.iter().find_map(|upper| {
                self.places.blocks.get(&((*upper).to_owned(), block.name.to_string())).cloned()
            });
            self.html = place.unwrap_or_default();
            self.nodes(module, &block.body);
        }
        for own in &module.macros {
            self.html = Html::default();
            self.nodes(module, &own.body);
        }
        for embed in &module.embeds {
            let outer = std::mem::take(&mut self.blocks);
            self.module(embed);
            self.blocks = outer;
        }
    }

    fn nodes(&mut self, module: &'a Module, nodes: &'a [Node]) {
        nodes.iter().for_each(|node| self.node(module, node));
    }

    fn node(&mut self, module: &'a Module, node: &'a Node) {
        match &node.kind {
            NodeKind::Text(range) => self.text(range.start, range.end),
            NodeKind::Print(expr, _) => self.print(expr),
            NodeKind::If(branches, otherwise) => {
                let before = self.html.clone();
                let mut after = None;
                let bodies = branches.iter().map(|(_, body)| body).chain(otherwise);
                for body in bodies {
                    self.html = before.clone();
                    self.nodes(module, body);
                    after.get_or_insert_with(|| self.html.clone());
                }
                self.html = after.unwrap_or(before);
            }
            NodeKind::For(f) => {
                let before = self.html.clone();
                self.nodes(module, &f.body);
                if let Some(body) = &f.else_body {
                    let after = std::mem::replace(&mut self.html, before);
                    self.nodes(module, body);
                    self.html = after;
                }
            }
            NodeKind::Capture(_, body) => {
                let before = std::mem::take(&mut self.html);
                self.nodes(module, body);
                self.html = before;
            }
            NodeKind::BlockRef(name) => {
                self.blocks.push((name.to_string(), self.html.clone()));
                if let Some(block) = module.blocks.iter().find(|block| block.name == *name) {
                    self.nodes(module, &block.body);
                }
            }
            NodeKind::Include { template, .. } => self.include(template),
            NodeKind::AutoEscape { strategy, body } => {
                self.strategies.push(strategy.clone());
                self.nodes(module, body);
                self.strategies.pop();
            }
            NodeKind::With { body, .. } | NodeKind::Cache { body, .. } => self.nodes(module, body),
            NodeKind::Apply { body, .. } | NodeKind::Sandbox(body) | NodeKind::Group(body) => {
                self.nodes(module, body);
            }
            NodeKind::HostTag { body: Some(body), .. } => self.nodes(module, body),
            _ => {}
        }
    }

    fn include(&mut self, template: &Expr) {
        let names = links::target(template).candidates(self.set, self.name).unwrap_or_default();
        self.included.extend(names.into_iter().map(|name| (name.to_owned(), self.html.clone())));
        self.html.value();
    }

    fn text(&mut self, start: usize, end: usize) {
        let (entry, found) = (self.entry, &mut self.found);
        self.html.read(entry.source.slice(start..end), &mut |range| {
            let place = start + range.start..start + range.end;
            let name = entry.source.slice(place.clone()).to_owned();
            found.push(entry.finding(
                &rules::INLINE_HANDLER,
                place,
                format!("The handler `{name}` stands in the markup."),
            ));
        });
    }

    fn strategy(&self) -> Option<Strategy> {
        self.strategies.last().cloned().flatten()
    }

    fn print(&mut self, expr: &'a Expr) {
        if let Some(reference) = links::called(expr)
            && reference.way == Way::Include
        {
            let names = reference.target.candidates(self.set, self.name).unwrap_or_default();
            self.included.extend(names.into_iter().map(|name| (name.to_owned(), self.html.clone())));
        }
        self.judge(expr);
        self.html.value();
    }

    /// What is wrong with a value at its place.
    fn judge(&mut self, expr: &'a Expr) {
        // Macros, blocks and templates escape inside themselves.
        let markup =
            matches!(expr.kind, ExprKind::Macro { .. } | ExprKind::Block { .. } | ExprKind::Parent(_))
                || links::called(expr).is_some();
        if markup {
            return;
        }
        let shape = shape(expr);
        let strategy = self.strategy();
        let script = matches!(shape, Shape::Json | Shape::Escaped("js") | Shape::Plain)
            || strategy == Some(Strategy::Js);
        match (&self.html.at, self.html.content()) {
            (At::Inside, Content::Script) => {
                if shape == Shape::OpenJson {
                    let help = "drop JSON_UNESCAPED_SLASHES: `</script>` in the value would end the script";
                    self.report(&rules::SCRIPT_ESCAPE, expr, "JSON with open slashes inside a script.", help);
                } else if !script && !self.raw(expr) {
                    let help =
                        "write `{{ value|json_encode|raw }}`, or `'{{ value|e('js') }}'` inside quotes";
                    self.report(
                        &rules::SCRIPT_ESCAPE,
                        expr,
                        "A value inside a script without `|e('js')` or `|json_encode`.",
                        help,
                    );
                }
                return;
            }
            (At::Inside, Content::Style) => {
                let fine =
                    matches!(shape, Shape::Escaped("css") | Shape::Plain) || strategy == Some(Strategy::Css);
                if !fine && !self.raw(expr) {
                    let message = "A value inside a style element without `|e('css')`.";
                    self.report(&rules::STYLE_ESCAPE, expr, message, "write `{{ value|e('css') }}`");
                }
                return;
            }
            (At::BeforeValue | At::Unquoted, _) => {
                let fine = matches!(shape, Shape::Escaped("html_attr") | Shape::Plain)
                    || strategy == Some(Strategy::HtmlAttr);
                if !fine {
                    let message =
                        format!("A value in the attribute `{}` without quotes.", self.html.attribute);
                    self.report(&rules::UNQUOTED_ATTRIBUTE, expr, message, "put quotes around the value");
                }
            }
            (At::Quoted(_), _) if self.html.is_handler() && !script => {
                let message = format!(
                    "A value inside the handler `{}` without `|e('js')` or `|json_encode`.",
                    self.html.attribute
                );
                let help = "put the value into a `data-` attribute and read it from the script";
                self.report(&rules::HANDLER_ESCAPE, expr, message, help);
            }
            (At::TagName | At::Tag | At::AttrName, _) => {
                let fine = matches!(shape, Shape::Escaped("html_attr") | Shape::Plain)
                    || safety::safe(expr).covers(&Strategy::Html);
                if !fine && self.trust.outside(expr).is_some() {
                    let message = "A value of outside as the name of a tag or attribute.";
                    self.report(
                        &rules::TAG_NAME_VALUE,
                        expr,
                        message,
                        "choose among constants, or use `|e('html_attr')`",
                    );
                }
            }
            _ => {}
        }
        self.raw(expr);
    }

    /// Values of outside that are put out without escaping; whether there are any.
    fn raw(&mut self, expr: &'a Expr) -> bool {
        let off = self.strategy().is_none();
        let mut open = vec![expr];
        let mut any = false;
        while let Some(expr) = open.pop() {
            match &expr.kind {
                ExprKind::Cond(_, a, b) | ExprKind::Elvis(a, b) | ExprKind::Coalesce(a, b) => {
                    open.extend([&**b, &**a]);
                }
                ExprKind::Filter { callable, input, .. }
                    if matches!(callable.code, Code::Special(Special::Raw)) =>
                {
                    let json = matches!(shape(input), Shape::Json) && self.html.content() == Content::Script;
                    let Some(outside) = self.trust.outside(input).filter(|_| !json) else { continue };
                    let what = self.entry.source.of(outside.extent).trim().to_owned();
                    let range = at(input.extent.end)..at(expr.extent.end);
                    let range = self.entry.source.name_in("raw", range);
                    let message = format!("`raw` puts `{what}` out as it comes from outside.");
                    let help = "drop `raw`, or sanitise the value where it enters and say so: `{# lint-allow raw-outside-value: reason #}`";
                    let finding = self.entry.finding(&rules::RAW_OUTSIDE_VALUE, range, message);
                    self.found.push(finding.help(help));
                    any = true;
                }
                _ if off => {
                    let safe = shape(expr) != Shape::Any || safety::safe(expr).covers(&Strategy::Html);
                    let Some(outside) = self.trust.outside(expr).filter(|_| !safe) else { continue };
                    let what = self.entry.source.of(outside.extent).trim().to_owned();
                    let message =
                        format!("Escaping is off here: `{what}` is put out as it comes from outside.");
                    let help = "escape it: `|e`";
                    self.report(&rules::RAW_OUTSIDE_VALUE, expr, message, help);
                    any = true;
                }
                _ => {}
            }
        }
        any
    }

    fn report(&mut self, rule: &'static Rule, place: &Expr, message: impl Into<String>, help: &str) {
        self.found.push(self.entry.finding_of(rule, place.extent, message).help(help));
    }
}

//! Reads tokens into modules; tags and expressions have files of their own.

use std::sync::Arc;

use ecow::EcoString;

use super::ast::{Block, Expr, Extent, Macro, MacroTarget, Module, Node, NodeKind};
use super::lexer;
use super::token::{Kind, Stream, Token};
use crate::callable::{CallKind, Callable};
use crate::env::Registry;
use crate::error::{Error, suggestion};
use crate::num;

/// Nesting of expressions and tags beyond which a template is refused.
const MAX_DEPTH: u32 = 160;
/// What a tag counts: its code needs more of the stack than an operator's.
const TAG_DEPTH: u32 = 4;
/// Operators in a row that bind to the left, each of which nests the tree one level deeper.
pub(crate) const MAX_CHAIN: u32 = 128;

/// What `import` and `from` made known.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub(crate) alias: EcoString,
    /// The macro's name, for `from`.
    pub(crate) name: Option<EcoString>,
    pub(crate) slot: u32,
}

/// A deprecation met while reading a template.
#[derive(Clone, Debug)]
pub(crate) struct Warning {
    pub(crate) text: String,
    pub(crate) line: u32,
    /// Whether PHP Twig puts the template's name in quotes.
    pub(crate) quoted: bool,
}

impl Warning {
    /// The text with its place.
    pub(crate) fn placed(&self, template: &str) -> String {
        let quote = if self.quoted { "\"" } else { "" };
        format!("{} in {quote}{template}{quote} at line {}.", self.text, self.line)
    }
}

/// A module while it is parsed.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(crate) module: Module,
    pub(crate) block_stack: Vec<EcoString>,
    /// Names and lines of the blocks whose tag was met.
    pub(crate) block_lines: Vec<(EcoString, u32)>,
    pub(crate) scopes: Vec<Vec<Symbol>>,
}

pub(crate) struct Parser<'e> {
    pub(crate) registry: &'e Registry,
    pub(crate) source: &'e str,
    pub(crate) stream: Stream,
    pub(crate) draft: Draft,
    pub(crate) warnings: Vec<Warning>,
    /// Whether unknown filters, functions and tests are let pass, inside a `guard` that fails.
    pub(crate) lenient: u32,
    depth: u32,
}

/// A parsed template: its module and the warnings met, each with its line.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) module: Module,
    pub(crate) warnings: Vec<Warning>,
}

/// Parses a source whose line ends are normalised.
pub(crate) fn parse(registry: &Registry, source: &str) -> Result<Parsed, Error> {
    let lexed = lexer::tokenize(source)?;
    let mut parsed = parse_tokens(registry, source, lexed.tokens, false)?;
    parsed.warnings.splice(0..0, lexed.warnings);
    Ok(parsed)
}

/// Parses the tokens of a source; a lenient parser lets unknown filters, functions and tests pass.
pub(crate) fn parse_tokens(
    registry: &Registry,
    source: &str,
    tokens: Vec<Token>,
    lenient: bool,
) -> Result<Parsed, Error> {
    let mut parser = Parser {
        registry,
        source,
        stream: Stream::new(tokens),
        draft: Draft { scopes: vec![Vec::new()], ..Draft::default() },
        warnings: Vec::new(),
        lenient: u32::from(lenient),
        depth: 0,
    };
    let module = parser.subparse(None).and_then(|body| parser.finish(body));
    let module = module.map_err(|error| error.near(parser.stream.offset()))?;
    Ok(Parsed { module, warnings: parser.warnings })
}

/// The tags that end a body, and the tag they belong to.
pub(crate) struct Until<'u> {
    pub(crate) tag: &'u str,
    pub(crate) ends: &'u [&'u str],
    /// Where the tag stands, if not where its body begins.
    pub(crate) line: Option<u32>,
}

impl Parser<'_> {
    /// Counts a level of nesting in.
    pub(crate) fn deeper(&mut self) -> Result<(), Error> {
        self.deeper_by(1)
    }

    fn deeper_by(&mut self, levels: u32) -> Result<(), Error> {
        self.depth += levels;
        if self.depth > MAX_DEPTH {
            return Err(Error::syntax(
                format!("Expressions and tags are nested more than {MAX_DEPTH} levels deep."),
                self.stream.line(),
            ));
        }
        Ok(())
    }

    pub(crate) fn shallower(&mut self) {
        self.depth -= 1;
    }

    /// Parses up to an end tag (which stays the current token) or the end.
    pub(crate) fn subparse(&mut self, until: Option<&Until<'_>>) -> Result<Vec<Node>, Error> {
        self.deeper_by(TAG_DEPTH)?;
        let first_line = until.and_then(|u| u.line).unwrap_or_else(|| self.stream.line());
        let mut nodes = Vec::new();
        while !self.stream.is_eof() {
            let token = self.stream.next()?;
            match token.kind {
                Kind::Text => {
                    let extent = Extent::new(token.range.start, token.range.end);
                    nodes.push(Node { kind: NodeKind::Text(token.range), line: token.line, extent });
                }
                Kind::VarStart => {
                    let expr = self.expression(0)?;
                    self.stream.expect(Kind::VarEnd, "", "")?;
                    let extent = self.extent_from(&token);
                    let kind = NodeKind::Print(expr, num::small(token.range.start));
                    nodes.push(Node { kind, line: token.line, extent });
                }
                Kind::BlockStart => {
                    let tag = self.stream.current().clone();
                    if tag.kind != Kind::Name {
                        return Err(Error::syntax("A block must start with a tag name.", tag.line));
                    }
                    let name = tag.name();
                    if until.is_some_and(|u| u.ends.contains(&name.as_str())) {
                        self.depth -= TAG_DEPTH;
                        return Ok(nodes);
                    }
                    if !self.registry.has_tag(&name) {
                        return Err(self.unknown_tag(&tag, until, first_line));
                    }
                    self.stream.next()?;
                    let mut node = self.tag(&tag)?;
                    node.extent = self.extent_from(&token);
                    nodes.push(node);
                }
                _ => {
                    return Err(Error::syntax("Lexer or parser ended up in unsupported state.", token.line));
                }
            }
        }
        self.depth -= TAG_DEPTH;
        Ok(nodes)
    }

    /// From the delimiter before a token to the end of what was read last.
    fn extent_from(&self, opened: &Token) -> Extent {
        Extent::new(opened.range.start, self.stream.behind())
    }

    fn unknown_tag(&self, tag: &Token, until: Option<&Until<'_>>, first_line: u32) -> Error {
        let name = tag.text();
        match until {
            Some(until) => Error::syntax(
                format!(
                    "Unexpected \"{name}\" tag (expecting closing tag for the \"{}\" tag defined near line {first_line}).",
                    until.tag
                ),
                tag.line,
            ),
            None => {
                let hint = suggestion(name, &self.registry.tags());
                Error::syntax(format!("Unknown \"{name}\" tag.{hint}"), tag.line)
            }
        }
    }

    /// Parses a body, takes its end tag's name and leaves the stream before `%}`.
    pub(crate) fn body(&mut self, until: &Until<'_>) -> Result<(Vec<Node>, EcoString), Error> {
        let nodes = self.subparse(Some(until))?;
        if self.stream.is_eof() {
            return Ok((nodes, EcoString::new()));
        }
        let end = self.stream.next()?;
        Ok((nodes, end.name()))
    }

    pub(crate) fn end_tag(&mut self) -> Result<(), Error> {
        self.stream.expect(Kind::BlockEnd, "", "").map(|_| ())
    }

    /// Whether `parent()` has a template to go to.
    pub(crate) fn has_inheritance(&self) -> bool {
        self.draft.module.parent.is_some() || !self.draft.module.uses.is_empty()
    }

    pub(crate) fn is_main_scope(&self) -> bool {
        self.draft.scopes.len() == 1
    }

    /// A symbol of the innermost or the outermost scope.
    pub(crate) fn symbol(&self, alias: &str, is_macro: bool) -> Option<&Symbol> {
        let find = |scope: &Vec<Symbol>| {
            scope.iter().rposition(|s| s.alias == alias && s.name.is_some() == is_macro)
        };
        let inner = self.draft.scopes.last()?;
        if let Some(i) = find(inner) {
            return inner.get(i);
        }
        let outer = self.draft.scopes.first()?;
        find(outer).and_then(|i| outer.get(i))
    }

    /// The template that macros of a name's attributes come from.
    pub(crate) fn macro_target(&self, name: &str) -> Option<MacroTarget> {
        if let Some(symbol) = self.symbol(name, false) {
            return Some(MacroTarget::Import(symbol.slot));
        }
        (name == "_self").then_some(MacroTarget::Own)
    }

    pub(crate) fn warn(&mut self, message: String, line: u32) {
        self.warnings.push(Warning { text: message, line, quoted: true });
    }

    /// The callable of a name, or an error with suggestions.
    pub(crate) fn callable(&mut self, kind: CallKind, name: &str, line: u32) -> Result<Arc<Callable>, Error> {
        match self.registry.find(kind, name) {
            Some(found) => {
                if let Some(text) = &found.deprecation {
                    self.warnings.push(Warning { text: text.clone(), line, quoted: false });
                }
                Ok(found)
            }
            None if self.lenient > 0 => Ok(Arc::new(Callable::make(
                kind,
                name,
                crate::callable::Code::Host(Arc::new(|_| Ok(crate::value::Value::Null))),
            ))),
            None => {
                let known = self.registry.names(kind);
                let hint = suggestion(name, &known);
                Err(Error::syntax(format!("Unknown \"{name}\" {}.{hint}", kind.name()), line))
            }
        }
    }

    /// Checks a module's body and puts the module together.
    pub(crate) fn finish(&mut self, body: Vec<Node>) -> Result<Module, Error> {
        let draft = std::mem::take(&mut self.draft);
        let mut module = draft.module;
        // In the order of their tags: a block comes before those inside it, whose escaping depends on it.
        let place = |block: &Block| draft.block_lines.iter().position(|(name, _)| *name == block.name);
        module.blocks.sort_by_key(place);
        if module.parent.is_some() {
            for node in &body {
                if !self.silent(node) {
                    return Err(Error::syntax(
                        "A template that extends another one cannot include content outside Twig blocks. Did you forget to put the content inside a {% block %} tag?",
                        node.line,
                    ));
                }
            }
            for node in &body {
                check_nesting(node, None)?;
            }
            module.body = without_output(body);
            return Ok(module);
        }
        module.body = body;
        Ok(module)
    }

    /// Whether a node of a child's root puts nothing out.
    fn silent(&self, node: &Node) -> bool {
        let all = |nodes: &[Node]| nodes.iter().all(|n| self.silent(n));
        match &node.kind {
            NodeKind::Text(range) => {
                let text = self.source.get(range.clone()).unwrap_or("");
                let text = text.strip_prefix('\u{feff}').unwrap_or(text);
                text.bytes().all(|b| b.is_ascii_whitespace() || b == 0x0b)
            }
            NodeKind::Print(..)
            | NodeKind::HostTag { .. }
            | NodeKind::Include { .. }
            | NodeKind::Embed { .. }
            | NodeKind::Cache { .. }
            | NodeKind::Apply { .. } => false,
            NodeKind::If(branches, otherwise) => {
                branches.iter().all(|(_, body)| all(body)) && otherwise.as_ref().is_none_or(|body| all(body))
            }
            NodeKind::For(f) => all(&f.body) && f.else_body.as_ref().is_none_or(|body| all(body)),
            NodeKind::With { body, .. } | NodeKind::AutoEscape { body, .. } => all(body),
            NodeKind::Sandbox(body) | NodeKind::Group(body) => all(body),
            _ => true,
        }
    }
}

/// A child's body keeps what it sets and imports; blocks are shown by its parent.
fn without_output(nodes: Vec<Node>) -> Vec<Node> {
    let keep = |node: Node| -> Option<Node> {
        let kind = match node.kind {
            NodeKind::Text(_) | NodeKind::BlockRef(_) => return None,
            NodeKind::If(branches, otherwise) => NodeKind::If(
                branches.into_iter().map(|(c, body)| (c, without_output(body))).collect(),
                otherwise.map(without_output),
            ),
            NodeKind::For(mut f) => {
                f.body = without_output(std::mem::take(&mut f.body));
                f.else_body = f.else_body.take().map(without_output);
                NodeKind::For(f)
            }
            NodeKind::With { vars, only, body } => NodeKind::With { vars, only, body: without_output(body) },
            NodeKind::AutoEscape { strategy, body } => {
                NodeKind::AutoEscape { strategy, body: without_output(body) }
            }
            NodeKind::Group(body) => NodeKind::Group(without_output(body)),
            other => other,
        };
        Some(Node { kind, line: node.line, extent: node.extent })
    };
    nodes.into_iter().filter_map(keep).collect()
}

/// A block under a tag that puts out, at the root of a child, would mislead.
fn check_nesting(node: &Node, tag: Option<(&'static str, u32)>) -> Result<(), Error> {
    let under = |nodes: &[Node], tag: Option<(&'static str, u32)>| -> Result<(), Error> {
        nodes.iter().try_for_each(|n| check_nesting(n, tag))
    };
    match &node.kind {
        NodeKind::BlockRef(_) => match tag {
            Some((name, line)) => Err(Error::syntax(
                format!("A \"block\" tag cannot be under a \"{name}\" tag (line {line})."),
                node.line,
            )),
            None => Ok(()),
        },
        NodeKind::If(branches, otherwise) => {
            let tag = Some(("if", node.line));
            branches.iter().try_for_each(|(_, body)| under(body, tag))?;
            otherwise.as_ref().map_or(Ok(()), |body| under(body, tag))
        }
        NodeKind::For(f) => {
            let tag = Some(("for", node.line));
            under(&f.body, tag)?;
            f.else_body.as_ref().map_or(Ok(()), |body| under(body, tag))
        }
        NodeKind::With { body, .. } => under(body, Some(("with", node.line))),
        NodeKind::AutoEscape { body, .. } => under(body, Some(("autoescape", node.line))),
        NodeKind::Sandbox(body) => under(body, Some(("sandbox", node.line))),
        NodeKind::Group(body) => under(body, tag),
        _ => Ok(()),
    }
}

impl Draft {
    /// A draft for an embedded module with its parent known.
    pub(crate) fn embedded(parent: Expr) -> Self {
        Self {
            module: Module { parent: Some(parent), ..Module::default() },
            scopes: vec![Vec::new()],
            ..Self::default()
        }
    }

    pub(crate) fn add_block(&mut self, block: Block) {
        self.module.blocks.push(block);
    }

    pub(crate) fn add_macro(&mut self, new: Macro) {
        // A macro of the same name replaces the former one.
        self.module.macros.retain(|m| m.name != new.name);
        self.module.macros.push(new);
    }
}

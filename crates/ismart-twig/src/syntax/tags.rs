//! The tags.

use ecow::EcoString;

use super::ast::{Applied, Arg, Block, Expr, ExprKind, Extent, For, Macro, Node, NodeKind, Use};
use super::expr::assignable;
use super::parser::{Draft, Parser, Symbol, Until};
use super::token::{Kind, Token};
use crate::callable::{CallKind, Strategy};
use crate::error::Error;
use crate::num;
use crate::value::Value;

/// The names of the built-in tags, in the order suggestions list them.
pub(crate) const TAGS: &[&str] = &[
    "apply",
    "for",
    "if",
    "extends",
    "include",
    "block",
    "use",
    "macro",
    "import",
    "from",
    "set",
    "types",
    "flush",
    "do",
    "embed",
    "with",
    "deprecated",
    "guard",
    "autoescape",
    "sandbox",
    "cache",
];

/// The parameters of a macro.
struct MacroParams {
    /// Names and defaults.
    params: Vec<(EcoString, Option<Expr>)>,
    /// The name that takes all further arguments.
    rest: Option<EcoString>,
    /// The line of a parameter whose name is taken.
    reserved: Option<u32>,
}

macro_rules! until {
    ($tag:literal, $($end:literal),+) => {
        &Until { tag: $tag, ends: &[$($end),+], line: None }
    };
}

impl Parser<'_> {
    /// Parses a tag whose name was just taken.
    pub(crate) fn tag(&mut self, tag: &Token) -> Result<Node, Error> {
        let line = tag.line;
        let kind = match tag.text() {
            "if" => self.if_tag(line)?,
            "for" => self.for_tag()?,
            "set" => self.set_tag()?,
            "block" => self.block_tag(line)?,
            "extends" => self.extends_tag(line)?,
            "include" => self.include_tag()?,
            "embed" => self.embed_tag(line)?,
            "use" => self.use_tag(line)?,
            "macro" => self.macro_tag(line)?,
            "import" => self.import_tag()?,
            "from" => self.macros_tag()?,
            "with" => self.with_tag()?,
            "apply" => self.apply_tag()?,
            "autoescape" => self.autoescape_tag()?,
            "sandbox" => self.sandbox_tag(line)?,
            "deprecated" => self.deprecated_tag()?,
            "guard" => self.guard_tag()?,
            "types" => self.types_tag()?,
            "cache" => self.cache_tag()?,
            "do" => {
                let expr = self.expression(0)?;
                self.end_tag()?;
                NodeKind::Do(expr)
            }
            "flush" => {
                self.end_tag()?;
                NodeKind::Flush
            }
            other => self.host_tag(other, line)?,
        };
        Ok(Node { kind, line, extent: Extent::default() })
    }

    /// A tag of the host: expressions, then perhaps a body.
    fn host_tag(&mut self, name: &str, line: u32) -> Result<NodeKind, Error> {
        let callable = self.callable(CallKind::Tag, name, line)?;
        let mut args = Vec::new();
        while !self.stream.test_kind(Kind::BlockEnd) {
            if !args.is_empty() {
                self.stream.expect(Kind::Punctuation, ",", "")?;
            }
            args.push(Arg { name: None, value: self.expression(0)? });
        }
        self.end_tag()?;
        let mut body = None;
        if callable.body {
            let end = format!("end{name}");
            let nodes = self.subparse(Some(&Until { tag: name, ends: &[&end], line: None }))?;
            if !self.stream.is_eof() {
                self.stream.next()?;
            }
            self.end_tag()?;
            body = Some(nodes);
        }
        Ok(NodeKind::HostTag { callable, args, body })
    }

    fn if_tag(&mut self, line: u32) -> Result<NodeKind, Error> {
        let mut condition = self.expression(0)?;
        self.end_tag()?;
        let mut branches = Vec::new();
        let mut otherwise = None;
        let mut body = self.subparse(Some(until!("if", "elseif", "else", "endif")))?;
        loop {
            let end = self.stream.next()?;
            match end.text() {
                "elseif" => {
                    let next = self.expression(0)?;
                    branches.push((std::mem::replace(&mut condition, next), body));
                    self.end_tag()?;
                    body = self.subparse(Some(until!("if", "elseif", "else", "endif")))?;
                }
                "else" if otherwise.is_none() => {
                    self.end_tag()?;
                    let nothing = Expr::constant(Value::Null, line);
                    branches.push((std::mem::replace(&mut condition, nothing), std::mem::take(&mut body)));
                    otherwise = Some(self.subparse(Some(until!("if", "endif")))?);
                }
                "endif" => break,
                _ => {
                    return Err(Error::syntax(
                        format!(
                            "Unexpected end of template. Twig was looking for the following tags \"else\", \"elseif\", or \"endif\" to close the \"if\" block started at line {line})."
                        ),
                        self.stream.line(),
                    ));
                }
            }
        }
        self.end_tag()?;
        if otherwise.is_none() {
            branches.push((condition, body));
        }
        Ok(NodeKind::If(branches, otherwise))
    }

    /// One or more variables to assign to.
    fn targets(&mut self) -> Result<Vec<EcoString>, Error> {
        let mut names = Vec::new();
        loop {
            let token = self.stream.current().clone();
            // Here the words among the operators are names, even those of two words.
            if token.kind == Kind::Operator && token.text().starts_with(|c: char| c.is_ascii_alphabetic()) {
                self.stream.next()?;
            } else {
                self.stream.expect(Kind::Name, "", "Only variables can be assigned to")?;
            }
            assignable(token.text(), token.line)?;
            names.push(token.name());
            if !self.stream.next_if(Kind::Punctuation, ",") {
                return Ok(names);
            }
        }
    }

    fn for_tag(&mut self) -> Result<NodeKind, Error> {
        let mut names = self.targets()?.into_iter();
        self.stream.expect(Kind::Operator, "in", "")?;
        let seq = self.expression(0)?;
        self.end_tag()?;
        let body = self.subparse(Some(until!("for", "else", "endfor")))?;
        let end = self.stream.next()?.name();
        let else_body = if end == "else" {
            self.end_tag()?;
            Some(self.body(until!("for", "endfor"))?.0)
        } else {
            None
        };
        self.end_tag()?;
        let first = names.next().unwrap_or_default();
        let (key, value) = match names.next() {
            Some(second) => (Some(first), second),
            None => (None, first),
        };
        Ok(NodeKind::For(Box::new(For { key, value, seq, body, else_body })))
    }

    fn set_tag(&mut self) -> Result<NodeKind, Error> {
        let names = self.targets()?;
        if self.stream.next_if(Kind::Operator, "=") {
            let mut values = vec![self.expression(0)?];
            while self.stream.next_if(Kind::Punctuation, ",") {
                values.push(self.expression(0)?);
            }
            self.end_tag()?;
            if names.len() != values.len() {
                return Err(Error::syntax(
                    "When using set, you must have the same number of variables and assignments.",
                    self.stream.line(),
                ));
            }
            return Ok(NodeKind::Set(names, values));
        }
        let mut names = names.into_iter();
        let name = names.next().unwrap_or_default();
        if names.next().is_some() {
            return Err(Error::syntax(
                "When using set with a block, you cannot have a multi-target.",
                self.stream.line(),
            ));
        }
        self.end_tag()?;
        let (body, _) = self.body(until!("set", "endset"))?;
        self.end_tag()?;
        Ok(NodeKind::Capture(name, body))
    }

    fn block_tag(&mut self, line: u32) -> Result<NodeKind, Error> {
        let token = self.stream.expect(Kind::Name, "", "")?;
        let (name, extent) = (token.name(), token.extent());
        if let Some((_, at)) = self.draft.block_lines.iter().find(|(n, _)| *n == name) {
            return Err(Error::syntax(
                format!("The block '{name}' has already been defined line {at}."),
                self.stream.line(),
            ));
        }
        self.draft.block_lines.push((name.clone(), line));
        self.draft.scopes.push(Vec::new());
        self.draft.block_stack.push(name.clone());
        let body = if self.stream.next_if_kind(Kind::BlockEnd).is_some() {
            let (body, _) = self.body(until!("block", "endblock"))?;
            if let Some(token) = self.stream.next_if_kind(Kind::Name)
                && token.text() != name
            {
                return Err(Error::syntax(
                    format!("Expected endblock for block \"{name}\" (but \"{}\" given).", token.text()),
                    self.stream.line(),
                ));
            }
            body
        } else {
            let offset = num::small(self.stream.current().range.start);
            let shown = self.expression(0)?;
            vec![Node { extent: shown.extent, kind: NodeKind::Print(shown, offset), line }]
        };
        self.end_tag()?;
        self.draft.block_stack.pop();
        self.draft.scopes.pop();
        self.draft.add_block(Block { name: name.clone(), extent, body });
        Ok(NodeKind::BlockRef(name))
    }

    fn extends_tag(&mut self, line: u32) -> Result<NodeKind, Error> {
        if !self.draft.block_stack.is_empty() {
            return Err(Error::syntax("Cannot use \"extend\" in a block.", line));
        }
        if !self.is_main_scope() {
            return Err(Error::syntax("Cannot use \"extend\" in a macro.", line));
        }
        let parent = self.expression(0)?;
        if self.draft.module.parent.replace(parent).is_some() {
            return Err(Error::syntax("Multiple extends tags are forbidden.", line));
        }
        self.end_tag()?;
        Ok(NodeKind::Extends)
    }

    fn include_options(&mut self) -> Result<(Option<Expr>, bool, bool), Error> {
        let mut ignore_missing = false;
        if self.stream.next_if(Kind::Name, "ignore") {
            self.stream.expect(Kind::Name, "missing", "")?;
            ignore_missing = true;
        }
        let with = if self.stream.next_if(Kind::Name, "with") { Some(self.expression(0)?) } else { None };
        let only = self.stream.next_if(Kind::Name, "only");
        self.end_tag()?;
        Ok((with, only, ignore_missing))
    }

    fn include_tag(&mut self) -> Result<NodeKind, Error> {
        let template = self.expression(0)?;
        let (with, only, ignore_missing) = self.include_options()?;
        Ok(NodeKind::Include { template, with, only, ignore_missing })
    }

    fn embed_tag(&mut self, line: u32) -> Result<NodeKind, Error> {
        let parent = self.expression(0)?;
        let (with, only, ignore_missing) = self.include_options()?;
        let outer = std::mem::replace(&mut self.draft, Draft::embedded(parent));
        let until = Until { tag: "embed", ends: &["endembed"], line: Some(line) };
        let (body, _) = self.body(&until)?;
        let module = self.finish(body)?;
        self.draft = outer;
        self.end_tag()?;
        let index = self.draft.module.embeds.len();
        self.draft.module.embeds.push(module);
        Ok(NodeKind::Embed { index, with, only, ignore_missing })
    }

    fn use_tag(&mut self, line: u32) -> Result<NodeKind, Error> {
        let template = self.expression(0)?;
        let extent = template.extent;
        let ExprKind::Const(Value::Str(template)) = template.kind else {
            return Err(Error::syntax(
                "The template references in a \"use\" statement must be a string.",
                self.stream.line(),
            ));
        };
        let mut targets = Vec::new();
        if self.stream.next_if(Kind::Name, "with") {
            loop {
                let name = self.stream.expect(Kind::Name, "", "")?.name();
                let alias = if self.stream.next_if(Kind::Name, "as") {
                    self.stream.expect(Kind::Name, "", "")?.name()
                } else {
                    name.clone()
                };
                targets.push((name, alias));
                if !self.stream.next_if(Kind::Punctuation, ",") {
                    break;
                }
            }
        }
        self.end_tag()?;
        self.draft.module.uses.push(Use { template, targets, line, extent });
        Ok(NodeKind::Empty("use"))
    }

    fn macro_tag(&mut self, line: u32) -> Result<NodeKind, Error> {
        let token = self.stream.expect(Kind::Name, "", "")?;
        let (name, extent) = (token.name(), token.extent());
        let MacroParams { params, rest, reserved } = self.macro_params(&name)?;
        self.end_tag()?;
        self.draft.scopes.push(Vec::new());
        let blocks = std::mem::take(&mut self.draft.block_stack);
        let (body, _) = self.body(until!("macro", "endmacro"))?;
        if let Some(token) = self.stream.next_if_kind(Kind::Name)
            && token.text() != name
        {
            return Err(Error::syntax(
                format!("Expected endmacro for macro \"{name}\" (but \"{}\" given).", token.text()),
                self.stream.line(),
            ));
        }
        self.draft.block_stack = blocks;
        self.draft.scopes.pop();
        self.end_tag()?;
        if let Some(line) = reserved {
            return Err(Error::syntax(
                format!(
                    "The argument \"varargs\" in macro \"{name}\" cannot be defined because the variable \"varargs\" is reserved for arbitrary arguments."
                ),
                line,
            ));
        }
        self.draft.add_macro(Macro { name, extent, params, rest, body, line });
        Ok(NodeKind::Empty("macro"))
    }

    fn macro_params(&mut self, macro_name: &str) -> Result<MacroParams, Error> {
        let message = "A list of arguments must begin with an opening parenthesis";
        self.stream.expect(Kind::Operator, "(", message)?;
        let mut params: Vec<(EcoString, Option<Expr>)> = Vec::new();
        let mut rest = None;
        let mut reserved = None;
        while !self.stream.test(Kind::Punctuation, ")") {
            if !params.is_empty() || rest.is_some() {
                self.stream.expect(Kind::Punctuation, ",", "Arguments must be separated by a comma")?;
                if self.stream.test(Kind::Punctuation, ")") {
                    break;
                }
            }
            if rest.is_some() {
                return Err(Error::syntax(
                    format!("A variadic argument must be the last argument of macro \"{macro_name}\"."),
                    self.stream.line(),
                ));
            }
            let variadic = self.stream.next_if(Kind::Operator, "...");
            let token = self.stream.expect(Kind::Name, "", "An argument must be a name")?;
            let name = token.name();
            assignable(&name, token.line)?;
            if name == "varargs" && !variadic {
                reserved = reserved.or(Some(token.line));
            }
            if variadic {
                rest = Some(name);
                continue;
            }
            let default = if self.stream.test(Kind::Operator, "=") {
                let token = self.stream.next()?;
                let default = self.expression(0)?;
                if !is_constant(&default) {
                    return Err(Error::syntax(
                        "A default value for an argument must be a constant (a boolean, a string, a number, a sequence, or a mapping).",
                        token.line,
                    ));
                }
                Some(default)
            } else {
                None
            };
            params.push((name, default));
        }
        self.stream.expect(Kind::Punctuation, ")", "A list of arguments must be closed by a parenthesis")?;
        Ok(MacroParams { params, rest, reserved })
    }

    fn new_import(&mut self) -> u32 {
        let slot = self.draft.module.imports;
        self.draft.module.imports += 1;
        slot
    }

    fn add_symbol(&mut self, symbol: Symbol) {
        if let Some(scope) = self.draft.scopes.last_mut() {
            scope.push(symbol);
        }
    }

    fn import_tag(&mut self) -> Result<NodeKind, Error> {
        let template = self.expression(0)?;
        self.stream.expect(Kind::Name, "as", "")?;
        let token = self.stream.expect(Kind::Name, "", "")?;
        let alias = token.name();
        assignable(&alias, token.line)?;
        self.end_tag()?;
        let slot = self.new_import();
        self.add_symbol(Symbol { alias, name: None, slot });
        Ok(NodeKind::Import { tag: "import", template, slot })
    }

    fn macros_tag(&mut self) -> Result<NodeKind, Error> {
        let template = self.expression(0)?;
        self.stream.expect(Kind::Name, "import", "")?;
        let mut targets = Vec::new();
        loop {
            let token = self.stream.expect(Kind::Name, "", "")?;
            let name = token.name();
            let alias = if self.stream.next_if(Kind::Name, "as") {
                self.stream.expect(Kind::Name, "", "")?.name()
            } else {
                name.clone()
            };
            assignable(&alias, token.line)?;
            targets.push((name, alias));
            if !self.stream.next_if(Kind::Punctuation, ",") {
                break;
            }
        }
        self.end_tag()?;
        let slot = self.new_import();
        for (name, alias) in targets {
            self.add_symbol(Symbol { alias, name: Some(name), slot });
        }
        Ok(NodeKind::Import { tag: "from", template, slot })
    }

    fn with_tag(&mut self) -> Result<NodeKind, Error> {
        let mut vars = None;
        let mut only = false;
        if !self.stream.test_kind(Kind::BlockEnd) {
            vars = Some(self.expression(0)?);
            only = self.stream.next_if(Kind::Name, "only");
        }
        self.end_tag()?;
        let (body, _) = self.body(until!("with", "endwith"))?;
        self.end_tag()?;
        Ok(NodeKind::With { vars, only, body })
    }

    fn apply_tag(&mut self) -> Result<NodeKind, Error> {
        let mut filters = Vec::new();
        loop {
            let input = Expr::constant(Value::Null, self.stream.line());
            let filter = self.filter(input)?;
            if let ExprKind::Filter { callable, shown, args, .. } = filter.kind {
                filters.push(Applied { callable, shown, args, line: filter.line });
            }
            if !self.stream.next_if(Kind::Operator, "|") {
                break;
            }
        }
        self.end_tag()?;
        let (body, _) = self.body(until!("apply", "endapply"))?;
        self.end_tag()?;
        Ok(NodeKind::Apply { filters, body })
    }

    fn autoescape_tag(&mut self) -> Result<NodeKind, Error> {
        let strategy = if self.stream.test_kind(Kind::BlockEnd) {
            Some(Strategy::Html)
        } else {
            match self.expression(0)?.kind {
                ExprKind::Const(Value::Bool(false)) => None,
                ExprKind::Const(Value::Str(name)) => Some(Strategy::from_name(&name)),
                ExprKind::Const(Value::Bool(true)) => Some(Strategy::Custom("1".into())),
                ExprKind::Const(value) => Some(Strategy::Custom(value.to_text()?)),
                _ => {
                    return Err(Error::syntax(
                        "An escaping strategy must be a string or false.",
                        self.stream.line(),
                    ));
                }
            }
        };
        self.end_tag()?;
        let (body, _) = self.body(until!("autoescape", "endautoescape"))?;
        self.end_tag()?;
        Ok(NodeKind::AutoEscape { strategy, body })
    }

    fn sandbox_tag(&mut self, line: u32) -> Result<NodeKind, Error> {
        self.warn("Since twig/twig 3.15: The \"sandbox\" tag is deprecated".to_owned(), line);
        self.end_tag()?;
        let (body, _) = self.body(until!("sandbox", "endsandbox"))?;
        self.end_tag()?;
        let single = body.len() == 1;
        for node in &body {
            let allowed = match &node.kind {
                NodeKind::Include { .. } => true,
                NodeKind::Print(..) => false,
                NodeKind::Text(range) if !single => {
                    self.source.get(range.clone()).unwrap_or("").trim_ascii().is_empty()
                }
                _ => single,
            };
            if !allowed {
                return Err(Error::syntax(
                    "Only \"include\" tags are allowed within a \"sandbox\" section.",
                    node.line,
                ));
            }
        }
        Ok(NodeKind::Sandbox(body))
    }

    fn deprecated_tag(&mut self) -> Result<NodeKind, Error> {
        let message = self.expression(0)?;
        let (mut package, mut version) = (None, None);
        while let Some(name) = self.stream.next_if_kind(Kind::Name) {
            self.stream.expect(Kind::Operator, "=", "")?;
            match name.text() {
                "package" => package = Some(self.expression(0)?),
                "version" => version = Some(self.expression(0)?),
                other => {
                    return Err(Error::syntax(format!("Unknown \"{other}\" option."), self.stream.line()));
                }
            }
        }
        self.end_tag()?;
        Ok(NodeKind::Deprecated { message, package, version })
    }

    fn guard_tag(&mut self) -> Result<NodeKind, Error> {
        let token = self.stream.expect(Kind::Name, "", "")?;
        let kind = match token.text() {
            "function" => CallKind::Function,
            "filter" => CallKind::Filter,
            "test" => CallKind::Test,
            other => {
                return Err(Error::syntax(
                    format!("Supported guard types are function, filter and test, \"{other}\" given."),
                    token.line,
                ));
            }
        };
        let mut name = self.stream.expect(Kind::Name, "", "")?.name();
        if kind == CallKind::Test
            && let Some(second) = self.stream.next_if_kind(Kind::Name)
        {
            name = ecow::eco_format!("{name} {}", second.text());
        }
        let exists = self.registry.find(kind, &name).is_some();
        self.end_tag()?;
        if !exists {
            self.lenient += 1;
        }
        let body = self.subparse(Some(until!("guard", "else", "endguard")))?;
        let end = self.stream.next()?.name();
        if !exists {
            self.lenient -= 1;
        }
        let otherwise = if end == "else" {
            self.end_tag()?;
            self.body(until!("guard", "endguard"))?.0
        } else {
            Vec::new()
        };
        self.end_tag()?;
        Ok(NodeKind::Group(if exists { body } else { otherwise }))
    }

    fn types_tag(&mut self) -> Result<NodeKind, Error> {
        let open = self.stream.next_if(Kind::Punctuation, "{");
        let mut first = true;
        while !self.stream.test(Kind::Punctuation, "}") && !self.stream.test_kind(Kind::BlockEnd) {
            if !first {
                self.stream.expect(Kind::Punctuation, ",", "A type string must be followed by a comma")?;
                if self.stream.test(Kind::Punctuation, "}") || self.stream.test_kind(Kind::BlockEnd) {
                    break;
                }
            }
            first = false;
            self.stream.expect(Kind::Name, "", "")?;
            self.stream.next_if(Kind::Operator, "?");
            self.stream.expect(Kind::Punctuation, ":", "A type name must be followed by a colon (:)")?;
            self.stream.expect(Kind::String, "", "")?;
        }
        if open {
            self.stream.expect(Kind::Punctuation, "}", "An opened mapping is not properly closed")?;
        }
        self.end_tag()?;
        Ok(NodeKind::Empty("types"))
    }

    fn cache_tag(&mut self) -> Result<NodeKind, Error> {
        let key = self.expression(0)?;
        let (mut ttl, mut tags) = (None, None);
        while let Some(name) = self.stream.next_if_kind(Kind::Name) {
            let args: Vec<Arg> = self.arguments(true)?;
            let place = match name.text() {
                "ttl" => &mut ttl,
                "tags" => &mut tags,
                other => {
                    return Err(Error::syntax(
                        format!("Unknown \"{other}\" configuration."),
                        self.stream.line(),
                    ));
                }
            };
            let given = args.len();
            let (Some(arg), 1) = (args.into_iter().next(), given) else {
                return Err(Error::syntax(
                    format!("The \"{}\" modifier takes exactly one argument ({given} given).", name.text(),),
                    self.stream.line(),
                ));
            };
            *place = Some(arg.value);
        }
        self.end_tag()?;
        let (body, _) = self.body(until!("cache", "endcache"))?;
        self.end_tag()?;
        Ok(NodeKind::Cache { key, ttl, tags, body })
    }
}

/// Whether an expression is built of constants alone.
fn is_constant(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Const(_) => true,
        ExprKind::Neg(inner) | ExprKind::Pos(inner) => is_constant(inner),
        ExprKind::Array(array) => {
            array.items.iter().all(|i| i.key.as_ref().is_none_or(is_constant) && is_constant(&i.value))
        }
        _ => false,
    }
}

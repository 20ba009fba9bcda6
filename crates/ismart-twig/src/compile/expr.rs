//! Lowers expressions.

use std::sync::Arc;

use ecow::EcoString;

use super::{Compiler, safety};
use crate::callable::{CallKind, Callable, Code, Safe, Special, Strategy};
use crate::error::{Error, ErrorKind};
use crate::program::{
    ArrowCode, AttrEx, AttrKey, BlockEx, CallEx, Cmp, Ex, IncludeEx, ItemKey, LoopField, MacroEx, MatchEx,
    Name, Used,
};
use crate::syntax::args;
use crate::syntax::ast::{Arg, ArrayLit, BinOp, CallType, Expr, ExprKind, MacroTarget};
use crate::text::regex::Pattern;
use crate::value::{Op2, Value};

/// `??` asks whether its left side is defined, which only some expressions can answer.
fn may_be_missing(left: &Expr) -> Result<(), Error> {
    if left.may_be_defined() {
        return Ok(());
    }
    Err(Error::syntax("The \"defined\" test only works with simple variables.", left.line))
}

fn pair(a: Ex, b: Ex) -> Box<(Ex, Ex)> {
    Box::new((a, b))
}

impl Compiler<'_> {
    /// Lowers an expression that is printed: what is not safe is escaped.
    pub(super) fn escaped(&mut self, expr: &Expr) -> Result<Ex, Error> {
        let Some(strategy) = self.strategy() else { return self.expr(expr) };
        match &expr.kind {
            ExprKind::Cond(condition, a, b) => {
                let condition = self.expr(condition)?;
                Ok(Ex::Cond(Box::new((condition, self.escaped(a)?, self.escaped(b)?))))
            }
            ExprKind::Elvis(a, b) => {
                let left = self.expr(a)?;
                let escape = self.left_strategy(a, &strategy);
                Ok(Ex::Elvis(Box::new((left, escape, self.escaped(b)?))))
            }
            ExprKind::Coalesce(a, b) => {
                may_be_missing(a)?;
                let left = self.expr(a)?;
                let escape = self.left_strategy(a, &strategy);
                Ok(Ex::Coalesce(Box::new((left, escape, self.escaped(b)?))))
            }
            _ => self.escape_if_unsafe(expr, &strategy),
        }
    }

    fn left_strategy(&mut self, left: &Expr, strategy: &Strategy) -> Option<Strategy> {
        (!safety::safe(left).covers(strategy)).then(|| {
            Used::note(&mut self.used.filters, &"escape".into(), left.line);
            strategy.clone()
        })
    }

    /// Lowers an expression whose value is escaped unless it is safe.
    fn escape_if_unsafe(&mut self, expr: &Expr, strategy: &Strategy) -> Result<Ex, Error> {
        if safety::safe(expr).covers(strategy) {
            return self.expr(expr);
        }
        Used::note(&mut self.used.filters, &"escape".into(), expr.line);
        Ok(Ex::Escape(strategy.clone(), self.boxed(expr)?, expr.line))
    }

    pub(super) fn expr(&mut self, expr: &Expr) -> Result<Ex, Error> {
        let ex = self.plain(expr)?;
        // A null-safe chain ends at its parentheses.
        if expr.parens && matches!(ex, Ex::Attr(_)) {
            return Ok(Ex::Paren(Box::new(ex)));
        }
        Ok(ex)
    }

    fn boxed(&mut self, expr: &Expr) -> Result<Box<Ex>, Error> {
        Ok(Box::new(self.expr(expr)?))
    }

    fn plain(&mut self, expr: &Expr) -> Result<Ex, Error> {
        let line = expr.line;
        Ok(match &expr.kind {
            ExprKind::Const(value) => Ex::Const(value.clone()),
            ExprKind::Name(name) => self.variable(name, line),
            ExprKind::Array(array) => self.array(array)?,
            ExprKind::Hole => {
                return Err(Error::syntax(
                    "Empty array elements are only allowed in destructuring assignments.",
                    line,
                ));
            }
            ExprKind::Not(inner) => match self.expr(inner)? {
                Ex::Const(value) => Ex::Const(Value::Bool(!value.truthy())),
                ex => Ex::Not(Box::new(ex)),
            },
            ExprKind::Neg(inner) => match self.expr(inner)? {
                Ex::Const(value @ (Value::Int(_) | Value::Float(_))) => Ex::Const(value.negate()?),
                ex => Ex::Neg(Box::new(ex)),
            },
            ExprKind::Pos(inner) => match self.expr(inner)? {
                Ex::Const(value @ (Value::Int(_) | Value::Float(_))) => Ex::Const(value),
                ex => Ex::Pos(Box::new(ex)),
            },
            ExprKind::Spread(inner) => Ex::Spread(self.boxed(inner)?),
            ExprKind::Binary(op, left, right) => self.binary(*op, left, right, line)?,
            ExprKind::Concat(parts) => {
                let parts = parts.iter().map(|p| self.expr(p).map(|ex| self.guard_text(ex)));
                Ex::Concat(parts.collect::<Result<Vec<_>, _>>()?)
            }
            ExprKind::Cond(c, a, b) => Ex::Cond(Box::new((self.expr(c)?, self.expr(a)?, self.expr(b)?))),
            ExprKind::Elvis(a, b) => Ex::Elvis(Box::new((self.expr(a)?, None, self.expr(b)?))),
            ExprKind::Coalesce(a, b) => {
                may_be_missing(a)?;
                Ex::Coalesce(Box::new((self.expr(a)?, None, self.expr(b)?)))
            }
            ExprKind::Attr { object, name, args, call, null_safe } => {
                self.attr(object, name, args.as_deref(), *call, *null_safe, line)?
            }
            ExprKind::Filter { callable, shown, input, args } => {
                Used::note(&mut self.used.filters, shown, line);
                let is_default = matches!(callable.code, Code::Special(Special::Default));
                let mut ex = match &callable.pre_escape {
                    Some(strategy) => self.escape_if_unsafe(input, strategy)?,
                    None => self.expr(input)?,
                };
                ex = self.guard_argument(ex);
                // Only variables and attributes may be missing.
                if is_default && !matches!(input.kind, ExprKind::Name(_) | ExprKind::Attr { .. }) {
                    ex = Ex::Line(line, Box::new(ex));
                }
                self.filter(callable, shown, ex, args, line)?
            }
            ExprKind::Function { callable, shown, args } => self.function(callable, shown, args, line)?,
            ExprKind::Test { callable, shown, input, args } => {
                self.test(callable, shown, input, args, line)?
            }
            ExprKind::Macro { target, name, args, .. } => self.macro_call(target, name, args, line)?,
            ExprKind::Block { name, template } => {
                self.reads_all();
                let name = self.expr(name)?;
                let template = self.optional(template.as_deref())?;
                Ex::Block(Box::new(BlockEx { name, template, line }))
            }
            ExprKind::Parent(block) => {
                self.reads_all();
                Ex::Parent(Name::new(block), line)
            }
            ExprKind::Arrow { params, body } => self.arrow(params, body)?,
            ExprKind::Params(_) => {
                return Err(Error::syntax("A list of variables must be followed by an arrow.", line));
            }
            ExprKind::Assign(name, value) => {
                let value = self.boxed(value)?;
                Ex::Assign(self.assign(name), value)
            }
            ExprKind::AssignList(names, value) => {
                let value = self.boxed(value)?;
                Ex::AssignList(names.iter().map(|n| n.as_ref().map(|n| self.assign(n))).collect(), value)
            }
            ExprKind::AssignMap(names, value) => {
                let at = value.line;
                let value = self.boxed(value)?;
                let names =
                    names.iter().map(|(k, n)| (AttrKey::constant(k.clone()), self.assign(n))).collect();
                Ex::AssignMap(names, value, at)
            }
        })
    }

    fn variable(&mut self, name: &str, line: u32) -> Ex {
        match name {
            "_context" => {
                self.reads_context();
                Ex::Context
            }
            "_self" => Ex::Const(Value::from(&*self.name)),
            "_charset" => Ex::Const(Value::from("UTF-8")),
            _ => {
                if matches!(name, "loop" | "_parent") {
                    self.reads_parent = true;
                    self.loop_variable(name, line)
                } else {
                    Ex::Var(self.slot(name), line)
                }
            }
        }
    }

    /// `loop` or `_parent` as a variable.
    fn loop_variable(&mut self, name: &str, line: u32) -> Ex {
        if let Some(builder) = self.units.last_mut() {
            builder.reads_loop |= name == "loop";
            if let Some(scope) = builder.loops.last_mut() {
                scope.keeps_parent = true;
            }
        }
        Ex::Var(self.slot(name), line)
    }

    fn array(&mut self, array: &ArrayLit) -> Result<Ex, Error> {
        let plain =
            array.items.iter().all(|i| i.key.is_none() && !matches!(i.value.kind, ExprKind::Spread(_)));
        if plain && !array.mapping {
            let items = array.items.iter().map(|i| self.expr(&i.value)).collect::<Result<Vec<_>, _>>()?;
            if items.iter().all(|i| matches!(i, Ex::Const(_))) {
                let values = items.into_iter().filter_map(|i| match i {
                    Ex::Const(value) => Some(value),
                    _ => None,
                });
                return Ok(Ex::Const(Value::list(values)));
            }
            return Ok(Ex::List(items));
        }
        let mut items = Vec::with_capacity(array.items.len());
        for item in &array.items {
            let key = match &item.key {
                None => match &item.value.kind {
                    ExprKind::Spread(inner) => {
                        let inner = self.expr(inner)?;
                        items.push((ItemKey::Spread, inner));
                        continue;
                    }
                    _ => ItemKey::Next,
                },
                Some(key) => match self.expr(key)? {
                    Ex::Const(value) => match value.to_key() {
                        Some(key) => {
                            let hash = key.hash();
                            ItemKey::Const(key, hash)
                        }
                        None => ItemKey::Dynamic(Ex::Const(value)),
                    },
                    ex => ItemKey::Dynamic(Ex::Line(key.line, Box::new(self.guard_text(ex)))),
                },
            };
            items.push((key, self.expr(&item.value)?));
        }
        let constant = items.iter().all(|(k, v)| matches!((k, v), (ItemKey::Const(..), Ex::Const(_))));
        if constant {
            let pairs = items.into_iter().filter_map(|(k, v)| match (k, v) {
                (ItemKey::Const(k, _), Ex::Const(v)) => Some((k, v)),
                _ => None,
            });
            return Ok(Ex::Const(Value::map(pairs)));
        }
        Ok(Ex::Array(items))
    }

    fn binary(&mut self, op: BinOp, left: &Expr, right: &Expr, line: u32) -> Result<Ex, Error> {
        // PHP binds a sign less tightly than a power.
        if op == BinOp::Math(Op2::Pow) && !left.parens {
            let (inner, minus) = match &left.kind {
                ExprKind::Neg(inner) => (inner, true),
                ExprKind::Pos(inner) => (inner, false),
                _ => return self.plain_binary(op, left, right, line),
            };
            let power = Box::new(self.plain_binary(op, inner, right, line)?);
            return Ok(if minus { Ex::Neg(power) } else { Ex::Pos(power) });
        }
        self.plain_binary(op, left, right, line)
    }

    fn plain_binary(&mut self, op: BinOp, left: &Expr, right: &Expr, line: u32) -> Result<Ex, Error> {
        if op == BinOp::Range {
            Used::note(&mut self.used.functions, &"range".into(), line);
        }
        let a = self.expr(left)?;
        let b = self.expr(right)?;
        let cmp = |c: Cmp, a: Ex, b: Ex| Ex::Cmp(c, pair(a, b));
        Ok(match op {
            BinOp::Math(op) => {
                if let (Ex::Const(x), Ex::Const(y)) = (&a, &b)
                    && let Ok(value) = op.apply(x, y)
                {
                    return Ok(Ex::Const(value));
                }
                Ex::Math(op, pair(a, b))
            }
            BinOp::Bits(op) => Ex::Bits(op, pair(a, b)),
            BinOp::And => Ex::And(pair(a, b)),
            BinOp::Or => Ex::Or(pair(a, b)),
            BinOp::Xor => Ex::Xor(pair(a, b)),
            BinOp::Eq => cmp(Cmp::Eq, a, b),
            BinOp::Ne => cmp(Cmp::Ne, a, b),
            BinOp::Same => cmp(Cmp::Same, a, b),
            BinOp::NotSame => cmp(Cmp::NotSame, a, b),
            BinOp::Spaceship => cmp(Cmp::Spaceship, a, b),
            BinOp::Less => cmp(Cmp::Less, a, b),
            BinOp::LessEq => cmp(Cmp::LessEq, a, b),
            BinOp::Greater => cmp(Cmp::Greater, a, b),
            BinOp::GreaterEq => cmp(Cmp::GreaterEq, a, b),
            BinOp::In => cmp(Cmp::In, a, b),
            BinOp::NotIn => cmp(Cmp::NotIn, a, b),
            BinOp::StartsWith => cmp(Cmp::StartsWith, a, b),
            BinOp::EndsWith => cmp(Cmp::EndsWith, a, b),
            BinOp::HasSome => Ex::Has(false, pair(a, b)),
            BinOp::HasEvery => Ex::Has(true, pair(a, b)),
            BinOp::Range => Ex::Range(pair(a, b)),
            BinOp::Matches => self.matches(a, b, right, line)?,
        })
    }

    fn matches(&mut self, subject: Ex, pattern: Ex, right: &Expr, line: u32) -> Result<Ex, Error> {
        let mut compiled = None;
        if let (Ex::Const(value), true) = (&pattern, matches!(right.kind, ExprKind::Const(_))) {
            compiled = Some(Pattern::constant(value, line)?);
        }
        Ok(Ex::Matches(Box::new(MatchEx { subject, pattern, compiled })))
    }

    fn attr(
        &mut self,
        object: &Expr,
        name: &Expr,
        args: Option<&[Arg]>,
        call: CallType,
        null_safe: bool,
        line: u32,
    ) -> Result<Ex, Error> {
        if let Some(ex) = self.loop_field(object, name, args, call, line) {
            return Ok(ex);
        }
        // PHP Twig places what goes wrong with an attribute where its object stands.
        let line = object.line;
        // A field of the loop of another template, other than the context that it found.
        let field = |name: &Expr| match &name.kind {
            ExprKind::Const(Value::Str(name)) => LoopField::of(name).is_some(),
            _ => false,
        };
        let object = match &object.kind {
            ExprKind::Name(n) if n == "loop" && field(name) => self.loop_variable(n, line),
            _ => self.expr(object)?,
        };
        let key = match self.expr(name)? {
            Ex::Const(value) => AttrKey::constant(value),
            ex => AttrKey::Dynamic(ex),
        };
        let args = self.named_args(args.unwrap_or(&[]))?;
        Ok(Ex::Attr(Box::new(AttrEx { object, key, args, call, null_safe, line })))
    }

    /// `loop.index` and, for outer loops, `loop.parent.loop.index`.
    fn loop_field(
        &mut self,
        object: &Expr,
        name: &Expr,
        args: Option<&[Arg]>,
        call: CallType,
        line: u32,
    ) -> Option<Ex> {
        if args.is_some() || call == CallType::Method {
            return None;
        }
        let text = |e: &Expr| match &e.kind {
            ExprKind::Const(Value::Str(s)) => Some(s.clone()),
            _ => None,
        };
        let field = LoopField::of(&text(name)?)?;
        let mut depth = 0_usize;
        let mut at = object;
        loop {
            match &at.kind {
                ExprKind::Name(n) if n == "loop" => break,
                ExprKind::Attr { object, name, args: None, call: CallType::Any, null_safe: false } => {
                    // `.loop` of `.parent` of a loop.
                    if text(name)? != "loop" {
                        return None;
                    }
                    let ExprKind::Attr { object, name, args: None, call: CallType::Any, null_safe: false } =
                        &object.kind
                    else {
                        return None;
                    };
                    if text(name)? != "parent" {
                        return None;
                    }
                    depth += 1;
                    at = object;
                }
                _ => return None,
            }
        }
        let loops = &self.units.last()?.loops;
        let direct = loops.iter().rev().take(depth + 1).all(|l| l.direct);
        (direct && depth < loops.len()).then(|| Ex::Loop(crate::num::small(depth), field, line))
    }

    fn named_args(&mut self, args: &[Arg]) -> Result<Vec<(Option<EcoString>, Ex)>, Error> {
        args.iter().map(|a| Ok((a.name.clone(), self.expr(&a.value)?))).collect()
    }

    fn bound(&mut self, callable: &Callable, args: &[Arg], line: u32) -> Result<(Vec<Ex>, bool), Error> {
        let mut out = Vec::with_capacity(args.len() + 1);
        if args.iter().all(|a| a.name.is_none()) {
            args::check_positional(callable, args, line)?;
            for arg in args {
                let ex = self.expr(&arg.value)?;
                out.push(self.argument(callable, ex));
            }
        } else {
            for arg in &args::bind(callable, args.to_vec(), line)? {
                let ex = self.expr(arg)?;
                out.push(self.argument(callable, ex));
            }
        }
        let spread = out.iter().any(|ex| matches!(ex, Ex::Spread(_)));
        Ok((out, spread))
    }

    /// The sandbox asks about arguments of filters and functions, not about those of tests.
    fn argument(&self, callable: &Callable, ex: Ex) -> Ex {
        if callable.kind == CallKind::Test { ex } else { self.guard_argument(ex) }
    }

    pub(super) fn call(&mut self, callable: &Arc<Callable>, args: Vec<Ex>, spread: bool, line: u32) -> Ex {
        let native = match &callable.code {
            Code::Native(native) => Some(*native),
            _ => None,
        };
        if callable.context {
            self.reads_context();
        }
        let printer = if spread { None } else { callable.printer };
        Ex::Call(Box::new(CallEx { callable: callable.clone(), native, printer, args, spread, line }))
    }

    pub(super) fn filter(
        &mut self,
        callable: &Arc<Callable>,
        shown: &EcoString,
        input: Ex,
        args: &[Arg],
        line: u32,
    ) -> Result<Ex, Error> {
        Used::note(&mut self.used.filters, shown, line);
        let (mut rest, spread) = self.bound(callable, args, line)?;
        match callable.code {
            Code::Special(Special::Raw) => return Ok(Ex::Line(line, Box::new(input))),
            Code::Special(Special::Default) => {
                let fallback = if rest.is_empty() { Ex::Const(Value::from("")) } else { rest.swap_remove(0) };
                return Ok(Ex::Default(Box::new((input, fallback))));
            }
            _ => {}
        }
        if callable.safe == Safe::Escaped && !spread {
            let strategy = match rest.as_slice() {
                [] => Some(Strategy::Html),
                [Ex::Const(Value::Str(name))] => Some(Strategy::from_name(name)),
                _ => None,
            };
            if let Some(strategy) = strategy {
                return Ok(Ex::Force(strategy, Box::new(input), line));
            }
        }
        rest.insert(0, input);
        Ok(self.call(callable, rest, spread, line))
    }

    fn function(
        &mut self,
        callable: &Arc<Callable>,
        shown: &EcoString,
        args: &[Arg],
        line: u32,
    ) -> Result<Ex, Error> {
        Used::note(&mut self.used.functions, shown, line);
        let Code::Special(special) = callable.code else {
            let (args, spread) = self.bound(callable, args, line)?;
            return Ok(self.call(callable, args, spread, line));
        };
        let (args, _) = self.bound(callable, args, line)?;
        let mut args = args.into_iter();
        match special {
            Special::Include | Special::IncludeOnly | Special::RenderSandboxed => {
                let template = args.next().unwrap_or(Ex::Const(Value::Null));
                let variables = args.next();
                if special == Special::Include {
                    self.reads_all();
                }
                let no = || Some(Ex::Const(Value::Bool(false)));
                let (with_context, ignore_missing, sandboxed) = match special {
                    Special::Include => (args.next(), args.next(), args.next()),
                    Special::IncludeOnly => (no(), args.next(), None),
                    _ => (no(), args.next(), Some(Ex::Const(Value::Bool(true)))),
                };
                Ok(Ex::Include(Box::new(IncludeEx {
                    template,
                    variables,
                    with_context,
                    ignore_missing,
                    sandboxed,
                    line,
                })))
            }
            Special::Dump => {
                if !self.options.debug {
                    return Ok(Ex::Const(Value::Null));
                }
                self.reads_context();
                Ok(Ex::Dump(args.collect()))
            }
            Special::Enum | Special::EnumCases => match args.next() {
                Some(Ex::Const(Value::Str(name))) => Err(Error::syntax(
                    format!(
                        "The first argument of the \"{shown}\" function must be the name of an enum, \"{name}\" given."
                    ),
                    line,
                )),
                Some(Ex::Const(_)) => Err(Error::syntax(
                    format!("The first argument of the \"{shown}\" function must be a string."),
                    line,
                )),
                first => {
                    let args: Vec<Ex> = first.into_iter().collect();
                    Ok(self.call(callable, args, false, line))
                }
            },
            _ => {
                Err(Error::new(ErrorKind::Syntax, format!("The function \"{shown}\" cannot be called here.")))
            }
        }
    }

    fn test(
        &mut self,
        callable: &Arc<Callable>,
        shown: &EcoString,
        input: &Expr,
        args: &[Arg],
        line: u32,
    ) -> Result<Ex, Error> {
        if !callable.always_allowed {
            Used::note(&mut self.used.tests, shown, line);
        }
        if matches!(callable.code, Code::Special(Special::Defined)) {
            return self.defined(input, line);
        }
        let input = self.expr(input)?;
        let (mut rest, spread) = self.bound(callable, args, line)?;
        rest.insert(0, input);
        Ok(self.call(callable, rest, spread, line))
    }

    fn defined(&mut self, input: &Expr, line: u32) -> Result<Ex, Error> {
        let refuse = || Error::syntax("The \"defined\" test only works with simple variables.", line);
        match &input.kind {
            ExprKind::Const(_) | ExprKind::Array(_) => {
                self.expr(input)?;
                Ok(Ex::Const(Value::Bool(true)))
            }
            ExprKind::Function { callable, .. } if callable.name == "constant" => {
                Ok(Ex::Defined(self.boxed(input)?))
            }
            ExprKind::Name(_)
            | ExprKind::Attr { .. }
            | ExprKind::Macro { .. }
            | ExprKind::Block { .. }
            | ExprKind::Parent(_) => Ok(Ex::Defined(self.boxed(input)?)),
            // Any other function is simply called.
            ExprKind::Function { .. } => self.expr(input),
            _ => Err(refuse()),
        }
    }

    fn macro_call(
        &mut self,
        target: &MacroTarget,
        name: &Expr,
        args: &[Arg],
        line: u32,
    ) -> Result<Ex, Error> {
        let import = match target {
            MacroTarget::Own => None,
            MacroTarget::Import(slot) => Some(*slot),
        };
        let name = self.expr(name)?;
        let own = match (&import, &name) {
            (None, Ex::Const(Value::Str(n))) => self.macros.iter().position(|m| m == n),
            _ => None,
        };
        let args = self.named_args(args)?;
        let plain = args.iter().all(|(name, ex)| name.is_none() && !matches!(ex, Ex::Spread(_)));
        Ok(Ex::Macro(Box::new(MacroEx { import, name, own, args, plain, line })))
    }

    fn arrow(&mut self, params: &[EcoString], body: &Expr) -> Result<Ex, Error> {
        self.push_unit(true);
        let params: Vec<u32> = params.iter().map(|p| self.slot(p)).collect();
        let line = body.line;
        let body = self.expr(body);
        let builder = self.units.pop().unwrap_or_default();
        let body = body?;
        let mut captures = Vec::new();
        for (at, name) in builder.names.iter().enumerate() {
            let inner = crate::num::small(at);
            if !params.contains(&inner)
                && let Ex::Var(outer, _) = self.variable(&name.text, 0)
            {
                captures.push((outer, inner));
            }
        }
        let unit = crate::program::Unit::new(builder.names, Vec::new(), Vec::new());
        let whole_context = builder.whole_context;
        Ok(Ex::Arrow(Arc::new(ArrowCode { unit, params, captures, body, line, whole_context })))
    }
}

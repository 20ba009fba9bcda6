//! Operators and postfix forms.

use ecow::EcoString;

use super::ast::{Arg, ArrayLit, BinOp, CallType, Expr, ExprKind, Extent, MacroTarget};
use super::literal::is_word;
use super::parser::{MAX_CHAIN, Parser};
use super::token::{Kind, Token};
use crate::callable::{CallKind, Callable, Code, Special};
use crate::error::Error;
use crate::text::regex::Pattern;
use crate::value::{Bits, Op2, Value};

/// Precedence, right associativity and the operator of the plain binary operators.
fn binary(sign: &str) -> Option<(u32, bool, BinOp, &'static str)> {
    // table: the operators of the language
    Some(match sign {
        "**" => (200, true, BinOp::Math(Op2::Pow), "**"),
        "*" => (60, false, BinOp::Math(Op2::Mul), "*"),
        "/" => (60, false, BinOp::Math(Op2::Div), "/"),
        "//" => (60, false, BinOp::Math(Op2::FloorDiv), "//"),
        "%" => (60, false, BinOp::Math(Op2::Mod), "%"),
        "+" => (30, false, BinOp::Math(Op2::Add), "+"),
        "-" => (30, false, BinOp::Math(Op2::Sub), "-"),
        ".." => (25, false, BinOp::Range, ".."),
        "==" => (20, false, BinOp::Eq, "=="),
        "!=" => (20, false, BinOp::Ne, "!="),
        "<=>" => (20, false, BinOp::Spaceship, "<=>"),
        "<" => (20, false, BinOp::Less, "<"),
        ">" => (20, false, BinOp::Greater, ">"),
        "<=" => (20, false, BinOp::LessEq, "<="),
        ">=" => (20, false, BinOp::GreaterEq, ">="),
        "===" => (20, false, BinOp::Same, "==="),
        "!==" => (20, false, BinOp::NotSame, "!=="),
        "in" => (20, false, BinOp::In, "in"),
        "not in" => (20, false, BinOp::NotIn, "not in"),
        "matches" => (20, false, BinOp::Matches, "matches"),
        "starts with" => (20, false, BinOp::StartsWith, "starts with"),
        "ends with" => (20, false, BinOp::EndsWith, "ends with"),
        "has some" => (20, false, BinOp::HasSome, "has some"),
        "has every" => (20, false, BinOp::HasEvery, "has every"),
        "b-and" => (18, false, BinOp::Bits(Bits::And), "b-and"),
        "b-xor" => (17, false, BinOp::Bits(Bits::Xor), "b-xor"),
        "b-or" => (16, false, BinOp::Bits(Bits::Or), "b-or"),
        "and" => (15, false, BinOp::And, "and"),
        "xor" => (12, false, BinOp::Xor, "xor"),
        "or" => (10, false, BinOp::Or, "or"),
        _ => return None,
    })
}

/// The precedence of any operator that can follow an expression.
fn infix_precedence(sign: &str) -> Option<u32> {
    if let Some((precedence, ..)) = binary(sign) {
        return Some(precedence);
    }
    Some(match sign {
        "|" | "(" | "." | "?." | "[" => 512,
        "??" => 300,
        "=>" => 250,
        "~" => 40,
        "is" | "is not" => 100,
        "?:" | "? :" => 5,
        "?" | "=" => 0,
        _ => return None,
    })
}

/// Operators whose precedence changes in Twig 4: sign, kind, today's and the later precedence, and the
/// version that announced it.
const MOVES: [(&str, &str, u32, u32, &str); 4] = [
    ("not", "prefix", 50, 70, "3.15"),
    ("??", "infix", 300, 5, "3.15"),
    ("~", "infix", 40, 27, "3.15"),
    ("|", "infix", 512, 300, "3.21"),
];

impl Parser<'_> {
    /// Parses an expression of operators that bind at least as tight as a precedence.
    pub(crate) fn expression(&mut self, precedence: u32) -> Result<Expr, Error> {
        self.deeper()?;
        let start = self.stream.offset();
        let mut expr = self.prefix()?;
        expr.extent = Extent::new(start, self.stream.behind());
        let mut chain = 0;
        loop {
            let token = self.stream.current();
            if token.kind != Kind::Operator {
                break;
            }
            match infix_precedence(token.text()) {
                Some(p) if p >= precedence => {}
                _ => break,
            }
            let token = self.stream.next()?;
            // A long chain of operators nests the tree as deep as it is long.
            chain += u32::from(token.text() != "~");
            if chain > MAX_CHAIN {
                return Err(Error::syntax(
                    format!("An expression has more than {MAX_CHAIN} operators in a row."),
                    token.line,
                ));
            }
            expr = self.infix(expr, &token)?;
            expr.extent = Extent::new(start, self.stream.behind());
        }
        self.shallower();
        Ok(expr)
    }

    fn prefix(&mut self) -> Result<Expr, Error> {
        let token = self.stream.current().clone();
        if token.kind != Kind::Operator {
            return self.literal();
        }
        let line = token.line;
        match token.text() {
            "not" => {
                self.stream.next()?;
                let operand = self.expression(50)?;
                if matches!(operand.operator, Some("*" | "/" | "//" | "%")) && !operand.parens {
                    self.warn_of_move("not", "prefix", "3.15", operand.line);
                }
                self.warn_of_moves(50, &[&operand]);
                let mut expr = Expr::new(ExprKind::Not(Box::new(operand)), line);
                expr.operator = Some("not");
                Ok(expr)
            }
            "-" | "+" => {
                self.stream.next()?;
                let operand = Box::new(self.expression(500)?);
                self.warn_of_moves(500, &[&operand]);
                let kind = if token.text() == "-" { ExprKind::Neg(operand) } else { ExprKind::Pos(operand) };
                Ok(Expr::new(kind, line))
            }
            "..." => {
                self.stream.next()?;
                let operand = self.expression(0)?;
                Ok(Expr::new(ExprKind::Spread(Box::new(operand)), line))
            }
            "(" => {
                self.stream.next()?;
                self.group(line)
            }
            _ => self.literal(),
        }
    }

    /// After `(`: a grouped expression or the parameters of an arrow function.
    fn group(&mut self, line: u32) -> Result<Expr, Error> {
        let mut expr = self.expression(0)?;
        let arrow = |parser: &Self| parser.stream.test(Kind::Operator, "=>");
        if self.stream.next_if(Kind::Punctuation, ")") {
            if !arrow(self) {
                expr.parens = true;
                return Ok(expr);
            }
            let name = self.param_name(&expr)?;
            return Ok(Expr::new(ExprKind::Params(vec![name]), line));
        }
        if !self.stream.test(Kind::Punctuation, ",") {
            self.stream.expect(Kind::Punctuation, ")", "An opened parenthesis is not properly closed")?;
        }
        let mut rest = Vec::new();
        while !self.stream.next_if(Kind::Punctuation, ")") {
            self.stream.expect(Kind::Punctuation, ",", "")?;
            rest.push(self.stream.expect(Kind::Name, "", "")?.name());
        }
        if !arrow(self) {
            return Err(Error::syntax(
                "A list of variables must be followed by an arrow.",
                self.stream.line(),
            ));
        }
        let mut names = vec![self.param_name(&expr)?];
        for name in rest {
            assignable(&name, line)?;
            names.push(name);
        }
        Ok(Expr::new(ExprKind::Params(names), line))
    }

    fn param_name(&self, expr: &Expr) -> Result<EcoString, Error> {
        match expr.as_name() {
            Some(name) => {
                assignable(name, expr.line)?;
                Ok(name.clone())
            }
            None => Err(Error::syntax(
                "The arrow function argument must be a list of variables or a single variable.",
                expr.line,
            )),
        }
    }

    fn infix(&mut self, left: Expr, token: &Token) -> Result<Expr, Error> {
        let line = token.line;
        let sign = token.text();
        if let Some((precedence, right_first, op, name)) = binary(sign) {
            let right = self.expression(if right_first { precedence } else { precedence + 1 })?;
            self.warn_of_moves(precedence, &[&left, &right]);
            if let (BinOp::Matches, ExprKind::Const(pattern)) = (op, &right.kind) {
                Pattern::constant(pattern, line)?;
            }
            let mut expr = Expr::new(ExprKind::Binary(op, Box::new(left), Box::new(right)), line);
            expr.operator = Some(name);
            return Ok(expr);
        }
        match sign {
            "." | "?." => self.dot(left, sign == "?."),
            "[" => self.subscript(left, line),
            "|" => {
                let mut expr = self.filter(left)?;
                expr.operator = Some("|");
                Ok(expr)
            }
            "(" => self.function(&left, line),
            "is" | "is not" => {
                if sign == "is" {
                    self.warn_of_moves(100, &[&left]);
                }
                let test = self.test(left, line)?;
                if sign == "is" {
                    return Ok(test);
                }
                Ok(Expr::new(ExprKind::Not(Box::new(test)), line))
            }
            "=>" => {
                let body = Box::new(self.expression(0)?);
                let params = match &left.kind {
                    ExprKind::Params(names) => names.clone(),
                    _ => vec![self.param_name(&left)?],
                };
                self.warn_of_moves(250, &[&body]);
                Ok(Expr::new(ExprKind::Arrow { params, body }, line))
            }
            "~" => {
                let right = self.expression(41)?;
                self.warn_of_moves(40, &[&left, &right]);
                let mut expr = Expr::concat(left, right, line);
                expr.operator = Some("~");
                Ok(expr)
            }
            "??" => {
                let right = self.expression(300)?;
                if !left.may_be_defined() {
                    let why = "The \"defined\" test only works with simple variables.";
                    return Err(Error::syntax(why, left.line));
                }
                let mut expr = Expr::new(ExprKind::Coalesce(Box::new(left), Box::new(right)), line);
                expr.operator = Some("??");
                Ok(expr)
            }
            "?:" | "? :" => {
                let right = self.expression(5)?;
                Ok(Expr::new(ExprKind::Elvis(Box::new(left), Box::new(right)), line))
            }
            "?" => {
                let then = self.expression(0)?;
                let otherwise = if self.stream.next_if(Kind::Punctuation, ":") {
                    self.expression(0)?
                } else {
                    Expr::constant(Value::from(""), line)
                };
                Ok(Expr::new(ExprKind::Cond(Box::new(left), Box::new(then), Box::new(otherwise)), line))
            }
            _ => self.assignment(left, line),
        }
    }

    fn assignment(&mut self, left: Expr, line: u32) -> Result<Expr, Error> {
        let refuse = |expr: &Expr, what: &str| {
            Error::syntax(
                format!("Cannot assign to \"{}\", only variables can be assigned{what}.", expr.php_class()),
                line,
            )
        };
        match left.kind {
            ExprKind::Name(ref name) => {
                let name = name.clone();
                let right = Box::new(self.expression(0)?);
                assignable(&name, left.line)?;
                Ok(Expr::new(ExprKind::Assign(name, right), line))
            }
            ExprKind::Array(ArrayLit { items, mapping: false }) => {
                let right = Box::new(self.expression(0)?);
                let mut names = Vec::new();
                for item in items {
                    names.push(match &item.value.kind {
                        ExprKind::Hole => None,
                        ExprKind::Name(name) => {
                            assignable(name, item.value.line)?;
                            Some(name.clone())
                        }
                        _ => return Err(refuse(&item.value, " in sequence destructuring")),
                    });
                }
                Ok(Expr::new(ExprKind::AssignList(names, right), line))
            }
            ExprKind::Array(ArrayLit { items, mapping: true }) => {
                let right = Box::new(self.expression(0)?);
                let mut names = Vec::new();
                for item in items {
                    let ExprKind::Name(name) = &item.value.kind else {
                        return Err(refuse(&item.value, " in object/mapping destructuring"));
                    };
                    assignable(name, item.value.line)?;
                    let key = match item.key.map(|k| k.kind) {
                        Some(ExprKind::Const(key)) => key,
                        _ => return Err(refuse(&item.value, " in object/mapping destructuring")),
                    };
                    names.push((key, name.clone()));
                }
                Ok(Expr::new(ExprKind::AssignMap(names, right), line))
            }
            _ => Err(refuse(&left, "")),
        }
    }

    fn dot(&mut self, object: Expr, null_safe: bool) -> Result<Expr, Error> {
        let line = self.stream.line();
        let name = if self.stream.next_if(Kind::Operator, "(") {
            let name = self.expression(0)?;
            self.stream.expect(Kind::Punctuation, ")", "")?;
            name
        } else {
            let token = self.stream.next()?;
            let is_name = matches!(token.kind, Kind::Name | Kind::Number)
                || (token.kind == Kind::Operator && is_word(token.text().split(' ').next().unwrap_or("")));
            if !is_name {
                return Err(Error::syntax(
                    format!(
                        "Expected name or number, got value \"{}\" of type \"{}\".",
                        token.shown(),
                        token.kind.english()
                    ),
                    token.line,
                ));
            }
            Expr::constant(token.value, token.line)
        };
        let called = self.stream.test(Kind::Operator, "(");
        let args = if called { Some(self.arguments(true)?) } else { None };
        if let Some(variable) = object.as_name()
            && let Some(target) = self.macro_target(variable)
        {
            let plain = match &name.kind {
                ExprKind::Const(Value::Str(text)) => is_word(text),
                ExprKind::Const(_) => false,
                _ => true,
            };
            if plain {
                let line = object.line;
                let args = args.unwrap_or_default();
                return Ok(Expr::new(ExprKind::Macro { target, name: Box::new(name), args }, line));
            }
        }
        let call = if called { CallType::Method } else { CallType::Any };
        let (object, name) = (Box::new(object), Box::new(name));
        Ok(Expr::new(ExprKind::Attr { object, name, args, call, null_safe }, line))
    }

    fn subscript(&mut self, object: Expr, line: u32) -> Result<Expr, Error> {
        let first = if self.stream.test(Kind::Punctuation, ":") {
            Expr::constant(Value::Int(0), line)
        } else {
            self.expression(0)?
        };
        if self.stream.next_if(Kind::Punctuation, ":") {
            let length = if self.stream.test(Kind::Punctuation, "]") {
                Expr::constant(Value::Null, line)
            } else {
                self.expression(0)?
            };
            self.stream.expect(Kind::Punctuation, "]", "")?;
            let callable = self.callable(CallKind::Filter, "slice", line)?;
            let args = vec![Arg { name: None, value: first }, Arg { name: None, value: length }];
            let input = Box::new(object);
            return Ok(Expr::new(ExprKind::Filter { callable, shown: "slice".into(), input, args }, line));
        }
        self.stream.expect(Kind::Punctuation, "]", "")?;
        let (object, name) = (Box::new(object), Box::new(first));
        let call = CallType::Array;
        Ok(Expr::new(ExprKind::Attr { object, name, args: None, call, null_safe: false }, line))
    }

    pub(crate) fn filter(&mut self, input: Expr) -> Result<Expr, Error> {
        let token = self.stream.expect(Kind::Name, "", "")?;
        let mut args = if self.stream.test(Kind::Operator, "(") { self.arguments(true)? } else { Vec::new() };
        let callable = self.callable(CallKind::Filter, token.text(), token.line)?;
        self.snake_names(&callable, &mut args, token.line);
        let input = Box::new(input);
        Ok(Expr::new(ExprKind::Filter { callable, shown: token.name(), input, args }, token.line))
    }

    fn function(&mut self, left: &Expr, line: u32) -> Result<Expr, Error> {
        let Some(name) = left.as_name().cloned() else {
            return Err(Error::syntax("Function name must be an identifier.", line));
        };
        let line = left.line;
        if let Some(symbol) = self.symbol(&name, true).cloned() {
            let args = self.arguments(false)?;
            let name = Expr::constant(Value::Str(symbol.name.unwrap_or_default()), line);
            let target = MacroTarget::Import(symbol.slot);
            return Ok(Expr::new(ExprKind::Macro { target, name: Box::new(name), args }, line));
        }
        let mut args = self.arguments(false)?;
        let callable = self.callable(CallKind::Function, &name, line)?;
        self.snake_names(&callable, &mut args, line);
        match callable.code {
            Code::Special(Special::Parent) => {
                let Some(block) = self.draft.block_stack.last().cloned() else {
                    return Err(Error::syntax(
                        "Calling the \"parent\" function outside of a block is forbidden.",
                        line,
                    ));
                };
                if !self.has_inheritance() {
                    return Err(Error::syntax(
                        "Calling the \"parent\" function on a template that does not call \"extends\" or \"use\" is forbidden.",
                        line,
                    ));
                }
                Ok(Expr::new(ExprKind::Parent(block), line))
            }
            Code::Special(Special::Block) => {
                let mut args = super::args::bind(&callable, args, line)?.into_iter();
                let name = Box::new(args.next().unwrap_or_else(|| Expr::constant(Value::Null, line)));
                let template = args.next().map(Box::new);
                Ok(Expr::new(ExprKind::Block { name, template }, line))
            }
            Code::Special(Special::Attribute) => {
                let mut args = super::args::bind(&callable, args, line)?.into_iter();
                let mut next = || Box::new(args.next().unwrap_or_else(|| Expr::constant(Value::Null, line)));
                let (object, name) = (next(), next());
                let args = args.next().map(|list| vec![Arg { name: None, value: spread(list) }]);
                let call = CallType::Any;
                Ok(Expr::new(ExprKind::Attr { object, name, args, call, null_safe: false }, line))
            }
            _ => Ok(Expr::new(ExprKind::Function { callable, shown: name, args }, line)),
        }
    }

    fn test(&mut self, mut input: Expr, line: u32) -> Result<Expr, Error> {
        let first = self.stream.expect(Kind::Name, "", "")?;
        let mut name = first.name();
        if self.stream.test_kind(Kind::Name) {
            let second = self.stream.current().name();
            name = ecow::eco_format!("{name} {second}");
            // Who lets unknown tests pass takes both words for the name.
            if self.lenient > 0 || self.registry.find(CallKind::Test, &name).is_some() {
                self.stream.next()?;
            }
        }
        // An unknown test is one of the operator's line, a deprecated one of the line it ends at.
        let known = self.registry.find(CallKind::Test, &name).is_some();
        let place = if known { self.stream.line() } else { line };
        let callable = self.callable(CallKind::Test, &name, place)?;
        let mut args = if self.stream.test(Kind::Operator, "(") {
            self.arguments(true)?
        } else if callable.mandatory {
            vec![Arg { name: None, value: self.expression(100)? }]
        } else {
            Vec::new()
        };
        self.snake_names(&callable, &mut args, line);
        if matches!(callable.code, Code::Special(Special::Defined))
            && let Some(variable) = input.as_name()
            && let Some(symbol) = self.symbol(variable, true).cloned()
        {
            let at = input.line;
            let name = Box::new(Expr::constant(Value::Str(symbol.name.unwrap_or_default()), at));
            let target = MacroTarget::Import(symbol.slot);
            input = Expr::new(ExprKind::Macro { target, name, args: Vec::new() }, at);
        }
        let end = self.stream.line();
        if matches!(callable.code, Code::Special(Special::Defined)) && !input.may_be_defined() {
            return Err(Error::syntax("The \"defined\" test only works with simple variables.", end));
        }
        Ok(Expr::new(ExprKind::Test { callable, shown: name, input: Box::new(input), args }, end))
    }

    /// Arguments in parentheses; the opening one is taken first if asked for.
    pub(crate) fn arguments(&mut self, open: bool) -> Result<Vec<Arg>, Error> {
        self.deeper()?;
        if open {
            let message = "A list of arguments must begin with an opening parenthesis";
            self.stream.expect(Kind::Operator, "(", message)?;
        }
        let mut args: Vec<Arg> = Vec::new();
        let mut unpacked = false;
        while !self.stream.test(Kind::Punctuation, ")") {
            if !args.is_empty() {
                self.stream.expect(Kind::Punctuation, ",", "Arguments must be separated by a comma")?;
                if self.stream.test(Kind::Punctuation, ")") {
                    break;
                }
            }
            let value = self.expression(0)?;
            if matches!(value.kind, ExprKind::Spread(_)) {
                unpacked = true;
            } else if unpacked {
                return Err(Error::syntax(
                    "Normal arguments must be placed before argument unpacking.",
                    self.stream.line(),
                ));
            }
            // `name = value` was read as an assignment.
            if !value.parens
                && let ExprKind::Assign(name, right) = value.kind
            {
                args.push(Arg { name: Some(name), value: *right });
                continue;
            }
            if self.stream.test(Kind::Punctuation, ":") {
                let line = self.stream.line();
                let Some(name) = value.as_name().cloned() else {
                    return Err(Error::syntax(
                        format!("A parameter name must be a string, \"{}\" given.", value.php_class()),
                        line,
                    ));
                };
                self.stream.next()?;
                let value = self.expression(0)?;
                args.push(Arg { name: Some(name), value });
                continue;
            }
            args.push(Arg { name: None, value });
        }
        self.stream.expect(Kind::Punctuation, ")", "A list of arguments must be closed by a parenthesis")?;
        self.shallower();
        Ok(args)
    }

    /// Warns of operands without parentheses whose operator binds otherwise in Twig 4, as an operator of a
    /// precedence sees them.
    fn warn_of_moves(&mut self, precedence: u32, operands: &[&Expr]) {
        for (sign, kind, now, later, version) in MOVES {
            if now.min(later) >= precedence || now.max(later) <= precedence {
                continue;
            }
            for operand in operands.iter().filter(|o| o.operator == Some(sign) && !o.parens) {
                self.warn_of_move(sign, kind, version, operand.line);
            }
        }
    }

    fn warn_of_move(&mut self, sign: &str, kind: &str, version: &str, line: u32) {
        let text = format!(
            "Since twig/twig {version}: As the \"{sign}\" {kind} operator will change its precedence in the next major version, add explicit parentheses to avoid behavior change"
        );
        self.warn(text, line);
    }

    /// Variadic arguments get their names in snake case, with a warning where that changes them.
    fn snake_names(&mut self, callable: &Callable, args: &mut [Arg], line: u32) {
        if !callable.variadic {
            return;
        }
        for arg in args {
            let Some(name) = &arg.name else { continue };
            if callable
                .params
                .iter()
                .flatten()
                .any(|p| super::args::normal(&p.name) == super::args::normal(name))
            {
                continue;
            }
            let snake = super::args::snake(name);
            if *name != snake {
                self.warn(
                    format!(
                        "Since twig/twig 3.15: Using \"snake_case\" for variadic arguments is required for a smooth upgrade with Twig 4.0; rename \"{name}\" to \"{snake}\""
                    ),
                    line,
                );
                arg.name = Some(snake);
            }
        }
    }
}

fn spread(list: Expr) -> Expr {
    let line = list.line;
    Expr::new(ExprKind::Spread(Box::new(list)), line)
}

/// Refuses names that are constants.
pub(crate) fn assignable(name: &str, line: u32) -> Result<(), Error> {
    if matches!(name.to_ascii_lowercase().as_str(), "true" | "false" | "none" | "null") {
        return Err(Error::syntax(format!("You cannot assign a value to \"{name}\"."), line));
    }
    Ok(())
}

//! The compiled form: variables are slots, constants are folded, callables are function pointers.

use std::ops::Range;
use std::sync::Arc;

use ecow::EcoString;

use crate::callable::{Callable, Native, Strategy};
use crate::error::Error;
use crate::num;
use crate::run::Rt;
use crate::text::regex::Pattern;
use crate::value::{Array, Bits, Hint, Key, Op2, V, Value, hash_str};

/// Appends a call's result to the output; `false` if it does not take these arguments on and wrote nothing.
pub(crate) type Printer = for<'r, 'v> fn(&mut Rt<'r>, &[V<'v>]) -> Result<bool, Error>;

/// The compiled form of a template or of an embedded one.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) main: Unit,
    pub(crate) parent: Option<ParentCode>,
    pub(crate) blocks: Vec<BlockCode>,
    pub(crate) macros: Vec<MacroCode>,
    pub(crate) uses: Vec<UseCode>,
    pub(crate) embeds: Vec<Arc<Code>>,
    pub(crate) imports: usize,
    pub(crate) used: Used,
    /// Whether something may read the context that a loop found, be it a loop of another template.
    pub(crate) reads_parent: bool,
    /// Deprecations met while compiling, each with its line.
    pub(crate) warnings: Vec<(String, u32)>,
}

/// What the sandbox has to allow before a template runs, each with the line of its first use.
#[derive(Debug, Default, Clone)]
pub(crate) struct Used {
    pub(crate) tags: Vec<(EcoString, u32)>,
    pub(crate) filters: Vec<(EcoString, u32)>,
    pub(crate) functions: Vec<(EcoString, u32)>,
    pub(crate) tests: Vec<(EcoString, u32)>,
}

impl Used {
    pub(crate) fn note(list: &mut Vec<(EcoString, u32)>, name: &EcoString, line: u32) {
        if !list.iter().any(|(n, _)| n == name) {
            list.push((name.clone(), line));
        }
    }
}

#[derive(Debug)]
pub(crate) struct ParentCode {
    pub(crate) unit: Unit,
    pub(crate) expr: Ex,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct BlockCode {
    pub(crate) name: Name,
    pub(crate) unit: Unit,
}

#[derive(Debug)]
pub(crate) struct MacroCode {
    pub(crate) name: EcoString,
    /// Name, slot and default of each parameter.
    pub(crate) params: Vec<(EcoString, u32, Option<Value>)>,
    /// The slot of the further arguments, if the macro reads them.
    pub(crate) rest: Option<u32>,
    pub(crate) unit: Unit,
}

#[derive(Debug)]
pub(crate) struct UseCode {
    pub(crate) template: EcoString,
    pub(crate) targets: Vec<(EcoString, EcoString)>,
    pub(crate) line: u32,
}

/// A name with its hash.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) hash: u64,
    pub(crate) text: EcoString,
}

impl Name {
    pub(crate) fn new(text: &str) -> Self {
        Self { hash: hash_str(text), text: text.into() }
    }
}

/// A piece that runs with variables of its own: a body, a block, a macro, an arrow function.
#[derive(Debug, Default)]
pub(crate) struct Unit {
    /// The variables by slot.
    pub(crate) names: Vec<Name>,
    /// The hashes of the names, side by side: other units look for names in them all the time.
    pub(crate) hashes: Vec<u64>,
    /// Whether each slot is set before anything reads it, as far as the text tells: what the scope has under its name is
    /// looked up if it is asked for all the same.
    late: Vec<bool>,
    pub(crate) body: Vec<Op>,
}

impl Unit {
    /// A unit of variables, each with whether it is set before it is read; one that says nothing is not.
    pub(crate) fn new(names: Vec<Name>, late: Vec<bool>, body: Vec<Op>) -> Self {
        let hashes = names.iter().map(|name| name.hash).collect();
        Self { names, hashes, late, body }
    }

    /// Whether a slot is set before anything reads it.
    pub(crate) fn is_late(&self, slot: u32) -> bool {
        self.late.get(num::at(slot)).copied().unwrap_or(false)
    }

    /// The slot of a variable.
    pub(crate) fn slot(&self, name: &Name) -> Option<u32> {
        let same = |at: &usize| self.names.get(*at).is_some_and(|n| n.text == name.text);
        let at = self.hashes.iter().position(|hash| *hash == name.hash).filter(same)?;
        Some(num::small(at))
    }
}

#[derive(Debug)]
pub(crate) enum Op {
    /// A range of the source.
    Text(Range<u32>),
    /// A constant and its place in the source.
    Str(EcoString, u32),
    /// What is printed, its line and its place in the source.
    Print(Ex, u32, u32),
    If(Box<IfOp>),
    For(Box<ForOp>),
    Set(u32, Ex, u32),
    SetMany(Vec<u32>, Vec<Ex>, u32),
    /// `x = x|merge(…)` and `x = x ~ …`: a value that nothing else holds grows where it lies.
    Grow(Box<GrowOp>),
    Capture(u32, Vec<Op>),
    Do(Ex, u32),
    /// Hands on what was put out so far.
    Flush(u32),
    Block(Name, u32),
    Include(Box<IncludeOp>),
    Embed(Box<EmbedOp>),
    Import(Box<ImportOp>),
    With(Box<WithOp>),
    Apply(Box<ApplyOp>),
    Sandbox(Vec<Op>),
    Deprecated(Box<DeprecatedOp>),
    Cache(Box<CacheOp>),
    Group(Vec<Op>),
}

#[derive(Debug)]
pub(crate) struct GrowOp {
    pub(crate) slot: u32,
    /// The call of `merge` or the concatenation; the variable is its first operand, the others assign nothing.
    pub(crate) ex: Ex,
    pub(crate) line: u32,
}

impl GrowOp {
    /// The operation for a variable and what it is set to, if it only adds to it.
    pub(crate) fn of(slot: u32, ex: Ex, line: u32) -> Result<Self, Ex> {
        let own = |ex: &Ex| matches!(ex, Ex::Var(of, _) if *of == slot);
        let grows = match &ex {
            Ex::Call(call) if call.callable.name == "merge" && call.native.is_some() && !call.spread => {
                matches!(call.args.as_slice(), [first, added] if own(first) && added.assigns_nothing())
            }
            Ex::Concat(parts) => match parts.as_slice() {
                [first, rest @ ..] => own(first) && rest.iter().all(Ex::assigns_nothing),
                [] => false,
            },
            _ => false,
        };
        if grows { Ok(Self { slot, ex, line }) } else { Err(ex) }
    }
}

#[derive(Debug)]
pub(crate) struct IfOp {
    /// Condition, its line, body.
    pub(crate) branches: Vec<(Ex, u32, Vec<Op>)>,
    pub(crate) otherwise: Vec<Op>,
}

#[derive(Debug)]
pub(crate) struct ForOp {
    pub(crate) seq: Ex,
    pub(crate) key: Option<u32>,
    pub(crate) value: u32,
    /// Whether key or value is itself called `loop`.
    pub(crate) named_loop: bool,
    pub(crate) loop_slot: u32,
    /// The slots assigned in the body.
    pub(crate) assigned: Vec<u32>,
    /// Whether the context before the loop is kept for `loop.parent`.
    pub(crate) keeps_parent: bool,
    pub(crate) body: Vec<Op>,
    pub(crate) otherwise: Option<Vec<Op>>,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct IncludeOp {
    pub(crate) template: Ex,
    pub(crate) with: Option<Ex>,
    pub(crate) only: bool,
    pub(crate) ignore_missing: bool,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct EmbedOp {
    pub(crate) index: usize,
    pub(crate) with: Option<Ex>,
    pub(crate) only: bool,
    pub(crate) ignore_missing: bool,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct ImportOp {
    /// `None` for `_self`.
    pub(crate) template: Option<Ex>,
    pub(crate) slot: u32,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct WithOp {
    pub(crate) vars: Option<Ex>,
    pub(crate) only: bool,
    pub(crate) unit: Unit,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct ApplyOp {
    pub(crate) body: Vec<Op>,
    /// Reads the captured text as [`Ex::Captured`].
    pub(crate) expr: Ex,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct DeprecatedOp {
    pub(crate) message: Ex,
    pub(crate) package: Option<Ex>,
    pub(crate) version: Option<Ex>,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct CacheOp {
    pub(crate) key: Ex,
    /// Lifetime and tags read the unit's variables.
    pub(crate) ttl: Option<Ex>,
    pub(crate) tags: Option<Ex>,
    pub(crate) unit: Unit,
    pub(crate) line: u32,
}

/// The fields of `loop`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoopField {
    Index,
    Index0,
    RevIndex,
    RevIndex0,
    First,
    Last,
    Length,
}

impl LoopField {
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "index" => Self::Index,
            "index0" => Self::Index0,
            "revindex" => Self::RevIndex,
            "revindex0" => Self::RevIndex0,
            "first" => Self::First,
            "last" => Self::Last,
            "length" => Self::Length,
            _ => return None,
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cmp {
    Eq,
    Ne,
    Same,
    NotSame,
    Spaceship,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    In,
    NotIn,
    StartsWith,
    EndsWith,
}

#[derive(Debug)]
pub(crate) enum Ex {
    Const(Value),
    Var(u32, u32),
    Context,
    /// The text that an `apply` tag captured.
    Captured,
    Loop(u32, LoopField, u32),
    List(Vec<Ex>),
    Array(Vec<(ItemKey, Ex)>),
    Not(Box<Ex>),
    Neg(Box<Ex>),
    Pos(Box<Ex>),
    Math(Op2, Box<(Ex, Ex)>),
    Bits(Bits, Box<(Ex, Ex)>),
    Cmp(Cmp, Box<(Ex, Ex)>),
    Concat(Vec<Ex>),
    And(Box<(Ex, Ex)>),
    Or(Box<(Ex, Ex)>),
    Xor(Box<(Ex, Ex)>),
    Range(Box<(Ex, Ex)>),
    Matches(Box<MatchEx>),
    /// `has some` or, with `true`, `has every`.
    Has(bool, Box<(Ex, Ex)>),
    Cond(Box<(Ex, Ex, Ex)>),
    Elvis(Box<(Ex, Option<Strategy>, Ex)>),
    Coalesce(Box<(Ex, Option<Strategy>, Ex)>),
    Default(Box<(Ex, Ex)>),
    Defined(Box<Ex>),
    Attr(Box<AttrEx>),
    /// Ends a chain of null-safe attributes.
    Paren(Box<Ex>),
    Escape(Strategy, Box<Ex>, u32),
    /// The `escape` filter as a template calls it: markup is escaped too.
    Force(Strategy, Box<Ex>, u32),
    Call(Box<CallEx>),
    Macro(Box<MacroEx>),
    Block(Box<BlockEx>),
    Parent(Name, u32),
    Include(Box<IncludeEx>),
    Arrow(Arc<ArrowCode>),
    Assign(u32, Box<Ex>),
    AssignList(Vec<Option<u32>>, Box<Ex>),
    AssignMap(Vec<(AttrKey, u32)>, Box<Ex>, u32),
    Dump(Vec<Ex>),
    /// A spread argument, only inside argument lists.
    Spread(Box<Ex>),
    /// An expression whose value the sandbox may forbid to become a text.
    Guard(Box<Ex>, u32),
    /// An expression with a line of its own for errors.
    Line(u32, Box<Ex>),
}

impl Ex {
    /// Whether evaluating this surely leaves all variables as they are.
    fn assigns_nothing(&self) -> bool {
        match self {
            Self::Const(_) | Self::Var(..) | Self::Loop(..) => true,
            Self::List(items) | Self::Concat(items) => items.iter().all(Self::assigns_nothing),
            Self::Array(items) => items.iter().all(|(key, item)| {
                matches!(key, ItemKey::Next | ItemKey::Const(..)) && item.assigns_nothing()
            }),
            Self::Attr(attr) => {
                let key = match &attr.key {
                    AttrKey::Dynamic(key) => key.assigns_nothing(),
                    AttrKey::Name(..) | AttrKey::Index(..) => true,
                };
                key && attr.args.is_empty() && attr.object.assigns_nothing()
            }
            Self::Call(call) => !call.spread && call.args.iter().all(Self::assigns_nothing),
            Self::Cond(sides) => {
                sides.0.assigns_nothing() && sides.1.assigns_nothing() && sides.2.assigns_nothing()
            }
            Self::Elvis(sides) | Self::Coalesce(sides) => {
                sides.0.assigns_nothing() && sides.2.assigns_nothing()
            }
            Self::Default(sides)
            | Self::And(sides)
            | Self::Or(sides)
            | Self::Xor(sides)
            | Self::Cmp(_, sides)
            | Self::Math(_, sides) => sides.0.assigns_nothing() && sides.1.assigns_nothing(),
            Self::Escape(_, inner, _)
            | Self::Paren(inner)
            | Self::Not(inner)
            | Self::Neg(inner)
            | Self::Pos(inner)
            | Self::Defined(inner) => inner.assigns_nothing(),
            _ => false,
        }
    }
}

#[derive(Debug)]
pub(crate) enum ItemKey {
    Next,
    /// A known key with its hash.
    Const(Key, u64),
    Dynamic(Ex),
    Spread,
}

impl ItemKey {
    /// Whether this is a known key of a name.
    pub(crate) fn is(&self, name: &Name) -> bool {
        matches!(self, Self::Const(Key::Str(key), hash) if *hash == name.hash && *key == name.text)
    }
}

#[derive(Debug)]
pub(crate) struct MatchEx {
    pub(crate) subject: Ex,
    pub(crate) pattern: Ex,
    /// The pattern if it is constant.
    pub(crate) compiled: Option<Pattern>,
}

/// An attribute's name.
#[derive(Debug)]
pub(crate) enum AttrKey {
    /// A string that is no integer, and where arrays had it the first time.
    Name(Name, Value, Hint),
    /// An integer, as itself or as a string.
    Index(i64, Value),
    Dynamic(Ex),
}

impl AttrKey {
    /// The value that an array has at this key; always `None` for a key that is known only at run time.
    pub(crate) fn of<'v>(&self, array: &'v Array) -> Option<&'v Value> {
        match self {
            Self::Name(name, _, hint) => array.get_hinted(name.hash, &name.text, hint),
            Self::Index(n, _) => array.get_int(*n),
            Self::Dynamic(_) => None,
        }
    }

    pub(crate) fn constant(value: Value) -> Self {
        match &value {
            Value::Str(s) => match crate::value::canonical_int(s) {
                Some(n) => Self::Index(n, value),
                None => Self::Name(Name::new(s), value, Hint::default()),
            },
            Value::Int(n) => Self::Index(*n, value),
            _ => Self::Dynamic(Ex::Const(value)),
        }
    }
}

#[derive(Debug)]
pub(crate) struct AttrEx {
    pub(crate) object: Ex,
    pub(crate) key: AttrKey,
    pub(crate) args: Vec<(Option<EcoString>, Ex)>,
    pub(crate) call: crate::syntax::ast::CallType,
    pub(crate) null_safe: bool,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct CallEx {
    pub(crate) callable: Arc<Callable>,
    pub(crate) native: Option<Native>,
    pub(crate) printer: Option<Printer>,
    /// The input first, for filters and tests.
    pub(crate) args: Vec<Ex>,
    pub(crate) spread: bool,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct MacroEx {
    /// `None` for the template's own.
    pub(crate) import: Option<u32>,
    pub(crate) name: Ex,
    /// The macro's place if it is the template's own and known.
    pub(crate) own: Option<usize>,
    pub(crate) args: Vec<(Option<EcoString>, Ex)>,
    /// Whether all arguments are given by position, none unpacked.
    pub(crate) plain: bool,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct BlockEx {
    pub(crate) name: Ex,
    pub(crate) template: Option<Ex>,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct IncludeEx {
    pub(crate) template: Ex,
    pub(crate) variables: Option<Ex>,
    pub(crate) with_context: Option<Ex>,
    pub(crate) ignore_missing: Option<Ex>,
    pub(crate) sandboxed: Option<Ex>,
    pub(crate) line: u32,
}

#[derive(Debug)]
pub(crate) struct ArrowCode {
    pub(crate) unit: Unit,
    pub(crate) params: Vec<u32>,
    /// Pairs of the outer and the inner slot.
    pub(crate) captures: Vec<(u32, u32)>,
    pub(crate) body: Ex,
    /// The line of the body.
    pub(crate) line: u32,
    /// Whether the body may read any variable.
    pub(crate) whole_context: bool,
}

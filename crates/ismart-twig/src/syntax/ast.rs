//! The syntax tree.

use std::ops::Range;
use std::sync::Arc;

use ecow::EcoString;

use crate::callable::{Callable, Strategy};
use crate::num::small;
use crate::value::{Bits, Op2, Value};

/// A stretch of a source, in bytes; what the parser made up has none and is empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Extent {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        Self { start: small(start), end: small(end) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) line: u32,
    /// Where it stands, its parentheses included.
    pub(crate) extent: Extent,
    /// Whether the expression stood in parentheses of its own.
    pub(crate) parens: bool,
    /// The operator that made the expression, for warnings about changes of precedence.
    pub(crate) operator: Option<&'static str>,
}

impl Expr {
    pub(crate) fn new(kind: ExprKind, line: u32) -> Self {
        Self { kind, line, extent: Extent::default(), parens: false, operator: None }
    }

    pub(crate) fn constant(value: Value, line: u32) -> Self {
        Self::new(ExprKind::Const(value), line)
    }

    /// Whether it can be asked if the expression is defined.
    pub(crate) fn may_be_defined(&self) -> bool {
        matches!(
            self.kind,
            ExprKind::Const(_)
                | ExprKind::Array(_)
                | ExprKind::Name(_)
                | ExprKind::Attr { .. }
                | ExprKind::Macro { .. }
                | ExprKind::Block { .. }
                | ExprKind::Parent(_)
                | ExprKind::Function { .. }
        )
    }

    /// Two texts in a row; a longer row is kept flat.
    pub(crate) fn concat(left: Self, right: Self, line: u32) -> Self {
        let parts = match left.kind {
            ExprKind::Concat(mut parts) if !left.parens => {
                parts.push(right);
                parts
            }
            _ => vec![left, right],
        };
        Self::new(ExprKind::Concat(parts), line)
    }

    pub(crate) fn as_name(&self) -> Option<&EcoString> {
        match &self.kind {
            ExprKind::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The class of PHP Twig's node, as errors about assignments name it.
    pub(crate) fn php_class(&self) -> &'static str {
        match &self.kind {
            ExprKind::Const(_) => "Twig\\Node\\Expression\\ConstantExpression",
            ExprKind::Name(_) => "Twig\\Node\\Expression\\Variable\\ContextVariable",
            ExprKind::Array(_) => "Twig\\Node\\Expression\\ArrayExpression",
            ExprKind::Hole => "Twig\\Node\\Expression\\EmptyExpression",
            ExprKind::Attr { .. } => "Twig\\Node\\Expression\\GetAttrExpression",
            ExprKind::Filter { shown, .. } => match shown.as_str() {
                "default" => "Twig\\Node\\Expression\\Filter\\DefaultFilter",
                "raw" => "Twig\\Node\\Expression\\Filter\\RawFilter",
                _ => "Twig\\Node\\Expression\\FilterExpression",
            },
            ExprKind::Function { shown, .. } => match shown.as_str() {
                "enum" => "Twig\\Node\\Expression\\FunctionNode\\EnumFunction",
                "enum_cases" => "Twig\\Node\\Expression\\FunctionNode\\EnumCasesFunction",
                _ => "Twig\\Node\\Expression\\FunctionExpression",
            },
            ExprKind::Test { shown, .. } => match shown.as_str() {
                "constant" => "Twig\\Node\\Expression\\Test\\ConstantTest",
                "defined" => "Twig\\Node\\Expression\\Test\\DefinedTest",
                "divisible by" => "Twig\\Node\\Expression\\Test\\DivisiblebyTest",
                "even" => "Twig\\Node\\Expression\\Test\\EvenTest",
                "none" | "null" => "Twig\\Node\\Expression\\Test\\NullTest",
                "odd" => "Twig\\Node\\Expression\\Test\\OddTest",
                "same as" => "Twig\\Node\\Expression\\Test\\SameasTest",
                "true" => "Twig\\Node\\Expression\\Test\\TrueTest",
                _ => "Twig\\Node\\Expression\\TestExpression",
            },
            ExprKind::Macro { .. } => "Twig\\Node\\Expression\\MacroReferenceExpression",
            ExprKind::Block { .. } => "Twig\\Node\\Expression\\BlockReferenceExpression",
            ExprKind::Parent(_) => "Twig\\Node\\Expression\\ParentExpression",
            ExprKind::Arrow { .. } => "Twig\\Node\\Expression\\ArrowFunctionExpression",
            ExprKind::Params(_) => "Twig\\Node\\Expression\\ListExpression",
            ExprKind::Cond(..) => "Twig\\Node\\Expression\\Ternary\\ConditionalTernary",
            ExprKind::Elvis(..) => "Twig\\Node\\Expression\\Binary\\ElvisBinary",
            ExprKind::Coalesce(..) => "Twig\\Node\\Expression\\Binary\\NullCoalesceBinary",
            ExprKind::Assign(..) => "Twig\\Node\\Expression\\Binary\\SetBinary",
            ExprKind::AssignList(..) => "Twig\\Node\\Expression\\Binary\\SequenceDestructuringSetBinary",
            ExprKind::AssignMap(..) => "Twig\\Node\\Expression\\Binary\\ObjectDestructuringSetBinary",
            ExprKind::Spread(_) => "Twig\\Node\\Expression\\Unary\\SpreadUnary",
            ExprKind::Not(_) => "Twig\\Node\\Expression\\Unary\\NotUnary",
            ExprKind::Neg(_) => "Twig\\Node\\Expression\\Unary\\NegUnary",
            ExprKind::Pos(_) => "Twig\\Node\\Expression\\Unary\\PosUnary",
            ExprKind::Concat(_) => "Twig\\Node\\Expression\\Binary\\ConcatBinary",
            ExprKind::Binary(op, ..) => op.php_class(),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Const(Value),
    Name(EcoString),
    Array(ArrayLit),
    /// An empty place of a sequence, for destructuring.
    Hole,
    Not(Box<Expr>),
    Neg(Box<Expr>),
    Pos(Box<Expr>),
    Spread(Box<Expr>),
    Binary(BinOp, Box<Expr>, Box<Expr>),
    /// Two or more texts in a row.
    Concat(Vec<Expr>),
    Cond(Box<Expr>, Box<Expr>, Box<Expr>),
    Elvis(Box<Expr>, Box<Expr>),
    Coalesce(Box<Expr>, Box<Expr>),
    Attr {
        object: Box<Expr>,
        name: Box<Expr>,
        args: Option<Vec<Arg>>,
        call: CallType,
        null_safe: bool,
    },
    Filter {
        callable: Arc<Callable>,
        shown: EcoString,
        input: Box<Expr>,
        args: Vec<Arg>,
    },
    Function {
        callable: Arc<Callable>,
        shown: EcoString,
        args: Vec<Arg>,
    },
    Test {
        callable: Arc<Callable>,
        shown: EcoString,
        input: Box<Expr>,
        args: Vec<Arg>,
    },
    Macro {
        target: MacroTarget,
        name: Box<Expr>,
        args: Vec<Arg>,
    },
    Block {
        name: Box<Expr>,
        template: Option<Box<Expr>>,
    },
    Parent(EcoString),
    Arrow {
        params: Vec<EcoString>,
        body: Box<Expr>,
    },
    /// The names before an arrow.
    Params(Vec<EcoString>),
    Assign(EcoString, Box<Expr>),
    AssignList(Vec<Option<EcoString>>, Box<Expr>),
    /// Pairs of property and variable.
    AssignMap(Vec<(Value, EcoString)>, Box<Expr>),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct ArrayLit {
    pub(crate) items: Vec<Item>,
    /// Whether it was written with braces.
    pub(crate) mapping: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) key: Option<Expr>,
    pub(crate) value: Expr,
}

#[derive(Clone, Debug)]
pub(crate) struct Arg {
    pub(crate) name: Option<EcoString>,
    pub(crate) value: Expr,
}

/// How an attribute was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallType {
    /// `a.b`
    Any,
    /// `a[b]`
    Array,
    /// `a.b()`
    Method,
}

/// The templates a macro can come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MacroTarget {
    /// The template itself.
    Own,
    /// What `import` or `from` put at a place of the unit.
    Import(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinOp {
    Math(Op2),
    Bits(Bits),
    And,
    Or,
    Xor,
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
    Matches,
    StartsWith,
    EndsWith,
    HasSome,
    HasEvery,
    Range,
}

impl BinOp {
    fn php_class(self) -> &'static str {
        // table: the classes that PHP Twig names in its messages
        match self {
            Self::Math(Op2::Add) => "Twig\\Node\\Expression\\Binary\\AddBinary",
            Self::Math(Op2::Sub) => "Twig\\Node\\Expression\\Binary\\SubBinary",
            Self::Math(Op2::Mul) => "Twig\\Node\\Expression\\Binary\\MulBinary",
            Self::Math(Op2::Div) => "Twig\\Node\\Expression\\Binary\\DivBinary",
            Self::Math(Op2::FloorDiv) => "Twig\\Node\\Expression\\Binary\\FloorDivBinary",
            Self::Math(Op2::Mod) => "Twig\\Node\\Expression\\Binary\\ModBinary",
            Self::Math(Op2::Pow) => "Twig\\Node\\Expression\\Binary\\PowerBinary",
            Self::Bits(Bits::And) => "Twig\\Node\\Expression\\Binary\\BitwiseAndBinary",
            Self::Bits(Bits::Or) => "Twig\\Node\\Expression\\Binary\\BitwiseOrBinary",
            Self::Bits(Bits::Xor) => "Twig\\Node\\Expression\\Binary\\BitwiseXorBinary",
            Self::And => "Twig\\Node\\Expression\\Binary\\AndBinary",
            Self::Or => "Twig\\Node\\Expression\\Binary\\OrBinary",
            Self::Xor => "Twig\\Node\\Expression\\Binary\\XorBinary",
            Self::Eq => "Twig\\Node\\Expression\\Binary\\EqualBinary",
            Self::Ne => "Twig\\Node\\Expression\\Binary\\NotEqualBinary",
            Self::Same => "Twig\\Node\\Expression\\Binary\\SameAsBinary",
            Self::NotSame => "Twig\\Node\\Expression\\Binary\\NotSameAsBinary",
            Self::Spaceship => "Twig\\Node\\Expression\\Binary\\SpaceshipBinary",
            Self::Less => "Twig\\Node\\Expression\\Binary\\LessBinary",
            Self::LessEq => "Twig\\Node\\Expression\\Binary\\LessEqualBinary",
            Self::Greater => "Twig\\Node\\Expression\\Binary\\GreaterBinary",
            Self::GreaterEq => "Twig\\Node\\Expression\\Binary\\GreaterEqualBinary",
            Self::In => "Twig\\Node\\Expression\\Binary\\InBinary",
            Self::NotIn => "Twig\\Node\\Expression\\Binary\\NotInBinary",
            Self::Matches => "Twig\\Node\\Expression\\Binary\\MatchesBinary",
            Self::StartsWith => "Twig\\Node\\Expression\\Binary\\StartsWithBinary",
            Self::EndsWith => "Twig\\Node\\Expression\\Binary\\EndsWithBinary",
            Self::HasSome => "Twig\\Node\\Expression\\Binary\\HasSomeBinary",
            Self::HasEvery => "Twig\\Node\\Expression\\Binary\\HasEveryBinary",
            Self::Range => "Twig\\Node\\Expression\\Binary\\RangeBinary",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) kind: NodeKind,
    pub(crate) line: u32,
    /// From the opening delimiter to the closing one of the tag, or of its end tag.
    pub(crate) extent: Extent,
}

#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    Text(Range<usize>),
    /// What is printed and where it stands in the source.
    Print(Expr, u32),
    /// `(condition, body)` pairs, then the else body.
    If(Vec<(Expr, Vec<Node>)>, Option<Vec<Node>>),
    For(Box<For>),
    Set(Vec<EcoString>, Vec<Expr>),
    Capture(EcoString, Vec<Node>),
    Do(Expr),
    BlockRef(EcoString),
    Include {
        template: Expr,
        with: Option<Expr>,
        only: bool,
        ignore_missing: bool,
    },
    /// An index into the module's embedded modules.
    Embed {
        index: usize,
        with: Option<Expr>,
        only: bool,
        ignore_missing: bool,
    },
    Import {
        /// `import` or `from`.
        tag: &'static str,
        template: Expr,
        slot: u32,
    },
    With {
        vars: Option<Expr>,
        only: bool,
        body: Vec<Node>,
    },
    Apply {
        filters: Vec<Applied>,
        body: Vec<Node>,
    },
    AutoEscape {
        strategy: Option<Strategy>,
        body: Vec<Node>,
    },
    Sandbox(Vec<Node>),
    Deprecated {
        message: Expr,
        package: Option<Expr>,
        version: Option<Expr>,
    },
    Cache {
        key: Expr,
        ttl: Option<Expr>,
        tags: Option<Expr>,
        body: Vec<Node>,
    },
    HostTag {
        callable: Arc<Callable>,
        args: Vec<Arg>,
        body: Option<Vec<Node>>,
    },
    Flush,
    Extends,
    /// A tag that leaves nothing behind, such as `use`, `macro` or `types`.
    Empty(&'static str),
    Group(Vec<Node>),
}

#[derive(Clone, Debug)]
pub(crate) struct Applied {
    pub(crate) callable: Arc<Callable>,
    pub(crate) shown: EcoString,
    pub(crate) args: Vec<Arg>,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct For {
    pub(crate) key: Option<EcoString>,
    pub(crate) value: EcoString,
    pub(crate) seq: Expr,
    pub(crate) body: Vec<Node>,
    pub(crate) else_body: Option<Vec<Node>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) name: EcoString,
    /// Where the name stands.
    pub(crate) extent: Extent,
    pub(crate) body: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) struct Macro {
    pub(crate) name: EcoString,
    /// Where the name stands.
    pub(crate) extent: Extent,
    pub(crate) params: Vec<(EcoString, Option<Expr>)>,
    /// The name of a last parameter that takes the rest.
    pub(crate) rest: Option<EcoString>,
    pub(crate) body: Vec<Node>,
    pub(crate) line: u32,
}

#[derive(Clone, Debug)]
pub(crate) struct Use {
    pub(crate) template: EcoString,
    pub(crate) targets: Vec<(EcoString, EcoString)>,
    pub(crate) line: u32,
    /// Where the template's name stands.
    pub(crate) extent: Extent,
}

/// A whole template.
#[derive(Clone, Debug, Default)]
pub(crate) struct Module {
    pub(crate) body: Vec<Node>,
    pub(crate) parent: Option<Expr>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) macros: Vec<Macro>,
    pub(crate) uses: Vec<Use>,
    pub(crate) embeds: Vec<Module>,
    /// How many places `import` and `from` need.
    pub(crate) imports: u32,
}

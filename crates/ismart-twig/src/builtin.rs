//! The filters, functions and tests of Twig itself.

pub(crate) mod arrays;
pub(crate) mod arrow;
pub(crate) mod constant;
pub(crate) mod dates;
pub(crate) mod math;
pub(crate) mod misc;
pub(crate) mod print;
pub(crate) mod random;
pub(crate) mod sort;
pub(crate) mod strings;
pub(crate) mod tests;

pub(crate) use math::range;

use crate::callable::{CallKind, Callable, Code, Native, Param, Safe, Special, Strategy};
use crate::value::{V, Value};

/// `null`, for arguments that were not given.
static NULL: Value = Value::Null;

/// The argument at a place; `null` when it was not given.
pub(crate) fn arg<'v>(args: &'v [V<'_>], at: usize) -> &'v Value {
    args.get(at).map_or(&NULL, |v| v)
}

/// Parameters of a built-in: a name alone must be given, one with a default need not.
type Params = &'static [(&'static str, Option<fn() -> Value>)];

const NUL: Option<fn() -> Value> = Some(|| Value::Null);
const EMPTY: Option<fn() -> Value> = Some(|| Value::from(""));
const NO: Option<fn() -> Value> = Some(|| Value::Bool(false));
const YES: Option<fn() -> Value> = Some(|| Value::Bool(true));
const ZERO: Option<fn() -> Value> = Some(|| Value::Int(0));
const ONE: Option<fn() -> Value> = Some(|| Value::Int(1));

fn make(kind: CallKind, name: &str, params: Params, code: Code) -> Callable {
    let mut callable = Callable::make(kind, name, code);
    callable.params = Some(
        params
            .iter()
            .map(|(name, default)| Param { name: (*name).into(), default: default.map(|d| d()) })
            .collect(),
    );
    callable
}

fn filter(name: &str, params: Params, code: Native) -> Callable {
    let mut callable = make(CallKind::Filter, name, params, Code::Native(code));
    callable.printer = print::of(name);
    callable
}

fn function(name: &str, params: Params, code: Native) -> Callable {
    make(CallKind::Function, name, params, Code::Native(code))
}

fn test(name: &str, params: Params, code: Native) -> Callable {
    let mut callable = make(CallKind::Test, name, params, Code::Native(code));
    callable.always_allowed = true;
    callable
}

fn special(kind: CallKind, name: &str, params: Params, special: Special) -> Callable {
    make(kind, name, params, Code::Special(special))
}

fn variadic(mut callable: Callable) -> Callable {
    callable.variadic = true;
    callable
}

fn safe(mut callable: Callable, safe: Safe) -> Callable {
    callable.safe = safe;
    callable
}

fn html_block(mut callable: Callable) -> Callable {
    callable.pre_escape = Some(Strategy::Html);
    callable.safe = Safe::For(vec![Strategy::Html]);
    callable
}

/// Everything Twig offers of itself, in its own order.
pub(crate) fn all() -> Vec<Callable> {
    let mut all = filters();
    all.extend(array_filters());
    all.extend(functions());
    all.extend(all_tests());
    all
}

fn filters() -> Vec<Callable> {
    let mut spaceless = html_block(filter("spaceless", &[], strings::spaceless));
    spaceless.deprecation = Some("Since twig/twig 3.12: Twig Filter \"spaceless\" is deprecated".to_owned());
    vec![
        filter("date", &[("format", NUL), ("timezone", NUL)], dates::date_filter),
        filter("date_modify", &[("modifier", None)], dates::date_modify),
        filter("format", &[("values", NUL)], strings::format),
        filter("replace", &[("from", None)], strings::replace),
        filter(
            "number_format",
            &[("decimal", NUL), ("decimal_point", NUL), ("thousand_sep", NUL)],
            math::number_format,
        ),
        filter("abs", &[], math::abs),
        filter("round", &[("precision", ZERO), ("method", Some(|| Value::from("common")))], math::round),
        filter("url_encode", &[], strings::url_encode),
        filter("json_encode", &[("flags", ZERO), ("depth", Some(|| Value::Int(512)))], strings::json_encode),
        filter("convert_encoding", &[("to", None), ("from", None)], strings::convert_encoding),
        filter("title", &[], strings::title),
        filter("capitalize", &[], strings::capitalize),
        filter("upper", &[], strings::upper),
        filter("lower", &[], strings::lower),
        filter("striptags", &[("allowable_tags", NUL)], strings::striptags),
        filter("trim", &[("character_mask", NUL), ("side", Some(|| Value::from("both")))], strings::trim),
        html_block(filter("nl2br", &[], strings::nl2br)),
        spaceless,
    ]
}

fn array_filters() -> Vec<Callable> {
    let escape = |name: &str| {
        let params: Params =
            &[("strategy", Some(|| Value::from("html"))), ("charset", NUL), ("autoescape", NO)];
        safe(filter(name, params, strings::escape), Safe::Escaped)
    };
    vec![
        filter("join", &[("glue", EMPTY), ("and", NUL)], arrays::join),
        filter("split", &[("delimiter", None), ("limit", NUL)], strings::split),
        filter("sort", &[("arrow", NUL)], sort::sort),
        filter("merge", &[], arrays::merge),
        filter("batch", &[("size", None), ("fill", NUL), ("preserve_keys", YES)], arrays::batch),
        filter("column", &[("name", None), ("index", NUL)], arrays::column),
        filter("filter", &[("arrow", None)], arrow::filter),
        filter("map", &[("arrow", None)], arrow::map),
        filter("reduce", &[("arrow", None), ("initial", NUL)], arrow::reduce),
        filter("find", &[("arrow", None)], arrow::find),
        filter("reverse", &[("preserve_keys", NO)], arrays::reverse),
        filter("shuffle", &[], arrays::shuffle),
        filter("length", &[], arrays::length),
        filter("slice", &[("start", None), ("length", NUL), ("preserve_keys", NO)], arrays::slice),
        filter("first", &[], arrays::first),
        filter("last", &[], arrays::last),
        special(CallKind::Filter, "default", &[("default", EMPTY)], Special::Default),
        filter("keys", &[], arrays::keys),
        filter("invoke", &[("arguments", NUL)], arrow::invoke),
        escape("escape"),
        escape("e"),
        safe(special(CallKind::Filter, "raw", &[], Special::Raw), Safe::All),
    ]
}

fn functions() -> Vec<Callable> {
    let f = |name: &str, params: Params, code: Special| special(CallKind::Function, name, params, code);
    vec![
        f("parent", &[], Special::Parent),
        f("block", &[("name", None), ("template", NUL)], Special::Block),
        f("attribute", &[("variable", None), ("attribute", None), ("arguments", NUL)], Special::Attribute),
        function("max", &[("value", None), ("values", NUL)], math::max),
        function("min", &[("value", None), ("values", NUL)], math::min),
        function("range", &[("low", None), ("high", None), ("step", ONE)], math::range_function),
        function(
            "constant",
            &[("constant", None), ("object", NUL), ("check_defined", NO)],
            constant::constant,
        ),
        function("cycle", &[("values", None), ("position", None)], misc::cycle),
        function("random", &[("values", NUL), ("max", NUL)], random::random),
        function("date", &[("date", NUL), ("timezone", NUL)], dates::date_function),
        safe(
            f(
                "include",
                &[
                    ("template", None),
                    ("variables", Some(|| Value::list([]))),
                    ("with_context", YES),
                    ("ignore_missing", NO),
                    ("sandboxed", NO),
                ],
                Special::Include,
            ),
            Safe::All,
        ),
        safe(
            f(
                "include_only",
                &[("template", None), ("variables", Some(|| Value::list([]))), ("ignore_missing", NO)],
                Special::IncludeOnly,
            ),
            Safe::All,
        ),
        safe(function("source", &[("name", None), ("ignore_missing", NO)], misc::source), Safe::All),
        f("enum_cases", &[("enum", None)], Special::EnumCases),
        f("enum", &[("enum", None)], Special::Enum),
        function("template_from_string", &[("template", None), ("name", NUL)], misc::template_from_string),
        safe(
            f(
                "render_sandboxed",
                &[("template", None), ("variables", Some(|| Value::list([]))), ("ignore_missing", NO)],
                Special::RenderSandboxed,
            ),
            Safe::All,
        ),
        safe(variadic(f("dump", &[], Special::Dump)), Safe::For(vec![Strategy::Html])),
    ]
}

fn all_tests() -> Vec<Callable> {
    let mandatory = |mut callable: Callable| {
        callable.mandatory = true;
        callable
    };
    let mut defined = special(CallKind::Test, "defined", &[], Special::Defined);
    defined.always_allowed = true;
    vec![
        test("even", &[], tests::even),
        test("odd", &[], tests::odd),
        defined,
        mandatory(test("same as", &[("value", None)], tests::same_as)),
        test("none", &[], tests::null),
        test("null", &[], tests::null),
        mandatory(test("divisible by", &[("num", None)], tests::divisible_by)),
        test("constant", &[("constant", None), ("object", NUL)], tests::constant),
        test("empty", &[], tests::empty),
        test("iterable", &[], tests::iterable),
        test("sequence", &[], tests::sequence),
        test("mapping", &[], tests::mapping),
        test("true", &[], tests::is_true),
    ]
}

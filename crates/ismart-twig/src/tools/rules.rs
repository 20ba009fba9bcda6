//! The rules, one visible table.

use std::fmt::Write as _;

use super::finding::Severity::{self, Error, Note, Warning};

/// A rule of `check` or `lint`.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Stable name, used in reports, options and comments.
    pub id: &'static str,
    /// The command that holds it: `check` or `lint`.
    pub tool: &'static str,
    /// How much a finding of it matters.
    pub severity: Severity,
    /// What is found.
    pub finds: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// How to mend it.
    pub repair: &'static str,
    /// Whether `lint --fix` mends it.
    pub fixable: bool,
}

macro_rules! rules {
    ($($name:ident: $tool:literal, $id:literal, $severity:expr, $fixable:literal, $finds:literal, $why:literal, $repair:literal;)+) => {
        $(pub(crate) static $name: Rule = Rule {
            id: $id,
            tool: $tool,
            severity: $severity,
            finds: $finds,
            why: $why,
            repair: $repair,
            fixable: $fixable,
        };)+
        /// All rules, those of `check` first.
        pub static RULES: &[&Rule] = &[$(&$name),+];
    };
}

rules! {
    SYNTAX: "check", "syntax", Error, false,
        "A source that is no template: the parser's and the compiler's errors, all of them.",
        "The page answers with an error.",
        "Mend the place; the help says what was expected.";
    UNREADABLE: "check", "unreadable", Error, false,
        "A template that is not UTF-8.",
        "It cannot be loaded.",
        "Save the file as UTF-8.";
    UNKNOWN_TAG: "check", "unknown-tag", Error, false,
        "A tag that neither Twig nor the host has.",
        "The template does not compile.",
        "Mend the name, or tell the check about the host's tag.";
    UNKNOWN_FILTER: "check", "unknown-filter", Error, false,
        "A filter that neither Twig nor the host has.",
        "The template does not compile.",
        "Mend the name, or declare the host's filter with `--allow-filter NAME`.";
    UNKNOWN_FUNCTION: "check", "unknown-function", Error, false,
        "A function that neither Twig nor the host has.",
        "The template does not compile.",
        "Mend the name, or declare the host's function with `--allow-function NAME`.";
    UNKNOWN_TEST: "check", "unknown-test", Error, false,
        "A test that neither Twig nor the host has.",
        "The template does not compile.",
        "Mend the name, or declare the host's test with `--allow-test NAME`.";
    MISSING_TEMPLATE: "check", "missing-template", Error, false,
        "A template named by a constant that does not exist, without `ignore missing`.",
        "Rendering fails when the place is reached.",
        "Mend the name, add the template, or say `ignore missing`.";
    EXTENDS_CYCLE: "check", "extends-cycle", Error, false,
        "A template that extends itself, directly or through others.",
        "Rendering never ends and is stopped by a limit.",
        "Break the circle.";
    UNDEFINED_MACRO: "check", "undefined-macro", Error, false,
        "A call of a macro that its template and that one's parents do not define.",
        "Rendering fails when the place is reached.",
        "Mend the name, or define the macro.";
    UNDEFINED_BLOCK: "check", "undefined-block", Error, false,
        "`block('name')` where neither the template, nor a parent, nor a child defines the block.",
        "Rendering fails when the place is reached.",
        "Mend the name, or define the block.";
    PARENT_WITHOUT_BLOCK: "check", "parent-without-block", Error, false,
        "`parent()` in a block that no template above defines.",
        "Rendering fails when the place is reached.",
        "Remove the call, or mend the block's name.";
    UNUSED_BLOCK: "check", "unused-block", Warning, false,
        "A block of a child template that no template above shows.",
        "What stands in it never appears: most often the name is misspelt.",
        "Mend the name, or remove the block.";
    UNUSED_MACRO: "check", "unused-macro", Warning, false,
        "A macro that no template of the set calls.",
        "Dead code misleads.",
        "Remove the macro.";
    DEPRECATED: "check", "deprecated", Warning, false,
        "What Twig or the host will take away.",
        "The next major version refuses it.",
        "Use what the help names.";

    DELIMITER_SPACING: "lint", "delimiter-spacing", Note, true,
        "Not exactly one space inside `{{ }}`, `{% %}` and `{# #}`.",
        "One form is faster to read and to search.",
        "`{{ name }}`";
    OPERATOR_SPACING: "lint", "operator-spacing", Note, true,
        "Not exactly one space around an operator; spaces around `|`, `.`, `?.`, `..`, or after a sign.",
        "One form is faster to read and to search.",
        "`{{ a + b|upper }}`";
    PUNCTUATION_SPACING: "lint", "punctuation-spacing", Note, true,
        "A space before `,` or `:`, or not exactly one after.",
        "One form is faster to read and to search.",
        "`{{ f(a, b) }}`, `{'key': value}`";
    BRACKET_SPACING: "lint", "bracket-spacing", Note, true,
        "Spaces inside `( )`, `[ ]` and `{ }`, or before the parenthesis of a call.",
        "One form is faster to read and to search.",
        "`{{ f([1, 2], {'a': b}) }}`";
    LINE_SPACING: "lint", "line-spacing", Note, true,
        "Continuation lines of a tag that are not indented one step a level of brackets; empty lines and trailing spaces inside a tag.",
        "The structure of a long tag should be seen.",
        "Each level of brackets is one step (what the template indents by: two or four spaces, or a tab) deeper than the line of its opening.";
    QUOTES: "lint", "quotes", Note, true,
        "Double quotes around a string that needs none of their abilities.",
        "Single quotes stand beside HTML attributes without confusion, and say that nothing is interpolated.",
        "`'text'`";
    TRAILING_SPACE: "lint", "trailing-space", Note, false,
        "Spaces at the end of a line outside delimiters.",
        "They are sent to every visitor and make noise in comparisons.",
        "Remove them by hand: it changes the output.";
    TABS: "lint", "tabs", Note, false,
        "A tab in the indentation.",
        "Editors show tabs differently; the house uses four spaces.",
        "Use four spaces a level.";
    TAG_ALIGNMENT: "lint", "tag-alignment", Note, false,
        "An end tag at the start of a line that does not stand below its opening tag.",
        "The eye finds the end of a body by its column.",
        "Indent both alike.";
    FILE_NAME: "lint", "file-name", Note, false,
        "A folder or file name that is not kebab-case.",
        "Names that follow one pattern are found without looking.",
        "`section-head.twig`";
    DEEP_NESTING: "lint", "deep-nesting", Warning, false,
        "Tags nested more than six levels deep.",
        "Nobody can hold so many conditions in mind.",
        "Move the inner part into a template or macro of its own.";

    UNUSED_VARIABLE: "lint", "unused-variable", Warning, false,
        "A variable that is set and that nothing which can see it reads.",
        "Dead code misleads; often the name is misspelt elsewhere.",
        "Remove the tag, or mend the name; a name that starts with `_` is left alone.";
    UNUSED_IMPORT: "lint", "unused-import", Warning, true,
        "A name of `import` or `from` that nothing calls.",
        "The template is loaded for nothing.",
        "Remove the name.";
    UNDEFINED_VARIABLE: "lint", "undefined-variable", Warning, false,
        "A variable that nothing sets, passes or declares. Only with `--strict-context`.",
        "It is empty, or an error with strict variables: most often the name is misspelt.",
        "Mend the name, guard it with `is defined` or `??`, or declare it with `--context NAME`.";
    DUPLICATE_KEY: "lint", "duplicate-key", Warning, false,
        "A mapping that has the same key twice.",
        "Only the last value counts.",
        "Remove one.";
    ASSIGNED_CONDITION: "lint", "assigned-condition", Warning, false,
        "`{% if a = b %}`: a condition that assigns, without parentheses of its own.",
        "A comparison was meant, most often; the condition is as true as the new value.",
        "`==`, or parentheses if it is meant.";
    DEAD_CODE: "lint", "dead-code", Warning, false,
        "A branch that can never be taken: after a condition that is always true, under one that is always false or stands above already, a loop over nothing.",
        "Dead code misleads.",
        "Remove the branch, or mend the condition.";

    RAW_OUTSIDE_VALUE: "lint", "raw-outside-value", Warning, false,
        "`raw` on a value that comes from outside the template.",
        "Whoever writes that value writes the page's markup and scripts.",
        "Drop `raw`; or sanitise the value where it enters, and say so with a `lint-allow` comment.";
    UNQUOTED_ATTRIBUTE: "lint", "unquoted-attribute", Warning, false,
        "`{{ }}` in an attribute without quotes.",
        "A space in the value begins a new attribute, such as an event handler; escaping for HTML does not help.",
        "Put quotes around it, or use `|e('html_attr')`.";
    SCRIPT_ESCAPE: "lint", "script-escape", Warning, false,
        "`{{ }}` inside a script without `|e('js')` or `|json_encode`.",
        "Escaping for HTML does not make a value safe inside JavaScript.",
        "`{{ value|json_encode|raw }}`, or `'{{ value|e('js') }}'` inside quotes.";
    STYLE_ESCAPE: "lint", "style-escape", Note, false,
        "`{{ }}` inside a style element without `|e('css')`.",
        "Escaping for HTML does not make a value safe inside CSS.",
        "`{{ value|e('css') }}`";
    HANDLER_ESCAPE: "lint", "handler-escape", Warning, false,
        "`{{ }}` inside an event handler attribute without `|e('js')` or `|json_encode`.",
        "The browser decodes HTML before it runs the script: escaping for HTML does not help.",
        "Put the value into a `data-` attribute and read it from the script.";
    INLINE_HANDLER: "lint", "inline-handler", Warning, false,
        "An event handler written as an attribute.",
        "A content security policy without `unsafe-inline` forbids it.",
        "Add the listener in a script file.";
    TAG_NAME_VALUE: "lint", "tag-value", Note, false,
        "`{{ }}` as the name of a tag or attribute.",
        "Escaping for HTML does not cover names: a space in the value begins an attribute.",
        "Choose among constants, or use `|e('html_attr')`.";
    SUPPRESSION: "lint", "suppression", Warning, false,
        "A `lint-allow` comment that names an unknown rule, allows nothing, or gives no reason.",
        "Exceptions without reason stay for ever.",
        "`{# lint-allow raw-outside-value: sanitised on input #}`";
}

/// The rule of an id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id).copied()
}

/// The table as a Markdown page, after its title.
pub fn markdown() -> String {
    let mut text = String::new();
    for tool in ["check", "lint"] {
        let title = if tool == "check" { "`ismart twig check`" } else { "`ismart twig lint`" };
        text.push_str(&format!(
            "## {title}\n\n| Rule | Severity | What is found | Why | How to mend it | `--fix` |\n|---|---|---|---|---|---|\n"
        ));
        for rule in RULES.iter().filter(|rule| rule.tool == tool) {
            let escape = |text: &str| text.replace('|', "\\|");
            let fixable = if rule.fixable { "yes" } else { "" };
            // Writing to a string cannot fail.
            let _never = writeln!(
                text,
                "| `{}` | {} | {} | {} | {} | {fixable} |",
                rule.id,
                rule.severity,
                escape(rule.finds),
                escape(rule.why),
                escape(rule.repair)
            )
            .is_err();
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

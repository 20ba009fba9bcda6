//! PHP that the grammar does not know yet, written so that it does: same length, same lines, same names.

/// Casts that the grammar does not take before `require` and `include`.
const CASTS: &[&str] = &["array", "object", "string", "int", "integer", "bool", "boolean", "float", "double"];
const LOADING: &[&str] = &["require_once", "include_once", "require", "include"];
const VISIBILITY: &[&str] = &["public", "protected", "private", "readonly"];

/// The text with what is unknown blanked; `None` when there is nothing of the kind. Places stay as they were.
pub(super) fn bridged(text: &str) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let mut changed = false;
    let mut blank = |from: usize, to: usize| {
        if let Some(range) = bytes.get_mut(from..to) {
            range.fill(b' ');
            changed = true;
        }
    };
    for (at, _) in text.match_indices('(') {
        let inner = text.get(at + 1..).unwrap_or("");
        let Some((word, rest)) = inner.split_once(')') else { break };
        let cast = word.trim().to_ascii_lowercase();
        let loads = LOADING.iter().any(|loading| begins(rest.trim_start(), loading));
        // PHP 8.5 throws a result away with `(void)`.
        if cast == "void" || CASTS.contains(&cast.as_str()) && loads {
            blank(at, at + 1 + word.len() + 1);
        }
    }
    // PHP 8.5 lets promoted parameters be final.
    for (at, word) in text.match_indices("final") {
        let before = text.get(..at).unwrap_or("").trim_end();
        let after = text.get(at + word.len()..).unwrap_or("");
        let promoted = VISIBILITY.iter().any(|visibility| begins(after.trim_start(), visibility));
        if before.ends_with(['(', ',']) && after.starts_with(char::is_whitespace) && promoted {
            blank(at, at + word.len());
        }
    }
    // What follows the end of the compiler is data.
    if let Some((code, rest)) = text.split_once("__halt_compiler")
        && let Some(end) = rest.find(';')
    {
        blank(code.len() + "__halt_compiler".len() + end + 1, text.len());
    }
    changed.then(|| String::from_utf8(bytes).ok())?
}

/// Whether a text begins with a whole word.
fn begins(text: &str, word: &str) -> bool {
    let start = text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    let next = text.get(word.len()..).and_then(|rest| rest.chars().next());
    start && !next.is_some_and(|c| c.is_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unknown_is_blanked_and_places_stay() {
        let text = "<?php $а = (array) require $x; ( VOID ) f(); (int) $b; g((array) $requires);";
        let made = bridged(text).unwrap();
        assert_eq!(made, "<?php $а =         require $x;          f(); (int) $b; g((array) $requires);");
        assert_eq!(made.len(), text.len());
        assert_eq!(
            bridged("function a(final public int $b, private final int $c)").unwrap(),
            "function a(      public int $b, private final int $c)"
        );
        assert_eq!(bridged("<?php final class A { final public function b() {} } // (array)"), None);
        assert_eq!(bridged("(("), None);
        assert_eq!(bridged("a(); __halt_compiler();\0{{{").unwrap(), "a(); __halt_compiler();    ");
    }
}

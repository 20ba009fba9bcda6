//! Traits are few and small.

use std::collections::BTreeMap;

use super::Finding;
use crate::tree::Tree;

const SUPERTRAITS: usize = 3;
/// Ports have their implementors in edges that may not be written yet, and doubles in tests.
const PORTS: &str = "crates/ismart-domain/src/ports.rs";

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut implementors: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, rust) in tree.rust() {
        for name in &rust.facts.implemented {
            *implementors.entry(name).or_default() += 1;
        }
        // What a macro implements shows in its words only, and stands for as many types as it is called with.
        let seen = |name: &str| rust.facts.implemented.iter().any(|seen| seen == name);
        let hidden = rust.lines.iter().filter_map(|line| implemented(&line.code)).filter(|name| !seen(name));
        for name in hidden {
            *implementors.entry(name).or_default() += 2;
        }
    }
    let mut found = Vec::new();
    for (file, rust) in tree.rust().filter(|(file, _)| !file.is_test()) {
        for item in &rust.facts.traits {
            if item.supertraits > SUPERTRAITS {
                let what = format!("`{}` asks for {} other traits", item.name, item.supertraits);
                let fix = "make capabilities an Option<&dyn …> that the basic trait gives";
                found.push(Finding::new(&file.path, item.line, what, fix).about(&item.name));
            }
            let number = implementors.get(item.name.as_str()).copied().unwrap_or(0);
            if number < 2 && file.path != PORTS {
                let what = format!("`{}` has {number} implementors", item.name);
                let fix = "use the type itself, or give the reason in xtask/allowed.toml";
                found.push(Finding::new(&file.path, item.line, what, fix).about(&item.name));
            }
        }
    }
    found
}

/// The trait of a line that begins `impl … Trait for`.
fn implemented(code: &str) -> Option<&str> {
    let (path, _) = code.trim_start().strip_prefix("impl")?.split_once(" for ")?;
    let path = path.trim_end();
    let path = if path.ends_with('>') { path.rsplit_once('<').map_or(path, |(path, _)| path) } else { path };
    path.rsplit([' ', ':', '>']).next().filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_traits_with_two_implementors_and_ports_are_right() {
        let source = "trait A: Send + Sync + B + C + D {} impl A for u8 {} impl<T> x::A for T {}\ntrait M {}\nmacro_rules! m { ($t:ty) => {\nimpl M for $t {}\n} }";
        assert_eq!(check(&Tree::of(&[("a.rs", source), (PORTS, "pub trait P {}")])), Vec::new());
    }

    #[test]
    fn greedy_and_lonely_traits_are_wrong() {
        let source =
            "trait A: B + C + D + E {} impl A for u8 {} impl A for u16 {} trait L {} impl L for u8 {}";
        assert_eq!(check(&Tree::of(&[("a.rs", source)])).len(), 2);
    }
}

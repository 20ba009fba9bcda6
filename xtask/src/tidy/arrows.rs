//! Crates depend only on lower layers, and the table says so.

use super::Finding;
use crate::tree::{Package, Tree};

const PATH: &str = "ARCHITECTURE.md";
const BEGIN: &str = "<!-- crates:begin -->";
const END: &str = "<!-- crates:end -->";

/// Layers from the lowest to the highest. Crates of one layer do not know each other.
const LAYERS: &[&str] = &["centre", "ground", "features", "edges", "root"];
/// Knows no crate of the workspace but the one it extends by its name (`a-b` may need `a`); every layer may use
/// it.
const FREE: &str = "free-standing";
/// For tests and development; nothing that ships needs it.
const DEV: &str = "dev";

struct Row<'t> {
    line: usize,
    name: &'t str,
    layer: &'t str,
    purpose: &'t str,
}

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(rows) = tree.file(PATH).and_then(|file| table(&file.text)) else {
        let fix = format!("write `| Crate | Layer | Purpose |` with all crates between {BEGIN} and {END}");
        return vec![Finding::new(PATH, 1, "there is no crate table", fix)];
    };
    let mut found = Vec::new();
    for row in &rows {
        if rank(row.layer).is_none() && row.layer != FREE && row.layer != DEV {
            let fix = format!("use one of {}, {FREE}, {DEV}", LAYERS.join(", "));
            found.push(Finding::new(PATH, row.line, format!("`{}` is no layer", row.layer), fix));
        }
        match tree.packages.iter().find(|package| package.name == row.name) {
            None => {
                let what = format!("`{}` is no crate of the workspace", row.name);
                found.push(Finding::new(PATH, row.line, what, "delete the row"));
            }
            Some(package) if package.description != row.purpose => {
                let what = format!(
                    "the purpose of `{}` is not its description: `{}`",
                    row.name, package.description
                );
                found.push(Finding::new(
                    PATH,
                    row.line,
                    what,
                    format!("make it equal to {}", package.manifest),
                ));
            }
            Some(_) => {}
        }
    }
    for package in &tree.packages {
        match rows.iter().find(|row| row.name == package.name) {
            Some(row) => found.extend(package.needs.iter().filter_map(|needed| {
                let other = rows.iter().find(|row| row.name == needed.as_str())?;
                forbidden(row, other).map(|why| arrow(package, needed, &why))
            })),
            None => {
                let what = format!("the crate `{}` has no row", package.name);
                found.push(Finding::new(PATH, 1, what, "add name, layer and purpose to the crate table"));
            }
        }
    }
    found
}

fn arrow(package: &Package, needed: &str, why: &str) -> Finding {
    let what = format!("`{}` depends on `{needed}`: {why}", package.name);
    let fix = "cause it by a domain event, take a port of ismart-domain, or let the root wire both";
    Finding::new(&package.manifest, 1, what, fix).about(needed)
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|known| *known == layer)
}

/// Why `row` may not need `other`; `None` when it may.
fn forbidden(row: &Row<'_>, other: &Row<'_>) -> Option<String> {
    if row.layer == DEV || (other.layer == FREE && row.layer != FREE) {
        return None;
    }
    if row.layer == FREE {
        let extends = other.layer == FREE
            && row.name.strip_prefix(other.name).is_some_and(|rest| rest.starts_with('-'));
        return (!extends).then(|| {
            "a free-standing crate knows no crate of the workspace but the one it extends".to_owned()
        });
    }
    if other.layer == DEV {
        return Some("nothing that ships needs a crate for development".to_owned());
    }
    let fits = rank(other.layer)? < rank(row.layer)?;
    (!fits).then(|| format!("{} may need only what lies below, not {}", row.layer, other.layer))
}

fn table(text: &str) -> Option<Vec<Row<'_>>> {
    let lines = || text.lines().enumerate();
    let (begin, _) = lines().find(|(_, line)| line.trim() == BEGIN)?;
    let rows = lines().skip(begin + 1).take_while(|(_, line)| line.trim() != END).filter_map(|(at, line)| {
        let mut cells = line.trim().strip_prefix('|')?.strip_suffix('|')?.split('|').map(|cell| cell.trim());
        let (name, layer, purpose) = (cells.next()?.trim_matches('`'), cells.next()?, cells.next()?);
        let is_row = name != "Crate" && !name.starts_with("--") && !name.starts_with(":--");
        is_row.then_some(Row { line: at + 1, name, layer, purpose })
    });
    Some(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, needs: &[&str]) -> Package {
        let needs: Vec<String> = needs.iter().map(|n| (*n).to_owned()).collect();
        let (manifest, description) = (format!("crates/{name}/Cargo.toml"), "does".to_owned());
        Package { name: name.to_owned(), manifest, description, names: needs.clone(), needs }
    }

    fn found(rows: &str, packages: Vec<Package>) -> Vec<String> {
        let text = format!("{BEGIN}\n| Crate | Layer | Purpose |\n|---|---|---|\n{rows}\n{END}\n");
        let mut tree = Tree::of(&[(PATH, &text)]);
        tree.packages = packages;
        check(&tree).into_iter().map(|finding| finding.what).collect()
    }

    const ROWS: &str = "| `d` | centre | does |\n| `s` | features | does |\n| `w` | features | does |\n| `t` | free-standing | does |\n| `x` | dev | does |";

    fn all(s: &[&str], d: &[&str]) -> Vec<Package> {
        vec![
            package("d", d),
            package("s", s),
            package("w", &[]),
            package("t", &[]),
            package("x", &["s", "w"]),
        ]
    }

    #[test]
    fn down_and_to_free_standing_crates_is_right() {
        assert_eq!(found(ROWS, all(&["d", "t"], &[])), Vec::<String>::new());
    }

    #[test]
    fn sideways_up_and_to_development_is_wrong() {
        assert_eq!(found(ROWS, all(&["w"], &["s"])).len(), 2);
        assert_eq!(found(ROWS, all(&["x"], &[])).len(), 1);
    }

    #[test]
    fn a_free_standing_crate_may_extend_another_one() {
        let rows = "| `t` | free-standing | does |\n| `t-more` | free-standing | does |\n| `tt` | free-standing | does |";
        let needs = |extra: &[&str], other: &[&str]| {
            found(rows, vec![package("t", &[]), package("t-more", extra), package("tt", other)]).len()
        };
        assert_eq!(needs(&["t"], &[]), 0);
        assert_eq!(needs(&["tt"], &["t"]), 2);
    }

    #[test]
    fn table_and_workspace_must_agree() {
        let rows = "| d | centre | other words |\n| gone | root | does |\n| w | attic | does |";
        let what = found(rows, vec![package("d", &[]), package("w", &[]), package("s", &[])]);
        assert_eq!(what.len(), 4, "{what:#?}");
        assert_eq!(check(&Tree::of(&[])).len(), 1);
    }
}

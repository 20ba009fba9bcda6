//! Which code a contract describes: what it names under CODE, else the file beside it.

use super::{Contract, Covered, is_contract};
use crate::tree::{Tree, folder, joined};

/// Finds the code of every contract of a tree.
pub(crate) fn find_code(tree: &mut Tree) {
    let found: Vec<Option<Vec<Covered>>> = tree
        .contracts
        .iter()
        .map(|contract| {
            (contract.covers.is_empty() && is_contract(&contract.path)).then(|| covered(tree, contract))
        })
        .collect();
    for (contract, covers) in tree.contracts.iter_mut().zip(found) {
        if let Some(covers) = covers {
            contract.covers = covers;
        }
    }
}

fn covered(tree: &Tree, contract: &Contract) -> Vec<Covered> {
    if contract.code.is_empty() {
        return beside(tree, &contract.path);
    }
    let mut covers: Vec<Covered> = Vec::new();
    for named in &contract.code {
        let (path, item) =
            named.name.split_once('#').map_or((named.name.as_str(), None), |(path, item)| (path, Some(item)));
        let Some(found) = place(tree, &contract.path, path) else { continue };
        let inside = format!("{found}/");
        let files = tree.files.iter().filter(|file| file.path == found || file.path.starts_with(&inside));
        covers.extend(files.map(|file| Covered { path: file.path.clone(), item: item.map(str::to_owned) }));
    }
    covers
}

/// What a path of a contract leads to: from the contract's folder, or from the root.
pub(crate) fn place(tree: &Tree, contract: &str, path: &str) -> Option<String> {
    let bases = [folder(contract), ""];
    bases.iter().filter_map(|base| joined(base, path)).find(|path| tree.exists(path))
}

/// The code beside a contract: `Router.php` for `Router.contract.md`; of Rust the module with the files inside it.
fn beside(tree: &Tree, contract: &str) -> Vec<Covered> {
    let Some(stem) = contract.strip_suffix(".contract.md") else { return Vec::new() };
    let whole = |path: String| Covered { path, item: None };
    let php = format!("{stem}.php");
    if tree.file(&php).is_some() {
        return vec![whole(php)];
    }
    let module = format!("{stem}.rs");
    if tree.file(&module).is_none() {
        return Vec::new();
    }
    let inside = format!("{stem}/");
    let files = tree.files.iter().filter(|file| file.path == module || file.path.starts_with(&inside));
    files.map(|file| whole(file.path.clone())).collect()
}

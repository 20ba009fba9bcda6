//! The knowledge graph file against the code.

use super::Checker;
use crate::code::CodeFile;
use crate::contract::{GraphModule, Named};

impl Checker<'_> {
    pub(super) fn graph_file(&mut self) {
        let Some(graph) = &self.tree.graph_file else { return };
        if let Some((line, reason)) = &graph.fault {
            let reason = format!("the graph cannot be read on from here: {reason}");
            self.add("graph.drift", &graph.path, *line, reason, "mend the XML");
        }
        for module in &graph.modules {
            self.graph_module(&graph.path, module);
            let named = |name: &str| graph.modules.iter().any(|other| other.name.as_deref() == Some(name));
            for link in module.links.iter().filter(|link| link.name.starts_with("M-") && !named(&link.name)) {
                let reason = format!("there is no module `{}`", link.name);
                self.add("graph.drift", &graph.path, link.line, reason, "mend the link or delete it");
            }
        }
        if graph.fault.is_some() {
            return;
        }
        let told = |path: &str| {
            graph.modules.iter().any(|module| module.file.as_ref().is_some_and(|file| same(&file.name, path)))
        };
        let mut untold: Vec<String> = self.tree.key_units().into_iter().map(|unit| unit.path).collect();
        untold.dedup();
        for path in untold.iter().filter(|path| !told(path)) {
            let fix = "add a module with the file, its classes and methods";
            self.add("graph.drift", &graph.path, 1, format!("the graph does not name `{path}`"), fix);
        }
    }

    fn graph_module(&mut self, graph: &str, module: &GraphModule) {
        let Some(named) = &module.file else { return };
        let path = named.name.trim_start_matches("./");
        if !self.tree.exists(path) {
            let reason = format!("the module's file `{path}` does not exist");
            self.add("graph.drift", graph, named.line, reason, "mend the path, or delete the module");
            return;
        }
        let Some(file) = self.tree.file(path).filter(|file| file.fault.is_none()) else { return };
        let gone = |named: &&Named, is_there: fn(&CodeFile, &str) -> bool| !is_there(file, &named.name);
        let classes = module.classes.iter().filter(|named| gone(named, has_class));
        let methods = module.methods.iter().filter(|named| gone(named, has_method));
        for named in classes.chain(methods) {
            let reason = format!("`{}` is not in `{path}`", named.name);
            self.add("graph.drift", graph, named.line, reason, "mend the name, or delete it from the graph");
        }
        for link in module.links.iter().filter(|link| link.name.contains('/') && link.name.contains('.')) {
            let to = link.name.split(['#', ':']).next().unwrap_or(&link.name).trim_start_matches("./");
            if !self.tree.exists(to) {
                let reason = format!("the link to `{to}` leads nowhere");
                self.add("graph.drift", graph, link.line, reason, "mend the link or delete it");
            }
        }
    }
}

fn same(written: &str, path: &str) -> bool {
    written.trim_start_matches("./") == path
}

fn has_class(file: &CodeFile, name: &str) -> bool {
    let last = name.rsplit('\\').next().unwrap_or(name);
    file.units.iter().any(|unit| unit.name == last || unit.items.iter().any(|item| item.name == last))
}

/// Methods of any visibility count.
fn has_method(file: &CodeFile, name: &str) -> bool {
    let last = name.rsplit(['\\', ':', '.']).next().unwrap_or(name).trim_end_matches("()");
    file.units.iter().any(|unit| {
        unit.items.iter().any(|item| item.name == last) || unit.private.iter().any(|private| private == last)
    })
}

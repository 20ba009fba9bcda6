//! Blocks and log lines in code; maps of modules.

use super::Checker;
use crate::code::{CodeFile, marks};
use crate::contract::Contract;

impl Checker<'_> {
    pub(super) fn marks(&mut self, file: &CodeFile) {
        for (line, what) in &file.marks.unpaired {
            let fix = "every `// BLOCK: name` has its `// END_BLOCK`, inside the same method";
            self.add("block.pair", &file.path, *line, what.clone(), fix);
        }
        let most = self.tree.config.block_tokens;
        for block in file.marks.blocks.iter().filter(|block| block.tokens > most) {
            let reason =
                format!("the block `{}` has about {} tokens, more than {most}", block.name, block.tokens);
            self.add("block.long", &file.path, block.line, reason, "cut it where its purpose changes");
        }
        for log in &file.marks.logs {
            if let Some(fault) = marks::log_fault(log) {
                let text: String = log.text.chars().take(60).collect();
                let place = log.place.as_deref().unwrap_or("Class::method");
                let fix =
                    format!("begin it with `[{place}][step]`; the level may stand before it in brackets");
                self.add("log.form", &file.path, log.line, format!("the log line `{text}` {fault}"), fix);
            }
        }
    }

    /// What a MODULE_MAP lists is in the code.
    pub(super) fn map(&mut self, contract: &Contract) {
        let files: Vec<&CodeFile> =
            contract.covers.iter().filter_map(|covered| self.tree.file(&covered.path)).collect();
        if files.is_empty() || files.iter().any(|file| file.fault.is_some()) {
            return;
        }
        for named in &contract.map {
            let is_there = |file: &&CodeFile| {
                let block =
                    file.marks.blocks.iter().any(|block| block.name.eq_ignore_ascii_case(&named.name));
                let item = file.units.iter().any(|unit| {
                    unit.name == named.name
                        || unit.items.iter().any(|item| item.name == named.name || item.path() == named.name)
                });
                block || item
            };
            if !files.iter().any(is_there) {
                let reason = format!(
                    "the map lists `{}`, which is neither a block nor a public name here",
                    named.name
                );
                self.add("map.gone", &contract.path, named.line, reason, "mend the map, or mark the block");
            }
        }
    }
}

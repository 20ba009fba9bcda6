//! `docs/knowledge-graph.xml`: modules, classes, methods and links of GRACE, as far as they name code.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::{Named, reading};

/// A knowledge graph.
#[derive(Debug, Clone, Default)]
pub struct GraphFile {
    /// The file.
    pub path: String,
    /// Its modules in order.
    pub modules: Vec<GraphModule>,
    /// Why it could not be read whole: line and reason.
    pub fault: Option<(usize, String)>,
}

/// A module of a knowledge graph.
#[derive(Debug, Clone, Default)]
pub struct GraphModule {
    /// The path of its file, as written.
    pub file: Option<Named>,
    /// Its name: `M-ROUTER`.
    pub name: Option<String>,
    /// Line, from 1.
    pub line: usize,
    /// Classes in it.
    pub classes: Vec<Named>,
    /// Methods and functions in it.
    pub methods: Vec<Named>,
    /// Files and modules that it links to.
    pub links: Vec<Named>,
}

impl GraphFile {
    pub(crate) fn read(path: &str, text: &str) -> Self {
        let mut file = Self { path: path.to_owned(), ..Self::default() };
        let mut reader = Reader::from_str(text);
        let mut state = State { text, file: &mut file, tags: Vec::new(), module: None };
        loop {
            let at = usize::try_from(reader.buffer_position()).unwrap_or(0);
            match reader.read_event() {
                Ok(Event::Start(tag)) => state.start(&tag, at, false),
                Ok(Event::Empty(tag)) => state.start(&tag, at, true),
                Ok(Event::Text(words)) => {
                    state.words(words.trim(), at);
                }
                Ok(Event::End(_)) => state.end(),
                Ok(Event::Eof) => break,
                Ok(_) => {}
                Err(error) => {
                    let at = usize::try_from(reader.error_position()).unwrap_or(at);
                    let line = line_of(text, at);
                    state.file.fault = Some((line, error.to_string()));
                    break;
                }
            }
        }
        if let Some((module, _)) = state.module.take() {
            file.modules.push(module);
        }
        file
    }
}

struct State<'t> {
    text: &'t str,
    file: &'t mut GraphFile,
    tags: Vec<String>,
    /// The module around, and how deep it stands.
    module: Option<(GraphModule, usize)>,
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

fn attribute(tag: &BytesStart<'_>, names: &[&str]) -> Option<String> {
    tag.attributes().flatten().find_map(|attribute| {
        let key = attribute.key.as_ref().to_lowercase();
        let value = attribute.value.as_ref().to_owned();
        (names.contains(&key.as_str()) && !value.is_empty()).then_some(value)
    })
}

impl State<'_> {
    fn start(&mut self, tag: &BytesStart<'_>, at: usize, empty: bool) {
        let name = tag.name().as_ref().to_owned();
        let line = line_of(self.text, at);
        let named = |name: String| Named { line, name };
        let lower = name.to_lowercase();
        let begins = lower == "module" || name.starts_with("M-");
        if begins && self.module.is_none() {
            let module = GraphModule {
                file: attribute(tag, &["file", "path", "src"]).map(named),
                name: Some(name.clone())
                    .filter(|name| name.starts_with("M-"))
                    .or_else(|| attribute(tag, &["id", "name"])),
                line,
                ..GraphModule::default()
            };
            self.module = Some((module, self.tags.len()));
        } else if let Some((module, _)) = &mut self.module {
            match lower.as_str() {
                "class" | "interface" | "trait" => {
                    module.classes.extend(attribute(tag, &["name"]).map(named))
                }
                "method" | "function" => module.methods.extend(attribute(tag, &["name"]).map(named)),
                "link" | "crosslink" => {
                    module.links.extend(attribute(tag, &["target", "to", "file"]).map(named))
                }
                _ => {}
            }
        }
        self.tags.push(lower);
        if empty {
            self.end();
        }
    }

    fn words(&mut self, words: &str, at: usize) {
        let line = line_of(self.text, at);
        let Some((module, _)) = &mut self.module else { return };
        match self.tags.last().map(String::as_str) {
            Some("path" | "file") if reading::looks_like_path(words) => {
                module.file.get_or_insert_with(|| Named { line, name: words.to_owned() });
            }
            Some("depends" | "dependencies") => {
                let names = words.split([',', ' ', '\n']).map(str::trim).filter(|name| !name.is_empty());
                module.links.extend(names.map(|name| Named { line, name: name.to_owned() }));
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        self.tags.pop();
        if let Some((module, _)) = self.module.take_if(|(_, depth)| self.tags.len() <= *depth) {
            self.file.modules.push(module);
        }
    }
}

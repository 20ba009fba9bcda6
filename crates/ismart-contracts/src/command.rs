//! The commands: what they take, what they print, how they end.

use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::config::{Config, ConfigError, Model};
use crate::finding::{self, Format};
use crate::graph::{self, Graph};
use crate::init::{self, Propose};
use crate::tree::{Tree, TreeError};
use crate::{check, coverage, serve};

/// Module contracts: write, check, measure, draw and serve them
#[derive(Debug, Args)]
pub struct Contracts {
    /// Root of the code tree, where contracts.toml stands
    #[arg(long, value_name = "DIR", default_value = ".", global = true)]
    root: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write contracts with API and LINKS of the code; into those that are there, only what is new
    Init {
        /// Files and folders [default: the key code]
        paths: Vec<String>,
        /// Say what would be written, write nothing
        #[arg(long)]
        dry_run: bool,
    },
    /// Find where contracts and code say different things
    Check {
        /// How to print
        #[arg(long, value_enum, default_value_t)]
        format: Format,
        /// Only what was found in these files and folders
        paths: Vec<String>,
    },
    /// Measure how much of the key code has a contract
    Coverage {
        /// Files and folders [default: all key code]
        paths: Vec<String>,
        /// Fail below this percentage [default: `min` of contracts.toml, or 80]
        #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
        min: Option<u8>,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Draw who uses whom
    Graph {
        /// Files and folders, shown with their neighbours [default: everything]
        paths: Vec<String>,
        /// How to draw
        #[arg(long, value_enum, default_value_t)]
        form: graph::Form,
        /// Write here instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Serve contracts to models over standard input and output (Model Context Protocol)
    Serve,
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All is well.
    Well,
    /// Drift was found, or the coverage is too low.
    Found,
    /// The command could not do what it was told.
    Failed,
}

impl Ended {
    /// The exit code: 0, 1, 2.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Found => 1,
            Self::Failed => 2,
        }
    }
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The code tree cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A path of the command line leads nowhere.
    #[error("there is no `{path}` under {root}; name files and folders from the root of the code tree")]
    Path {
        /// As given.
        path: String,
        /// The root.
        root: PathBuf,
    },
    /// A file cannot be written.
    #[error("{path} cannot be written: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Input or output broke.
    #[error("input or output broke: {0}")]
    Stream(#[from] io::Error),
}

impl Contracts {
    /// The root of the code tree.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The model that the command would ask for purposes; none for commands that ask nobody.
    ///
    /// # Errors
    ///
    /// When the configuration is wrong.
    pub fn model(&self) -> Result<Option<Model>, ConfigError> {
        match self.command {
            Command::Init { .. } => Ok(Config::read(&self.root)?.model),
            _ => Ok(None),
        }
    }

    /// Does what the command says. `propose` is asked for purposes that the code does not tell.
    pub fn run(
        &self,
        input: impl BufRead,
        output: &mut dyn Write,
        notes: &mut dyn Write,
        propose: Option<&Propose<'_>>,
    ) -> Ended {
        match self.try_run(input, output, notes, propose) {
            Ok(ended) => ended,
            // Who closed the pipe has read enough.
            Err(CommandError::Stream(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ended::Well,
            Err(error) => {
                let _closed = writeln!(notes, "error: {error}").is_err();
                Ended::Failed
            }
        }
    }

    fn try_run(
        &self,
        input: impl BufRead,
        output: &mut dyn Write,
        notes: &mut dyn Write,
        propose: Option<&Propose<'_>>,
    ) -> Result<Ended, CommandError> {
        if let Command::Serve = &self.command {
            Tree::stamp(&self.root)?;
            serve::serve(&self.root, input, output)?;
            return Ok(Ended::Well);
        }
        let tree = Tree::read(&self.root)?;
        match &self.command {
            Command::Init { paths, dry_run } => {
                self.init(&tree, &self.known(&tree, paths)?, *dry_run, output, notes, propose)
            }
            Command::Check { format, paths } => {
                let paths = self.known(&tree, paths)?;
                let mut found = check::check(&tree);
                found.retain(|finding| {
                    paths.is_empty() || paths.iter().any(|path| under(&finding.path, path))
                });
                write!(output, "{}", finding::print(&found, *format))?;
                let bad = found.iter().any(|finding| finding.severity == finding::Severity::Error);
                Ok(if bad { Ended::Found } else { Ended::Well })
            }
            Command::Coverage { paths, min, json } => {
                let coverage = coverage::coverage(&tree, &self.known(&tree, paths)?);
                let min = usize::from(min.unwrap_or(tree.config.min));
                if *json {
                    writeln!(
                        output,
                        "{:#}",
                        serde_json::json!({ "percent": coverage.all.percent(), "min": min, "coverage": coverage })
                    )?;
                } else {
                    write!(output, "{}", coverage.text())?;
                }
                if coverage.all.percent() < min {
                    writeln!(
                        notes,
                        "error: {} % of the key code has a contract, {min} % are wanted; `init` writes skeletons",
                        coverage.all.percent()
                    )?;
                    return Ok(Ended::Found);
                }
                Ok(Ended::Well)
            }
            Command::Graph { paths, form, out } => {
                let text = Graph::of(&tree, &self.known(&tree, paths)?).print(*form);
                match out {
                    Some(path) => {
                        std::fs::write(path, text)
                            .map_err(|source| CommandError::Write { path: path.clone(), source })?;
                    }
                    None => write!(output, "{text}")?,
                }
                Ok(Ended::Well)
            }
            Command::Serve => Ok(Ended::Well),
        }
    }

    fn init(
        &self,
        tree: &Tree,
        paths: &[String],
        dry_run: bool,
        output: &mut dyn Write,
        notes: &mut dyn Write,
        propose: Option<&Propose<'_>>,
    ) -> Result<Ended, CommandError> {
        let existing = |path: &str| std::fs::read_to_string(self.root.join(path)).ok();
        let drafts = init::draft(tree, paths, &existing, propose);
        for draft in &drafts.drafts {
            let path = self.root.join(&draft.path);
            if !dry_run {
                std::fs::write(&path, &draft.text).map_err(|source| CommandError::Write { path, source })?;
            }
            let word = if draft.is_new { "new" } else { "changed" };
            writeln!(output, "{word} {}", draft.path)?;
        }
        for (path, reason) in &drafts.skipped {
            writeln!(notes, "skipped {path}: {reason}")?;
        }
        for (path, reason) in &tree.unread {
            writeln!(notes, "skipped {path}: {reason}")?;
        }
        let new = drafts.drafts.iter().filter(|draft| draft.is_new).count();
        writeln!(
            output,
            "{new} new, {} changed, {} as they were",
            drafts.drafts.len() - new,
            drafts.current
        )?;
        Ok(if drafts.skipped.is_empty() { Ended::Well } else { Ended::Found })
    }

    /// The paths as the tree writes them.
    fn known(&self, tree: &Tree, paths: &[String]) -> Result<Vec<String>, CommandError> {
        let known = |path: &String| {
            let bare = path.trim_start_matches("./").trim_end_matches('/');
            let found = bare.is_empty() || bare == "." || tree.exists(bare) || self.root.join(bare).exists();
            let fault = || CommandError::Path { path: path.clone(), root: self.root.clone() };
            found.then(|| bare.to_owned()).ok_or_else(fault)
        };
        paths.iter().map(known).collect()
    }
}

fn under(path: &str, asked: &str) -> bool {
    asked.is_empty() || asked == "." || path == asked || path.starts_with(&format!("{asked}/"))
}

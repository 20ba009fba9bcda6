//! What measurements share: builds and runs of the repository's own programs.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The place of measuring.
#[derive(Debug)]
pub(crate) struct Bench {
    root: PathBuf,
    programs: OnceCell<Result<Programs, String>>,
}

/// Release builds.
#[derive(Debug, Clone)]
pub(super) struct Programs {
    /// The product.
    pub(super) ismart: PathBuf,
    /// The load tool.
    pub(super) load: PathBuf,
    /// The tool that measures sites.
    pub(super) sites: PathBuf,
}

/// What a program wrote, and whether it succeeded.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) output: String,
    pub(super) succeeded: bool,
}

impl Bench {
    /// Measures the repository at `root`.
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_path_buf(), programs: OnceCell::new() }
    }

    /// The folder of data that comes beside the repository.
    pub(super) fn shared(&self, path: &str) -> Result<PathBuf, String> {
        let path = self.root.join("../shared").join(path);
        if path.exists() { Ok(path) } else { Err(format!("{} is absent", path.display())) }
    }

    /// Builds the product and the load tool once.
    pub(super) fn programs(&self) -> Result<&Programs, String> {
        self.programs.get_or_init(|| self.build()).as_ref().map_err(Clone::clone)
    }

    fn build(&self) -> Result<Programs, String> {
        let arguments =
            ["build", "--release", "-p", "ismart", "-p", "ismart-testing", "--message-format", "json"];
        let ran = self.cargo(&arguments)?;
        if !ran.succeeded {
            return Err("the release build failed; see above".to_owned());
        }
        let built: Vec<serde_json::Value> =
            ran.output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let program = |name: &str| {
            let named =
                |message: &&serde_json::Value| message.pointer("/target/name").is_some_and(|n| n == name);
            let mut paths =
                built.iter().filter(named).filter_map(|message| message.get("executable")?.as_str());
            paths
                .next()
                .map(PathBuf::from)
                .ok_or_else(|| format!("the release build made no program `{name}`"))
        };
        Ok(Programs { ismart: program("ismart")?, load: program("load")?, sites: program("sites")? })
    }

    /// Runs cargo in the repository; its progress is shown.
    pub(super) fn cargo(&self, arguments: &[&str]) -> Result<Ran, String> {
        self.run(Command::new("cargo").args(arguments))
    }

    /// Runs a program in the repository; what it writes on standard error is shown.
    pub(super) fn run(&self, command: &mut Command) -> Result<Ran, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let output = command
            .current_dir(&self.root)
            .stderr(Stdio::inherit())
            .output()
            .map_err(|e| format!("`{name}` cannot be started: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok(Ran { output: text, succeeded: output.status.success() })
    }
}

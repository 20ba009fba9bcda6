//! PHP Twig, as a process of its own.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::workloads::Workload;

const SCRIPT: &str = r#"<?php
require $argv[1];
if (!isset($argv[2])) { echo \Twig\Environment::VERSION, ', PHP ', PHP_VERSION; exit; }
$work = json_decode(file_get_contents($argv[2]), true);
$twig = new \Twig\Environment(new \Twig\Loader\ArrayLoader($work['templates']), ['cache' => $argv[4], 'auto_reload' => false]);
$t = $twig->load($work['main']);
file_put_contents($argv[3], $t->render($work['data']));
for ($i = 0; $i < 3; $i++) { $t->render($work['data']); }
$cpu = function () { $r = getrusage(); return $r['ru_utime.tv_sec'] * 1e6 + $r['ru_utime.tv_usec'] + $r['ru_stime.tv_sec'] * 1e6 + $r['ru_stime.tv_usec']; };
$start = $cpu();
for ($i = 0; $i < $work['renders']; $i++) { $t->render($work['data']); }
echo ($cpu() - $start) / $work['renders'];
"#;

pub(crate) struct Php {
    autoload: String,
    dir: PathBuf,
    pub(crate) version: String,
}

impl Php {
    /// Looks for `php` and the autoloader of Twig.
    pub(crate) fn find(autoload: &str) -> Result<Self, String> {
        if !Path::new(autoload).exists() {
            return Err(format!("there is no {autoload} (Debian: apt-get install php-cli php-twig)"));
        }
        let dir = std::env::temp_dir().join(format!("ismart-twig-bench-{}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
        std::fs::write(dir.join("bench.php"), SCRIPT).map_err(|e| e.to_string())?;
        let mut php = Self { autoload: autoload.to_owned(), dir, version: String::new() };
        php.version = php.call(&[])?;
        Ok(php)
    }

    fn call(&self, args: &[&str]) -> Result<String, String> {
        let output = Command::new("php")
            .args(["-d", "opcache.enable_cli=1", "-d", "opcache.file_update_protection=0"])
            .arg(self.dir.join("bench.php"))
            .arg(&self.autoload)
            .args(args)
            .output()
            .map_err(|e| format!("php does not run: {e}"))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// The CPU time of a render in microseconds, and what was rendered.
    pub(crate) fn run(&self, work: &Workload) -> (f64, String) {
        let templates: serde_json::Map<String, Json> =
            work.twig.iter().map(|(n, s)| ((*n).to_owned(), json!(s))).collect();
        let (file, out) = (self.dir.join("work.json"), self.dir.join("out.html"));
        let job = json!({"main": work.twig[0].0, "templates": templates, "data": work.data, "renders": work.renders});
        std::fs::write(&file, job.to_string()).unwrap();
        let cache = self.dir.join("cache").join(work.key);
        let time =
            self.call(&[&file.to_string_lossy(), &out.to_string_lossy(), &cache.to_string_lossy()]).unwrap();
        (time.trim().parse().unwrap(), std::fs::read_to_string(out).unwrap())
    }
}

impl Drop for Php {
    fn drop(&mut self) {
        // A folder that stays behind in the temporary folder harms nobody.
        drop(std::fs::remove_dir_all(&self.dir));
    }
}

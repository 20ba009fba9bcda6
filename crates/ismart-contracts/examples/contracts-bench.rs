//! Measures how fast PHP is read: over 100,000 generated lines, or over a folder.
//!
//! `cargo run --release -p ismart-contracts --example contracts-bench [-- ROOT]`

#![expect(clippy::print_stdout, clippy::cast_precision_loss, reason = "a measuring program prints figures")]

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ismart_contracts::{Tree, check, init};

/// Lines that are generated at least.
const LINES: usize = 100_000;

/// How often the tree is read.
const READS: u32 = 5;

/// Seconds of processor time of this process so far, where the system tells it.
fn worked() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: f64 = fields.get(11)?.parse::<f64>().ok()? + fields.get(12)?.parse::<f64>().ok()?;
    Some(ticks / 100.0)
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    if let Some(root) = std::env::args().nth(1) {
        return measure(Path::new(&root));
    }
    let folder = std::env::temp_dir().join(format!("contracts-bench-{}", std::process::id()));
    let done = generate(&folder).and_then(|()| measure(&folder));
    std::fs::remove_dir_all(&folder).map_err(|error| error.to_string())?;
    done
}

fn measure(root: &Path) -> Result<(), String> {
    let mut best = Duration::MAX;
    let mut tree = None;
    let before = worked();
    for _ in 0..READS {
        let start = Instant::now();
        let read = Tree::read(root).map_err(|error| error.to_string())?;
        best = best.min(start.elapsed());
        tree = Some(read);
    }
    let each = before.zip(worked()).map(|(before, after)| (after - before) / f64::from(READS));
    let tree = tree.ok_or("nothing was read")?;
    let lines: usize = tree.files.iter().map(|file| file.lines).sum();
    let faults = tree.files.iter().filter(|file| file.fault.is_some()).count();
    let start = Instant::now();
    let drafts = init::draft(&tree, &[".".to_owned()], &|_| None, None);
    let drafted = start.elapsed();
    let start = Instant::now();
    let found = check(&tree).len();
    let checked = start.elapsed();
    println!(
        "{} files, {lines} lines, {} arrows, {faults} not readable",
        tree.files.len(),
        tree.links.edges.len()
    );
    println!("read in {best:.0?} (best of {READS}): {:.0} lines/s", lines as f64 / best.as_secs_f64());
    if let Some(each) = each.filter(|each| *each > 0.0) {
        println!(
            "processor time of one reading: {each:.2} s, {:.0} lines/s on one free core",
            lines as f64 / each
        );
    }
    let words = words(root, &tree)?;
    if let Some(each) = each {
        println!("result read lines={lines} seconds={each:.3} words={words:.3}");
    }
    println!("{} contracts drafted in {drafted:.0?}, {found} findings in {checked:.0?}", drafts.drafts.len());
    Ok(())
}

/// Seconds of processor time for splitting the same text into words ten times: what tells machines apart.
fn words(root: &Path, tree: &Tree) -> Result<f64, String> {
    let mut texts = Vec::new();
    for file in &tree.files {
        let bytes =
            std::fs::read(root.join(&file.path)).map_err(|error| format!("{}: {error}", file.path))?;
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    let before = worked();
    let count: usize =
        (0..10).map(|_| texts.iter().map(|text| text.split_whitespace().count()).sum::<usize>()).sum();
    let spent = before.zip(worked()).map_or(0.0, |(before, after)| after - before);
    if count == 0 { Err("there are no words".to_owned()) } else { Ok(spent) }
}

/// Writes varied PHP: no two files alike, every construct that is read somewhere.
fn generate(folder: &Path) -> Result<(), String> {
    let mut lines = 0;
    let mut file = 0_usize;
    while lines < LINES {
        let text = class(file);
        lines += text.lines().count();
        let place = folder.join(format!("src/Part{}", file % 40));
        std::fs::create_dir_all(&place).map_err(|error| error.to_string())?;
        std::fs::write(place.join(format!("Class{file}.php")), text).map_err(|error| error.to_string())?;
        file += 1;
    }
    Ok(())
}

fn class(at: usize) -> String {
    let name = |at: usize| format!("\\App\\Part{}\\Class{at}", at % 40);
    let (one, two) = (name(at / 2), name((at * 7 + 3) % (at + 1)));
    let kind =
        ["final class", "abstract class", "class", "readonly class"].get(at % 4).copied().unwrap_or("class");
    let mut text = String::new();
    let mut line = |part: &str| {
        text.push_str(part);
        text.push('\n');
    };
    line("<?php");
    line("\ndeclare(strict_types=1);\n");
    line(&format!("namespace App\\Part{};\n", at % 40));
    line("use Psr\\Log\\LoggerInterface;");
    line(&format!("use App\\Part{}\\{{Class{} as Other, Helper}};\n", (at + 1) % 40, at + 1));
    line(&format!("/**\n * Number {at} of many.\n *\n * @template T of {one}\n */"));
    line(&format!("{kind} Class{at} implements \\JsonSerializable\n{{"));
    line("    public const LIMITS = ['low' => 1, 'high' => 10 * 60];\n");
    line(&format!(
        "    public function __construct(private LoggerInterface $logger, protected ?{one} $first = null, int|string ...$rest)\n    {{\n    }}\n"
    ));
    for method in 0..6 + at % 9 {
        line(&body(at, method, &two));
    }
    line(
        "    public function jsonSerialize(): mixed\n    {\n        return get_object_vars($this);\n    }\n}",
    );
    text
}

fn body(at: usize, method: usize, other: &str) -> String {
    let mut text = String::new();
    let mut line = |part: String| {
        text.push_str(&part);
        text.push('\n');
    };
    line(format!(
        "    /**\n     * Does thing {method}.\n     *\n     * @param array<string, Other> $values\n     * @return list<{other}>|null\n     */"
    ));
    line(format!(
        "    public {}function method{method}(array $values, ?{other} $base = null, float $rate = {at}.{method}): ?array\n    {{",
        if method % 5 == 4 { "static " } else { "" }
    ));
    line("        // BLOCK: Sum".to_owned());
    for step in 0..3 + (at + method) % 12 {
        let part = match (at + step * 3 + method) % 7 {
            0 => format!(
                "        $sum{step} = array_sum(array_map(fn (Other $o): int => $o->count() + {step}, $values));"
            ),
            1 => format!(
                "        if ($base instanceof {other} && $rate > {step}.5) {{\n            $total['k{step}'] ??= $base?->method{step}([])[0] ?? null;\n        }}"
            ),
            2 => format!(
                "        foreach ($values as $key => [$left, $right]) {{\n            $total[\"x{{$key}}-{step}\"] = match (true) {{\n                $left > $right => $left,\n                default => {other}::class,\n            }};\n        }}"
            ),
            3 => format!(
                "        try {{\n            $made = new {other}();\n        }} catch (\\RuntimeException | \\LogicException $e) {{\n            throw new \\DomainException(sprintf('%s at %d', $e->getMessage(), {step}));\n        }}"
            ),
            4 => format!(
                "        $sql = <<<SQL\n            SELECT * FROM t{step} WHERE a = '{{$rate}}' -- {method}\n            SQL;"
            ),
            5 => format!("        $this->logger->info('[Class{at}::method{method}][Sum] step {step}');"),
            _ => format!(
                "        $total[] = Helper::of($values[{step}] ?? self::LIMITS['low'], rate: $rate, note: \"n{at}\");"
            ),
        };
        line(part);
    }
    line("        // END_BLOCK\n        return $total ?? null;\n    }\n".to_owned());
    text
}

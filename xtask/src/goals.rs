//! The goals that can be measured in this repository, and their measuring.

mod bench;
mod chain;
mod contracts;
mod sites;
mod twig;
mod workers;

use std::path::Path;

pub(crate) use bench::Bench;

use crate::say;

/// Something that must hold and is measured.
#[derive(Debug)]
pub(crate) struct Goal {
    /// The group by which it is asked for.
    pub(crate) group: &'static str,
    /// Its name, unique in the group.
    pub(crate) name: &'static str,
    /// What is measured, and how.
    pub(crate) what: &'static str,
    /// What the figure must be.
    pub(crate) bar: &'static str,
    /// What is measured beside it in the same run, so that machines can be told apart.
    pub(crate) reference: &'static str,
    measure: fn(&Bench) -> Result<Measured, String>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Measured {
    /// The figure with its unit.
    pub(crate) figure: String,
    /// The reference of the same run with its unit.
    pub(crate) reference: String,
    /// Whether the bar is reached.
    pub(crate) holds: bool,
}

/// All goals, in the order of their groups. A goal is listed when its measurement exists, not before.
pub(crate) const GOALS: &[Goal] = &[
    Goal {
        group: "foundation",
        name: "page",
        what: "A page of the demo client is rendered, as seen over loopback: every page of the sitemap in turn, uncompressed, two connections.",
        bar: "p99 below 3 ms, no errors",
        reference: "p99 of `GET /ping` (a plain 200) between the pages, on the same connections",
        measure: chain::page,
    },
    Goal {
        group: "foundation",
        name: "turn",
        what: "A visitor's message is posted and the worker's reply arrives on the stream: 200 conversations at once, each with its own stream and a full Russian sentence about every two seconds, keyless worker.",
        bar: "p99 below 20 ms, no errors",
        reference: "p99 of `GET /ping` beside each conversation, in the same run",
        measure: chain::turn,
    },
    Goal {
        group: "foundation",
        name: "lead",
        what: "A form is sent and answered with success after its lead is durable: 500 a second whatever the server does, SQLite with `synchronous=FULL`, delivery to the inbox beside it.",
        bar: "p99 at most 15 ms, no errors",
        reference: "p99 of writing 4 KiB and `fdatasync` in the same folder, before and after",
        measure: chain::lead,
    },
    Goal {
        group: "foundation",
        name: "start",
        what: "From the start of the release binary on an empty data folder (`demo`, demo data included) to the first 200 of `GET /health`; the worst of five.",
        bar: "at most 5 s",
        reference: "median of `ismart --version`",
        measure: chain::start,
    },
    Goal {
        group: "foundation",
        name: "kill",
        what: "`kill -9` at random moments under 100 leads/s, 50 times: every lead answered with success exists once and reaches a final state (test `kill_nine_under_load`).",
        bar: "0 lost, 0 doubled in 50 kills",
        reference: "number of leads that were answered with success",
        measure: chain::kill,
    },
    Goal {
        group: "twig",
        name: "fixtures-a",
        what: "PHP Twig's own fixtures that need no PHP object, byte-exact, errors included.",
        bar: "all pass",
        reference: "number of cases in the file",
        measure: twig::fixtures_a,
    },
    Goal {
        group: "twig",
        name: "fixtures-b",
        what: "PHP Twig's own fixtures that need a host object, function or iterable.",
        bar: "all pass",
        reference: "number of cases in the file",
        measure: twig::fixtures_b,
    },
    Goal {
        group: "twig",
        name: "semantics",
        what: "Cases of Twig's semantics whose outcome is neither PHP's own wording nor dependent on PHP's version.",
        bar: "all pass",
        reference: "number of cases in the file",
        measure: twig::semantics,
    },
    Goal {
        group: "twig",
        name: "table",
        what: "A table of 1000 rows and 10 columns with escaping, CPU time a render; equal bytes demanded of PHP Twig.",
        bar: "at least 8 x PHP Twig, at most 0.5 of minijinja",
        reference: "PHP Twig (opcache, compiled cache) and minijinja, interleaved",
        measure: twig::table,
    },
    Goal {
        group: "twig",
        name: "page",
        what: "A page with inheritance, 6 blocks, a menu, 20 includes and 30 macro calls, CPU time a render.",
        bar: "at least 10 x PHP Twig, at most 0.5 of minijinja",
        reference: "PHP Twig (opcache, compiled cache) and minijinja, interleaved",
        measure: twig::page,
    },
    Goal {
        group: "twig",
        name: "filters",
        what: "200 items with 20 filters each, CPU time a render.",
        bar: "at least 5 x PHP Twig, at most 0.5 of minijinja",
        reference: "PHP Twig (opcache, compiled cache) and minijinja, interleaved",
        measure: twig::filters,
    },
    Goal {
        group: "twig",
        name: "compile",
        what: "A template of 500 lines as pages have them, from source to program.",
        bar: "at most 1 ms",
        reference: "a template of 500 lines of nothing but expressions",
        measure: twig::compile,
    },
    Goal {
        group: "twig",
        name: "allocations",
        what: "Allocations that a text node costs when a template is compiled.",
        bar: "none",
        reference: "the same template without its texts",
        measure: twig::allocations,
    },
    Goal {
        group: "sites",
        name: "fleet",
        what: "47 copies of the demo dealer's site, each of its own client and host, in one process: from the start to the first healthy answer with its database there already, and resident memory after every page of every site was shown once.",
        bar: "at most 1 s and 300 MiB",
        reference: "the same with one site, after its start",
        measure: sites::fleet,
    },
    Goal {
        group: "sites",
        name: "thousand",
        what: "The same with 1,000 copies.",
        bar: "at most 22 s and 6,400 MiB: no more a site than in a fleet of 47",
        reference: "the same with one site, after its start",
        measure: sites::thousand,
    },
    Goal {
        group: "sites",
        name: "kept",
        what: "The demo dealer's home page, kept ready, 8 connections over loopback, uncompressed: requests a second, median of 5 rounds.",
        bar: "at least half of nginx's",
        reference: "nginx with two workers, serving the same bytes as a file, in the same rounds",
        measure: sites::kept,
    },
    Goal {
        group: "sites",
        name: "published",
        what: "A page of the demo dealer's site is published over the API (draft, gate, revision, new snapshot) ten times: until a visitor sees the new heading, the longest.",
        bar: "at most 1 s",
        reference: "one reading of the page that is waited for",
        measure: sites::published,
    },
    Goal {
        group: "contracts",
        name: "read",
        what: "100,000 generated lines of varied PHP are read with signatures and dependencies, processor time of one reading.",
        bar: "at most 2 s",
        reference: "splitting the same text into words ten times",
        measure: contracts::read,
    },
    Goal {
        group: "workers",
        name: "scenarios",
        what: "Every scenario of the shipped packages, as written and in eight noisy variants (typos, layout, case, voice); a scenario passes pass^8 when all eight pass. Keyless.",
        bar: "all as written, pass^8 at least 99 %",
        reference: "number of runs",
        measure: workers::scenarios,
    },
];

/// `cargo xtask goals [GROUP…]`: measures and prints one line a goal; true when all hold.
pub(crate) fn command(root: &Path, groups: &[String]) -> Result<bool, String> {
    let known = names_of_groups();
    if let Some(group) = groups.iter().find(|group| !known.contains(&group.as_str())) {
        return Err(format!("no goal of the group `{group}` can be measured; groups: {}", known.join(", ")));
    }
    let bench = Bench::new(root);
    let mut all = true;
    for goal in
        GOALS.iter().filter(|goal| groups.is_empty() || groups.iter().any(|group| group == goal.group))
    {
        say::note(format_args!("measuring {}/{} …", goal.group, goal.name));
        let result = (goal.measure)(&bench);
        all &= result.as_ref().is_ok_and(|measured| measured.holds);
        say::line(told(goal, &result));
    }
    Ok(all)
}

/// The groups in order, each once.
pub(crate) fn names_of_groups() -> Vec<&'static str> {
    let mut names: Vec<&str> = GOALS.iter().map(|goal| goal.group).collect();
    names.dedup();
    names
}

fn told(goal: &Goal, result: &Result<Measured, String>) -> String {
    let (figure, reference, word) = match result {
        Ok(m) => (m.figure.as_str(), m.reference.as_str(), if m.holds { "holds" } else { "falls short" }),
        Err(why) => (why.as_str(), "none", "falls short: not measured"),
    };
    format!("{}/{} ({}) | {figure} | reference: {reference} | {word}", goal.group, goal.name, goal.bar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goals_have_names_of_their_own_and_groups_stand_together() {
        let names: std::collections::BTreeSet<_> = GOALS.iter().map(|goal| (goal.group, goal.name)).collect();
        assert_eq!(names.len(), GOALS.len());
        let groups: std::collections::BTreeSet<_> = names_of_groups().into_iter().collect();
        assert_eq!(groups.len(), names_of_groups().len());
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        let goal = GOALS.first().unwrap();
        assert!(told(goal, &Err("no binary".to_owned())).ends_with("falls short: not measured"));
        let measured = Measured { figure: "1 ms".to_owned(), reference: "2 ms".to_owned(), holds: true };
        assert!(told(goal, &Ok(measured)).ends_with("| 1 ms | reference: 2 ms | holds"));
    }

    #[test]
    fn an_unknown_group_is_refused() {
        assert!(command(Path::new("."), &["nothing".to_owned()]).is_err());
    }
}

//! The commands of `ismart contracts` on their own, for code trees that have nothing to do with iSmart.

use std::io;
use std::process::ExitCode;

use clap::Parser;
use ismart_contracts::command::Contracts;

/// Module contracts: write, check, measure, draw and serve them
#[derive(Debug, Parser)]
#[command(name = "ismart-contracts", version, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    contracts: Contracts,
}

fn main() -> ExitCode {
    let contracts = Cli::parse().contracts;
    let ended = contracts.run(io::stdin().lock(), &mut io::stdout().lock(), &mut io::stderr().lock(), None);
    ExitCode::from(ended.code())
}

//! The command line.

mod check;
mod contracts;
mod deliveries;
mod demo;
mod doctor;
mod drill;
mod fleet;
mod leads;
mod ledger;
mod migrate;
mod openapi;
mod pilot;
mod serve;
mod site;
mod token;
mod twig;
mod user;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ismart_contracts::command::Contracts;

use crate::output::{self, Failed};

/// Client sites, digital workers, leads.
#[derive(Debug, Parser)]
#[command(name = "ismart", version, about, propagate_version = true, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the sites of the data folder, with chat, forms and console
    Serve(serve::Serve),
    /// Serve a ready-made car dealer with simulated visitors and a simulated CRM
    Demo(demo::Demo),
    /// Check configuration, sites and worker packages without touching the network
    Check(check::Check),
    /// Check what `check` checks, and that database and destinations can be reached
    Doctor(Checked),
    /// Break things on purpose while leads come in, and count what became of them
    Drill(drill::Drill),
    /// Write, check, measure, draw and serve contracts of code: what each module promises
    Contracts(Contracts),
    /// Let a site that somebody else serves answer from its pages, by one line of script
    Pilot(pilot::Pilot),
    /// Print the OpenAPI 3.1 description of the API
    Openapi,
    /// Prove that no lead was lost: count rows and event log, and compare
    Ledger(ledger::Ledger),
    /// Send deliveries of leads again, after a look at what that means
    Deliveries(deliveries::Deliveries),
    /// Bring the database schema up to date
    Migrate(Place),
    /// Add a person who may sign in to the console, or change his password
    User(user::User),
    /// Make a key of the API for a program, and print it
    Token(token::Token),
    /// Make sites of starter packs, add to them, bring sites of the PHP platform over
    Site(site::Site),
    /// Make leads of the rows of a file, or of a letter
    Leads(leads::Leads),
    /// Compare all sites with all rules; roll out versions of shared cores by waves
    Fleet(fleet::Fleet),
    /// Check, lint, format and explain Twig templates
    Twig(twig::Twig),
}

/// Where configuration and data are.
#[derive(Debug, Args)]
struct Place {
    /// Address to listen on, for example 0.0.0.0:8080 [default: `listen` of the configuration, or 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// Folder of database and sites
    #[arg(long, value_name = "DIR", default_value = ".")]
    data: PathBuf,
    /// Configuration file [default: DIR/ismart.toml]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Where configuration and data are, and how to print.
#[derive(Debug, Args)]
struct Checked {
    #[command(flatten)]
    place: Place,
    /// Print the findings as JSON
    #[arg(long)]
    json: bool,
}

/// Reads the command line, does what it says, gives the exit code: 0 done, 1 failed, 2 not understood.
pub(crate) fn run() -> ExitCode {
    let command = Cli::parse().command;
    let json = match &command {
        Command::Check(check) => check.checked.json,
        Command::Doctor(checked) => checked.json,
        Command::Site(site) => site.json(),
        _ => false,
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(format_args!("error: cannot start: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(async {
        match command {
            Command::Serve(serve) => serve::serve(serve).await,
            Command::Demo(demo) => demo::demo(demo).await,
            Command::Check(check) => check::check(&check),
            Command::Doctor(checked) => doctor::doctor(&checked).await,
            Command::Drill(drill) => drill::drill(drill).await,
            Command::Contracts(contracts) => contracts::contracts(&contracts),
            Command::Pilot(pilot) => pilot::pilot(pilot).await,
            Command::Openapi => openapi::openapi(),
            Command::Ledger(ledger) => ledger::ledger(ledger).await,
            Command::Deliveries(what) => deliveries::deliveries(what).await,
            Command::Migrate(place) => migrate::migrate(&place).await,
            Command::User(user) => user::user(user).await,
            Command::Token(token) => token::token(token).await,
            Command::Fleet(fleet) => fleet::fleet(fleet).await,
            Command::Leads(leads) => leads::leads(leads).await,
            Command::Site(site) => site::site(site).await,
            Command::Twig(tools) => twig::twig(&tools),
        }
    });
    match result {
        Ok(code) => code,
        Err(Failed(troubles)) => {
            output::report(&troubles, json);
            ExitCode::FAILURE
        }
    }
}

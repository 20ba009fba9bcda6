//! Digital workers: packages, understanding, flows, gates, hand-over.
//!
//! The engine is pure and deterministic: it reads no clock, no file after loading, no network; the world is
//! reached only through the tools that a turn is given. It knows no word of any trade: those stand in packages.
//! `engine.contract.md` beside this file states what it promises and which test proves each promise.

pub mod desk;
pub mod extract;
pub mod flow;
pub mod gate;
pub mod intent;
pub mod memory;
pub mod package;
pub mod scenario;
pub mod template;
pub mod text;
pub mod understand;
pub mod worker;

pub use flow::{Call, HandoverReason, HandoverRequest, Reply};
pub use memory::Memory;
pub use package::{Package, PackageFiles, PackageProblem};
pub use understand::{Command, Understander, Vocabulary};
pub use worker::{Decision, Turn, TurnContext, TurnError, Worker};

//! A Twig 3 template engine with PHP's semantics, fast and safe for many threads.
//!
//! ```
//! use ismart_twig::{Environment, MemoryLoader};
//!
//! let mut loader = MemoryLoader::new();
//! loader.add("base.twig", "<title>{% block title %}Site{% endblock %}</title>");
//! loader.add("page.twig", "{% extends 'base.twig' %}{% block title %}{{ name }} | {{ parent() }}{% endblock %}");
//! let env = Environment::with_loader(loader);
//! let html = env.render("page.twig", &serde_json::json!({"name": "Tom & Jerry"})).unwrap();
//! assert_eq!(html, "<title>Tom &amp; Jerry | Site</title>");
//! ```
//!
//! Values are PHP's: ordered arrays with integer and string keys, PHP 8.2's comparisons, conversions and
//! number formats. Templates are compiled once into a compact program with variables in slots and are
//! shared by all threads; a rendering borrows its data from the given context.

mod builtin;
mod cache;
mod callable;
mod check;
mod compile;
mod date;
mod env;
mod error;
mod loader;
mod map;
mod num;
mod program;
mod run;
mod sandbox;
mod syntax;
mod template;
mod text;
pub mod tools;
mod value;

pub use cache::{Cache, Fragment, MemoryCache};
pub use callable::{Call, Callable, Strategy};
pub use date::{DateTime, Interval, Zone};
pub use env::{AutoEscape, Context, Environment, Limits};
pub use error::{Error, ErrorKind};
pub use loader::{ChainLoader, FileLoader, Loader, MemoryLoader};
pub use map::{Mapped, Origin, PathStep, Segment, SourceMap, ValuePath};
pub use run::Closure;
pub use sandbox::Policy;
pub use template::{Rendered, Template};
pub use value::{Array, CallArgs, Iter, Key, KeyRef, Number, Object, Value};

//! From source to syntax tree.

pub(crate) mod args;
pub(crate) mod ast;
pub(crate) mod expr;
pub(crate) mod lexer;
pub(crate) mod literal;
pub(crate) mod parser;
pub(crate) mod tags;
pub(crate) mod token;

//! The tools at their seam: arguments in, outcomes out.
#![cfg(test)]

mod reading;
mod writing;

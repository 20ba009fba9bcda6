//! Built-in tools of workers, one module each.

//! Digital workers: packages, understanding, flows, gates, hand-over.

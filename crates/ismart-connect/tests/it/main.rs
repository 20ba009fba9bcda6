//! Connectors at their seams.

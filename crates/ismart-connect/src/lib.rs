//! CRMs and notification channels, one module each.

//! Outside services that behave like the real ones, for the demo and for tests.

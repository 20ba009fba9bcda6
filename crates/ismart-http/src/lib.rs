//! The one way out: HTTP client with deadlines, address guard and redaction.

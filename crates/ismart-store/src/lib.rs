//! SQLite and PostgreSQL: migrations, statements, event log, outbox.

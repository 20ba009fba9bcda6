//! Schema migrations: numbered SQL files, each applied once, in order, under the engine's lock.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, SqlSafeStr};

/// Every migration: number, name, text. A line is added, never changed.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "foundation", include_str!("../migrations/0001_foundation.sql")),
    (2, "editing", include_str!("../migrations/0002_editing.sql")),
    (3, "api", include_str!("../migrations/0003_api.sql")),
    (4, "orders", include_str!("../migrations/0004_orders.sql")),
    (5, "drafters", include_str!("../migrations/0005_drafters.sql")),
    (6, "addresses", include_str!("../migrations/0006_addresses.sql")),
    (7, "feeds", include_str!("../migrations/0007_feeds.sql")),
];

/// The version that this program needs.
pub(crate) fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, _, _)| *version)
}

/// The migrations in the dialect of `postgres` or SQLite.
pub(crate) fn migrator(postgres: bool) -> Migrator {
    let serial = if postgres { "BIGSERIAL PRIMARY KEY" } else { "INTEGER PRIMARY KEY" };
    let migrations = MIGRATIONS.iter().map(|(version, name, text)| {
        let sql = AssertSqlSafe(text.replace("{serial}", serial)).into_sql_str();
        Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

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
    (8, "destination_tokens", include_str!("../migrations/0008_destination_tokens.sql")),
    (9, "ledger", include_str!("../migrations/0009_ledger.sql")),
    (10, "intake", include_str!("../migrations/0010_intake.sql")),
    (11, "queue", include_str!("../migrations/0011_queue.sql")),
];

/// The version that this program needs.
pub(crate) fn latest() -> i64 {
    MIGRATIONS.last().map_or(0, |(version, _, _)| *version)
}

/// The migrations in the dialect of `postgres` or SQLite.
pub(crate) fn migrator(postgres: bool) -> Migrator {
    of(MIGRATIONS, postgres)
}

fn of(list: &'static [(i64, &str, &str)], postgres: bool) -> Migrator {
    let serial = if postgres { "BIGSERIAL PRIMARY KEY" } else { "INTEGER PRIMARY KEY" };
    let migrations = list.iter().map(|(version, name, text)| {
        let sql = AssertSqlSafe(text.replace("{serial}", serial)).into_sql_str();
        Migration::new(*version, Cow::Borrowed(*name), MigrationType::Simple, sql, false)
    });
    Migrator::with_migrations(migrations.collect())
}

#[cfg(test)]
mod tests {
    use sqlx::{AnyConnection, Connection as _, Row as _};

    use super::*;

    /// What people had prepared when the server was updated is theirs afterwards, and so are the links to it.
    #[tokio::test]
    async fn drafts_of_people_survive_the_tables_of_drafters() {
        sqlx::any::install_default_drivers();
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("old.db").display());
        let mut conn = AnyConnection::connect(&url).await.unwrap();
        of(&MIGRATIONS[..3], false).run(&mut conn).await.unwrap();
        for table in ["clients", "sites", "users"] {
            // Columns that must have a value get one, whatever they are called.
            let columns: Vec<(String, String)> =
                sqlx::query(AssertSqlSafe(format!("PRAGMA table_info({table})")))
                    .fetch_all(&mut conn)
                    .await
                    .unwrap()
                    .iter()
                    .map(|row| (row.get::<String, _>(1), row.get::<String, _>(2)))
                    .collect();
            let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
            let values: Vec<&str> =
                columns.iter().map(|(_, kind)| if kind == "TEXT" { "'one'" } else { "1" }).collect();
            let text = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "));
            sqlx::query(AssertSqlSafe(text)).execute(&mut conn).await.unwrap();
        }
        for text in [
            "INSERT INTO site_drafts (client_id, site_id, user_id, path, base_digest, digest, updated_at)
             VALUES ('one', 'one', 'one', 'a.json', NULL, 'text', 7)",
            "INSERT INTO site_previews (token_sha256, client_id, site_id, user_id, created_at, expires_at)
             VALUES ('token', 'one', 'one', 'one', 1, 2)",
        ] {
            sqlx::query(text).execute(&mut conn).await.unwrap();
        }
        migrator(false).run(&mut conn).await.unwrap();
        let draft = sqlx::query("SELECT drafter, path, digest, updated_at FROM site_drafts");
        let draft = draft.fetch_one(&mut conn).await.unwrap();
        let told = (draft.get::<String, _>(0), draft.get::<String, _>(1), draft.get::<String, _>(2));
        assert_eq!(told, ("one".into(), "a.json".into(), "text".into()));
        assert_eq!(draft.get::<i64, _>(3), 7);
        let link = sqlx::query("SELECT drafter FROM site_previews WHERE token_sha256 = 'token'");
        assert_eq!(link.fetch_one(&mut conn).await.unwrap().get::<String, _>(0), "one");
    }
}

//! Statement texts that know whether they are bound to one client.

use sqlx::any::AnyArguments;
use sqlx::query::Query;
use sqlx::{Any, Row};

use crate::engine::{Conn, StoreError};

/// A statement over the rows of one client. Made by [`tenant!`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct TenantSql(&'static str);

impl TenantSql {
    /// Refuses, at compile time, a text that forgets the client.
    #[expect(clippy::panic, reason = "runs at compile time: the panic is the compiler's error message")]
    pub(crate) const fn new(text: &'static str) -> Self {
        if !contains(text, "client_id = $1") && !contains(text, "(client_id,") {
            panic!("a tenant statement must say `client_id = $1` or insert `(client_id, …)` first");
        }
        Self(text)
    }
}

/// A statement over the rows of all clients, with the reason why that is right. Made by [`system!`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemSql(&'static str);

impl SystemSql {
    /// Refuses, at compile time, a statement without a reason.
    #[expect(clippy::panic, reason = "runs at compile time: the panic is the compiler's error message")]
    pub(crate) const fn new(text: &'static str, reason: &'static str) -> Self {
        if reason.len() < 10 {
            panic!("a system statement must say why it may see all clients");
        }
        Self(text)
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "const evaluation has no iterators; a wrong index fails the build"
)]
const fn contains(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let mut start = 0;
    while start + part.len() <= text.len() {
        let mut i = 0;
        while i < part.len() && text[start + i] == part[i] {
            i += 1;
        }
        if i == part.len() {
            return true;
        }
        start += 1;
    }
    false
}

macro_rules! tenant {
    ($text:literal) => {{
        const SQL: $crate::sql::TenantSql = $crate::sql::TenantSql::new($text);
        SQL
    }};
}

macro_rules! system {
    ($text:literal, $reason:literal) => {{
        const SQL: $crate::sql::SystemSql = $crate::sql::SystemSql::new($text, $reason);
        SQL
    }};
}

pub(crate) use {system, tenant};

/// A statement with the values bound so far.
pub(crate) struct Statement<'q>(Query<'q, Any, AnyArguments>);

impl<'q> Statement<'q> {
    pub(crate) fn tenant(sql: TenantSql, client_id: ismart_domain::ClientId) -> Self {
        Self(sqlx::query(sql.0).bind(client_id.to_string()))
    }

    pub(crate) fn system(sql: SystemSql) -> Self {
        Self(sqlx::query(sql.0))
    }

    /// Binds a text.
    pub(crate) fn text(self, value: impl Into<String>) -> Self {
        Self(self.0.bind(value.into()))
    }

    /// Binds an id, or anything that prints as its stored form.
    pub(crate) fn id(self, value: impl std::fmt::Display) -> Self {
        Self(self.0.bind(value.to_string()))
    }

    /// Binds a text that may be absent.
    pub(crate) fn maybe(self, value: Option<impl std::fmt::Display>) -> Self {
        Self(self.0.bind(value.map(|v| v.to_string())))
    }

    /// Binds a number.
    pub(crate) fn number(self, value: i64) -> Self {
        Self(self.0.bind(value))
    }

    /// Binds an instant.
    pub(crate) fn instant(self, value: jiff::Timestamp) -> Self {
        Self(self.0.bind(value.as_microsecond()))
    }

    /// Binds an instant that may be absent.
    pub(crate) fn maybe_instant(self, value: Option<jiff::Timestamp>) -> Self {
        Self(self.0.bind(value.map(jiff::Timestamp::as_microsecond)))
    }

    /// Binds a value as JSON text.
    pub(crate) fn json(self, value: &impl serde::Serialize) -> Result<Self, StoreError> {
        let text = serde_json::to_string(value)
            .map_err(|e| StoreError::Corrupt { what: "a value to store".into(), why: e.to_string() })?;
        Ok(Self(self.0.bind(text)))
    }

    /// Runs it; gives the number of rows touched.
    pub(crate) async fn run(self, conn: &mut Conn) -> Result<u64, StoreError> {
        Ok(self.0.execute(conn.raw()).await?.rows_affected())
    }

    /// Runs it and reads every row.
    pub(crate) async fn all<T>(
        self,
        conn: &mut Conn,
        read: impl Fn(&Columns<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let rows = self.0.fetch_all(conn.raw()).await?;
        rows.iter().map(|row| read(&Columns(row))).collect()
    }

    /// Runs it and reads the first row, if any.
    pub(crate) async fn first<T>(
        self,
        conn: &mut Conn,
        read: impl Fn(&Columns<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let row = self.0.fetch_optional(conn.raw()).await?;
        row.as_ref().map(|row| read(&Columns(row))).transpose()
    }
}

/// One row, read by column position.
pub(crate) struct Columns<'r>(&'r sqlx::any::AnyRow);

impl Columns<'_> {
    pub(crate) fn text(&self, i: usize) -> Result<String, StoreError> {
        Ok(self.0.try_get::<String, _>(i)?)
    }

    pub(crate) fn maybe_text(&self, i: usize) -> Result<Option<String>, StoreError> {
        Ok(self.0.try_get::<Option<String>, _>(i)?)
    }

    pub(crate) fn number(&self, i: usize) -> Result<i64, StoreError> {
        Ok(self.0.try_get::<i64, _>(i)?)
    }

    pub(crate) fn maybe_number(&self, i: usize) -> Result<Option<i64>, StoreError> {
        Ok(self.0.try_get::<Option<i64>, _>(i)?)
    }

    pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        i: usize,
    ) -> Result<T, StoreError> {
        let text = self.text(i)?;
        text.parse().map_err(|e: T::Err| self.corrupt(i, e))
    }

    pub(crate) fn maybe_parsed<T: std::str::FromStr<Err: std::fmt::Display>>(
        &self,
        i: usize,
    ) -> Result<Option<T>, StoreError> {
        self.maybe_text(i)?.map(|text| text.parse().map_err(|e: T::Err| self.corrupt(i, e))).transpose()
    }

    pub(crate) fn instant(&self, i: usize) -> Result<jiff::Timestamp, StoreError> {
        jiff::Timestamp::from_microsecond(self.number(i)?).map_err(|e| self.corrupt(i, e))
    }

    pub(crate) fn maybe_instant(&self, i: usize) -> Result<Option<jiff::Timestamp>, StoreError> {
        let micros = self.0.try_get::<Option<i64>, _>(i)?;
        micros.map(|m| jiff::Timestamp::from_microsecond(m).map_err(|e| self.corrupt(i, e))).transpose()
    }

    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, i: usize) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(i)?).map_err(|e| self.corrupt(i, e))
    }

    /// Reads a wire name through `read`, which gives `None` for unknown ones.
    pub(crate) fn code<T>(&self, i: usize, read: impl Fn(&str) -> Option<T>) -> Result<T, StoreError> {
        let text = self.text(i)?;
        read(&text).ok_or_else(|| self.corrupt(i, format!("unknown code `{text}`")))
    }

    fn corrupt(&self, i: usize, why: impl std::fmt::Display) -> StoreError {
        use sqlx::Column;
        let what =
            self.0.try_column(i).map_or_else(|_| format!("column {i}"), |c| format!("column {}", c.name()));
        StoreError::Corrupt { what, why: why.to_string() }
    }
}

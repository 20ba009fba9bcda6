//! Connections, transactions and the group-committing writer.

use std::any::Any as StdAny;
use std::ops::{Deref, DerefMut};
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use ismart_domain::{BoxFuture, Env, Event};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Executor};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::migrate;

/// How many writes one commit may carry: bounds the wait of the first one.
const GROUP: usize = 64;
/// How many writes may wait before callers are held back.
const QUEUE: usize = 4096;
/// Connections for reading.
const READERS: u32 = 4;
/// How many events a slow listener may fall behind before it is told that it missed some.
const FEED: usize = 8192;

/// Why the store did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database could not be opened.
    #[error(
        "cannot open the database at {place}: {why}. Check that the folder exists, is writable and has free space"
    )]
    Open {
        /// Path or address, without password.
        place: String,
        /// The engine's words.
        why: String,
    },
    /// The engine refused a statement.
    #[error("the database refused a statement: {0}")]
    Sql(#[from] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error(
        "cannot migrate the database: {0}. The database is unchanged; run `ismart migrate` after mending the cause"
    )]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// What stands in the database is not what this program writes.
    #[error("{what} holds something unreadable: {why}")]
    Corrupt {
        /// Column or value.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// The group's commit failed: nothing of it was written.
    #[error("the commit failed, nothing was written: {0}")]
    Commit(String),
    /// The setting that makes commits durable is not in force.
    #[error("the database runs with synchronous={found}, but leads need synchronous=2 (FULL)")]
    NotDurable {
        /// What the engine says.
        found: i64,
    },
    /// The writer has stopped.
    #[error("the database writer has stopped; restart the server")]
    Stopped,
}

impl StoreError {
    /// Whether the disk is full: the caller should answer 507 and keep nothing half done.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        let text = self.to_string();
        text.contains("disk is full") || text.contains("No space left")
    }
}

/// The relational store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    env: Env,
    pool: AnyPool,
    writer: Option<mpsc::Sender<Job>>,
    feed: broadcast::Sender<Arc<Event>>,
    place: Arc<str>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("place", &self.place).finish_non_exhaustive()
    }
}

enum Link {
    Own(AnyConnection),
    Pooled(PoolConnection<Any>),
}

/// A connection for reading.
pub struct Conn {
    link: Link,
    env: Env,
}

impl Conn {
    pub(crate) fn raw(&mut self) -> &mut AnyConnection {
        match &mut self.link {
            Link::Own(conn) => conn,
            Link::Pooled(conn) => conn,
        }
    }

    /// Time and randomness.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// Runs a fixed text that binds nothing.
    async fn plain(&mut self, sql: &'static str) -> Result<(), StoreError> {
        self.raw().execute(sql).await?;
        Ok(())
    }
}

/// A connection inside a transaction. Functions that write take this, so that nothing is written outside one.
pub struct Tx {
    conn: Conn,
    /// Events of work that has not been undone; listeners hear of them after the commit.
    pending: Vec<Arc<Event>>,
}

impl Deref for Tx {
    type Target = Conn;
    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

impl Tx {
    fn new(conn: Conn) -> Self {
        Self { conn, pending: Vec::new() }
    }

    pub(crate) fn announce(&mut self, event: Event) {
        self.pending.push(Arc::new(event));
    }

    fn publish(&mut self, feed: &broadcast::Sender<Arc<Event>>) {
        for event in self.pending.drain(..) {
            // An error only says that nobody listens.
            let _nobody_listens = feed.send(event).is_err();
        }
    }
}

type Boxed = Box<dyn StdAny + Send>;
type Work = Box<dyn for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<Boxed, Boxed>> + Send>;

struct Job {
    work: Work,
    done: oneshot::Sender<Result<Result<Boxed, Boxed>, StoreError>>,
}

impl Store {
    /// Opens (or makes) the SQLite database file `path` and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Migrate`], [`StoreError::NotDurable`].
    pub async fn open_sqlite(path: &Path, env: Env) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let place = path.display().to_string();
        let url = sqlite_url(path);
        let mut options: AnyConnectOptions = url.parse().map_err(|e| open_error(&place, &e))?;
        options = options.disable_statement_logging();
        let connect = || async { AnyConnection::connect_with(&options).await };
        let mut conn = connect().await.map_err(|e| open_error(&place, &e))?;
        for pragma in WRITER_PRAGMAS {
            conn.execute(*pragma).await.map_err(|e| open_error(&place, &e))?;
        }
        migrate::migrator(false).run(&mut conn).await?;
        let found: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(&mut conn).await?;
        if found != 2 {
            return Err(StoreError::NotDurable { found });
        }
        let pool = AnyPoolOptions::new()
            .max_connections(READERS)
            .after_connect(|conn, _| {
                Box::pin(async move {
                    for pragma in READER_PRAGMAS {
                        conn.execute(*pragma).await?;
                    }
                    Ok(())
                })
            })
            .connect_with(options.clone())
            .await
            .map_err(|e| open_error(&place, &e))?;
        let (writer, jobs) = mpsc::channel(QUEUE);
        let (feed, _) = broadcast::channel(FEED);
        let tx = Tx::new(Conn { link: Link::Own(conn), env: env.clone() });
        tokio::spawn(write_in_groups(tx, jobs, feed.clone()));
        Ok(Self { env, pool, writer: Some(writer), feed, place: place.into() })
    }

    /// Connects to the PostgreSQL database at `url` and brings its schema up to date.
    ///
    /// # Errors
    /// [`StoreError::Open`], [`StoreError::Migrate`].
    pub async fn open_postgres(url: &str, connections: u32, env: Env) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let mut options: AnyConnectOptions = url.parse().map_err(|e| open_error("the given address", &e))?;
        let place = place_of(&options);
        options = options.disable_statement_logging();
        let pool = AnyPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(Duration::from_secs(10))
            .connect_with(options)
            .await
            .map_err(|e| open_error(&place, &e))?;
        let mut conn = pool.acquire().await?;
        migrate::migrator(true).run(&mut *conn).await?;
        drop(conn);
        let (feed, _) = broadcast::channel(FEED);
        Ok(Self { env, pool, writer: None, feed, place: place.into() })
    }

    /// The schema version that this program works with.
    #[must_use]
    pub fn schema_version() -> i64 {
        migrate::latest()
    }

    /// Where the data is, for people; holds no password.
    #[must_use]
    pub fn place(&self) -> &str {
        &self.place
    }

    /// Time and randomness.
    #[must_use]
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// A connection for reading.
    ///
    /// # Errors
    /// [`StoreError::Sql`] when none can be had.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        Ok(Conn { link: Link::Pooled(self.pool.acquire().await?), env: self.env.clone() })
    }

    /// Runs `work` over one state of the database: whatever others commit meanwhile is not seen.
    ///
    /// # Errors
    /// The work's own error, or [`StoreError`] of the engine.
    pub async fn snapshot<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, StoreError>> + Send + 'static,
    {
        let mut conn = self.read().await?;
        let begin =
            if self.writer.is_some() { "BEGIN" } else { "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" };
        // A task of its own: a caller who leaves must not give the connection back inside a transaction.
        let task = tokio::spawn(async move {
            conn.plain(begin).await?;
            let result = AssertUnwindSafe(work(&mut conn)).catch_unwind().await;
            conn.plain("ROLLBACK").await?;
            result.unwrap_or(Err(StoreError::Stopped))
        });
        task.await.map_err(|_panicked| StoreError::Stopped)?
    }

    /// Runs `work` in a transaction and answers after the commit is durable. When `work` fails, everything it
    /// wrote is undone and nothing of other callers is. The work goes on even if the caller stops waiting.
    ///
    /// # Errors
    /// The work's own error, or a [`StoreError`] when the engine or the commit failed.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    {
        let boxed: Work = Box::new(move |tx| {
            Box::pin(async move {
                match work(tx).await {
                    Ok(value) => Ok(Box::new(value) as Boxed),
                    Err(error) => Err(Box::new(error) as Boxed),
                }
            })
        });
        let answer = match &self.writer {
            Some(writer) => {
                let (done, answer) = oneshot::channel();
                writer.send(Job { work: boxed, done }).await.map_err(|_stopped| StoreError::Stopped)?;
                answer.await.map_err(|_stopped| StoreError::Stopped)?
            }
            None => {
                let tx = Tx::new(self.read().await?);
                let feed = self.feed.clone();
                tokio::spawn(write_alone(tx, boxed, feed)).await.map_err(|_panicked| StoreError::Stopped)?
            }
        };
        match answer? {
            Ok(value) => value.downcast::<T>().map(|v| *v).map_err(|_impossible| StoreError::Stopped.into()),
            Err(error) => match error.downcast::<E>() {
                Ok(error) => Err(*error),
                Err(other) => Err(other.downcast::<StoreError>().map_or(StoreError::Stopped, |e| *e).into()),
            },
        }
    }

    /// Hears of every event that this process commits, after the commit, in order. A listener that falls far behind
    /// is told so and reads what it missed from the log.
    #[must_use]
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.feed.subscribe()
    }

    /// Waits for queued writes and closes.
    pub async fn close(self) {
        drop(self.writer);
        self.pool.close().await;
    }
}

const WRITER_PRAGMAS: &[&str] = &[
    "PRAGMA busy_timeout = 5000",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA wal_autocheckpoint = 4000",
    "PRAGMA cache_size = -16000",
];

const READER_PRAGMAS: &[&str] = &[
    "PRAGMA busy_timeout = 5000",
    "PRAGMA query_only = ON",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -8000",
];

fn sqlite_url(path: &Path) -> String {
    let mut url = String::from("sqlite://");
    for byte in path.to_string_lossy().bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
                url.push(char::from(byte))
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url.push_str("?mode=rwc");
    url
}

fn place_of(options: &AnyConnectOptions) -> String {
    let url = &options.database_url;
    format!("{}{}", url.host_str().unwrap_or("localhost"), url.path())
}

fn open_error(place: &str, error: &sqlx::Error) -> StoreError {
    StoreError::Open { place: place.to_owned(), why: error.to_string() }
}

/// The writer of SQLite: takes what has queued up while the last commit was being flushed, runs each piece in a
/// savepoint, commits once, then answers all.
async fn write_in_groups(mut tx: Tx, mut jobs: mpsc::Receiver<Job>, feed: broadcast::Sender<Arc<Event>>) {
    let mut group = Vec::with_capacity(GROUP);
    while jobs.recv_many(&mut group, GROUP).await > 0 {
        if let Err(error) = tx.plain("BEGIN IMMEDIATE").await {
            for job in group.drain(..) {
                answer(job.done, Err(StoreError::Commit(error.to_string())));
            }
            continue;
        }
        let mut results = Vec::with_capacity(group.len());
        let mut broken = false;
        for job in group.drain(..) {
            // After the engine itself failed (disk full), SQLite may have ended the transaction; a savepoint
            // would then start another one. Nothing more may run in this group.
            let result =
                if broken { Err(StoreError::Stopped) } else { in_savepoint(&mut tx, job.work).await };
            broken |= matches!(result, Err(StoreError::Sql(_)));
            results.push((job.done, result));
        }
        let committed = if broken {
            Err(StoreError::Commit("a statement of the same group broke the transaction".into()))
        } else {
            tx.plain("COMMIT").await
        };
        if committed.is_err() {
            tx.pending.clear();
            roll_back(&mut tx).await;
        }
        tx.publish(&feed);
        for (done, result) in results {
            match (&committed, result) {
                (Err(error), Ok(Ok(_)) | Err(StoreError::Stopped)) => {
                    answer(done, Err(StoreError::Commit(error.to_string())));
                }
                (_, result) => answer(done, result),
            }
        }
    }
}

fn answer(
    done: oneshot::Sender<Result<Result<Boxed, Boxed>, StoreError>>,
    result: Result<Result<Boxed, Boxed>, StoreError>,
) {
    if done.send(result).is_err() {
        tracing::debug!("a caller left before its write was done; the write stands");
    }
}

async fn in_savepoint(tx: &mut Tx, work: Work) -> Result<Result<Boxed, Boxed>, StoreError> {
    let mark = tx.pending.len();
    tx.plain("SAVEPOINT job").await?;
    let result = AssertUnwindSafe(work(tx)).catch_unwind().await;
    match result {
        Ok(Ok(value)) => {
            tx.plain("RELEASE job").await?;
            Ok(Ok(value))
        }
        Ok(Err(error)) => {
            tx.pending.truncate(mark);
            tx.plain("ROLLBACK TO job").await?;
            tx.plain("RELEASE job").await?;
            Ok(Err(error))
        }
        Err(_panic) => {
            tx.pending.truncate(mark);
            tx.plain("ROLLBACK TO job").await?;
            tx.plain("RELEASE job").await?;
            Err(StoreError::Commit("the work panicked and was undone".into()))
        }
    }
}

async fn write_alone(
    mut tx: Tx,
    work: Work,
    feed: broadcast::Sender<Arc<Event>>,
) -> Result<Result<Boxed, Boxed>, StoreError> {
    tx.plain("BEGIN").await?;
    let result = AssertUnwindSafe(work(&mut tx)).catch_unwind().await;
    match result {
        Ok(Ok(value)) => match tx.plain("COMMIT").await {
            Ok(()) => {
                tx.publish(&feed);
                Ok(Ok(value))
            }
            Err(error) => {
                roll_back(&mut tx).await;
                Err(StoreError::Commit(error.to_string()))
            }
        },
        Ok(Err(error)) => {
            roll_back(&mut tx).await;
            Ok(Err(error))
        }
        Err(_panic) => {
            roll_back(&mut tx).await;
            Err(StoreError::Commit("the work panicked and was undone".into()))
        }
    }
}

async fn roll_back(tx: &mut Tx) {
    if let Err(error) = tx.plain("ROLLBACK").await {
        tracing::error!(error = %error, "rolling back failed");
    }
}

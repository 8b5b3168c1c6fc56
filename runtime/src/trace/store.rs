//! The store of traces: SQLite, in a file of the state directory that only its
//! owner reads, or in memory where there is no such directory.
//!
//! What is asked of it stands in SQL that PostgreSQL understands as well.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, QueryBuilder, Row, SqlSafeStr, Sqlite, SqliteConnection};

use super::written::Written;
use super::{Filter, Trace};
use crate::pool::{create_private, make_private};

/// Traces that are kept; for a moment there is a tenth more.
pub const KEPT: u32 = 10_000;

/// The file's name in the state directory.
pub(crate) const NAME: &str = "ctr.db";

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(1);

/// Pages that SQLite keeps, as a negative number of KiB. Rows are added at the end and
/// taken off the beginning, and the system keeps the file for those who ask.
const CACHE: &str = "-512";

/// Rows of one statement: far below what SQLite takes.
const ROWS: usize = 192;

/// Rows that are read at a time.
const PAGE: i64 = 500;

/// Inserts between two removals of what is too old.
const TIDIED: u32 = KEPT / 10;

/// Where traces are kept. Opened when it is first needed, and again after a failure.
#[derive(Debug)]
pub(super) struct Store {
    directory: Option<PathBuf>,
    open: Option<SqliteConnection>,
    /// Inserts since the last removal.
    untidy: u32,
}

impl Store {
    /// The store in this directory, which need not exist.
    pub(super) fn new(directory: Option<&Path>) -> Self {
        Self {
            directory: directory.map(Path::to_owned),
            open: None,
            untidy: TIDIED,
        }
    }

    /// Takes records and adds them, all or none. One that is there already stays as it is.
    ///
    /// # Errors
    /// When the store is full, locked, read-only, or no store at all.
    pub(super) async fn add(&mut self, records: &mut Vec<Written>) -> Result<(), sqlx::Error> {
        let must_tidy = self.untidy >= TIDIED;
        let added = u32::try_from(records.len()).unwrap_or(TIDIED);
        let mut inserts = Vec::new();
        while !records.is_empty() {
            inserts.push(inserting(records.drain(..records.len().min(ROWS))));
        }
        let connection = self.connection().await?;
        let mut transaction = connection.begin().await?;
        for mut insert in inserts {
            insert.build().execute(&mut *transaction).await?;
        }
        if must_tidy {
            sqlx::query(
                "DELETE FROM traces WHERE started_at < (SELECT started_at FROM traces \
                 ORDER BY started_at DESC, request_id DESC LIMIT 1 OFFSET ?)",
            )
            .bind(i64::from(KEPT) - 1)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        self.untidy = if must_tidy { 0 } else { self.untidy + added };
        Ok(())
    }

    /// The traces that are asked for, newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) async fn find(&mut self, filter: Filter) -> Result<Vec<Trace>, sqlx::Error> {
        let connection = self.connection().await?;
        let mut found = Vec::new();
        let mut before: Option<(i64, String)> = None;
        loop {
            let mut select = selecting(&filter, before.as_ref());
            let rows = select.build().fetch_all(&mut *connection).await?;
            for row in &rows {
                // What another version wrote and this one cannot read is passed over.
                let record: &str = row.try_get(2)?;
                if let Ok(trace) = serde_json::from_str::<Trace>(record)
                    && filter.has_reason(&trace)
                {
                    found.push(trace);
                    if found.len() == filter.limit {
                        return Ok(found);
                    }
                }
            }
            let Some(last) = rows.last().filter(|_| rows.len() == PAGE as usize) else {
                return Ok(found);
            };
            before = Some((last.try_get(0)?, last.try_get(1)?));
        }
    }

    /// Closes it, so that nothing but the file itself is left lying about.
    pub(super) async fn close(&mut self) {
        if let Some(open) = self.open.take() {
            // What was written is written; the next process tidies up.
            let _ = open.close().await;
        }
    }

    /// Forgets the connection: after a failure the file may be another one.
    pub(super) async fn reopen(&mut self) {
        if self.directory.is_some() {
            self.close().await;
        }
    }

    async fn connection(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        if self.open.is_none() {
            self.open = Some(opened(self.directory.clone()).await?);
        }
        // It was opened just now, if it was not open.
        self.open.as_mut().ok_or(sqlx::Error::PoolClosed)
    }
}

async fn opened(directory: Option<PathBuf>) -> Result<SqliteConnection, sqlx::Error> {
    let options = SqliteConnectOptions::new().busy_timeout(BUSY);
    let options = match directory {
        None => options.in_memory(true),
        Some(directory) => {
            let path = directory.join(NAME);
            let file = path.clone();
            let made = move || create_private(&directory).and_then(|()| make_private(&file));
            let made = tokio::task::spawn_blocking(made).await;
            made.map_err(|_| sqlx::Error::WorkerCrashed)??;
            options
                .filename(path)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Normal)
                .pragma("cache_size", CACHE)
        }
    };
    let mut connection = options.disable_statement_logging().connect().await?;
    migrations()
        .run_direct(None, &mut connection, false)
        .await?;
    Ok(connection)
}

/// All steps that made the table what it is, the first of them first.
const STEPS: [(i64, &str, &str); 2] = [
    (
        1,
        "traces",
        include_str!("../../migrations/0001_traces.sql"),
    ),
    (
        2,
        "traces in order",
        include_str!("../../migrations/0002_traces_in_order.sql"),
    ),
];

fn migrations() -> Migrator {
    let steps = STEPS.map(|(version, what, sql)| {
        let simple = MigrationType::Simple;
        Migration::new(version, what.into(), simple, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(steps.into())
}

fn inserting(records: impl Iterator<Item = Written>) -> QueryBuilder<Sqlite> {
    let mut insert = QueryBuilder::new(
        "INSERT INTO traces (request_id, started_at, session_key, \
         cascade_triggered, shadow_checked, record) ",
    );
    insert.push_values(records, |mut row, record| {
        row.push_bind(record.request_id)
            .push_bind(record.started_at)
            .push_bind(record.session_key)
            .push_bind(i64::from(record.cascade_triggered))
            .push_bind(i64::from(record.shadow_checked))
            .push_bind(record.json);
    });
    insert.push(" ON CONFLICT (started_at, request_id) DO NOTHING");
    insert
}

fn selecting(filter: &Filter, before: Option<&(i64, String)>) -> QueryBuilder<Sqlite> {
    let mut select = QueryBuilder::new("SELECT started_at, request_id, record FROM traces");
    let mut word = " WHERE ";
    let mut and = |select: &mut QueryBuilder<Sqlite>, condition: &str| {
        select.push(word).push(condition);
        word = " AND ";
    };
    if let Some(id) = &filter.request_id {
        and(&mut select, "request_id = ");
        select.push_bind(id.clone());
    }
    if let Some(key) = &filter.session_key {
        and(&mut select, "session_key = ");
        select.push_bind(key.clone());
    }
    if let Some(told) = filter.cascade_triggered {
        and(&mut select, "cascade_triggered = ");
        select.push_bind(i64::from(told));
    }
    if let Some(told) = filter.shadow_checked {
        and(&mut select, "shadow_checked = ");
        select.push_bind(i64::from(told));
    }
    if let Some((started_at, id)) = before {
        and(&mut select, "(started_at, request_id) < (");
        select.push_bind(*started_at).push(", ");
        select.push_bind(id.clone()).push(")");
    }
    select.push(" ORDER BY started_at DESC, request_id DESC LIMIT ");
    select.push_bind(PAGE);
    select
}

#[cfg(test)]
mod tests;

//! A list as a CSV file, written batch by batch while it is read.
//!
//! The rows are those of the page, to their end: who exports wants to count them.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, X_CONTENT_TYPE_OPTIONS};
use bytes::Bytes;
use csv::{Terminator, WriterBuilder};
use futures_util::{TryStreamExt as _, stream};

use crate::domain::error::{Error, Result};
use crate::validation::cell;

/// Rows that are read at once.
const BATCH: u64 = 500;
/// The most rows of a file.
const MOST: u64 = 100_000;

/// A row of a file.
pub(in crate::console) trait Exported {
    /// The file's name, without its ending.
    const FILE: &'static str;
    /// The columns in order.
    const COLUMNS: &'static [&'static str];

    /// One cell for each column.
    fn cells(&self) -> Vec<String>;
}

/// Streams what `read` finds after a position, newest first.
pub(in crate::console) fn export<R, P>(
    read: impl AsyncFn(Option<P>, u64) -> Result<Vec<R>> + 'static,
) -> HttpResponse
where
    R: Exported + 'static,
    P: for<'a> From<&'a R> + 'static,
{
    let begin = (read, None::<P>, MOST, true);
    let lines = stream::try_unfold(begin, async |(read, after, left, first)| {
        if left == 0 {
            return Ok::<_, Error>(None);
        }
        let rows = read(after, BATCH.min(left)).await?;
        let found = rows.len() as u64;
        let left = if found < BATCH { 0 } else { left.saturating_sub(found) };
        let after = rows.last().map(P::from);
        Ok(Some((written(&rows, first)?, (read, after, left, false))))
    });
    let lines = lines.inspect_err(|error| tracing::error!(?error, "an export broke off"));
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8; header=present")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}.csv\"", R::FILE)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .streaming(Box::pin(lines))
}

fn written<R: Exported>(rows: &[R], first: bool) -> Result<Bytes> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    if first {
        writer.write_record(R::COLUMNS).map_err(Error::internal)?;
    }
    for row in rows {
        writer.write_record(row.cells().iter().map(|cell| cell::harmless(cell))).map_err(Error::internal)?;
    }
    Ok(writer.into_inner().map_err(|error| Error::internal(error.to_string()))?.into())
}

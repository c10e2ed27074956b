//! Exports: a whole list as CSV or as newline-delimited JSON.
//!
//! Rows are read in batches, and the next batch only once the client has taken the one before, so an export of any
//! length needs the memory of one batch.

use actix_web::http::header::{Accept, CONTENT_DISPOSITION, Header as _, VARY};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use csv::{Terminator, WriterBuilder};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;
use serde_json::{Map, Value};

use super::cell::harmless;
use crate::domain::error::{Error, Result};

/// The most rows of an export.
pub const MOST_ROWS: u64 = 100_000;
/// The rows of a batch.
const BATCH: u64 = 200;

/// A format of exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header line.
    Csv,
    /// One JSON object per line.
    Ndjson,
}

/// A row of a list. Its JSON object is a row of a page and a line of NDJSON; the cells of its CSV line are the members
/// of that object.
pub trait Listed: Serialize {
    /// The list's name: a file is called that, and a cursor is valid for that list only.
    const NAME: &'static str;
    /// The columns in order: every member of the JSON object.
    const COLUMNS: &'static [&'static str];
}

impl Format {
    /// The format that `Accept` prefers. None: an ordinary page of JSON, also for unsupported media types.
    #[must_use]
    pub fn preferred(request: &HttpRequest) -> Option<Self> {
        let accepted = Accept::parse(request).ok()?;
        accepted.ranked().iter().find_map(|kind| match kind.essence_str() {
            "text/csv" => Some(Some(Self::Csv)),
            "application/x-ndjson" => Some(Some(Self::Ndjson)),
            "application/json" | "application/*" | "*/*" => Some(None),
            _ => None,
        })?
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Ndjson => "application/x-ndjson; charset=utf-8",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
        }
    }

    fn write<T: Listed>(self, rows: &[T], with_header: bool) -> Result<Bytes> {
        match self {
            Self::Csv => csv_lines(rows, with_header),
            Self::Ndjson => json_lines(rows),
        }
    }
}

/// Streams the rows that `read` returns after a position, at most so many per call, newest first.
///
/// The first batch is read before the response begins, so a failure there is an ordinary error. A later failure
/// closes the connection, so that the client sees an incomplete response.
///
/// # Errors
/// The first batch cannot be read.
pub async fn export<R, T, P>(
    format: Format,
    (after, limit): (Option<P>, u64),
    read: impl AsyncFn(Option<P>, u64) -> Result<Vec<R>> + 'static,
) -> Result<HttpResponse>
where
    T: Listed + From<R> + 'static,
    R: 'static,
    P: for<'a> From<&'a R> + 'static,
{
    let mut rows = Rows { read, format, after, left: limit, begun: false };
    let first = rows.next::<R, T>().await?;
    let rest = stream::try_unfold(rows, async |mut rows| {
        let bytes = rows.next::<R, T>().await?;
        Ok::<_, Error>(bytes.map(|bytes| (bytes, rows)))
    });
    let rest = rest.inspect_err(|error| tracing::error!(?error, "an export broke off"));
    let disposition = format!("attachment; filename=\"{}.{}\"", T::NAME, format.ending());
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header((CONTENT_DISPOSITION, disposition))
        .insert_header((VARY, "Accept"))
        .streaming(stream::iter(first.map(Ok)).chain(rest)))
}

/// The rest of an export.
struct Rows<F, P> {
    read: F,
    format: Format,
    after: Option<P>,
    left: u64,
    begun: bool,
}

impl<F, P> Rows<F, P> {
    /// The next batch as bytes; none after the last.
    async fn next<R, T>(&mut self) -> Result<Option<Bytes>>
    where
        F: AsyncFn(Option<P>, u64) -> Result<Vec<R>>,
        T: Listed + From<R>,
        P: for<'a> From<&'a R>,
    {
        if self.left == 0 {
            return Ok(None);
        }
        let wanted = self.left.min(BATCH);
        let rows = (self.read)(self.after.take(), wanted).await?;
        let found = rows.len() as u64;
        self.left = if found < wanted { 0 } else { self.left - found };
        self.after = rows.last().map(P::from);
        let rows: Vec<T> = rows.into_iter().map(T::from).collect();
        let bytes = self.format.write(&rows, !self.begun)?;
        self.begun = true;
        Ok(Some(bytes))
    }
}

fn json_lines<T: Listed>(rows: &[T]) -> Result<Bytes> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row).map_err(Error::internal)?;
        lines.push(b'\n');
    }
    Ok(lines.into())
}

fn csv_lines<T: Listed>(rows: &[T], with_header: bool) -> Result<Bytes> {
    let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
    if with_header {
        writer.write_record(T::COLUMNS).map_err(Error::internal)?;
    }
    for row in rows {
        let Value::Object(members) = serde_json::to_value(row).map_err(Error::internal)? else {
            return Err(Error::internal("a row of an export is not an object"));
        };
        let cells = T::COLUMNS.iter().map(|column| cell(&members, column));
        writer.write_record(cells).map_err(Error::internal)?;
    }
    let lines = writer.into_inner().map_err(|error| Error::internal(error.to_string()))?;
    Ok(lines.into())
}

fn cell(members: &Map<String, Value>, column: &str) -> String {
    match members.get(column) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => harmless(text),
        Some(value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            value.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::store::pagination::Position;

    #[test]
    fn accept_chooses_by_preference() {
        for (accept, format) in [
            ("text/csv", Some(Format::Csv)),
            ("application/x-ndjson", Some(Format::Ndjson)),
            ("application/json;q=0.5, text/csv", Some(Format::Csv)),
            ("text/csv;q=0.5, application/json", None),
            ("application/xml, text/csv;q=0.1", Some(Format::Csv)),
            ("*/*", None),
            ("application/xml", None),
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", None),
            ("text/csv;charset=utf-8", Some(Format::Csv)),
            (";;", None),
        ] {
            let request = TestRequest::default().insert_header(("accept", accept)).to_http_request();
            assert_eq!(Format::preferred(&request), format, "{accept}");
        }
        assert_eq!(Format::preferred(&TestRequest::default().to_http_request()), None);
    }

    #[derive(Serialize)]
    struct Note {
        text: &'static str,
        count: Option<i32>,
    }

    impl Listed for Note {
        const NAME: &'static str = "notes";
        const COLUMNS: &'static [&'static str] = &["text", "count"];
    }

    #[test]
    fn cells_that_a_spreadsheet_would_run_are_made_text() {
        for text in ["=1+1", "+1", "-inf", "@a", "\tx", "\rx", "\n=1", "＝1"] {
            assert_eq!(harmless(text), format!("'{text}"));
        }
        for text in ["", "a=1", "1-1", "-1", "'=1"] {
            assert_eq!(harmless(text), text);
        }
        let rows = [Note { text: "=1,\"2\"\r\n", count: Some(-1) }, Note { text: "", count: None }];
        let lines = Format::Csv.write(&rows, true).expect("written");
        assert_eq!(lines, "text,count\r\n\"'=1,\"\"2\"\"\r\n\",-1\r\n,\r\n");
        let lines = Format::Ndjson.write(&rows, true).expect("written");
        assert_eq!(lines.split(|byte| *byte == b'\n').count(), 3, "a line break inside of a cell is escaped");
    }

    /// A row that knows only its number.
    struct Numbered(u64);

    impl From<&Numbered> for Position {
        fn from(row: &Numbered) -> Self {
            Self { created_at: chrono::DateTime::UNIX_EPOCH, id: uuid::Uuid::from_u128(row.0.into()) }
        }
    }

    impl From<Numbered> for Note {
        fn from(_: Numbered) -> Self {
            Self { text: "", count: None }
        }
    }

    #[tokio::test]
    async fn an_endless_list_is_read_in_batches_up_to_the_limit() {
        let asked = std::cell::RefCell::new(Vec::new());
        let read = async |after: Option<Position>, limit: u64| {
            asked.borrow_mut().push(limit);
            let start = after.map_or(0, |after| u64::try_from(after.id.as_u128()).expect("ours") + 1);
            Ok((start..start + limit).map(Numbered).collect())
        };
        let mut rows = Rows { read, format: Format::Ndjson, after: None, left: 450, begun: false };
        let mut lines = 0;
        while let Some(bytes) = rows.next::<Numbered, Note>().await.expect("read") {
            lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        }
        assert_eq!(lines, 450);
        assert_eq!(rows.after.map(|after| after.id.as_u128()), Some(449));
        assert_eq!(*asked.borrow(), [BATCH, BATCH, 50]);
    }
}

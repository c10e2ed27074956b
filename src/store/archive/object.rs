//! The content of one object: rows of one table, organization and day as Parquet, with their number and checksum.

use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::errors::Result;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use uuid::Uuid;

use super::columns::ColumnValues;
use super::table::{ArchivedRow, Cell, Table};

/// The rows of a row group, at most.
const GROUP_ROWS: usize = 10_000;
/// The size of a row group's values in memory from which it is written.
const GROUP_BYTES: usize = 8 << 20;
/// The number of rows and of bytes from which an object takes no more.
const MOST_ROWS: u64 = 100_000;
const MOST_BYTES: usize = 16 << 20;

/// An object that rows are added to.
pub(super) struct ObjectWriter {
    table: &'static Table,
    file: SerializedFileWriter<Vec<u8>>,
    group: Vec<ColumnValues>,
    group_rows: usize,
    group_bytes: usize,
    hasher: blake3::Hasher,
    rows: u64,
    first: Option<Uuid>,
    last: Option<Uuid>,
}

/// An object that is complete.
#[derive(Debug, Clone)]
pub(super) struct Object {
    pub(super) bytes: Bytes,
    pub(super) rows: u64,
    /// BLAKE3 over the cells of all rows, in hexadecimal digits.
    pub(super) checksum: String,
    pub(super) first_id: Uuid,
    pub(super) last_id: Uuid,
}

impl ObjectWriter {
    pub(super) fn new(table: &'static Table) -> Result<Self> {
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_compression(Compression::SNAPPY)
            .set_created_by(format!("failsoft {}", env!("CARGO_PKG_VERSION")))
            .build();
        let columns = table.columns.iter().map(|column| column.parquet().map(Arc::new));
        let schema = Type::group_type_builder(table.name).with_fields(columns.collect::<Result<_>>()?);
        let file = SerializedFileWriter::new(Vec::new(), Arc::new(schema.build()?), Arc::new(properties))?;
        Ok(Self {
            table,
            file,
            group: table.columns.iter().map(ColumnValues::new).collect(),
            group_rows: 0,
            group_bytes: 0,
            hasher: blake3::Hasher::new(),
            rows: 0,
            first: None,
            last: None,
        })
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= MOST_ROWS || self.file.bytes_written() >= MOST_BYTES
    }

    /// Adds a row. Its id must follow that of the row before.
    pub(super) fn push<R: ArchivedRow>(&mut self, row: &R) -> Result<()> {
        for (column, cell) in self.group.iter_mut().zip(row.cells()) {
            cell.hash(&mut self.hasher);
            self.group_bytes += 16 + if let Cell::Text(text) = &cell { text.len() } else { 0 };
            column.push(cell)?;
        }
        self.first.get_or_insert(row.id());
        self.last = Some(row.id());
        self.rows += 1;
        self.group_rows += 1;
        if self.group_rows >= GROUP_ROWS || self.group_bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn write_group(&mut self) -> Result<()> {
        if self.group_rows == 0 {
            return Ok(());
        }
        let mut group = self.file.next_row_group()?;
        for column in &self.group {
            if let Some(mut writer) = group.next_column()? {
                column.write(writer.untyped())?;
                writer.close()?;
            }
        }
        group.close()?;
        self.group = self.table.columns.iter().map(ColumnValues::new).collect();
        (self.group_rows, self.group_bytes) = (0, 0);
        Ok(())
    }

    /// Ends the object; `None` if it has no rows.
    pub(super) fn finish(mut self) -> Result<Option<Object>> {
        self.write_group()?;
        let (Some(first_id), Some(last_id)) = (self.first, self.last) else { return Ok(None) };
        let bytes = self.file.into_inner()?.into();
        let checksum = self.hasher.finalize().to_hex().to_string();
        Ok(Some(Object { bytes, rows: self.rows, checksum, first_id, last_id }))
    }
}

/// What an object holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) rows: u64,
    pub(super) checksum: String,
    /// The ids of all rows, in order.
    pub(super) ids: Vec<Uuid>,
}

/// Reads an object back, every column of every row.
pub(super) fn read(table: &'static Table, bytes: Bytes) -> Result<Content> {
    let file = SerializedFileReader::new(bytes)?;
    let (mut hasher, mut ids) = (blake3::Hasher::new(), Vec::new());
    for at in 0..file.num_row_groups() {
        let group = file.get_row_group(at)?;
        let rows = usize::try_from(group.metadata().num_rows()).unwrap_or(0);
        let columns = table.columns.iter().enumerate();
        let columns = columns
            .map(|(at, column)| ColumnValues::read(column, group.get_column_reader(at)?, rows))
            .collect::<Result<Vec<_>>>()?;
        let mut columns: Vec<_> = columns.iter().map(ColumnValues::cells).collect();
        for _ in 0..rows {
            for (at, column) in columns.iter_mut().enumerate() {
                let Some(cell) = column.next().transpose()? else { continue };
                cell.hash(&mut hasher);
                if let (0, Cell::Id(id)) = (at, &cell) {
                    ids.push(*id);
                }
            }
        }
    }
    let rows = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    Ok(Content { rows, checksum: hasher.finalize().to_hex().to_string(), ids })
}

//! The values of one column of a row group, in the form of Parquet's writer and reader.

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::column::reader::ColumnReader;
use parquet::column::writer::ColumnWriter;
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::errors::{ParquetError, Result};
use parquet::schema::types::Type;
use uuid::Uuid;

use super::table::{Cell, Column, Kind};

impl Column {
    /// The column in the schema of an object.
    pub(super) fn parquet(&self) -> Result<Type> {
        let (physical, logical) = match self.kind {
            Kind::Bool => (Physical::BOOLEAN, None),
            Kind::Int => (Physical::INT32, None),
            Kind::Long => (Physical::INT64, None),
            Kind::Time => {
                let time = LogicalType::timestamp(true, TimeUnit::MICROS);
                (Physical::INT64, Some(time))
            }
            Kind::Id => (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid)),
            Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        };
        let repetition = if self.nullable { Repetition::OPTIONAL } else { Repetition::REQUIRED };
        let column = Type::primitive_type_builder(self.name, physical)
            .with_logical_type(logical)
            .with_repetition(repetition);
        let column = if self.kind == Kind::Id { column.with_length(16) } else { column };
        column.build()
    }
}

/// The values of a column that are not null.
#[derive(Debug)]
enum Values {
    Bool(Vec<bool>),
    Int(Vec<i32>),
    Long(Vec<i64>),
    Id(Vec<FixedLenByteArray>),
    Text(Vec<ByteArray>),
}

/// A column of a row group.
#[derive(Debug)]
pub(super) struct ColumnValues {
    column: &'static Column,
    values: Values,
    /// 1 for each row with a value and 0 for null.
    levels: Vec<i16>,
}

impl ColumnValues {
    pub(super) fn new(column: &'static Column) -> Self {
        let values = match column.kind {
            Kind::Bool => Values::Bool(Vec::new()),
            Kind::Int => Values::Int(Vec::new()),
            Kind::Long | Kind::Time => Values::Long(Vec::new()),
            Kind::Id => Values::Id(Vec::new()),
            Kind::Text => Values::Text(Vec::new()),
        };
        Self { column, values, levels: Vec::new() }
    }

    /// Adds the value of the next row.
    pub(super) fn push(&mut self, cell: Cell<'_>) -> Result<()> {
        let is_null = cell == Cell::Null;
        match (&mut self.values, cell) {
            (_, Cell::Null) if self.column.nullable => {}
            (Values::Bool(values), Cell::Bool(value)) => values.push(value),
            (Values::Int(values), Cell::Int(value)) => values.push(value),
            (Values::Long(values), Cell::Long(value)) => values.push(value),
            (Values::Id(values), Cell::Id(value)) => {
                values.push(ByteArray::from(value.as_bytes().to_vec()).into());
            }
            (Values::Text(values), Cell::Text(text)) => {
                values.push(ByteArray::from(text.into_owned().into_bytes()));
            }
            (..) => return Err(unfit(self.column)),
        }
        self.levels.push(i16::from(!is_null));
        Ok(())
    }

    pub(super) fn write(&self, writer: &mut ColumnWriter<'_>) -> Result<()> {
        let levels = self.column.nullable.then_some(self.levels.as_slice());
        match (&self.values, writer) {
            (Values::Bool(values), ColumnWriter::BoolColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)
            }
            (Values::Int(values), ColumnWriter::Int32ColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)
            }
            (Values::Long(values), ColumnWriter::Int64ColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)
            }
            (Values::Id(values), ColumnWriter::FixedLenByteArrayColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)
            }
            (Values::Text(values), ColumnWriter::ByteArrayColumnWriter(writer)) => {
                writer.write_batch(values, levels, None)
            }
            (..) => return Err(unfit(self.column)),
        }?;
        Ok(())
    }

    /// Reads all values of a column.
    pub(super) fn read(column: &'static Column, reader: ColumnReader, rows: usize) -> Result<Self> {
        let mut read = Self::new(column);
        let Self { values, levels, .. } = &mut read;
        let defined = column.nullable.then_some(&mut *levels);
        let (records, _, _) = match (values, reader) {
            (Values::Bool(values), ColumnReader::BoolColumnReader(mut reader)) => {
                reader.read_records(rows, defined, None, values)
            }
            (Values::Int(values), ColumnReader::Int32ColumnReader(mut reader)) => {
                reader.read_records(rows, defined, None, values)
            }
            (Values::Long(values), ColumnReader::Int64ColumnReader(mut reader)) => {
                reader.read_records(rows, defined, None, values)
            }
            (Values::Id(values), ColumnReader::FixedLenByteArrayColumnReader(mut reader)) => {
                reader.read_records(rows, defined, None, values)
            }
            (Values::Text(values), ColumnReader::ByteArrayColumnReader(mut reader)) => {
                reader.read_records(rows, defined, None, values)
            }
            (..) => return Err(unfit(column)),
        }?;
        if !column.nullable {
            levels.resize(records, 1);
        }
        if levels.len() != rows { Err(unfit(column)) } else { Ok(read) }
    }

    /// The values of the rows, in order.
    pub(super) fn cells(&self) -> impl Iterator<Item = Result<Cell<'_>>> {
        let mut next = 0;
        self.levels.iter().map(move |level| {
            if *level == 0 {
                return Ok(Cell::Null);
            }
            next += 1;
            self.value(next - 1).ok_or_else(|| unfit(self.column))
        })
    }

    fn value(&self, at: usize) -> Option<Cell<'_>> {
        Some(match &self.values {
            Values::Bool(values) => Cell::Bool(*values.get(at)?),
            Values::Int(values) => Cell::Int(*values.get(at)?),
            Values::Long(values) => Cell::Long(*values.get(at)?),
            Values::Id(values) => Cell::Id(Uuid::from_slice(values.get(at)?.data()).ok()?),
            Values::Text(values) => Cell::Text(std::str::from_utf8(values.get(at)?.data()).ok()?.into()),
        })
    }
}

fn unfit(column: &Column) -> ParquetError {
    ParquetError::General(format!("the values of column {} do not fit it", column.name))
}

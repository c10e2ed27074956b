//! What one commit adds to the roll-ups, written as one row of `rollup_deltas`.
//!
//! If every commit updated the buckets themselves, all processes that serve an organization would wait for each other's
//! commits. A new row conflicts with none; [`fold`](super::fold) adds it to the buckets within a second.

use std::borrow::Cow;

use entity::ids::OrganizationId;
use sea_orm::{ConnectionTrait, DbErr, Statement};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

use super::counters::{bounded, is_unpriced};
use crate::domain::clock::Clock;
use crate::domain::origin::Origin;
use crate::store::records::fallback_event::FallbackEventRow;
use crate::store::records::request::RequestRow;
use crate::store::records::value_list::{is_default, value_list};
use crate::store::rollups::value_text::{ListValue, ValueReader};

/// The usual length of a request or an event in the text of a delta.
const USUAL: usize = 288;

/// The statement that writes a delta: its id and its text.
pub(in crate::store) const APPEND: &str = "INSERT INTO rollup_deltas (id, counted) VALUES ($1, $2)";

/// What one commit adds. The events of drills are not counted, and their requests only by day, for budgets.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::store) struct Delta<'a> {
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub(super) events: Vec<CountedEvent<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub(super) requests: Vec<CountedRequest<'a>>,
}

/// Declares what is counted of a row. It is written as a list of its fields in their order, because every request is
/// counted and names would take most of the text. A field that is added comes last and has a default: where it has it,
/// it is left out, so that processes of the release before can read the list.
macro_rules! counted {
    ($(#[$about:meta])* struct $name:ident {
        $($(#[$field_about:meta])* $field:ident: $kind:ty,)*
        $(; $(#[$added_about:meta])* $added:ident: $added_kind:ty,)?
    }) => {
        $(#[$about])*
        #[derive(Debug, PartialEq, Deserialize)]
        pub(super) struct $name<'a> {
            $($(#[$field_about])* pub(super) $field: $kind,)*
            $($(#[$added_about])* #[serde(default)] pub(super) $added: $added_kind,)?
        }

        impl Serialize for $name<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                value_list!(serializer, self, [$($field),* $(; $added)?])
            }
        }

        impl<'a> $name<'a> {
            /// Reads the list as it is usually written.
            fn read(reader: &mut ValueReader<'a>) -> Option<Self> {
                let mut between = "[";
                $(reader.take(std::mem::replace(&mut between, ","))?; let $field = ListValue::read(reader)?;)*
                $(let $added = match reader.take(between) {
                    Some(()) => ListValue::read(reader)?,
                    None => Default::default(),
                };)?
                reader.take("]")?;
                Some(Self { $($field,)* $($added,)? })
            }

            /// Writes the list as JSON.
            fn write(&self, text: &mut String) {
                let mut between = '[';
                $(text.push(std::mem::replace(&mut between, ',')); self.$field.write(text);)*
                $(if !is_default(&self.$added) {
                    text.push(between);
                    self.$added.write(text);
                })?
                text.push(']');
            }
        }
    };
}

counted! {
    /// What is counted of an event. Absent names are `''`, as in the roll-ups.
    struct CountedEvent {
        organization_id: OrganizationId,
        created_at: i64,
        #[serde(borrow)]
        failed_model: Cow<'a, str>,
        #[serde(borrow)]
        next_model: Cow<'a, str>,
        #[serde(borrow)]
        error_class: Cow<'a, str>,
        #[serde(borrow)]
        origin: Cow<'a, str>,
    }
}

counted! {
    /// What is counted of a request. Its numbers are within [`bounded`].
    struct CountedRequest {
        organization_id: OrganizationId,
        created_at: i64,
        #[serde(borrow)]
        requested_model: Cow<'a, str>,
        #[serde(borrow)]
        served_model: Cow<'a, str>,
        #[serde(borrow)]
        outcome: Cow<'a, str>,
        #[serde(borrow)]
        origin: Cow<'a, str>,
        api_key_id: Option<Uuid>,
        session_id: Option<Uuid>,
        first_frame_ms: Option<i64>,
        total_ms: i64,
        input_tokens: i64,
        output_tokens: i64,
        cached_tokens: i64,
        reasoning_tokens: i64,
        cost_nano_dollars: i64,
        unpriced: bool,
        estimated: bool,
        /// 1, or -1 where the request is taken back.
        number: i64,
        ;
        /// What budgets count in addition to the cost.
        budget_only_nano_dollars: i64,
    }
}

impl<'a> Delta<'a> {
    /// Counts an event, unless it is one of a drill.
    pub(in crate::store) fn event(&mut self, event: &'a FallbackEventRow) {
        if event.origin != Origin::Drill {
            self.events.push(CountedEvent::new(event));
        }
    }

    /// Counts a request. `number` is 1 to add it and -1 to take it back.
    pub(in crate::store) fn request(&mut self, row: &'a RequestRow, number: i64) {
        self.requests.push(CountedRequest::new(row, number));
    }

    /// Like [`Delta::request`], for a row that does not live as long as the delta.
    pub(in crate::store) fn owned_request(&mut self, row: &RequestRow, number: i64) {
        self.requests.push(CountedRequest::new(row, number).into_owned());
    }

    /// Reads the text of a row.
    ///
    /// # Errors
    /// It is not one.
    pub(super) fn read(text: &'a str) -> serde_json::Result<Self> {
        match Self::as_written(text) {
            Some(delta) => Ok(delta),
            None => serde_json::from_str(text),
        }
    }

    fn as_written(text: &'a str) -> Option<Self> {
        let mut delta = Self::default();
        let mut reader = ValueReader::new(text);
        let mut between = "{";
        if reader.take("{\"events\":").is_some() {
            delta.events = reader.list(CountedEvent::read)?;
            between = ",";
        }
        if reader.take(between).is_some() {
            reader.take("\"requests\":")?;
            delta.requests = reader.list(CountedRequest::read)?;
        } else if between == "{" {
            return None;
        }
        reader.take("}")?;
        reader.is_over().then_some(delta)
    }

    /// The text of the row; `None` if nothing is counted.
    pub(in crate::store) fn text(&self) -> Option<String> {
        if self.events.is_empty() && self.requests.is_empty() {
            return None;
        }
        let mut text = String::with_capacity(32 + USUAL * (self.events.len() + self.requests.len()));
        let mut between = '{';
        if !self.events.is_empty() {
            text.push_str("{\"events\":");
            between = '[';
            for event in &self.events {
                text.push(std::mem::replace(&mut between, ','));
                event.write(&mut text);
            }
            text.push(']');
        }
        if !self.requests.is_empty() {
            text.push(between);
            text.push_str("\"requests\":");
            between = '[';
            for request in &self.requests {
                text.push(std::mem::replace(&mut between, ','));
                request.write(&mut text);
            }
            text.push(']');
        }
        text.push('}');
        Some(text)
    }

    /// Writes the row, unless nothing is counted.
    pub(in crate::store) async fn append(
        &self,
        connection: &impl ConnectionTrait,
        clock: &Clock,
    ) -> Result<(), DbErr> {
        let Some(text) = self.text() else { return Ok(()) };
        let values = [clock.new_id().into(), text.into()];
        let backend = connection.get_database_backend();
        connection.execute_raw(Statement::from_sql_and_values(backend, APPEND, values)).await?;
        Ok(())
    }
}

impl<'a> CountedEvent<'a> {
    fn new(event: &'a FallbackEventRow) -> Self {
        Self {
            organization_id: event.organization_id,
            created_at: event.created_at.timestamp(),
            failed_model: Cow::Borrowed(&event.failed_model),
            next_model: Cow::Borrowed(event.next_model.as_deref().unwrap_or_default()),
            error_class: Cow::Borrowed(event.error_class.as_str()),
            origin: Cow::Borrowed(event.origin.as_str()),
        }
    }
}

impl<'a> CountedRequest<'a> {
    fn new(row: &'a RequestRow, number: i64) -> Self {
        Self {
            organization_id: row.organization_id,
            created_at: row.created_at.timestamp(),
            requested_model: Cow::Borrowed(&row.requested_model),
            served_model: Cow::Borrowed(row.served_model.as_deref().unwrap_or_default()),
            outcome: Cow::Borrowed(row.outcome.as_str()),
            origin: Cow::Borrowed(row.origin.as_str()),
            api_key_id: row.api_key_id,
            session_id: row.session_id,
            first_frame_ms: row.first_frame_ms,
            total_ms: row.total_ms,
            input_tokens: bounded(row.input_tokens),
            output_tokens: bounded(row.output_tokens),
            cached_tokens: bounded(row.cached_tokens),
            reasoning_tokens: bounded(row.reasoning_tokens),
            cost_nano_dollars: bounded(row.cost_nano_dollars),
            unpriced: is_unpriced(row),
            estimated: row.estimated,
            number,
            budget_only_nano_dollars: bounded(Some(row.budget_only_nano_dollars)),
        }
    }

    /// Whether it is a drill, which counts in budgets only.
    pub(super) fn is_drill(&self) -> bool {
        self.origin == Origin::Drill.as_str()
    }

    /// Whether a model that was not requested answered.
    pub(super) fn is_by_fallback(&self) -> bool {
        !self.served_model.is_empty() && self.served_model != self.requested_model
    }

    fn into_owned(self) -> CountedRequest<'static> {
        let owned = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        CountedRequest {
            organization_id: self.organization_id,
            created_at: self.created_at,
            requested_model: owned(self.requested_model),
            served_model: owned(self.served_model),
            outcome: owned(self.outcome),
            origin: owned(self.origin),
            api_key_id: self.api_key_id,
            session_id: self.session_id,
            first_frame_ms: self.first_frame_ms,
            total_ms: self.total_ms,
            input_tokens: self.input_tokens,
            output_tokens: self.output_tokens,
            cached_tokens: self.cached_tokens,
            reasoning_tokens: self.reasoning_tokens,
            cost_nano_dollars: self.cost_nano_dollars,
            unpriced: self.unpriced,
            estimated: self.estimated,
            number: self.number,
            budget_only_nano_dollars: self.budget_only_nano_dollars,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(numbers: &[i64], words: &[String], ids: &[u128], beyond: i64) -> CountedRequest<'static> {
        let number = |at: usize| numbers.get(at).copied().unwrap_or_default();
        let word = |at: usize| Cow::Owned(words.get(at).cloned().unwrap_or_default());
        CountedRequest {
            organization_id: OrganizationId(Uuid::from_u128(ids.first().copied().unwrap_or_default())),
            created_at: number(0),
            requested_model: word(0),
            served_model: word(1),
            outcome: word(2),
            origin: word(3),
            api_key_id: ids.get(1).copied().map(Uuid::from_u128),
            session_id: ids.get(2).copied().map(Uuid::from_u128),
            first_frame_ms: numbers.get(1).copied(),
            total_ms: number(2),
            input_tokens: number(3),
            output_tokens: number(4),
            cached_tokens: 0,
            reasoning_tokens: 1,
            cost_nano_dollars: i64::MAX,
            unpriced: ids.len() > 1,
            estimated: numbers.len() > 2,
            number: -1,
            budget_only_nano_dollars: beyond,
        }
    }

    fn event(created_at: i64, words: &[String]) -> CountedEvent<'static> {
        let word = |at: usize| Cow::Owned(words.get(at).cloned().unwrap_or_default());
        CountedEvent {
            organization_id: OrganizationId(Uuid::nil()),
            created_at,
            failed_model: word(0),
            next_model: word(1),
            error_class: word(2),
            origin: word(3),
        }
    }

    proptest! {
        #[test]
        fn it_is_written_and_read_as_a_parser_would(
            numbers in prop::collection::vec(any::<i64>(), 0..6),
            words in prop::collection::vec("[ -~\\n\u{e9}\u{7f}]{0,12}", 0..5),
            ids in prop::collection::vec(any::<u128>(), 0..4),
            beyond in prop::sample::select(vec![0, 1, i64::MIN]),
            (events, requests) in (0_usize..3, 0_usize..3),
        ) {
            let delta = Delta {
                events: (0..events).map(|at| event(at as i64, &words)).collect(),
                requests: (0..requests).map(|_| request(&numbers, &words, &ids, beyond)).collect(),
            };
            let expected = serde_json::to_string(&delta).expect("a text");
            let Some(text) = delta.text() else {
                prop_assert_eq!(events + requests, 0);
                return Ok(());
            };
            prop_assert_eq!(&text, &expected);
            prop_assert_eq!(&serde_json::from_str::<Delta<'_>>(&text).expect("a delta"), &delta);
            prop_assert_eq!(&Delta::read(&text).expect("a delta"), &delta);
            let plain = words.iter().all(|word| !word.contains(['"', '\\', '\n']));
            prop_assert_eq!(Delta::as_written(&text).is_some(), plain);
        }

        #[test]
        fn it_reads_no_more_than_the_parser(text in r#"[\[\]{}",:\\0-9a-f\-ntrue]{0,40}"#) {
            let read = Delta::as_written(&text);
            prop_assert!(read.is_none() || serde_json::from_str(&text).ok() == read);
        }
    }
}

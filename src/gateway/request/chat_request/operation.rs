//! Requests other than chats: they have OpenAI's form, and one endpoint for each operation.

use std::sync::Arc;

use bytes::Bytes;

use super::{ChatRequest, body, wanted};
use crate::dialects::Dialect;
use crate::domain::error::Result;
use crate::domain::operation::Operation;
use crate::gateway::request::form::Form;
use crate::limits::shares::Share;
use crate::store::snapshot::ModelEntry;

impl ChatRequest {
    /// Parses a body of OpenAI's form for an operation.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_as`].
    pub fn parse_operation(operation: Operation, body: Bytes) -> Result<Self> {
        body::read(body, |body, members| {
            Self::of_members((Dialect::ChatCompletions, operation), body, members)
        })
    }

    /// As [`ChatRequest::parse_operation`]; a large body is parsed off the event loop. `named` is the model in the path.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_for`].
    pub async fn read_operation(
        share: &Share,
        operation: Operation,
        named: Option<String>,
        body: Bytes,
    ) -> Result<Self> {
        Self::read_with(share, body, move |body| match named {
            Some(model) => Self::parse_for(operation, &model, body),
            None => Self::parse_operation(operation, body),
        })
        .await
    }

    /// As [`ChatRequest::parse_operation`], for the operation that `operation` has for the body's first model; a large body is
    /// parsed off the event loop.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_as`].
    pub async fn read_by_model(
        share: &Share,
        operation: impl FnOnce(&str) -> Operation + Send + 'static,
        body: Bytes,
    ) -> Result<Self> {
        let parse = move |body| {
            body::read(body, |body, members| {
                let operation = operation(wanted(Dialect::ChatCompletions, members)?.primary());
                Self::of_members((Dialect::ChatCompletions, operation), body, members)
            })
        };
        Self::read_with(share, body, parse).await
    }

    /// Reads a form for an operation. `named` is the model in the path.
    ///
    /// # Errors
    /// As [`ChatRequest::parse_for`], or the form is not valid.
    pub fn of_form(operation: Operation, named: Option<&str>, form: Form) -> Result<Self> {
        let body = Bytes::from(form.members()?);
        let request = match named {
            Some(model) => Self::parse_for(operation, model, body)?,
            None => Self::parse_operation(operation, body)?,
        };
        Ok(Self { form: Some(Arc::new(form)), ..request })
    }

    /// The bytes that the caller sent.
    #[must_use]
    pub fn sent(&self) -> &Bytes {
        self.form.as_ref().map_or(&self.body, |form| form.bytes())
    }

    /// The window that bounds its prompt, if the catalog knows it. Several prompts need not fit into it together.
    #[must_use]
    pub fn window_of(&self, model: &ModelEntry) -> Option<i64> {
        model.settings.context_window.filter(|_| !self.operation.takes_many_prompts())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(input: &str) -> Option<usize> {
        let body = format!(r#"{{"model":"m","input":{input}}}"#);
        ChatRequest::parse_operation(Operation::Embeddings, Bytes::from(body)).expect(input).inputs
    }

    #[test]
    fn the_inputs_are_those_that_get_a_vector_each() {
        for (input, expected) in [
            (r#""a text""#, Some(1)),
            (r#"["a", "b", "c"]"#, Some(3)),
            ("[1, 2, 3]", Some(1)),
            ("[ [1, 2], [3] ]", Some(2)),
            (r#"[{"text":"a"}]"#, Some(1)),
            ("[]", None),
            ("{}", None),
            ("7", None),
        ] {
            assert_eq!(parsed(input), expected, "{input}");
        }
    }

    #[test]
    fn embeddings_of_texts_in_the_usual_form_are_not_its_own() {
        let asks = |members: &str| {
            let body = Bytes::from(format!(r#"{{"model":"m",{members}}}"#));
            let request = ChatRequest::parse_operation(Operation::Embeddings, body).expect(members);
            (request.asks_for_own_embeddings(), request.may_get_other_results())
        };
        for (members, expected) in [
            (r#""input":"a""#, (false, false)),
            (r#""input":["a","b"],"encoding_format":"float","dimensions":null,"user":"u""#, (false, false)),
            (r#""input":"a","encoding_format":"base64""#, (false, true)),
            (r#""input":"a","encoding_format":"hex""#, (true, true)),
            (r#""input":"a","dimensions":3"#, (true, true)),
            (r#""input":"a","task":"x""#, (true, true)),
            (r#""input":[]"#, (true, true)),
            (r#""input":" ""#, (true, true)),
            (r#""input":["a",""]"#, (true, true)),
            (r#""input":[1,2]"#, (true, true)),
            (r#""input":null"#, (true, true)),
            (r#""user":"u""#, (true, true)),
        ] {
            assert_eq!(asks(members), expected, "{members}");
        }
    }

    #[test]
    fn a_blank_input_is_one_of_every_operation() {
        let blank = |operation: Operation, members: &str| {
            let body = Bytes::from(format!(r#"{{"model":"m",{members}}}"#));
            ChatRequest::parse_operation(operation, body).expect(members).has_blank_input()
        };
        for (operation, members, expected) in [
            (Operation::Speech, r#""input":"""#, true),
            (Operation::Speech, r#""input":"a""#, false),
            (Operation::Rerank, r#""query":" ","documents":["a"]"#, true),
            (Operation::Rerank, r#""query":"q","documents":["a"]"#, false),
            (Operation::Rerank, r#""query":"q""#, true),
            (Operation::Images, r#""prompt":null"#, true),
            (Operation::Images, r#""prompt":"a""#, false),
            (Operation::Completions, r#""prompt":"""#, true),
            (Operation::Moderations, r#""input":["a"]"#, false),
            (Operation::Transcriptions, r#""file":0"#, false),
        ] {
            assert_eq!(blank(operation, members), expected, "{members}");
        }
    }

    #[test]
    fn what_only_chats_have_is_not_checked() {
        let body = Bytes::from_static(br#"{"model":"m","input":"a","n":0,"max_tokens":1.5,"stream":true}"#);
        let request = ChatRequest::parse_operation(Operation::Embeddings, body.clone()).expect("a request");
        assert!(!request.stream && !request.translates);
        assert!(ChatRequest::parse_operation(Operation::Completions, body).is_err());
    }
}

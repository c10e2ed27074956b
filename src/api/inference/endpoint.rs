//! The endpoints that call models, and how each reads its body. They and `explain` share it.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use bytes::Bytes;

use crate::dialects::CallerDialect;
use crate::domain::error::Result;
use crate::domain::operation::Operation;
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::form::Form;
use crate::gateway::request::passed_headers::PassedHeaders;
use crate::limits::shares::Share;
use crate::store::snapshot::OrganizationSnapshot;

/// An endpoint that calls models.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoint {
    dialect: CallerDialect,
    operation: Operation,
}

impl Endpoint {
    /// Every endpoint, in display order.
    pub const ALL: [Self; 11] = [
        Self::chat(CallerDialect::ChatCompletions),
        Self::chat(CallerDialect::Messages),
        Self::chat(CallerDialect::Responses),
        Self::of(Operation::Embeddings),
        Self::of(Operation::Completions),
        Self::of(Operation::Moderations),
        Self::of(Operation::Rerank),
        Self::of(Operation::Images),
        Self::of(Operation::Speech),
        Self::of(Operation::Transcriptions),
        Self::of(Operation::Translations),
    ];

    /// The endpoint for chats in a dialect.
    #[must_use]
    pub const fn chat(dialect: CallerDialect) -> Self {
        Self { dialect, operation: Operation::Chat }
    }

    /// The endpoint for an operation in OpenAI's form.
    #[must_use]
    pub const fn of(operation: Operation) -> Self {
        Self { dialect: CallerDialect::ChatCompletions, operation }
    }

    /// The endpoint with this canonical path, if there is one.
    #[must_use]
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| endpoint.path() == path)
    }

    /// The path in the canonical form.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self.operation {
            Operation::Chat => self.dialect.endpoint(),
            operation => operation.endpoint(),
        }
    }

    /// Reads a body, and the headers that reach providers with it. `named` is the model in the path.
    ///
    /// # Errors
    /// 400 with what is wrong with the body or a header.
    pub async fn read(
        self,
        share: &Share,
        named: Option<String>,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<ChatRequest> {
        let request = if self.operation.takes_form() {
            let form = Form::parse(only(headers, &CONTENT_TYPE).unwrap_or_default(), body)?;
            ChatRequest::of_form(self.operation, named.as_deref(), form)?
        } else if self.operation == Operation::Chat && named.is_none() {
            ChatRequest::read(share, self.dialect.dialect(), body).await?
        } else {
            ChatRequest::read_operation(share, self.operation, named, body).await?
        };
        with_headers(request, headers)
    }

    /// As [`Endpoint::read`], for the endpoint that calls models of the kind of the body's first one. A form is a recording.
    ///
    /// # Errors
    /// As [`Endpoint::read`].
    pub async fn read_by_model(
        organization: Arc<OrganizationSnapshot>,
        share: &Share,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<ChatRequest> {
        if is_form(headers) {
            return Self::of(Operation::Transcriptions).read(share, None, headers, body).await;
        }
        let operation = move |name: &str| {
            let model = organization.models.get(name);
            model.map_or(Operation::Chat, |model| model.settings.kind.operation())
        };
        let request = ChatRequest::read_by_model(share, operation, body).await?;
        if request.operation.takes_form() {
            // It is refused, as by its endpoint.
            return Self::of(request.operation).read(share, None, headers, request.body).await;
        }
        with_headers(request, headers)
    }
}

fn with_headers(mut request: ChatRequest, headers: &HeaderMap) -> Result<ChatRequest> {
    let sent = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    request.passed = PassedHeaders::of(request.dialect, sent)?;
    Ok(request)
}

fn is_form(headers: &HeaderMap) -> bool {
    let kind = only(headers, &CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    kind.trim_start().starts_with("multipart/form-data")
}

/// The text of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_is_found_at_its_path() {
        for endpoint in Endpoint::ALL {
            assert_eq!(Endpoint::at(endpoint.path()), Some(endpoint));
        }
        assert_eq!(Endpoint::at("/chat/completions"), None);
        assert_eq!(Endpoint::at("/v1/messages"), Some(Endpoint::chat(CallerDialect::Messages)));
    }
}

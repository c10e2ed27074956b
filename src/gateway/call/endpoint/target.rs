//! The URL and the headers of a provider in one dialect.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};

use super::access_token::{AccessTokens, CallToken, Minting};
use crate::dialects::messages::count;
use crate::gateway::call::classify::Fault;
use crate::gateway::request::passed_headers::{BETA, PassedHeaders};
use crate::providers::Service;
use crate::providers::raw_predict::RawPredict;
use crate::store::snapshot::ModelEntry;
use crate::upstream::AdmittedUrl;

/// The URL and the headers of a provider in one dialect.
#[derive(Debug, Clone)]
pub struct Target {
    /// The URL, admitted by the address policy. That of a model may be below it: see [`Target::url_of`].
    pub url: AdmittedUrl,
    /// What the preset says of it.
    pub service: &'static Service,
    /// The headers of a call for a whole answer and for a stream.
    pub(super) headers: [HeaderMap; 2],
    /// What makes the access tokens of calls; `None` if the headers have the credential.
    pub(super) tokens: Option<Arc<AccessTokens>>,
}

impl Target {
    /// The URL of the answers of a model.
    #[must_use]
    pub fn url_of(&self, model: &ModelEntry, stream: bool) -> Cow<'_, AdmittedUrl> {
        let Some(address) = self.service.model_address else { return Cow::Borrowed(&self.url) };
        let url = self.url.below(&address.end_of(&model.upstream_model, stream));
        Cow::Owned(match address.stream_query.filter(|_| stream) {
            Some((name, value)) => url.with_query(name, value),
            None => url,
        })
    }

    /// The URL that counts the tokens of a message.
    #[must_use]
    pub fn url_of_count(&self) -> AdmittedUrl {
        let path = self.service.path;
        match self.service.raw_predict {
            Some(raw_predict) => self.url.below(raw_predict.count),
            None => self.url.beside(path, &[path, count::PATH_BELOW].concat()),
        }
    }

    /// The URL for a test of the credential by a request without content.
    #[must_use]
    pub fn url_of_test(&self) -> Cow<'_, AdmittedUrl> {
        match self.service.model_address.and_then(|address| address.test) {
            Some(test) => Cow::Owned(self.url.below(test)),
            None => Cow::Borrowed(&self.url),
        }
    }

    /// The request headers of one call.
    #[must_use]
    pub fn headers_for(&self, stream: bool, passed: &PassedHeaders, token: &CallToken) -> HeaderMap {
        let mut headers = self.own_headers(stream, token);
        match self.service.raw_predict {
            Some(raw_predict) => known(&mut headers, passed, raw_predict, false),
            None => {
                for (name, value) in passed.iter() {
                    headers.insert(name.clone(), value.clone());
                }
            }
        }
        headers
    }

    /// The request headers of a count of tokens.
    #[must_use]
    pub fn headers_for_count(&self, passed: &PassedHeaders, token: &CallToken) -> HeaderMap {
        match self.service.raw_predict {
            Some(raw_predict) => {
                let mut headers = self.own_headers(false, token);
                known(&mut headers, passed, raw_predict, true);
                headers
            }
            None => self.headers_for(false, passed, token),
        }
    }

    fn own_headers(&self, stream: bool, token: &CallToken) -> HeaderMap {
        let [whole, streamed] = &self.headers;
        let mut headers = if stream { streamed.clone() } else { whole.clone() };
        if let Some(value) = token.header() {
            headers.insert(AUTHORIZATION, value.clone());
        }
        headers
    }

    /// Whether each call needs an access token besides the headers.
    #[must_use]
    pub const fn needs_token(&self) -> bool {
        self.tokens.is_some()
    }

    /// The access token of a call, which waits for a new one for at most `limit` if there is none. Empty if calls need
    /// none.
    ///
    /// # Errors
    /// None could be made: the fault of the call.
    pub async fn token(&self, minting: Minting<'_>, limit: Duration) -> Result<CallToken, Fault> {
        match &self.tokens {
            Some(tokens) => tokens.get(minting, limit).await,
            None => Ok(CallToken::default()),
        }
    }

    /// Another access token after the provider refused that of a call. `None` if the refused one was made for the call, so
    /// that the refusal counts.
    ///
    /// # Errors
    /// As [`Target::token`].
    pub async fn token_after(
        &self,
        refused: &CallToken,
        minting: Minting<'_>,
        limit: Duration,
    ) -> Option<Result<CallToken, Fault>> {
        let (tokens, refused) = (self.tokens.as_ref()?, refused.kept()?);
        Some(tokens.other_than(refused, minting, limit).await)
    }
}

/// Adds the headers that the platform knows.
fn known(headers: &mut HeaderMap, passed: &PassedHeaders, raw_predict: &RawPredict, counts: bool) {
    for (name, value) in passed.iter() {
        let value = match name.as_str() {
            BETA => value.to_str().ok().map(|asked| raw_predict.betas(asked, counts).kept),
            // Others of Anthropic mean nothing there.
            name if name.starts_with("anthropic-") => None,
            _ => {
                headers.insert(name.clone(), value.clone());
                None
            }
        };
        let value = value.filter(|kept| !kept.is_empty());
        if let Some(value) = value.and_then(|kept| HeaderValue::try_from(kept).ok()) {
            headers.insert(HeaderName::from_static(BETA), value);
        }
    }
}

//! The access tokens of a service account: made by Google, and kept until shortly before their end.
//!
//! While a token is good, calls use it without waiting. Some minutes before its end, a call has the next one made beside it,
//! so that an account in use is never without. Only one token is made at a time, and other calls wait for it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use entity::ids::ProviderId;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;
use tokio::time::timeout;

use crate::domain::clock::Clock;
use crate::gateway::call::classify::{ConnectFault, Fault, Garbage, TimeoutKind};
use crate::gateway::call::redact::Credential;
use crate::gateway::call::response_body::{error_body, send_fault};
use crate::gateway::call::whole_answer::whole_body;
use crate::limits::shares::Share;
use crate::providers::service_account::ServiceAccount;
use crate::providers::{self, UpstreamError};
use crate::upstream::{AdmittedUrl, Pieces, Upstream, on_behalf_of};

/// The longest that the token service may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long before its end a token is no longer used, at most a tenth of its life.
const MARGIN: Duration = Duration::from_secs(60);
/// How long before its end the next token is made, at most a quarter of its life.
const AHEAD: Duration = Duration::from_secs(600);
/// The wait between attempts to make the next token ahead.
const AGAIN: Duration = Duration::from_secs(30);
/// The life of a token, if its service does not say it.
const UNKNOWN_LIFE: Duration = Duration::from_secs(300);
/// The longest life of a token that is believed.
const LONGEST_LIFE: Duration = Duration::from_secs(12 * 3_600);

/// What it takes to make a token.
#[derive(Debug, Clone, Copy)]
pub struct Minting<'a> {
    /// The HTTP client of the process.
    pub upstream: &'a Upstream,
    /// The clock that tokens end by.
    pub clock: &'a Clock,
    /// The share of the account's organization.
    pub share: &'a Arc<Share>,
}

/// An access token with its times.
pub(super) struct AccessToken {
    /// The value of `Authorization`.
    header: HeaderValue,
    /// When the next one is made, by the monotonic clock.
    renews_at: Duration,
    /// When it is no longer used.
    ends_at: Duration,
    /// Prepared when the provider fails for the first time.
    credential: OnceLock<Arc<Credential>>,
}

/// The access token of one call; by default none.
#[derive(Debug, Clone, Default)]
pub struct CallToken {
    token: Option<Arc<AccessToken>>,
    /// Whether it was made for this call.
    is_new: bool,
}

impl CallToken {
    /// The value of `Authorization`.
    pub(super) fn header(&self) -> Option<&HeaderValue> {
        self.token.as_ref().map(|token| &token.header)
    }

    /// The token, if earlier calls may have used it.
    pub(super) fn kept(&self) -> Option<&Arc<AccessToken>> {
        self.token.as_ref().filter(|_| !self.is_new)
    }
}

/// A token that is being made. It goes on without the call that wanted it.
type UnderWay = Shared<BoxFuture<'static, Result<Arc<AccessToken>, Fault>>>;

/// The access tokens of one service account.
pub(super) struct AccessTokens {
    provider: ProviderId,
    account: ServiceAccount,
    /// The address of the token service.
    service: AdmittedUrl,
    /// The token that was made last.
    newest: ArcSwapOption<AccessToken>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    under_way: Option<UnderWay>,
    /// The token before the newest, which calls may still use.
    previous: Option<Arc<AccessToken>>,
    /// When a token may be made ahead again.
    ahead_from: Duration,
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AccessTokens").field("account", &self.account).finish_non_exhaustive()
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AccessToken").field("ends_at", &self.ends_at).finish_non_exhaustive()
    }
}

impl AccessTokens {
    pub(super) fn new(provider: ProviderId, account: ServiceAccount, service: AdmittedUrl) -> Self {
        Self { provider, account, service, newest: ArcSwapOption::empty(), state: Mutex::default() }
    }

    /// Whether both are of the same account and key.
    pub(super) fn are_those_of(&self, other: &Self) -> bool {
        self.account == other.account
    }

    /// The tokens that calls may have used last, prepared for searching.
    pub(super) fn secrets(&self) -> Vec<Arc<Credential>> {
        let previous = self.state().previous.clone();
        let tokens = self.newest.load_full().into_iter().chain(previous);
        tokens.map(|token| token.secret()).collect()
    }

    /// The token of a call, which waits for a new one for at most `limit` if the newest has ended.
    ///
    /// # Errors
    /// None could be made in time.
    pub(super) async fn get(
        self: &Arc<Self>,
        minting: Minting<'_>,
        limit: Duration,
    ) -> Result<CallToken, Fault> {
        let now = minting.clock.monotonic();
        if let Some(token) = self.newest.load_full().filter(|token| now < token.ends_at) {
            if now >= token.renews_at {
                self.renew_ahead(minting, now);
            }
            return Ok(CallToken { token: Some(token), is_new: false });
        }
        self.new_one(minting, None, limit).await
    }

    /// Another token than the one that the provider refused.
    ///
    /// # Errors
    /// As [`AccessTokens::get`].
    pub(super) async fn other_than(
        self: &Arc<Self>,
        refused: &Arc<AccessToken>,
        minting: Minting<'_>,
        limit: Duration,
    ) -> Result<CallToken, Fault> {
        self.new_one(minting, Some(refused), limit).await
    }

    async fn new_one(
        self: &Arc<Self>,
        minting: Minting<'_>,
        refused: Option<&Arc<AccessToken>>,
        limit: Duration,
    ) -> Result<CallToken, Fault> {
        let of_call = |token| CallToken { token: Some(token), is_new: true };
        let under_way = {
            let mut state = self.state();
            let now = minting.clock.monotonic();
            let is_good = |token: &Arc<AccessToken>| {
                now < token.ends_at && !refused.is_some_and(|refused| Arc::ptr_eq(refused, token))
            };
            // Another call may have been faster.
            if let Some(token) = self.newest.load_full().filter(is_good) {
                return Ok(of_call(token));
            }
            self.under_way(&mut state, minting)
        };
        match timeout(limit, under_way).await {
            Ok(made) => made.map(of_call),
            Err(_) => Err(Fault::TimeBudget(TimeoutKind::Connect)),
        }
    }

    fn renew_ahead(self: &Arc<Self>, minting: Minting<'_>, now: Duration) {
        let mut state = self.state();
        if now >= state.ahead_from {
            state.ahead_from = now + AGAIN;
            // It goes on by itself.
            drop(self.under_way(&mut state, minting));
        }
    }

    /// The token that is being made, or the beginning of a new one.
    fn under_way(self: &Arc<Self>, state: &mut State, minting: Minting<'_>) -> UnderWay {
        // One that ended without a token was aborted.
        if let Some(known) = state.under_way.as_ref().filter(|known| known.peek().is_none()) {
            return known.clone();
        }
        let tokens = self.clone();
        let (upstream, clock, share) =
            (minting.upstream.clone(), minting.clock.clone(), minting.share.clone());
        let making = tokio::spawn(async move {
            let minting = Minting { upstream: &upstream, clock: &clock, share: &share };
            let made = timeout(PATIENCE, tokens.make(minting)).await;
            tokens.keep(made.unwrap_or(Err(Fault::Timeout(TimeoutKind::Connect))))
        });
        let made = making.map(|made| made.unwrap_or(Err(Fault::Connect(ConnectFault::Other))));
        state.under_way.insert(made.boxed().shared()).clone()
    }

    fn keep(&self, made: Result<AccessToken, Fault>) -> Result<Arc<AccessToken>, Fault> {
        let mut state = self.state();
        state.under_way = None;
        match made {
            Ok(token) => {
                let token = Arc::new(token);
                state.previous = self.newest.swap(Some(token.clone()));
                Ok(token)
            }
            Err(fault) => {
                let status = if let Fault::Upstream(error) = &fault { Some(error.status) } else { None };
                tracing::warn!(provider = %self.provider, status, "a service account got no access token");
                Err(fault)
            }
        }
    }

    /// Asks the token service for a token.
    async fn make(&self, Minting { upstream, clock, share }: Minting<'_>) -> Result<AccessToken, Fault> {
        let (now, asked_at) = (clock.now(), clock.monotonic());
        let request = self.account.request(now.timestamp());
        let request = request.map_err(|_| Fault::Connect(ConnectFault::Other))?;
        // The request has only characters that a form takes as they are.
        let grant = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        let form = Bytes::from([grant, request.as_str()].concat());
        let message = || (headers(), Pieces(vec![form.clone()]));
        let posted = on_behalf_of(share.clone(), upstream.post(&self.service, message));
        let mut response = posted.await.map_err(send_fault)?;
        let status = response.status();
        if !(200..300).contains(&status) {
            let body = error_body(&mut response).await;
            let error = providers::parse_error(meant(status), response.headers(), &body, now);
            return Err(Fault::Upstream(Box::new(of_account(error, &request))));
        }
        let body = whole_body(&mut response, &mut share.hold()).await?;
        AccessToken::read(&body, asked_at)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The answer of a token service.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    expires_in: Option<u64>,
}

impl AccessToken {
    /// Reads the answer to a request of this time.
    fn read(body: &[u8], asked_at: Duration) -> Result<Self, Fault> {
        let broken = Fault::Garbage(Garbage::BrokenJson);
        let Ok(Granted { access_token, expires_in }) = serde_json::from_slice(body) else {
            return Err(broken);
        };
        let access_token = zeroize::Zeroizing::new(access_token);
        let header = providers::bearer(&access_token).ok().filter(|_| !access_token.is_empty());
        let life = expires_in.map_or(UNKNOWN_LIFE, Duration::from_secs).min(LONGEST_LIFE);
        let (margin, ahead) = (MARGIN.min(life / 10), AHEAD.min(life / 4));
        Ok(Self {
            header: header.ok_or(broken)?,
            renews_at: asked_at + life - ahead,
            ends_at: asked_at + life - margin,
            credential: OnceLock::new(),
        })
    }

    fn secret(&self) -> Arc<Credential> {
        let prepare = || {
            let text = self.header.to_str().unwrap_or_default();
            Arc::new(Credential::new(text.strip_prefix("Bearer ").unwrap_or(text)))
        };
        self.credential.get_or_init(prepare).clone()
    }
}

fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        (ACCEPT, HeaderValue::from_static("application/json")),
    ])
}

/// The status of a refusal as that of a call: a token service refuses an account with a 400, or says that it is unknown.
const fn meant(status: u16) -> u16 {
    match status {
        408 | 429 => status,
        400..=499 => 401,
        _ => status,
    }
}

/// The error of a token service, with a word on what it is about, and without the request that it may repeat.
fn of_account(mut error: UpstreamError, request: &str) -> UpstreamError {
    let said = match Credential::new(request).hide(&error.message) {
        Some(hidden) => hidden,
        None => std::mem::take(&mut error.message),
    };
    let colon = if said.is_empty() { "" } else { ": " };
    error.message = ["the service account got no access token", colon, &said].concat();
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<(u64, u64), Fault> {
        let token = AccessToken::read(body.as_bytes(), Duration::from_secs(1_000))?;
        Ok((token.renews_at.as_secs(), token.ends_at.as_secs()))
    }

    #[test]
    fn a_token_ends_early_and_is_renewed_before() {
        let of = |life: &str| read(&format!(r#"{{"access_token":"ya29.x","token_type":"Bearer"{life}}}"#));
        assert_eq!(of(r#","expires_in":3599"#), Ok((3_999, 4_539)));
        assert_eq!(of(r#","expires_in":100"#), Ok((1_075, 1_090)));
        assert_eq!(of(r#","expires_in":0"#), Ok((1_000, 1_000)));
        assert_eq!(of(""), Ok((1_225, 1_270)));
        assert_eq!(of(r#","expires_in":18446744073709551615"#), Ok((43_600, 44_140)));
    }

    #[test]
    fn an_answer_without_a_usable_token_is_none() {
        for body in
            ["", "{}", "<html>", r#"{"access_token":""}"#, r#"{"access_token":"a b"}"#, r#"{"id_token":"x"}"#]
        {
            assert_eq!(read(body), Err(Fault::Garbage(Garbage::BrokenJson)), "{body}");
        }
    }

    #[test]
    fn nothing_of_a_token_is_in_its_debug_output() {
        let token = AccessToken::read(br#"{"access_token":"ya29.canary"}"#, Duration::ZERO).expect("a token");
        let call = CallToken { token: Some(Arc::new(token)), is_new: true };
        assert!(!format!("{call:?}").contains("canary"));
    }

    #[test]
    fn an_account_that_is_refused_is_no_invalid_request() {
        for (status, expected) in
            [(400, 401), (401, 401), (403, 401), (404, 401), (408, 408), (429, 429), (503, 503)]
        {
            assert_eq!(meant(status), expected);
        }
    }
}

//! Tests the connection to a provider with the same address policy and headers as live calls: lists its models or, where it
//! has no list, sends a message without content, which costs nothing. Where anyone may see the list, the credential is tried
//! elsewhere first.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use entity::ids::OrganizationId;
use tokio::time::timeout;

use crate::domain::failure::Failure;
use crate::domain::failure::class::ErrorClass;
use crate::gateway::Gateway;
use crate::gateway::call::classify::{ConnectFault, Fault, Garbage, TimeoutKind};
use crate::gateway::call::classify_and_redact::Classifier;
use crate::gateway::call::endpoint::{CallToken, Endpoint, Target};
use crate::gateway::call::response_body::{error_body, send_fault};
use crate::gateway::call::whole_answer::whole_body;
use crate::gateway::request::passed_headers::PassedHeaders;
use crate::gateway::routing::call_feedback::SharedState;
use crate::gateway::routing::provider_health::HealthOf;
use crate::limits::shares::Share;
use crate::providers;
use crate::store::snapshot::ProviderEntry;
use crate::store::{OrgStore, ProviderHealth};
use crate::upstream::{Pieces, UpstreamResponse, on_behalf_of};

/// How long to wait for the provider's answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// The result of a connection test.
#[derive(Debug)]
pub struct ConnectionReport {
    /// How long the test took.
    pub took: Duration,
    /// The provider's names of its models, at most 1,000.
    pub models: Vec<String>,
    /// Why the test failed; `None` if it succeeded.
    pub failure: Option<Failure>,
}

impl ConnectionReport {
    /// What to do about the failure, in a sentence.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        let failure = self.failure.as_ref()?;
        let by_rule = REMEDIES.iter().find(|(rule, _)| *rule == failure.rule);
        Some(by_rule.map_or_else(|| by_class(failure.class), |(_, remedy)| remedy))
    }

    /// The health of the provider: whatever made the test fail, the provider cannot be used as it is.
    fn health(&self) -> ProviderHealth {
        match &self.failure {
            None => ProviderHealth::Ok,
            Some(failure) => ProviderHealth::Failing(failure.message.clone()),
        }
    }
}

/// Remedies by the name of the rule, which is more specific than the class.
const REMEDIES: [(&str, &str); 5] = [
    (
        "code:invalid_signature_exception",
        "AWS does not accept the signature. Check the secret access key and the region, and the clock of this machine.",
    ),
    (
        "connect:blocked",
        "The address is private or special. The operator can open it with FAILSOFT_ALLOW_PRIVATE_UPSTREAMS.",
    ),
    ("connect:dns", "The host name has no address. Check its spelling."),
    (
        "connect:refused",
        "Nothing listens at that address. Check the host, the port, and that the server runs.",
    ),
    ("connect:tls", "The TLS handshake failed. Check the scheme (http or https) and the certificate."),
];

/// Remedies by class, for other rules.
const BY_CLASS: &[(ErrorClass, &str)] = &[
    (
        ErrorClass::Authentication,
        "The provider does not accept the credential. Paste it again, or create a new one with the vendor.",
    ),
    (
        ErrorClass::ModelNotFound,
        "There is nothing at that path. Check the base address: it usually ends in /v1.",
    ),
    (
        ErrorClass::InvalidResponse,
        "The server does not speak the API of its kind. Check the base address: it usually ends in /v1.",
    ),
    (
        ErrorClass::QuotaExhausted,
        "The account has no money or quota left. Look at the vendor's billing page.",
    ),
    (ErrorClass::RateLimited, "The provider is throttling the account. Try again in a minute."),
    (ErrorClass::Timeout, "The provider did not answer in time. Check the address, or try again."),
];

fn by_class(class: ErrorClass) -> &'static str {
    BY_CLASS.iter().find(|(known, _)| *known == class).map_or(
        "The provider failed. If that does not pass, check the address and the vendor's status page.",
        |(_, advice)| advice,
    )
}

impl Gateway {
    /// Tests the connection to a provider with the credential of this entry, and stores the result as its health.
    pub async fn test_connection(&self, data: &OrgStore, provider: &Arc<ProviderEntry>) -> ConnectionReport {
        let report = Box::pin(self.connect(data.organization_id(), provider)).await;
        self.shared_state.health.tested(provider, report.failure.is_none());
        let health = report.health();
        let stored = match HealthOf::entry(provider) {
            (HealthOf::Provider(id), updated_at) => {
                Box::pin(data.provider_tested(id, updated_at, health)).await
            }
            (HealthOf::Credential(id), updated_at) => {
                Box::pin(data.credential_health_set(id, updated_at, health)).await
            }
        };
        if let Err(error) = stored {
            tracing::warn!(provider = %provider.id, %error, "cannot store the result of a connection test");
        }
        report
    }

    async fn connect(
        &self,
        organization_id: OrganizationId,
        provider: &Arc<ProviderEntry>,
    ) -> ConnectionReport {
        let started = Instant::now();
        let found = match self.shared_state.endpoints.of(&self.upstream, provider) {
            Err(connect) => Err(Fault::Connect(connect)),
            Ok(endpoint) => {
                match timeout(PATIENCE, self.list_models(organization_id, &endpoint, provider)).await {
                    Ok(found) => found,
                    Err(_) => Err(Fault::Timeout(TimeoutKind::Answer)),
                }
            }
        };
        let took = started.elapsed();
        match found {
            Ok(models) => ConnectionReport { took, models, failure: None },
            Err(fault) => {
                let SharedState { endpoints, sentences, .. } = &*self.shared_state;
                let (sentences, now) = (&sentences.load(), self.clock.now());
                let failure = Classifier { provider, endpoints, sentences, now }.classify(&fault);
                ConnectionReport { took, models: Vec::new(), failure: Some(failure) }
            }
        }
    }

    async fn list_models(
        &self,
        organization_id: OrganizationId,
        endpoint: &Endpoint,
        provider: &Arc<ProviderEntry>,
    ) -> Result<Vec<String>, Fault> {
        let share = self.shares.of(organization_id);
        let target = endpoint.native().ok_or(Fault::Connect(ConnectFault::Other))?;
        let minting = self.minting(&share);
        let token = target.token(minting, PATIENCE).await?;
        match self.list_with(&share, target, provider, &token).await {
            Err(fault) if fault.is_unauthorized() => {
                match target.token_after(&token, minting, PATIENCE).await {
                    Some(token) => self.list_with(&share, target, provider, &token?).await,
                    None => Err(fault),
                }
            }
            listed => listed,
        }
    }

    async fn list_with(
        &self,
        share: &Arc<Share>,
        target: &Target,
        provider: &Arc<ProviderEntry>,
        token: &CallToken,
    ) -> Result<Vec<String>, Fault> {
        let headers = || target.headers_for(false, &PassedHeaders::default(), token);
        if let Some(path) = providers::credential_path(provider.preset) {
            let url = target.url.beside(target.service.path, path);
            let opened = on_behalf_of(share.clone(), self.upstream.get(&url, headers())).await;
            let mut response = opened.map_err(send_fault)?;
            // A server in between may lack this path.
            if response.status() != 404 {
                self.succeeded(&mut response).await?;
            }
        }
        let listed = target.service.models_path;
        let sent = match listed.map(|path| target.url.beside(target.service.path, path)) {
            Some(models) => on_behalf_of(share.clone(), self.upstream.get(&models, headers())).await,
            None => {
                let url = target.url_of_test();
                let empty = || {
                    let (mut headers, body) = (headers(), Pieces(vec![Bytes::from_static(b"{}")]));
                    target.sign("POST", &url, &mut headers, &body, self.clock.now());
                    (headers, body)
                };
                on_behalf_of(share.clone(), self.upstream.post(&url, empty)).await
            }
        };
        let mut response = sent.map_err(send_fault)?;
        let status = response.status();
        // A server that looks at the content has accepted the credential.
        if listed.is_none() && matches!(status, 400 | 422) {
            return Ok(Vec::new());
        }
        if let Err(refused) = self.succeeded(&mut response).await {
            let unknown = target.service.model_address.and_then(|address| address.unknown_model);
            return match refused {
                Fault::Upstream(error)
                    if listed.is_none()
                        && status == 404
                        && unknown.is_some_and(|said| error.message.contains(said)) =>
                {
                    Ok(Vec::new())
                }
                refused => Err(refused),
            };
        }
        let body = whole_body(&mut response, &mut share.hold()).await?;
        let mut names = providers::model_names(&body).ok_or(Fault::Garbage(Garbage::BrokenJson))?;
        let secrets = self.shared_state.endpoints.secrets(provider);
        for name in &mut names {
            if let Some(hidden) = secrets.hide(name) {
                *name = hidden;
            }
        }
        Ok(names)
    }

    /// Checks the status of a response; a refusal is the provider's error.
    async fn succeeded(&self, response: &mut UpstreamResponse) -> Result<(), Fault> {
        let status = response.status();
        if (200..300).contains(&status) {
            return Ok(());
        }
        let body = error_body(response).await;
        let error = providers::parse_error(status, response.headers(), &body, self.clock.now());
        Err(Fault::Upstream(Box::new(error)))
    }
}

//! Signs the calls of a provider on AWS that has an access key.

use chrono::{DateTime, Utc};
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};

use crate::providers::aws::credential::{AccessKey, region_of};
use crate::providers::aws::sigv4::{Request, Scope, sign};
use crate::providers::{InvalidCredential, Service, access_key};
use crate::upstream::{AdmittedUrl, Pieces};

/// The name of Amazon Bedrock in what is signed.
const BEDROCK: &str = "bedrock";

/// An access key, and the region that its signatures are for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Signer {
    key: AccessKey,
    region: String,
}

impl Signer {
    /// The signer of a service with this credential; `None` if its calls are not signed.
    ///
    /// # Errors
    /// The credential is no valid access key, or neither it nor the address names the region.
    pub(super) fn of(
        service: &Service,
        credential: Option<&str>,
        url: &AdmittedUrl,
    ) -> Result<Option<Self>, InvalidCredential> {
        let Some(access_key) = access_key(service, credential) else { return Ok(None) };
        let key = AccessKey::parse(access_key)?;
        let region = key.region.as_deref().or_else(|| region_of(url.as_url().host_str()?));
        let region = region.ok_or(InvalidCredential::Region)?.to_owned();
        Ok(Some(Self { key, region }))
    }

    /// Adds the signature of a request to its headers. It covers these bytes of the body, and is valid for five minutes.
    pub(super) fn sign(
        &self,
        method: &str,
        url: &AdmittedUrl,
        headers: &mut HeaderMap,
        body: &Pieces,
        now: DateTime<Utc>,
    ) {
        let scope = Scope { region: &self.region, service: BEDROCK };
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::to_str).and_then(Result::ok);
        let request = Request { method, url: url.as_url(), content_type, body: &body.0 };
        let signed = sign(&self.key, scope, now, &request);
        // The characters of the key were checked when it was read.
        if let Ok(signed) = signed {
            headers.extend(signed);
        }
    }
}

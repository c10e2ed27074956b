//! The credential of a provider on AWS: an API key of Bedrock, or an access key, with which each request is signed.
//!
//! An access key is a JSON object with `access_key_id`, `secret_access_key` and, if it is temporary, `session_token`. The names
//! that AWS's own tools print (`AccessKeyId`, also within `Credentials`) are read as well. `region` is needed only if the
//! address of the provider does not name it.

use std::fmt;

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::providers::presets::InvalidCredential;

/// An access key of AWS.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// The id of the key, which its requests name.
    pub id: Zeroizing<String>,
    /// The secret that requests are signed with.
    pub secret: Zeroizing<String>,
    /// The token of a temporary key, which its requests carry.
    pub session_token: Option<Zeroizing<String>>,
    /// The region of the endpoint, if the credential names it.
    pub region: Option<String>,
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("AccessKey").field("region", &self.region).finish_non_exhaustive()
    }
}

/// The members of an access key that are read.
#[derive(Deserialize)]
struct Members {
    #[serde(alias = "AccessKeyId", alias = "aws_access_key_id")]
    access_key_id: Option<String>,
    #[serde(alias = "SecretAccessKey", alias = "aws_secret_access_key")]
    secret_access_key: Option<String>,
    #[serde(alias = "SessionToken", alias = "aws_session_token")]
    session_token: Option<String>,
    #[serde(alias = "Region", alias = "aws_region")]
    region: Option<String>,
    /// What `aws sts` prints around them.
    #[serde(rename = "Credentials")]
    inner: Option<Box<Members>>,
}

/// How the ids of access keys begin: those of users, and temporary ones.
const IDS: [&str; 2] = ["AKIA", "ASIA"];
/// The length of such an id.
const ID_LENGTH: usize = 20;

/// Whether a credential is an access key rather than an API key. One in a form that is not read counts, so that its secret is
/// never taken for an API key.
#[must_use]
pub fn is_access_key(credential: &str) -> bool {
    let mut words = credential.split(|letter: char| !letter.is_ascii_alphanumeric());
    credential.trim_start().starts_with('{') || words.any(is_id)
}

fn is_id(word: &str) -> bool {
    word.len() == ID_LENGTH
        && IDS.iter().any(|start| word.starts_with(start))
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

impl AccessKey {
    /// Reads an access key.
    ///
    /// # Errors
    /// [`InvalidCredential`] names what is missing or wrong, and never repeats it.
    pub fn parse(credential: &str) -> Result<Self, InvalidCredential> {
        let members: Members = serde_json::from_str(credential).map_err(|_| InvalidCredential::AccessKey)?;
        let members = match members {
            // The region is added by hand, around or within what the tool printed.
            Members { inner: Some(inner), region, .. } => {
                let inner = *inner;
                Members { region: inner.region.or(region), ..inner }
            }
            own => own,
        };
        let there = |text: Option<String>| {
            let text = Zeroizing::new(text?);
            let text = Zeroizing::new(text.trim().to_owned());
            (!text.is_empty()).then_some(text)
        };
        let id = there(members.access_key_id).ok_or(InvalidCredential::AccessKeyId)?;
        let secret = there(members.secret_access_key).ok_or(InvalidCredential::SecretAccessKey)?;
        let session_token = there(members.session_token);
        let region = members.region.map(|region| region.trim().to_owned());
        let region = region.filter(|region| !region.is_empty());
        let key = Self { id, secret, session_token, region };
        if let Some(fault) = key.secrets().into_iter().find_map(InvalidCredential::of_text) {
            return Err(fault);
        }
        if !key.region.as_deref().is_none_or(is_region) {
            return Err(InvalidCredential::Region);
        }
        Ok(key)
    }

    /// The parts of it that must not be shown.
    #[must_use]
    pub fn secrets(&self) -> Vec<&str> {
        let token = self.session_token.as_deref().map(String::as_str);
        [Some(self.id.as_str()), Some(self.secret.as_str()), token].into_iter().flatten().collect()
    }
}

/// The longest name of a region.
const LONGEST_REGION: usize = 32;
/// What the name of an endpoint of Bedrock begins with. The region follows it.
const ENDPOINT: &str = "bedrock-runtime";

fn is_region(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=LONGEST_REGION).contains(&text.len()) && text.bytes().all(is_letter)
}

/// The region in the host name of an endpoint, such as `bedrock-runtime.us-east-1.amazonaws.com`.
#[must_use]
pub fn region_of(host: &str) -> Option<&str> {
    let mut labels = host.split('.').skip_while(|label| !label.starts_with(ENDPOINT));
    labels.nth(1).filter(|region| is_region(region))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "AKIDEXAMPLE";
    const LONG_ID: &str = "AKIAIOSFODNN7EXAMPLE";
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

    #[test]
    fn each_form_of_an_access_key_is_read() {
        for (text, token, region) in [
            (format!(r#"{{"access_key_id":"{ID}","secret_access_key":"{SECRET}"}}"#), None, None),
            // What was copied along with it.
            (
                format!(r#"{{"access_key_id":" {ID}","secret_access_key":"{SECRET}\n","region":" "}}"#),
                None,
                None,
            ),
            (
                format!(
                    r#" {{"access_key_id":"{ID}","secret_access_key":"{SECRET}","session_token":"FwoG","region":"eu-west-1"}}"#
                ),
                Some("FwoG"),
                Some("eu-west-1"),
            ),
            (
                format!(
                    r#"{{"Version":1,"AccessKeyId":"{ID}","SecretAccessKey":"{SECRET}","SessionToken":"FwoG","Expiration":"2026-12-01T00:00:00Z"}}"#
                ),
                Some("FwoG"),
                None,
            ),
            (
                format!(
                    r#"{{"Credentials":{{"AccessKeyId":"{ID}","SecretAccessKey":"{SECRET}","SessionToken":""}},"AssumedRoleUser":{{}}}}"#
                ),
                None,
                None,
            ),
        ] {
            assert!(is_access_key(&text), "{text}");
            let key = AccessKey::parse(&text).expect(&text);
            assert_eq!((key.id.as_str(), key.secret.as_str()), (ID, SECRET));
            assert_eq!(key.session_token.as_deref().map(String::as_str), token);
            assert_eq!(key.region.as_deref(), region);
            let debug = format!("{key:?}");
            assert!(key.secrets().iter().all(|secret| !debug.contains(secret)), "{debug}");
        }
        let inner = format!(r#""Credentials":{{"AccessKeyId":"{ID}","SecretAccessKey":"{SECRET}"}}"#);
        let key = AccessKey::parse(&format!(r#"{{{inner},"region":"eu-west-1"}}"#)).expect("a key");
        assert_eq!(key.region.as_deref(), Some("eu-west-1"));
        assert!(!is_access_key("bedrock-api-key-abc") && !is_access_key("ABSKQmVkcm9ja0FQSUtleS1hYmNk"));
    }

    #[test]
    fn what_is_wrong_with_a_key_is_named_without_its_content() {
        for (text, fault) in [
            ("{".to_owned(), InvalidCredential::AccessKey),
            (r#"{"access_key_id":7}"#.to_owned(), InvalidCredential::AccessKey),
            (format!("{LONG_ID}:{SECRET}"), InvalidCredential::AccessKey),
            (format!("AWS_ACCESS_KEY_ID={LONG_ID},{SECRET}"), InvalidCredential::AccessKey),
            (LONG_ID.replace("AKIA", "ASIA"), InvalidCredential::AccessKey),
            ("{}".to_owned(), InvalidCredential::AccessKeyId),
            (
                format!(r#"{{"access_key_id":"","secret_access_key":"{SECRET}"}}"#),
                InvalidCredential::AccessKeyId,
            ),
            (format!(r#"{{"access_key_id":"{ID}"}}"#), InvalidCredential::SecretAccessKey),
            (
                format!(r#"{{"access_key_id":"{ID}","secret_access_key":"{SECRET} x"}}"#),
                InvalidCredential::Characters,
            ),
            (
                format!(r#"{{"access_key_id":"{ID}","secret_access_key":"{SECRET}\n{ID}"}}"#),
                InvalidCredential::LineBreak,
            ),
            (
                format!(r#"{{"access_key_id":"{ID}","secret_access_key":"{SECRET}","region":"US East"}}"#),
                InvalidCredential::Region,
            ),
        ] {
            assert!(is_access_key(&text), "{text}");
            let found = AccessKey::parse(&text).expect_err(&text);
            assert_eq!(found, fault, "{text}");
            assert!(!found.to_string().contains("wJalr"), "{found}");
        }
    }

    #[test]
    fn the_host_names_the_region() {
        for (host, region) in [
            ("bedrock-runtime.us-east-1.amazonaws.com", Some("us-east-1")),
            ("bedrock-runtime-fips.us-gov-west-1.amazonaws.com", Some("us-gov-west-1")),
            ("bedrock-runtime.cn-north-1.amazonaws.com.cn", Some("cn-north-1")),
            ("vpce-0a1b-2c3d.bedrock-runtime.eu-central-1.vpce.amazonaws.com", Some("eu-central-1")),
            ("127.0.0.1", None),
            ("bedrock.example.com", None),
            ("bedrock-runtime", None),
            ("bedrock-runtime.", None),
        ] {
            assert_eq!(region_of(host), region, "{host}");
        }
    }
}

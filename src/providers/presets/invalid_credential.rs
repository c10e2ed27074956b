//! Why a credential cannot be sent.

/// Why a credential cannot be sent. The message names the remedy and never contains the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCredential {
    /// The vendor requires one.
    #[error("a provider of this kind needs a credential: enter the vendor's API key")]
    Missing,
    /// The vendor takes none.
    #[error("a provider of this kind takes no credential: leave it out")]
    Unwanted,
    /// It contains a line break.
    #[error("the credential has a line break in it: paste the key alone, on one line")]
    LineBreak,
    /// It contains a blank, a control character or a character beyond ASCII.
    #[error(
        "the credential holds a character that no HTTP header can carry (a blank or a letter \
         beyond ASCII): paste the key again, without anything around it"
    )]
    Characters,
    /// It begins like a key file, and is no JSON object with the fields of one.
    #[error(
        "it begins like the key file of a service account, but is not valid JSON: paste the whole file, from '{{' to '}}'"
    )]
    KeyFile,
    /// It is a file of another kind.
    #[error(
        "the 'type' in it is not 'service_account': in Google Cloud, create a JSON key of a service account, and paste \
         that file"
    )]
    KeyFileType,
    /// The name of the account is missing.
    #[error("the key file has no 'client_email': paste the file as Google Cloud created it")]
    ClientEmail,
    /// The key is missing or unusable.
    #[error(
        "the 'private_key' in the key file is not an RSA key in PEM: paste the file as Google Cloud created it, or \
         create another key"
    )]
    PrivateKey,
    /// It looks like an access key of AWS, and is no JSON object with the members of one.
    #[error(
        "it looks like an access key of AWS, but is not valid JSON of one: enter {{\"access_key_id\": ..., \
         \"secret_access_key\": ...}} with texts, or an API key of Amazon Bedrock"
    )]
    AccessKey,
    /// The id of the access key is missing.
    #[error("the access key has no 'access_key_id'")]
    AccessKeyId,
    /// The secret of the access key is missing.
    #[error("the access key has no 'secret_access_key'")]
    SecretAccessKey,
    /// The region is missing or no name of one.
    #[error(
        "the region is not known: enter a base URL like https://bedrock-runtime.us-east-1.amazonaws.com, or a 'region' in \
         the access key"
    )]
    Region,
}

impl InvalidCredential {
    /// Why no header can carry a text; `None` if one can. It is stricter than HTTP: a blank inside a key is always a pasting
    /// accident.
    #[must_use]
    pub fn of_text(text: &str) -> Option<Self> {
        if text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return None;
        }
        Some(if text.contains(['\n', '\r']) { Self::LineBreak } else { Self::Characters })
    }
}

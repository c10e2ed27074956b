//! Section `[valkey]`: a Valkey or a Redis in which processes count what they share.

use std::convert::Infallible;
use std::fmt::{self, Debug, Formatter};
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// The port of a URL without one.
const PORT: u16 = 6_379;

/// The settings of section `[valkey]`.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Valkey {
    /// `valkey://[USER:PASSWORD@]HOST[:PORT][/DATABASE]`, or `valkeys://` for TLS. Default none: limits are counted in the
    /// database. `FAILSOFT_VALKEY_URL`.
    pub url: Option<ValkeyUrl>,
    /// A file that holds this address instead. Default none. `FAILSOFT_VALKEY_URL_FILE`.
    pub url_file: Option<PathBuf>,
}

/// The address of a Valkey. It may hold a password, so it is never shown, and no error contains a part of it.
#[derive(Clone, serde::Deserialize)]
#[serde(from = "String")]
pub struct ValkeyUrl(SecretString);

impl Debug for ValkeyUrl {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("ValkeyUrl([REDACTED])")
    }
}

impl From<String> for ValkeyUrl {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for ValkeyUrl {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl FromStr for ValkeyUrl {
    /// Never fails, because the command line repeats the input of a parser that fails. Call [`ValkeyUrl::check`].
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl ValkeyUrl {
    /// The address itself, for opening a connection.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret().trim()
    }

    /// Checks that the address is well-formed.
    ///
    /// # Errors
    /// One line with the cause and the remedy, and without any part of the address.
    pub fn check(&self) -> Result<(), String> {
        self.parsed().map(|_| ())
    }

    /// The host, the port and the database, without the credential. Two processes with the same count together.
    #[must_use]
    pub fn place(&self) -> String {
        let Ok(url) = self.parsed() else { return String::new() };
        let database = url.path().trim_matches('/');
        let database = if database.is_empty() { "0" } else { database };
        format!("{}:{}/{database}", url.host_str().unwrap_or_default(), url.port().unwrap_or(PORT))
    }

    /// The host and the port.
    #[must_use]
    pub fn socket(&self) -> Option<(String, u16)> {
        let url = self.parsed().ok()?;
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        Some((host, url.port().unwrap_or(PORT)))
    }

    /// A message of a driver or a server with the password of this address removed.
    #[must_use]
    pub fn hide_in(&self, text: &str) -> String {
        let url = self.parsed();
        let password = url.as_ref().ok().and_then(|url| url.password()).unwrap_or_default();
        let secrets = [self.expose(), password];
        let given = secrets.into_iter().filter(|secret| !secret.is_empty());
        given.fold(text.to_owned(), |text, secret| text.replace(secret, "[hidden]"))
    }

    fn parsed(&self) -> Result<Url, String> {
        let url = Url::parse(self.expose()).map_err(|_| unreadable("it cannot be read"))?;
        if !["valkey", "valkeys", "redis", "rediss"].contains(&url.scheme()) {
            return Err(unreadable("it starts with neither valkey:// nor valkeys://"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(unreadable("it names no host"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(unreadable("it holds a '?' or a '#'"));
        }
        let database = url.path().trim_matches('/');
        if !database.is_empty() && database.parse::<u16>().is_err() {
            return Err(unreadable("what follows its host is not the number of a database"));
        }
        Ok(url)
    }
}

fn unreadable(what: &str) -> String {
    format!(
        "FAILSOFT_VALKEY_URL: {what}; write valkey://USER:PASSWORD@HOST:PORT, or valkeys:// for TLS. Special characters \
         of the password are percent-encoded"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "kanarienvogel";

    #[test]
    fn an_address_is_a_host_with_a_credential_and_a_database() {
        for (text, place) in [
            ("valkey://cache", "cache:6379/0"),
            ("redis://:kanarienvogel@cache:7000/", "cache:7000/0"),
            ("valkeys://app:kanarienvogel@cache/3", "cache:6379/3"),
            (" rediss://[::1]:7000/3\n", "[::1]:7000/3"),
        ] {
            let url = ValkeyUrl::from(text);
            assert_eq!((url.check(), url.place().as_str()), (Ok(()), place), "{text}");
            assert!(!format!("{url:?}").contains(SECRET));
            let message = format!("cannot log in with {SECRET}");
            assert_eq!(url.hide_in(&message).contains(SECRET), !text.contains(SECRET), "{text}");
        }
        assert_eq!(ValkeyUrl::from("valkey://[::1]:7000").socket(), Some(("::1".to_owned(), 7_000)));
    }

    #[test]
    fn another_address_is_refused_without_any_of_it() {
        for text in [
            "",
            "kanarienvogel",
            "postgres://user:kanarienvogel@host/db",
            "valkey://",
            "valkey://user:kanarienvogel@host:port",
            "valkey://user:kanarienvogel@host/name",
            "valkey://user:kanarienvogel@host/99999",
            "valkey://user:kanarienvogel@host?protocol=resp3",
            "valkeys://user:kanarienvogel@host#insecure",
        ] {
            let message = ValkeyUrl::from(text).check().expect_err(text);
            assert!(message.contains("valkey://USER") && !message.contains(SECRET), "{text}: {message}");
        }
    }
}

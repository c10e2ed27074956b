//! Environment variables that have no flag: secrets, files with secrets, and names that look like misspelled settings.

use std::ffi::OsString;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use clap::Args as _;
use secrecy::SecretString;
use zeroize::Zeroizing;

use super::{ConfigError, Overrides};

/// Secrets that have no flag: arguments are visible to other users of the machine.
pub const SECRETS: [&str; 3] = ["FAILSOFT_MASTER_KEY", "FAILSOFT_METRICS_TOKEN", "FAILSOFT_NEW_MASTER_KEY"];

/// A secret of one command, which has no flag for its file either.
const NEW_MASTER_KEY_FILE: &str = "FAILSOFT_NEW_MASTER_KEY_FILE";

/// The prefix of our variables.
const OURS: &str = "FAILSOFT_";

/// The largest secret file in bytes.
const LARGEST: u64 = 64 * 1024;

fn fault(message: String) -> ConfigError {
    ConfigError::Unusable(message)
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads secrets from the environment")]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The secret with that name from the environment.
///
/// # Errors
/// The value is not valid text.
pub fn secret(name: &str) -> Result<Option<SecretString>, ConfigError> {
    let Some(value) = variable(name) else { return Ok(None) };
    match value.into_string() {
        Ok(text) => Ok(Some(text.into())),
        Err(_) => Err(fault(format!("{name} is not UTF-8"))),
    }
}

/// The secret with that name, or the content of the file that `<name>_FILE` names.
///
/// # Errors
/// Both are set, or the file cannot be used.
pub fn secret_or_file(name: &str) -> Result<Option<SecretString>, ConfigError> {
    let file = format!("{name}_FILE");
    match (secret(name)?, variable(&file)) {
        (Some(_), Some(_)) => Err(both(name, &file)),
        (Some(secret), None) => Ok(Some(secret)),
        (None, Some(path)) => read_secret(&file, Path::new(&path)).map(Some),
        (None, None) => Ok(None),
    }
}

/// The error for a secret that is set together with its file.
pub(super) fn both(name: &str, file: &str) -> ConfigError {
    fault(format!("{name} and {file} are both set; take one of them away"))
}

/// The content of a secret file without surrounding whitespace. `name` is the setting that names the file. Errors do not
/// repeat the path, because users often put the secret itself there.
pub(super) fn read_secret(name: &str, path: &Path) -> Result<SecretString, ConfigError> {
    use std::io::Read as _;
    refuse_secret_as_path(name, path)?;
    let mut text = Zeroizing::new(String::new());
    let read = std::fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text));
    let length = read.map_err(|error| fault(format!("cannot read the file that {name} names: {error}")))?;
    let secret = text.trim();
    if u64::try_from(length).unwrap_or(u64::MAX) > LARGEST {
        return Err(fault(format!(
            "the file that {name} names is larger than {LARGEST} bytes: is it the right one?"
        )));
    }
    if secret.is_empty() {
        return Err(fault(format!("the file that {name} names is empty")));
    }
    Ok(secret.into())
}

/// Refuses a path that looks like a URL or a key: it may be a secret in the wrong setting.
pub(super) fn refuse_secret_as_path(name: &str, path: &Path) -> Result<(), ConfigError> {
    let Some(text) = path.to_str() else { return Ok(()) };
    if is_key(text.trim()) || text.contains("://") {
        let own = name.strip_suffix("_FILE").unwrap_or(name);
        return Err(fault(format!(
            "{name} holds the secret itself; it takes the path of a file ({own} takes the secret)"
        )));
    }
    Ok(())
}

/// Whether a text is 32 bytes in base64 or hex. One that begins with a slash and has no padding is a path.
fn is_key(text: &str) -> bool {
    let is_32 = |bytes: Result<Vec<u8>, _>| bytes.is_ok_and(|bytes| bytes.len() == 32);
    let is_hex = || text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let unpadded = || is_hex() || is_32(STANDARD_NO_PAD.decode(text)) || is_32(URL_SAFE_NO_PAD.decode(text));
    is_32(STANDARD.decode(text)) || is_32(URL_SAFE.decode(text)) || !text.starts_with('/') && unpadded()
}

/// Every variable that a command reads.
#[must_use]
pub fn known() -> Vec<String> {
    let flags = Overrides::augment_args(clap::Command::new("failsoft"));
    let of_flags = flags.get_arguments().filter_map(|flag| flag.get_env()?.to_str().map(str::to_owned));
    of_flags.chain(SECRETS.map(str::to_owned)).chain([NEW_MASTER_KEY_FILE.to_owned()]).collect()
}

/// A variable with our prefix that is not a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The name of the variable.
    pub name: String,
    /// The setting with the nearest name.
    pub nearest: String,
    /// Whether the names are so similar that it must be a typo.
    pub is_slip: bool,
}

/// The variables of this process that have our prefix and are not settings, sorted.
#[must_use]
pub fn unknown() -> Vec<Unknown> {
    #[expect(clippy::disallowed_methods, reason = "their names; config defines which there are")]
    let all = std::env::vars_os();
    unknown_of(all.filter_map(|(name, value)| Some((name.into_string().ok()?, value))))
}

fn unknown_of(variables: impl Iterator<Item = (String, OsString)>) -> Vec<Unknown> {
    let known = known();
    let (ours, others): (Vec<_>, Vec<_>) =
        variables.partition(|(name, _)| name.to_ascii_uppercase().starts_with(OURS));
    let strange = ours.iter().filter(|(name, value)| !known.contains(name) && !is_service_link(name, value));
    let mut unknown: Vec<Unknown> = strange.filter_map(|(name, _)| nearest(name.clone(), &known)).collect();
    unknown.extend(slips_without_prefix(&others, &known));
    unknown.sort_by(|one, other| one.name.cmp(&other.name));
    unknown
}

/// Variables one letter away from a setting without our prefix (`DATABASE_URL`) that is not set itself. Two letters away
/// there are other programs' variables (`DATABASE_SSL`).
fn slips_without_prefix(others: &[(String, OsString)], known: &[String]) -> Vec<Unknown> {
    let is_set = |setting: &str| others.iter().any(|(name, _)| name == setting);
    let missing: Vec<&String> =
        known.iter().filter(|setting| !setting.starts_with(OURS) && !is_set(setting)).collect();
    let slip = |name: &String| {
        let upper = name.to_ascii_uppercase();
        let meant = missing.iter().find(|setting| strsim::damerau_levenshtein(&upper, setting) <= 1)?;
        Some(Unknown { name: name.clone(), nearest: (*meant).clone(), is_slip: true })
    };
    others.iter().filter_map(|(name, _)| slip(name)).collect()
}

/// The setting that was probably meant.
fn nearest(name: String, known: &[String]) -> Option<Unknown> {
    let plain = |name: &str| {
        let upper = name.to_ascii_uppercase();
        upper.strip_prefix(OURS).unwrap_or(&upper).to_owned()
    };
    let meant = plain(&name);
    let distance = |known: &&String| strsim::damerau_levenshtein(&meant, &plain(known));
    let nearest = known.iter().min_by_key(distance)?;
    let is_slip = distance(&nearest) <= (meant.len() / 4).max(1);
    Some(Unknown { name, nearest: nearest.clone(), is_slip })
}

/// Whether Kubernetes sets the variable: for a service named `failsoft` it sets `FAILSOFT_SERVICE_HOST`,
/// `FAILSOFT_PORT_8080_TCP` and similar ones in each container.
fn is_service_link(name: &str, value: &OsString) -> bool {
    let value = value.to_str().unwrap_or_default();
    let is_address = ["tcp://", "udp://", "sctp://"].iter().any(|scheme| value.starts_with(scheme));
    let of_port = |protocol: &str| {
        name.rsplit_once(protocol).is_some_and(|(before, behind)| {
            let digits = before.rsplit('_').next().unwrap_or_default();
            let is_port = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            is_port && ["", "_PROTO", "_PORT", "_ADDR"].contains(&behind)
        })
    };
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
        || (name.ends_with("_PORT") && is_address)
        || ["_TCP", "_UDP", "_SCTP"].into_iter().any(of_port)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str, value: &str) -> Option<(String, bool)> {
        let unknown = unknown_of([(name.to_owned(), value.into())].into_iter());
        unknown.into_iter().next().map(|unknown| (unknown.nearest, unknown.is_slip))
    }

    #[test]
    fn a_slip_is_known_by_the_setting_that_it_is_near_to() {
        for (name, nearest) in [
            ("FAILSOFT_LISTN", "FAILSOFT_LISTEN"),
            ("FAILSOFT_SIGN_UP", "FAILSOFT_SIGNUP"),
            ("FAILSOFT_TRUSTED_PROXY", "FAILSOFT_TRUSTED_PROXIES"),
            ("FAILSOFT_METRIC_TOKEN", "FAILSOFT_METRICS_TOKEN"),
            ("FAILSOFT_DATABASE_URL", "DATABASE_URL"),
            ("failsoft_listen", "FAILSOFT_LISTEN"),
            ("FAILSOFT_MASTERKEY", "FAILSOFT_MASTER_KEY"),
            ("DATABASE_URI", "DATABASE_URL"),
            ("DATABSE_URL", "DATABASE_URL"),
            ("DATABASE_ULR", "DATABASE_URL"),
            ("database_url", "DATABASE_URL"),
        ] {
            assert_eq!(found(name, "x"), Some((nearest.to_owned(), true)), "{name}");
        }
    }

    #[test]
    fn other_programs_variables_are_none_of_ours() {
        for name in ["DATABASE_SSL", "DATABASE_USER", "DATABASE", "HOME", "PGURL"] {
            assert_eq!(found(name, "x"), None, "{name}");
        }
        let both = [("DATABASE_URL", "sqlite://a.db"), ("DATABASE_URI", "x")];
        assert_eq!(unknown_of(both.map(|(name, value)| (name.to_owned(), value.into())).into_iter()), []);
    }

    #[test]
    fn what_is_far_from_every_setting_is_named_and_no_slip() {
        for name in
            ["FAILSOFT_IMAGE", "FAILSOFT_PORT", "FAILSOFT_TEST_POSTGRES_URL", "FAILSOFT_RELEASE_CHANNEL"]
        {
            let (_, is_slip) = found(name, "8080").expect(name);
            assert!(!is_slip, "{name}");
        }
    }

    #[test]
    fn settings_and_what_kubernetes_writes_are_nothing_unknown() {
        for (name, value) in [
            ("FAILSOFT_LISTEN", "127.0.0.1:1"),
            ("FAILSOFT_NEW_MASTER_KEY_FILE", "/key"),
            ("DATABASE_URL_FILE", "/url"),
            ("PATH", "/bin"),
            ("FAILSOFT_SERVICE_HOST", "10.0.0.1"),
            ("FAILSOFT_SERVICE_PORT", "8080"),
            ("FAILSOFT_SERVICE_PORT_HTTP", "8080"),
            ("FAILSOFT_PORT", "tcp://10.0.0.1:8080"),
            ("FAILSOFT_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
            ("FAILSOFT_PORT_8080_TCP_PROTO", "tcp"),
            ("FAILSOFT_PORT_8080_TCP_PORT", "8080"),
            ("FAILSOFT_PORT_8080_TCP_ADDR", "10.0.0.1"),
            ("FAILSOFT_LISTEN_PORT_53_UDP_ADDR", "10.0.0.1"),
        ] {
            assert_eq!(found(name, value), None, "{name}");
        }
    }

    #[test]
    fn a_file_holds_one_secret_and_says_nothing_of_it_when_it_does_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name: &str, text: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            path
        };
        let read = |path: &Path| {
            use secrecy::ExposeSecret as _;
            read_secret("X_FILE", path)
                .map(|secret| secret.expose_secret().to_owned())
                .map_err(|error| error.to_string())
        };
        assert_eq!(read(&file("plain", b"canary")), Ok("canary".to_owned()));
        assert_eq!(read(&file("unix", b"canary\n")), Ok("canary".to_owned()));
        assert_eq!(read(&file("windows", b"canary\r\n")), Ok("canary".to_owned()));
        let key = STANDARD.encode([0xfb_u8; 32]);
        let others = [
            key.trim_end_matches('=').to_owned(),
            URL_SAFE.encode([0xfb_u8; 32]),
            URL_SAFE_NO_PAD.encode([0xfb_u8; 32]),
            "fb".repeat(32),
        ];
        for key in others {
            let message = read(Path::new(&key)).expect_err("refused");
            assert!(
                message.contains("X_FILE holds the secret itself") && !message.contains(&key),
                "{message}"
            );
        }
        for path in [
            file("empty", b""),
            file("blank", b" \n"),
            file("binary", b"canary\xff"),
            file("large", &[b'x'; 70_000]),
            folder.path().to_owned(),
            folder.path().join("canary"),
            "postgres://a:canary@b/c".into(),
            key.clone().into(),
        ] {
            let message = read(&path).expect_err("refused");
            assert!(message.contains("X_FILE"), "{message}");
            assert!(!message.contains("canary") && !message.contains(&key), "{message}");
        }
    }
}

//! The settings file. An error names the line and the key; it never repeats a value, which may be a secret in the wrong
//! place.

use std::path::Path;

use super::{ConfigError, Settings};

/// Settings that name a secret and the file that holds it: one of the two is enough.
const EITHER: &[(&str, &str, &str)] = &[
    ("database", "url", "url_file"),
    ("database", "read_url", "read_url_file"),
    ("valkey", "url", "url_file"),
];

/// Reads the settings file at a path.
pub(super) fn read(path: &Path) -> Result<Settings, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
    let malformed = |message| ConfigError::Malformed { path: path.to_owned(), message };
    let settings = toml::from_str(&text).map_err(|error| malformed(explain(&error, &text)))?;
    let table: toml::Table = toml::from_str(&text).map_err(|error| malformed(explain(&error, &text)))?;
    for (section, secret, file) in EITHER {
        let has = |key| table.get(*section).and_then(|section| section.get(key)).is_some();
        if has(*secret) && has(*file) {
            return Err(malformed(format!(
                "{section}.{secret} and {section}.{file} are both set; take one of them out"
            )));
        }
    }
    Ok(settings)
}

/// Where the parser stopped, and what it expected there.
fn explain(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count();
    let key = text.lines().nth(line).and_then(|line| line.split_once('=')).map(|(key, _)| key.trim());
    let place = match key.filter(|key| is_plain(key)) {
        Some(key) => format!("line {} ({key})", line + 1),
        None => format!("line {}", line + 1),
    };
    format!("{place}: {}", without_values(error.message()))
}

/// A parser's message without the value that it read. Serde writes the value first and what it expected last; an
/// unknown field is a key, not a value.
fn without_values(message: &str) -> String {
    if let Some(rest) = message.strip_prefix("unknown field `") {
        let name = rest.split('`').next().unwrap_or_default();
        if is_plain(name) {
            return message.to_owned();
        }
    }
    let repeats = ["unknown field", "unknown variant", "invalid type", "invalid value", "invalid length"];
    match message.rsplit_once(", expected ") {
        Some((before, expected)) if repeats.iter().any(|start| before.starts_with(start)) => {
            format!("this cannot be used here; expected {expected}")
        }
        _ if message.contains(['"', '`']) => "this cannot be read".to_owned(),
        _ => message.lines().collect::<Vec<_>>().join(" "),
    }
}

/// Whether the text can be the name of a setting.
fn is_plain(key: &str) -> bool {
    let letters =
        |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    !key.is_empty() && key.len() <= 40 && key.chars().all(letters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("written");
        read(file.path()).expect_err(text).to_string()
    }

    #[test]
    fn an_unknown_key_is_refused_by_name() {
        let message = refused("[server]\nlistn = '127.0.0.1:1'\n");
        assert!(message.contains("line 2 (listn): unknown field `listn`"), "{message}");
    }

    #[test]
    fn a_value_is_never_repeated() {
        for text in [
            "[database]\nurl = 'postgres://a:canary@b/c\n",
            "[database]\nurl = postgres://a:canary@b/c\n",
            "[database]\nurl = ['canary']\n",
            "[database]\nconnections = 'canary'\n",
            "[server]\nlisten = 'canary'\n",
            "[server]\npublic_url = 'canary'\n",
            "[server]\ntrusted_proxies = ['canary']\n",
            "[server]\nworkers = 'canary'\n",
            "[console]\nsignup = 'canary'\n",
            "[upstream]\nallow_private = ['canary/8']\n",
            "[recording]\nmode = 'canary'\n",
            "[telemetry]\nlog_format = 'canary'\n",
            "\n'canary!' = 1\n",
            "[server]\n'postgres://a:canary@b/c' = 1\n",
        ] {
            let message = refused(text);
            assert!(message.contains("line 2") && !message.contains("canary"), "{text}{message}");
        }
    }

    #[test]
    fn a_secret_and_its_file_are_not_both_taken() {
        let message = refused("[database]\nurl = 'sqlite://canary.db'\nurl_file = '/canary'\n");
        assert!(message.contains("database.url_file") && !message.contains("canary"), "{message}");
    }
}

//! Section `[secrets]`: the master key that encrypts credentials.

use std::path::PathBuf;

use secrecy::SecretString;

/// The settings of section `[secrets]`.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// 32 bytes in base64. Required with PostgreSQL. `FAILSOFT_MASTER_KEY`; never in the file.
    #[serde(skip)]
    pub master_key: Option<SecretString>,
    /// The file with the key when `FAILSOFT_MASTER_KEY` is not set. With SQLite it is created on the first start with
    /// mode 0600; default: `<database>.key` next to the database. With PostgreSQL it must exist; default none.
    /// `FAILSOFT_MASTER_KEY_FILE`.
    pub master_key_file: Option<PathBuf>,
}

//! Section `[archive]`: where records are written before their retention deletes them.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

/// The settings of section `[archive]`.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Archive {
    /// `file:///PATH` or `s3://BUCKET/PREFIX`. Default none: records are deleted without an archive.
    /// `FAILSOFT_ARCHIVE_URL`.
    pub url: Option<String>,
    /// The address of a storage with the interface of S3. Default AWS. `FAILSOFT_ARCHIVE_ENDPOINT`.
    pub endpoint: Option<String>,
    /// Whether the bucket is part of the path and not of the host name. Default: if there is an endpoint.
    /// `FAILSOFT_ARCHIVE_PATH_STYLE`.
    pub path_style: Option<bool>,
    /// The content of the file that `AWS_SECRET_ACCESS_KEY_FILE` names; never in the file of settings.
    #[serde(skip)]
    pub secret_access_key: Option<SecretString>,
}

/// Where the archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket of S3, or of a storage with its interface.
    Bucket(Bucket),
}

/// The bucket of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The name of the bucket.
    pub name: String,
    /// What the keys of all objects start with; empty, or without a slash at either end.
    pub prefix: String,
    /// The address of the storage; `None` for AWS.
    pub endpoint: Option<Url>,
    /// Whether the bucket is part of the path and not of the host name.
    pub path_style: bool,
}

impl Archive {
    /// Where the archive is; `None` if there is none.
    ///
    /// # Errors
    /// One line with the cause and the remedy, and without any part of an address.
    pub fn place(&self) -> Result<Option<Place>, String> {
        let place = self.url.as_deref().map(|url| place(url, self)).transpose();
        let place = place
            .map_err(|why| format!("FAILSOFT_ARCHIVE_URL {why}; write file:///PATH or s3://BUCKET/PREFIX"))?;
        if (self.endpoint.is_some() || self.path_style.is_some()) && !matches!(place, Some(Place::Bucket(_)))
        {
            let message = "FAILSOFT_ARCHIVE_ENDPOINT and FAILSOFT_ARCHIVE_PATH_STYLE are for a bucket, and FAILSOFT_ARCHIVE_URL is not one; take them away";
            return Err(message.to_owned());
        }
        match place {
            Some(Place::Bucket(mut bucket)) => {
                bucket.endpoint = self.endpoint.as_deref().map(endpoint).transpose()?;
                Ok(Some(Place::Bucket(bucket)))
            }
            other => Ok(other),
        }
    }

    /// Whether the archive is in a bucket.
    pub(super) fn is_bucket(&self) -> bool {
        self.url.as_deref().is_some_and(|url| url.starts_with("s3:"))
    }
}

fn place(text: &str, section: &Archive) -> Result<Place, &'static str> {
    let url = Url::parse(text).map_err(|_| "cannot be read")?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(
            "holds a user, a password, a '?' or a '#'; credentials are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        );
    }
    match url.scheme() {
        "file" => {
            let path = url.to_file_path().map_err(|()| "names a host, or no absolute path")?;
            if path.parent().is_none() {
                Err("names the root of the file system")
            } else {
                Ok(Place::Folder(path))
            }
        }
        "s3" => {
            let name = url.host_str().filter(|name| !name.is_empty()).ok_or("names no bucket")?;
            if url.port().is_some() {
                return Err("has a port; the address of a storage is FAILSOFT_ARCHIVE_ENDPOINT");
            }
            let prefix = url.path().trim_matches('/');
            let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/-_.=".contains(letter);
            if !prefix.chars().all(is_plain) || prefix.split('/').any(|part| matches!(part, "." | "..")) {
                return Err(
                    "has a prefix with other characters than letters, digits, '/', '-', '_', '.' and '='",
                );
            }
            let path_style = section.path_style.unwrap_or(section.endpoint.is_some());
            Ok(Place::Bucket(Bucket {
                name: name.to_owned(),
                prefix: prefix.to_owned(),
                endpoint: None,
                path_style,
            }))
        }
        _ => Err("begins with neither file:// nor s3://"),
    }
}

fn endpoint(text: &str) -> Result<Url, String> {
    let refuse =
        |why: &str| format!("FAILSOFT_ARCHIVE_ENDPOINT {why}; write it as https://storage.example.com");
    let url = Url::parse(text).map_err(|_| refuse("cannot be read"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refuse("begins with neither http:// nor https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse(
            "holds a user or a password, which are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
        ));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("has a path, a '?' or a '#'"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str, endpoint: Option<&str>) -> Result<Option<Place>, String> {
        let section = Archive {
            url: Some(url.to_owned()),
            endpoint: endpoint.map(str::to_owned),
            ..Archive::default()
        };
        section.place()
    }

    #[test]
    fn an_archive_is_a_folder_or_a_bucket() {
        assert_eq!(Archive::default().place().expect("none"), None);
        assert_eq!(at("file:///var/lib/archive", None), Ok(Some(Place::Folder("/var/lib/archive".into()))));
        let bucket = |prefix: &str, endpoint: Option<&str>| {
            let endpoint: Option<Url> = endpoint.map(|url| url.parse().expect("a URL"));
            let path_style = endpoint.is_some();
            Place::Bucket(Bucket {
                name: "records".to_owned(),
                prefix: prefix.to_owned(),
                endpoint,
                path_style,
            })
        };
        assert_eq!(at("s3://records", None), Ok(Some(bucket("", None))));
        let own = Some("http://127.0.0.1:9000");
        assert_eq!(at("s3://records/a/b/", own), Ok(Some(bucket("a/b", own))));
    }

    #[test]
    fn what_is_neither_is_refused_without_a_part_of_it() {
        for (url, endpoint, why) in [
            ("canary", None, "cannot be read"),
            ("gs://canary/x", None, "neither"),
            ("/var/canary", None, "cannot be read"),
            ("file://canary/var", None, "host"),
            ("file:///", None, "root"),
            ("s3://", None, "no bucket"),
            ("s3://id:canary@records", None, "password"),
            ("s3://records/?secret=canary", None, "'?'"),
            ("s3://canary:9000/x", None, "port"),
            ("s3://records/../canary%20", None, "characters"),
            ("file:///canary", Some("https://canary"), "not one"),
            ("s3://records", Some("canary"), "ENDPOINT cannot be read"),
            ("s3://records", Some("https://id:canary@storage"), "password"),
            ("s3://records", Some("https://storage/canary"), "path"),
        ] {
            let message = at(url, endpoint).expect_err(url);
            assert!(message.contains(why) && !message.contains("canary"), "{url}: {message}");
        }
    }
}

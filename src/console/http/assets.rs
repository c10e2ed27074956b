//! Static files, embedded in the program and served under names that contain a hash of their content.
//!
//! Browsers may cache a file forever, and a new page never uses an old style sheet.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use flate2::Compression;
use rust_embed::Embed;

use crate::auth::access::Anyone;
use crate::console::http::compression::{gzip, takes_gzip};
use crate::domain::error::{Error, Result};

#[derive(Embed)]
#[folder = "static/"]
struct Files;

struct Asset {
    /// Path under which the file is served.
    path: String,
    kind: &'static str,
    bytes: Bytes,
    /// The content, compressed with gzip.
    gzip: Option<Bytes>,
}

/// Assets by file name.
static ASSETS: LazyLock<BTreeMap<String, Asset>> = LazyLock::new(|| {
    let named = |name: std::borrow::Cow<'static, str>| {
        let file = Files::get(&name)?;
        let (stem, extension) = name.rsplit_once('.')?;
        let mut path = format!("/static/{stem}.");
        for byte in file.metadata.sha256_hash().iter().take(8) {
            // Writing to a string cannot fail.
            let _ = write!(path, "{byte:02x}");
        }
        let _ = write!(path, ".{extension}");
        let bytes = Bytes::from(file.data.into_owned());
        let gzip = gzip(&bytes, Compression::best());
        let asset = Asset { path, kind: kind(extension)?, bytes, gzip };
        Some((name.into_owned(), asset))
    };
    Files::iter().filter_map(named).collect()
});

/// Media type by extension; other files are not served.
fn kind(extension: &str) -> Option<&'static str> {
    match extension {
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

/// Path of the file with this name; empty if there is none.
#[must_use]
pub fn path(name: &str) -> &'static str {
    ASSETS.get(name).map_or("", |asset| asset.path.as_str())
}

/// Serves a file under its current hashed name.
///
/// # Errors
/// [`Error::RouteUnknown`].
pub async fn read(_: Anyone, request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse> {
    let wanted = format!("/static/{name}");
    let asset = ASSETS.values().find(|asset| asset.path == wanted).ok_or(Error::RouteUnknown)?;
    let small = asset.gzip.clone().filter(|_| takes_gzip(&request));
    let mut response = HttpResponse::Ok();
    if small.is_some() {
        response.insert_header((CONTENT_ENCODING, "gzip"));
    }
    Ok(response
        .insert_header((CONTENT_TYPE, asset.kind))
        .insert_header((VARY, "accept-encoding"))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(small.unwrap_or_else(|| asset.bytes.clone())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_served_under_a_name_with_its_hash() {
        assert!(path("docs.css").starts_with("/static/docs."), "{}", path("docs.css"));
        assert_eq!(ASSETS.len(), Files::iter().count(), "a file of a kind that is not served");
        assert_eq!(path("nothing.css"), "");
        let size = |name: &str| {
            ASSETS.get(name).and_then(|asset| asset.gzip.as_ref()).map_or(usize::MAX, Bytes::len)
        };
        assert!(size("console.css") <= 10 * 1024, "{} bytes of style", size("console.css"));
        assert!(size("console.js") <= 8 * 1024, "{} bytes of script", size("console.js"));
        assert!(size("docs.js") <= 1024, "{} bytes of script", size("docs.js"));
    }
}

//! Known browsers: a signed cookie marks a browser that a person has logged in with before. Failed attempts elsewhere
//! do not lock that person out there. The cookie alone does not log in.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::cookie::Cookie;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::UserId;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::auth::console::cookies;
use crate::auth::console::cookies::Kind;
use crate::config::Settings;
use crate::store::vault::Vault;

/// How long a browser stays known after its last login.
const KNOWN: TimeDelta = TimeDelta::days(180);

/// A known browser and the account that used it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) struct Device {
    /// Id of the browser.
    pub(in crate::auth) id: Uuid,
    /// Account that logged in.
    pub(in crate::auth) user_id: UserId,
}

/// The cookie to set after a login. A browser keeps its id for the same account.
pub(in crate::auth) fn cookie(
    settings: &Settings,
    vault: &Vault,
    device: Device,
    now: DateTime<Utc>,
) -> Cookie<'static> {
    let until = (now + KNOWN).timestamp();
    let text = format!("{}.{}.{until}", device.id.simple(), device.user_id.0.simple());
    let value = format!("{text}.{}", mac(vault, &text));
    cookies::make(
        settings,
        Kind::Device,
        value,
        Some(Duration::from_secs(KNOWN.num_seconds().unsigned_abs())),
    )
}

/// Reads the known browser of a request.
pub(in crate::auth) fn read(
    settings: &Settings,
    vault: &Vault,
    request: &HttpRequest,
    now: DateTime<Utc>,
) -> Option<Device> {
    let value = cookies::read(settings, Kind::Device, request)?;
    let (text, sum) = value.rsplit_once('.')?;
    if !bool::from(mac(vault, text).as_bytes().ct_eq(sum.as_bytes())) {
        return None;
    }
    let mut parts = text.split('.');
    let (id, user_id) = (parts.next()?.parse().ok()?, UserId(parts.next()?.parse().ok()?));
    let until: i64 = parts.next()?.parse().ok()?;
    (until > now.timestamp()).then_some(Device { id, user_id })
}

fn mac(vault: &Vault, text: &str) -> String {
    let hash = vault.keyed_hasher("known browser").update(text.as_bytes()).finalize();
    URL_SAFE_NO_PAD.encode(hash.as_bytes())
}

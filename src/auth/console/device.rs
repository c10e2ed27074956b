//! A browser in which a person has logged in before: a signed cookie says so. That person gets in there, no matter what
//! is tried elsewhere. The cookie alone logs no one in.

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

/// A browser is known for so long after its last log-in.
const KNOWN: TimeDelta = TimeDelta::days(180);

/// A browser that is known, and the account that it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::auth) struct Device {
    /// The browser.
    pub(in crate::auth) id: Uuid,
    /// The account that was logged in.
    pub(in crate::auth) user_id: UserId,
}

/// The cookie of a browser in which this person has just logged in. The browser keeps its id for the same person.
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

/// The browser that a request comes from, if it is known.
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

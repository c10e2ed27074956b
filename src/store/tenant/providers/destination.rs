//! Where the calls of a provider go, and so its credential.

use url::{Origin, Url};

use super::{ProviderChange, ProviderRow};
use crate::providers::preset;

/// Whether the credential would be sent to another vendor, scheme, host or port. Otherwise a user who may change the base
/// URL could read the credential by sending it to a server of their own.
pub(super) fn moves(before: &ProviderRow, to: &ProviderChange) -> bool {
    let new_preset = to.preset.as_ref().unwrap_or(&before.preset);
    let new_base_url = to.base_url.as_ref().unwrap_or(&before.base_url);
    before.preset != *new_preset
        || destination(&before.preset, before.base_url.as_deref())
            != destination(new_preset, new_base_url.as_deref())
}

/// The target of calls. An invalid URL equals no other, not even itself.
fn destination(preset_name: &str, base_url: Option<&str>) -> Option<Origin> {
    let address = base_url.or_else(|| preset(preset_name)?.base_url)?;
    Some(Url::parse(address).map_or_else(|_| Origin::new_opaque(), |url| url.origin()))
}

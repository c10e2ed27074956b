//! A simulated provider for the first steps: one model that fails, and its fallback that answers.

use crate::domain::error::{Error, Result};
use crate::domain::fallback_type::FallbackType;
use crate::providers::StreamOptions;
use crate::store::snapshot::OrganizationSnapshot;
use crate::store::{ModelFields, ModelSettings, NewFallback, NewProvider, OrgStore, ProviderLimits};

/// Preset of simulated providers.
pub(super) const PRESET: &str = "simulated";
/// Upstream names of the failing and the answering model.
const FAILS: &str = "sim/error-503";
const ANSWERS: &str = "sim/steady";
/// Candidate names for the two models; the first free pair is used.
const NAMES: [(&str, &str); 3] =
    [("smart", "steady"), ("demo/smart", "demo/steady"), ("simulated/smart", "simulated/steady")];

/// A simulated chat model that fails and has a fallback.
pub(super) fn existing(organization: &OrganizationSnapshot) -> Option<String> {
    let fits = |model: &&std::sync::Arc<crate::store::snapshot::ModelEntry>| {
        let behind = organization.chains.get(&model.id).and_then(|lists| lists.general.as_ref());
        model.enabled
            && model.provider.preset.name == PRESET
            && model.upstream_model == FAILS
            && behind.is_some_and(|chain| !chain.targets.is_empty())
    };
    let names = organization.chat_models().filter(fits).map(|model| model.name.to_string());
    // If there are several, prefers the default name.
    names.min_by_key(|name| (name.len(), name.clone()))
}

/// Creates the provider, both models and the fallback list. Returns the name of the failing model.
///
/// # Errors
/// [`Error::Conflict`]: all candidate names are taken.
pub(super) async fn create(organization: &OrganizationSnapshot, data: &OrgStore) -> Result<String> {
    let free = |name: &str| !organization.models.contains_key(name);
    let pair = NAMES.into_iter().find(|(fails, answers)| free(fails) && free(answers));
    let (fails, answers) = pair.ok_or_else(|| Error::Conflict {
        message: "the names of the simulated models are taken: rename or delete your models called 'smart' or 'steady'"
            .to_owned(),
    })?;
    let known = organization.providers.values().find(|provider| provider.preset.name == PRESET);
    let provider_id = match known {
        Some(provider) => provider.id,
        None => data.provider_create(provider(organization)).await?.id,
    };
    for (name, upstream) in [(fails, FAILS), (answers, ANSWERS)] {
        data.model_create(ModelFields {
            name: name.to_owned(),
            provider_id,
            upstream_model: upstream.to_owned(),
            // A simulated failure repeats, so retries are pointless.
            settings: ModelSettings { num_retries: Some(0), ..ModelSettings::default() },
            enabled: true,
        })
        .await?;
    }
    let new = NewFallback {
        model: fails.to_owned(),
        fallback_models: vec![answers.to_owned()],
        fallback_type: FallbackType::General,
        triggers: None,
    };
    data.fallback_set(new, None).await?;
    Ok(fails.to_owned())
}

fn provider(organization: &OrganizationSnapshot) -> NewProvider {
    let taken = organization.providers.values().any(|provider| &*provider.name == PRESET);
    let name = if taken { "simulated by failsoft" } else { PRESET };
    NewProvider {
        name: name.to_owned(),
        preset: PRESET.to_owned(),
        base_url: None,
        credential: None,
        stream_options: StreamOptions::Auto,
        limits: ProviderLimits::default(),
    }
}

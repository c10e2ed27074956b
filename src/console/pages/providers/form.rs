//! The fields of the provider form: values, parsing and validation.

use secrecy::{ExposeSecret as _, SecretString};

use super::kind_form::CredentialForm;
use crate::console::components::edit_conflict::{seen, state};
use crate::console::components::number_input::whole;
use crate::console::components::time_range::Choice;
use crate::console::http::forms::{Fields, Problems};
use crate::providers::{PRESETS, Preset, StreamOptions, preset};
use crate::store::{NewProvider, ProviderChange, ProviderLimits, ProviderRow};
use crate::upstream::AddressPolicy;
use crate::validation;
use crate::validation::ViolationReason;
use crate::validation::bounds::{LIMITED_TOKENS, REQUESTS_PER_MINUTE};
use crate::validation::provider::{
    AddressFault, LONGEST_ADDRESS, address, credential, fitting_credential, stream_options,
};

/// Field names in form order.
const ORDER: &[&str] = &[
    "name",
    "preset",
    "base_url",
    "credential",
    "stream_options",
    "requests_per_minute",
    "tokens_per_minute",
];

/// The form values except the credential, which is never shown again.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormValues {
    /// The state that the form was rendered for; empty for a new provider.
    pub(crate) seen: String,
    pub(crate) name: String,
    pub(crate) preset: String,
    pub(crate) base_url: String,
    /// The parts of an access key of AWS that are no secret. They are not shown again, either, once they are stored.
    pub(crate) access_key_id: String,
    pub(crate) region: String,
    /// Whether the provider supports `stream_options`.
    pub(crate) stream_options: String,
    /// How much the account at the provider may do; empty if that is not known.
    pub(crate) requests_per_minute: String,
    pub(crate) tokens_per_minute: String,
    /// Whether to remove the stored credential.
    pub(crate) forget: bool,
}

/// The values after validation.
struct Read {
    name: Option<String>,
    preset: Option<&'static Preset>,
    base_url: Option<String>,
    credential: Option<SecretString>,
    stream_options: Option<StreamOptions>,
    limits: ProviderLimits,
}

impl FormValues {
    pub(crate) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self {
            seen: text("seen"),
            name: text("name"),
            preset: text("preset"),
            base_url: text("base_url"),
            access_key_id: text("access_key_id"),
            region: text("region"),
            stream_options: text("stream_options"),
            requests_per_minute: text("requests_per_minute"),
            tokens_per_minute: text("tokens_per_minute"),
            forget: fields.flag("forget"),
        }
    }

    pub(crate) fn of_row(row: &ProviderRow) -> Self {
        let number = |number: Option<i64>| number.map(|number| number.to_string()).unwrap_or_default();
        Self {
            seen: state(row.updated_at),
            name: row.name.clone(),
            preset: row.preset.clone(),
            base_url: row.base_url.clone().unwrap_or_default(),
            stream_options: row.stream_options.as_str().to_owned(),
            requests_per_minute: number(row.limits.requests_per_minute),
            tokens_per_minute: number(row.limits.tokens_per_minute),
            ..Self::default()
        }
    }

    fn read(&self, fields: &Fields, problems: &mut Problems) -> Read {
        let says = |what: &str, reason: ViolationReason| format!("The {what} {}", reason.message);
        let name = problems.check("name", validation::name(&self.name).map_err(|it| says("name", it)));
        let no_kind = || "Choose a kind of provider.".to_owned();
        let preset = problems.check("preset", preset(&self.preset).ok_or_else(no_kind));
        let base_url =
            (!self.base_url.is_empty()).then(|| validation::printable(&self.base_url, LONGEST_ADDRESS));
        let base_url =
            base_url.and_then(|url| problems.check("base_url", url.map_err(|it| says("address", it))));
        let form = preset.map_or(CredentialForm::Key, CredentialForm::of);
        let secret = problems.check("credential", form.read(fields));
        let given = secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default();
        let too_long = |_| "The credential is too long. Paste it again.".to_owned();
        let credential = (!given.is_empty()).then(|| credential(given).map_err(too_long));
        let credential = credential.and_then(|given| problems.check("credential", given));
        let no_word = |_| "Choose whether the provider supports stream options.".to_owned();
        // A form that was rendered by an older release lacks this field.
        let chosen = (!self.stream_options.is_empty()).then(|| stream_options(&self.stream_options));
        let chosen = chosen.and_then(|it| problems.check("stream_options", it.map_err(no_word)));
        let requests = whole(&self.requests_per_minute, &REQUESTS_PER_MINUTE);
        let requests = requests.map_err(|expected| format!("The requests per minute {expected}"));
        let requests_per_minute = problems.check("requests_per_minute", requests).flatten();
        let tokens = whole(&self.tokens_per_minute, &LIMITED_TOKENS);
        let tokens = tokens.map_err(|expected| format!("The tokens per minute {expected}"));
        let tokens_per_minute = problems.check("tokens_per_minute", tokens).flatten();
        let limits = ProviderLimits { requests_per_minute, tokens_per_minute };
        Read { name, preset, base_url, credential, stream_options: chosen, limits }
    }

    /// The provider to create.
    pub(crate) fn to_create(&self, fields: &Fields, policy: &AddressPolicy) -> Result<NewProvider, Problems> {
        let mut problems = Problems::default();
        let read = self.read(fields, &mut problems);
        if let Some(preset) = read.preset {
            check_address(&mut problems, policy, preset, read.base_url.as_deref());
            let place = (preset, read.base_url.as_deref());
            check_credential(&mut problems, policy, place, read.credential.as_ref());
        }
        match (read.name, read.preset) {
            (Some(name), Some(preset)) if problems.is_empty() => Ok(NewProvider {
                name,
                preset: preset.name.to_owned(),
                base_url: read.base_url,
                credential: read.credential,
                stream_options: read.stream_options.unwrap_or_default(),
                limits: read.limits,
            }),
            _ => Err(problems.in_order(ORDER)),
        }
    }

    /// The change to a provider.
    pub(crate) fn to_change(
        &self,
        fields: &Fields,
        before: &ProviderRow,
        policy: &AddressPolicy,
    ) -> Result<ProviderChange, Problems> {
        let mut problems = Problems::default();
        let read = self.read(fields, &mut problems);
        let credential = match read.credential {
            Some(given) => Some(Some(given)),
            None => self.forget.then_some(None),
        };
        if let Some(preset) = read.preset {
            // An unrelated change does not validate an unchanged combination again.
            if preset.name != before.preset || read.base_url != before.base_url {
                check_address(&mut problems, policy, preset, read.base_url.as_deref());
            }
            let place = (preset, read.base_url.as_deref());
            match &credential {
                Some(credential) => check_credential(&mut problems, policy, place, credential.as_ref()),
                None if preset.name != before.preset && !before.has_credential => {
                    check_credential(&mut problems, policy, place, None);
                }
                None => {}
            }
        }
        if !problems.is_empty() {
            return Err(problems.in_order(ORDER));
        }
        let preset = read.preset.map(|preset| preset.name.to_owned());
        let (seen, base_url) = (seen(&self.seen), Some(read.base_url));
        Ok(ProviderChange {
            name: read.name,
            preset,
            base_url,
            credential,
            stream_options: read.stream_options,
            requests_per_minute: Some(read.limits.requests_per_minute),
            tokens_per_minute: Some(read.limits.tokens_per_minute),
            seen,
        })
    }
}

fn check_address(problems: &mut Problems, policy: &AddressPolicy, preset: &Preset, base_url: Option<&str>) {
    // An invalid URL was already refused.
    if problems.get("base_url").is_some() {
        return;
    }
    let title = preset.title;
    let message = match address(policy, preset, base_url) {
        Ok(()) => return,
        Err(AddressFault::NotWanted) => format!("{title} has no base URL. Leave this empty."),
        Err(AddressFault::Missing(form)) => {
            let form = form.map(|form| format!(" It looks like {form}.")).unwrap_or_default();
            format!("{title} has no fixed base URL. Enter the one of your account or server.{form}")
        }
        Err(AddressFault::Incomplete(form)) => {
            format!("This address is incomplete. That of {title} looks like {form}.")
        }
        Err(AddressFault::Placeholder(left)) => {
            format!("This address still has the placeholder {left} in it. Replace it with your own.")
        }
        Err(AddressFault::Blocked(blocked)) => format!("This address cannot be used: {blocked}."),
    };
    problems.add("base_url", message);
}

pub(super) fn check_credential(
    problems: &mut Problems,
    policy: &AddressPolicy,
    (preset, base_url): (&Preset, Option<&str>),
    credential: Option<&SecretString>,
) {
    if let Err(fault) = fitting_credential(policy, preset, base_url, credential) {
        problems.add("credential", format!("This credential cannot be used: {fault}."));
    }
}

/// Options for stream options.
pub(crate) fn stream_choices() -> Vec<Choice> {
    let label = |setting| match setting {
        StreamOptions::Auto => "Automatic",
        StreamOptions::Supported => "Supported",
        StreamOptions::Unsupported => "Not supported: never send them",
    };
    StreamOptions::ALL.into_iter().map(|setting| Choice::new(setting.as_str(), label(setting))).collect()
}

/// Options for the kind of provider. Their base URLs are in the hint of that field, because a phone has no room for them here.
pub(crate) fn kinds() -> Vec<Choice> {
    PRESETS.iter().map(|preset| Choice::new(preset.name, preset.title)).collect()
}

//! Finds placeholders in the address of a provider: parts of an example that were to be replaced.

use url::Url;

use crate::providers::PRESETS;

/// What follows "your" in the lower-case placeholders of documentation, such as `your-resource`.
const NOUNS: &[&str] = &[
    "account",
    "company",
    "deployment",
    "domain",
    "endpoint",
    "host",
    "instance",
    "location",
    "name",
    "org",
    "project",
    "region",
    "resource",
    "server",
    "workspace",
];
/// The domains of examples in documentation, which no provider can have.
const EXAMPLE_DOMAINS: [&str; 3] = ["example.com", "example.net", "example.org"];

/// The first placeholder in an address, as it is written there: `{region}`, `<project>`, `YOUR-RESOURCE`, a word in capitals of
/// the forms that Failsoft shows, or a part with an ellipsis. `None` if there is none.
#[must_use]
pub fn in_address(address: &str) -> Option<&str> {
    let word = || address.split(|letter: char| !is_of_a_word(letter)).find_map(of_word);
    bracketed(address).or_else(|| shortened(address)).or_else(word)
}

/// The host of an address, if it is one that documentation uses in examples.
#[must_use]
pub fn example_host(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    let host = url.host_str()?.trim_end_matches('.');
    let domain = ["api.", "www."].iter().find_map(|prefix| host.strip_prefix(prefix)).unwrap_or(host);
    EXAMPLE_DOMAINS.contains(&domain).then(|| host.to_owned())
}

/// The first part in brackets, with them. Copied from a browser, braces are encoded.
fn bracketed(address: &str) -> Option<&str> {
    let lower = address.to_ascii_lowercase();
    let start = lower.find(['{', '<']).into_iter().chain(lower.find("%7b")).min()?;
    let end = lower.get(start..)?.find(['}', '>']).map(|end| start + end + 1);
    let encoded = lower.get(start..)?.find("%7d").map(|end| start + end + 3);
    let end = end.into_iter().chain(encoded).min().unwrap_or(address.len());
    address.get(start..end)
}

/// The first part that is left out with an ellipsis.
fn shortened(address: &str) -> Option<&str> {
    address.split('/').find(|part| part.contains('\u{2026}') || part.contains("..."))
}

fn is_of_a_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_')
}

/// The placeholder in a word, which may be all of it.
fn of_word(word: &str) -> Option<&str> {
    if is_your(word) {
        return Some(word);
    }
    let is_of_a_form = |part: &&str| form_words().any(|known| known == *part);
    word.split(['-', '_']).find(is_of_a_form)
}

/// Whether a word is like `YOUR-RESOURCE` or `your_region`.
fn is_your(word: &str) -> bool {
    if let Some(rest) = word.strip_prefix("YOUR") {
        return rest.is_empty() || rest.starts_with(['-', '_']);
    }
    let noun = word.strip_prefix("your").and_then(|rest| rest.strip_prefix(['-', '_']));
    noun.is_some_and(|noun| NOUNS.iter().any(|known| noun.starts_with(known)))
}

/// The words in capitals of what the base URLs of presets look like.
fn form_words() -> impl Iterator<Item = &'static str> {
    let forms = PRESETS.iter().filter_map(|preset| preset.base_url_form);
    let words = forms.flat_map(|form| form.split(|letter: char| !letter.is_ascii_alphanumeric()));
    words.filter(|word| word.len() > 1 && word.bytes().all(|byte| byte.is_ascii_uppercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_presets_are_placeholders_until_their_words_are_replaced() {
        for form in PRESETS.iter().filter_map(|preset| preset.base_url_form) {
            assert!(in_address(form).is_some(), "{form}");
            let mut own = form.to_owned();
            for word in form_words() {
                own = own.replace(word, &word.to_ascii_lowercase());
            }
            assert_eq!(in_address(&own), None, "{own}");
        }
        for address in PRESETS.iter().filter_map(|preset| preset.base_url) {
            assert_eq!((in_address(address), example_host(address)), (None, None), "{address}");
        }
    }

    #[test]
    fn placeholders_are_named_as_they_are_written() {
        for (address, named) in [
            ("https://RESOURCE.openai.azure.com/openai/v1", "RESOURCE"),
            ("https://eu-aiplatform.googleapis.com/v1/projects/PROJECT/locations/eu", "PROJECT"),
            ("https://bedrock-runtime.{region}.amazonaws.com", "{region}"),
            ("https://bedrock-runtime.${AWS_REGION}.amazonaws.com", "{AWS_REGION}"),
            ("https://llm.test/%7Bproject%7D/v1", "%7Bproject%7D"),
            ("https://<your-resource>.services.ai.azure.com", "<your-resource>"),
            ("https://YOUR-RESOURCE.openai.azure.com/openai/v1", "YOUR-RESOURCE"),
            ("https://your_region.llm.test/v1", "your_region"),
            ("https://{region", "{region"),
            ("https://example\u{2026}/v1", "example\u{2026}"),
            ("https://.../v1", "..."),
        ] {
            assert_eq!(in_address(address), Some(named), "{address}");
        }
        for address in
            ["https://resource.openai.azure.com", "https://your.llm.test/v1", "https://yourserver.test/YOURS"]
        {
            assert_eq!(in_address(address), None, "{address}");
        }
    }

    #[test]
    fn hosts_of_examples_are_known() {
        for host in ["example.com", "api.example.org", "www.example.net"] {
            assert_eq!(example_host(&format!("https://{host}/v1")).as_deref(), Some(host));
        }
        for address in
            ["https://llm.example.com/v1", "https://my-example.com", "example.com", "https://[::1]/v1"]
        {
            assert_eq!(example_host(address), None, "{address}");
        }
    }
}

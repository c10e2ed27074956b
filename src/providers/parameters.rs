//! Adapts a request that was written for one model so that another model accepts it.
//!
//! A caller writes a request for the model that it names. When a fallback answers, the same body goes to a model that
//! may refuse some parameters. For example, o1 accepts neither `max_tokens` nor `temperature`, which gpt-4o does. An
//! organization can edit its [`ParameterRules`]; [`known_parameter_rules`] prefills them for known models.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::presets::Preset;

/// What to change in a request before this model gets it as a fallback. The rules apply in the order of the fields.
/// They never apply to the request's primary model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ParameterRules {
    /// Parameters to rename. If the request already has the new name, that value wins and the old parameter is
    /// dropped.
    pub rename: BTreeMap<String, String>,
    /// Parameters to leave out.
    pub drop: Vec<String>,
    /// Whether to lower the output limit to the model's `max_output_tokens`.
    pub clamp_output: bool,
}

/// The longest name of a parameter.
const LONGEST_NAME: usize = 64;
/// Parameters that define the request, or that the gateway sets itself.
const UNTOUCHABLE: &[&str] = &["model", "messages", "stream", "stream_options", "models", "fallbacks"];

impl ParameterRules {
    /// No rules: requests stay as they are.
    pub const NONE: Self = Self { rename: BTreeMap::new(), drop: Vec::new(), clamp_output: false };

    /// More rules than this are a mistake, and each rule costs time in every fallback.
    pub const MOST: usize = 64;

    /// The number of renames and drops.
    #[must_use]
    pub fn count(&self) -> usize {
        self.rename.len() + self.drop.len()
    }

    /// Checks that the rules are within bounds and do not contradict each other.
    ///
    /// # Errors
    /// One sentence for the author of the rules that names the parameter at fault.
    pub fn validate(&self) -> Result<(), String> {
        if self.count() > Self::MOST {
            return Err(format!("parameter_rules may hold at most {} renames and drops", Self::MOST));
        }
        for name in self.rename.keys().chain(self.rename.values()).chain(&self.drop) {
            Self::validate_name(name)?;
        }
        self.contradictions().into_iter().next().map_or(Ok(()), |(_, fault)| Err(fault))
    }

    /// Every rule that contradicts another one, with the reason. Empty if there are more than [`Self::MOST`].
    #[must_use]
    pub fn contradictions(&self) -> Vec<(RulePlace<'_>, String)> {
        if self.count() > Self::MOST {
            return Vec::new();
        }
        let drops = self.drop.iter().enumerate().filter_map(|(index, name)| {
            let fault = if self.rename.contains_key(name) {
                format!("'{name}' is both renamed and dropped: keep one of the two")
            } else if self.drop.iter().take(index).any(|earlier| earlier == name) {
                format!("'{name}' is dropped twice")
            } else {
                return None;
            };
            Some((RulePlace::Drop(index), fault))
        });
        let renames = self.rename.iter().filter_map(|(from, to)| {
            let fault = if self.rename.contains_key(to) || self.drop.contains(to) {
                format!(
                    "'{from}' is renamed to '{to}', which a rule renames or drops in turn: say \
                     the final name at once"
                )
            } else if self.rename.iter().any(|(other, name)| other != from && name == to) {
                format!("two parameters are renamed to '{to}': keep one of them")
            } else {
                return None;
            };
            Some((RulePlace::Rename(from), fault))
        });
        drops.chain(renames).collect()
    }

    /// Checks that a parameter may be renamed or dropped.
    ///
    /// # Errors
    /// One sentence for the author of the rule.
    pub fn validate_name(name: &str) -> Result<(), String> {
        if UNTOUCHABLE.contains(&name) {
            return Err(format!("'{name}' may be neither renamed nor dropped"));
        }
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(plain) {
            return Err(format!("a parameter's name is 1 to {LONGEST_NAME} letters, digits and underscores"));
        }
        Ok(())
    }
}

/// Where a rule is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RulePlace<'a> {
    /// In `rename`, under this name.
    Rename(&'a str),
    /// In `drop`, at this index.
    Drop(usize),
}

/// One row: models of some vendors, and the parameters that they refuse.
struct Row {
    presets: &'static [&'static str],
    /// Applies to models with a name that starts with one of these; an empty string matches every model.
    models: &'static [&'static str],
    /// Except models with a name that starts with one of these.
    except: &'static [&'static str],
    rename: &'static [(&'static str, &'static str)],
    drop: &'static [&'static str],
}

/// All rows that match a model apply together. They list only parameters that cause an error. Parameters that a
/// vendor ignores are left in the request.
static ROWS: &[Row] = &[
    // Reasoning models count hidden tokens, so their limit has another name ("Unsupported parameter: 'max_tokens' is
    // not supported with this model"), and they fix the sampling parameters ("Only the default (1) value is
    // supported").
    Row {
        presets: &["openai", "azure"],
        models: &["o1", "o3", "o4", "gpt-5", "codex-mini"],
        except: &["gpt-5-chat"],
        rename: &[("max_tokens", "max_completion_tokens")],
        drop: &[
            "temperature",
            "top_p",
            "presence_penalty",
            "frequency_penalty",
            "logprobs",
            "top_logprobs",
            "logit_bias",
        ],
    },
    // The chat variant of gpt-5 samples as gpt-4o does, but also uses the new name of the limit.
    Row {
        presets: &["openai", "azure"],
        models: &["gpt-5-chat"],
        except: &[],
        rename: &[("max_tokens", "max_completion_tokens")],
        drop: &[],
    },
    // "`temperature` is deprecated for this model" from Opus 4.7 and the fifth generation on.
    Row {
        presets: &["anthropic"],
        models: &[
            "claude-opus-4-7",
            "claude-opus-4-8",
            "claude-opus-5",
            "claude-sonnet-5",
            "claude-haiku-5",
            "claude-fable-5",
        ],
        except: &[],
        rename: &[],
        drop: &["temperature", "top_p"],
    },
    // "`temperature` and `top_p` cannot both be specified for this model": callers set temperature on purpose more
    // often.
    Row {
        presets: &["anthropic"],
        models: &[
            "claude-opus-4-1",
            "claude-opus-4-5",
            "claude-opus-4-6",
            "claude-sonnet-4-5",
            "claude-sonnet-4-6",
            "claude-haiku-4-5",
        ],
        except: &[],
        rename: &[],
        drop: &["top_p"],
    },
    // "Penalty is not enabled for this model" and "Unknown name: Cannot find field".
    Row {
        presets: &["gemini"],
        models: &[""],
        except: &[],
        rename: &[],
        drop: &["presence_penalty", "frequency_penalty", "logit_bias", "seed"],
    },
    // Documented by the vendor to cause a 400.
    Row {
        presets: &["groq"],
        models: &[""],
        except: &[],
        rename: &[],
        drop: &["logprobs", "top_logprobs", "logit_bias"],
    },
    // Unknown fields are a 422 ("Extra inputs are not permitted").
    Row {
        presets: &["mistral"],
        models: &[""],
        except: &[],
        rename: &[("max_completion_tokens", "max_tokens"), ("seed", "random_seed")],
        drop: &["logprobs", "top_logprobs", "logit_bias", "user", "store", "service_tier"],
    },
    // These vendors know only the old name of the limit and ignore the new one, which would leave the answer without
    // a limit.
    Row {
        presets: &["together", "deepseek", "ollama"],
        models: &[""],
        except: &[],
        rename: &[("max_completion_tokens", "max_tokens")],
        drop: &[],
    },
    // The vendor documents an error for these two, and ignores the sampling parameters.
    Row {
        presets: &["deepseek"],
        models: &["deepseek-reasoner"],
        except: &[],
        rename: &[],
        drop: &["logprobs", "top_logprobs"],
    },
    // "Model grok-4 does not support parameter presencePenalty."
    Row {
        presets: &["xai"],
        models: &["grok-3-mini", "grok-4"],
        except: &[],
        rename: &[],
        drop: &["presence_penalty", "frequency_penalty"],
    },
];

impl Row {
    fn fits(&self, preset: &Preset, upstream_model: &str) -> bool {
        let begins = |prefix: &&str| upstream_model.starts_with(prefix);
        self.presets.contains(&preset.name)
            && self.models.iter().any(begins)
            && !self.except.iter().any(begins)
    }
}

/// The known parameter rules for a model, by the vendor's name for it. Also covers models that are not in the table
/// of known models. Empty if the model has no known restrictions. `clamp_output` is false, because it requires a
/// known limit.
pub fn known_parameter_rules(preset: &Preset, upstream_model: &str) -> ParameterRules {
    let mut rules = ParameterRules::default();
    for row in ROWS.iter().filter(|row| row.fits(preset, upstream_model)) {
        for (from, to) in row.rename {
            rules.rename.insert((*from).to_owned(), (*to).to_owned());
        }
        rules.drop.extend(row.drop.iter().map(|name| (*name).to_owned()));
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::presets::{PRESETS, preset};

    fn known(vendor: &str, model: &str) -> ParameterRules {
        known_parameter_rules(preset(vendor).expect(vendor), model)
    }

    fn parsed(json: &str) -> ParameterRules {
        serde_json::from_str(json).expect(json)
    }

    #[test]
    fn gpt_4o_can_fall_back_to_o1() {
        for model in ["o1", "o3-mini", "o4-mini-2025-04-16", "gpt-5", "gpt-5.1-chat-latest"] {
            let rules = known("openai", model);
            assert_eq!(rules.rename.get("max_tokens").expect(model), "max_completion_tokens");
            for name in ["temperature", "top_p", "presence_penalty", "logit_bias"] {
                assert!(rules.drop.iter().any(|dropped| dropped == name), "{model} {name}");
            }
        }
        assert_eq!(known("openai", "gpt-4o"), ParameterRules::default());
        assert_eq!(known("custom", "o1"), ParameterRules::default());
    }

    #[test]
    fn the_chat_variant_of_gpt_5_keeps_its_temperature() {
        let rules = known("openai", "gpt-5-chat-latest");
        assert!(rules.drop.is_empty());
        assert_eq!(rules.rename.len(), 1);
    }

    #[test]
    fn vendors_that_know_only_the_old_limit_get_it() {
        for vendor in ["mistral", "together", "deepseek", "ollama"] {
            let rules = known(vendor, "anything");
            assert_eq!(rules.rename.get("max_completion_tokens").expect(vendor), "max_tokens");
        }
    }

    #[test]
    fn every_rule_of_ours_is_valid_for_every_model_it_can_meet() {
        let names = ROWS.iter().flat_map(|row| row.models.iter());
        for model in names.chain(&["", "deepseek-reasoner", "claude-opus-4-7"]) {
            for preset in PRESETS {
                let rules = known_parameter_rules(preset, model);
                assert_eq!(rules.validate(), Ok(()), "{} {model}", preset.name);
            }
        }
    }

    #[test]
    fn contradictions_are_named() {
        for (json, part) in [
            (r#"{"drop":["model"]}"#, "'model'"),
            (r#"{"rename":{"x":"messages"}}"#, "'messages'"),
            (r#"{"drop":["a","a"]}"#, "'a' is dropped twice"),
            (r#"{"drop":["a"],"rename":{"a":"b"}}"#, "both renamed and dropped"),
            (r#"{"rename":{"a":"b","b":"c"}}"#, "final name"),
            (r#"{"rename":{"a":"a"}}"#, "final name"),
            (r#"{"drop":["b"],"rename":{"a":"b"}}"#, "final name"),
            (r#"{"rename":{"a":"c","b":"c"}}"#, "two parameters"),
            (r#"{"drop":[""]}"#, "1 to 64"),
            (r#"{"drop":["top p"]}"#, "1 to 64"),
        ] {
            let refusal = parsed(json).validate().expect_err(json);
            assert!(refusal.contains(part), "{json}: {refusal}");
        }
        let many: Vec<String> = (0..=ParameterRules::MOST).map(|number| format!("p{number}")).collect();
        let rules = ParameterRules { drop: many, ..ParameterRules::default() };
        assert!(rules.validate().is_err());
    }

    #[test]
    fn stored_rules_may_leave_fields_out_but_not_add_any() {
        assert_eq!(parsed("{}"), ParameterRules::default());
        let rules = parsed(r#"{"rename":{"max_tokens":"max_completion_tokens"},"clamp_output":true}"#);
        assert_eq!(rules.validate(), Ok(()));
        assert!(serde_json::from_str::<ParameterRules>(r#"{"dropp":["a"]}"#).is_err());
    }
}

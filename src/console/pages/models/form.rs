//! The fields of the model form: values, parsing and validation.

use std::collections::BTreeMap;

use super::settings::{CAPABILITIES, LONG_ABOVE, NUMBERS, Section, numbers};
use crate::console::components::edit_conflict::state;
use crate::console::components::number_input::{plain, scaled};
use crate::console::components::time_range::Choice;
use crate::console::components::timestamp::date;
use crate::console::http::forms::{Fields, Problems};
use crate::dialects::CallerDialect;
use crate::domain::closed_set::ClosedSet as _;
use crate::domain::operation::{ModelKind, Operation};
use crate::providers::{ParameterRules, known_kind};
use crate::store::{FilledModel, ModelFields, ModelRow, ModelSettings};
use crate::validation;
use crate::validation::ViolationReason;
use crate::validation::bounds::LONGEST_UPSTREAM_NAME;

/// The values of the form.
#[derive(Debug, Clone, Default)]
pub(crate) struct FormValues {
    /// The state that the form was rendered for.
    pub(crate) seen: String,
    pub(crate) name: String,
    pub(crate) provider_id: String,
    pub(crate) upstream_model: String,
    /// The word of the kind; empty for what the name says.
    pub(crate) kind: String,
    pub(crate) vector_space: String,
    /// The numbers and capabilities, by name.
    pub(crate) settings: BTreeMap<&'static str, String>,
    /// `own`, or empty for the built-in rules.
    pub(crate) rules: String,
    pub(crate) rename: String,
    pub(crate) drop: String,
    pub(crate) clamp: bool,
    pub(crate) enabled: bool,
}

/// A field of the form that is typed.
pub(crate) struct NumberInput {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) text: String,
    pub(crate) placeholder: String,
}

/// A field of the form that is chosen.
pub(crate) struct CapabilityInput {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) choices: Vec<Choice>,
    pub(crate) chosen: String,
}

impl FormValues {
    pub(crate) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).trim().to_owned();
        Self {
            seen: text("seen"),
            name: text("name"),
            provider_id: text("provider_id"),
            upstream_model: text("upstream_model"),
            kind: text("kind"),
            vector_space: text("vector_space"),
            settings: names().map(|name| (name, text(name))).collect(),
            rules: text("rules"),
            rename: text("rename"),
            drop: text("drop"),
            clamp: fields.flag("clamp"),
            enabled: fields.flag("enabled"),
        }
    }

    pub(crate) fn of_row(row: &ModelRow) -> Self {
        let own = row.settings.parameter_rules.is_some();
        let rules = row.settings.parameter_rules.clone().unwrap_or_default();
        let renamed = rules.rename.iter().map(|(from, to)| format!("{from} = {to}"));
        Self {
            seen: state(row.updated_at),
            name: row.name.clone(),
            provider_id: row.provider_id.to_string(),
            upstream_model: row.upstream_model.clone(),
            kind: row.settings.kind.as_str().to_owned(),
            vector_space: row.settings.vector_space.clone().unwrap_or_default(),
            settings: typed(&row.settings),
            rules: if own { "own" } else { "" }.to_owned(),
            rename: renamed.collect::<Vec<_>>().join("\n"),
            drop: rules.drop.join(", "),
            clamp: rules.clamp_output,
            enabled: row.enabled,
        }
    }

    /// The kinds that can be chosen, each with an endpoint that calls it. The first choice is what the name says.
    pub(crate) fn kinds(&self) -> Vec<Choice> {
        let by_name = match known_kind(self.name_at_provider()) {
            Some(kind) => format!("By its name: {}", label(kind)),
            None => "By its name".to_owned(),
        };
        let kinds = ModelKind::ALL.map(|kind| {
            let called = if kind == ModelKind::Chat { "every dialect" } else { kind.operation().endpoint() };
            Choice::new(kind.as_str(), &format!("{}: {called}", label(kind)))
        });
        [Choice::new("", &by_name)].into_iter().chain(kinds).collect()
    }

    /// The name of the model at its provider.
    fn name_at_provider(&self) -> &str {
        if self.upstream_model.is_empty() { &self.name } else { &self.upstream_model }
    }

    /// The numbers of the limits.
    pub(crate) fn limits(&self, known: &BuiltInValues) -> Vec<NumberInput> {
        self.inputs(Section::Limits, known)
    }

    /// The numbers of the price.
    pub(crate) fn prices(&self, known: &BuiltInValues) -> Vec<NumberInput> {
        self.inputs(Section::Price, known)
    }

    /// The numbers of the price of long prompts.
    pub(crate) fn long_prompt(&self, known: &BuiltInValues) -> Vec<NumberInput> {
        self.inputs(Section::LongPrompt, known)
    }

    /// The inputs of timeouts and retries.
    pub(crate) fn times(&self, known: &BuiltInValues) -> Vec<NumberInput> {
        self.inputs(Section::Time, known)
    }

    fn inputs(&self, section: Section, known: &BuiltInValues) -> Vec<NumberInput> {
        let input = |field: &super::settings::NumberField| {
            let known = (field.get)(&known.settings).map(|number| plain(number, field.unit.decimals()));
            NumberInput {
                name: field.name,
                label: field.label,
                text: self.text(field.name).to_owned(),
                placeholder: known.unwrap_or_else(|| field.default.to_owned()),
            }
        };
        numbers(section).map(input).collect()
    }

    pub(crate) fn capabilities(&self, known: &BuiltInValues) -> Vec<CapabilityInput> {
        let input = |field: &super::settings::CapabilityField| CapabilityInput {
            name: field.name,
            label: field.label,
            choices: three((field.get)(&known.settings.capabilities)),
            chosen: self.text(field.name).to_owned(),
        };
        CAPABILITIES.iter().map(input).collect()
    }

    fn text(&self, name: &str) -> &str {
        self.settings.get(name).map_or("", String::as_str)
    }

    /// Parses the fields of a model.
    pub(crate) fn read(&self) -> Result<ModelFields, Problems> {
        let mut problems = Problems::default();
        let says = |what: &str, reason: ViolationReason| format!("The {what} {}", reason.message);
        let name = problems.check("name", validation::model_name(&self.name).map_err(|it| says("name", it)));
        let nobody = |_| "Choose a provider. A provider must be added before its models.".to_owned();
        let provider_id = problems.check("provider_id", self.provider_id.parse().map_err(nobody));
        let upstream = validation::printable(self.name_at_provider(), LONGEST_UPSTREAM_NAME);
        let upstream = upstream.map_err(|it| says("name", it));
        // If it is empty, it equals the name, which is validated separately.
        let upstream = if self.upstream_model.is_empty() {
            upstream.ok()
        } else {
            problems.check("upstream_model", upstream)
        };
        let settings = self.settings(&mut problems);
        match (name, provider_id, upstream) {
            (Some(name), Some(provider_id), Some(upstream_model)) if problems.is_empty() => {
                Ok(ModelFields { name, provider_id, upstream_model, settings, enabled: self.enabled })
            }
            _ => Err(problems.in_order(&order())),
        }
    }

    fn settings(&self, problems: &mut Problems) -> ModelSettings {
        let mut settings = ModelSettings::default();
        for field in NUMBERS {
            let typed = scaled(self.text(field.name), field.unit.decimals(), &field.range);
            let typed = typed.map_err(|expected| format!("The {} {expected}", field.noun));
            if let Some(Some(number)) = problems.check(field.name, typed) {
                (field.set)(&mut settings, number);
            }
        }
        let long_prices = settings.price.is_some_and(|price| price.long_prompt.is_some());
        if long_prices && self.text(LONG_ABOVE).is_empty() {
            problems.add(LONG_ABOVE, "Enter the number of tokens above which a prompt is long".to_owned());
        }
        for field in CAPABILITIES {
            (field.set)(&mut settings.capabilities, meant(self.text(field.name)));
        }
        settings.parameter_rules = self.parameter_rules(problems);
        let kind = match self.kind.as_str() {
            "" => Ok(known_kind(self.name_at_provider()).unwrap_or_default()),
            word => ModelKind::from_word(word).ok_or_else(|| "Choose one of the kinds".to_owned()),
        };
        settings.kind = problems.check("kind", kind).unwrap_or_default();
        if !self.vector_space.is_empty() {
            let space = validation::printable(&self.vector_space, LONGEST_UPSTREAM_NAME);
            let space = space.map_err(|reason| format!("The vector space {}", reason.message));
            settings.vector_space = problems.check("vector_space", space);
        }
        settings
    }

    fn parameter_rules(&self, problems: &mut Problems) -> Option<ParameterRules> {
        if self.rules != "own" {
            return None;
        }
        let mut rename = BTreeMap::new();
        for line in self.rename.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Some((from, to)) = line.split_once('=') else {
                problems
                    .add("rename", format!("Write one renaming per line as “old = new”. “{line}” has no ="));
                continue;
            };
            if rename.insert(from.trim().to_owned(), to.trim().to_owned()).is_some() {
                problems.add("rename", format!("“{}” is renamed twice", from.trim()));
            }
        }
        let names = self.drop.split([',', ' ', '\n', '\r']).filter(|name| !name.is_empty());
        let rules =
            ParameterRules { rename, drop: names.map(str::to_owned).collect(), clamp_output: self.clamp };
        problems.check("rename", rules.validate()).map(|()| rules)
    }
}

/// The name of a kind in forms and tables.
pub(crate) const fn label(kind: ModelKind) -> &'static str {
    match kind {
        ModelKind::Chat => "Chat",
        ModelKind::Embedding => "Embedding",
        ModelKind::Completion => "Completion",
        ModelKind::Moderation => "Moderation",
        ModelKind::Rerank => "Rerank",
        ModelKind::Image => "Image",
        ModelKind::Speech => "Speech",
        ModelKind::Transcription => "Transcription",
    }
}

/// The endpoints that call models of a kind.
pub(crate) fn endpoints(kind: ModelKind) -> String {
    let operation = |operation: Operation| operation.endpoint();
    match kind {
        ModelKind::Chat => {
            [CallerDialect::ChatCompletions, CallerDialect::Messages, CallerDialect::Responses]
                .map(|dialect| dialect.endpoint())
                .join(", ")
        }
        ModelKind::Transcription => {
            [Operation::Transcriptions, Operation::Translations].map(operation).join(", ")
        }
        ModelKind::Embedding
        | ModelKind::Completion
        | ModelKind::Moderation
        | ModelKind::Rerank
        | ModelKind::Image
        | ModelKind::Speech => operation(kind.operation()).to_owned(),
    }
}

/// The names of the numbers and capabilities.
fn names() -> impl Iterator<Item = &'static str> {
    NUMBERS.iter().map(|field| field.name).chain(CAPABILITIES.iter().map(|field| field.name))
}

/// Names of fields that can have problems, in form order.
fn order() -> Vec<&'static str> {
    let before = ["name", "provider_id", "upstream_model", "kind", "vector_space"];
    before.into_iter().chain(NUMBERS.iter().map(|field| field.name)).chain(["rename", "drop"]).collect()
}

/// The settings as they would be typed.
fn typed(settings: &ModelSettings) -> BTreeMap<&'static str, String> {
    let numbers = NUMBERS.iter().map(|field| {
        let number = (field.get)(settings).map(|number| plain(number, field.unit.decimals()));
        (field.name, number.unwrap_or_default())
    });
    let capabilities = CAPABILITIES.iter().map(|field| {
        let yes = (field.get)(&settings.capabilities);
        (field.name, yes.map_or("", |yes| if yes { "yes" } else { "no" }).to_owned())
    });
    numbers.chain(capabilities).collect()
}

fn meant(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// Built-in values, shown as placeholders of empty fields.
#[derive(Debug, Clone, Default)]
pub(crate) struct BuiltInValues {
    settings: ModelSettings,
    /// Date of the built-in values; empty if the model is not in the table.
    pub(crate) as_of: String,
}

impl BuiltInValues {
    pub(crate) fn of(table: &FilledModel) -> Self {
        Self { settings: table.settings.clone(), as_of: table.known_as_of.map(date).unwrap_or_default() }
    }
}

/// The options yes, no and built-in.
fn three(known: Option<bool>) -> Vec<Choice> {
    let open = match known {
        Some(true) => "As known: yes",
        Some(false) => "As known: no",
        None => "Not known",
    };
    vec![Choice::new("", open), Choice::new("yes", "Yes"), Choice::new("no", "No")]
}

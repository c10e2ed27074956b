//! Adapts the parameters of a request to a fallback, which the request was not written for.

mod allowed_tools;

use std::borrow::Cow;

use memchr::memmem;

use self::allowed_tools::AllowedTools;
use super::draft::{Draft, string};
use super::{content, functions, messages, thinking};
use crate::dialects::change::{Changes, Verb};
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::request::json_object::quoted;
use crate::providers::compatibility::{
    Effort, NEWER_LIMIT, Parameters, STRICT, SchemaSupport, TargetModel, clamped,
};
use crate::store::snapshot::ModelEntry;

/// The effort that switches reasoning off.
const OFF: &str = "none";

/// A request and the fallback that it is adapted to.
pub(super) struct Fallback<'a> {
    request: &'a ChatRequest,
    model: &'a ModelEntry,
    target: TargetModel,
    refused: Parameters,
    tools: bool,
    /// The tools that the request allows, if the model does not know that choice.
    allowed: Option<AllowedTools>,
}

/// The name and the value to send in place of a field.
pub(super) type Sent<'a> = (Cow<'a, str>, Cow<'a, [u8]>);

impl<'a> Fallback<'a> {
    pub(super) fn new(request: &'a ChatRequest, model: &'a ModelEntry, refused: Parameters) -> Self {
        let tools = request.has_tools();
        let target = TargetModel::of(
            model.provider.preset,
            &model.upstream_model,
            &model.settings.capabilities,
            tools,
        );
        let allowed = if target.takes_allowed_tools() { None } else { AllowedTools::of(request) };
        Self { request, model, target, refused, tools, allowed }
    }

    /// Adapts a field. `None` means that it is left out.
    pub(super) fn member(&self, name: &'a str, value: &'a [u8], changes: &mut Changes) -> Option<Sent<'a>> {
        let rules = self.model.parameter_rules();
        let Some(new) = self.renamed(name, changes) else {
            changes.note(Verb::Dropped, name);
            return None;
        };
        // A caller of another dialect has chosen a limit of other models.
        let clamps = rules.clamp_output || self.request.translated_with.is_some();
        if clamps && matches!(name, "max_tokens" | "max_completion_tokens") {
            let most = self.model.settings.max_output_tokens.map(|most| most as f64);
            return Some((new, at_most(most, name, value, changes)));
        }
        let value = match &*new {
            "messages" => self.edited(value, |json| messages::adapted(json, &self.target, changes)),
            "tools" => self.edited(value, |json| self.tools(json, changes)),
            "tool_choice" => match &self.allowed {
                Some(allowed) if allowed.mode == "auto" || self.may_be_forced() => {
                    changes.note(Verb::Mapped, "tool_choice");
                    Cow::Owned(quoted(allowed.mode).into_bytes())
                }
                Some(_) | None => Cow::Borrowed(value),
            },
            "functions" | "function_call" if !self.target.takes_functions() => {
                return self.function(name, value, changes);
            }
            thinking::NAME if !self.target.refuses(thinking::NAME) => {
                thinking::fitting(self.request, self.model, value, changes)?
            }
            "temperature" => at_most(self.target.hottest(), name, value, changes),
            _ => Cow::Borrowed(value),
        };
        match &*new {
            "reasoning_effort" => return self.effort(value, changes),
            "reasoning" if self.target.refuses("reasoning") => return self.reasoning(&value, changes),
            "response_format" => return self.response_format(value, changes),
            "tool_choice" if !self.may_be_forced() && !functions::is_free(&value) => {}
            "n" if self.target.gives_one_choice() && !matches!(&*value, b"1" | b"null") => {}
            _ if self.target.refuses(&new) || self.refused.contains(&new) => {}
            _ => return Some((new, value)),
        }
        changes.note(Verb::Dropped, name);
        None
    }

    /// Adapts the tools. `None` means that nothing changes.
    fn tools(&self, tools: &str, changes: &mut Changes) -> Option<String> {
        let allowed = self.allowed.as_ref().and_then(|allowed| allowed.only(tools));
        if allowed.is_some() {
            changes.note(Verb::Mapped, "tools");
        }
        let fit = content::without(allowed.as_deref().unwrap_or(tools), &self.unknown_in_tools(), changes);
        fit.or(allowed)
    }

    /// Fields of tools and of their functions that the model does not accept.
    fn unknown_in_tools(&self) -> Vec<&'static str> {
        let marks = (!self.target.keeps_cache_marks()).then_some("cache_control");
        let taken = self.target.takes_strict_tools() && !self.refused.contains(STRICT);
        marks.into_iter().chain((!taken).then_some(STRICT)).collect()
    }

    /// Whether the model can be forced to call a tool. A model that decides by itself when to reason cannot, unless
    /// reasoning is disabled.
    fn may_be_forced(&self) -> bool {
        let thinking = || {
            let part = self.request.parts.iter().find(|part| part.name == "thinking");
            let text = part.and_then(|part| std::str::from_utf8(self.request.value(part)).ok());
            text.and_then(Draft::of).and_then(|thinking| thinking.text("type"))
        };
        !self.target.thinks_freely || thinking().is_some_and(|kind| kind == "disabled")
    }

    /// Translates a legacy function field. Tool fields win if the request has both.
    fn function(&self, name: &str, value: &[u8], changes: &mut Changes) -> Option<Sent<'a>> {
        let json = std::str::from_utf8(value).ok().filter(|_| self.tools);
        let (new, mapped) = match name {
            "functions" => ("tools", json.and_then(functions::tools)),
            _ => ("tool_choice", json.map(functions::choice)),
        };
        let free =
            |choice: &String| new == "tools" || self.may_be_forced() || functions::is_free(choice.as_bytes());
        let Some(mapped) =
            mapped.filter(|_| !self.request.has("tools") && !self.request.has(new)).filter(free)
        else {
            changes.note(Verb::Dropped, name);
            return None;
        };
        changes.note(Verb::Mapped, name);
        let fit =
            if new == "tools" { content::without(&mapped, &self.unknown_in_tools(), changes) } else { None };
        Some((new.into(), fit.unwrap_or(mapped).into_bytes().into()))
    }

    /// A field that the request lacks and the model requires.
    pub(super) fn added(&self, changes: &mut Changes) -> Option<Sent<'a>> {
        match self.target.effort {
            Effort::Required(words) if !self.request.has("reasoning_effort") => {
                changes.note(Verb::Placeholder, "reasoning_effort");
                let word = words.first().copied().unwrap_or("none");
                Some((Cow::Borrowed("reasoning_effort"), quoted(word).into_bytes().into()))
            }
            Effort::Required(_) | Effort::Any | Effort::Refused | Effort::Words(_) => None,
        }
    }

    /// The name of a field by the model's rules. `None` means that they drop it, or that the request has the new name
    /// already.
    fn renamed(&self, name: &'a str, changes: &mut Changes) -> Option<Cow<'a, str>> {
        let rules = self.model.parameter_rules();
        if rules.drop.iter().any(|dropped| dropped == name) {
            return None;
        }
        let newer = || (name == "max_tokens" && self.wants_newer_limit()).then_some(NEWER_LIMIT);
        let Some(new) = rules.rename.get(name).map(String::as_str).or_else(newer) else {
            return Some(Cow::Borrowed(name));
        };
        if self.request.has(new) {
            return None;
        }
        changes.note(Verb::Renamed, name);
        Some(Cow::Owned(new.to_owned()))
    }

    /// Whether the limit needs its newer name. A caller of another dialect has chosen neither.
    fn wants_newer_limit(&self) -> bool {
        let translated = self.request.translated_with.is_some();
        self.refused.contains("max_tokens") || translated && self.target.has_newer_limit()
    }

    fn edited(&self, value: &'a [u8], edit: impl FnOnce(&str) -> Option<String>) -> Cow<'a, [u8]> {
        let edited = std::str::from_utf8(value).ok().and_then(edit);
        edited.map_or(Cow::Borrowed(value), |edited| Cow::Owned(edited.into_bytes()))
    }

    fn effort(&self, value: Cow<'a, [u8]>, changes: &mut Changes) -> Option<Sent<'a>> {
        const NAME: &str = "reasoning_effort";
        if self.refused.contains(NAME) {
            changes.note(Verb::Dropped, NAME);
            return None;
        }
        let asked = std::str::from_utf8(&value).ok().and_then(string);
        let translated = self.request.translated_with.is_some();
        let word = match (self.target.effort, asked) {
            // A caller of another dialect has not chosen it, and an unknown vendor may refuse it.
            (Effort::Any, _) if translated => None,
            // Its nearest word would begin to reason.
            (Effort::Words(words), Some(asked)) if translated && asked == OFF && !words.contains(&OFF) => {
                None
            }
            (Effort::Any, _) => return Some((NAME.into(), value)),
            (Effort::Refused, _) | (Effort::Words(_), None) => None,
            (Effort::Words(words), Some(asked)) => clamped(&asked, words).map(|word| (word, word == asked)),
            (Effort::Required(words), asked) => {
                let word =
                    asked.as_deref().and_then(|asked| clamped(asked, words)).or(words.first().copied());
                word.map(|word| (word, asked.as_deref() == Some(word)))
            }
        };
        let Some((word, same)) = word else {
            changes.note(Verb::Dropped, NAME);
            return None;
        };
        if same {
            return Some((NAME.into(), value));
        }
        changes.note(Verb::Clamped, NAME);
        Some((NAME.into(), quoted(word).into_bytes().into()))
    }

    /// Translates OpenRouter's `reasoning` object to `reasoning_effort`.
    fn reasoning(&self, value: &[u8], changes: &mut Changes) -> Option<Sent<'a>> {
        let effort =
            std::str::from_utf8(value).ok().and_then(Draft::of).and_then(|object| object.text("effort"));
        let word = effort.filter(|_| !self.request.has("reasoning_effort")).and_then(|asked| {
            match self.target.effort {
                Effort::Words(words) | Effort::Required(words) => clamped(&asked, words).map(str::to_owned),
                Effort::Any => Some(asked),
                Effort::Refused => None,
            }
        });
        let Some(word) = word.filter(|_| !self.refused.contains("reasoning_effort")) else {
            changes.note(Verb::Dropped, "reasoning");
            return None;
        };
        changes.note(Verb::Mapped, "reasoning");
        Some(("reasoning_effort".into(), quoted(&word).into_bytes().into()))
    }

    /// Removes `strict` from the response schema for a model that does not support it.
    fn schema(&self, value: Cow<'a, [u8]>, changes: &mut Changes) -> Cow<'a, [u8]> {
        if self.target.strict_schemas && !self.refused.contains(STRICT) {
            return value;
        }
        let mut loose = || {
            let mut format = Draft::of(std::str::from_utf8(&value).ok()?)?;
            let mut schema = Draft::of(format.get("json_schema")?)?;
            schema.retain(|name, _| name != STRICT, |name| changes.stripped(name));
            let schema = schema.written()?;
            format.set("json_schema", schema);
            format.written()
        };
        match loose() {
            Some(loose) => Cow::Owned(loose.into_bytes()),
            None => value,
        }
    }

    fn response_format(&self, value: Cow<'a, [u8]>, changes: &mut Changes) -> Option<Sent<'a>> {
        const NAME: &str = "response_format";
        let format = std::str::from_utf8(&value).ok().and_then(Draft::of);
        let kind = format.and_then(|format| format.text("type")).unwrap_or_default();
        let (schema, object) = (kind == "json_schema", kind == "json_object");
        let kept = match self.target.schemas {
            SchemaSupport::Taken => true,
            SchemaSupport::WithoutTools => !(self.tools && (schema || object)),
            SchemaSupport::JsonObject => !schema,
            SchemaSupport::JsonObjectWithoutTools => !(schema || object && self.tools),
            SchemaSupport::Ignored => !schema,
        };
        if kept {
            return Some((NAME.into(), self.schema(value, changes)));
        }
        let some_object = match self.target.schemas {
            SchemaSupport::JsonObject => true,
            SchemaSupport::JsonObjectWithoutTools => !self.tools,
            SchemaSupport::Taken | SchemaSupport::WithoutTools | SchemaSupport::Ignored => false,
        };
        // Without that word in the prompt, providers answer with an error or with whitespace.
        if schema && some_object && self.request.speaks_of_json() {
            changes.note(Verb::Mapped, NAME);
            return Some((NAME.into(), Cow::Borrowed(br#"{"type":"json_object"}"#.as_slice())));
        }
        changes.note(Verb::Dropped, NAME);
        None
    }
}

/// The number, limited to `most`.
pub(super) fn at_most<'a>(
    most: Option<f64>,
    name: &str,
    value: &'a [u8],
    changes: &mut Changes,
) -> Cow<'a, [u8]> {
    // Parsed as a float, because `1e6` is valid too.
    let asked: Option<f64> = serde_json::from_slice(value).ok();
    match (asked, most) {
        (Some(asked), Some(most)) if asked > most => {
            changes.note(Verb::Clamped, name);
            Cow::Owned(most.to_string().into_bytes())
        }
        _ => Cow::Borrowed(value),
    }
}

impl ChatRequest {
    /// Whether the body has a field of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.parts.iter().any(|part| part.name == name)
    }

    /// The value of the field of that name; empty if the body has none.
    pub(super) fn named(&self, name: &str) -> &[u8] {
        self.parts.iter().find(|part| part.name == name).map(|part| self.value(part)).unwrap_or_default()
    }

    /// Whether the request offers at least one tool or function.
    pub(in crate::gateway) fn has_tools(&self) -> bool {
        let offered = |name: &str| {
            let part = self.parts.iter().find(|part| part.name == name);
            part.is_some_and(|part| !matches!(self.value(part), b"null" | b"[]"))
        };
        offered("tools") || offered("functions")
    }

    fn speaks_of_json(&self) -> bool {
        let part = self.parts.iter().find(|part| part.name == "messages");
        let messages = part.map(|part| self.value(part)).unwrap_or_default();
        ["json", "JSON", "Json"].iter().any(|word| memmem::find(messages, word.as_bytes()).is_some())
    }
}

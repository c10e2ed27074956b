//! A request in no dialect: turns of blocks, tools and settings. Values that no dialect changes stay the caller's JSON.

pub mod cache_mark;
pub mod tool_schema;
pub mod written;

use serde_json::value::RawValue;

use self::cache_mark::CacheMark;
use super::change::{Changes, Verb};
use super::members::{Members, text};
use super::need::Need;

/// A request in no dialect.
#[derive(Debug, Default)]
pub struct Request<'a> {
    /// The turns of the conversation, in order.
    pub turns: Vec<Turn<'a>>,
    /// The tools that the model may call.
    pub tools: Vec<Tool<'a>>,
    /// Which tool is to be called; `None` if the request does not say.
    pub choice: Option<Choice>,
    /// Whether several tools may be called at once; `None` if the request does not say.
    pub parallel: Option<bool>,
    /// The limit of the answer in tokens, as JSON.
    pub limit: Option<&'a RawValue>,
    /// The temperature, as JSON.
    pub temperature: Option<&'a RawValue>,
    /// The nucleus of sampling, as JSON.
    pub top_p: Option<&'a RawValue>,
    /// The number of likeliest tokens to sample from, as JSON.
    pub top_k: Option<&'a RawValue>,
    /// The seed of sampling, as JSON.
    pub seed: Option<&'a RawValue>,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// The caller's own user.
    pub user: Option<String>,
    /// How much the model is to think, as a word of `reasoning_effort`.
    pub effort: Option<String>,
    /// The most tokens that the model is to think, if the caller names them in place of an effort.
    pub budget: Option<u64>,
    /// Whether the model is to think as much as it finds right, without an effort or a budget.
    pub adaptive: bool,
    /// A mark for the cache at the end of the whole request, wherever that is.
    pub cache: Option<CacheMark>,
    /// The JSON schema that the answer has to follow.
    pub schema: Option<&'a RawValue>,
    /// Whether the answer has to be JSON without a schema.
    pub json: bool,
    /// The caller's name of that schema.
    pub schema_name: Option<String>,
    /// Whether the answer always follows that schema; `None` leaves it to the provider.
    pub strict_schema: Option<bool>,
}

/// One turn of a conversation.
#[derive(Debug)]
pub struct Turn<'a> {
    /// The author of the turn.
    pub role: Role,
    /// The content of the turn.
    pub blocks: Vec<Block<'a>>,
}

/// The author of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The operator of the application.
    System,
    /// The user, and the results of tools.
    User,
    /// The model that answers.
    Assistant,
}

/// A part of a turn.
#[derive(Debug)]
pub enum Block<'a> {
    /// A text, which is not empty.
    Text(String),
    /// A picture for the model.
    Image(Source),
    /// A document that is not plain text.
    Document(Source),
    /// A call of a tool.
    Call(Call<'a>),
    /// The result of a call.
    Result(CallResult<'a>),
    /// The reasoning of a model, which means nothing to another vendor.
    Reasoning,
    /// Reasoning with its vendor's signature.
    Signed(Signed),
    /// A mark for the cache at the end of the block before it.
    CacheMark(CacheMark),
    /// Something that only the caller's dialect has.
    Foreign(Need),
}

/// Reasoning that its vendor has signed. It is valid only as it is: Claude's wherever Claude is, Gemini's at the endpoint that
/// made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signed {
    /// Reasoning that can be read; what can be read may be empty.
    Text {
        /// What can be read of it.
        text: String,
        /// The signature of all of it.
        signature: String,
    },
    /// Reasoning that is encrypted as a whole.
    Redacted(String),
    /// Gemini's signature of the call that follows, as [`gemini::signature`](crate::dialects::gemini::signature) marks it.
    Call(String),
}

/// Where the bytes of an image or a document are.
#[derive(Debug)]
pub enum Source {
    /// In the request itself.
    Base64 {
        /// The media type of the bytes.
        media_type: String,
        /// The bytes in base64.
        data: String,
    },
    /// In the request itself, with the name of a document.
    Named {
        /// The name of the document.
        name: String,
        /// The media type of the bytes.
        media_type: String,
        /// The bytes in base64.
        data: String,
    },
    /// At an address, from which the provider fetches them.
    Url(String),
    /// With one provider, which stores them under an id.
    File,
}

/// A call of a tool.
#[derive(Debug)]
pub struct Call<'a> {
    /// The id that the result repeats.
    pub id: String,
    /// The name of the tool.
    pub name: String,
    /// The input, a JSON object.
    pub input: Input<'a>,
}

/// The input of a call: an object, as the caller or the model wrote it.
#[derive(Debug)]
pub enum Input<'a> {
    /// A part of the text that is translated.
    Borrowed(&'a RawValue),
    /// An object that was inside a string.
    Owned(Box<RawValue>),
}

impl Input<'_> {
    /// The object as JSON.
    #[must_use]
    pub fn get(&self) -> &str {
        self.raw().get()
    }

    /// The object as raw JSON.
    #[must_use]
    pub fn raw(&self) -> &RawValue {
        match self {
            Self::Borrowed(input) => input,
            Self::Owned(input) => input,
        }
    }

    /// Reads the arguments of a call: a string that holds an object, as chat completions have them. An empty one is an
    /// object without members. `None` if it holds anything else.
    #[must_use]
    pub fn of_arguments(arguments: &str) -> Option<Self> {
        let arguments = arguments.trim();
        let object = if arguments.is_empty() { "{}" } else { arguments };
        let object = RawValue::from_string(object.to_owned()).ok()?;
        object.get().starts_with('{').then_some(Self::Owned(object))
    }
}

/// The result of a call.
#[derive(Debug)]
pub struct CallResult<'a> {
    /// The id of the call.
    pub id: String,
    /// Whether the call failed.
    pub failed: bool,
    /// The content: text and images.
    pub blocks: Vec<Block<'a>>,
}

/// A tool that the model may call.
#[derive(Debug)]
pub struct Tool<'a> {
    /// The name of the tool.
    pub name: String,
    /// What the tool does.
    pub description: Option<String>,
    /// The JSON schema of its input.
    pub schema: Option<&'a RawValue>,
    /// Whether the input always follows the schema.
    pub strict: Option<bool>,
    /// A mark for the cache at the end of the tool.
    pub mark: Option<CacheMark>,
}

/// The choice of a tool, and the names of the only tools that may be called; `None` if all of them may.
pub type Chosen = (Option<Choice>, Option<Vec<String>>);

/// The tools that may be called. Other dialects offer no others.
#[must_use]
pub fn allowed<'a>(tools: Vec<Tool<'a>>, names: Option<Vec<String>>, changes: &mut Changes) -> Vec<Tool<'a>> {
    let Some(names) = names else { return tools };
    changes.note(Verb::Mapped, "tool_choice");
    let all = tools.len();
    let allowed: Vec<Tool<'a>> = tools.into_iter().filter(|tool| names.contains(&tool.name)).collect();
    if allowed.len() < all {
        changes.note(Verb::Mapped, "tools");
    }
    allowed
}

/// Which tool is to be called.
#[derive(Debug, PartialEq, Eq)]
pub enum Choice {
    /// The model decides by itself.
    Auto,
    /// No tool at all.
    None,
    /// At least one of them.
    Any,
    /// The tool of this name.
    Named(String),
}

impl Choice {
    /// Reads a `tool_choice` of OpenAI's dialects: a word that both know, or an object. `of_object` reads its type and
    /// members, `name_of` the name of an allowed tool.
    ///
    /// # Errors
    /// It is `invalid`, or `of_object` says what it needs.
    pub fn read<'a>(
        members: &Members<'a>,
        invalid: Need,
        of_object: impl FnOnce(Option<&str>, &Members<'a>) -> Result<Self, Need>,
        name_of: impl Fn(&Members<'a>) -> Option<String>,
    ) -> Result<Chosen, Need> {
        let Some(choice) = members.raw("tool_choice") else { return Ok((None, None)) };
        if let Some(word) = text(choice) {
            return match word.as_str() {
                "auto" => Ok((Some(Self::Auto), None)),
                "none" => Ok((Some(Self::None), None)),
                "required" => Ok((Some(Self::Any), None)),
                _ => Err(invalid),
            };
        }
        let choice = Members::of(choice).ok_or(invalid)?;
        match choice.text("type").as_deref() {
            Some("allowed_tools") => {
                let inner = choice.object("allowed_tools");
                let allowed = inner.as_ref().unwrap_or(&choice);
                let mode = match allowed.text("mode").as_deref() {
                    Some("auto") | None => Self::Auto,
                    Some("required") => Self::Any,
                    Some(_) => return Err(invalid),
                };
                let tools = allowed.list("tools").ok_or(invalid)?.into_iter().filter_map(Members::of);
                Ok((Some(mode), Some(tools.filter_map(|tool| name_of(&tool)).collect())))
            }
            kind => Ok((Some(of_object(kind, &choice)?), None)),
        }
    }
}

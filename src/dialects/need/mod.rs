//! What a request needs and not every candidate has. A closed vocabulary.

mod server_tool;

use std::fmt;

pub use self::server_tool::ServerTool;
use super::Dialect;
use crate::domain::operation::{ModelKind, Operation};

/// Something that a request needs and that a candidate cannot do, whatever the catalog says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// A provider that speaks the dialect of the request itself, because nothing of it is translated.
    Dialect(Dialect),
    /// A provider that serves the endpoint of the request. Requests other than chats are not translated.
    Endpoint(Operation),
    /// A model of this kind.
    Kind(ModelKind),
    /// Vectors that can be compared with those of the requested model.
    VectorSpace,
    /// Spoken input or a spoken answer.
    Audio,
    /// An answer that is made after the request has ended.
    Background,
    /// Several choices in one answer.
    Choices,
    /// A container of Anthropic's servers.
    Container,
    /// A tool with free text as its input.
    CustomTool,
    /// A document that is not plain text, of a type or at a place that the provider does not take.
    Document,
    /// Fallbacks on Anthropic's servers.
    Fallbacks,
    /// A file that one provider stores.
    File,
    /// A picture of a type, or at an address, that the provider does not take.
    Image,
    /// The deprecated functions of OpenAI.
    Functions,
    /// The probabilities of tokens.
    Logprobs,
    /// MCP servers that the provider calls.
    McpServers,
    /// An answer that begins with the caller's own text.
    Prefill,
    /// The previous response, which one provider stores.
    PreviousResponse,
    /// A certain region of the world, which the answer must not leave.
    Region,
    /// A tool or content that only servers of the caller's dialect know.
    ServerTool(ServerTool),
    /// More stop sequences than the dialect has, or one that is blank.
    StopSequences,
    /// A conversation, a prompt, an item or a file that one provider stores.
    StoredState,
    /// The conversation until now, which a provider of Messages holds.
    Thread,
    /// A request that can be translated; the text says what is wrong with it.
    Translation(&'static str),
}

impl Need {
    /// The rule in events and attempts.
    #[must_use]
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Dialect(_) => "lacks_capability:dialect",
            Self::Endpoint(_) => "lacks_capability:endpoint",
            Self::Kind(_) => "lacks_capability:kind",
            Self::VectorSpace => "lacks_capability:vector_space",
            Self::Audio => "lacks_capability:audio",
            Self::Background => "lacks_capability:background",
            Self::Choices => "lacks_capability:choices",
            Self::Container => "lacks_capability:container",
            Self::CustomTool => "lacks_capability:custom_tool",
            Self::Document => "lacks_capability:document",
            Self::Fallbacks => "lacks_capability:fallbacks",
            Self::File => "lacks_capability:file",
            Self::Functions => "lacks_capability:functions",
            Self::Image => "lacks_capability:image",
            Self::Logprobs => "lacks_capability:logprobs",
            Self::McpServers => "lacks_capability:mcp_servers",
            Self::Prefill => "lacks_capability:prefill",
            Self::PreviousResponse => "lacks_capability:previous_response",
            Self::Region => "lacks_capability:region",
            Self::ServerTool(_) => "lacks_capability:server_tool",
            Self::StopSequences => "lacks_capability:stop_sequences",
            Self::StoredState => "lacks_capability:stored_state",
            Self::Thread => "lacks_capability:thread",
            Self::Translation(_) => "lacks_capability:translation",
        }
    }

    /// The code of a request that no model in its reach can serve.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Dialect(_) => "unsupported_dialect",
            Self::Endpoint(_) => "unsupported_endpoint",
            Self::Kind(_) => "wrong_model_kind",
            Self::Translation(_) => "invalid_value",
            Self::PreviousResponse => "previous_response_not_found",
            // The word on which Anthropic's SDKs send the whole conversation.
            Self::Thread => "thread_not_found",
            Self::VectorSpace
            | Self::Audio
            | Self::Background
            | Self::Choices
            | Self::Container
            | Self::CustomTool
            | Self::Document
            | Self::Fallbacks
            | Self::File
            | Self::Functions
            | Self::Image
            | Self::Logprobs
            | Self::McpServers
            | Self::Prefill
            | Self::Region
            | Self::ServerTool(_)
            | Self::StopSequences
            | Self::StoredState => "unsupported_feature",
        }
    }

    /// The field of such a request that its error names.
    #[must_use]
    pub const fn param(self) -> &'static str {
        match self {
            Self::PreviousResponse => "previous_response_id",
            Self::Background => "background",
            Self::Thread => "thread",
            Self::ServerTool(tool) => tool.param(),
            Self::Dialect(_)
            | Self::Translation(_)
            | Self::Endpoint(_)
            | Self::Kind(_)
            | Self::VectorSpace
            | Self::Audio
            | Self::Choices
            | Self::Container
            | Self::CustomTool
            | Self::Document
            | Self::Fallbacks
            | Self::File
            | Self::Functions
            | Self::Image
            | Self::Logprobs
            | Self::McpServers
            | Self::Prefill
            | Self::Region
            | Self::StopSequences
            | Self::StoredState => "model",
        }
    }

    /// What a caller of this dialect can do if no model in reach can serve the request.
    #[must_use]
    pub fn advice(self, dialect: Dialect) -> String {
        let of_dialect =
            format!("add a model of a provider that speaks {} to the fallbacks.", dialect.title());
        match self {
            Self::Background => {
                "Send it without 'background'; as a stream, a long answer arrives while it is made."
                    .to_owned()
            }
            Self::ServerTool(ServerTool::Content) => format!("Leave the content out, or {of_dialect}"),
            Self::ServerTool(_) => {
                format!("Leave the tool out, offer a function of yours in its place, or {of_dialect}")
            }
            Self::Audio
            | Self::Choices
            | Self::Container
            | Self::CustomTool
            | Self::Dialect(_)
            | Self::Fallbacks
            | Self::Functions
            | Self::Logprobs
            | Self::McpServers
            | Self::Prefill
            | Self::Region
            | Self::StopSequences
            | Self::Translation(_) => format!("Change the request, or {of_dialect}"),
            Self::Thread => format!("Send the whole conversation, or {of_dialect}"),
            Self::Endpoint(_)
            | Self::Kind(_)
            | Self::VectorSpace
            | Self::Document
            | Self::File
            | Self::Image
            | Self::PreviousResponse
            | Self::StoredState => {
                "Change the request, or add a model that can serve it to the fallbacks.".to_owned()
            }
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lacks = match self {
            Self::Dialect(dialect) => {
                return write!(formatter, "its provider does not speak {}", dialect.title());
            }
            Self::Translation(fault) => {
                return write!(formatter, "its provider speaks another dialect, and {fault}");
            }
            Self::Document => {
                return formatter.write_str("it takes no such documents");
            }
            Self::PreviousResponse => {
                return formatter.write_str(
                    "its provider does not store the previous response; send the whole conversation as 'input' instead",
                );
            }
            Self::Thread => {
                return formatter.write_str(
                    "its provider does not hold the conversation; send all of it, without 'thread' or with one of the type 'create'",
                );
            }
            Self::StoredState => {
                return formatter.write_str(
                    "its provider does not store what the request refers to by id: a conversation, a prompt, items or files. Clients send items whole if 'store' is false",
                );
            }
            Self::Image => {
                return formatter.write_str("it takes no such pictures, or not from such an address");
            }
            Self::Endpoint(operation) => {
                return write!(formatter, "its provider does not serve {}", operation.title());
            }
            Self::Kind(kind) => return write!(formatter, "it is not {}", kind.title()),
            Self::VectorSpace => {
                return formatter.write_str(
                    "its vectors cannot be compared with those of the requested model, as it has another name at its provider and no common 'vector_space'",
                );
            }
            Self::Background => {
                return formatter.write_str(
                    "answers are given at once, because there is no endpoint that a later one could be read from ('background')",
                );
            }
            Self::ServerTool(tool) => {
                let lacks = tool.title();
                return write!(formatter, "for requests of this dialect, its provider has {lacks}");
            }
            Self::Audio => "has no audio",
            Self::Choices => "gives one choice only ('n')",
            Self::Container => "has no containers ('container')",
            Self::CustomTool => "has no tools with free text as input (type 'custom')",
            Self::Fallbacks => "has no fallbacks of its own ('fallbacks')",
            Self::File => "does not have the files of another provider",
            Self::Functions => "has no 'functions'; send 'tools'",
            Self::Logprobs => "reports no probabilities of tokens ('logprobs')",
            Self::McpServers => "calls no MCP servers ('mcp_servers')",
            Self::Prefill => "does not continue an answer: the last message is the assistant's",
            Self::Region => "keeps no request in a region ('inference_geo')",
            Self::StopSequences => "takes fewer stop sequences, or none that are blank",
        };
        write!(formatter, "the dialect of its provider {lacks}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_need_says_what_is_lacking_and_what_helps() {
        for (need, lacks, helps) in [
            (
                Need::ServerTool(ServerTool::WebSearch),
                "no web search",
                "speaks OpenAI's Responses to the fallbacks",
            ),
            (Need::ServerTool(ServerTool::Content), "no content of this type", "Leave the content out"),
            (Need::Background, "('background')", "without 'background'"),
            (Need::Logprobs, "('logprobs')", "speaks OpenAI's Responses"),
            (Need::Document, "no such documents", "a model that can serve it"),
        ] {
            let (said, advice) = (need.to_string(), need.advice(Dialect::Responses));
            assert!(said.contains(lacks) && advice.contains(helps), "{said}. {advice}");
        }
        // No model helps where there is no endpoint.
        assert!(!Need::Background.advice(Dialect::Responses).contains("fallbacks"));
        assert_eq!(Need::ServerTool(ServerTool::FileSearch).param(), "tools");
    }
}

//! What of a conversation may reach a model of another dialect.

use super::Dialect;
use super::need::Need;
use super::turns::{Block, Signed, Source, cache_mark};

/// What happens to a block on its way to another dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crossing {
    /// It is written in the other dialect.
    Kept,
    /// It is left out, and this is the name of the change.
    Stripped(&'static str),
    /// A model of the other dialect cannot serve the request.
    PassedOver(Need),
}

/// Decides about a block that is to be written in `target` and was read from the other dialect.
///
/// Reasoning crosses only if Claude has signed it and the other dialect has a place for it. The signature of a call crosses to
/// Gemini, which made it. Other signatures are valid at their vendor only, and as text reasoning would teach the model to imitate
/// it. A mark for a cache crosses to Claude's vendors, which have them.
#[must_use]
pub const fn for_target(block: &Block<'_>, target: Dialect) -> Crossing {
    match (block, target) {
        (
            Block::Text(_)
            | Block::Call(_)
            | Block::Result(_)
            | Block::Image(Source::Base64 { .. } | Source::Named { .. } | Source::Url(_))
            | Block::Document(Source::Base64 { .. } | Source::Named { .. } | Source::Url(_)),
            Dialect::ChatCompletions
            | Dialect::Messages
            | Dialect::Responses
            | Dialect::Gemini
            | Dialect::Converse,
        )
        | (
            Block::Signed(Signed::Text { .. } | Signed::Redacted(_)) | Block::CacheMark(_),
            Dialect::Messages | Dialect::Converse,
        )
        | (Block::Signed(Signed::Call(_)), Dialect::Gemini) => Crossing::Kept,
        (Block::Image(Source::File) | Block::Document(Source::File), _) => Crossing::PassedOver(Need::File),
        (Block::Reasoning, _)
        | (
            Block::Signed(Signed::Text { .. } | Signed::Redacted(_)),
            Dialect::ChatCompletions | Dialect::Responses | Dialect::Gemini,
        )
        | (
            Block::Signed(Signed::Call(_)),
            Dialect::ChatCompletions | Dialect::Messages | Dialect::Responses | Dialect::Converse,
        ) => Crossing::Stripped("thinking"),
        (Block::CacheMark(_), Dialect::ChatCompletions | Dialect::Responses | Dialect::Gemini) => {
            Crossing::Stripped(cache_mark::NAME)
        }
        (Block::Foreign(need), _) => Crossing::PassedOver(*need),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialects::need::ServerTool;
    use crate::dialects::turns::cache_mark::CacheMark;

    #[test]
    fn each_kind_of_block_has_its_rule() {
        let pdf = || Source::Base64 { media_type: "application/pdf".to_owned(), data: String::new() };
        let (chat, messages) = (Dialect::ChatCompletions, Dialect::Messages);
        let call = || Block::Signed(Signed::Call(String::new()));
        let content = Need::ServerTool(ServerTool::Content);
        for (block, target, expected) in [
            (Block::Text("Hi".to_owned()), chat, Crossing::Kept),
            (Block::Reasoning, chat, Crossing::Stripped("thinking")),
            (Block::Reasoning, messages, Crossing::Stripped("thinking")),
            (Block::Signed(Signed::Redacted(String::new())), chat, Crossing::Stripped("thinking")),
            (Block::Signed(Signed::Redacted(String::new())), messages, Crossing::Kept),
            (Block::Signed(Signed::Redacted(String::new())), Dialect::Converse, Crossing::Kept),
            (Block::Signed(Signed::Redacted(String::new())), Dialect::Gemini, Crossing::Stripped("thinking")),
            (call(), Dialect::Gemini, Crossing::Kept),
            (call(), messages, Crossing::Stripped("thinking")),
            (Block::CacheMark(CacheMark::Usual), Dialect::Converse, Crossing::Kept),
            (Block::CacheMark(CacheMark::Usual), messages, Crossing::Kept),
            (Block::CacheMark(CacheMark::Hour), Dialect::Gemini, Crossing::Stripped("cache_control")),
            // Which models of chat completions take one is not a question of the dialect.
            (Block::Document(pdf()), chat, Crossing::Kept),
            (Block::Document(pdf()), messages, Crossing::Kept),
            (Block::Document(Source::File), messages, Crossing::PassedOver(Need::File)),
            (Block::Image(Source::File), chat, Crossing::PassedOver(Need::File)),
            (Block::Image(Source::Url("https://x".to_owned())), chat, Crossing::Kept),
            (Block::Foreign(content), chat, Crossing::PassedOver(content)),
        ] {
            assert_eq!(for_target(&block, target), expected, "{block:?}");
        }
    }
}

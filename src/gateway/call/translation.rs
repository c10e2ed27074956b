//! Translates the answer of a provider into the dialect of the caller, after it was judged in its own.

use std::sync::Arc;

use bytes::Bytes;

use super::classify::{Fault, Garbage};
use super::frame::{Identity, Inspected, Names};
use super::usable_answer::Judged;
use crate::dialects::answers::{Stop, Tokens};
use crate::dialects::gemini::signature::Signer;
use crate::dialects::members::Members;
use crate::dialects::responses::repeated::Repeated;
use crate::dialects::translate::{Context, Reader, Stream, Unwritable, Writer, answer};
use crate::dialects::{CallerDialect, Dialect, chat, converse, gemini, messages, responses};
use crate::gateway::request::chat_request::ChatRequest;
use crate::gateway::usage::pricing::Reported;
use crate::gateway::usage::text_size::TextSize;
use crate::limits::shares::{LARGE_TO_TRANSLATE, Share};
use crate::providers::FinishMeaning;
use crate::providers::finish_reasons::finish;

/// How the answer to one call is translated.
#[derive(Debug, Clone)]
pub struct AnswerTranslation {
    /// The dialect of the provider.
    from: Dialect,
    /// The dialect of the caller.
    to: CallerDialect,
    /// Whether the caller asked for the usage chunk of a stream.
    include_usage: bool,
    /// An estimate of the prompt in tokens.
    prompt: i64,
    /// The endpoint of Google that signs the calls in the answer, if one does.
    signer: Signer,
    /// What a response repeats of its request; `None` in other dialects.
    repeated: Option<Arc<Repeated>>,
}

/// A stream that is being translated.
#[derive(Debug)]
pub struct StreamTranslation {
    /// The translation of the same answer in one piece.
    whole: AnswerTranslation,
    stream: Stream,
    /// The time of the answer, in seconds.
    created: i64,
}

impl AnswerTranslation {
    /// The translation of an answer to the caller's request, which the provider gets as `sent`; `signer` signs the calls in it.
    /// `None` if they are of one dialect.
    #[must_use]
    pub fn between(
        request: &ChatRequest,
        sent: &ChatRequest,
        signer: Signer,
        prompt: impl FnOnce(&TextSize) -> i64,
    ) -> Option<Self> {
        let repeated = || {
            let members = request.members().filter(|_| request.dialect == Dialect::Responses)?;
            Some(Arc::new(Repeated::of(&members)))
        };
        let to = request.dialect.of_callers()?;
        (request.dialect != sent.dialect).then(|| Self {
            from: sent.dialect,
            to,
            include_usage: request.include_usage,
            prompt: prompt(sent.size()),
            signer,
            repeated: repeated(),
        })
    }

    /// The dialect of the caller.
    #[must_use]
    pub const fn to(&self) -> Dialect {
        self.to.dialect()
    }

    /// Begins the translation of a stream, with our names for the caller and the time in seconds.
    #[must_use]
    pub fn stream(self, names: Names, created: i64) -> StreamTranslation {
        let Names { model, provider, .. } = names;
        let reader = match self.from {
            Dialect::ChatCompletions => Reader::Chat(chat::read_stream::Reader::new(stop_of)),
            Dialect::Messages | Dialect::Responses => {
                Reader::Messages(messages::read_stream::Reader::default())
            }
            Dialect::Gemini => Reader::Gemini(gemini::read_stream::Reader::new(stop_of, self.signer)),
            Dialect::Converse => Reader::Converse(converse::read_stream::Reader::default()),
        };
        let writer = match self.to {
            CallerDialect::ChatCompletions => {
                let provider = provider.as_deref().unwrap_or("null");
                let writer = chat::write_stream::Writer::new(created, &model, provider, self.include_usage);
                Writer::Chat(Box::new(writer))
            }
            CallerDialect::Messages => {
                Writer::Messages(Box::new(messages::write_stream::Writer::new(model, self.prompt)))
            }
            CallerDialect::Responses => {
                let repeated = self.repeated.clone();
                let repeated = repeated.unwrap_or_else(|| Arc::new(Repeated::of(&Members::default())));
                Writer::Responses(Box::new(responses::write_stream::Writer::new(model, created, repeated)))
            }
        };
        StreamTranslation { whole: self, stream: Stream::new(reader, writer), created }
    }

    /// Translates a whole answer that was judged; a large one off the event loop.
    pub(super) async fn whole_off_event_loop(
        self,
        body: Bytes,
        judged: Judged,
        created: i64,
        share: &Arc<Share>,
    ) -> (Bytes, Judged) {
        if body.len() <= LARGE_TO_TRANSLATE {
            return self.whole(body, judged, created);
        }
        let translated = share.read_large(move || self.whole(body, judged, created)).await;
        translated.unwrap_or_else(|_| {
            (Bytes::new(), Judged::Failed(Fault::Garbage(Garbage::NoRoom), Reported::default()))
        })
    }

    /// Translates a whole answer that was judged. Its usage and what it costs stay those of the provider.
    fn whole(&self, body: Bytes, judged: Judged, created: i64) -> (Bytes, Judged) {
        let translated = |seen: &Inspected| {
            let tokens = tokens(&seen.usage, self.prompt);
            let context =
                Context { stop: stop_of, signer: self.signer, created, repeated: self.repeated.as_deref() };
            let (body, cut) = answer((self.from, self.to), &body, tokens, context)?;
            let mut now = Inspected::unmeasured(self.to(), &body).ok()?;
            (now.usage, now.choices.size) = (seen.usage, seen.choices.size);
            now.choices.extras |= seen.choices.extras;
            Some((Bytes::from(body), now, cut))
        };
        match judged {
            Judged::Usable(seen) => match translated(&seen) {
                // A limit that ends an answer within its call is a normal end, as in a stream.
                Some((body, now, cut)) => {
                    match nothing_left(seen.choices.content && !cut, now.choices.content) {
                        Some(fault) => (body, Judged::Failed(fault, seen.usage)),
                        None => (body, Judged::Usable(now)),
                    }
                }
                None => {
                    let broken = Judged::Failed(Fault::Garbage(Garbage::BrokenJson), seen.usage);
                    (body, broken)
                }
            },
            Judged::Withheld(Some(seen), fault) => match translated(&seen) {
                Some((body, now, _)) => (body, Judged::Withheld(Some(now), fault)),
                None => (body, Judged::Failed(fault, seen.usage)),
            },
            // A blocked prompt is no answer that could be translated.
            Judged::Withheld(None, fault) => (body, Judged::Failed(fault, Reported::default())),
            Judged::Failed(..) => (body, judged),
        }
    }
}

impl StreamTranslation {
    /// The dialect of the caller.
    #[must_use]
    pub const fn to(&self) -> Dialect {
        self.whole.to()
    }

    /// The translation of the same answer in one piece.
    pub(super) const fn whole(&self) -> &AnswerTranslation {
        &self.whole
    }

    /// Whether anything was written that the caller can show or act on.
    #[must_use]
    pub const fn has_content(&self) -> bool {
        self.stream.has_content()
    }

    /// Translates the data of one event.
    ///
    /// # Errors
    /// The stream cannot go on: a call in it is broken, or too much waits for its end.
    pub fn feed(&mut self, data: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        self.stream.feed(data, out).map_err(unwritable_fault)
    }

    /// The rest of a complete stream. `reported` is its usage.
    ///
    /// # Errors
    /// It is not complete, because a call in it is broken or it could not go on.
    pub fn end(&mut self, reported: &Reported) -> Result<Vec<u8>, Fault> {
        self.stream.end(tokens(reported, self.whole.prompt)).map_err(unwritable_fault)
    }

    /// The identity of the stream for its caller, for chunks that the gateway adds.
    #[must_use]
    pub fn identity(&self) -> Option<Identity> {
        let id = self.stream.id()?.into_owned();
        let next = self.stream.number();
        Some(Identity { id, created: self.created.to_string(), next, ..Identity::unknown() })
    }
}

/// The fault of an answer that a caller could use in the dialect of its provider, but of which nothing is left in the
/// caller's: all is of a kind that it lacks. `own` and `translated` say whether there is content before and after.
pub(super) const fn nothing_left(own: bool, translated: bool) -> Option<Fault> {
    if own && !translated { Some(Fault::Garbage(Garbage::NoContent)) } else { None }
}

const fn unwritable_fault(unwritable: Unwritable) -> Fault {
    match unwritable {
        Unwritable::TooMuch => Fault::Garbage(Garbage::TooLarge),
        Unwritable::BrokenCall => Fault::Garbage(Garbage::BrokenJson),
    }
}

/// The tokens of a reported usage, in parts that do not overlap. A prompt that its provider did not count is estimated.
fn tokens(reported: &Reported, prompt: i64) -> Tokens {
    let Reported { input, output, cached, cache_write, reasoning, .. } = *reported;
    Tokens {
        fresh: input.unwrap_or(prompt).saturating_sub(cached).saturating_sub(cache_write).max(0),
        cache_read: cached,
        cache_write,
        output: output.unwrap_or(0),
        reasoning,
    }
}

/// Why an answer ended, by the `finish_reason` of any vendor.
fn stop_of(reason: &str) -> Stop {
    let word = reason.to_ascii_lowercase();
    let is_limit = || ["length", "max", "limit"].iter().any(|stem| word.contains(stem));
    match finish(reason).map(|reason| reason.finish) {
        Some(FinishMeaning::Calls) => Stop::Calls,
        Some(FinishMeaning::Filtered) => Stop::Refused,
        Some(FinishMeaning::ContextWindow) => Stop::Window,
        Some(FinishMeaning::Complete) if is_limit() => Stop::Length,
        Some(
            FinishMeaning::Complete
            | FinishMeaning::Overloaded
            | FinishMeaning::Error
            | FinishMeaning::Broken
            | FinishMeaning::Unknown,
        )
        | None => Stop::End,
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;
    use crate::gateway::call::usable_answer::judge;
    use crate::limits::shares::Shares;

    #[tokio::test]
    async fn a_long_answer_is_translated_off_the_event_loop() {
        let from = Dialect::ChatCompletions;
        let to = CallerDialect::Messages;
        let translation = AnswerTranslation {
            from,
            to,
            include_usage: false,
            prompt: 5,
            signer: Signer::Studio,
            repeated: None,
        };
        let answer = |length: usize| {
            let start = r#"{"id":"x","object":"chat.completion","created":7,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":""#;
            let end = r#""},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}"#;
            let body = format!("{start}{}{end}", "x".repeat(length - start.len() - end.len()));
            (judge(from, 1, body.as_bytes()), Bytes::from(body))
        };
        let share = Shares::ample().of_anonymous();
        let other = share.take_reading().expect("free");
        let (judged, short) = answer(LARGE_TO_TRANSLATE);
        let translated = translation.clone().whole_off_event_loop(short, judged, 0, &share).now_or_never();
        assert!(matches!(translated, Some((_, Judged::Usable(_)))), "{translated:?}");
        let (judged, long) = answer(LARGE_TO_TRANSLATE + 1);
        let mut translated = Box::pin(translation.whole_off_event_loop(long, judged, 0, &share));
        assert!(translated.as_mut().now_or_never().is_none());
        drop(other);
        assert!(matches!(translated.await, (_, Judged::Usable(_))));
    }

    #[test]
    fn words_of_vendors_are_ends() {
        for (word, stop) in [
            ("stop", Stop::End),
            ("STOP", Stop::End),
            ("eos", Stop::End),
            ("length", Stop::Length),
            ("MAX_TOKENS", Stop::Length),
            ("model_length", Stop::Length),
            ("tool_calls", Stop::Calls),
            ("function_call", Stop::Calls),
            ("content_filter", Stop::Refused),
            ("SAFETY", Stop::Refused),
            ("model_context_window_exceeded", Stop::Window),
            ("of_next_year", Stop::End),
        ] {
            assert_eq!(stop_of(word), stop, "{word}");
        }
    }

    #[test]
    fn the_parts_of_a_usage_do_not_overlap() {
        let reported = Reported {
            present: true,
            input: Some(100),
            output: Some(9),
            cached: 60,
            cache_write: 10,
            reasoning: 4,
            ..Reported::default()
        };
        let expected = Tokens { fresh: 30, cache_read: 60, cache_write: 10, output: 9, reasoning: 4 };
        assert_eq!(tokens(&reported, 5), expected);
        assert_eq!(tokens(&Reported::default(), 5), Tokens { fresh: 5, ..Tokens::default() });
    }
}

"""Both official SDKs against models of the other dialect, on each database.

`failsoft simulate` speaks both. It is one provider of chat completions (`custom`), which Anthropic's SDK calls, and one of
Messages (`custom-messages`), which OpenAI's SDK calls. Run it with `make sdk`, or see tests/sdk/run.

"""

import json
import unittest

import anthropic
import openai

from catalog import QUESTION, Catalog
from clients import anthropic_client, openai_client
from databases import OnPostgres, OnSqlite, needs_postgres

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"name": "weather", "description": "The weather of a city", "input_schema": SCHEMA}
# The SDK streams strict functions only.
FUNCTION = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}}


class Translation(Catalog):
    """What an app does that does not know which vendor answers. The subclasses choose the database."""

    outside = {"compatible": ("custom", "/v1"), "native": ("custom-messages", "/v1")}
    answering = {"gpt": "compatible", "claude": "native"}

    @classmethod
    def new_clients(cls):
        return {"anthropic": anthropic_client(cls.here), "openai": openai_client(cls.here)}

    def messages(self, stream, **more):
        """A message of a model of chat completions, whole or streamed."""
        asked = {"model": "gpt", "max_tokens": 200, "messages": QUESTION, **more}
        if not stream:
            return self.anthropic.messages.create(**asked)
        with self.anthropic.messages.stream(**asked) as events:
            return events.get_final_message()

    def test_anthropics_client_gets_messages_of_chat_completions(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                message = self.messages(stream, system="Be brief.", thinking={"type": "adaptive"})
                self.assertEqual((message.model, message.stop_reason), ("gpt", "end_turn"))
                self.assertIn("Are you there?", "".join(block.text for block in message.content if block.type == "text"))
                self.assertGreater(message.usage.input_tokens, 0)
                self.assertGreater(message.usage.output_tokens, 0)

    def test_anthropics_client_uses_tools_of_chat_completions(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                called = self.messages(stream, tools=[TOOL])
                self.assertEqual(called.stop_reason, "tool_use")
                call = next(block for block in called.content if block.type == "tool_use")
                self.assertIsInstance(call.input["city"], str)
                result = {"type": "tool_result", "tool_use_id": call.id, "content": "Sunny"}
                turns = [*QUESTION, {"role": "assistant", "content": called.content}, {"role": "user", "content": [result]}]
                answer = self.messages(stream, tools=[TOOL], messages=turns)
                self.assertEqual(answer.stop_reason, "end_turn")
                self.assertIn("Sunny", answer.content[-1].text)
                # The same conversation goes on with a model of Messages.
                native = self.messages(stream, model="claude", tools=[TOOL], messages=turns)
                self.assertEqual((native.model, native.stop_reason), ("claude", "end_turn"))

    def test_anthropics_client_sees_a_broken_stream(self):
        with self.assertRaises(anthropic.APIStatusError) as failure:
            self.messages(True, model=self.failing("compatible", "cut-midstream"))
        self.assertIn("The stream broke", failure.exception.body["error"]["message"])

    def test_anthropics_client_falls_back_across_dialects(self):
        for provider, answering in [("native", "gpt"), ("compatible", "claude")]:
            for stream in (False, True):
                with self.subTest(provider=provider, stream=stream):
                    busy = self.failing(provider, "error-503")
                    message = self.messages(stream, model=busy, extra_body={"models": [answering]})
                    self.assertEqual(message.model, answering)

    def test_anthropics_client_calls_tools_while_their_model_fails(self):
        # By default the client lets Anthropic hold the conversation, and sends only what is new.
        for provider, fallback in [("native", "gpt"), ("compatible", "claude")]:
            for stream in (False, True):
                with self.subTest(provider=provider, stream=stream):
                    first = self.failing(provider, "steady")

                    @anthropic.beta_tool
                    def weather(city: str) -> str:
                        """The weather of a city"""
                        self.change(first, upstream_model="sim/error-503")
                        return f"Sunny in {city}"

                    asked = {"model": first, "max_tokens": 200, "tools": [weather], "stream": stream}
                    asked |= {"messages": [{"role": "user", "content": "What is the weather in Bern?"}]}
                    runner = self.anthropic.beta.messages.tool_runner(**asked, extra_body={"models": [fallback]})
                    answers = [answer.get_final_message() if stream else answer for answer in runner]
                    self.assertEqual([answer.model for answer in answers], [first, fallback])
                    self.assertEqual(answers[1].content[-1].text, "The tool said: Sunny in Bern")

    def completions(self, stream, **more):
        """A choice of a model of Messages, whole or streamed, and the usage."""
        asked = {"model": "claude", "messages": QUESTION, **more}
        if not stream:
            completion = self.openai.chat.completions.create(**asked)
        else:
            with self.openai.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
                for _ in events:
                    pass
                completion = events.get_final_completion()
        self.assertEqual(completion.model, asked["model"])
        return completion.choices[0], completion.usage

    def test_openais_client_gets_completions_of_messages(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                choice, usage = self.completions(stream)
                self.assertIn("Are you there?", choice.message.content)
                self.assertEqual(choice.finish_reason, "stop")
                self.assertEqual(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens)
                self.assertGreater(usage.completion_tokens, 0)

    def test_openais_client_uses_tools_of_messages(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                choice, _ = self.completions(stream, tools=[FUNCTION])
                self.assertEqual(choice.finish_reason, "tool_calls")
                call = choice.message.tool_calls[0]
                self.assertIsInstance(json.loads(call.function.arguments)["city"], str)
                said = {
                    "role": "assistant",
                    "content": choice.message.content,
                    "tool_calls": [
                        {
                            "id": call.id,
                            "type": "function",
                            "function": {"name": "weather", "arguments": call.function.arguments},
                        }
                    ],
                }
                turns = [*QUESTION, said, {"role": "tool", "tool_call_id": call.id, "content": "Sunny"}]
                answer, _ = self.completions(stream, tools=[FUNCTION], messages=turns)
                self.assertIn("Sunny", answer.message.content)

    def test_openais_client_sees_a_broken_stream(self):
        with self.assertRaises(openai.APIError):
            self.completions(True, model=self.failing("native", "cut-midstream"))


class TranslationOnSqlite(OnSqlite, Translation, unittest.TestCase):
    """With the embedded database."""


@needs_postgres
class TranslationOnPostgres(OnPostgres, Translation, unittest.TestCase):
    """With PostgreSQL."""

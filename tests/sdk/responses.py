"""OpenAI's SDK with the Responses API against models of both dialects, on each database. See tests/sdk/run."""

import json
import unittest

import openai

from catalog import QUESTION, Catalog
from clients import openai_client
from databases import OnPostgres, OnSqlite, needs_postgres

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
FUNCTION = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
CUSTOM = {"type": "custom", "name": "patch", "description": "Patches files"}
# Every model, whole and streamed.
CASES = [(model, stream) for model in ("gpt", "claude") for stream in (False, True)]


class Responses(Catalog):
    """What an app does with `client.responses`. The subclasses choose the database."""

    outside = {"compatible": ("custom", "/v1"), "native": ("custom-messages", "/v1")}
    answering = {"gpt": "compatible", "claude": "native"}

    @classmethod
    def new_clients(cls):
        return {"openai": openai_client(cls.here)}

    def response(self, stream, **more):
        """A response, whole or streamed. The SDK checks the order of the events."""
        asked = {"input": QUESTION, **more}
        if not stream:
            return self.openai.responses.create(**asked)
        with self.openai.responses.stream(**asked) as events:
            types = [event.type for event in events]
            self.assertEqual((types[0], types[-1]), ("response.created", "response.completed"))
            return events.get_final_response()

    def test_a_text(self):
        for model, stream in CASES:
            with self.subTest(model=model, stream=stream):
                response = self.response(stream, model=model, instructions="Be brief.", max_output_tokens=200)
                self.assertIn("Are you there?", response.output_text)
                self.assertEqual((response.model, response.status, response.store), (model, "completed", False))
                usage = response.usage
                self.assertEqual(usage.total_tokens, usage.input_tokens + usage.output_tokens)
                self.assertGreater(usage.output_tokens, 0)
                self.assertEqual(usage.input_tokens_details.cached_tokens, 0)

    def test_a_function_over_two_turns_of_different_models(self):
        for model, stream in CASES:
            with self.subTest(model=model, stream=stream):
                called = self.response(stream, model=model, tools=[FUNCTION])
                call = next(item for item in called.output if item.type == "function_call")
                self.assertEqual((call.name, call.status), ("weather", "completed"))
                self.assertIsInstance(json.loads(call.arguments)["city"], str)
                said = [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in called.output]
                result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny"}
                for next_model in self.answering:
                    answer = self.response(stream, model=next_model, tools=[FUNCTION], input=[*QUESTION, *said, result])
                    self.assertIn("Sunny", answer.output_text)

    def test_a_tool_with_free_text(self):
        for model, stream in CASES:
            with self.subTest(model=model, stream=stream):
                called = self.response(stream, model=model, tools=[CUSTOM])
                call = next(item for item in called.output if item.type == "custom_tool_call")
                self.assertEqual(call.name, "patch")
                self.assertIsInstance(call.input, str)
                said = [item.model_dump(exclude_none=True) for item in called.output]
                result = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "Patched"}
                answer = self.response(stream, model=model, tools=[CUSTOM], input=[*QUESTION, *said, result])
                self.assertIn("Patched", answer.output_text)

    def test_a_chain_answers_across_dialects(self):
        for provider, answering in [("native", "gpt"), ("compatible", "claude")]:
            for stream in (False, True):
                with self.subTest(provider=provider, stream=stream):
                    busy = self.failing(provider, "error-503")
                    response = self.response(stream, model=busy, extra_body={"models": [answering]})
                    self.assertEqual(response.model, answering)

    def test_a_broken_stream_fails(self):
        for provider in ("compatible", "native"):
            with self.subTest(provider=provider):
                model = self.failing(provider, "cut-midstream")
                with self.openai.responses.stream(model=model, input=QUESTION) as events:
                    last = [event for event in events][-1]
                self.assertEqual((last.type, last.response.status), ("response.failed", "failed"))
                self.assertIn("The stream broke", last.response.error.message)

    def test_stored_responses_are_not_found(self):
        with self.assertRaises(openai.BadRequestError) as failure:
            self.openai.responses.create(model="gpt", input="Hi", previous_response_id="resp_1")
        self.assertEqual(failure.exception.code, "previous_response_not_found")
        with self.assertRaises(openai.NotFoundError):
            self.openai.responses.retrieve("resp_1")

    def test_errors_have_their_classes(self):
        with self.assertRaises(openai.NotFoundError) as failure:
            self.openai.responses.create(model="nothing", input="Hi")
        self.assertEqual(failure.exception.code, "model_not_found")
        with self.assertRaises(openai.RateLimitError):
            self.openai.responses.create(model=self.failing("compatible", "error-429"), input="Hi")


class ResponsesOnSqlite(OnSqlite, Responses, unittest.TestCase):
    """With the embedded database."""


@needs_postgres
class ResponsesOnPostgres(OnPostgres, Responses, unittest.TestCase):
    """With PostgreSQL."""

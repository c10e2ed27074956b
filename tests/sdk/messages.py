"""The official Anthropic SDK against a running server, on each database.

The server has two providers: the in-process one with preset `simulated`, and a separate `failsoft simulate` as a
`custom-messages` one. Run it with `make sdk`, or see tests/sdk/run.

"""

import unittest

import anthropic

from catalog import QUESTION, Catalog
from clients import anthropic_client
from databases import OnPostgres, OnSqlite, needs_postgres

TOOL = {
    "name": "weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}

# Catalog names of the models that answer, one per provider.
ANSWERING = {"claude-steady": "outside", "vendor/claude-steady": "inside"}


class Messages(Catalog):
    """What an app of Anthropic's API does. The subclasses choose the database."""

    outside = {"outside": ("custom-messages", "")}
    answering = ANSWERING

    @classmethod
    def new_clients(cls):
        return {"client": anthropic_client(cls.here)}

    def create(self, client=None, **more):
        return (client or self.client).messages.create(
            **{"model": "claude-steady", "max_tokens": 200, "messages": QUESTION, **more}
        )

    def test_the_fallback_answers(self):
        for provider, behavior, answering, error_class in [
            ("inside", "rate-limited", "claude-steady", "rate_limited"),
            ("outside", "error-529", "vendor/claude-steady", "overloaded"),
        ]:
            with self.subTest(behavior=behavior):
                failing = self.failing(provider, behavior)
                answer = self.client.messages.with_raw_response.create(
                    model=failing, max_tokens=200, messages=QUESTION, extra_body={"models": [answering]}
                )
                message = answer.parse()
                self.assertEqual(message.model, answering)
                self.assertIn("Are you there?", message.content[0].text)
                self.assertEqual(message.stop_reason, "end_turn")
                self.assertGreater(message.usage.output_tokens, 0)
                self.assertEqual(
                    answer.headers["x-failsoft-fallback"], f"from={failing}; class={error_class}; hops=1"
                )
                events = self.here.events(answer.headers["x-request-id"])
                self.assertEqual([event["next_model"] for event in events], [answering])
                self.assertEqual(events[0]["invocation_type"], "message")

    def test_the_fallback_streams(self):
        for provider, behavior in [("inside", "rate-limited"), ("outside", "context-overflow")]:
            with self.subTest(behavior=behavior):
                failing = self.failing(provider, behavior)
                with self.client.messages.stream(
                    model=failing, max_tokens=200, messages=QUESTION, extra_body={"models": ["claude-steady"]}
                ) as stream:
                    text = "".join(stream.text_stream)
                    message = stream.get_final_message()
                self.assertIn("Are you there?", text)
                self.assertEqual((message.model, message.stop_reason), ("claude-steady", "end_turn"))
                self.assertGreater(message.usage.output_tokens, 1)

    def test_tools_and_thinking_arrive_whole_and_streamed(self):
        asked = {"tools": [TOOL], "thinking": {"type": "adaptive"}}
        whole = self.create(**asked)
        with self.client.messages.stream(
            model="claude-steady", max_tokens=200, messages=QUESTION, **asked
        ) as stream:
            streamed = stream.get_final_message()
        for message in (whole, streamed):
            self.assertEqual([block.type for block in message.content], ["thinking", "tool_use"])
            self.assertTrue(message.content[0].signature)
            self.assertIsInstance(message.content[1].input["city"], str)
            self.assertEqual(message.stop_reason, "tool_use")
        result = {"type": "tool_result", "tool_use_id": whole.content[1].id, "content": "Sunny"}
        turns = [*QUESTION, {"role": "assistant", "content": whole.content}, {"role": "user", "content": [result]}]
        self.assertIn("Sunny", self.create(messages=turns, tools=[TOOL]).content[0].text)

    def test_the_beta_namespace_is_the_same_endpoint(self):
        message = self.client.beta.messages.create(
            model="claude-steady", max_tokens=200, messages=QUESTION, betas=["context-management-2025-06-27"]
        )
        self.assertEqual(message.model, "claude-steady")

    def test_tokens_are_counted(self):
        counted = self.client.messages.count_tokens(model="claude-steady", messages=QUESTION)
        self.assertGreater(counted.input_tokens, 0)

    def test_both_credentials_are_accepted(self):
        with anthropic.Anthropic(base_url=self.here.url, api_key=self.here.key, max_retries=0) as client:
            self.assertEqual(self.create(client).model, "claude-steady")

    def test_the_models_are_listed(self):
        models = {model.id: model for model in self.client.models.list(limit=1000)}
        self.assertLessEqual(set(ANSWERING), set(models))
        self.assertIsNotNone(models["claude-steady"].created_at)
        paged = [model.id for model in self.client.models.list(limit=1)]
        self.assertEqual(paged, sorted(models))
        self.assertEqual(self.client.models.retrieve("vendor/claude-steady").id, "vendor/claude-steady")

    def test_errors_are_the_ones_the_sdk_knows(self):
        other_checksum = self.here.key[:-1] + ("1" if self.here.key.endswith("0") else "0")
        with self.assertRaises(anthropic.AuthenticationError):
            self.create(self.client.with_options(auth_token=other_checksum))
        with self.assertRaises(anthropic.NotFoundError) as failure:
            self.create(model="unknown")
        self.assertEqual(failure.exception.body["error"]["type"], "not_found_error")
        with self.assertRaises(anthropic.BadRequestError):
            self.create(extra_body={"models": []})
        for behavior, expected, kind in [
            ("rate-limited", anthropic.RateLimitError, "rate_limit_error"),
            ("error-529", anthropic.APIStatusError, "overloaded_error"),
            ("error-500", anthropic.InternalServerError, "api_error"),
            ("context-overflow", anthropic.BadRequestError, "invalid_request_error"),
            ("quota-exhausted", anthropic.APIStatusError, "billing_error"),
        ]:
            with self.subTest(behavior=behavior), self.assertRaises(expected) as failure:
                self.create(model=self.failing("inside", behavior))
            error = failure.exception
            self.assertEqual(error.body["error"]["type"], kind)
            self.assertEqual(error.body["request_id"], error.request_id)
            self.assertTrue(error.body["failsoft"]["attempts"])
            if behavior == "context-overflow":
                self.assertIn("prompt is too long", error.body["error"]["message"])

    def test_a_stream_that_breaks_raises_and_is_not_spliced(self):
        cut = self.failing("outside", "cut-midstream")
        models = set()
        with self.assertRaises(anthropic.APIStatusError) as failure:
            with self.client.messages.stream(
                model=cut, max_tokens=200, messages=QUESTION, extra_body={"models": ["claude-steady"]}
            ) as stream:
                for event in stream:
                    if event.type == "message_start":
                        models.add(event.message.model)
        self.assertEqual(models, {cut})
        self.assertIn("The stream broke", failure.exception.body["error"]["message"])

    def test_a_stream_that_began_before_its_answer_is_a_stream_like_any_other(self):
        silent, busy = self.failing("outside", "slow-3s"), self.failing("inside", "error-529")
        with self.client.messages.stream(
            model=busy, max_tokens=200, messages=QUESTION, extra_body={"models": [silent]}
        ) as stream:
            self.assertEqual(stream.response.headers["x-failsoft-committed"], "keepalive")
            self.assertEqual(stream.get_final_message().model, silent)


class MessagesOnSqlite(OnSqlite, Messages, unittest.TestCase):
    """With the embedded database."""


@needs_postgres
class MessagesOnPostgres(OnPostgres, Messages, unittest.TestCase):
    """With PostgreSQL."""

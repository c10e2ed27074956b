"""The official OpenAI SDK against a running server, on each database.

The server has two providers: the in-process one with preset `simulated`, and a separate `failsoft simulate` as a `custom`
one. Run it with `make sdk`, or see tests/sdk/run.

"""

import unittest
import uuid

import openai

from catalog import QUESTION, Catalog
from clients import openai_client
from databases import OnPostgres, OnSqlite, needs_postgres


# Catalog names of the models that answer, one per provider.
ANSWERING = {"steady": "outside", "vendor/steady": "inside"}


class Chat(Catalog):
    """What a customer's app does. The subclasses choose the database."""

    outside = {"outside": ("custom", "/v1")}
    answering = ANSWERING

    @classmethod
    def new_clients(cls):
        return {"client": openai_client(cls.here)}

    def test_the_fallback_answers(self):
        for provider, behavior, answering, error_class in [
            ("inside", "rate-limited", "steady", "rate_limited"),
            ("outside", "error-503", "vendor/steady", "overloaded"),
        ]:
            with self.subTest(behavior=behavior):
                failing = self.failing(provider, behavior)
                answer = self.client.chat.completions.with_raw_response.create(
                    model=failing, messages=QUESTION, extra_body={"models": [answering]}
                )
                completion = answer.parse()
                self.assertEqual(completion.model, answering)
                self.assertTrue(completion.choices[0].message.content)
                self.assertEqual(completion.choices[0].finish_reason, "stop")
                self.assertGreater(completion.usage.completion_tokens, 0)
                self.assert_fell_back(answer.headers, failing, answering, error_class, "chat_completion")

    def test_the_fallback_streams(self):
        for provider, behavior, answering, error_class in [
            ("inside", "rate-limited", "steady", "rate_limited"),
            ("outside", "context-overflow", "vendor/steady", "context_window_exceeded"),
        ]:
            with self.subTest(behavior=behavior):
                failing = self.failing(provider, behavior)
                answer = self.client.chat.completions.with_raw_response.create(
                    model=failing,
                    messages=QUESTION,
                    stream=True,
                    stream_options={"include_usage": True},
                    extra_body={"models": [answering]},
                )
                chunks = list(answer.parse())
                self.assertEqual({chunk.model for chunk in chunks}, {answering})
                choices = [chunk.choices[0] for chunk in chunks if chunk.choices]
                self.assertTrue("".join(choice.delta.content or "" for choice in choices))
                self.assertEqual(choices[-1].finish_reason, "stop")
                self.assertGreater(chunks[-1].usage.completion_tokens, 0)
                self.assert_fell_back(answer.headers, failing, answering, error_class, "chat_completion_stream")

    def test_a_primary_that_answers_leaves_no_event(self):
        answer = self.client.chat.completions.with_raw_response.create(
            model="steady", messages=QUESTION, extra_body={"models": ["vendor/steady"]}
        )
        self.assertEqual(answer.parse().model, "steady")
        self.assertEqual(answer.headers["x-failsoft-fallback"], "none")
        self.assertEqual(self.here.events(answer.headers["x-request-id"]), [])

    def test_a_stored_configuration_needs_nothing_in_the_request(self):
        first, second = self.failing("outside", "error-503"), self.failing("inside", "quota-exhausted")
        configuration = {"model": first, "fallback_models": [second, "vendor/steady"]}
        status, answer = self.here.call("POST", "/fallback", configuration)
        self.assertEqual(status, 200, answer)
        answer = self.client.chat.completions.with_raw_response.create(model=first, messages=QUESTION)
        self.assertEqual(answer.parse().model, "vendor/steady")
        events = self.here.events(answer.headers["x-request-id"])
        self.assertEqual([event["failed_model"] for event in events], [first, second])
        self.assertEqual([event["next_model"] for event in events], [second, "vendor/steady"])
        self.assertTrue(all(uuid.UUID(event["router_config_id"]) for event in events))

    def test_when_every_model_fails_the_last_error_arrives(self):
        for behaviors, expected, code in [
            (["rate-limited", "error-503"], openai.InternalServerError, None),
            (["error-503", "quota-exhausted"], openai.RateLimitError, "insufficient_quota"),
        ]:
            with self.subTest(behaviors=behaviors):
                first, last = (self.failing("inside", behavior) for behavior in behaviors)
                with self.assertRaises(expected) as failure:
                    self.client.chat.completions.create(model=first, messages=QUESTION, extra_body={"models": [last]})
                error = failure.exception
                if code:
                    self.assertEqual(error.code, code)
                # A model may have been tried more than once.
                attempts = dict.fromkeys(attempt["model"] for attempt in error.body["metadata"]["attempts"])
                self.assertEqual(list(attempts), [first, last])
                events = self.here.events(error.request_id)
                self.assertEqual([event["next_model"] for event in events], [last, None])
                should_retry = error.response.headers["x-should-retry"]
                self.assertEqual(should_retry, "false" if code == "insufficient_quota" else "true")

    def test_a_stream_that_breaks_raises_and_is_not_spliced(self):
        cut = self.failing("outside", "cut-midstream")
        stream = self.client.chat.completions.create(
            model=cut, messages=QUESTION, stream=True, extra_body={"models": ["steady"]}
        )
        models = set()
        with self.assertRaises(openai.APIError) as failure:
            for chunk in stream:
                models.add(chunk.model)
        self.assertEqual(models, {cut})
        self.assertIn("message", failure.exception.body)

    def test_a_stream_that_began_before_its_answer_is_a_stream_like_any_other(self):
        silent, busy = self.failing("outside", "slow-3s"), self.failing("inside", "error-503")
        answer = self.client.chat.completions.with_raw_response.create(
            model=busy, messages=QUESTION, stream=True, extra_body={"models": [silent]}
        )
        self.assertEqual(answer.headers["x-failsoft-committed"], "keepalive")
        self.assertNotIn("x-failsoft-model", answer.headers)
        chunks = list(answer.parse())
        self.assertEqual({chunk.model for chunk in chunks}, {silent})
        self.assertTrue("".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices))
        self.assertEqual(chunks[-1].failsoft["served"], silent)
        self.assertEqual(chunks[-1].failsoft["fallback"], {"from": busy, "class": "overloaded", "hops": 1})

    def test_errors_are_the_ones_the_sdk_knows(self):
        def chat(client=self.client, model="steady", **body):
            return client.chat.completions.create(model=model, messages=QUESTION, extra_body=body)

        other_checksum = self.here.key[:-1] + ("1" if self.here.key.endswith("0") else "0")
        with self.assertRaises(openai.AuthenticationError):
            chat(self.client.with_options(api_key=other_checksum))
        with self.assertRaises(openai.NotFoundError) as failure:
            chat(model="unknown")
        self.assertEqual(failure.exception.code, "model_not_found")
        for models in [[], ["unknown"], "steady"]:
            with self.subTest(models=models), self.assertRaises(openai.BadRequestError) as failure:
                chat(models=models)
            self.assertLessEqual({"message", "type", "param", "code"}, set(failure.exception.body))

    def test_the_catalog_is_listed(self):
        self.assertLessEqual(set(ANSWERING), {model.id for model in self.client.models.list()})
        self.assertEqual(self.client.models.retrieve("vendor/steady").id, "vendor/steady")
        with self.assertRaises(openai.NotFoundError):
            self.client.models.retrieve("unknown")

    def assert_fell_back(self, headers, failing, answering, error_class, invocation_type):
        """Checks that the headers and the single event report a failover from `failing` to `answering`."""
        self.assertEqual(headers["x-failsoft-fallback"], f"from={failing}; class={error_class}; hops=1")
        self.assertEqual(headers["x-failsoft-model"], answering)
        events = self.here.events(headers["x-request-id"])
        self.assertEqual(len(events), 1, events)
        expected = {
            "failed_model": failing,
            "next_model": answering,
            "error_class": error_class,
            "invocation_type": invocation_type,
            "router_config_id": None,
            "origin": "live",
        }
        self.assertEqual({name: events[0][name] for name in expected}, expected)


class ChatOnSqlite(OnSqlite, Chat, unittest.TestCase):
    """With the embedded database."""


@needs_postgres
class ChatOnPostgres(OnPostgres, Chat, unittest.TestCase):
    """With PostgreSQL."""

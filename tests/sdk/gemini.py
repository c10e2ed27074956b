"""Google's SDK as a decoder of `failsoft simulate`, whole and streamed, with its faults. See tests/sdk/run."""

import logging
import unittest

from google import genai
from google.genai import errors, types

from simulator import Simulator

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
QUESTION = "What is the weather in Bern?"
THOUGHT = "The caller wants an answer."


def weather(city: str) -> str:
    """The weather of a city"""
    return f"Sunny in {city}"


class Gemini(Simulator, unittest.TestCase):
    """What an app does with `google.genai`."""

    @classmethod
    def new_client(cls):
        # It warns of each answer with a call.
        logging.getLogger("google_genai").setLevel(logging.ERROR)
        # Without retries, so that tests see the provider's responses.
        retries = types.HttpRetryOptions(attempts=1)
        options = types.HttpOptions(base_url=cls.url, timeout=60_000, retry_options=retries)
        return genai.Client(api_key="a-key-of-the-test", http_options=options)

    def generate(self, model, stream, contents=QUESTION, **config):
        """The parts of an answer, how it ended, and its usage. The texts of a stream are joined."""
        asked = {"model": f"sim/{model}", "contents": contents, "config": types.GenerateContentConfig(**config)}
        if not stream:
            chunks = [self.client.models.generate_content(**asked)]
        else:
            chunks = list(self.client.models.generate_content_stream(**asked))
        candidates = [chunk.candidates[0] for chunk in chunks]
        parts = [part for candidate in candidates if candidate.content for part in candidate.content.parts]
        return parts, candidates[-1].finish_reason, chunks[-1].usage_metadata

    def test_a_text(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                parts, finish, usage = self.generate("steady", stream)
                self.assertEqual("".join(part.text for part in parts), f"You said: {QUESTION}")
                self.assertEqual(finish, types.FinishReason.STOP)
                self.assertEqual(usage.total_token_count, usage.prompt_token_count + usage.candidates_token_count)
                self.assertGreater(usage.candidates_token_count, 0)
                parts, finish, _ = self.generate("steady", stream, max_output_tokens=2)
                self.assertEqual("".join(part.text for part in parts), "You said: ")
                self.assertEqual(finish, types.FinishReason.MAX_TOKENS)

    def test_thoughts(self):
        thinking = types.ThinkingConfig(include_thoughts=True)
        for stream in (False, True):
            with self.subTest(stream=stream):
                parts, _, _ = self.generate("steady", stream, thinking_config=thinking)
                self.assertEqual([part.text for part in parts if part.thought], [THOUGHT])
                parts, _, _ = self.generate("late-thinking", stream)
                self.assertEqual((parts[0].text, parts[1].text, parts[1].thought), ("Let me see. ", THOUGHT, True))

    def test_a_call_is_signed(self):
        declared = [
            types.FunctionDeclaration(name="weather", parameters_json_schema=SCHEMA),
            types.FunctionDeclaration(name="weather", parameters=types.Schema.model_validate(SCHEMA | {"type": "OBJECT"})),
        ]
        for function in declared:
            for stream in (False, True):
                with self.subTest(form="schema" if function.parameters else "JSON schema", stream=stream):
                    parts, finish, _ = self.generate("steady", stream, tools=[types.Tool(function_declarations=[function])])
                    call = parts[0].function_call
                    self.assertEqual((call.name, call.args), ("weather", {"city": "Bern"}))
                    self.assertEqual((parts[0].thought_signature, finish), (b"simulated", types.FinishReason.STOP))

    def test_the_sdk_calls_functions_and_sends_signatures_back(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                # This model refuses a history in which a call lacks its signature.
                config = types.GenerateContentConfig(tools=[weather], thinking_config=types.ThinkingConfig(include_thoughts=True))
                chat = self.client.chats.create(model="sim/bad-signature", config=config)
                for city in ("Bern", "Ulm"):
                    asked = f"What is the weather in {city}?"
                    if stream:
                        said = "".join(chunk.text or "" for chunk in chat.send_message_stream(asked))
                    else:
                        said = chat.send_message(asked).text
                    self.assertEqual(said, f"The tool said: Sunny in {city}")

    def test_a_foreign_signature_is_refused(self):
        call = types.Part(
            function_call=types.FunctionCall(name="weather", args={"city": "Bern"}), thought_signature=b"of another vendor"
        )
        result = types.Part.from_function_response(name="weather", response={"result": "Sunny"})
        contents = [
            types.Content(role="user", parts=[types.Part(text=QUESTION)]),
            types.Content(role="model", parts=[call]),
            types.Content(role="user", parts=[result]),
        ]
        for stream in (False, True):
            with self.subTest(stream=stream), self.assertRaises(errors.ClientError) as failure:
                self.generate("bad-signature", stream, contents)
            self.assertIn("signature", failure.exception.message)

    def test_errors_are_the_ones_the_sdk_knows(self):
        for model, kind, code, status in [
            ("rate-limited", errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
            ("quota-exhausted", errors.ClientError, 429, "RESOURCE_EXHAUSTED"),
            ("context-overflow", errors.ClientError, 400, "INVALID_ARGUMENT"),
            ("bad-request", errors.ClientError, 400, "INVALID_ARGUMENT"),
            ("unauthorized", errors.ClientError, 400, "INVALID_ARGUMENT"),
            ("not-found", errors.ClientError, 404, "NOT_FOUND"),
            ("error-500", errors.ServerError, 500, "INTERNAL"),
            ("error-503", errors.ServerError, 503, "UNAVAILABLE"),
        ]:
            for stream in (False, True):
                with self.subTest(model=model, stream=stream), self.assertRaises(kind) as failure:
                    self.generate(model, stream)
                error = failure.exception
                self.assertEqual((type(error), error.code, error.status), (kind, code, status))
                self.assertTrue(error.message)

    def test_filters(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                parts, finish, _ = self.generate("content-filter-finish", stream)
                self.assertEqual((parts, finish), ([], types.FinishReason.SAFETY))
                asked = {"model": "sim/content-filter", "contents": QUESTION}
                if stream:
                    (blocked,) = self.client.models.generate_content_stream(**asked)
                else:
                    blocked = self.client.models.generate_content(**asked)
                self.assertIsNone(blocked.candidates)
                self.assertEqual(blocked.prompt_feedback.block_reason, types.BlockedReason.PROHIBITED_CONTENT)

    def test_broken_answers_are_errors(self):
        for stream, models in [
            # The SDK takes a whole body without candidates for an answer.
            (False, ["garbage", "broken-json", "cut-midstream"]),
            (True, ["garbage", "broken-json", "cut-midstream", "error-in-200"]),
        ]:
            for model in models:
                # These are of several libraries.
                with self.subTest(model=model, stream=stream), self.assertRaises(Exception) as failure:
                    self.generate(model, stream)
                self.assertNotIsInstance(failure.exception, (AssertionError, TypeError, IndexError, AttributeError))

    def test_tokens_are_counted_and_models_listed(self):
        counted = self.client.models.count_tokens(model="sim/steady", contents=QUESTION)
        self.assertGreater(counted.total_tokens, 0)
        self.assertIn("models/sim/steady", [model.name for model in self.client.models.list()])



"""One conversation with tools, each turn answered by another vendor, with both official SDKs, on each database.

The chain is Claude at Anthropic, Claude on Bedrock, GPT, Gemini. `failsoft simulate` is all four, each in its own dialect, and
refuses reasoning that it has not signed. Before each turn all of them but one are made to fail. See tests/sdk/run.

"""

import json
import unittest

from catalog import Catalog
from clients import anthropic_client, openai_client
from databases import OnPostgres, OnSqlite, needs_postgres

ACCESS_KEY = {"access_key_id": "AKIAOFTHETEST", "secret_access_key": "a-secret-of-the-test", "region": "eu-central-1"}
# The chain: its models, each with the name of a real one, by which the gateway knows what it takes.
CHAIN = {
    "claude": "claude-sonnet-4-5",
    "claude-on-bedrock": "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "gpt": "gpt-5.4",
    "gemini": "gemini-3-flash-preview",
}
# The dialects into which requests are translated for the models of the chain, by the endpoint of the caller.
TRANSLATED_TO = {
    "/v1/chat/completions": [None, "converse", None, "gemini"],
    "/v1/messages": [None, "converse", "chat_completions", "gemini"],
    "/v1/responses": ["messages", "converse", None, "gemini"],
}
# The models that answer the turns. Each calls the tool once, and answers once after another one has called it.
ANSWERING = ["claude", "claude-on-bedrock", "gpt", "gemini", "claude-on-bedrock", "gpt", "gemini", "claude"]
CITIES = ["Bern", "Ulm", "Rome", "Lima"]
# Micro-dollars for a million tokens.
PRICE = {"input": 3_000_000, "output": 15_000_000, "cache_read": None, "cache_write": None}

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}


class Chat:
    """A caller of chat completions."""

    endpoint = "/v1/chat/completions"

    def __init__(self, test):
        self.client, self.turns = test.openai, []

    def ask(self, text):
        self.turns.append({"role": "user", "content": text})

    def result(self, call_id, text):
        self.turns.append({"role": "tool", "tool_call_id": call_id, "content": text})

    def answer(self):
        """The text, the calls, each with its id and input, and the tokens of the prompt and of the answer."""
        function = {"type": "function", "function": {"name": "weather", "parameters": SCHEMA, "strict": True}}
        asked = {"model": "claude", "messages": self.turns, "tools": [function], "reasoning_effort": "low"}
        with self.client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as events:
            for _ in events:
                pass
            completion = events.get_final_completion()
        message, usage = completion.choices[0].message, completion.usage
        calls = [(call.id, json.loads(call.function.arguments)) for call in message.tool_calls or []]
        said = message.model_dump(exclude_none=True, exclude={"parsed": True})
        for call in said.get("tool_calls", []):
            call["function"].pop("parsed_arguments", None)
            call.pop("index", None)
        self.turns.append(said)
        return message.content or "", calls, (usage.prompt_tokens, usage.completion_tokens)


class Messages:
    """A caller of Messages."""

    endpoint = "/v1/messages"

    def __init__(self, test):
        self.client, self.turns = test.anthropic, []

    def ask(self, text):
        self.turns.append({"role": "user", "content": text})

    def result(self, call_id, text):
        block = {"type": "tool_result", "tool_use_id": call_id, "content": text}
        self.turns.append({"role": "user", "content": [block]})

    def answer(self):
        """The text, the calls, each with its id and input, and the tokens of the prompt and of the answer."""
        tool = {"name": "weather", "description": "The weather of a city", "input_schema": SCHEMA}
        thinking = {"type": "enabled", "budget_tokens": 1_024}
        asked = {"model": "claude", "max_tokens": 4_096, "messages": self.turns, "tools": [tool], "thinking": thinking}
        with self.client.messages.stream(**asked) as events:
            message = events.get_final_message()
        self.turns.append({"role": "assistant", "content": message.content})
        calls = [(block.id, block.input) for block in message.content if block.type == "tool_use"]
        text = "".join(block.text for block in message.content if block.type == "text")
        return text, calls, (message.usage.input_tokens, message.usage.output_tokens)


class Responses:
    """A caller of Responses, which stores nothing."""

    endpoint = "/v1/responses"

    def __init__(self, test):
        self.client, self.turns = test.openai, []

    def ask(self, text):
        self.turns.append({"role": "user", "content": text})

    def result(self, call_id, text):
        self.turns.append({"type": "function_call_output", "call_id": call_id, "output": text})

    def answer(self):
        """The text, the calls, each with its id and input, and the tokens of the prompt and of the answer."""
        function = {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": True}
        asked = {"model": "claude", "input": self.turns, "tools": [function], "store": False}
        asked |= {"reasoning": {"effort": "low"}, "include": ["reasoning.encrypted_content"]}
        with self.client.responses.stream(**asked) as events:
            response = events.get_final_response()
        self.turns += [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
        calls = [(item.call_id, json.loads(item.arguments)) for item in response.output if item.type == "function_call"]
        return response.output_text, calls, (response.usage.input_tokens, response.usage.output_tokens)


class Conversation(Catalog):
    """An app with vendors that fail one after the other. The subclasses choose the database."""

    outside = {}
    answering = {}

    @classmethod
    def new_clients(cls):
        at = f"http://{cls.here.provider.address}"
        for name, preset, base_url, credential in [
            ("claude", "anthropic", f"{at}/v1", "a-credential"),
            ("claude-on-bedrock", "bedrock", at, json.dumps(ACCESS_KEY)),
            ("gpt", "openai", f"{at}/v1", "a-credential"),
            ("gemini", "gemini-native", f"{at}/v1beta", "a-credential"),
        ]:
            cls.providers[name] = cls.provider(name=name, preset=preset, base_url=base_url, credential=credential)
            cls.model(name, name, f"{CHAIN[name]}:bad-signature", num_retries=0, price=PRICE)
        first, *fallbacks = CHAIN
        stored = {"model": first, "fallback_models": fallbacks}
        status, answer = cls.here.call("POST", "/fallback", stored)
        if status != 200:
            raise AssertionError(f"the chain: {status} {answer}")
        return {"anthropic": anthropic_client(cls.here), "openai": openai_client(cls.here)}

    def test_each_turn_is_answered_by_another_vendor(self):
        for caller in (Chat, Messages, Responses):
            with self.subTest(endpoint=caller.endpoint):
                self.converse(caller(self))

    def converse(self, caller):
        """Has a turn for each model that answers, and checks the record of it."""
        for turn, answering in enumerate(ANSWERING):
            for model, real in CHAIN.items():
                self.change(model, upstream_model=f"{real}:{'bad-signature' if model == answering else 'error-503'}")
            city = CITIES[turn // 2]
            if turn % 2 == 0:
                caller.ask(f"What is the weather in {city}?")
            text, calls, tokens = caller.answer()
            if turn % 2 == 0:
                self.assertEqual([arguments for _, arguments in calls], [{"city": city}], answering)
                caller.result(calls[0][0], f"Sunny in {city}")
            else:
                self.assertEqual((text, calls), (f"The tool said: Sunny in {city}", []), answering)
            self.assert_recorded(caller.endpoint, turn, tokens)

    def assert_recorded(self, endpoint, turn, tokens):
        """Checks the request log, the fallback events and the cost of the last request."""
        (row,) = self.rows(1)
        answering, place = ANSWERING[turn], list(CHAIN).index(ANSWERING[turn])
        self.assertEqual((row["endpoint"], row["served_model"], row["outcome"]), (endpoint, answering, "answered"))
        tried = [(attempt["model"], attempt["error_class"], attempt["translated_to"]) for attempt in row["attempts"]]
        failed = ["overloaded"] * place + [None]
        self.assertEqual(tried, list(zip(CHAIN, failed, TRANSLATED_TO[endpoint])))
        self.assertEqual([event["next_model"] for event in self.here.events(row["id"])], list(CHAIN)[1 : place + 1])
        self.assertEqual((row["input_tokens"], row["output_tokens"]), tokens)
        self.assertEqual(row["cost_nano_dollars"], (tokens[0] * PRICE["input"] + tokens[1] * PRICE["output"]) // 1_000)
        changes = row["attempts"][place]["adapted"]
        if answering == "gemini":
            self.assertIn("placeholder:signature", changes)
        if endpoint == "/v1/chat/completions":
            # Anthropic's own chat completions show no reasoning, so there is none to keep.
            return
        if answering == "gpt":
            self.assertIn("stripped:thinking", changes)
        if turn == 1:
            # What Claude has signed is valid on Bedrock.
            self.assertEqual(answering, "claude-on-bedrock")
            self.assertFalse({"stripped:thinking", "disabled:thinking"} & set(changes), changes)


class ConversationOnSqlite(OnSqlite, Conversation, unittest.TestCase):
    """With the embedded database."""


@needs_postgres
class ConversationOnPostgres(OnPostgres, Conversation, unittest.TestCase):
    """With PostgreSQL."""

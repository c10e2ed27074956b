"""OpenAI's Agents SDK, with both of its model classes, against models of both dialects, on each database. See tests/sdk/run.

An agent calls a tool of ours. While the tool runs, the model that called it fails, so that another one goes on with the
conversation.

"""

import asyncio
import unittest
import uuid

import agents
import openai

from catalog import Catalog
from databases import OnPostgres, OnSqlite, needs_postgres

QUESTION = "What is the weather in Bern?"
# The model classes of the SDK, each with the endpoint that it calls.
CLASSES = [
    (agents.OpenAIResponsesModel, "/v1/responses"),
    (agents.OpenAIChatCompletionsModel, "/v1/chat/completions"),
]


class Agents(Catalog):
    """What an app with an agent does. The subclasses choose the database."""

    outside = {"compatible": ("custom", "/v1"), "native": ("custom-messages", "/v1")}
    answering = {"gpt": "compatible", "claude": "native"}

    @classmethod
    def new_clients(cls):
        # Without this, the SDK sends traces to OpenAI.
        agents.set_tracing_disabled(True)
        # A client belongs to the event loop of its test.
        return {}

    def run_agent(self, model_class, model, fallback, stream, tool):
        """Runs an agent to its end, and returns its result and the types of the events of a stream."""

        async def run():
            async with openai.AsyncOpenAI(base_url=f"{self.here.url}/v1", api_key=self.here.key, max_retries=0) as client:
                agent = agents.Agent(
                    name="Assistant",
                    instructions="Be brief.",
                    model=model_class(model, client),
                    tools=[tool],
                    model_settings=agents.ModelSettings(extra_body={"models": [fallback]}, include_usage=True),
                )
                if not stream:
                    return await agents.Runner.run(agent, QUESTION), []
                result = agents.Runner.run_streamed(agent, QUESTION)
                events = [event async for event in result.stream_events()]
                return result, [event.data.type for event in events if event.type == "raw_response_event"]

        return asyncio.run(run())

    def test_an_agent_goes_on_when_its_model_fails(self):
        for model_class, endpoint in CLASSES:
            for provider, fallback in [("compatible", "claude"), ("native", "gpt")]:
                for stream in (False, True):
                    with self.subTest(endpoint=endpoint, provider=provider, stream=stream):
                        self.assert_goes_on(model_class, endpoint, provider, fallback, stream)

    def assert_goes_on(self, model_class, endpoint, provider, fallback, stream):
        """Checks an agent with a model that answers once, and the record of it."""
        first = self.model(f"first-{uuid.uuid4().hex[:8]}", provider, "sim/steady", num_retries=0)
        cities = []

        @agents.function_tool
        def weather(city: str) -> str:
            """The weather of a city"""
            cities.append(city)
            self.change(first, upstream_model="sim/error-503")
            return f"Sunny in {city}"

        result, events = self.run_agent(model_class, first, fallback, stream, weather)
        self.assertEqual(result.final_output, "The tool said: Sunny in Bern")
        self.assertEqual(cities, ["Bern"])
        kinds = [item.type for item in result.new_items]
        self.assertEqual([kind for kind in kinds if kind != "reasoning_item"], ["tool_call_item", "tool_call_output_item", "message_output_item"])
        for response in result.raw_responses:
            self.assertGreater(response.usage.output_tokens, 0)
        self.assertEqual(events.count("response.completed"), 2 if stream else 0)
        rows = self.rows(2)
        self.assertEqual([row["served_model"] for row in rows], [first, fallback])
        self.assertEqual({(row["endpoint"], row["streamed"], row["outcome"]) for row in rows}, {(endpoint, stream, "answered")})
        tried = [(attempt["model"], attempt["error_class"]) for attempt in rows[1]["attempts"]]
        self.assertEqual(tried, [(first, "overloaded"), (fallback, None)])
        self.assertEqual([event["next_model"] for event in self.here.events(rows[1]["id"])], [fallback])

    def test_an_agent_gets_the_error_when_no_model_is_left(self):
        @agents.function_tool
        def weather(city: str) -> str:
            """The weather of a city"""
            return f"Sunny in {city}"

        for model_class, endpoint in CLASSES:
            for stream in (False, True):
                with self.subTest(endpoint=endpoint, stream=stream):
                    first, second = (self.failing(provider, "error-503") for provider in ("compatible", "native"))
                    with self.assertRaises(openai.InternalServerError):
                        self.run_agent(model_class, first, second, stream, weather)


class AgentsOnSqlite(OnSqlite, Agents, unittest.TestCase):
    """With the embedded database."""


@needs_postgres
class AgentsOnPostgres(OnPostgres, Agents, unittest.TestCase):
    """With PostgreSQL."""

"""AWS's SDK as a decoder of `failsoft simulate`: whole answers, binary streams, and its faults. See tests/sdk/run."""

import json
import unittest

import boto3
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch
from botocore.exceptions import ClientError, EventStreamError
from urllib3.exceptions import ProtocolError

from simulator import Simulator

QUESTION = {"role": "user", "content": [{"text": "What is the weather in Bern?"}]}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = {"tools": [{"toolSpec": {"name": "weather", "description": "The weather", "inputSchema": {"json": SCHEMA}}}]}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 1_024}}
THOUGHT = {"reasoningContent": {"reasoningText": {"text": "The caller wants an answer.", "signature": "c2ltdWxhdGVk"}}}


def assembled(stream):
    """The blocks of a stream put together, the reason for its end, and its usage."""
    blocks, inputs, reason, usage = {}, {}, None, None
    for event in stream:
        ((kind, data),) = event.items()
        if kind == "contentBlockStart":
            blocks[data["contentBlockIndex"]] = {"toolUse": dict(data["start"]["toolUse"])}
        elif kind == "contentBlockDelta":
            index, delta = data["contentBlockIndex"], data["delta"]
            if "text" in delta:
                block = blocks.setdefault(index, {"text": ""})
                block["text"] += delta["text"]
            elif "toolUse" in delta:
                inputs[index] = inputs.get(index, "") + delta["toolUse"]["input"]
            else:
                block = blocks.setdefault(index, {"reasoningContent": {"reasoningText": {}}})
                block["reasoningContent"]["reasoningText"] |= delta["reasoningContent"]
        elif kind == "messageStop":
            reason = data["stopReason"]
        elif kind == "metadata":
            usage = data["usage"]
    for index, text in inputs.items():
        blocks[index]["toolUse"]["input"] = json.loads(text)
    return [blocks[index] for index in sorted(blocks)], reason, usage


class Converse(Simulator, unittest.TestCase):
    """What an app does with `boto3`."""

    @classmethod
    def new_client(cls):
        # Without retries, so that tests see the provider's responses.
        config = Config(retries={"total_max_attempts": 1}, read_timeout=60)
        keys = {"aws_access_key_id": "AKIAOFTHETEST", "aws_secret_access_key": "a-secret-of-the-test"}
        return boto3.client("bedrock-runtime", region_name="eu-central-1", endpoint_url=cls.url, config=config, **keys)

    def converse(self, model, stream, messages=(QUESTION,), **more):
        """The blocks of an answer, the reason for its end, and its usage."""
        asked = {"modelId": f"sim/{model}", "messages": list(messages), **more}
        if stream:
            return assembled(self.client.converse_stream(**asked)["stream"])
        answer = self.client.converse(**asked)
        return answer["output"]["message"]["content"], answer["stopReason"], answer["usage"]

    def test_a_text(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                blocks, reason, usage = self.converse("steady", stream)
                self.assertEqual((blocks, reason), ([{"text": "You said: What is the weather in Bern?"}], "end_turn"))
                self.assertEqual(usage["totalTokens"], usage["inputTokens"] + usage["outputTokens"])
                self.assertGreater(usage["outputTokens"], 0)
                blocks, reason, _ = self.converse("steady", stream, inferenceConfig={"maxTokens": 2})
                self.assertEqual((blocks, reason), ([{"text": "You said: "}], "max_tokens"))

    def test_a_round_of_tools_with_reasoning(self):
        asked = {"toolConfig": TOOLS, "additionalModelRequestFields": THINKING}
        for stream in (False, True):
            with self.subTest(stream=stream):
                # This model refuses a history with another signature.
                blocks, reason, _ = self.converse("bad-signature", stream, **asked)
                self.assertEqual((blocks[0], reason), (THOUGHT, "tool_use"))
                call = blocks[1]["toolUse"]
                self.assertEqual((call["name"], call["input"]), ("weather", {"city": "Bern"}))
                result = {"toolUseId": call["toolUseId"], "content": [{"text": "Sunny"}], "status": "success"}
                turns = [QUESTION, {"role": "assistant", "content": blocks}, {"role": "user", "content": [{"toolResult": result}]}]
                blocks, reason, _ = self.converse("bad-signature", stream, turns, toolConfig=TOOLS)
                self.assertEqual((blocks, reason), ([{"text": "The tool said: Sunny"}], "end_turn"))
                foreign = {"reasoningContent": {"reasoningText": {"text": "T", "signature": "c2ln"}}}
                turns[1] = {"role": "assistant", "content": [foreign, {"toolUse": call}]}
                with self.assertRaises(self.client.exceptions.ValidationException):
                    self.converse("bad-signature", stream, turns, toolConfig=TOOLS)

    def test_late_thinking_and_ends_that_contradict(self):
        for stream in (False, True):
            with self.subTest(stream=stream):
                blocks, _, _ = self.converse("late-thinking", stream)
                self.assertEqual([list(block) for block in blocks], [["text"], ["reasoningContent"], ["text"]])
                self.assertEqual(blocks[1], THOUGHT)
                blocks, reason, _ = self.converse("stop-with-tools", stream, toolConfig=TOOLS)
                self.assertEqual((list(blocks[0]), reason), (["toolUse"], "end_turn"))
                for model in ("content-filter", "content-filter-finish"):
                    blocks, reason, _ = self.converse(model, stream)
                    self.assertEqual((blocks, reason), ([], "content_filtered"))

    def test_errors_are_the_ones_the_sdk_knows(self):
        known = self.client.exceptions
        for model, expected, code, status in [
            ("rate-limited", known.ThrottlingException, "ThrottlingException", 429),
            ("quota-exhausted", known.ServiceQuotaExceededException, "ServiceQuotaExceededException", 400),
            ("context-overflow", known.ValidationException, "ValidationException", 400),
            ("bad-request", known.ValidationException, "ValidationException", 400),
            # Of no operation in particular.
            ("unauthorized", ClientError, "UnrecognizedClientException", 403),
            ("not-found", known.ResourceNotFoundException, "ResourceNotFoundException", 404),
            ("error-500", known.InternalServerException, "InternalServerException", 500),
            ("error-503", known.ServiceUnavailableException, "ServiceUnavailableException", 503),
        ]:
            for stream in (False, True):
                with self.subTest(model=model, stream=stream), self.assertRaises(expected) as failure:
                    self.converse(model, stream)
                answer = failure.exception.response
                self.assertEqual(answer["Error"]["Code"], code)
                self.assertEqual(answer["ResponseMetadata"]["HTTPStatusCode"], status)
                self.assertTrue(answer["Error"]["Message"])

    def test_broken_streams_are_errors(self):
        for model, expected in [
            ("bad-crc", ChecksumMismatch),
            ("garbage", ChecksumMismatch),
            ("cut-midstream", ProtocolError),
            ("error-in-200", EventStreamError),
        ]:
            with self.subTest(model=model), self.assertRaises(expected):
                self.converse(model, True)
        for model in ("broken-json", "empty"):
            with self.subTest(model=model):
                self.assertEqual(self.converse(model, True), ([], None, None))

"""Runs the tests of all SDKs and prints one summary. See tests/sdk/run."""

import sys
import unittest

import anthropic
import openai

import chat
import messages
import responses
import translation

if __name__ == "__main__":
    print(f"openai {openai.__version__}, anthropic {anthropic.__version__}, python {sys.version.split()[0]}", flush=True)
    loader = unittest.defaultTestLoader
    suite = unittest.TestSuite(loader.loadTestsFromModule(module) for module in (chat, messages, responses, translation))
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    # A failed subtest counts as one failure of its test.
    failed = len({getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors})
    skipped = len(result.skipped)
    if failed:
        bases = (chat.Chat, messages.Messages, responses.Responses, translation.Translation)
        for tests in (tests for base in bases for tests in base.__subclasses__()):
            if hasattr(tests, "here"):
                print(f"\n{tests.__name__}: what the server logged\n{tests.here.server.logged()}")
    print(f"{max(0, result.testsRun - failed - skipped)} passed, {failed} failed, {skipped} skipped")
    sys.exit(0 if result.wasSuccessful() else 1)

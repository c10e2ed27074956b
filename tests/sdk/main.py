"""Runs the tests of all SDKs and prints one summary. See tests/sdk/run."""

import importlib.metadata
import sys
import unittest

import agents_sdk
import chat
import conversation
import converse
import examples
import gemini
import javascript
import messages
import responses
import translation

MODULES = (chat, messages, responses, translation, agents_sdk, conversation, javascript, gemini, converse, examples)
PACKAGES = ("openai", "openai-agents", "anthropic", "google-genai", "boto3")

if __name__ == "__main__":
    versions = (f"{package} {importlib.metadata.version(package)}" for package in PACKAGES)
    print(f"{', '.join(versions)}, python {sys.version.split()[0]}", flush=True)
    loader = unittest.defaultTestLoader
    suite = unittest.TestSuite(loader.loadTestsFromModule(module) for module in MODULES)
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    # A failed subtest counts as one failure of its test.
    failed = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    skipped = len(result.skipped)
    classes = {tests for module in MODULES for tests in vars(module).values() if isinstance(tests, type)}
    for tests in sorted((tests for tests in classes if hasattr(tests, "here")), key=lambda tests: tests.__name__):
        if any(test.startswith(f"{tests.__module__}.{tests.__name__}.") for test in failed):
            print(f"\n{tests.__name__}: what the server logged\n{tests.here.server.logged()}")
    print(f"{max(0, result.testsRun - len(failed) - skipped)} passed, {len(failed)} failed, {skipped} skipped")
    sys.exit(0 if result.wasSuccessful() else 1)

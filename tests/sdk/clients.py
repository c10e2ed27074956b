"""Clients of the official SDKs for an installation, without retries of their own, so that tests see the server's responses."""

import anthropic
import openai


def openai_client(here):
    return openai.OpenAI(base_url=f"{here.url}/v1", api_key=here.key, max_retries=0, timeout=60)


def anthropic_client(here):
    return anthropic.Anthropic(base_url=here.url, auth_token=here.key, max_retries=0, timeout=60)

"""A provider with two models that edit a file with the tools that an agent offers, in chat completions and in Messages.

It is a script, not a model: the number of results in the conversation decides what comes next. A model fails once it has answered as
often as the test lets it.

"""

import http.server
import json
import threading
import urllib.parse

PATCH = """*** Begin Patch
*** Update File: greeting.txt
@@
-hello wrold
+hello world
*** End Patch
"""


def steps(tools, folder):
    """The calls that edit the file with these tools, each with the name of a tool and its input."""
    path = f"{folder}/greeting.txt"
    if "Edit" in tools:
        edit = {"file_path": path, "old_string": "wrold", "new_string": "world"}
        return [("Read", {"file_path": path}), ("Edit", edit)]
    if "exec_command" in tools:
        patch = f"apply_patch <<'END'\n{PATCH}END"
        return [("exec_command", {"cmd": "cat greeting.txt"}), ("exec_command", {"cmd": patch})]
    if "functions__exec" in tools:
        # A tool with free text, which other dialects know as a function with one string.
        read = 'text((await tools.exec_command({cmd: "cat greeting.txt"})).output)'
        patch = f"text(await tools.apply_patch({json.dumps(PATCH)}))"
        return [("functions__exec", {"input": read}), ("functions__exec", {"input": patch})]
    return []


class Upstream:
    """A running provider."""

    def __init__(self, folder):
        self.folder = folder
        # How often each model answers before it fails; a model without a number does not fail.
        self.answers = {}
        # The model, the number of results and the texts of these, of each request that was answered.
        self.answered = []
        self.lock = threading.Lock()
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                path = urllib.parse.urlsplit(self.path).path
                status, kind, answer = upstream.answer(path, body)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, body):
        """The status, the type and the body of an answer."""
        form = {"/v1/chat/completions": Completion, "/v1/messages": Message}[path]
        tools, results = form.read(body)
        model = body["model"]
        with self.lock:
            left = self.answers.get(model)
            if left == 0:
                return 503, "application/json", json.dumps(form.overloaded).encode()
            if left is not None:
                self.answers[model] = left - 1
            self.answered.append((model, results))
        calls = steps(tools, self.folder)
        call = calls[len(results)] if len(results) < len(calls) else None
        events = form.events(len(results), call)
        return 200, "text/event-stream", "".join(events).encode()


class Completion:
    """Chat completions."""

    overloaded = {"error": {"message": "Overloaded", "type": "server_error", "param": None, "code": None}}

    @staticmethod
    def read(body):
        """The names of the tools, and the results so far."""
        tools = {tool["function"]["name"] for tool in body.get("tools", [])}
        return tools, [message["content"] for message in body["messages"] if message["role"] == "tool"]

    @staticmethod
    def events(number, call):
        def chunk(delta, finish_reason=None, **more):
            choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
            data = {"id": f"chatcmpl-{number}", "object": "chat.completion.chunk", "created": 1, "model": "m"}
            return f"data: {json.dumps(data | {'choices': [choice]} | more)}\n\n"

        yield chunk({"role": "assistant", "content": ""})
        if call:
            name, arguments = call
            function = {"name": name, "arguments": json.dumps(arguments)}
            yield chunk({"tool_calls": [{"index": 0, "id": f"call_{number}", "type": "function", "function": function}]})
            yield chunk({}, "tool_calls")
        else:
            yield chunk({"content": "The typo is fixed."})
            yield chunk({}, "stop")
        usage = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}
        yield chunk({}, None, choices=[], usage=usage)
        yield "data: [DONE]\n\n"


class Message:
    """Messages."""

    overloaded = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

    @staticmethod
    def read(body):
        """The names of the tools, and the results so far."""
        contents = [message["content"] for message in body["messages"] if isinstance(message["content"], list)]
        blocks = [block for content in contents for block in content]
        results = [block.get("content") for block in blocks if block["type"] == "tool_result"]
        return {tool["name"] for tool in body.get("tools", [])}, results

    @staticmethod
    def events(number, call):
        def event(name, **data):
            return f"event: {name}\ndata: {json.dumps({'type': name} | data)}\n\n"

        usage = {"input_tokens": 9, "output_tokens": 1}
        message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": "m", "content": []}
        yield event("message_start", message=message | {"stop_reason": None, "stop_sequence": None, "usage": usage})
        if call:
            name, arguments = call
            block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": {}}
            delta, reason = {"type": "input_json_delta", "partial_json": json.dumps(arguments)}, "tool_use"
        else:
            block = {"type": "text", "text": ""}
            delta, reason = {"type": "text_delta", "text": "The typo is fixed."}, "end_turn"
        yield event("content_block_start", index=0, content_block=block)
        yield event("content_block_delta", index=0, delta=delta)
        yield event("content_block_stop", index=0)
        ended = {"stop_reason": reason, "stop_sequence": None}
        yield event("message_delta", delta=ended, usage={"output_tokens": 3})
        yield event("message_stop")

"""An upstream that answers by script, in the protocol of the path it is asked at.

The last user text that holds `script:NAME` chooses the answer; `script:error-STATUS` is an
error of that status. Under `/chat-only` there are no responses, under `/down` everything
fails. It is strict where the real APIs are: keys, versions, results for every call.
"""

import base64
import json
import re
import struct
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "upstream-key"
TEXT = "Grüße, 日本 👋 — line one\nline \"two\"."
THOUGHT = "Think first. 🤔"
SIGNATURE = "c2lnbmF0dXJl=="
CALLS = [("get_weather", {"city": "Oslo \"Ø\"\n"}), ("get_weather", {"city": "Paris"})]
ERRORS = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error",
          429: "rate_limit_error", 500: "api_error", 529: "overloaded_error"}


class Refused(Exception):
    def __init__(self, status, message):
        super().__init__(message)
        self.status = status


def texts(content):
    if isinstance(content, str):
        return content
    return "\n".join(part.get("text", "") for part in content or [] if isinstance(part, dict))


def script(said, has_results):
    """What is answered: a list of (kind, …) parts."""
    found = re.findall(r"script:([a-z0-9-]+)", said)
    name = found[-1] if found else "text"
    if name.startswith("error-"):
        raise Refused(int(name[6:]), f"the script says {name[6:]}")
    if name == "tools":
        if has_results:
            return [("text", "It is 21 °C.")]
        return [("text", "Let me look."), *[("call", *call) for call in CALLS]]
    if name == "thinking":
        return [("thought", THOUGHT), ("text", TEXT)]
    if name == "cut":
        return [("text", TEXT), ("cut",)]
    return [("text", TEXT)]


def usage(parts):
    return 11, max(1, len(json.dumps(parts)) // 4)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send(404, {"error": {"message": "nothing here", "type": "invalid_request_error"}})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0]
        down, chat_only = path.startswith("/down/"), path.startswith("/chat-only/")
        path = path.removeprefix("/down").removeprefix("/chat-only")
        known = {"/v1/messages": messages, "/v1/chat/completions": chat, "/v1/responses": responses,
                 "/v1/messages/count_tokens": count, "/v1/embeddings": embeddings}
        answer = known.get(path)
        if answer is None or (chat_only and path != "/v1/chat/completions"):
            return self.send(404, {"error": {"message": f"no route {path}", "type": "invalid_request_error"}})
        is_messages = path.startswith("/v1/messages")
        try:
            if down:
                raise Refused(500, "down")
            self.check(is_messages)
            answer(self, json.loads(body))
        except Refused as refused:
            kind = ERRORS.get(refused.status, "api_error")
            error = {"type": kind, "message": str(refused)}
            wrapped = {"type": "error", "error": error} if is_messages else {"error": {**error, "param": None, "code": None}}
            self.send(refused.status, wrapped, {"retry-after": "7"})

    def check(self, is_messages):
        key = self.headers.get("x-api-key") if is_messages else self.headers.get("authorization")
        if key != (KEY if is_messages else f"Bearer {KEY}"):
            raise Refused(401, "wrong key")
        if is_messages and not self.headers.get("anthropic-version"):
            raise Refused(400, "anthropic-version: header is required")

    def send(self, status, body, headers=None):
        data = json.dumps(body).encode()
        self.send_response(status)
        name = "request-id" if "/messages" in self.path else "x-request-id"
        for key, value in {"content-type": "application/json", "content-length": str(len(data)), name: "req_up", **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    def start_events(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream; charset=utf-8")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def event(self, data, name=None):
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        block = (f"event: {name}\n" if name else "") + f"data: {text}\n\n"
        block = block.encode()
        # Cut in the middle, wherever that is.
        for piece in (block[: len(block) // 2], block[len(block) // 2:]):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    def end_events(self):
        self.wfile.write(b"0\r\n\r\n")

    def cut(self):
        self.wfile.flush()
        self.close_connection = True
        self.connection.close()


def pieces(text, size=5):
    return [text[at:at + size] for at in range(0, len(text), size)]


def messages(handler, body):
    asked = body["messages"]
    for at, message in enumerate(asked):
        blocks = message["content"] if isinstance(message["content"], list) else []
        ids = {block["id"] for block in blocks if block["type"] == "tool_use"}
        after = asked[at + 1]["content"] if at + 1 < len(asked) else []
        given = {block["tool_use_id"] for block in after if isinstance(block, dict) and block["type"] == "tool_result"}
        if ids - given:
            raise Refused(400, "tool_use ids were found without tool_result blocks")
        for block in blocks:
            if block["type"] == "thinking" and block["signature"] != SIGNATURE:
                raise Refused(400, "Invalid signature in thinking block")
    if not isinstance(body.get("max_tokens"), int):
        raise Refused(400, "max_tokens: Field required")
    said = "\n".join(texts(message["content"]) for message in asked if message["role"] == "user")
    results = any(block.get("type") == "tool_result" for message in asked for block in (message["content"] if isinstance(message["content"], list) else []))
    parts = [part for part in script(said, results) if part[0] != "thought" or body.get("thinking")]
    blocks = []
    for number, part in enumerate(parts):
        if part[0] == "text":
            blocks.append({"type": "text", "text": part[1]})
        elif part[0] == "thought":
            blocks.append({"type": "thinking", "thinking": part[1], "signature": SIGNATURE})
        elif part[0] == "call":
            blocks.append({"type": "tool_use", "id": f"toolu_{number}", "name": part[1], "input": part[2]})
    read, wrote = usage(blocks)
    stop = "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
    message = {"id": "msg_up", "type": "message", "role": "assistant", "model": body["model"], "content": blocks,
               "stop_reason": stop, "stop_sequence": None, "usage": {"input_tokens": read, "output_tokens": wrote}}
    if not body.get("stream"):
        return handler.send(200, message)
    handler.start_events()
    event = lambda data: handler.event(data, data["type"])
    event({"type": "message_start", "message": {**message, "content": [], "stop_reason": None, "usage": {"input_tokens": read, "output_tokens": 1}}})
    event({"type": "ping"})
    for at, block in enumerate(blocks):
        if block["type"] == "text":
            start, deltas = {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])]
        elif block["type"] == "thinking":
            start = {"type": "thinking", "thinking": "", "signature": ""}
            deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])]
            deltas.append({"type": "signature_delta", "signature": SIGNATURE})
        else:
            start = {**block, "input": {}}
            deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(json.dumps(block["input"]))]
        event({"type": "content_block_start", "index": at, "content_block": start})
        for delta in deltas:
            event({"type": "content_block_delta", "index": at, "delta": delta})
        if ("cut",) in parts:
            return handler.cut()
        event({"type": "content_block_stop", "index": at})
    event({"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": wrote}})
    event({"type": "message_stop"})
    handler.end_events()


def chat(handler, body):
    asked = body["messages"]
    for at, message in enumerate(asked):
        ids = {call["id"] for call in message.get("tool_calls") or []}
        for later in asked[at + 1:]:
            if later["role"] != "tool":
                break
            ids.discard(later["tool_call_id"])
        if ids:
            raise Refused(400, "tool_calls must be followed by tool messages")
    said = "\n".join(texts(message["content"]) for message in asked if message["role"] == "user")
    parts = [part for part in script(said, any(message["role"] == "tool" for message in asked)) if part[0] != "thought"]
    text = "".join(part[1] for part in parts if part[0] == "text")
    calls = [{"id": f"call_{number}", "type": "function", "function": {"name": part[1], "arguments": json.dumps(part[2])}}
             for number, part in enumerate(parts) if part[0] == "call"]
    read, wrote = usage(parts)
    told = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
    base = {"id": "chatcmpl-up", "created": 1, "model": body["model"]}
    finish = "tool_calls" if calls else "stop"
    if not body.get("stream"):
        message = {"role": "assistant", "content": text, "refusal": None, **({"tool_calls": calls} if calls else {})}
        return handler.send(200, {**base, "object": "chat.completion", "usage": told,
                                  "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}]})
    handler.start_events()
    def chunk(delta, reason=None):
        handler.event({**base, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}]})
    chunk({"role": "assistant", "content": ""})
    for piece in pieces(text):
        chunk({"content": piece})
    if ("cut",) in parts:
        return handler.cut()
    for at, call in enumerate(calls):
        chunk({"tool_calls": [{**call, "index": at, "function": {"name": call["function"]["name"], "arguments": ""}}]})
        for piece in pieces(call["function"]["arguments"]):
            chunk({"tool_calls": [{"index": at, "function": {"arguments": piece}}]})
    chunk({}, finish)
    if (body.get("stream_options") or {}).get("include_usage"):
        handler.event({**base, "object": "chat.completion.chunk", "choices": [], "usage": told})
    handler.event("[DONE]")
    handler.end_events()


def responses(handler, body):
    given = body["input"] if isinstance(body["input"], list) else [{"role": "user", "content": body["input"]}]
    if body.get("previous_response_id") not in (None, "resp_up"):
        raise Refused(400, "previous response not found")
    for item in given:
        if item.get("type") == "reasoning" and item.get("encrypted_content") not in (None, SIGNATURE):
            raise Refused(400, "encrypted content could not be verified")
    said = "\n".join(texts(item.get("content")) for item in given if item.get("role") == "user")
    parts = script(said, any(item.get("type") == "function_call_output" for item in given))
    output = []
    for number, part in enumerate(parts):
        if part[0] == "text":
            content = {"type": "output_text", "text": part[1], "annotations": [], "logprobs": []}
            output.append({"id": f"msg_{number}", "type": "message", "status": "completed", "role": "assistant", "content": [content]})
        elif part[0] == "thought":
            item = {"id": f"rs_{number}", "type": "reasoning", "summary": [{"type": "summary_text", "text": part[1]}]}
            if "reasoning.encrypted_content" in (body.get("include") or []):
                item["encrypted_content"] = SIGNATURE
            output.append(item)
        elif part[0] == "call":
            output.append({"id": f"fc_{number}", "type": "function_call", "status": "completed", "call_id": f"call_{number}",
                           "name": part[1], "arguments": json.dumps(part[2])})
    read, wrote = usage(output)
    told = {"input_tokens": read, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": wrote,
            "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": read + wrote}
    def response(status, items, used):
        return {"id": "resp_up", "object": "response", "created_at": 1, "status": status, "error": None, "incomplete_details": None,
                "model": body["model"], "output": items, "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "usage": used}
    if not body.get("stream"):
        return handler.send(200, response("completed", output, told))
    handler.start_events()
    number = iter(range(10_000))
    def event(kind, **data):
        handler.event({"type": kind, "sequence_number": next(number), **data}, kind)
    event("response.created", response=response("in_progress", [], None))
    for at, item in enumerate(output):
        place = {"item_id": item["id"], "output_index": at}
        if item["type"] == "message":
            event("response.output_item.added", output_index=at, item={**item, "status": "in_progress", "content": []})
            event("response.content_part.added", **place, content_index=0, part={**item["content"][0], "text": ""})
            for piece in pieces(item["content"][0]["text"]):
                event("response.output_text.delta", **place, content_index=0, delta=piece, logprobs=[])
            if ("cut",) in parts:
                return handler.cut()
            event("response.output_text.done", **place, content_index=0, text=item["content"][0]["text"], logprobs=[])
            event("response.content_part.done", **place, content_index=0, part=item["content"][0])
        elif item["type"] == "reasoning":
            event("response.output_item.added", output_index=at, item={**item, "summary": []})
            event("response.reasoning_summary_part.added", **place, summary_index=0, part={"type": "summary_text", "text": ""})
            for piece in pieces(item["summary"][0]["text"]):
                event("response.reasoning_summary_text.delta", **place, summary_index=0, delta=piece)
        else:
            event("response.output_item.added", output_index=at, item={**item, "status": "in_progress", "arguments": ""})
            for piece in pieces(item["arguments"]):
                event("response.function_call_arguments.delta", **place, delta=piece)
            event("response.function_call_arguments.done", **place, arguments=item["arguments"], name=item["name"])
        event("response.output_item.done", output_index=at, item=item)
    event("response.completed", response=response("completed", output, told))
    handler.end_events()


def count(handler, body):
    handler.send(200, {"input_tokens": 42})


def embeddings(handler, body):
    vector = [0.25, -0.5]
    if body.get("encoding_format") == "base64":
        vector = base64.b64encode(struct.pack("<2f", *vector)).decode()
    handler.send(200, {"object": "list", "model": body["model"], "data": [{"object": "embedding", "index": 0, "embedding": vector}],
                       "usage": {"prompt_tokens": 1, "total_tokens": 1}})


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        # Clients that leave are part of the play.
        if not isinstance(sys.exc_info()[1], (ConnectionError, ValueError)):
            super().handle_error(request, client_address)


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        sys.exit(0)

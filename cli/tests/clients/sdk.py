"""Scenarios of the official Python SDKs. Every client asks an endpoint of every protocol."""

import json
import os
import sys
import traceback

import anthropic
import openai

BASE, KEY = os.environ["BASE_URL"], os.environ["CALLER_KEY"]
A = anthropic.Anthropic(base_url=BASE, api_key=KEY, max_retries=0, timeout=30)
O = openai.OpenAI(base_url=BASE + "/v1", api_key=KEY, max_retries=0, timeout=30)
MODELS = ["to-messages", "to-chat", "to-responses", "to-openai"]
TEXT = "Grüße, 日本 👋 — line one\nline \"two\"."
THOUGHT = "Think first. 🤔"
CALLS = [("get_weather", {"city": "Oslo \"Ø\"\n"}), ("get_weather", {"city": "Paris"})]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
A_TOOLS = [{"name": "get_weather", "description": "Weather", "input_schema": SCHEMA}]
C_TOOLS = [{"type": "function", "function": {"name": "get_weather", "description": "Weather", "parameters": SCHEMA}}]
R_TOOLS = [{"type": "function", "name": "get_weather", "description": "Weather", "parameters": SCHEMA, "strict": False}]
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

SCENARIOS = []


def scenario(*models):
    def add(function):
        SCENARIOS.extend((function, model) for model in models or MODELS)
        return function
    return add


def same(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def said(message):
    return "".join(block.text for block in message.content if block.type == "text")


def user(text):
    return [{"role": "user", "content": text}]


def a_ask(model, text, **more):
    return dict(model=model, max_tokens=4000, messages=user(text), **more)


@scenario()
def messages_text(model):
    message = A.messages.create(**a_ask(model, "script:text", system="Be kind."))
    same(said(message), TEXT, "text")
    same(message.stop_reason, "end_turn", "stop reason")
    same(message.usage.input_tokens, 11, "input tokens")


@scenario()
def messages_stream(model):
    with A.messages.stream(**a_ask(model, "script:text")) as stream:
        message = stream.get_final_message()
    same(said(message), TEXT, "text")
    same((message.usage.input_tokens, message.usage.output_tokens > 1), (11, True), "usage")


def a_loop(model, stream):
    asked = user("script:tools")
    for turn in range(2):
        options = dict(model=model, max_tokens=4000, tools=A_TOOLS, messages=asked)
        if stream:
            with A.messages.stream(**options) as events:
                message = events.get_final_message()
        else:
            message = A.messages.create(**options)
        uses = [block for block in message.content if block.type == "tool_use"]
        same([(use.name, use.input) for use in uses], CALLS if turn == 0 else [], f"calls of turn {turn}")
        if turn == 0:
            same(message.stop_reason, "tool_use", "stop reason")
        asked.append({"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]})
        picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
        results = ["21 °C", [{"type": "text", "text": "a map"}, picture]]
        asked.append({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": use.id, "content": results[at], "is_error": at == 0} for at, use in enumerate(uses)]})
    same(said(message), "It is 21 °C.", "text")


@scenario()
def messages_tools(model):
    a_loop(model, False)


@scenario()
def messages_tools_stream(model):
    a_loop(model, True)


@scenario()
def messages_image(model):
    picture = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    content = [picture, {"type": "text", "text": "script:text"}]
    same(said(A.messages.create(model=model, max_tokens=50, messages=user(content))), TEXT, "text")


@scenario("to-messages", "to-responses")
def messages_thinking(model):
    options = a_ask(model, "script:thinking", thinking={"type": "enabled", "budget_tokens": 1024})
    with A.messages.stream(**options) as stream:
        message = stream.get_final_message()
    thoughts = [block for block in message.content if block.type == "thinking"]
    same([(thought.thinking, bool(thought.signature)) for thought in thoughts], [(THOUGHT, True)], "thinking")
    options["messages"] += [{"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]}, *user("script:text")]
    same(said(A.messages.create(**options)), TEXT, "text of the next turn")


def a_error(model, status):
    try:
        A.messages.create(**a_ask(model, f"script:error-{status}"))
    except anthropic.APIStatusError as error:
        return error
    raise AssertionError(f"no error for {status}")


@scenario()
def messages_errors(model):
    kinds = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error", 529: "overloaded_error"}
    for status, kind in kinds.items():
        error = a_error(model, status)
        same((error.status_code, error.body["error"]["type"]), (status, kind), "error")
        same(f"the script says {status}" in str(error), True, f"message of {status}")
        same(error.response.headers["retry-after"], "7", "retry-after")


@scenario()
def messages_cut(model):
    try:
        with A.messages.stream(**a_ask(model, "script:cut")) as stream:
            message = stream.get_final_message()
    except (anthropic.APIError, Exception) as error:
        same(isinstance(error, AssertionError), False, "error")
        return
    raise AssertionError(f"a cut stream looked complete: {message.stop_reason}")


@scenario()
def messages_count(model):
    counted = A.messages.with_raw_response.count_tokens(model=model, messages=user("Count this."))
    estimated = counted.headers.get("x-ctr-estimate") == "input_tokens"
    same(estimated, model != "to-messages", "estimated")
    same(counted.parse().input_tokens > 0, True, "a count")


def chat_text(completion):
    return completion.choices[0].message.content


@scenario()
def chat_plain(model):
    completion = O.chat.completions.create(model=model, messages=[{"role": "system", "content": "Be kind."}, *user("script:text")])
    same(chat_text(completion), TEXT, "text")
    same((completion.choices[0].finish_reason, completion.usage.prompt_tokens), ("stop", 11), "finish")


@scenario()
def chat_stream(model):
    for wants in (False, True):
        options = {"stream_options": {"include_usage": True}} if wants else {}
        text, usage = "", None
        for chunk in O.chat.completions.create(model=model, messages=user("script:text"), stream=True, **options):
            usage = chunk.usage or usage
            text += "".join(choice.delta.content or "" for choice in chunk.choices)
        same((text, usage is not None), (TEXT, wants), "text and usage")


def c_loop(model, stream):
    asked = user("script:tools")
    for turn in range(2):
        options = dict(model=model, messages=asked, tools=C_TOOLS)
        if stream:
            with O.chat.completions.stream(**options) as events:
                for _ in events:
                    pass
                completion = events.get_final_completion()
        else:
            completion = O.chat.completions.create(**options)
        message = completion.choices[0].message
        calls = message.tool_calls or []
        same([(call.function.name, json.loads(call.function.arguments)) for call in calls], CALLS if turn == 0 else [], f"calls of turn {turn}")
        asked.append({"role": "assistant", "content": message.content, "tool_calls": [
            {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}} for call in calls]})
        asked += [{"role": "tool", "tool_call_id": call.id, "content": "21 °C"} for call in calls]
    same(chat_text(completion), "It is 21 °C.", "text")


@scenario()
def chat_tools(model):
    c_loop(model, False)


@scenario()
def chat_tools_stream(model):
    c_loop(model, True)


@scenario()
def chat_image(model):
    content = [{"type": "text", "text": "script:text"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64," + PNG}}]
    same(chat_text(O.chat.completions.create(model=model, messages=user(content))), TEXT, "text")


@scenario()
def chat_errors(model):
    for status, kind in {400: openai.BadRequestError, 404: openai.NotFoundError, 429: openai.RateLimitError, 500: openai.InternalServerError}.items():
        try:
            O.chat.completions.create(model=model, messages=user(f"script:error-{status}"))
            raise AssertionError(f"no error for {status}")
        except kind as error:
            same(f"the script says {status}" in str(error), True, f"message of {status}")


@scenario()
def chat_cut(model):
    finish = None
    try:
        for chunk in O.chat.completions.create(model=model, messages=user("script:cut"), stream=True):
            finish = chunk.choices[0].finish_reason or finish
    except (openai.APIError, Exception) as error:
        same(isinstance(error, AssertionError), False, "error")
        return
    raise AssertionError(f"a cut stream looked complete: {finish}")


@scenario()
def responses_text(model):
    response = O.responses.create(model=model, instructions="Be kind.", input="script:text")
    same((response.output_text, response.status), (TEXT, "completed"), "text")
    same(response.usage.input_tokens, 11, "input tokens")


def r_loop(model, stream):
    items = user("script:tools")
    for turn in range(2):
        options = dict(model=model, input=items, tools=R_TOOLS, store=False)
        if stream:
            with O.responses.stream(**options) as events:
                for _ in events:
                    pass
                response = events.get_final_response()
        else:
            response = O.responses.create(**options)
        calls = [item for item in response.output if item.type == "function_call"]
        same([(call.name, json.loads(call.arguments)) for call in calls], CALLS if turn == 0 else [], f"calls of turn {turn}")
        items = items + [item.model_dump(exclude_none=True, exclude={"parsed_arguments"}) for item in response.output]
        items += [{"type": "function_call_output", "call_id": call.call_id, "output": "21 °C"} for call in calls]
    same(response.output_text, "It is 21 °C.", "text")


@scenario()
def responses_tools(model):
    r_loop(model, False)


@scenario()
def responses_tools_stream(model):
    r_loop(model, True)


@scenario("to-messages", "to-responses", "to-openai")
def responses_thinking(model):
    options = dict(model=model, store=False, include=["reasoning.encrypted_content"], reasoning={"effort": "low", "summary": "auto"})
    items = user("script:thinking")
    with O.responses.stream(input=items, **options) as events:
        kinds = [event.type for event in events]
        response = events.get_final_response()
    same("response.reasoning_summary_text.delta" in kinds, True, "a summary in events")
    items = items + [item.model_dump(exclude_none=True) for item in response.output] + user("script:text")
    same(O.responses.create(input=items, **options).output_text, TEXT, "text of the next turn")


@scenario()
def responses_stream_order(model):
    events = list(O.responses.create(model=model, input="script:text", stream=True))
    same((events[0].type, events[-1].type), ("response.created", "response.completed"), "first and last")
    numbers = [event.sequence_number for event in events]
    same(numbers, sorted(set(numbers)), "sequence numbers")


@scenario("to-responses", "to-openai")
def responses_go_on(model):
    first = O.responses.create(model=model, input="script:text")
    same(O.responses.create(model=model, input="script:text", previous_response_id=first.id).output_text, TEXT, "text")


@scenario()
def responses_cut(model):
    last = None
    try:
        for event in O.responses.create(model=model, input="script:cut", stream=True):
            last = event
    except openai.APIError:
        return
    same((last.type, last.response.error is not None), ("response.failed", True), "last event")


@scenario("to-openai", "to-responses")
def embeddings(model):
    vector = O.embeddings.create(model=model, input="x").data[0].embedding
    same(vector, [0.25, -0.5], "vector")


@scenario("failing-first", "unknown-model")
def fallback(model):
    same(said(A.messages.create(**a_ask(model, "script:text"))), TEXT, "text")
    same(chat_text(O.chat.completions.create(model=model, messages=user("script:text"))), TEXT, "text")


@scenario("to-messages")
def models(model):
    ids = {entry.id for entry in A.models.list(limit=2)}
    same(set(MODELS) <= ids and "failing-first" in ids, True, f"all of {ids}")
    same({entry.id for entry in O.models.list()}, ids, "the same ids")
    same((A.models.retrieve(model).id, O.models.retrieve(model).id), (model, model), "one model")
    try:
        A.models.retrieve("none")
        raise AssertionError("an unknown model was found")
    except anthropic.NotFoundError:
        pass


@scenario("to-messages")
def refused(model):
    for key in ("wrong",):
        client = anthropic.Anthropic(base_url=BASE, api_key=key, max_retries=0)
        try:
            client.messages.create(**a_ask(model, "script:text"))
            raise AssertionError("a wrong key was let in")
        except anthropic.AuthenticationError as error:
            same(error.body["error"]["type"], "authentication_error", "type")


def main():
    failed = 0
    for function, model in SCENARIOS:
        name = f"python  {function.__name__} {model}"
        try:
            function(model)
            print(f"PASS  {name}")
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {str(error)[:300]}")
            if os.environ.get("VERBOSE"):
                traceback.print_exc()
    print(f"python: {len(SCENARIOS) - failed} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


main()

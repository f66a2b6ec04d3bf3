"""Holds the mock server against the vendor's own Python client of Chat Completions.

Our back end and our mock server were written from the same page, so they could share a mistake. Here a client that
neither of them knows talks to the server, and the vendor's published types judge what it sends.

    openai_sdk.py PATH-TO-mock-messages      with the package `openai` installed
"""

import json
import sys
import urllib.request

import openai
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from support import KEY, MockServer, run, steps

PROGRAM = sys.argv[1]
MODEL = "gpt-4.1"
KOREAN = "안녕하세요 👩‍👩‍👧‍👦, مرحبا — done."
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
HELLO = [{"role": "user", "content": "hello"}]
COUNTED = {"stream_options": {"include_usage": True}}
FLAVOURS = ["ollama", "vllm", "llama-cpp", "lm-studio", "open-router", "litellm", "gemini", "from-one"]


def serve(*turns, options=(), **more):
    return MockServer(PROGRAM, steps(*turns, **more), options)


def client(server, **settings):
    settings = {"api_key": KEY, "max_retries": 0, "timeout": 60.0, **settings}
    return openai.OpenAI(base_url=f"{server.url}/v1", **settings)


def ask(server, messages=HELLO, settings=None, **request):
    completions = client(server, **(settings or {})).chat.completions
    return completions.create(model=MODEL, messages=messages, **request)


def streamed(server, messages=HELLO, **request):
    """The completion that the client made of the stream."""
    call = client(server).chat.completions.stream(model=MODEL, messages=messages, **COUNTED, **request)
    with call as stream:
        return stream.get_final_completion()


def post(server, body):
    """The bytes of an answer, without any client between."""
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
    address = f"{server.url}/v1/chat/completions"
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def expect(error, call, says=""):
    try:
        call()
    except error as raised:
        assert says in str(raised), f"{raised} does not say {says!r}"
        return raised
    raise AssertionError(f"no {error}")


def called(message):
    """A message of the model, as it goes back."""
    calls = [call.model_dump(include={"id", "type", "function"}) for call in message.tool_calls]
    for call in calls:
        call["function"] = {key: call["function"][key] for key in ("name", "arguments")}
    return {"role": "assistant", "content": message.content, "tool_calls": calls}


def result(call_id, text):
    return {"role": "tool", "tool_call_id": call_id, "content": text}


def a_message_arrives_whole():
    usage = {"input_tokens": 7, "output_tokens": 3, "cache_read_tokens": 5, "cache_write_tokens": 2}
    with serve({"text": KOREAN, "usage": usage}) as server:
        answer = ask(server)
    [choice] = answer.choices
    assert (choice.message.content, choice.finish_reason, answer.model) == (KOREAN, "stop", MODEL)
    counts = answer.usage
    assert (counts.prompt_tokens, counts.completion_tokens, counts.total_tokens) == (14, 3, 17)
    assert counts.prompt_tokens_details.cached_tokens == 5


def a_stream_gives_the_same_text_however_it_is_cut():
    for cut in [{}, {"chunk_chars": 1}, {"split_bytes": 1}, {"chunk_chars": 2, "split_bytes": 3}]:
        with serve({"text": KOREAN, **cut}) as server:
            answer = streamed(server)
        assert answer.choices[0].message.content == KOREAN, cut
        assert (answer.choices[0].finish_reason, answer.usage.total_tokens) == ("stop", 120), cut


def tools_are_called_and_answered():
    call = {"name": "weather", "input": {"city": "서울"}}
    first = {"text": "Looking.", "tool_calls": [call, {**call, "input": {}}], "chunk_chars": 1}
    second = {"text": "Sunny.", "expect": {"tool_result_contains": "맑음"}}
    with serve(first, second) as server:
        asked = streamed(server, tools=[WEATHER], parallel_tool_calls=True).choices[0]
        assert (asked.finish_reason, asked.message.content) == ("tool_calls", "Looking.")
        one, two = asked.message.tool_calls
        assert json.loads(one.function.arguments) == {"city": "서울"}
        assert (one.function.name, two.function.arguments) == ("weather", "{}")
        answer = [*HELLO, called(asked.message), result(two.id, "which city?"), result(one.id, "맑음")]
        told = streamed(server, answer, tools=[WEATHER])
    assert told.choices[0].message.content == "Sunny."


def every_answer_fits_the_vendors_types():
    turn = {"text": KOREAN, "tool_calls": [{"name": "weather", "input": {"city": "x"}}], "chunk_chars": 3}
    body = {"model": MODEL, "messages": HELLO, "tools": [WEATHER]}
    with serve(turn, turn) as server:
        whole = post(server, body)
        events = post(server, {**body, "stream": True, **COUNTED})
    ChatCompletion.model_validate_json(whole, strict=True)
    frames = events.strip().split("\n\n")
    assert frames.pop() == "data: [DONE]"
    chunks = [ChatCompletionChunk.model_validate_json(frame.removeprefix("data: "), strict=True) for frame in frames]
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert (chunks[-1].choices, chunks[-2].choices[0].finish_reason) == ([], "tool_calls")


def the_client_reads_what_other_servers_say():
    turn = {"text": KOREAN, "tool_calls": [{"name": "weather", "input": {"city": "x"}}]}
    for flavour in FLAVOURS:
        with serve(turn, options=["--flavour", flavour, "--no-key"]) as server:
            chunks = list(ask(server, tools=[WEATHER], stream=True, **COUNTED))
        deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
        assert "".join(delta.content or "" for delta in deltas) == KOREAN, flavour
        calls = [call for delta in deltas for call in delta.tool_calls or []]
        names = [call.function.name for call in calls if call.function.name]
        assert names and set(names) == {"weather"}, flavour
        assert any(chunk.usage for chunk in chunks), flavour


def errors_have_the_vendors_classes():
    cases = [
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (409, openai.ConflictError),
        (429, openai.RateLimitError),
        (500, openai.InternalServerError),
        (503, openai.InternalServerError),
    ]
    for status, error in cases:
        with serve({"fault": {"kind": "http", "status": status, "message": "scripted"}}) as server:
            raised = expect(error, lambda: ask(server), "scripted")
        assert raised.status_code == status and raised.request_id, raised
        assert raised.body["message"] == "scripted", raised.body


def the_key_is_looked_at():
    with serve({"text": "x"}) as server:
        raised = expect(openai.AuthenticationError, lambda: ask(server, settings={"api_key": "another"}))
    assert raised.code == "invalid_api_key", raised


def the_client_tries_again_where_the_service_is_busy():
    busy = {"kind": "http", "status": 503}
    late = {"kind": "http", "status": 429, "retry_after": 0.1}
    with serve({"fault": busy}, {"fault": late}, {"text": "There."}) as server:
        answer = ask(server, settings={"max_retries": 2})
    assert answer.choices[0].message.content == "There."


def broken_streams_are_errors_and_not_short_answers():
    network = (openai.APIError, OSError, ValueError, *transport_errors())
    for fault in [{"kind": "cut", "after_events": 3}, {"kind": "reset", "after_events": 3}]:
        with serve({"text": "a long answer", "chunk_chars": 1, "fault": fault}) as server:
            expect(network, lambda: streamed(server))
    with serve({"text": "x", "fault": {"kind": "stall", "after_events": 2}}) as server:
        slow = client(server, timeout=1.0).chat.completions
        expect(network, lambda: list(slow.create(model=MODEL, messages=HELLO, stream=True)))


def transport_errors():
    """The errors of the HTTP library below the client, whichever major version it has."""
    for name in ("httpx", "httpx2"):
        try:
            yield __import__(name).TransportError
        except ImportError:
            continue


def requests_that_the_service_refuses_are_refused():
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    asked = {"role": "assistant", "content": None, "tool_calls": [call]}
    refused = {
        "did not have response messages: c1": {"messages": [*HELLO, asked, {"role": "user", "content": "go"}]},
        "must be a response to a preceeding message": {"messages": [*HELLO, result("c9", "x")]},
        "empty array": {"messages": [*HELLO, {**asked, "tool_calls": []}]},
        "expected a string, got null": {"messages": [*HELLO, {"role": "assistant", "content": None}]},
        "only allowed when 'stream' is enabled": COUNTED,
        "only allowed when 'tools' are specified": {"parallel_tool_calls": True},
        "Unknown parameter: 'thinking'": {"extra_body": {"thinking": {"type": "enabled"}}},
        "pattern": {"tools": [{"type": "function", "function": {"name": "날씨"}}]},
    }
    for says, request in refused.items():
        with serve({"text": "should not be said"}) as server:
            raised = expect(openai.BadRequestError, lambda: ask(server, **request), says)
            assert raised.type == "invalid_request_error", raised


def models_are_listed():
    with serve({"text": "x"}) as server:
        models = [model.id for model in client(server).models.list()]
    assert MODEL in models, models


print(f"openai {openai.__version__}")
run(
    [
        a_message_arrives_whole,
        a_stream_gives_the_same_text_however_it_is_cut,
        tools_are_called_and_answered,
        every_answer_fits_the_vendors_types,
        the_client_reads_what_other_servers_say,
        errors_have_the_vendors_classes,
        the_key_is_looked_at,
        the_client_tries_again_where_the_service_is_busy,
        broken_streams_are_errors_and_not_short_answers,
        requests_that_the_service_refuses_are_refused,
        models_are_listed,
    ]
)

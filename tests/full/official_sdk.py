"""Holds the mock server against the vendor's own Python client.

Our back end and our mock server were written from the same page, so they could share a mistake. Here a client that
neither of them knows talks to the server, and the vendor's published types judge what it sends.

    official_sdk.py PATH-TO-mock-messages      with the package `anthropic` installed
"""

import json
import sys
import urllib.request

import anthropic
from anthropic.types import Message, RawMessageStreamEvent
from pydantic import ConfigDict, TypeAdapter

from support import KEY, MockServer, run, steps

PROGRAM = sys.argv[1]
MODEL = "claude-sonnet-5-5"
KOREAN = "안녕하세요 👩‍👩‍👧‍👦, مرحبا — done."
WEATHER = {
    "name": "weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
HELLO = [{"role": "user", "content": "hello"}]


def serve(*turns, **more):
    return MockServer(PROGRAM, steps(*turns, **more))


def client(server, **settings):
    settings = {"api_key": KEY, "max_retries": 0, "timeout": 60.0, **settings}
    return anthropic.Anthropic(base_url=server.url, **settings)


def ask(server, messages=HELLO, settings=None, **request):
    return client(server, **(settings or {})).messages.create(
        model=MODEL, max_tokens=2048, messages=messages, **request
    )


def streamed(server, messages=HELLO, **request):
    """The texts as they came, and the message that the client made of the stream."""
    call = client(server).messages.stream(model=MODEL, max_tokens=2048, messages=messages, **request)
    with call as stream:
        return list(stream.text_stream), stream.get_final_message()


def post(server, body):
    """The bytes of an answer, without any client between."""
    headers = {"x-api-key": KEY, "anthropic-version": "2023-06-01", "content-type": "application/json"}
    request = urllib.request.Request(f"{server.url}/v1/messages", json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read().decode()


def expect(error, call, says=""):
    try:
        call()
    except error as raised:
        assert says in str(raised), f"{raised} does not say {says!r}"
        return raised
    raise AssertionError(f"no {error.__name__}")


def result(call_id, text, **more):
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call_id, "content": text, **more}]}


def a_message_arrives_whole():
    usage = {"input_tokens": 7, "output_tokens": 3, "cache_read_tokens": 5, "cache_write_tokens": 2}
    with serve({"text": KOREAN, "usage": usage}) as server:
        message = ask(server)
    assert [block.text for block in message.content] == [KOREAN]
    assert (message.stop_reason, message.model, message.role) == ("end_turn", MODEL, "assistant")
    counts = message.usage
    assert (counts.input_tokens, counts.output_tokens) == (7, 3)
    assert (counts.cache_read_input_tokens, counts.cache_creation_input_tokens) == (5, 2)


def a_stream_gives_the_same_text_however_it_is_cut():
    for cut in [{}, {"chunk_chars": 1}, {"split_bytes": 1}, {"chunk_chars": 2, "split_bytes": 3}]:
        with serve({"text": KOREAN, **cut}) as server:
            texts, message = streamed(server)
        assert "".join(texts) == KOREAN, cut
        assert [block.text for block in message.content] == [KOREAN], cut
        assert message.stop_reason == "end_turn"


def tools_are_called_and_answered():
    call = {"name": "weather", "input": {"city": "서울"}}
    first = {"text": "Looking.", "tool_calls": [call, {**call, "input": {}}], "chunk_chars": 1}
    second = {"text": "Sunny.", "expect": {"tool_result_contains": "맑음"}}
    with serve(first, second) as server:
        _, asked = streamed(server, tools=[WEATHER])
        assert asked.stop_reason == "tool_use"
        text, one, two = asked.content
        assert (text.text, one.name, one.input, two.input) == ("Looking.", "weather", {"city": "서울"}, {})
        results = result(one.id, "맑음")
        results["content"] += result(two.id, "which city?", is_error=True)["content"]
        answer = [*HELLO, {"role": "assistant", "content": asked.content}, results]
        _, told = streamed(server, answer, tools=[WEATHER])
    assert told.content[0].text == "Sunny."


def the_clients_own_loop_over_tools_comes_to_an_end():
    seen = []

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather of a city."""
        seen.append(city)
        return f"{city}: 맑음"

    first = {"tool_calls": [{"name": "weather", "input": {"city": "부산"}}]}
    second = {"text": "Sunny.", "expect": {"tool_result_contains": "부산: 맑음"}}
    with serve(first, second) as server:
        # Conversations that the service holds are a beta that neither our back end nor the mock server speaks.
        runner = client(server).beta.messages.tool_runner(
            model=MODEL, max_tokens=2048, messages=HELLO, tools=[weather], thread=False
        )
        last = runner.until_done()
    assert (seen, last.content[0].text) == (["부산"], "Sunny.")


def a_thought_comes_back_with_its_signature_and_unchanged():
    turn = {"thinking": "생각 중", "tool_calls": [{"name": "weather", "input": {"city": "x"}}]}
    request = {"tools": [WEATHER], "thinking": {"type": "adaptive"}}
    with serve(turn, {"text": "Fine."}) as server:
        _, message = streamed(server, **request)
        thought, call = message.content
        assert (thought.type, thought.thinking) == ("thinking", "생각 중") and thought.signature
        back = [*HELLO, {"role": "assistant", "content": message.content}, result(call.id, "sunny")]
        edited = [{**thought.model_dump(), "thinking": "other"}, call]
        forged = [HELLO[0], {"role": "assistant", "content": edited}, back[2]]
        expect(anthropic.BadRequestError, lambda: ask(server, forged, **request), "signature")
        assert ask(server, back, **request).content[0].text == "Fine."


def every_answer_fits_the_vendors_types():
    turn = {"thinking": "hm", "text": KOREAN, "tool_calls": [{"name": "weather", "input": {"city": "x"}}]}
    body = {"model": MODEL, "max_tokens": 64, "messages": HELLO, "tools": [WEATHER]}
    with serve(turn, turn) as server:
        whole = post(server, body)
        events = post(server, {**body, "stream": True})
    Message.model_validate_json(whole, strict=True)
    event_type = TypeAdapter(RawMessageStreamEvent, config=ConfigDict(strict=True))
    names = []
    for frame in events.strip().split("\n\n"):
        name, data = (line.split(": ", 1)[1] for line in frame.split("\n"))
        if name != "ping":
            assert event_type.validate_json(data).type == name
            names.append(name)
    assert (names[0], names[-2:]) == ("message_start", ["message_delta", "message_stop"])


def errors_have_the_vendors_classes():
    cases = [
        (401, anthropic.AuthenticationError),
        (403, anthropic.PermissionDeniedError),
        (404, anthropic.NotFoundError),
        (409, anthropic.ConflictError),
        (413, anthropic.APIStatusError),
        (429, anthropic.RateLimitError),
        (500, anthropic.InternalServerError),
        (529, anthropic.APIStatusError),
    ]
    for status, error in cases:
        fault = {"kind": "http", "status": status, "message": "scripted"}
        with serve({"fault": fault}) as server:
            raised = expect(error, lambda: ask(server), "scripted")
        assert raised.status_code == status and raised.request_id, raised
        assert raised.body["error"]["message"] == "scripted", raised.body


def the_key_is_looked_at():
    with serve({"text": "x"}) as server:
        wrong = {"api_key": "another"}
        expect(anthropic.AuthenticationError, lambda: ask(server, settings=wrong), "Invalid bearer token")


def the_client_tries_again_where_the_service_is_busy():
    busy = {"kind": "http", "status": 529}
    late = {"kind": "http", "status": 429, "retry_after": 0.1}
    with serve({"fault": busy}, {"fault": late}, {"text": "There."}) as server:
        message = ask(server, settings={"max_retries": 2})
    assert message.content[0].text == "There."


def broken_streams_are_errors_and_not_short_answers():
    broken = (anthropic.APIError, anthropic.APIConnectionError, OSError, ValueError)
    network = broken + tuple(kind for kind in transport_errors())
    for fault in [{"kind": "cut", "after_events": 3}, {"kind": "malformed"}]:
        with serve({"text": "a long answer", "chunk_chars": 1, "fault": fault}) as server:
            expect(network, lambda: streamed(server))
    with serve({"text": "x", "fault": {"kind": "stall", "after_events": 2}}) as server:
        slow = client(server, timeout=1.0).messages
        call = slow.stream(model=MODEL, max_tokens=9, messages=HELLO)

        def read():
            with call as stream:
                stream.get_final_message()

        expect(network, read)


def transport_errors():
    """The errors of the HTTP library below the client, whichever major version it has."""
    for name in ("httpx", "httpx2"):
        try:
            yield __import__(name).TransportError
        except ImportError:
            continue


def requests_that_the_service_refuses_are_refused():
    call = {"type": "tool_use", "id": "t1", "name": "weather", "input": {}}
    called = {"role": "assistant", "content": [call]}
    refused = {
        "without `tool_result`": {"messages": [*HELLO, called, {"role": "user", "content": "go on"}]},
        "tool_use_id": {"messages": [*HELLO, result("t9", "x")]},
        "prefill": {"messages": [*HELLO, {"role": "assistant", "content": "Well,"}]},
        "non-whitespace": {"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]},
        "unique": {"tools": [WEATHER, WEATHER]},
        "input_schema": {"tools": [{"name": "x", "input_schema": {"type": "array"}}]},
        "budget_tokens": {"thinking": {"type": "enabled", "budget_tokens": 100}},
    }
    for says, request in refused.items():
        with serve({"text": "should not be said"}) as server:
            expect(anthropic.BadRequestError, lambda: ask(server, **request), says)


def tokens_are_counted_and_models_listed():
    with serve({"text": "x"}) as server:
        tokens = client(server).messages.count_tokens(model=MODEL, messages=HELLO).input_tokens
        models = [model.id for model in client(server).models.list()]
    assert tokens > 0 and MODEL in models, (tokens, models)


print(f"anthropic {anthropic.__version__}")
run(
    [
        a_message_arrives_whole,
        a_stream_gives_the_same_text_however_it_is_cut,
        tools_are_called_and_answered,
        the_clients_own_loop_over_tools_comes_to_an_end,
        a_thought_comes_back_with_its_signature_and_unchanged,
        every_answer_fits_the_vendors_types,
        errors_have_the_vendors_classes,
        the_key_is_looked_at,
        the_client_tries_again_where_the_service_is_busy,
        broken_streams_are_errors_and_not_short_answers,
        requests_that_the_service_refuses_are_refused,
        tokens_are_counted_and_models_listed,
    ]
)

"""Answers to foreign pages, large bodies and slow clients."""

from __future__ import annotations

import http.client
import json
import socket
import time
from typing import Any

import pytest

from tests.helpers.served_models import Served

pytestmark = pytest.mark.slow
BODY = json.dumps({"model": "bytes", "prompt": "the", "max_tokens": 2, "seed": 1})
JSON = {"Content-Type": "application/json"}


def ask(
    server: Served, body: str | bytes = BODY, path: str = "/v1/completions", method: str = "POST", **headers: str
) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, body, JSON | named)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content) if content[:1] == b"{" else {}


FOREIGN: dict[str, dict[str, str]] = {
    "DNS rebinding": {"Host": "evil.example"},
    "rebinding with a port": {"Host": "evil.example:8000"},
    "a name that begins as ours": {"Host": "127.0.0.1.evil.example"},
    "no host": {"Host": ""},
    "another origin": {"Origin": "https://evil.example"},
    "another port of this machine": {"Origin": "http://127.0.0.1:1"},
    "a sandboxed frame": {"Origin": "null"},
    "another site": {"Sec_Fetch_Site": "cross-site"},
}


@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_request_is_refused(server: Served, name: str) -> None:
    status, answer = ask(server, **FOREIGN[name])
    assert (status, answer["error"]["type"]) == (403, "permission_error")


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "[::1]:{port}", "LOCALHOST"])
def test_own_names_are_taken(server: Served, host: str) -> None:
    own = host.format(port=server.port)
    assert ask(server, Host=own, Origin=f"http://{own}")[0] == 200


def test_form_of_html_is_refused(server: Served) -> None:
    for kind in ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"):
        assert ask(server, Content_Type=kind)[0] == 415


def test_large_and_nested_and_damaged_bodies_are_refused(server: Served) -> None:
    assert ask(server, Content_Length=str(2 << 20))[0] == 413
    for body in ("[" * 100_000, '{"a":' * 50_000, "{", "[]", '"x"', "\x00", b"\xff\xfe", '{"model": NaN}', "", "null"):
        status, answer = ask(server, body)
        assert status == 400, body[:20]
        assert answer["error"]["message"]
    assert ask(server, path="/v1/models/" + "a" * 60_000, method="GET")[0] in (400, 404, 414, 431)


@pytest.mark.parametrize("name", ["../bytes", "/etc/passwd", "bytes/../bytes", "%2e%2e/bytes", "<script>", "\x1b[31m"])
def test_name_of_a_model_is_no_path(server: Served, name: str) -> None:
    status, answer = ask(server, json.dumps({"model": name, "prompt": "x"}))
    assert (status, answer["error"]["code"]) == (404, "model_not_found")
    assert "\x1b" not in answer["error"]["message"]


def test_unknown_paths_and_methods_have_errors_in_openais_form(server: Served) -> None:
    assert ask(server, path="/v1/nothing")[1]["error"]["type"] == "not_found_error"
    assert ask(server, method="GET", path="/v1/completions")[0] == 405
    assert ask(server, method="GET", path="/docs")[0] == 404


def test_answers_allow_no_other_site(server: Served) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/v1/models", headers={"Origin": "https://evil.example"})
    headers = dict(connection.getresponse().getheaders())
    connection.close()
    assert not [name for name in headers if name.lower().startswith("access-control")]
    assert headers["x-content-type-options"] == "nosniff"


def test_client_that_goes_stops_its_generation(server: Served) -> None:
    """And one that sends half a request takes nothing from others."""
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        half.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Le")
        body = json.dumps({"model": "bytes", "prompt": "the", "max_tokens": 60, "n": 16, "stream": True}).encode()
        head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        with socket.create_connection(("127.0.0.1", server.port)) as gone:
            gone.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            assert gone.recv(20).startswith(b"HTTP/1.1 200")
        assert ask(server)[0] == 200
    until = time.monotonic() + 20
    while (texts := metrics(server))["pretrace_texts_running"] and time.monotonic() < until:
        time.sleep(0.1)  # the answer is sent before its text has left the batch
    assert texts["pretrace_texts_running"] == texts["pretrace_texts_waiting"] == 0


def metrics(server: Served) -> dict[str, float]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    return {line.split()[0]: float(line.split()[1]) for line in lines if not line.startswith("#")}

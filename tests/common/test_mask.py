"""Secrets are found in every form in which they are written, and ordinary texts have none."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.common.mask import has_secret, mask_secrets
from pretrace.settings import load_settings
from tests.helpers import REPOSITORY
from tests.helpers.plain_yaml import read_yaml, write_yaml

SECRET = "Hunter2" + "Planted"
ALNUM = string.ascii_letters + string.digits
# In halves, as hosts of repositories look for keys, too.
KEYS = [
    "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ASIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    "gho_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    "github_pat_" + "11ABCDEFG0aBcDeFgHiJkL_MnOpQrStUvWxYz0123456789abcdefghijklmno",
    "glpat-" + "aBcDeFgHiJkLmNoPqRsT",
    "sk-" + "aBcDeFgHiJkLmNoPqRsTT3BlbkFJaBcDeFgHiJkLmNoPqRsT",
    "sk-proj-" + "aBc_DeF-gHiJkLmNoPqRsTuVwXyZ0123456789",
    "sk-ant-" + "api03-aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-AA",
    "xoxb-" + "1234567890-1234567890123-aBcDeFgHiJkLmNoPqRsTuVwX",
    "xapp-" + "1-A0123456789-1234567890123-abcdef0123456789",
    "AIza" + "SyA-aBcDeFgHiJkLmNoPqRsTuVwXyZ01234",
    "ya29." + "a0AfH6SMBaBcDeFgHiJkLmNoPqRsTuVwXyZ",
    "GOCSPX-" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ01",
    "sk_live_" + "aBcDeFgHiJkLmNoPqRsTuVwX",
    "npm_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789",
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0NTY3ODkwIn0.SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c",
]
PLAIN_NAMES = "token access_token accessToken api_key apiKey key secret client_secret password passwd pwd pass sig"
AMAZON = "X-Amz-Signature X-Amz-Credential X-Amz-Security-Token AWSAccessKeyId"
NAMES = tuple(f"{PLAIN_NAMES} {AMAZON} signature credential auth jwt passphrase AccountKey".split())
BEFORE = ["https://example.org/a?x=1&", "https://example.org/a?", "https://example.org/a#", "s3://b/k;", "?"]
IN_WORDS = ["password", "passwd", "pwd", "api_key", "access-token", "client_secret", "DB_PASSWORD"]
AROUND = ["{}", "use {}, please", "'{}'", "({})", "s3://bucket/{}/a.txt", "x={}", "a\n{}\n"]
SCHEMES = ["https", "s3", "ftp", "postgresql+psycopg2", "redis", "HTTPS"]
ORDINARY = [
    "s3://bucket/key",
    "s3://bucket/books/part-*.jsonl.gz",
    "gs://bucket/a@b.txt",
    "hf://datasets/owner/name@main/a.parquet",
    "/home/a@b/data/train.csv",
    "data/**/*.txt",
    "sqlite:////a/b@c/mlflow.db",
    "file:///C:/a@b",
    "http://127.0.0.1:5000/#/experiments",
    "http://127.0.0.1:9000/a@b",
    "http://[::1]:9000/a@b",
    "http://localhost:9000/a@b",
    "http://minio:9000/bucket/books",
    "https://example.org:8443/a?page=3&lang=en#part=2;x=1",
    "https://example.org/?keywords=a&tokenizer=bpe&max_tokens=40&author=me&design=1&keyboard=us",
    "https://huggingface.co/openai-community/openai-gpt",
    "openai-community/openai-gpt",
    "write to a@example.org",
    "see https://example.org: the page of a@example.org",
    "finds the token that is the key to a password, a secret",
    "tokens=40, token=5, key=3: keyword arguments",
    "Basic knowledge; bearer of news",
    "Basic internationalizationist",
    "sk-learn-like-classification-of-tasks-with-many-rows",
    "hf_transfer, hf_hub_download, HF_HUB_OFFLINE=1",
    "the author's passage, passed and passing=1",
    "100 % of the rows, 50%25 and %41",
    "0123456789abcdef0123456789abcdef01234567",
    "d41d8cd98f00b204e9800998ecf8427e.dir",
    "monday: 3, a;b;c, x#y, what?",
    "*** and https://***@example.org/?token=***",
]


def encoded(text: str, which: set[int], times: int) -> str:
    """Percent-encode the letters at some places, several times over."""
    parts = [f"%{ord(letter):02X}" if place in which else letter for place, letter in enumerate(text)]
    for _ in range(times - 1):
        parts = [part.replace("%", "%25") if len(part) > 1 else part for part in parts]
    return "".join(parts)


def gone(secret: str, text: str) -> bool:
    """Return True if the secret is found, and neither an error nor a masked text has it any more."""
    masked = mask_secrets(text)
    said = str(PretraceError(f"cannot read {text}: ClientError('{text}')"))
    assert mask_secrets(masked) == masked and not has_secret(masked)
    return has_secret(text) and secret not in masked and secret not in said


users = st.text(ALNUM + "._-+~%!$", max_size=12)
passwords = st.text(ALNUM + "/:?#[]@!$&()*+,;=-._~%", min_size=1, max_size=30).map(lambda text: SECRET + text)
hosts = st.sampled_from(["host", "example.org", "db.example.org:5432", "10.0.0.1"])
tails = st.sampled_from(["", "/", "/a/b.txt", "/a?page=3", "#top"])


@given(st.sampled_from(SCHEMES), users, st.text(string.digits + "/", max_size=6), passwords, hosts, tails)
@example("https", "user", "123/", SECRET + "abc", "host", "")
@example("https", "first.last", "80/", SECRET, "example.org", "/x")
def test_password_before_a_host_is_found(
    scheme: str, user: str, digits: str, password: str, host: str, tail: str
) -> None:
    assert gone(SECRET, f"{scheme}://{user}:{digits}{password}@{host}{tail}")


@pytest.mark.parametrize("password", ["a'b", 'a"b', "'", "a<b>", "a'/b"])
def test_quotes_in_a_password_do_not_end_it(password: str) -> None:
    for url in (f"https://me:{password}{SECRET}@host", f"https://me:{SECRET}{password}@host"):
        assert has_secret(url) and SECRET not in mask_secrets(f"cannot read {url}")


@given(st.sampled_from(SCHEMES), st.text(ALNUM + "._-+~%!$&;=,", max_size=20), hosts, tails)
def test_token_before_a_host_is_found(scheme: str, token: str, host: str, tail: str) -> None:
    assert gone(SECRET, f"{scheme}://{SECRET}{token}@{host}{tail}")


@given(
    st.sampled_from(
        ["https://example.org/a?x=1&", "https://example.org/a?", "https://example.org/a#", "s3://b/k;", "?"]
    ),
    st.sampled_from(NAMES),
    st.text(ALNUM + "/+=.-_~%!$*;:@?#,", max_size=30),
    st.sampled_from(["", "&page=3"]),
)
@example("https://example.org/#", "access_token", "", "")
@example("https://example.org/a;", "token", "", "")
def test_secret_parameter_is_found(before: str, name: str, value: str, after: str) -> None:
    for written in (name, name.upper(), f"my_{name}", f"my-{name}"):
        assert gone(SECRET, f"{before}{written}={SECRET}{value}{after}")


@given(st.sampled_from(NAMES), st.sets(st.integers(0, 30)), st.integers(1, 3), st.sampled_from("?&#;"), st.booleans())
def test_percent_encoded_name_is_found(name: str, which: set[int], times: int, separator: str, whole: bool) -> None:
    written = encoded(name, which, times)
    start = quote(f"{separator}", safe="") if whole else separator
    equals = "%3D" if whole else "="
    assert gone(SECRET, f"https://example.org/a{start}{written}{equals}{SECRET}")


@pytest.mark.parametrize("times", [1, 2, 3])
def test_percent_encoded_url_is_found(times: int) -> None:
    url = f"https://user:{SECRET}@example.org/"
    for _ in range(times):
        url = quote(url, safe="")
    assert gone(SECRET, f"https://example.org/?next={url}")


@pytest.mark.parametrize(
    "name", ["password", "passwd", "pwd", "api_key", "access-token", "client_secret", "DB_PASSWORD"]
)
def test_password_of_a_connection_string_is_found(name: str) -> None:
    for text in (f"host=db user=me {name}={SECRET}", f"{name}={SECRET}", f"Server=db;Uid=me;{name}={SECRET}"):
        assert gone(SECRET, text)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key[:6])
def test_key_alone_is_found_in_any_text(key: str) -> None:
    for text in (
        key,
        f"use {key}, please",
        f"'{key}'",
        f"({key})",
        f"s3://bucket/{key}/a.txt",
        f"x={key}",
        f"a\n{key}\n",
    ):
        assert gone(key, text), text
    at = len(key) // 2
    assert gone(key[at:], f"%{ord(key[0]):02x}{key[1:]}")
    assert gone(key[at:], f"{key[:3]}%{ord(key[3]):02x}{key[4:]}")


def test_private_key_and_headers_are_found() -> None:
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    assert gone(body, f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----")
    assert gone(body, f"Authorization: Bearer {body}9") and gone(body, f"Basic {body}0==")


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_has_none(text: str) -> None:
    assert mask_secrets(text) == text and not has_secret(text)


@given(st.text("abcdefghij /._-:,()'\"0123456789%", max_size=200))
def test_text_without_a_url_or_an_equals_sign_has_none(text: str) -> None:
    if "://" not in text:
        assert mask_secrets(text) == text


def test_files_of_the_repository_have_none() -> None:
    names = ("params.yaml", "dvc.yaml", "dvc.lock", "README.md", "scales/*.yaml", "reports/**/*.json")
    for path in (path for name in names for path in REPOSITORY.glob(name)):
        assert not has_secret(path.read_text(encoding="utf-8")), path


def test_long_texts_end() -> None:
    """Every character may begin a URL, a name or a key; tried from each to the end, these would take hours."""
    for piece in ("a://", "a://b:", "?", "?key", "@a://", "sk-", "eyJa.", "%25", "'a://b:c"):
        text = piece * (100_000 // len(piece))
        assert len(mask_secrets(text)) <= len(text) * 2


@pytest.mark.parametrize(
    "text", [KEYS[0], f"see https://user:123/{SECRET}@host", f"https://host/#access_token={SECRET}"]
)
@pytest.mark.parametrize("key", ["corpus.path", "tasks.source.because"])
def test_settings_with_a_secret_are_refused(project: Path, key: str, text: str) -> None:
    values = read_yaml(project / "params.yaml")
    *above, last = key.split(".")
    inner = values
    for part in above:
        inner = inner[part]
    inner[last] = text
    write_yaml(project / "params.yaml", values)
    with pytest.raises(
        PretraceError, match=rf"params.yaml: {key}: a (URL|text) with a password or key in it"
    ) as caught:
        load_settings(project)
    assert SECRET not in str(caught.value) and KEYS[0] not in str(caught.value)


def test_wrong_argument_is_printed_without_its_secret(capsys: Any) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["generate", f"--tokens=https://me:{SECRET}@host"])
    said = capsys.readouterr().err
    assert "https://***@host" in said and SECRET not in said

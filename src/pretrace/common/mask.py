"""Find passwords and keys in a text, and mask them: in URLs, in `name=value`, and keys alone by their published forms.

A URL's own port cannot be told from a password that begins with digits (`https://user:123/abc@host`), so what looks
like either is masked; the exceptions are `localhost` and addresses. Percent-encoded letters and separators count as
plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MASK = "***"
SCHEME = re.compile(r"(?<![a-z0-9])[a-z][a-z0-9+.-]{0,30}://", re.IGNORECASE)
OWN_PORT = re.compile(r"(localhost|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|\[[0-9a-f:.%]+\]):[0-9]{1,5}(?=[/?#])", re.IGNORECASE)
USER = re.compile(r"[^/?#@:]*")
ENDS = {start: re.compile(rf"\s|{end}(?=[\s,;:.)}}\]]|$)|$") for start, end in {"'": "'", '"': '"', "<": ">"}.items()}
"""Ends of a URL that stands in quotes; any other goes on to the next space, as a password may have quotes."""
END = re.compile(r"\s|$")
NAME = re.compile(r"(?P<before>[?&#;]|(?<![^\s,'\"(\[{]))(?P<name>[^=?&#;\s,'\"(\[{]{1,100})=")
"""The name of a parameter of a URL (after `?`, `&`, `#` or `;`), or a name at the beginning of a word."""
VALUE = re.compile(r"[^&\s'\")]+")
PASSWORD = r"passw(?:or)?d|passphrase|pwd|secret"
IN_PARAMETER = re.compile(
    rf"{PASSWORD}|signature|credential|token(?!i[sz]|s(?![a-z]))|key(?!word|board|s(?![a-z]))"
    r"|(?<![a-z])(?:sig|auth|pass|jwt)(?![a-z])",
    re.IGNORECASE,
)
"""Parts of the names of secret parameters; `max_tokens`, `tokenizer` and `keywords` are none."""
IN_WORD = re.compile(rf"{PASSWORD}|(?:access|api|auth|secret|private)[_-]?(?:token|key)|accountkey", re.IGNORECASE)
"""The same where no separator of a URL stands before the name, as in `host=db password=...`."""
KEYS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"hf_[A-Za-z0-9]{16,}"  # Hugging Face
    r"|(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{12,}"  # Amazon
    r"|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}"  # GitHub, GitLab
    r"|sk-[A-Za-z0-9]{20,}|sk-(?:ant|proj|svcacct|admin|or)-[\w-]{16,}"  # OpenAI, Anthropic, OpenRouter
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[A-Za-z0-9-]{10,}"  # Slack
    r"|AIza[\w-]{30,}|ya29\.[\w-]{16,}|GOCSPX-[\w-]{16,}"  # Google
    r"|[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|SG\.[\w-]{16,}\.[\w-]{16,}"  # Stripe, SendGrid
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,}"
    r"|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"  # JSON Web Token
    r"|(?:[Bb]earer|[Bb]asic) (?=\S*[0-9])[\w.~+/-]{16,}=*"  # of HTTP's header
    r"|(?<=hooks\.slack\.com/services/)[\w/]{16,}"
    r")"
    r"|(?<=PRIVATE KEY-----)[^-]+"
)
"""Keys alone, which their makers gave a beginning of their own so that they can be found."""
ENCODED = re.compile(r"%(?:25)*([0-9A-Fa-f]{2})|.", re.DOTALL)
"""A percent-encoded byte, also one that is encoded several times; or any character."""
PLAIN = re.compile(r"[A-Za-z0-9_.:/?&#;=@+~-]")
OTHER = "\ufffd"


def mask_secrets(text: str) -> str:
    """Return a text with its passwords and keys replaced by `***`."""
    parts, done = [], 0
    for start, end in _merged(text):
        parts += [text[done:start], MASK]
        done = end
    return "".join([*parts, text[done:]])


def has_secret(text: str) -> bool:
    """Return True if a text has a password or key in it that is not masked."""
    return mask_secrets(text) != text


def _merged(text: str) -> list[tuple[int, int]]:
    """Return the places of all secrets, in order; those that overlap are one."""
    found = list(_places(text))
    if "%" in text:
        units = [(match.start(), _decoded(match)) for match in ENCODED.finditer(text)]
        starts = [*(start for start, _ in units), len(text)]
        decoded = "".join(character for _, character in units)
        found += [(starts[start], starts[end]) for start, end in _places(decoded)]
    merged: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _decoded(match: re.Match[str]) -> str:
    """Return one character for a percent-encoded byte; none that could end a value."""
    if match[1] is None:
        return match[0]
    character = chr(int(match[1], 16))
    return character if PLAIN.fullmatch(character) else OTHER


def _places(text: str) -> Iterator[tuple[int, int]]:
    yield from _of_authorities(text)
    for match in NAME.finditer(text):
        names = IN_PARAMETER if match["before"] else IN_WORD
        if names.search(match["name"]) and (value := VALUE.match(text, match.end())):
            yield value.span()
    yield from (match.span() for match in KEYS.finditer(text))


def _of_authorities(text: str) -> Iterator[tuple[int, int]]:
    """Yield what stands before the last @ of a URL that has a user, a password or a token there."""
    ends: dict[re.Pattern[str], tuple[int, int]] = {}  # of each kind of end, the next one and the last @ before it
    for match in SCHEME.finditer(text) if "@" in text else ():
        start, kind = match.end(), ENDS.get(text[match.start() - 1 : match.start()], END)
        if ends.get(kind, (-1, -1))[0] < start:
            end = kind.search(text, start).start()  # type: ignore[union-attr]
            ends[kind] = end, text.rfind("@", start, end)
        last = ends[kind][1]
        if last < start or OWN_PORT.match(text, start):
            continue
        after_user = USER.match(text, start, last + 1).end()  # type: ignore[union-attr]
        if text[after_user] == ":" and last - after_user > 1:
            yield start, last
        elif text[after_user] == "@" and after_user > start:
            yield start, after_user

"""The template of conversations beside a model, in the form of Hugging Face: what `render` gives as ids, as text.

The file marks a model with roles. It is never run here: a template is code, and ours is known.
"""

from __future__ import annotations

from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.common.files import write_text
from pretrace.common.open_file import SETTINGS_BYTES, read_text
from pretrace.tokens import Vocabulary, load_vocabulary, vocabulary_folder
from pretrace.training.alignment.text.roles import NAMES, RoleVocabulary

FILE = "chat_template.jinja"
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] | trim + '" + NAMES["end"] + "' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '" + NAMES["assistant"] + "' }}{% endif %}"
)


def save_template(folder: Path) -> None:
    """Write the template into a model's folder: from now on its last four rows are those of roles."""
    write_text(folder / FILE, TEMPLATE)


def chat_vocabulary(folder: Path | str) -> Vocabulary:
    """Return the vocabulary of a model's folder, with roles if it has the template.

    Raises:
        PretraceError: there is no vocabulary, or the template is another one.
    """
    vocabulary, path = load_vocabulary(vocabulary_folder(folder)), Path(folder) / FILE
    if not path.exists():
        return vocabulary
    if read_text(path, SETTINGS_BYTES) != TEMPLATE:
        raise PretraceError(
            f"{path}: is not the template that pretrace writes, and another one is never run; delete the file to read "
            "conversations as plain text"
        )
    return RoleVocabulary(vocabulary)

"""Rows as they were written: natural text that gives the words that were drawn, or those words."""

from __future__ import annotations

from pretrace.corpus import Document, Gpt1Words, clean_text
from pretrace.schemas.tasks import RawParts
from pretrace.tasks.probes.as_written import Drawn, row_of, with_raw_text, written
from pretrace.tasks.probes.build import make_probe
from pretrace.tasks.probes.texts import Text, read_text
from pretrace.tasks.rows.dataset import SPLITS, Row
from tests.helpers.pseudo_text import documents, probe_sizes

RAW = "He didn\u2019t\n  SEE the “Old Man”—nor (ever) the sea.\nOne &amp; two"


def document(raw: str = RAW) -> Text:
    return read_text(Document("d", "s", clean_text(raw)), raw)


def test_passage_is_its_raw_text_on_one_line() -> None:
    text = document()
    assert text.words[1:6] == ("did", "n't", "see", "the", '"')
    assert written(Drawn(text.words[1:11], text, 1)) == "didn\u2019t SEE the “Old Man”—nor"
    assert written(Drawn(text.words[17:], text, 17)) is None  # an entity is in the line


def test_masked_and_moved_words_keep_the_spaces_of_their_places() -> None:
    text = document()
    words = list(text.run(0, 12))
    words[6], words[10] = words[10], words[6]
    assert written(Drawn(words, text, 0)) == "He didn\u2019t SEE the “nor Man”—Old ("
    masked = ["_" if word == "man" else word for word in text.words[:9]]
    assert written(Drawn(masked, text, 0)) == "He didn\u2019t SEE the “Old _”"


def test_what_gives_other_words_stays_prepared_with_its_group() -> None:
    text = document("A can not bend.\nOne &amp; two\nC dent.")
    assert text.words[5:8] == ("one", "&", "two")
    entity, plain = Drawn(text.words[5:8], text, 5), Drawn(text.words[8:], text, 8)
    rows: list[Row] = [row_of([entity], 0, 1), row_of([plain], 1, 1), row_of([plain], 1, 2), row_of([plain, entity], 1)]
    done, counts = with_raw_text({"train": rows}, Gpt1Words())
    assert [row.raw for row in done["train"]] == [("one & two",), ("c dent .",), ("C dent.",), ("C dent.", "one & two")]
    assert counts == RawParts(as_written=2, prepared=3)
    assert [row.parts for row in done["train"]] == [row.parts for row in rows]


def test_rows_of_probes_give_the_words_that_were_drawn() -> None:
    """The same rows as from the words alone, with capitals and line ends of the raw text."""
    corpus = [
        (Document(d.id, d.source, d.text.title().replace(" ", "\n  ", 1)), d) for d in documents() if d.text.isascii()
    ]
    prepared = [(raw, Document(raw.id, raw.source, clean_text(raw.text))) for raw, _ in corpus]
    sizes = probe_sizes(80, 40, 40)
    for name, kind in (("acceptability", "classification"), ("follows", "entailment"), ("source", "classification")):
        task = make_probe(name, prepared, dict.fromkeys(SPLITS, 120), sizes, kind, "accuracy", Gpt1Words())
        rows = [row for split in SPLITS for row in task.splits[split]]
        assert rows
        assert task.raw_parts.as_written > 0.9 * sum(len(row.parts) for row in rows)
        for row in rows:
            assert tuple(" ".join(clean_text(text).split()) for text in row.raw) == row.parts
        assert sum(text != text.lower() for row in rows for text in row.raw) >= task.raw_parts.as_written

"""Text of all sorts that tokenizers stumble over, fixed and drawn."""

from __future__ import annotations

from hypothesis import strategies as st

HOSTILE = [
    *("", " ", "\n", "\n\n \n", "a", "A", ".", "\t", "\x00", "\ufeff", "\u200b", "\xa0", "\u2028", "\x85", "\x1c"),
    *("Mr. Smith went to Washington, D.C., on Jan. 3rd.", "I'LL say it's my ID; don't, DON'T, can't've", "U.S.A.'s"),
    *("one\r\n\r\ntwo\rthree\n\n\n  four", "trailing space \n", " \n leading", "a\n", "\na", "-\n-", "tab\there"),
    *("wait...what?!?! -- no\u2014really\u2013\u2015yes\u2026", "\u00b4quoted\u00b4 \u201cso\u201d \u2018so\u2019"),
    *("[[a]] {b} |c| (d) *e* _f_ ~g~ +h+ /i/ ;j; ,k,", "$5 50% #1 a&b a@b.co http://x.y/z?q=1&r=2 <b>bold</b> x=y"),
    *("<unk>", "<unk> <unk>", "a<unk>b", "</w>", "a</w> b", "the</w>", "\n</w>", "_start_ _delimiter_ _classify_"),
    *(
        "schÃ¶n cafÃ© â€œsoâ€\x9d &amp; &lt;b&gt;",
        "\u00e9 e\u0301 \ufb01 \u00bd \u2163 \uff21",
        "\u0130stanbul",
        "\u03a3\u039f\u03a3",
    ),
    *(
        "\u4e2d\u6587\u5b57",
        "\u0645\u0631\u062d\u0628\u0627",
        "\U0001f600\u200d\U0001f600",
        "\U0010ffff",
        "\u2581x",
        "a\u0300\u0301\u0302b",
    ),
    *(
        ":o) 8-) =D (-_-) >.< xD :'(",
        "a.m. p.m. e.g. i.e. vs. 10km 10 a.m.",
        "don\u2019t",
        "''tis",
        "'em",
        "o'clock",
        "y'all",
    ),
    *("x" * 3000, "ab" * 1500, "- " * 500, "1234567890" * 50, "word" + "!" * 100),
]
"""For every kind of vocabulary."""
SPECIALS = ["<|endoftext|>", "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "##", "<s>", "\u0120", "\u010a", "</w>"]
MORE_HOSTILE = [
    *HOSTILE,
    *SPECIALS,
    *(
        "a<|endoftext|>b",
        "<|endoftext|><|endoftext|>",
        "< | endoftext | >",
        "<|ENDOFTEXT|>",
        "[MASK][MASK]",
        "x[SEP]##y",
    ),
    *("'s 'S 't 'll 'LL 'Ve 'ven 'd'd''s", "\u2019s it\u2019s", "I'm we're\n's", " 's", "''", "'", "can't\u0301ve"),
    *(
        "a  b",
        "a   b",
        "  a",
        "a  ",
        " \n\n  \t x",
        "\n a",
        "a \n",
        "\t\ta\t\t",
        "a\x0bb\x0cc",
        "x\r\ny\rz",
        "\r",
        " \r ",
    ),
    *(
        f"a{space}{space}b {space}c{space} d{space}"
        for space in "\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2009\u200b\u2028\u2029"
    ),
    *(f"!{space}? {space}" for space in "\x00\x07\x1c\x1f\x7f\u202f\u205f\u2060\u3000\ufeff\ufffd\ufffe"),
    *("1234567890 12.5e-3 \u0661\u0662 \u00b2\u00b3 \u2167 \u3007 \U0001d7d8", "x1y2z3", "\u00bd\u00bc", "3rd 21st #1"),
    *(
        "e\u0301 \u00e9 \u0301 \u0301a a\u0300\u0316\u0327\u0315b",
        "\u1ebf \u0130 I\u0307 \u0131 \u01c5 \ufb03 \u1e9e",
        "\u0390\u03b0",
    ),
    *("\u03a3\u03a3 \u03a3\u039f\u03a3", "\u212b \u2126 \u1100\u1161\u11a8 \uac01 \uac00\u11a8", "=\u0338 \u2adc"),
    *(
        "\U0001f468\u200d\U0001f469\u200d\U0001f467",
        "\U0001f1e9\U0001f1ea",
        "1\ufe0f\u20e3",
        "\U0001f44d\U0001f3fd!",
        "\u2764\ufe0f",
    ),
    *(
        "\u65e5\u672c\u8a9e\u306e\u30c6\u30ad\u30b9\u30c8\u3002",
        "\u4e2d\u6587abc\u4e2d",
        "\uf900 \U00020000 \U0002b740 \U0002f800 \u3400",
    ),
    *(
        "\ud55c\uad6d\uc5b4 \ubb38\uc7a5",
        "\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22",
        "\u0939\u093f\u0928\u094d\u0926\u0940",
        "\u05e2\u05b4\u05d1",
    ),
    *(
        "\u0645\u064e\u0631\u062d\u064e\u0628\u064b\u0627 \u200f\u202b",
        "\U000e0001\U000e0041",
        "\ue000\U000f0000",
        "\U0010fffe",
        "\u0378\u0530",
    ),
    *(
        "a" * 100,
        "a" * 101,
        "a" * 200,
        "a" * 201,
        "b" * 10_000,
        "\u00e9" * 10_000,
        "\u4e2d" * 3000,
        " " * 10_000,
        "\n" * 10_000,
    ),
    *(
        "a1" * 5000,
        "\u0301" * 3000,
        "." * 10_000,
        "'s" * 3000,
        "x " * 5000,
        "\u00a0" * 3000,
        "\U0001f600" * 3000,
        "the" * 3333,
    ),
]
"""With what GPT-2's and BERT's vocabularies find odd."""


def hostile_text() -> st.SearchStrategy[str]:
    """Runs of one sort, white space and marks of all sorts among them, and short fixed strings."""
    fixed = st.sampled_from([text for text in MORE_HOSTILE if len(text) < 60])
    spaces = st.text(" \n\t\r\x0b\x0c\x1c\x1f\x85\xa0\u2009\u2028\u3000\u200b", max_size=5)
    letters = st.text(st.characters(categories=["L", "N"]), max_size=8)
    marks = st.text(st.characters(categories=["M", "P", "S", "Cc", "Cf", "Cn", "Co"]), max_size=6)
    plain = st.text("abcXYZ019'.,-!? \n", max_size=20)
    return st.lists(st.one_of(fixed, spaces, letters, marks, plain, st.text(max_size=6)), max_size=10).map("".join)

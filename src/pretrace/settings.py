"""The one typed loader of `params.yaml` and `scales/<scale>.yaml`.

    settings = load_settings()          # or load_settings(Path("elsewhere"))
    settings.lr, settings.tasks["source"].kind, settings.scale.pretrain.steps

`params.yaml` holds the dials of an experiment, the scale file the sizes that go together. Both are read as YAML 1.2
(so `1e-05`, which `dvc exp run -S lr=1e-5` writes, is a number), every key is typed and bounded, and an unknown key is
refused. Each field says its meaning and unit; sources are sections of the GPT-1 paper unless marked "ours".
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pretrace.errors import PretraceError

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, lt=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
Kind = Literal["classification", "entailment", "similarity", "regression", "multiple_choice"]
NAME = re.compile(r"[a-z0-9][a-z0-9_]*")


class Section(BaseModel):
    """A part of the settings: strict types, no unknown keys, not changed after loading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Columns(Section):
    """Which columns of a file hold what. Only what the file's kind of content needs is read."""

    text: str = "text"
    """Corpus: the document's text. Classification task: the text to classify."""
    id: str | None = None
    """Corpus: the document's name; without it, the file's name and the row's number."""
    source: str | None = None
    """Corpus: where the document is from (an author, a site); without it, the file's folder, or the file."""
    first: str = "first"
    """Pair tasks: the premise, or the first sentence."""
    second: str = "second"
    """Pair tasks: the hypothesis, or the second sentence."""
    question: str | None = None
    """Multiple choice: a question that follows the context; the paper joins the two without a delimiter."""
    choices: str | list[str] = "choices"
    """Multiple choice: a column of lists, or one column a choice."""
    label: str = "label"
    """The answer: a class, a number for regression; for multiple choice the index from 0 or the letter from A."""


class LengthRules(Section):
    """How long a document may be (Gopher: Rae et al. 2021, A.1.1). Null switches one rule off."""

    least_words: Count | None = 50
    """Words between white space."""
    most_words: Count | None = 100_000
    """Meant for pages of the web: most novels are longer."""
    shortest_mean_word: Positive | None = 3.0
    """Characters a word, on average."""
    longest_mean_word: Positive | None = 10.0


class RepetitionRules(Section):
    """The largest shares of a document that may repeat itself (Gopher: Rae et al. 2021, Table A1). Null: off."""

    duplicate_lines: Share | None = 0.30
    """Lines that stood earlier in the document, of its lines."""
    duplicate_paragraphs: Share | None = 0.30
    """The same of paragraphs, which blank lines part."""
    duplicate_line_characters: Share | None = 0.20
    """Characters in lines that stood earlier."""
    duplicate_paragraph_characters: Share | None = 0.20
    top_ngrams: dict[Annotated[int, Field(ge=2)], Share] = Field(default={2: 0.20, 3: 0.18, 4: 0.16})
    """By n: characters in the most frequent run of n words."""
    duplicate_ngrams: dict[Annotated[int, Field(ge=2)], Share] = Field(
        default={5: 0.15, 6: 0.14, 7: 0.13, 8: 0.12, 9: 0.11, 10: 0.10}
    )
    """By n: characters in runs of n words that stood earlier, each character counted once."""


class SymbolRules(Section):
    """What is not prose (Gopher: Rae et al. 2021, A.1.1; `digits` is ours). Null switches one rule off."""

    hashes_a_word: Share | None = 0.1
    """The most `#`, for each word."""
    ellipses_a_word: Share | None = 0.1
    bullet_lines: Share | None = 0.9
    """The largest share of lines that begin with a bullet."""
    ellipsis_lines: Share | None = 0.3
    """The largest share of lines that end with an ellipsis."""
    words_with_letters: Share | None = 0.8
    """The least share of words with a letter in them."""
    digits: Share | None = None
    """The largest share of digits among the characters that are not white space."""


class LanguageRules(Section):
    """Text of another language, told by the words that it lacks (Gopher: Rae et al. 2021, A.1.1)."""

    stop_words: Annotated[list[str], Field(min_length=1)] = ["the", "be", "to", "of", "and", "that", "have", "with"]
    """In lower case; the default is Gopher's, for English."""
    least: Count = 2
    """So many different ones of them are in the document."""
    least_share: Share | None = None
    """Of all words, so many are among them (ours): what tells a whole book in which some English is quoted."""


class BoilerplateRules(Section):
    """Lines that stand in many documents (menus, licences) are cut out of them (ours)."""

    documents: Annotated[int, Field(ge=2)] = 10
    """In so many documents or more."""
    least_words: Count = 5
    """Shorter lines stay: "chapter i" and "no ." are in many books, and are theirs."""


class NearDuplicateRules(Section):
    """Documents that are nearly the same, found by MinHash and then compared exactly."""

    threshold: Annotated[float, Field(ge=0.3, le=1.0)] = 0.8
    """Least Jaccard similarity of the two sets of shingles."""
    shingle_words: Count = 5
    """Words in a shingle."""
    action: Literal["drop", "group"] = "drop"
    """`drop`: the first of the corpus stays; `group`: all stay, on one side of train, validation and probes."""


class ContaminationRules(Section):
    """Documents that share a run of words with the dev or test text of a task that is read from files."""

    words: Annotated[int, Field(ge=4)] = 13
    """Words in such a run (GPT-3: 8 to 13). Rows with fewer words are not looked for; the report says how many."""
    action: Literal["drop", "cut"] = "drop"
    """`drop`: the document goes; `cut`: the lines that the run stands in."""


class Quality(Section):
    """What cleaning drops besides empty documents and exact copies. All off is what GPT-1 did; `{}` switches a step on
    with the numbers of its source."""

    length: LengthRules | None = None
    repetition: RepetitionRules | None = None
    symbols: SymbolRules | None = None
    language: LanguageRules | None = None
    boilerplate: BoilerplateRules | None = None
    near_duplicates: NearDuplicateRules | None = None
    contamination: ContaminationRules | None = None


class Dataset(Section):
    """A data set of the Hugging Face Hub."""

    name: str | None = None
    """As the Hub has it: owner/name."""
    config: str | None = None
    """One of its configurations (subsets); null: its default."""
    split: str = "train"
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")] | None = None
    """The commit to read, so that everyone gets the same text: the 40 digits under "Files and versions"."""


class Corpus(Section):
    """Where the text comes from and how it is divided."""

    source: Literal["installed", "files", "huggingface"] = "installed"
    """`installed`: the documentation inside installed packages; `files`: text of your own; `huggingface`: a data set
    of the Hugging Face Hub."""
    packages: list[str] = Field(default_factory=list)
    """For `installed`: names of installed Python packages, each one source."""
    path: str | None = None
    """For `files`: a file, a folder, a glob, or a URL that fsspec reads (s3://) of .txt, .jsonl or .parquet, each also
    with .gz or .zst."""
    dataset: Dataset = Dataset()
    """For `huggingface`: which data set."""
    columns: Columns = Columns()
    """For .jsonl, .parquet and data sets: which columns are the text, the id and the source."""
    documents: Literal["file", "blank_line", "line"] = "file"
    """What a document of plain text is: a file, what stands between blank lines, or a line."""
    on_bad_input: Literal["stop", "skip"] = "stop"
    """What becomes of a file or row that is no text: it stops the run, or it is left out and written down in
    data/documents/rejects.jsonl."""
    validation_share: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.03
    """Share of the documents' text kept for validation loss (ours)."""
    probe_share: Annotated[float, Field(gt=0.0, lt=0.8)] = 0.25
    """Share of the documents' text that pre-training never sees and the probes are made from (ours)."""
    quality: Quality = Quality()
    """Which documents and lines do not stay."""


class Task(Section):
    """One row of the benchmark: a probe made from the corpus, or labelled files."""

    kind: Kind
    """Which of the paper's input formats it takes (section 3.3)."""
    probe: Literal["source", "acceptability", "follows", "same", "nearness", "cloze"] | None = None
    """Which probe to make; null for a task read from files."""
    train: str | None = None
    """File with labelled rows (.parquet, .csv, .tsv, .jsonl), from the repository's root."""
    dev: str | None = None
    """File that the best epoch is chosen on; null cuts a tenth from train."""
    test: str | None = None
    """File that the table's score is from; nothing is chosen on it."""
    columns: Columns = Columns()
    metric: Literal["accuracy", "matthews", "f1", "pearson", "spearman"] | None = None
    """What the table shows; null: accuracy, or pearson for regression."""
    positive: str | None = None
    """The label that `f1` counts, such as the paraphrases of MRPC; needed for that metric only."""
    train_rows: Count | None = None
    """Use at most so many training rows, drawn at random; null: all, or the scale's number for a probe."""
    test_rows: Count | None = None
    """Use at most so many dev and test rows; null as for `train_rows`."""
    epochs: Count | None = None
    """Overrides the scale's number of passes."""
    lr: Positive | None = None
    """Overrides the fine-tuning rate for this task."""
    soft_classes: Annotated[int, Field(ge=2)] | None = None
    """For regression: learn the scale 0 ... n - 1 as so many classes, a number between two of them being a share of
    each (the released code: 6, for STS-B); null: one output and squared error."""

    @model_validator(mode="after")
    def _one_origin(self) -> Task:
        if (self.probe is None) == (self.train is None):
            raise ValueError("needs either `probe` or `train` (with `test`), and not both")
        if self.train is not None and self.test is None:
            raise ValueError("needs `test`, the file whose score the table shows")
        if (self.metric == "f1") != (self.positive is not None):
            raise ValueError("`metric: f1` and `positive`, the label that it counts, go together")
        if self.soft_classes and self.kind != "regression":
            raise ValueError(f"`soft_classes` is for `kind: regression`, this task is of kind {self.kind}")
        return self

    @property
    def metric_name(self) -> str:
        return self.metric or ("pearson" if self.kind == "regression" else "accuracy")


class Variant(Section):
    """One column of the ablation table (paper, Table 5). What is null is taken from the scale."""

    model: Literal["transformer", "lstm"] = "transformer"
    pretrained: bool = True
    """False starts from random weights."""
    lm_weight: Annotated[float, Field(ge=0.0)] | None = None
    """Weight of the auxiliary language-model loss; null: the scale's."""
    lr: Positive | None = None
    """A rate of its own, so that a baseline can be tuned as fairly as the model."""
    epochs: Count | None = None
    """A number of passes of its own."""


class Start(Section):
    """Other people's weights in the place of pre-training."""

    start_from: str | None = None
    """A folder with weights and their vocabulary: the pipeline's own, Hugging Face's, or OpenAI's .npy files. The
    stage `bpe` takes the vocabulary from it and `pretrain` the transformer, of which the scale says the sizes."""


class VocabularySettings(Section):
    size: Annotated[int, Field(ge=64, le=65_535)]
    """Pieces in the vocabulary, the unknown piece included (GPT-1: 40,478)."""


class ModelSettings(Section):
    """The decoder-only transformer (section 4.1)."""

    layers: Count
    width: Count
    heads: Count
    feed_forward: Count
    """Inner width of the position-wise network (GPT-1: 4 x width)."""
    context: Annotated[int, Field(ge=8)]
    """Longest sequence, in tokens."""
    dropout: Share
    """On embeddings, attention weights and residual branches, in pre-training."""
    embedding_dropout: Literal["sum", "table"]
    """Where it falls on embeddings. `sum`: on a token's embedding and position together, as the paper reads; `table`:
    on the embedding tables before anything is looked up, as the released code has it, so the tied output has the same
    holes."""
    initial_std: Positive
    """Standard deviation of the initial weights (GPT-1: 0.02 at width 768)."""

    @model_validator(mode="after")
    def _heads_divide(self) -> ModelSettings:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of heads {self.heads}")
        return self


class LSTMSettings(Section):
    """The LSTM of the ablation (section 5, Table 5: one layer of 2,048 units)."""

    layers: Count
    width: Count
    """Units a layer."""
    embedding: Count
    """Width of the token embeddings, which are also the output's weights."""
    dropout: Share
    initial_std: Positive


class OptimiserSettings(Section):
    optimiser: Literal["openai_adam", "adamw"]
    """`openai_adam`: Adam as the released code writes it; `adamw`: torch's own, fused and a little faster."""
    weight_decay: Annotated[float, Field(ge=0.0)]
    """Decoupled, on tensors of rank two and more."""
    beta1: Share
    beta2: Share
    clip_norm: Positive
    """Gradients are scaled down to this global norm."""


class PretrainSettings(OptimiserSettings):
    """Generative pre-training (sections 3.1 and 4.1)."""

    seed: int
    steps: Count
    """Optimiser updates."""
    batch_sequences: Count
    """Sequences of `model.context` tokens in an update (GPT-1: 64)."""
    micro_batch: Count
    """Sequences that are held in memory at once; gradients are summed over the micro-batches of an update."""
    lr: Positive
    """Largest rate; linear warm-up to it, then a cosine to zero."""
    warmup_steps: Count
    precision: Literal["auto", "float32", "bfloat16"]
    """`auto`: bfloat16 matrix products where the hardware has them, else float32."""
    validate_every: Count
    """Updates between two readings of the validation loss."""
    checkpoint_every: Count
    """Updates between two checkpoints."""

    @model_validator(mode="after")
    def _micro_batches_fit(self) -> PretrainSettings:
        if self.batch_sequences % self.micro_batch:
            raise ValueError(
                f"batch_sequences {self.batch_sequences} is not a multiple of micro_batch {self.micro_batch}"
            )
        if self.warmup_steps > self.steps:
            raise ValueError(f"warmup_steps {self.warmup_steps} is more than steps {self.steps}")
        return self


class FinetuneSettings(OptimiserSettings):
    """Supervised fine-tuning (sections 3.2 and 4.1)."""

    lr: Positive
    """Largest rate (GPT-1: 6.25e-5). The top-level `lr` and then a task's or variant's own take its place."""
    epochs: Count
    """Passes over the training rows (GPT-1: 3)."""
    batch_size: Count
    """Examples in an update (GPT-1: 32)."""
    warmup_share: Share
    """Share of the updates with a rising rate (GPT-1: 0.002); it falls linearly to zero over all of them."""
    lm_weight: Annotated[float, Field(ge=0.0)]
    """Weight of the auxiliary language-model loss (GPT-1: 0.5)."""
    dropout: Share
    """On embeddings, attention weights, residual branches and the classifier's input (GPT-1: 0.1)."""
    precision: Literal["auto", "float32", "bfloat16"]


class ProbeSettings(Section):
    """How large the probes are (all ours). A corpus too small for them gives fewer rows; the table says how many."""

    rows: dict[str, Count]
    """Training rows by probe; `default` is for those not named."""
    dev_rows: Count
    test_rows: Count
    passage_words: Annotated[int, Field(ge=8)]
    """Words in a passage of `source`."""
    pair_words: Annotated[int, Field(ge=6)]
    """Words in each passage of `same` and `nearness`."""
    context_words: Annotated[int, Field(ge=6)]
    """Words before the cut in `follows` and `cloze`."""
    continuation_words: Annotated[int, Field(ge=4)]
    """Words after the cut."""
    words_a_change: Annotated[int, Field(ge=1)]
    """A changed sentence of `acceptability` has one change for every so many words."""

    @model_validator(mode="after")
    def _has_default(self) -> ProbeSettings:
        if "default" not in self.rows:
            raise ValueError("rows: needs `default`, the number for probes that are not named")
        return self


class Scale(Section):
    """The sizes that go together: one file in `scales/`."""

    processes: Count
    """Processes that pre-train together, each with its share of a batch; on a GPU, one."""
    threads: Count
    """CPU threads of a pre-training process. Fixed, as the order of sums, and so the last bits, depends on it."""
    vocabulary: VocabularySettings
    model: ModelSettings
    lstm: LSTMSettings
    pretrain: PretrainSettings
    finetune: FinetuneSettings
    probes: ProbeSettings


class Workers(Section):
    """Who cleans the corpus. No byte of a result depends on it, so it is no parameter of any stage (dvc.yaml)."""

    engine: Literal["processes", "ray"] = "processes"
    """`processes` of this machine, or `ray`: the cluster that RAY_ADDRESS names, else one on this machine."""
    count: Annotated[int, Field(ge=1, le=4096)] = 2
    """Each takes a core, and about 0.5 GB of memory."""


class Settings(Section):
    """Everything a run depends on besides code and data."""

    scale_name: str
    scale: Scale
    lr: Positive | None
    seeds: Annotated[list[int], Field(min_length=1)]
    corpus: Corpus
    workers: Workers = Workers()
    pretrain: Start = Start()
    tasks: Annotated[dict[str, Task], Field(min_length=1)]
    variants: Annotated[dict[str, Variant], Field(min_length=1)]

    @model_validator(mode="after")
    def _hangs_together(self) -> Settings:
        for what, names in (("tasks", self.tasks), ("variants", self.variants)):
            for name in names:
                if not NAME.fullmatch(name):
                    raise ValueError(f"{what}.{name}: a name takes lower-case letters, digits and underscores")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}: the same seed twice")
        if self.corpus.source == "files" and not self.corpus.path:
            raise ValueError("corpus.path: `source: files` needs a file, a folder, a glob or a URL here")
        dataset = self.corpus.dataset
        if self.corpus.source == "huggingface" and not (dataset.name and dataset.revision):
            raise ValueError(
                "corpus.dataset: `source: huggingface` needs `name` and `revision`, the commit to read, of 40 digits"
            )
        if self.corpus.source == "installed" and not self.corpus.packages:
            raise ValueError("corpus.packages: `source: installed` needs at least one package name")
        return self

    @property
    def finetune_lr(self) -> float:
        """The fine-tuning rate of the run: the top-level `lr`, or the scale's own."""
        return self.lr if self.lr is not None else self.scale.finetune.lr


def load_settings(root: Path | str = ".") -> Settings:
    """Read `params.yaml` and the scale file it names from `root`.

    Raises:
        PretraceError: a file is missing or not YAML; a key is unknown, missing, of a wrong type or out of range. The
            text names the file, the key, what was found and what is accepted.
    """
    root = Path(root)
    values = read_yaml(root / "params.yaml")
    name = values.pop("scale", None)
    known = sorted(path.stem for path in (root / "scales").glob("*.yaml"))
    if not isinstance(name, str) or name not in known:
        raise PretraceError(f"params.yaml: scale: got {name!r}; takes one of {', '.join(known)}")
    scale_file = f"scales/{name}.yaml"
    scale = _checked(Scale, read_yaml(root / scale_file), scale_file)
    return _checked(Settings, {"lr": None, **values, "scale_name": name, "scale": scale}, "params.yaml")


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML 1.2 file whose top is a mapping."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        value = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PretraceError(f"{path}: no such file; run from the repository's root") from None
    except (YAMLError, UnicodeDecodeError) as error:
        raise PretraceError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise PretraceError(f"{path}: takes keys with values, got {type(value).__name__}")
    return value


def _checked(kind: type[Section], values: dict[str, Any], file: str) -> Any:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "(the whole file)"
        message = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            message = "no such setting; look for a typing error, or take the line out"
        elif first["type"] == "missing":
            message = "missing; it has no default"
        elif first["type"] != "value_error":
            message = f"got {first['input']!r}; {message[0].lower()}{message[1:]}"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise PretraceError(f"{file}: {key}: {message}{more}") from None

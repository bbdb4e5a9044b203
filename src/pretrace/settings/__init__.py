"""The one typed loader of `params.yaml` and `scales/<scale>.yaml`.

    settings = load_settings()          # or load_settings(Path("elsewhere"))
    settings.lr, settings.tasks["source"].kind, settings.scale.pretrain.steps

`params.yaml` holds the options of an experiment, the scale file the sizes that belong together. Both are read as
YAML 1.2 (so `1e-05`, which `dvc exp run -S lr=1e-5` writes, is a number), every key is typed and bounded, and an
unknown key is an error. Each field states its meaning and unit; sources are sections of the GPT-1 paper unless marked
"ours".
"""

from __future__ import annotations

from pretrace.settings.card import Card, PaperScore
from pretrace.settings.columns import Columns
from pretrace.settings.corpus import Corpus, Dataset, HubDataset, TextSettings, Workers
from pretrace.settings.experiment import OVERRIDES, DevSplit, Pretraining, Task, Variant
from pretrace.settings.load import Settings, load_settings, split_column
from pretrace.settings.objective import ObjectiveSettings
from pretrace.settings.quality import (
    BoilerplateRules,
    ClassifierRules,
    ContaminationRules,
    ExampleTexts,
    LanguageRules,
    LengthRules,
    NearDuplicateRules,
    Quality,
    RepetitionRules,
    SymbolRules,
)
from pretrace.settings.ready import ReadySource, ready_names, with_ready
from pretrace.settings.scale import (
    MODEL_KINDS,
    TRANSFORMER,
    LSTMSettings,
    ModelKind,
    ModelSettings,
    ProbeSettings,
    Scale,
    Sizes,
    VocabularySettings,
)
from pretrace.settings.search import Ladder, Search
from pretrace.settings.training import FinetuneSettings, OptimizerSettings, PretrainSettings
from pretrace.settings.yaml_file import read_yaml
from pretrace.settings.zero_shot import (
    FROZEN,
    HEURISTIC_COLUMNS,
    ZERO_SHOT,
    ZERO_SHOT_PMI,
    Heuristic,
    LanguageColumns,
    LanguageTest,
    ZeroShot,
)

__all__ = [
    "FROZEN",
    "HEURISTIC_COLUMNS",
    "MODEL_KINDS",
    "OVERRIDES",
    "TRANSFORMER",
    "ZERO_SHOT",
    "ZERO_SHOT_PMI",
    "BoilerplateRules",
    "Card",
    "ClassifierRules",
    "Columns",
    "ContaminationRules",
    "Corpus",
    "Dataset",
    "DevSplit",
    "ExampleTexts",
    "FinetuneSettings",
    "Heuristic",
    "HubDataset",
    "LSTMSettings",
    "Ladder",
    "LanguageColumns",
    "LanguageRules",
    "LanguageTest",
    "LengthRules",
    "ModelKind",
    "ModelSettings",
    "NearDuplicateRules",
    "ObjectiveSettings",
    "OptimizerSettings",
    "PaperScore",
    "PretrainSettings",
    "Pretraining",
    "ProbeSettings",
    "Quality",
    "ReadySource",
    "RepetitionRules",
    "Scale",
    "Search",
    "Settings",
    "Sizes",
    "SymbolRules",
    "Task",
    "TextSettings",
    "Variant",
    "VocabularySettings",
    "Workers",
    "ZeroShot",
    "load_settings",
    "read_yaml",
    "ready_names",
    "split_column",
    "with_ready",
]

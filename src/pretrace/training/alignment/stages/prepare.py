"""The stages `prompts`, `sft` and `comparisons`."""

from __future__ import annotations

from collections.abc import Callable

from pretrace.common.files import atomic_folder, sha256_of_file
from pretrace.schemas.alignment.records import PromptsReport, SftReport
from pretrace.training.alignment.loop import Row, seed_of
from pretrace.training.alignment.prompts import store
from pretrace.training.alignment.prompts.from_documents import Passage, divided, passages_of
from pretrace.training.alignment.prompts.from_files import read_files
from pretrace.training.alignment.prompts.gold import fit_gold
from pretrace.training.alignment.prompts.judge import judged
from pretrace.training.alignment.sft import demonstration_loss, train_on_demonstrations
from pretrace.training.alignment.stages.project import COMPARED, Project
from pretrace.training.alignment.text.conversation import Rendered, continuation
from pretrace.training.alignment.text.roles import RoleVocabulary

Publish = Callable[[], None]


def demonstrations_of(passages: list[Passage]) -> list[Rendered]:
    """Return prompts with their demonstrations, as texts."""
    return [continuation(one.prompt, one.answer) for one in passages]


def prepare_prompts(project: Project) -> PromptsReport:
    """Write prompts, demonstrations, and the gold reward or the comparisons of a file to data/assistant/prompts.

    Raises:
        PretraceError: there is too little text, a file cannot be read, or a row is at fault.
    """
    model, settings = project.pretrained(), project.settings
    project.check_context(model)
    with atomic_folder(project.data / "prompts") as out:
        if isinstance(project.vocabulary, RoleVocabulary):
            files = read_files(settings, project.vocabulary, model.context)
            train, test = files.train, files.test
            texts, test_texts = files.demonstrations, files.test_demonstrations
            halves: tuple[list[str], ...] = ()
            store.write_compared(out / "compared.parquet", files.compared)
            store.write_compared(out / "test_compared.parquet", files.test_compared)
            counts = {"comparisons": len(files.compared), "left_out": files.left_out, "too_long": files.too_long}
        else:
            found = passages_of(project.root / "data" / "clean" / "probes", project.vocabulary, settings.prompts)
            train, test = divided(found, settings.prompts, settings.seed, "data/clean/probes")
            texts, test_texts = demonstrations_of(train), demonstrations_of(test)
            clean = project.root / "data" / "clean" / "train"
            gold, halves = fit_gold(project.shards("train"), clean, project.vocabulary, settings.gold)
            store.write_gold(out / "gold.parquet", gold)
            counts = {"comparisons": 0, "left_out": 0, "too_long": 0}
        store.write_passages(out / "train.parquet", train)
        store.write_passages(out / "test.parquet", test)
        store.write_texts(out / "demonstrations.parquet", texts)
        store.write_texts(out / "test_demonstrations.parquet", test_texts)
    return PromptsReport(
        form="conversations" if project.has_roles else "documents",
        demonstrations=len(texts),
        train=len(train),
        test=len(test),
        **counts,
        halves=[list(half) for half in halves],
    )


def run_sft(project: Project, publish: Publish = lambda: None) -> tuple[SftReport, list[Row]]:
    """Fine-tune the pre-trained model on the demonstrations, and write models/assistant/sft.

    Raises:
        PretraceError: as `train_on_demonstrations`.
    """
    model, folder = project.pretrained(), project.data / "prompts"
    texts, test = (
        store.read_texts(folder / "demonstrations.parquet"),
        store.read_texts(folder / "test_demonstrations.parquet"),
    )
    weights = project.root / "models" / "pretrained" / project.settings.system / project.model / "model.safetensors"
    before = demonstration_loss(model, test, project.device)
    settings, seed = project.settings.sft, project.settings.seed
    curve = train_on_demonstrations(
        "sft", model, texts, settings, seed, project.device, sha256_of_file(weights), publish
    )
    project.save(project.models / "sft", model)
    report = SftReport(
        steps=len(curve),
        loss=round(demonstration_loss(model, texts, project.device), 6),
        test_loss=round(demonstration_loss(model, test, project.device), 6),
        test_loss_before=round(before, 6),
    )
    return report, curve


def make_comparisons(project: Project) -> int:
    """Write data/assistant/comparisons: ranked answers of the start policy, or those of the file; return their prompts.

    Raises:
        PretraceError: as `Sampler.draw`.
    """
    source, settings = project.data / "prompts", project.settings.comparisons
    with atomic_folder(project.data / "comparisons") as out:
        gold = store.read_gold(source / "gold.parquet")
        if gold is None:
            for name in ("compared", "test_compared"):
                store.write_compared(out / f"{name}.parquet", store.read_compared(source / f"{name}.parquet"))
            return len(store.read_compared(out / "compared.parquet"))
        start, sampler = project.start(), project.sampler(settings.temperature)
        answers = {}
        prompts = {"compared": store.read_passages(source / "train.parquet")[: settings.prompts]}
        prompts["test_compared"] = store.read_passages(source / "test.parquet")
        for number, (name, passages) in enumerate(prompts.items()):
            asked = [one.prompt for one in passages for _ in range(settings.answers)]
            seeds = [seed_of(project.settings.seed, COMPARED, number, row) for row in range(len(asked))]
            drawn = sampler.draw(start, asked, seeds)
            each = range(0, len(asked), settings.answers)
            answers[name] = [drawn[first : first + settings.answers] for first in each]
        gold = gold.in_units_of([answer for own in answers["test_compared"] for answer in own])
        store.write_gold(out / "gold.parquet", gold)
        for number, (name, passages) in enumerate(prompts.items()):
            seed = seed_of(project.settings.seed, COMPARED, number)
            rows = judged([one.prompt for one in passages], answers[name], gold, settings, seed)
            store.write_compared(out / f"{name}.parquet", rows)
        return len(answers["compared"])

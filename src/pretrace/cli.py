"""The command line, `pretrace COMMAND`: a function for each command, and the parser of their arguments.

`pretrace --help` lists the commands, with examples and exit codes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from pretrace.common.arguments import Parser, number, whole_number
from pretrace.common.errors import PretraceError, printable
from pretrace.common.frame import run_command

COUNT, ROW, SEED = whole_number(1, 10**9), whole_number(0, 10**9), whole_number(0, 2**32 - 1)
"""As in the settings."""
TEMPERATURE, SHARE, BEAMS = number(0.001, 1000, or_zero=True), number(1e-9, 1), whole_number(1, 1000)
"""As in `pretrace.settings.models.generation`."""
BASE, REVIEW, BENCHMARK = "origin/main", ".pretrace/review", "reports/benchmark.json"
VOTES = "feedback/votes.jsonl"
DESCRIPTION = "From raw text to a benchmark table. Run it from the root of the repository."
EXPORTS = ("huggingface", "openai", "onnx", "torchscript", "word2vec")
"""Formats of `pretrace export`; `pretrace.export.formats` has them, and loads PyTorch."""
NOT_COMPARED = 3
EPILOG = """\
examples:
  pretrace check
  pretrace generate --prompt "the function" --tokens 60
  pretrace serve models/pretrained/gpt1/transformer
  pretrace chat models/pretrained/gpt1/transformer
  pretrace feedback
  pretrace predict acceptability-full rows.jsonl
  pretrace evaluate --text README.md
  pretrace search
  pretrace rates
  pretrace ladder
  pretrace prompt follows --row 3 --shots 2
  pretrace fewshot
  pretrace lineage
  pretrace export source-full --to onnx
  pretrace inspect ../theirs
  pretrace diff origin/main
  pretrace trace source/full --verify

exit codes:
  0  success
  1  bad input (one line on standard error), a reason not to merge (gate) or not to open a checkout (inspect), a score
     that could not be reproduced (trace --verify), or runs that are still queued (track --resend)
  2  wrong usage
  3  the gate could not compare the scores, and has no other reason
"""


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit code."""
    options = argparse.Namespace()
    code = run_command("", lambda: _parse(arguments, options))
    if code or "run" not in options:  # the reader of a help text has gone
        return code
    reader_gone = 1 if options.run in VERDICTS else 0
    return run_command(options.command, lambda: options.run(options), reader_gone)


def _parse(arguments: list[str] | None, options: argparse.Namespace) -> None:
    build_parser().parse_args(arguments, options)


def check(_options: argparse.Namespace) -> None:
    """Check and estimate the run, up to the first problem that would stop it."""
    from itertools import chain

    from pretrace.evaluation.prompts.check import check_prompts
    from pretrace.preflight.check import preflight
    from pretrace.settings import load_settings

    settings = load_settings()
    for heading, text in chain(check_prompts(settings), preflight(settings)):
        print(f"{printable(heading):<14}{printable(text)}", flush=True)


def _model(options: argparse.Namespace) -> str:
    """Return the model that a command is given; by default that of the experiment's first system."""
    from pretrace.settings import load_settings

    if options.model:
        return str(options.model)
    settings = load_settings()
    return f"models/pretrained/{settings.first_system}/{settings.scale.kind}"


def generate(options: argparse.Namespace) -> None:
    """Print prompts with their continuations, a blank line between texts."""
    from pretrace.inference.generate_texts import generate_texts
    from pretrace.settings.models.generation import GenerationSettings
    from pretrace.settings.section import checked

    names = ("tokens", "temperature", "top_k", "top_p", "stop", "end_of_document", "beams", "length_penalty")
    settings = checked(GenerationSettings, {name: getattr(options, name) for name in names}, "options")
    prompts = None if options.file else options.prompt or [""]
    texts = generate_texts(_model(options), prompts, options.file, settings, options.seed, options.number)
    for place, text in enumerate(texts):
        lines = [""] * bool(place) + text.split("\n")
        print("\n".join(map(printable, lines)), flush=True)  # a model may have learned control sequences


def serve(options: argparse.Namespace) -> None:
    """Serve language models until SIGTERM or Ctrl-C."""
    from pretrace.inference.engine.limits import ServerLimits
    from pretrace.inference.serving.server import serve as listen

    limits = ServerLimits(rows=options.rows, queue=options.queue, memory_bytes=options.memory << 20)
    listen(
        options.models or [_model(argparse.Namespace(model=None))],
        options.host,
        options.port,
        options.open_to_network,
        options.allow_host,
        limits,
        Path(options.feedback),
        lambda line: print(f"pretrace: serve: {printable(line)}", file=sys.stderr, flush=True),
    )


def chat(options: argparse.Namespace) -> None:
    """Talk to a model in the terminal."""
    from pretrace.inference.terminal import chat as talk
    from pretrace.settings.models.generation import GenerationSettings
    from pretrace.settings.section import checked

    def ask() -> str | None:
        print("> " if sys.stdin.isatty() else "", end="", file=sys.stderr, flush=True)
        return sys.stdin.readline() or None

    names = ("tokens", "temperature", "top_k", "top_p")
    settings = checked(GenerationSettings, {name: getattr(options, name) for name in names}, "options")
    talk(_model(options), options.system, settings, options.seed, ask, lambda text: print(text, end="", flush=True))


def feedback(options: argparse.Namespace) -> None:
    """Print what the choices between answers say, write them as pairs, or take rows out."""
    from pretrace.inference.feedback.summary import summary_lines, write_pairs
    from pretrace.inference.feedback.votes import read, remove

    path = Path(options.file)
    if options.remove:
        print(f"{remove(path, options.remove)} rows taken out of {printable(str(path))}")
        return
    rows = list(read(path))
    if options.pairs:
        print(f"{write_pairs(Path(options.pairs), rows)} pairs in {printable(options.pairs)}")
        return
    if options.list:
        for row in rows:
            print(f"{row.id}  {row.choice:<9} {printable(row.prompt[-1].content[:80])}")
        return
    for heading, text in summary_lines(rows):
        print(f"{heading:<14}{printable(text)}")


def predict(options: argparse.Namespace) -> None:
    """Print a prediction for each row, on a line each."""
    from pretrace.inference.predict import predict_file

    def remark(text: str) -> None:
        print(f"pretrace: predict: {printable(text)}", file=sys.stderr)

    for predictions in predict_file(options.model, options.rows, options.format, remark):
        for prediction in predictions:
            print(printable(prediction) if isinstance(prediction, str) else prediction)  # labels come from files
        sys.stdout.flush()  # answers come as rows come


def evaluate(options: argparse.Namespace) -> None:
    """Print how well a language model predicts a text, or the last words of passages."""
    model = _model(options)
    if options.last_word is not None:
        from pretrace.evaluation.language_tests.command import describe, last_words

        source = {"last_word": options.last_word}
        if options.stride is not None:
            raise PretraceError("--stride goes with --text: a passage is read whole, or its end that fits the context")
        if options.published_as is not None:
            raise PretraceError("--published-as goes with --text: rows of passages are plain text")
        scores = last_words(model, options.last_word)
    else:
        from pretrace.evaluation.perplexity import describe
        from pretrace.evaluation.perplexity import evaluate as measure

        source = {"text": options.text}
        scores = measure(model, options.text, options.stride, options.published_as)
    if options.json:
        print(json.dumps({"model": model, **source, **scores}, indent=2, ensure_ascii=False))
        return
    for heading, text in describe(scores):
        print(f"{heading:<14}{text}")


def search(_options: argparse.Namespace) -> None:
    """Search on dev and print the dev scores, the best setting of each variant on each task first."""
    from pretrace.report.search import search_lines
    from pretrace.settings import load_settings
    from pretrace.tuning import search_on_dev

    for line in search_lines(search_on_dev(load_settings())):
        print(printable(line))


def rates(_options: argparse.Namespace) -> None:
    """Search for the learning rate of each system's pre-training and print the losses."""
    from pretrace.settings import load_settings
    from pretrace.tuning.rates import rates_lines, search_rates

    for line in rates_lines(search_rates(load_settings())):
        print(line)


def ladder(_options: argparse.Namespace) -> None:
    """Pre-train several sizes and print their losses with the fitted power law."""
    from pretrace.settings import load_settings
    from pretrace.tuning.ladder import climb, ladder_lines

    for line in ladder_lines(climb(load_settings())):
        print(line)


def prompt(options: argparse.Namespace) -> None:
    """Print what the model reads for one row of a task, with its tokens, and what it scores."""
    from pretrace.evaluation.prompts.show import show_prompt
    from pretrace.settings import load_settings

    settings = load_settings().of_system_named(options.system)
    for heading, text in show_prompt(settings, options.task, options.row, options.shots, options.seed, options.split):
        print(f"{printable(heading):<14}{printable(text)}".rstrip())


def fewshot(options: argparse.Namespace) -> None:
    """Score tasks as prompts with examples and print the tables."""
    from pretrace.settings import load_settings

    settings = load_settings().of_system_named(options.system)
    if options.ladder:
        from pretrace.tuning.few_shot_ladder import climb_with_examples, few_shot_ladder_lines

        lines = few_shot_ladder_lines(climb_with_examples(settings))
    else:
        from pretrace.evaluation.prompts.lines import few_shot_lines
        from pretrace.evaluation.prompts.run import few_shot

        lines = few_shot_lines(few_shot(settings))
    for line in lines:
        print(printable(line))


def lineage(_options: argparse.Namespace) -> None:
    """Compare systems at equal tokens and at equal FLOPs and print both tables, each with its commit."""
    from pretrace.settings import load_settings
    from pretrace.tuning.lineage import compare_systems

    for name, commit, table in compare_systems(load_settings()):
        print(f"## {name}, {commit}\n\n{table}")


def export(options: argparse.Namespace) -> None:
    """Write the model in another format and print the folder."""
    from pretrace.export import export as write

    print(write(_model(options), options.to, options.out and Path(options.out)))


def diff(options: argparse.Namespace) -> None:
    """Print a Markdown comment, and write it beside its images."""
    from pretrace.common.files import write_text
    from pretrace.review import diff_as_markdown

    text = diff_as_markdown(options.base, Path(options.out), link=options.link)
    write_text(Path(options.out) / "comment.md", text)
    print(text, end="")


def gate(options: argparse.Namespace) -> int:
    """Print the reasons not to merge; return 1 if there are any, else 3 if scores could not be compared."""
    from pretrace.review import gate_reasons

    reasons, notes, not_compared = gate_reasons(options.base)
    for note in notes:
        print(f"gate: {printable(note)}")
    sys.stdout.flush()
    for reason in reasons:
        print(f"pretrace: gate: {printable(reason)}", file=sys.stderr)
    if not_compared:
        print(f"pretrace: gate: cannot compare scores: {printable(not_compared)}", file=sys.stderr)
    elif not reasons:
        print("gate: open; dvc.lock agrees with the code, and no score fell by more than its noise")
    return 1 if reasons else NOT_COMPARED if not_compared else 0


def inspect(options: argparse.Namespace) -> int:
    """Print what speaks against opening a checkout, and what to read first; return 1 if anything speaks against it."""
    from pretrace.preflight.inspection import inspect_checkout

    reasons, notes = inspect_checkout(Path(options.folder), options.base)
    for note in notes:
        print(f"inspect: {printable(note)}")
    sys.stdout.flush()
    for reason in reasons:
        print(f"pretrace: inspect: {printable(reason)}", file=sys.stderr)
    if not reasons:
        print("inspect: nothing against it in settings, names, sizes and DVC's files; none of its code was run")
    return 1 if reasons else 0


def trace(options: argparse.Namespace) -> int:
    """Print the provenance of a score; with --verify, reproduce it."""
    from pretrace.review import trace_score, verify_score

    for heading, text in trace_score(Path(options.file), options.cell):
        print(f"{printable(heading):<14}{printable(text)}", flush=True)
    if not options.verify:
        return 0
    same, lines = verify_score(Path(options.file), options.cell)
    for heading, text in lines:
        print(f"{printable(heading):<14}{printable(text)}")
    return 0 if same else 1


def track(options: argparse.Namespace) -> int:
    """Print the upload queue; with --resend, upload it and return 1 if records are left."""
    from pretrace.tracking.status import resend, status

    if options.resend:
        done, line = resend()
        print(line)
        return 0 if done else 1
    for heading, text in status():
        print(f"{heading:<14}{text}")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; `run` of its result is the command's function."""
    parser = Parser(
        prog="pretrace",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pretrace {version('pretrace')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(run: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        name = run.__name__
        one = commands.add_parser(
            name, help=text, description=f"{text[0].upper()}{text[1:]}.", formatter_class=HelpFormatter
        )
        one.set_defaults(run=run)
        return one

    def add_model(one: argparse.ArgumentParser, text: str) -> None:
        one.add_argument(
            "model", metavar="MODEL", nargs="?", help=f"{text} (default: the transformer of the first system)"
        )

    def add_system(one: argparse.ArgumentParser) -> None:
        one.add_argument("--system", metavar="NAME", help="one of `systems` in params.yaml (default: the first)")

    add(check, "check settings, data, memory and disk, and estimate the run")
    add_generate(add(generate, "continue texts with a pre-trained language model"), add_model)
    add_serve(add(serve, "serve language models by OpenAI's HTTP interface, with a page to talk to them"))
    one = add(chat, "talk to a language model in the terminal")
    add_model(one, "folder of a language model")
    one.add_argument("--system", metavar="TEXT", default="", help="text before the conversation")
    one.add_argument("--seed", type=SEED, help="random seed of the first answer (default: drawn)")
    one.add_argument("--tokens", type=COUNT, default=60, help="most tokens of an answer")
    add_drawing(one)
    one = add(
        feedback, "show what people preferred on the page, write it as pairs for a reward model, or take rows out"
    )
    one.add_argument("file", metavar="FILE", nargs="?", default=VOTES, help="the file of `pretrace serve --feedback`")
    what = one.add_mutually_exclusive_group()
    what.add_argument("--pairs", metavar="FILE", help="write rows of prompt, chosen and rejected, as JSON lines")
    what.add_argument("--list", action="store_true", help="list the rows with their ids")
    what.add_argument("--remove", metavar="ID", nargs="+", help="take out rows, and those that asked for them again")
    one = add(predict, "predict rows with a fine-tuned model")
    one.add_argument("model", metavar="MODEL", help="name of a folder in models/finetuned, such as source-full")
    rows = "rows with the task's columns (.jsonl, .csv, .tsv, .parquet), or a text a line (.txt); - for stdin"
    one.add_argument("rows", metavar="FILE", nargs="?", default="-", help=rows)
    told = "format, if the name does not tell it; stdin is jsonl without it"
    one.add_argument("--format", choices=("jsonl", "csv", "tsv", "parquet", "text"), help=told)
    one = add(evaluate, "measure the perplexity of a language model on a text, or its last-word accuracy (LAMBADA)")
    add_model(one, "folder of a language model")
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", metavar="FILE", help="plain text, or a file or folder as in corpus.path")
    what.add_argument("--last-word", metavar="FILE", help="rows with `context` and `target`, as in LAMBADA")
    stride = "tokens scored per window; larger is faster, smaller is more exact (default: half the context)"
    one.add_argument("--stride", type=COUNT, help=stride)
    published = (
        "the text is words with spaces between them; the model reads plain text, and perplexity is per word of it"
    )
    one.add_argument("--published-as", metavar="NAME", help=f"{published}: wikitext, ptb or one_billion_words")
    one.add_argument("--json", action="store_true", help="print one JSON object")
    add(
        search, "try the rates and passes of `search` in params.yaml on dev, for each variant; into reports/search.json"
    )
    add(rates, "pre-train every system briefly with the rates of `rates` in params.yaml; into reports/rates.json")
    add(ladder, "pre-train the sizes of `ladder` in params.yaml and fit a power law; into reports/ladder.json")
    one = add(prompt, "show a row of a task as a prompt: text, tokens, and what is scored")
    one.add_argument("task", metavar="TASK", help="name of a task in params.yaml")
    one.add_argument("--row", type=ROW, default=0, help="number of the row in its split")
    one.add_argument("--shots", type=ROW, default=0, help="number of examples from train")
    one.add_argument("--seed", type=SEED, default=1, help="draw of the examples")
    one.add_argument("--split", choices=("dev", "test"), default="test", help="split of the row")
    add_system(one)
    one = add(fewshot, "score tasks as prompts with the examples of `few_shot`; into reports/fewshot/<system>.json")
    one.add_argument("--ladder", action="store_true", help="at each size of `ladder`; into reports/fewshot_ladder.json")
    add_system(one)
    add(lineage, "compare the systems of ablations.lineage in params.yaml at equal tokens, and at equal FLOPs")
    one = add(export, "write a model with its card in a format that other programs read")
    add_model(one, "folder of a model, or name of a fine-tuned one, such as source-full")
    one.add_argument("--to", choices=EXPORTS, required=True, help="format")
    one.add_argument("--out", metavar="FOLDER", help="new folder (default: below models/exported)")
    one = add(diff, "print the changes since a commit as a Markdown comment")
    one.add_argument("base", metavar="BASE", nargs="?", default=BASE, help="commit to compare with")
    one.add_argument("--out", metavar="FOLDER", default=REVIEW, help="folder for the comment and its images")
    one.add_argument("--link", metavar="URL", help="URL of the images, for a comment that cannot contain them")
    one = add(gate, "fail if dvc.lock does not match the code, or a score fell")
    one.add_argument("base", metavar="BASE", nargs="?", default=BASE, help="commit to compare with")
    one = add(inspect, "look at somebody's checkout before anything in it runs")
    one.add_argument("folder", metavar="FOLDER", nargs="?", default=".", help="the checkout")
    one.add_argument("--base", metavar="BASE", default=BASE, help="commit to compare its code with")
    one = add(trace, "print the provenance of a score in the table")
    one.add_argument("file", metavar="FILE", nargs="?", default=BENCHMARK, help="the table")
    one.add_argument("cell", metavar="TASK/COLUMN", help="such as source/full or source/tfidf")
    one.add_argument("--verify", action="store_true", help="run the stage again in a copy, and compare the score")
    one = add(track, "show the runs that are queued for MLflow, or upload them")
    one.add_argument("--resend", action="store_true", help="upload all queued runs now")
    return parser


def add_generate(one: argparse.ArgumentParser, add_model: Callable[[argparse.ArgumentParser, str], None]) -> None:
    """Add the arguments of `pretrace generate`."""
    add_model(one, "folder of a language model")
    what = one.add_mutually_exclusive_group()
    text = "beginning of a text; may be empty, and may be given several times"
    what.add_argument("--prompt", metavar="TEXT", action="append", help=text)
    what.add_argument("--file", metavar="FILE", help="plain text with a prompt a line; - for stdin")
    one.add_argument("--tokens", type=COUNT, default=40, help="number of tokens to generate")
    one.add_argument("--number", type=BEAMS, default=1, help="texts for each prompt")
    one.add_argument("--seed", type=SEED, default=0, help="random seed of the first text, the next one has the next")
    add_drawing(one)
    one.add_argument(
        "--stop", metavar="TEXT", action="append", default=[], help="end before this text; repeat for more"
    )
    one.add_argument("--end-of-document", action="store_true", help="end where a document does")
    one.add_argument("--beams", type=BEAMS, default=1, help="search with this many beams, without sampling")
    penalty = "divide a beam's log-probability by ((5 + tokens) / 6) to this power"
    one.add_argument("--length-penalty", type=number(0, 1000), default=0.0, help=penalty)


def add_drawing(one: argparse.ArgumentParser) -> None:
    """Add the arguments of how tokens are drawn."""
    one.add_argument("--temperature", type=TEMPERATURE, default=0.8, help="0 always takes the most likely token")
    one.add_argument("--top-k", "--top", type=COUNT, default=40, help="sample from this many of the most likely tokens")
    share = "sample from the fewest most likely tokens with this probability in sum"
    one.add_argument("--top-p", type=SHARE, default=1.0, help=share)


def add_serve(one: argparse.ArgumentParser) -> None:
    """Add the arguments of `pretrace serve`."""
    text = "folders of language models (default: the transformer of the first system)"
    one.add_argument("models", metavar="MODEL", nargs="*", help=text)
    one.add_argument("--host", default="127.0.0.1", help="address to listen at")
    one.add_argument("--port", type=whole_number(0, 65535), default=8000, help="0 takes a free one")
    one.add_argument("--open-to-network", action="store_true", help="allow a --host that other machines reach")
    text = "another name by which the server may be called; repeat for more"
    one.add_argument("--allow-host", metavar="NAME", action="append", default=[], help=text)
    one.add_argument("--rows", type=whole_number(1, 256), default=16, help="texts of a model that grow at once")
    one.add_argument("--queue", type=whole_number(1, 10**6), default=64, help="texts that may wait; more are refused")
    one.add_argument("--feedback", metavar="FILE", default=VOTES, help="file for choices between two answers")
    text = "MiB of all loaded models with their keys and values"
    one.add_argument("--memory", metavar="MIB", type=whole_number(1, 2**20), default=4096, help=text)


VERDICTS = (gate, inspect, trace, track)
"""Their exit code is an answer: it is not 0 if they were cut off."""


class HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Adds the default to each help text, except for flags and what is empty."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        has_default = action.default not in (None, "", []) and not isinstance(action.default, bool)
        return super()._get_help_string(action) if has_default else action.help


if __name__ == "__main__":
    sys.exit(main())

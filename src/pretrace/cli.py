"""`pretrace` on the command line.

    pretrace check                                          is all there, and how large is the run ahead?
    pretrace generate MODEL --prompt "the function"         text from the pre-trained transformer
    pretrace predict acceptability-full rows.jsonl          answers of a fine-tuned model
    pretrace evaluate MODEL --text FILE                     loss, perplexity and bits a byte of a language model
    pretrace evaluate MODEL --last-word FILE                how often it finds the last word of a passage (LAMBADA)
    pretrace export MODEL --to onnx                         a model with its card, for others to open
    pretrace diff origin/main                               what changed since a commit, as a Markdown comment
    pretrace gate origin/main                               is there a reason not to merge?
    pretrace trace source/full                              where a score came from; --verify makes it again
    pretrace track                                          what waits for MLflow; --resend sends it

Run from the repository's root. Exit codes: 0 done, 1 bad input (one line on stderr) or a reason that `gate` or
`trace --verify` found or runs that `track --resend` left, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from pretrace.common.errors import PretraceError, printable
from pretrace.common.extras import explain_missing
from pretrace.settings import load_settings

MODEL = Path("models/pretrained/transformer")
BASE, REVIEW, BENCHMARK = "origin/main", ".pretrace/review", "reports/benchmark.json"


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code = options.run(options) or 0
        sys.stdout.flush()
    except BrokenPipeError:  # `pretrace predict ... | head`: nobody reads on, and Python shall not complain at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except PretraceError as error:
        print(f"pretrace: {options.command}: {error}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        if not (reason := explain_missing(error)):
            raise
        print(f"pretrace: {options.command}: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


def check(_options: argparse.Namespace) -> None:
    """Print what the run ahead is, up to the first thing that would stop it."""
    from pretrace.preflight.check import preflight

    for heading, text in preflight(load_settings()):
        print(f"{printable(heading):<14}{printable(text)}", flush=True)


def generate(options: argparse.Namespace) -> None:
    """Print the prompt with its continuation."""
    from pretrace.model import load_model
    from pretrace.tokens import load_vocabulary, vocabulary_folder
    from pretrace.training.engine.generate import generate as continued

    model, vocabulary = load_model(options.model), load_vocabulary(vocabulary_folder(options.model))
    drawing = (options.tokens, options.seed, options.temperature, options.top)
    text = continued(model, vocabulary, options.prompt, *drawing)
    print("\n".join(map(printable, text.split("\n"))))  # a model may have learned what a terminal obeys


def predict(options: argparse.Namespace) -> None:
    """Print an answer for each row."""
    from pretrace.inference.predict import predict_lines

    name = "standard input" if options.rows == "-" else options.rows
    for answer in predict_lines(options.model, _lines(options.rows), name):
        print(printable(answer) if isinstance(answer, str) else answer)  # a label is from somebody's file


def evaluate(options: argparse.Namespace) -> None:
    """Print how well a language model predicts a text, or the last words of passages."""
    if options.last_word is not None:
        from pretrace.evaluation.language_tests.command import describe, last_words

        asked = {"last_word": options.last_word}
        if options.stride is not None:
            raise PretraceError("--stride goes with --text: a passage is read whole, or its end that fits the context")
        found = last_words(options.model, options.last_word)
    else:
        from pretrace.evaluation.perplexity import describe
        from pretrace.evaluation.perplexity import evaluate as measure

        asked = {"text": options.text}
        found = measure(options.model, options.text, options.stride)
    if options.json:
        print(json.dumps({"model": options.model, **asked, **found}, indent=2, ensure_ascii=False))
        return
    for heading, text in describe(found):
        print(f"{heading:<14}{text}")


def export(options: argparse.Namespace) -> None:
    """Write the model in another format and print the folder."""
    from pretrace.export import export as write

    print(write(options.model, options.to, options.out and Path(options.out)))


def diff(options: argparse.Namespace) -> None:
    """Print one Markdown comment, and keep it beside its images."""
    from pretrace.common.files import write_text
    from pretrace.review import comment

    text = comment(options.base, Path(options.out), link=options.link)
    write_text(Path(options.out) / "comment.md", text)
    print(text, end="")


def gate(options: argparse.Namespace) -> int:
    """Print the reasons not to merge, if there are any; the exit code says it, too."""
    from pretrace.review import gate as reasons_and_notes

    reasons, notes = reasons_and_notes(options.base)
    for note in notes:
        print(f"gate: {printable(note)}")
    sys.stdout.flush()
    for reason in reasons:
        print(f"pretrace: gate: {printable(reason)}", file=sys.stderr)
    if not reasons:
        print("gate: open; dvc.lock agrees with the code, and no score fell by more than its noise")
    return 1 if reasons else 0


def trace(options: argparse.Namespace) -> int:
    """Print where a score came from, and with --verify, whether it comes out again."""
    from pretrace.review import trace as described
    from pretrace.review import verify

    for heading, text in described(Path(options.file), options.cell):
        print(f"{printable(heading):<14}{printable(text)}", flush=True)
    if not options.verify:
        return 0
    same, lines = verify(Path(options.file), options.cell)
    for heading, text in lines:
        print(f"{printable(heading):<14}{printable(text)}")
    return 0 if same else 1


def track(options: argparse.Namespace) -> int:
    """Print what waits for MLflow, or send it; with --resend, 1 if something still waits."""
    from pretrace.tracking.status import resend, status

    if options.resend:
        done, line = resend()
        print(line)
        return 0 if done else 1
    for heading, text in status():
        print(f"{heading:<14}{text}")
    return 0


def _lines(path: str) -> Iterable[str]:
    try:
        return sys.stdin if path == "-" else Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise PretraceError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise PretraceError(f"{path}: not UTF-8 at byte {error.start}; convert it (iconv -t UTF-8)") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pretrace", description="From raw text to a benchmark table.")
    parser.add_argument("--version", action="version", version=f"pretrace {version('pretrace')}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("check", help="is all there that a run needs, and how large is it?")
    one.set_defaults(run=check)
    one = commands.add_parser("generate", help="continue a text with the pre-trained transformer")
    one.add_argument("model", metavar="MODEL", nargs="?", default=str(MODEL), help=f"a model's folder ({MODEL})")
    one.add_argument("--prompt", metavar="TEXT", default="", help="how the text begins; it may be empty")
    one.add_argument("--tokens", type=_count, default=40, help="tokens to add (40)")
    one.add_argument("--seed", type=int, default=0, help="the same seed gives the same text (0)")
    one.add_argument("--temperature", type=_heat, default=0.8, help="0 takes the most likely token each time (0.8)")
    one.add_argument("--top", type=_count, default=40, help="draw from so many of the most likely tokens (40)")
    one.set_defaults(run=generate)
    one = commands.add_parser("predict", help="answer rows with a fine-tuned model")
    one.add_argument("model", metavar="MODEL", help="a folder of models/finetuned, such as source-full")
    one.add_argument("rows", metavar="FILE", nargs="?", default="-", help="JSONL with the task's columns; - is stdin")
    one.set_defaults(run=predict)
    one = commands.add_parser("evaluate", help="perplexity of a language model on a text, or LAMBADA's last words")
    one.add_argument("model", metavar="MODEL", nargs="?", default=str(MODEL), help=f"a model's folder ({MODEL})")
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", metavar="FILE", help="plain text, or a folder or file as corpus.path has")
    what.add_argument("--last-word", metavar="FILE", help="rows of `context` and `target`, as LAMBADA has them")
    one.add_argument("--stride", type=_count, help="tokens scored in each window; the context is quickest (half of it)")
    one.add_argument("--json", action="store_true", help="print one JSON object")
    one.set_defaults(run=evaluate)
    one = commands.add_parser("export", help="write a model with its card in a format that other programs read")
    one.add_argument(
        "model", metavar="MODEL", nargs="?", default=str(MODEL), help=f"a folder, or source-full ({MODEL})"
    )
    one.add_argument("--to", choices=("huggingface", "openai", "onnx", "torchscript"), required=True, help="format")
    one.add_argument("--out", metavar="FOLDER", help="a new folder (models/exported/MODEL-FORMAT)")
    one.set_defaults(run=export)
    one = commands.add_parser("diff", help="what changed since a commit, as a Markdown comment")
    one.add_argument("base", metavar="BASE", nargs="?", default=BASE, help=f"the commit ({BASE})")
    one.add_argument("--out", metavar="FOLDER", default=REVIEW, help=f"for the images and the comment ({REVIEW})")
    one.add_argument("--link", metavar="URL", help="where the images will be, for a comment that cannot hold them")
    one.set_defaults(run=diff)
    one = commands.add_parser("gate", help="fail where dvc.lock and the code disagree, or a score fell")
    one.add_argument("base", metavar="BASE", nargs="?", default=BASE, help=f"the commit to compare with ({BASE})")
    one.set_defaults(run=gate)
    one = commands.add_parser("trace", help="where a score of the table came from")
    one.add_argument("file", metavar="FILE", nargs="?", default=BENCHMARK, help=f"the table ({BENCHMARK})")
    one.add_argument("cell", metavar="TASK/COLUMN", help="such as source/full or source/tfidf")
    one.add_argument("--verify", action="store_true", help="run its stage again in a copy, and compare")
    one.set_defaults(run=trace)
    one = commands.add_parser("track", help="what waits for MLflow, and sending it")
    one.add_argument("--resend", action="store_true", help="send what could not be sent, from this machine's files")
    one.set_defaults(run=track)
    return parser


def _count(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError("takes 1 or more")
    return number


def _heat(text: str) -> float:
    if not (number := float(text)) >= 0:
        raise argparse.ArgumentTypeError("takes 0 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())

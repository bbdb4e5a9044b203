"""`pretrace` on the command line.

    pretrace check                                          is all there, and how large is the run ahead?
    pretrace generate "the function returns" --tokens 60    text from the pre-trained transformer
    pretrace predict acceptability-full rows.jsonl          answers of a fine-tuned model
    pretrace evaluate MODEL --text FILE                     loss, perplexity and bits a byte of a language model
    pretrace evaluate MODEL --last-word FILE                how often it finds the last word of a passage (LAMBADA)
    pretrace export --to huggingface OUT                    the pre-trained transformer, for others to open

Run from the repository's root. Exit codes: 0 done, 1 bad input (one line on stderr), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path

from pretrace.errors import PretraceError
from pretrace.settings import load_settings

MODEL = Path("models/pretrained/transformer")


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
        sys.stdout.flush()
    except BrokenPipeError:  # `pretrace predict ... | head`: nobody reads on, and Python shall not complain at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except PretraceError as error:
        print(f"pretrace: {options.command}: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def check(_options: argparse.Namespace) -> None:
    """Print what the run ahead is, up to the first thing that would stop it."""
    from pretrace.ahead import look_ahead

    for heading, text in look_ahead(load_settings()):
        print(f"{heading:<14}{text}", flush=True)


def generate(options: argparse.Namespace) -> None:
    """Print the prompt with its continuation."""
    from pretrace.corpus.bad_input import printable
    from pretrace.model import load_model
    from pretrace.training.generate import generate as continued
    from pretrace.vocabulary import load_vocabulary, vocabulary_folder

    model, vocabulary = load_model(options.model), load_vocabulary(vocabulary_folder(options.model))
    drawing = (options.tokens, options.seed, options.temperature, options.top)
    text = continued(model, vocabulary, options.prompt, *drawing)
    print("\n".join(map(printable, text.split("\n"))))  # a model may have learned what a terminal obeys


def predict(options: argparse.Namespace) -> None:
    """Print an answer for each row."""
    from pretrace.predict import answers

    name = "standard input" if options.rows == "-" else options.rows
    for answer in answers(options.model, _lines(options.rows), name):
        print(answer)


def evaluate(options: argparse.Namespace) -> None:
    """Print how well a language model predicts a text, or the last words of passages."""
    if options.last_word is not None:
        from pretrace.zeroshot.command import described
        from pretrace.zeroshot.command import last_words as measured

        asked = {"last_word": options.last_word}
        if options.stride is not None:
            raise PretraceError("--stride goes with --text: a passage is read whole, or its end that fits the context")
        found = measured(options.model, options.last_word)
    else:
        from pretrace.evaluate import described
        from pretrace.evaluate import evaluate as measured

        asked = {"text": options.text}
        found = measured(options.model, options.text, options.stride)
    if options.json:
        print(json.dumps({"model": options.model, **asked, **found}, indent=2, ensure_ascii=False))
        return
    for heading, text in described(found):
        print(f"{heading:<14}{text}")


def export(options: argparse.Namespace) -> None:
    """Write the model in another form."""
    from pretrace.export import export as write

    write(Path(options.model), options.to, Path(options.out))
    print(options.out)


def _lines(path: str) -> Iterable[str]:
    try:
        return sys.stdin if path == "-" else Path(path).read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise PretraceError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError as error:
        raise PretraceError(f"{path}: not UTF-8 at byte {error.start}; convert it (iconv -t UTF-8)") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="pretrace", description="From raw text to a benchmark table.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    one = commands.add_parser("check", help="is all there that a run needs, and how large is it?")
    one.set_defaults(run=check)
    one = commands.add_parser("generate", help="continue a text with the pre-trained transformer")
    one.add_argument("prompt", metavar="PROMPT", help="how the text begins; it may be empty")
    one.add_argument("--tokens", type=_count, default=40, help="tokens to add (40)")
    one.add_argument("--seed", type=int, default=0, help="the same seed gives the same text (0)")
    one.add_argument("--temperature", type=_heat, default=0.8, help="0 takes the most likely token each time (0.8)")
    one.add_argument("--top", type=_count, default=40, help="draw from so many of the most likely tokens (40)")
    one.add_argument("--model", metavar="FOLDER", default=str(MODEL), help=f"the model ({MODEL})")
    one.set_defaults(run=generate)
    one = commands.add_parser("predict", help="answer rows with a fine-tuned model")
    one.add_argument("model", metavar="TASK-VARIANT", help="a folder of models/finetuned, such as source-full")
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
    one = commands.add_parser("export", help="write the pre-trained transformer in the form that others read")
    one.add_argument("out", metavar="OUT", help="a new folder")
    one.add_argument("--to", choices=("huggingface", "openai"), required=True, help="whose form")
    one.add_argument("--model", metavar="FOLDER", default=str(MODEL), help=f"the model ({MODEL})")
    one.set_defaults(run=export)
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

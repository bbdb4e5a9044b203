"""Every command of README.md and docs/, in its order, and how the tests run it.

`Run` runs it in a copy of the finished tiny project, or something in its place; `ByTest` names the test that does;
`NotRun` says why nobody does.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Run:
    """Run it, with the names and paths of the tiny project (`NAMES`)."""

    instead: str | None = None
    """The command to run in its place."""
    more: str = ""
    """Words to add, such as the one stage that shows that the settings are accepted."""
    nightly: bool = True
    """False: it takes a second and changes nothing, so it is run in `make test`, too."""
    stdin: str | None = None
    """A file of the project that it reads."""
    says: str = ""
    """Text that it has to print."""


@dataclass(frozen=True)
class ByTest:
    """Another test runs it: "test_file.py::test_name", below tests/."""

    test: str


@dataclass(frozen=True)
class NotRun:
    """Nobody runs it."""

    reason: str


How = Run | ByTest | NotRun
LOOK = Run(nightly=False)
NAMES = {
    "/data/books": "{project}/data/books",
    "/data/openai-gpt": "{project}/data/released",
    "acceptability-full": "follows-full",
    "rte-full": "follows-full",
    "source/": "follows/",
    "scales/laptop.yaml": "scales/tiny.yaml",
    "scale=gpt1": "scale=tiny",
    "scale=gpu": "scale=tiny",
    "https://minio.example.org": "{s3}",
    "s3://bucket": "s3://team",
    "--stride 128": "--stride 32",
    "NAME": "mine",
}
"""Names in the docs, and their names in the tiny project, which has one task, `follows`."""
SUITE = "tests/integration/test_experiments.py::"
SERVER = "tests/inference/serving/test_openai_client.py::test_completion_has_the_tokens_of_the_model_alone"
TERMINAL = "tests/inference/test_terminal.py::test_answers_depend_on_the_seed_and_what_was_said"
VOTES = "tests/inference/feedback/test_votes.py::test_command_writes_pairs_and_counts"
SERVES = "tests/tracking/test_best_models.py::test_registered_model_is_served_by_mlflow"
IN_PART = "tests/integration/test_remotes.py::test_clone_fetches_what_changed_stages_need"
HUB = NotRun(
    "fetches a data set from the Hugging Face Hub; tests/corpus/readers/test_huggingface.py has the same in small"
)
PACKAGE = NotRun("fetches a package")
THESE = NotRun("runs the tests, of which this is one")
SWITCHES = Run(more=" --dry")
TO_TEXT = Run(more=" clean", says="Running stage 'clean'")
TO_TASKS = Run(more=" tasks@rte", says="Running stage 'tasks@rte'")
TO_WEIGHTS = Run(more=" pretrain@gpt1", says="Running stage 'pretrain@gpt1'")
LOG_OF_QUEUE = 'PATH="$PWD/.venv/bin:$PATH" dvc queue start -j 2 > queue.log 2>&1'
QUEUE = Run(LOG_OF_QUEUE)

PAGES: dict[str, list[tuple[str, How]]] = {
    "README.md": [
        ("make repro", Run(says="index.html")),
        ("make test", THESE),
        (".venv/bin/dvc exp run -S corpus.source=files -S corpus.path=/data/books", TO_TEXT),
        (".venv/bin/dvc exp run -S 'tasks=${suites.glue}'", TO_TASKS),
        (
            ".venv/bin/dvc exp run -S lr=6.25e-5",
            ByTest(SUITE + "test_learning_rate_reruns_only_fine_tuning_and_report"),
        ),
        (".venv/bin/dvc params diff", LOOK),
        (".venv/bin/dvc metrics diff", LOOK),
        (".venv/bin/dvc plots diff", LOOK),
        (".venv/bin/dvc exp run --queue -n slow -S lr=1e-4", Run()),
        (".venv/bin/dvc exp run --queue -n fast -S lr=2e-3", Run()),
        (LOG_OF_QUEUE, QUEUE),
        (".venv/bin/dvc exp show --only-changed", Run(more=" --no-pager", says="lr")),
        (".venv/bin/dvc exp run -S 'systems=[gpt1,lstm]' -S 'variants=${ablations.table5}'", TO_WEIGHTS),
        (".venv/bin/dvc exp run -S scale=gpt1 -S pretrain.init_from=/data/openai-gpt", TO_WEIGHTS),
        (".venv/bin/pretrace export models/pretrained/gpt1/transformer --to huggingface", LOOK),
        (".venv/bin/dvc push", ByTest("tests/integration/test_remotes.py::test_default_remote_works_at_once")),
        (".venv/bin/dvc pull", ByTest("tests/integration/test_remotes.py::test_default_remote_works_at_once")),
        (".venv/bin/pretrace check", Run(nightly=False, says="fine-tuning")),
        (
            '.venv/bin/pretrace generate --prompt "the function returns"',
            Run(nightly=False, says="the function returns"),
        ),
        (".venv/bin/pretrace serve", ByTest(SERVER)),
        (".venv/bin/pretrace evaluate --text README.md", Run(nightly=False, says="perplexity")),
        (".venv/bin/pretrace predict acceptability-full < rows.jsonl", Run(nightly=False, stdin="data/rows.jsonl")),
        (
            ".venv/bin/pretrace export acceptability-full --to onnx",
            Run(nightly=False, says="models/exported/follows-full-onnx"),
        ),
    ],
    "docs/api.md": [],
    "docs/architecture.md": [],
    "docs/audit.md": [],
    "docs/benchmark.md": [(".venv/bin/pretrace search", Run(says="Searched on dev alone: 6 settings"))],
    "docs/ci.md": [
        ("make check", THESE),
        ("make lint types test", THESE),
        ("make inspect BASE=origin/main", Run(says="inspect: nothing against it")),
        ("make gate BASE=origin/main", Run(says="gate: open")),
        ("make diff BASE=origin/main", Run(says="origin/main")),
        ("git fetch --depth 1 origin main:refs/remotes/origin/main", Run()),
        (".venv/bin/pretrace trace source/full", Run(nightly=False, says="commit")),
        (".venv/bin/pretrace trace reports/benchmark.json source/tfidf --verify", Run(says="SAME")),
    ],
    "docs/cluster.md": [
        (".venv/bin/dvc remote add --default team s3://bucket/pretrace", Run()),
        ('git commit -m "Data goes to the bucket" .dvc/config', Run()),
        (
            ".venv/bin/dvc push",
            Run(".venv/bin/dvc remote modify team endpointurl {s3} && .venv/bin/dvc push", says="pushed"),
        ),
        (".venv/bin/dvc remote modify team endpointurl https://minio.example.org", Run()),
        (".venv/bin/dvc pull", Run()),
        (".venv/bin/dvc repro", Run(says="up to date")),
        (".venv/bin/dvc pull tasks encode pretrain baselines finetune frozen", ByTest(IN_PART)),
        (".venv/bin/dvc repro --pull --allow-missing", ByTest(IN_PART)),
        (".venv/bin/python -m pip install ray", PACKAGE),
        (
            "RAY_ADDRESS=auto .venv/bin/dvc exp run -S workers.engine=ray",
            NotRun("needs ray, which is no part of the environment; with it, tests/corpus/test_parallel.py runs it"),
        ),
        (".venv/bin/dvc pull shard bpe", Run()),
        (
            ".venv/bin/torchrun --nnodes 2 --nproc-per-node 8 --rdzv-backend c10d "
            "--rdzv-endpoint head:29500 stages/pretrain.py gpt1",
            ByTest("tests/integration/test_two_hosts.py::test_dvc_takes_over_weights_trained_on_two_hosts"),
        ),
        (
            ".venv/bin/dvc commit --force pretrain@gpt1",
            ByTest("tests/integration/test_two_hosts.py::test_dvc_takes_over_weights_trained_on_two_hosts"),
        ),
        (
            ".venv/bin/dvc repro",
            ByTest("tests/integration/test_two_hosts.py::test_dvc_takes_over_weights_trained_on_two_hosts"),
        ),
        (
            ".venv/bin/dvc exp run --queue -S 'lr=1e-5,2e-5,5e-5'",
            ByTest(SUITE + "test_queued_grid_keeps_numbers_as_numbers"),
        ),
        (LOG_OF_QUEUE, ByTest(SUITE + "test_queued_grid_keeps_numbers_as_numbers")),
        (".venv/bin/dvc queue status", LOOK),
        (".venv/bin/dvc exp show --only-changed", Run(more=" --no-pager", nightly=False)),
        (".venv/bin/dvc pull", Run()),
        (".venv/bin/dvc exp run -n by-b -S lr=1e-4", Run(more=" finetune@follows-full")),
        (".venv/bin/dvc exp push origin by-b", Run(says="Pushed")),
        (".venv/bin/dvc exp pull origin by-b", Run()),
        (".venv/bin/dvc exp show --only-changed", Run(more=" --no-pager", says="by-b")),
    ],
    "docs/corpus.md": [
        (".venv/bin/dvc exp run -S corpus.source=files -S corpus.path=/data/books", TO_TEXT),
        (
            ".venv/bin/dvc exp run -S corpus.source=files -S 'corpus.path=s3://bucket/crawl/**/*.jsonl.zst' "
            "-S corpus.on_bad_input=skip",
            TO_TEXT,
        ),
        (".venv/bin/python -m pip install datasets", PACKAGE),
        (
            ".venv/bin/dvc exp run -S corpus.source=huggingface -S corpus.dataset.name=roneneldan/TinyStories "
            '-S corpus.dataset.revision=<the commit, 40 digits: "Files and versions" on its page> '
            "-S corpus.columns.text=text",
            HUB,
        ),
        (
            ".venv/bin/dvc exp run -S 'corpus.quality.repetition={}' -S 'corpus.quality.near_duplicates.action=drop'",
            TO_TEXT,
        ),
        (".venv/bin/dvc exp run -S 'corpus.quality.length={least_words: 100}'", TO_TEXT),
    ],
    "docs/experiments.md": [
        (".venv/bin/dvc exp run -S lr=1e-4", Run(".venv/bin/dvc exp run -n mine -S lr=1e-4")),
        (".venv/bin/dvc params diff", Run(says="0.0001")),
        (".venv/bin/dvc metrics diff", Run(says="scores.follows.full")),
        (".venv/bin/dvc plots diff --open", Run(".venv/bin/dvc plots diff", says="index.html")),
        (".venv/bin/dvc exp show --only-changed", Run(more=" --no-pager", says="mine")),
        (".venv/bin/dvc exp apply NAME", Run()),
        (".venv/bin/dvc exp branch NAME topic", Run()),
        (
            "git checkout -- params.yaml scales reports README.md dvc.lock && .venv/bin/dvc checkout",
            ByTest(SUITE + "test_failed_experiment_has_a_way_out"),
        ),
        (".venv/bin/dvc exp run --queue -n a -S lr=1e-4", Run()),
        (".venv/bin/dvc exp run --queue -n b -S lr=2e-4", Run()),
        (LOG_OF_QUEUE, QUEUE),
        (".venv/bin/dvc queue status", LOOK),
        (".venv/bin/dvc queue kill NAME", ByTest(SUITE + "test_dead_worker_has_a_way_out")),
        (".venv/bin/dvc exp run --queue -n again -S lr=1e-4", ByTest(SUITE + "test_dead_worker_has_a_way_out")),
        (".venv/bin/dvc pull tasks encode pretrain baselines finetune frozen", ByTest(IN_PART)),
        (".venv/bin/dvc exp run --pull --allow-missing -S lr=1e-4", ByTest(IN_PART)),
        (".venv/bin/dvc exp push origin NAME", Run()),
        (".venv/bin/dvc exp pull origin NAME", Run()),
        (".venv/bin/dvc repro finetune@rte-full", ByTest(SUITE + "test_single_cell_is_run_alone")),
    ],
    "docs/faults.md": [],
    "docs/feedback.md": [],
    "docs/formats.md": [],
    "docs/gpu.md": [
        ("make gpu", NotRun("needs a GPU")),
        (".venv/bin/python benchmarks/gpu.py speed-gpt1 resume", NotRun("needs a GPU")),
        (
            ".venv/bin/python benchmarks/gpu.py --sizes tiny --out data/gpu",
            ByTest("tests/benchmarks/test_gpu.py::test_script_measures_every_part_on_a_cpu"),
        ),
        ('.venv/bin/python -c "import torch; print(torch.cuda.is_available())"', Run(nightly=False)),
        (".venv/bin/dvc exp run -S scale=gpu -S corpus.source=files -S corpus.path=/data/books", TO_TEXT),
        (".venv/bin/dvc exp run -S scale=gpt1 -S corpus.source=files -S corpus.path=/data/books", Run(more=" clean")),
    ],
    "docs/index.md": [],
    "docs/lineage.md": [
        (
            ".venv/bin/pretrace lineage",
            ByTest("tests/integration/test_systems.py::test_systems_at_equal_tokens_and_equal_flops"),
        ),
    ],
    "docs/mlflow.md": [
        (
            "make ui",
            NotRun("a server without an end; test_uploader_postgres.py has one like it"),
        ),
        (".venv/bin/pretrace track", LOOK),
        (
            ".venv/bin/pretrace track --resend",
            ByTest("tests/tracking/test_status.py::test_track_prints_the_queue_and_the_last_error"),
        ),
        ("export MLFLOW_TRACKING_URI=sqlite:///$PWD/.pretrace/mlflow.db", ByTest(SERVES)),
        ("""echo '{"dataframe_records": [{"text": "solve a linear equation"}]}' > rows.json""", ByTest(SERVES)),
        (
            ".venv/bin/mlflow models predict -m models:/pretrace-source@champion "
            "-i rows.json -t json --env-manager local",
            ByTest(SERVES),
        ),
        (
            "MLFLOW_TRACKING_URI=https://USER:PASSWORD@mlflow.example.org .venv/bin/dvc repro",
            ByTest("tests/faults/test_tracking_server.py::test_pipeline_does_not_notice_a_broken_server"),
        ),
        (
            ".venv/bin/mlflow server --backend-store-uri postgresql+psycopg2://USER@HOST/DATABASE "
            "--artifacts-destination s3://BUCKET/mlflow",
            ByTest("tests/tracking/spool/test_uploader_postgres.py::test_server_with_postgres"),
        ),
    ],
    "docs/prompts.md": [
        (".venv/bin/dvc repro tasks@mine", Run(".venv/bin/dvc repro tasks@follows", says="didn't change")),
        (
            ".venv/bin/pretrace prompt mine --row 3 --shots 4",
            ByTest("tests/evaluation/prompts/test_run.py::test_prompt_is_shown_with_tokens_answers_and_values"),
        ),
        (
            ".venv/bin/pretrace fewshot",
            ByTest("tests/evaluation/prompts/test_run.py::test_report_has_every_task_and_number_of_examples"),
        ),
    ],
    "docs/scale.md": [
        (
            ".venv/bin/python benchmarks/scale.py",
            ByTest("tests/benchmarks/test_scale.py::test_page_has_the_tables_of_the_script"),
        ),
    ],
    "docs/security.md": [
        ("make audit", ByTest("tests/review/test_audit.py::test_packages_that_differ_from_the_pins_are_named")),
        ("git fetch origin pull/7/head:theirs", NotRun("needs somebody's pull request")),
        ("git worktree add ../theirs theirs", NotRun("needs the branch of the line before")),
        (
            "make inspect FOLDER=../theirs BASE=origin/main",
            ByTest("tests/preflight/test_inspection.py::test_unchanged_checkout_is_fine"),
        ),
    ],
    "docs/serving.md": [
        ("make chat", ByTest(SERVER)),
        (".venv/bin/pretrace serve models/pretrained/gpt1/transformer", ByTest(SERVER)),
        (
            ".venv/bin/pretrace serve models/pretrained/gpt1/transformer models/pretrained/gpt2/transformer --port 80",
            ByTest(SERVER),
        ),
        (".venv/bin/pretrace chat models/pretrained/gpt1/transformer", ByTest(TERMINAL)),
        (".venv/bin/pretrace feedback", ByTest(VOTES)),
        (".venv/bin/pretrace feedback --list", ByTest(VOTES)),
        (".venv/bin/pretrace feedback --pairs data/pairs.jsonl", ByTest(VOTES)),
        (
            ".venv/bin/pretrace export models/pretrained/gpt2/transformer --to huggingface --out models/exported/gpt2",
            ByTest("tests/training/alignment/text/test_chat_template.py::test_transformers_renders_the_same"),
        ),
    ],
    "docs/statistics.md": [
        (".venv/bin/python -m pytest -m nightly -s tests/report/statistics/test_calibration.py", THESE),
        (".venv/bin/python -m pretrace.report.statistics.power", Run(nightly=False, says="6 tasks")),
    ],
    "docs/tasks.md": [
        (".venv/bin/dvc exp run -S 'tasks=${suites.glue}'", TO_TASKS),
        (".venv/bin/dvc exp run -S 'tasks=${suites.paper}' -S ready.source=huggingface", HUB),
        (
            ".venv/bin/dvc exp run -S 'sequences=${sequence_suites.probes}'",
            ByTest("tests/integration/test_sequences.py::test_learners_of_a_probe_are_in_one_table"),
        ),
        (
            ".venv/bin/pretrace predict rte-full rows.jsonl",
            Run(".venv/bin/pretrace predict follows-full data/rows.jsonl", nightly=False),
        ),
    ],
    "docs/training.md": [
        (".venv/bin/pretrace check", LOOK),
        (
            ".venv/bin/dvc exp run -S 'pretrain.seeds=[42,43]'",
            ByTest("tests/integration/test_pretraining_seeds.py::test_adding_a_seed_trains_only_what_is_new"),
        ),
        (
            ".venv/bin/dvc exp run -S scale=gpt1 -S pretrain.continue_from=/data/openai-gpt "
            "-S pretrain.continue_with.lr=0.00003",
            TO_WEIGHTS,
        ),
        (
            ".venv/bin/torchrun --nproc-per-node 8 stages/pretrain.py gpt1",
            Run("PYTHONPATH=src .venv/bin/torchrun --nproc-per-node 2 stages/pretrain.py gpt1"),
        ),
        (
            ".venv/bin/dvc exp run -S scales/laptop.yaml:pretrain.unit=2 -S scales/laptop.yaml:processes=auto",
            ByTest(
                "tests/training/pretraining/test_run_by_unit.py"
                "::test_a_killed_run_goes_on_with_another_number_of_processes"
            ),
        ),
        (
            ".venv/bin/dvc exp run -S 'systems=[gpt2]'",
            ByTest("tests/integration/test_systems.py::test_system_is_one_option_away"),
        ),
        (
            ".venv/bin/dvc exp run -S 'systems=[gpt1,bert]' -S '+variants.bert={system: bert}'",
            ByTest("tests/integration/test_systems.py::test_another_system_in_the_table_runs_only_what_is_new"),
        ),
        (
            ".venv/bin/dvc exp run -S 'systems=[gpt1,word2vec,elmo]' -S 'variants=${ablations.features}'",
            ByTest("tests/integration/test_systems.py::test_heads_on_states_stand_beside_fine_tuning"),
        ),
        (
            ".venv/bin/pretrace lineage",
            ByTest("tests/integration/test_systems.py::test_systems_at_equal_tokens_and_equal_flops"),
        ),
        (".venv/bin/dvc repro shard", LOOK),
        (".venv/bin/pretrace rates", ByTest("tests/tuning/test_rates.py::test_every_system_is_tried_with_every_rate")),
        (".venv/bin/pretrace ladder", ByTest("tests/tuning/test_ladder.py::test_ladder_is_trained_recorded_and_drawn")),
        (".venv/bin/pretrace evaluate models/pretrained/gpt1/transformer --text README.md", LOOK),
        (".venv/bin/pretrace evaluate models/pretrained/gpt1/transformer --text README.md --stride 128", LOOK),
        (".venv/bin/pretrace evaluate models/pretrained/gpt1/transformer --text README.md --json", LOOK),
        (
            ".venv/bin/pretrace evaluate models/pretrained/gpt1/transformer --text README.md --published-as wikitext",
            LOOK,
        ),
        (
            '.venv/bin/pretrace generate --prompt "the function returns" --tokens 60 '
            "--temperature 0.7 --top 20 --seed 3",
            LOOK,
        ),
        (".venv/bin/pretrace generate models/pretrained/gpt1/transformer", LOOK),
        (
            '.venv/bin/pretrace generate --prompt "the function" --prompt "if the" --number 2 --top-p 0.9 --stop " ."',
            LOOK,
        ),
        (
            ".venv/bin/pretrace generate --file prompts.txt --beams 4 --length-penalty 0.6 --end-of-document",
            ByTest("tests/inference/test_generate_texts.py::test_several_prompts_have_the_texts_of_each"),
        ),
        (".venv/bin/dvc exp run -S 'variants=${ablations.read_out}'", TO_WEIGHTS),
    ],
    "docs/weights.md": [
        (".venv/bin/dvc exp run -S scale=gpt1 -S pretrain.init_from=/data/openai-gpt", TO_WEIGHTS),
        (".venv/bin/pretrace export models/pretrained/gpt1/transformer --to huggingface", LOOK),
        (
            ".venv/bin/pretrace export models/pretrained/gpt1/transformer --to openai",
            ByTest("tests/export/test_export.py::test_export_and_load_keep_every_bit"),
        ),
        (".venv/bin/pretrace export models/pretrained/gpt1/transformer --to onnx", LOOK),
        (
            ".venv/bin/pretrace export acceptability-full --to torchscript --out my-model",
            Run(nightly=False, says="my-model"),
        ),
    ],
    "docs/your-task.md": [
        ("make repro", Run()),
        (".venv/bin/pretrace check", Run(says="task mine     576 train rows, 64 dev rows, 160 test rows")),
        ("make repro", Run(says="| mine |")),
        ('echo "Return a new list." > new.txt', Run()),
        (".venv/bin/pretrace predict mine-full new.txt", Run(".venv/bin/pretrace predict mine-full new.txt")),
    ],
    "docs/zero-shot.md": [
        (
            ".venv/bin/dvc exp run -S zero_shot.rows=1000",
            Run(more=" zeroshot@gpt1", says="Running stage 'zeroshot@gpt1'"),
        ),
        (
            ".venv/bin/dvc exp run -S 'scales/laptop.yaml:pretrain.save_at_powers_of_two=true' "
            "-S 'systems=[gpt1,lstm]' -S 'variants=${ablations.table5}'",
            TO_WEIGHTS,
        ),
        (
            ".venv/bin/dvc exp run -S '+language_tests.lambada={protocol: last_word, file: data/lambada_test.parquet}'",
            Run(more=" zeroshot@gpt1"),
        ),
        (
            ".venv/bin/pretrace evaluate models/pretrained/gpt1/transformer --last-word data/lambada_test.parquet",
            Run(nightly=False, says="accuracy"),
        ),
    ],
}
"""A page's commands in their order; those of a page are run one after the other in one copy."""

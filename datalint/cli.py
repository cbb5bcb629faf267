"""Words on the command line -> one call -> exit code. No logic; each verb imports what it needs."""

from __future__ import annotations

import argparse
import gc
import io
import math
import os
import sys
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from datalint import __version__
from datalint.commands import reader_has_gone
from datalint.errors import DatalintError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_CODES = """\
exit codes: 0 nothing blocking, 1 blocking findings, 2 wrong usage, configuration or rule file,
            3 could not finish, 130 interrupted. They never depend on the output format."""
# Whole numbers that fit into 64 bits, as in the configuration: of larger ones no float can be made.
_DIGITS = 18
# Beyond this, figures are no numbers of JSON any more, and no process can be waited for so many seconds.
_MOST = 1_000_000


class _Parser(argparse.ArgumentParser):
    """Options are never guessed from a beginning: a new one must not change what an old command means."""

    def __init__(self, **options: Any) -> None:
        formatter = argparse.RawDescriptionHelpFormatter
        super().__init__(epilog=EXIT_CODES, formatter_class=formatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, hint=f"see `{self.prog} --help`")


def parser() -> argparse.ArgumentParser:
    """Every verb and option; also what the documentation is checked against."""
    root = _Parser(
        prog="datalint",
        description="Tells you, before you commit or merge, that an image dataset will not train.",
    )
    root.add_argument("--version", action="version", version=f"datalint {__version__}")
    verbs = root.add_subparsers(dest="verb", metavar="COMMAND", parser_class=_Parser, prog="datalint")

    check = _verb(verbs, "check", "judge a dataset (the default command)", "datalint.commands.check")
    _dataset_options(check)
    _judging_options(check)
    check.add_argument(
        "--since",
        metavar="REF",
        help="block only on what is new since REF, or since this branch left it; show what changed",
    )
    check.add_argument(
        "--policy-from",
        metavar="REF",
        help="configuration, rules and baseline of this commit count, not those that come with the data",
    )
    check.add_argument("--write-baseline", action="store_true", help="accept today's findings in the baseline file")
    check.add_argument("--prune-baseline", action="store_true", help="drop accepted findings that are gone")
    check.add_argument("--no-ignores", action="store_true", help="show what ignores and baseline hide")
    check.add_argument(
        "--verify-lock",
        action="store_true",
        help="read every byte again, whatever the time stamps say, and compare it with the lock file",
    )

    diff = _verb(verbs, "diff", "compare two states of a dataset, or two datasets", "datalint.commands.diff")
    diff.add_argument("a", metavar="A", help="the earlier one: a commit, a folder or a manifest")
    diff.add_argument("b", nargs="?", metavar="B", help="the later one (default: the dataset as it is now)")
    diff.add_argument("--path", metavar="PATH", help="folder or manifest in a commit (default: dataset.path)")
    _judging_options(diff)
    _looking_options(diff)

    lock = _verb(
        verbs,
        "lock",
        "write content, size, split and label of every file into a lock file that `datalint check` compares with",
        "datalint.commands.lock",
    )
    _state_options(lock)
    _reading_options(lock)

    facts = _verb(verbs, "facts", "show the tables that rules read", "datalint.commands.facts")
    _dataset_options(facts)
    facts.add_argument("--sql", metavar="QUERY", help="one SELECT over the tables (default: samples joined with files)")
    facts.add_argument("-o", "--output", default="csv", metavar="FORMAT[=FILE]", help="csv, jsonl or parquet=FILE")

    estimate = _verb(
        verbs, "estimate", "predict what training takes of the target, and what would fit", "datalint.commands.estimate"
    )
    _dataset_options(estimate)
    estimate.add_argument("--samples", type=_positive, metavar="N", help="training samples, without a dataset")
    _recipe_options(estimate)
    estimate.add_argument(
        "--grow", type=_growth, default=1.0, metavar="FACTOR", help="as if the dataset were 2x as large"
    )
    estimate.add_argument(
        "--dry-run",
        action="store_true",
        help="measure the model: a few real train steps on this machine, with TensorFlow, in a process of their own; "
        "the reading is kept. For `module:function` it runs that code",
    )
    estimate.add_argument(
        "--dry-run-timeout", type=_seconds, default=300.0, metavar="S", help="seconds for --dry-run (default: 300)"
    )
    estimate.add_argument(
        "--compile",
        action="store_true",
        help="let XLA compile the model's train step for the target's GPU, which need not be here, with JAX, in a "
        "process of its own; the reading is kept. For `module:function` it runs that code",
    )
    estimate.add_argument(
        "--compile-timeout", type=_seconds, default=600.0, metavar="S", help="seconds for --compile (default: 600)"
    )
    estimate.add_argument("-o", "--output", choices=("text", "json"), default="text")

    rehearse = _verb(
        verbs,
        "rehearse",
        "run the recipe for real on a part of the dataset, and compare with what is predicted",
        "datalint.commands.rehearse",
    )
    _dataset_options(rehearse)
    _recipe_options(rehearse)
    rehearse.add_argument(
        "--slice",
        type=_positive,
        metavar="N",
        help="samples (default: 512, or fewer where they are predicted to take long)",
    )
    rehearse.add_argument(
        "--time-limit",
        type=_seconds,
        default=120.0,
        metavar="SECONDS",
        help="after which it is stopped (default: 120)",
    )
    rehearse.add_argument("-o", "--output", choices=("text", "json"), default="text")

    explain = _verb(verbs, "explain", "print a rule's page: why, parameters, remedy, SQL", "datalint.commands.explain")
    explain.add_argument("rule", metavar="RULE")
    _config_option(explain)

    rules = _verb(verbs, "rules", "list the rules", "datalint.commands.rules")
    rules.add_argument("-o", "--output", choices=("text", "json"), default="text")
    _config_option(rules)

    test = _verb(verbs, "test", "run the inline tests of rule files", "datalint.commands.test")
    test.add_argument("paths", nargs="*", metavar="PATH", help="rule files or folders (default: rules.paths)")
    _config_option(test)

    new = _verb(verbs, "new-rule", "write a rule file to start from", "datalint.commands.new_rule")
    new.add_argument("rule", metavar="NAMESPACE/NAME")
    new.add_argument("--folder", default=".datalint/rules", help="where it goes (default: %(default)s)")

    init = _verb(verbs, "init", "write a commented datalint.yaml from what is found", "datalint.commands.init")
    init.add_argument("path", nargs="?", default=".", metavar="PATH")
    init.add_argument(
        "--from-script",
        metavar="FILE",
        help="propose what this training script or notebook says; it is read, never executed",
    )
    init.add_argument("--stdout", action="store_true", help="print it instead of writing it")
    init.add_argument("--schema", action="store_true", help="also write the JSON Schema that editors complete from")

    cache = _verb(verbs, "cache", "show what is kept between runs, and keep it small", "datalint.commands.cache")
    tidy = cache.add_mutually_exclusive_group()
    tidy.add_argument("--prune", action="store_true", help="drop what no run can use any more")
    tidy.add_argument("--clear", action="store_true", help="drop everything")
    cache.add_argument(
        "--max-size",
        metavar="SIZE",
        help="with --prune: also the facts longest not used, until it is this small (500MB)",
    )
    cache.add_argument("--cache-dir", metavar="DIR", help="where it lies (default: .datalint_cache)")
    _config_option(cache)

    hook = _verb(
        verbs, "install-hook", "write a git hook, for people without pre-commit", "datalint.commands.install_hook"
    )
    hook.add_argument(
        "--type",
        action="append",
        choices=("pre-commit", "pre-merge-commit", "pre-push"),
        help="when it runs; repeatable (default: pre-commit)",
    )
    return root


def _verb(verbs: argparse._SubParsersAction[_Parser], name: str, text: str, module: str) -> _Parser:
    verb = verbs.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    verb.set_defaults(module=module)
    verb.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    return verb


def _config_option(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--config", metavar="FILE", help="configuration (default: datalint.yaml or [tool.datalint])")


def _judging_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--select", action="append", default=[], metavar="RULE", help="only these rules, tags or families"
    )
    verb.add_argument("--ignore", action="append", default=[], metavar="RULE", help="not these rules, tags or families")
    verb.add_argument("--fail-on", choices=("error", "warning", "never"), help="what blocks (default: error)")
    verb.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        metavar="FORMAT[=FILE]",
        help="text, concise, json, jsonl, github, sarif, gitlab, junit or markdown; repeatable (default: text on a "
        "terminal and under pre-commit, text and github in GitHub Actions, else concise)",
    )
    verb.add_argument("-v", "--verbose", action="store_true", help="show every finding, not ten a rule")


def _dataset_options(verb: argparse.ArgumentParser) -> None:
    _state_options(verb)
    verb.add_argument("--base", metavar="REF", help="commit to compare with (default: the last one, or REF's parent)")
    _looking_options(verb)


def _state_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("path", nargs="?", metavar="PATH", help="folder or manifest (default: dataset.path)")
    side = verb.add_mutually_exclusive_group()
    side.add_argument("--staged", action="store_true", help="judge the git index: what is about to be committed")
    side.add_argument("--tree", metavar="REF", help="judge a commit")


def _looking_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--target", help="machine to judge for (default: local)")
    _reading_options(verb)


def _reading_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--format", help="imagefolder, csv, coco, yolo, tfrecord, ...: docs/formats (default: detected)")
    _config_option(verb)
    verb.add_argument("--no-cache", action="store_true", help="read every file again")
    verb.add_argument("--cache-dir", metavar="DIR", help="where facts are kept (default: .datalint_cache)")
    verb.add_argument("--workers", type=_positive, metavar="N", help="scan processes (default: all allowed cores)")
    verb.add_argument(
        "--timeout", type=_seconds, default=60.0, metavar="S", help="seconds a file may take (default: 60)"
    )


def _recipe_options(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--height", type=_positive, metavar="PIXELS", help="height fed to the model")
    verb.add_argument("--width", type=_positive, metavar="PIXELS", help="width fed to the model")
    verb.add_argument("--channels", type=int, choices=(1, 3, 4), help="channels fed to the model")
    verb.add_argument("--dtype", metavar="TYPE", help="type of a channel value, such as uint8")
    verb.add_argument("--loader", metavar="NAME", help="how the images reach the model, such as array")
    verb.add_argument("--batch", type=_positive, metavar="N", help="samples per step")
    verb.add_argument("--model", metavar="NAME", help="an application of Keras, or a .keras file, for its memory")


def _positive(text: str) -> int:
    digits = text.lstrip("0")
    if not (text.isascii() and text.isdigit() and digits):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    if len(digits) > _DIGITS:
        raise argparse.ArgumentTypeError(f"a number of {len(digits):,} digits is larger than anything that is counted")
    return int(digits)


def _growth(text: str) -> float:
    try:
        return _seconds(text.removesuffix("x"))
    except argparse.ArgumentTypeError:
        words = f"{text!r} is not a factor above 0, such as 2x, and at most a million"
        raise argparse.ArgumentTypeError(words) from None


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= _MOST:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0, and at most a million")
    return number


def _parsed(words: Sequence[str]) -> argparse.Namespace:
    try:
        arguments, more = parser().parse_known_args(words)
    except UsageError as error:
        if f"invalid choice: {words[0]!r}" in error.message and os.path.lexists(words[0]):
            raise UsageError(error.message, hint=f"a dataset is judged by `datalint check {words[0]}`") from None
        raise
    if not more:
        return arguments
    hint = f"see `datalint {arguments.verb} --help`"
    if hasattr(arguments, "path") and not any(word.startswith("-") for word in more):
        hint = "a dataset is one path: quote it where it has spaces; a hook needs `pass_filenames: false`"
    raise UsageError(f"unrecognized arguments: {' '.join(more)}", hint=hint)


def main(words: list[str] | None = None) -> int:
    """Run one command; returns the exit code. Every expected error is one line on standard error."""
    # Rows of a hundred thousand images hold no cycles, and looking for some takes an eighth of the run.
    gc.set_threshold(1_000_000, 50, 1000)
    # Closed by the caller (`>&-`, `2>&-`): the exit code still counts.
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name may hold what the terminal's encoding cannot say.
            stream.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if words is None else words
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help", "--version")):
        words = ["check", *words]
    try:
        arguments = _parsed(words)
        code = int(import_module(arguments.module).run(arguments))
        sys.stdout.flush()
        return code
    except DatalintError as error:
        for mistake in (error, *error.others) if isinstance(error, UsageError) else (error,):
            _complain(str(mistake))
            if isinstance(mistake, UsageError) and mistake.hint:
                _complain(mistake.hint, indented=True)
        return int(error.exit_code)
    except KeyboardInterrupt:
        _complain("interrupted")
        return int(ExitCode.INTERRUPTED)
    except BrokenPipeError:
        reader_has_gone()
        return int(ExitCode.UNFINISHED)
    except OSError as error:
        # Whatever is not met where it can be named: a full disk behind standard output, above all.
        reader_has_gone()
        _complain(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
        return int(ExitCode.UNFINISHED)
    except Exception:  # noqa: BLE001,RUF100 - Python would exit with 1, which is the word for blocking findings
        sys.excepthook(*sys.exc_info())
        _complain("no verdict: the error above is one of datalint or of its environment, not of the data")
        return int(ExitCode.UNFINISHED)


def _complain(text: str, *, indented: bool = False) -> None:
    """One line on standard error, whatever a name in it holds; where nobody can read it, the exit code still counts."""
    from datalint.report.words import printable

    with suppress(OSError):
        print(f"{'          ' if indented else 'datalint: '}{printable(text)}", file=sys.stderr)

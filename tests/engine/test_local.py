"""Real processes that crash, hang, eat memory and get killed: each costs one item, never the run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from datalint import engine
from datalint.engine import Answered, Failure, local
from datalint.errors import UnfinishedError
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = (sys.executable, "-m", "tests.engine.toy")
Item = tuple[str, object]


@pytest.fixture(autouse=True)
def _in_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def doubles(number: int) -> list[Item]:
    return [("double", index) for index in range(number)]


def batched(items: list[Item], size: int = 8) -> Iterator[list[Item]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def collect(answered: Iterator[Answered]) -> dict[Item, Any]:
    found: dict[Item, Any] = {}
    for batch in answered:
        for item, answer in zip(batch.items, batch.answers, strict=True):
            assert item not in found
            found[item] = answer
    return found


def run(items: list[Item], *, workers: int = 2, size: int = 8, **options: Any) -> dict[Item, Any]:
    return collect(local.run(COMMAND, batched(items, size), workers=workers, **options))


def undisturbed(items: list[Item]) -> dict[Item, Any]:
    return {(order, argument): 2 * argument for order, argument in items if isinstance(argument, int)}


def test_the_register_leads_to_the_engine() -> None:
    assert engine.load("local") is local


@pytest.mark.parametrize(("number", "workers"), [(0, 1), (1, 1), (8, 2), (9, 2), (500, 3)])
def test_every_item_is_answered_once(number: int, workers: int) -> None:
    assert run(doubles(number), workers=workers) == undisturbed(doubles(number))


def test_without_items_no_process_is_started() -> None:
    assert list(local.run(["/no/such/program"], iter([]), workers=2)) == []


def test_empty_batches_are_passed_over() -> None:
    assert collect(local.run(COMMAND, [[], [("double", 4)], []], workers=1)) == {("double", 4): 8}


@pytest.mark.parametrize(
    ("item", "words"),
    [(("die", signal.SIGSEGV), "SIGSEGV"), (("die", signal.SIGABRT), "SIGABRT"), (("exit", 0), "exit status 3")],
)
@pytest.mark.parametrize("position", [0, 7, 8, 19])
def test_an_item_that_kills_its_process_costs_itself_only(item: Item, words: str, position: int) -> None:
    items = doubles(20)
    items.insert(position, item)
    answers = run(items)
    failure = answers.pop(item)
    assert failure.kind == "crash"
    assert words in failure.detail
    assert answers == undisturbed(doubles(20))


def test_many_items_that_kill_their_process_each_cost_themselves() -> None:
    bad: list[Item] = [("exit", index) for index in range(12)]
    answers = run([*doubles(10), *bad, *doubles(20)[10:]], size=32)
    assert [answers.pop(item).kind for item in bad] == ["crash"] * 12
    assert answers == undisturbed(doubles(20))


def test_a_process_killed_from_outside_costs_nothing(tmp_path: Path) -> None:
    item = ("die-once", str(tmp_path / "mark"))
    answers = run([*doubles(10), item, *doubles(30)[10:]], size=64)
    assert answers.pop(item) == "survived"
    assert answers == undisturbed(doubles(30))


def test_a_worker_killed_between_batches_costs_nothing() -> None:
    items: list[Item] = [*doubles(40), *[("where", index) for index in range(40)]]
    answers: dict[Item, Any] = {}
    killed = 0
    for batch in local.run(COMMAND, batched(items[::-1], 4), workers=2):
        for item, answer in zip(batch.items, batch.answers, strict=True):
            answers[item] = answer
            if item[0] == "where" and killed < 3:
                killed += 1
                try:
                    os.kill(answer, signal.SIGKILL)
                except ProcessLookupError:
                    continue
    assert killed == 3
    assert {item: answer for item, answer in answers.items() if item[0] == "double"} == undisturbed(doubles(40))
    assert len(answers) == 80


def test_a_hang_is_ended_and_costs_itself_only() -> None:
    item = ("hang", None)
    answers = run([*doubles(5), item, *doubles(20)[5:]], timeout=0.5)
    assert answers.pop(item) == Failure("hang", "no answer within 0.5 s")
    assert answers == undisturbed(doubles(20))


def test_a_slow_reader_of_answers_is_no_hang() -> None:
    found: dict[Item, Any] = {}
    for batch in local.run(COMMAND, batched(doubles(200), 2), workers=1, timeout=0.2):
        if not found:
            time.sleep(0.5)
        found.update(zip(batch.items, batch.answers, strict=True))
    assert found == undisturbed(doubles(200))


def test_a_stopped_worker_is_replaced() -> None:
    items: list[Item] = [("where", 0), *doubles(40)]
    found: dict[Item, Any] = {}
    for batch in local.run(COMMAND, batched(items, 1), workers=1, timeout=0.5):
        found.update(zip(batch.items, batch.answers, strict=True))
        if ("where", 0) in batch.items:
            os.kill(batch.answers[0], signal.SIGSTOP)
    del found[("where", 0)]
    # Where it was stopped within an item, that item is a hang; else nothing is lost.
    hung = [item for item, answer in found.items() if isinstance(answer, Failure)]
    assert len(hung) <= 1
    assert {item: found[item] for item in found if item not in hung}.items() <= undisturbed(doubles(40)).items()
    assert len(found) == 40


def test_memory_is_limited_and_the_worker_lives_on() -> None:
    items: list[Item] = [("where", 0), ("eat", None), ("where", 1)]
    answers = run(items, workers=1, memory=1 << 30)
    assert answers["eat", None].kind == "memory"
    assert answers["where", 0] == answers["where", 1]


def test_an_exception_is_an_answer_in_words() -> None:
    answers = run([("fly", None), ("double", 1)])
    assert answers["fly", None] == Failure("error", "ValueError: no such order: fly")
    assert answers["double", 1] == 2


def test_what_the_function_prints_does_not_mix_with_answers(capfd: pytest.CaptureFixture[str]) -> None:
    assert run([("chatter", None)]) == {("chatter", None): "quiet"}
    assert capfd.readouterr() == ("", "")


def test_items_and_answers_larger_than_a_pipe_do_not_block() -> None:
    items: list[Item] = [("big", 300_000 + index) for index in range(6)]
    wide: list[Item] = [("fly", "x" * 200_000 + str(index)) for index in range(6)]
    answers = run([*items, *wide], workers=1, size=2)
    assert [len(answers[item]) for item in items] == [300_000 + index for index in range(6)]
    assert all(answers[item].kind == "error" for item in wide)


def test_a_worker_that_cannot_start_ends_the_run() -> None:
    with pytest.raises(UnfinishedError, match="the toy refuses to start"):
        list(local.run([*COMMAND, "refuse"], batched(doubles(5)), workers=2))


def test_a_program_that_is_not_there_ends_the_run() -> None:
    with pytest.raises(UnfinishedError, match="cannot start a scan process: No such file"):
        list(local.run(["/no/such/program"], batched(doubles(5)), workers=2))


def test_an_abandoned_run_leaves_no_process() -> None:
    answered = local.run(COMMAND, batched([("where", index) for index in range(100)], 1), workers=1)
    process = next(answered).answers[0]
    answered.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)


def test_workers_end_when_their_parent_is_killed() -> None:
    code = (
        "import sys\nfrom datalint.engine import local\n"
        f"for batch in local.run({COMMAND!r}, ([('where', n)] for n in range(10**9)), workers=1):\n"
        "    print(batch.answers[0], flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    assert gone(worker)


def gone(process: int) -> bool:
    """Within ten seconds; a zombie that nobody has collected counts."""
    for _ in range(1000):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False

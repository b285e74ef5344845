"""Processes that meet: each has its own engine and its own clock, waits for the others, acts, and tells what came of it.

The acts are functions of the test's module, in its dictionary ACTS; a step is (instant, name of the act, arguments).
"""

from __future__ import annotations

import importlib
from collections import Counter
from pathlib import Path
from typing import Any

from rdv import clock
from rdv.db import db
from rdv.errors import RdvError
from tests.support import databases, forks, frozen

Step = tuple[str, str, tuple[Any, ...]]


def follow(module: str, url: str, folder: str, steps: list[Step], barrier: Any, answers: Any) -> None:
    """One process: at each round wait for the others, act at its own hour, and tell what came of it."""
    try:
        acts = importlib.import_module(module).ACTS
        app = forks.application(databases.settings(url, Path(folder)))
        with app.app_context():
            for number, (instant, act, arguments) in enumerate(steps):
                clock.now = frozen.FrozenClock(instant)
                barrier.wait(timeout=60)
                try:
                    acts[act](*arguments)
                    answers.put((number, act, "done"))
                except RdvError as refusal:
                    answers.put((number, act, type(refusal).__name__))
                db.session.rollback()
    except BaseException as error:
        barrier.abort()
        answers.put(error)
        raise


def race(module: str, url: str, folder: Path, *processes: list[Step]) -> list[Counter[tuple[str, str]]]:
    """Let these lists of steps run side by side; return what each round answered. A deadlock or any failure is raised."""
    db.session.rollback()
    context = forks.context()
    barrier, answers = context.Barrier(len(processes)), context.Queue()
    running = [
        context.Process(target=follow, args=(module, url, str(folder), steps, barrier, answers)) for steps in processes
    ]
    for process in running:
        process.start()
    rounds: list[Counter[tuple[str, str]]] = [Counter() for _ in processes[0]]
    for _ in range(sum(map(len, processes))):
        answer = answers.get(timeout=90)
        if isinstance(answer, BaseException):
            raise answer
        number, act, result = answer
        rounds[number][act, result] += 1
    for process in running:
        process.join(timeout=30)
        assert process.exitcode == 0
    db.session.rollback()
    return rounds

"""Counts that the last lines of a run tell: tests per database, and skips where none is allowed."""

from __future__ import annotations

import os
from collections import Counter

import pytest


class RunReport:
    """A pytest plugin: one summary line, and a failed run when RDV_FORBID_SKIPS=1 and something was skipped."""

    def __init__(self) -> None:
        self.passed: Counter[str] = Counter()
        self.skipped: list[str] = []

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        callspec = getattr(item, "callspec", None)
        engine = callspec.params.get("engine_name") if callspec else None
        if engine is None and "engine_name" in getattr(item, "fixturenames", ()):
            engine = "sqlite"
        item.user_properties.append(("database", engine or "without database"))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skipped.append(f"{report.nodeid}: {_reason(report)}")
        if report.when == "call" and report.passed:
            self.passed[str(dict(report.user_properties)["database"])] += 1

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(f"{report.nodeid}: {_reason(report)}")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.skipped and _skips_forbidden():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        names = ("sqlite", "postgresql", "without database")
        terminalreporter.write_line(", ".join(f"{name}: {self.passed[name]} passed" for name in names))
        if self.skipped and _skips_forbidden():
            terminalreporter.write_line("RDV_FORBID_SKIPS=1, yet skipped:", red=True)
            for line in self.skipped:
                terminalreporter.write_line("  " + line, red=True)


def _skips_forbidden() -> bool:
    return os.environ.get("RDV_FORBID_SKIPS") == "1"


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    return str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)

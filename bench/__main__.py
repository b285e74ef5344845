"""`python -m bench [scenario …] [--quick] [--repeat N] [--engine sqlite|postgresql]`: see bench/README.md."""

from __future__ import annotations

import argparse

from bench.book_core import book_core
from bench.booking import book_hot, book_spread
from bench.catalogue_import import catalogue_import
from bench.feeds import feed_build, feed_poll
from bench.inbox import inbox_pages
from bench.publish import publish_1000
from bench.slot_page import slot_page, slot_page_scale
from bench.stats import stats_scenario
from bench.webhooks import webhooks_scenario
from tests.support.postgres import NoServer, find_server

SCENARIOS = {
    "book-hot": (book_hot, 1),
    "book-spread": (book_spread, 5),
    "book-core": (book_core, 5),
    "slot-page": (slot_page, 5),
    "slot-page-scale": (slot_page_scale, 5),
    "inbox": (inbox_pages, 3),
    "stats": (stats_scenario, 3),
    "publish-1000": (publish_1000, 3),
    "feed-build": (feed_build, 5),
    "feed-poll": (feed_poll, 5),
    "catalogue-import": (catalogue_import, 1),
    "webhooks": (webhooks_scenario, 3),
}


def main() -> None:
    """Run what was asked on both databases."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("scenarios", nargs="*", help=f"of {', '.join(SCENARIOS)}; all of them by default")
    parser.add_argument("--quick", action="store_true", help="small: only checks the answers")
    parser.add_argument("--repeat", type=int, help="how many times each side runs")
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], help="one database only")
    options = parser.parse_args()
    unknown = set(options.scenarios) - set(SCENARIOS)
    if unknown:
        parser.error(f"unknown scenario: {', '.join(sorted(unknown))}")
    for engine in [options.engine] if options.engine else ["sqlite", "postgresql"]:
        postgres = None
        if engine == "postgresql":
            try:
                postgres = find_server(durable=True)
            except NoServer as reason:
                print(f"postgresql: skipped, {reason}")
                continue
        try:
            for name in options.scenarios or SCENARIOS:
                scenario, repeats = SCENARIOS[name]
                print(f"{name} on {engine}", flush=True)
                scenario(engine, postgres, options.quick, options.repeat or (1 if options.quick else repeats))
        finally:
            if postgres:
                postgres.stop()


main()

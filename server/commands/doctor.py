"""The command ``doctor``: looks at everything memoryd stands on and says what to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from memory.errors import MemorydError
from server.commands.examples import CommandWithExamples
from server.commands.opening import show_warnings
from server.commands.output import print_json, print_text
from server.commands.session import Session, json_option, settings_options
from server.config import Settings
from server.diagnosis import (
    Check,
    Verdict,
    check_database,
    check_embedder,
    check_home,
    check_key,
    check_log,
    check_port,
    check_versions,
    rebuild,
)
from server.progress import progress_bar

__all__ = ["doctor"]

COLOURS = {Verdict.OK: "green", Verdict.WARN: "yellow", Verdict.FAIL: "red"}


@click.command(
    cls=CommandWithExamples,
    examples=(
        "memoryd doctor",
        "memoryd doctor --rebuild",
    ),
)
@click.option("--rebuild", "anew", is_flag=True, help="Make the records anew from the log first.")
@json_option
@settings_options(hidden=True)
@click.pass_context
def doctor(context: click.Context, /, anew: bool, as_json: bool) -> None:
    """Check settings, key, database, log, embedding model and port; say what to do.

    The exit status is 1 when anything failed. Nothing is changed without --rebuild, which makes
    the records anew from the log and gives a vector to every record that lacks one.
    """
    show_warnings()
    checks = []
    for check in _checks(context.ensure_object(Session), anew=anew):
        checks.append(check)
        if not as_json:
            _print(check)
    if as_json:
        print_json([asdict(check) for check in checks])
    context.exit(1 if any(check.verdict is Verdict.FAIL for check in checks) else 0)


def _checks(session: Session, /, *, anew: bool) -> Iterator[Check]:
    try:
        settings = session.settings()
    except MemorydError as error:
        yield Check("settings", Verdict.FAIL, error.message)
        return
    yield Check("settings", Verdict.OK, "can be taken; `memoryd config --settings` shows them")
    yield check_home(settings)
    key = check_key(settings)
    yield key
    if key.verdict is not Verdict.FAIL:
        yield from _checks_of_data(settings, anew=anew)
    yield check_embedder(settings)
    yield check_port(settings)
    yield check_versions()


def _checks_of_data(settings: Settings, *, anew: bool) -> Iterator[Check]:
    if anew:
        with progress_bar("Rebuilding") as advance:
            rebuilt = rebuild(settings, advance)
        yield rebuilt
    with progress_bar("Reading the database") as advance:
        database = check_database(settings, advance)
    yield database
    if database.verdict is Verdict.OK:
        with progress_bar("Checking the log") as advance:
            log = check_log(settings, advance)
        yield log


def _print(check: Check) -> None:
    verdict = click.style(f"{check.verdict:<4}", fg=COLOURS[check.verdict])
    click.echo(f"{verdict} ", nl=False)
    print_text(f"{check.name}: {check.message}")

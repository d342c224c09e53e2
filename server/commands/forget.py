"""The command ``forget``."""

from __future__ import annotations

import sys

import click

from server.commands.examples import CommandWithExamples
from server.commands.opening import Opened, open_memory
from server.commands.output import print_json, print_text
from server.commands.session import Session, json_option, pass_session, settings_options
from server.commands.values import JSON_OBJECT, TIER
from tools.forget import Forget

__all__ = ["forget"]


@click.command(
    cls=CommandWithExamples,
    examples=(
        "memoryd forget 0198c0de-0000-7000-8000-000000000000",
        "memoryd forget --tier working --dry-run",
        'memoryd forget --filters \'{"tags": ["draft"]}\' --erase --yes',
    ),
)
@click.argument("ids", nargs=-1)
@click.option("--tier", type=TIER, help="All of this tier (that match the filters).")
@click.option("--filters", type=JSON_OBJECT, help="Which records, as a JSON object.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--erase", is_flag=True, help="Remove the content for good; cannot be undone.")
@json_option
@settings_options(hidden=True)
@pass_session
def forget(session: Session, /, as_json: bool, yes: bool, **options: object) -> None:
    """Forget memories by their IDS, or all of a tier or that match filters.

    Forgotten memories are no longer found but can be brought back; erased ones cannot.
    """
    ids = options["ids"]
    if not ids and options["tier"] is None and not options["filters"]:
        raise click.UsageError("Say what to forget: IDS, --tier or --filters.")
    arguments = {**options, "ids": list(ids) if isinstance(ids, tuple) and ids else None}
    with open_memory(session) as opened:
        tool = Forget()
        if not options["dry_run"] and _is_drastic(options):
            _make_sure(opened, arguments, yes=yes)
            arguments["confirm"] = True
        result = opened.call(tool, arguments)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_text(tool.text(result))


def _is_drastic(options: dict[str, object]) -> bool:
    """Whether a whole tier goes, or anything goes for good."""
    return bool(options["erase"]) or not (options["ids"] or options["filters"])


def _make_sure(opened: Opened, arguments: dict[str, object], *, yes: bool) -> None:
    """Asks on a terminal; elsewhere ``--yes`` must have been given.

    Raises:
        ClickException: There is nobody to ask.
        Abort: The answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.ClickException("Look first with --dry-run, then confirm with --yes.")
    would = opened.call(Forget(), {**arguments, "dry_run": True})
    verb = "Erase for good" if arguments["erase"] else "Forget"
    noun = "memory" if would.forgotten == 1 else "memories"
    click.confirm(f"{verb} {would.forgotten} {noun}?", abort=True, err=True)

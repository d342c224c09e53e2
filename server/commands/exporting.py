"""The command ``export``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import click
from pydantic import ValidationError

from memory.records import Filter, MemoryRecord
from memory.transfer.exporting import write_records
from server.commands.examples import CommandWithExamples
from server.commands.opening import Opened, open_memory
from server.commands.output import note, print_json, print_text
from server.commands.session import Session, json_option, pass_session, settings_options
from server.commands.values import JSON_OBJECT, TIER
from server.private_file import private_file
from server.progress import Advance, progress_bar
from tools.filters import FiltersIn
from tools.reasons import invalid_input

__all__ = ["export_command"]

STANDARD_OUTPUT = Path("-")
KEPT = ("active", "superseded", "quarantined")


@click.command(
    "export",
    cls=CommandWithExamples,
    examples=(
        "memoryd export backup.jsonl --all-namespaces",
        "memoryd export - --tag recipes | jq .content",
    ),
)
@click.argument("path", type=click.Path(dir_okay=False, allow_dash=True, path_type=Path))
@click.option("--all-namespaces", is_flag=True, help="The records of every namespace.")
@click.option("--include-forgotten", is_flag=True, help="Forgotten records too.")
@click.option("--tier", "tiers", type=TIER, multiple=True, help="Only this tier; repeatable.")
@click.option("--tag", "tags", multiple=True, help="Only records with this tag; repeatable.")
@click.option("--filters", type=JSON_OBJECT, help="Further filters, as a JSON object.")
@json_option
@settings_options(hidden=True)
@pass_session
def export_command(
    session: Session, /, path: Path, as_json: bool, all_namespaces: bool, **options: object
) -> None:
    """Write records as JSON lines to the file PATH, or to standard output when it is `-`.

    The file is readable text, not encrypted; only its owner can read it. It appears whole or not
    at all. `memoryd import` takes it back, ids and times kept.
    """
    where = _filter(options)
    with open_memory(session) as opened:
        records = _records(opened, where, all_namespaces=all_namespaces)
        if path == STANDARD_OUTPUT:
            _to_standard_output(records)
            return
        with progress_bar("Exporting") as advance, private_file(path) as file:
            count = _write(records, file, advance)
    if as_json:
        print_json({"exported": count, "path": str(path)})
    else:
        print_text(f"Exported {count} {'record' if count == 1 else 'records'} to {path}.")
        note("The file is readable text, not encrypted: keep it private.")


def _filter(options: dict[str, object]) -> Filter:
    kept = [*KEPT, *(["forgotten"] if options["include_forgotten"] else [])]
    described: dict[str, object] = {"status": kept, "include_expired": True}
    for name in ("tiers", "tags"):
        value = options[name]
        if isinstance(value, tuple) and value:
            described[name] = list(value)
    if isinstance(options["filters"], dict):
        described.update(options["filters"])
    try:
        return FiltersIn.model_validate(described).to_filter()
    except ValidationError as error:
        raise invalid_input(error, "filters") from None


def _records(opened: Opened, where: Filter, *, all_namespaces: bool) -> Iterator[MemoryRecord]:
    names = [opened.settings.namespace]
    if all_namespaces:
        names = [one.namespace for one in opened.system.namespaces()]
    for name in names:
        yield from opened.system.records(where, namespace=name)


def _to_standard_output(records: Iterable[MemoryRecord]) -> None:
    output = TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="\n")
    try:
        write_records(records, output)
    finally:
        output.detach()  # flushes, and leaves standard output open


def _write(records: Iterable[MemoryRecord], file: TextIO, advance: Advance) -> int:
    return write_records(records, file, lambda done: advance(done, None))

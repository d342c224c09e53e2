"""The command ``import``."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path

import click

from memory.records import Tier
from memory.transfer.importing import ImportOptions, ImportSummary, Outcome, import_items
from memory.transfer.reading import FileFormat, ImportSource, read_stream
from server.commands.examples import CommandWithExamples
from server.commands.opening import ACTOR, open_memory
from server.commands.output import note, print_json, print_text
from server.commands.session import Session, json_option, settings_options
from server.commands.values import TIER
from server.progress import Advance, progress_bar

__all__ = ["import_command"]

STANDARD_INPUT = Path("-")
REFUSALS_SHOWN = 20


@click.command(
    "import",
    cls=CommandWithExamples,
    examples=(
        "memoryd import backup.jsonl",
        "memoryd import ~/notes --tag notes",
        "memoryd import memory.json --format mcp-memory --dry-run",
    ),
)
@click.argument("path", type=click.Path(exists=True, allow_dash=True, path_type=Path))
@click.option(
    "--format",
    "file_format",
    type=click.Choice([one.value for one in FileFormat]),
    default=FileFormat.AUTO.value,
    show_default=True,
    help="What the file is written in.",
)
@click.option("--tier", type=TIER, help="The tier of every entry.")
@click.option("--tag", "tags", multiple=True, help="A tag for every entry; repeatable.")
@click.option("--dry-run", is_flag=True, help="Check everything, write nothing.")
@json_option
@settings_options(hidden=True)
@click.pass_context
def import_command(context: click.Context, /, path: Path, as_json: bool, **options: object) -> None:
    """Import a file, or a folder of Markdown files; `-` reads standard input.

    Takes what `memoryd export` writes, JSON lines with the fields of `store`, Markdown, and the
    file of the MCP reference memory server. An import that was cut short is finished by running
    it again; nothing is stored twice. The exit status is 1 when anything was refused.
    """
    session = context.ensure_object(Session)
    file_format = FileFormat(str(options["file_format"]))
    with open_memory(session) as opened:
        import_options = ImportOptions(
            namespace=opened.settings.namespace,
            move_to=session.namespace_given,
            tier=Tier(str(options["tier"])) if options["tier"] else None,
            tags=options["tags"] if isinstance(options["tags"], tuple) else (),
            actor=ACTOR,
            dry_run=bool(options["dry_run"]),
        )
        if path == STANDARD_INPUT:
            items, size = read_stream(sys.stdin.buffer, file_format), None
        else:
            source = ImportSource.find(path, file_format)
            items, size = source.items(), source.size_bytes
        with progress_bar("Importing", size) as advance:
            report = _Reporter(advance)
            summary = import_items(opened.system, items, import_options, report)
    _print_summary(summary, as_json=as_json)
    context.exit(1 if summary.refused else 0)


class _Reporter:
    """Tells of each batch: how far it is, and the first refusals."""

    def __init__(self, advance: Advance) -> None:
        self._advance = advance
        self._shown = 0

    def __call__(self, outcome: Outcome) -> None:
        self._advance(outcome.offset, None)
        for refusal in outcome.refusals[: REFUSALS_SHOWN - self._shown]:
            note(f"{refusal.place}: refused: {refusal.reason}")
            self._shown += 1


def _print_summary(summary: ImportSummary, *, as_json: bool) -> None:
    if summary.refused > REFUSALS_SHOWN and not as_json:
        note(f"... and {summary.refused - REFUSALS_SHOWN} more; --json lists the first thousand")
    if as_json:
        print_json(asdict(summary))
    elif summary.dry_run:
        print_text(f"Dry run: {summary.stored} can be taken, {summary.refused} would be refused.")
    else:
        print_text(
            f"Stored {summary.stored}, {summary.duplicates} were there already, "
            f"{summary.refused} refused."
        )

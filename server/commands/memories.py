"""The commands ``store``, ``recall``, ``update`` and ``summarize``."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.text import Text

from server.commands.examples import CommandWithExamples
from server.commands.opening import open_memory
from server.commands.output import print_json, print_text, printable, to_terminal
from server.commands.session import Session, json_option, pass_session, settings_options
from server.commands.values import JSON_OBJECT, MOMENT, TIER
from tools.recall import HitOut, Recall, RecallOut
from tools.store import Store
from tools.summarize import Summarize
from tools.update import Update

__all__ = ["recall", "store", "summarize", "update"]

STANDARD_INPUT = "-"
SOURCE_FIELDS = {
    "kind": "kind",
    "source_id": "id",
    "conversation": "conversation_id",
    "speaker": "speaker",
    "turn": "turn",
}
"""Which option sets which field of an entry's source."""


@click.command(
    cls=CommandWithExamples,
    examples=(
        'memoryd store "Ada prefers tea to coffee" --tag preferences',
        'memoryd store "The deploy moved to Friday" --occurred-at 2026-05-08 --speaker Grace',
        'git log -1 --format=%B | memoryd store - --tier episodic --metadata \'{"repo": "api"}\'',
    ),
)
@click.argument("text")
@click.option("--tier", type=TIER, help="Where it lives; long_term unless given.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be given several times.")
@click.option("--metadata", type=JSON_OBJECT, help="Facts about it, as a JSON object.")
@click.option("--speaker", help="Who said it.")
@click.option("--conversation", help="The conversation it is a turn of.")
@click.option("--turn", type=click.IntRange(min=0), help="Its position in the conversation.")
@click.option(
    "--kind",
    type=click.Choice(["user", "agent", "tool", "document", "import"]),
    default="user",
    show_default=True,
    help="What it comes from.",
)
@click.option("--source-id", help="What exactly it comes from: a path, an address.")
@click.option("--occurred-at", type=MOMENT, help="When it happened.")
@click.option("--valid-from", type=MOMENT, help="Since when it is true.")
@click.option("--valid-to", type=MOMENT, help="Until when it is true.")
@click.option("--importance", type=click.FloatRange(0, 1), help="0 to 1; 0.5 unless given.")
@click.option("--ttl", "ttl_seconds", type=float, help="After how many seconds it expires.")
@click.option("--pinned", is_flag=True, default=None, help="Never prune it.")
@click.option("--idempotency-key", help="Makes a retry safe: same key, stored once.")
@json_option
@settings_options(hidden=True)
@pass_session
def store(session: Session, /, text: str, as_json: bool, **options: object) -> None:
    """Remember TEXT; `-` reads it from standard input."""
    content = _standard_input() if text == STANDARD_INPUT else text
    source = {field: options.pop(option) for option, field in SOURCE_FIELDS.items()}
    given = {field: value for field, value in source.items() if value is not None}
    with open_memory(session) as opened:
        tool = Store()
        result = opened.call(tool, {"content": content, "source": given, **_lists(options)})
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_text(tool.text(result))


@click.command(
    cls=CommandWithExamples,
    examples=(
        'memoryd recall "what does Ada like to drink?"',
        'memoryd recall "deploy" --tier episodic --limit 3 --explain',
        'memoryd recall "budget" --filters \'{"metadata": {"year": {"gte": 2025}}}\' --json',
    ),
)
@click.argument("query", default="")
@click.option("--limit", type=click.IntRange(1, 100), help="The most hits; 10 unless given.")
@click.option("--tier", "tiers", type=TIER, multiple=True, help="Only this tier; repeatable.")
@click.option("--tag", "tags", multiple=True, help="Only records with this tag; repeatable.")
@click.option(
    "--tag-match", type=click.Choice(["any", "all"]), help="Whether all tags must be there."
)
@click.option("--filters", type=JSON_OBJECT, help="Further filters, as a JSON object.")
@click.option("--min-confidence", type=click.FloatRange(0, 1), help="Leave weaker hits out.")
@click.option("--max-tokens", type=click.IntRange(min=1), help="Budget for all contents.")
@click.option("--as-of", type=MOMENT, help="Answer from what was known at this time.")
@click.option("--include-superseded", is_flag=True, default=None, help="Show superseded ones too.")
@click.option("--explain", is_flag=True, default=None, help="Say what speaks for each hit.")
@json_option
@settings_options(hidden=True)
@pass_session
def recall(session: Session, /, query: str, as_json: bool, **options: object) -> None:
    """Find what was remembered that bears on QUERY; the most recent when there is no query."""
    with open_memory(session) as opened:
        tool = Recall()
        result = opened.call(tool, {"query": query, **_lists(options)})
    if as_json:
        print_json(result.model_dump(mode="json"))
    elif to_terminal() and result.hits:
        _show(result)
    else:
        print_text("\n".join([tool.text(result), *_reasons(result)]))


@click.command(
    cls=CommandWithExamples,
    examples=(
        'memoryd update 0198c0de-0000-7000-8000-000000000000 --content "Ada prefers green tea"',
    ),
)
@click.argument("record_id", metavar="ID")
@click.option("--content", help="The new text.")
@click.option("--tier", type=TIER, help="The new tier.")
@click.option("--tag", "tags", multiple=True, help="The new tags; repeatable, they replace.")
@click.option("--metadata", type=JSON_OBJECT, help="The new metadata, as a JSON object.")
@click.option("--importance", type=click.FloatRange(0, 1), help="The new importance.")
@click.option("--occurred-at", type=MOMENT, help="When it happened.")
@click.option("--valid-to", type=MOMENT, help="Until when it is true.")
@click.option("--pinned/--not-pinned", default=None, help="Whether it is never pruned.")
@click.option("--expected-version", type=click.IntRange(min=1), help="Refuse if it has changed.")
@json_option
@settings_options(hidden=True)
@pass_session
def update(
    session: Session,
    /,
    record_id: str,
    as_json: bool,
    expected_version: int | None,
    **options: object,
) -> None:
    """Change the memory with this ID; its former state stays in its history."""
    changes = {name: value for name, value in _lists(options).items() if value not in (None, [])}
    if not changes:
        raise click.UsageError("Say what to change, such as --content TEXT.")
    with open_memory(session) as opened:
        tool = Update()
        arguments = {"id": record_id, "changes": changes, "expected_version": expected_version}
        result = opened.call(tool, arguments)
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_text(tool.text(result))


@click.command(
    cls=CommandWithExamples,
    examples=(
        "memoryd summarize --tier episodic --after 2026-05-01",
        'memoryd summarize --filters \'{"conversation_id": "standup"}\' --max-tokens 120',
    ),
)
@click.option("--tier", type=TIER, help="Only this tier.")
@click.option("--after", type=MOMENT, help="Only what happened at or after this time.")
@click.option("--before", type=MOMENT, help="Only what happened before this time.")
@click.option("--filters", type=JSON_OBJECT, help="Further filters, as a JSON object.")
@click.option("--max-tokens", type=click.IntRange(1, 20_000), help="500 unless given.")
@json_option
@settings_options(hidden=True)
@pass_session
def summarize(
    session: Session, /, as_json: bool, after: str | None, before: str | None, **options: object
) -> None:
    """Say the most with the fewest sentences, each with the id of its record."""
    timeframe = {
        name: value for name, value in (("after", after), ("before", before)) if value is not None
    }
    with open_memory(session) as opened:
        tool = Summarize()
        result = opened.call(tool, {"timeframe": timeframe, **options})
    if as_json:
        print_json(result.model_dump(mode="json"))
    else:
        print_text(tool.text(result))


def _standard_input() -> str:
    """All of standard input, without the line feed at its end."""
    try:
        return sys.stdin.buffer.read().decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise click.UsageError("Standard input is not UTF-8 text.") from None


def _lists(options: dict[str, object]) -> dict[str, object]:
    """The options with lists where click gives tuples."""
    return {
        name: list(value) if isinstance(value, tuple) else value for name, value in options.items()
    }


def _reasons(result: RecallOut) -> list[str]:
    return [f"  {hit.id}: {_why(hit)}" for hit in result.hits if hit.why]


def _why(hit: HitOut) -> str:
    return ", ".join(f"{name} {value:.3f}" for name, value in (hit.why or {}).items())


def _show(result: RecallOut) -> None:
    """Prints hits for a person: the content first, then what there is to know about it."""
    console = Console(highlight=False)
    for hit in result.hits:
        facts = [f"{hit.confidence:.2f}", hit.tier]
        facts += [hit.occurred_at[:16].replace("T", " ")] if hit.occurred_at else []
        facts += [hit.source.speaker] if hit.source.speaker else []
        facts += [f"#{tag}" for tag in hit.tags]
        facts += [hit.status] if hit.status != "active" else []
        console.print(Text(printable(hit.content), style="bold"))
        console.print(Text(printable(" · ".join(facts)), style="cyan"))
        if hit.why:
            console.print(Text(_why(hit), style="dim"))
        console.print(Text(hit.id, style="dim"), end="\n\n")
    if result.omitted:
        console.print(f"{result.omitted} more did not fit; raise --max-tokens or lower --limit.")
    if result.degraded:
        console.print(f"Degraded: {', '.join(result.degraded)}", style="yellow")

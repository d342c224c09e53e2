"""The reports that measurements give: what is written as JSON and read again to compare."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from pydantic import BaseModel, ValidationError

from evals.bootstrap import Difference, Estimate
from memory.errors import InvalidInput

__all__ = [
    "SUBJECT",
    "AblationReport",
    "AbstentionReport",
    "DataUsed",
    "Group",
    "Kind",
    "LearnedWeights",
    "PairedTest",
    "QuestionResult",
    "RetrievalReport",
    "Run",
    "Speed",
    "TrainingReport",
    "VariantScores",
    "read_retrieval_report",
    "write_report",
]

SUBJECT = "memoryd"
"""The name of the memory under test among the rankings."""

ReportType = TypeVar("ReportType", bound=BaseModel)


class Run(BaseModel):
    """What was measured, and with what."""

    set_name: str
    subject: str
    version: str
    embedder: str
    seed: int
    conversations: int
    records: int
    questions: int


class Speed(BaseModel):
    """How fast it was, and how much a reader has to read; the only part that differs by run.

    Times are of the calls alone. Tokens are those of the first 10 hits.
    """

    stored_per_s: float
    recall_p50_ms: float
    recall_p95_ms: float
    tokens_mean: float
    tokens_p95: float


class Group(BaseModel):
    """Questions of one category, or all: the estimate of each metric for each ranking."""

    name: str
    questions: int
    rankings: dict[str, dict[str, Estimate]]


class PairedTest(BaseModel):
    """The memory beside one baseline on the same questions: differences by metric."""

    baseline: str
    differences: dict[str, Difference]


class QuestionResult(BaseModel):
    """One question: the scores of each ranking, and where the memory ranked each evidence.

    ``places`` counts from 1; ``None`` is not among the hits.
    """

    id: str
    category: str
    question: str
    places: list[int | None]
    scores: dict[str, dict[str, float]]


class RetrievalReport(BaseModel):
    """What ``memoryd-eval retrieval`` found."""

    kind: Literal["retrieval"] = "retrieval"
    run: Run
    groups: list[Group]
    tests: list[PairedTest]
    speed: Speed
    results: list[QuestionResult]


class Kind(BaseModel):
    """Queries of one kind that nothing stored answers, beside the answerable ones."""

    name: str
    queries: int
    auroc: Estimate
    false_answers: Estimate


class AbstentionReport(BaseModel):
    """What ``memoryd-eval abstention`` found.

    ``answered`` is the share of answerable questions that still get a hit at the default threshold.
    """

    kind: Literal["abstention"] = "abstention"
    run: Run
    answered: Estimate
    kinds: list[Kind]


class DataUsed(BaseModel):
    """One of several data sets; ``weight`` is how much it counts in total beside the others."""

    set_name: str
    embedder: str
    conversations: int
    questions: int
    weight: float = 1.0


class LearnedWeights(BaseModel):
    """One set of weights of the ranking, and the mean of each metric by data set.

    ``left_out`` is by weights learned without the question's own conversation; ``in_sample`` by
    these weights, which have seen every question; ``shipped`` by those that memoryd has.
    """

    with_tokens: bool
    short_data: dict[str, float]
    long_data: dict[str, float]
    left_out: dict[str, dict[str, float]]
    in_sample: dict[str, dict[str, float]]
    shipped: dict[str, dict[str, float]]


class TrainingReport(BaseModel):
    """What ``memoryd-eval train`` learned."""

    kind: Literal["training"] = "training"
    version: str
    sets: list[DataUsed]
    weights: list[LearnedWeights]


class VariantScores(BaseModel):
    """The ranking with something left out: the mean of each metric by data set.

    ``change`` is the mean difference to the ranking as shipped in recall@10, by data set.
    """

    group: str
    name: str
    scores: dict[str, dict[str, float]]
    change: dict[str, Estimate]


class AblationReport(BaseModel):
    """What ``memoryd-eval ablation`` found; the first variant is the ranking as shipped."""

    kind: Literal["ablation"] = "ablation"
    version: str
    sets: list[DataUsed]
    variants: list[VariantScores]


def write_report(report: BaseModel, path: Path) -> None:
    """Writes the report as JSON."""
    path.write_text(report.model_dump_json(indent=1) + "\n", encoding="utf-8")


def read_retrieval_report(path: Path) -> RetrievalReport:
    """Reads a report that ``memoryd-eval retrieval`` wrote.

    Raises:
        InvalidInput: It cannot be read, or is no such report.
    """
    return _read(path, RetrievalReport.model_validate_json)


def _read(path: Path, parse: Callable[[bytes], ReportType]) -> ReportType:
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}") from error
    except ValidationError as error:
        message = f"{path} is no report that memoryd-eval retrieval wrote"
        raise InvalidInput(message) from error

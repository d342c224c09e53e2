"""Ablation: what leaving parts out does, on a set small enough to know."""

from __future__ import annotations

import pytest

from evals.ablation import ALONE, LEFT_OUT, SHIPPED, STAGE, measure_ablation
from evals.candidates import Example
from evals.datasets.conversation import Conversation
from evals.feeding import Fed
from evals.laboratory import Laboratory
from evals.metrics import METRICS
from evals.reports import SUBJECT, AblationReport, DataUsed
from evals.retrieval import RetrievalSettings, measure_retrieval
from tests.evals.conftest import silent


@pytest.fixture
def report(examples: list[Example]) -> AblationReport:
    return ablation(examples)


def ablation(examples: list[Example]) -> AblationReport:
    used = [
        DataUsed(set_name="jsonl", embedder="hashing", conversations=2, questions=len(examples))
    ]
    return measure_ablation(examples, used, silent)


def test_the_ranking_as_shipped_scores_what_the_public_tools_score(
    report: AblationReport,
    laboratory: Laboratory,
    conversations: list[Conversation],
    fed: list[Fed],
) -> None:
    settings = RetrievalSettings(set_name="jsonl", baselines=False)
    measured = measure_retrieval(laboratory, conversations, fed, settings, silent)
    expected = {name: measured.groups[0].rankings[SUBJECT][name].mean for name in METRICS}
    assert report.variants[0].group == SHIPPED
    assert report.variants[0].scores["jsonl"] == expected


def test_features_that_no_question_has_are_not_listed(report: AblationReport) -> None:
    listed = {(one.group, one.name) for one in report.variants}
    assert {(LEFT_OUT, "words"), (ALONE, "words"), (LEFT_OUT, "short")} <= listed
    assert not {(LEFT_OUT, "late"), (STAGE, "no late interaction"), (ALONE, "short")} & listed


def test_changes_are_against_the_ranking_as_shipped(report: AblationReport) -> None:
    shipped = report.variants[0].scores["jsonl"]["recall@10"]
    for one in report.variants:
        change = one.scores["jsonl"]["recall@10"] - shipped
        assert one.change["jsonl"].mean == pytest.approx(change, abs=2e-6)
        assert one.change["jsonl"].low <= one.change["jsonl"].mean <= one.change["jsonl"].high


def test_a_feature_that_says_nothing_ranks_worse_alone_than_one_that_tells(
    report: AblationReport,
) -> None:
    alone = {one.name: one.scores["jsonl"]["MRR"] for one in report.variants if one.group == ALONE}
    assert alone["words"] == 1
    assert alone["speaker"] < 1  # nobody is named as the speaker of anything


def test_the_same_candidates_give_the_same_report(examples: list[Example]) -> None:
    assert ablation(examples) == ablation(examples)


def test_no_questions_give_no_scores() -> None:
    assert ablation([]).variants[0].scores == {}

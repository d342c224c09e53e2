"""What is collected from the inside agrees with what recall answers outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from evals.candidates import OVERALL, Example, collect_examples, mean_scores, scores_of
from evals.datasets.conversation import Conversation
from evals.datasets.loading import load_conversations
from evals.feeding import Fed, Feeder
from evals.laboratory import Laboratory
from evals.metrics import METRICS
from memory.errors import InvalidInput
from memory.recall.ranking import Weights, rank
from memory.recall.weights import WITHOUT_TOKENS
from tests.evals.conftest import silent

NOTHING = Weights(version="nothing", short_data={}, long_data={})


def test_ranking_the_candidates_gives_what_recall_answers(laboratory: Laboratory) -> None:
    """On the set of memoryd: in a smaller one everything would be a candidate."""
    own = load_conversations("jsonl", None)
    fed = Feeder(laboratory.subject, laboratory.journal, laboratory.salt, "own").feed(own, silent)
    namespaces = {one.id: place.namespace for one, place in zip(own, fed, strict=True)}
    for one in collect_examples(laboratory, own, fed, "own", silent):
        ranked = rank(one.candidates, WITHOUT_TOKENS).keys[:20].tolist()
        namespace = namespaces[one.conversation]
        hits = laboratory.subject.recall(namespace, one.question.text, 20, 0.0).hits
        assert [one.gold_ids[key] for key in ranked] == [hit.gold_id for hit in hits]


def test_only_scored_questions_are_looked_at(examples: list[Example]) -> None:
    assert [one.question.id for one in examples] == ["q1", "q2", "q3"]


def test_every_candidate_was_found_by_words_or_by_vector(examples: list[Example]) -> None:
    for one in examples:
        assert np.all(one.by_words | one.by_vector)
        assert one.by_words.sum() >= one.relevant.sum() >= 1


def test_the_evidence_among_the_candidates_is_marked(examples: list[Example]) -> None:
    second = examples[1]
    marked = second.candidates.keys[second.relevant].tolist()
    assert {second.gold_ids[key] for key in marked} == {"a1", "a3"}


def test_evidence_that_is_no_candidate_counts_as_missed(examples: list[Example]) -> None:
    second = examples[1]
    assert scores_of(second, WITHOUT_TOKENS)["recall@5"] == 1
    among = second.relevant & (np.cumsum(second.relevant) == 1)
    assert scores_of(second, WITHOUT_TOKENS, among)["recall@5"] == 0.5
    nowhere = scores_of(second, NOTHING, np.zeros_like(among))
    assert set(nowhere.values()) == {0}


def test_means_are_taken_for_each_set_and_for_all_questions(examples: list[Example]) -> None:
    several = [*examples, replace(examples[0], set_name="other")]
    values = [0.0, 0.5, 1.0, 0.1]
    means = mean_scores(several, [dict.fromkeys(METRICS, value) for value in values])
    assert {name: one["MRR"] for name, one in means.items()} == {
        "jsonl": 0.5,
        "other": 0.1,
        OVERALL: 0.4,
    }


def test_the_inside_of_a_server_cannot_be_seen(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> None:
    outside = replace(laboratory, store=None)
    with pytest.raises(InvalidInput, match="cannot be seen"):
        collect_examples(outside, conversations, fed, "jsonl", silent)

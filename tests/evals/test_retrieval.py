"""Measuring retrieval and abstention on a set small enough to know the answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evals.abstention import FOREIGN, LOOKALIKE, measure_abstention
from evals.baselines import BASELINES, Baselines
from evals.datasets.conversation import Conversation, Turn
from evals.feeding import Fed
from evals.laboratory import Laboratory, open_laboratory
from evals.reports import SUBJECT, AbstentionReport, RetrievalReport
from evals.retrieval import RetrievalSettings, measure_retrieval
from memory.embedding import embedder_from
from memory.errors import StorageCorrupt
from tests.evals.conftest import silent


def measured(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed], **settings: object
) -> RetrievalReport:
    wanted = RetrievalSettings(set_name="jsonl", **settings)
    return measure_retrieval(laboratory, conversations, fed, wanted, silent)


def test_plain_questions_are_answered_by_every_ranking(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> None:
    report = measured(laboratory, conversations, fed)
    everything = report.groups[0]
    assert (everything.name, everything.questions) == ("all", 3)
    assert set(everything.rankings) == {SUBJECT, *BASELINES}
    assert everything.rankings[SUBJECT]["recall@5"].mean == 1


def test_questions_without_an_answer_are_not_scored(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> None:
    report = measured(laboratory, conversations, fed)
    assert [one.id for one in report.results] == ["q1", "q2", "q3"]


def test_places_say_where_each_evidence_was_found(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> None:
    first, second, _ = measured(laboratory, conversations, fed).results
    assert first.places == [1]
    assert sorted(second.places) == [1, 2]


def test_two_runs_differ_in_nothing_but_speed(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> None:
    first, second = (measured(laboratory, conversations, fed) for _ in range(2))
    assert first.model_dump(exclude={"speed"}) == second.model_dump(exclude={"speed"})
    assert first.speed.stored_per_s > 0
    assert 0 < first.speed.recall_p50_ms <= first.speed.recall_p95_ms


def test_baselines_can_be_left_out(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> None:
    report = measured(laboratory, conversations, fed, baselines=False)
    assert not report.tests
    assert set(report.results[0].scores) == {SUBJECT}


def test_baselines_rank_by_words_by_vector_and_by_both() -> None:
    embedder = embedder_from("hashing")
    texts = ["red boats", "a boat", "green tea"]
    turns = [
        Turn(gold_id=str(n), content=text, session_id="s", position=n)
        for n, text in enumerate(texts)
    ]
    vectors = embedder.embed(["green tea", "something else", "red boats"])
    found = Baselines(turns, vectors, embedder).rankings("red boats", 3)
    assert found["words"] == ["0", "1"]
    assert found["dense"][0] == "2"
    assert set(found["rrf"]) == set(found["minmax"]) == {"0", "1", "2"}
    assert found["rrf"][0] == "0"


def test_no_words_in_common_leaves_the_order_to_the_vectors() -> None:
    embedder = embedder_from("hashing")
    turns = [Turn(gold_id=str(n), content=f"w{n}", session_id="s", position=n) for n in range(4)]
    vectors = np.roll(embedder.embed(["w0", "w1", "w2", "w3"]), 1, axis=0)
    found = Baselines(turns, vectors, embedder).rankings("unrelated", 4)
    assert found["words"] == []
    assert found["rrf"] == found["dense"] == found["minmax"]


def abstention(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed], foreign: int
) -> AbstentionReport:
    return measure_abstention(
        laboratory,
        conversations,
        fed,
        set_name="jsonl",
        foreign=foreign,
        seed=0,
        advance=silent,
    )


def test_both_kinds_of_never_stored_queries_are_told_apart(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> None:
    report = abstention(laboratory, conversations, fed, 1)
    assert [(kind.name, kind.queries) for kind in report.kinds] == [(LOOKALIKE, 1), (FOREIGN, 2)]
    assert report.answered.mean == 1
    assert report.kinds[1].auroc.mean == 1


def test_no_foreign_questions_are_asked_unless_wanted(
    laboratory: Laboratory, conversations: list[Conversation], fed: list[Fed]
) -> None:
    report = abstention(laboratory, conversations, fed, 0)
    assert [kind.name for kind in report.kinds] == [LOOKALIKE]


def test_a_database_that_lost_its_key_is_not_fed_under_a_new_one(tmp_path: Path) -> None:
    with open_laboratory(tmp_path, "hashing", None):
        pass
    (tmp_path / "memory.key").unlink()
    with (
        pytest.raises(StorageCorrupt, match="lost its key"),
        open_laboratory(tmp_path, "hashing", None),
    ):
        pass

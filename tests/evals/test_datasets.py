"""Reading the published formats and our own, from tiny files of the same shape."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals.datasets.beam import message_ids
from evals.datasets.conversation import Conversation
from evals.datasets.loading import load_conversations
from evals.datasets.locomo import evidence_ids
from memory.errors import InvalidInput


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        (["D8:6; D9:17"], ["D8:6", "D9:17"]),
        (["D9:1 D4:4 D4:6"], ["D9:1", "D4:4", "D4:6"]),
        (["D:11:26"], ["D11:26"]),
        (["D30:05", "D30:5"], ["D30:5"]),
        (["D"], []),
        ([], []),
    ],
)
def test_slips_in_locomo_evidence_are_put_right(written: list[str], ids: list[str]) -> None:
    assert evidence_ids(written) == ids


def locomo(tmp_path: Path, **question: object) -> Conversation:
    asked = {"question": "Where?", "evidence": ["D2:1; D9:9"], "category": 4, **question}
    sample = {
        "sample_id": "one",
        "conversation": {
            "speaker_a": "Ada",
            "session_2_date_time": "1:56 pm on 8 May, 2023",
            "session_2": [
                {"speaker": "Ada", "dia_id": "D2:1", "text": "Look!", "blip_caption": "a red boat"}
            ],
            "session_1_date_time": "12:05 am on 1 January, 2023",
            "session_1": [{"speaker": "Ben", "dia_id": "D1:1", "text": "Hello"}],
            "session_3_date_time": "1:00 pm on 9 May, 2023",
        },
        "qa": [asked],
    }
    file = tmp_path / "locomo10.json"
    file.write_text(json.dumps([sample]))
    return load_conversations("locomo", file)[0]


def test_locomo_sessions_are_in_order_with_times_and_captions(tmp_path: Path) -> None:
    first, second = locomo(tmp_path).turns
    assert first.occurred_at == datetime(2023, 1, 1, 0, 5, tzinfo=UTC)
    assert (second.session_id, second.content) == ("session_2", "Look! [a red boat]")


def test_locomo_evidence_that_names_no_turn_is_dropped(tmp_path: Path) -> None:
    assert locomo(tmp_path).questions[0].evidence == ("one/D2:1",)


def test_locomo_adversarial_questions_are_unanswerable(tmp_path: Path) -> None:
    conversation = locomo(tmp_path, category=5)
    assert not conversation.scored_questions
    assert conversation.unanswerable_questions[0].category == "adversarial"


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        ([4, 60, 4], ["4", "60"]),
        ({"first": [58], "second": ["24", 58]}, ["58", "24"]),
        ({"first": {"deep": [1]}}, ["1"]),
        (None, []),
    ],
)
def test_beam_source_ids_come_in_lists_and_mappings(written: object, ids: list[str]) -> None:
    assert message_ids(written) == ids


def beam(tmp_path: Path, answer: str = "This one.") -> list[Conversation]:
    chat = [
        {
            "turns": [
                [
                    {
                        "role": "user",
                        "id": 0,
                        "content": "A plan? ->-> 1,1",
                        "time_anchor": "March-15-2024",
                    },
                    {"role": "assistant", "id": "1", "content": answer},
                ]
            ]
        }
    ]
    questions = {
        "abstention": [{"question": "Who?"}],
        "temporal_reasoning": [{"question": "When?", "source_chat_ids": {"a": [1]}}],
    }
    for name in ("10", "2"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "chat.json").write_text(json.dumps(chat))
        (folder / "probing_questions.json").write_text(json.dumps(questions))
    return load_conversations("beam", tmp_path)


def test_beam_chats_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    assert [one.id for one in beam(tmp_path)] == ["2", "10"]


def test_beam_messages_keep_the_last_time_anchor_and_lose_the_index_mark(tmp_path: Path) -> None:
    first, second = beam(tmp_path)[0].turns
    assert first.content == "A plan?"
    assert second.occurred_at == datetime(2024, 3, 15, tzinfo=UTC)
    assert second.kind == "agent"


def test_beam_answers_that_ran_away_are_cut_to_what_a_record_may_hold(tmp_path: Path) -> None:
    assert len(beam(tmp_path, "x" * 300_000)[0].turns[1].content) == 200_000


def test_beam_abstention_is_unanswerable_and_the_rest_has_evidence(tmp_path: Path) -> None:
    conversation = beam(tmp_path)[0]
    assert conversation.scored_questions[0].evidence == ("2/1",)
    assert conversation.scored_questions[0].category == "temporal reasoning"
    assert len(conversation.unanswerable_questions) == 1


def longmemeval(tmp_path: Path, question_id: str) -> Conversation:
    messages = [
        {"role": "user", "content": "I moved to Lyon.", "has_answer": True},
        {"role": "assistant", "content": " "},
    ]
    instance = {
        "question_id": question_id,
        "question_type": "knowledge-update",
        "question": "Where do I live?",
        "answer": "Lyon",
        "question_date": "2023/06/01 (Thu) 10:00",
        "haystack_session_ids": ["s1", "s2", "s1"],
        "haystack_dates": ["2023/05/20 (Sat) 02:21", "2023/05/21 (Sun) 09:00"] * 2,
        "haystack_sessions": [messages, [{"role": "user", "content": "Hi"}], messages],
        "answer_session_ids": ["s1"],
    }
    instance["haystack_dates"] = instance["haystack_dates"][:3]
    file = tmp_path / "longmemeval_s.json"
    file.write_text(json.dumps([instance]))
    return load_conversations("longmemeval", file)[0]


def test_longmemeval_has_gold_at_the_level_of_turns_and_sessions(tmp_path: Path) -> None:
    conversation = longmemeval(tmp_path, "q1")
    question = conversation.scored_questions[0]
    assert (question.evidence, question.sessions) == (("s1/0",), ("s1",))
    assert [turn.gold_id for turn in conversation.turns] == ["s1/0", "s2/0"]
    assert conversation.turns[0].occurred_at == datetime(2023, 5, 20, 2, 21, tzinfo=UTC)


def test_longmemeval_ids_that_end_with_abs_are_unanswerable(tmp_path: Path) -> None:
    assert longmemeval(tmp_path, "q1_abs").unanswerable_questions


def own(tmp_path: Path, *questions: dict[str, object]) -> list[Conversation]:
    record = {"id": "r1", "memory": "m", "session": "s", "content": "Tea, please."}
    other = {"id": "r2", "memory": "n", "session": "s", "content": "Coffee, please."}
    (tmp_path / "conversations.jsonl").write_text(f"{json.dumps(record)}\n{json.dumps(other)}\n")
    (tmp_path / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    return load_conversations("jsonl", tmp_path)


QUESTION = {"id": "q", "memory": "m", "category": "drinks", "question": "What?"}


def test_our_own_format_keeps_memories_apart(tmp_path: Path) -> None:
    first, second = own(tmp_path, {**QUESTION, "evidence": ["r1"]})
    assert (first.id, first.turns[0].gold_id, len(first.questions)) == ("m", "r1", 1)
    assert (second.id, len(second.questions)) == ("n", 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {**QUESTION, "evidence": ["r2"]},
        QUESTION,
        {**QUESTION, "evidence": ["r1"], "colour": "red"},
        {**QUESTION, "evidence": "r1"},
    ],
)
def test_questions_that_cannot_be_scored_are_refused(
    tmp_path: Path, wrong: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput, match="not in the format of jsonl"):
        own(tmp_path, wrong)


@pytest.mark.parametrize("name", ["jsonl", "locomo", "beam", "longmemeval"])
def test_data_that_is_not_there_is_said_to_be_missing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        load_conversations(name, tmp_path / "nowhere")


def test_errors_never_repeat_what_the_data_says(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        own(tmp_path, {**QUESTION, "evidence": [{"secret": "swordfish"}]})
    assert "swordfish" not in caught.value.message


def test_only_our_own_set_can_be_left_out() -> None:
    with pytest.raises(InvalidInput, match="--data"):
        load_conversations("locomo", None)


def test_the_set_of_our_own_is_as_large_and_as_mixed_as_it_says() -> None:
    conversations = load_conversations("jsonl", None)
    questions = [one for conversation in conversations for one in conversation.questions]
    assert 150 <= sum(len(one.turns) for one in conversations) <= 250
    assert len(questions) >= 60
    assert {"dialogue", "notes", "code review", "Spanish", "Japanese"} <= {
        question.category for question in questions
    }
    assert sum(not question.answerable for question in questions) >= 10

"""Recall with the bundled model: late interaction, long records, many scripts, odd questions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from memory import Entry, EventBus, IntegratedMemorySystem, SharedMetadata, Source


@pytest.fixture(scope="module")
def memories() -> Iterator[IntegratedMemorySystem]:
    with IntegratedMemorySystem(EventBus(), SharedMetadata()) as system:
        yield system


def best(memories: IntegratedMemorySystem, query: str, namespace: str) -> str:
    return memories.recall(query, namespace=namespace, min_confidence=0).hits[0].content


SCRIPTS = {
    "我的猫叫小白，今年三岁。": "我的猫几岁了？",
    "来週の金曜日に大阪へ出張します。": "大阪への出張はいつですか",
    "Моя сестра работает врачом в Казани.": "Где работает моя сестра?",
    "أخي يدرس الهندسة في القاهرة.": "ماذا يدرس أخي؟",
    "Η συνάντηση είναι την Τρίτη στις δέκα.": "Πότε είναι η συνάντηση;",
    "저는 매주 수요일에 수영을 배워요.": "수영은 언제 배우나요?",
    "ฉันแพ้ถั่วลิสง": "ฉันแพ้อะไร",
}


def test_every_script_finds_its_own(memories: IntegratedMemorySystem) -> None:
    memories.store(list(SCRIPTS), namespace="scripts")
    found = {text: best(memories, query, "scripts") for text, query in SCRIPTS.items()}
    assert found == {text: text for text in SCRIPTS}


def test_the_end_of_a_long_record_is_found(memories: IntegratedMemorySystem) -> None:
    filler = "The committee went through the minutes of the last meeting point by point. " * 60
    memories.store(
        [
            Entry(content=filler + "At last they chose a blue heron as the emblem."),
            Entry(content=filler + "Nothing else was decided that evening."),
            Entry(content="The rowing club meets on Sundays."),
        ],
        namespace="long",
    )
    hits = memories.recall("which bird did they choose as the emblem?", namespace="long").hits
    assert hits[0].content.endswith("emblem.")
    assert "heron" in hits[0].content


def test_the_speaker_who_is_named_comes_first(memories: IntegratedMemorySystem) -> None:
    memories.store(
        [
            Entry(content="I love hiking in the Alps", source=Source(speaker=name))
            for name in ("Mia", "Jonas", "Priya")
        ],
        namespace="speakers",
    )
    (hit, *_) = memories.recall("What does Jonas love?", namespace="speakers").hits
    assert hit.record.source.speaker == "Jonas"


def test_nothing_is_found_about_what_was_never_stored(memories: IntegratedMemorySystem) -> None:
    memories.store(
        ["Ada prefers tea", "The boat is moored at Nice", "Bob sold his piano in May"],
        namespace="few",
    )
    query = "What is the maximum throughput of the message broker?"
    assert memories.recall(query, namespace="few").hits == ()
    assert len(memories.recall("Who sold a piano?", namespace="few").hits) >= 1


@pytest.mark.parametrize(
    "query", ["the of and", "?!*()", '"tea" OR NEAR(x, 3) *', "🍵🍵", "^a.*$", "tea " * 4000]
)
def test_odd_questions_are_answered_in_good_order(
    memories: IntegratedMemorySystem, query: str
) -> None:
    memories.store(["Ada prefers tea"], namespace="odd")
    assert len(memories.recall(query, namespace="odd", min_confidence=0).hits) == 1

"""From text to terms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from memory.text.analysis import MAX_TERM_LENGTH, date_terms, query_terms, terms


def shares_a_term(one, other):
    return bool(set(terms(one)) & set(query_terms(other)))


@pytest.mark.parametrize(
    ("stored", "asked"),
    [
        ("She was painting the sunset", "Which paintings?"),
        ("Crème brûlée", "creme BRULEE"),
        ("ﬁnally ＡＢＣ", "finally abc"),
        ("Nguyễn from Øresund", "Nguyen oresund"),
        ("John’s house", "Where is John?"),
        ("met on May 8th", "What happened on 8 May?"),
        ("it costs $1,000", "1000 dollars"),
        ("call parse_http_header first", "the header"),
        ("call parse_http_header first", "parse_http_header"),
        ("class HttpServerConfig", "server"),
        ("class HttpServerConfig", "httpserverconfig"),
        ("write to jane.doe@example.com", "jane.doe@example.com"),
        ("write to jane.doe@example.com", "Doe"),
        ("see https://docs.example.org/guide", "docs.example.org"),
        ("a well-known place", "known"),
        ("had COVID-19 in spring", "covid-19"),
        ("Читаю книгами", "книга"),
        ("Καλημέρα κόσμε", "ΚΟΣΜΟΣ"),
        ("الكتاب الجديد", "كتاب"),
        ("我住在北京市", "北京"),
        ("東京タワーに行った", "東京"),
        ("한국어를 배웠다", "한국어"),
        ("สวัสดีครับ", "สวัสดี"),
        ("हिन्दी में लिखा", "हिन्दी"),
    ],
)
def test_a_question_finds_what_was_stored_in_other_words(stored, asked):
    assert shares_a_term(stored, asked)


@pytest.mark.parametrize(
    ("stored", "asked"),
    [("cats", "dogs"), ("हिन्दी", "हिरन"), ("北京", "京都"), ("йод", "иод"), ("jane.doe", "do")],
)
def test_different_words_stay_apart(stored, asked):
    assert not shares_a_term(stored, asked)


def test_terms_are_stemmed_in_order_with_repetitions():
    assert terms("The dogs met a dog") == ("the", "dog", "met", "a", "dog")


def test_identifiers_are_kept_whole_and_in_parts():
    assert set(terms("user_id a.b HTTPServer")) == {
        *("user_id", "user", "id"),
        *("a.b", "a", "b"),
        *("httpserver", "http", "server"),
    }


def test_a_single_character_without_a_neighbour_is_a_term():
    assert terms("猫 and 犬") == ("猫", "and", "犬")


def test_a_question_drops_stop_words():
    assert query_terms("What did you do to the garden?") == ("garden",)


def test_a_question_of_stop_words_alone_keeps_them():
    assert query_terms("to be or not to be") == ("to", "be", "or", "not", "to", "be")


def test_a_month_that_is_also_a_verb_is_kept():
    assert "may" in query_terms("Where was she in May?")


def test_a_date_has_the_terms_a_question_would_use():
    stored = date_terms(datetime(2023, 5, 8, 13, 56, tzinfo=UTC))
    assert stored == terms("8 May 2023 Monday")
    assert set(query_terms("on Monday, 8th of May 2023")) == set(stored)


def test_a_date_is_the_day_of_its_own_time_zone():
    late = datetime(2023, 12, 31, 23, 0, tzinfo=timezone(timedelta(hours=-5)))
    assert {"31", "2023"} <= set(date_terms(late))


@pytest.mark.parametrize("text", ["", " ", "\0", "...", "___", "🎉🎉", "'", "\u200d", "-.-"])
def test_a_text_without_words_has_no_terms(text):
    assert terms(text) == query_terms(text) == ()


@pytest.mark.parametrize("text", ['NEAR("cat" dog)*', "cat AND dog", "^cat:dog", "cat\0dog"])
def test_operators_of_query_languages_mean_nothing(text):
    assert {"cat", "dog"} <= set(terms(text))


def test_long_words_are_cut_and_still_found():
    word = "x" * 100_000
    assert terms(word) == ("x" * MAX_TERM_LENGTH,)
    assert shares_a_term(word, word)

"""From text to the terms of the word index; records and questions go the same way.

A text is brought to compatibility form (Unicode NFKC, UAX #15) and cut into words. Words are case
folded, stemmed (Snowball) by the language their script suggests, Latin ones freed of accents.
Scripts that put no space between words become overlapping pairs of characters. Identifiers are kept
whole and cut into their parts as well. Time is linear in the text, whatever it holds.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Protocol

import snowballstemmer

from memory.text.stop_words import ENGLISH

__all__ = ["MAX_TERM_LENGTH", "date_terms", "query_terms", "terms"]

MAX_TERM_LENGTH = 64
"""Characters after which a term is cut off."""

_CACHED_WORDS = 32_768

_MARK_BLOCKS = (
    range(0x0300, 0x2100),
    range(0x2DE0, 0x3100),
    range(0xA660, 0xAC00),
    range(0xFE20, 0xFE30),
    range(0x10A00, 0x12000),
    range(0x16A00, 0x17000),
    range(0x1D160, 0x1D250),
    range(0x1E000, 0x1E950),
)
# Vowel signs and accents: parts of words that \w does not match.
_MARKS = "".join(
    character
    for character in map(chr, chain.from_iterable(_MARK_BLOCKS))
    if unicodedata.category(character)[0] == "M"
)
# The stream-safe format of UAX #15: sorting longer runs of marks would take quadratic time.
_TOO_MANY_MARKS = re.compile(f"([{_MARKS}]{{30}})[{_MARKS}]+")
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_APOSTROPHES = {ord("’"): "'", ord("ʼ"): "'"}

# Words, joined over single connectors: e-mail addresses, host names, versions, hyphened words.
_WORD = rf"[\w{_MARKS}]+"
_CHUNK = re.compile(rf"{_WORD}(?:(?:[.@'-]|(?<=\d),(?=\d)){_WORD})*")
_CONNECTORS = re.compile(r"[.@_-]+")
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ORDINAL = re.compile(r"([0-9]+)(?:st|nd|rd|th)")
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
# Latin letters that do not come apart into a plain one and an accent.
_PLAIN_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ı": "i", "æ": "ae", "œ": "oe"})

# Thai, Lao, Myanmar, Khmer; Hangul, Kana, Bopomofo, Han.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
    "\u1100-\u11ff\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u303b\u3040-\u318f"
    "\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua960-\ua97f\uaa60-\uaa7f"
    "\uac00-\ud7ff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
_HAS_UNSPACED = re.compile(f"[{_UNSPACED}]")
_SCRIPT_RUN = re.compile(f"([{_UNSPACED}][{_UNSPACED}{_MARKS}]*)|([^{_UNSPACED}]+)")

_STEMMED_SCRIPTS = (
    ("english", "a", "\u024f"),
    ("english", "\u1e00", "\u1eff"),
    ("greek", "\u0370", "\u03ff"),
    ("greek", "\u1f00", "\u1fff"),
    ("russian", "\u0400", "\u04ff"),
    ("arabic", "\u0600", "\u06ff"),
)

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def terms(text: str) -> tuple[str, ...]:
    """The terms of a record's text, in order, with repetitions.

    No term holds white space or is longer than ``MAX_TERM_LENGTH``. Never raises.
    """
    return tuple(chain.from_iterable(word.terms for word in _words(text)))


def query_terms(text: str) -> tuple[str, ...]:
    """The terms of a question: stop words are dropped, unless there is nothing else."""
    words = list(_words(text))
    telling = tuple(chain.from_iterable(word.terms for word in words if not word.stop))
    return telling or tuple(chain.from_iterable(word.terms for word in words))


def date_terms(moment: datetime) -> tuple[str, ...]:
    """The terms by which a question would name the day: day, month, year and weekday.

    The day is that of the moment's own time zone.
    """
    month, weekday = _MONTHS[moment.month - 1], _WEEKDAYS[moment.weekday()]
    return terms(f"{moment.day} {month} {moment.year} {weekday}")


@dataclass(frozen=True, slots=True)
class _Word:
    """What one chunk of text adds to the index, and whether a question can do without it."""

    terms: tuple[str, ...]
    stop: bool


def _words(text: str) -> Iterator[_Word]:
    if not text.isascii():
        text = _TOO_MANY_MARKS.sub(r"\1", text.translate(_INVISIBLE))
        text = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES)
    for chunk in _CHUNK.findall(text):
        yield _cached_word(chunk) if len(chunk) <= MAX_TERM_LENGTH else _word(chunk)


def _word(chunk: str) -> _Word:
    """Analyses one chunk; see ``_CHUNK`` for what that is."""
    chunk = chunk.replace(",", "").strip("_")
    parts = [part for part in _CONNECTORS.split(chunk) if part]
    found: list[str] = []
    if len(parts) > 1 and _is_identifier(chunk):
        found.append(_shortened(_folded(chunk)))
    for part in parts:
        found.extend(_terms_of_part(part))
    return _Word(tuple(term for term in found if term), chunk.casefold() in ENGLISH)


_cached_word = lru_cache(maxsize=_CACHED_WORDS)(_word)


def _is_identifier(chunk: str) -> bool:
    """Whether the chunk is worth finding as a whole: all that is more than hyphened words."""
    return any(character in "._@" or character.isdigit() for character in chunk)


def _terms_of_part(part: str) -> Iterator[str]:
    if _HAS_UNSPACED.search(part):
        for unspaced, spaced in _SCRIPT_RUN.findall(part):
            if unspaced:
                yield from _pairs(unspaced)
            else:
                yield _stemmed(_folded(spaced))
        return
    yield _stemmed(_folded(part))
    if part.isascii() and not part.islower():
        humps = _CAMEL_CASE.split(part)
        if len(humps) > 1:
            yield from (_stemmed(_folded(hump)) for hump in humps)


def _pairs(run: str) -> Iterator[str]:
    if len(run) == 1:
        yield run
    yield from (run[start : start + 2] for start in range(len(run) - 1))


def _folded(word: str) -> str:
    """Case folded; Latin words also without accents (elsewhere marks make other letters)."""
    folded = word.casefold()
    if folded.isascii():
        return folded
    if _script(folded) != "english":
        return unicodedata.normalize("NFC", folded)
    decomposed = unicodedata.normalize("NFD", folded.translate(_PLAIN_LETTERS))
    return unicodedata.normalize("NFC", _ACCENTS.sub("", decomposed))


def _script(word: str) -> str | None:
    """The language whose stemmer suits the script of the word's first letter."""
    first = next(filter(str.isalpha, word), "")
    for language, low, high in _STEMMED_SCRIPTS:
        if low <= first <= high:
            return language
    return None


def _shortened(word: str) -> str:
    return word[:MAX_TERM_LENGTH]


def _stemmed(word: str) -> str:
    word = _shortened(word)
    if any(map(str.isdigit, word)):
        ordinal = _ORDINAL.fullmatch(word)
        return ordinal[1] if ordinal else word
    language = _script(word)
    if language is None:
        return word
    return _shortened(_STEMMERS.of(language).stemWord(word)) or word


class _Stemmer(Protocol):
    def stemWord(self, word: str) -> str: ...  # noqa: N802 - the library's name


class _Stemmers(threading.local):
    """A set of stemmers for each thread: a stemmer holds the word it is working on."""

    def __init__(self) -> None:
        self._by_language: dict[str, _Stemmer] = {}

    def of(self, language: str) -> _Stemmer:
        stemmer = self._by_language.get(language)
        if stemmer is None:
            stemmer = self._by_language[language] = snowballstemmer.stemmer(language)
        return stemmer


_STEMMERS = _Stemmers()

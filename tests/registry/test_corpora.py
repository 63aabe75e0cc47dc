"""A corpus's description opens it."""

from __future__ import annotations

import pytest

from spatialdrama.errors import PluginError, PluginImportError
from spatialdrama.registry import CorpusSpec, corpora, register_local

pytestmark = pytest.mark.usefixtures("clean_registry")


class Reader:
    """Gives back what it was asked for."""

    def open(self, path, *, rate=48_000):
        return path, rate


def test_a_listed_corpus_opens_with_the_readers_options():
    register_local("corpus", CorpusSpec("mine", "a.b:C", licence="CC0-1.0"), Reader)
    assert corpora["mine"].open("here") == ("here", 48_000)
    assert corpora["local/mine"].open("here", rate=16_000) == ("here", 16_000)


def test_a_reader_that_is_not_installed_names_itself():
    spec = CorpusSpec("lost", "no_such_package_here.reader:Reader", licence="CC0-1.0")
    with pytest.raises(PluginImportError, match=r"corpus 'lost'.*no_such_package_here"):
        spec.open("here")


def test_a_target_that_opens_nothing_is_its_authors_fault():
    register_local("corpus", CorpusSpec("odd", "a.b:C", licence="CC0-1.0"), object)
    with pytest.raises(PluginError, match="no method open"):
        corpora["odd"].open("here")

"""Items read their parts when asked, corpora find them, splits hold whole dramas."""

import pickle
from functools import partial

import pytest
from spatialdrama_corpora.corpus import Corpus, Problem
from spatialdrama_corpora.items import PARTS, Item
from spatialdrama_corpora.splits import SHARES, split_of

from spatialdrama.errors import UnknownNameError, ValidationError
from spatialdrama.types import Line, Phone, Pose


def make(name="a", **options):
    return Item(name, speaker="ANNA", duration=1.0, **options)


def test_parts_are_read_at_each_access_and_never_before():
    calls = []

    def pose():
        calls.append(1)
        return Pose.fixed((1, 0, 0))

    item = make(load={"pose": pose})
    assert item.has("pose")
    assert calls == []
    assert item.pose == item.pose
    assert len(calls) == 2


def test_parts_that_a_corpus_lacks_are_empty():
    item = make()
    assert [item.part(p) for p in PARTS] == [None] * 6 + [(), "", {}]
    assert (item.text, item.phones) == ("", ())


def test_a_line_gives_words_speaker_and_phones():
    line = Line("BEN", "No.", phones=[Phone("n", 0, 0.2)])
    item = Item("a", line=line, duration=1.0)
    assert (item.speaker, item.text, item.phones[0].symbol) == ("BEN", "No.", "n")


@pytest.mark.parametrize(
    "error",
    [ValidationError("odd"), OSError("disk"), ValueError("shape"), EOFError("end"), KeyError("x")],
)
def test_a_broken_part_names_item_and_file(error):
    def pose():
        raise error

    item = make("b7", corpus="mine", load={"pose": pose}, files={"pose": "poses/b7.npy"})
    with pytest.raises(
        ValidationError, match=r"item 'b7' of mine: its pose \(poses/b7\.npy\) cannot be used: "
    ):
        _ = item.pose


@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: make(""), "needs a name"),
        (lambda: make(split="dev"), "train, validation, test or ''; got 'dev'"),
        (lambda: Item("a", speaker="A", duration=0.0), "duration of item 'a' must be more than"),
        (lambda: make(load={"sound": None}), "no part 'sound'; parts: audio, mono"),
        (lambda: make().part("sound"), "no part 'sound'"),
    ],
)
def test_odd_items_are_refused(build, says):
    with pytest.raises(ValidationError, match=says):
        build()


def test_items_are_equal_by_name_and_corpus():
    assert make(corpus="x") == make(corpus="x", load={"scene_prompt": "a hall"})
    assert make(corpus="x") != make(corpus="y")
    assert len({make(corpus="x"), make(corpus="x")}) == 1


def test_items_travel_to_other_processes():
    item = make(load={"pose": partial(Pose.fixed, (1, 0, 0))}, files={"pose": "p.nc"})
    again = pickle.loads(pickle.dumps(item))
    assert again == item
    assert again.pose == item.pose


def test_a_broken_item_still_shows_itself():
    def pose():
        raise ValidationError("p.npy holds NaN")

    html = make(load={"pose": pose})._repr_mimebundle_()["text/html"]
    assert "p.npy holds NaN" in html


@pytest.fixture
def corpus():
    return Corpus(
        [Item(f"{d}{i}", drama=d, speaker=f"{d}/X", duration=2.0, split=s)
         for d, s in (("h", "train"), ("f", "test")) for i in range(3)],
        name="c", problems=[Problem("x", "f.json", "odd.")],
    )  # fmt: skip


def test_a_corpus_is_a_sequence(corpus):
    assert len(corpus) == 6
    assert corpus["f1"] is corpus[4]
    assert corpus[-1].name == "f2"
    assert [item.name for item in corpus[1:3]] == ["h1", "h2"]
    assert corpus[1:3]["h2"].name == "h2"
    assert "f1" in corpus
    assert corpus["f1"] in corpus
    assert "f9" not in corpus
    assert corpus.duration == 12.0
    assert repr(corpus) == "Corpus(c: 6 items, 12 s, 2 speakers, 2 dramas; 1 problem, see .check())"


def test_unknown_names_get_the_nearest(corpus):
    with pytest.raises(UnknownNameError, match="Did you mean 'h1'"):
        corpus["H1"]
    with pytest.raises(UnknownNameError, match="no split named 'tests'"):
        corpus.split("tests")


def test_splits_hold_whole_dramas(corpus):
    assert corpus.split("train").dramas == ("h",)
    assert len(corpus.split("test")) == 3
    assert len(corpus.split("validation")) == 0


def test_two_items_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="two items are called 'a'"):
        Corpus([make(), make()])


def test_a_drama_stays_in_its_split():
    names = [f"drama {i}" for i in range(2000)]
    splits = {name: split_of(name) for name in names}
    assert splits == {name: split_of(name) for name in reversed(names)}
    # Binomial: 3 standard deviations of 2000 draws.
    for name, share in SHARES.items():
        seen = sum(split == name for split in splits.values()) / len(names)
        assert abs(seen - share) < 3 * (share * (1 - share) / len(names)) ** 0.5
    # Halves of the line are told apart by the first bit of the hash.
    assert split_of("Hamlet", {"train": 0.5, "test": 0.5}) == _by_hand("Hamlet")


def _by_hand(name):
    import hashlib

    return "train" if int(hashlib.sha256(name.encode()).hexdigest(), 16) < 2**255 else "test"


@pytest.mark.parametrize("shares", [{"train": 0.5}, {"train": 1.5, "test": -0.5}, {"dev": 1.0}, {}])
def test_odd_shares_are_refused(shares):
    with pytest.raises(ValidationError):
        split_of("x", shares)

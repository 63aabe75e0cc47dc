"""BERT's states on characters, with tiny random weights in a folder (needs transformers)."""

import sys

import pytest
import torch
from spatialdrama_isdrama.content import Content, ContentConfig, read, semantics_of
from spatialdrama_isdrama.content.bert import Bert

from spatialdrama.errors import ValidationError

pytestmark = pytest.mark.slow  # importing transformers alone takes seconds
PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "我", "有", "女", "儿", "。"]
ENGLISH = ["stand", "un", "##fold", "me", ",", "."]


def saved(folder, pieces, width=8):
    """A BERT of one layer, as ``save_pretrained`` writes it."""
    transformers = pytest.importorskip("transformers")
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    torch.manual_seed(len(pieces))
    config = transformers.BertConfig(
        vocab_size=len(pieces),
        hidden_size=width,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=24,
    )
    transformers.BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture
def bert(tmp_path):
    pytest.importorskip("transformers")
    zh = saved(tmp_path / "zh", [*PIECES, "me", "##andering"])
    en = saved(tmp_path / "en", [*PIECES[:5], *ENGLISH])
    return Bert(zh=str(zh), en=str(en), width=8)


def hidden(bert, kind, ids):
    """BERT's own last states for token numbers, without its first and last mark."""
    from transformers import BertModel

    model = BertModel.from_pretrained(bert.sources[kind], add_pooling_layer=False).eval()
    with torch.no_grad():
        return model(input_ids=torch.tensor([[2, *ids, 3]])).last_hidden_state[0, 1:-1]


def test_a_han_character_is_one_row(bert):
    states = bert.states("我有女儿。")
    assert states.shape == (5, 8)
    torch.testing.assert_close(states, hidden(bert, "zh", [5, 6, 7, 8, 9]))


def test_word_pieces_are_spread_over_their_letters_and_spaces_have_none(bert):
    text = "Stand, unfold me."
    states = bert.states(text)
    rows = hidden(bert, "en", [5, 9, 6, 7, 8, 10])  # stand , un ##fold me .
    for i, row in enumerate([0] * 5 + [1, None] + [2] * 2 + [3] * 4 + [None] + [4] * 2 + [5]):
        expected = torch.zeros(8) if row is None else rows[row]
        torch.testing.assert_close(states[i], expected)


def test_mixed_lines_are_read_by_the_chinese_one(bert):
    states = bert.states("我 me")
    torch.testing.assert_close(states[[0, 2, 3]], hidden(bert, "zh", [5, 10])[[0, 1, 1]])
    assert (states[1] == 0).all()


def test_a_character_that_bert_does_not_know_has_a_row_too(bert):
    assert (bert.states("我龘").abs().sum(1) > 0).all()


def test_it_feeds_the_encoder_and_stays_out_of_the_weights(bert):
    config = ContentConfig(
        width=8,
        heads=2,
        inner=16,
        layers=1,
        semantics="bert",
        semantics_width=8,
        bert_zh=bert.sources["zh"],
        bert_en=bert.sources["en"],
    )
    model = Content(config).eval()
    assert isinstance(semantics_of(config), Bert)
    states = model(model.batch([read("我有女儿。"), read("我")]))
    assert states.shape == (2, 7, 8)
    assert not any("semantics" in name or "bert" in name for name in model.state_dict())


def test_what_cannot_be_read_is_refused(bert, tmp_path):
    with pytest.raises(ValidationError, match=r"longer than the 24"):
        bert.states("我" * 23)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValidationError, match=r"no BERT could be read from"):
        Bert(zh=str(tmp_path / "empty"), en="x", width=8).states("我")
    with pytest.raises(ValidationError, match=r"8 wide.*semantics_width=8"):
        Bert(zh=bert.sources["zh"], en="x", width=768).states("我")


def test_without_transformers_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(ValidationError, match=r"\[transformers\]"):
        Bert(zh="x", en="y").states("我")

"""Prompts in words: tokens, pieces, the small reader, and FLAN-T5 where transformers is."""

import pickle
import zlib

import pytest
import torch
from spatialdrama_isdrama.pose.config import PoseConfig
from spatialdrama_isdrama.pose.flan_t5 import FlanT5
from spatialdrama_isdrama.pose.hashed_text import HashedText
from spatialdrama_isdrama.pose.text_condition import TextCondition, text_condition
from spatialdrama_isdrama.pose.texts import bucket, pieces, tokens

from spatialdrama.errors import PluginImportError, SpatialDramaWarning, ValidationError

TEXTS = [
    "[DYNAMIC] Moves from front-right to front-left, then pauses",
    "坐在左前方",
    "Speaker 1 从右后方 walks to the left",
]


def test_tokens_of_both_languages():
    assert tokens(TEXTS[0])[:5] == ["dynamic", "moves", "from", "front", "right"]
    assert tokens(TEXTS[1]) == list("坐在左前方")
    assert tokens(TEXTS[2])[:5] == ["speaker", "1", "从", "右", "后"]
    assert tokens("ＦＲＯＮＴ—Left 20cm") == ["front", "left", "2", "0", "cm"]


def test_buckets_are_crc32():
    assert bucket("左", 97) == zlib.crc32("左".encode()) % 97
    # The check value of CRC-32 in every table of checksums.
    assert bucket("123456789", 2**32) == 0xCBF43926


def test_embeddings_are_sums_of_pieces():
    torch.manual_seed(0)
    words = HashedText(8, heads=2, layers=1, buckets=64).double()
    seen = []
    words.layers[0].register_forward_hook(lambda m, args, out: seen.append(args[0].detach()))
    words(["walks left", "左前"])
    for i, text in enumerate(["walks left", "左前"]):
        for k, token in enumerate(pieces(tokens(text))):
            rows = [words.table.weight[zlib.crc32(p.encode()) % 64] for p in token]
            torch.testing.assert_close(seen[0][i, k], sum(rows) / len(rows) ** 0.5)


def test_a_batch_equals_its_items():
    torch.manual_seed(0)
    words = HashedText(16, heads=2, layers=2).double().eval()
    whole, mask = words(TEXTS)
    assert whole.shape[:2] == mask.shape
    for i, text in enumerate(TEXTS):
        alone, there = words([text])
        assert there.all()
        torch.testing.assert_close(whole[i, mask[i]], alone[0])
        assert (whole[i, ~mask[i]] == 0).all()


def test_order_and_sides_matter():
    torch.manual_seed(0)
    words = HashedText(16, heads=2, layers=1).double().eval()
    one, two = (words([t])[0] for t in ("walks from left to right", "walks from right to left"))
    assert (one - two).abs().max() > 0.1
    one, two = (words([t])[0] for t in ("从左到右", "从右到左"))
    assert (one - two).abs().max() > 0.1


def test_gradient_reaches_the_table():
    words = HashedText(8, heads=2, layers=1, buckets=64)
    words(TEXTS)[0].square().sum().backward()
    used = {zlib.crc32(p.encode()) % 64 for t in TEXTS for w in pieces(tokens(t)) for p in w}
    reached = set(torch.nonzero(words.table.weight.grad.abs().sum(1)).flatten().tolist())
    assert reached <= used
    assert len(reached) > 0.9 * len(used)


def test_long_prompts_are_cut_with_a_warning():
    words = HashedText(8, heads=2, layers=1, longest=5)
    with pytest.warns(SpatialDramaWarning, match="8 tokens is cut after 5.*from the left"):
        condition, mask = words(["walks slowly from the left to the right"])
    assert mask.sum() == 5
    torch.testing.assert_close(condition, words(["walks slowly from the left"])[0])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("left", "list of texts"),
        ([], "at least one"),
        (["left", "  "], "text 1 has no words"),
        (["———"], "no word"),
    ],
)
def test_texts_that_say_nothing(texts, message):
    with pytest.raises(ValidationError, match=message):
        HashedText(8, heads=2, layers=1)(texts)


def test_both_are_text_conditions():
    small = text_condition(PoseConfig(text_condition="hashed", text_width=16))
    large = text_condition(PoseConfig())
    assert isinstance(small, TextCondition)
    assert isinstance(large, TextCondition)
    assert (small.width, large.width) == (16, 1024)
    assert repr(pickle.loads(pickle.dumps(large))) == "FlanT5('google/flan-t5-large')"


def test_without_transformers_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    with pytest.raises(PluginImportError, match=r"transformers.*text_condition='hashed'"):
        FlanT5("google/flan-t5-small")(["left"])


@pytest.fixture
def t5_folder(tmp_path):
    """A T5 of two tiny layers with a tokenizer of whole words, as files."""
    transformers = pytest.importorskip("transformers")
    tokenizers = pytest.importorskip("tokenizers")
    vocabulary = {"<pad>": 0, "</s>": 1, "<unk>": 2, "left": 3, "right": 4, "walks": 5}
    raw = tokenizers.Tokenizer(tokenizers.models.WordLevel(vocabulary, unk_token="<unk>"))
    raw.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(tmp_path)
    config = transformers.T5Config(
        vocab_size=8, d_model=12, d_kv=6, d_ff=16, num_layers=2, num_heads=2,
        feed_forward_proj="gated-gelu",
    )  # fmt: skip
    torch.manual_seed(0)
    transformers.T5EncoderModel(config).save_pretrained(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_flan_t5_from_a_folder(t5_folder):
    words = FlanT5(str(t5_folder), width=12)
    condition, mask = words(["walks left", "right"])
    assert condition.shape == (2, 2, 12)
    assert mask.tolist() == [[True, True], [True, False]]
    assert not condition.requires_grad
    alone, _ = words(["right"])
    torch.testing.assert_close(condition[1, :1], alone[0], rtol=1e-4, atol=1e-5)
    copy = pickle.loads(pickle.dumps(words))
    torch.testing.assert_close(copy(["right"])[0], alone)


@pytest.mark.slow
def test_flan_t5_of_another_width_or_nowhere(t5_folder, tmp_path):
    with pytest.raises(ValidationError, match="text_width=12"):
        FlanT5(str(t5_folder), width=1024)(["left"])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValidationError, match="cannot be loaded"):
        FlanT5(str(empty))(["left"])

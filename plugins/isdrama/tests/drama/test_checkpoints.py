"""Checkpoints: what is saved is what is loaded, and what is wrong is named."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from spatialdrama_isdrama import checkpoints
from spatialdrama_isdrama.checkpoint_files import sha256

from spatialdrama.errors import DeviceError, ValidationError


@pytest.fixture
def folder(tiny, tmp_path):
    return checkpoints.save(tmp_path / "tiny", tiny.config, tiny.parts, provenance={"step": 3})


def change(folder, name, edit):
    """Write a part anew and the config's hash with it, as somebody who edits a checkpoint would."""
    path = folder / f"{name}.safetensors"
    save_file(edit(load_file(path)), path)
    about = json.loads((folder / "config.json").read_text())
    about["parts"][name]["sha256"] = sha256(path)
    (folder / "config.json").write_text(json.dumps(about))


def describe(folder, edit):
    about = json.loads((folder / "config.json").read_text())
    edit(about)
    (folder / "config.json").write_text(json.dumps(about))


class TestWhatIsKept:
    def test_every_weight_and_the_config_come_back(self, tiny, folder):
        loaded = checkpoints.load(folder, device="cpu")
        assert loaded.config == tiny.config
        assert loaded.fingerprint == tiny.fingerprint
        for name, part in tiny.parts.items():
            for key, value in part.state_dict().items():
                assert torch.equal(loaded.parts[name].state_dict()[key], value), (name, key)
        assert loaded.provenance["step"] == 3
        assert loaded.versions["torch"] == torch.__version__

    def test_loaded_parts_are_frozen_and_in_evaluation_mode(self, folder):
        for part in checkpoints.load(folder, device="cpu").parts.values():
            assert not part.training
            assert not any(p.requires_grad for p in part.parameters())

    def test_the_fingerprint_changes_with_a_single_weight(self, tiny, folder):
        def edit(state):
            key = sorted(state)[0]
            state[key].view(-1)[0] += 1
            return state

        change(folder, "vocoder", edit)
        assert checkpoints.load(folder, device="cpu").fingerprint != tiny.fingerprint

    def test_half_precision_files_are_loaded_as_float32(self, tiny, tmp_path):
        path = checkpoints.save(tmp_path / "half", tiny.config, tiny.parts, dtype="float16")
        loaded = checkpoints.load(path, device="cpu")
        for name, part in tiny.parts.items():
            for key, value in part.state_dict().items():
                got = loaded.parts[name].state_dict()[key]
                assert got.dtype == value.dtype
                if value.is_floating_point():
                    torch.testing.assert_close(got, value.half().float(), rtol=0, atol=0)

    def test_the_scan_can_be_chosen_and_is_no_part_of_the_fingerprint(self, tiny, folder):
        loaded = checkpoints.load(folder, device="cpu", scan="reference")
        assert loaded.fingerprint == tiny.fingerprint
        kernels = {m.kernel for m in loaded.transformer.modules() if hasattr(m, "kernel")
                   and isinstance(m.kernel, str)}  # fmt: skip
        assert kernels == {"reference"}

    def test_random_weights_are_the_seeds(self, tiny):
        again = checkpoints.random(tiny.config, seed=5)
        other = checkpoints.random(tiny.config, seed=6)
        assert again.fingerprint == tiny.fingerprint != other.fingerprint


class TestWhatIsWrong:
    def test_missing_and_unexpected_weights_are_named(self, folder):
        def edit(state):
            keys = sorted(state)
            return {("extra.weight" if k == keys[0] else k): v for k, v in state.items()}, keys[0]

        names = {}

        def renamed(state):
            state, names["gone"] = edit(state)
            return state

        change(folder, "transformer", renamed)
        with pytest.raises(ValidationError, match=r"missing: .*; unexpected: extra\.weight") as e:
            checkpoints.load(folder, device="cpu")
        assert names["gone"] in str(e.value)
        assert "transformer.safetensors" in str(e.value)

    def test_another_shape_is_named(self, folder):
        def edit(state):
            key = next(k for k in sorted(state) if state[k].ndim == 2)
            state[key] = torch.zeros(3, 5)
            return state

        change(folder, "pose", edit)
        with pytest.raises(ValidationError, match=r"is \(3, 5\), the config wants"):
            checkpoints.load(folder, device="cpu")

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_nan_and_infinite_weights_are_refused(self, tiny, folder, value):
        def edit(state):
            key = next(k for k in sorted(state) if state[k].is_floating_point())
            state[key].view(-1)[-1] = value
            return state

        change(folder, "content", edit)
        with pytest.raises(ValidationError, match=r"content\.safetensors holds NaN or infinite"):
            checkpoints.load(folder, device="cpu")
        broken = checkpoints.random(tiny.config, seed=5)
        next(broken.vocoder.parameters()).view(-1)[0] = value
        with pytest.raises(ValidationError, match="'vocoder' holds NaN or infinite"):
            checkpoints.save(folder.parent / "broken", broken.config, broken.parts)
        assert not (folder.parent / "broken").exists()

    def test_damaged_bytes_are_refused(self, folder):
        path = folder / "pose.safetensors"
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(ValidationError, match="other bytes"):
            checkpoints.load(folder, device="cpu")

    def test_a_pickle_is_never_opened(self, tiny, folder, tmp_path):
        torch.save(tiny.pose.state_dict(), tmp_path / "model.pt")
        for name in ("model.pt", "model.pth", "model.ckpt"):
            with pytest.raises(ValidationError, match="is a pickle, which runs code"):
                checkpoints.load(tmp_path / name, device="cpu")
        (tmp_path / "model.pt").replace(folder / "pose.safetensors")
        with pytest.raises(ValidationError, match="is a pickle and not safetensors"):
            checkpoints.load(folder, device="cpu")

    def test_a_folder_of_pickles_is_no_checkpoint(self, tmp_path):
        torch.save({}, tmp_path / "model.pth")
        with pytest.raises(ValidationError, match=r"has no config\.json.*model\.pth"):
            checkpoints.load(tmp_path, device="cpu")

    @pytest.mark.parametrize("edit", [
        lambda a: a.update(format="spatialdrama.isdrama/9"),
        lambda a: a.pop("format"),
    ])  # fmt: skip
    def test_another_format_is_refused(self, folder, edit):
        describe(folder, edit)
        with pytest.raises(ValidationError, match="this version reads"):
            checkpoints.load(folder, device="cpu")

    @pytest.mark.parametrize("edit", [
        lambda c: c["transformer"].update(wings=2),
        lambda c: c["transformer"].update(width="wide"),
        lambda c: c["mel"].update(hop=128),
    ])  # fmt: skip
    def test_a_config_of_another_version_is_refused(self, folder, edit):
        describe(folder, lambda about: edit(about["config"]))
        with pytest.raises(ValidationError, match="another config than this version"):
            checkpoints.load(folder, device="cpu")

    def test_a_config_of_another_size_does_not_fit_its_weights(self, folder):
        describe(folder, lambda about: about["config"]["transformer"].update(blocks=3))
        with pytest.raises(
            ValidationError, match=r"transformer\.safetensors does not fit.*missing"
        ):
            checkpoints.load(folder, device="cpu")

    def test_a_part_that_is_not_there_is_named(self, folder):
        (folder / "vocoder.safetensors").unlink()
        with pytest.raises(ValidationError, match="lacks the file of its part 'vocoder'"):
            checkpoints.load(folder, device="cpu")
        describe(folder, lambda about: about["parts"].pop("vocoder"))
        with pytest.raises(ValidationError, match="lacks the part vocoder"):
            checkpoints.load(folder, device="cpu")

    @pytest.mark.parametrize("name", ["parts", "versions", "provenance"])
    @pytest.mark.parametrize("value", [None, [1], "text", 7])
    def test_what_is_no_mapping_is_said_when_it_is_loaded(self, folder, name, value):
        describe(folder, lambda about: about.update({name: value}))
        with pytest.raises(ValidationError, match=f"{name!r} in its config.json must be a mapping"):
            checkpoints.load(folder, device="cpu")

    def test_a_file_of_a_part_outside_the_folder_is_not_read(self, folder, tmp_path):
        (folder / "pose.safetensors").replace(tmp_path / "pose2.safetensors")
        describe(folder, lambda a: a["parts"]["pose"].update(file="../pose2.safetensors"))
        with pytest.raises(ValidationError, match="lacks the file of its part 'pose'"):
            checkpoints.load(folder, device="cpu")

    def test_nothing_there_and_a_file_instead(self, folder, tmp_path):
        with pytest.raises(ValidationError, match="there is no checkpoint at"):
            checkpoints.load(tmp_path / "nowhere", device="cpu")
        with pytest.raises(ValidationError, match="is a file; name the folder"):
            checkpoints.load(folder / "config.json", device="cpu")

    def test_options_are_checked(self, folder):
        with pytest.raises(ValidationError, match="dtype must be one of"):
            checkpoints.load(folder, device="cpu", dtype="int8")
        with pytest.raises(ValidationError, match="scan"):
            checkpoints.load(folder, device="cpu", scan="quick")

    def test_a_device_that_is_not_there(self, folder):
        if torch.cuda.is_available():
            pytest.skip("there is one")
        with pytest.raises(DeviceError, match="Use device='cpu'"):
            checkpoints.load(folder, device="cuda")

    def test_a_fused_scan_that_cannot_be_is_said_when_the_model_is_loaded(self, folder):
        with pytest.raises(DeviceError, match="kernel='fused' cannot be used"):
            checkpoints.load(folder, device="cpu", scan="fused")

    def test_a_part_that_nobody_knows_is_not_saved(self, tiny, tmp_path):
        with pytest.raises(ValidationError, match="a checkpoint has the parts"):
            checkpoints.save(tmp_path / "x", tiny.config, {"pose": tiny.pose})

    def test_a_provenance_that_is_no_mapping_is_not_saved(self, tiny, tmp_path):
        with pytest.raises(ValidationError, match="mapping of names; got 'mine'"):
            checkpoints.save(tmp_path / "x", tiny.config, tiny.parts, provenance="mine")
        assert not (tmp_path / "x").exists()

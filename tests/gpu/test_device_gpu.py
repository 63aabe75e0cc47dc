"""The device and the seeds on a real CUDA device; run with ``pytest -m gpu tests/gpu``."""

import pytest

from spatialdrama.errors import DeviceError
from spatialdrama.runtime.device import resolve
from spatialdrama.runtime.seeding import line_seed, torch_generator

pytestmark = pytest.mark.gpu


def test_auto_takes_the_device_that_is_there_and_says_so():
    import torch

    found = resolve("auto")
    assert str(found) == "cuda:0"
    assert found.name == torch.cuda.get_device_name(0)
    assert torch.zeros(3, device=found.torch).device.type == "cuda"


def test_cpu_means_cpu_although_cuda_is_there():
    assert resolve("cpu").torch.type == "cpu"


def test_a_device_that_is_not_there_is_refused():
    import torch

    with pytest.raises(DeviceError, match="numbered 0 to"):
        resolve(f"cuda:{torch.cuda.device_count()}")


def test_a_line_draws_the_same_noise_alone_and_after_others():
    import torch

    def draw(index):
        return torch.randn(
            1000, device="cuda", generator=torch_generator(7, index, "ANNA", device="cuda")
        )

    alone = draw(3)
    after = [draw(i) for i in range(4)][3]
    assert torch.equal(alone, after)
    assert not torch.equal(alone, draw(2))
    assert line_seed(7, 3, "ANNA") != line_seed(7, 2, "ANNA")

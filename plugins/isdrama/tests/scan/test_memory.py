"""The scan at the paper's width trains within bounded memory (a process of its own measures it)."""

import subprocess
import sys

import pytest

SCRIPT = """
import resource, torch
from spatialdrama_isdrama.scan.chunked import scan_chunked
torch.set_num_threads(1)
def run(t):
    g = torch.Generator().manual_seed(0)
    u, delta = (torch.rand(1, 1536, t, generator=g).requires_grad_() for _ in range(2))
    B, C = (torch.rand(1, 16, t, generator=g).requires_grad_() for _ in range(2))
    A = -torch.arange(1.0, 17.0).repeat(1536, 1)
    scan_chunked(u, delta, A, B, C).sum().backward()
    assert torch.isfinite(delta.grad).all()
run(64)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
run(1500)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


@pytest.mark.slow
def test_1500_frames_of_1536_channels_take_less_than_their_states():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # One copy of all states in float32 is 1500 * 1536 * 16 * 4 bytes = 141 MiB, and autograd
    # through a loop keeps five; input, output and their gradients are 9 MiB each.
    assert float(done.stdout) < 120

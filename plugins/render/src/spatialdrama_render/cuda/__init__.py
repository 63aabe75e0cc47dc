"""The physical renderer on a CUDA device: what engine, control, direct, buses and tail do, batched.

Here live Triton kernels and what feeds them. `pack` is plain numpy and lays items out; every other
file imports torch or Triton only when something is rendered, so that listing, packing and the CPU
need neither. Nothing here decides what is rendered: places, colours, tails and lengths come from
the renderer's own CPU code, and the CPU's samples are the oracle of every kernel.
"""

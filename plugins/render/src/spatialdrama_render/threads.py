"""One thread for matrix products that are too small to share.

A block's products take a few hundred microseconds. BLAS splits them all the same, and its threads
then wait for each other busily: on two cores with other work a render took three times as long
with two threads as with one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any


@cache
def _controller() -> Any:
    # The controller knows the libraries that are loaded already: numpy's BLAS and scipy's.
    import numpy  # noqa: F401
    import scipy.linalg  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def one_blas_thread() -> AbstractContextManager:
    """Return a context in which BLAS keeps to the calling thread.

    Examples
    --------
    >>> from spatialdrama_render.threads import one_blas_thread
    >>> with one_blas_thread():
    ...     pass
    """
    return _controller().limit(limits=1, user_api="blas")

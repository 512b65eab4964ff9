"""One thread of linear algebra."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_blas_thread"]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Linear algebra in one thread inside the block, that of SciPy too.

    Matrices are so small here that threads do nothing but wait for each other, those of several
    processes above all.
    """
    # SciPy has a BLAS of its own beside NumPy's, and limits reach only what is loaded already.
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        yield

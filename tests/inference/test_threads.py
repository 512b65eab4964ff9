"""One thread of linear algebra, also where SciPy is loaded late."""

import os
import subprocess
import sys

FRESH = """
import numpy
import threadpoolctl
from bayes_scaling.inference.threads import one_blas_thread

def threads():
    import scipy.optimize
    return {each["num_threads"] for each in threadpoolctl.threadpool_info()}

with one_blas_thread():
    print("inside", threads())
"""


def test_a_blas_that_is_loaded_inside_the_block_has_one_thread_too():
    done = subprocess.run(
        [sys.executable, "-c", FRESH],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
    )
    assert done.stdout.split("inside")[-1].strip() == "{1}"

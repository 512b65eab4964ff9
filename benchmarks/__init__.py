"""Speed and accuracy of bayes-scaling beside the usual ways of fitting a scaling law."""

import os

# No contestant has a matrix worth a second thread, and threads of a BLAS that wait for each other
# on a busy machine slow a bootstrap a hundredfold. Set before numpy is imported; children inherit.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

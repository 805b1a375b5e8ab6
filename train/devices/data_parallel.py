"""One training on several devices, or in several processes: data parallelism of Keras' distribution API on JAX."""

import contextlib
import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from edgecnn.errors import EdgecnnError, InputError, JobLostError

_VARIABLES = ("KERAS_DISTRIBUTION_JOB_ADDRESSES", "KERAS_DISTRIBUTION_NUM_PROCESSES", "KERAS_DISTRIBUTION_PROCESS_ID")


@dataclass(frozen=True)
class Parallel:
    """Who takes part in a training.

    Attributes:
        devices: of all processes together; every batch is divided among them.
        processes: of the job.
        process: this one's number, from 0; only number 0 writes files.
        distribution: Keras' own, or None for a training on one device.
    """

    devices: int = 1
    processes: int = 1
    process: int = 0
    distribution: Any = None

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files and speaks to people."""
        return self.process == 0

    def scope(self) -> AbstractContextManager[Any]:
        """In it variables are copied to all devices and batches divided among them."""
        return self.distribution.scope() if self.distribution else contextlib.nullcontext()

    def divisible(self, count: int) -> int:
        """How many of `count` images, at most, can be divided evenly among the devices."""
        return count - count % self.devices

    def shard(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """This process's share of a batch; all shares together, in order, are the batch."""
        size = self.divisible(len(rows)) // self.processes
        return rows[self.process * size : (self.process + 1) * size]


def start_parallel(devices: bool, distributed: bool) -> Parallel:
    """Join the job that the launcher describes, if `distributed`, and take all devices.

    The job's shape comes from KERAS_DISTRIBUTION_JOB_ADDRESSES, _NUM_PROCESSES and _PROCESS_ID, or from what JAX finds
    by itself: Slurm, Open MPI, Kubernetes, Cloud TPU.

    Raises:
        InputError: the variables are incomplete or contradict each other, or no launcher set any.
        EdgecnnError: the other processes cannot be reached.
    """
    if not (devices or distributed):
        return Parallel()
    import jax

    if distributed:
        _join()
    accelerators = keras.distribution.list_devices()
    # Every process reads its own share of a batch, see Parallel.shard.
    distribution = keras.distribution.DataParallel(devices=accelerators, auto_shard_dataset=False)
    return Parallel(len(accelerators), jax.process_count(), jax.process_index(), distribution)


def _join() -> None:
    import jax

    if jax.distributed.is_initialized():
        return
    variables = [name for name in _VARIABLES if os.environ.get(name)]
    if variables and len(variables) < len(_VARIABLES):
        missing = ", ".join(name for name in _VARIABLES if name not in variables)
        raise InputError(f"--distributed: the job is described in part only; set {missing} too")
    jax.config.update("jax_enable_preemption_service", False)  # it swallows the SIGTERM that ends a job
    try:
        keras.distribution.initialize()
    except ValueError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"--distributed found no job to join ({reason}); start it with srun, or set {', '.join(_VARIABLES)}"
        ) from None
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise EdgecnnError(f"the processes of the job do not come together ({reason}); start all of them") from None


@contextlib.contextmanager
def translate_worker_loss(parallel: Parallel) -> Iterator[None]:
    """Turn the failure of a job that lost a process into a sentence."""
    if parallel.processes == 1:
        yield
        return
    try:
        yield
    except (RuntimeError, ValueError) as error:  # of both kinds are XLA's own, which begin with a status code
        if not re.match(r"(UNAVAILABLE|DEADLINE_EXCEEDED|ABORTED|CANCELLED|INTERNAL|UNKNOWN): ", str(error)):
            raise
        reason = str(error).strip().splitlines()[0]
        raise JobLostError(
            f"a process of the job was lost ({reason}); the checkpoint of the last finished epoch is intact: start all "
            "of them again with --resume"
        ) from None

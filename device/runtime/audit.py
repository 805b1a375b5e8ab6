"""Looks again, on the CPU, at a share of the images that a delegate computes: one that lies later is found out."""

import threading
import warnings
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from edgecnn.arrays import Pixels
from edgecnn.errors import ContradictionError, DelegateError, EdgecnnWarning, ModelFileError
from edgecnn.rounding import round_apart

from .agreement import compare, tolerance_of
from .forking import tell_of_forks
from .loaded_model import LoadedModel
from .opening import open_session
from .run_options import RunOptions
from .runner import Runner
from .tensor_spec import TensorSpec

Outputs = Sequence[tuple[TensorSpec, npt.NDArray[np.generic]]]

_FIRST = 3  # images that are all looked at: most faults are there from the start
# Of feature maps, root mean square, in parts of the CPU's; other kernels for the same integers stay below a tenth.
_MAP_TOLERANCE = 0.2


class Audit:
    """Compares answers of a delegate with the CPU's.

        audit.look(pixels, session.output(probabilities))  # after each image
        audit.finish()  # after the last

    Which images it looks at is left to chance, so that no rhythm of a delegate escapes it for long. Where nobody said a
    share, that of the first images is larger: a run of a few dozen would have none but the first and the last.

    Attributes:
        images: how many answers it was shown.
        compared: how many of them the CPU computed too.
        unconfirmed: how many were shown since the last on which both agreed.
    """

    def __init__(self, loaded: LoadedModel, on_cpu: Runner, rate: float, is_asked_for: bool = True) -> None:
        """Begin with no image.

        Args:
            loaded: the model, with its delegate.
            on_cpu: the same model without it.
            rate: the share of images, 0 to 1.
            is_asked_for: that share was chosen by somebody; else more of the first images are looked at.
        """
        self._loaded, self._runner, self._rate = loaded, on_cpu, rate
        self._early = 0 if is_asked_for else _FIRST
        self._name = loaded.session.delegate.name if loaded.session.delegate else "the runtime"
        self._contradiction = ""
        self._chance, self._lock = np.random.default_rng(), threading.Lock()
        self._last: tuple[Pixels, npt.NDArray[np.generic], Outputs] | None = None
        self.images = self.compared = self.unconfirmed = 0
        tell_of_forks(self)

    def become_copy(self) -> None:
        """In a forked child: a thread that is not there may have held the lock."""
        self._lock = threading.Lock()

    def look(self, pixels: Pixels, raw: npt.NDArray[np.generic], maps: Outputs = ()) -> None:
        """Be shown what the delegate made of one image, and compute that too if chance will have it.

        Args:
            pixels: uint8 (height, width, channels), as the model takes them.
            raw: the output for them, (classes,), in its own dtype.
            maps: other outputs for them that were read, such as feature maps.

        Raises:
            ContradictionError: the CPU gives another answer, to this image or to one before.
        """
        with self._lock:
            if self._contradiction:
                raise ContradictionError(self._contradiction)
            if self._loaded.session.delegate is None:  # the CPU has taken over: of the delegate's answers no more come
                if self._last is not None:
                    self._compare(*self._last)
                return
            self.images += 1
            self.unconfirmed += 1
            self._last = pixels.copy(), raw, maps
            share = max(self._rate, self._early / self.images)  # some ten of the first hundred, 14 of the first 300
            if self.images <= _FIRST or self._chance.random() < share:
                self._compare(*self._last)

    def finish(self) -> None:
        """Compare the last image too, so that no answer stays unconfirmed.

        Raises:
            ContradictionError: the CPU gives another answer, to this image or to one before.
        """
        with self._lock:
            if self._contradiction:
                raise ContradictionError(self._contradiction)
            if self._last is not None:
                self._compare(*self._last)

    def _compare(self, pixels: Pixels, raw: npt.NDArray[np.generic], maps: Outputs) -> None:
        self._last = None
        expected = self._loaded.probabilities_of(pixels[None], self._runner)
        agreement = compare(self._loaded.probabilities.dequantize(raw)[None], expected, tolerance_of(self._loaded.card))
        self.compared += 1
        wrong = (
            self._other_map(maps)
            if agreement.passed
            else f"a probability is off by {agreement.off_by} where {agreement.tolerance:g} is allowed"
        )
        if not wrong:
            self.unconfirmed = 0
            return
        agreed = self.images - self.unconfirmed
        doubtful = "none of its answers is to be trusted"
        if agreed:
            doubtful = f"its answers after image {agreed:,}, where both agreed last, are not to be trusted"
        self._contradiction = (
            f"{self._name} contradicts the CPU at image {self.images:,}: {wrong}; {doubtful}: use --delegate cpu"
        )
        raise ContradictionError(self._contradiction)

    def _other_map(self, maps: Outputs) -> str:
        """What is wrong with an output of the image that the CPU ran last; empty if nothing is."""
        for tensor, raw in maps:
            own = self._runner.outputs[tensor.name]
            expected, here = own.dequantize(self._runner.output(own)), tensor.dequantize(raw)
            error, size = (float(np.sqrt(np.mean(np.square(values)))) for values in (here - expected, expected))
            if not error <= _MAP_TOLERANCE * size:  # which NaN is not
                allowed = 100 * _MAP_TOLERANCE
                share = f"{round_apart(allowed, 100 * error / size)}%" if size else f"{error:.2g}, where all is 0"
                return f"the feature maps of {tensor.name} are off by {share} where {allowed:g}% is allowed"
        return ""


def open_audit(loaded: LoadedModel, options: RunOptions) -> Audit | None:
    """An audit of a model's delegate; None where it has none, or none is asked for.

    Args:
        loaded: the model.
        options: how it was loaded.

    Raises:
        DelegateError: an audit is asked for in so many words, and the CPU cannot run the model.
    """
    delegate = loaded.session.delegate
    if delegate is None or not delegate.audit_rate:
        return None
    try:
        on_cpu = open_session(loaded.packed, replace(options, delegate=delegate.compared_with))
    except ModelFileError:  # compiled for the accelerator
        sentence = f"no CPU runs {loaded.packed.name}: nobody can look again at what {delegate.name} computes"
        if delegate.audit is not None:
            raise DelegateError(f"{sentence}; leave out --audit") from None
        warnings.warn(f"{sentence} (--audit)", EdgecnnWarning, stacklevel=4)
        return None
    return Audit(loaded, on_cpu, delegate.audit_rate, is_asked_for=delegate.audit is not None)

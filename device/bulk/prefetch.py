"""Prepare the images of a source ahead of inference, in order, without holding many."""

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING

from edgecnn.errors import InputError
from edgecnn.pixels.memory import MemoryGate
from edgecnn.pixels.preprocessing import Invert, Prepared, prepare_source
from edgecnn.processors import count_processors

from .sources import ImageOrError, Source

if TYPE_CHECKING:
    from concurrent.futures import Future

    from edgecnn.pixels.crop import Crop
    from edgecnn.pixels.input_spec import InputSpec

_AHEAD = 4  # images a decoding thread; memory stays flat however many there are

Outcome = Prepared | InputError  # an image made ready, or what is wrong with it


def prepared_images(
    source: Source,
    spec: "InputSpec",
    invert: Invert = "no",
    *,
    crop: "Crop | None" = None,
    note: Callable[[str], None] = lambda _: None,
    decode_threads: int | None = None,
) -> Iterator[tuple[str, Outcome]]:
    """Prepare the images of `source`, in order; many are decoded while the caller works on those before.

    Args:
        source: where they come from.
        spec: of the model's input.
        invert: as for `edgecnn.pixels.preprocessing.prepare`.
        crop: likewise.
        note: gets what is odd about the first odd image; about the others it is most often the same.
        decode_threads: how many decode; None for one a processor, which wait for each other where memory is short.

    Yields:
        Each name with its pixels, or with what is wrong with it.
    """
    gate: MemoryGate | None = None

    def prepare(image: ImageOrError) -> Outcome:
        try:
            return image if isinstance(image, InputError) else prepare_source(image, spec, invert, gate=gate, crop=crop)
        except InputError as error:
            return error

    # For one image, threads would cost more than they save; of an endless source they would show the past.
    if source.count is None or source.count == 1:
        outcomes: Iterator[tuple[str, Outcome]] = ((name, prepare(image)) for name, image in source)
    else:
        if decode_threads is None:
            gate = MemoryGate()
        outcomes = prepare_ahead(source, prepare, decode_threads)
    noted = False
    for name, outcome in outcomes:
        if isinstance(outcome, Prepared) and outcome.note and not noted:
            note(f"Note: {name}: {outcome.note}")
            noted = True
        yield name, outcome


def prepare_ahead(
    images: Iterable[tuple[str, ImageOrError]], prepare: Callable[[ImageOrError], Outcome], threads: int | None = None
) -> Generator[tuple[str, Outcome], None, None]:
    """Prepare images in threads, while the caller works on those before.

    Args:
        images: names, and what stands under them.
        prepare: reads and prepares one; Pillow lets other threads run while it decodes.
        threads: how many decode; by default one a processor.

    Yields:
        Each name with its pixels, or with what is wrong with it; in the order of `images`.
    """
    from concurrent.futures import ThreadPoolExecutor  # one image needs none

    count = threads or count_processors()
    waiting: deque[tuple[str, Future[Outcome]]] = deque()
    with ThreadPoolExecutor(count) as pool:
        try:
            for name, image in images:
                waiting.append((name, pool.submit(prepare, image)))
                if len(waiting) > _AHEAD * count:
                    yield _finish_first(waiting)
            while waiting:
                yield _finish_first(waiting)
        finally:
            for _, future in waiting:
                future.cancel()


def _finish_first(waiting: "deque[tuple[str, Future[Outcome]]]") -> tuple[str, Outcome]:
    name, future = waiting.popleft()
    return name, future.result()

"""Decode images ahead of inference, in order, without holding many."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

from edgecnn.errors import InputError
from edgecnn.pixels.preprocessing import Prepared

_AHEAD = 4  # images a decoding thread; memory stays flat however many there are


def prepared_ahead(
    names: Iterable[str], prepare: Callable[[str], Prepared], threads: int | None = None
) -> Generator[tuple[str, Prepared | InputError], None, None]:
    """Prepare the images of `names` in threads, while the caller works on those before.

    Args:
        names: of image files.
        prepare: reads and prepares one; Pillow lets other threads run while it decodes.
        threads: how many decode; by default one a processor.

    Yields:
        Each name with its pixels, or with what is wrong with it; in the order of `names`.
    """
    count = threads or os.cpu_count() or 1
    waiting: deque[tuple[str, Future[Prepared | InputError]]] = deque()

    def attempt(name: str) -> Prepared | InputError:
        try:
            return prepare(name)
        except InputError as error:
            return error

    with ThreadPoolExecutor(count) as pool:
        try:
            for name in names:
                waiting.append((name, pool.submit(attempt, name)))
                if len(waiting) > _AHEAD * count:
                    done, future = waiting.popleft()
                    yield done, future.result()
            while waiting:
                done, future = waiting.popleft()
                yield done, future.result()
        finally:
            for _, future in waiting:
                future.cancel()

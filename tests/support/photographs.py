"""Pictures like photographs, made of noise of every size, of edges and of grain."""

import functools
import io
from pathlib import Path

import numpy as np
from PIL import Image


@functools.lru_cache(4)
def photograph(width: int, height: int, seed: int = 0) -> Image.Image:
    """RGB, the same for the same seed; not to be changed, for others get it too."""
    generator = np.random.default_rng(seed)
    scene = np.full((height, width, 3), 128, np.float32)
    for count in (3, 9, 40, 160):
        noise = generator.normal(0, 1, (count, count, 3)).astype(np.float32)
        for channel in range(3):
            layer = Image.fromarray(noise[:, :, channel]).resize((width, height), Image.Resampling.BICUBIC)
            scene[:, :, channel] += np.asarray(layer) * 40 / count**0.3
    for _ in range(25):
        left, top = int(generator.integers(0, width)), int(generator.integers(0, height))
        scene[top : top + height // 8, left : left + width // 12] += generator.normal(0, 60, 3)
    scene += generator.normal(0, 6, scene.shape)
    return Image.fromarray(np.clip(scene, 0, 255).astype(np.uint8))


def drawing(width: int, height: int, seed: int = 0) -> Image.Image:
    """RGB: rectangles of black, white and pure colours, of all sizes."""
    generator = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 255, np.uint8)
    for _ in range(300):
        left, top = int(generator.integers(0, width)), int(generator.integers(0, height))
        across, down = (int(side) for side in generator.integers(2, 60, 2))
        picture[top : top + down, left : left + across] = generator.choice([0, 255], 3)
    return Image.fromarray(picture)


def jpeg_bytes(image: Image.Image, orientation: int = 1, **options: object) -> bytes:
    """Encoded, with an EXIF orientation if it is another than 1."""
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = orientation
    if orientation != 1:
        options["exif"] = exif.tobytes()
    image.save(buffer, "JPEG", **{"quality": 90, **options})
    return buffer.getvalue()


def save_jpeg(path: Path, image: Image.Image, orientation: int = 1, **options: object) -> Path:
    """The same as a file."""
    path.write_bytes(jpeg_bytes(image, orientation, **options))
    return path

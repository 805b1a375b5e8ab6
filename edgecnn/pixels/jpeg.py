"""Large JPEG photographs, decoded at a half, a quarter or an eighth: the decoder's own scaling, by one rule.

A photograph of twelve megapixels takes 48 MB decoded in full, and most of the time of a classification; a network of
224 x 224 looks at a fiftieth of its pixels. A spec whose `jpeg_decoding` is `reduced` has it decoded no larger than
needed: the same in training, in calibration and on the device, so that all of them see the same pixels.
"""

from typing import TYPE_CHECKING

from PIL import Image

from .input_spec import InputSpec
from .orientation import Box, swaps_axes, turn_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .crop import Crop

# After decoding there are at least so many pixels to each pixel of the input, on either axis. With three, the resize
# that follows levels the difference: of photographs 0.5 in the mean and 16 of 255 at most (tests/pixels/test_jpeg.py).
MARGIN = 3
SCALES = (8, 4, 2)  # what the decoder knows, the largest saving first
# `nearest` takes single pixels, which are others after a reduction; `box` has hard edges, which do not fall together.
SMOOTH_FILTERS = ("bilinear", "bicubic", "lanczos")
_FORMATS = ("JPEG", "MPO")


def scale_for(width: int, height: int, spec: InputSpec) -> int:
    """By how much a JPEG may be reduced: 8, 4, 2, or 1 for not at all.

    Args:
        width: of the upright image in full.
        height: likewise.
        spec: its size, fit, filter and `jpeg_decoding` decide.
    """
    if spec.jpeg_decoding == "full" or spec.resize_filter not in SMOOTH_FILTERS:
        return 1
    factors = width / spec.width, height / spec.height
    # `pad` makes the longer side fit, and scales both by its factor.
    factor = max(factors) if spec.fit == "pad" else min(factors)
    return next((scale for scale in SCALES if factor >= MARGIN * scale), 1)


def reduce_jpeg(image: Image.Image, spec: InputSpec, crop: "Crop | None" = None) -> Box | None:
    """Have an image decoded no larger than `spec` needs, if it is a large JPEG.

    Args:
        image: opened, not loaded; its size changes.
        spec: what it will become.
        crop: what of it the model will be shown; the smaller that is, the less may be reduced.

    Returns:
        What of it is picture, before it is turned upright: of the last row and column it may be a part. None if it is
        not reduced.
    """
    width, height = image.size
    if image.format not in _FORMATS or spec.jpeg_decoding == "full":
        return None
    upright = (height, width) if swaps_axes(turn_of(image)) else (width, height)
    if crop is not None:
        from .crop import region_of

        upright = region_of(crop, *upright)[0][2:]
    return draft(image, scale_for(*upright, spec))


def draft(image: Image.Image, scale: int) -> Box | None:
    """Have a JPEG that is not loaded yet decoded at 1/scale, with the sizes rounded up; see `reduce_jpeg`."""
    width, height = image.size
    if scale == 1 or min(width, height) < scale:  # a strip has no whole pixel to keep
        return None
    # Of a requested size Pillow takes the scale that gives at least that: rounded down, exactly this one.
    image.draft(None, (width // scale, height // scale))
    return None if image.size == (width, height) else (0, 0, width / scale, height / scale)


def decoded_probe(scales: "Sequence[int]" = (1, *SCALES)) -> bytes:
    """What the decoder of this machine makes of a small photograph at each of `scales`: for a digest."""
    import base64
    import io

    parts = []
    for scale in scales:
        image = Image.open(io.BytesIO(base64.b85decode(_PROBE)), formats=["JPEG"])
        draft(image, scale)
        parts.append(image.tobytes())
    return b"".join(parts)


# 53 x 37 pixels, colours at half resolution (4:2:0), with edges and odd sizes; base 85.
_PROBE = (
    "|JeWF01!$>Nk#wx0RR9200961|JwjV015{O2nPlV2nYxZ3JMDj7!VE(4GtX@77-XDA0;FrA0i<pD>pADDKse|A}~QQG&wsyK0YNbL`g$DNH;w`JO"
    "A4NLjej43l0qq91sv3J18P3J3Bi&J3Bi&J3Bi&J3Bi&J3Bi&J3Bi&J3Bi&J3Bi&J3Bi&J3Bi&J3Bi&J3Bi&J3Ift01*fPB>*)80U`hb5di}c0sq7"
    "R8UO$S0|5a50000000000000050t5yF2mizXEf4?!1OWpB0t5#E00000000310s{mQ1ri|!F+mh@6CzQ8GE!l3k)g5C|HJ?q0RRI40|5X4000000"
    "000000adF0RsmD|HJ?;5dZ-L0s{mI1poj500000009C61OO2QAu$s{VSxq`A|p{^ago6lC6b}h|Jncy0|5X65d#qbKLGP+Y3IUW4FSgr?RtC;73R"
    "PgJ1Z@tXlrP?3N(VX1cR+qf{RCRn88*tju#+E?5$91=eZnN{8|416zka17n3dL#;kssC6pDdLcm{s?p1ocF${dEy;$Sp5#>s*n8x6_II9FK#u=2V"
    "Ot~o+bx23-(5R9(R(q&pZpyfa^Z52cchnKMvaZ;;`TTn!Vl?Bj9qIfy*Ez?e{l(5({Gzcn>S39}lk2&_hK!tWo5xoXXA7lTTjb6Wn53mCEwGJEYl"
    "SnYpuY-2%_97REw7RLhy7P{tuF0-N-1TBYg?S1!1yETwBG|`Ls~gq_fgYg6Y3VCfut8SNZ<>x-vhb!2|LN}gAuM&H9Lh{4wK4~g4sfQK#YODeCky"
    "w$teZg1$x!ZGeN3nyDLEemc|I*AsFGK&vEUZaI!j|U%E#+wufJiN2!#1jJ3bP1pUIp%Vx!iojlXYEUxbNyq6yx$~p!JsYOZ$F>cbczo&(GP+V@Jq"
    "=Evkkk>1FYft*qt~I+>pnjO|NmOnOVU3P)9CAqqlk^-9?29`jkCXu;-0<Gpj&Oxy#uA2`2r4Gr2lACpF(gP+sbwG=Y5_R_HRWEP@LC`XCnsKdD>o"
    "{~rZmX}kBPE6ZV3c{NZa~$&)o=9m~#!t#6Waj$hfKgk49=rlpPnhuf;2WS?hX)<O>X}!ri5?MhD*~Bp+kpRhjbIvA%hqERM$Ky~WNxIVA{N_Go4j"
    "l-RLStZlqkO^U-zs?DSiN@-peK@i$GK2k&>Jj0Eiaj~EYu=k~y;UqRso8p8a3C&K||Je"
)

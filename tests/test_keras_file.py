"""Why a .keras file does not load, in one line that is never empty."""

import pytest

from edgecnn import ModelFileError
from edgecnn.keras_file import loading_keras

CALLING, ARGUMENTS = "Exception encountered when calling L.call().\n\n", "\n\nArguments received by L.call(): 1"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "ValueError"),
        ("\x1b[1m\x1b[0m", "ValueError"),
        (f"{CALLING}\x1b[1m\x1b[0m{ARGUMENTS}", "ValueError"),
        (f"{CALLING}\x1b[1mtoo small\x1b[0m{ARGUMENTS}", "too small"),
        ("\x1b[1m\nat last. And more", "at last"),
        ("...", "ValueError"),
    ],
)
def test_a_reason_is_never_empty(text: str, reason: str) -> None:
    with pytest.raises(ModelFileError) as told, loading_keras("it", "copy it again"):
        raise ValueError(text)
    assert str(told.value) == f"it does not load as a Keras model ({reason}); copy it again"

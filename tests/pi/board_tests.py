"""Which of the project's tests run on an emulated board, and how they get there.

Emulated, a process that runs a network takes two and a half seconds to start, and a test ten times as long. So a board
runs what a processor, a runtime, NumPy or Pillow can change. What is Python's alone, or the file system's, has been
proved on this machine, by the same files of tests and the same Python 3.11.
"""

import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from edgecnn.convert import Conversion
from tests.pi.debian import PYTHON

ROOT = Path(__file__).parents[2]
_FOLDERS = ("tests/device", "tests/model_file", "tests/pixels")

# On both architectures: the runtime with its kernels, delegates and crashes, the processes that it runs in, and what
# NumPy makes of its numbers. Of the rest of tests/device,
# - bulk/test_merging, bulk/test_shards and most of bulk/test_results are of names, rows and files;
# - explaining/test_explainer is of labels, words and pictures;
# - explaining/test_cam and test_packing are of networks that TensorFlow makes, and boards have none;
# - live gives its sources up after tenths of a second, in which an emulated board starts no program;
# - service is one of a systemd, and boards have none;
# - test_notebook_display is of HTML, and of pictures as in test_features;
# - test_signing and test_signing_answers ask ssh-keygen, which is this machine's.
_RUNTIME = (
    "tests/device/runtime", "tests/device/measuring", "tests/device/bulk/test_classify_many.py",
    "tests/device/bulk/test_prefetch.py", "tests/device/test_best_answer.py", "tests/device/test_classifier.py",
    "tests/device/test_drift.py", "tests/device/test_features.py", "tests/device/test_min_score.py",
    "tests/device/test_map_reader.py", "tests/device/test_threads.py", "tests/device/test_verification.py",
    "tests/device/test_verification_bare.py",
)  # fmt: skip

# What edgecnn does once it knows that a process has ended, that a file ran before, or that answers differ: Python's
# alone. How a process ends, that a file is tried, and that wrong answers are noticed is tested on the boards.
_AFTERWARDS = {
    "tests/device/runtime/test_delegates.py": (
        "test_with_fallback_each_failure_is_a_warning", "test_the_sentence_on_a_crash_says_any_name",
    ),
    "tests/device/runtime/test_isolated_session.py": (
        "test_two_deaths_at_one_image", "test_what_is_done_is_kept", "test_a_pickled_classifier_keeps_how",
        "test_its_chatter_never_steers_the_terminal",
    ),
    "tests/device/runtime/test_worker_restarts.py": ("test_one_that_dies_",),
    "tests/device/runtime/test_trial.py": (
        "test_verify_alone_does_not_vouch", "test_a_cache_that_is_no_folder", "test_a_child_that_fails_is_asked_again",
        "test_a_file_that_is_exchanged_meanwhile", "test_a_slow_processor_", "test_one_that_gives_none_hangs",
        "test_a_process_of_its_own_has_as_long", "test_a_delegate_that_is_given_longer",
        "test_a_child_that_dies_between",
    ),
    "tests/device/runtime/test_delegate_check.py": ("test_every_command_refuses_it",),
    "tests/device/runtime/test_audit.py": (
        "test_a_fork_while_another_thread_is_audited", "test_of_a_few_images_more_than_one_in_a_hundred",
        "test_the_last_image_is_looked_at", "test_doubtful_rows_are_marked", "test_answers_that_were_printed",
        "test_evaluate_and_benchmark_end_too", "test_explanations_are_looked_at_too",
    ),
    "tests/device/measuring/test_benchmark.py": (
        "test_figures_are_written_drawn_and_compared", "test_options_reach_the_delegate",
    ),
    "tests/device/test_threads.py": ("test_a_pickled_", "test_a_pickle_whose_file"),
}  # fmt: skip
# What Matplotlib draws: 64-bit boards have this machine's, the 32-bit one Debian's. Each draws one picture besides.
_DRAWN = {
    "tests/device/test_features.py": (
        "test_figure_has_images", "test_input_is_shown", "test_figure_is_the_same", "test_contact_sheet_shows",
    ),
}  # fmt: skip
# Which methods take the lock of a session: Python's. The Pi 4, the slowest, asks one of them 800 times in threads.
_LOCKED = {
    "tests/device/test_threads.py": (
        "test_every_public_method_answers", "test_feature_maps_in_threads", "test_drift_is_that_of_the_image",
    ),
}  # fmt: skip
# What the kernel does on every processor alike; locales and rounding, which C does, are tested on the boards.
_KERNEL = {
    "tests/device/runtime/test_process_state.py": (
        "test_each_change_is_put_back_and_told_once[chdir", "test_each_change_is_put_back_and_told_once[umask",
        "test_each_change_is_put_back_and_told_once[close", "test_what_the_caller_does_between_two_images",
        "test_each_change_is_put_back_and_told_once[priority", "test_each_change_is_put_back_and_told_once[processors",
        "test_its_own_user_puts_back_what_another_may_not",
    ),
}  # fmt: skip
# Whole numbers in Python: how much memory is free and what is refused for it, offsets in a damaged file. What Pillow
# takes of the memory, and what a runtime makes of a damaged file, is tested on the board.
_NUMBERS = {
    "tests/pixels/test_memory.py": ("test_a_reduced_photograph", "test_many_that_fit_one_after_another"),
    "tests/model_file/test_tflite_graph.py": ("test_damaged_graphs",),
}
# Of pictures the small ones in all ways to resize them and a large one in one way; of photographs, every kind of JPEG
# with every filter, but cropped alone: the pixels are the decoder's matter, and which of them are taken is Python's.
_PICTURES = {
    "tests/pixels/test_deep_images.py": tuple(
        f"test_bilevel_is_gray_before_it_is_resized[{way}-large]"
        for way in ("nearest-gray", "nearest-rgb", "bilinear-gray", "bilinear-rgb", "lanczos-gray")
    ),
    "tests/pixels/test_jpeg.py": tuple(
        f"test_pixels_differ_little_from_those_of_the_whole[{options}-{fit}"
        for options in ({}, {"subsampling": 0}, {"progressive": True, "quality": 75})
        for fit in ("stretch", "pad")
    ),
}
# Of photographs that become probes, the smaller ones: the larger ones take the same way.
_PROBES = {
    "tests/model_file/test_golden_probes.py": (
        "test_photographs_fit_and_have_the_answers_to_what_is_stored[64000-224]",
        "test_photographs_fit_and_have_the_answers_to_what_is_stored[200000-224]",
    ),
}

_LEAVE_OUT = "--deselect="


def _without(*tests: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The options that leave out the tests whose names begin so, by file."""
    return tuple(f"{_LEAVE_OUT}{path}::{name}" for files in tests for path, names in files.items() for name in names)


# The Pi 5 has all that is said of a 64-bit board. The Pi 4 runs a Pi 5's bytes: its other kernels, and besides them the
# arithmetic of NumPy and Pillow in 64 bits. The 32-bit Pi has a runtime, a NumPy and a Pillow of its own, and all that
# touches one of these:
# - of tests/model_file, what NumPy reads; the card, labels, seals and signatures are text;
# - a kill, and what goes on after it;
# - the processes that delegates run in, by test_delegates; what is made of their answers is the same as on the Pi 5.
# The longest first: at the end no processor waits for another.
TESTS: dict[str, tuple[str, ...]] = {
    "pi2": (
        *_RUNTIME, "tests/device/bulk/test_photographs.py",
        "tests/device/bulk/test_results.py::test_a_killed_run_goes_on_without_loss_or_repetition",
        "tests/device/bulk/test_results.py::test_no_error_is_lost_while_tiffs_are_decoded",
        "tests/model_file/test_bundled.py", "tests/model_file/test_confidence.py",
        "tests/model_file/test_container.py", "tests/model_file/test_golden.py", "tests/model_file/test_golden_npz.py",
        "tests/model_file/test_golden_probes.py", "tests/model_file/test_tflite_constants.py",
        "tests/model_file/test_tflite_graph.py", "tests/model_file/test_tflite_metadata.py", "tests/pixels",
        "--ignore=tests/device/runtime/test_audit.py", "--ignore=tests/device/runtime/test_isolated_session.py",
        *_without(_AFTERWARDS, _KERNEL, _NUMBERS, _PICTURES, _PROBES),
    ),
    "pi5": (
        *_RUNTIME, "tests/device/explaining/test_methods.py", "tests/device/explaining/test_scoring.py",
        *_without(_AFTERWARDS, _KERNEL, _DRAWN),
    ),
    "pi4": (
        "tests/device/test_classifier.py", "tests/device/test_features.py", "tests/device/test_verification.py",
        "tests/device/test_threads.py", "tests/model_file/test_golden.py", "tests/pixels/test_colour_profile.py",
        "tests/pixels/test_deep_images.py", "tests/pixels/test_image_files.py", "tests/pixels/test_input_table.py",
        "tests/pixels/test_jpeg.py", "tests/pixels/test_kinds_of_files.py", "tests/pixels/test_preprocessing.py",
        "tests/pixels/test_resizing.py", *_without(_AFTERWARDS, _DRAWN, _LOCKED, _PICTURES),
    ),
}  # fmt: skip

# NumPy says of 32-bit ARM what holds there: numbers below the normal ones are 0.
OPTIONS = ("-W", "ignore:The value of the smallest subnormal:UserWarning", "-o", "faulthandler_timeout=1800")


def copy_tests(folder: Path, conversions: Iterable[Conversion]) -> None:
    """Put the tests into `folder`, with what they need that no board can make.

    Beside them lies no edgecnn: what they test is the wheel.
    """
    shutil.copytree(ROOT / "tests", folder / "tests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for conversion in conversions:
        (folder / f"{conversion.scheme}.pickle").write_bytes(pickle.dumps(conversion))
    if f"{sys.version_info.major}.{sys.version_info.minor}" == PYTHON:
        _write_byte_code(folder)


def _write_byte_code(folder: Path) -> None:
    """Let pytest read the tests here: it writes them as boards read them, who would take ten times as long each.

    What a board is to leave out must be among them: a test that has another name by now would come back.
    """
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "pytest", "--quiet", "--collect-only", "-p", "no:cacheprovider"]
    command += ["--ignore=tests/device/live", "--ignore=tests/device/service", *_FOLDERS]
    read = subprocess.run(
        command, cwd=folder, env=environment, check=True, capture_output=True, text=True, timeout=300
    ).stdout
    left_out = {one.removeprefix(_LEAVE_OUT) for tests in TESTS.values() for one in tests if one.startswith(_LEAVE_OUT)}
    assert not [name for name in left_out if f"\n{name}" not in f"\n{read}"]

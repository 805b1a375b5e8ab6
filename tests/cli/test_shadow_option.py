"""What `edgecnn live` says of its shadow at the end."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from edgecnn.cli.shadow_option import print_report
from edgecnn.device.live.shadow_report import ShadowReport

KINDS = {("boot", label): count for count, label in enumerate("abcdef", 1)}
SOME = ShadowReport("new", "0" * 64, 1_050, 1_029, 3, 2.04, 1.06, KINDS, "")
NONE = ShadowReport("new", "0" * 64, 0, 0, 1_200, None, None, {}, "")


def watched(report: ShadowReport | None) -> Any:
    return SimpleNamespace(shadow=report and SimpleNamespace(report=lambda: report))


def test_people_get_the_agreement_and_what_differs_most(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(watched(SOME), as_json=False)
    said = capsys.readouterr()
    assert said.out == "" and said.err.splitlines() == [
        "shadow new: 1,029 of 1,050 frames agree, 98.0% (95 % interval 97.0% to 98.7%); 3 skipped; 2.0 ms, the model "
        "1.1 ms",
        *(f"  {count} times {label} in place of boot" for count, label in zip((6, 5, 4, 3, 2), "fedcb", strict=True)),
    ]


def test_programs_get_a_row_too(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(watched(SOME), as_json=True)
    assert json.loads(capsys.readouterr().out)["shadow"] == SOME.row()


def test_nothing_is_said_of_no_shadow_and_no_figure_of_no_frame(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(watched(None), as_json=True)
    assert capsys.readouterr() == ("", "")
    print_report(watched(NONE), as_json=False)
    assert capsys.readouterr().err == "shadow new: no frame was compared, 1,200 skipped\n"

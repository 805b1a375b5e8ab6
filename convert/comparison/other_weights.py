"""Weights of a file that are not those that it was made of, in words."""

from edgecnn.run_directory import RunDirectory

from .finding import Finding, listed
from .ladder import Ladder
from .operator_fault import CONVERT_AGAIN, cured_by_conversion, listed_faults
from .weights import OF_ANOTHER_EPOCH


def other_weights(rung: str, ladder: Ladder) -> Finding:
    """What is found at a rung of a ladder that has weight faults, whether or not its images show them."""
    faults = ladder.weight_faults
    named = listed([(fault.layer, fault.words) for fault in faults])
    others = cured_by_conversion(ladder.operator_faults)
    more = f"; nor are its operators Keras': {listed_faults(others)}" if others else ""
    parent, origin = ladder.card.provenance.parent_sha256, ""
    if parent not in ("", ladder.compared.keras_sha256):
        origin = "the file was made from another model.keras than the one in the run, "
    whose, advice = "those that --qat exported" if ladder.tuning else "Keras'", CONVERT_AGAIN
    if not ladder.tuning and any(OF_ANOTHER_EPOCH in fault.words for fault in faults):
        record = RunDirectory(ladder.run).tuning_record(ladder.scheme).name
        advice += f"; or put {record} back beside the file, if it was made with --qat"
    message = f"{origin}its weights are not {whose}: {named}{more}; {advice}"
    return Finding(rung, faults[0].layer, "weights", message, True)

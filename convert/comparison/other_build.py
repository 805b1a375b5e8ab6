"""Where a file has operators that Keras' network has not, or lacks some."""

from difflib import SequenceMatcher

from tensorflow.lite.python import schema_py_generated as schema

from .graph import layers_of, names_of, read_operators


def built_otherwise(expected: bytes, found: bytes) -> tuple[str, str] | None:
    """The first layer that two activations variants make of other operators, and a sentence; see `compare_operators`.

    None where there is none, or where a compiler has made one operator of many.
    """
    first, second = (schema.Model.GetRootAs(each, 0) for each in (expected, found))
    operators = [read_operators(model) for model in (first, second)]
    own, here = ([each.name for each in one] for one in operators)
    if "CUSTOM" in here:
        return None
    layers = layers_of(operators[0], names_of(first, operators[0], ()))
    for what, start, end, start_here, end_here in SequenceMatcher(None, own, here, autojunk=False).get_opcodes():
        if what != "equal":
            left_out, put_in = (", ".join(each) for each in (own[start:end], here[start_here:end_here]))
            words = [f"lacks {left_out}, which Keras has" * bool(left_out), f"has {put_in} more" * bool(put_in)]
            return layers[min(start, len(layers) - 1)], f"the file {' and '.join(filter(None, words))}"
    return None

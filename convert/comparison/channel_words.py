"""Sentences about channels whose numbers are others than they should be."""

from collections.abc import Mapping, Sequence

# What a channel is instead: words that follow "is" or "are", and the number that belongs in the place of their {}.
What = tuple[str, float | None]

ORDER = ("are exchanged", "stand in another order")
_LISTED = 6
_NUMBERS, _SENTENCES = 3, 4  # more say nothing more, and nobody reads them


def sentences_of(whats: Mapping[int, What], of_one: str = "", of_many: str = "") -> list[str]:
    """One sentence for all channels that are alike; where many differ in the number alone, it is a range.

    Args:
        whats: by channel what it is.
        of_one: what of the channel that is, such as "the bias of "; nothing where it is the channel itself.
        of_many: the same of several.
    """
    found: list[tuple[str, list[int]]] = []
    for words in dict.fromkeys(words for words, _ in whats.values()):
        numbers: dict[float | None, list[int]] = {}
        for channel, what in whats.items():
            if what[0] == words:
                numbers.setdefault(what[1], []).append(channel)
        real = [number for number in numbers if number is not None]
        if len(real) > _NUMBERS:
            span = f"{min(real):.4g} to {max(real):.4g}"
            found.append((words.format(span), sorted(channel for of in numbers.values() for channel in of)))
        else:
            found += [(words.format("" if each is None else f"{each:.4g}"), of) for each, of in numbers.items()]
    if len(found) > _SENTENCES:
        rest = [channel for _, of in found[_SENTENCES - 1 :] for channel in of]
        found[_SENTENCES - 1 :] = [("others", sorted(rest))]
    return [of_channels(words, of, of_one, of_many) for words, of in found]


def number_sentences(whats: Mapping[int, What], name: str) -> list[str]:
    """The same for channels of whose number, such as the bias, that is said; `name` is what it is called."""
    return sentences_of(whats, f"the {name} of ", f"the {several(name)} of ")


def several(name: str) -> str:
    """What more than one are called: biases, factors."""
    return f"{name}es" if name.endswith("s") else f"{name}s"


def of_channels(what: str, channels: Sequence[int], of_one: str = "", of_many: str = "") -> str:
    """A sentence of channels that are alike in something."""
    if len(channels) == 1:
        return f"{of_one}channel {channels[0]} is {what}"
    return f"{of_many}channels {listed(channels)} are {what}"


def listed(channels: Sequence[int]) -> str:
    """Their numbers, of many the first."""
    shown = [str(channel) for channel in channels[:_LISTED]]
    if len(channels) > _LISTED:
        return f"{', '.join(shown)} and {len(channels) - _LISTED} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else shown[0]

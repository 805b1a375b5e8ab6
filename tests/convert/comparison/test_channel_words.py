"""What is wrong with many channels is said of all of them together, in a few sentences."""

from edgecnn.convert.comparison.channel_words import sentences_of


def test_few_numbers_are_told_one_by_one_and_many_as_a_range() -> None:
    three = {1: ("{} times Keras'", 0.5), 4: ("{} times Keras'", 2.0), 6: ("{} times Keras'", 0.5)}
    assert sentences_of(three) == ["channels 1 and 6 are 0.5 times Keras'", "channel 4 is 2 times Keras'"]
    many = {channel: ("{} times Keras'", 1.5 + channel) for channel in range(9)}
    assert sentences_of(many) == ["channels 0, 1, 2, 3, 4, 5 and 3 more are 1.5 to 9.5 times Keras'"]


def test_no_layer_takes_more_than_four_sentences() -> None:
    whats = {channel: (f"wrong in way {channel}", None) for channel in range(7)}
    first = [f"the bias of channel {channel} is wrong in way {channel}" for channel in range(3)]
    assert sentences_of(whats, "the bias of ", "the biases of ") == [
        *first, "the biases of channels 3, 4, 5 and 6 are others",
    ]  # fmt: skip
    assert len(sentences_of({channel: whats[channel] for channel in range(4)})) == 4

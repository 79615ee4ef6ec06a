"""Numbers in prose: found where they stand, and known only if a recorded number rounds to them."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from evidentia.hub.verification.numbers import LEAST_LITERAL, Known, card_texts, written_numbers
from evidentia.kernels import registry

VALUES = st.floats(min_value=1e-3, max_value=1e7, allow_nan=False)


def found(text: str) -> list[str]:
    return [number for _, number in written_numbers(text)]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(value=VALUES, places=st.integers(0, 6))
def test_every_rounding_of_a_recorded_number_is_known(value: float, places: int) -> None:
    assert Known([value]).holds(f"{value:,.{places}f}")
    assert Known([-value]).holds(f"{value:.{places}e}")


@settings(derandomize=True, max_examples=200, deadline=None)
@given(value=VALUES, places=st.integers(0, 6), step=st.integers(1, 9))
def test_a_number_off_in_its_last_digit_is_not_known(value: float, places: int, step: int) -> None:
    written = Decimal(f"{value:.{places}f}") + step * Decimal(1).scaleb(-places)
    assume(abs(Decimal(value) - written) > Decimal("0.5001").scaleb(-places))  # a tie may be rounded either way
    assert not Known([value]).holds(str(written))


@settings(derandomize=True, max_examples=100, deadline=None)
@given(values=st.lists(VALUES, max_size=8), other=st.lists(VALUES, max_size=8))
def test_a_union_knows_what_either_knows(values: list[float], other: list[float]) -> None:
    both = Known(values) | Known(other)
    assert all(both.holds(f"{v:.4f}") for v in (*values, *other))


def test_numbers_are_found_with_their_lines() -> None:
    assert list(written_numbers("none\n11.8 pp [11.6, 12.0]\n\n1,000 of -3")) == [
        (2, "11.8"),
        (2, "11.6"),
        (2, "12.0"),
        (4, "1,000"),
        (4, "3"),
    ]


def test_a_list_of_numbers_is_not_one_with_thousands() -> None:
    assert found("looks 5,10,20 and 1,024") == ["5", "10", "20", "1,024"]


def test_both_ends_of_a_range_are_found() -> None:
    assert found("seeds 20-29, 30–39") == ["20", "29", "30", "39"]


def test_an_exponent_belongs_to_its_number() -> None:
    assert found("about 1.5e-07 s") == ["1.5e-07"]
    assert Known([1.52e-7]).holds("1.5e-07")
    assert not Known([1.58e-7]).holds("1.5e-07")


def test_code_links_names_and_list_numbers_are_not_prose() -> None:
    text = "C01 and s3fifo and CC-BY-4.0\n`n = 7`\n[a](b/8.md)\n    indented 9\n```\nfenced 10\n```\n2. second\n| 3 |"
    assert found(text) == ["3"]


def test_a_missing_number_is_not_known_to_an_empty_set() -> None:
    assert not Known([]).holds("0")


def test_the_source_of_every_kernel_is_quoted_whole_however_short_its_section() -> None:
    for kernel in registry.kernels(general=True):
        told = f"{kernel.paper.title}, {kernel.paper.section}" if kernel.paper.section else kernel.paper.title
        assert told in {*card_texts(kernel.family)}
        assert len(told) >= LEAST_LITERAL

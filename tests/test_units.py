import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayes_scaling import units
from bayes_scaling.errors import InputError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("70B", 7e10), ("1.4T", 1.4e12), ("5.76e23", 5.76e23), ("512M", 5.12e8), ("20k", 2e4),
        ("20K", 2e4), ("1_000_000", 1e6), ("1,000,000", 1e6), ("1,234.5", 1234.5), ("3G", 3e9),
        ("2Q", 2e15), (" 70 b ", 7e10), ("1.3 billion", 1.3e9), (".5B", 5e8), ("-2k", -2000.0),
        (7, 7.0), (2.5, 2.5), (np.int64(3), 3.0),
    ],
)  # fmt: skip
def test_parse_quantity(text, value):
    assert units.parse_quantity(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(("text", "value"), [("0.27T", 27e10), ("1.07B", 107e7), ("2.01k", 2010)])
def test_suffixes_leave_no_trace_of_binary_fractions(text, value):
    assert units.parse_quantity(text) == value


@pytest.mark.parametrize(
    "text",
    ["", "twelve", "1B5", "1,5", "1,00,000", "7E", "7P", "70BB", "nan", "inf", True, None,
     math.nan, 10**400, "1e400", "--3", "1__0"],
)  # fmt: skip
def test_parse_quantity_refuses_and_says_what_it_expects(text):
    with pytest.raises(InputError, match=r"cannot read .*expected a number such as 3\.2e9, 70B"):
        units.parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "flops"),
    [
        ("3 PF-days", 3 * 8.64e19), ("1 pfday", 8.64e19), ("2 PFLOP/s-days", 1.728e20),
        ("petaflop/s-day", None), ("1.2 EFLOP", 1.2e18), ("5.76e23", 5.76e23),
        ("4 ZFLOPs", 4e21), ("6e20 FLOPs", 6e20), ("7 exaFLOP", 7e18), ("3 parsecs", None),
    ],
)  # fmt: skip
def test_parse_flops(text, flops):
    if flops is None:
        with pytest.raises(InputError, match="PF-days"):
            units.parse_flops(text)
    else:
        assert units.parse_flops(text) == pytest.approx(flops, rel=1e-15)


def test_a_column_reads_every_cell_as_one_would():
    cells = ["70B", 3, 2.5, None, "", "twelve", math.nan, "1,000", True, [1], "inf", "NA"]
    values, unreadable = units.parse_quantities(pd.Series(cells, dtype=object))
    expected = [7e10, 3, 2.5, *[math.nan] * 4, 1000, math.nan, math.nan, math.inf, math.nan]
    np.testing.assert_array_equal(values, expected)
    assert np.flatnonzero(unreadable).tolist() == [5, 8, 9]


@pytest.mark.parametrize("dtype", ["int64", "float32", "Int64", "int64[pyarrow]"])
def test_numeric_columns_pass_through(dtype):
    values, unreadable = units.parse_quantities(pd.Series([1, 2], dtype=dtype))
    assert values.dtype == np.float64
    assert values.tolist() == [1, 2]
    assert not unreadable.any()


def test_columns_that_cannot_be_counts_are_unreadable():
    for cells in (pd.Series([True, False]), pd.to_datetime(pd.Series(["2024-01-01"]))):
        assert units.parse_quantities(cells)[1].all()


def test_flops_column():
    values, unreadable = units.parse_flops_column(pd.Series(["1 PF-day", "2e18", "much"]))
    np.testing.assert_array_equal(values, [units.PF_DAY, 2e18, math.nan])
    assert unreadable.tolist() == [False, False, True]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7e10, "70B"), (1.4e12, "1.4T"), (5.76e23, "5.76e23"), (999.95e6, "1B"), (1e15, "1e15"),
        (999.9e12, "1e15"), (123456, "123k"), (20, "20"), (1.5, "1.5"), (0, "0"), (-7e9, "-7B"),
        (0.004, "0.004"), (1e-7, "1e-7"), (math.inf, "inf"), (100, "100"), (1000, "1k"),
    ],
)  # fmt: skip
def test_format_quantity(value, text):
    assert units.format_quantity(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1.5, "1.5"), (0.123456, "0.123"), (999.4, "999"), (999.6, "1,000"), (1e4, "10,000"),
     (12345.0, "12,300"), (2.5e7, "25,000,000"), (2.5e15, "2.5e15")],
)  # fmt: skip
def test_format_factor(value, text):
    assert units.format_factor(value) == text


def test_format_count():
    counts = [units.format_count(n, "run") for n in (0, 1, 2, 12_000)]
    assert counts == ["0 runs", "1 run", "2 runs", "12,000 runs"]


def test_format_quantity_digits():
    assert units.format_quantity(123456789, digits=6) == "123.457M"
    with pytest.raises(InputError, match="digits is 0"):
        units.format_quantity(1.0, digits=0)


@given(st.floats(1e-9, 1e40), st.integers(1, 9))
def test_what_is_written_is_read_back(value, digits):
    read = units.parse_quantity(units.format_quantity(value, digits))
    assert read == pytest.approx(value, rel=0.5001 * 10.0 ** (1 - digits))


@given(st.floats(1e-3, 20), st.floats(0.5, 10))
def test_loss_units_invert_each_other(loss, bytes_per_token):
    assert units.bits_to_nats(units.nats_to_bits(loss)) == pytest.approx(loss)
    assert units.perplexity_to_nats(math.exp(loss)) == pytest.approx(loss)
    per_byte = units.nats_to_bits_per_byte(loss, bytes_per_token)
    assert units.bits_per_byte_to_nats(per_byte, bytes_per_token) == pytest.approx(loss)


def test_loss_units_on_known_values():
    assert units.nats_to_bits(math.log(2)) == pytest.approx(1)
    np.testing.assert_allclose(units.perplexity_to_nats(np.array([1.0, math.e])), [0, 1])
    assert units.nats_to_bits_per_byte(4 * math.log(2), 4) == pytest.approx(1)


def test_loss_units_refuse_what_is_impossible():
    with pytest.raises(InputError, match="positive"):
        units.perplexity_to_nats(0.0)
    with pytest.raises(InputError, match="bytes_per_token"):
        units.nats_to_bits_per_byte(2.0, -1)

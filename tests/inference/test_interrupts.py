"""Ctrl-C that waits, and Ctrl-C that is not lost."""

import signal

import pytest

from bayes_scaling.inference.interrupts import deferred_interrupt, heeded_interrupt


@pytest.fixture(autouse=True)
def ctrl_c():
    """Python's own handler, whatever runs the tests (shells ignore Ctrl-C in the background)."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


def test_ctrl_c_waits_for_the_end_of_a_block_and_is_told_at_once():
    happened = []
    with pytest.raises(KeyboardInterrupt), deferred_interrupt(lambda: happened.append("told")):
        signal.raise_signal(signal.SIGINT)
        happened.append("went on")
    assert happened == ["told", "went on"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_ctrl_c_nothing_is_told():
    happened = []
    with deferred_interrupt(lambda: happened.append("told")):
        pass
    assert happened == []


def test_ctrl_c_that_got_lost_is_raised_again():
    with heeded_interrupt() as heed:
        heed()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            heed()

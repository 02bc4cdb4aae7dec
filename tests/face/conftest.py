"""Fixtures of the command line's tests."""

import pytest


@pytest.fixture
def no_work(monkeypatch):
    def fail(*args, **options):
        raise AssertionError("work was begun on bad input")
    monkeypatch.setattr("spikegate.cosim.isolation.run.run_isolated", fail)

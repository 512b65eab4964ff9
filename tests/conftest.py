"""Fixtures that every folder of tests may use."""

from pathlib import Path

import hypothesis
import pytest

# The same examples every time: a check that fails must fail for whoever looks next.
hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of public tables whose licence does not let them into the repository."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data of public tables is absent")
    return folder


def pytest_collection_modifyitems(items):
    """Notebooks take minutes and are one file: begin with them, so that none is waited for."""
    items.sort(key=lambda item: item.path.name != "test_notebooks.py")

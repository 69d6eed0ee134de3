"""What is said of a job that the embedded Flink is too small for."""

import pytest

from sluiceway.engines.session.questions import sized


@pytest.mark.parametrize(
    ("cause", "setting"),
    [
        ("java.lang.IllegalArgumentException: The minBucketMemorySize is not valid!", "--embedded-managed"),
        ("java.lang.OutOfMemoryError: Java heap space", "--embedded-heap"),
        ("java.lang.ArithmeticException: / by zero", ""),
    ],
)
def test_what_does_not_fit_names_the_setting_to_raise(cause: str, setting: str) -> None:
    told = sized(cause)
    assert told.startswith(cause)
    assert told.removeprefix(cause).strip() == (f"Raise {setting}." if setting else "")

"""How files of tests are shared out among processes."""

from tests.support import together
from tests.support.people.pages import ROOT


def test_every_file_that_is_named_is_there() -> None:
    assert [file for file in together.files() if not (ROOT / file).exists()] == []


def test_files_that_share_a_cluster_are_one_unit_and_begin_together() -> None:
    shared = ["tests/survival/test_lost_answers.py", "tests/survival/test_service_side.py"]
    assert len({together.unit(file) for file in shared}) == len({together.turn(file) for file in shared}) == 1
    alone = "tests/survival/test_chaos.py"
    assert together.unit(alone) == alone
    assert together.turn(shared[0]) < together.turn(alone) < together.turn("tests/unit/test_together.py")

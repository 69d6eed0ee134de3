"""Each scene is clean, and ends in a violation once the bug is planted that it was written for."""

import pytest
import tests.simulation.planted_back
import tests.simulation.planted_others
import tests.simulation.scenes
import tests.simulation.scenes_others  # noqa: F401 - likewise
from tests.simulation.planted import PLANTED
from tests.simulation.stage import SCENES

NOTICED = [(name, bug) for name, staged in SCENES.items() for bug in staged.notices]


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_is_clean(name: str) -> None:
    assert SCENES[name].play().violations == [], f"see it with: make simulate SCENE={name}"


@pytest.mark.parametrize(("name", "bug"), NOTICED)
def test_a_scene_notices_the_bug_that_it_was_written_for(name: str, bug: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plant, _ = PLANTED[bug]
    plant(monkeypatch.setattr)
    found = SCENES[name].play().violations
    assert any(SCENES[name].notices[bug] in why for why in found), found


def test_every_planted_bug_has_a_seed_or_a_scene() -> None:
    seeded = {bug for bug, (_, seed) in PLANTED.items() if seed is not None}
    assert PLANTED.keys() - seeded == {bug for _, bug in NOTICED} - seeded

"""Tags of packages: given with a file's name or after it, read back, filtered by, and gone with the name."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.test_resources import DLI, OURS, P, World

TAGS = f"/v3/{P}/dli_package_resource"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.http.aclose()
    await made.db.close()


def tags(**wanted: str) -> dict[str, Any]:
    return {"tags": [{"key": key, "value": value} for key, value in wanted.items()]}


async def named(world: World, path: str, group: str = "", **wanted: str) -> None:
    """A file of storage under a name, with tags."""
    body = {"paths": [world.put(path)], "kind": "jar", "group": group, **tags(**wanted)}
    assert (await world.call("POST", DLI, json=body))[0] == 200


async def shown(world: World, package: str) -> dict[str, str]:
    status, said = await world.call("GET", f"{TAGS}/{package}/tags")
    assert status == 200, said
    assert said["count"] == len(said["tags"])
    return {tag["key"]: tag["value"] for tag in said["tags"]}


async def change(world: World, package: str, action: str, body: dict[str, Any]) -> int:
    answer = await world.http.post(f"{TAGS}/{package}/tags/{action}", json=body)
    world.described.check(answer)
    return answer.status_code


@pytest.mark.parametrize("package", ["a.jar", "libs%23a.jar"])
async def test_they_are_given_with_the_name_and_changed_after_it(world: World, package: str) -> None:
    await named(world, "bucket/a.jar", "libs" if "%23" in package else "", team="x")
    assert await shown(world, package) == {"team": "x"}
    assert await change(world, package, "create", tags(team="y", 环境="生产")) == 204
    assert await shown(world, package) == {"team": "y", "环境": "生产"}
    assert await change(world, package, "delete", tags(team="another", 环境="")) == 204
    assert await shown(world, package) == {"team": "y"}, "a value that is given must be the tag's"
    assert await world.told("resource_tagged") == ["libs/a.jar" if "%23" in package else "a.jar"] * 2


async def test_a_group_and_none_are_told_apart_and_a_name_may_look_like_both(world: World) -> None:
    await named(world, "bucket/a.jar", "libs", of="the group")
    await named(world, "bucket/a.jar", of="none")
    await named(world, "bucket/x#a b.jar", of="neither")
    assert await shown(world, "libs%23a.jar") == {"of": "the group"}
    assert await shown(world, "a.jar") == {"of": "none"}
    for written in ("x%23a%20b.jar", "x%23a+b.jar"):  # as the standard has it, and as Go's clients do
        assert await shown(world, written) == {"of": "neither"}


async def test_lists_are_filtered_by_them(world: World) -> None:
    await named(world, "bucket/a.jar", team="x", env="prod")
    await named(world, "bucket/b.jar", "libs", team="x", env="test")
    await named(world, "bucket/c.jar")

    async def found(query: str) -> set[str]:
        status, said = await world.call("GET", f"{DLI}?{query}")
        assert status == 200
        names = {each["resource_name"] for each in said["resources"]}
        return names | {name for group in said["groups"] for name in group["resources"]}

    assert await found("tags=team%3Dx") == {"a.jar", "b.jar"}
    assert await found("tags=team%3Dx%2Cenv%3Dtest") == {"b.jar"}
    assert await found("tags=team%3Dx&kind=pyFile") == set()
    assert await found("tags=env%3Dprod%2Cenv%3Dtest") == set(), "nothing has one key twice"
    assert await found("tags=") == {"a.jar", "b.jar", "c.jar"}


async def test_they_go_with_the_name_and_stay_when_it_passes_on(world: World) -> None:
    await named(world, "bucket/a.jar", team="x")
    await named(world, "bucket/other/a.jar")
    assert await shown(world, "a.jar") == {"team": "x"}, "nothing was said of them"
    await world.call("PUT", f"{OURS}/a.jar", content=b"x")
    assert await shown(world, "a.jar") == {"team": "x"}
    await named(world, "bucket/a.jar", env="prod")
    assert await shown(world, "a.jar") == {"env": "prod"}
    await world.call("DELETE", f"{DLI}/a.jar")
    await named(world, "bucket/a.jar")
    assert await shown(world, "a.jar") == {}


async def test_what_is_not_there_has_none(world: World) -> None:
    await named(world, "bucket/a.jar")
    for path in (f"{TAGS}/none.jar", f"{TAGS}/g%23a.jar", "/v3/other/dli_package_resource/a.jar"):
        status, said = await world.call("GET", f"{path}/tags")
        assert (status, said["error_code"]) == (404, "DLI.0023")
        for action in ("create", "delete"):
            status, said = await world.call("POST", f"{path}/tags/{action}", json=tags(k="v"))
            assert (status, said["error_code"]) == (404, "DLI.0023")


async def test_bad_tags_are_refused_and_change_nothing(world: World) -> None:
    await named(world, "bucket/a.jar", k="v")
    twenty = {f"k{n}": "" for n in range(20)}
    for action, body in (
        ("create", {"tags": []}),
        ("create", {}),
        ("create", tags(_sys_x="v")),
        ("create", tags(**twenty)),
        ("delete", {"tags": [{"key": ""}]}),
        ("delete", tags(**twenty, more="")),
    ):
        status, said = await world.call("POST", f"{TAGS}/a.jar/tags/{action}", json=body)
        assert (status, said["error_code"]) == (400, "DLI.0001"), body
    assert await shown(world, "a.jar") == {"k": "v"}
    body = {"paths": [world.put("bucket/b.jar")], "kind": "jar", **tags(_sys_x="v")}
    assert (await world.call("POST", DLI, json=body))[1]["error_code"] == "DLI.0001"
    assert (await world.call("GET", DLI))[1]["total"] == 1

"""`runtime_config`: Flink options inside a string, in any of the three forms that clients send."""

import msgspec

from sluiceway.api.dli.tags.wire import Tag
from sluiceway.api.errors.dli_error import bad

FIELD = "runtime_config"


def parse(text: str | None) -> dict[str, str]:
    """The options in a JSON array of {key,value}, a JSON object, or lines of key=value. The last of equal keys wins."""
    text = (text or "").strip()
    options = _from_json(text) if text.startswith(("[", "{")) else _from_lines(text)
    for key, value in options.items():
        if not key or any(c.isspace() or not c.isprintable() for c in key):
            raise bad(FIELD, f"{key!r} is not the name of an option", f"{key!r} 不是有效的选项名")
        if not all(c.isprintable() for c in value):
            raise bad(FIELD, f"the value of {key} holds control characters", f"{key} 的值包含控制字符")
    return options


def render(options: dict[str, str]) -> str:
    """The one form in which options are shown: a JSON array of {key,value}."""
    return msgspec.json.encode([Tag(key, value) for key, value in options.items()]).decode()


def _from_lines(text: str) -> dict[str, str]:
    options = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        key, equals, value = line.partition("=")
        if not equals:
            raise bad(FIELD, f"the line {line!r} is not of the form key=value", f"行 {line!r} 不是 key=value 的形式")
        options[key.strip()] = value.strip()
    return options


def _from_json(text: str) -> dict[str, str]:
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise bad(FIELD, f"it is not valid JSON ({error})", f"不是有效的 JSON（{error}）") from None
    pairs = found.items() if isinstance(found, dict) else [_pair(each) for each in found]
    return {key: _value(key, value) for key, value in pairs}


def _pair(item: object) -> tuple[str, object]:
    if isinstance(item, dict) and isinstance(key := item.get("key"), str) and "value" in item:
        return key, item["value"]
    raise bad(FIELD, "each item of the array needs a key and a value", "数组的每一项都需要 key 和 value")


def _value(key: str, value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str() | int() | float():
            return str(value)
        case _:
            raise bad(
                FIELD, f"the value of {key} is not a text, number or boolean", f"{key} 的值不是字符串、数字或布尔值"
            )

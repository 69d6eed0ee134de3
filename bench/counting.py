"""The service with its requests to Flink counted: `python -m bench.counting FILE serve …`. SIGUSR1 writes the count."""

import json
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from sluiceway.engines.jobmanager.rest import FlinkRest

COUNTS: Counter[str] = Counter()


def main() -> int:
    """Count from the start on."""
    report, *arguments = sys.argv[1:]
    ask: Any = FlinkRest._ask  # noqa: SLF001 - the one place that every request goes through

    async def counted(self: FlinkRest, method: str, path: str, *args: Any, **kwargs: Any) -> Any:
        COUNTS[f"{method} {path.rsplit('/', 1)[-1][:12] if '/jobs/overview' in path else _kind(path)}"] += 1
        return await ask(self, method, path, *args, **kwargs)

    FlinkRest._ask = counted  # type: ignore[method-assign]  # noqa: SLF001 - as above
    signal.signal(signal.SIGUSR1, lambda *_: Path(report).write_text(json.dumps(COUNTS)) and None)
    from sluiceway.cli.main import run

    return run(arguments)


def _kind(path: str) -> str:
    parts = path.split("?", maxsplit=1)[0].split("/")
    return parts[3] if len(parts) > 3 else parts[-1]


if __name__ == "__main__":
    sys.exit(main())

"""What commands say in simplified Chinese, by what they say in English. Loaded only where Chinese is spoken."""

from typing import Final

from sluiceway.cli.chinese import asking, clusters, demo, general, jobs, machine, orders, serving, signing_in

MESSAGES: Final[dict[str, str]] = {
    **general.MESSAGES,
    **asking.MESSAGES,
    **jobs.MESSAGES,
    **orders.MESSAGES,
    **clusters.MESSAGES,
    **signing_in.MESSAGES,
    **machine.MESSAGES,
    **demo.MESSAGES,
    **serving.MESSAGES,
}

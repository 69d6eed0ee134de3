"""What commands say in simplified Chinese, by what they say in English."""

from typing import Final

MESSAGES: Final[dict[str, str]] = {
    "interrupted": "已中断",
    "See --help.": "请查看 --help。",
}

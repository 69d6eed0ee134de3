"""Reasons in simplified Chinese: what the service stores and raises in English, put into Chinese where it is answered.

Nothing translated is stored. A reason is made of our own sentences, with Flink's words, paths and numbers within, and
sentences within sentences. `said` finds the sentences of ours, by the text between the {places} of each; whatever is
none of ours stays as it is. Loaded only where Chinese is spoken; `tests/unit/test_chinese_reasons.py` proves that every
sentence in the source has its Chinese.
"""

from sluiceway.api.chinese.sentences import said

__all__ = ["said"]

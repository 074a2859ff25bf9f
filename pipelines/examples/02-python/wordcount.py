"""Counts the words of a text: python -m wordcount FILE"""

import re
import sys
from collections import Counter


def words(text):
    """How often each word is in the text, whatever its case."""
    return Counter(re.findall(r"[a-z]+", text.lower()))


def main(arguments):
    with open(arguments[0], encoding="utf-8") as file:
        counted = words(file.read())
    print(f"{sum(counted.values())} words, {len(counted)} of them different")


if __name__ == "__main__":
    main(sys.argv[1:])

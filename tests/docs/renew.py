"""Write the parts of the documents that are made from the code anew: `python -m tests.docs.renew`."""

from __future__ import annotations

import sys

from tests.docs.made import DOCUMENTS, renewed


def main() -> None:
    """Renew every document and name those that changed."""
    for path in DOCUMENTS:
        before = path.read_text("utf-8")
        after = renewed(before)
        if after != before:
            path.write_text(after, "utf-8")
            sys.stdout.write(f"renewed {path.name}\n")


if __name__ == "__main__":
    main()

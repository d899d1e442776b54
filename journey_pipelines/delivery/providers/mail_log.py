"""What the log of a mail server on this machine says it has taken over, by Message-ID.

Postfix notes a Message-ID while a mail comes in (cleanup), and the same queue id once it was taken over (qmgr,
`from=`). Exim notes both in one line, `<=`. Sources: https://www.postfix.org/OVERVIEW.html and
https://www.exim.org/exim-html-current/doc/html/spec_html/ch-log_files.html.
"""

import logging
import re
from collections.abc import Set
from pathlib import Path
from typing import Final

LOGGER = logging.getLogger(__name__)
POSTFIX_NAMED: Final = re.compile(rb"\bcleanup\[\d+\]: (\w+): message-id=(<[^<>\s]+>)")
POSTFIX_TAKEN: Final = re.compile(rb"\bqmgr\[\d+\]: (\w+): from=<")
EXIM_TAKEN: Final = re.compile(rb" <= .* id=([^\s<>]+)")


def accepted_ids(log: Path, wanted: Set[str]) -> set[str]:
    """Those Message-IDs (`<...>`) that the server has taken over. A log that cannot be read says nothing."""
    names: dict[bytes, bytes] = {}
    taken: set[bytes] = set()
    try:
        with log.open("rb") as lines:
            for line in lines:
                if found := POSTFIX_NAMED.search(line):
                    names[found[1]] = found[2]
                elif found := POSTFIX_TAKEN.search(line):
                    taken.add(names.get(found[1], b""))
                elif found := EXIM_TAKEN.search(line):
                    taken.add(b"<" + found[1] + b">")
    except OSError as error:
        LOGGER.warning("the mail log cannot be read (%s); what it would tell stays unknown", error.strerror)
    return {found for found in (name.decode(errors="replace") for name in taken) if found in wanted}

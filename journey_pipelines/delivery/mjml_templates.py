"""Mails written in MJML, which become HTML when their template is read.

The compiler (`mjml-python`, in Rust) comes with the extra `mjml`. It reads no other file and asks no server.
"""

import re
from typing import Final

from journey_pipelines.errors import TemplateError

INCLUDE: Final = re.compile(r"<mj-include\b", re.IGNORECASE)
END_OF_BLOCK: Final = re.compile(r"</(div|p|table|td|tr)>")


def html_of_mjml(name: str, source: str) -> str:
    """The HTML of a template; variables stay as they are.

    Its blocks end in lines of their own, so that mails of one node differ in a few lines only, which providers send as
    substitutions; the break stands inside the tag, where it changes nothing. Raises TemplateError for what is no MJML,
    includes another file, or cannot be compiled since the compiler is not installed.
    """
    if INCLUDE.search(source):
        raise TemplateError(f"template `{name}`: mj-include is not allowed; write its content into the template")
    try:
        from mjml import mjml2html
    except ModuleNotFoundError as error:
        raise TemplateError(
            f"template `{name}` is MJML, whose compiler is not installed; install it with: "
            "pip install 'journey-pipelines[mjml]'"
        ) from error
    try:
        html: str = mjml2html(source, disable_comments=True, fonts={})
    except Exception as error:
        told = " ".join(str(error).split()) or type(error).__name__
        raise TemplateError(f"template `{name}` is no MJML: {told}") from error
    return END_OF_BLOCK.sub(r"</\1\n>", html)

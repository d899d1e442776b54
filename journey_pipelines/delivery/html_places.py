"""Where HTML may print values: escaping protects text and quoted attributes, and nothing else."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from jinja2 import nodes

from journey_pipelines.delivery.html_pieces import RAW_TEXT, Piece, pieces
from journey_pipelines.errors import TemplateError

PRINTED: Final = "\ue000"  # stands for a value while the places are looked at
QUOTED: Final = re.compile(r"=\s*+(?:\"[^\"]*+\"|'[^']*+')")
TAG_NAME: Final = re.compile(f"<[/!?]?{PRINTED}")


def check_places(tree: nodes.Template) -> None:
    """Raises TemplateError where a value is printed into a script, a style sheet, or a tag without quotes."""
    html = "".join(_texts(tree.body))
    if TAG_NAME.search(html):
        raise TemplateError("the name of a tag is a value; write the name itself")
    element = ""
    for piece in pieces(html):
        if piece.tag:
            _check_tag(piece)
            element = "" if piece.is_end else piece.tag
        elif element in RAW_TEXT and PRINTED in piece.text:
            raise TemplateError(f"`<{element}>` prints a value into code; write it without variables")


def _check_tag(piece: Piece) -> None:
    if PRINTED in piece.tag or PRINTED in QUOTED.sub("", piece.text):
        shown = piece.tag.replace(PRINTED, "{{...}}")[:40]
        raise TemplateError(f'the tag `{shown}` prints a value outside quotes; write attribute="{{{{value}}}}"')
    for name, value in piece.attributes():
        if PRINTED in value and (name.startswith("on") or name == "srcdoc"):
            raise TemplateError(f"the attribute `{name[:40]}` prints a value into code; write it without variables")


def _texts(body: Iterable[nodes.Node]) -> Iterator[str]:
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                yield part.data if isinstance(part, nodes.TemplateData) else PRINTED
        elif isinstance(node, nodes.If):
            yield from _texts([*node.body, *node.elif_, *node.else_])

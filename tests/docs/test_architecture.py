"""ARCHITECTURE.md draws the layers as the contract on imports states them."""

import re
import tomllib

from tests.docs.pages import ROOT, page


def layers() -> list[set[str]]:
    """Of the contract, the importer first; without the package's name."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = configuration["tool"]["importlinter"]["contracts"]
    [found] = [contract["layers"] for contract in contracts if contract["type"] == "layers"]
    return [{name.strip(" ()").removeprefix("journey_pipelines.") for name in layer.split("|")} for layer in found]


def drawn() -> list[set[str]]:
    [picture] = [block for block in page("ARCHITECTURE.md").blocks("") if block.startswith("demo")]
    return [set(re.split(r"\s*\|\s*", layer.strip())) for layer in picture.split("→")]


def test_the_layers_are_drawn_as_the_contract_states_them() -> None:
    assert drawn() == layers()


def test_every_room_of_the_contract_is_described() -> None:
    rooms = set().union(*layers())
    text = page("ARCHITECTURE.md").text
    assert sorted(room for room in rooms if not re.search(rf"`(?:\w+/)?{room}(?:/|\.py)`", text)) == []

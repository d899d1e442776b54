"""The picture of a journey: no way crosses a node, whatever its shape."""

import re

from journey_pipelines.delivery.actions.registry import load_actions
from journey_pipelines.journeys.catalog import Catalog
from journey_pipelines.journeys.journey import compile_journey
from journey_pipelines.report.drawing import drawing
from tests.behaviour.builders import START, action, condition, edge, end, journey, wait

NUMBER = r"(-?\d+)"


def picture(document):
    compiled = compile_journey(document, Catalog(actions=load_actions()))
    return drawing(compiled, {(node, branch or ""): 1_234 for node, branch in compiled.ways}, {"w": 5_678})


def looping():
    """A wait, a question whose `false` leads back to the wait."""
    nodes = [START, wait("w", duration="P1D"), condition("again", {"var": "x"}), action("hello"), end("done")]
    back = [edge("again", "w", "false"), edge("again", "hello", "true")]
    return journey(nodes, [edge("start", "w"), edge("w", "again"), *back, edge("hello", "done")])


def test_a_way_back_goes_below_the_nodes_and_stays_inside_the_picture() -> None:
    drawn = picture(looping())
    height = int(re.search(rf"viewBox=\"0 0 {NUMBER} {NUMBER}\"", drawn)[2])
    bottoms = [int(y) + 44 for y in re.findall(rf"<rect x=\"\d+\" y=\"{NUMBER}\"", drawn)]
    (lowest,) = [int(y) for y in re.findall(rf"C{NUMBER} {NUMBER} {NUMBER} {NUMBER} {NUMBER} {NUMBER}C", drawn)[0][5:]]
    assert max(bottoms) < lowest < height


def test_every_way_and_everybody_who_waits_is_told_with_separators() -> None:
    drawn = picture(looping())
    labels = re.findall(r'class="edge">([^<]*)<', drawn)
    assert sorted(labels) == ["1,234", "1,234", "1,234", "false 1,234", "true 1,234"]
    assert "5,678 here" in drawn


def test_long_names_are_shortened_and_whole_when_pointed_at() -> None:
    long_name = "a_very_long_name_of_a_message"
    document = journey([START, action(long_name), end("done")], [edge("start", long_name), edge(long_name, "done")])
    drawn = picture(document)
    assert ">a_very_long_name…<" in drawn
    assert f"<title>{long_name}</title>" in drawn

import re
from pathlib import Path

from journey_pipelines.delivery.template_store import TemplateStore
from journey_pipelines.delivery.texts import Scope
from tests.unit.delivery.builders import leaving

PAGE = Path(__file__).parents[3] / "docs" / "howto" / "add-an-action.md"


def test_the_action_of_the_howto_works_as_written():
    [source] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    names: dict[str, type] = {"__name__": "howto"}  # type: ignore[dict-item]  # only the name of the module is no type
    exec(source, names)
    action = names["AddTag"](TemplateStore())
    parameters = action.parameters.model_validate({"tag": "{{favourite_department}}"})
    payloads = action.render(parameters, Scope(1, lambda _: ["DELI"]))
    assert list(payloads) == [{"tag": "DELI"}]
    assert action.deliver(leaving("add_tag", list(payloads)))["result"].tolist() == [{"tag": "DELI"}]

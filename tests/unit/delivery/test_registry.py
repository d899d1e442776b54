import sys

import pytest

from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.errors import DeliveryError


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a module with an entry point for `extra` the way an installer does: files on the path."""

    def install(module):
        information = tmp_path / "extra-1.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: extra\nVersion: 1\n")
        (information / "entry_points.txt").write_text("[journey_pipelines.actions]\nextra = extra_actions:Extra\n")
        (tmp_path / "extra_actions.py").write_text(module)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "extra_actions", raising=False)

    yield install
    sys.modules.pop("extra_actions", None)


HEAD = "from journey_pipelines.delivery.actions.action_type import ActionType, Parameters\n"
TYPE = "class Extra(ActionType):\n    name = '{name}'\n    label = 'Extra'\n    parameters = Parameters\n"


def test_the_guides_types_come_in_the_guides_order():
    assert list(load_actions()) == ["send_email", "send_sms", "send_push", "award_points", "trigger_campaign"]


def test_an_entry_point_adds_a_type(package):
    package(HEAD + TYPE.format(name="extra"))
    assert list(load_actions())[-1] == "extra"


@pytest.mark.parametrize(
    ("module", "sentence"),
    [
        ("raise RuntimeError('broken')", r"extra = extra_actions:Extra of extra cannot be loaded \(broken\); repair"),
        ("Extra = 5", "is 5; expected a subclass of ActionType"),
        (HEAD + TYPE.format(name="send_sms"), "`send_sms`, which exists; rename it"),
        (HEAD + "class Extra(ActionType):\n    name = 'extra'\n", "lacks `label`, `parameters`"),
    ],
)
def test_a_bad_entry_point_is_named_in_one_sentence(package, module, sentence):
    package(module)
    with pytest.raises(DeliveryError, match=sentence):
        load_actions()

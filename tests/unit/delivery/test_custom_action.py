import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples" / "custom_action"
USE = """
import json
from journey_pipelines.delivery.actions import load_actions
from journey_pipelines.delivery.channel_dispatcher import ChannelDispatcher
from tests.unit.delivery.builders import departed, dispatches
columns = {"customer.first_name": ["Ann", None]}
departure = departed(dispatches("call_note", "call_note"), {"note": "Ask {{customer.first_name}}"}, columns)
answer = ChannelDispatcher(load_actions(), {}).deliver(departure.leaving)
print(json.dumps([list(load_actions()), departure.settled["reason"].tolist(), answer["status"].tolist()]))
"""


def installer(target):
    """pip or uv, without an index: nothing may be fetched."""
    if find_spec("pip"):
        return [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--target", target]
    uv = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if uv is None:
        pytest.skip("neither pip nor uv is there to install the example")
    return [uv, "pip", "install", "--quiet", "--offline", "--python", sys.executable, "--target", target]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    if find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed, and building the example may not fetch it")
    folder = tmp_path_factory.mktemp("custom_action")
    # a build leaves files beside its sources
    source = shutil.copytree(EXAMPLE, folder / "source")
    command = [*installer(str(folder / "target")), "--no-deps", "--no-build-isolation", str(source)]
    subprocess.run(command, check=True, cwd=folder)
    return folder / "target"


def test_an_installed_package_adds_an_action_type_without_touching_another_file(installed, tmp_path):
    environment = os.environ | {"PYTHONPATH": str(installed), "JOURNEYS_CALL_NOTES": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", USE], cwd=EXAMPLE.parents[1], env=environment, check=True, stdout=subprocess.PIPE
    )
    names, reasons, statuses = json.loads(done.stdout)
    assert names == ["send_email", "send_sms", "send_push", "award_points", "trigger_campaign", "call_note"]
    assert (reasons, statuses) == (["missing_variable: customer.first_name"], ["sent"])
    [note] = tmp_path.glob("*.json")
    expected = {"key": "c0:node:1", "customer_id": "c0", "note": "Ask Ann", "team": "service"}
    assert json.loads(note.read_text()) == expected

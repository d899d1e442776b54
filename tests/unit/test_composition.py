"""What the settings become."""

from datetime import time
from pathlib import Path

import pytest

from journey_pipelines.composition import Installation
from journey_pipelines.errors import SettingsError


def installation(folder: Path, policy: str) -> Installation:
    (folder / "policy.yaml").write_text(policy, encoding="utf-8")
    environment = {"JOURNEYS_HOME": str(folder), "JOURNEYS_POLICY": "policy.yaml"}
    return Installation.from_environment(environment, working_directory=folder)


def test_the_hours_of_the_contact_policy_need_no_quotes(tmp_path: Path) -> None:
    policy = installation(tmp_path, "caps: {email: 2}\nquiet_hours: {from: 21:00, to: 08:00}\n").policy
    assert policy is not None
    assert policy.quiet_hours is not None
    assert (policy.quiet_hours.start, policy.quiet_hours.end) == (time(21), time(8))


@pytest.mark.parametrize("text", ["caps: [", "caps: {email: many}", "- 1", "quiet_hours: {from: 21:00}"])
def test_a_wrong_contact_policy_is_one_sentence(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError):
        _ = installation(tmp_path, text).policy

"""What the settings become."""

import pickle
from datetime import UTC, datetime, time
from pathlib import Path

import pytest

from journey_pipelines.composition import Installation, WorkerRecipe
from journey_pipelines.compute import DaskCluster, LocalProcesses
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.delivery.providers.provider_channel import ProviderChannel
from journey_pipelines.engine.advance import Shard
from journey_pipelines.engine.compute import Compute, InProcess, SnapshotIds
from journey_pipelines.engine.ports import Run
from journey_pipelines.engine.shards import ALL
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


def test_executions_move_here_unless_settings_say_where(tmp_path: Path) -> None:
    def compute(**environment: str) -> Compute:
        return Installation.from_environment(environment, working_directory=tmp_path).compute

    assert compute() == compute(JOURNEYS_WORKERS="1") == InProcess()
    assert isinstance(compute(JOURNEYS_WORKERS="2"), LocalProcesses)
    assert isinstance(compute(JOURNEYS_DASK_SCHEDULER="tcp://scheduler:8786"), DaskCluster)


def test_a_shard_tells_no_password(tmp_path: Path) -> None:
    given = {"JOURNEYS_STORE_URL": "postgresql://me:secret@host/journeys"}
    settings = Installation.from_environment(given, working_directory=tmp_path).settings
    ids = SnapshotIds(None, (), "")
    run = Run("run", datetime(2017, 3, 1, tzinfo=UTC))
    shard = Shard(WorkerRecipe(settings), ids, run, (), ALL, results_only=False, chunk_rows=10)

    assert "secret" not in repr(shard)


SENDGRID = {
    "JOURNEYS_EMAIL_PROVIDER": "sendgrid",
    "JOURNEYS_SENDGRID_API_KEY": "SG.secret",
    "JOURNEYS_SENDGRID_SENDER": "shop@example.com",
}


def test_a_channel_leads_to_the_provider_that_is_chosen(tmp_path: Path) -> None:
    channels = Installation.from_environment(SENDGRID, working_directory=tmp_path).channels
    assert isinstance(channels["email"], ProviderChannel)
    assert isinstance(channels["sms"], LocalOutbox)


def test_no_key_of_a_provider_travels_to_other_processes(tmp_path: Path) -> None:
    given = {**SENDGRID, "JOURNEYS_STORE_URL": "postgresql://me@host/journeys"}
    installation = Installation.from_environment(given, working_directory=tmp_path)
    assert "SG.secret" not in repr(installation)
    assert b"SG.secret" not in pickle.dumps(installation.engine.recipe)

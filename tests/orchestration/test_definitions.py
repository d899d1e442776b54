"""The code location: how it loads, and what a Dagster engineer finds in it."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from assets.lineage import tables_read
from assets.partitions import daily
from assets.passes import provider_metadata
from journey_pipelines.definitions import build_definitions
from journey_pipelines.delivery.channels import LocalOutbox
from journey_pipelines.delivery.providers.provider_channel import ProviderChannel
from journey_pipelines.errors import SettingsError

REPOSITORY = Path(__file__).parents[2]
LOAD_AND_TELL = """
import os, sys
seen = []

def note(event, args):
    is_write = event == "open" and isinstance(args[2], int) and args[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    if event in ("socket.connect", "subprocess.Popen", "os.mkdir") or is_write and "__pycache__" not in str(args[0]):
        seen.append((event, str(args[0])))

import dagster  # what Dagster does while it is imported is its own
sys.addaudithook(note)
from journey_pipelines.definitions import defs
definitions = defs()
definitions.get_repository_def()
print(seen)
"""


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions()


@pytest.fixture(scope="module")
def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


@pytest.fixture
def bare_environment(tmp_path: Path) -> dict[str, str]:
    """No database, and a DAGSTER_HOME of its own."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("JOURNEYS_", "DAGSTER_"))}
    return {
        **kept,
        "DAGSTER_HOME": str(tmp_path),
        "JOURNEYS_STORE_URL": "postgresql://nobody@127.0.0.1:1/none",
        "JOURNEYS_WAREHOUSE_URL": "duckdb:////nowhere/warehouse.duckdb",
    }


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)


def test_loading_in_a_fresh_interpreter_connects_and_writes_nothing(bare_environment: dict[str, str]) -> None:
    result = run([sys.executable, "-c", LOAD_AND_TELL], bare_environment)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip().splitlines()[-1] == "[]"


def test_dg_finds_the_definitions_sound(bare_environment: dict[str, str]) -> None:
    result = run([str(Path(sys.executable).parent / "dg"), "check", "defs"], bare_environment)
    assert result.returncode == 0, result.stdout + result.stderr


def test_dagster_validates_the_workspace(bare_environment: dict[str, str]) -> None:
    command = [str(Path(sys.executable).parent / "dagster"), "definitions", "validate", "-w", "workspace.yaml"]
    result = run(command, bare_environment)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_lineage_leads_from_warehouse_tables_to_deliveries(specs: dict[str, dg.AssetSpec]) -> None:
    found, waiting = set(), ["deliveries"]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += [dep.asset_key.to_user_string() for dep in specs[name].deps]
    assert {"warehouse/transactions", "warehouse/households", "warehouse/campaign_descriptions"} <= found
    assert {"segments/new_customers", "segments/at_risk", "features", "profiles", "event_inbox", "entries"} <= found
    assert found == set(specs) - {"journey_metrics", "replay_history", "replay_metrics"}


def test_all_daily_assets_share_one_partitions_definition(specs: dict[str, dg.AssetSpec]) -> None:
    own = {name: spec for name, spec in specs.items() if not name.startswith("warehouse/")}
    unpartitioned = {name for name, spec in own.items() if spec.partitions_def is None}
    assert unpartitioned == {"deliveries", "journey_metrics", "replay_metrics"}
    assert all(spec.partitions_def is daily for name, spec in own.items() if name not in unpartitioned)


def test_every_asset_says_what_it_is_and_whose(specs: dict[str, dg.AssetSpec]) -> None:
    for name, spec in specs.items():
        assert spec.description, name
        assert spec.group_name, name
        assert spec.kinds, name
        assert all(owner.startswith("team:") for owner in spec.owners), name
        assert spec.owners, name
        if not name.startswith("warehouse/"):
            assert spec.code_version, name


def test_the_daily_job_holds_everything_dated_and_nothing_that_sends(definitions: dg.Definitions) -> None:
    keys = definitions.resolve_job_def("daily_journeys").asset_layer.executable_asset_keys
    names = {key.to_user_string() for key in keys}
    assert {"entries", "advances", "features", "segments/loyal"} <= names
    assert "deliveries" not in names


def test_entries_and_advances_are_one_step_that_follows_the_day_before(
    definitions: dg.Definitions, specs: dict[str, dg.AssetSpec]
) -> None:
    step = definitions.resolve_assets_def("entries")
    assert {key.to_user_string() for key in step.keys} == {"entries", "advances"}
    assert not step.can_subset
    for name in ("entries", "advances"):
        # an inner dependency makes Dagster's backfills stand still, see make_movement
        assert {dep.asset_key.to_user_string() for dep in specs[name].deps} & {"entries", "advances"} == {name}
        own = [dep for dep in specs[name].deps if dep.asset_key.to_user_string() == name]
        assert own, f"a backfill of {name} would not go through the days in order"


def test_jobs_with_effects_are_not_retried_and_end_some_time(definitions: dg.Definitions) -> None:
    for name in ("daily_journeys", "dispatch", "advance_due", "history_retention"):
        tags = definitions.resolve_job_def(name).tags
        assert tags["dagster/max_retries"] == "0"
        assert int(tags["dagster/max_runtime"]) > 0


SENDGRID = {
    "JOURNEYS_EMAIL_PROVIDER": "sendgrid",
    "JOURNEYS_SENDGRID_API_KEY": "SG.secret",
    "JOURNEYS_SENDGRID_SENDER": "shop@example.com",
    "JOURNEYS_SENDGRID_RATE": "50",
}


def test_a_provider_is_a_resource_whose_key_is_read_when_a_run_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    resources = build_definitions(SENDGRID).resources
    assert resources is not None
    assert resources["email"].api_key == dg.EnvVar("JOURNEYS_SENDGRID_API_KEY")
    assert resources["email"].rate == 50
    monkeypatch.setenv("JOURNEYS_SENDGRID_API_KEY", "SG.of-the-run")
    names = ("installation", "email", "sms", "push", "channels")
    with dg.build_resources({name: resources[name] for name in names}) as built:
        channel = built.channels["email"]
        assert isinstance(channel, ProviderChannel)
        assert isinstance(built.channels["sms"], LocalOutbox)
        found = provider_metadata(built.channels)
    assert found["providers"].value == {"email": {"provider": "sendgrid"}}


def test_a_missing_key_is_one_sentence_when_the_definitions_load() -> None:
    with pytest.raises(SettingsError, match="JOURNEYS_SENDGRID_API_KEY is not set"):
        build_definitions({**SENDGRID, "JOURNEYS_SENDGRID_API_KEY": ""})


def test_a_query_reads_what_follows_from_and_join() -> None:
    sql = """
    with recent as (select * from baskets), -- from nowhere
    homes as (select * from shop.households)
    select * from recent left join homes using (household_id) join baskets using (basket_id)
    """
    assert tables_read(sql) == ["baskets", "shop.households"]

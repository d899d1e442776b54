"""The embedded Postgres, with real processes: who starts it, who ends it, and what survives `kill -9`."""

import fcntl
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it has no types of its own
import psycopg
import pytest

from journey_pipelines.errors import StoreError
from journey_pipelines.store.embedded import EmbeddedPostgres, embedded_postgres
from journey_pipelines.store.locations import Cluster, locate
from journey_pipelines.store.locks import open_lock
from journey_pipelines.store.removal import remove_embedded

REPOSITORY = Path(__file__).parents[2]
USER_PROGRAM = """
import sys
from pathlib import Path
from journey_pipelines.store.embedded import embedded_postgres

with embedded_postgres(Path(sys.argv[1])) as server:
    print(server.url, flush=True)
    sys.stdin.read()
"""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can run a server as somebody else")


@pytest.fixture
def project() -> Iterator[Path]:
    """A folder that everybody can enter (pytest's own is closed to other accounts)."""
    folder = Path(tempfile.mkdtemp(prefix="jp-"))
    folder.chmod(0o755)
    with removed_afterwards(folder):
        yield folder


@contextmanager
def removed_afterwards(folder: Path) -> Iterator[None]:
    try:
        yield
    finally:
        for project in [found.parent for found in folder.rglob(".journeys")]:
            remove_embedded(project)
        shutil.rmtree(folder)


@contextmanager
def another_user(project: Path, command: tuple[str, ...] = (sys.executable,)) -> Iterator["subprocess.Popen[str]"]:
    """A process that uses the server until the block ends; its first line is the URL."""
    process = subprocess.Popen(
        [*command, "-c", USER_PROGRAM, str(project)],
        cwd=REPOSITORY,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process


def url_of(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def wait_for_the_end(cluster: Cluster) -> None:
    """Block until no process of the server lives."""
    descriptor = open_lock(cluster.lock("server"))
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.close(descriptor)


def postmaster(server: EmbeddedPostgres) -> int:
    data = Path(value(server, "SHOW data_directory"))
    return int((data / "postmaster.pid").read_text().split()[0])


def value(server: EmbeddedPostgres, query: str) -> str:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return str(row[0])


def execute(server: EmbeddedPostgres, *statements: str) -> None:
    with psycopg.connect(server.url) as connection:
        for statement in statements:
            connection.execute(statement)


def test_first_use_makes_the_databases_of_store_and_dagster(project: Path) -> None:
    with embedded_postgres(project) as server:
        assert value(server, "SELECT current_database()") == "journeys"
        with psycopg.connect(server.dagster_url) as connection:
            assert connection.info.dbname == "dagster"


def test_the_server_has_no_network_address(project: Path) -> None:
    with embedded_postgres(project) as server:
        assert value(server, "SHOW listen_addresses") == ""
        assert stat.S_IMODE(server.socket_directory.stat().st_mode) == 0o700


def test_commits_reach_the_disk(project: Path) -> None:
    with embedded_postgres(project) as server:
        assert value(server, "SHOW fsync") == "on"
        assert value(server, "SHOW synchronous_commit") == "on"


def test_text_is_ordered_by_code_point(project: Path) -> None:
    with embedded_postgres(project) as server:
        assert value(server, "SELECT string_agg(t, '' ORDER BY t) FROM unnest(ARRAY['ä', 'b', 'Z', 'a']) t") == "Zabä"


def test_variables_of_libpq_change_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6543")
    monkeypatch.setenv("PGDATABASE", "other")
    monkeypatch.setenv("PGHOST", "nowhere.invalid")
    with embedded_postgres(project) as server:
        assert value(server, "SELECT 1") == "1"


def test_the_server_ends_after_its_last_user_and_keeps_what_was_written(project: Path) -> None:
    with embedded_postgres(project) as server:
        execute(server, "CREATE TABLE kept (n int)", "INSERT INTO kept VALUES (7)")
        pid = postmaster(server)
    wait_for_the_end(locate(project))
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    with embedded_postgres(project) as server:
        assert value(server, "SELECT n FROM kept") == "7"


def test_two_first_users_at_once_share_one_server(project: Path) -> None:
    with another_user(project) as one, another_user(project) as two:
        assert url_of(one) == url_of(two) != ""
        with embedded_postgres(project) as server:
            assert value(server, "SELECT count(*) FROM pg_database WHERE datname IN ('journeys', 'dagster')") == "2"


def test_the_server_outlives_the_user_that_started_it(project: Path) -> None:
    with another_user(project) as starter:
        url_of(starter)
        with embedded_postgres(project) as server:
            pid = postmaster(server)
            starter.kill()
            starter.wait()
            assert value(server, "SELECT 1") == "1"
            assert postmaster(server) == pid


def test_the_server_ends_when_all_its_users_are_killed(project: Path) -> None:
    with another_user(project) as one, another_user(project) as two:
        url_of(one), url_of(two)
        one.kill()
        two.kill()
        wait_for_the_end(locate(project))


def test_a_killed_server_is_started_again_with_all_that_was_committed(project: Path) -> None:
    with embedded_postgres(project) as server:
        execute(server, "CREATE TABLE kept AS SELECT * FROM generate_series(1, 50000) n")
        first = postmaster(server)
        os.kill(first, signal.SIGKILL)
        with embedded_postgres(project) as again:
            assert value(again, "SELECT count(*) FROM kept") == "50000"
            assert postmaster(again) != first


def test_a_process_that_keeps_the_server_can_ask_for_it_again_after_a_kill(project: Path) -> None:
    script = """
import os, signal, sys
from pathlib import Path
import psycopg
from journey_pipelines.store.embedded import ensure_running
from journey_pipelines.store.locations import locate

root = Path(sys.argv[1])
server = ensure_running(root)
os.kill(int((locate(root).data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
with psycopg.connect(ensure_running(root).url) as connection:
    print(connection.execute("SELECT 1").fetchone())
"""
    ended = subprocess.run([sys.executable, "-c", script, str(project)], cwd=REPOSITORY, capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("(1,)\n", "")
    wait_for_the_end(locate(project))


def test_a_stale_process_id_that_another_program_has_by_now_does_not_matter(project: Path) -> None:
    with embedded_postgres(project) as server:
        lines = (locate(project).data / "postmaster.pid").read_text().splitlines()
    wait_for_the_end(locate(project))
    stale = locate(project).data / "postmaster.pid"
    stale.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with embedded_postgres(project) as server:
        assert postmaster(server) != os.getpid()


def test_a_server_whose_keeper_was_killed_ends_after_its_users_all_the_same(project: Path) -> None:
    with embedded_postgres(project) as server:
        pid = postmaster(server)
        keeper = psutil.Process(pid).parent()
        assert keeper is not None
        keeper.kill()
        keeper.wait()
        with embedded_postgres(project) as again:
            assert postmaster(again) == pid
    wait_for_the_end(locate(project))


def test_a_user_that_comes_while_the_server_ends_gets_a_new_one(project: Path) -> None:
    for _ in range(3):
        with embedded_postgres(project) as server:
            assert value(server, "SELECT 1") == "1"


def test_a_first_use_that_was_killed_half_way_leaves_nothing_in_the_way(project: Path) -> None:
    half = locate(project).base / "data.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    with embedded_postgres(project) as server:
        assert value(server, "SELECT 1") == "1"


def test_a_server_that_cannot_start_is_reported_with_what_it_said(project: Path) -> None:
    with embedded_postgres(project):
        cluster = locate(project)
    wait_for_the_end(cluster)
    (cluster.data / "global" / "pg_control").unlink()
    with (
        pytest.raises(StoreError, match=r"(?s)ended before it answered.*server\.log.*pg_control"),
        embedded_postgres(project),
    ):
        pass


def test_files_of_another_version_are_refused(project: Path) -> None:
    with embedded_postgres(project):
        cluster = locate(project)
    wait_for_the_end(cluster)
    (cluster.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(StoreError, match="are of Postgres 16; the embedded one is 18"), embedded_postgres(project):
        pass


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / ".journeys").write_text("a file")
    with pytest.raises(StoreError, match="JOURNEYS_STORE_URL"), embedded_postgres(tmp_path):
        pass


def test_a_deep_path_gets_a_short_socket(project: Path) -> None:
    deep = project / ("long, 'quoted' name" * 8)
    deep.mkdir()
    with embedded_postgres(deep) as server:
        assert len(os.fsencode(server.socket_directory / ".s.PGSQL.5432")) < 100
        assert json.loads((deep / ".journeys" / "embedded.json").read_text())["socket"] == str(server.socket_directory)
        assert Path(value(server, "SHOW data_directory")).is_relative_to(deep)
    with embedded_postgres(deep) as again:
        assert again == server


def test_a_copied_project_has_a_server_of_its_own(project: Path) -> None:
    original, copy = project / "original", project / "copy"
    with embedded_postgres(original) as server:
        execute(server, "CREATE TABLE kept ()")
    wait_for_the_end(locate(original))
    shutil.copytree(original, copy, ignore=shutil.ignore_patterns("socket"))
    if os.geteuid() == 0:
        account = locate(original).account
        assert account is not None
        subprocess.run(["chown", "-R", f"{account.uid}:{account.gid}", str(locate(copy).data)], check=True)
    with embedded_postgres(original) as server, embedded_postgres(copy) as other:
        execute(other, "DROP TABLE kept")
        assert value(server, "SELECT to_regclass('kept')") == "kept"


@needs_root
def test_root_has_an_unprivileged_account_run_the_server(project: Path) -> None:
    before = {folder: folder.stat().st_mode for folder in (project, *project.parents)}
    with embedded_postgres(project) as server:
        assert psutil.Process(postmaster(server)).username() == "nobody"
        assert Path(value(server, "SHOW data_directory")).is_relative_to(project)
    assert {folder: folder.stat().st_mode for folder in before} == before


@needs_root
def test_behind_a_closed_parent_the_server_lives_elsewhere_and_modes_stay(project: Path) -> None:
    closed = project / "closed"
    closed.mkdir(mode=0o700)
    with embedded_postgres(closed / "tree") as server:
        execute(server, "CREATE TABLE kept ()")
        noted = json.loads((closed / "tree" / ".journeys" / "embedded.json").read_text())
        assert Path(value(server, "SHOW data_directory")).is_relative_to(noted["base"])
        assert not Path(noted["base"]).is_relative_to(project)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    (closed / "tree").rename(closed / "moved")
    with embedded_postgres(closed / "moved") as server:
        assert value(server, "SELECT to_regclass('kept')") == "kept"
    remove_embedded(closed / "moved")
    assert not Path(noted["base"]).exists()


@needs_root
def test_root_later_runs_the_server_of_an_ordinary_user_as_that_user(project: Path) -> None:
    with another_user(owned_by_nobody(project), as_nobody()) as process:
        assert url_of(process)
        with embedded_postgres(project) as server:
            execute(server, "CREATE TABLE kept ()")
    wait_for_the_end(locate(project))
    with embedded_postgres(project) as server:
        assert value(server, "SELECT to_regclass('kept')") == "kept"
    wait_for_the_end(locate(project))
    with another_user(project, as_nobody()) as process:
        assert url_of(process)


@needs_root
def test_an_ordinary_user_runs_the_server_itself(project: Path) -> None:
    with another_user(owned_by_nobody(project), as_nobody()) as process:
        assert url_of(process)
        data = project / ".journeys" / "postgres" / "data"
        assert psutil.Process(int((data / "postmaster.pid").read_text().split()[0])).username() == "nobody"
    wait_for_the_end(locate(project))


@needs_root
def test_an_ordinary_user_is_told_that_the_files_are_those_of_another(project: Path) -> None:
    with embedded_postgres(project):
        pass
    ended = subprocess.run(
        [*as_nobody(), "-c", USER_PROGRAM, str(project)], cwd=REPOSITORY, capture_output=True, text=True, input=""
    )
    assert "JOURNEYS_STORE_URL" in ended.stderr.splitlines()[-1]
    assert ended.stderr.splitlines()[-1].startswith("journey_pipelines.errors.StoreError:")


def owned_by_nobody(project: Path) -> Path:
    shutil.chown(project, "nobody")
    return project


def as_nobody() -> tuple[str, ...]:
    """A command that runs this Python's packages as an ordinary user, in whatever interpreter that one may use."""
    entry = pwd.getpwnam("nobody")
    packages = os.pathsep.join([str(REPOSITORY), *(path for path in sys.path if path.endswith("site-packages"))])
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for interpreter in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        identity = ("setpriv", f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups")
        command = (*identity, "env", f"PYTHONPATH={packages}", interpreter)
        if (
            shutil.which("setpriv")
            and subprocess.run([*command, "-c", "import psycopg"], capture_output=True, cwd="/").returncode == 0
        ):
            return command
    pytest.skip("no Python and setpriv that an ordinary user can run with these packages")

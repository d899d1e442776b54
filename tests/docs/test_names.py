"""Commands, targets, settings and files that the docs name exist."""

import re
from pathlib import Path

import click
import pytest

from journey_pipelines.cli.program import COMMANDS, journeys
from journey_pipelines.delivery.providers.registry import CHANNELS, PROVIDERS
from journey_pipelines.provider_settings import chooser_of, variable_of
from tests.docs.pages import ROOT, Page, code_lines, page, pages, spans

COMMAND = re.compile(r"(?:^|\s|/)journeys ([a-z]+)(?=\s|$)(.*)")
MAKE = re.compile(r"(?:^\$?\s*|^)make ([a-z]+)(?=\s|$)")
SETTING = re.compile(r"\bJOURNEYS_[A-Z_]+\b")
FILE = re.compile(r"[\w.*-]+(?:/[\w.*-]+)*/?")
ENDINGS = (".py", ".sql", ".yaml", ".toml", ".md", ".html", ".txt", ".duckdb")
TOP_LEVEL = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")}

# where short paths of a page begin
BEGINNINGS = ("", "journey_pipelines", "journey_pipelines/journeys", "journey_pipelines/engine", "sql", "docs", "tests")

# files that a page tells its reader to write, or that a run writes
WRITTEN_BY_READERS = {
    "journeys/thanks.yaml",
    "journeys/second_basket.yaml",
    "journeys/templates",
    "sql/warehouse/segments/big_spenders.sql",
}
WRITTEN_BY_RUNS = re.compile(
    r"\.journeys/|snapshots/$|models/$|outbox/$|postgres/$|dagster/$|logs/$|warehouse\.duckdb$"
)


def commands_named(shown: Page) -> list[tuple[str, str]]:
    """(command, the rest of the line) of every `journeys ...` in code."""
    matches = (COMMAND.search(line.split("#")[0]) for line in code_lines(shown.present))
    return [(match[1], match[2]) for match in matches if match]


def options_of(name: str, rest: str) -> set[str]:
    """Those of a command, or of the one of its group that the rest of the line begins with."""
    command = journeys.get_command(click.Context(journeys), name)
    if isinstance(command, click.Group):
        command = command.commands.get(rest.split()[0], command) if rest.split() else command
    assert command is not None
    return {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}


@pytest.mark.parametrize("shown", pages(), ids=lambda shown: shown.name)
def test_commands_and_their_options_exist(shown: Page) -> None:
    unknown = []
    for name, rest in commands_named(shown):
        if name not in COMMANDS:
            unknown.append(name)
        else:
            unknown += sorted(set(re.findall(r"--[a-z-]+", rest)) - options_of(name, rest))
    assert unknown == []


def test_the_reference_describes_every_command() -> None:
    text = page("docs/reference/command-line.md").text
    table = re.findall(r"^\| (`.+?) \| ", text.replace("\\|", "/"), re.MULTILINE)
    named = {word for cell in table for word in re.findall(r"`([a-z]+)", cell)}
    assert named >= set(COMMANDS)


@pytest.mark.parametrize("shown", pages(), ids=lambda shown: shown.name)
def test_targets_of_make_exist(shown: Page) -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {match[1] for line in code_lines(shown.text) if (match := MAKE.search(line))}
    assert named - targets == set()


def settings_in(*paths: Path) -> set[str]:
    return {name for path in paths for name in SETTING.findall(path.read_text(encoding="utf-8"))}


def settings_of_providers() -> set[str]:
    fields = {variable_of(kind, name) for kind in PROVIDERS for name in kind.config.model_fields}
    return fields | {chooser_of(channel) for channel in CHANNELS}


@pytest.mark.parametrize("shown", pages(), ids=lambda shown: shown.name)
def test_settings_exist(shown: Page) -> None:
    sources = [*(ROOT / "journey_pipelines").rglob("*.py"), *(ROOT / "examples").rglob("*.py")]
    assert set(SETTING.findall(shown.text)) - settings_in(*sources) - settings_of_providers() == set()


def test_the_reference_describes_every_setting() -> None:
    read = settings_in(ROOT / "journey_pipelines" / "settings.py")
    assert settings_in(page("docs/reference/settings.md").path) == read | settings_of_providers()


def is_path(span: str) -> bool:
    """Whether a code span names a file or folder of the project."""
    if not FILE.fullmatch(span) or WRITTEN_BY_RUNS.search(span):
        return False
    return span.endswith((*ENDINGS, "/")) or (span.split("/")[0] in TOP_LEVEL and "/" in span)


def exists(span: str, shown: Page) -> bool:
    if span in WRITTEN_BY_READERS:
        return True
    places = [ROOT / beginning for beginning in BEGINNINGS] + [shown.path.parent]
    if any(next(place.glob(span.rstrip("/")), None) for place in places):
        return True
    # a bare file name stands for the file that its page is about
    return "/" not in span and any(next((ROOT / top).rglob(span), None) for top in TOP_LEVEL)


@pytest.mark.parametrize("shown", pages(), ids=lambda shown: shown.name)
def test_files_that_a_page_names_exist(shown: Page) -> None:
    named = {span for span in spans(shown.present) if is_path(span)}
    assert sorted(span for span in named if not exists(span, shown)) == []


def test_assets_jobs_and_checks_of_the_page_on_dagster_exist() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "assets").glob("*.py"))
    named = {
        span for span in spans(page("docs/howto/run-in-dagster.md").text) if re.fullmatch(r"[a-z]+(_[a-z]+)+", span)
    }
    assert sorted(name for name in named if name not in sources) == []

"""The only place of the command line that reads the environment and the working directory."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from journey_pipelines.provider_settings import LiveSettings
from journey_pipelines.settings import Settings

if TYPE_CHECKING:
    from journey_pipelines.composition import Installation
    from journey_pipelines.reading import Readings


def installation() -> "Installation":
    """The project's parts; nothing is connected yet. Raises SettingsError for a setting that cannot be right."""
    # the parts bring database drivers and pandas, which `journeys --help` should not wait for
    from journey_pipelines.composition import Installation

    return Installation.from_environment(os.environ, working_directory=Path.cwd())


def readings() -> "Readings":
    """What the project reads, without what could send; the settings of providers are not looked at."""
    from journey_pipelines.reading import Readings

    return Readings(Settings.from_environment(os.environ, working_directory=Path.cwd()))


def settings() -> Settings:
    """The project's settings alone."""
    return LiveSettings.from_environment(os.environ, working_directory=Path.cwd())


def state_folder() -> Path:
    """The folder of everything that the project writes."""
    return settings().state


def child_environment(additions: Mapping[str, str]) -> dict[str, str]:
    """The environment for a child process: our own, with additions."""
    return {**os.environ, **additions}

"""Folders of templates: `<name>.html` or `<name>.mjml`, `<name>.txt`, or both.

A locale before the suffix is for those who read it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from journey_pipelines.delivery.bounds import LONGEST_TEMPLATE
from journey_pipelines.delivery.locales import FOR_EVERYBODY, name_and_locale
from journey_pipelines.delivery.mjml_templates import html_of_mjml
from journey_pipelines.delivery.plain_text import plain_text
from journey_pipelines.delivery.sandbox import Variable
from journey_pipelines.delivery.texts import Text
from journey_pipelines.errors import TemplateError

SAMPLE_TEMPLATES: Final = Path(__file__).parent / "templates"
SUFFIXES: Final = (".html", ".mjml", ".txt")
MOST_BYTES: Final = 4 * LONGEST_TEMPLATE  # UTF-8 takes up to four for a character


@dataclass(frozen=True)
class MessageTemplate:
    """A compiled template. E-mail uses both forms, other channels `text`, which comes from the HTML if not written."""

    name: str
    html: Text | None
    text: Text
    variants: Mapping[str, "MessageTemplate"] = field(default_factory=dict)  # by locale, as `locales.normal` writes it

    @cached_property
    def texts(self) -> tuple[Text, ...]:
        """Every text of it and of its variants."""
        own = (self.text,) if self.html is None else (self.html, self.text)
        return own + tuple(text for variant in self.variants.values() for text in variant.texts)

    @property
    def plain_texts(self) -> tuple[Text, ...]:
        """The text of it and of each variant, as channels without HTML send it."""
        return (self.text, *(variant.text for variant in self.variants.values()))

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """Every dotted variable that it or a variant of it reads, each once."""
        return merged(*(text.variables for text in self.texts))

    def in_locale(self, locale: str) -> "MessageTemplate":
        """The variant for a locale that it has; itself for everybody."""
        return self.variants.get(locale, self)


class TemplateStore:
    """Templates of one or more folders, the first folder that has a name wins; without a folder, the samples.

    >>> TemplateStore().names()
    ['points_notification', 'retention_offer', 'welcome_email']
    """

    def __init__(self, *folders: Path | str) -> None:
        self.folders = tuple(map(Path, folders)) or (SAMPLE_TEMPLATES,)
        self._compiled: dict[str, MessageTemplate] = {}

    def names(self) -> list[str]:
        """All template names, sorted. Raises TemplateError for a folder that cannot be read."""
        return sorted(name for name, locale in self._files() if locale == FOR_EVERYBODY)

    def get(self, name: str) -> MessageTemplate:
        """The compiled template. Raises TemplateError where it is missing, unreadable or not allowed."""
        if name not in self._compiled:
            self._compiled[name] = self._compile(name)
        return self._compiled[name]

    def variables(self, name: str) -> tuple[Variable, ...]:
        """The dotted variables that a template reads, and which have a default. Raises TemplateError."""
        return self.get(name).variables

    def _files(self) -> dict[tuple[str, str], dict[str, Path]]:
        """Paths by suffix, by name and locale."""
        found: dict[tuple[str, str], dict[str, Path]] = {}
        for folder in reversed(self.folders):
            try:
                paths = [path for path in folder.iterdir() if path.suffix in SUFFIXES]
            except OSError as error:
                raise TemplateError(f"template folder {folder} cannot be read ({error.strerror}); create it") from error
            of_folder: dict[tuple[str, str], dict[str, Path]] = {}
            for path in paths:
                of_folder.setdefault(name_and_locale(path.stem), {})[path.suffix] = path
            found |= of_folder
        return found

    def _compile(self, name: str) -> MessageTemplate:
        files = self._files()
        if (name, FOR_EVERYBODY) not in files:
            known = ", ".join(sorted({known for known, locale in files if locale == FOR_EVERYBODY})) or "none"
            places = " or ".join(str(folder / f"{name}.html") for folder in self.folders)
            raise TemplateError(f"there is no template `{name}` (known: {known}); add {places}")
        variants = {
            locale: _compiled(f"{name}.{locale}", paths)
            for (of_name, locale), paths in files.items()
            if of_name == name and locale != FOR_EVERYBODY
        }
        return replace(_compiled(name, files[name, FOR_EVERYBODY]), variants=variants)


def _compiled(name: str, paths: Mapping[str, Path]) -> MessageTemplate:
    html = _html(name, paths)
    text = _source(name, paths.get(".txt"))
    try:
        return MessageTemplate(
            name,
            html=None if html is None else Text(html, is_html=True),
            text=Text(text if text is not None else plain_text(html or "")),
        )
    except TemplateError as error:
        raise TemplateError(f"template `{name}`: {error}") from error


def merged(*readings: tuple[Variable, ...]) -> tuple[Variable, ...]:
    """Each variable once: with a default only if it has one everywhere."""
    found: dict[str, Variable] = {}
    for variable in (variable for reading in readings for variable in reading):
        known = found.get(variable.path, variable)
        found[variable.path] = Variable(
            variable.path,
            has_default=known.has_default and variable.has_default,
            is_always_printed=known.is_always_printed or variable.is_always_printed,
        )
    return tuple(found.values())


def _html(name: str, paths: Mapping[str, Path]) -> str | None:
    if ".mjml" not in paths:
        return _source(name, paths.get(".html"))
    if ".html" in paths:
        raise TemplateError(
            f"template `{name}` is there as {paths['.mjml'].name} and as {paths['.html'].name}; keep one of them"
        )
    return html_of_mjml(name, _source(name, paths[".mjml"]) or "")


def _source(name: str, path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        if (size := path.stat().st_size) > MOST_BYTES:
            raise TemplateError(f"template `{name}`: {path} has {size} bytes; at most {MOST_BYTES} are read")
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise TemplateError(f"template `{name}` cannot be read from {path} ({error}); save it as UTF-8") from error

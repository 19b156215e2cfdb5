"""The page: a title, sections in order, and a place for what must be seen first."""

import functools
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from markupsafe import Markup

from vitforge.artifacts import write_atomically

FIRST_LINK_MARKER = "<!-- vitforge: and the link to it here -->"
FIRST_MARKER = "<!-- vitforge: what must be seen first goes here -->"


@dataclass(frozen=True)
class Section:
    """One heading and what stands under it.

    Args:
        title: Heading, plain text.
        html: Body, HTML made by this package's helpers; it is not escaped.
        anchor: Fragment that links to it; empty makes one from the title.
    """

    title: str
    html: str
    anchor: str = ""

    @property
    def id(self) -> str:
        """The HTML id: the anchor, or the title in lower case with dashes."""
        return self.anchor or re.sub(r"[^a-z0-9]+", "-", self.title.lower()).strip("-") or "section"


@dataclass(frozen=True)
class Report:
    """A page of sections.

    Args:
        title: Heading of the page, plain text.
        subtitle: One line under it, plain text.
        sections: In reading order.
    """

    title: str
    subtitle: str
    sections: tuple[Section, ...] | list[Section]

    def render(self) -> str:
        """The whole page as HTML."""
        rendered: str = _template("page.html.j2").render(
            title=self.title,
            subtitle=self.subtitle,
            contents=self.sections if len(self.sections) > 2 else (),
            first=FIRST_MARKER,
            first_link=FIRST_LINK_MARKER,
            body="\n".join(_render_section(section) for section in self.sections),
        )
        return rendered

    def save(self, path: Path) -> None:
        """Write the page, whole or not at all.

        Raises:
            OSError: if the disk refuses.
        """
        write_atomically(path, self.render().encode())


def insert_first(html: str, section: Section) -> str:
    """Put a section above all others of a rendered report, and its link first.

    Raises:
        ValueError: if `html` is not a page of this package.
    """
    before, marker, after = html.partition(FIRST_MARKER)
    if not marker:
        raise ValueError("the page was not written by vitforge.report: its marker is missing")
    link = Markup('<a href="#{}">{}</a>').format(section.id, section.title)
    before = before.replace(FIRST_LINK_MARKER, f"{FIRST_LINK_MARKER}\n{link}", 1)
    return f"{before}{marker}\n{_render_section(section, first=True)}{after}"


def _render_section(section: Section, first: bool = False) -> str:
    rendered: str = _template("section.html.j2").render(section=section, first=first)
    return rendered


@functools.cache
def _template(name: str) -> Any:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    return environment.from_string(source)

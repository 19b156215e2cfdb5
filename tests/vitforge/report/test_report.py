import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from vitforge.report import (
    Report,
    Section,
    badge,
    chart_style,
    facts,
    figure_svg,
    image_rows,
    image_wall,
    insert_first,
    prose,
    table,
)


def _figure():
    from matplotlib.figure import Figure

    with chart_style():
        figure = Figure()
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], label="a < b")
        axes.legend()
    return figure


def _page() -> str:
    wall = image_wall(
        [(Image.new("RGB", (8, 8), "red"), "<i>"), (Image.new("L", (400, 200)), "")], 4
    )
    sections = [
        Section("Key figures", facts({"Top-1": "97 %", "Images": 1234})),
        Section("Charts", figure_svg(_figure(), "One.") + figure_svg(_figure(), "Two.")),
        Section("Images", wall, anchor="wall"),
    ]
    return Report("A <b> & c", "sub", sections).render()


class _Checker(HTMLParser):
    """Collects tags, ids and addresses; raises where an element is left open."""

    VOID = frozenset({"meta", "img", "br", "link"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.addresses: list[str] = []

    def handle_startendtag(self, tag, attributes) -> None:
        self._see(tag, attributes)

    def handle_starttag(self, tag, attributes) -> None:
        self._see(tag, attributes)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def _see(self, tag, attributes) -> None:
        self.tags.add(tag)
        for name, value in attributes:
            assert not name.startswith("on")
            if name == "id":
                self.ids.append(value)
            if name in ("src", "href", "xlink:href"):
                self.addresses.append(value)


def test_the_page_is_well_formed_and_stands_alone() -> None:
    checker = _Checker()
    checker.feed(_page())
    assert checker.open == []
    assert not checker.tags & {"script", "link", "iframe", "object"}
    assert len(set(checker.ids)) == len(checker.ids)
    for address in checker.addresses:
        assert address.startswith("data:image/") or address[1:] in checker.ids
    assert {"key-figures", "charts", "wall"} <= set(checker.ids)
    assert "A &lt;b&gt; &amp; c" in _page()
    assert not re.search(r"url\((?!#)", _page())


def test_the_same_report_is_the_same_bytes(tmp_path: Path) -> None:
    assert _page() == _page()
    Report("t", "s", []).save(tmp_path / "deep" / "report.html")
    assert (tmp_path / "deep" / "report.html").read_text() == Report("t", "s", []).render()


def test_cells_are_escaped_numbers_aligned_and_badges_kept() -> None:
    html = table(("name", "n", "outcome"), [("<x>", 12345, badge("PASS")), ("y", None, "")])
    assert "&lt;x&gt;" in html
    assert '<td class="number">12,345</td>' in html
    assert '<td class="number">–</td>' in html
    assert '<span class="badge pass">PASS</span>' in html
    with pytest.raises(ValueError, match="zip"):
        table(("one",), [(1, 2)])


def test_floats_are_short_and_labels_that_look_like_numbers_are_text() -> None:
    assert '<td class="number">0.9877</td>' in table(("x",), [(0.98765,)])
    assert "<td>0042</td>" in table(("x",), [("0042",)])


def test_prose_and_captions_are_escaped() -> None:
    assert prose("a < b") == "<p>a &lt; b</p>"
    assert "<figcaption>x &amp; y</figcaption>" in figure_svg(_figure(), "x & y")


def test_only_small_images_keep_hard_edges() -> None:
    tiny = image_wall([(Image.new("L", (8, 8)), "seven")], 3)
    assert 'class="tiny"' in tiny
    assert "data:image/png" in tiny
    large = image_wall([(Image.new("RGB", (4000, 2000)), "")], 3)
    assert 'class="tiny"' not in large
    assert 'width="128" height="64"' in large
    assert len(large) < 5000


def test_a_short_row_does_not_borrow_from_the_next() -> None:
    image = Image.new("L", (8, 8))
    html = image_rows([("cat", [image]), ("dog", [image] * 3)], columns=3)
    cat, dog = html.split("<h3>")[1:]
    assert cat.startswith("cat</h3>")
    assert (cat.count("<img"), dog.count("<img")) == (1, 3)


def test_a_chart_takes_the_pages_ink() -> None:
    svg = figure_svg(_figure())
    assert "#000000" not in svg
    assert "<metadata" not in svg
    assert "a &lt; b" in svg


def test_what_must_be_seen_first_stands_first() -> None:
    page = insert_first(_page(), Section("Verdict", badge("FAIL")))
    assert page.index("Verdict") < page.index('id="key-figures"')
    assert page.index('href="#verdict"') < page.index('href="#key-figures"')
    checker = _Checker()
    checker.feed(page)
    assert checker.open == []
    with pytest.raises(ValueError, match="marker"):
        insert_first("<html></html>", Section("Verdict", ""))

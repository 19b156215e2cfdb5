"""Lines of a judgement: what was asked, the outcome, the number, and a sentence under it.

On a wide screen they stand in columns; on a phone the numbers move under the question.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from vitforge.report.pieces import badge


@dataclass(frozen=True)
class Line:
    """One line; strings are plain text.

    Args:
        title: What was asked or measured.
        state: An outcome, or a word such as `measured`; shown as a badge; empty shows none.
        value: The number as people write it.
        interval: `low to high`.
        n: Images or runs; 0 shows nothing.
        code: The metric's own name, as configs call it.
        told: Sentences under the line: evidence, what would change it.
        minor: Whether the line belongs to the one above.
    """

    title: str
    state: str = ""
    value: str = ""
    interval: str = ""
    n: int = 0
    code: str = ""
    told: tuple[str, ...] = ()
    minor: bool = False


def lines(found: Iterable[Line]) -> Markup:
    """The lines as a list that reads aloud in order."""
    body = Markup("\n").join(_line(line) for line in found)
    return Markup('<ul class="lines">\n{}\n</ul>').format(body)


def number_text(value: float) -> str:
    """Four digits, never in powers of ten up to a million."""
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def interval_text(low: float | None, high: float | None) -> str:
    """`0.91 to 0.95`, or nothing."""
    if low is None or high is None:
        return ""
    return f"{number_text(low)} to {number_text(high)}"


def _line(line: Line) -> Markup:
    numbers = [
        Markup('<span class="{}">{}</span>').format(kind, text)
        for kind, text in (
            ("value", line.value),
            ("interval", line.interval),
            ("count", f"n = {line.n:,}" if line.n else ""),
        )
        if text
    ]
    return Markup('<li{}><div class="title">{} {} {}</div>{}{}</li>').format(
        Markup(' class="minor"') if line.minor else Markup(""),
        Markup("<span>{}</span>").format(line.title),
        Markup("<code>{}</code>").format(line.code) if line.code else Markup(""),
        badge(line.state) if line.state else Markup(""),
        Markup('<div class="numbers">{}</div>').format(Markup(" ").join(numbers))
        if numbers
        else Markup(""),
        Markup("").join(Markup('<div class="told">{}</div>').format(text) for text in line.told),
    )

"""Reports that people read: one self-contained HTML file, no script, nothing fetched."""

from vitforge.report.charts import chart_style, figure_svg
from vitforge.report.lines import Line, interval_text, lines, number_text
from vitforge.report.names import metric_title
from vitforge.report.page import Report, Section, insert_first
from vitforge.report.pieces import THUMBNAIL, badge, facts, image_rows, image_wall, prose, table

__all__ = [
    "THUMBNAIL",
    "Line",
    "Report",
    "Section",
    "badge",
    "chart_style",
    "facts",
    "figure_svg",
    "image_rows",
    "image_wall",
    "insert_first",
    "interval_text",
    "lines",
    "metric_title",
    "number_text",
    "prose",
    "table",
]

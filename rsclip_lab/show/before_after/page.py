"""The whole page: one file that needs nothing else, readable on paper, on a phone, by day and by night."""

from __future__ import annotations

from rsclip_lab.show.before_after import sections
from rsclip_lab.show.before_after import sentences as say
from rsclip_lab.show.before_after.elements import escape, paragraph

PARTS = (
    sections.summary,
    sections.improved,
    sections.forgotten,
    sections.galleries,
    sections.retrieval,
    sections.calibration,
    sections.published,
    sections.origin,
)
STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --card: #f7f8fa; --ink: #1d2329; --soft: #59636e;
  --line: #d5dae0; --good: #00694a; --bad: #a63a00; --before: #767676; --after: #0067a3; --note: #fff6dc }
@media screen and (prefers-color-scheme: dark) { :root { --page: #14171a; --card: #1d2125; --ink: #e6e9ec;
  --soft: #a3adb8; --line: #3a4249; --good: #4fd1a5; --bad: #ff9d66; --before: #a0a0a0; --after: #6cb8f0;
  --note: #3a3218 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 1rem/1.55 system-ui, sans-serif }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem }
h1 { font-size: 1.8rem; line-height: 1.2; margin: .5rem 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1.35rem; margin: 2.6rem 0 .6rem; padding-top: .6rem; border-top: 1px solid var(--line) }
h3 { font-size: 1.05rem; margin: 1.6rem 0 .3rem }
p { max-width: 46rem; margin: .6rem 0 }
a { color: var(--after) }
.lead { font-size: 1.2rem; line-height: 1.45 }
.note { font-size: .88rem; color: var(--soft) }
.warn { background: var(--note); border-left: .3rem solid #c99700; padding: .6rem .9rem; border-radius: .3rem }
nav ul { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .3rem 1.1rem }
.scroll { overflow-x: auto }
table { border-collapse: collapse; margin: 1.1rem 0 .4rem; font-size: .93rem; min-width: 42rem; width: 100%;
  font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: 600; padding: .2rem 0 .5rem }
th, td { padding: .34rem .6rem; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top }
thead th { color: var(--soft); font-weight: 600; border-bottom: 2px solid var(--line) }
tbody th { font-weight: 500; min-width: 9rem; max-width: 18rem; overflow-wrap: anywhere }
.n { text-align: right; white-space: nowrap }
.good { color: var(--good); font-weight: 600 }
.bad { color: var(--bad); font-weight: 600 }
figure { margin: 1.2rem 0 }
.chart { background: var(--card); border-radius: .5rem; padding: .8rem }
.chart svg { display: block; width: 100%; min-width: 32rem; height: auto; margin: 0 auto }
.chart svg text { fill: var(--ink) }
.chart svg * { stroke-linejoin: round; stroke-linecap: butt }
figcaption { font-size: .88rem; color: var(--soft); margin-top: .4rem }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem .8rem }
.tile { margin: 0; break-inside: avoid }
.tile img, .gone { display: block; width: 100%; height: 8rem; object-fit: contain; background: var(--card);
  border-radius: .35rem }
.tile figcaption { font-size: .8rem; line-height: 1.4; color: var(--ink); overflow-wrap: anywhere }
.tile .good, .tile .bad { font-weight: 400 }
.file { color: var(--soft); font-size: .72rem; display: block; overflow: hidden; white-space: nowrap;
  text-overflow: ellipsis }
dl { display: grid; grid-template-columns: minmax(8rem, 16rem) 1fr; gap: .15rem 1rem; font-size: .88rem }
dt { color: var(--soft); overflow-wrap: anywhere } dd { margin: 0; overflow-wrap: anywhere }
summary { cursor: pointer; font-weight: 600; margin: .6rem 0 }
@media print { body { font-size: 10pt } main { max-width: none; padding: 0 } nav { display: none }
  .chart, table, h2, h3 { break-inside: avoid } h2, h3, caption { break-after: avoid }
  .scroll { overflow: visible } table, .chart svg { min-width: 0 }
  details::details-content { content-visibility: visible; height: auto } }
"""


def title(report) -> str:
    return f"{report.comparison.names['before']} and {report.comparison.names['after']}: before and after"


def opening(report) -> str:
    """What a reader of ten seconds takes away."""
    found = report.comparison
    parts = [paragraph(say.headline(found), "lead")]
    parts += [paragraph(text) for text in (say.forgetting(found), say.unlabelled(found)) if text]
    if note := say.drawn(found.measured_on):
        parts.append(paragraph(note, "warn"))
    return "".join(parts)


def whole_page(report) -> str:
    """HTML of the report; its pictures and drawings are inside."""
    parts = [part for one in PARTS if (part := one(report))]
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title(report))}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{escape(title(report))}</h1>\n{opening(report)}\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def short_form(report) -> str:
    """For a notebook's cell: headline and metrics, without the page's style."""
    return f"<div>{opening(report)}{sections.metrics_table(report.comparison.metrics)}</div>"

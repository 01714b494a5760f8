"""The page's style sheet: light and dark, phone and print; one accent colour, for what won."""

STYLE = """
:root {
  --paper: #ffffff; --ink: #1b1f24; --soft: #57606a; --rule: #d9dee3; --wash: #f5f7f9;
  --accent: #0b5cad; --accent-wash: #eaf2fb; --mark: #7a8591; --bad: #a3260c; --note: #fff8e6; --note-rule: #b98900;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14181c; --ink: #e6e9ec; --soft: #a5afb9; --rule: #343b43; --wash: #1c2228;
    --accent: #79b5f4; --accent-wash: #172a3f; --mark: #85909c; --bad: #ff9b85; --note: #262213; --note-rule: #d6a93a;
  }
}
* { box-sizing: border-box; }
html { background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body {
  margin: 0 auto; max-width: 1128px; padding: 0 24px 64px; overflow-wrap: anywhere;
  font: 16px/1.55 -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums lining-nums;
}
p, ul, ol, dl, pre { margin: 0 0 16px; }
p, figcaption, .notices { max-width: 72ch; }
a { color: var(--accent); text-underline-offset: .15em; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: -9999px; }
.skip:focus { left: 24px; top: 8px; background: var(--paper); padding: 8px 12px; z-index: 1; }

header { padding: 56px 0 8px; }
.over { margin: 0 0 12px; color: var(--soft); font-size: 15px; }
.asked { margin: 0 0 12px; max-width: 60ch; font-size: 17px; }
.over span { color: var(--ink); font-weight: 600; }
.over span::before { content: "/"; color: var(--rule); font-weight: 400; margin: 0 8px 0 4px; }
h1 { font-size: clamp(28px, 4.6vw, 44px); line-height: 1.14; letter-spacing: -.018em; font-weight: 650;
  margin: 0 0 24px; max-width: 30ch; text-wrap: balance; }
.verdict { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 400px), 1fr)); gap: 24px 72px; }
.lead { font-size: 19px; line-height: 1.5; max-width: 62ch; margin-bottom: 16px; }
ul.lead { padding-left: 1.1em; } ul.lead li { margin-bottom: 10px; } ul.lead li::marker { color: var(--soft); }
.terms { color: var(--soft); font-size: 15px; max-width: 62ch; }
details { border-bottom: 1px solid var(--rule); padding: 4px 0; }
details[open] { padding-bottom: 16px; }
summary { cursor: pointer; padding: 8px 0; color: var(--accent); }
h2 { font-size: 26px; line-height: 1.2; letter-spacing: -.012em; font-weight: 650; margin: 0 0 16px; }
h3 { font-size: 17px; line-height: 1.35; font-weight: 650; margin: 36px 0 8px; }
section { border-top: 1px solid var(--rule); padding: 40px 0 32px; }
section[aria-labelledby] h2:target { scroll-margin-top: 24px; }

.notices { list-style: none; margin: 32px 0 0; padding: 14px 18px; max-width: 860px; font-size: 15px;
  background: var(--note); border-left: 3px solid var(--note-rule); }
.notices li + li { margin-top: 8px; }
nav ul { list-style: none; padding: 0; margin: 32px 0; display: flex; flex-wrap: wrap; gap: 4px 24px; font-size: 15px; }
nav a { text-decoration: none; display: inline-block; padding: 4px 0; }
nav a:hover { text-decoration: underline; }

figure { margin: 0; min-width: 0; }
figcaption { font-size: 14px; line-height: 1.45; color: var(--soft); margin-bottom: 12px; }
figcaption strong { color: var(--ink); font-size: 15px; }
.leads, .two figure { max-width: 440px; }
.charts { display: grid; gap: 40px; margin-top: 24px; align-items: start; }
.three { grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 48px; }
.three figure { max-width: 400px; }
svg.chart { display: block; width: 100%; height: auto; overflow: visible; font-size: 12.5px; }
svg text { fill: var(--ink); }
svg .tick, svg .axis { fill: var(--soft); font-size: 11.5px; }
svg .value { fill: var(--soft); }
svg text.best { fill: var(--accent); font-weight: 650; }
svg path { fill: none; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .zero { stroke: var(--ink); stroke-width: 1.25; }
svg .reference { stroke: var(--ink); stroke-width: 1.25; stroke-dasharray: 3 3; }
svg .leader { stroke: var(--mark); stroke-width: .75; }
svg .bar.best, svg .dot.best { fill: var(--accent); }
svg .bar.recipe, svg .dot.recipe { fill: var(--mark); }
svg .bar.baseline, svg .dot.baseline { fill: var(--paper); stroke: var(--mark); stroke-width: 1.5; }
svg .line { stroke: var(--mark); stroke-width: 2; }
svg .line.best { stroke: var(--accent); stroke-width: 2.5; }
svg .halo { fill: none; stroke: var(--paper); stroke-width: 4; }
svg .whisker { fill: none; stroke: var(--ink); stroke-width: 1.5; }

.scroll { overflow-x: auto; margin: 16px 0 24px; max-width: 100%;
  background: linear-gradient(to right, var(--paper) 16px, transparent 48px) left / 48px 100% no-repeat local,
    linear-gradient(to left, var(--paper) 16px, transparent 48px) right / 48px 100% no-repeat local,
    linear-gradient(to left, var(--rule), transparent) right / 12px 100% no-repeat scroll; }
table { border-collapse: collapse; width: 100%; font-size: 14px; line-height: 1.4; }
caption { text-align: left; padding: 0 0 10px; }
caption strong, caption .note { display: block; position: sticky; left: 0; max-width: min(80ch, calc(100vw - 48px)); }
caption strong { font-weight: 600; }
caption .note { color: var(--soft); }
th, td { text-align: left; vertical-align: top; padding: 9px 14px 9px 0; border-bottom: 1px solid var(--rule);
  unicode-bidi: isolate; }
td { min-width: 6ch; overflow-wrap: normal; }
thead th { color: var(--soft); font-weight: 500; white-space: nowrap; border-bottom-color: var(--mark); }
tbody th { font-weight: 400; position: sticky; left: 0; background: var(--paper); min-width: 220px; max-width: 280px; }
.name { font-weight: 600; margin-right: 8px; }
td.n { white-space: nowrap; }
td.t { min-width: 18ch; }
tr.group th { color: var(--soft); font-size: 13px; padding-top: 24px; max-width: none; position: static; }
tr.group span { position: sticky; left: 0; display: inline-block; max-width: min(80ch, calc(100vw - 48px)); }
td small { display: block; color: var(--soft); font-size: 12px; }
tr.winner > * { background: var(--accent-wash); }
tr.winner .name { color: var(--accent); }
tr.winner > th { box-shadow: inset 3px 0 var(--accent); padding-left: 12px; }
.tag { display: block; color: var(--soft); font-size: 12.5px; margin-right: 8px; }
.tag.best { display: inline; color: var(--accent); font-weight: 650; }
.tag.bad { color: var(--bad); font-weight: 650; }
.reason { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: 13px; }

.facts { display: grid; gap: 0; max-width: 860px; }
.facts > div { display: grid; grid-template-columns: minmax(140px, 200px) minmax(0, 1fr); gap: 4px 24px; padding: 9px 0;
  border-bottom: 1px solid var(--rule); }
dt { color: var(--soft); }
dd { margin: 0; min-width: 0; }
dd .facts { margin: 0; }
dd .facts > div:last-child { border-bottom: 0; }
dd .facts > div:first-child { padding-top: 0; }
ol { margin: 0; padding-left: 1.6em; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; font-size: .9em; }
pre { background: var(--wash); border-radius: 4px; padding: 14px 16px; white-space: pre-wrap; overflow-wrap: anywhere;
  max-width: 860px; }
footer { border-top: 1px solid var(--rule); padding-top: 24px; color: var(--soft); font-size: 14px; }

@media (max-width: 640px) {
  body { padding: 0 16px 48px; }
  header { padding-top: 32px; }
  .lead { font-size: 17px; }
  section { padding: 32px 0 24px; }
  .facts > div { grid-template-columns: minmax(0, 1fr); gap: 2px; }
  tbody th { max-width: 168px; min-width: 128px; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print {
  :root { --paper: #ffffff; --ink: #000000; --soft: #444444; --rule: #bbbbbb; --wash: #f5f5f5; --accent: #0b4a8a;
    --accent-wash: #eef3f9; --mark: #777777; --bad: #8a1f08; --note: #ffffff; --note-rule: #777777; }
  @page { size: A4; margin: 16mm 14mm; }
  @page wide { size: A4 landscape; margin: 14mm; }
  section[aria-labelledby="figures"] { page: wide; }
  html { font-size: 10pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip, .terms { display: none; }
  header { padding-top: 0; }
  h1 { font-size: 24pt; } h2 { font-size: 15pt; } h3 { font-size: 11pt; margin-top: 16pt; }
  .lead { font-size: 11pt; }
  section { padding: 14pt 0 4pt; }
  h2, h3, caption { break-after: avoid; }
  figure, tr, .facts > div, .notices li { break-inside: avoid; }
  .scroll { overflow: visible; background: none; }
  table { font-size: 8pt; } td small { font-size: 6.5pt; }
  th, td { padding: 4pt 5pt 4pt 0; }
  tbody th { position: static; min-width: 100pt; }
  figcaption, figcaption strong { font-size: 8.5pt; }
  .three { grid-template-columns: repeat(3, 1fr); gap: 14pt; } .two { grid-template-columns: repeat(2, 1fr); }
  .leads { max-width: 300pt; }
}
"""

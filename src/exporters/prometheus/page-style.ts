/** The one style sheet of the landing page: light and dark, phone and desk, no file and no font to fetch. */
export const style = `
:root {
  color-scheme: light dark;
  --paper: #fcfcfb; --ink: #1b1e22; --soft: #5c646d; --line: #e3e5e8; --card: #f4f5f5;
  --good: #0a7a50; --warn: #8a5a00; --bad: #b3261e; --bar: #8ec7ae;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15181b; --ink: #e6e8ea; --soft: #99a2ab; --line: #2c3136; --card: #1d2125;
    --good: #58c594; --warn: #e0b050; --bad: #f2867d; --bar: #2f6b52;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 72rem; background: var(--paper); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
  -webkit-text-size-adjust: 100%;
}
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 1.25rem; }
h1 { margin: 0; font-size: 1.5rem; font-weight: 650; letter-spacing: -0.015em; }
h2 { margin: 2.5rem 0 0.5rem; font-size: 1rem; font-weight: 650; }
p { margin: 0.375rem 0 0; max-width: 44rem; }
a { color: inherit; text-underline-offset: 0.15em; }
.soft, header p { color: var(--soft); }
header p { margin: 0; font-variant-numeric: tabular-nums; }
code, pre, .name { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
.scroll { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.375rem 1rem 0.375rem 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--line); }
th, td { white-space: nowrap; }
th { font-weight: 500; font-size: 0.8125rem; color: var(--soft); }
th:last-child, td:last-child { padding-right: 0; }
.number { text-align: right; }
.long { white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
.clip { max-width: 14rem; overflow: hidden; text-overflow: ellipsis; }
.percent { display: inline-block; min-width: 3.5rem; }
.bar { display: inline-block; width: 4rem; height: 0.5rem; margin-right: 0.5rem; }
.bar rect { fill: var(--line); }
.bar .filled { fill: var(--bar); }
ul { list-style: none; margin: 0; padding: 0; }
li { display: grid; grid-template-columns: 1.5rem 8rem 1fr; gap: 0 0.25rem; align-items: baseline; padding: 0.25rem 0; }
li .remedy { grid-column: 3; }
.findings > li { display: block; padding: 0.625rem 0 0.625rem 0.875rem; border-left: 0.1875rem solid var(--line); }
.findings > li + li { margin-top: 0.75rem; }
.findings li li { display: block; padding: 0 0 0 1.25rem; max-width: 44rem; overflow-wrap: anywhere; text-indent: -1.25rem; }
.findings p { margin: 0; overflow-wrap: anywhere; }
.severity { font-weight: 650; }
.warning { color: var(--warn); }
.error, .critical { color: var(--bad); }
.up { color: var(--good); }
.down, .failed { color: var(--bad); }
pre { margin: 0.75rem 0 0; padding: 0.875rem 1rem; overflow-x: auto; background: var(--card); border-radius: 0.375rem; }
summary { cursor: pointer; }
details table { margin-top: 0.5rem; }
@media (max-width: 40rem) {
  body { padding: 1.5rem 1rem 3rem; }
  th, td { padding-right: 0.75rem; }
  .bar, .minor { display: none; }
  li { grid-template-columns: 1.25rem 1fr; }
  li .detail, li .remedy { grid-column: 2; }
}
`;

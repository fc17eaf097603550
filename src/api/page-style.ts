/** Colours follow HAProxy's page, whose users know them: green up, yellow on its way, red down, blue set aside. */
export const pageStyle = `
:root { --text: #1b1f24; --back: #fff; --line: #d0d7de; --head: #f3f5f7; --dim: #59636e;
  --up: #d5f2d8; --warn: #fff3c4; --down: #ffd7d5; --aside: #dbeafe; --link: #0b57d0 }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --back: #11151a; --line: #30363d; --head: #1b2128;
  --dim: #9198a1; --up: #12361b; --warn: #453606; --down: #561a1a; --aside: #17304f; --link: #7cb3ff } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1400px; padding: 1rem; font: 14px/1.45 system-ui, sans-serif; color: var(--text); background: var(--back) }
header { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; align-items: baseline }
h1 { font-size: 1.3rem; margin: 0 } h2 { font-size: 1rem; margin: 1.4rem 0 .4rem } p { margin: 0 }
input, button { font: inherit; color: inherit; background: var(--back); border: 1px solid var(--line); border-radius: 4px; padding: .2rem .5rem }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: .2rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top }
th { background: var(--head); font-weight: 600; position: sticky; top: 0 }
section { overflow-x: auto } #events td:first-child { white-space: nowrap }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums }
tr.service td { font-weight: 600; background: var(--head) }
.up { background: var(--up) } .warn { background: var(--warn) } .down { background: var(--down) } .aside { background: var(--aside) }
ul { list-style: none; margin: 0; padding: 0 } li { padding: .2rem .6rem; margin-bottom: 2px; border-radius: 4px }
code { font: 12px ui-monospace, monospace; color: var(--link) } .dim { color: var(--dim) }
.stale { opacity: .45 }
[hidden] { display: none }
`

/** The style of the report: light and dark by the reader's wish, and fit to be printed. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--ground:#fbfaf7;--card:#fff;--ink:#1d1c1a;--soft:#5c5850;--line:#d9d4c8;
--good:#176b3a;--good-ground:#e3f3e8;--bad:#a3201b;--bad-ground:#fbe6e4;--accent:#2b4c9b;--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media (prefers-color-scheme:dark){:root{--ground:#171614;--card:#201f1c;--ink:#ecebe6;--soft:#aba69b;--line:#3a3832;
--good:#7fd6a0;--good-ground:#173022;--bad:#ff9d96;--bad-ground:#3b1a18;--accent:#9db8ff}}
*{box-sizing:border-box}
body{margin:0;overflow-wrap:anywhere;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:70rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .25rem}
h2{font-size:1.2rem;margin:2.2rem 0 .75rem}
h3{font-size:1rem;margin:0}
p{margin:.4rem 0}
code,.mono{font-family:var(--mono);font-size:.85em;overflow-wrap:anywhere}
a{color:var(--accent)}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.banner{border:1px solid var(--line);border-left:.5rem solid var(--good);background:var(--card);padding:1.25rem;border-radius:.5rem}
.banner.bad{border-left-color:var(--bad)}
.tag{display:inline-block;padding:.1rem .55rem;border-radius:1rem;font-weight:600;font-size:.85rem;background:var(--good-ground);color:var(--good)}
.tag.bad{background:var(--bad-ground);color:var(--bad)}
.tag.none{background:transparent;color:var(--soft);border:1px solid var(--line)}
.hint{border-left:3px solid var(--bad);padding-left:.75rem}
.timeline{list-style:none;margin:0;padding:0;display:grid;gap:.5rem;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr))}
.timeline li{background:var(--card);border:1px solid var(--line);border-top:4px solid var(--good);border-radius:.4rem;padding:.6rem .7rem;min-width:0}
.timeline li.failed{border-top-color:var(--bad)}
.timeline li.waiting{border-top-color:var(--line);color:var(--soft)}
.timeline b{display:block}
.timeline p{overflow-wrap:anywhere}
.took{color:var(--soft);font-size:.9rem}
.bar{height:6px;background:var(--line);border-radius:3px;margin-top:.45rem;overflow:hidden}
.bar i{display:block;height:100%;background:var(--accent)}
.again{border:2px dashed var(--line);border-radius:.5rem;padding:0 1.1rem 1.1rem;margin-top:2rem}
.again.over{border-color:var(--accent);background:var(--card)}
.choose{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center}
input[type=file],button{font:inherit;color:inherit;max-width:100%;min-height:2rem}
button{background:var(--card);border:1px solid var(--soft);border-radius:.3rem;padding:.2rem .8rem;cursor:pointer}
#again-status:empty{display:none}
.waiver .tag{margin-right:.3rem}
.file{background:var(--card);border:1px solid var(--line);border-radius:.5rem;padding:1.1rem;margin:0 0 1.1rem}
.file header{display:flex;flex-wrap:wrap;gap:.5rem;align-items:baseline;justify-content:space-between}
.facts{display:grid;gap:1rem;grid-template-columns:minmax(0,1fr);margin:1rem 0 0}
@media (min-width:45rem){.facts{grid-template-columns:repeat(2,minmax(0,1fr))}}
.facts section{min-width:0}
.facts h4{margin:0 0 .2rem;font-size:.8rem;letter-spacing:.06em;text-transform:uppercase;color:var(--soft)}
.facts dl{margin:0;display:grid;grid-template-columns:max-content 1fr;gap:.1rem .7rem}
.facts dt{color:var(--soft)}
.facts dd{margin:0;min-width:0;overflow-wrap:anywhere}
details{border-top:1px solid var(--line);margin-top:.8rem;padding-top:.6rem}
summary{cursor:pointer;font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9rem;margin-top:.5rem}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line)}
th,td:first-child{overflow-wrap:normal}
th{color:var(--soft);font-weight:600}
td.passed::before{content:"\\2713 ";color:var(--good);font-weight:700}
td.failed::before{content:"\\2717 ";color:var(--bad);font-weight:700}
td.absent::before{content:"\\2013 ";color:var(--soft)}
svg{max-width:100%;height:auto}
svg text{fill:var(--ink);font:12px var(--mono)}
svg .edge{stroke:var(--soft);stroke-width:1.5;fill:none}
svg .node{fill:var(--card);stroke:var(--soft);stroke-width:1.5}
svg .path{fill:var(--good-ground);stroke:var(--good);stroke-width:2}
footer{margin-top:2.5rem;color:var(--soft);font-size:.9rem}
@media print{.again{display:none}body{background:#fff;font-size:11pt}.file,.banner,.timeline li{break-inside:avoid}details::details-content{content-visibility:visible;block-size:auto}}
`;

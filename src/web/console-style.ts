/** What the console's pages add to the style of the report. */
export const CONSOLE_STYLE = `
body{font-size:15px}
main{padding-top:1rem}
.top{background:var(--card);border-bottom:1px solid var(--line)}
.top>div{max-width:70rem;margin:0 auto;padding:.6rem 1rem;display:flex;flex-wrap:wrap;gap:.4rem 1.25rem;align-items:baseline}
.top strong{font-size:1.05rem}
.top nav ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:.15rem .9rem}
.top nav a{display:inline-block;padding:.25rem 0;color:var(--ink);text-decoration:none;border-bottom:2px solid transparent}
.top nav a:hover{border-bottom-color:var(--line)}
.top nav a[aria-current]{border-bottom-color:var(--accent);font-weight:600}
.top [data-state]{margin-left:auto}
.live{color:var(--soft);font-size:.85rem;min-height:1.4em}
.live:not(:empty)::before{content:"";display:inline-block;width:.55em;height:.55em;border-radius:50%;margin-right:.4em;background:var(--line)}
.live.on::before{background:var(--good)}
.skip{position:absolute;left:-100rem}
.skip:focus{left:.5rem;top:.5rem;background:var(--card);padding:.5rem;z-index:1}
h1{font-size:1.45rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:1.8rem 0 .5rem}
.lead{color:var(--soft);max-width:46rem;margin:.1rem 0 .8rem}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(7rem,1fr));gap:.6rem;margin:1rem 0;padding:0}
.numbers div{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.6rem .8rem;display:flex;flex-direction:column-reverse;justify-content:flex-end}
.numbers dt{color:var(--soft);font-size:.85rem}
.numbers dd{margin:0;font-size:1.45rem;font-weight:600;line-height:1.2;font-variant-numeric:tabular-nums}
.numbers .bad{border-left:4px solid var(--bad)}
.numbers .bad dd{color:var(--bad)}
td,th{padding-right:1rem}
td:last-child,th:last-child{padding-right:0}
td.num,th.num{text-align:right;font-variant-numeric:tabular-nums}
td.when{white-space:nowrap;width:1%;color:var(--soft);font-variant-numeric:tabular-nums}
td:has(>.tag:first-child){width:1%}
td .why{display:block;color:var(--soft);max-width:40rem;overflow-wrap:anywhere}
.tag{white-space:nowrap}
td code.short{white-space:nowrap}
.file header h2{font-size:1rem;margin:0}
.file>h3{margin:1rem 0 .3rem}
caption{text-align:left;color:var(--soft);font-size:.85rem}
form.find{display:flex;flex-wrap:wrap;gap:.5rem .6rem;align-items:end;margin:.6rem 0}
form.find label{display:grid;gap:.15rem;font-size:.85rem;color:var(--soft)}
form.find .grow{flex:1 1 16rem}
input{font:inherit;font-family:var(--mono);font-size:.9rem;padding:.4rem .55rem;border:1px solid var(--soft);border-radius:.3rem;background:var(--card);color:var(--ink);width:100%;min-width:0}
input[type=number]{width:9rem}
button{font:inherit;padding:.38rem .9rem;border:1px solid var(--accent);border-radius:.3rem;background:var(--accent);color:var(--card);font-weight:600;cursor:pointer}
@media (prefers-color-scheme:dark){button{color:var(--ground)}}
.more{margin:.8rem 0}
.panel{background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.4rem .9rem .8rem;margin:.5rem 0}
.panel.bad{border-left:4px solid var(--bad)}
.panel h2:first-child{margin-top:.5rem}
.none{color:var(--soft)}
figure{margin:.6rem 0}
figcaption{color:var(--soft);font-size:.9rem}
.chart{width:100%;height:auto;display:block}
svg .column{fill:var(--accent)}
svg .area{fill:var(--accent);opacity:.18}
svg .line{stroke:var(--accent);stroke-width:2;fill:none}
svg .axis{stroke:var(--line);stroke-width:1;fill:none}
svg text.soft{fill:var(--soft)}
pre{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.7rem;font:.85rem/1.5 var(--mono);white-space:pre-wrap;overflow-wrap:anywhere}
dl.plain{display:grid;grid-template-columns:minmax(7rem,max-content) 1fr;gap:.2rem 1rem;margin:.5rem 0}
dl.plain dt{color:var(--soft)}
dl.plain dd{margin:0;overflow-wrap:anywhere;min-width:0}
@media (max-width:40rem){
.top [data-state]{margin-left:0}
.chart text{display:none}
table.stack,table.stack tbody,table.stack tr,table.stack td{display:block;width:auto}
table.stack thead{position:absolute;left:-100rem}
table.stack tr{border-bottom:1px solid var(--line);padding:.45rem 0}
table.stack td{border:0;padding:.1rem 0;text-align:left}
table.stack td[data-name]:not(:empty)::before{content:attr(data-name) " ";color:var(--soft);font-size:.85rem}
dl.plain{grid-template-columns:1fr}
dl.plain dd{margin-bottom:.35rem}
}
`;

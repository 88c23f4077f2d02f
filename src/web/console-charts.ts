import { rfc3339 } from "../formats/rfc3339.ts";
import type { DayCount, GrowthPoint } from "./console.ts";
import { count, table } from "./console-shell.ts";
import { type Html, html } from "./html.ts";

const WIDTH = 720;
const HEIGHT = 150;
const LEFT = 56;
const BOTTOM = 24;
const TOP = 12;
const PLOT = { width: WIDTH - LEFT - 8, height: HEIGHT - BOTTOM - TOP };
const DAY = 86_400_000;

const dayText = (day: number): string => rfc3339(day * DAY).slice(0, 10);

const axes = (most: number, first: string, last: string): Html => {
  const base = TOP + PLOT.height;
  return html`<path class="axis" d="M${LEFT} ${TOP} V${base} H${WIDTH - 8}"/>
<text class="soft" x="${LEFT - 6}" y="${TOP + 8}" text-anchor="end">${count(most)}</text><text class="soft" x="${LEFT - 6}" y="${base}" text-anchor="end">0</text>
<text class="soft" x="${LEFT}" y="${HEIGHT - 6}">${first}</text><text class="soft" x="${WIDTH - 8}" y="${HEIGHT - 6}" text-anchor="end">${last}</text>`;
};

type Chart = { readonly id: string; readonly title: string; readonly desc: string };

const svg = ({ id, title, desc }: Chart, content: Html): Html =>
  html`<svg class="chart" role="img" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-labelledby="${id}-title ${id}-desc"><title id="${id}-title">${title}</title><desc id="${id}-desc">${desc}</desc>${content}</svg>`;

/** Bars, one a day, with the same numbers as a table. `to` is the last day that is shown. */
export const dayChart = (
  id: string,
  title: string,
  counts: readonly DayCount[],
  span: { readonly from: number; readonly to: number },
): Html => {
  const { from, to } = span;
  const most = Math.max(1, ...counts.map((one) => one.count));
  const total = counts.reduce((sum, one) => sum + one.count, 0);
  const step = PLOT.width / (to - from + 1);
  const bars = counts
    .filter(({ day }) => day >= from && day <= to)
    .map(({ day, count: value }) => {
      const height = Math.max(1, (PLOT.height * value) / most);
      const x = LEFT + (day - from) * step;
      return html`<rect class="column" x="${x.toFixed(1)}" y="${(TOP + PLOT.height - height).toFixed(1)}" width="${Math.max(1, step - 1).toFixed(1)}" height="${height.toFixed(1)}"/>`;
    });
  const desc = `${count(total)} from ${dayText(from)} to ${dayText(to)}, at most ${count(most)} a day.`;
  const rows = counts.map(
    (one) =>
      html`<tr><td data-name="Day">${dayText(one.day)}</td><td class="num" data-name="Signings">${count(one.count)}</td></tr>`,
  );
  return html`<figure>${svg({ id, title, desc }, html`${axes(most, dayText(from), dayText(to))}${bars}`)}
<figcaption>${title}: ${desc}</figcaption>
<details><summary>As a table</summary>${table(title, ["Day", "Signings"], rows.toReversed())}</details></figure>`;
};

/** The size of a log over time, from some of its leaves. */
export const growthChart = (id: string, points: readonly GrowthPoint[]): Html => {
  const [first] = points;
  const last = points.at(-1);
  if (first === undefined || last === undefined) return html`<p class="none">The log is empty.</p>`;
  const time = Math.max(1, last.at - first.at);
  const x = (at: number): string => (LEFT + (PLOT.width * (at - first.at)) / time).toFixed(1);
  const y = (size: number): string =>
    (TOP + PLOT.height - (PLOT.height * size) / last.size).toFixed(1);
  // The tree keeps its size until the next leaf comes.
  const steps = points.map(({ at, size }) => `H${x(at)} V${y(size)}`).join(" ");
  const base = TOP + PLOT.height;
  const end = WIDTH - 8;
  const title = "Size of the log over time";
  const desc = `From ${count(first.size)} to ${count(last.size)} entries, ${rfc3339(first.at)} to ${rfc3339(last.at)}.`;
  const drawn = html`${axes(last.size, rfc3339(first.at).slice(0, 16), rfc3339(last.at).slice(0, 16))}
<path class="area" d="M${LEFT} ${base} ${steps} H${end} V${base} Z"/><path class="line" d="M${LEFT} ${base} ${steps} H${end}"/>`;
  const rows = points.map(
    ({ at, size }) =>
      html`<tr><td data-name="Time">${rfc3339(at)}</td><td class="num" data-name="Size">${count(size)}</td></tr>`,
  );
  return html`<figure>${svg({ id, title, desc }, drawn)}<figcaption>${title}: ${desc}</figcaption>
<details><summary>As a table</summary>${table(title, ["Time", "Size"], rows.toReversed())}</details></figure>`;
};

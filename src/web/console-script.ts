/**
 * The console's only script, served as a file of its own: it hears that something changed, asks
 * for the page anew and puts in what is different. Without it the pages are the same, and still.
 */
export const CONSOLE_SCRIPT = `"use strict";
const state = document.querySelector("[data-state]");
const said = document.querySelector("[data-said]");
let source, waiting, again = false, busy = false;
const say = (text, on) => { state.textContent = text; state.classList.toggle("on", on); };
const openDetails = (root) => [...root.querySelectorAll("details")].map((one) => one.open);
const place = (old, fresh) => {
  const focus = document.activeElement;
  const inside = old.contains(focus) ? [...old.querySelectorAll("a,button,input,summary")].indexOf(focus) : -1;
  const open = openDetails(old);
  fresh.querySelectorAll("details").forEach((one, at) => { if (open[at]) one.open = true; });
  old.replaceChildren(...fresh.childNodes);
  if (inside < 0) return;
  const next = [...old.querySelectorAll("a,button,input,summary")];
  const same = focus.href && next.find((one) => one.href === focus.href);
  (same || next[inside])?.focus({ preventScroll: true });
};
const refresh = async () => {
  if (busy) { again = true; return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) throw answer;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    let changed = false;
    for (const old of document.querySelectorAll("[data-live]")) {
      const fresh = page.getElementById(old.id);
      if (fresh === null || old.innerHTML === fresh.innerHTML) continue;
      if (old.querySelector("input:focus")) continue;
      place(old, document.importNode(fresh, true));
      changed = true;
    }
    if (changed) said.textContent = "Updated " + new Date().toLocaleTimeString();
  } catch { setTimeout(soon, 2000); } finally {
    busy = false;
    if (again) { again = false; soon(); }
  }
};
const soon = () => { waiting ??= setTimeout(() => { waiting = undefined; void refresh(); }, 400); };
const connect = () => {
  source = new EventSource(state.dataset.state);
  source.addEventListener("open", () => say("live", true));
  source.addEventListener("error", () => {
    say("reconnecting", false);
    if (source?.readyState === 2) { source = undefined; setTimeout(() => { if (!document.hidden) source ?? connect(); }, 10000); }
  });
  source.addEventListener("changed", soon);
  source.addEventListener("reset", soon);
};
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source?.close(); source = undefined; say("paused", false); }
  else if (source === undefined) { connect(); soon(); }
});
addEventListener("pagehide", () => source?.close());
if (!document.hidden) connect();
`;

import type { ReleaseVerdict } from "../stages/release.ts";
import { fileCard } from "../web/report-card.ts";
import { type Given, readGiven } from "./given.ts";
import { type Judged, judge } from "./judge.ts";

// Verifies what is dropped on the page, in the browser. Nothing is sent anywhere: the page's policy
// forbids every connection.

const DISTRIBUTION = /\.(whl|tar\.gz)$/;

const element = (id: string): HTMLElement => {
  const found = document.getElementById(id);
  if (found === null) throw new TypeError(`the page has no ${id}`);
  return found;
};

const say = (text: string): void => {
  element("again-status").textContent = text;
};

/** What was dropped so far: evidence may follow its distribution. */
const dropped = new Map<string, File>();

const showAll = (judged: readonly Judged[]): void => {
  const cards = judged.map(({ verdict, bytesOnly }) => fileCard(verdict, { bytesOnly }).html);
  // Every value in a card is escaped where the card is made, as in the rest of the page.
  element("again-result").innerHTML = cards.join("");
};

const summary = (judged: readonly Judged[]): string => {
  const refused = judged.filter(({ verdict }) => verdict.failure !== undefined).length;
  const named = ({ verdict, bytesOnly }: Judged): string => outcome(verdict, bytesOnly);
  return `${judged.length - refused} verified, ${refused} refused. ${judged.map(named).join(" ")}`;
};

const outcome = ({ filename, failure }: ReleaseVerdict, bytesOnly: boolean): string => {
  if (failure !== undefined) return `${filename} is refused: ${failure.code}.`;
  if (!bytesOnly) return `${filename} is verified.`;
  return `The bytes of ${filename} are signed; its name is not proven: drop its .publish.attestation too.`;
};

/** One drop after the other, so that an earlier one's result never comes after a later one's. */
let working: Promise<void> = Promise.resolve();

const take = (files: readonly File[], given: Given): void => {
  for (const file of files) dropped.set(file.name, file);
  working = working.then(() => verifyDropped(given)).catch(() => say("This file cannot be read."));
};

const verifyDropped = async (given: Given): Promise<void> => {
  const distributions = [...dropped.values()].filter(({ name }) => DISTRIBUTION.test(name));
  if (distributions.length === 0) {
    say("No wheel and no sdist yet: add one, with the evidence that was published beside it.");
    return;
  }
  const judged: Judged[] = [];
  for (const [at, file] of distributions.entries()) {
    say(`Verifying ${file.name} (${at + 1} of ${distributions.length})`);
    judged.push(await judge(file, dropped, given, Date.now()));
  }
  showAll(judged);
  say(summary(judged));
};

const listen = (given: Given): void => {
  const input = element("again-files") as HTMLInputElement;
  input.addEventListener("change", () => {
    take([...(input.files ?? [])], given);
    input.value = "";
  });
  element("again-clear").addEventListener("click", () => {
    dropped.clear();
    element("again-result").textContent = "";
    say("Nothing is here.");
  });
  const zone = element("again");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  document.addEventListener("dragleave", () => zone.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    take([...(event.dataTransfer?.files ?? [])], given);
  });
};

/** Without it every good signature would look like a bad one. */
const hasCryptography = (): boolean => globalThis.crypto?.subtle !== undefined;

const begin = (): void => {
  const given = readGiven(element("again-given").textContent ?? "");
  element("again").hidden = false;
  if (!hasCryptography()) {
    say(
      "This page was opened in a way that the browser gives no cryptography to: open it by HTTPS, or as a local file.",
    );
    element("again-files").setAttribute("disabled", "");
  } else if (given.ok) listen(given.value);
  else say(`This page cannot verify: ${given.error.code}, ${given.error.message}`);
};

begin();

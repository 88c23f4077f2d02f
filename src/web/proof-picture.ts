import { type Html, html } from "./html.ts";

/** An inclusion proof as it was verified; all hashes lower-case hexadecimal. */
export type PicturedProof = {
  readonly leafIndex: string;
  readonly treeSize: string;
  readonly leafHash: string;
  readonly rootHash: string;
  /** From the leaf's sibling up. */
  readonly hashes: readonly string[];
  /** Who signed the root, as the checkpoint's first line says. */
  readonly origin: string;
};

const SHOWN = 10;
const ROW = 58;
const WIDTH = 560;
const TOP = 40;

const short = (hash: string): string => `${hash.slice(0, 8)}…`;

/**
 * The way from the leaf to the signed root: at each level the hash that was computed and the
 * sibling that the proof gave. Long proofs are shortened in the middle, and say so.
 */
export const proofPicture = (proof: PicturedProof): Html => {
  const { hashes } = proof;
  const shown = Math.min(hashes.length, SHOWN);
  const height = TOP + (shown + 1) * ROW + 10;
  const title = `Leaf ${proof.leafIndex} of ${proof.treeSize} leads by ${hashes.length} hashes to the root ${short(proof.rootHash)} that ${proof.origin} signed`;
  const levels = Array.from({ length: shown }, (_, i) => level(proof, i, shown));
  return html`<svg role="img" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" aria-label="${title}">
<rect class="path" x="110" y="6" width="340" height="34" rx="6"/><text x="280" y="27" text-anchor="middle">root ${short(proof.rootHash)}  size ${proof.treeSize}  signed</text>
${levels}${leaf(proof, shown)}
</svg>`;
};

const level = (proof: PicturedProof, i: number, shown: number): Html => {
  const y = TOP + i * ROW;
  const fromTop = proof.hashes.length - 1 - (i === shown - 1 ? proof.hashes.length - 1 : i);
  const sibling = proof.hashes[fromTop] ?? "";
  const skipped = i === shown - 2 ? proof.hashes.length - shown : 0;
  const more = skipped > 0 ? html`<text x="120" y="${y + 34}">${skipped} more</text>` : undefined;
  return html`<path class="edge" d="M200 ${y} V${y + 24} M200 ${y} L400 ${y + 24}"/>
<rect class="node" x="330" y="${y + 24}" width="150" height="28" rx="5"/><text x="405" y="${y + 43}" text-anchor="middle">${short(sibling)}</text>
<circle class="path" cx="200" cy="${y + 38}" r="14"/>${more}<path class="edge" d="M200 ${y + 52} V${y + ROW}"/>`;
};

const leaf = (proof: PicturedProof, shown: number): Html => {
  const y = TOP + shown * ROW;
  return html`<path class="edge" d="M200 ${y} V${y + 12}"/><rect class="path" x="60" y="${y + 12}" width="280" height="34" rx="6"/>
<text x="200" y="${y + 33}" text-anchor="middle">leaf ${proof.leafIndex}  ${short(proof.leafHash)}</text>`;
};

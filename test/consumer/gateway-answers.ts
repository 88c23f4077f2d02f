import assert from "node:assert/strict";

export const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer());

/** Refused with that code, readably, and not one byte of a wheel in the answer. */
export const refusedWith = async (code: string, answer: Response, status = 403) => {
  const body = await answer.text();
  assert.equal(answer.headers.get("x-wheelseal-code"), code, body);
  assert.equal(answer.status, status);
  assert.match(answer.statusText, new RegExp(`^${code}: `));
  assert.equal(JSON.parse(body).title, code);
  assert.ok(!body.includes("PK\u0003\u0004"));
};

import type { Failure } from "../formats/result.ts";

/** A token of 16 KiB, a key and a proof, in base64 and JSON, with room to spare. */
export const MAX_CA_REQUEST = 64 * 1024;

/** The gRPC codes (google.rpc.Code) that Fulcio's JSON carries, with the status of each. */
const ANSWERS = {
  invalidArgument: { status: 400, code: 3 },
  tooLarge: { status: 413, code: 3 },
  unavailable: { status: 503, code: 14 },
} as const;

const answerFor = (failure: Failure): (typeof ANSWERS)[keyof typeof ANSWERS] => {
  switch (failure.code) {
    case "FORMAT_SIZE":
      return ANSWERS.tooLarge;
    case "STATE_BUSY":
    case "STATE_CORRUPT":
    case "FILE_UNWRITABLE":
      return ANSWERS.unavailable;
    default:
      return ANSWERS.invalidArgument;
  }
};

/** A failure as Fulcio answers it: `{code, message, details}`. */
export const caFailure = (failure: Failure): Response => {
  const { status, code } = answerFor(failure);
  const headers: Record<string, string> = status === 503 ? { "retry-after": "1" } : {};
  return Response.json({ code, message: failure.message, details: [] }, { status, headers });
};

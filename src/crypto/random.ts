import { randomBytes as nodeRandomBytes } from "node:crypto";

/** Where randomness comes from: `length` unpredictable bytes at each call. */
export type RandomBytes = (length: number) => Uint8Array;

/** The system's randomness; handed to the layers below by the command line and the servers. */
export const systemRandom: RandomBytes = (length) => new Uint8Array(nodeRandomBytes(length));

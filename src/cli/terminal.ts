import { fstatSync, writeSync } from "node:fs";

/** Where a command prints, and what it may know of its surroundings. */
export type Terminal = {
  /** The result: one line or one JSON document. */
  readonly out: (text: string) => void;
  /** Progress and failures. */
  readonly err: (text: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether `err` is a terminal that a person looks at. */
  readonly live: boolean;
  readonly colour: boolean;
  readonly columns: number;
};

const MIN_COLUMNS = 40;

/** `wheelseal … | head` ends the pipe early: no reason to fail, and nobody there to tell. */
const unlessReaderLeft = (error: Error): void => {
  if ((error as { code?: string }).code !== "EPIPE") throw error;
};

const isDevice = (descriptor: number): boolean => {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return false;
  }
};

/**
 * Writes to a descriptor at once. Node's stream, which brings along half of its network to write
 * to a pipe, is asked only where there is a terminal, and where a reader is slow.
 */
const writerTo = (descriptor: 1 | 2): ((text: string) => void) => {
  const lateStream = () => {
    const stream = descriptor === 1 ? process.stdout : process.stderr;
    return stream.on("error", unlessReaderLeft);
  };
  let stream = isDevice(descriptor) || process.platform === "win32" ? lateStream() : undefined;
  return (text) => {
    const line = `${text}\n`;
    if (stream !== undefined) {
      stream.write(line);
      return;
    }
    let rest: Uint8Array = Buffer.from(line);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      const { code } = error as { code?: string };
      if (code === "EAGAIN") {
        stream = lateStream();
        stream.write(rest);
      } else if (code !== "EPIPE") throw error;
    }
  };
};

/** The terminal of this process. NO_COLOR, FORCE_COLOR and CI are respected. */
export const systemTerminal = (): Terminal => {
  const { env } = process;
  const isTerminal = isDevice(2) && process.stderr.isTTY === true;
  const interactive = isTerminal && env.CI === undefined && env.TERM !== "dumb";
  const wanted = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  // What goes into a file or another program stays text, though a person watches the progress.
  const read = interactive && isDevice(1) && process.stdout.isTTY === true;
  return {
    out: writerTo(1),
    err: writerTo(2),
    env,
    cwd: process.cwd(),
    live: interactive,
    colour: env.NO_COLOR ? false : wanted || read,
    columns: Math.max(MIN_COLUMNS, isTerminal ? (process.stderr.columns ?? 100) : 100),
  };
};

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Wraps `text` in a colour where the terminal shows colours. */
export const paint = (terminal: Terminal, style: keyof typeof STYLES, text: string): string =>
  terminal.colour ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;

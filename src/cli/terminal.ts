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

/** The terminal of this process. NO_COLOR, FORCE_COLOR and CI are respected. */
export const systemTerminal = (): Terminal => {
  const { env, stdout, stderr } = process;
  const interactive = stderr.isTTY === true && env.CI === undefined && env.TERM !== "dumb";
  for (const stream of [stdout, stderr]) stream.on("error", unlessReaderLeft);
  const wanted = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== "0";
  return {
    out: (text) => {
      stdout.write(`${text}\n`);
    },
    err: (text) => {
      stderr.write(`${text}\n`);
    },
    env,
    cwd: process.cwd(),
    live: interactive,
    colour: env.NO_COLOR ? false : wanted || interactive,
    columns: Math.max(MIN_COLUMNS, stderr.columns ?? 100),
  };
};

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;

/** Wraps `text` in a colour where the terminal shows colours. */
export const paint = (terminal: Terminal, style: keyof typeof STYLES, text: string): string =>
  terminal.colour ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;

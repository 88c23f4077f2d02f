import type { Terminal } from "./terminal.ts";

const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Until `release` is called, SIGINT and SIGTERM end the process by way of `close`: with exit code
 * 130 or 143, as a shell expects. A second signal ends it at once.
 */
export const closeOnInterrupt = (terminal: Terminal, close: () => Promise<void>): (() => void) => {
  const handlers = Object.entries(SIGNALS).map(([signal, code]) => {
    const handler = (): void => {
      release();
      terminal.err("interrupted: run it again to go on where it stopped");
      void close().finally(() => process.exit(code));
    };
    return [signal, handler] as const;
  });
  const release = (): void => {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  };
  for (const [signal, handler] of handlers) process.once(signal, handler);
  return release;
};

import type { GatewayEvent } from "./gateway-state.ts";

/** The events of this process, as they happen: verdicts, refusals, alarms. */
export type Feed = {
  readonly publish: (event: GatewayEvent) => void;
  /** Gives what ends the subscription. A listener must not throw, and not take long. */
  readonly subscribe: (listener: (event: GatewayEvent) => void) => () => void;
};

export const openFeed = (): Feed => {
  const listeners = new Set<(event: GatewayEvent) => void>();
  return {
    publish: (event) => {
      for (const listener of listeners) listener(event);
    },
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
};

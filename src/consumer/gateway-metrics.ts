/** Counters and gauges for Prometheus. */
export type Metrics = {
  readonly count: (name: CounterName, labels: Labels, by?: number) => void;
  /** What a gauge shows from now on. */
  readonly gauge: (name: GaugeName, read: () => number) => void;
  /** The text exposition format, version 0.0.4. */
  readonly text: () => string;
};

type Labels = Readonly<Record<string, string>>;

const HELP = {
  wheelseal_gateway_requests_total: "Requests by route and status.",
  wheelseal_gateway_events_total: "Files accepted and refused, and alarms, by code.",
  wheelseal_gateway_upstream_failures_total: "Pages and files that an upstream did not give.",
  wheelseal_gateway_verification_seconds_sum:
    "Seconds spent on deciding files, downloads included.",
  wheelseal_gateway_verification_seconds_count: "Files that were decided.",
  wheelseal_gateway_served_bytes_total: "Bytes of files answered.",
  wheelseal_gateway_ahead_total:
    "Files that were prepared before anybody asked, by what came of it.",
  wheelseal_gateway_store_evictions_total: "Files removed to keep the store within its limit.",
} as const;

const GAUGES = {
  wheelseal_gateway_store_bytes: "Bytes of all files in the store.",
} as const;

export type CounterName = keyof typeof HELP;
type GaugeName = keyof typeof GAUGES;

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

const labelled = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
};

export const openMetrics = (): Metrics => {
  const counters = new Map<CounterName, Map<string, number>>();
  const gauges = new Map<GaugeName, () => number>();
  return {
    count: (name, labels, by = 1) => {
      const series = counters.get(name) ?? new Map<string, number>();
      counters.set(name, series);
      const key = labelled(labels);
      series.set(key, (series.get(key) ?? 0) + by);
    },
    gauge: (name, read) => {
      gauges.set(name, read);
    },
    text: () => {
      const lines = Object.entries(HELP).flatMap(([name, help]) => {
        const series = counters.get(name as CounterName) ?? new Map([["", 0]]);
        const values = [...series].map(([labels, value]) => `${name}${labels} ${value}`);
        return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, ...values];
      });
      const levels = [...gauges].flatMap(([name, read]) => [
        `# HELP ${name} ${GAUGES[name]}`,
        `# TYPE ${name} gauge`,
        `${name} ${read()}`,
      ]);
      return `${[...lines, ...levels].join("\n")}\n`;
    },
  };
};

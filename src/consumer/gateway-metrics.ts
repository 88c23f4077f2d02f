/** Counters for Prometheus. */
export type Metrics = {
  readonly count: (name: CounterName, labels: Labels, by?: number) => void;
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
} as const;

export type CounterName = keyof typeof HELP;

const escaped = (value: string): string =>
  value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");

const labelled = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
};

export const openMetrics = (): Metrics => {
  const counters = new Map<CounterName, Map<string, number>>();
  return {
    count: (name, labels, by = 1) => {
      const series = counters.get(name) ?? new Map<string, number>();
      counters.set(name, series);
      const key = labelled(labels);
      series.set(key, (series.get(key) ?? 0) + by);
    },
    text: () => {
      const lines = Object.entries(HELP).flatMap(([name, help]) => {
        const series = counters.get(name as CounterName) ?? new Map([["", 0]]);
        const values = [...series].map(([labels, value]) => `${name}${labels} ${value}`);
        return [`# HELP ${name} ${help}`, `# TYPE ${name} counter`, ...values];
      });
      return `${lines.join("\n")}\n`;
    },
  };
};

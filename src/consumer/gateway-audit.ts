import { rfc3339 } from "../formats/rfc3339.ts";
import type { GatewayEvent } from "./gateway-state.ts";
import { type SarifFinding, sarifDocument } from "./sarif.ts";

export const AUDIT_FORMATS = ["json", "csv", "sarif"] as const;
export type AuditFormat = (typeof AUDIT_FORMATS)[number];

/** The audit trail as one document. */
export const formatAudit = (format: AuditFormat, events: readonly GatewayEvent[]): string => {
  switch (format) {
    case "json":
      return JSON.stringify({ version: 1, events: events.map(dated) }, null, 2);
    case "csv":
      return csv(events);
    case "sarif":
      return sarifDocument("wheelseal gateway", findings(events));
    default:
      return format satisfies never;
  }
};

const dated = (event: GatewayEvent) => ({ ...event, at: rfc3339(event.at) });

const COLUMNS = ["at", "kind", "code", "project", "filename", "sha256", "message"] as const;

/** RFC 4180; a cell that a spreadsheet would take for a formula is made text. */
const cell = (value: string): string => {
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

const csv = (events: readonly GatewayEvent[]): string => {
  const lines = [COLUMNS.join(",")];
  for (const event of events) {
    const row = dated(event);
    lines.push(COLUMNS.map((column) => cell(row[column] ?? "")).join(","));
  }
  return lines.join("\r\n");
};

/** One result for each refusal and alarm; what was accepted is no finding. */
const findings = (events: readonly GatewayEvent[]): SarifFinding[] =>
  events.flatMap(({ kind, code, message, filename, project, sha256, at }) =>
    kind === "accepted" || code === undefined
      ? []
      : [
          {
            ...{ code, message, project, sha256 },
            level: kind === "alarm" ? ("error" as const) : ("warning" as const),
            uri: encodeURI(filename),
            properties: { at: rfc3339(at) },
          },
        ],
  );

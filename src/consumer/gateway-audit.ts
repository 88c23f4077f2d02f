import { HINTS } from "../formats/errors.ts";
import { rfc3339 } from "../formats/rfc3339.ts";
import type { GatewayEvent } from "./gateway-state.ts";

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
      return JSON.stringify(sarif(events), null, 2);
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

/** SARIF 2.1.0: one result for each refusal and alarm; what was accepted is no finding. */
const sarif = (events: readonly GatewayEvent[]) => {
  const found = events.flatMap((event) =>
    event.kind === "accepted" || event.code === undefined ? [] : [{ ...event, code: event.code }],
  );
  const codes = [...new Set(found.map(({ code }) => code))].sort();
  const rules = codes.map((id) => ({ id, help: { text: HINTS[id] } }));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "wheelseal gateway", rules } },
        results: found.map((event) => ({
          ruleId: event.code,
          ruleIndex: codes.indexOf(event.code),
          level: event.kind === "alarm" ? "error" : "warning",
          message: { text: event.message },
          locations: [
            {
              physicalLocation: { artifactLocation: { uri: encodeURI(event.filename) } },
              logicalLocations: [{ fullyQualifiedName: event.project, kind: "module" }],
            },
          ],
          partialFingerprints: { "file/sha256": event.sha256 },
          properties: { at: rfc3339(event.at) },
        })),
      },
    ],
  };
};

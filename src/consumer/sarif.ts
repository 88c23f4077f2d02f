import { type Code, HINTS } from "../formats/errors.ts";

/** One thing to look at. */
export type SarifFinding = {
  readonly code: Code;
  readonly level: "error" | "warning" | "note";
  readonly message: string;
  /** What the finding is shown at, as a relative URI. */
  readonly uri: string;
  readonly project: string;
  /** Lower-case hex of the file that it is about, where it is about one. */
  readonly sha256?: string;
  readonly properties?: Readonly<Record<string, string>>;
};

/** A SARIF 2.1.0 document; the hints of the codes are its rules' help. */
export const sarifDocument = (tool: string, findings: readonly SarifFinding[]): string => {
  const codes = [...new Set(findings.map(({ code }) => code))].sort();
  const rules = codes.map((id) => ({ id, help: { text: HINTS[id] } }));
  const document = {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: tool, rules } },
        results: findings.map(({ code, level, message, uri, project, sha256, properties }) => ({
          ruleId: code,
          ruleIndex: codes.indexOf(code),
          level,
          message: { text: message },
          locations: [
            {
              physicalLocation: { artifactLocation: { uri } },
              logicalLocations: [{ fullyQualifiedName: project, kind: "module" }],
            },
          ],
          ...(sha256 === undefined ? {} : { partialFingerprints: { "file/sha256": sha256 } }),
          ...(properties === undefined ? {} : { properties }),
        })),
      },
    ],
  };
  return JSON.stringify(document, null, 2);
};

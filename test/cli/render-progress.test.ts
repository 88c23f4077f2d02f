import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { progressFor } from "../../src/cli/render-progress.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { failure } from "../../src/formats/result.ts";
import { STAGES, type StageEvent } from "../../src/stages/events.ts";

const AT = 1_800_000_000_000;

const EVENTS: readonly StageEvent[] = [
  { kind: "started", stage: "build", at: AT },
  { kind: "output", stage: "build", at: AT + 100, text: "one\ntwo\u001b[31m\n" },
  { kind: "finished", stage: "build", at: AT + 1500, summary: "greeter 1.0.0" },
  { kind: "started", stage: "publish-signatures", at: AT + 2000 },
  { kind: "progress", stage: "publish-signatures", at: AT + 2100, message: "a.sig: uploaded\r" },
  {
    kind: "failed",
    stage: "publish-signatures",
    at: AT + 4000,
    failure: failure("UPLOAD_READBACK", "other bytes"),
  },
];

const shown = (terminal: Partial<Terminal> = {}): string[] => {
  const lines: string[] = [];
  const progress = progressFor(
    {
      ...{ out: () => assert.fail("progress goes to stderr"), err: (text) => lines.push(text) },
      ...{ env: {}, cwd: "/", live: false, colour: false, columns: 80 },
      ...terminal,
    },
    STAGES,
  );
  for (const event of EVENTS) progress.report(event);
  progress.close();
  return lines;
};

const PLAIN = [
  "Build …",
  "  | one\n  | two\\u{1b}[31m",
  "✓ Build: greeter 1.0.0 (1.5 s)",
  "Publish signatures …",
  "  a.sig: uploaded\\u{d}",
  "✗ Publish signatures: UPLOAD_READBACK (2.0 s)",
];

test("plain lines: no escape of ours, and none of what programs print", () => {
  assert.deepEqual(shown(), PLAIN);
});

test("colours where the terminal has them", () => {
  const lines = shown({ colour: true });
  assert.equal(lines[0], "\u001b[1mBuild\u001b[0m …");
  assert.equal(lines[2], "\u001b[32m✓\u001b[0m Build: greeter 1.0.0 (1.5 s)");
});

test("GitLab's sections surround each stage, and fold", () => {
  const start = (name: string, at: number, title: string) =>
    `\u001b[0Ksection_start:${at}:wheelseal_${name}[collapsed=true]\r\u001b[0K${title}`;
  const end = (name: string, at: number) =>
    `\u001b[0Ksection_end:${at}:wheelseal_${name}\r\u001b[0K`;
  const lines = shown({ env: { GITLAB_CI: "true" } });
  const markers = lines.filter((line) => line.includes("section_"));
  assert.deepEqual(markers, [
    start("build", 1_800_000_000, "Build"),
    end("build", 1_800_000_001),
    start("publish_signatures", 1_800_000_002, "Publish signatures"),
    end("publish_signatures", 1_800_000_004),
  ]);
  const rest = lines.filter((line) => !line.includes("section_"));
  assert.deepEqual(
    rest.filter((line) => /^[✓✗]/.test(line)),
    [PLAIN[2], PLAIN[5]],
  );
});

/** Runs a program on a terminal of its own, as wide as `columns`, and gives what it wrote there. */
const PTY = `
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(2, termios.TIOCSWINSZ, struct.pack("HHHH", 40, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
out = b""
while True:
    try:
        part = os.read(fd, 65536)
    except OSError:
        break
    if not part:
        break
    out += part
os.waitpid(pid, 0)
sys.stdout.buffer.write(out)
`;

const onTerminal = (columns: number, env: Readonly<Record<string, string>> = {}): string => {
  const script = fileURLToPath(new URL("live-progress.ts", import.meta.url));
  const args = ["-c", PTY, String(columns), process.execPath];
  return execFileSync("python3", [...args, "--disable-warning=ExperimentalWarning", script], {
    encoding: "utf8",
    env: { PATH: process.env.PATH, TERM: "xterm", ...env },
    timeout: 20_000,
  });
};

const pty = spawnSync("python3", ["-c", "import pty"]).status === 0;
const skip = pty ? false : "no Python with pty";

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminals are driven by them.
const ESCAPES = /\u001b\[[0-9;?]*[A-Za-z]/g;
test("a live list on a terminal: drawn again and again, one line a stage", { skip }, () => {
  const written = onTerminal(100);
  assert.match(written, /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
  assert.ok(written.includes("\u001b[32m✓"));
  const text = written.replace(ESCAPES, "");
  assert.match(text, /✗ Sign +1\.0 s +TOKEN_EXPIRED/);
  assert.match(text, /^ +\| the compiler says no/m, "output is shown where a stage failed");
  assert.ok(written.lastIndexOf("\u001b[?25h") >= written.lastIndexOf("\u001b[?25l"), "cursor");
});

test("a narrow terminal: no line is longer than it is wide", { skip }, () => {
  for (const line of onTerminal(50).replace(ESCAPES, "").split(/\r?\n/)) {
    assert.ok(line.length <= 50, `${line.length} characters: ${line}`);
  }
});

test("NO_COLOR: the list is live, and has no colours", { skip }, () => {
  const written = onTerminal(100, { NO_COLOR: "1" });
  assert.match(written, /[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
  assert.ok(["1", "2", "31", "32", "36"].every((code) => !written.includes(`\u001b[${code}m`)));
});

test("CI or a dumb terminal: plain lines", { skip }, () => {
  for (const env of [{ CI: "true" }, { TERM: "dumb" }]) {
    const written = onTerminal(100, env as Record<string, string>);
    assert.match(written, /^Build …\r\n/);
    assert.ok(!written.includes("\u001b"));
  }
});

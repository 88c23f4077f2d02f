import assert from "node:assert/strict";
import { test } from "node:test";
import { editProject, type MetadataSettings, parseToml } from "../../src/clients/toml.ts";
import { unwrap } from "../../src/formats/result.ts";

const SETTINGS = { name: "new-name", version: "2.0.0", homepage: "https://new.example/x" };

const cases: readonly {
  what: string;
  from: string;
  settings?: MetadataSettings;
  to: string;
  changed?: readonly string[];
}[] = [
  {
    what: "only the values change: comments, spacing, authors and other tables stay",
    from: `# top
[project]
name    = 'old'   # the name
version = "1.0"
authors = [{ name = "A", email = "a@b.c" }]

[project.urls]
"Homepage" = "https://old.example"
Source = "https://src.example"

[tool.mypy]
python_version = "3.10"   # stays
`,
    to: `# top
[project]
name    = 'new-name'   # the name
version = "2.0.0"
authors = [{ name = "A", email = "a@b.c" }]

[project.urls]
"Homepage" = "https://new.example/x"
Source = "https://src.example"

[tool.mypy]
python_version = "3.10"   # stays
`,
    changed: ["project.name", "project.version", "project.urls.Homepage"],
  },
  {
    what: "a dynamic version becomes static",
    from: `[project]\nname = "n"\ndynamic = ["version"]\n`,
    settings: { version: "2.0" },
    to: `[project]\nname = "n"\nversion = "2.0"\n`,
    changed: ["project.version"],
  },
  {
    what: "other dynamic fields stay",
    from: `[project]\nname = "n"\ndynamic = ["version", "readme"]\n`,
    settings: { version: "2.0" },
    to: `[project]\nname = "n"\ndynamic = ["readme"]\nversion = "2.0"\n`,
    changed: ["project.version"],
  },
  {
    what: "a homepage is found under another spelling of the label",
    from: `[project]\nname = "n"\nurls = { "Home Page" = "https://old.example" }\n`,
    settings: { homepage: "https://new.example" },
    to: `[project]\nname = "n"\nurls = { "Home Page" = "https://new.example" }\n`,
    changed: ["project.urls.Home Page"],
  },
  {
    what: "nothing to change leaves the text alone",
    from: `[project]\nname =   "n"\n`,
    settings: { name: "n" },
    to: `[project]\nname =   "n"\n`,
    changed: [],
  },
  {
    what: "Poetry's older table",
    from: `[tool.poetry]\nname = "old"\nversion = "1"\nhomepage = "https://old.example"\n`,
    to: `[tool.poetry]\nname = "new-name"\nversion = "2.0.0"\nhomepage = "https://new.example/x"\n`,
    changed: ["tool.poetry.name", "tool.poetry.version", "tool.poetry.homepage"],
  },
];

for (const { what, from, settings = SETTINGS, to, changed = [] } of cases) {
  test(what, () => {
    const edited = unwrap(editProject(from, settings));
    assert.equal(edited.text, to);
    assert.deepEqual(Object.keys(edited.changed), changed);
  });
}

test("a homepage is added where there is none", () => {
  const edited = unwrap(editProject(`[project]\nname = "n"\n`, { homepage: "https://x.example" }));
  const { project } = unwrap(parseToml(edited.text, "x")) as { project: { urls: object } };
  assert.deepEqual({ ...project.urls }, { Homepage: "https://x.example" });
});

test("a value cannot break out of its string", () => {
  const name = 'x"\nevil = "1';
  const edited = unwrap(editProject(`[project]\nname = "n"\n`, { name }));
  const { project } = unwrap(parseToml(edited.text, "x")) as { project: { name: string } };
  assert.deepEqual({ ...project }, { name });
});

test("a document that does not parse is FORMAT_TOML and names the place", () => {
  const edited = editProject(`[project]\nname = \n`, SETTINGS);
  assert.equal(edited.ok ? "" : edited.error.code, "FORMAT_TOML");
  assert.match(edited.ok ? "" : edited.error.message, /pyproject\.toml/);
});

test("without a metadata table nothing can be set", () => {
  const edited = editProject(`[build-system]\nrequires = []\n`, SETTINGS);
  assert.equal(edited.ok ? "" : edited.error.code, "CONFIG");
});

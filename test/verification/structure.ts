/** A JSON value that tests take apart. */
export type Tree = null | boolean | number | string | Tree[] | { [name: string]: Tree };

const isParent = (tree: Tree): tree is Tree[] | { [name: string]: Tree } =>
  typeof tree === "object" && tree !== null;

export type Path = readonly string[];

/** The paths of all values below `tree`, depth first. */
export const pathsOf = (tree: Tree, above: Path = []): Path[] =>
  isParent(tree)
    ? Object.entries(tree).flatMap(([name, child]) => [
        [...above, name],
        ...pathsOf(child, [...above, name]),
      ])
    : [];

export const at = (tree: Tree, path: Path): Tree | undefined =>
  path.reduce<Tree | undefined>(
    (value, name) =>
      value !== undefined && isParent(value)
        ? (value as { [name: string]: Tree })[name]
        : undefined,
    tree,
  );

/** A copy with the value at `path` replaced, or removed where `value` is `undefined`. */
export const put = (tree: Tree, path: Path, value: Tree | undefined): Tree => {
  const copy = structuredClone(tree);
  const parent = at(copy, path.slice(0, -1));
  const name = path.at(-1);
  if (parent === undefined || !isParent(parent) || name === undefined) return copy;
  if (value !== undefined) (parent as { [name: string]: Tree })[name] = structuredClone(value);
  else if (Array.isArray(parent)) parent.splice(Number(name), 1);
  else delete parent[name];
  return copy;
};

/** One change of the structure: what was done, and the JSON that came of it. */
export type Mutant = { readonly name: string; readonly tree: Tree };

const ODD: readonly Tree[] = [null, true, 0, -1, 1e300, "", "AAAA", [], {}];

/** Every value removed, made odd, listed twice, or taken from `other` where that has it. */
export const mutantsOf = (tree: Tree, other: Tree): Mutant[] =>
  pathsOf(tree).flatMap((path) => {
    const place = path.join(".");
    const own = at(tree, path) as Tree;
    const foreign = at(other, path);
    const made: Mutant[] = [{ name: `${place} removed`, tree: put(tree, path, undefined) }];
    for (const odd of ODD) {
      made.push({ name: `${place} is ${JSON.stringify(odd)}`, tree: put(tree, path, odd) });
    }
    if (Array.isArray(own)) {
      made.push({ name: `${place} twice`, tree: put(tree, path, [...own, ...own]) });
      if (Array.isArray(foreign)) {
        made.push({ name: `${place} of both`, tree: put(tree, path, [...own, ...foreign]) });
        made.push({
          name: `${place} of both, other first`,
          tree: put(tree, path, [...foreign, ...own]),
        });
      }
    }
    if (foreign !== undefined && JSON.stringify(foreign) !== JSON.stringify(own)) {
      made.push({ name: `${place} of another`, tree: put(tree, path, foreign) });
    }
    const text = JSON.stringify(tree);
    return made.filter((mutant) => JSON.stringify(mutant.tree) !== text);
  });

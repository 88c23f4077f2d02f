type ModuleInfo = { readonly importedIds: readonly string[] };
type Context = { getModuleInfo(id: string): ModuleInfo | null };

/** What a module imports at once, all the way down; not what is imported when it is needed. */
const closure = (root: string, context: Context): Set<string> => {
  const found = new Set<string>();
  const visit = (id: string): void => {
    if (found.has(id)) return;
    found.add(id);
    for (const imported of context.getModuleInfo(id)?.importedIds ?? []) visit(imported);
  };
  visit(root);
  return found;
};

/**
 * A group of the bundle: a module and all that it needs, in one file. Finding and opening thirty
 * small files takes longer than to verify.
 *
 * @param root - absolute path of the module
 */
export const together = (name: string, root: string) => {
  let members: Set<string> | undefined;
  return {
    name: (id: string, context: Context): string | null => {
      members ??= closure(root, context);
      return members.has(id) ? name : null;
    },
    debugName: name,
  };
};

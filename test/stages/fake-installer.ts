import type { EmptyEnvironment, Installer, InstallRequest } from "../../src/clients/installer.ts";
import { ok } from "../../src/formats/result.ts";

/** An installer that tells what it was asked for, and counts the environments that are left. */
export const fakeInstaller = (told: (request: InstallRequest) => void) => {
  let left = 0;
  const environment: EmptyEnvironment = {
    install: async (request) => {
      told(request);
      return ok({ version: "1.0.0", imported: ["greeter"], skipped: [], python: "3.12.0" });
    },
    discard: async () => {
      left -= 1;
    },
  };
  const prepareWith = (more: Partial<EmptyEnvironment> = {}): Installer["prepare"] => {
    return async () => {
      left += 1;
      return ok({ ...environment, ...more });
    };
  };
  return { left: () => left, prepareWith };
};

/** What is used of Node, which Obsidian has on a desktop. */

declare module "node:child_process" {
  interface Child {
    stderr: {
      setEncoding(encoding: "utf8"): void;
      on(event: "data", act: (text: string) => void): void;
      destroy(): void;
    };
    on(event: "error", act: (error: Error) => void): void;
    on(event: "exit", act: (code: number | null) => void): void;
    unref(): void;
  }
  interface Options {
    cwd: string;
    shell: false;
    windowsHide: true;
  }
  export function spawn(
    file: string,
    words: string[],
    options: Options & { detached: true; stdio: ["ignore", "ignore", "pipe"] },
  ): Child;
  export function execFile(
    file: string,
    words: string[],
    options: Options & { timeout: number },
    done: (error: Error | null, stdout: string, stderr: string) => void,
  ): void;
}

declare module "node:crypto" {
  interface Hash {
    update(text: string): Hash;
    digest(encoding: "hex"): string;
  }
  export function createHash(name: "sha256"): Hash;
}

declare module "node:fs/promises" {
  export const constants: { X_OK: number };
  export function access(path: string, mode: number): Promise<void>;
  export function readFile(path: string, encoding: "utf8"): Promise<string>;
  export function realpath(path: string): Promise<string>;
  export function stat(path: string): Promise<{ isFile(): boolean }>;
}

declare module "node:os" {
  export function homedir(): string;
}

declare module "node:path" {
  export const delimiter: string;
  export const sep: string;
  export function basename(path: string): string;
  export function isAbsolute(path: string): boolean;
  export function join(...parts: string[]): string;
}

declare module "node:process" {
  export const env: Record<string, string | undefined>;
  export function kill(pid: number, signal: 0): true;
}

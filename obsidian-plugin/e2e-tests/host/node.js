/** Node's modules in a window of Obsidian on a desktop; the test's process does the work. */

/** A program that runs; what it says is known once it ends. */
class Child {
  #listeners = { data: [], error: [], exit: [] };
  stderr = { setEncoding() {}, on: (name, act) => this.on(name, act), destroy() {} };

  constructor(file, words, options) {
    void window.hostSpawn(file, words, options).then(({ error, code, said }) => {
      this.#tell("data", said);
      if (error) this.#tell("error", new Error(error));
      else this.#tell("exit", code);
    });
  }

  on(name, act) {
    this.#listeners[name].push(act);
  }

  unref() {}

  #tell(name, value) {
    for (const act of this.#listeners[name]) act(value);
  }
}

export const NODE = {
  "node:child_process": {
    spawn: (file, words, options) => new Child(file, words, options),
    execFile: (file, words, options, done) =>
      void window.hostExecFile(file, words, options).then(({ error, stdout, stderr }) =>
        done(error ? new Error(error) : null, stdout, stderr),
      ),
  },
  // of the vault's folder alone: a window has no hash that answers at once
  "node:crypto": { createHash: () => ({ update: () => ({ digest: () => window.hostNode.digest }) }) },
  "node:fs/promises": {
    constants: { X_OK: 1 },
    readFile: (path) => window.hostReadFile(path),
    access: (path, mode) => window.hostAccess(path, mode),
    realpath: (path) => window.hostRealpath(path),
    stat: async (path) => {
      const isFile = await window.hostIsFile(path);
      return { isFile: () => isFile };
    },
  },
  "node:os": { homedir: () => window.hostNode.home },
  "node:path": {
    basename: (path) => path.slice(path.lastIndexOf("/") + 1),
    delimiter: ":",
    sep: "/",
    isAbsolute: (path) => path.startsWith("/"),
    join: (...parts) => parts.join("/").replace(/\/+/g, "/"),
  },
  "node:process": {
    kill() {},
    get env() {
      return { COMPANION_HOME: window.hostNode.home };
    },
  },
};

/** The vault, on the real folder: functions that the test process exposes read and write it. */

import { TFile, Vault as MemoryVault } from "obsidian-test-mocks/obsidian";

/** The vault is a folder on this computer. */
export class FileSystemAdapter {}

export class Vault extends MemoryVault {
  #turn = Promise.resolve();

  constructor(name) {
    super(Object.assign(new FileSystemAdapter(), {
      getName: () => name,
      getBasePath: () => window.hostNode.root,
      read: (path) => window.hostRead(path),
      readBinary: async (path) => new TextEncoder().encode(await window.hostRead(path)).buffer,
      write: (path, text) => window.hostWrite(path, text, null),
      rename: (from, to) => window.hostRename(from, to),
      list: async (path) => ({ files: await window.hostListFolder(path), folders: [] }),
    }));
    this.name = name;
  }

  /** Look over the folder. */
  async load() {
    for (const path of (await window.hostList()).sort()) this.#add(path);
    this.getRoot().children.sort(byKind);
  }

  /** Somebody wrote the file, this vault or another program. */
  async changed(path) {
    const isThere = (await window.hostList()).includes(path);
    const file = this.getFileByPath(path);
    if (isThere) this.trigger(file ? "modify" : "create", file ?? this.#add(path));
    else if (file) {
      this.deleteVaultAbstractFile__(path);
      this.trigger("delete", file);
    }
  }

  getName() {
    return this.name;
  }

  /** Without a byte order mark: decoding a file drops it. */
  async read(file) {
    return (await window.hostRead(file.path)).replace(/^\uFEFF/, "");
  }

  modify(file, text) {
    return this.inTurn(() => super.modify(file, text));
  }

  process(file, edit) {
    return this.inTurn(async () => {
      for (;;) {
        const whole = await window.hostRead(file.path);
        const text = whole.replace(/^\uFEFF/, "");
        const edited = edit(text);
        if (edited === text) return edited;
        if (await window.hostWrite(file.path, edited, whole)) {
          this.trigger("modify", file);
          return edited;
        }
      }
    });
  }

  /** The file stays the same object, under another path. */
  rename(file, path) {
    return this.inTurn(() => {
      this.#addFolder(path);
      return super.rename(file, path);
    });
  }

  /** Run one after the other: Obsidian queues the writes of a file, too. */
  inTurn(act) {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => {});
    return done;
  }

  #add(path) {
    this.#addFolder(path);
    const file = new TFile(this, path);
    this.setVaultAbstractFile__(path, file);
    return file;
  }

  #addFolder(path) {
    if (path.includes("/")) this.registerFolderTree(path.slice(0, path.lastIndexOf("/")));
  }
}

function byKind(one, other) {
  const order = Number(one instanceof TFile) - Number(other instanceof TFile);
  return order || one.name.localeCompare(other.name);
}

/** The vault, on the real folder: functions that the test process exposes read and write it. */

import { Events } from "./component.js";

/** The vault is a folder on this computer. */
export class FileSystemAdapter {}

export class TAbstractFile {
  constructor(vault, path, parent) {
    this.vault = vault;
    this.path = path;
    this.name = path.split("/").pop() || "";
    this.parent = parent;
  }
}

export class TFile extends TAbstractFile {
  get extension() {
    return this.name.includes(".") ? this.name.slice(this.name.lastIndexOf(".") + 1) : "";
  }

  get basename() {
    return this.extension ? this.name.slice(0, -this.extension.length - 1) : this.name;
  }
}

export class TFolder extends TAbstractFile {
  children = [];

  isRoot() {
    return this.path === "/";
  }
}

export class Vault extends Events {
  configDir = ".obsidian";
  #files = new Map();
  #root = new TFolder(this, "/", null);
  #turn = Promise.resolve();

  constructor(name) {
    super();
    this.name = name;
    this.adapter = Object.assign(new FileSystemAdapter(), {
      getName: () => name,
      getBasePath: () => window.hostNode.root,
      read: (path) => window.hostRead(path),
      list: async (path) => ({ files: await window.hostListFolder(path), folders: [] }),
    });
  }

  /** Look over the folder. */
  async load() {
    for (const path of (await window.hostList()).sort()) this.#add(path);
    this.#root.children.sort(byKind);
  }

  /** Somebody wrote the file, this vault or another program. */
  async changed(path) {
    const isThere = (await window.hostList()).includes(path);
    const known = this.#files.get(path);
    if (!isThere && known) {
      this.#files.delete(path);
      known.parent.children = known.parent.children.filter((child) => child !== known);
      this.trigger("delete", known);
    } else if (isThere) {
      const file = known ?? this.#add(path);
      this.trigger(known ? "modify" : "create", file);
    }
  }

  getName() {
    return this.name;
  }

  getRoot() {
    return this.#root;
  }

  getAbstractFileByPath(path) {
    return path === "/" ? this.#root : (this.#files.get(path) ?? null);
  }

  getFileByPath(path) {
    const found = this.getAbstractFileByPath(path);
    return found instanceof TFile ? found : null;
  }

  getFolderByPath(path) {
    const found = this.getAbstractFileByPath(path);
    return found instanceof TFolder ? found : null;
  }

  /** Without a byte order mark: decoding a file drops it. */
  async read(file) {
    return (await window.hostRead(file.path)).replace(/^\uFEFF/, "");
  }

  async readBinary(file) {
    return new TextEncoder().encode(await window.hostRead(file.path)).buffer;
  }

  modify(file, text) {
    return this.inTurn(async () => {
      await window.hostWrite(file.path, text, null);
      this.trigger("modify", file);
    });
  }

  async create(path, text) {
    await window.hostWrite(path, text, null);
    await this.changed(path);
    return this.getFileByPath(path);
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
    return this.inTurn(async () => {
      const old = file.path;
      await window.hostRename(old, path);
      this.#files.delete(old);
      file.parent.children = file.parent.children.filter((child) => child !== file);
      file.path = path;
      file.name = path.split("/").pop();
      file.parent = this.#folder(path.split("/").slice(0, -1).join("/"));
      file.parent.children.push(file);
      this.#files.set(path, file);
      this.trigger("rename", file, old);
    });
  }

  /** Run one after the other: Obsidian queues the writes of a file, too. */
  inTurn(act) {
    const done = this.#turn.then(act);
    this.#turn = done.catch(() => {});
    return done;
  }

  #add(path) {
    const parent = this.#folder(path.split("/").slice(0, -1).join("/"));
    const file = new TFile(this, path, parent);
    this.#files.set(path, file);
    parent.children.push(file);
    return file;
  }

  #folder(path) {
    if (!path) return this.#root;
    const known = this.#files.get(path);
    if (known) return known;
    const parent = this.#folder(path.split("/").slice(0, -1).join("/"));
    const folder = new TFolder(this, path, parent);
    this.#files.set(path, folder);
    parent.children.push(folder);
    return folder;
  }
}

function byKind(one, other) {
  const order = Number(one instanceof TFile) - Number(other instanceof TFile);
  return order || one.name.localeCompare(other.name);
}

/** What a plugin adds to the window, and the list of files. */

import { Plugin as MockPlugin, TFolder } from "obsidian-test-mocks/obsidian";
import { icon } from "./icons.js";

export class Plugin extends MockPlugin {
  constructor(app, manifest) {
    super(app, manifest);
    app.plugin = this;
  }

  /** Resolves once it has begun. */
  load() {
    this.loaded__ = true;
    return this.onload();
  }

  registerInterval(id) {
    this.register(() => window.clearInterval(id));
    return id;
  }

  addRibbonIcon(name, title, callback) {
    const element = document.querySelector(".side-dock-actions").createDiv({
      cls: "clickable-icon side-dock-ribbon-action",
      attr: { "aria-label": title, role: "button", tabindex: "0" },
    });
    element.append(icon(name));
    element.addEventListener("click", callback);
    this.register(() => element.remove());
    return element;
  }

  addStatusBarItem() {
    const element = createDiv({ cls: `status-bar-item plugin-${this.manifest.id}` });
    document.querySelector(".status-bar").prepend(element);
    this.register(() => element.remove());
    return element;
  }

  async loadData() {
    const text = await window.hostRead(this.#dataPath);
    return text ? JSON.parse(text) : null;
  }

  async saveData(data) {
    await window.hostWrite(this.#dataPath, JSON.stringify(data, null, 2), null);
  }

  get #dataPath() {
    return `.obsidian/plugins/${this.manifest.id}/data.json`;
  }
}

/** The tree of files, with its menus. */
export function drawExplorer(app, parent) {
  parent.empty();
  parent.createDiv({ cls: "nav-vault", text: app.vault.getName() });
  drawFolder(app, app.vault.getRoot(), parent.createDiv({ cls: "nav-files-container" }));
}

function drawFolder(app, folder, parent) {
  for (const child of folder.children) {
    const isFolder = child instanceof TFolder;
    const kind = isFolder ? "folder" : "file";
    const item = parent.createDiv({ cls: `nav-${kind}` });
    const title = item.createDiv({ cls: `nav-${kind}-title`, attr: { "data-path": child.path } });
    if (isFolder) title.append(icon("chevron-right"));
    title.appendText(isFolder ? child.name : child.basename);
    if (isFolder) drawFolder(app, child, item.createDiv({ cls: "nav-folder-children" }));
  }
}

/** Notices and menus. */

import { setIcon } from "./icons.js";

export class Notice {
  constructor(message, duration = 5000) {
    this.containerEl = document.querySelector(".notice-container");
    this.noticeEl = this.containerEl.createDiv({ cls: "notice", attr: { role: "alert" } });
    this.messageEl = this.noticeEl.createDiv({ cls: "notice-message" });
    this.setMessage(message);
    this.noticeEl.addEventListener("click", () => this.hide());
    if (duration) window.setTimeout(() => this.hide(), duration);
  }

  setMessage(message) {
    this.messageEl.setText(message);
    window.host.notices.push(this.messageEl.textContent);
    return this;
  }

  hide() {
    this.noticeEl.remove();
  }
}

export class MenuItem {
  constructor(menu) {
    this.dom = menu.dom.createDiv({ cls: "menu-item", attr: { role: "menuitem" } });
    this.iconEl = this.dom.createDiv({ cls: "menu-item-icon" });
    this.titleEl = this.dom.createDiv({ cls: "menu-item-title" });
  }

  setTitle(title) {
    this.titleEl.setText(title);
    return this;
  }

  setIcon(name) {
    if (name) setIcon(this.iconEl, name);
    return this;
  }

  setSection() {
    return this;
  }

  onClick(callback) {
    this.dom.addEventListener("click", callback);
    return this;
  }
}

/** Nobody sees it here: its items are clicked on as it is filled. */
export class Menu {
  dom = createDiv({ cls: "menu", attr: { role: "menu" } });

  addItem(fill) {
    fill(new MenuItem(this));
    return this;
  }
}

/** Notices and menus. */

import { Component } from "obsidian-test-mocks/obsidian";
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
    this.menu = menu;
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
    this.dom.addEventListener("click", (event) => {
      this.menu.hide();
      callback(event);
    });
    return this;
  }
}

export class Menu extends Component {
  dom = createDiv({ cls: "menu", attr: { role: "menu" } });

  addItem(fill) {
    fill(new MenuItem(this));
    return this;
  }

  showAtMouseEvent(event) {
    return this.showAtPosition({ x: event.clientX, y: event.clientY });
  }

  showAtPosition({ x, y }) {
    document.querySelectorAll(".menu").forEach((menu) => menu.remove());
    document.body.append(this.dom);
    this.dom.setCssStyles({
      left: `${Math.min(x, window.innerWidth - this.dom.offsetWidth - 8)}px`,
      top: `${Math.min(y, window.innerHeight - this.dom.offsetHeight - 8)}px`,
    });
    return this;
  }

  hide() {
    this.dom.remove();
    return this;
  }
}

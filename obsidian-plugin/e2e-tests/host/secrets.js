/** Obsidian's secret storage: kept by the window, not by the vault. */

import { Events } from "obsidian-test-mocks/obsidian";

const PREFIX = "secret:";

export class SecretStorage extends Events {
  setSecret(id, secret) {
    if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(id)) throw new Error(`not the form of an id: ${id}`);
    localStorage.setItem(PREFIX + id, secret);
    this.trigger("change", id);
  }

  getSecret(id) {
    return localStorage.getItem(PREFIX + id);
  }
}

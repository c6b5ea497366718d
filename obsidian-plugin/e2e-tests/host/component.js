/** Events and lifetimes, as Obsidian has them. */

export class Events {
  /** @type {{name: string, callback: Function, context: any}[]} */
  #listeners = [];

  on(name, callback, context) {
    const listener = { name, callback, context, owner: this };
    this.#listeners.push(listener);
    return listener;
  }

  off(name, callback) {
    this.#listeners = this.#listeners.filter(
      (one) => one.name !== name || one.callback !== callback,
    );
  }

  offref(listener) {
    this.#listeners = this.#listeners.filter((one) => one !== listener);
  }

  trigger(name, ...values) {
    for (const one of [...this.#listeners]) {
      if (one.name === name) one.callback.apply(one.context, values);
    }
  }
}

export class Component {
  #cleanups = [];
  #children = [];

  async load() {
    await this.onload();
    for (const child of this.#children) child.load();
  }

  onload() {}

  unload() {
    for (const child of this.#children.splice(0)) child.unload();
    for (const cleanup of this.#cleanups.splice(0)) cleanup();
    this.onunload();
  }

  onunload() {}

  addChild(child) {
    this.#children.push(child);
    child.load();
    return child;
  }

  removeChild(child) {
    this.#children = this.#children.filter((one) => one !== child);
    child.unload();
    return child;
  }

  register(cleanup) {
    this.#cleanups.push(cleanup);
  }

  registerEvent(listener) {
    this.register(() => listener.owner.offref(listener));
  }

  registerDomEvent(target, type, callback, options) {
    target.addEventListener(type, callback, options);
    this.register(() => target.removeEventListener(type, callback, options));
  }

  registerInterval(id) {
    this.register(() => window.clearInterval(id));
    return id;
  }
}

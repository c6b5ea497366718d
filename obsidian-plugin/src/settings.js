/** The settings tab: the daemon's settings, changed over its API, and the plugin's own in data.json (the token is not among them). */

import { PluginSettingTab } from "obsidian";
import { SECRET } from "./connection.js";
import { ask, notify, notifyOfErrors } from "./dialogs.js";
import { ApiError } from "./errors.js";
import { agreeTo, readAgreed } from "./program.js";
import { requireDaemon } from "./set-up.js";
import { sentence, showHidden } from "./words.js";

/** @import { Setting, SettingDefinition, SettingDefinitionGroup, SettingDefinitionItem } from "obsidian" */
/** @import { SettingsChange, SettingsShape } from "./api-types.d.ts" */
/** @import CompanionPlugin from "./main.js" */

/**
 * address: where the daemon listens, where its files cannot be read.
 *
 * @typedef {{ address: string }} Settings
 */

/** @typedef {{ [name: string]: string[] }} Lists */

/**
 * A change: what is left out stays as it is.
 *
 * @typedef {Partial<Omit<SettingsChange, "private" | "ignored">
 *   & { private: Partial<SettingsChange["private"]>, ignored: Partial<SettingsChange["ignored"]> }>} Change
 */

const ADDRESS = /^http:\/\/(?:127\.0\.0\.1|localhost):([1-9]\d{0,4})$/;
const LAST_PORT = 65_535;
const USUAL = "http://127.0.0.1:27182";
const MODES = { write: "Write at once", propose: "Propose first", off: "Leave alone" };
const FOLDER_MODES = { write: "Write at once", propose: "Propose first", off: "As elsewhere" };

/** Return the settings in the loaded data, with defaults for what is missing or malformed. @type {(data: unknown) => Settings} */
export function readSettings(data) {
  const { address } = /** @type {{ address?: unknown }} */ (typeof data === "object" ? { ...data } : {});
  return { address: typeof address === "string" && !findAddressFault(address) ? address : USUAL };
}

/**
 * Return what is wrong with an address, empty if nothing is. The token is sent there, so that it has
 * to be this computer.
 *
 * @param {string} address
 */
function findAddressFault(address) {
  const [, port] = ADDRESS.exec(address) ?? [];
  return port && Number(port) <= LAST_PORT ? "" : `Use http://127.0.0.1 and a port up to ${LAST_PORT}, as in ${USUAL}.`;
}

/**
 * Change the daemon's settings. What takes something out of what is private or left alone is asked about first.
 *
 * @type {(plugin: CompanionPlugin, change: Change) => Promise<void>}
 */
export async function changeSettings(plugin, change) {
  const { connection, tab } = plugin;
  try {
    /** @type {SettingsShape} */
    const now = await connection.post("/settings", change);
    tab?.take(now);
  } catch (error) {
    tab?.redraw(); // as it was
    if (!(error instanceof ApiError) || error.code !== "takes-out") throw error;
    ask(plugin, "Take this out?", sentence(error.message), ["Take it out", () => changeSettings(plugin, { ...change, replace: true })]);
  }
}

/** The settings tab. Its controls are made here, as Obsidian's own have no name for screen readers. */
export class CompanionSettingTab extends PluginSettingTab {
  /** The daemon's settings, null until they are read. */
  #daemon = /** @type {SettingsShape | null} */ (null);
  #isReading = false;
  /** How often they were told: what was read before a change is of no account. */
  #turn = 0;

  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    super(plugin.app, plugin);
    this.companion = plugin;
  }

  /** @returns {SettingDefinitionItem[]} */
  getSettingDefinitions() {
    void this.#read();
    const own = group("This computer", defineOwn(this.companion));
    return this.#daemon ? [...defineDaemons(this.companion, this.#daemon), own] : [own];
  }

  /** Show the daemon's settings. @param {SettingsShape} daemon */
  take(daemon) {
    const isNew = JSON.stringify(daemon) !== JSON.stringify(this.#daemon);
    this.#daemon = daemon;
    this.#turn += 1;
    if (isNew) this.redraw();
  }

  /** Draw the tab anew, as soon as nobody types in it. */
  redraw() {
    const { activeElement } = this.containerEl.ownerDocument;
    if (!activeElement?.matches("input, textarea") || !this.containerEl.contains(activeElement)) return this.update();
    activeElement.addEventListener("blur", () => window.setTimeout(() => this.redraw()), { once: true });
  }

  async #read() {
    const { connection, feed } = this.companion;
    if (this.#isReading || !feed.status) return;
    this.#isReading = true;
    /** @type {Promise<SettingsShape>} */
    const now = connection.get("/settings");
    const turn = this.#turn;
    await now.then((daemon) => turn === this.#turn && this.take(daemon), () => {});
    this.#isReading = false;
  }
}

/** @type {(heading: string, items: SettingDefinition[]) => SettingDefinitionGroup} */
function group(heading, items) {
  return { type: "group", heading, items };
}

/** @type {(plugin: CompanionPlugin, now: SettingsShape) => SettingDefinitionItem[]} */
function defineDaemons(plugin, now) {
  const { ignored, private: secret } = now;
  const change = (/** @type {Change} */ changed) => void notifyOfErrors(plugin, () => changeSettings(plugin, changed));
  const fields = Object.entries(now.fields).map(([field, isOn]) => {
    const mode = isOn ? (now.modes[field] ?? "write") : "off";
    const act = (/** @type {string} */ chosen) => change({ fields: { [field]: chosen !== "off" }, ...(isMode(chosen) && { modes: { [field]: chosen } }) });
    return choice(showHidden(field), "", MODES, mode, act);
  });
  const folders = Object.entries(now.folder_modes).map(([folder, mode]) => {
    return choice(showHidden(folder), "", FOLDER_MODES, mode, (chosen) => change({ folder_modes: { [folder]: isMode(chosen) ? chosen : null } }));
  });
  const addFolder = field("Another folder", "Its path. What is found there is proposed first.", "", (folder) => {
    if (folder) change({ folder_modes: { [folder]: "propose" } });
    return "";
  });
  return [
    group("What it fills", fields),
    group("In some folders", [...folders, addFolder]),
    group("Private: read by a model on this computer only", [
      lines("Private folders", "One a line.", secret.folders, (folders) => change({ private: { folders } })),
      lines("Private tags", "One a line.", secret.tags, (tags) => change({ private: { tags } })),
      lines("Private properties", "One a line with its values, as in confidential: true, yes.", toLines(secret.properties), (all) => change({ private: { properties: toLists(all) } })),
    ]),
    group("Left alone", [
      lines("Folders that are left alone", "One a line.", ignored.folders, (folders) => change({ ignored: { folders } })),
      lines("Tags of notes that are left alone", "One a line.", ignored.tags, (tags) => change({ ignored: { tags } })),
      lines("Patterns of paths that are left alone", "One a line, as in Daily/**.", ignored.globs, (globs) => change({ ignored: { globs } })),
      lines("What is left alone in some folders", "One a line, as in tags: Projects, Archive.", toLines(ignored.fields), (all) => change({ ignored: { fields: toLists(all) } })),
    ]),
    group("In the background", [
      toggle("Enrich notes in the background", "Those that nobody is editing, as you write and change them.", now.background, (background) => change({ background })),
      field("Notes a day", "How many are filled in the background at most.", String(now.notes_a_day), (text) => {
        if (!/^\d+$/.test(text)) return "Give a number.";
        change({ notes_a_day: Number(text) });
        return "";
      }),
    ]),
  ];
}

/** @param {CompanionPlugin} plugin */
function defineOwn(plugin) {
  const { app, feed, settings } = plugin;
  const { secretStorage } = app;
  const keep = async (/** @type {Settings} */ changed) => {
    plugin.settings = changed;
    await plugin.saveData(changed);
    await feed.check();
  };
  return [
    button("Connection", describeDaemon(plugin), "Try now", async () => {
      await feed.check();
      plugin.tab?.update();
      notify(feed.missing || `Connected to ${showHidden(feed.status?.vault ?? "")}.`);
    }, plugin),
    field("Program", "The whole path of the program companion, which is run to start Callout Companion, and to open its page. It is kept on this computer, not in the vault.", readAgreed(app), (path) => {
      void notifyOfErrors(plugin, () => path && agreeTo(app, path));
      return "";
    }),
    button("Start", "Shows what is run first. It runs on when Obsidian is closed.", "Start …", () => requireDaemon(plugin), plugin),
    field("Server address", "Only where the plugin cannot read daemon.json in Companion’s state folder, which says at which port it listens.", settings.address, (address) => {
      const fault = findAddressFault(address);
      if (!fault) void keep({ address });
      return fault;
    }),
    field("User token", "Only where the plugin cannot read the file token there, which lets it in: paste what “companion token” prints.", secretStorage.getSecret(SECRET) ?? "", (token) => {
      secretStorage.setSecret(SECRET, token);
      void feed.check();
      return "";
    }, "password"),
  ];
}

/** Return the model, and where notes are sent, or why that is not known. @param {CompanionPlugin} plugin */
function describeDaemon({ feed }) {
  const { missing, status } = feed;
  if (!status) return missing || "Not connected yet.";
  const privacy = status.endpoint ? `Notes that are filled are sent to ${showHidden(status.endpoint)}.` : "It is on this computer: no note leaves it.";
  return `The model is ${showHidden(status.model)}. ${privacy} To change it, run “companion config edit” in a terminal.`;
}

/** @type {(name: string, desc: string, options: Record<string, string>, value: string, act: (value: string) => void) => SettingDefinition} */
function choice(name, desc, options, value, act) {
  return row(name, desc, (setting) => setting.addDropdown((dropdown) => {
    dropdown.addOptions(options).setValue(value).onChange(act);
    dropdown.selectEl.setAttribute("aria-label", name);
  }));
}

/** @type {(name: string, desc: string, value: boolean, act: (value: boolean) => void) => SettingDefinition} */
function toggle(name, desc, value, act) {
  return row(name, desc, (setting) => setting.addToggle((one) => {
    one.setValue(value).onChange(act);
    (one.toggleEl.querySelector("input") ?? one.toggleEl).setAttribute("aria-label", name);
  }));
}

/** @type {(name: string, desc: string, label: string, act: () => unknown, plugin: CompanionPlugin) => SettingDefinition} */
function button(name, desc, label, act, plugin) {
  return row(name, desc, (setting) => setting.addButton((one) => void one.setButtonText(label).onClick(() => void notifyOfErrors(plugin, act))));
}

/**
 * Define a field whose value is used when the field is left, since half an address is another address. act: returns what is wrong.
 *
 * @type {(name: string, desc: string, value: string, act: (value: string) => string, type?: string) => SettingDefinition}
 */
function field(name, desc, value, act, type = "text") {
  return row(name, desc, (setting) => setting.addText((text) => {
    const { inputEl } = text.setValue(value);
    inputEl.type = type;
    inputEl.setAttribute("aria-label", name);
    whenLeft(inputEl, value, (now) => void setting.setErrorMessage(act(now) || null));
    inputEl.addEventListener("keydown", ({ key }) => void (key === "Enter" && inputEl.blur()));
  }));
}

/** @type {(name: string, desc: string, values: string[] | null, act: (values: string[]) => void) => SettingDefinition} */
function lines(name, desc, values, act) {
  const value = (values ?? []).join("\n");
  return row(name, desc, (setting) => setting.addTextArea(({ inputEl }) => {
    inputEl.value = value;
    inputEl.rows = Math.min(8, (values?.length ?? 0) + 1);
    inputEl.setAttribute("aria-label", name);
    whenLeft(inputEl, value, (now) => act(now.split("\n").map((line) => line.trim()).filter(Boolean)));
  }));
}

/** @type {(element: HTMLInputElement | HTMLTextAreaElement, before: string, act: (value: string) => void) => void} */
function whenLeft(element, before, act) {
  let last = before;
  element.addEventListener("blur", () => {
    const value = element.value.trim();
    if (value === last) return;
    last = value;
    act(value);
  });
}

/** @type {(name: string, desc: string, render: (setting: Setting) => unknown) => SettingDefinition} */
function row(name, desc, render) {
  return { name, desc, render: (setting) => void render(setting) };
}

/** @param {Lists | null} lists */
function toLines(lists) {
  return Object.entries(lists ?? {}).map(([name, values]) => `${name}: ${values.join(", ")}`);
}

/** @param {string[]} all */
function toLists(all) {
  return Object.fromEntries(all.map((line) => {
    const [, name = "", values = ""] = /^([^:]*):?(.*)$/.exec(line) ?? [];
    return [name.trim(), values.split(",").map((one) => one.trim()).filter(Boolean)];
  }));
}

/** @type {(mode: string) => mode is "write" | "propose"} */
function isMode(mode) {
  return mode === "write" || mode === "propose";
}

/** The settings as data.json holds them (the token is not among them), and the tab to change them. */

import { PluginSettingTab } from "obsidian";
import { pair } from "./connection.js";
import { confirmFirst, notify } from "./dialogs.js";
import { ConnectionFault, explain } from "./errors.js";
import { readAgreed } from "./program.js";
import { openView } from "./view.js";
import { describeModel, describeVault, joinNames, say } from "./words.js";

/** @import { Setting, SettingDefinitionItem } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/**
 * address: where the daemon listens. code: a one-time code to exchange for a token, removed then.
 * ribbon: what the ribbon's button does. takeOver: whether open notes are filled while the user
 * pauses, off by default.
 *
 * @typedef {{ address: string, code?: string, ribbon: "enrich" | "propose", takeOver: boolean }} Settings
 */

const ADDRESS = /^http:\/\/(?:127\.0\.0\.1|localhost):([1-9]\d{0,4})$/;
const LAST_PORT = 65_535;
const USUAL = "http://127.0.0.1:27182";

/** Return the settings in the loaded data, with defaults for what is missing or malformed. @type {(data: unknown) => Settings} */
export function readSettings(data) {
  /** @type {{ [name: string]: unknown }} */
  const fields = typeof data === "object" ? { ...data } : {};
  const { address, code, ribbon, takeOver } = fields;
  return {
    address: typeof address === "string" && !findAddressFault(address) ? address : USUAL,
    ribbon: ribbon === "review" || ribbon === "propose" ? "propose" : "enrich",
    takeOver: takeOver === true,
    ...(typeof code === "string" && { code }),
  };
}

/**
 * Return what is wrong with an address, empty if nothing is. The token is sent there, so that it has
 * to be this computer.
 *
 * @param {string} address
 */
function findAddressFault(address) {
  const [, port] = ADDRESS.exec(address) ?? [];
  return port && Number(port) <= LAST_PORT ? "" : say("setAddressFault", { last: String(LAST_PORT), usual: USUAL });
}

/** The settings tab. Its controls are made here, as Obsidian's own have no name for screen readers. */
export class CompanionSettingTab extends PluginSettingTab {
  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    super(plugin.app, plugin);
    this.companion = plugin;
  }

  /** @returns {SettingDefinitionItem[]} */
  getSettingDefinitions() {
    const plugin = this.companion;
    const open = () => void openView(plugin);
    const program = [readAgreed(plugin.app), say("setProgramMore")].filter(Boolean).join(". ");
    return [
      { name: say("setModes"), desc: describeModes(plugin), action: open },
      { name: say("setTakeOver"), desc: say("setTakeOverMore"), render: (setting) => this.#renderTakeOver(setting) },
      { name: say("setRibbon"), desc: say("setRibbonMore"), render: (setting) => this.#renderRibbon(setting) },
      { name: say("model"), desc: `${describeDaemon(plugin)} ${say("setDaemonMore")}`, action: open },
      { name: say("setTest"), desc: say("setTestMore"), action: () => void testConnection(plugin).then(notify) },
      { name: say("setAddress"), desc: say("setAddressMore"), render: (setting) => this.#renderAddress(setting) },
      { name: say("setCode"), desc: say("setCodeMore"), render: (setting) => this.#renderPairing(setting) },
      { name: say("setProgram"), desc: program, action: open },
    ];
  }

  /** Render a field whose value is used when the field is left, since half an address is another address. @param {Setting} setting */
  #renderAddress(setting) {
    setting.addText((text) => {
      const { inputEl } = text.setValue(this.companion.settings.address);
      inputEl.setAttribute("aria-label", say("setAddress"));
      const keep = () => void this.#keepAddress(setting, inputEl.value.trim());
      inputEl.addEventListener("blur", keep);
      inputEl.addEventListener("keydown", ({ key }) => {
        if (key === "Enter") keep();
      });
    });
  }

  /** @type {(setting: Setting, address: string) => Promise<void>} */
  async #keepAddress(setting, address) {
    const fault = findAddressFault(address);
    setting.setErrorMessage(fault || null);
    if (fault || address === this.companion.settings.address) return;
    this.companion.daemon.address = "";
    await this.#change({ address });
  }

  /** @param {Setting} setting */
  #renderTakeOver(setting) {
    setting.addToggle((toggle) => {
      toggle.setValue(this.companion.settings.takeOver).onChange((takeOver) => this.#change({ takeOver }));
      const named = toggle.toggleEl.querySelector("input") ?? toggle.toggleEl;
      named.setAttribute("aria-label", say("setTakeOver"));
    });
  }

  /** @param {Setting} setting */
  #renderRibbon(setting) {
    setting.addDropdown((dropdown) => {
      dropdown.addOptions({ enrich: say("enrichNote"), propose: say("proposeHere") });
      dropdown.setValue(this.companion.settings.ribbon).onChange((ribbon) => this.#change({ ribbon }));
      dropdown.selectEl.setAttribute("aria-label", say("setRibbon"));
    });
  }

  /** @param {{ [name: string]: unknown }} changed */
  async #change(changed) {
    const plugin = this.companion;
    plugin.settings = readSettings({ ...plugin.settings, ...changed });
    await plugin.saveData(plugin.settings);
    await plugin.daemon.check();
  }

  /** @param {Setting} setting */
  #renderPairing(setting) {
    let code = "";
    setting.addText((text) => {
      text.setPlaceholder(say("code")).onChange((typed) => {
        code = typed;
      });
      text.inputEl.setAttribute("aria-label", say("setCode"));
    });
    setting.addButton((button) => {
      button.setButtonText(say("pair")).onClick(() => this.#pair(setting, code));
    });
  }

  /** Pair. Where nobody proves to be this vault's daemon, the user may have the code sent to its address all the same. @type {(setting: Setting, code: string, unproven?: string) => Promise<void>} */
  async #pair(setting, code, unproven) {
    const plugin = this.companion;
    try {
      await pair(plugin, code, unproven);
      setting.setErrorMessage(null).setDesc(await testConnection(plugin));
    } catch (error) {
      setting.setErrorMessage(explain(error));
      if (!(error instanceof ConnectionFault) || error.fault !== "another" || unproven) return;
      const { address } = error;
      confirmFirst(plugin, say("sendCode"), say("sendCodeMore", { address }), [say("sendCode"), () => this.#pair(setting, code, address)]);
    }
  }
}

/** Return the daemon's model, where notes are sent, and how it stands, or why that is not known. @param {CompanionPlugin} plugin */
function describeDaemon({ daemon }) {
  const { status, words } = daemon;
  if (!status) return words;
  const privacy = status.endpoint ? say("privacyRemote", { endpoint: status.endpoint }) : say("privacyHere");
  return `${describeModel(status)}. ${privacy}`;
}

/**
 * Return which fields the daemon writes at once, and which wait for a decision, also by folder; or why
 * that is not known.
 *
 * @param {CompanionPlugin} plugin
 */
function describeModes({ daemon }) {
  const { status, words } = daemon;
  if (!status) return words;
  const folders = Object.entries(status.folder_modes).map(([folder, mode]) => ({ name: `${folder}/`, mode }));
  const all = [...Object.entries(status.modes).map(([name, mode]) => ({ name, mode })), ...folders];
  const name = (/** @type {string} */ wanted) => joinNames(all.filter(({ mode }) => mode === wanted).map((one) => one.name));
  const [written, proposed] = [name("write"), name("propose")];
  const parts = [written && say("modeWrite", { names: written }), proposed && say("modePropose", { names: proposed })];
  return [...parts, say("setModesMore")].filter(Boolean).join(" ");
}

/** Check the daemon, and return in words whether it is connected. Never rejects. @param {CompanionPlugin} plugin */
async function testConnection(plugin) {
  await plugin.daemon.check();
  const { status, words } = plugin.daemon;
  return status ? say("connected", { vault: describeVault(status) }) : words;
}

/** The settings as data.json holds them (the token is not among them), and the tab to change them. */

import { PluginSettingTab } from "obsidian";
import { pair } from "./connection.js";
import { notify } from "./dialogs.js";
import { explain } from "./errors.js";
import { checkDaemon } from "./heartbeat.js";
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
 * @typedef {{ address: string, code?: string, ribbon: "enrich" | "propose" | "review", takeOver: boolean }} Settings
 */

const ADDRESS = /^http:\/\/(?:127\.0\.0\.1|localhost):([1-9]\d{0,4})$/;
const LAST_PORT = 65_535;
const USUAL = "http://127.0.0.1:27182";

/**
 * Return the settings in the loaded data, with defaults for what is missing or malformed.
 *
 * @param {unknown} data
 * @returns {Settings}
 */
export function readSettings(data) {
  const { address, code, ribbon, takeOver } = toFields(data);
  return {
    address: typeof address === "string" && !findAddressFault(address) ? address : USUAL,
    ribbon: ribbon === "review" || ribbon === "propose" ? ribbon : "enrich",
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
export function findAddressFault(address) {
  const [, port] = ADDRESS.exec(address) ?? [];
  return port && Number(port) <= LAST_PORT ? "" : say("setAddressFault", { last: LAST_PORT, usual: USUAL });
}

/**
 * @param {unknown} data
 * @returns {{ [name: string]: unknown }}
 */
function toFields(data) {
  return typeof data === "object" ? { ...data } : {};
}

/** The settings tab. Its controls are made here, as Obsidian's own have no name for screen readers. */
export class CompanionSettingTab extends PluginSettingTab {
  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    super(plugin.app, plugin);
    this.companion = plugin;
  }

  getSettingDefinitions() {
    return define(this.companion);
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @returns {SettingDefinitionItem[]}
 */
function define(plugin) {
  return [
    {
      name: say("setAddress"),
      desc: say("setAddressMore"),
      render: (setting) => renderAddress(plugin, setting),
    },
    {
      name: say("setTest"),
      desc: say("setTestMore"),
      action: () => void testConnection(plugin).then(notify),
    },
    {
      name: say("setCode"),
      desc: say("setCodeMore"),
      render: (setting) => renderPairing(plugin, setting),
    },
    {
      name: say("setTakeOver"),
      desc: say("setTakeOverMore"),
      render: (setting) => renderTakeOver(plugin, setting),
    },
    {
      name: say("setRibbon"),
      desc: say("setRibbonMore"),
      render: (setting) => renderRibbon(plugin, setting),
    },
    {
      name: say("setDaemon"),
      desc: `${describeDaemon(plugin)} ${say("setDaemonMore")}`,
      action: () => void openView(plugin),
    },
    {
      name: say("setModes"),
      desc: describeModes(plugin),
      action: () => void openView(plugin),
    },
    {
      name: say("setProgram"),
      desc: [readAgreed(plugin.app), say("setProgramMore")].filter(Boolean).join(". "),
      action: () => void openView(plugin),
    },
  ];
}

/**
 * Return the daemon's model, where notes are sent, and how it stands, or why that is not known.
 *
 * @param {CompanionPlugin} plugin
 */
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

/**
 * Render a field whose value is used when the field is left, since half an address is another address.
 *
 * @param {CompanionPlugin} plugin
 * @param {Setting} setting
 */
function renderAddress(plugin, setting) {
  setting.addText((text) => {
    const { inputEl } = text.setValue(plugin.settings.address);
    inputEl.setAttribute("aria-label", say("setAddress"));
    const keep = () => void keepAddress(plugin, setting, inputEl.value.trim());
    inputEl.addEventListener("blur", keep);
    inputEl.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") keep();
    });
  });
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Setting} setting
 * @param {string} address
 */
async function keepAddress(plugin, setting, address) {
  const fault = findAddressFault(address);
  setting.setErrorMessage(fault || null);
  if (fault || address === plugin.settings.address) return;
  plugin.daemon.address = "";
  await change(plugin, { address });
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Setting} setting
 */
function renderTakeOver(plugin, setting) {
  setting.addToggle((toggle) => {
    toggle.setValue(plugin.settings.takeOver).onChange((takeOver) => change(plugin, { takeOver }));
    const named = toggle.toggleEl.querySelector("input") ?? toggle.toggleEl;
    named.setAttribute("aria-label", say("setTakeOver"));
  });
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Setting} setting
 */
function renderRibbon(plugin, setting) {
  setting.addDropdown((dropdown) => {
    dropdown.addOptions({ enrich: say("setRibbonEnrich"), propose: say("propose"), review: say("reviewNote") });
    dropdown.setValue(plugin.settings.ribbon).onChange((ribbon) => change(plugin, { ribbon }));
    dropdown.selectEl.setAttribute("aria-label", say("setRibbon"));
  });
}

/**
 * @param {CompanionPlugin} plugin
 * @param {{ [name: string]: unknown }} changed
 */
async function change(plugin, changed) {
  plugin.settings = readSettings({ ...plugin.settings, ...changed });
  await plugin.saveData(plugin.settings);
  await checkDaemon(plugin);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Setting} setting
 */
function renderPairing(plugin, setting) {
  let code = "";
  setting.addText((text) => {
    text.setPlaceholder(say("code")).onChange((typed) => {
      code = typed;
    });
    text.inputEl.setAttribute("aria-label", say("setCode"));
  });
  setting.addButton((button) => {
    button.setButtonText(say("pair")).onClick(async () => {
      try {
        await pair(plugin, code);
        setting.setErrorMessage(null).setDesc(await testConnection(plugin));
      } catch (error) {
        setting.setErrorMessage(explain(plugin, error));
      }
    });
  });
}

/**
 * Check the daemon, and return in words whether it is connected. Never rejects.
 *
 * @param {CompanionPlugin} plugin
 */
export async function testConnection(plugin) {
  await checkDaemon(plugin);
  const { status, words } = plugin.daemon;
  return status ? say("connected", { vault: describeVault(status) }) : words;
}

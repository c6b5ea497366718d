/** The settings as data.json holds them (the token is not among them), and the tab to change them. */

import { PluginSettingTab } from "obsidian";
import { SECRET } from "./connection.js";
import { notify } from "./dialogs.js";
import { readAgreed } from "./program.js";
import { openView } from "./view.js";
import { describeVault, joinNames, say, showHidden } from "./words.js";

/** @import { Setting, SettingDefinitionItem } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */
/** @import { Key } from "./words.js" */

/**
 * address: where the daemon listens, where its files cannot be read. ribbon: what the ribbon's button does. takeOver: whether open
 * notes are filled while the user pauses, off by default.
 *
 * @typedef {{ address: string, ribbon: "enrich" | "propose", takeOver: boolean }} Settings
 */

const ADDRESS = /^http:\/\/(?:127\.0\.0\.1|localhost):([1-9]\d{0,4})$/;
const LAST_PORT = 65_535;
const USUAL = "http://127.0.0.1:27182";

/** Return the settings in the loaded data, with defaults for what is missing or malformed. @type {(data: unknown) => Settings} */
export function readSettings(data) {
  /** @type {{ [name: string]: unknown }} */
  const fields = typeof data === "object" ? { ...data } : {};
  const { address, ribbon, takeOver } = fields;
  return {
    address: typeof address === "string" && !findAddressFault(address) ? address : USUAL,
    ribbon: ribbon === "review" || ribbon === "propose" ? "propose" : "enrich",
    takeOver: takeOver === true,
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
    const model = `${describeDaemon(plugin)} ${say("setDaemonMore")}`;
    const program = [readAgreed(plugin.app), say("setProgramMore")].filter(Boolean).join(". ");
    return [
      { name: say("setModes"), desc: markCode(describeModes(plugin)), action: open },
      {
        name: say("setTakeOver"),
        desc: say("setTakeOverMore"),
        render: (setting) => void setting.addToggle((toggle) => {
          toggle.setValue(plugin.settings.takeOver).onChange((takeOver) => change(plugin, { takeOver }));
          nameControl(toggle.toggleEl.querySelector("input") ?? toggle.toggleEl, "setTakeOver");
        }),
      },
      {
        name: say("setRibbon"),
        desc: say("setRibbonMore"),
        render: (setting) => void setting.addDropdown((dropdown) => {
          dropdown.addOptions({ enrich: say("enrichNote"), propose: say("proposeHere") });
          dropdown.setValue(plugin.settings.ribbon).onChange((ribbon) => change(plugin, { ribbon }));
          nameControl(dropdown.selectEl, "setRibbon");
        }),
      },
      { name: say("model"), desc: markCode(model) },
      {
        name: say("setTest"),
        desc: say("setTestMore"),
        render: (setting) => void setting.addButton((button) => {
          button.setButtonText(say("tryNow")).onClick(() => void testConnection(plugin).then(notify));
        }),
      },
      { name: say("setAddress"), desc: markCode(say("setAddressMore")), render: (setting) => renderAddress(plugin, setting) },
      { name: say("setToken"), desc: markCode(say("setTokenMore")), render: (setting) => renderToken(plugin, setting) },
      { name: say("setProgram"), desc: program, action: open },
    ];
  }
}

/** Return a description with what stands between backticks as code. @param {string} words */
function markCode(words) {
  const desc = createFragment();
  words.split("`").forEach((part, index) => (index % 2 ? desc.createEl("code", { text: part }) : desc.append(part)));
  return desc;
}

/** Name a control of a setting for screen readers. @type {(control: Element, name: Key) => void} */
function nameControl(control, name) {
  control.setAttribute("aria-label", say(name));
}

/**
 * Change settings, and check the daemon by them.
 *
 * @type {(plugin: CompanionPlugin, changed: { [name: string]: unknown }) => Promise<void>}
 */
async function change(plugin, changed) {
  plugin.settings = readSettings({ ...plugin.settings, ...changed });
  await plugin.saveData(plugin.settings);
  await plugin.daemon.check();
}

/**
 * Render a field whose value is used when the field is left, since half an address is another address.
 *
 * @type {(plugin: CompanionPlugin, setting: Setting) => void}
 */
function renderAddress(plugin, setting) {
  setting.addText((text) => {
    const { inputEl } = text.setValue(plugin.settings.address);
    nameControl(inputEl, "setAddress");
    const keep = () => {
      const address = inputEl.value.trim();
      const fault = findAddressFault(address);
      setting.setErrorMessage(fault || null);
      if (fault || address === plugin.settings.address) return;
      void change(plugin, { address });
    };
    inputEl.addEventListener("blur", keep);
    inputEl.addEventListener("keydown", ({ key }) => void (key === "Enter" && keep()));
  });
}

/** @type {(plugin: CompanionPlugin, setting: Setting) => void} */
function renderToken(plugin, setting) {
  const { secretStorage } = plugin.app;
  setting.addText(({ inputEl }) => {
    inputEl.type = "password";
    inputEl.value = secretStorage.getSecret(SECRET) ?? "";
    nameControl(inputEl, "setToken");
    inputEl.addEventListener("blur", () => {
      secretStorage.setSecret(SECRET, inputEl.value.trim());
      void plugin.daemon.check();
    });
  });
}

/** Return the daemon's model, where notes are sent, and how it stands, or why that is not known. @param {CompanionPlugin} plugin */
function describeDaemon({ daemon }) {
  const { status, words } = daemon;
  if (!status) return words;
  const privacy = status.endpoint ? say("privacyRemote", { endpoint: status.endpoint }) : say("privacyHere");
  return `${showHidden(status.model)}. ${privacy}`;
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
  const folders = Object.entries(status.folder_modes).map(([folder, mode]) => [`${folder}/`, mode]);
  const all = [...Object.entries(status.modes), ...folders];
  const names = (/** @type {string} */ wanted) => joinNames(all.filter(([, mode]) => mode === wanted).map(([name = ""]) => name));
  const [written, proposed] = [names("write"), names("propose")];
  const parts = [written && say("modeWrite", { names: written }), proposed && say("modePropose", { names: proposed })];
  return [...parts, say("setModesMore")].filter(Boolean).join(" ");
}

/** Check the daemon, and return in words whether it is connected. Never rejects. @param {CompanionPlugin} plugin */
async function testConnection(plugin) {
  await plugin.daemon.check();
  const { status, words } = plugin.daemon;
  return status ? say("connected", { vault: describeVault(status) }) : words;
}

/** The settings, as definitions that Obsidian renders and searches. */

import { PluginSettingTab } from "obsidian";
import { testConnection } from "./connection.js";
import { say } from "./notices.js";
import { pair } from "./pairing.js";
import { findAddressFault } from "./settings.js";
import { look } from "./watch.js";
import { explain } from "./words.js";

/** @import { Setting, SettingDefinitionItem } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

/** Obsidian reads `plugin.settings` for the controls, and keeps what they change. */
export class CompanionSettingTab extends PluginSettingTab {
  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    super(plugin.app, plugin);
    this.companion = plugin;
  }

  getSettingDefinitions() {
    return define(this.companion);
  }

  /** @param {[string, unknown]} change */
  async setControlValue(...change) {
    await super.setControlValue(...change);
    void look(this.companion);
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @returns {SettingDefinitionItem[]}
 */
function define(plugin) {
  const options = { enrich: "Enrich the note", review: "Review what would change" };
  return [
    {
      name: "Server address",
      desc: "Where companion serve listens. Only this computer can be named.",
      render: (setting) => renderAddress(plugin, setting),
    },
    {
      name: "Test the connection",
      desc: "Whether the server answers, and knows this vault.",
      action: () => void testConnection(plugin).then(say),
    },
    {
      name: "Pairing code",
      desc: "Run companion pair in a terminal, and type its code here.",
      render: (setting) => renderPairing(plugin, setting),
    },
    {
      name: "Fill open notes while you rest",
      desc: "Background work leaves open notes alone. This fills them once you stop typing, and says so each time.",
      control: { type: "toggle", key: "takeOver" },
    },
    {
      name: "Ribbon button",
      desc: "What a click does with the active note.",
      control: { type: "dropdown", key: "ribbon", options },
    },
  ];
}

/**
 * A field that counts once it is left: what stands in it while somebody types is another address.
 *
 * @param {CompanionPlugin} plugin
 * @param {Setting} setting
 */
function renderAddress(plugin, setting) {
  setting.addText((text) => {
    const { inputEl } = text.setValue(plugin.settings.address);
    inputEl.setAttribute("aria-label", "Server address");
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
  plugin.settings.address = address;
  plugin.watch.address = "";
  await plugin.saveData(plugin.settings);
  await look(plugin);
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Setting} setting
 */
function renderPairing(plugin, setting) {
  let code = "";
  setting.addText((text) => {
    text.setPlaceholder("Code").onChange((typed) => {
      code = typed;
    });
    text.inputEl.setAttribute("aria-label", "Pairing code");
  });
  setting.addButton((button) => {
    button.setButtonText("Pair").onClick(async () => {
      try {
        await pair(plugin, code);
        setting.setErrorMessage(null).setDesc(await testConnection(plugin));
      } catch (error) {
        setting.setErrorMessage(explain(error, plugin.settings.address));
      }
    });
  });
}

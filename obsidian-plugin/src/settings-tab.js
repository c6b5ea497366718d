/** The settings, as definitions that Obsidian renders and searches. */

import { PluginSettingTab } from "obsidian";
import { say, tellFaults } from "./notices.js";
import { pair } from "./pairing.js";
import { findAddressFault } from "./settings.js";
import { explain } from "./words.js";

/** @import { Setting, SettingDefinitionItem } from "obsidian" */
/** @import CompanionPlugin from "./main.js" */

export class CompanionSettingTab extends PluginSettingTab {
  /** @param {CompanionPlugin} plugin */
  constructor(plugin) {
    super(plugin.app, plugin);
    this.companion = plugin;
  }

  getSettingDefinitions() {
    return define(this.companion);
  }

  /** @param {string} key */
  getControlValue(key) {
    return new Map(Object.entries(this.companion.settings)).get(key);
  }

  /**
   * @param {string} key
   * @param {unknown} value
   */
  async setControlValue(key, value) {
    await this.companion.change({ [key]: value });
  }
}

/**
 * @param {CompanionPlugin} plugin
 * @returns {SettingDefinitionItem[]}
 */
function define(plugin) {
  const setPaused = (/** @type {boolean} */ isPaused) => {
    void tellFaults(plugin, () => plugin.setPaused(isPaused));
  };
  return [
    {
      type: "group",
      heading: "Connection",
      items: [
        {
          name: "Server address",
          desc: "Where companion serve listens. Only this computer can be named.",
          control: { type: "text", key: "address", validate: findAddressFault },
        },
        {
          name: "Test the connection",
          desc: "Whether the server answers, and knows this vault.",
          action: () => void plugin.testConnection().then(say),
        },
        {
          name: "Pairing code",
          desc: "Run companion pair in a terminal, and type its code here. Obsidian keeps the key as a secret.",
          aliases: ["token"],
          render: (setting) => renderPairing(plugin, setting),
        },
      ],
    },
    {
      type: "group",
      heading: "Background work",
      items: [
        {
          name: "Fill open notes while you rest",
          desc: "The server leaves open notes alone. They are filled here when you have not typed for five seconds.",
          control: { type: "toggle", key: "takeOver" },
        },
        {
          name: "Pause background work",
          desc: "Notes that nobody asked for are not filled until you resume it.",
          action: () => setPaused(true),
        },
        { name: "Resume background work", action: () => setPaused(false) },
      ],
    },
    {
      type: "group",
      heading: "Ribbon",
      items: [
        {
          name: "Ribbon button",
          desc: "What a click does with the active note.",
          control: {
            type: "dropdown",
            key: "ribbon",
            options: { enrich: "Enrich the note", review: "Review what would change" },
          },
        },
      ],
    },
  ];
}

/**
 * @param {CompanionPlugin} plugin
 * @param {Setting} setting
 */
function renderPairing(plugin, setting) {
  let code = "";
  setting.addText((text) => {
    text.setPlaceholder("ABCD-2345").onChange((typed) => {
      code = typed;
    });
    text.inputEl.setAttribute("aria-label", "Pairing code");
  });
  setting.addButton((button) => {
    button.setButtonText("Pair").onClick(async () => {
      try {
        await pair(plugin, code);
        setting.setErrorMessage(null).setDesc(await plugin.testConnection());
      } catch (error) {
        setting.setErrorMessage(explain(error, plugin.settings.address));
      }
    });
  });
}

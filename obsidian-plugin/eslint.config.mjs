/** Obsidian's own rules, with those that need types, for all that is shipped; tests are plain. */

import obsidianmd from "eslint-plugin-obsidianmd";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const UNTYPED = ["no-unsafe-assignment", "no-unsafe-return", "no-unsafe-argument", "no-unsafe-member-access", "no-unsafe-call"];

export default defineConfig([
  globalIgnores(["main.js", "**/out/**"]),
  {
    files: ["src/**/*.js"],
    extends: [obsidianmd.configs.recommended, tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: obsidianmd.ruleConfigs.recommendedTypeChecked,
  },
  {
    files: ["ui/**/*.js"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: Object.fromEntries(UNTYPED.map((rule) => [`@typescript-eslint/${rule}`, "off"])), // what templates and answers give
  },
  { files: ["package.json"], extends: [obsidianmd.configs.recommended] },
  { files: ["tests/**/*.{js,mjs}", "e2e-tests/**/*.{js,mjs}", "*.mjs"], extends: [tseslint.configs.recommended] },
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
]);

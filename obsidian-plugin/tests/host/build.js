/** main.js as `npm run build` makes it. */

export { buildPlugin as build } from "../../build.mjs";

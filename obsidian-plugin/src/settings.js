/** What the user set, as data.json holds it. The token is never among it. */

/**
 * address: where the daemon listens. code: to be exchanged for a token, then removed. ribbon: what
 * its button does. takeOver: whether open notes are filled while the user rests; not unless it is
 * asked for.
 *
 * @typedef {{ address: string, code?: string, ribbon: "enrich" | "review", takeOver: boolean }} Settings
 */

const ADDRESS = /^http:\/\/(?:127\.0\.0\.1|localhost):([1-9]\d{0,4})$/;
const LAST_PORT = 65_535;
const USUAL = "http://127.0.0.1:27182";

/**
 * The settings in what was loaded; the default for whatever is missing or of a wrong form.
 *
 * @param {unknown} data
 * @returns {Settings}
 */
export function readSettings(data) {
  const { address, code, ribbon, takeOver } = toFields(data);
  return {
    address: typeof address === "string" && !findAddressFault(address) ? address : USUAL,
    ribbon: ribbon === "review" ? ribbon : "enrich",
    takeOver: takeOver === true,
    ...(typeof code === "string" && { code }),
  };
}

/**
 * What is wrong with an address; empty when nothing is. The token goes there, so that it must be
 * this computer.
 *
 * @param {string} address
 */
export function findAddressFault(address) {
  const [, port] = ADDRESS.exec(address) ?? [];
  return port && Number(port) <= LAST_PORT ? "" : `Use http://127.0.0.1 and a port up to ${LAST_PORT}, as in ${USUAL}.`;
}

/**
 * @param {unknown} data
 * @returns {{ [name: string]: unknown }}
 */
function toFields(data) {
  return typeof data === "object" ? { ...data } : {};
}

/** What the user set, as data.json holds it. The token is never among it. */

/**
 * address: where the daemon listens. code: to be exchanged for a token, then removed. ribbon: what
 * its button does. takeOver: whether open notes are filled while the user rests.
 *
 * @typedef {{ address: string, code?: string, ribbon: "enrich" | "review", takeOver: boolean }} Settings
 */

const ADDRESS = /^http:\/\/(127\.0\.0\.1|localhost):([1-9]\d{0,4})$/;
const LAST_PORT = 65535;

/** @type {Readonly<Settings>} */
export const DEFAULTS = { address: "http://127.0.0.1:27182", ribbon: "enrich", takeOver: true };

/**
 * The settings in what was loaded; the default for whatever is missing or of a wrong form.
 *
 * @param {unknown} data
 * @returns {Settings}
 */
export function readSettings(data) {
  const found = /** @type {Record<string, unknown>} */ (data instanceof Object ? data : {});
  const { address, code, ribbon, takeOver } = found;
  const isAddress = typeof address === "string" && findAddressFault(address) === "";
  return {
    address: isAddress ? address : DEFAULTS.address,
    ribbon: ribbon === "review" ? "review" : DEFAULTS.ribbon,
    takeOver: typeof takeOver === "boolean" ? takeOver : DEFAULTS.takeOver,
    ...(typeof code === "string" && code !== "" ? { code } : {}),
  };
}

/**
 * What is wrong with an address; empty when nothing is. The token goes there, so that it must be
 * this computer.
 *
 * @param {string} address
 */
export function findAddressFault(address) {
  const found = ADDRESS.exec(address);
  if (found && Number(found[2]) <= LAST_PORT) return "";
  return "Use http://127.0.0.1 and a port, as in http://127.0.0.1:27182.";
}

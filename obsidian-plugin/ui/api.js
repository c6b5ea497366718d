/** The HTTP API, as the page and the view use it. */

/** @import { DecisionsMade } from "../src/api-types.d.ts" */

/**
 * What reaches the daemon. get, post: rejects with ApiError, or with Away if nobody answers. decide: decides on
 * proposals, where that is not the daemon's to do alone.
 *
 * @typedef {{
 *   get: (path: string, query?: Record<string, string | number>) => Promise<any>,
 *   post: (path: string, body?: object) => Promise<any>,
 *   decide: (decisions: object) => Promise<DecisionsMade>,
 * }} Api
 */

/** The daemon refused something; `status` and `code` say what kind it is. */
export class ApiError extends Error {
  /**
   * @param {string} detail
   * @param {number} status
   * @param {string} [code]
   */
  constructor(detail, status, code = "") {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** Nobody answers. */
export class Away extends Error {}

// Calls the service: with the token, again after the seconds that it names where it is busy, and with its own words
// where it refuses.

import { another, authorization, current } from "./token.js";

const MOST_TRIES = 30; // of a service that is busy
const LONGEST_WAIT = 60; // seconds

/** What the service would not do. message: what is wrong; fix: what to do about it. */
export class Refusal extends Error {
  constructor(what, fix = "") {
    super(what);
    this.fix = fix.charAt(0).toUpperCase() + fix.slice(1);
  }
}

/**
 * Returns the response to GET, or to POST where there is a body.
 *
 * query: parameters; those that are null stay out. onWait: is told the seconds before the next try, then 0. Throws
 * Refusal, and an AbortError where signal says so.
 */
export async function call(path, { query = {}, body, signal, onWait = () => {} } = {}) {
  const url = new URL(path, document.baseURI);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null) url.searchParams.set(name, value);
  }
  for (let tries = 1; ; tries++) {
    const token = current();
    const response = await sent(url, body, signal);
    if (response.ok) return response;
    if (response.status === 401) {
      await another(token);
    } else if (response.status === 429 && tries < MOST_TRIES) {
      await pause(named(response), signal, onWait);
    } else {
      throw await refusal(response);
    }
  }
}

async function sent(url, body, signal) {
  const post = { method: "POST", body, headers: { ...authorization(), "Content-Type": "application/octet-stream" } };
  const get = { headers: authorization() };
  try {
    return await fetch(url, { ...(body ? post : get), signal, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("The service does not answer.", "see whether it still runs, and whether the picture is too large");
  }
}

function named(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return Math.min(LONGEST_WAIT, Math.max(1, Number.isFinite(seconds) ? seconds : 1));
}

async function pause(seconds, signal, onWait) {
  for (let left = seconds; left > 0; left--) {
    onWait(left);
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, 1000);
      signal?.addEventListener("abort", () => (clearTimeout(timer), reject(signal.reason)), { once: true });
    });
    signal?.throwIfAborted();
  }
  onWait(0);
}

async function refusal(response) {
  try {
    const { what, fix } = (await response.json()).error;
    return new Refusal(what, fix);
  } catch {
    return new Refusal(`The service answered ${response.status}.`, "try again later");
  }
}

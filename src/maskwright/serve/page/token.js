// The token that a service asks for where others can reach it: from the address's #token=..., or typed in once. It is
// kept for this tab alone.

const KEY = "maskwright-token";
const SENDABLE = /^[\x20-\x7e]+$/; // in a header

const form = document.getElementById("token-form");
const field = document.getElementById("token");
const wrong = document.getElementById("token-wrong");

let known = null;
let asking = null;

/** Take the token out of the address, where it would stay in sight and in the history. Returns whether one was there. */
export function fromAddress() {
  const found = /^#token=(.+)$/.exec(location.hash);
  if (!found) return false;
  history.replaceState(null, "", location.pathname + location.search);
  keep(decoded(found[1]));
  return true;
}

/** The token that is known, or null. */
export const current = () => known;

/** The header that carries it. */
export const authorization = () => (known === null ? {} : { Authorization: `Bearer ${known}` });

/** Resolves when there is another token than the one that was refused: asks for it, once for all that wait. */
export function another(refused) {
  if (refused !== known) return Promise.resolve();
  asking ??= asked(refused === null ? "" : "That is not the token.").finally(() => (asking = null));
  return asking;
}

function asked(complaint) {
  wrong.textContent = complaint;
  form.hidden = false;
  document.body.classList.add("asking");
  field.focus();
  field.select();
  return new Promise((resolve) => {
    form.onsubmit = (event) => {
      event.preventDefault();
      if (!keep(field.value.trim())) {
        wrong.textContent = "A token has plain letters, digits and signs only.";
        return;
      }
      field.value = "";
      form.hidden = true;
      document.body.classList.remove("asking");
      resolve();
    };
  });
}

function keep(given) {
  if (!SENDABLE.test(given)) return false;
  known = given;
  try {
    sessionStorage.setItem(KEY, given);
  } catch {
    // a browser that stores nothing for this page: the token is asked for again after a reload
  }
  return true;
}

function stored() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // it was not encoded, and holds a per cent sign
  }
}

if (!fromAddress()) known = stored();

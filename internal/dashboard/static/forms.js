// Forms: what was typed is never lost, whether the server restarts, the session ends or
// somebody else was quicker. Every form works without this.
"use strict";
(() => {
  const storage = (() => { try { return sessionStorage; } catch { return null; } })(); // a browser may refuse it to frames
  const forms = (root, more = "") => root.querySelectorAll("main form[method=post]" + more);
  const keepable = (field) => field.name && !/^(password|file|submit|button)$/.test(field.type) && !/secret|authorization/.test(field.name);
  const fieldsOf = (form) => [...form.elements].filter(keepable);

  // A form is sent by htmx, so that its page stays until there is an answer.
  const boost = (form) => {
    const how = { "hx-boost": "true", "hx-target": "#main", "hx-select": "#main", "hx-swap": "outerHTML show:window:top", "hx-push-url": "false", "hx-disabled-elt": "find button", "hx-disinherit": "*" };
    for (const [name, value] of Object.entries(how)) form.setAttribute(name, value);
  };

  // What was typed is kept for the same person on the same page, in this tab alone.
  const keyOf = (form) => "peal:" + JSON.stringify([document.body.dataset.who, location.pathname + location.search.replace(/[?&]done=[^&]*/, ""), form.getAttribute("action")]);
  const keep = (form) => {
    const typed = fieldsOf(form).map((f) => [f.name, f.type === "checkbox" || f.type === "radio" ? [f.value, f.checked] : f.value]);
    try { storage?.setItem(keyOf(form), JSON.stringify(typed)); } catch { /* it is full: the page itself still has it */ }
  };
  const forget = (form) => storage?.removeItem(keyOf(form));
  const restore = (form) => {
    let typed = null;
    try { typed = JSON.parse(storage?.getItem(keyOf(form)) ?? "null"); } catch { forget(form); }
    if (!typed) return false;
    let changed = false;
    for (const field of fieldsOf(form)) {
      const at = typed.findIndex(([name, value]) => name === field.name && (!Array.isArray(value) || value[0] === field.value));
      if (at < 0) continue;
      const [[, value]] = typed.splice(at, 1);
      const property = Array.isArray(value) ? "checked" : "value";
      const wanted = Array.isArray(value) ? value[1] : value;
      if (field[property] === wanted) continue;
      field[property] = wanted; // also the revision that it began with, so that a newer one is noticed
      changed = true;
    }
    return changed;
  };

  const trouble = (text) => {
    const box = document.getElementById("trouble");
    if (!box) return;
    box.replaceChildren();
    if (!text) return;
    const said = document.createElement("p");
    said.className = "notice bad";
    said.textContent = text;
    box.append(said);
  };
  const words = (name) => document.getElementById("trouble")?.dataset[name];

  for (const form of forms(document, ":not([hx-post])")) boost(form);
  for (const form of forms(document, ":not([data-forget])")) {
    if (!form.querySelector("[aria-invalid=true]") && restore(form)) {
      const kept = document.getElementById("kept");
      kept.hidden = false;
      kept.querySelector("button").addEventListener("click", () => { forget(form); form.reset(); kept.hidden = true; });
    }
  }
  const typed = (event) => {
    const form = event.target.form;
    if (form && form.method === "post" && form.closest("main") && form.dataset.forget === undefined) keep(form);
  };
  document.addEventListener("input", typed);
  document.addEventListener("change", typed);

  // Typing that was done before this listened is kept at the latest when it is sent.
  const touched = (form) => fieldsOf(form).some((f) => (f.type === "checkbox" || f.type === "radio" ? f.checked !== f.defaultChecked : "defaultValue" in f && f.value !== f.defaultValue));
  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt } = event.detail;
    if (elt.matches("main form[hx-boost]:not([data-forget])") && touched(elt)) keep(elt);
  });

  const boostNew = (within) => {
    for (const form of within.querySelectorAll("form[method=post]:not([hx-post]):not([hx-boost])")) {
      boost(form);
      htmx.process(form);
    }
  };
  document.addEventListener("peal:part", (event) => boostNew(event.target));
  document.addEventListener("htmx:load", (event) => {
    const main = event.target;
    if (main.id !== "main") return;
    boostNew(main);
    (main.querySelector("[aria-invalid=true]") || main).focus();
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { xhr, elt } = event.detail;
    if (xhr.status !== 401 || elt.matches("form") || !elt.closest("form")) return;
    event.preventDefault(); // the preview of a form does not take it away from who types
    trouble(words("ended"));
  });
  document.addEventListener("htmx:sendError", () => trouble(words("unreachable")));
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (requestConfig.target.id !== "main" || xhr.getResponseHeader("HX-Reselect") || xhr.responseText.includes('id="main"')) return;
    event.detail.shouldSwap = false; // what answered is not our page: a proxy, for one
    trouble(words("answer").replace("{status}", xhr.status));
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, elt, successful } = event.detail;
    if (xhr.status && !xhr.getResponseHeader("HX-Reselect") && xhr.status < 500) { // it is back
      if (words("unreachable") === document.getElementById("trouble")?.textContent) trouble("");
    }
    if (successful && elt.matches("form[hx-boost]")) forget(elt);
  });
})();

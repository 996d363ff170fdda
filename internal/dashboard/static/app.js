// Small helpers; every page works without them.
"use strict";
(() => {
  const say = (text) => { const said = document.getElementById("said"); if (said) said.textContent = text; };

  const ago = () => {
    for (const time of document.querySelectorAll("time[data-ago]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - new Date(time.dateTime)) / 1000));
      const pattern = time.dataset.pattern || (time.dataset.pattern = time.textContent);
      if (!/\d/.test(pattern) || seconds < 1) continue;
      const amount = seconds < 60 ? seconds + " s" : seconds < 3600 ? Math.floor(seconds / 60) + " min" : seconds < 172800 ? Math.floor(seconds / 3600) + " h" : "";
      if (amount) time.textContent = pattern.replace(/\d+ (s|min|h)\b/, amount);
    }
    for (const left of document.querySelectorAll("[data-until]")) {
      const seconds = Math.max(0, Math.round((new Date(left.dataset.until) - Date.now()) / 1000));
      const two = (n) => String(n).padStart(2, "0");
      left.textContent = (seconds >= 3600 ? Math.floor(seconds / 3600) + ":" : "") + two(Math.floor(seconds / 60) % 60) + ":" + two(seconds % 60);
    }
  };

  // A delivery that is pending: the page is loaded again once its state has changed.
  const state = document.querySelector("[data-state]");
  if (state) {
    const look = setInterval(async () => {
      if (document.hidden) return;
      const answer = await fetch(location.href).catch(() => null);
      if (!answer || !answer.ok) return;
      const now = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-state]");
      if (now && now.dataset.state === state.dataset.state) return;
      clearInterval(look);
      location.reload();
    }, 3000);
  }

  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      const from = document.getElementById(copy.dataset.copy);
      navigator.clipboard.writeText(from.value ?? from.textContent).then(() => say(copy.dataset.copied || "✓"));
      const word = copy.textContent;
      copy.textContent = copy.dataset.copied || "✓";
      setTimeout(() => { copy.textContent = word; }, 1500);
    }
    if (event.target.closest("[data-theme-toggle]")) {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      document.cookie = "peal_theme=" + root.dataset.theme + "; path=/; max-age=31536000; samesite=lax";
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // A search over a list of choices.
  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-search]")) return;
    const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const label of document.querySelectorAll("#" + event.target.dataset.search + " label")) {
      label.hidden = !words.every((word) => label.textContent.toLowerCase().includes(word));
    }
  });

  // A live list: rows are put on top as they come.
  for (const list of document.querySelectorAll("[data-live]")) {
    const source = new EventSource(list.dataset.live);
    source.addEventListener("row", (event) => {
      const holder = document.createElement("template");
      holder.innerHTML = event.data;
      for (const row of holder.content.querySelectorAll("tr")) {
        document.getElementById(row.id)?.remove();
        row.classList.add("new");
        list.prepend(row);
        while (list.rows.length > 100) list.deleteRow(-1);
      }
      const empty = document.getElementById("nothing");
      if (empty) empty.hidden = true;
    });
    addEventListener("pagehide", () => source.close());
  }

  // Where a visit of the portal ended in a frame, the page around it can give a new link.
  if (document.body.dataset.ended !== undefined && parent !== window) parent.postMessage({ peal: "session-ended" }, "*");

  ago();
  setInterval(ago, 1000);

  // The zones that can be chosen, as the browser knows them.
  document.getElementById("zone")?.addEventListener("focus", () => {
    const zones = document.getElementById("zones");
    for (const name of Intl.supportedValuesOf?.("timeZone") ?? []) zones.append(new Option(name));
  }, { once: true });
})();

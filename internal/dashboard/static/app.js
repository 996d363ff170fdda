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

  // A page listens to its stream while it is seen: a hidden one takes no connection from others.
  const follow = (address, hear) => {
    let source = null;
    const close = () => { source?.close(); source = null; };
    const open = () => {
      if (source || document.hidden) return;
      source = new EventSource(address);
      for (const [name, heard] of Object.entries(hear)) source.addEventListener(name, heard);
    };
    const turn = () => { if (document.hidden) close(); else open(); };
    document.addEventListener("visibilitychange", turn);
    addEventListener("pagehide", close);
    addEventListener("pageshow", turn);
    open();
    return () => { close(); document.removeEventListener("visibilitychange", turn); removeEventListener("pageshow", turn); };
  };
  const elementsOf = (html) => {
    const holder = document.createElement("template");
    holder.innerHTML = html;
    return holder.content;
  };

  // A live list: rows are put on top as they come.
  for (const list of document.querySelectorAll("[data-live]")) {
    const row = (event) => {
      for (const row of elementsOf(event.data).querySelectorAll("tr")) {
        document.getElementById(row.id)?.remove();
        row.classList.add("new");
        list.prepend(row);
        while (list.rows.length > 100) list.deleteRow(-1);
      }
      const empty = document.getElementById("nothing");
      if (empty) empty.hidden = true;
    };
    follow(list.dataset.live, { row });
  }

  // A live page: a part that has changed is replaced. What has the focus keeps it and what is
  // unfolded stays so. A part in use waits: with marked text, a pressed button or a form under way.
  for (const page of document.querySelectorAll("[data-follow]")) {
    const waiting = new Map();
    const bare = (part) => { // without what this script and forms.js change
      const copy = part.cloneNode(true);
      for (const time of copy.querySelectorAll("time")) { time.textContent = ""; delete time.dataset.pattern; }
      for (const form of copy.querySelectorAll("form")) for (const { name } of [...form.attributes]) if (name.startsWith("hx-")) form.removeAttribute(name);
      for (const details of copy.querySelectorAll("details")) details.open = false;
      return copy;
    };
    const inUse = (part) => {
      const marked = getSelection();
      return part.matches(":active") || part.querySelector(".htmx-request") || (!marked.isCollapsed && marked.containsNode(part, true));
    };
    const put = (part) => {
      const old = document.getElementById(part.id);
      if (!old || bare(old).isEqualNode(bare(part))) return true;
      if (inUse(old)) return false;
      const all = (within, what) => [...within.querySelectorAll(what)];
      const like = (one) => one.href || one.textContent;
      const same = (within, one) => all(within, "a, button, summary").filter((other) => like(other) === like(one));
      const on = old.contains(document.activeElement) ? document.activeElement : null;
      const place = on ? same(old, on).indexOf(on) : 0;
      all(part, "details").forEach((one, i) => { one.open = all(old, "details")[i]?.open ?? one.open; });
      const scrolled = all(old, ".scroll").map((one) => one.scrollLeft);
      old.replaceWith(part);
      all(part, ".scroll").forEach((one, i) => { one.scrollLeft = scrolled[i] ?? 0; });
      part.dispatchEvent(new Event("peal:part", { bubbles: true }));
      if (on) (same(part, on)[place] ?? same(part, on)[0] ?? document.getElementById("main")).focus({ preventScroll: true });
      return true;
    };
    const look = () => { for (const [id, part] of waiting) if (put(part)) waiting.delete(id); };
    const part = (event) => {
      const next = elementsOf(event.data).firstElementChild;
      if (next) waiting.set(next.id, next);
      look();
    };
    const stop = follow(page.dataset.follow, { part, end: () => stop() });
    setInterval(() => { if (page.isConnected) look(); else stop(); }, 250);
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

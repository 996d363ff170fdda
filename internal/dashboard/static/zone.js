// Notes the browser's time zone, in which the server then writes every time. It runs before
// anything is drawn: a page that came in another zone is asked for again, unseen.
"use strict";
(() => {
  const shown = document.documentElement.dataset.zone; // missing where the page cannot be asked for again
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const secure = location.protocol === "https:";
  const cookie = (secure ? "__Host-" : "") + "peal_zone=" + zone;
  const kept = () => document.cookie.split("; ").includes(cookie);
  if (!zone || kept()) return;
  const keep = (how) => { document.cookie = cookie + "; path=/; max-age=31536000; " + how; };
  keep("samesite=lax" + (secure ? "; secure" : ""));
  if (!kept() && secure) keep("samesite=none; secure; partitioned"); // in a frame of another site
  if (kept() && shown !== undefined && shown !== zone) location.reload();
})();

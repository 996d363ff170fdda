// Package dashboard serves the web pages: to operators for every tenant, to tenants for their own.
//
// Pages are rendered on the server from the templates in templates/, with the texts of texts/, one
// file for each language, and the styles of static/look.css. There is no build step: static/app.js
// has a few small helpers, static/htmx.min.js is htmx as published by its authors. No page needs an
// exception in its Content-Security-Policy: there are no inline scripts, no inline styles and no
// other hosts.
//
// # How to add a page
//
//  1. A route in routes.go: method, path, what it needs (see, change, operate), handler.
//  2. A handler: func (d *Dashboard) name(c *call) error. It reads
//     with d.Store and d.Engine for c.tenant, and ends with c.page("name", title, data)
//     or c.redirect. An error that it returns becomes a page; a *[peal.Error] with a
//     Field belongs to a form, see formFaults.
//  3. A template templates/name.html that defines "content". Its dot is the page: .Data
//     is the handler's data, $.CanChange and other fields control what to show. Parts that
//     several pages share are in templates/parts.html.
//  4. Every text by key: {{t "webhooks.title"}}, {{t "problem.since" "time" .Since}},
//     {{tn "count.attempts" .Attempts}}; the keys in every file of texts/. New fails when
//     a template asks for a key that is missing, and a test compares the languages.
//  5. A row in the menu, see frame.go, and one in the tests' list of pages.
//
// A part of a page that htmx asks for (call.isPart) is rendered by c.part("template", data).
package dashboard

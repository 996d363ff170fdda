package dashboard

import "strings"

// notice returns the report of the last action, chosen by the parameter done of the address. Text
// from an address never appears on a page.
func (c *call) notice() string {
	done := c.r.URL.Query().Get("done")
	if done == "" || strings.Contains(done, ".") || !c.texts.has("done."+done) {
		return ""
	}
	return c.texts.get("done." + done)
}

package dashboard

import "strings"

// notices are what a page may say after something was done, by the parameter done of
// its address: no text of an address ever gets into a page.
func (c *call) notice() string {
	done := c.r.URL.Query().Get("done")
	if done == "" || strings.Contains(done, ".") || !c.texts.has("done."+done) {
		return ""
	}
	return c.texts.get("done." + done)
}
